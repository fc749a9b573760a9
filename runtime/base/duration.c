/* SPDX-License-Identifier: MIT */
/* Durations as people write them: parts of number and unit from large to small ("1h30m"), a bare number is seconds.
 * Exact: what is finer than a millisecond is refused, not rounded. */
#include "base/err.h"
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t ms;
};
static const struct unit units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000},
                                    {"m", 60000},     {"s", 1000},     {"ms", 1}};
#define UNITS (sizeof units / sizeof *units)
#define EXAMPLES "write for example 500ms, 90s, 10m, 1h30m or 2d"

/* What people write for a unit of ours, or NULL. */
static const char *meant(const char *s, size_t n)
{
    static const char *const words[][2] = {
        {"sec", "s"},    {"secs", "s"},    {"second", "s"}, {"seconds", "s"}, {"min", "m"},   {"mins", "m"},
        {"minute", "m"}, {"minutes", "m"}, {"hr", "h"},     {"hrs", "h"},     {"hour", "h"},  {"hours", "h"},
        {"day", "d"},    {"days", "d"},    {"week", "w"},   {"weeks", "w"},   {"msec", "ms"}, {"millis", "ms"},
        {"S", "s"},      {"M", "m"},       {"H", "h"},      {"D", "d"},       {"W", "w"},     {"MS", "ms"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == n && memcmp(words[i][0], s, n) == 0)
            return words[i][1];
    return NULL;
}

struct reader {
    const char *at, *end;
    int quoted_len; /* of the whole text, for messages */
    const char *text;
    ork_err *err;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

static int bad(struct reader *r, const char *what)
{
    return ork_err_set(r->err, ORK_EINVAL, "\"%.*s\" is no duration: %s; " EXAMPLES, r->quoted_len, r->text, what);
}

static int too_long(struct reader *r)
{
    return ork_err_set(r->err, ORK_EINVAL, "the duration \"%.*s\" is too long", r->quoted_len, r->text);
}

static int unknown_unit(struct reader *r, const char *s, size_t n)
{
    const char *ours = meant(s, n);
    if (ours)
        return ork_err_set(r->err, ORK_EINVAL, "\"%.*s\" is no duration: unknown unit \"%.*s\"; did you mean \"%s\"?",
                           r->quoted_len, r->text, (int)n, s, ours);
    return ork_err_set(r->err, ORK_EINVAL, "\"%.*s\" is no duration: unknown unit \"%.*s\"; the units are w d h m s ms",
                       r->quoted_len, r->text, (int)(n > 20 ? 20 : n), s);
}

/* The unit at r->at, smaller than units[*last]; *last moves to it. A bare number is allowed when it is the only part.
 */
static int read_unit(struct reader *r, size_t *last, bool first)
{
    const char *s = r->at;
    while (r->at < r->end && is_letter(*r->at))
        r->at++;
    size_t n = (size_t)(r->at - s);
    if (n == 0) {
        if (first && r->at == r->end) {
            *last = 4;
            return 0;
        }
        return bad(r, r->at < r->end && *r->at != ' ' ? "a unit belongs after each number"
                                                      : "the last number has no unit");
    }
    for (size_t i = 0; i < UNITS; i++) {
        if (strlen(units[i].name) != n || memcmp(units[i].name, s, n) != 0)
            continue;
        if (!first && i <= *last)
            return bad(r, i == *last ? "a unit occurs twice" : "units go from large to small");
        *last = i;
        return 0;
    }
    return unknown_unit(r, s, n);
}

/* One part, "1.5h"; its milliseconds are added to *total. */
static int read_part(struct reader *r, size_t *last, bool first, int64_t *total)
{
    int64_t whole = 0, fraction = 0, scale = 1;
    const char *start = r->at;
    for (; r->at < r->end && is_digit(*r->at); r->at++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *r->at - '0', &whole))
            return too_long(r);
    bool digits = r->at > start;
    if (r->at < r->end && *r->at == '.') {
        const char *point = r->at++;
        for (; r->at < r->end && is_digit(*r->at); r->at++) {
            if (r->at - point > 9)
                return bad(r, "too many digits after the point");
            fraction = fraction * 10 + (*r->at - '0');
            scale *= 10;
        }
        digits = digits && r->at > point + 1;
    }
    if (!digits)
        return bad(r, "a number is missing");
    int rc = read_unit(r, last, first);
    if (rc < 0)
        return rc;
    int64_t ms = units[*last].ms, part;
    if (fraction * ms % scale != 0) /* < 1e9 × 6.1e8: fits */
        return bad(r, "it is finer than a millisecond");
    if (__builtin_mul_overflow(whole, ms, &part) || __builtin_add_overflow(part, fraction * ms / scale, &part) ||
        __builtin_add_overflow(*total, part, total))
        return too_long(r);
    return 0;
}

int ork_duration_parse(const char *text, size_t len, int64_t *ms, ork_err *err)
{
    struct reader r = {.at = text, .end = text + len, .text = text, .quoted_len = len > 60 ? 60 : (int)len, .err = err};
    skip_blanks(&r);
    while (r.end > r.at && (r.end[-1] == ' ' || r.end[-1] == '\t'))
        r.end--;
    if (r.at == r.end)
        return ork_err_set(err, ORK_EINVAL, "the duration is empty; " EXAMPLES);
    bool negative = *r.at == '-';
    if (*r.at == '-' || *r.at == '+')
        r.at++;
    int64_t total = 0;
    size_t last = 0;
    bool first = true;
    do {
        int rc = read_part(&r, &last, first, &total);
        if (rc < 0)
            return rc;
        first = false;
        skip_blanks(&r);
    } while (r.at < r.end);
    *ms = negative ? -total : total;
    return 0;
}

/* Below a minute exact ("0.25s"), above whole seconds, zero parts left out. */
void ork_duration_format(int64_t ms, char out[32])
{
    uint64_t v = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    char *at = out, *end = out + 32;
    if (ms < 0)
        *at++ = '-';
    if (v < 60000) {
        int n = snprintf(at, (size_t)(end - at), "%u.%03u", (unsigned)(v / 1000), (unsigned)(v % 1000));
        while (at[n - 1] == '0')
            n--;
        if (at[n - 1] == '.')
            n--;
        at[n] = 's';
        at[n + 1] = '\0';
        return;
    }
    for (size_t i = 1; i < 5; i++) { /* d h m s */
        uint64_t count = v / (uint64_t)units[i].ms;
        v %= (uint64_t)units[i].ms;
        if (count)
            at += snprintf(at, (size_t)(end - at), "%llu%s", (unsigned long long)count, units[i].name);
    }
}
