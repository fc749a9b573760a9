/* SPDX-License-Identifier: MIT */
/* Fifos in the folder of a test, by which tasks and the test wait for each other. A task waits with `read x <NAME` and
 * tells with `echo TEXT >NAME`. */
#ifndef TEST_LIB_GATE_H
#define TEST_LIB_GATE_H
#include "engine/lib_engine.h"

void gate_make(const char *names); /* separated by blanks */
void gate_open(
    const char *name); /* lets the one who waits there go on; blocks until somebody does: it must be running */
void gate_hear(struct world *w, const char *name,
               const char *expected); /* the line a task tells; drives the engine meanwhile */
void gate_gone(int pid);              /* waits until that process is no more */
#endif
