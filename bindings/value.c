/* SPDX-License-Identifier: MIT */
/* Values of options: constants, types, and expressions with references in them. A reference in any option is also a
 * dependency; which kinds may stand where is the caller's choice. */
#include "json.h"
#include "options.h"
#include "ref.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Fields of ork.input in an expression, looked up among this task's inputs. */
static void check_inputs(struct ork_lua_reader *r, const json_t *expr, const char *path);

/* The fields behind the first one, in what the input is known to be: of an element, where it is ork.each. */
static void check_deeper(struct ork_lua_reader *r, int idx, const json_t *names, const char *path)
{
    lua_State *L = r->L;
    bool each = ork_lua_is(L, idx, r->ctx->each_mt) != NULL;
    const struct ork_lua_ref *ref = NULL;
    const json_t *type = NULL, *next;
    char shown[100];
    if (each)
        lua_getiuservalue(L, idx, 1);
    ref = ork_lua_is(L, each ? lua_gettop(L) : idx, r->ctx->ref_mt);
    if (ref && !ref->items) {
        type = ref->type;
        if (each && json_is_array(type) && json_array_size(type) == 2)
            type = json_array_get(type, 1);
        if (each)
            type = json_is_array(type) ? json_array_get(type, 0) : NULL;
    } else if (ref && each) {
        type = ref->type;
    }
    for (size_t i = 2; type && i < json_array_size(names); i++, type = next) {
        const char *name = json_string_value(json_array_get(names, i));
        if (ork_lua_type_field(type, name, &next))
            continue;
        ork_type_show(type, shown);
        ork_lua_bad(r, path, NULL, "uses the field `%.60s` of ork.input.%.60s, which is declared as %s", name,
                    json_string_value(json_array_get(names, i - 1)), shown);
        break;
    }
    if (each)
        lua_pop(L, 1);
}

static void check_input(struct ork_lua_reader *r, const char *field, const json_t *names, const char *path)
{
    lua_State *L = r->L;
    const char *words[257];
    size_t n = 0;
    char hint[300];
    if (!r->options) {
        ork_lua_bad(r, path, NULL, "uses ork.input.%.60s, but no task is there whose input it could be", field);
        return;
    }
    lua_pushliteral(L, "task_count");
    bool counted = strcmp(field, "task_index") == 0 && lua_rawget(L, r->options) != LUA_TNIL;
    lua_pop(L, 1);
    if (counted)
        return;
    lua_pushliteral(L, "inputs");
    lua_rawget(L, r->options);
    int inputs = lua_gettop(L);
    if (lua_type(L, inputs) == LUA_TTABLE) {
        lua_pushstring(L, field);
        bool there = lua_rawget(L, inputs) != LUA_TNIL;
        if (there && json_array_size(names) > 2)
            check_deeper(r, lua_gettop(L), names, path);
        lua_pop(L, 1);
        if (!there) {
            for (lua_pushnil(L); lua_next(L, inputs) && n < 256; lua_pop(L, 1))
                if (lua_type(L, -2) == LUA_TSTRING)
                    words[n++] = lua_tostring(L, -2);
            words[n] = NULL;
            const char *near = ork_suggest(field, words);
            snprintf(hint, sizeof hint, "did you mean ork.input.%.100s?", near ? near : "");
            ork_lua_bad(r, path, near ? hint : NULL, "uses ork.input.%.60s, which is not among its inputs", field);
        }
    } else if (lua_isnil(L, inputs)) {
        ork_lua_bad(r, path, "give it: inputs = { … }", "uses ork.input.%.60s, but the task has no inputs", field);
    } else {
        const struct ork_lua_ref *whole = ork_lua_is(L, inputs, r->ctx->ref_mt);
        const json_t *type;
        if (whole && !ork_lua_type_field(whole->type, field, &type))
            ork_lua_bad(r, path, NULL, "uses ork.input.%.60s, which its inputs do not have", field);
    }
    lua_settop(L, inputs - 1);
}

static void check_parts(struct ork_lua_reader *r, const json_t *ref, const char *path)
{
    if (json_is_array(ref)) {
        if (strcmp(json_string_value(json_array_get(ref, 0)), "input") == 0)
            check_input(r, json_string_value(json_array_get(ref, 1)), ref, path);
        return;
    }
    const char *s = json_string_value(ref);
    if (!s || strncmp(s, "input.", 6) != 0)
        return;
    json_t *names = json_array();
    for (size_t n; *s; s += n + (s[n] == '.')) {
        n = strcspn(s, ".");
        json_array_append_new(names, json_stringn(s, n));
    }
    check_input(r, json_string_value(json_array_get(names, 1)), names, path);
    json_decref(names);
}

static void check_inputs(struct ork_lua_reader *r, const json_t *expr, const char *path)
{
    size_t i;
    json_t *part;
    const json_t *ref = json_object_get(expr, "ref");
    if (ref)
        check_parts(r, ref, path);
    json_array_foreach(json_object_get(expr, "text"), i, part) check_inputs(r, part, path);
}

static void check_ref_inputs(struct ork_lua_reader *r, const struct ork_lua_ref *ref, const char *path)
{
    json_t *tree;
    ork_err err;
    ork_lua_buf_clear(&r->ctx->scratch);
    ork_lua_ref_write(ref, &r->ctx->scratch);
    if (ork_json_parse(r->ctx->scratch.data, r->ctx->scratch.len, &tree, &err) < 0)
        return;
    check_inputs(r, tree, path);
    json_decref(tree);
}

/* Why the reference cannot stand here; NULL when it can. */
static const char *find_fault(const struct ork_lua_reader *r, const struct ork_lua_ref *ref)
{
    uint32_t denied = ref->has & ~r->allowed & ~ORK_LUA_HAS(ORK_LUA_REF_TEXT);
    if (ref->kind == ORK_LUA_REF_PARAMS)
        return "params is no value; name one of its fields";
    if (ref->kind == ORK_LUA_REF_INPUTS)
        return "ork.input is no value; name one of its fields";
    if (ref->kind == ORK_LUA_REF_THESE)
        return "ork.this is no value; name one of its fields";
    if (ref->def && ref->def != r->def)
        return "the reference belongs to another workflow";
    if (denied & ORK_LUA_HAS(ORK_LUA_REF_SECRET))
        return "a secret can only stand in `env`, where nothing stores or shows it";
    if (denied & ORK_LUA_HAS(ORK_LUA_REF_INPUT))
        return "ork.input cannot stand here; it is made of the inputs of a task";
    if (denied & ORK_LUA_HAS(ORK_LUA_REF_TASK))
        return "the output of a task cannot stand here";
    if (denied)
        return "only ork.date can stand here; the run does not exist yet";
    return NULL;
}

bool ork_lua_read_ref(struct ork_lua_reader *r, const struct ork_lua_ref *ref, const char *path, uint32_t allowed)
{
    r->allowed = allowed;
    const char *fault = find_fault(r, ref);
    if (fault) {
        ork_lua_bad(r, path, NULL, "is refused: %s", fault);
        return false;
    }
    for (uint32_t i = 0; i < ref->deps_len; i++)
        ork_lua_numbers_add(&r->ctx->deps, ref->deps[i]);
    if (ref->has & ORK_LUA_HAS(ORK_LUA_REF_INPUT))
        check_ref_inputs(r, ref, path);
    r->type = ref->type;
    r->items = ref->items;
    r->whole = ref->whole;
    return true;
}

static int judge_ref(struct ork_lua_writer *w, const struct ork_lua_ref *ref, const char *path)
{
    struct ork_lua_reader *r = w->data;
    const char *fault = find_fault(r, ref);
    if (fault)
        return ork_lua_error(w->err, ORK_EDEF, "%s: %s", path, fault);
    return ork_lua_read_ref(r, ref, r->path, r->allowed) ? 0 : ork_lua_error(w->err, ORK_EDEF, "%s", path);
}

/* A way as values and types call themselves in messages. */
static const char *show_root(const char *path, char out[300])
{
    ork_lua_path_show(path, out, 300);
    return out;
}

bool ork_lua_read_expr(struct ork_lua_reader *r, int idx, const char *path, uint32_t allowed, struct ork_lua_span *out)
{
    char root[300];
    ork_err err;
    struct ork_lua_writer w = {.L = r->L,
                               .ctx = r->ctx,
                               .out = &r->ctx->values,
                               .root = show_root(path, root),
                               .err = &err,
                               .on_ref = judge_ref,
                               .data = r,
                               .depth = 180};
    out->at = r->ctx->values.len;
    r->path = path;
    r->allowed = allowed;
    r->type = NULL;
    r->items = r->whole = false;
    int rc = ork_lua_write_expr(&w, idx);
    if (rc == 0)
        rc = ork_lua_write_end(&w, out->at);
    if (rc < 0) {
        r->ctx->values.len = out->at;
        out->len = 0;
        ork_lua_bad_at(r, path, NULL, "%s", err.msg);
        return false;
    }
    out->len = r->ctx->values.len - out->at;
    return true;
}

json_t *ork_lua_read_constant(struct ork_lua_reader *r, int idx, const char *path)
{
    char root[300];
    ork_err err;
    json_t *value = NULL;
    ork_lua_buf_clear(&r->ctx->scratch);
    int rc = ork_lua_json_write(r->L, idx, show_root(path, root), &r->ctx->scratch, &err);
    if (rc == 0)
        rc = ork_json_parse(r->ctx->scratch.data, r->ctx->scratch.len, &value, &err);
    if (rc < 0) {
        ork_lua_bad_at(r, path, NULL, "%s", err.msg);
        return NULL;
    }
    return value;
}

json_t *ork_lua_read_type(struct ork_lua_reader *r, int idx, const char *path)
{
    ork_err err;
    json_t *type;
    if (lua_type(r->L, idx) != LUA_TSTRING && lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants a type, such as \"str\", { \"int\" } or { rows = \"int\" }, got %s",
                    ork_lua_shown(r->L, idx));
        return NULL;
    }
    type = ork_lua_read_constant(r, idx, path);
    if (!type)
        return NULL;
    if (ork_type_valid(type, &err) < 0) {
        ork_lua_bad(r, path, NULL, "is no type: %s", err.msg);
        json_decref(type);
        return NULL;
    }
    return type;
}
