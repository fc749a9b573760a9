/* SPDX-License-Identifier: MIT */
/* Does another program hold the SQLite file? Every `ork` waits for that, and says so after some seconds; this names the
 * one to look at. The locks are those of SQLite's file format: one byte of FILE-shm for whoever writes, a range of the
 * file itself for whoever wants it alone.
 *
 * Looked at before the file is opened: closing any descriptor of a file drops all locks that a process has on it. */
#include "engine/doctor.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRITER_BYTE 120          /* in FILE-shm */
#define SHARED_FIRST 0x40000002L /* in FILE */
#define SHARED_SIZE 510
#define LOOKS 50 /* 20 ms apart: a commit is over in one of them */

/* The process that holds a lock in the way of one of `type`; 0: none, or the file is not there. */
static pid_t holder(const char *path, short type, off_t start, off_t len)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    pid_t pid = fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? l.l_pid : 0;

    if (fd >= 0)
        close(fd);
    return pid;
}

/* As holder(), of one that keeps it for a second. */
static pid_t keeper(const char *path, short type, off_t start, off_t len)
{
    struct timespec pause = {.tv_nsec = 20000000};
    pid_t first = holder(path, type, start, len);

    for (int i = 0; first && i < LOOKS; i++) {
        (void)nanosleep(&pause, NULL);
        if (holder(path, type, start, len) != first)
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

    if (pid <= 0) { /* a lock of an open file, or of another container */
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
    pid_t alone = keeper(path, F_RDLCK, SHARED_FIRST, SHARED_SIZE);

    ork_buf_addf(&shared, "%s-shm", path);
    pid_t writer = alone ? alone : keeper(shared.data, F_WRLCK, WRITER_BYTE, 1);
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
