/* SPDX-License-Identifier: MIT */
/* `ork worker`: the process that calls functions of scripts. */
#ifndef ORK_SCRIPT_WORKER_H
#define ORK_SCRIPT_WORKER_H
#include <stdbool.h>

/* Was this process started as a worker (exec/worker/spawn.c), and not by a person? */
bool ork_worker_is(int argc, char **argv);
int ork_worker_main(int argc, char **argv); /* returns the exit code */
#endif
