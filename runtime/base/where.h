/* SPDX-License-Identifier: MIT */
/* Where this code was loaded from. */
#ifndef ORK_BASE_WHERE_H
#define ORK_BASE_WHERE_H
#include <limits.h>
#include <stdbool.h>

/* The file that this code (program or module) was mapped from; false without /proc. The kernel is asked: the loader
 * knows a program by its argv[0] and a module by what `require` made of a search path, both of which may be relative to
 * a folder that is not the current one any more. */
bool ork_where_from(char out[PATH_MAX]);
#endif
