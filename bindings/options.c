/* SPDX-License-Identifier: MIT */
/* The reader of option tables. The rows say what there is; unknown keys get the nearest word, words of other tools get
 * ours, and what later versions bring is refused by name. */
#include "options.h"
#include "ref.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MOST 1e11 /* some thousand years; in milliseconds far from the end of int64 */

/* What people of other tools write. */
static const char *const aliases[][2] = {
    {"after", "depends_on"},
    {"cmd", "command"},
    {"concurrency", "max_parallel"},
    {"condition", "when"},
    {"cron", "schedule"},
    {"depends", "depends_on"},
    {"deps", "depends_on"},
    {"dir", "cwd"},
    {"env_vars", "env"},
    {"environment", "env"},
    {"exec", "command"},
    {"execution_timeout", "timeout"},
    {"if", "when"},
    {"input", "inputs"},
    {"label", "tags"},
    {"needs", "depends_on"},
    {"outputs", "output_type"},
    {"output", "output_type"},
    {"parallelism", "max_parallel"},
    {"parameters", "params"},
    {"requires", "depends_on"},
    {"retry", "retries"},
    {"rule", "trigger_rule"},
    {"script", "command"},
    {"shell", "command"},
    {"timeout_seconds", "timeout"},
    {"upstream", "depends_on"},
    {"workdir", "cwd"},
    {"max_retries", "limit"},
    {"attempts", "limit"},
    {"max_attempts", "limit"},
    {"backoff", "factor"},
    {"tz", "timezone"},
    {"interval", "every"},
    {"exit_code", "exit_codes"},
    {"kind", "kinds"},
};

/* ---- ways and messages ---- */

const char *ork_lua_path(char out[300], const char *path, const char *key)
{
    snprintf(out, 300, "%s%s%.200s", path, *path ? "\n" : "", key);
    return out;
}

const char *ork_lua_path_index(char out[300], const char *path, lua_Integer i)
{
    snprintf(out, 300, "%s%s#%lld", path, *path ? "\n" : "", (long long)i);
    return out;
}

/* "retries\nlimit" as retries.limit, "command\n#2" as command[2]. */
static void show_path(const char *path, char *out, size_t cap)
{
    size_t n = 0;
    bool index = false;
    for (const char *c = path; *c && n + 3 < cap; c++) {
        if (*c != '\n') {
            out[n++] = *c;
            continue;
        }
        if (index)
            out[n++] = ']';
        index = c[1] == '#';
        out[n++] = index ? '[' : '.';
        c += index;
    }
    if (index)
        out[n++] = ']';
    out[n] = '\0';
}

static void add_problem(struct ork_lua_reader *r, const char *path, const char *hint, const char *text)
{
    struct ork_lua_problem *p = ork_lua_problem_add(r->def, "EDEF", r->place.file, r->place.line, text);
    if (p)
        ork_lua_problem_place(p, r->call, r->name, path, hint);
    r->failed = true;
}

#define subject_of(r) (strcmp((r)->call, "workflow") == 0 ? "workflow" : "task")

void ork_lua_bad(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...)
{
    char text[900], shown[300];
    va_list args;
    show_path(path, shown, sizeof shown);
    int n = snprintf(text, sizeof text, "%s `%s`: `%s` ", subject_of(r), r->name, shown);
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    va_end(args);
    add_problem(r, path, hint, text);
}

void ork_lua_bad_at(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...)
{
    char text[900];
    va_list args;
    int n = snprintf(text, sizeof text, "%s `%s`: ", subject_of(r), r->name);
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    va_end(args);
    add_problem(r, path, hint, text);
}

const char *ork_lua_shown(lua_State *L, int idx)
{
    static _Thread_local char ring[4][120];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % 4];
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        snprintf(out, 120, "\"%.60s\"", lua_tostring(L, idx));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx))
            snprintf(out, 120, "%lld", (long long)lua_tointeger(L, idx));
        else
            snprintf(out, 120, "%.14g", lua_tonumber(L, idx));
        break;
    case LUA_TBOOLEAN:
        snprintf(out, 120, "%s", lua_toboolean(L, idx) ? "true" : "false");
        break;
    case LUA_TNIL:
        snprintf(out, 120, "nil");
        break;
    case LUA_TUSERDATA: {
        const char *what = ork_lua_is(L, idx, ctx->ref_mt)        ? "a reference"
                           : ork_lua_is(L, idx, ctx->task_mt)     ? "a task"
                           : ork_lua_is(L, idx, ctx->workflow_mt) ? "a workflow"
                                                                  : "a userdata";
        snprintf(out, 120, "%s", what);
        break;
    }
    case LUA_TLIGHTUSERDATA:
        snprintf(out, 120, "null");
        break;
    default:
        snprintf(out, 120, "a %s", luaL_typename(L, idx));
    }
    return out;
}

/* ---- single values ---- */

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

static bool read_int(struct ork_lua_reader *r, int idx, const char *path, int32_t *out)
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

/* ---- tables ---- */

static int find_row(const struct ork_lua_option *rows, size_t n, const char *name)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = strcmp(name, rows[mid].name);
        if (c == 0)
            return (int)mid;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return -1;
}

static void unknown_key(struct ork_lua_reader *r, const char *path, const char *key, const struct ork_lua_option *rows,
                        size_t n, unsigned flags)
{
    const char *words[65], *near = NULL;
    char way[300], shown[300], hint[300];
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        if (rows[i].kind != ORK_LUA_LATER && (rows[i].by_default || !(flags & ORK_LUA_DEFAULTS)))
            words[len++] = rows[i].name;
    words[len] = NULL;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        int row = strcmp(aliases[i][0], key) == 0 ? find_row(rows, n, aliases[i][1]) : -1;
        if (row >= 0 && (rows[row].by_default || !(flags & ORK_LUA_DEFAULTS)))
            near = aliases[i][1];
    }
    if (!near)
        near = ork_suggest(key, words);
    if (near)
        snprintf(hint, sizeof hint, "did you mean `%s`?", near);
    show_path(path, shown, sizeof shown);
    ork_lua_bad_at(r, ork_lua_path(way, path, key), near ? hint : NULL,
                   *path ? "unknown key `%.80s` in `%s`" : "unknown option `%.80s`", key, shown);
}

static void read_row(struct ork_lua_reader *r, int idx, const char *path, const struct ork_lua_option *row, void *out)
{
    void *field = (char *)out + row->at;
    bool off = row->off && lua_isboolean(r->L, idx) && !lua_toboolean(r->L, idx);
    switch (row->kind) {
    case ORK_LUA_OWN:
        row->read(r, idx, path, out);
        break;
    case ORK_LUA_DURATION:
        if (off)
            *(int64_t *)field = 0;
        else
            ork_lua_read_duration(r, idx, path, field);
        break;
    case ORK_LUA_COUNT:
        if (off)
            *(uint32_t *)field = 0;
        else
            ork_lua_read_count(r, idx, path, row->least, field);
        break;
    case ORK_LUA_INT:
        read_int(r, idx, path, field);
        break;
    case ORK_LUA_BOOL:
        ork_lua_read_bool(r, idx, path, field);
        break;
    case ORK_LUA_LATER:
        ork_lua_bad(r, path, row->work ? "give it a `command`" : NULL, "(%s) comes with a later version; this one runs process tasks",
                    row->later);
        break;
    }
}

/* The rows that are there, as bits; keys that are no rows are refused. */
static uint64_t find_rows(struct ork_lua_reader *r, int idx, const char *path, const struct ork_lua_option *rows,
                          size_t n, unsigned flags)
{
    lua_State *L = r->L;
    uint64_t seen = 0;
    char way[300], shown[300];
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            const char *value = ork_lua_shown(L, -1);
            show_path(path, shown, sizeof shown);
            if (lua_isinteger(L, -2))
                ork_lua_path_index(way, path, lua_tointeger(L, -2));
            else
                snprintf(way, sizeof way, "%s", path);
            ork_lua_bad_at(r, way, NULL, "%s%s%soptions have names, but %s stands there without one", *path ? "`" : "",
                           shown, *path ? "`: " : "", value);
            continue;
        }
        const char *key = lua_tostring(L, -2);
        int row = find_row(rows, n, key);
        if (row < 0)
            unknown_key(r, path, key, rows, n, flags);
        else if ((flags & ORK_LUA_DEFAULTS) && !rows[row].by_default)
            ork_lua_bad(r, ork_lua_path(way, path, key), NULL, "is an option of single tasks, it cannot be a default");
        else
            seen |= 1ull << row;
    }
    return seen;
}

uint64_t ork_lua_options(struct ork_lua_reader *r, int idx, const char *path, const struct ork_lua_option *rows,
                         size_t n, void *out, unsigned flags)
{
    lua_State *L = r->L;
    char way[300];
    idx = lua_absindex(L, idx);
    uint64_t seen = find_rows(r, idx, path, rows, n, flags);
    for (uint64_t left = seen; left; left &= left - 1) {
        const struct ork_lua_option *row = &rows[__builtin_ctzll(left)];
        lua_pushstring(L, row->name);
        lua_rawget(L, idx);
        read_row(r, lua_gettop(L), *path ? ork_lua_path(way, path, row->name) : row->name, row, out);
        lua_pop(L, 1);
    }
    return seen;
}
