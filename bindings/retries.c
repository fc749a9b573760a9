/* SPDX-License-Identifier: MIT */
/* `retries`: n, false, or { limit, delay, factor, max_delay, jitter, on = { kinds, exit_codes, codes } }. A table
 * replaces the default whole. The lists live in the context until the task is added. */
#include "task.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST (sizeof((struct ork_lua_ctx *)0)->exit_codes / sizeof(int32_t))

static void read_factor(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_retry_spec *s = out;
    double v = lua_type(r->L, idx) == LUA_TNUMBER ? lua_tonumber(r->L, idx) : 0;
    if (!(v >= 1 && v <= 1000))
        ork_lua_bad(r, path, NULL, "wants a number from 1 to 1000, got %s", ork_lua_shown(r->L, idx));
    else
        s->factor = v;
}

static void read_kinds(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const char *const kinds[] = {"exit",  "signal", "timeout", "spawn",    "lost",   "error",
                                        "input", "output", "remote",  "rejected", "policy", NULL};
    struct ork_retry_spec *s = out;
    lua_Integer n;
    char way[300];
    if (!ork_lua_read_list(r, idx, path, "a list of kinds, such as { \"timeout\" }", &n))
        return;
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(r->L, idx, i);
        int word = ork_lua_read_word(r, lua_gettop(r->L), ork_lua_path_index(way, path, i), kinds);
        if (word >= 0)
            s->kinds |= 1u << ork_kind_parse(kinds[word]);
        lua_pop(r->L, 1);
    }
}

static bool check_room(struct ork_lua_reader *r, const char *path, lua_Integer n)
{
    if (n > (lua_Integer)MOST)
        ork_lua_bad(r, path, NULL, "has more than %zu elements", MOST);
    return n <= (lua_Integer)MOST;
}

static void read_exit_codes(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_retry_spec *s = out;
    lua_Integer n;
    char way[300];
    if (!ork_lua_read_list(r, idx, path, "a list of exit codes, such as { 75 }", &n) || !check_room(r, path, n))
        return;
    for (lua_Integer i = 1; i <= n; i++) {
        int whole = 0;
        lua_rawgeti(r->L, idx, i);
        lua_Integer v = lua_type(r->L, -1) == LUA_TNUMBER ? lua_tointegerx(r->L, -1, &whole) : 0;
        if (!whole || v < 1 || v > 255)
            ork_lua_bad(r, ork_lua_path_index(way, path, i), NULL, "wants an exit code from 1 to 255, got %s",
                        ork_lua_shown(r->L, -1));
        else
            r->ctx->exit_codes[s->exit_codes_len++] = (int32_t)v;
        lua_pop(r->L, 1);
    }
    s->exit_codes = r->ctx->exit_codes;
}

static void read_codes(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_retry_spec *s = out;
    lua_Integer n;
    char way[300];
    if (!ork_lua_read_list(r, idx, path, "a list of codes, such as { \"RATE\" }", &n) || !check_room(r, path, n))
        return;
    for (lua_Integer i = 1; i <= n; i++) {
        size_t len;
        lua_rawgeti(r->L, idx, i);
        const char *code = ork_lua_read_text(r, lua_gettop(r->L), ork_lua_path_index(way, path, i), &len);
        if (code)
            r->ctx->codes[s->codes_len++] = code; /* the option table keeps it */
        lua_pop(r->L, 1);
    }
    s->codes = r->ctx->codes;
}

static void read_on(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const struct ork_lua_option rows[] = {
        {.name = "codes", .read = read_codes},
        {.name = "exit_codes", .read = read_exit_codes},
        {.name = "kinds", .read = read_kinds},
    };
    struct ork_retry_spec *s = out;
    if (lua_type(r->L, idx) == LUA_TFUNCTION) {
        s->ask = true;
        ork_lua_check_captures(r, idx, path);
        ork_lua_has_function(r);
    } else if (lua_type(r->L, idx) != LUA_TTABLE)
        ork_lua_bad(r, path, NULL, "wants { kinds, exit_codes, codes } or a function(err), got %s",
                    ork_lua_shown(r->L, idx));
    else if (ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, out, 0) == 0)
        ork_lua_bad(r, path, NULL, "is empty: name kinds, exit_codes or codes");
}

void ork_lua_read_retries(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const struct ork_lua_option rows[] = {
        {.name = "delay", .kind = ORK_LUA_DURATION, .at = offsetof(struct ork_retry_spec, delay_ms)},
        {.name = "factor", .read = read_factor},
        {.name = "jitter", .kind = ORK_LUA_BOOL, .at = offsetof(struct ork_retry_spec, jitter)},
        {.name = "limit", .kind = ORK_LUA_COUNT, .at = offsetof(struct ork_retry_spec, limit)},
        {.name = "max_delay", .kind = ORK_LUA_DURATION, .at = offsetof(struct ork_retry_spec, max_delay_ms)},
        {.name = "on", .read = read_on},
    };
    struct ork_lua_task *t = out;
    struct ork_retry_spec *s = &t->spec.retry;
    lua_State *L = r->L;
    *s = (struct ork_retry_spec){.delay_ms = -1, .factor = 1};
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx))
        return;
    if (lua_type(L, idx) == LUA_TNUMBER) {
        ork_lua_read_count(r, idx, path, 0, &s->limit);
        return;
    }
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL,
                    "wants a number of further attempts, or { limit, delay, factor, max_delay, jitter, on }, got %s",
                    ork_lua_shown(L, idx));
        return;
    }
    uint64_t seen = ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, s, 0);
    if (!(seen & 1u << 3) && seen)
        ork_lua_bad(r, path, "add limit = n", "does not say how many further attempts there are");
    if (seen & 1u << 1 && !(seen & 1u << 0))
        ork_lua_bad(r, path, "add delay = \"1s\"", "has a factor but no delay that it could multiply");
    if (seen & 1u << 4 && s->max_delay_ms > 0 && s->delay_ms > s->max_delay_ms)
        ork_lua_bad(r, path, NULL, "has a delay above its max_delay");
    if (seen == 0 && !r->failed)
        ork_lua_bad(r, path, "add limit = n", "is empty");
}
