/* SPDX-License-Identifier: MIT */
/* Fifos in the folder of a test, by which tasks and the test wait for each other. A task waits with `read x <NAME` and
 * tells with `echo TEXT >NAME`. The engine is not driven meanwhile: wait for the task's start first. */
#ifndef TEST_LIB_GATE_H
#define TEST_LIB_GATE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

void gate_make(const char *names); /* separated by blanks */
void gate_open(const char *name);  /* lets the one who waits there go on; waits until somebody does */
void gate_hear(const char *name, char *text, size_t size); /* what a task tells: all it writes until it closes */
void gate_heard(const char *name, const char *expected);
void gate_gone(int pid); /* waits until that process is no more */
#endif
