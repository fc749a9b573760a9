/* SPDX-License-Identifier: MIT */
/* The tree of zones below a folder. */
#ifndef ORK_ENGINE_ZONES_TREE_H
#define ORK_ENGINE_ZONES_TREE_H
#include <stdbool.h>

/* The zone below root that a wrong name probably meant; false: none is near. */
bool ork_zones_nearest(const char *root, const char *name, char out[64]);
/* May it be a zone, or a folder of some? Names begin with a capital; posix/ and right/ hold the same zones again, and
 * what has a dot is something else. */
bool ork_zones_is_part(const char *s);
#endif
