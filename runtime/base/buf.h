/* SPDX-License-Identifier: MIT */
/* A growable byte string; always NUL-terminated once something was appended. */
#ifndef ORK_BASE_BUF_H
#define ORK_BASE_BUF_H
#include <ork/ork.h>
#include <stdarg.h>

struct ork_buf {
    char *data; /* owned; NULL while nothing was appended */
    size_t len, cap;
};
#define ORK_BUF_INIT                                                                                                   \
    {                                                                                                                  \
        0                                                                                                              \
    }

void ork_buf_fini(struct ork_buf *b);
void ork_buf_clear(struct ork_buf *b); /* keeps the memory */
void ork_buf_add(struct ork_buf *b, const void *p, size_t n);
void ork_buf_addc(struct ork_buf *b, char c);
void ork_buf_adds(struct ork_buf *b, const char *s);
void ork_buf_addf(struct ork_buf *b, const char *fmt, ...) ORK_PRINTF(2, 3);
char *ork_buf_reserve(struct ork_buf *b, size_t n);  /* room for n more bytes; then add to len */
char *ork_buf_steal(struct ork_buf *b, size_t *len); /* caller frees with ork_free; never NULL; len may be NULL */
/* A JSON string with quotes. Bytes that are not UTF-8 become U+FFFD; NUL becomes U+FFFD. */
void ork_buf_json(struct ork_buf *b, const char *s, size_t n);
#endif
