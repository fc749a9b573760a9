/* SPDX-License-Identifier: MIT */
/* The metatable of references, most of which raises: uses that cannot be meant while the script loads, each with what
 * to write instead; while functions are called in a worker, any use. `==` with something else, `not`, `and` and `if`
 * never reach C; option tables refuse what they leave behind (when = false), and functions that use one (capture.c). */
#include "ref.h"
#include <stdio.h>
#include <string.h>

static struct ork_lua_ref *check_ref(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, ORK_LUA_REF);
}

/* What an input for it could be called: as its last field; as the task, for all that one gave. */
static const char *input_name(const struct ork_lua_ref *r)
{
    const char *text = ork_lua_ref_text(r), *last = text, *before = text;
    unsigned parts = 0;

    if (r->kind >= ORK_LUA_REF_DATE)
        return "NAME";
    for (const char *part = text; part <= text + r->len; part += strlen(part) + 1, parts++) {
        before = last;
        last = part;
    }
    if (r->kind == ORK_LUA_REF_TASK && parts == 3)
        last = before;
    return parts > 1 && ork_lua_is_identifier(last) ? last : "NAME";
}

void ork_lua_ref_cure(const struct ork_lua_ref *r, char *out, size_t size)
{
    static const char *const of_ctx[] = {"run_id", "task", "attempt", "scheduled_for", "item", NULL};
    const char *name = input_name(r);

    if (r->kind == ORK_LUA_REF_SECRET) {
        (void)snprintf(out, size,
                       "call ctx.secret(\"NAME\"), or name it in a header of ork.defer.http: { secret = \"NAME\" }");
        return;
    }
    for (size_t i = 0; r->kind == ORK_LUA_REF_THIS && of_ctx[i]; i++) {
        if (strcmp(of_ctx[i], name) == 0) {
            (void)snprintf(out, size, "read `ctx.%s`", name);
            return;
        }
    }
    (void)snprintf(out, size, "%sread `input.%s`", r->kind == ORK_LUA_REF_INPUT ? "" : "name it in `inputs`, and ",
                   name);
}

void ork_lua_ref_in_call(lua_State *L, const struct ork_lua_ref *r)
{
    char cure[300];

    if (!ork_lua_ctx_get(L)->calling)
        return;
    ork_lua_ref_cure(r, cure, sizeof cure);
    ork_lua_raise(L, "%s is a reference, which has no value in a function; %s", ork_lua_ref_shown(L, r), cure);
}

static const char *operand_name(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    int idx = ork_lua_is(L, 1, ctx->ref_mt) ? 1 : 2;
    ork_lua_ref_in_call(L, check_ref(L, idx));
    return ork_lua_ref_shown(L, check_ref(L, idx));
}

static int ref_newindex(lua_State *L)
{
    return ork_lua_raise(L, "%s cannot be changed: it stands for a value of the run", operand_name(L));
}

static int ref_len(lua_State *L)
{
    return ork_lua_raise(
        L, "%s has no length while the script loads: its value exists only in the run; count in the task that gets it",
        operand_name(L));
}

static int ref_pairs(lua_State *L)
{
    return ork_lua_raise(L,
                         "%s cannot be looped over while the script loads: its value exists only in the run; loop in "
                         "the task that gets it",
                         operand_name(L));
}

/* Lua asks `b < a` for `a > b`: which of the four was written is not known here. */
static int ref_compare(lua_State *L)
{
    const char *name = operand_name(L);
    return ork_lua_raise(L,
                         "%s cannot be compared while the script loads; decide in the run: when = { %s, OP, value } "
                         "with OP one of \"==\", \"~=\", \"<\", \"<=\", \">\", \">=\", \"in\"",
                         name, name);
}

static int ref_equal(lua_State *L)
{
    const char *name = operand_name(L);
    return ork_lua_raise(
        L, "%s cannot be compared while the script loads; decide in the run: when = { %s, \"==\", value }", name, name);
}

static int ref_arithmetic(lua_State *L)
{
    return ork_lua_raise(L, "%s is no number while the script loads; calculate in the task that gets it",
                         operand_name(L));
}

static int ref_call(lua_State *L)
{
    return ork_lua_raise(L, "%s is a value of the run, not a function", operand_name(L));
}

static int ref_tostring(lua_State *L)
{
    ork_lua_ref_in_call(L, check_ref(L, 1));
    lua_pushfstring(L, ORK_LUA_REF_MARK "%s>", ork_lua_ref_shown(L, check_ref(L, 1)));
    return 1;
}

void ork_lua_ref_metatable(lua_State *L)
{
    static const luaL_Reg methods[] = {{"__index", ork_lua_ref_index},
                                       {"__newindex", ref_newindex},
                                       {"__len", ref_len},
                                       {"__pairs", ref_pairs},
                                       {"__lt", ref_compare},
                                       {"__le", ref_compare},
                                       {"__eq", ref_equal},
                                       {"__call", ref_call},
                                       {"__concat", ork_lua_ref_concat},
                                       {"__tostring", ref_tostring},
                                       {"__add", ref_arithmetic},
                                       {"__sub", ref_arithmetic},
                                       {"__mul", ref_arithmetic},
                                       {"__div", ref_arithmetic},
                                       {"__mod", ref_arithmetic},
                                       {"__pow", ref_arithmetic},
                                       {"__unm", ref_arithmetic},
                                       {"__idiv", ref_arithmetic},
                                       {"__band", ref_arithmetic},
                                       {"__bor", ref_arithmetic},
                                       {"__bxor", ref_arithmetic},
                                       {"__shl", ref_arithmetic},
                                       {"__shr", ref_arithmetic},
                                       {"__bnot", ref_arithmetic},
                                       {NULL, NULL}};
    ork_lua_ctx_get(L)->ref_mt = ork_lua_metatable(L, ORK_LUA_REF);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
