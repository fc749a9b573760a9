/* SPDX-License-Identifier: MIT */
/* One field: a list of items, each a value, a range, a wildcard, or one of the few things only days have.
 *
 *   item    (* | ? | value | value-value) [/ step]
 *   day     L   L-n   LW   nW
 *   weekday valueL   value#n
 *
 * Every item is read to its end before anything is set, so a mistake is told with the bytes it is made of. */
#include "core/cron_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ORDER "the fields are minute hour day month weekday, or six with the second first"

static const char *const months[] = {"January", "February",  "March",   "April",    "May",      "June", "July",
                                     "August",  "September", "October", "November", "December", NULL};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday",  "Wednesday",
                                       "Thursday", "Friday", "Saturday", NULL};

static const struct kind {
    const char *name;
    int least, most;
    const char *const *names;
    int names_from;    /* value of the first name */
    const char *worth; /* an example of what a name looks like */
} kinds[] = {
    [ORK_CRON_SECOND] = {.name = "second", .most = 59},
    [ORK_CRON_MINUTE] = {.name = "minute", .most = 59},
    [ORK_CRON_HOUR] = {.name = "hour", .most = 23},
    [ORK_CRON_DAY] = {.name = "day of the month", .least = 1, .most = 31},
    [ORK_CRON_MONTH] =
        {.name = "month", .least = 1, .most = 12, .names = months, .names_from = 1, .worth = "JAN or January"},
    [ORK_CRON_WEEKDAY] = {.name = "day of the week", .most = 7, .names = weekdays, .worth = "MON or Monday"},
    [ORK_CRON_YEAR] = {.name = "year", .least = ORK_CRON_YEAR_FIRST, .most = ORK_CRON_YEAR_LAST},
};
/* The original counts from Sunday, 1, to Saturday, 7. */
static const struct kind original_weekday = {
    .name = "day of the week", .least = 1, .most = 7, .names = weekdays, .names_from = 1, .worth = "MON or Monday"};

/* One item while it is read. */
struct item {
    struct ork_cron_reader *r;
    const struct ork_cron_field *f;
    const struct kind *k;
    const char *from, *end; /* its bytes */
    const char *at;
    bool extras; /* L, W, # may stand here */
};

int ork_cron_wrong(struct ork_cron_reader *r, const char *from, const char *end, const char *fmt, ...)
{
    va_list args;

    r->m->at = (size_t)(from - r->text);
    r->m->len = end > from ? (size_t)(end - from) : 1;
    r->m->hint[0] = '\0';
    va_start(args, fmt);
    vsnprintf(r->m->text, sizeof r->m->text, fmt, args);
    va_end(args);
    return ORK_EINVAL;
}

static int hint(const struct item *i, const char *fmt, ...) ORK_PRINTF(2, 3);
static int hint(const struct item *i, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(i->r->m->hint, sizeof i->r->m->hint, fmt, args);
    va_end(args);
    return ORK_EINVAL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool accept(struct item *i, char c)
{
    char here = i->at < i->end ? *i->at : '\0';

    if (here != c && !(is_letter(c) && here == c + 32))
        return false;
    i->at++;
    return true;
}

/* ---- values --------------------------------------------------------------------------------- */

static int out_of_range(struct item *i, const char *from, int64_t v)
{
    ork_cron_wrong(i->r, from, i->at, "the %s is %.*s; it goes from %d to %d", i->k->name,
                   i->at - from > 20 ? 20 : (int)(i->at - from), from, i->k->least, i->k->most);
    if (v == i->k->most + 1 && i->k->most >= 23 && i->k->least == 0)
        return hint(i, "%s is 0", i->f->place == ORK_CRON_HOUR ? "midnight" : "the full one");
    if (v == 0 && i->f->place == ORK_CRON_DAY)
        return hint(i, "the last day is L");
    if ((i->f->place == ORK_CRON_HOUR || i->f->place == ORK_CRON_MONTH) && v < 60) /* minutes in the wrong place */
        return hint(i, ORDER);
    return ORK_EINVAL;
}

static int read_number(struct item *i, int *out)
{
    const char *from = i->at;
    int64_t v = 0;

    for (; i->at < i->end && is_digit(*i->at); i->at++)
        v = v < 100000 ? v * 10 + (*i->at - '0') : v;
    if (v < i->k->least || v > i->k->most)
        return out_of_range(i, from, v);
    *out = (int)v;
    return 0;
}

static bool is_name(const char *name, const char *s, size_t n)
{
    return (n == 3 || n == strlen(name)) && strncasecmp(name, s, n) == 0;
}

/* The name that was meant: one that goes on as the word begins (sept, tues), else the nearest, short or in full. */
static const char *near_name(const struct kind *k, const char *word)
{
    char room[12][4];
    const char *shorts[13] = {0};
    size_t n = strlen(word), len = 0;

    for (; k->names[len]; len++) {
        if (n > 3 && strncasecmp(k->names[len], word, n) == 0)
            return k->names[len];
        snprintf(room[len], sizeof room[len], "%.3s", k->names[len]);
        shorts[len] = room[len];
    }
    const char *near = ork_suggest(word, n > 3 ? k->names : shorts);
    for (size_t i = 0; near && i < len; i++)
        if (shorts[i] == near)
            return k->names[i];
    return near;
}

static int no_name(struct item *i, const char *from, const char *end)
{
    char word[40];
    int n = end - from > 30 ? 30 : (int)(end - from);

    if (!i->k->names) {
        ork_cron_wrong(i->r, from, end, "the %s is a number, not `%.*s`", i->k->name, n, from);
        for (const struct kind *k = kinds; k < kinds + ORK_CRON_YEAR; k++)
            for (const char *const *name = k->names; name && *name; name++)
                if (is_name(*name, from, (size_t)(end - from)))
                    return hint(i, ORDER);
        return ORK_EINVAL;
    }
    ork_cron_wrong(i->r, from, end, "`%.*s` is no %s", n, from, i->k->name);
    snprintf(word, sizeof word, "%.*s", n, from);
    const char *near = near_name(i->k, word);
    return near ? hint(i, "did you mean %s?", near) : hint(i, "names are written like %s", i->k->worth);
}

/* A name; of a weekday one with L behind it leaves the L. */
static int read_name(struct item *i, int *out)
{
    const char *from = i->at, *end = from;

    while (end < i->end && is_letter(*end))
        end++;
    size_t n = (size_t)(end - from);
    for (int turn = 0; turn < 2; turn++) {
        for (int k = 0; i->k->names && i->k->names[k]; k++)
            if (is_name(i->k->names[k], from, n)) {
                *out = k + i->k->names_from;
                i->at = from + n;
                return 0;
            }
        if (i->f->place != ORK_CRON_WEEKDAY || n < 2 || (from[n - 1] | 32) != 'l')
            break;
        n--;
    }
    return no_name(i, from, end);
}

static int strange_sign(struct item *i, const char *at)
{
    static const char *const where[][2] = {
        {"L", "L is the last day of the month, in the day field, or the last such weekday, as in 5L"},
        {"W", "W is the nearest working day, in the day field, as in 15W"},
        {"#", "# is which one of the month, in the weekday field, as in MON#2"},
        {"?", "? is for day and weekday; elsewhere it is *"},
        {"*", "* stands alone or before a step, as in */5"},
    };
    char sign[5] = {0};
    unsigned char c = (unsigned char)*at;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

    if (n > (size_t)(i->end - at))
        n = (size_t)(i->end - at);
    snprintf(sign, sizeof sign, "%.*s", (int)n, at);
    if (c < ' ' || c == 0x7f)
        return ork_cron_wrong(i->r, at, at + 1, "the %s has a control character", i->k->name);
    ork_cron_wrong(i->r, at, at + strlen(sign), "the %s has `%s` where it means nothing", i->k->name, sign);
    for (size_t k = 0; k < sizeof where / sizeof *where; k++)
        if (strcasecmp(sign, where[k][0]) == 0)
            return hint(i, "%s", where[k][1]);
    return ORK_EINVAL;
}

static int read_value(struct item *i, int *out)
{
    if (i->at == i->end)
        return ork_cron_wrong(i->r, i->from, i->end, "the %s ends where a value is wanted", i->k->name);
    if (is_digit(*i->at))
        return read_number(i, out);
    bool sign = i->extras && i->at + 1 == i->end && strchr("LlWw", *i->at);
    return is_letter(*i->at) && !sign ? read_name(i, out) : strange_sign(i, i->at);
}

/* A number from least to most behind a sign: a step, which one of the month, days before the last. */
static int read_count(struct item *i, const char *what, int least, int most, int *out)
{
    const char *from = i->at;
    int v = 0;

    for (; i->at < i->end && is_digit(*i->at); i->at++)
        v = v < 100000 ? v * 10 + (*i->at - '0') : v;
    if (i->at == from)
        return ork_cron_wrong(i->r, from > i->from ? from - 1 : from, i->end, "%s wants a number", what);
    if (v < least || v > most)
        return ork_cron_wrong(i->r, from, i->at, "%s is %d; it goes from %d to %d", what, v, least, most);
    *out = v;
    return 0;
}

/* ---- items ---------------------------------------------------------------------------------- */

static void set(struct item *i, int v)
{
    struct ork_cron *c = i->r->out;

    switch (i->f->place) {
    case ORK_CRON_SECOND:
        c->seconds |= UINT64_C(1) << v;
        break;
    case ORK_CRON_MINUTE:
        c->minutes |= UINT64_C(1) << v;
        break;
    case ORK_CRON_HOUR:
        c->hours |= UINT32_C(1) << v;
        break;
    case ORK_CRON_DAY:
        c->days |= UINT32_C(1) << v;
        break;
    case ORK_CRON_MONTH:
        c->months = (uint16_t)(c->months | 1u << v);
        break;
    case ORK_CRON_WEEKDAY:
        c->weekdays = (uint8_t)(c->weekdays | 1u << ((v - i->k->names_from) % 7));
        break;
    case ORK_CRON_YEAR:
        v -= ORK_CRON_YEAR_FIRST;
        c->years[v / 64] |= UINT64_C(1) << (v % 64);
        break;
    }
}

static int backwards(struct item *i, int first, int last)
{
    ork_cron_wrong(i->r, i->from, i->at, "the range of the %s goes backwards, from %d to %d", i->k->name, first, last);
    if (i->f->place == ORK_CRON_YEAR)
        return ORK_EINVAL;
    return hint(i, "over the end it is two ranges, %d-%d,%d-%d", first, i->k->most, i->k->least, last);
}

static int read_step(struct item *i, int first, int last, int *step)
{
    char what[60];
    const char *from = i->at;

    snprintf(what, sizeof what, "the step of the %s", i->k->name);
    int rc = read_count(i, what, 0, 100000, step);
    if (rc == 0 && *step == 0)
        return ork_cron_wrong(i->r, from, i->at, "the step of the %s is 0, so it never goes on; 1 is the least",
                              i->k->name);
    if (rc < 0 || *step == 1 || *step <= last - first || i->r->dialect == ORK_CRON_ORIGINAL)
        return rc;
    ork_cron_wrong(i->r, from, i->at, "the step of the %s is %d, longer than %d-%d, so it never comes to a second one",
                   i->k->name, *step, first, last);
    if (i->f->place <= ORK_CRON_HOUR)
        return hint(i, "for times that do not begin anew each %s: every = \"%d%c\"",
                    i->f->place == ORK_CRON_HOUR     ? "day"
                    : i->f->place == ORK_CRON_MINUTE ? "hour"
                                                     : "minute",
                    *step, "smh"[i->f->place]);
    return ORK_EINVAL;
}

/* `L` `L-n` `LW` and `nW`; *done: it was one of them. */
static int read_day_extra(struct item *i, bool *done)
{
    struct ork_cron *c = i->r->out;
    int n = 0, rc = 0;
    const char *from = i->at;

    *done = true;
    if (accept(i, 'L')) {
        if (accept(i, 'W'))
            c->near |= 1;
        else if (accept(i, '-') && (rc = read_count(i, "the number of days before the last", 0, 30, &n)) < 0)
            return rc;
        else
            c->last |= UINT32_C(1) << n;
        return 0;
    }
    while (i->at < i->end && is_digit(*i->at))
        i->at++;
    if (i->at > from && accept(i, 'W')) {
        i->at = from;
        rc = read_number(i, &n);
        c->near |= rc < 0 ? 0 : UINT32_C(1) << n;
        i->at++;
        return rc;
    }
    i->at = from;
    *done = false;
    return 0;
}

/* What may follow a weekday; *done: it did. */
static int read_weekday_extra(struct item *i, int weekday, bool *done)
{
    int n = 0, rc;

    weekday %= 7;
    *done = true;
    if (accept(i, 'L')) {
        i->r->out->last_weekdays = (uint8_t)(i->r->out->last_weekdays | 1u << weekday);
        return 0;
    }
    if (accept(i, '#')) {
        rc = read_count(i, "which one of the month", 1, 5, &n);
        i->r->out->nth |= rc < 0 ? 0 : UINT64_C(1) << (weekday * 5 + n - 1);
        return rc;
    }
    *done = false;
    return 0;
}

/* The values an item goes over; one alone goes over itself, or with a step to the end. *done: it was an extra. */
static int read_range(struct item *i, int *first, int *last, bool *done)
{
    bool weekday = i->f->place == ORK_CRON_WEEKDAY;
    int top = weekday && i->k->least == 0 ? 6 : i->k->most; /* 7 is Sunday again */
    int rc;

    *first = i->k->least;
    *last = top;
    *done = false;
    if (accept(i, '*') || ((weekday || i->f->place == ORK_CRON_DAY) && accept(i, '?')))
        return 0;
    rc = read_value(i, first);
    if (rc == 0 && weekday && i->extras)
        rc = read_weekday_extra(i, *first, done);
    if (rc < 0 || *done)
        return rc;
    if (!accept(i, '-')) {
        if (i->at == i->end || *i->at != '/')
            *last = *first;
        else if (*first > top)
            *first = 0;
        return 0;
    }
    rc = read_value(i, last);
    if (rc < 0 || *last >= *first)
        return rc;
    if (!weekday || i->r->dialect == ORK_CRON_ORIGINAL)
        return backwards(i, *first, *last);
    *last += 7; /* FRI-MON goes over the week's end */
    return 0;
}

static int read_item(struct item *i)
{
    int first, last, step = 1, rc = 0;
    bool done = false;

    if (i->at == i->end)
        return ork_cron_wrong(i->r, i->from, i->end, "the list of the %s has nothing between its commas", i->k->name);
    if (i->f->place == ORK_CRON_DAY && i->extras)
        rc = read_day_extra(i, &done);
    if (rc == 0 && !done)
        rc = read_range(i, &first, &last, &done);
    if (rc == 0 && !done && accept(i, '/'))
        rc = read_step(i, first, last, &step);
    if (rc < 0)
        return rc;
    if (i->at < i->end)
        return strange_sign(i, i->at);
    for (int v = first; !done && v <= last; v += step)
        set(i, v);
    return 0;
}

int ork_cron_field_read(struct ork_cron_reader *r, const struct ork_cron_field *f)
{
    bool original = r->dialect == ORK_CRON_ORIGINAL;
    const struct kind *k = original && f->place == ORK_CRON_WEEKDAY ? &original_weekday : &kinds[f->place];

    for (const char *from = f->from;;) {
        const char *comma = memchr(from, ',', (size_t)(f->end - from)), *end = comma ? comma : f->end;
        struct item i = {.r = r, .f = f, .k = k, .from = from, .end = end, .at = from, .extras = !original};
        int rc = read_item(&i);
        if (rc < 0 || !comma)
            return rc;
        from = comma + 1;
    }
}
