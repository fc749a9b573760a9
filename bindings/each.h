/* SPDX-License-Identifier: MIT */
/* ork.each and ork.product among the inputs of a task. */
#ifndef ORK_BINDINGS_EACH_H
#define ORK_BINDINGS_EACH_H
#include "options.h"
#include "ref.h"
#include "task.h"

#define ORK_LUA_EACH "ork.each"
#define ORK_LUA_PRODUCT "ork.product"
#define ORK_LUA_MOST_ITEMS 100000 /* ORK_FAN_MAX of the core, told before the run where it is known */

/* The each at idx, which is the input `name`: its JSON is appended to ctx->values, tasks it refers to are added to
 * ctx->deps. *type: of an element, owned; NULL unknown. false: mistakes were added. */
bool ork_lua_read_each(struct ork_lua_reader *r, int idx, const char *name, const char *path, struct ork_lua_span *out,
                       struct json_t **type, bool *spares);
#endif
