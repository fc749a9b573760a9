/* SPDX-License-Identifier: MIT */
/* `retention`: how much of a workflow's history `ork serve` keeps. { days, runs, bytes } or false: all of it. */
#include "workflow.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

#define MOST_BYTES INT64_C(1000000000000000)

static void read_number(struct ork_lua_reader *r, int idx, const char *path, void *out, const char *key)
{
    uint32_t n;
    if (ork_lua_read_count(r, idx, path, 1, &n))
        json_object_set_new(out, key, json_integer(n));
}

static void read_days(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    read_number(r, idx, path, out, "days");
}

static void read_runs(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    read_number(r, idx, path, out, "runs");
}

/* "500m" "10g", of 1024; a number is bytes. -1: neither. */
static int64_t size_of(const char *s)
{
    static const char units[] = "kmgt";
    char *end;
    double v = strtod(s, &end);
    if (end == s || !(v > 0))
        return -1;
    char unit = *end >= 'A' && *end <= 'Z' ? (char)(*end + ('a' - 'A')) : *end;
    const char *u = unit ? strchr(units, unit) : NULL;
    if (unit && (!u || (end[1] && strcmp(end + 1, "b") != 0 && strcmp(end + 1, "B") != 0)))
        return -1;
    for (long i = u ? u - units + 1 : 0; i > 0; i--)
        v *= 1024;
    return v <= (double)MOST_BYTES ? (int64_t)v : -1;
}

static void read_bytes(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    int type = lua_type(r->L, idx);
    int64_t bytes = -1;
    if (type == LUA_TNUMBER) {
        double v = lua_tonumber(r->L, idx);
        bytes = v >= 1 && v <= (double)MOST_BYTES && floor(v) == v ? (int64_t)v : -1;
    } else if (type == LUA_TSTRING) {
        bytes = size_of(lua_tostring(r->L, idx));
    }
    if (bytes < 1)
        ork_lua_bad(r, path, NULL, "wants a size like \"500m\" or \"10g\", got %s", ork_lua_shown(r->L, idx));
    else
        json_object_set_new(out, "bytes", json_integer(bytes));
}

void ork_lua_read_retention(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const struct ork_lua_option rows[] = {
        {.name = "bytes", .read = read_bytes},
        {.name = "days", .read = read_days},
        {.name = "runs", .read = read_runs},
    };
    lua_State *L = r->L;
    (void)out;
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx)) {
        json_object_set_new(r->def->options, "retention", json_false());
        return;
    }
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, "`days` is how long finished runs stay, `runs` how many, `bytes` what their logs may take",
                    "wants { days = 90, runs = 1000, bytes = \"10g\" } or false, got %s", ork_lua_shown(L, idx));
        return;
    }
    json_t *retention = json_object();
    uint64_t seen = ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, retention, 0);
    if (!seen)
        ork_lua_bad(r, path, NULL, "is empty: it wants days, runs or bytes, or false to keep everything");
    json_object_set_new(r->def->options, "retention", retention);
}
