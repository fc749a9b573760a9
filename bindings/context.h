/* SPDX-License-Identifier: MIT */
/* What the definition side keeps per Lua state. The context is a userdata in the registry and upvalue 1 of the
 * functions that define; its user values hold the Lua values below. */
#ifndef ORK_BINDINGS_CONTEXT_H
#define ORK_BINDINGS_CONTEXT_H
#include "lua_util.h"
#include <stdbool.h>

struct ork_lua_numbers {
    uint32_t *items; /* owned */
    size_t len, cap;
};
void ork_lua_numbers_add(struct ork_lua_numbers *v, uint32_t x);

struct ork_lua_ctx {
    const void *workflow_mt, *task_mt, *ref_mt, *list_mt, *each_mt,
        *product_mt;             /* identities of the metatables, which the registry keeps */
    struct ork_lua_buf values;   /* JSON of the options being read, one behind the other */
    struct ork_lua_buf text;     /* a text being put together */
    struct ork_lua_buf scratch;  /* for one value; nobody keeps it across a call */
    struct ork_lua_numbers deps; /* tasks that the options being read refer to */
    struct json_t *str_type, *int_type, *any_type, *maybe_str_type;
    struct ork_lua_python *python; /* owned; NULL until a task is a Python function (python_look.c) */
    int32_t exit_codes[64];        /* of the retries being read */
    const char *codes[64];         /* borrowed from the option table on the stack */
    char own[256];                 /* chunk names of lua/ork begin so; "" none */
    size_t own_len;
    bool calling;                   /* of a worker: functions are called, no script is loaded */
    struct ork_lua_engine *engines; /* open; each takes itself out (inline.c) */
    struct {
        double soft_ms, hard_ms; /* of the coroutine that runs; hard 0: none is limited */
        lua_Hook before;         /* called first; NULL none */
        bool over;
    } limit; /* limit.c */
};

/* user values of the context */
enum {
    ORK_LUA_COLLECTED = 1,
    ORK_LUA_RENDER,
    ORK_LUA_POOLS,
    ORK_LUA_BEFORE_SEAL,
    ORK_LUA_SETS,
    ORK_LUA_USERVALUES = ORK_LUA_SETS
};

#define ORK_LUA_WORKFLOW "ork.workflow"
#define ORK_LUA_TASK "ork.task"
#define ORK_LUA_REF "ork.ref"
#define ORK_LUA_LIST "ork.list"

struct ork_lua_ctx *ork_lua_ctx_new(lua_State *L); /* makes and registers it; leaves it on the stack [-0, +1, m] */
struct ork_lua_ctx *ork_lua_ctx_get(lua_State *L); /* from the registry [-0, +0, -] */
void ork_lua_ctx_push(lua_State *L);               /* the userdata [-0, +1, -] */
/* A metatable registered under `name` that __index cannot look behind; returns its identity. [-0, +1, m] */
const void *ork_lua_metatable(lua_State *L, const char *name);
/* Has the value at idx this metatable? The quick form of luaL_testudata. [-0, +0, -] */
void *ork_lua_is(lua_State *L, int idx, const void *mt);

/* Names of files: ork.core.files(dir) -> list. (files.c) */
int ork_lua_files(lua_State *L);

/* The time of functions that are tasks. (limit.c) */
int ork_lua_limit(lua_State *L);
int ork_lua_unlimit(lua_State *L);
double ork_lua_mono_ms(void);

/* what each file adds to the module table on top of the stack [-0, +0, m] */
void ork_lua_add_json(lua_State *L);
void ork_lua_add_refs(lua_State *L);
void ork_lua_add_each(lua_State *L);
void ork_lua_add_tasks(lua_State *L);
void ork_lua_add_workflows(lua_State *L);
void ork_lua_add_loading(lua_State *L);
#endif
