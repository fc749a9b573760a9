/* SPDX-License-Identifier: MIT */
#ifndef ORK_BASE_MODULE_H
#define ORK_BASE_MODULE_H

/* Where NAME.so of this installation is, around the program or the Lua module, as the agent is (exec/find.c). NULL:
 * nowhere. Owned by the caller. */
char *ork_module_find(const char *name);
#endif
