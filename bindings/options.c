/* SPDX-License-Identifier: MIT */
/* The reader of option tables. The rows say what there is; unknown keys get the nearest word, words of other tools get
 * ours, and what later versions bring is refused by name. */
#include "options.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What people of other tools write. Options of their own elsewhere, keys of `retries` here. */
static const char *const inside[][2] = {
    {"max_retry_delay", "retries = { max_delay = … }"}, {"retry_backoff", "retries = { factor = … }"},
    {"retry_delay", "retries = { delay = … }"},         {"retry_exponential_backoff", "retries = { factor = … }"},
    {"retry_interval", "retries = { delay = … }"},      {"retry_limit", "retries = { limit = … }"},
};

static const char *const aliases[][2] = {
    {"after", "depends_on"},
    {"bash_command", "command"},
    {"cmd", "command"},
    {"concurrency", "max_parallel"},
    {"condition", "when"},
    {"cron", "schedule"},
    {"default_args", "defaults"},
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
    {"max_active_tasks", "max_parallel"},
    {"needs", "depends_on"},
    {"outputs", "output_type"},
    {"output", "output_type"},
    {"parallelism", "max_parallel"},
    {"parameters", "params"},
    {"priority_weight", "priority"},
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

void ork_lua_path_show(const char *path, char *out, size_t cap)
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

static struct ork_lua_problem *add_problem(struct ork_lua_reader *r, const char *path, const char *hint,
                                           const char *text)
{
    struct ork_lua_problem *p = ork_lua_problem_add(r->def, "EDEF", r->place.file, r->place.line, text);
    if (p)
        ork_lua_problem_place(p, r->call, r->name, path, hint);
    return p;
}

#define subject_of(r) (strcmp((r)->call, "workflow") == 0 ? "workflow" : "task")

static struct ork_lua_problem *add_bad(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt,
                                       va_list args) ORK_PRINTF(4, 0);
static struct ork_lua_problem *add_bad(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt,
                                       va_list args)
{
    char text[900], shown[300];
    ork_lua_path_show(path, shown, sizeof shown);
    int n = snprintf(text, sizeof text, "%s `%s`: `%s` ", subject_of(r), r->name, shown);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    return add_problem(r, path, hint, text);
}

void ork_lua_bad(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_bad(r, path, hint, fmt, args);
    va_end(args);
    r->failed = true;
}

void ork_lua_bad_inside(struct ork_lua_reader *r, const char *path, const char *hint, const char *value, size_t at,
                        size_t len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct ork_lua_problem *p = add_bad(r, path, hint, fmt, args);
    va_end(args);
    if (p)
        ork_lua_problem_inside(p, value, at, len);
    r->failed = true;
}

void ork_lua_warn(struct ork_lua_reader *r, const char *path, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct ork_lua_problem *p = add_bad(r, path, hint, fmt, args);
    va_end(args);
    if (p)
        ork_lua_problem_warn(r->def, p);
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
    r->failed = true;
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

#define FEW 12 /* keys of a table that a message may list */

static void list_words(char *out, size_t cap, const char *const *words)
{
    int n = snprintf(out, cap, "there are ");
    for (; *words && (size_t)n < cap; words++)
        n += snprintf(out + n, cap - (size_t)n, "%s%s", *words, words[1] ? ", " : "");
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
    for (size_t i = 0; (!*path || strcmp(path, "defaults") == 0) && i < sizeof inside / sizeof *inside; i++)
        if (strcmp(inside[i][0], key) == 0 && find_row(rows, n, "retries") >= 0)
            near = inside[i][1];
    const char *table = strrchr(path, '\n') ? strrchr(path, '\n') + 1 : *path ? path : subject_of(r);
    const char *word = ork_lua_option_word(table, key);
    if (word)
        snprintf(hint, sizeof hint, "%s", word);
    else if (near && strchr(near, '='))
        snprintf(hint, sizeof hint, "write `%s`", near);
    else if (near)
        snprintf(hint, sizeof hint, "did you mean `%s`?", near);
    else if (*path && len <= FEW)
        list_words(hint, sizeof hint, words);
    else
        *hint = '\0';
    ork_lua_path_show(path, shown, sizeof shown);
    ork_lua_bad_at(r, ork_lua_path(way, path, key), *hint ? hint : NULL,
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
        ork_lua_read_int(r, idx, path, field);
        break;
    case ORK_LUA_BOOL:
        ork_lua_read_bool(r, idx, path, field);
        break;
    case ORK_LUA_LATER:
        ork_lua_bad(r, path, row->work ? "give it a `command`" : NULL,
                    "(%s) comes with a later version; this one runs process tasks", row->later);
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
            ork_lua_path_show(path, shown, sizeof shown);
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
