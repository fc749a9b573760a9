/* SPDX-License-Identifier: MIT */
#ifndef ORK_EXEC_WORKER_SPAWN_H
#define ORK_EXEC_WORKER_SPAWN_H
#include <ork/ork.h>

struct ork_worker_start {
    const char *program; /* path of `ork` */
    int socket, page;    /* its ends; the caller's stay open */
    int output;          /* its stdout and stderr */
    uint32_t memory_mb;
    char *mark; /* "NAME=value", in its environment and that of all it starts */
};
/* Starts `ork worker` as the leader of a session and process group of its own, which ends with this process. *pid_fd
 * (close-on-exec, the caller's) is readable when it has ended. */
int ork_worker_spawn(const struct ork_worker_start *s, int *pid, int *pid_fd, ork_err *err) ORK_MUSTCHECK;
#endif
