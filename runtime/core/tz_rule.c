/* SPDX-License-Identifier: MIT */
/* The POSIX rule at the end of a TZif file: what holds after its last entry, for ever.
 *
 *   CET-1CEST,M3.5.0,M10.5.0/3             offsets count west, so UTC+1; last Sunday of March to that of October
 *   <-02>2<-01>,M3.5.0/-1,M10.5.0/0        names that are no letters; the day before at 23:00 (Nuuk)
 *   IST-1GMT0,M10.5.0,M3.5.0/1             negative daylight saving time: winter is the exception (Dublin)
 *   EET-2EEST,M4.5.5/0,M10.5.4/24          hours above 23, up to 167 either way (Cairo)
 *
 * A change may lie in the year before or after the one that names it, and two may fall on one instant (daylight saving
 * time all year), so a question looks at the changes of five years in their order. */
#include "core/tz_internal.h"
#include "base/time.h"
#include <string.h>

#define DAY_S 86400

/* ---- reading -------------------------------------------------------------------------------- */

struct scan {
    const char *at, *end;
};

static bool accept(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number from least to most; -1 if there is none. */
static int number(struct scan *s, int least, int most)
{
    int v = 0;
    const char *start = s->at;

    for (; s->at < s->end && is_digit(*s->at) && s->at - start < 4; s->at++)
        v = v * 10 + (*s->at - '0');
    return s->at > start && v >= least && v <= most ? v : -1;
}

static bool read_abbrev(struct scan *s, char out[ORK_TZ_ABBREV])
{
    bool quoted = accept(s, '<');
    size_t n = 0;

    for (; s->at < s->end; s->at++) {
        char c = *s->at;
        if (!is_letter(c) && !(quoted && (is_digit(c) || c == '+' || c == '-')))
            break;
        if (n + 1 == ORK_TZ_ABBREV)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n >= 3 && (!quoted || accept(s, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_clock(struct scan *s, int most_hours, int32_t *out)
{
    int sign = accept(s, '-') ? -1 : (accept(s, '+'), 1);
    int h = number(s, 0, most_hours), m = 0, sec = 0;

    if (h < 0)
        return false;
    if (accept(s, ':')) {
        m = number(s, 0, 59);
        if (m >= 0 && accept(s, ':'))
            sec = number(s, 0, 59);
    }
    if (m < 0 || sec < 0)
        return false;
    *out = sign * ((h * 60 + m) * 60 + sec);
    return true;
}

static bool read_month_day(struct scan *s, struct ork_tz_day *d)
{
    int month = number(s, 1, 12);
    if (month < 0 || !accept(s, '.'))
        return false;
    int week = number(s, 1, 5);
    if (week < 0 || !accept(s, '.'))
        return false;
    int weekday = number(s, 0, 6);
    d->month = (uint8_t)month;
    d->week = (uint8_t)week;
    d->weekday = (uint8_t)weekday;
    return weekday >= 0;
}

static bool read_day(struct scan *s, struct ork_tz_day *d)
{
    *d = (struct ork_tz_day){.kind = 'N', .time_s = 2 * 3600};
    if (accept(s, 'M')) {
        d->kind = 'M';
        if (!read_month_day(s, d))
            return false;
    } else {
        if (accept(s, 'J'))
            d->kind = 'J';
        int day = number(s, d->kind == 'J', 365);
        if (day < 0)
            return false;
        d->day = (uint16_t)day;
    }
    return !accept(s, '/') || read_clock(s, 167, &d->time_s);
}

const char *ork_tz_rule_parse(const char *text, size_t n, struct ork_tz_rule *out)
{
    struct scan s = {.at = text, .end = text + n};
    int32_t west;

    *out = (struct ork_tz_rule){0};
    if (!read_abbrev(&s, out->std.abbrev) || !read_clock(&s, 24, &west))
        return "its rule does not begin with a name and an offset";
    out->std.offset_s = -west;
    if (s.at == s.end)
        return NULL;
    out->has_dst = out->dst.dst = true;
    if (!read_abbrev(&s, out->dst.abbrev))
        return "its rule has no name for daylight saving time";
    out->dst.offset_s = out->std.offset_s + 3600;
    if (s.at < s.end && *s.at != ',') {
        if (!read_clock(&s, 24, &west))
            return "its rule has a wrong offset for daylight saving time";
        out->dst.offset_s = -west;
    }
    if (!accept(&s, ',') || !read_day(&s, &out->start) || !accept(&s, ',') || !read_day(&s, &out->end))
        return "its rule does not say when daylight saving time begins and ends";
    return s.at == s.end ? NULL : "its rule has something behind its end";
}

/* ---- asking --------------------------------------------------------------------------------- */

struct change {
    int64_t at_s;
    bool to_dst;
};

static int64_t day_number(int64_t year, int month, int day)
{
    struct ork_civil c = {.year = (int32_t)year, .month = month, .day = day};

    return ork_civil_to_ms(&c) / 1000 / DAY_S; /* exact: it is a midnight */
}

static bool is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Civil seconds at which a day of the rule comes in a year. */
static int64_t day_in_year(const struct ork_tz_day *d, int64_t year)
{
    int64_t day;

    if (d->kind == 'M') {
        int64_t first = day_number(year, d->month, 1), next = day_number(year, d->month + 1, 1);
        int64_t weekday = (first % 7 + 11) % 7; /* 1970-01-01 was a Thursday */
        day = first + (d->weekday - weekday + 7) % 7 + (d->week - 1) * 7;
        if (day >= next)
            day -= 7;
    } else {
        day = day_number(year, 1, 1) + d->day;
        if (d->kind == 'J')
            day += is_leap(year) && d->day >= 60 ? 0 : -1;
    }
    return day * DAY_S + d->time_s;
}

/* The changes of five years around an instant, by time; of one instant the later rule's last. */
static int changes_around(const struct ork_tz_rule *r, int64_t at_s, struct change out[10])
{
    struct ork_civil c;
    int n = 0;

    ork_civil_from_ms(at_s * 1000, &c);
    for (int64_t y = (int64_t)c.year - 2; y <= (int64_t)c.year + 2; y++)
        for (int end = 0; end < 2; end++) {
            struct change new = {.to_dst = !end};
            new.at_s = end ? day_in_year(&r->end, y) - r->dst.offset_s : day_in_year(&r->start, y) - r->std.offset_s;
            int i = n++;
            for (; i > 0 && out[i - 1].at_s > new.at_s; i--)
                out[i] = out[i - 1];
            out[i] = new;
        }
    return n;
}

const struct ork_tz_type *ork_tz_rule_span(const struct ork_tz_rule *r, int64_t at_s, int64_t *from_s, int64_t *until_s)
{
    struct change list[10];

    *from_s = INT64_MIN;
    *until_s = INT64_MAX;
    if (!r->has_dst)
        return &r->std;
    int n = changes_around(r, at_s, list), i = 0;
    bool dst = !list[0].to_dst;
    while (i < n && list[i].at_s <= at_s) {
        int64_t at = list[i].at_s;
        bool before = dst;
        for (; i < n && list[i].at_s == at; i++)
            dst = list[i].to_dst;
        if (dst != before)
            *from_s = at;
    }
    while (i < n && *until_s == INT64_MAX) {
        int64_t at = list[i].at_s;
        bool after = dst;
        for (; i < n && list[i].at_s == at; i++)
            after = list[i].to_dst;
        if (after != dst)
            *until_s = at;
    }
    return dst ? &r->dst : &r->std;
}
