/* SPDX-License-Identifier: MIT */
/* The option `resources` of a task: what it may take of memory and of CPU time. */
#include "task.h"
#include <string.h>

#define LEAST_MEMORY (16ll << 20)

/* "512m", "1g", "2GiB", "65536": k, m, g and t are powers of 1024. -1: it is none. */
static int64_t bytes_of(const char *text, size_t len)
{
    static const char units[] = "kmgt";
    int64_t n = 0;
    size_t at = 0;

    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        n = n * 10 + (text[at] - '0');
        if (n > 1ll << 50)
            return -1;
    }
    if (at == 0 || at == len)
        return at ? n : -1;
    const char *unit = strchr(units, text[at] | 0x20);
    const char *rest = text + at + 1;
    if (!unit || (*rest && strcmp(rest, "b") != 0 && strcmp(rest, "B") != 0 && strcmp(rest, "iB") != 0))
        return -1;
    int shift = 10 * (int)(unit - units + 1);
    return n <= (1ll << 50) >> shift ? n << shift : -1;
}

static void read_memory(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    int64_t bytes = -1;
    size_t n = 0;

    if (lua_isinteger(r->L, idx)) {
        bytes = lua_tointeger(r->L, idx);
    } else if (lua_type(r->L, idx) == LUA_TSTRING) {
        const char *text = lua_tolstring(r->L, idx, &n);
        bytes = strlen(text) == n ? bytes_of(text, n) : -1;
    }
    if (bytes < 0)
        ork_lua_bad(r, path, NULL, "wants bytes, such as \"512m\" or \"1g\", got %s", ork_lua_shown(r->L, idx));
    else if (bytes < LEAST_MEMORY)
        ork_lua_bad(r, path, NULL, "is %s; less than 16m is not enough for a program to begin",
                    ork_lua_shown(r->L, idx));
    else
        t->memory = bytes;
}

void ork_lua_read_resources(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    static const struct ork_lua_option rows[] = {
        {.name = "cpu_time", .kind = ORK_LUA_DURATION, .at = offsetof(struct ork_lua_task, cpu_ms)},
        {.name = "memory", .read = read_memory},
    };
    struct ork_lua_task *t = out;

    t->memory = t->cpu_ms = 0;
    if (lua_isboolean(r->L, idx) && !lua_toboolean(r->L, idx))
        return;
    if (lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants a table, such as { memory = \"1g\", cpu_time = \"10m\" }, got %s",
                    ork_lua_shown(r->L, idx));
        return;
    }
    (void)ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, t, 0);
}
