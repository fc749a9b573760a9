/* SPDX-License-Identifier: MIT */
/* Strings as JSON. Most need only quotes; bytes that are not UTF-8 and NUL are refused, escapes and letters beyond
 * ASCII make the text rough: it goes through libork's writer once, which knows the canonical form. */
#include "json.h"
#include <string.h>

/* Length of the UTF-8 sequence at s (1 to 4), 0 when it is none: overlong, a surrogate, beyond U+10FFFF, cut off. */
static size_t sequence(const unsigned char *s, size_t n)
{
    size_t len = *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
        (*s == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

/* NULL, or what is wrong with the text. *plain: quotes around it are all it needs. */
static const char *check_text(const char *text, size_t n, bool *plain)
{
    const unsigned char *s = (const unsigned char *)text, *end = s + n;
    while (s < end) {
        if (*s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\') {
            s++;
            continue;
        }
        *plain = false;
        if (*s == 0)
            return "a text with a NUL byte cannot be stored; encode such data (base64)";
        size_t len = *s < 0x80 ? 1 : sequence(s, (size_t)(end - s));
        if (len == 0)
            return "a text that is not UTF-8 cannot be stored; encode such data (base64)";
        s += len;
    }
    return NULL;
}

static void add_escaped(struct ork_lua_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20)
            ork_lua_buf_addf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            ork_lua_buf_addf(out, "\\%c", c);
        else
            ork_lua_buf_addc(out, (char)c);
    }
}

const char *ork_lua_write_text(struct ork_lua_writer *w, const char *s, size_t n)
{
    bool plain = true;
    const char *wrong = check_text(s, n, &plain);
    if (wrong)
        return wrong;
    ork_lua_buf_addc(w->out, '"');
    if (plain)
        ork_lua_buf_add(w->out, s, n);
    else
        add_escaped(w->out, s, n);
    ork_lua_buf_addc(w->out, '"');
    w->rough = w->rough || !plain;
    return NULL;
}

int ork_lua_write_string(struct ork_lua_writer *w, const char *s, size_t n, const char *path)
{
    const char *wrong = ork_lua_write_text(w, s, n);
    return wrong ? ork_lua_error(w->err, ORK_EJSON, "%s: %s", path, wrong) : 0;
}

void ork_lua_point(char *number)
{
    for (char *c = number; *c; c++)
        if (!strchr("0123456789+-e.", *c))
            *c = '.';
}
