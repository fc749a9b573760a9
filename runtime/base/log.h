/* SPDX-License-Identifier: MIT */
/* A named logger; a line is `level component: event key=value…` on stderr. Nothing else in the library prints.
 * A value that is not plain by nature (an id, a number, a time) goes through ORK_LOG_VALUE. */
#ifndef ORK_BASE_LOG_H
#define ORK_BASE_LOG_H
#include <ork/ork.h>

enum ork_log_level {
    ORK_LOG_ERROR, /* something is broken; someone must act */
    ORK_LOG_WARN,  /* Ork goes on, but a person should know */
    ORK_LOG_INFO,  /* what happened, for a server's log */
    ORK_LOG_DEBUG  /* for finding a bug of ours */
};
struct ork_log {
    const char *name;                                      /* borrowed, "engine" */
    int level;                                             /* lines above it are dropped */
    void (*sink)(void *data, int level, const char *line); /* NULL: stderr */
    void *data;
};
void ork_log_write(const struct ork_log *log, int level, const char *fmt, ...) ORK_PRINTF(3, 4);
/* A value as a line has it, so that programs can read it back: as it is, or as a JSON string where it is empty or has
 * blanks, quotes, equals signs, backslashes or control characters. What is too long ends in "…". Returns out. */
#define ORK_LOG_VALUE_SIZE 1600
const char *ork_log_value(char out[ORK_LOG_VALUE_SIZE], const char *text);
#define ORK_LOG_VALUE(text) ork_log_value((char[ORK_LOG_VALUE_SIZE]){0}, text) /* valid to the end of the block */
#define ork_log_error(l, ...) ork_log_write(l, ORK_LOG_ERROR, __VA_ARGS__)
#define ork_log_warn(l, ...) ork_log_write(l, ORK_LOG_WARN, __VA_ARGS__)
#define ork_log_info(l, ...) ork_log_write(l, ORK_LOG_INFO, __VA_ARGS__)
#define ork_log_debug(l, ...) ork_log_write(l, ORK_LOG_DEBUG, __VA_ARGS__)
#endif
