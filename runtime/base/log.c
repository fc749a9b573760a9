/* SPDX-License-Identifier: MIT */
/* One line, one write: lines of several processes on the same stderr do not mix. Control bytes of user data cannot
 * forge lines. */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [ORK_LOG_ERROR] = "error", [ORK_LOG_WARN] = "warning", [ORK_LOG_INFO] = "info", [ORK_LOG_DEBUG] = "debug"};

static atomic_int descriptor = STDERR_FILENO;

void ork_log_to(int fd)
{
    atomic_store(&descriptor, fd);
}

static atomic_int style = ORK_LOG_PLAIN;

void ork_log_style(int how)
{
    atomic_store(&style, how);
}

void ork_log_line(int level, const char *text)
{
    ork_log_write(&(struct ork_log){.name = "ork", .level = ORK_LOG_INFO}, level, "%s", text);
}

/* As the service manager takes levels (sd-daemon(3)): it adds the time and the program itself. */
static void begin_line(struct ork_buf *line, const struct ork_log *log, int level)
{
    static const int priorities[] = {[ORK_LOG_ERROR] = 3, [ORK_LOG_WARN] = 4, [ORK_LOG_INFO] = 6, [ORK_LOG_DEBUG] = 7};
    char at[32];

    int how = log->sink ? ORK_LOG_PLAIN : atomic_load(&style);

    if (how == ORK_LOG_JOURNAL) {
        ork_buf_addf(line, "<%d>", priorities[level]);
        return;
    }
    if (how == ORK_LOG_STAMPED) {
        ork_time_format(ork_clock_system.now_ms(ork_clock_system.data), at);
        ork_buf_addf(line, "%s ", at);
    }
    ork_buf_addf(line, "%s %s: ", level_names[level], log->name ? log->name : "ork");
}

static bool is_plain(const char *text)
{
    const char *c = text;

    while ((unsigned char)*c > ' ' && *c != '"' && *c != '=' && *c != '\\' && *c != 0x7F)
        c++;
    return *text && !*c && c - text < ORK_LOG_VALUE_SIZE;
}

/* A character of a JSON string; NULL: as it is. */
static const char *escaped(unsigned char c, char room[8])
{
    if (c == '"' || c == '\\')
        (void)snprintf(room, 8, "\\%c", c);
    else if (c == '\n' || c == '\t' || c == '\r')
        (void)snprintf(room, 8, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
    else if (c < ' ' || c == 0x7F)
        (void)snprintf(room, 8, "\\u%04x", c);
    else
        return NULL;
    return room;
}

const char *ork_log_value(char out[ORK_LOG_VALUE_SIZE], const char *text)
{
    static const char end[] = "…\"";
    size_t n = 0, most = ORK_LOG_VALUE_SIZE - sizeof end - 8;
    char room[8];

    if (!text)
        text = "";
    if (is_plain(text)) {
        memcpy(out, text, strlen(text) + 1);
        return out;
    }
    out[n++] = '"';
    for (; *text && n < most; text++) {
        const char *e = escaped((unsigned char)*text, room);
        if (e) {
            memcpy(out + n, e, strlen(e));
            n += strlen(e);
        } else {
            out[n++] = *text;
        }
    }
    while (*text && ((unsigned char)*text & 0xC0) == 0x80 && n > 1) /* not within a character */
        text--, n--;
    const char *tail = *text ? end : "\"";
    memcpy(out + n, tail, strlen(tail) + 1);
    return out;
}

void ork_log_write(const struct ork_log *log, int level, const char *fmt, ...)
{
    if (level > log->level || level < ORK_LOG_ERROR || level > ORK_LOG_DEBUG)
        return;
    struct ork_buf line = ORK_BUF_INIT;
    begin_line(&line, log, level);
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        vsnprintf(ork_buf_reserve(&line, (size_t)n), (size_t)n + 1, fmt, again);
        line.len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7F)
            line.data[i] = ' ';
    if (log->sink) {
        log->sink(log->data, level, line.data);
    } else {
        ork_buf_addc(&line, '\n');
        if (write(atomic_load(&descriptor), line.data, line.len) < 0 && write(STDERR_FILENO, line.data, line.len) < 0) {
            /* nobody is left to be told */
        }
    }
    ork_buf_fini(&line);
}
