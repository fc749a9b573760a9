/* SPDX-License-Identifier: MIT */
/* A stopped process holds its locks, so nobody takes its runs; what waits for it would wait without a word. */
#include "engine/owner.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool is_here(const ork_engine *e, const char *host, int64_t pid)
{
    return pid > 0 && (!host || strcmp(host, e->host) == 0);
}

bool ork_owner_stopped(const ork_engine *e, const char *host, int64_t pid)
{
    char path[64], line[512];

    if (!is_here(e, host, pid))
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    const char *name_end = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    (void)fclose(f);
    return name_end && (name_end[1] == ' ') && (name_end[2] == 'T' || name_end[2] == 't');
}

bool ork_owner_process_seen(const ork_engine *e, const char *host, int64_t pid)
{
    return is_here(e, host, pid) && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}
