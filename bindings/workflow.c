/* SPDX-License-Identifier: MIT */
/* ork.workflow and the userdata of a workflow: its options, its params, sealing, and what loaders and drivers ask it.
 */
#include "workflow.h"
#include "ref.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the definition ---- */

struct ork_lua_def *ork_lua_def_check(lua_State *L, int idx, const char *method)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct ork_lua_def *d = ork_lua_is(L, idx, ctx->workflow_mt);
    if (!d && (lua_type(L, idx) == LUA_TSTRING || lua_type(L, idx) == LUA_TTABLE))
        ork_lua_raise(L, "`%s` belongs to a workflow: call it with a colon, workflow:%s(…)", method, method);
    if (!d)
        ork_lua_raise(L, "`%s` wants a workflow, got %s", method, ork_lua_shown(L, idx));
    return d;
}

const char *ork_lua_ref_workflow(const struct ork_lua_def *def)
{
    return ork_workflow_name(def->w);
}

const json_t *ork_lua_def_params(const struct ork_lua_def *d)
{
    return json_object_get(d->options, "params");
}

void ork_lua_def_add_output(struct ork_lua_def *d, uint32_t task, json_t *type_take)
{
    if (d->outputs_len == d->outputs_cap) {
        size_t cap = d->outputs_cap ? d->outputs_cap * 2 : 8;
        struct ork_lua_output *items = realloc(d->outputs, cap * sizeof *items);
        if (!items)
            abort();
        d->outputs = items;
        d->outputs_cap = cap;
    }
    /* Equal neighbours share one tree: a loop of tasks declares one type over and over. */
    if (d->outputs_len > 0 && json_equal(d->outputs[d->outputs_len - 1].type, type_take)) {
        json_decref(type_take);
        type_take = json_incref(d->outputs[d->outputs_len - 1].type);
    }
    d->outputs[d->outputs_len++] = (struct ork_lua_output){task, type_take};
}

const json_t *ork_lua_def_output(const struct ork_lua_def *d, uint32_t task)
{
    size_t low = 0, high = d->outputs_len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->outputs[mid].task == task)
            return d->outputs[mid].type;
        if (d->outputs[mid].task < task)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

uint32_t ork_lua_def_file(struct ork_lua_def *d, const char *file)
{
    if (!d->file || strcmp(d->file, file) != 0) {
        free(d->file);
        d->file = strdup(file);
        d->file_no = ork_workflow_file(d->w, file);
    }
    return d->file_no;
}

void ork_lua_def_use_pool(struct ork_lua_def *d, const char *pool, uint32_t slots)
{
    if (!d->pools)
        d->pools = json_object();
    if (json_integer_value(json_object_get(d->pools, pool)) < (json_int_t)slots)
        json_object_set_new(d->pools, pool, json_integer(slots));
}

void ork_lua_def_fini(struct ork_lua_def *d)
{
    ork_workflow_unref(d->w);
    json_decref(d->options);
    json_decref(d->pools);
    for (size_t i = 0; i < d->outputs_len; i++)
        json_decref(d->outputs[i].type);
    free(d->outputs);
    free(d->conditional.items);
    for (size_t i = 0; i < d->problems_len; i++) {
        struct ork_lua_problem *p = &d->problems[i];
        free(p->file);
        free(p->text);
        free(p->hint);
        free(p->call);
        free(p->name);
        free(p->path);
    }
    free(d->problems);
    ork_lua_buf_fini(&d->default_cwd);
    ork_lua_buf_fini(&d->default_env);
    for (size_t i = 0; i < d->defaults.spec.retry.codes_len; i++)
        free(d->default_codes[i]);
    free(d->default_pool);
    free(d->made_in);
    free(d->file);
    *d = (struct ork_lua_def){0};
}

static int collect(lua_State *L) /* __gc */
{
    ork_lua_def_fini(luaL_checkudata(L, 1, ORK_LUA_WORKFLOW));
    return 0;
}

/* ---- options ---- */

static void set_option(struct ork_lua_reader *r, const char *key, json_t *value)
{
    json_object_set_new(r->def->options, key, value);
}

static void read_description(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s)
        set_option(r, "description", json_stringn(s, n));
}

static void read_tags(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    lua_Integer n;
    char way[300];
    if (!ork_lua_read_list(r, idx, path, "a list of texts, such as { \"nightly\" }", &n))
        return;
    json_t *tags = json_array();
    for (lua_Integer i = 1; i <= n; i++) {
        size_t len;
        lua_rawgeti(r->L, idx, i);
        const char *s = ork_lua_read_text(r, lua_gettop(r->L), ork_lua_path_index(way, path, i), &len);
        if (s)
            json_array_append_new(tags, json_stringn(s, len));
        lua_pop(r->L, 1);
    }
    set_option(r, "tags", tags);
}

struct limits {
    uint32_t max_parallel, max_active_runs;
    int64_t run_timeout_ms;
    bool fail_fast;
};

/* What defaults borrow from the option table and the context becomes the definition's own. */
static void keep_defaults(struct ork_lua_reader *r)
{
    struct ork_lua_def *d = r->def;
    struct ork_lua_task *t = &d->defaults;
    struct ork_retry_spec *s = &t->spec.retry;
    const char *values = r->ctx->values.data;
    memcpy(d->default_exit_codes, s->exit_codes ? s->exit_codes : d->default_exit_codes,
           s->exit_codes_len * sizeof(int32_t));
    s->exit_codes = d->default_exit_codes;
    for (size_t i = 0; i < s->codes_len; i++)
        d->default_codes[i] = strdup(s->codes[i]);
    s->codes = (const char *const *)d->default_codes;
    if (t->spec.pool)
        t->spec.pool = d->default_pool = strdup(t->spec.pool);
    if (t->cwd.len > 0) {
        ork_lua_buf_add(&d->default_cwd, values + t->cwd.at, t->cwd.len);
        t->default_cwd = d->default_cwd.data;
    }
    if (t->env.len > 0) {
        ork_lua_buf_add(&d->default_env, values + t->env.at, t->env.len);
        t->default_env = d->default_env.data;
    }
    t->cwd = t->env = (struct ork_lua_span){0};
}

static void read_defaults(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    if (lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants options for its tasks, such as { retries = 2 }, got %s",
                    ork_lua_shown(r->L, idx));
        return;
    }
    ork_lua_task_options(r, idx, path, &r->def->defaults, ORK_LUA_DEFAULTS);
    r->def->defaults.has_work = false;
    keep_defaults(r);
}

#define FIELD(member) offsetof(struct limits, member)
#define LATER(word, what)                                                                                              \
    {                                                                                                                  \
        .name = word, .kind = ORK_LUA_LATER, .later = what                                                             \
    }

static const struct ork_lua_option rows[] = {
    {.name = "defaults", .read = read_defaults},
    {.name = "description", .read = read_description},
    {.name = "fail_fast", .kind = ORK_LUA_BOOL, .at = FIELD(fail_fast)},
    {.name = "max_active_runs", .kind = ORK_LUA_COUNT, .at = FIELD(max_active_runs), .least = 1, .off = true},
    {.name = "max_parallel", .kind = ORK_LUA_COUNT, .at = FIELD(max_parallel), .least = 1, .off = true},
    LATER("on_cancel", "handlers"),
    LATER("on_failure", "handlers"),
    LATER("on_success", "handlers"),
    {.name = "params", .read = ork_lua_read_params},
    LATER("retention", "clearing old runs"),
    {.name = "run_timeout", .kind = ORK_LUA_DURATION, .at = FIELD(run_timeout_ms), .off = true},
    {.name = "schedule", .read = ork_lua_read_schedule},
    {.name = "tags", .read = read_tags},
};

static void read_options(struct ork_lua_reader *r)
{
    struct limits l = {0};
    ork_lua_options(r, r->options, "", rows, sizeof rows / sizeof *rows, &l, 0);
    if (l.max_parallel)
        set_option(r, "max_parallel", json_integer(l.max_parallel));
    if (l.max_active_runs)
        set_option(r, "max_active_runs", json_integer(l.max_active_runs));
    if (l.run_timeout_ms)
        set_option(r, "run_timeout_ms", json_integer(l.run_timeout_ms));
    if (l.fail_fast)
        set_option(r, "fail_fast", json_true());
}

/* ---- making one ---- */

static void collect_workflow(lua_State *L, int idx) /* appends it to the list of the loader, if one listens */
{
    idx = lua_absindex(L, idx);
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, -1, ORK_LUA_COLLECTED);
    if (lua_istable(L, -1)) {
        lua_pushvalue(L, idx);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_pop(L, 2);
}

static int make_workflow(lua_State *L) /* ork.workflow(name[, options]) -> workflow */
{
    struct ork_lua_ctx *ctx = lua_touserdata(L, lua_upvalueindex(1));
    struct ork_lua_reader r = {.L = L, .ctx = ctx, .call = "workflow"};
    ork_err err;
    if (lua_type(L, 1) == LUA_TTABLE && lua_type(L, 2) == LUA_TSTRING)
        return ork_lua_raise(L, "`workflow` is called with a dot: ork.workflow(\"%s\", { … })", lua_tostring(L, 2));
    if (lua_type(L, 1) == LUA_TTABLE)
        return ork_lua_raise(L, "`workflow` wants the name first: ork.workflow(\"name\", { … })");
    if (lua_type(L, 1) != LUA_TSTRING)
        return ork_lua_raise(L, "`workflow` wants a name, got %s",
                             lua_isnoneornil(L, 1) ? "none" : ork_lua_shown(L, 1));
    if (lua_type(L, 2) != LUA_TTABLE && !lua_isnoneornil(L, 2))
        return ork_lua_raise(L, "`workflow` wants a table of options after the name, got %s", ork_lua_shown(L, 2));
    lua_settop(L, 2);
    const char *name = lua_tostring(L, 1);
    if (strlen(name) != lua_rawlen(L, 1))
        return ork_lua_raise(L, "the name of the workflow holds a NUL byte");
    struct ork_lua_def *d = lua_newuserdatauv(L, sizeof *d, 0);
    *d = (struct ork_lua_def){0};
    luaL_setmetatable(L, ORK_LUA_WORKFLOW);
    if (ork_workflow_new(name, &d->w, &err) < 0)
        return ork_lua_raise(L, "%s", err.msg);
    d->options = json_object();
    ork_lua_task_init(&d->defaults);
    ork_lua_place(L, &r.place);
    d->line = r.place.line;
    d->made_in = strdup(r.place.file);
    r.def = d;
    r.name = name;
    r.options = lua_istable(L, 2) ? 2 : 0;
    ork_lua_buf_clear(&ctx->values);
    ctx->deps.len = 0;
    if (r.options)
        read_options(&r);
    collect_workflow(L, 3);
    return 1;
}

/* ---- sealing ---- */

static void on_problem(void *data, const char *code, uint32_t task, const char *text)
{
    struct ork_lua_def *d = data;
    const char *file = d->made_in, *name = ork_workflow_name(d->w), *call = "workflow";
    uint32_t line = d->line;
    if (task != UINT32_MAX) {
        ork_workflow_task_place(d->w, task, &file, &line);
        name = ork_workflow_task_name(d->w, task);
        call = "task";
    }
    struct ork_lua_problem *p = ork_lua_problem_add(d, "EDEF", file, line, text);
    const char *key = strstr(code, "dependency")          ? "depends_on"
                      : strcmp(code, "trigger_rule") == 0 ? "trigger_rule"
                      : strcmp(code, "pool_slots") == 0   ? "pool"
                                                          : NULL;
    if (p)
        ork_lua_problem_place(p, call, name, key, NULL);
}

/* Pools that the script declared and this workflow uses. */
static void add_pools(lua_State *L, struct ork_lua_def *d)
{
    const char *name;
    json_t *slots, *pools = json_object();
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, -1, ORK_LUA_POOLS);
    json_object_foreach(d->pools, name, slots)
    {
        if (lua_istable(L, -1) && lua_getfield(L, -1, name) == LUA_TNUMBER)
            json_object_set_new(pools, name, json_integer(lua_tointeger(L, -1)));
        if (lua_istable(L, -2))
            lua_pop(L, 1);
    }
    lua_pop(L, 2);
    if (json_object_size(pools) > 0)
        json_object_set(d->options, "pools", pools);
    json_decref(pools);
}

void ork_lua_def_seal(lua_State *L, struct ork_lua_def *d)
{
    ork_err err;
    char *text;
    size_t n;
    if (d->judged)
        return;
    d->judged = true;
    add_pools(L, d);
    int rc = ork_json_text(d->options, &text, &n, &err);
    if (rc == 0) {
        rc = ork_workflow_options(d->w, text, n, &err);
        ork_free(text);
    }
    if (rc < 0)
        on_problem(d, "options", UINT32_MAX, err.msg);
    ork_workflow_seal(d->w, on_problem, d);
    d->sealed = d->mistakes == 0;
}

static int render(lua_State *L, int idx) /* pushes the text of all problems */
{
    idx = lua_absindex(L, idx);
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, -1, ORK_LUA_RENDER);
    if (lua_isfunction(L, -1)) {
        ork_lua_problems_push(L, lua_touserdata(L, idx));
        lua_call(L, 1, 1);
    } else {
        const struct ork_lua_def *d = lua_touserdata(L, idx);
        lua_pushfstring(L, "workflow `%s` has %d mistakes", ork_workflow_name(d->w), (int)d->mistakes);
    }
    lua_remove(L, -2);
    return 1;
}

ork_workflow *ork_lua_check_workflow(lua_State *L, int idx)
{
    struct ork_lua_def *d = ork_lua_def_check(L, idx, "run");
    ork_lua_def_seal(L, d);
    if (!d->sealed) {
        render(L, idx);
        lua_error(L);
    }
    return d->w;
}

static int workflow_validate(lua_State *L) /* w:validate() -> true; raises all that is wrong */
{
    ork_lua_def_check(L, 1, "validate");
    ork_lua_check_workflow(L, 1);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- what loaders ask ---- */

static int core_seal(lua_State *L) /* core.seal(w) -> problems; a second call gives the same */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "seal");
    ork_lua_def_seal(L, d);
    ork_lua_problems_push(L, d);
    return 1;
}

static int core_problems(lua_State *L) /* core.problems(w) -> problems so far */
{
    ork_lua_problems_push(L, ork_lua_def_check(L, 1, "problems"));
    return 1;
}

static int core_source(lua_State *L) /* core.source(w, table, dir) -> true | nil, message, code */
{
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "source");
    const char *dir = luaL_optstring(L, 3, NULL);
    ork_err err;
    ork_lua_buf_clear(&ctx->text);
    int rc = ork_lua_json_write(L, 2, "source", &ctx->text, &err);
    if (rc == 0)
        rc = ork_workflow_source(d->w, ctx->text.data, ctx->text.len, dir, &err);
    if (rc < 0)
        return ork_lua_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int core_hash(lua_State *L) /* core.hash(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "hash");
    char hash[65];
    ork_err err;
    if (ork_workflow_hash(d->w, hash, &err) < 0)
        return ork_lua_fail(L, &err);
    lua_pushstring(L, hash);
    return 1;
}

static int push_owned(lua_State *L, int rc, char *text, size_t n, const ork_err *err)
{
    if (rc < 0)
        return ork_lua_fail(L, err);
    lua_pushlstring(L, text, n);
    ork_free(text);
    return 1;
}

static int core_tasks_json(lua_State *L) /* core.tasks_json(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "tasks_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_workflow_tasks_json(d->w, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_plan_json(lua_State *L) /* core.plan_json(w) -> text | nil, message, code */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "plan_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_workflow_plan_json(d->w, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_options_json(lua_State *L) /* core.options_json(w) -> text, as it will be stored */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "options_json");
    char *text = NULL;
    size_t n = 0;
    ork_err err;
    int rc = ork_json_text(d->options, &text, &n, &err);
    return push_owned(L, rc, text, n, &err);
}

static int core_task_name(lua_State *L) /* core.task_name(w, i) -> name, file, line | nil; i from 1 */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "task_name");
    lua_Integer i = luaL_checkinteger(L, 2);
    const char *file;
    uint32_t line;
    if (i < 1 || i > (lua_Integer)ork_workflow_task_count(d->w))
        return 0;
    ork_workflow_task_place(d->w, (uint32_t)i - 1, &file, &line);
    lua_pushstring(L, ork_workflow_task_name(d->w, (uint32_t)i - 1));
    lua_pushstring(L, file);
    lua_pushinteger(L, line);
    return 3;
}

static int core_task_count(lua_State *L)
{
    lua_pushinteger(L, ork_workflow_task_count(ork_lua_def_check(L, 1, "task_count")->w));
    return 1;
}

static int core_workflow_place(lua_State *L) /* core.workflow_place(w) -> file, line */
{
    struct ork_lua_def *d = ork_lua_def_check(L, 1, "place");
    lua_pushstring(L, d->made_in);
    lua_pushinteger(L, d->line);
    return 2;
}

static int core_is_workflow(lua_State *L)
{
    lua_pushboolean(L, ork_lua_is(L, 1, ork_lua_ctx_get(L)->workflow_mt) != NULL);
    return 1;
}

static int set_uservalue(lua_State *L, int n) /* (value) -> the one before */
{
    lua_settop(L, 1);
    ork_lua_ctx_push(L);
    lua_getiuservalue(L, 2, n);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, n);
    return 1;
}

static int core_collect(lua_State *L) /* core.collect(list | nil): workflows made from now on are appended to it */
{
    return set_uservalue(L, ORK_LUA_COLLECTED);
}

static int core_on_problems(lua_State *L) /* core.on_problems(function(problems) -> text) */
{
    return set_uservalue(L, ORK_LUA_RENDER);
}

static int core_pools(lua_State *L) /* core.pools(table | nil): the declared pools from now on */
{
    return set_uservalue(L, ORK_LUA_POOLS);
}

static int make_pool(lua_State *L) /* ork.pool(name, slots) -> name */
{
    if (lua_type(L, 1) != LUA_TSTRING || lua_rawlen(L, 1) == 0)
        return ork_lua_raise(L, "ork.pool wants a name and its slots: ork.pool(\"db\", 4)");
    int whole = 0;
    lua_Integer slots = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &whole) : 0;
    if (!whole || slots < 1 || slots > INT32_MAX)
        return ork_lua_raise(L, "ork.pool: `%s` wants a whole number of slots, 1 or more, got %s", lua_tostring(L, 1),
                             ork_lua_shown(L, 2));
    ork_lua_ctx_push(L);
    if (lua_getiuservalue(L, -1, ORK_LUA_POOLS) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -4, ORK_LUA_POOLS);
    }
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TNUMBER && lua_tointeger(L, -1) != slots)
        return ork_lua_raise(L, "pool `%s` was declared with %d slots before", lua_tostring(L, 1),
                             (int)lua_tointeger(L, -1));
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, slots);
    lua_rawset(L, -3);
    lua_settop(L, 1);
    return 1;
}

/* ---- the userdata ---- */

static int unknown_field(lua_State *L, const struct ork_lua_def *d, const char *key, int methods)
{
    static const char *const later[] = {"debug", "returns", "on_success", "on_failure", "on_cancel", NULL};
    const char *words[64];
    size_t n = 0;
    for (size_t i = 0; later[i]; i++)
        if (strcmp(later[i], key) == 0)
            return ork_lua_raise(L, "workflow:%s comes with a later version", key);
    words[n++] = "name";
    words[n++] = "params";
    for (lua_pushnil(L); lua_next(L, methods) && n < 63; lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            words[n++] = lua_tostring(L, -2);
    words[n] = NULL;
    const char *near = ork_suggest(key, words);
    if (near)
        return ork_lua_raise(L, "workflow `%s` has no field `%s`; did you mean `%s`?", ork_workflow_name(d->w), key,
                             near);
    return ork_lua_raise(L, "workflow `%s` has no field `%s`", ork_workflow_name(d->w), key);
}

static int workflow_index(lua_State *L) /* upvalue 1: methods */
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return ork_lua_raise(L, "workflow `%s` has no field %s", ork_workflow_name(d->w), ork_lua_shown(L, 2));
    const char *key = lua_tostring(L, 2);
    if (strcmp(key, "name") == 0)
        lua_pushstring(L, ork_workflow_name(d->w));
    else if (strcmp(key, "params") == 0)
        ork_lua_ref_params(L, d, 1);
    else
        return unknown_field(L, d, key, lua_upvalueindex(1));
    return 1;
}

static int workflow_newindex(lua_State *L)
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    return ork_lua_raise(L, "workflow `%s` cannot be changed; give its options to ork.workflow",
                         ork_workflow_name(d->w));
}

static int workflow_tostring(lua_State *L)
{
    struct ork_lua_def *d = luaL_checkudata(L, 1, ORK_LUA_WORKFLOW);
    lua_pushfstring(L, "workflow `%s`", ork_workflow_name(d->w));
    return 1;
}

void ork_lua_add_workflows(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", collect}, {"__newindex", workflow_newindex}, {"__tostring", workflow_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"pool", make_pool},
                                         {"seal", core_seal},
                                         {"problems", core_problems},
                                         {"source", core_source},
                                         {"hash", core_hash},
                                         {"tasks_json", core_tasks_json},
                                         {"plan_json", core_plan_json},
                                         {"options_json", core_options_json},
                                         {"task_name", core_task_name},
                                         {"task_count", core_task_count},
                                         {"workflow_place", core_workflow_place},
                                         {"is_workflow", core_is_workflow},
                                         {"collect", core_collect},
                                         {"on_problems", core_on_problems},
                                         {"pools", core_pools},
                                         {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    luaL_setfuncs(L, functions, 0);
    ork_lua_ctx_push(L);
    lua_pushcclosure(L, make_workflow, 1);
    lua_setfield(L, -2, "workflow");
    lua_newtable(L); /* module methods */
    lua_pushcfunction(L, workflow_validate);
    lua_setfield(L, -2, "validate");
    ctx->workflow_mt = ork_lua_metatable(L, ORK_LUA_WORKFLOW); /* module methods mt */
    luaL_setfuncs(L, meta, 0);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, workflow_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_setfield(L, -2, "methods");
}
