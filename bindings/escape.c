/* SPDX-License-Identifier: MIT */
/* Text of tasks and users, made harmless to a terminal. Tabs, line ends, printable ASCII and well-formed UTF-8 stay;
 * control characters (C0, DEL, C1), bytes that are not UTF-8 and marks that turn the reading direction become escapes
 * like \x1b and \u{202e}. In C because logs are long: what needs no escape is only looked at once. */
#include "loop.h"
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>

/* Length of the well-formed sequence at s, or 0: overlong, surrogate, beyond U+10FFFF, cut off. */
static size_t sequence(const unsigned char *s, size_t n, unsigned *point)
{
    size_t len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};

    if (s[0] < 0xC2 || s[0] > 0xF4 || n < len)
        return 0;
    *point = s[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        *point = *point << 6 | (s[i] & 0x3Fu);
    }
    if (*point < least[len] || *point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF))
        return 0;
    return len;
}

static bool turns_direction(unsigned point)
{
    return point == 0x61C || point == 0x200E || point == 0x200F || (point >= 0x202A && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

static bool is_plain(unsigned char c)
{
    return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\t';
}

/* How many bytes at s stay as they are; 0: none, then *escape says what stands for the next *taken bytes. */
static size_t keep(const unsigned char *s, size_t n, char escape[16], size_t *taken)
{
    static const char named[] = {[0] = '0', ['\a'] = 'a', ['\b'] = 'b', ['\r'] = 'r', [27] = 'e'};
    unsigned point = 0;
    size_t len;

    if (is_plain(s[0]))
        return 1;
    *taken = 1;
    if (s[0] < sizeof named && named[s[0]]) {
        (void)snprintf(escape, 16, "\\%c", named[s[0]]);
        return 0;
    }
    len = s[0] >= 0x80 ? sequence(s, n, &point) : 0;
    if (!len) {
        (void)snprintf(escape, 16, "\\x%02x", s[0]);
        return 0;
    }
    *taken = len;
    if (point < 0xA0)
        (void)snprintf(escape, 16, "\\x%02x", point);
    else if (turns_direction(point))
        (void)snprintf(escape, 16, "\\u{%x}", point);
    else
        return len;
    return 0;
}

int ork_lua_escape(lua_State *L) /* escape(text) -> text, the same one when there is nothing to escape */
{
    size_t n, from = 0, at = 0, taken = 0;
    const char *text = luaL_checklstring(L, 1, &n);
    const unsigned char *s = (const unsigned char *)text;
    char escape[16];
    bool changed = false;
    luaL_Buffer out;

    while (at < n) {
        size_t kept;
        while (at < n && is_plain(s[at]))
            at++;
        if (at == n)
            break;
        kept = keep(s + at, n - at, escape, &taken);
        if (kept) {
            at += kept;
            continue;
        }
        if (!changed)
            luaL_buffinit(L, &out);
        changed = true;
        luaL_addlstring(&out, text + from, at - from);
        luaL_addstring(&out, escape);
        from = at += taken;
    }
    if (!changed) {
        lua_settop(L, 1);
        return 1;
    }
    luaL_addlstring(&out, text + from, n - from);
    luaL_pushresult(&out);
    return 1;
}
