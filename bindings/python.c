/* SPDX-License-Identifier: MIT */
/* `python`: what is called, and the types that its hints give a task that declares none. What python3 says of the file
 * is advice: the file is not part of the snapshot, and may be made by a task before. So what cannot be read, or is not
 * there, is a warning; types that do not fit are mistakes, as they are with declared ones. */
#include "python.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void add_text(struct ork_lua_reader *r, const char *s, size_t n, struct ork_lua_span *span)
{
    ork_err err;

    span->at = r->ctx->values.len;
    lua_pushlstring(r->L, s, n);
    if (ork_lua_json_write(r->L, -1, "python", &r->ctx->values, &err) < 0) /* it was found to be UTF-8 */
        r->ctx->values.len = span->at;
    lua_pop(r->L, 1);
    span->len = r->ctx->values.len - span->at;
}

static bool is_dotted(const char *s, size_t n)
{
    bool begins = true;
    for (size_t i = 0; i < n; i++) {
        bool letter =
            (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' || (unsigned char)s[i] >= 0x80;
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (s[i] == '.' ? begins : !letter && (begins || !digit))
            return false;
        begins = s[i] == '.';
    }
    return n > 0 && !begins;
}

void ork_lua_read_python(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char form[] = "wants \"file.py:function\" or \"package.module:function\", got %s";
    struct ork_lua_task *t = out;
    size_t n;

    if (t->has_python) /* for its types already */
        return;
    t->has_work = t->has_python = true;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (!s)
        return;
    const char *colon = strrchr(s, ':'), *end = colon ? colon : s + n;
    size_t len = (size_t)(end - s);
    bool file = len > 3 && memcmp(end - 3, ".py", 3) == 0;
    if ((!file && !is_dotted(s, len)) || (colon && !is_dotted(colon + 1, strlen(colon + 1)))) {
        ork_lua_bad(r, path, NULL, form, ork_lua_shown(r->L, idx));
        return;
    }
    add_text(r, s, len, file ? &t->task_file : &t->task_module);
    if (colon)
        add_text(r, colon + 1, strlen(colon + 1), &t->task_function);
    t->python = s;
}

/* ---- what the file says ---- */

struct target {
    char file[512], function[256];
    const json_t *told; /* borrowed; NULL: nobody says anything */
    const json_t *f;    /* its function; NULL: it is not there, or nothing is known of it */
};

static bool find(struct ork_lua_reader *r, const struct ork_lua_task *t, struct target *out)
{
    const char *colon = t->python ? strrchr(t->python, ':') : NULL;

    if (!t->python || t->task_file.len == 0)
        return false;
    int len = colon ? (int)(colon - t->python) : (int)strlen(t->python);
    if (len >= (int)sizeof out->file)
        return false;
    snprintf(out->file, sizeof out->file, "%.*s", len, t->python);
    snprintf(out->function, sizeof out->function, "%.250s", colon ? colon + 1 : "main");
    out->told = ork_lua_python_look(r->ctx, out->file);
    out->f = json_object_get(json_object_get(out->told, "functions"), out->function);
    if (!json_is_object(out->f))
        out->f = NULL;
    return out->told != NULL;
}

/* The names in `inputs`; 0: there is no table. */
static int push_inputs(struct ork_lua_reader *r)
{
    lua_pushliteral(r->L, "inputs");
    lua_rawget(r->L, r->options);
    return lua_gettop(r->L);
}

static bool is_among(lua_State *L, int table, const char *name)
{
    if (lua_type(L, table) != LUA_TTABLE)
        return false;
    lua_pushstring(L, name);
    bool there = lua_rawget(L, table) != LUA_TNIL;
    lua_pop(L, 1);
    return there;
}

/* One parameter that no input is named after gets all of them, as the runner does it. */
static const json_t *takes_all(const json_t *f, lua_State *L, int inputs)
{
    const json_t *list = json_object_get(f, "inputs"), *only = json_array_get(list, 0);

    if (json_array_size(list) != 1 || json_is_true(json_object_get(f, "rest")) ||
        is_among(L, inputs, json_string_value(json_object_get(only, "name"))))
        return NULL;
    return only;
}

/* `type`, and null: where it is null the default of the parameter applies, as the runner does it. */
static json_t *or_null(const json_t *type)
{
    const char *word = json_string_value(type);

    if ((json_is_array(type) && json_array_size(type) == 2) ||
        (word && (strcmp(word, "any") == 0 || word[strlen(word) - 1] == '?')))
        return json_deep_copy(type);
    return word ? json_sprintf("%s?", word) : json_pack("[s,o]", "?", json_deep_copy(type));
}

static json_t *input_type(const json_t *f, lua_State *L, int inputs)
{
    const json_t *only = takes_all(f, L, inputs);
    json_t *out = json_object(), *each;
    size_t i;

    if (only) {
        json_decref(out);
        const json_t *type = json_object_get(only, "type");
        return json_is_object(type) && json_object_size(type) > 0 ? json_deep_copy(type) : NULL;
    }
    json_array_foreach(json_object_get(f, "inputs"), i, each)
    {
        const char *name = json_string_value(json_object_get(each, "name"));
        const json_t *type = json_object_get(each, "type");
        bool optional = json_is_true(json_object_get(each, "optional"));
        if (!optional || is_among(L, inputs, name))
            json_object_set_new(out, name, optional ? or_null(type) : json_deep_copy(type));
    }
    if (json_object_size(out) == 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static void type_inputs(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    struct target target;

    if (t->python_typed || !r->options || !t->python || t->input_type)
        return;
    t->python_typed = true;
    if (!find(r, t, &target) || !target.f)
        return;
    int inputs = push_inputs(r);
    t->input_type = input_type(target.f, r->L, inputs);
    t->input_type_of = t->input_type ? t->python : NULL;
    lua_settop(r->L, inputs - 1);
}

void ork_lua_python_first(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    lua_pushliteral(r->L, "python");
    if (lua_rawget(r->L, r->options) != LUA_TNIL)
        ork_lua_read_python(r, lua_gettop(r->L), "python", t);
    lua_pop(r->L, 1);
    type_inputs(r, t);
}

/* ---- judging ---- */

static void warn_of_file(struct ork_lua_reader *r, const struct target *target)
{
    const char *words[257], *error = json_string_value(json_object_get(target->told, "error"));
    json_t *functions = json_object_get(target->told, "functions"), *f;
    const char *name;
    char hint[300];
    size_t n = 0;
    int line = (int)json_integer_value(json_object_get(target->told, "line"));

    if (error && line > 0)
        ork_lua_warn(r, "python", NULL, "names %s, which python3 cannot read: line %d: %.200s", target->file, line,
                     error);
    else if (error)
        ork_lua_warn(r, "python", NULL, "names %s, which cannot be read now: %.200s", target->file, error);
    if (error || json_object_get(functions, target->function) || json_object_get(functions, "*") ||
        strchr(target->function, '.'))
        return;
    json_object_foreach(functions, name, f)
    {
        if (json_is_object(f) && n < 256)
            words[n++] = name;
    }
    words[n] = NULL;
    const char *near = ork_suggest(target->function, words);
    snprintf(hint, sizeof hint, "did you mean `%.180s:%.60s`?", target->file, near ? near : "");
    ork_lua_warn(r, "python", near ? hint : NULL, "names the function `%s`, which %s does not have", target->function,
                 target->file);
}

static void warn_of_inputs(struct ork_lua_reader *r, const struct target *target)
{
    lua_State *L = r->L;
    char way[300];
    int inputs = push_inputs(r);
    size_t i;
    json_t *each;

    if (lua_type(L, inputs) == LUA_TTABLE && !json_is_true(json_object_get(target->f, "rest")) &&
        !takes_all(target->f, L, inputs)) {
        for (lua_pushnil(L); lua_next(L, inputs); lua_pop(L, 1)) {
            const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
            bool there = false;
            json_array_foreach(json_object_get(target->f, "inputs"), i, each) there |=
                name && strcmp(json_string_value(json_object_get(each, "name")), name) == 0;
            if (name && !there)
                ork_lua_warn(r, ork_lua_path(way, "inputs", name), NULL,
                             "is no parameter of `%s` in %s, which does not get it", target->function, target->file);
        }
    }
    lua_settop(L, inputs - 1);
}

/* A parameter without default and hint: input_type cannot ask for it, as it takes null, too. */
static void check_required(struct ork_lua_reader *r, const struct ork_lua_task *t, const struct target *target)
{
    lua_State *L = r->L;
    int inputs = push_inputs(r);
    size_t i;
    json_t *each;

    if (!ork_lua_is(L, inputs, r->ctx->ref_mt) && t->input_type_of && !takes_all(target->f, L, inputs)) {
        json_array_foreach(json_object_get(target->f, "inputs"), i, each)
        {
            const char *name = json_string_value(json_object_get(each, "name"));
            if (!json_is_true(json_object_get(each, "optional")) &&
                json_equal(json_object_get(each, "type"), r->ctx->any_type) && !is_among(L, inputs, name))
                ork_lua_bad_at(r, lua_isnil(L, inputs) ? "python" : "inputs", NULL,
                               "inputs lacks `%.60s`, which %.200s wants", name, t->python);
        }
    }
    lua_settop(L, inputs - 1);
}

/* {"inputs": {name: hint}, "output": hint}, beside the types. */
static json_t *describe(const json_t *f)
{
    json_t *inputs = json_object(), *each;
    size_t i;

    json_array_foreach(json_object_get(f, "inputs"), i, each)
    {
        json_t *hint = json_object_get(each, "hint");
        json_object_set_new(inputs, json_string_value(json_object_get(each, "name")),
                            json_is_string(hint) ? json_incref(hint) : json_string("any"));
    }
    return json_pack("{s:o, s:O}", "inputs", inputs, "output", json_object_get(f, "hint"));
}

void ork_lua_judge_python(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    struct target target;

    if (t->command.len > 0 || t->has_run)
        ork_lua_bad(r, "python", "make two tasks of it", "stands beside `%s`; a task does one thing",
                    t->has_run ? "run" : "command");
    t->spec.executor = ORK_EXEC_PYTHON;
    type_inputs(r, t);
    if (!find(r, t, &target))
        return;
    if (!target.f) {
        warn_of_file(r, &target);
        return;
    }
    warn_of_inputs(r, &target);
    check_required(r, t, &target);
    const json_t *output = json_object_get(target.f, "output");
    if (!t->output_type && output && !json_is_null(output) && !json_equal(output, r->ctx->any_type)) {
        t->output_type = json_deep_copy(output);
    }
    t->hints = describe(target.f);
}
