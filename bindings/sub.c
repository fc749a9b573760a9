/* SPDX-License-Identifier: MIT */
/* The idea is told in sub.h. A task keeps the other workflow by its own; sealing one seals what it runs, and their
 * definitions become part of its options, so nothing can be added to them afterwards. */
#include "sub.h"
#include "ref.h"
#include "workflow.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ork_lua_def *option(struct ork_lua_reader *r)
{
    lua_pushliteral(r->L, "workflow");
    lua_rawget(r->L, r->options);
    struct ork_lua_def *d = ork_lua_is(r->L, -1, r->ctx->workflow_mt);
    lua_pop(r->L, 1);
    return d;
}

static bool is_required(const json_t *param)
{
    const json_t *type = json_object_get(param, "type");
    const char *word = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
    bool takes_null = word && (strcmp(word, "any") == 0 || word[strlen(word) - 1] == '?');
    return json_is_true(json_object_get(param, "required")) || (!json_object_get(param, "default") && !takes_null);
}

/* Which of its params the table of inputs names, with their types. */
void ork_lua_sub_prepare(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    lua_State *L = r->L;
    const char *name;
    json_t *param;
    t->sub = option(r);
    if (!t->sub || t->sub == r->def || !t->sub->options)
        return;
    const json_t *params = ork_lua_def_params(t->sub);
    t->input_type = json_object();
    lua_pushliteral(L, "inputs");
    lua_rawget(L, r->options);
    int inputs = lua_gettop(L);
    bool table = lua_type(L, inputs) == LUA_TTABLE, none = lua_isnil(L, inputs);
    json_object_foreach((json_t *)(uintptr_t)params, name, param)
    {
        lua_pushstring(L, name);
        bool given = table && lua_rawget(L, inputs) != LUA_TNIL;
        lua_settop(L, inputs);
        if (given || (!table && !none))
            json_object_set(t->input_type, name, json_object_get(param, "type"));
        else if (is_required(param))
            ork_lua_bad_at(r, none ? NULL : "inputs", NULL, "inputs lacks `%.60s`, which `%s` requires", name,
                           ork_workflow_name(t->sub->w));
    }
    for (lua_pushnil(L); table && lua_next(L, inputs); lua_pop(L, 1)) {
        char way[300];
        if (lua_type(L, -2) != LUA_TSTRING || json_object_get(params, lua_tostring(L, -2)))
            continue;
        const char *word = lua_tostring(L, -2), *near = params ? ork_lua_suggest_key(params, word) : NULL;
        char hint[300];
        (void)snprintf(hint, sizeof hint, "did you mean `%.200s`?", near ? near : "");
        ork_lua_bad(r, ork_lua_path(way, "inputs", word), near ? hint : NULL, "is no param of `%s`",
                    ork_workflow_name(t->sub->w));
    }
    lua_settop(L, inputs - 1);
}

void ork_lua_read_workflow(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    t->has_work = true;
    if (!ork_lua_is(r->L, idx, r->ctx->workflow_mt))
        ork_lua_bad(r, path, "name the one that ork.workflow returned", "wants a workflow, got %s",
                    ork_lua_shown(r->L, idx));
    else if (t->sub == r->def)
        ork_lua_bad(r, path, NULL, "is the workflow itself, which would never come to an end");
}

/* What the output is: as the other workflow returns it, so far as that is said already. */
static void judge_output(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    ork_err err;
    if (!t->sub->returns)
        return;
    if (t->output_type && ork_type_fits(t->output_type, t->sub->returns, &err) < 0)
        ork_lua_bad(r, "output_type", NULL, "does not fit what `%s` returns: %s", ork_workflow_name(t->sub->w),
                    err.msg);
}

void ork_lua_judge_workflow(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    static const char *const none[] = {"cwd",  "env",           "executor", "grace",     "keep_children",
                                       "pool", "queue_timeout", "isolated", "resources", NULL};
    if (t->command.len > 0 || t->has_run || t->has_wait || t->has_python || t->has_library || t->executor)
        ork_lua_bad(r, "workflow", "make two tasks of it", "stands beside `%s`; a task does one thing",
                    t->executor      ? "executor"
                    : t->has_run     ? "run"
                    : t->has_wait    ? "wait"
                    : t->has_python  ? "python"
                    : t->has_library ? "library"
                                     : "command");
    for (size_t i = 0; none[i]; i++) {
        const bool told = t->executor || !t->has_executor; /* of an executor: it is another work, or none */
        if (ork_lua_says(r, none[i]) && !(told && strcmp(none[i], "executor") == 0))
            ork_lua_bad(r, none[i], NULL, "is for the tasks of `%s`: this one has no process and takes no slot",
                        ork_workflow_name(t->sub->w));
    }
    if (ork_lua_says(r, "input_type"))
        ork_lua_bad(r, "input_type", NULL, "is given already, by the params of `%s`", ork_workflow_name(t->sub->w));
    t->default_cwd = t->default_env = NULL;
    ork_lua_wait_alone(r, t);
    judge_output(r, t);
    t->spec.executor = ORK_EXEC_WORKFLOW;
}

/* ---- what it runs ---- */

void ork_lua_sub_keep(lua_State *L, struct ork_lua_def *d, struct ork_lua_def *other, uint32_t task)
{
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    lua_pushfstring(L, "%I workflow", (LUAI_UACINT)task + 1);
    lua_getfield(L, 3, "workflow");
    lua_rawset(L, -3);
    lua_pop(L, 1);
    other->inner = true;
    if (d->subs_len == d->subs_cap) {
        d->subs_cap = d->subs_cap ? d->subs_cap * 2 : 4;
        d->subs = realloc(d->subs, d->subs_cap * sizeof *d->subs);
    }
    d->subs[d->subs_len++] = (struct ork_lua_sub){other, task};
}

static void bad(struct ork_lua_def *d, uint32_t task, const char *text, const char *hint)
{
    const char *file = d->made_in, *name = ork_workflow_task_name(d->w, task);
    uint32_t line = d->line;
    ork_workflow_task_place(d->w, task, &file, &line);
    struct ork_lua_problem *p = ork_lua_problem_add(d, "EDEF", file, line, text);
    if (p)
        ork_lua_problem_place(p, "task", name, "workflow", hint);
}

/* The first mistake of the other one, which is told here: it may be returned by no script. */
static const char *first_mistake(const struct ork_lua_def *d)
{
    for (size_t i = 0; i < d->problems_len; i++) {
        if (!d->problems[i].warning)
            return d->problems[i].text;
    }
    return "it is not complete";
}

static json_t *definition_of(const struct ork_lua_def *d)
{
    char *tasks = NULL;
    size_t n;
    json_t *list = NULL, *options = NULL;
    ork_err err;
    const char *own = ork_workflow_options_json(d->w);
    if (ork_workflow_tasks_json(d->w, &tasks, &n, &err) < 0 || ork_json_parse(tasks, n, &list, &err) < 0)
        list = NULL;
    ork_free(tasks);
    if (ork_json_parse(own, strlen(own), &options, &err) < 0)
        options = NULL;
    return json_pack("{s:o?,s:o?}", "tasks", list, "options", options);
}

/* Are there functions in it, or in what it runs, that only this program can call? */
static bool has_inline(const struct ork_lua_def *d)
{
    return d->has_inline || json_object_get(d->options, "inline_within") || json_object_get(d->options, "functions");
}

static void add(lua_State *L, struct ork_lua_def *d, const struct ork_lua_sub *s, json_t *all)
{
    const char *name = ork_workflow_name(s->other->w);
    char text[1200];
    if (s->other->sealing) {
        snprintf(text, sizeof text,
                 "task `%.200s`: `workflow` runs `%.200s`, which runs `%.200s` again: that would never come to an end",
                 ork_workflow_task_name(d->w, s->task), name, ork_workflow_name(d->w));
        bad(d, s->task, text, NULL);
        return;
    }
    ork_lua_def_seal(L, s->other);
    if (!s->other->sealed) {
        snprintf(text, sizeof text, "task `%.200s`: `%.200s`, which it runs, has a mistake: %.700s",
                 ork_workflow_task_name(d->w, s->task), name, first_mistake(s->other));
        bad(d, s->task, text, NULL);
        return;
    }
    if (s->other->depth >= ORK_LUA_SUB_DEPTH) {
        snprintf(text, sizeof text, "task `%.200s`: workflows stand within each other %u deep, at most %u may",
                 ork_workflow_task_name(d->w, s->task), s->other->depth + 1, ORK_LUA_SUB_DEPTH);
        bad(d, s->task, text, "let one of them run the others side by side, or make one workflow of several");
        return;
    }
    if (has_inline(s->other))
        json_object_set_new(d->options, "inline_within", json_true());
    d->depth = d->depth > s->other->depth + 1 ? d->depth : s->other->depth + 1;
    json_t *before = json_object_get(all, name), *definition = definition_of(s->other);
    bool same = !before || json_equal(before, definition);
    if (same)
        json_object_set_new(all, name, definition);
    else
        json_decref(definition);
    if (!same) {
        snprintf(text, sizeof text,
                 "task `%.200s`: two different workflows that it and another task run are called `%.200s`",
                 ork_workflow_task_name(d->w, s->task), name);
        bad(d, s->task, text, "give each a name of its own");
    }
}

void ork_lua_sub_seal(lua_State *L, struct ork_lua_def *d)
{
    json_t *all = json_object();
    d->sealing = true;
    d->depth = 1;
    for (size_t i = 0; i < d->subs_len; i++) {
        size_t k = 0; /* once, however many tasks run it */
        while (k < i && d->subs[k].other != d->subs[i].other)
            k++;
        if (k == i)
            add(L, d, &d->subs[i], all);
    }
    d->sealing = false;
    if (json_object_size(all) > 0)
        json_object_set(d->options, "workflows", all);
    json_decref(all);
}

int ork_lua_sub_inner(lua_State *L)
{
    const struct ork_lua_def *d = ork_lua_def_check(L, 1, "inner");
    lua_newtable(L);
    if (!d->subs_len || lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_settop(L, 2);
        return 1;
    }
    for (size_t i = 0, n = 0; i < d->subs_len; i++) {
        size_t k = 0;
        while (k < i && d->subs[k].other != d->subs[i].other)
            k++;
        if (k < i)
            continue;
        lua_pushfstring(L, "%I workflow", (LUAI_UACINT)d->subs[i].task + 1);
        lua_rawget(L, 3);
        lua_rawseti(L, 2, (lua_Integer)++n);
    }
    lua_settop(L, 2);
    return 1;
}
