/* SPDX-License-Identifier: MIT */
/* UTF-8 by the table of well-formed sequences in the Unicode standard (3-7): the lead byte decides how many bytes
 * follow and which values the second may have. */
#include "base/utf8.h"
#include "base/err.h"
#include "base/json.h"
#include <string.h>

size_t ork_utf8_len(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned char c = p[0], low = 0x80, high = 0xBF;
    size_t len;
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF) {
        len = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        len = 3;
        if (c == 0xE0)
            low = 0xA0; /* shorter forms exist */
        else if (c == 0xED)
            high = 0x9F; /* surrogates */
    } else if (c >= 0xF0 && c <= 0xF4) {
        len = 4;
        if (c == 0xF0)
            low = 0x90;
        else if (c == 0xF4)
            high = 0x8F; /* beyond U+10FFFF */
    } else {
        return 0;
    }
    if (n < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

int ork_utf8_cut(const char *s, int most)
{
    int n = (int)strnlen(s, (size_t)most + 1);

    if (n <= most)
        return n;
    for (n = most; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

int ork_utf8_check(const char *s, size_t n, ork_err *err)
{
    for (size_t i = 0; i < n;) {
        if (s[i] == '\0')
            return ork_err_set(
                err, ORK_EJSON,
                "the character U+0000 at byte %zu cannot be stored; remove it or encode the data (base64)", i);
        size_t len = ork_utf8_len(s + i, n - i);
        if (len == 0)
            return ork_err_set(err, ORK_EJSON,
                               "byte %zu (0x%02x) is not UTF-8; text must be UTF-8, other data encoded (base64)", i,
                               (unsigned)(unsigned char)s[i]);
        i += len;
    }
    return 0;
}
