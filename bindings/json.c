/* SPDX-License-Identifier: MIT */
/* From the Lua stack to canonical JSON text.
 *
 * Law: what is written reads back as the same value, or is refused with its place. Tables are read raw, no Lua code
 * runs here. Keys are sorted on the way; a text with floats, escapes or letters beyond ASCII goes once through the
 * writer of libork, so there is one canonical form and the common short texts still cost no tree. */
#include "json.h"
#include "options.h"
#include "ref.h"
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW_KEYS 16
#define MOST_BYTES (64u << 20)

struct ork_lua_frame {
    const struct ork_lua_frame *up;
    const void *table; /* its identity, to find cycles */
    const char *key;   /* NULL: an index */
    lua_Integer index;
};
struct key {
    const char *s; /* borrowed from the table */
    size_t n;
};

int ork_lua_error(ork_err *err, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, args);
    va_end(args);
    err->code = code;
    return code;
}

static void add_path(struct ork_lua_buf *out, const struct ork_lua_frame *f)
{
    if (!f || (f->table && !f->key && f->index == 0))
        return;
    add_path(out, f->up);
    if (f->key)
        ork_lua_buf_addf(out, ".%.60s", f->key);
    else
        ork_lua_buf_addf(out, "[%lld]", (long long)f->index);
}

static void make_path(const struct ork_lua_writer *w, const struct ork_lua_frame *at, char *out, size_t cap)
{
    struct ork_lua_buf b = {0};
    ork_lua_buf_adds(&b, w->root);
    add_path(&b, at);
    snprintf(out, cap, "%s", b.data);
    ork_lua_buf_fini(&b);
}

static int refuse(struct ork_lua_writer *w, const struct ork_lua_frame *at, const char *what)
{
    char path[400];
    make_path(w, at, path, sizeof path);
    return ork_lua_error(w->err, ORK_EJSON, "%s: %s", path, what);
}

/* ---- numbers ---- */

static int write_number(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at)
{
    char text[40];
    if (lua_isinteger(w->L, idx)) {
        snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(w->L, idx));
    } else {
        double v = lua_tonumber(w->L, idx);
        if (isnan(v))
            return refuse(w, at, "NaN is no value of JSON");
        if (isinf(v))
            return refuse(w, at, "infinity is no value of JSON");
        snprintf(text, sizeof text, "%.17g", v);
        ork_lua_point(text);
        if (!strpbrk(text, ".e"))
            strcat(text, ".0");
        w->rough = true;
    }
    ork_lua_buf_adds(w->out, text);
    return 0;
}

/* ---- tables ---- */

struct shape {
    bool list;
    size_t n; /* elements or fields */
};

/* What kind of table stands at idx; refuses mixtures, holes and keys that JSON has not. */
static int find_shape(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at, struct shape *out)
{
    lua_State *L = w->L;
    size_t names = 0, elements = 0;
    lua_Integer highest = 0;
    char text[120];

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            names++;
        } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1) {
            elements++;
            highest = lua_tointeger(L, -2) > highest ? lua_tointeger(L, -2) : highest;
        } else {
            if (lua_isinteger(L, -2))
                snprintf(text, sizeof text, "element %lld does not exist: lists begin at 1",
                         (long long)lua_tointeger(L, -2));
            else
                snprintf(text, sizeof text, "a %s is no key: fields are named by text", luaL_typename(L, -2));
            lua_pop(L, 2);
            return refuse(w, at, text);
        }
    }
    if (names > 0 && elements > 0)
        return refuse(w, at, "both list elements and named fields; it is one or the other");
    bool marked = lua_getmetatable(L, idx);
    if (marked) {
        marked = lua_topointer(L, -1) == w->ctx->list_mt;
        lua_pop(L, 1);
    }
    if (marked && names > 0)
        return refuse(w, at, "a list (ork.list) has no named fields");
    if ((size_t)highest != elements) {
        lua_Integer hole = 1;
        while (lua_rawgeti(L, idx, hole) != LUA_TNIL) {
            lua_pop(L, 1);
            hole++;
        }
        lua_pop(L, 1);
        snprintf(text, sizeof text, "element %lld is nil; a list has no holes (ork.null is a value)", (long long)hole);
        return refuse(w, at, text);
    }
    out->list = marked || elements > 0;
    out->n = out->list ? elements : names;
    return 0;
}

static int by_bytes(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;
    int c = memcmp(a->s, b->s, a->n < b->n ? a->n : b->n);
    return c ? c : (a->n > b->n) - (a->n < b->n);
}

/* Fills keys with the names of the table, sorted. The strings live as long as the table. */
static void sort_keys(lua_State *L, int idx, struct key *keys, size_t n)
{
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), i++)
        keys[i].s = lua_tolstring(L, -2, &keys[i].n);
    if (n > 1)
        qsort(keys, n, sizeof *keys, by_bytes);
}

typedef int (*write_value_fn)(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at);

static int write_list(struct ork_lua_writer *w, int idx, size_t n, struct ork_lua_frame *here, write_value_fn write)
{
    ork_lua_buf_addc(w->out, '[');
    for (here->index = 1; here->index <= (lua_Integer)n; here->index++) {
        if (here->index > 1)
            ork_lua_buf_addc(w->out, ',');
        lua_rawgeti(w->L, idx, here->index);
        int rc = write(w, lua_gettop(w->L), here);
        lua_pop(w->L, 1);
        if (rc < 0)
            return rc;
    }
    ork_lua_buf_addc(w->out, ']');
    return 0;
}

static int write_fields(struct ork_lua_writer *w, int idx, size_t n, struct ork_lua_frame *here, write_value_fn write)
{
    lua_State *L = w->L;
    struct key few[FEW_KEYS], *keys = few;
    int top = lua_gettop(L), rc = 0;
    if (n > FEW_KEYS)
        keys = lua_newuserdatauv(L, n * sizeof *keys, 0); /* Lua's, so that an error leaks nothing */
    sort_keys(L, idx, keys, n);
    ork_lua_buf_addc(w->out, '{');
    for (size_t i = 0; i < n && rc == 0; i++) {
        here->key = keys[i].s;
        if (i > 0)
            ork_lua_buf_addc(w->out, ',');
        const char *wrong = ork_lua_write_text(w, keys[i].s, keys[i].n);
        if (wrong) {
            here->key = NULL;
            rc = refuse(w, here->up, wrong);
            break;
        }
        ork_lua_buf_addc(w->out, ':');
        lua_pushlstring(L, keys[i].s, keys[i].n);
        lua_rawget(L, idx);
        rc = write(w, lua_gettop(L), here);
        lua_pop(L, 1);
    }
    ork_lua_buf_addc(w->out, '}');
    lua_settop(L, top);
    return rc;
}

/* Opens the table at idx: refuses cycles, depth and bad shapes. */
static int enter(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at, struct ork_lua_frame *here,
                 struct shape *shape)
{
    *here = (struct ork_lua_frame){.up = at, .table = lua_topointer(w->L, idx)};
    for (const struct ork_lua_frame *f = at; f; f = f->up)
        if (f->table == here->table)
            return refuse(w, at, "the table contains itself");
    if (w->depth == 0)
        return refuse(w, at, "tables are nested too deep (200 levels)");
    if (w->out->len > MOST_BYTES)
        return refuse(w, at, "the value is too large (over 64 MiB of JSON)");
    if (!lua_checkstack(w->L, 8))
        return refuse(w, at, "tables are nested too deep for Lua's stack");
    return find_shape(w, idx, at, shape);
}

static int write_table(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at, write_value_fn write,
                       bool tagged)
{
    struct ork_lua_frame here;
    struct shape shape = {0};
    int rc = enter(w, idx, at, &here, &shape);
    if (rc < 0)
        return rc;
    if (tagged)
        ork_lua_buf_adds(w->out, shape.list ? "{\"list\":" : "{\"object\":");
    w->depth--;
    rc = shape.list ? write_list(w, idx, shape.n, &here, write) : write_fields(w, idx, shape.n, &here, write);
    w->depth++;
    if (tagged)
        ork_lua_buf_addc(w->out, '}');
    return rc;
}

/* ---- values ---- */

static int refuse_value(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at)
{
    lua_State *L = w->L;
    if (ork_lua_is(L, idx, w->ctx->ref_mt))
        return refuse(w, at,
                      w->ctx->calling ? "a reference has no value in a function; name it in `inputs`, and read "
                                        "`input.NAME`"
                                      : "a reference has a value only in the run; it cannot stand here");
    if (ork_lua_is(L, idx, w->ctx->task_mt))
        return refuse(w, at, "a task is no value; its output is `task.output`");
    char text[280];
    const struct ork_lua_ctx *ctx = w->ctx;
    const bool own =
        ork_lua_is(L, idx, ctx->each_mt) || ork_lua_is(L, idx, ctx->product_mt) || ork_lua_is(L, idx, ctx->workflow_mt);
    snprintf(text, sizeof text, own ? "wants a value, got %s" : "%s cannot be stored as JSON", ork_lua_shown(L, idx));
    return refuse(w, at, text);
}

static int write_plain(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at)
{
    lua_State *L = w->L;
    const char *wrong, *s;
    size_t n;
    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        s = lua_tolstring(L, idx, &n);
        wrong = ork_lua_ref_in_text(s, n)
                    ? "a reference was made into text while the script was loading; join with .. or ork.format"
                    : ork_lua_write_text(w, s, n);
        return wrong ? refuse(w, at, wrong) : 0;
    case LUA_TNUMBER:
        return write_number(w, idx, at);
    case LUA_TBOOLEAN:
        ork_lua_buf_adds(w->out, lua_toboolean(L, idx) ? "true" : "false");
        return 0;
    case LUA_TTABLE:
        return write_table(w, idx, at, write_plain, false);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(L, idx)) {
            ork_lua_buf_adds(w->out, "null");
            return 0;
        }
        break;
    case LUA_TNIL:
        return refuse(w, at, "nil is no value; ork.null is");
    default:
        break;
    }
    return refuse_value(w, idx, at);
}

/* Does a reference stand anywhere in the value? *budget bounds the tables looked into: cycles are refused later. */
static bool holds_ref(const struct ork_lua_writer *w, int idx, int depth, int *budget)
{
    lua_State *L = w->L;
    if (ork_lua_is(L, idx, w->ctx->ref_mt))
        return true;
    if (lua_type(L, idx) != LUA_TTABLE || depth == 0 || --*budget < 0 || !lua_checkstack(L, 8))
        return false;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (holds_ref(w, lua_gettop(L), depth - 1, budget)) {
            lua_pop(L, 2);
            return true;
        }
    }
    return false;
}

static int write_expr(struct ork_lua_writer *w, int idx, const struct ork_lua_frame *at)
{
    const struct ork_lua_ref *ref = ork_lua_is(w->L, idx, w->ctx->ref_mt);
    if (ref && w->on_ref) {
        char path[400];
        make_path(w, at, path, sizeof path);
        int rc = w->on_ref(w, ref, path);
        if (rc == 0)
            w->rough = ork_lua_ref_write(ref, w->out) || w->rough;
        return rc;
    }
    int budget = 100000;
    if (lua_type(w->L, idx) == LUA_TTABLE && holds_ref(w, idx, w->depth, &budget))
        return write_table(w, idx, at, write_expr, true);
    ork_lua_buf_adds(w->out, "{\"const\":");
    int rc = write_plain(w, idx, at);
    ork_lua_buf_addc(w->out, '}');
    return rc;
}

int ork_lua_write_plain(struct ork_lua_writer *w, int idx)
{
    return write_plain(w, lua_absindex(w->L, idx), NULL);
}

int ork_lua_write_expr(struct ork_lua_writer *w, int idx)
{
    return write_expr(w, lua_absindex(w->L, idx), NULL);
}

int ork_lua_write_end(struct ork_lua_writer *w, size_t start)
{
    struct json_t *tree;
    char *text;
    size_t n;
    if (!w->rough)
        return 0;
    int rc = ork_json_parse(w->out->data + start, w->out->len - start, &tree, w->err);
    if (rc < 0)
        return rc;
    rc = ork_json_text(tree, &text, &n, w->err);
    json_decref(tree);
    if (rc < 0)
        return rc;
    w->out->len = start;
    ork_lua_buf_add(w->out, text, n);
    ork_free(text);
    w->rough = false;
    return 0;
}

int ork_lua_json_write(lua_State *L, int idx, const char *root, struct ork_lua_buf *out, ork_err *err)
{
    struct ork_lua_writer w = {.L = L, .ctx = ork_lua_ctx_get(L), .out = out, .root = root, .err = err, .depth = 200};
    size_t start = out->len;
    int rc = ork_lua_write_plain(&w, idx);
    return rc < 0 ? rc : ork_lua_write_end(&w, start);
}
