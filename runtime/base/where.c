/* SPDX-License-Identifier: MIT */
#include "base/where.h"
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool ork_where_from(char out[PATH_MAX])
{
    static const char deleted[] =
        " (deleted)"; /* replaced since, by a newer version: what belongs to it is in the same place */
    char line[PATH_MAX + 128];
    uintptr_t here = (uintptr_t)ork_where_from, from, to;
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "re");

    while (f && !found && fgets(line, sizeof line, f)) {
        int at = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %n", &from, &to, &at) < 2 || here < from ||
            here >= to)
            continue;
        line[strcspn(line, "\n")] = '\0';
        size_t n = strlen(line);
        if (n > sizeof deleted && strcmp(line + n - (sizeof deleted - 1), deleted) == 0)
            line[n - (sizeof deleted - 1)] = '\0';
        found = at > 0 && line[at] == '/' && strlen(line + at) < PATH_MAX;
        if (found)
            strcpy(out, line + at);
    }
    if (f)
        (void)fclose(f);
    return found;
}
