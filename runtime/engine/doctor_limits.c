/* SPDX-License-Identifier: MIT */
/* What this process, and so every task, may use: descriptors, processes, memory, by rlimits and by the control groups
 * above us. */
#include "engine/doctor.h"
#include "base/alloc.h"
#include "base/path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FEW_FILES 256
#define SPARE_PIDS 64 /* beside those of the tasks' own first processes */
#define LITTLE_MEMORY (128 << 20)
#define GROUPS "/sys/fs/cgroup" /* where version 2 is mounted */

static void files(struct ork_doctor *d)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) < 0)
        return;
    bool few = l.rlim_cur < FEW_FILES;
    ork_doctor_add(d, few ? ORK_FINDING_WARNING : ORK_FINDING_OK, "open files",
                   few ? "raise it where ork is started: ulimit -n 4096" : NULL, "%llu for this program and each task",
                   (unsigned long long)l.rlim_cur);
}

/* A number in a file of a control group; -1: no file, or "max". */
static int64_t group_number(const char *dir, const char *name)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = ork_path_join(dir, name);
    long long n = -1;
    FILE *f = fopen(path, "re");

    if (f && fscanf(f, "%lld", &n) != 1)
        n = -1;
    if (f)
        (void)fclose(f);
    return n;
}

/* Our control group below GROUPS, in a buffer; empty without version 2. */
static void own_group(char *out, size_t cap)
{
    char line[2048];
    FILE *f = fopen("/proc/self/cgroup", "re");

    out[0] = '\0';
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) == 0 && strlen(line) + sizeof GROUPS < cap)
            (void)snprintf(out, cap, GROUPS "%s", line + 3);
    }
    if (f)
        (void)fclose(f);
}

struct room {
    int64_t pids, memory; /* left; INT64_MAX unlimited */
};

static void narrow(int64_t *least, int64_t max, int64_t used)
{
    if (max >= 0 && used >= 0 && max - used < *least)
        *least = max > used ? max - used : 0;
}

/* The narrowest of our group and all above it. */
static void look_at_groups(struct room *r)
{
    char dir[4096];

    own_group(dir, sizeof dir);
    while (strlen(dir) >= strlen(GROUPS)) {
        narrow(&r->pids, group_number(dir, "pids.max"), group_number(dir, "pids.current"));
        narrow(&r->memory, group_number(dir, "memory.max"), group_number(dir, "memory.current"));
        char *slash = strrchr(dir, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
}

void ork_doctor_limits(struct ork_doctor *d)
{
    struct room r = {INT64_MAX, INT64_MAX};
    struct rlimit l;
    const char *whose = "left by the control group";

    files(d);
    look_at_groups(&r);
    if (geteuid() != 0 && getrlimit(RLIMIT_NPROC, &l) == 0 && l.rlim_cur != RLIM_INFINITY &&
        (int64_t)l.rlim_cur < r.pids) {
        r.pids = (int64_t)l.rlim_cur;
        whose = "for all of this user, by ulimit -u";
    }
    if (r.pids == INT64_MAX) {
        ork_doctor_add(d, ORK_FINDING_OK, "process limit", NULL, "none found; %u tasks at a time by default", d->jobs);
    } else {
        bool tight = r.pids < (int64_t)d->jobs + SPARE_PIDS;
        ork_doctor_add(d, tight ? ORK_FINDING_WARNING : ORK_FINDING_OK, "process limit",
                       tight
                           ? "raise it (TasksMax= of the unit, --pids-limit of the container, ulimit -u), or run fewer "
                             "tasks at a time: --jobs N"
                           : NULL,
                       "%lld %s; %u tasks at a time by default", (long long)r.pids, whose, d->jobs);
    }
    if (r.memory < LITTLE_MEMORY)
        ork_doctor_add(d, ORK_FINDING_WARNING, "memory",
                       "raise the limit of the container or unit: tasks are killed first",
                       "the control group leaves room for %lld MB", (long long)(r.memory >> 20));
}
