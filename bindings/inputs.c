/* SPDX-License-Identifier: MIT */
/* `inputs`: values by name, or a reference to an object. What an input is declared to be is held against what it gets
 * once the whole table was read, because the trigger rule decides whether the output of another task may be missing. */
#include "each.h"
#include "ref.h"
#include "task.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define OF_INPUTS (~(ORK_LUA_HAS(ORK_LUA_REF_SECRET) | ORK_LUA_HAS(ORK_LUA_REF_INPUT)))

static void note_kind(struct ork_lua_task *t, const struct ork_lua_reader *r, const char *name, bool of_task)
{
    if (!r->type)
        return;
    if (!t->input_kinds)
        t->input_kinds = json_object();
    json_t *type = json_deep_copy(r->type);
    if (r->items) /* an element per item, null where one has none */
        type = json_pack("[[s,o]]", "?", type);
    json_object_set_new(t->input_kinds, name, json_pack("{s:o,s:b}", "type", type, "of_task", of_task));
}

/* A constant is checked now: {"const":V} at span against the type of the field; V is replaced by what it means there.
 */
static void check_constant(struct ork_lua_reader *r, const json_t *type, const char *path, struct ork_lua_span *span)
{
    struct ork_lua_buf *b = &r->ctx->values;
    json_t *expr;
    char *text, root[300];
    size_t n;
    ork_err err;
    if (!type || span->len < 9 || strncmp(b->data + span->at, "{\"const\":", 9) != 0 ||
        ork_json_parse(b->data + span->at, span->len, &expr, &err) < 0)
        return;
    json_t *value = json_incref(json_object_get(expr, "const"));
    snprintf(root, sizeof root, "inputs.%.200s", path + strlen("inputs\n"));
    if (ork_type_convert(type, &value, root, &err) < 0) {
        ork_lua_bad_at(r, path, NULL, "%s", err.msg);
    } else {
        json_object_set(expr, "const", value);
        if (ork_json_text(expr, &text, &n, &err) == 0) {
            b->len = span->at;
            ork_lua_buf_add(b, text, n);
            span->len = n;
            ork_free(text);
        }
    }
    json_decref(value);
    json_decref(expr);
}

static void read_field(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *name, const char *way)
{
    struct ork_lua_span span;
    size_t deps = r->ctx->deps.len;
    const json_t *type = NULL;
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    if (!ork_lua_read_expr(r, idx, way, OF_INPUTS, &span))
        return;
    if (!t->input_type)
        return;
    if (ref)
        note_kind(t, r, name, r->ctx->deps.len > deps && ref->kind == ORK_LUA_REF_TASK);
    else if (ork_lua_type_field(t->input_type, name, &type))
        check_constant(r, type, way, &span);
}

/* The input that is another value for each item: behind the other inputs, as it is none of the bindings. */
static void read_each(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *name, const char *way)
{
    json_t *type;
    r->items = false;
    if (!ork_lua_read_each(r, idx, name, way, &t->each, &type) || !type)
        return;
    if (!t->input_kinds)
        t->input_kinds = json_object();
    json_object_set_new(t->input_kinds, name, json_pack("{s:o,s:b}", "type", type, "of_task", 0));
}

static void read_table(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *path)
{
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    size_t n, at = b->len;
    char way[300];
    struct ork_lua_name *fields = ork_lua_sorted_names(r, idx, path, "values", &n);
    if (!fields)
        return;
    ork_lua_buf_addc(b, '{');
    const char *each = NULL;
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        ork_err err;
        lua_pushlstring(L, fields[i].name, fields[i].len);
        bool is_each = lua_rawget(L, idx) == LUA_TUSERDATA && ork_lua_is(L, -1, r->ctx->each_mt);
        lua_pop(L, 1);
        if (is_each && each)
            ork_lua_bad(r, ork_lua_path(way, path, fields[i].name), "ork.each(ork.product{ … }) goes through all pairs",
                        "is a second ork.each, beside `%.60s`; a task has one", each);
        if (is_each) {
            each = each ? each : fields[i].name;
            continue;
        }
        if (!first)
            ork_lua_buf_addc(b, ',');
        first = false;
        lua_pushlstring(L, fields[i].name, fields[i].len);
        if (ork_lua_json_write(L, -1, "inputs", b, &err) < 0)
            ork_lua_bad_at(r, path, NULL, "%s", err.msg);
        ork_lua_buf_addc(b, ':');
        lua_rawget(L, idx);
        ork_lua_path(way, path, fields[i].name);
        read_field(r, t, lua_gettop(L), fields[i].name, way);
        lua_pop(L, 1);
    }
    ork_lua_buf_addc(b, '}');
    t->inputs = (struct ork_lua_span){at, first ? 0 : b->len - at};
    if (each) {
        lua_getfield(L, idx, each);
        read_each(r, t, lua_gettop(L), each, ork_lua_path(way, path, each));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void ork_lua_read_inputs(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    if (ork_lua_is(r->L, idx, r->ctx->each_mt)) {
        ork_lua_bad(r, path, "write inputs = { part = ork.each(…) }",
                    "is ork.each itself; an input of that kind needs a name");
        return;
    }
    if (ref) {
        t->whole_inputs = true;
        if (ork_lua_read_expr(r, idx, path, OF_INPUTS, &t->inputs))
            note_kind(t, r, "", ref->kind == ORK_LUA_REF_TASK);
        return;
    }
    if (lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants values by name, { part = … }, or a reference to an object, got %s",
                    ork_lua_shown(r->L, idx));
        return;
    }
    read_table(r, t, idx, path);
}

/* ---- types ---- */

static void check_kind(struct ork_lua_reader *r, const struct ork_lua_task *t, const char *name, const json_t *kind,
                       const json_t *to)
{
    json_t *from = json_incref(json_object_get(kind, "type"));
    char way[300];
    ork_err err;
    if (t->spec.rule != ORK_RULE_ALL_SUCCESS && json_is_true(json_object_get(kind, "of_task")))
        from = json_pack("[s,o]", "?", from); /* null where that task did not succeed */
    if (ork_type_fits(to, from, &err) < 0)
        ork_lua_bad(r, *name ? ork_lua_path(way, "inputs", name) : "inputs", NULL, "does not fit %s: %s",
                    !t->sub ? "input_type"
                    : *name ? "that param"
                            : "the params",
                    err.msg);
    json_decref(from);
}

static bool takes_null(const json_t *type)
{
    const char *word = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
    return word && (strcmp(word, "any") == 0 || word[strlen(word) - 1] == '?');
}

static bool is_given(lua_State *L, int inputs, const char *name)
{
    if (lua_type(L, inputs) != LUA_TTABLE)
        return false;
    lua_pushstring(L, name);
    bool there = lua_rawget(L, inputs) != LUA_TNIL;
    lua_pop(L, 1);
    return there;
}

void ork_lua_check_inputs(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    lua_State *L = r->L;
    const char *name;
    json_t *type;
    if (!t->input_type)
        return;
    if (t->whole_inputs) {
        const json_t *kind = json_object_get(t->input_kinds, "");
        if (kind)
            check_kind(r, t, "", kind, t->input_type);
        return;
    }
    lua_pushliteral(L, "inputs");
    lua_rawget(L, r->options);
    int inputs = lua_gettop(L);
    json_object_foreach(t->input_type, name, type)
    {
        const json_t *kind = json_object_get(t->input_kinds, name);
        if (kind)
            check_kind(r, t, name, kind, type);
        else if (!takes_null(type) && !is_given(L, inputs, name))
            ork_lua_bad_at(r, lua_isnil(L, inputs) ? "input_type" : "inputs", NULL,
                           "inputs lacks `%.60s`, which input_type wants", name);
    }
    lua_pop(L, 1);
}
