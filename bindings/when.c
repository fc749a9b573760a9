/* SPDX-License-Identifier: MIT */
/* `when`: a reference that is truthy, or { a, op, b }. Decided in the run; so what is constant already is refused: it
 * is mostly a comparison that Lua made while the script was loading. */
#include "fit.h"
#include "ref.h"
#include "task.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define OF_WHEN (~ORK_LUA_HAS(ORK_LUA_REF_SECRET))

static const char *const ops[] = {"==", "~=", "<", "<=", ">", ">=", "in", NULL};
static const char compare_hint[] = "compare in the run: when = { task.output.FIELD, \"==\", value }";

static const char *read_op(struct ork_lua_reader *r, int idx)
{
    static const char *const meant[][2] = {{"!=", "~="}, {"<>", "~="}, {"=", "=="}, {"===", "=="}, {"=<", "<="},
                                           {"=>", ">="}, {"≤", "<="},  {"≥", ">="}, {"eq", "=="},  {"ne", "~="}};
    lua_State *L = r->L;
    const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "", *near = NULL;
    char hint[40];
    for (size_t i = 0; ops[i]; i++) {
        if (strcmp(ops[i], s) == 0)
            return ops[i];
    }
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        if (strcmp(meant[i][0], s) == 0)
            near = meant[i][1];
    }
    snprintf(hint, sizeof hint, "did you mean \"%s\"?", near ? near : "");
    ork_lua_bad(r, "when\n#2", near ? hint : NULL, "wants one of == ~= < <= > >= in, got %s", ork_lua_shown(L, idx));
    return NULL;
}

/* As far as comparing goes. */
enum sort { ANY, NUMBER, TEXT, BOOLEAN, LIST, OBJECT };
static const char *const sort_names[] = {"anything", "a number", "text", "a boolean", "a list", "an object"};

static enum sort sort_of_type(const json_t *type)
{
    const char *word = json_string_value(type);
    if (json_is_array(type))
        return json_array_size(type) == 2 ? sort_of_type(json_array_get(type, 1)) : LIST;
    if (json_is_object(type))
        return OBJECT;
    if (!word || strncmp(word, "any", 3) == 0)
        return ANY;
    if (strncmp(word, "int", 3) == 0 || strncmp(word, "float", 5) == 0)
        return NUMBER;
    return strncmp(word, "bool", 4) == 0 ? BOOLEAN : TEXT;
}

static enum sort sort_of(struct ork_lua_reader *r, int idx)
{
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    if (ref)
        return ref->items ? LIST : ref->type ? sort_of_type(ref->type) : ANY;
    switch (lua_type(r->L, idx)) {
    case LUA_TNUMBER:
        return NUMBER;
    case LUA_TSTRING:
        return TEXT;
    case LUA_TBOOLEAN:
        return BOOLEAN;
    default:
        return ANY;
    }
}

/* "a.output.rows (int)", "\"x\"": for messages. */
static void show_side(struct ork_lua_reader *r, int idx, char out[240])
{
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    char type[100] = "";
    if (!ref) {
        snprintf(out, 240, "%.230s", ork_lua_shown(r->L, idx));
        return;
    }
    json_t *of = ork_lua_ref_type(ref, ORK_RULE_ALL_SUCCESS);
    if (of)
        ork_type_show(of, type);
    json_decref(of);
    snprintf(out, 240, "%.120s (%s)", ork_lua_ref_shown(r->L, ref), type);
}

/* The times have a form each: as texts, those of different kinds are never equal. */
static const char *time_of(struct ork_lua_reader *r, int idx)
{
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    const char *word = ref && !ref->items ? json_string_value(ref->type) : NULL;
    return word && strncmp(word, "date", 4) == 0 ? word : NULL;
}

static void check_times(struct ork_lua_reader *r, int left, int right)
{
    const char *a = time_of(r, left), *b = time_of(r, right);
    char left_text[240], right_text[240];
    size_t n = a ? strcspn(a, "?") : 0;
    if (a && b && (strcspn(b, "?") != n || strncmp(a, b, n) != 0)) {
        show_side(r, left, left_text);
        show_side(r, right, right_text);
        ork_lua_bad(r, "when", NULL, "compares %s with %s, which are written differently", left_text, right_text);
        return;
    }
    int constant = a ? right : left;
    if ((a || b) && lua_type(r->L, constant) == LUA_TSTRING) {
        json_t *value = json_string(lua_tostring(r->L, constant)), *type = json_string(a ? a : b);
        ork_err err;
        if (value && ork_type_convert(type, &value, "", &err) < 0)
            ork_lua_bad(r, a ? "when\n#3" : "when\n#1", NULL, "is compared with a %s: %s", a ? a : b, err.msg);
        json_decref(type);
        json_decref(value);
    }
}

/* `in`: the list, and what its elements are. */
static void check_in(struct ork_lua_reader *r, int left, int right)
{
    lua_State *L = r->L;
    enum sort a = sort_of(r, left), b = sort_of(r, right);
    const struct ork_lua_ref *list = ork_lua_is(L, right, r->ctx->ref_mt);
    char text[240], list_text[240], way[300];
    if (b != ANY && b != LIST) {
        ork_lua_bad(r, "when\n#3", NULL, "is %s; `in` wants a list on the right", sort_names[b]);
    } else if (b == ANY && lua_type(L, right) != LUA_TTABLE && lua_type(L, right) != LUA_TUSERDATA) {
        ork_lua_bad(r, "when\n#3", NULL, "is %s; `in` wants a list on the right", ork_lua_shown(L, right));
    } else if (list && list->type && a != ANY) {
        json_t *type = ork_lua_ref_type(list, ORK_RULE_ALL_SUCCESS);
        const json_t *whole = json_array_size(type) == 2 ? json_array_get(type, 1) : type;
        enum sort of = json_is_array(whole) ? sort_of_type(json_array_get(whole, 0)) : ANY;
        if (of != ANY && of != a) {
            show_side(r, left, text);
            show_side(r, right, list_text);
            ork_lua_bad(r, "when", NULL, "looks for %s in %s, where it never is", text, list_text);
        }
        json_decref(type);
    }
    for (lua_Integer i = 1;
         !list && a != ANY && lua_type(L, right) == LUA_TTABLE && i <= (lua_Integer)lua_rawlen(L, right); i++) {
        lua_rawgeti(L, right, i);
        enum sort of = sort_of(r, lua_gettop(L));
        if (of != ANY && of != a) {
            show_side(r, left, text);
            ork_lua_bad(r, ork_lua_path_index(way, "when\n#3", i), NULL, "is %s, which %s never is",
                        ork_lua_shown(L, -1), text);
        }
        lua_pop(L, 1);
    }
}

/* Sides that can never be equal, or have no order. */
static void check_sorts(struct ork_lua_reader *r, const char *op, int left, int right)
{
    enum sort a = sort_of(r, left), b = sort_of(r, right);
    bool order = *op == '<' || *op == '>';
    char left_text[240], right_text[240];
    if (strcmp(op, "in") == 0) {
        check_in(r, left, right);
        return;
    }
    bool apart = a != ANY && b != ANY && a != b, orderless = order && (a > TEXT || b > TEXT);
    if (apart || orderless) {
        show_side(r, left, left_text);
        show_side(r, right, right_text);
    }
    if (apart)
        ork_lua_bad(r, "when", NULL, "compares %s with %s, which %s", left_text, right_text,
                    order ? "have no order" : "are never equal");
    else if (orderless)
        ork_lua_bad(r, "when", NULL, "orders %s; `%s` orders two numbers or two texts",
                    a > TEXT ? left_text : right_text, op);
    else
        check_times(r, left, right);
}

/* A status that no task ever has. */
static void check_status(struct ork_lua_reader *r, const char *op, int left, int right)
{
    static const char *const words[] = {"success", "failed", "cancelled", "skipped", NULL};
    const struct ork_lua_ref *ref = ork_lua_is(r->L, left, r->ctx->ref_mt);
    char hint[60];
    if (!ref || ref->kind != ORK_LUA_REF_TASK || (*op != '=' && *op != '~') || lua_type(r->L, right) != LUA_TSTRING)
        return;
    const char *parts = ork_lua_ref_text(ref), *last = parts + ref->len - strlen("status");
    if (ref->len < 8 || strcmp(last, "status") != 0 || last[-1] != '\0' ||
        strlen(parts + 6) + 7 != (size_t)(last - parts)) /* tasks, NAME, status */
        return;
    const char *word = lua_tostring(r->L, right), *near = ork_suggest(word, words);
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return;
    snprintf(hint, sizeof hint, "did you mean \"%s\"?", near ? near : "");
    ork_lua_bad(r, "when\n#3", near ? hint : NULL,
                "is no status a task ends with: success, failed, cancelled, skipped; got %s",
                ork_lua_shown(r->L, right));
}

static void write_condition(struct ork_lua_reader *r, struct ork_lua_task *t, int left, const char *op, int right)
{
    struct ork_lua_buf *b = &r->ctx->values;
    struct ork_lua_span span;
    size_t at = b->len;
    ork_lua_buf_adds(b, "{\"left\":");
    if (!ork_lua_read_expr(r, left, right ? "when\n#1" : "when", OF_WHEN, &span))
        goto bad;
    ork_lua_buf_addf(b, ",\"op\":\"%s\"", op);
    if (right) {
        ork_lua_buf_adds(b, ",\"right\":");
        if (!ork_lua_read_expr(r, right, "when\n#3", OF_WHEN, &span))
            goto bad;
    }
    ork_lua_buf_addc(b, '}');
    t->when = (struct ork_lua_span){at, b->len - at};
    return;
bad:
    b->len = at;
}

static void read_comparison(struct ork_lua_reader *r, struct ork_lua_task *t, int idx)
{
    lua_State *L = r->L;
    lua_Integer n;
    if (!ork_lua_read_list(r, idx, "when", "a reference or { a, op, b }", &n))
        return;
    if (n != 3) {
        ork_lua_bad(r, "when", "write { reference, \"==\", value }", "wants { a, op, b }, got %lld elements",
                    (long long)n);
        return;
    }
    for (lua_Integer i = 1; i <= 3; i++)
        lua_rawgeti(L, idx, i);
    int left = lua_gettop(L) - 2, right = left + 2;
    const char *op = read_op(r, left + 1);
    if (op && !ork_lua_is(L, left, r->ctx->ref_mt) && !ork_lua_is(L, right, r->ctx->ref_mt)) {
        ork_lua_bad(r, "when", compare_hint, "compares two constants: it holds no reference");
    } else if (op) {
        check_sorts(r, op, left, right);
        check_status(r, op, left, right);
        write_condition(r, t, left, op, right);
    }
    lua_pop(L, 3);
}

/* Asked with the task's inputs. */
static void read_function(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    struct ork_lua_buf *b = &r->ctx->values;
    ork_lua_has_function(r);
    t->has_when = true;
    t->when = (struct ork_lua_span){b->len, 0};
    ork_lua_buf_adds(b, "{\"function\":true}");
    t->when.len = b->len - t->when.at;
}

void ork_lua_read_when(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_State *L = r->L;
    struct ork_lua_task *t = out;
    const struct ork_lua_ref *ref = ork_lua_is(L, idx, r->ctx->ref_mt);
    if (ref && (ref->kind == ORK_LUA_REF_TEXT || ref->kind == ORK_LUA_REF_DATE))
        ork_lua_bad(r, path, compare_hint, "is a text, which is always true");
    else if (ref)
        write_condition(r, t, idx, "truthy", 0);
    else if (lua_type(L, idx) == LUA_TTABLE)
        read_comparison(r, t, idx);
    else if (lua_type(L, idx) == LUA_TFUNCTION) {
        read_function(r, t);
        ork_lua_check_captures(r, idx, path);
    } else if (ork_lua_is(L, idx, r->ctx->task_mt))
        ork_lua_bad(r, path, "for order alone use depends_on; for its outcome task.status or task.output.FIELD",
                    "is a task, not a value");
    else if (lua_type(L, idx) == LUA_TUSERDATA)
        ork_lua_bad(r, path, NULL, "wants a reference, { a, OP, b } or a function(input), got %s",
                    ork_lua_shown(L, idx));
    else
        ork_lua_bad(r, path, compare_hint, "is %s, which was decided while the script was loading",
                    ork_lua_shown(L, idx));
}
