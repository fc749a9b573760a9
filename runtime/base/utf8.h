/* SPDX-License-Identifier: MIT */
#ifndef ORK_BASE_UTF8_H
#define ORK_BASE_UTF8_H
#include <stddef.h>

/* Bytes (1–4) of the UTF-8 sequence s begins with; 0 when it begins with none: overlong forms, surrogates, beyond
 * U+10FFFF and cut sequences are none. n > 0. */
size_t ork_utf8_len(const char *s, size_t n);
/* Bytes of s, at most that many, which do not end within a character: for "%.*s". s is UTF-8. */
int ork_utf8_cut(const char *s, int most);
#endif
