/* SPDX-License-Identifier: MIT */
/* Texts made of references: `..` and ork.format. A text is kept as the elements of its JSON list, `"--day=",{"ref":…}`;
 * neighbouring strings are one, so the same text has one form however it was joined. */
#include "json.h"
#include "options.h"
#include "ref.h"
#include <string.h>

/* A text being put together; its pieces are in the context's text buffer, its tasks in the context's deps. */
struct joined {
    lua_State *L;
    struct ork_lua_ctx *ctx;
    struct ork_lua_def *def;
    int owner; /* stack index of a reference that belongs to def; 0 none */
    uint32_t has;
    bool any; /* a reference is in it */
};

static void begin(struct joined *j, lua_State *L)
{
    *j = (struct joined){.L = L, .ctx = ork_lua_ctx_get(L), .has = ORK_LUA_HAS(ORK_LUA_REF_TEXT)};
    ork_lua_buf_clear(&j->ctx->text);
    j->ctx->deps.len = 0;
}

/* Appends pieces of n bytes that begin as given; a string joins the string before it. */
static void add_pieces(struct joined *j, const char *pieces, size_t n)
{
    struct ork_lua_buf *b = &j->ctx->text;
    if (n == 0)
        return;
    if (b->len > 0 && b->data[b->len - 1] == '"' && *pieces == '"') {
        b->len--;
        ork_lua_buf_add(b, pieces + 1, n - 1);
        return;
    }
    if (b->len > 0)
        ork_lua_buf_addc(b, ',');
    ork_lua_buf_add(b, pieces, n);
}

static void add_string(struct joined *j, const char *s, size_t n)
{
    ork_err err;
    struct ork_lua_writer w = {.L = j->L, .ctx = j->ctx, .out = &j->ctx->scratch, .err = &err};
    if (n == 0)
        return;
    if (ork_lua_ref_in_text(s, n))
        ork_lua_raise(
            j->L,
            "a reference was made into text before it was joined; join the reference itself, with .. or ork.format");
    ork_lua_buf_clear(&j->ctx->scratch);
    if (ork_lua_write_string(&w, s, n, "text") < 0)
        ork_lua_raise(j->L, "%s", err.msg);
    add_pieces(j, j->ctx->scratch.data, j->ctx->scratch.len);
}

static void add_ref(struct joined *j, const struct ork_lua_ref *r, int idx)
{
    static const char *const roots[] = {
        [ORK_LUA_REF_PARAMS] = "workflow.params", [ORK_LUA_REF_INPUTS] = "ork.input", [ORK_LUA_REF_THESE] = "ork.this"};
    ork_lua_ref_in_call(j->L, r);
    if (r->kind == ORK_LUA_REF_PARAMS || r->kind == ORK_LUA_REF_INPUTS || r->kind == ORK_LUA_REF_THESE)
        ork_lua_raise(j->L, "%s is no value; name one of its fields", roots[r->kind]);
    if (r->def && j->def && r->def != j->def)
        ork_lua_raise(j->L, "the references of a text belong to two workflows, `%s` and another",
                      ork_lua_ref_workflow(j->def));
    if (r->def) {
        j->def = r->def;
        j->owner = idx;
    }
    for (uint32_t i = 0; i < r->deps_len; i++)
        ork_lua_numbers_add(&j->ctx->deps, r->deps[i]);
    j->has |= r->has;
    j->any = true;
    if (r->kind == ORK_LUA_REF_TEXT) {
        add_pieces(j, ork_lua_ref_text(r), r->len);
        return;
    }
    ork_lua_buf_clear(&j->ctx->scratch);
    ork_lua_ref_write(r, &j->ctx->scratch);
    add_pieces(j, j->ctx->scratch.data, j->ctx->scratch.len);
}

/* Adds the operand at idx: a reference, a string or a number. */
static void add_value(struct joined *j, int idx, const char *what)
{
    lua_State *L = j->L;
    const struct ork_lua_ref *r = ork_lua_is(L, idx, j->ctx->ref_mt);
    if (r) {
        add_ref(j, r, idx);
    } else if (lua_type(L, idx) == LUA_TSTRING || lua_type(L, idx) == LUA_TNUMBER) {
        size_t n;
        lua_pushvalue(L, idx); /* lua_tolstring changes numbers in place */
        const char *s = lua_tolstring(L, -1, &n);
        add_string(j, s, n);
        lua_pop(L, 1);
    } else if (ork_lua_is(L, idx, j->ctx->task_mt)) {
        ork_lua_raise(L, "%s: a task is no text; name a field of its output: task.output.FIELD", what);
    } else {
        ork_lua_raise(L, "%s: %s cannot be joined to a text", what, ork_lua_shown(L, idx));
    }
}

static int push_text(struct joined *j)
{
    struct ork_lua_ref like = {.def = j->def, .type = j->ctx->str_type, .kind = ORK_LUA_REF_TEXT, .has = j->has};
    int owner = 0;
    like.deps_len = (uint32_t)j->ctx->deps.len;
    if (j->owner) {
        lua_getiuservalue(j->L, j->owner, 1);
        owner = lua_gettop(j->L);
    }
    ork_lua_ref_new(j->L, &like, j->ctx->deps.items, j->ctx->text.len ? j->ctx->text.data : "", j->ctx->text.len,
                    owner);
    return 1;
}

int ork_lua_ref_concat(lua_State *L)
{
    struct joined j;
    begin(&j, L);
    add_value(&j, 1, "..");
    add_value(&j, 2, "..");
    return push_text(&j);
}

/* What %s would make an address of, or the name of something. */
static bool is_no_text(lua_State *L, int idx)
{
    const int type = lua_type(L, idx);
    if (type != LUA_TTABLE)
        return type == LUA_TUSERDATA || type == LUA_TFUNCTION;
    if (luaL_getmetafield(L, idx, "__tostring") == LUA_TNIL)
        return true;
    lua_pop(L, 1);
    return false;
}

/* One conversion, "%5.1f": a constant goes through string.format, a reference only into %s. */
static void add_conversion(struct joined *j, const char *spec, size_t n, int idx)
{
    lua_State *L = j->L;
    if (ork_lua_is(L, idx, j->ctx->ref_mt)) {
        if (n != 2 || spec[1] != 's')
            ork_lua_raise(
                L, "ork.format: a reference only goes into %%s, its value exists only in the run; the format has %.*s",
                (int)n, spec);
        add_value(j, idx, "ork.format");
        return;
    }
    if (is_no_text(L, idx))
        add_value(j, idx, "ork.format"); /* raises */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "string");
    lua_getfield(L, -1, "format");
    lua_pushlstring(L, spec, n);
    lua_pushvalue(L, idx);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK)
        ork_lua_raise(L, "ork.format: %s", lua_tostring(L, -1));
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    add_string(j, s, len);
    lua_pop(L, 3);
}

int ork_lua_format(lua_State *L) /* ork.format(format, …) -> text or string */
{
    struct joined j;
    size_t n;
    int idx = 1, last = lua_gettop(L);
    if (lua_type(L, 1) != LUA_TSTRING)
        return ork_lua_raise(L, "ork.format wants a format first, such as \"--day=%%s\", got %s", ork_lua_shown(L, 1));
    const char *s = lua_tolstring(L, 1, &n), *end = s + n;
    begin(&j, L);
    while (s < end) {
        const char *percent = memchr(s, '%', (size_t)(end - s));
        const char *stop = percent ? percent : end;
        add_string(&j, s, (size_t)(stop - s));
        if (!percent)
            break;
        s = percent + 1 + strspn(percent + 1, "-+ #0123456789.");
        if (s >= end)
            return ork_lua_raise(L, "ork.format: the format ends in the middle of a %%; a percent sign is %%%%");
        s++;
        if (s[-1] == '%') {
            add_string(&j, "%", 1);
            continue;
        }
        if (++idx > last)
            return ork_lua_raise(L, "ork.format: the format has more places than there are values (%d)", last - 1);
        add_conversion(&j, percent, (size_t)(s - percent), idx);
    }
    if (idx < last)
        return ork_lua_raise(L, "ork.format: %d values for %d places of the format", last - 1, idx - 1);
    if (j.any)
        return push_text(&j);
    lua_settop(L, last); /* nothing of the run in it: an ordinary string */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "string");
    lua_getfield(L, -1, "format");
    for (int i = 1; i <= last; i++)
        lua_pushvalue(L, i);
    lua_call(L, last, 1);
    return 1;
}
