/* SPDX-License-Identifier: MIT */
/* `inputs`: values by name, or a reference to an object. What an input is declared to be is held against what it gets
 * once the whole table was read (fit.c), because the trigger rule decides whether the output of another task may be
 * missing. */
#include "each.h"
#include "python.h"
#include "ref.h"
#include "task.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define OF_INPUTS (~(ORK_LUA_HAS(ORK_LUA_REF_SECRET) | ORK_LUA_HAS(ORK_LUA_REF_INPUT)))

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
    const json_t *type = NULL;
    if (ork_lua_read_expr(r, idx, way, OF_INPUTS, &span) && t->input_type &&
        ork_lua_type_field(t->input_type, name, &type))
        check_constant(r, type, way, &span);
}

/* The input that is another value for each item: behind the other inputs, as it is none of the bindings. */
static void read_each(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *name, const char *way)
{
    r->items = false;
    r->all_success = t->spec.rule == ORK_RULE_ALL_SUCCESS && !t->finally && !ork_lua_says(r, "trigger_rule");
    if (!ork_lua_read_each(r, idx, name, way, &t->each, &t->each_type, &t->each_spares))
        t->each_type = NULL;
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
    ork_lua_python_first(r, t);
    if (ork_lua_is(r->L, idx, r->ctx->each_mt)) {
        ork_lua_bad(r, path, "write inputs = { part = ork.each(…) }",
                    "is ork.each itself; an input of that kind needs a name");
        return;
    }
    if (ref) {
        t->whole_inputs = true;
        if (!ork_lua_read_expr(r, idx, path, OF_INPUTS, &t->inputs))
            t->inputs.len = 0;
        return;
    }
    if (lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants values by name, { part = … }, or a reference to an object, got %s",
                    ork_lua_shown(r->L, idx));
        return;
    }
    read_table(r, t, idx, path);
}
