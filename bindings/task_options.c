/* SPDX-License-Identifier: MIT */
/* The options of a task, as rows: what they are called, how each is read, which may stand in `defaults`. */
#include "python.h"
#include "ref.h"
#include "sub.h"
#include "task.h"
#include <jansson.h>
#include <string.h>

static void read_cwd(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    lua_State *L = r->L;
    t->default_cwd = NULL;
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx))
        return;
    if (ork_lua_is(L, idx, r->ctx->ref_mt)) {
        ork_lua_read_expr(r, idx, path, ~ORK_LUA_HAS(ORK_LUA_REF_SECRET), &t->cwd);
        return;
    }
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s && n == 0)
        ork_lua_bad(r, path, NULL, "is empty; leave it out for the script's directory");
    if (!s || n == 0)
        return;
    t->cwd = (struct ork_lua_span){r->ctx->values.len, r->ctx->scratch.len};
    ork_lua_buf_add(&r->ctx->values, r->ctx->scratch.data, r->ctx->scratch.len);
}

static void read_pool(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    lua_State *L = r->L;
    size_t n;
    char way[300];
    int top = lua_gettop(L);
    t->spec.pool = NULL;
    t->spec.pool_slots = 1;
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx))
        return;
    if (ork_lua_is(L, idx, r->ctx->ref_mt)) {
        ork_lua_bad(r, path, NULL, "named by a reference comes with a later version; give its name as a text");
        return;
    }
    if (lua_type(L, idx) == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
            if (lua_type(L, -2) == LUA_TNUMBER && lua_tointeger(L, -2) == 1)
                continue;
            if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "slots") == 0)
                ork_lua_read_count(r, lua_gettop(L), ork_lua_path(way, path, "slots"), 1, &t->spec.pool_slots);
            else
                ork_lua_bad(r, path, NULL, "wants a name or { name, slots = n }, but has the key %s",
                            ork_lua_shown(L, -2));
        }
        if (t->spec.pool_slots > UINT16_MAX)
            ork_lua_bad(r, path, NULL, "takes too many slots (at most 65535)");
        if (lua_rawgeti(L, idx, 1) == LUA_TNIL) {
            ork_lua_bad(r, path, "write `pool = \"db\"` or { \"db\", slots = 2 }", "names no pool");
            lua_settop(L, top);
            return;
        }
        idx = lua_gettop(L);
    }
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s && (n == 0 || n > 200))
        ork_lua_bad(r, path, NULL, "wants the name of a pool, 1 to 200 characters");
    else
        t->spec.pool = s; /* the option table keeps it */
    lua_settop(L, top);
}

static void read_rule(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char *const rules[] = {"all_success", "none_failed", "all_done",    "always",
                                        "all_failed",  "one_failed",  "one_success", NULL};
    struct ork_lua_task *t = out;
    t->has_rule = true;
    if (lua_type(r->L, idx) == LUA_TSTRING && strcmp(lua_tostring(r->L, idx), "none_failed_min_one_success") == 0) {
        ork_lua_bad(r, path, NULL, "\"none_failed_min_one_success\" is called \"none_failed\" here");
        return;
    }
    int word = ork_lua_read_word(r, idx, path, rules);
    if (word >= 0)
        t->spec.rule = ork_rule_parse(rules[word]);
}

static void read_input_type(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    json_decref(t->input_type); /* that of the params of a workflow */
    t->input_type = ork_lua_read_type(r, idx, path);
    if (t->input_type && !json_is_object(t->input_type)) {
        ork_lua_bad(r, path, NULL, "wants an object of fields, such as { part = \"str\" }");
        json_decref(t->input_type);
        t->input_type = NULL;
    }
}

static void read_output_type(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    ((struct ork_lua_task *)out)->output_type = ork_lua_read_type(r, idx, path);
}

/* Read after the task has its number. */
static void read_nothing(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)r, (void)idx, (void)path, (void)out;
}

static void read_keep_children(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    bool keep = false;
    if (ork_lua_read_bool(r, idx, path, &keep))
        t->spec.flags = (t->spec.flags & ~ORK_TASK_KEEP_CHILDREN) | (keep ? ORK_TASK_KEEP_CHILDREN : 0);
}

static void read_isolated(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)ork_lua_read_bool(r, idx, path, &((struct ork_lua_task *)out)->isolated);
}

static void read_run(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    t->has_work = true;
    if (lua_type(r->L, idx) == LUA_TFUNCTION) {
        t->has_run = true;
        ork_lua_check_captures(r, idx, path);
    } else
        ork_lua_bad(r, path, NULL, "wants a function, got %s", ork_lua_shown(r->L, idx));
}

static void read_library(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    size_t n;
    t->has_work = t->has_library = true;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s && n == 0)
        ork_lua_bad(r, path, NULL, "is empty; it wants the path of a shared library, such as \"parse.so\"");
    if (!s || n == 0)
        return;
    t->library = (struct ork_lua_span){r->ctx->values.len, r->ctx->scratch.len};
    ork_lua_buf_add(&r->ctx->values, r->ctx->scratch.data, r->ctx->scratch.len);
}

static void read_handler(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    if (lua_type(r->L, idx) != LUA_TFUNCTION) {
        ork_lua_bad(r, path, NULL, "wants a function(task, ctx), got %s", ork_lua_shown(r->L, idx));
        return;
    }
    t->handlers |= strcmp(path, "on_cancel") == 0    ? ORK_LUA_ON_CANCEL
                   : strcmp(path, "on_failure") == 0 ? ORK_LUA_ON_FAILURE
                                                     : ORK_LUA_ON_SUCCESS;
    ork_lua_check_captures(r, idx, path);
    ork_lua_has_function(r);
}

#define FIELD(member) offsetof(struct ork_lua_task, member)
#define LATER(word, what)                                                                                              \
    {                                                                                                                  \
        .name = word, .kind = ORK_LUA_LATER, .later = what                                                             \
    }
#define LATER_WORK(word, what)                                                                                         \
    {                                                                                                                  \
        .name = word, .kind = ORK_LUA_LATER, .later = what, .work = true                                               \
    }

static const struct ork_lua_option rows[] = {
    LATER("args", "arguments of a Cloud Run job"),
    {.name = "command", .read = ork_lua_read_command},
    LATER("container", "a container of a Cloud Run job"),
    {.name = "cwd", .read = read_cwd, .by_default = true},
    {.name = "deferred_timeout",
     .kind = ORK_LUA_DURATION,
     .at = FIELD(deferred_timeout_ms),
     .off = true,
     .by_default = true},
    {.name = "depends_on", .read = read_nothing},
    {.name = "env", .read = ork_lua_read_env, .by_default = true},
    {.name = "executor", .read = ork_lua_read_executor},
    {.name = "grace", .kind = ORK_LUA_DURATION, .at = FIELD(grace_ms), .by_default = true},
    {.name = "input_type", .read = read_input_type},
    {.name = "inputs", .read = ork_lua_read_inputs},
    {.name = "isolated", .read = read_isolated, .by_default = true},
    LATER_WORK("job", "a Cloud Run job"),
    {.name = "keep_children", .read = read_keep_children, .by_default = true},
    {.name = "library", .read = read_library},
    {.name = "max_lost", .kind = ORK_LUA_COUNT, .at = FIELD(spec.max_lost), .off = true, .by_default = true},
    {.name = "on_cancel", .read = read_handler},
    {.name = "on_failure", .read = read_handler},
    {.name = "on_success", .read = read_handler},
    {.name = "output_type", .read = read_output_type},
    {.name = "pool", .read = read_pool, .by_default = true},
    {.name = "priority", .kind = ORK_LUA_INT, .at = FIELD(spec.priority), .by_default = true},
    LATER("project", "the project of a Cloud Run job"),
    {.name = "python", .read = ork_lua_read_python},
    {.name = "queue_timeout",
     .kind = ORK_LUA_DURATION,
     .at = FIELD(spec.queue_timeout_ms),
     .off = true,
     .by_default = true},
    LATER("reads", "up-to-date checks on files"),
    LATER("region", "the region of a Cloud Run job"),
    {.name = "resources", .read = ork_lua_read_resources, .by_default = true},
    {.name = "retries", .read = ork_lua_read_retries, .by_default = true},
    {.name = "run", .read = read_run},
    {.name = "task_count", .kind = ORK_LUA_COUNT, .at = FIELD(task_count), .least = 1},
    {.name = "timeout", .kind = ORK_LUA_DURATION, .at = FIELD(spec.timeout_ms), .off = true, .by_default = true},
    {.name = "trigger_rule", .read = read_rule, .by_default = true},
    {.name = "wait", .read = ork_lua_read_wait},
    {.name = "when", .read = ork_lua_read_when},
    {.name = "workflow", .read = ork_lua_read_workflow},
    LATER("writes", "up-to-date checks on files"),
};
#define ROWS (sizeof rows / sizeof *rows)

void ork_lua_task_init(struct ork_lua_task *t)
{
    *t = (struct ork_lua_task){.grace_ms = -1};
    t->spec.max_lost = 3;
    t->spec.pool_slots = 1;
    t->spec.retry.delay_ms = -1;
    t->spec.retry.factor = 1;
    t->spec.rule = ORK_RULE_ALL_SUCCESS;
}

void ork_lua_task_fini(struct ork_lua_task *t)
{
    json_decref(t->input_type);
    json_decref(t->output_type);
    json_decref(t->each_type);
    json_decref(t->hints);
    t->hints = NULL;
    t->input_type = t->output_type = t->each_type = NULL;
}

void ork_lua_task_options(struct ork_lua_reader *r, int idx, const char *path, struct ork_lua_task *t, unsigned flags)
{
    uint64_t seen = ork_lua_options(r, idx, path, rows, ROWS, t, flags);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].work && (seen & 1ull << i))
            t->has_work = true; /* it was refused by name; "does nothing" would be a second message */
}
