/* SPDX-License-Identifier: MIT */
/* The userdata of an engine, and the method tables that other files give it. */
#ifndef ORK_BINDINGS_ENGINE_H
#define ORK_BINDINGS_ENGINE_H
#include "loop.h"
#include "lua_util.h"
#include <stdbool.h>
#include <uv.h>

struct ork_lua_engine {
    ork_engine *engine;          /* owned; NULL once closed */
    uv_loop_t *loop;             /* borrowed from the state, which keeps it longer */
    int on_change;               /* registry reference to the Lua callback; LUA_NOREF none */
    int on_news;                 /* the same */
    struct ork_lua_engine *next; /* of the open ones of this state */
    unsigned driven;             /* calls on the C stack that run functions of this program */
    bool close_later;            /* one of those functions closed it */
};

/* Around a call that may run functions of this program: one of them may close the engine, which then happens at the
 * end. [-0, +0, -] */
void ork_lua_drive(struct ork_lua_engine *e);
void ork_lua_driven(lua_State *L, struct ork_lua_engine *e);

/* The engine at idx, open; callbacks it causes run in L from now on. Raises "the database is closed". [-0, +0, e] */
struct ork_lua_engine *ork_lua_check_engine(lua_State *L, int idx);

/* An argument that is JSON text made of the table at idx; nil or none: NULL. The text is on the stack. [-0, +1, e] */
const char *ork_lua_arg_json(lua_State *L, int idx, const char *what);

void ork_lua_add_definition(
    lua_State *L); /* to the module table on top of the stack (bindings/definition.c) [-0, +0, m] */

/* core.inline: what calls functions as tasks (bindings/inline.c). */
int ork_lua_inline_open(lua_State *L); /* pushes the namespace [-0, +1, m] */
/* An engine was opened, its userdata is on top of the stack; or is about to be closed. [-0, +0, m] */
void ork_lua_inline_add(lua_State *L, struct ork_lua_engine *e);
void ork_lua_inline_remove(lua_State *L, struct ork_lua_engine *e);
void ork_lua_inline_closed(lua_State *L, struct ork_lua_engine *e); /* [-0, +0, -] */
/* The workflow at idx is about to be started, or sealed (without an engine); with run_id: it was started. Its functions
 * can be called. [-0, +0, e] */
void ork_lua_inline_learn(lua_State *L, int idx, struct ork_lua_engine *e, const char *run_id);

extern const luaL_Reg ork_lua_run_methods[];  /* bindings/run.c */
extern const luaL_Reg ork_lua_read_methods[]; /* bindings/read.c */
#endif
