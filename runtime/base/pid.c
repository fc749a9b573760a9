/* SPDX-License-Identifier: MIT */
#include "base/pid.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ork_pid_gone(int64_t pid)
{
    char path[64], line[512];

    if (pid <= 0)
        return false;
    (void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT;
    const char *name_end = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    (void)fclose(f);
    return name_end && name_end[1] == ' ' && strchr("ZX", name_end[2]);
}
