/* SPDX-License-Identifier: MIT */
/* Does another program hold the SQLite file? Every `ork` waits for that, and says so after some seconds; this names the
 * one to look at. The locks are those of SQLite's file format: one byte of FILE-shm for whoever writes, a range of the
 * file itself for whoever wants it alone.
 *
 * Law: the files are not opened. Closing any descriptor of a file drops all locks that this process has on it, and a
 * host program may have it open. The kernel lists all locks in /proc/locks. */
#include "engine/doctor.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define WRITER_BYTE 120         /* in FILE-shm */
#define SHARED_FIRST 0x40000002 /* in FILE */
#define LOOKS 50                /* 20 ms apart: a commit is over in one of them */

/* The process that has a lock for writing on that byte; 0: none, or the file is not there; -1: one without a name. */
static pid_t holder(const char *path, unsigned long byte)
{
    struct stat st;
    char line[256], kind[16], end[32];
    unsigned long inode, first;
    unsigned major_no, minor_no;
    int pid;
    pid_t found = 0;
    FILE *f = stat(path, &st) == 0 ? fopen("/proc/locks", "re") : NULL;

    while (f && !found && fgets(line, sizeof line, f)) {
        /* "1: POSIX  ADVISORY  WRITE 17215 fe:00:10084565 120 120" */
        if (sscanf(line, "%*d: %*s %*s %15s %d %x:%x:%lu %lu %31s", kind, &pid, &major_no, &minor_no, &inode, &first,
                   end) != 7 ||
            strcmp(kind, "WRITE") != 0 || inode != st.st_ino || pid == getpid())
            continue;
        /* Some file systems (btrfs, overlays) give stat a device of their own. */
        if (major(st.st_dev) && (major(st.st_dev) != major_no || minor(st.st_dev) != minor_no))
            continue;
        unsigned long last = strcmp(end, "EOF") == 0 ? ULONG_MAX : strtoul(end, NULL, 10);
        if (first <= byte && byte <= last)
            found = pid > 0 ? pid : -1;
    }
    if (f)
        (void)fclose(f);
    return found;
}

/* As holder(), of one that keeps it for a second. */
static pid_t keeper(const char *path, unsigned long byte)
{
    struct timespec pause = {.tv_nsec = 20000000};
    pid_t first = holder(path, byte);

    for (int i = 0; first && i < LOOKS; i++) {
        (void)nanosleep(&pause, NULL);
        if (holder(path, byte) != first)
            return 0;
    }
    return first;
}

/* "process 12 (python3)" */
static void name_process(pid_t pid, char out[64])
{
    char path[32], name[32] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");

    if (pid <= 0) { /* a lock of a descriptor, or of another container */
        (void)snprintf(out, 64, "another program");
    } else {
        if (f && fgets(name, sizeof name, f))
            name[strcspn(name, "\n")] = '\0';
        (void)snprintf(out, 64, "process %d%s%s%s", (int)pid, *name ? " (" : "", name, *name ? ")" : "");
    }
    if (f)
        (void)fclose(f);
}

bool ork_doctor_lock(struct ork_doctor *d, const char *path)
{
    char who[64], hint[128];
    struct ork_buf shared = ORK_BUF_INIT;
    pid_t alone = keeper(path, SHARED_FIRST);

    ork_buf_addf(&shared, "%s-shm", path);
    pid_t writer = alone ? alone : keeper(shared.data, WRITER_BYTE);
    ork_buf_fini(&shared);
    if (!writer)
        return true;
    name_process(writer, who);
    if (writer > 0)
        (void)snprintf(hint, sizeof hint, "end its transaction, or the program: ps %d", (int)writer);
    else
        (void)snprintf(hint, sizeof hint, "end its transaction, or the program");
    ork_doctor_add(d, ORK_FINDING_PROBLEM, "database lock", hint, "%s is locked by %s; until it lets go %s", path, who,
                   alone ? "nothing can be read or stored" : "nothing can be stored, and runs stand still");
    return !alone;
}
