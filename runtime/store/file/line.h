/* SPDX-License-Identifier: MIT */
/* Lines of the log: JSON objects whose last member is the CRC-32 of all before it, and a newline. */
#ifndef ORK_STORE_FILE_LINE_H
#define ORK_STORE_FILE_LINE_H
#include "base/buf.h"
#include <sys/types.h>

void ork_line_begin(struct ork_buf *b, uint64_t n); /* {"n":1 */
void ork_line_end(struct ork_buf *b);               /* ,"crc":"0123abcd"} and the newline */
bool ork_line_whole(const char *p, size_t n);       /* of a line without its newline */

/* Reads a file line by line. */
struct ork_lines {
    int fd;   /* borrowed */
    off_t at; /* where the next line begins */
    struct ork_buf buf;
    size_t used;   /* bytes of buf that lines before took */
    const char *p; /* the line, without its newline */
    size_t n;
};
/* 1 a line (whole or not); 0 no more: what is left has no newline; or an error. */
int ork_lines_next(struct ork_lines *l, ork_err *err) ORK_MUSTCHECK;
void ork_lines_fini(struct ork_lines *l);
#endif
