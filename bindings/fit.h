/* SPDX-License-Identifier: MIT */
/* Types of values that only the run knows. */
#ifndef ORK_BINDINGS_FIT_H
#define ORK_BINDINGS_FIT_H
#include "ref.h"
#include "task.h"

/* What the reference gives to a task of that trigger rule; owned, NULL unknown. */
struct json_t *ork_lua_ref_type(const struct ork_lua_ref *ref, int rule);
/* Of a list with a value per item of a task (ref->items): what one of its elements is. Optional where it is an output,
 * as an item may have none; not where the task waits for the success of all of them (rule, ref->whole). Owned, NULL
 * unknown. */
struct json_t *ork_lua_ref_item_type(const struct ork_lua_ref *ref, int rule);
#endif
