/* SPDX-License-Identifier: MIT */
/* The names of all zones below a folder, for suggestions only. */
#ifndef ORK_ENGINE_ZONES_TREE_H
#define ORK_ENGINE_ZONES_TREE_H
#include <stdbool.h>

/* The zone below root that a wrong name probably meant; false: none is near. */
bool ork_zones_nearest(const char *root, const char *name, char out[64]);
#endif
