/* SPDX-License-Identifier: MIT */
#ifndef ORK_BINDINGS_CATALOG_H
#define ORK_BINDINGS_CATALOG_H
#include "engine.h"
#include <stdbool.h>

extern const luaL_Reg ork_lua_catalog_methods[]; /* of an engine: bindings/catalog.c */
void ork_lua_add_catalog(lua_State *L);          /* core.diff, to the module table on top [-0, +0, m] */
extern const luaL_Reg ork_lua_serve_methods[];   /* of an engine: bindings/serve.c */
void ork_lua_add_serve(lua_State *L);            /* core.log, core.notify, core.schedule_fires … [-0, +0, m] */

/* A document that an engine made: pushes it, as text or as a table, and frees it; on a failure nil, message, code.
 * Returns how many values. (bindings/read.c) */
int ork_lua_push_document(lua_State *L, struct ork_lua_engine *e, int status, char *document, const ork_err *read,
                          bool as_text);
#endif
