/* SPDX-License-Identifier: MIT */
/* `env`: variables by name; false unsets one. Secrets may stand here, nothing stores or shows it. */
#include "ref.h"
#include "task.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL (~0u)

static int by_name(const void *pa, const void *pb)
{
    const struct ork_lua_name *a = pa, *b = pb;
    return strcmp(a->name, b->name);
}

struct ork_lua_name *ork_lua_sorted_names(struct ork_lua_reader *r, int idx, const char *path, const char *what,
                                          size_t *n)
{
    lua_State *L = r->L;
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), count++) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawlen(L, -2) > 0 && strlen(lua_tostring(L, -2)) == lua_rawlen(L, -2))
            continue;
        const char *key = ork_lua_shown(L, -2);
        lua_pop(L, 2);
        ork_lua_bad(r, path, NULL, "wants %s by name, but has the key %s", what, key);
        return NULL;
    }
    struct ork_lua_name *fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
    *n = count;
    count = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), count++)
        fields[count].name = lua_tolstring(L, -2, &fields[count].len);
    qsort(fields, count, sizeof *fields, by_name);
    return fields;
}

static bool is_variable(const char *s)
{
    if (*s >= '0' && *s <= '9')
        return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_'))
            return false;
    return true;
}

static bool is_taken(const char *s)
{
    static const char *const taken[] = {"ORK_RUN_ID",        "ORK_TASK_ID",    "ORK_TASK_NAME", "ORK_TASK_INDEX",
                                        "ORK_WORKFLOW_NAME", "ORK_ATTEMPT",    "EXECUTION_ID",  "ORK_OUTPUT_FILE",
                                        "ORK_INPUT_FILE",    "ORK_INPUT_JSON", "ORK_ARTIFACTS"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(taken[i], s) == 0)
            return true;
    return false;
}

/* One variable, appended to values: false, a string, or an expression. */
static bool read_variable(struct ork_lua_reader *r, int idx, const char *path)
{
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    struct ork_lua_span span;
    char text[40];
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx)) {
        ork_lua_buf_adds(b, "false");
        return true;
    }
    if (ork_lua_is(L, idx, r->ctx->ref_mt))
        return ork_lua_read_expr(r, idx, path, ALL, &span);
    if (lua_type(L, idx) == LUA_TNUMBER && ork_lua_number_text(L, idx, text)) {
        ork_lua_buf_addf(b, "\"%s\"", text);
        return true;
    }
    if (lua_type(L, idx) == LUA_TSTRING) {
        ork_err err;
        if (ork_lua_json_write(L, idx, "it", b, &err) == 0)
            return true;
        ork_lua_bad(r, path, NULL, "is refused: %s", err.msg + (strncmp(err.msg, "it: ", 4) == 0 ? 4 : 0));
        return false;
    }
    ork_lua_bad(r, path, lua_type(L, idx) == LUA_TBOOLEAN ? "write \"true\" or \"1\"; false unsets a variable" : NULL,
                "wants a text, got %s", ork_lua_shown(L, idx));
    return false;
}

void ork_lua_read_env(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    lua_State *L = r->L;
    struct ork_lua_buf *b = &r->ctx->values;
    size_t n, at = b->len;
    char way[300];
    bool good = true;
    t->default_env = NULL;
    if (lua_type(L, idx) == LUA_TBOOLEAN && !lua_toboolean(L, idx))
        return;
    if (lua_type(L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants variables by name, { NAME = \"value\" }, got %s", ork_lua_shown(L, idx));
        return;
    }
    struct ork_lua_name *fields = ork_lua_sorted_names(r, idx, path, "variables", &n);
    if (!fields)
        return;
    ork_lua_buf_addc(b, '{');
    for (size_t i = 0; i < n; i++) {
        ork_lua_path(way, path, fields[i].name);
        if (!is_variable(fields[i].name) || is_taken(fields[i].name)) {
            ork_lua_bad(r, way, NULL,
                        is_taken(fields[i].name) ? "is set by Ork for every attempt"
                                                 : "is no name of a variable: letters, digits, _");
            good = false;
            continue;
        }
        ork_lua_buf_addf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", fields[i].name);
        lua_getfield(L, idx, fields[i].name);
        good = read_variable(r, lua_gettop(L), way) && good;
        lua_pop(L, 1);
    }
    ork_lua_buf_addc(b, '}');
    lua_pop(L, 1);
    if (good && n > 0)
        t->env = (struct ork_lua_span){at, b->len - at};
    else
        b->len = at;
}
