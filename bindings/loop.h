/* SPDX-License-Identifier: MIT */
/* The libuv loop of a Lua state: one, made on first use, shared by its engines and by core.loop.
 *
 * Law: a Lua error never jumps through libuv or the engine. A callback runs protected; what it raised is kept and
 * raised by the call that drove the loop, after that call returned to us. */
#ifndef ORK_BINDINGS_LOOP_H
#define ORK_BINDINGS_LOOP_H
#include <lua.h>
#include <stdbool.h>
#include <uv.h>

/* The loop of this state. From now on its callbacks run in L: call it before anything that may drive the loop. [-0, +0,
 * e] */
uv_loop_t *ork_lua_loop(lua_State *L);

/* The state in which callbacks run now, for C callbacks that get no lua_State. */
lua_State *ork_lua_loop_state(uv_loop_t *loop);

/* In a callback: calls the function below the n arguments, protected; keeps its first error. [-(n+1), +0, -] */
void ork_lua_loop_call(uv_loop_t *loop, lua_State *L, int n);

/* Callbacks run in L from now on: what ran in between may have named another, that sleeps now. [-0, +0, -] */
void ork_lua_loop_use(uv_loop_t *loop, lua_State *L);

bool ork_lua_loop_inside(const uv_loop_t *loop); /* in a callback of it? */

/* Keeps the error on top of the stack as a callback's. [-1, +0, -] */
void ork_lua_loop_keep(uv_loop_t *loop, lua_State *L);

/* After driving the loop: raises what a callback raised. [-0, +0, v] */
void ork_lua_loop_raise(lua_State *L, uv_loop_t *loop);

int ork_lua_loop_open(lua_State *L);     /* pushes the namespace core.loop */
int ork_lua_interruptible(lua_State *L); /* core.loop.interruptible and .on_interrupt (bindings/interrupt.c) */
int ork_lua_on_interrupt(lua_State *L);
int ork_lua_http_open(lua_State *L); /* pushes the namespace core.http (bindings/http.c) */
int ork_lua_process(lua_State *L);   /* core.loop.process (bindings/process.c) */
void ork_lua_process_open(lua_State *L);
int ork_lua_escape(lua_State *L);    /* core.sys.escape (bindings/escape.c) */
int ork_lua_sys_open(lua_State *L);  /* pushes the namespace core.sys */
void ork_lua_messages(lua_State *L); /* adds core.sys.messages (bindings/messages.c) [-0, +0, m] */
void ork_lua_terminal(lua_State *L); /* adds core.sys's functions about terminals (bindings/terminal.c) [-0, +0, m] */
#endif
