/* SPDX-License-Identifier: MIT */
#ifndef ORK_BASE_PID_H
#define ORK_BASE_PID_H
#include <stdbool.h>
#include <stdint.h>

/* No process of this machine has that number, or one that has ended and nobody has waited for. What cannot be told
 * counts as there. */
bool ork_pid_gone(int64_t pid);
#endif
