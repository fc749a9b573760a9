/* SPDX-License-Identifier: MIT */
#ifndef ORK_EXEC_WORKER_FAMILY_H
#define ORK_EXEC_WORKER_FAMILY_H
#include <sys/types.h>

/* Kills all that a worker's functions started and that still lives, also what left its session: the worker is a
 * subreaper, so each becomes its child when its parent is gone. It is stopped, or is the caller. Makes system calls
 * only: may be called in a signal handler. */
void ork_family_end(pid_t worker);
#endif
