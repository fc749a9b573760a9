/* SPDX-License-Identifier: MIT */
#ifndef ORK_EXEC_PROCESS_START_H
#define ORK_EXEC_PROCESS_START_H
#include <ork/ork.h>

/* Starts `program dir` as a process of its own: no child of ours, no SIGCHLD, nothing for the host to wait for.
 * *ready_fd (close-on-exec, the caller's) gets one message about its birth, then its end: 'R' ready, 'L' another agent
 * has the lock, 'E' and a sentence. */
int ork_agent_start(const char *program, const char *dir, int *ready_fd, ork_err *err) ORK_MUSTCHECK;
#endif
