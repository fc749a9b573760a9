/* SPDX-License-Identifier: MIT */
/* Whose line is it, and how a mistake leaves C.
 *
 * Two kinds: an operation that did not work returns nil, message, code; a call that cannot be meant raises at the
 * user's own line. The user's own line is the innermost Lua function that is not one of ours: a helper of the user
 * counts. */
#include "context.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ork_lua_place(lua_State *L, struct ork_lua_place *out)
{
    const struct ork_lua_ctx *ctx = ork_lua_ctx_get(L);
    lua_Debug ar;
    out->file = "?";
    out->line = 0;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0)
            continue;
        if (ctx->own_len > 0 && strncmp(ar.source, ctx->own, ctx->own_len) == 0)
            continue;
        if (*ar.source == '@' || *ar.source == '=') {
            out->file = ar.source + 1;
        } else {
            memcpy(out->text, ar.short_src, sizeof out->text);
            out->file = out->text;
        }
        out->line = (uint32_t)ar.currentline;
        return;
    }
}

int ork_lua_fail(lua_State *L, const ork_err *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->msg);
    lua_pushstring(L, ork_err_symbol(err->code));
    return 3;
}

int ork_lua_raise(lua_State *L, const char *fmt, ...)
{
    char text[1024];
    struct ork_lua_place place;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ork_lua_place(L, &place);
    if (place.line > 0)
        lua_pushfstring(L, "%s:%d: %s", place.file, (int)place.line, text);
    else
        lua_pushstring(L, text);
    lua_error(L);
    __builtin_unreachable();
}
