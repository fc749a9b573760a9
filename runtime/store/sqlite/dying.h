/* SPDX-License-Identifier: MIT */
/* Processes that were killed and are not gone yet. Any thread. */
#ifndef ORK_STORE_SQLITE_DYING_H
#define ORK_STORE_SQLITE_DYING_H
#include <stdbool.h>
#include <stddef.h>

/* "pid start-time" of this process, which names it as long as the machine is up. */
void ork_dying_name(char *out, size_t size);
/* The process of that name is on its way out: waits until it is gone, no longer than 5 s. False at once when it lives,
 * cannot be seen from here, or the name is none. */
bool ork_dying_wait(const char *name);

#endif
