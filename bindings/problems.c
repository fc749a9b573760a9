/* SPDX-License-Identifier: MIT */
/* The mistakes of a definition, collected. C knows the call and the way to the key; lua/ork/problems.lua finds the
 * key's own line in the source, because that is needed only when there is a mistake. */
#include "def.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000 /* nobody reads more; the rest is counted */

static char *dup_text(const char *s)
{
    char *copy = s ? strdup(s) : NULL;
    if (s && !copy) {
        fprintf(stderr, "ork: out of memory\n");
        abort();
    }
    return copy;
}

struct ork_lua_problem *ork_lua_problem_add(struct ork_lua_def *d, const char *code, const char *file, uint32_t line,
                                            const char *text)
{
    d->mistakes++;
    if (d->problems_len >= MOST) {
        d->problems_more++;
        return NULL;
    }
    if (d->problems_len == d->problems_cap) {
        size_t cap = d->problems_cap ? d->problems_cap * 2 : 8;
        struct ork_lua_problem *items = realloc(d->problems, cap * sizeof *items);
        if (!items)
            abort();
        d->problems = items;
        d->problems_cap = cap;
    }
    struct ork_lua_problem *p = &d->problems[d->problems_len++];
    *p = (struct ork_lua_problem){.code = code, .file = dup_text(file), .text = dup_text(text), .line = line};
    return p;
}

void ork_lua_problem_place(struct ork_lua_problem *p, const char *call, const char *name, const char *path,
                           const char *hint)
{
    p->call = dup_text(call);
    p->name = dup_text(name);
    p->path = dup_text(path);
    p->hint = dup_text(hint);
}

void ork_lua_problem_inside(struct ork_lua_problem *p, const char *value, size_t at, size_t len)
{
    p->value = dup_text(value);
    p->value_at = (uint32_t)at;
    p->value_len = (uint32_t)len;
}

void ork_lua_problem_warn(struct ork_lua_def *d, struct ork_lua_problem *p)
{
    p->warning = true;
    d->mistakes--;
}

static void set_text(lua_State *L, const char *key, const char *value)
{
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

void ork_lua_problems_push(lua_State *L, const struct ork_lua_def *d)
{
    lua_createtable(L, (int)d->problems_len, 0);
    for (size_t i = 0; i < d->problems_len; i++) {
        const struct ork_lua_problem *p = &d->problems[i];
        lua_createtable(L, 0, 8);
        set_text(L, "code", p->code);
        set_text(L, "file", p->file);
        set_text(L, "text", p->text);
        set_text(L, "hint", p->hint);
        set_text(L, "call", p->call);
        set_text(L, "name", p->name);
        set_text(L, "path", p->path);
        if (p->value) {
            set_text(L, "value", p->value);
            lua_pushinteger(L, p->value_at);
            lua_setfield(L, -2, "value_at");
            lua_pushinteger(L, p->value_len);
            lua_setfield(L, -2, "value_length");
        }
        lua_pushinteger(L, p->line);
        lua_setfield(L, -2, "line");
        lua_pushboolean(L, p->warning);
        lua_setfield(L, -2, "warning");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    if (d->problems_more > 0) {
        lua_createtable(L, 0, 3);
        set_text(L, "code", "EDEF");
        lua_pushfstring(L, "%d more mistakes in workflow `%s`", (int)d->problems_more, ork_workflow_name(d->w));
        lua_setfield(L, -2, "text");
        lua_rawseti(L, -2, (lua_Integer)d->problems_len + 1);
    }
}
