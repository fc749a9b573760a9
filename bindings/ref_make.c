/* SPDX-License-Identifier: MIT */
/* References that belong to no workflow: ork.input, ork.this, ork.date, ork.secret. */
#include "options.h"
#include "ref.h"
#include <stdio.h>
#include <string.h>

static int make_date(lua_State *L) /* ork.date([offset[, format]]) */
{
    static const char letters[] = "YmdHMSjyFTsab%";
    struct ork_lua_ref like = {.kind = ORK_LUA_REF_DATE, .has = ORK_LUA_HAS(ORK_LUA_REF_DATE)};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    int64_t offset_ms = 0;
    ork_err err;
    like.type = ctx->str_type;
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t n;
        const char *s = lua_tolstring(L, 1, &n);
        if (ork_duration_parse(s, n, &offset_ms, &err) < 0)
            return ork_lua_raise(L, "ork.date: %s", err.msg);
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        double s = lua_tonumber(L, 1);
        if (!(s > -1e12 && s < 1e12))
            return ork_lua_raise(L, "ork.date: the offset is too large");
        if (s != 0 && s > -60 && s < 60) /* days are meant, by people of other tools */
            return ork_lua_raise(L, "ork.date: a number is seconds; write \"%dd\" for days or \"%ds\" for seconds",
                                 (int)s, (int)s);
        offset_ms = (int64_t)(s * 1000.0 + (s < 0 ? -0.5 : 0.5));
    } else if (!lua_isnoneornil(L, 1)) {
        return ork_lua_raise(L, "ork.date wants an offset such as \"-1d\", got %s", ork_lua_shown(L, 1));
    }
    ork_lua_buf_clear(&ctx->scratch);
    if (lua_isnoneornil(L, 2)) {
        ork_lua_buf_addf(&ctx->scratch, "{\"date\":{\"offset_ms\":%lld}}", (long long)offset_ms);
    } else {
        if (lua_type(L, 2) != LUA_TSTRING)
            return ork_lua_raise(L, "ork.date wants a format such as \"%%Y-%%m-%%d\", got %s", ork_lua_shown(L, 2));
        if (!strchr(lua_tostring(L, 2), '%'))
            return ork_lua_raise(L,
                                 "ork.date: the format \"%s\" has no %% in it, so it is the same every day; "
                                 "write \"%%Y-%%m-%%d\", or join texts with `..`",
                                 lua_tostring(L, 2));
        for (const char *c = lua_tostring(L, 2); *c; c++)
            if (*c == '%' && (!*++c || !strchr(letters, *c)))
                return ork_lua_raise(
                    L,
                    "ork.date: the format has %%%c; known are %%Y %%m %%d %%H %%M %%S %%j %%y %%F %%T %%s %%a %%b %%%%",
                    *c ? *c : ' ');
        ork_lua_buf_adds(&ctx->scratch, "{\"date\":{\"format\":");
        if (ork_lua_json_write(L, 2, "format", &ctx->scratch, &err) < 0)
            return ork_lua_raise(L, "ork.date: %s", err.msg);
        ork_lua_buf_addf(&ctx->scratch, ",\"offset_ms\":%lld}}", (long long)offset_ms);
    }
    ork_lua_ref_new(L, &like, NULL, ctx->scratch.data, ctx->scratch.len, 0);
    return 1;
}

static int make_secret(lua_State *L) /* ork.secret(name) */
{
    struct ork_lua_ref like = {.kind = ORK_LUA_REF_SECRET, .has = ORK_LUA_HAS(ORK_LUA_REF_SECRET)};
    struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    if (!ork_lua_is_identifier(name) || strlen(name) != lua_rawlen(L, 1) || strlen(name) > 200)
        return ork_lua_raise(L, "ork.secret wants the name of a secret: letters, digits, _");
    like.type = ctx->str_type;
    ork_lua_buf_clear(&ctx->scratch);
    ork_lua_buf_addf(&ctx->scratch, "{\"secret\":\"%s\"}", name);
    ork_lua_ref_new(L, &like, NULL, ctx->scratch.data, ctx->scratch.len, 0);
    return 1;
}

void ork_lua_add_refs(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"date", make_date}, {"secret", make_secret}, {"format", ork_lua_format}, {NULL, NULL}};
    ork_lua_ref_metatable(L);
    luaL_setfuncs(L, functions, 0);
    struct ork_lua_ref inputs = {.kind = ORK_LUA_REF_INPUTS, .has = ORK_LUA_HAS(ORK_LUA_REF_INPUT)};
    ork_lua_ref_new(L, &inputs, NULL, "input", 5, 0);
    lua_setfield(L, -2, "input");
    struct ork_lua_ref these = {.kind = ORK_LUA_REF_THESE, .has = ORK_LUA_HAS(ORK_LUA_REF_THIS)};
    ork_lua_ref_new(L, &these, NULL, "this", 4, 0);
    lua_setfield(L, -2, "this");
}
