/* SPDX-License-Identifier: MIT */
/* A second process, told what to do and waited for through pipes. */
#ifndef TESTS_UNIT_STORE_LIB_CHILD_H
#define TESTS_UNIT_STORE_LIB_CHILD_H
#include "store/lib_store.h"
#include <sys/types.h>

struct child {
    pid_t pid;
    int to, from; /* ends of the parent */
};
typedef void (*child_body)(int in, int out, void *data); /* in the child; a failed assert aborts it */
struct child child_start(child_body body, void *data);
char child_wait(int fd); /* one byte, 0 at the end */
void child_tell(int fd, char byte);
int child_end(struct child *c); /* waits; exit status, or 128 + signal */
#endif
