/* SPDX-License-Identifier: MIT */
/* w:task and w:finally: the option table becomes canonical JSON and a struct ork_task_spec, and goes to the core at
 * once. What stays in Lua is a handle: the workflow and a number. This is the path that 100,000 tasks take: no table is
 * made, no tree; the buffers are the context's. */
#include "python.h"
#include "each.h"
#include "ref.h"
#include "sub.h"
#include "task.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct handle {
    struct ork_lua_def *def; /* borrowed: the user value keeps it */
    uint32_t no;
};

/* ---- depends_on ---- */

static void depend_on(struct ork_lua_reader *r, uint32_t no, int idx, const char *path)
{
    lua_State *L = r->L;
    const struct handle *h = ork_lua_is(L, idx, r->ctx->task_mt);
    if (h && h->def == r->def) {
        ork_workflow_depend(r->def->w, no, h->no);
        ork_lua_numbers_add(&r->ctx->deps, h->no);
    } else if (h) {
        ork_lua_bad(r, path, NULL, "names task `%s` of another workflow, `%s`",
                    ork_workflow_task_name(h->def->w, h->no), ork_workflow_name(h->def->w));
    } else if (lua_type(L, idx) == LUA_TSTRING) {
        size_t n;
        const char *s = ork_lua_read_text(r, idx, path, &n);
        uint32_t known;
        if (s && n > 0)
            ork_workflow_depend_name(r->def->w, no, s, n);
        if (s && n > 0 && ork_workflow_find(r->def->w, s, n, &known) == 0)
            ork_lua_numbers_add(&r->ctx->deps, known);
        if (s && n == 0)
            ork_lua_bad(r, path, NULL, "names no task: the text is empty");
    } else if (ork_lua_is(L, idx, r->ctx->ref_mt)) {
        ork_lua_bad(r, path, "name the task itself, or use the reference in an option: that is a dependency too",
                    "is a reference, not a task");
    } else {
        ork_lua_bad(r, path, NULL, "wants a task, the name of one, or a list of them, got %s", ork_lua_shown(L, idx));
    }
}

static void read_depends_on(struct ork_lua_reader *r, uint32_t no)
{
    lua_State *L = r->L;
    lua_Integer n;
    char way[300];
    lua_pushliteral(L, "depends_on");
    lua_rawget(L, r->options);
    int idx = lua_gettop(L);
    if (lua_type(L, idx) == LUA_TTABLE) {
        if (ork_lua_read_list(r, idx, "depends_on", "a task, the name of one, or a list of them", &n)) {
            for (lua_Integer i = 1; i <= n; i++) {
                lua_rawgeti(L, idx, i);
                depend_on(r, no, idx + 1, ork_lua_path_index(way, "depends_on", i));
                lua_pop(L, 1);
            }
        }
    } else if (!lua_isnil(L, idx) && !(lua_isboolean(L, idx) && !lua_toboolean(L, idx))) {
        depend_on(r, no, idx, "depends_on");
    }
    lua_settop(L, idx - 1);
}

/* ---- adding ---- */

static void add_key(struct ork_lua_buf *out, const char *key)
{
    ork_lua_buf_adds(out, out->len > 1 ? ",\"" : "\"");
    ork_lua_buf_adds(out, key);
    ork_lua_buf_adds(out, "\":");
}

static void add_span(struct ork_lua_reader *r, const char *key, struct ork_lua_span span, const char *otherwise)
{
    struct ork_lua_buf *out = &r->ctx->text;
    if (span.len == 0 && !otherwise)
        return;
    add_key(out, key);
    if (span.len > 0)
        ork_lua_buf_add(out, r->ctx->values.data + span.at, span.len);
    else
        ork_lua_buf_adds(out, otherwise);
}

/* by the bits ORK_LUA_ON_* */
static const char *const handlers[] = {"on_cancel", "on_failure", "on_success"};

/* The params of the task in the context's text: keys in the order of bytes. */
static void write_params(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    struct ork_lua_buf *out = &r->ctx->text;
    ork_lua_buf_clear(out);
    ork_lua_buf_addc(out, '{');
    add_span(r, "command", t->command, NULL);
    add_span(r, "cwd", t->cwd, t->default_cwd);
    if (t->deferred_timeout_ms > 0) {
        add_key(out, "deferred_timeout_ms");
        ork_lua_buf_addf(out, "%lld", (long long)t->deferred_timeout_ms);
    }
    add_span(r, "each", t->each, NULL);
    add_span(r, "env", t->env, t->default_env);
    if (t->grace_ms >= 0) {
        add_key(out, "grace_ms");
        ork_lua_buf_addf(out, "%lld", (long long)t->grace_ms);
    }
    if (t->handlers) {
        const char *before = "[";
        add_key(out, "handlers");
        for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
            if (!(t->handlers & 1u << i))
                continue;
            ork_lua_buf_addf(out, "%s\"%s\"", before, handlers[i]);
            before = ",";
        }
        ork_lua_buf_addc(out, ']');
    }
    if (t->isolated) {
        add_key(out, "isolated");
        ork_lua_buf_adds(out, "true");
    }
    add_span(r, "library_path", t->library, NULL);
    if (t->cpu_ms > 0 || t->memory > 0) {
        add_key(out, "resources");
        ork_lua_buf_addc(out, '{');
        if (t->cpu_ms > 0)
            ork_lua_buf_addf(out, "\"cpu_ms\":%lld%s", (long long)t->cpu_ms, t->memory > 0 ? "," : "");
        if (t->memory > 0)
            ork_lua_buf_addf(out, "\"memory\":%lld", (long long)t->memory);
        ork_lua_buf_addc(out, '}');
    }
    add_span(r, t->whole_inputs ? "task_binding" : "task_bindings", t->inputs, NULL);
    add_span(r, "task_file", t->task_file, NULL);
    add_span(r, "task_function", t->task_function, NULL);
    add_span(r, "task_module", t->task_module, NULL);
    add_span(r, "wait", t->wait, NULL);
    add_span(r, "when", t->when, NULL);
    if (t->sub) {
        add_key(out, "workflow");
        ork_lua_buf_addf(out, "\"%s\"", ork_workflow_name(t->sub->w)); /* a name needs no escapes */
    }
    ork_lua_buf_addc(out, '}');
    t->spec.params = out->data;
    t->spec.params_len = out->len;
    if (t->when.len > 0)
        t->spec.flags |= ORK_TASK_HAS_WHEN;
    if (t->each.len > 0)
        t->spec.flags |= ORK_TASK_EACH;
    if (t->handlers)
        t->spec.flags |= ORK_TASK_HANDLERS;
}

static char *write_signature(const struct ork_lua_task *t)
{
    char *text = NULL;
    ork_err err;
    if (!t->input_type && !t->output_type && !t->hints)
        return NULL;
    json_t *s = t->hints ? json_copy(t->hints) : json_object();
    if (t->input_type)
        json_object_set(s, "input_type", t->input_type);
    if (t->output_type)
        json_object_set(s, "output_type", t->output_type);
    if (ork_json_text(s, &text, NULL, &err) < 0)
        text = NULL;
    json_decref(s);
    return text;
}

static bool holds(const struct ork_lua_numbers *sorted, uint32_t task)
{
    size_t low = 0, high = sorted->len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (sorted->items[mid] == task)
            return true;
        if (sorted->items[mid] < task)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool has_when(const struct ork_lua_def *d, uint32_t task)
{
    return holds(&d->conditional, task);
}

bool ork_lua_def_is_mapped(const struct ork_lua_def *d, uint32_t task)
{
    return holds(&d->mapped, task);
}

bool ork_lua_def_spares(const struct ork_lua_def *d, uint32_t task)
{
    return holds(&d->sparing, task);
}

/* Under all_success a task after branches is skipped as soon as one of them is. */
static void warn_of_join(struct ork_lua_reader *r, const struct ork_lua_task *t)
{
    const struct ork_lua_def *d = r->def;
    uint32_t first = UINT32_MAX;
    if (t->spec.rule != ORK_RULE_ALL_SUCCESS || d->conditional.len < 2)
        return;
    for (size_t i = 0; i < r->ctx->deps.len; i++) {
        uint32_t dep = r->ctx->deps.items[i];
        if (dep == first || !has_when(d, dep))
            continue;
        if (first == UINT32_MAX) {
            first = dep;
            continue;
        }
        char text[600];
        snprintf(text, sizeof text,
                 "task `%s` waits for several tasks with `when` (`%.150s`, `%.150s`) and is skipped unless all of "
                 "them ran",
                 r->name, ork_workflow_task_name(d->w, first), ork_workflow_task_name(d->w, dep));
        struct ork_lua_problem *p = ork_lua_problem_add(r->def, "EDEF", r->place.file, r->place.line, text);
        if (p) {
            ork_lua_problem_place(p, r->call, r->name, NULL,
                                  "a join after branches wants trigger_rule = \"none_failed\"");
            ork_lua_problem_warn(r->def, p);
        }
        return;
    }
}

/* A name that cannot be is noted like any other mistake of a script, which is read to its end: until then the task
 * has a name that nobody writes. A program that defines its own workflows gets the error where it is. */
static int add_under_any_name(struct ork_lua_reader *r, struct ork_lua_task *t, uint32_t *no, ork_err *err)
{
    char name[32];
    int rc = ork_workflow_add(r->def->w, &t->spec, no, err);
    if (!r->def->scripted || (rc != ORK_EDEF && rc != ORK_EEXIST))
        return rc;
    (void)ork_lua_problem_add(r->def, "EDEF", r->place.file, r->place.line, err->msg);
    snprintf(name, sizeof name, "__%u__", ork_workflow_task_count(r->def->w));
    t->spec.name = name;
    t->spec.name_len = strlen(name);
    rc = ork_workflow_add(r->def->w, &t->spec, no, err);
    t->spec.name = r->name;
    t->spec.name_len = strlen(r->name);
    return rc;
}

static int add_task(struct ork_lua_reader *r, struct ork_lua_task *t, uint32_t *no, ork_err *err)
{
    write_params(r, t);
    char *signature = write_signature(t);
    t->spec.signature = signature;
    t->spec.signature_len = signature ? strlen(signature) : 0;
    t->spec.file = ork_lua_def_file(r->def, r->place.file);
    t->spec.line = r->place.line;
    int rc = add_under_any_name(r, t, no, err);
    ork_free(signature);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->ctx->deps.len; i++)
        ork_workflow_depend(r->def->w, *no, r->ctx->deps.items[i]);
    if (t->output_type)
        ork_lua_def_add_output(r->def, *no, json_incref(t->output_type));
    else if (t->sub && t->sub->returns)
        ork_lua_def_add_output(r->def, *no, json_incref(t->sub->returns));
    r->def->has_inline |= t->spec.executor == ORK_EXEC_INLINE;
    if (t->when.len > 0)
        ork_lua_numbers_add(&r->def->conditional, *no);
    if (t->each.len > 0)
        ork_lua_numbers_add(&r->def->mapped, *no);
    if (t->each_spares)
        ork_lua_numbers_add(&r->def->sparing, *no);
    if (t->spec.pool)
        ork_lua_def_use_pool(r->def, t->spec.pool, t->spec.pool_slots, *no);
    return 0;
}

/* `run` is kept under the task's number, as most have only that; others under number and option ("3 wait.poll"), which
 * is also the way to it in the table. */
void ork_lua_keep_function(lua_State *L, int workflow, int idx, lua_Integer number, const char *way)
{
    const char *dot = strchr(way, '.');
    int top = lua_gettop(L);

    lua_pushlstring(L, way, dot ? (size_t)(dot - way) : strlen(way));
    lua_rawget(L, idx);
    if (dot && lua_istable(L, -1)) {
        lua_pushstring(L, dot + 1);
        lua_rawget(L, -2);
    }
    if (lua_isfunction(L, -1)) {
        if (lua_getiuservalue(L, workflow, 1) != LUA_TTABLE) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -1);
            lua_setiuservalue(L, workflow, 1);
        }
        lua_insert(L, -2); /* functions function */
        if (strcmp(way, "run") == 0) {
            lua_rawseti(L, -2, number);
        } else {
            lua_pushfstring(L, "%I %s", (LUAI_UACINT)number, way);
            lua_insert(L, -2);
            lua_rawset(L, -3);
        }
    }
    lua_settop(L, top);
}

void ork_lua_has_function(struct ork_lua_reader *r)
{
    if (!r->def->scripted)
        json_object_set_new(r->def->options, "functions", json_string("inline"));
}

static void push_handle(lua_State *L, struct ork_lua_def *def, uint32_t no)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 1);
    *h = (struct handle){def, no};
    lua_pushvalue(L, 1); /* the workflow */
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, ORK_LUA_TASK);
}

/* Calls that cannot be meant; they raise. */
static struct ork_lua_def *check_call(lua_State *L, const char *method)
{
    struct ork_lua_def *def = ork_lua_def_check(L, 1, method);
    if (lua_type(L, 2) == LUA_TTABLE)
        ork_lua_raise(L, "`%s` wants the name first: workflow:%s(\"name\", { … })", method, method);
    if (lua_type(L, 2) != LUA_TSTRING)
        ork_lua_raise(L, "`%s` wants a name, got %s", method, lua_isnoneornil(L, 2) ? "none" : ork_lua_shown(L, 2));
    if (lua_type(L, 3) != LUA_TTABLE && !lua_isnoneornil(L, 3))
        ork_lua_raise(L, "`%s` wants a table of options after the name, got %s", method, ork_lua_shown(L, 3));
    if (lua_gettop(L) > 3)
        ork_lua_raise(L, "`%s` takes a name and a table of options, got %d arguments", method, lua_gettop(L) - 1);
    if (def->judged)
        ork_lua_raise(L, "workflow `%s` is complete: it was started or checked; define its tasks before",
                      ork_workflow_name(def->w));
    return def;
}

/* A function is called in a worker, which loads the script again; of a program that defines it itself, in that
 * program. Folder and environment are theirs. */
static void judge_function(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    if (t->command.len > 0)
        ork_lua_bad(r, "run", "make two tasks of it", "stands beside `command`; a task does one thing");
    if (t->cwd.len > 0)
        ork_lua_bad(r, "cwd", "the function can pass one to ctx.exec", "is for `command`, not for a function");
    if (t->env.len > 0)
        ork_lua_bad(r, "env", "the function can pass one to ctx.exec", "is for `command`, not for a function");
    t->default_cwd = t->default_env = NULL;
    t->spec.executor = r->def->scripted && !t->has_executor ? ORK_EXEC_LUA : ORK_EXEC_INLINE;
}

static const char *other_work(const struct ork_lua_task *t)
{
    return t->has_run ? "run" : t->has_python ? "python" : t->command.len > 0 ? "command" : NULL;
}

static void judge_library(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    if (other_work(t))
        ork_lua_bad(r, "library", "make two tasks of it", "stands beside `%s`; a task does one thing", other_work(t));
    if (t->cwd.len > 0)
        ork_lua_bad(r, "cwd", NULL, "is for `command`, not for a library");
    if (t->env.len > 0)
        ork_lua_bad(r, "env", NULL, "is for `command`, not for a library");
    t->default_cwd = t->default_env = NULL;
    t->spec.executor = ORK_EXEC_LIBRARY;
}

/* `task_count = 8`: once for each of the numbers from 0 on, like ork.each over them. */
static void count_tasks(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    struct ork_lua_buf *b = &r->ctx->values;
    const size_t at = b->len;
    if (t->each.len > 0)
        ork_lua_bad(r, "task_count", "leave one out", "stands beside ork.each, which says how many there are");
    else if (t->sub || t->has_wait || t->executor)
        ork_lua_bad(r, "task_count", "write inputs = { n = ork.each{ 0, 1, 2 } }",
                    "stands beside `%s`; it is for a task that does something itself",
                    t->sub        ? "workflow"
                    : t->executor ? "executor"
                                  : "wait");
    else if (t->task_count > ORK_LUA_MOST_ITEMS)
        ork_lua_bad(r, "task_count", NULL, "takes at most %d", ORK_LUA_MOST_ITEMS);
    if (r->failed)
        return;
    ork_lua_buf_adds(b, "{\"input\":\"task_index\",\"over\":{\"const\":[");
    for (uint32_t i = 0; i < t->task_count; i++)
        ork_lua_buf_addf(b, "%s%u", i ? "," : "", i);
    ork_lua_buf_adds(b, "]},\"task_count\":true}");
    t->each = (struct ork_lua_span){at, b->len - at};
}

static void judge(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    if (t->sub)
        ork_lua_judge_workflow(r, t);
    else if (t->executor)
        ork_lua_judge_executor(r, t);
    else if (t->has_wait)
        ork_lua_judge_wait(r, t);
    else if (t->has_library)
        judge_library(r, t);
    else if (t->has_python)
        ork_lua_judge_python(r, t);
    else if (t->has_run)
        judge_function(r, t);
    if (t->has_executor && !t->executor && !ork_lua_says(r, "run") && !t->has_wait && !t->sub)
        ork_lua_bad(r, "executor", "give it run = function(input, ctx) … end", "is for a function");
    if (t->task_count)
        count_tasks(r, t);
    if (!t->has_work)
        ork_lua_bad_at(r, NULL, "give it a command = { \"program\", … }, or run = function(input, ctx) … end",
                       "it does nothing");
    if (t->finally && t->has_rule)
        ork_lua_bad(r, "trigger_rule", "leave it out", "cannot be chosen for a finally task: it always runs");
    if (t->finally)
        t->spec.rule = ORK_RULE_ALWAYS;
    ork_lua_check_inputs(r, t);
    if (t->sub) { /* checked as params when the run is made */
        json_decref(t->input_type);
        t->input_type = NULL;
    }
}

static void keep_functions(lua_State *L, const struct ork_lua_task *t, lua_Integer number)
{
    const struct {
        bool has;
        const char *way;
    } all[] = {{t->has_run, "run"},
               {t->has_poll, "wait.poll"},
               {t->has_when, "when"},
               {t->spec.retry.ask, "retries.on"},
               {t->executor != NULL, "executor.start"},
               {t->executor != NULL, "executor.poll"},
               {t->executor != NULL, "executor.cancel"}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].has && lua_istable(L, 3))
            ork_lua_keep_function(L, 1, 3, number, all[i].way);
    }
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (t->handlers & 1u << i)
            ork_lua_keep_function(L, 1, 3, number, handlers[i]);
    }
}

static int define(lua_State *L, const char *method, bool finally)
{
    struct ork_lua_ctx *ctx = lua_touserdata(L, lua_upvalueindex(1));
    struct ork_lua_def *def = check_call(L, method);
    struct ork_lua_reader r = {.L = L, .ctx = ctx, .def = def, .call = method};
    struct ork_lua_task t = def->defaults;
    uint32_t no;
    ork_err err;
    lua_settop(L, 3);
    r.name = t.spec.name = lua_tolstring(L, 2, &t.spec.name_len);
    r.options = lua_istable(L, 3) ? 3 : 0;
    ork_lua_place(L, &r.place);
    ork_lua_buf_clear(&ctx->values);
    ctx->deps.len = 0;
    t.finally = finally;
    t.has_rule = false;
    t.spec.flags |= finally ? ORK_TASK_FINALLY : 0;
    if (r.options)
        ork_lua_sub_prepare(&r, &t);
    if (r.options)
        ork_lua_task_options(&r, 3, "", &t, 0);
    judge(&r, &t);
    int rc = add_task(&r, &t, &no, &err);
    ork_lua_task_fini(&t);
    if (rc < 0)
        return ork_lua_raise(L, "%s", err.msg);
    if (r.options)
        read_depends_on(&r, no);
    keep_functions(L, &t, (lua_Integer)no + 1);
    if (t.sub && t.sub != def)
        ork_lua_sub_keep(L, def, t.sub, no);
    warn_of_join(&r, &t);
    push_handle(L, def, no);
    return 1;
}

static int workflow_task(lua_State *L) /* w:task(name, options) -> task */
{
    return define(L, "task", false);
}

static int workflow_finally(lua_State *L) /* w:finally(name, options) -> task */
{
    return define(L, "finally", true);
}

/* ---- handles ---- */

static int task_index(lua_State *L)
{
    const struct handle *h = luaL_checkudata(L, 1, ORK_LUA_TASK);
    if (lua_type(L, 2) != LUA_TSTRING)
        return ork_lua_raise(L, "task `%s` has no field %s", ork_workflow_task_name(h->def->w, h->no),
                             ork_lua_shown(L, 2));
    return ork_lua_task_field(L, h->def, h->no, lua_tostring(L, 2));
}

static int task_equal(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const struct handle *a = ork_lua_is(L, 1, ctx->task_mt), *b = ork_lua_is(L, 2, ctx->task_mt);
    lua_pushboolean(L, a && b && a->def == b->def && a->no == b->no);
    return 1;
}

static int task_tostring(lua_State *L)
{
    const struct handle *h = luaL_checkudata(L, 1, ORK_LUA_TASK);
    lua_pushfstring(L, "task `%s`", ork_workflow_task_name(h->def->w, h->no));
    return 1;
}

static int task_misuse(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const struct handle *h = luaL_checkudata(L, ork_lua_is(L, 1, ctx->task_mt) ? 1 : 2, ORK_LUA_TASK);
    return ork_lua_raise(L, "task `%s` is no value: its output is .output, its outcome .status",
                         ork_workflow_task_name(h->def->w, h->no));
}

static int task_order(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const struct handle *h = luaL_checkudata(L, ork_lua_is(L, 1, ctx->task_mt) ? 1 : 2, ORK_LUA_TASK);
    return ork_lua_raise(L, "task `%s` is ordered by no operator: a task names those before it, depends_on = { … }",
                         ork_workflow_task_name(h->def->w, h->no));
}

static int task_newindex(lua_State *L)
{
    const struct handle *h = luaL_checkudata(L, 1, ORK_LUA_TASK);
    return ork_lua_raise(L, "task `%s` cannot be changed; give its options to `task`",
                         ork_workflow_task_name(h->def->w, h->no));
}

void ork_lua_add_tasks(lua_State *L)
{
    static const luaL_Reg handle_methods[] = {{"__index", task_index},
                                              {"__newindex", task_newindex},
                                              {"__eq", task_equal},
                                              {"__tostring", task_tostring},
                                              {"__len", task_misuse},
                                              {"__pairs", task_misuse},
                                              {"__call", task_misuse},
                                              {"__concat", task_misuse},
                                              {"__lt", task_misuse},
                                              {"__shl", task_order},
                                              {"__shr", task_order},
                                              {"__le", task_misuse},
                                              {"__add", task_misuse},
                                              {"__sub", task_misuse},
                                              {"__mul", task_misuse},
                                              {"__div", task_misuse},
                                              {"__mod", task_misuse},
                                              {"__unm", task_misuse},
                                              {NULL, NULL}};
    static const luaL_Reg methods[] = {{"task", workflow_task}, {"finally", workflow_finally}, {NULL, NULL}};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    ctx->task_mt = ork_lua_metatable(L, ORK_LUA_TASK);
    luaL_setfuncs(L, handle_methods, 0);
    lua_pop(L, 1);
    lua_getfield(L, -1, "methods"); /* module methods */
    ork_lua_ctx_push(L);
    luaL_setfuncs(L, methods, 1);
    lua_pop(L, 1);
}
