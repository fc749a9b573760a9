/* SPDX-License-Identifier: MIT */
/* `executor`: "inline", or a table of ork.executor: who carries the task out. Of the latter the task keeps its name,
 * how often it is polled and whether it can cancel; the functions are the script's. */
#include "task.h"
#include <string.h>

#define EVERY_MS 5000 /* between two polls, where nothing is said */

/* What ork.executor made: lua/ork/executor.lua has checked it. */
static bool is_executor(lua_State *L, int idx)
{
    bool is = lua_type(L, idx) == LUA_TTABLE && luaL_getmetafield(L, idx, "__name") == LUA_TSTRING;
    if (!is)
        return false;
    is = strcmp(lua_tostring(L, -1), "ork.executor") == 0;
    lua_pop(L, 1);
    return is;
}

static void read_own(struct ork_lua_reader *r, struct ork_lua_task *t, int idx)
{
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    size_t at = b->len;
    int top = lua_gettop(L);
    lua_getfield(L, idx, "name");
    lua_getfield(L, idx, "every_ms");
    lua_getfield(L, idx, "cancel");
    t->executor = lua_tostring(L, top + 1);
    t->has_work = true;
    ork_lua_buf_addf(b, "{%s\"every_ms\":%lld,\"executor\":\"%s\"}", lua_isnil(L, top + 3) ? "" : "\"cancel\":true,",
                     (long long)luaL_optinteger(L, top + 2, EVERY_MS), t->executor);
    t->wait = (struct ork_lua_span){at, b->len - at};
    lua_settop(L, top);
    ork_lua_has_function(r);
}

void ork_lua_read_executor(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    static const char *const words[] = {"inline", NULL};
    bool near = lua_type(r->L, idx) == LUA_TSTRING && ork_suggest(lua_tostring(r->L, idx), words);
    if (is_executor(r->L, idx)) {
        t->has_executor = true;
        read_own(r, t, idx);
    } else if (lua_type(r->L, idx) == LUA_TSTRING && strcmp(lua_tostring(r->L, idx), "inline") == 0) {
        t->has_executor = true;
    } else {
        ork_lua_bad(r, path,
                    near ? "did you mean \"inline\"?" : "ork.executor(name, { start = …, poll = … }) makes one",
                    "wants \"inline\" or an ork.executor, got %s", ork_lua_shown(r->L, idx));
    }
}

void ork_lua_judge_executor(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    static const char *const none[] = {"grace",    "keep_children", "pool", "queue_timeout",
                                       "isolated", "resources",     NULL};
    if (t->has_run || t->has_wait || t->has_python || t->has_library)
        ork_lua_bad(r, "executor", "make two tasks of it", "stands beside `%s`; a task does one thing",
                    t->has_run      ? "run"
                    : t->has_wait   ? "wait"
                    : t->has_python ? "python"
                                    : "library");
    for (size_t i = 0; none[i]; i++) {
        if (ork_lua_says(r, none[i]))
            ork_lua_bad(r, none[i], NULL,
                        "is of no use to a task of an executor: it has no process here and takes no slot");
    }
    if (t->command.len == 0) {
        if (t->cwd.len > 0)
            ork_lua_bad(r, "cwd", NULL, "is for `command`");
        if (t->env.len > 0)
            ork_lua_bad(r, "env", NULL, "is for `command`");
        t->default_cwd = t->default_env = NULL;
    }
    int64_t timeout_ms = t->spec.timeout_ms;
    struct ork_retry_spec retry = t->spec.retry;
    ork_lua_wait_alone(r, t);
    t->spec.timeout_ms = timeout_ms; /* it works, so what `defaults` say of these is for it, too */
    t->spec.retry = retry;
    t->spec.executor = ORK_EXEC_WAIT;
}
