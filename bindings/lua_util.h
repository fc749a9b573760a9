/* SPDX-License-Identifier: MIT */
/* What every file of the bindings uses: text buffers, the user's own line, errors as (nil, message, "ECODE"), JSON to
 * and from the Lua stack, workflows. One context per Lua state; nothing here is shared between states. Stack effects in
 * the manual's notation: [-popped, +pushed, raises: - never, m memory only, e anything]. */
#ifndef ORK_BINDINGS_LUA_UTIL_H
#define ORK_BINDINGS_LUA_UTIL_H
#include <lauxlib.h>
#include <lua.h>
#include <ork/ork.h>

/* ---- the module ----------------------------------------------------------------------------- */

int luaopen_ork_core(lua_State *L);
/* Adds the functions that drive runs to the module table on top of the stack. [-0, +0, e] (bindings/engine.c) */
int ork_lua_engine(lua_State *L);
void ork_lua_add_background(lua_State *L); /* background. [-0, +0, m] (bindings/detach.c) */
void ork_lua_add_copy(lua_State *L);       /* copy. [-0, +0, m] (bindings/copy.c) */
void ork_lua_add_doctor(lua_State *L);     /* doctor, versions, lua_release. [-0, +0, m] (bindings/doctor.c) */

/* ---- text buffers --------------------------------------------------------------------------- */

struct ork_lua_buf {
    char *data; /* owned; NUL-terminated once something was added, else NULL */
    size_t len, cap;
};
void ork_lua_buf_fini(struct ork_lua_buf *b);
void ork_lua_buf_clear(struct ork_lua_buf *b); /* keeps the memory */
void ork_lua_buf_add(struct ork_lua_buf *b, const void *p, size_t n);
void ork_lua_buf_adds(struct ork_lua_buf *b, const char *s);
void ork_lua_buf_addc(struct ork_lua_buf *b, char c);
void ork_lua_buf_addf(struct ork_lua_buf *b, const char *fmt, ...) ORK_PRINTF(2, 3);

/* ---- errors --------------------------------------------------------------------------------- */

/* Where the innermost line of the user's own code is; own files of lua/ork do not count. */
struct ork_lua_place {
    const char *file; /* "pipeline.lua"; valid while the function is on the Lua stack; "?" when nobody is there */
    uint32_t line;    /* 0: unknown */
    char text[LUA_IDSIZE];
};
void ork_lua_place(lua_State *L, struct ork_lua_place *out); /* [-0, +0, -] */

/* An operation that failed: pushes nil, message, "ECODE" and returns 3. [-0, +3, m] */
int ork_lua_fail(lua_State *L, const ork_err *err);
/* A call that cannot be meant: raises "file:line: text" at the user's line. */
int ork_lua_raise(lua_State *L, const char *fmt, ...) ORK_PRINTF(2, 3) __attribute__((noreturn));

/* ---- values --------------------------------------------------------------------------------- */

struct json_t;
/* The Lua value at idx as canonical JSON text, appended to out; raises nothing. Refuses functions, cycles, holes, NaN,
 * bytes that are not UTF-8 and references, naming the place: "<root>.parts[2]: …". out may hold a part of the text
 * after an error. */
int ork_lua_json_write(lua_State *L, int idx, const char *root, struct ork_lua_buf *out,
                       ork_err *err) ORK_MUSTCHECK; /* [-0, +0, m] */
/* Pushes a value: objects as tables without their null fields, lists as tables with the list mark, null as ork.null.
 * [-0, +1, m] */
void ork_lua_json_push(lua_State *L, const struct json_t *value);
/* The same from text. Pushes nothing on an error. */
int ork_lua_json_push_text(lua_State *L, const char *text, size_t len, ork_err *err) ORK_MUSTCHECK;

/* ---- workflows ------------------------------------------------------------------------------ */

/* The workflow at idx, sealed: everything that is wrong with it is raised together, a line each. Borrowed: valid while
 * the userdata lives; take a reference to keep it. [-0, +0, e] */
ork_workflow *ork_lua_check_workflow(lua_State *L, int idx);
#endif
