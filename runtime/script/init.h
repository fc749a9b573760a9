/* SPDX-License-Identifier: MIT */
/* `ork` as the first process of a container. */
#ifndef ORK_SCRIPT_INIT_H
#define ORK_SCRIPT_INIT_H

/* As PID 1: goes on in a child, whose end is this process's, and returns there only. Any other process: returns at
 * once. Before anything else is begun (threads, descriptors). */
void ork_init_take_over(void);
#endif
