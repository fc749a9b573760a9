/* SPDX-License-Identifier: MIT */
/* The metatable of references, most of which raises: uses that cannot be meant while the script loads, each with what
 * to write instead. `==` with something else, `not`, `and` and `if` never reach C; option tables refuse what they leave
 * behind (when = false). */
#include "ref.h"

static struct ork_lua_ref *check_ref(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, ORK_LUA_REF);
}

static const char *operand_name(lua_State *L)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    int idx = ork_lua_is(L, 1, ctx->ref_mt) ? 1 : 2;
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
