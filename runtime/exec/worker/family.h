/* SPDX-License-Identifier: MIT */
#ifndef ORK_EXEC_WORKER_FAMILY_H
#define ORK_EXEC_WORKER_FAMILY_H
#include <sys/types.h>

/* Kills all that a worker's functions started and that still lives, also what left its session: the worker is a
 * subreaper, so each becomes its child when its parent is gone. It is stopped, or is the caller. Makes system calls
 * only: may be called in a signal handler. */
void ork_family_end(pid_t worker);

/* The same when the worker is gone and was not asked: its processes have `mark` ("NAME=value") in their environment.
 * One that was started without it (env -i) in a session of its own is not found. */
void ork_family_sweep(const char *mark);
#endif
