/* SPDX-License-Identifier: MIT */
/* Single values of options: durations, counts, words, lists. Each is read, or its mistake is added. */
#include "json.h"
#include "options.h"
#include "ref.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MOST 1e11 /* some thousand years; in milliseconds far from the end of int64 */

static const char *ref_place(const struct ork_lua_ref *ref)
{
    if (ref->kind == ORK_LUA_REF_SECRET)
        return "which stands in `env` alone, where nothing stores or shows it (in a function: ctx.secret)";
    return "whose value is known only in the run";
}

static void show_ref(const struct ork_lua_ref *ref, char *out, size_t cap)
{
    struct ork_lua_buf b = {0};
    ork_lua_ref_name(ref, &b);
    snprintf(out, cap, "%s%.80s, %s", ref->kind < ORK_LUA_REF_DATE ? "the reference " : "", b.data, ref_place(ref));
    ork_lua_buf_fini(&b);
}

/* A value of a module or of the script: by the name of its kind, where it has one. */
static void show_other(lua_State *L, int idx, char *out, size_t cap)
{
    const char *name = luaL_getmetafield(L, idx, "__name") == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    const char *word = name ? name : luaL_typename(L, idx);
    if (strcmp(word, "ork") == 0)
        snprintf(out, cap, "the module ork");
    else
        snprintf(out, cap, "%s %.60s", strchr("aeiou", *word) ? "an" : "a", word);
    if (name)
        lua_pop(L, 1);
}

/* What only Ork makes, and where it belongs; false: it is of another kind. */
static bool show_own(lua_State *L, int idx, char *out, size_t cap)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const struct ork_lua_ref *ref = ork_lua_is(L, idx, ctx->ref_mt);
    const char *what = ork_lua_is(L, idx, ctx->task_mt)       ? "a task"
                       : ork_lua_is(L, idx, ctx->workflow_mt) ? "a workflow"
                       : ork_lua_is(L, idx, ctx->each_mt)
                           ? "an ork.each, which is one of a task's inputs: inputs = { part = ork.each(…) }"
                       : ork_lua_is(L, idx, ctx->product_mt)
                           ? "an ork.product, which is the list of an ork.each: ork.each(ork.product{ … })"
                           : NULL;
    if (ref)
        show_ref(ref, out, cap);
    else if (what)
        snprintf(out, cap, "%s", what);
    return ref || what;
}

#define SHOWN 240

const char *ork_lua_shown(lua_State *L, int idx)
{
    static _Thread_local char ring[4][SHOWN];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % 4];
    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        snprintf(out, SHOWN, "\"%.60s\"", lua_tostring(L, idx));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx))
            snprintf(out, SHOWN, "%lld", (long long)lua_tointeger(L, idx));
        else
            snprintf(out, SHOWN, "%.14g", lua_tonumber(L, idx));
        break;
    case LUA_TBOOLEAN:
        snprintf(out, SHOWN, "%s", lua_toboolean(L, idx) ? "true" : "false");
        break;
    case LUA_TNONE:
    case LUA_TNIL:
        snprintf(out, SHOWN, "nil");
        break;
    case LUA_TLIGHTUSERDATA:
        snprintf(out, SHOWN, "null");
        break;
    default:
        if (!show_own(L, idx, out, SHOWN))
            show_other(L, idx, out, SHOWN);
    }
    return out;
}

bool ork_lua_number_text(lua_State *L, int idx, char out[40])
{
    double v = lua_tonumber(L, idx);
    if (lua_isinteger(L, idx)) {
        snprintf(out, 40, "%lld", (long long)lua_tointeger(L, idx));
        return true;
    }
    if (!isfinite(v))
        return false;
    if (v == floor(v) && fabs(v) < 1e15) {
        snprintf(out, 40, "%.0f", v + 0.0); /* 12.0 is 12, -0.0 is 0 */
        return true;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*g", digits, v);
        if (strtod(out, NULL) == v)
            break;
    }
    ork_lua_point(out);
    return true;
}

bool ork_lua_read_duration(struct ork_lua_reader *r, int idx, const char *path, int64_t *ms)
{
    lua_State *L = r->L;
    ork_err err;
    int64_t v = 0;
    if (lua_type(L, idx) == LUA_TNUMBER) {
        double s = lua_tonumber(L, idx);
        if (!(s >= 0 && s <= SECONDS_MOST)) {
            ork_lua_bad(r, path, NULL, "wants a duration of 0 seconds or more, got %s", ork_lua_shown(L, idx));
            return false;
        }
        v = (int64_t)llround(s * 1000.0);
        if (s > 0 && v == 0) {
            ork_lua_bad(r, path, NULL, "is finer than a millisecond: %s s", ork_lua_shown(L, idx));
            return false;
        }
    } else if (lua_type(L, idx) == LUA_TSTRING) {
        size_t n;
        const char *s = lua_tolstring(L, idx, &n);
        if (ork_duration_parse(s, n, &v, &err) < 0) {
            ork_lua_bad(r, path, NULL, "wants a duration: %s", err.msg);
            return false;
        }
        if (v < 0) {
            ork_lua_bad(r, path, NULL, "wants a duration that is not negative, got \"%.60s\"", s);
            return false;
        }
    } else {
        ork_lua_bad(r, path, NULL, "wants a duration, seconds or a text such as \"10m\", got %s",
                    ork_lua_shown(L, idx));
        return false;
    }
    *ms = v;
    return true;
}

bool ork_lua_read_count(struct ork_lua_reader *r, int idx, const char *path, uint32_t least, uint32_t *out)
{
    lua_State *L = r->L;
    int whole = 0;
    lua_Integer v = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &whole) : 0;
    if (!whole || v < (lua_Integer)least || v > INT32_MAX) {
        ork_lua_bad(r, path, NULL, "wants a whole number, %u or more, got %s", least, ork_lua_shown(L, idx));
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

bool ork_lua_read_int(struct ork_lua_reader *r, int idx, const char *path, int32_t *out)
{
    lua_State *L = r->L;
    int whole = 0;
    lua_Integer v = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &whole) : 0;
    if (!whole || v < INT32_MIN || v > INT32_MAX) {
        ork_lua_bad(r, path, NULL, "wants a whole number, got %s", ork_lua_shown(L, idx));
        return false;
    }
    *out = (int32_t)v;
    return true;
}

bool ork_lua_read_bool(struct ork_lua_reader *r, int idx, const char *path, bool *out)
{
    if (lua_type(r->L, idx) != LUA_TBOOLEAN) {
        ork_lua_bad(r, path, NULL, "wants true or false, got %s", ork_lua_shown(r->L, idx));
        return false;
    }
    *out = lua_toboolean(r->L, idx);
    return true;
}

const char *ork_lua_read_text(struct ork_lua_reader *r, int idx, const char *path, size_t *n)
{
    lua_State *L = r->L;
    ork_err err;
    if (lua_type(L, idx) != LUA_TSTRING) {
        ork_lua_bad(r, path, NULL, "wants a text, got %s", ork_lua_shown(L, idx));
        return NULL;
    }
    const char *s = lua_tolstring(L, idx, n);
    ork_lua_buf_clear(&r->ctx->scratch);
    if (ork_lua_json_write(L, idx, "the text", &r->ctx->scratch, &err) < 0) {
        ork_lua_bad(r, path, NULL, "is refused: %s", err.msg);
        return NULL;
    }
    return s;
}

int ork_lua_read_word(struct ork_lua_reader *r, int idx, const char *path, const char *const *words)
{
    lua_State *L = r->L;
    const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : NULL;
    char all[300] = "", hint[120];
    for (int i = 0; words[i]; i++) {
        if (s && strcmp(words[i], s) == 0)
            return i;
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", words[i]);
    }
    const char *near = s ? ork_suggest(s, words) : NULL;
    snprintf(hint, sizeof hint, "did you mean \"%.60s\"?", near ? near : "");
    ork_lua_bad(r, path, near ? hint : NULL, "wants one of %s, got %s", all, ork_lua_shown(L, idx));
    return -1;
}

bool ork_lua_read_list(struct ork_lua_reader *r, int idx, const char *path, const char *what, lua_Integer *n)
{
    lua_State *L = r->L;
    lua_Integer count = 0, highest = 0;
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants %s, got %s", what, ork_lua_shown(L, idx));
        return false;
    }
    idx = lua_absindex(L, idx);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1) {
            const char *key = ork_lua_shown(L, -2);
            lua_pop(L, 2);
            ork_lua_bad(r, path, NULL, "wants %s, but has the key %s", what, key);
            return false;
        }
        count++;
        highest = lua_tointeger(L, -2) > highest ? lua_tointeger(L, -2) : highest;
    }
    if (count != highest) {
        lua_Integer hole = 1;
        while (lua_rawgeti(L, idx, hole) != LUA_TNIL) {
            lua_pop(L, 1);
            hole++;
        }
        lua_pop(L, 1);
        ork_lua_bad(r, path, NULL, "has a hole: element %lld is nil", (long long)hole);
        return false;
    }
    *n = count;
    return true;
}
