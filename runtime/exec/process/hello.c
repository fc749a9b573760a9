/* SPDX-License-Identifier: MIT */
/* What a client tells once: who it is, and the world its tasks run in: environment, directory, file mode mask, limits.
 * Ork's own settings and secrets (ORK_*, DATABASE_URL) stay here. */
#include "exec/process/client.h"
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* umask(2) can only be read by changing it, which other threads would see. */
static uint32_t read_umask(void)
{
    char line[256];
    unsigned mask = 022;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    }
    if (f)
        fclose(f);
    return mask;
}

static void put_limits(struct ork_wr *w)
{
    ork_wr_u32(w, RLIM_NLIMITS);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};

        if (getrlimit((__rlimit_resource_t)i, &l) < 0)
            l.rlim_cur = l.rlim_max = RLIM_INFINITY;
        ork_wr_u64(w, l.rlim_cur);
        ork_wr_u64(w, l.rlim_max);
    }
}

static bool passes(const char *var)
{
    return strncmp(var, "ORK_", 4) != 0 && strncmp(var, "DATABASE_URL=", 13) != 0;
}

static void put_env(struct ork_wr *w)
{
    size_t at = w->len;
    uint32_t n = 0;

    ork_wr_u32(w, 0);
    for (char **e = environ; e && *e; e++) {
        if (passes(*e)) {
            ork_wr_str(w, *e);
            n++;
        }
    }
    memcpy(w->data + at, &n, sizeof n);
}

void ork_client_hello(const struct ork_agent *a, struct ork_wr *w)
{
    ork_wr_begin(w, ORK_F_HELLO);
    ork_wr_u32(w, ORK_PROTO);
    ork_wr_u32(w, a->o.jobs);
    ork_wr_u64(w, a->o.seq);
    ork_wr_str(w, ork_version());
    ork_wr_u32(w, read_umask());
    put_limits(w);
    ork_wr_str(w, a->cwd);
    put_env(w);
    ork_wr_end(w);
}
