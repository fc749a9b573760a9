/* SPDX-License-Identifier: MIT */
/* Does what `inputs` gives fit what is wanted, as far as it is known before the run? References by the type of what
 * they stand for, wherever they stand in a list or an object; what is constant between them by its value. What depends
 * on another task is optional under every trigger rule but all_success: null where that task did not succeed. Under
 * all_success all items of a task have succeeded of which none may fail, so none of what they gave is null. */
#include "fit.h"
#include "each.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DEPTH 100

json_t *ork_lua_ref_item_type(const struct ork_lua_ref *ref, int rule)
{
    const char *what = ork_lua_ref_text(ref); /* tasks, NAME, output or results */

    if (!ref->type)
        return NULL;
    what += strlen(what) + 1;
    what += strlen(what) + 1;
    if (ref->whole && rule == ORK_RULE_ALL_SUCCESS)
        return json_deep_copy(ref->type);
    return strcmp(what, "results") == 0 ? json_deep_copy(ref->type) : json_pack("[s,O]", "?", ref->type);
}

json_t *ork_lua_ref_type(const struct ork_lua_ref *ref, int rule)
{
    json_t *type;

    if (!ref->type)
        return NULL;
    type = ref->items ? json_pack("[o]", ork_lua_ref_item_type(ref, rule)) : json_deep_copy(ref->type);
    if (rule != ORK_RULE_ALL_SUCCESS && ref->kind == ORK_LUA_REF_TASK)
        type = json_pack("[s,o]", "?", type);
    return type;
}

static const char *wanted_by(const struct ork_lua_task *t)
{
    return t->sub ? "that param" : t->input_type_of ? t->input_type_of : "input_type";
}

static void fit_type(struct ork_lua_reader *r, const struct ork_lua_task *t, const char *path, const json_t *to,
                     const json_t *from)
{
    ork_err err;

    if (from && ork_type_fits(to, from, &err) < 0)
        ork_lua_bad(r, path, NULL, "does not fit %s: %s", wanted_by(t), err.msg);
}

static void fit_ref(struct ork_lua_reader *r, const struct ork_lua_task *t, const char *path, const json_t *to,
                    const struct ork_lua_ref *ref)
{
    json_t *from = ork_lua_ref_type(ref, t->spec.rule);

    fit_type(r, t, path, to, from);
    json_decref(from);
}

static bool holds_ref(struct ork_lua_reader *r, int idx, int depth)
{
    lua_State *L = r->L;

    if (ork_lua_is(L, idx, r->ctx->ref_mt))
        return true;
    if (lua_type(L, idx) != LUA_TTABLE || depth == 0 || !lua_checkstack(L, 8))
        return false;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (holds_ref(r, lua_gettop(L), depth - 1)) {
            lua_pop(L, 2);
            return true;
        }
    }
    return false;
}

static void fit_constant(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path,
                         const json_t *to)
{
    json_t *value = NULL;
    ork_err err;

    ork_lua_buf_clear(&r->ctx->scratch);
    if (ork_lua_json_write(r->L, idx, "", &r->ctx->scratch, &err) < 0 ||
        ork_json_parse(r->ctx->scratch.data, r->ctx->scratch.len, &value, &err) < 0)
        return; /* told when it was read */
    if (ork_type_convert(to, &value, "", &err) < 0)
        ork_lua_bad(r, path, NULL, "does not fit %s: %s", wanted_by(t), err.msg);
    json_decref(value);
}

static bool takes_null(const json_t *type)
{
    const char *word = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);

    return word && (strcmp(word, "any") == 0 || word[strlen(word) - 1] == '?');
}

static void fit(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path, const json_t *to,
                int depth);

static void fit_list(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path,
                     const json_t *to, int depth)
{
    lua_Integer n = (lua_Integer)lua_rawlen(r->L, idx);
    char way[300];

    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(r->L, idx, i);
        fit(r, t, lua_gettop(r->L), ork_lua_path_index(way, path, i), to, depth);
        lua_pop(r->L, 1);
    }
}

static void fit_object(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path,
                       const json_t *to, int depth)
{
    const char *name;
    json_t *type;
    char way[300];

    json_object_foreach((json_t *)(uintptr_t)to, name, type)
    {
        lua_pushstring(r->L, name);
        if (lua_rawget(r->L, idx) != LUA_TNIL)
            fit(r, t, lua_gettop(r->L), ork_lua_path(way, path, name), type, depth);
        else if (!takes_null(type))
            ork_lua_bad(r, path, NULL, "lacks `%.60s`, which %.200s wants", name, wanted_by(t));
        lua_pop(r->L, 1);
    }
}

/* A table with references in it, or whatever stands beside them. */
static void fit(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path, const json_t *to,
                int depth)
{
    lua_State *L = r->L;
    const json_t *whole = to;
    const struct ork_lua_ref *ref = ork_lua_is(L, idx, r->ctx->ref_mt);
    char text[100];

    if (ref) {
        fit_ref(r, t, path, to, ref);
        return;
    }
    if (json_is_array(to) && json_array_size(to) == 2)
        to = json_array_get(to, 1); /* optional; what follows is for values that are no null */
    if (lua_type(L, idx) != LUA_TTABLE || depth == 0 || !holds_ref(r, idx, DEPTH)) {
        fit_constant(r, t, idx, path, whole);
        return;
    }
    bool list = lua_rawlen(L, idx) > 0;
    if (list && json_is_array(to)) {
        fit_list(r, t, idx, path, json_array_get(to, 0), depth - 1);
    } else if (!list && json_is_object(to)) {
        fit_object(r, t, idx, path, to, depth - 1);
    } else if (!json_is_string(to) || strncmp(json_string_value(to), "any", 3) != 0) {
        ork_type_show(to, text);
        ork_lua_bad(r, path, NULL, "does not fit %s: wanted %s, got %s", wanted_by(t), text,
                    list ? "a list" : "an object");
    }
}

/* Elements that are written down one by one. */
static void fit_each(struct ork_lua_reader *r, const struct ork_lua_task *t, int idx, const char *path,
                     const json_t *to)
{
    int top = lua_gettop(r->L);

    lua_getiuservalue(r->L, idx, 1);
    if (lua_type(r->L, -1) == LUA_TTABLE)
        fit_list(r, t, lua_gettop(r->L), path, to, DEPTH);
    else
        fit_type(r, t, path, to, t->each_type);
    lua_settop(r->L, top);
}

static bool is_given(lua_State *L, int inputs, const char *name)
{
    if (lua_type(L, inputs) != LUA_TTABLE)
        return false;
    lua_pushstring(L, name);
    if (lua_rawget(L, inputs) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

static void fit_input(struct ork_lua_reader *r, const struct ork_lua_task *t, int inputs, const char *name,
                      const json_t *type)
{
    lua_State *L = r->L;
    char way[300];

    if (is_given(L, inputs, name)) {
        int idx = lua_gettop(L);
        ork_lua_path(way, "inputs", name);
        if (ork_lua_is(L, idx, r->ctx->each_mt))
            fit_each(r, t, idx, way, type);
        else if (holds_ref(r, idx, DEPTH)) /* constants were checked, and converted, when they were read */
            fit(r, t, idx, way, type, DEPTH);
        lua_pop(L, 1);
    } else if (!takes_null(type)) {
        ork_lua_bad_at(r,
                       !lua_isnil(L, inputs) ? "inputs"
                       : t->input_type_of    ? "python"
                                             : "input_type",
                       NULL, "inputs lacks `%.60s`, which %.200s wants", name, wanted_by(t));
    }
}

void ork_lua_check_inputs(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    lua_State *L = r->L;
    const char *name;
    json_t *type;

    if (!t->input_type || !r->options)
        return;
    lua_pushliteral(L, "inputs");
    lua_rawget(L, r->options);
    int inputs = lua_gettop(L);
    const struct ork_lua_ref *whole = ork_lua_is(L, inputs, r->ctx->ref_mt);
    if (whole && t->inputs.len > 0) {
        fit_ref(r, t, "inputs", t->input_type, whole);
    } else if (!whole) {
        json_object_foreach(t->input_type, name, type) fit_input(r, t, inputs, name, type);
    }
    lua_settop(L, inputs - 1);
}
