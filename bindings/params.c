/* SPDX-License-Identifier: MIT */
/* `params`: each a type, or { type, default, choices, min, max, description }. The core judges the schema, one param at
 * a time, so that each mistake is told at its own key. */
#include "json.h"
#include "ref.h"
#include "workflow.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *ork_lua_read_date_or_constant(struct ork_lua_reader *r, int idx, const char *path)
{
    struct ork_lua_span span;
    json_t *tree = NULL;
    ork_err err;
    if (!ork_lua_read_expr(r, idx, path, ORK_LUA_HAS(ORK_LUA_REF_DATE), &span))
        return NULL;
    if (ork_json_parse(r->ctx->values.data + span.at, span.len, &tree, &err) < 0)
        ork_lua_bad_at(r, path, NULL, "%s", err.msg);
    r->ctx->values.len = span.at;
    return tree;
}

/* ---- one param; out is the json object P ---- */

static void set_take(void *out, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(out, key, value);
}

static void read_default(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    set_take(out, "default", ork_lua_read_date_or_constant(r, idx, path));
}

/* A bound: a constant as it is, a date as an expression. */
static json_t *read_bound(struct ork_lua_reader *r, int idx, const char *path)
{
    if (ork_lua_is(r->L, idx, r->ctx->ref_mt))
        return ork_lua_read_date_or_constant(r, idx, path);
    if (lua_type(r->L, idx) == LUA_TNUMBER || lua_type(r->L, idx) == LUA_TSTRING)
        return ork_lua_read_constant(r, idx, path);
    ork_lua_bad(r, path, NULL, "wants a number or a date, got %s", ork_lua_shown(r->L, idx));
    return NULL;
}

static void read_min(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    set_take(out, "min", read_bound(r, idx, path));
}

static void read_max(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    set_take(out, "max", read_bound(r, idx, path));
}

static void read_choices(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_Integer n;
    if (!ork_lua_read_list(r, idx, path, "a list of values", &n))
        return;
    if (n == 0)
        ork_lua_bad(r, path, NULL, "is empty: no value would fit");
    else
        set_take(out, "choices", ork_lua_read_constant(r, idx, path));
}

static void read_text(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s)
        set_take(out, "description", json_stringn(s, n));
}

static void read_type(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    set_take(out, "type", ork_lua_read_type(r, idx, path));
}

static bool is_spec(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        return false;
    lua_pushliteral(L, "type");
    bool there = lua_rawget(L, idx) != LUA_TNIL;
    lua_pop(L, 1);
    return there;
}

struct check {
    struct ork_lua_reader *r;
    const char *path, *hint;
};

static void on_problem(void *data, const char *code, uint32_t task, const char *text)
{
    struct check *c = data;
    (void)code, (void)task;
    ork_lua_bad_at(c->r, c->path, c->hint, "%s", text);
}

static bool takes_null(const json_t *type)
{
    const char *word = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
    return word && (strcmp(word, "any") == 0 || word[strlen(word) - 1] == '?');
}

/* { typ = "int" } is an object with a field `typ`; `type` was meant. */
static void warn_of_type(struct ork_lua_reader *r, int idx, const char *path)
{
    static const char *const words[] = {"type", NULL};
    char hint[200];
    if (lua_type(r->L, idx) != LUA_TTABLE)
        return;
    for (lua_pushnil(r->L); lua_next(r->L, idx); lua_pop(r->L, 1)) {
        const char *key = lua_type(r->L, -2) == LUA_TSTRING ? lua_tostring(r->L, -2) : NULL;
        if (!key || strlen(key) < 3 || lua_type(r->L, -1) != LUA_TSTRING || !ork_suggest(key, words))
            continue;
        snprintf(hint, sizeof hint, "did you mean `type`? { type = \"%.60s\" }", lua_tostring(r->L, -1));
        ork_lua_warn(r, path, hint, "is an object with the field `%.60s`", key);
    }
}

/* P of one param; NULL when it could not be read. */
static json_t *read_param(struct ork_lua_reader *r, int idx, const char *name, const char *path)
{
    static const struct ork_lua_option rows[] = {
        {.name = "choices", .read = read_choices},  {.name = "default", .read = read_default},
        {.name = "description", .read = read_text}, {.name = "max", .read = read_max},
        {.name = "min", .read = read_min},          {.name = "type", .read = read_type},
    };
    struct check c = {r, path, NULL};
    json_t *p = json_object();
    bool failed_before = r->failed;
    r->failed = false;
    if (is_spec(r->L, idx))
        ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, p, 0);
    else {
        warn_of_type(r, idx, path);
        read_type(r, idx, path, p);
    }
    json_t *type = json_object_get(p, "type");
    if (type && !json_object_get(p, "default") && !takes_null(type))
        json_object_set_new(p, "required", json_true());
    if (!r->failed) {
        const char *text = json_string_value(json_object_get(json_object_get(p, "default"), "const"));
        if (text && (strcmp(text, "today") == 0 || strcmp(text, "now") == 0))
            c.hint = "the run's day is ork.date()";
        else if (text && strcmp(text, "yesterday") == 0)
            c.hint = "the day before is ork.date(\"-1d\")";
        json_t *schema = json_pack("{s:O}", name, p);
        ork_workflow_params_valid(schema, on_problem, &c);
        json_decref(schema);
    }
    r->failed = r->failed || failed_before;
    return p;
}

static bool is_name(const char *s)
{
    if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_') || strlen(s) > 100)
        return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_' ||
              *s == '-'))
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void ork_lua_read_params(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_State *L = r->L;
    size_t n = 0;
    char way[300];
    (void)out;
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants params by name, { day = \"date\" }, got %s", ork_lua_shown(L, idx));
        return;
    }
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        n++;
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    n = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && is_name(lua_tostring(L, -2)))
            names[n++] = lua_tostring(L, -2);
        else
            ork_lua_bad(r, path, NULL, "has %s for the name of a param; names are letters, digits, _ and -",
                        ork_lua_shown(L, -2));
    }
    qsort(names, n, sizeof *names, by_name);
    json_t *params = json_object();
    for (size_t i = 0; i < n; i++) {
        lua_pushstring(L, names[i]);
        lua_rawget(L, idx);
        json_object_set_new(params, names[i],
                            read_param(r, lua_gettop(L), names[i], ork_lua_path(way, path, names[i])));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    json_object_set_new(r->def->options, "params", params);
}
