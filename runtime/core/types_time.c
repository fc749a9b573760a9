/* SPDX-License-Identifier: MIT */
/* Dates and times as values. They stay texts, in exactly one form per kind, so that they compare, sort and travel
 * unchanged:
 *
 *   date            2026-11-01
 *   datetime_notz   2026-11-01T02:00:00[.123]              no zone: a zone in it is refused
 *   datetime_tz     2026-11-01T02:00:00[.123](Z|+01:00)    RFC 3339
 *   datetime_utc    2026-11-01T02:00:00[.123]Z
 *
 * Only what is typed on a command line may be looser, and becomes one of these. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/time.h"
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define YEAR_0_MS INT64_C(-62167219200000)    /* 0000-01-01T00:00:00Z */
#define YEAR_9999_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* n decimal digits at *s; -1 if there are not. Moves *s behind them. */
static int digits(const char **s, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return -1;
        v = v * 10 + (**s - '0');
    }
    return v;
}

static bool take(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **s)
{
    int year = digits(s, 4);
    if (year < 0 || !take(s, '-'))
        return false;
    int month = digits(s, 2);
    if (month < 1 || month > 12 || !take(s, '-'))
        return false;
    int day = digits(s, 2);
    return day >= 1 && day <= month_days(year, month);
}

/* HH:MM:SS and up to nine digits of a second */
static bool read_time(const char **s)
{
    int hour = digits(s, 2);
    if (hour < 0 || hour > 23 || !take(s, ':'))
        return false;
    int minute = digits(s, 2);
    if (minute < 0 || minute > 59 || !take(s, ':'))
        return false;
    int second = digits(s, 2);
    if (second < 0 || second > 59)
        return false;
    if (!take(s, '.'))
        return true;
    int n = 0;
    for (; **s >= '0' && **s <= '9'; (*s)++)
        n++;
    return n >= 1 && n <= 9;
}

static bool read_zone(const char **s)
{
    if (take(s, 'Z'))
        return true;
    if (!take(s, '+') && !take(s, '-'))
        return false;
    int hour = digits(s, 2);
    if (hour < 0 || hour > 23 || !take(s, ':'))
        return false;
    int minute = digits(s, 2);
    return minute >= 0 && minute <= 59;
}

bool ork_type_time_valid(enum ork_scalar kind, const char *s)
{
    const char *at = s;

    if (!read_date(&at))
        return false;
    if (kind == ORK_SCALAR_DATE)
        return !*at;
    if (!take(&at, 'T') || !read_time(&at))
        return false;
    if (kind == ORK_SCALAR_UTC)
        return strcmp(at, "Z") == 0;
    if (kind == ORK_SCALAR_TZ && !read_zone(&at))
        return false;
    return !*at;
}

int ork_type_time_ms(enum ork_scalar kind, const char *s, int64_t *ms, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;

    ork_buf_adds(&text, s);
    if (kind == ORK_SCALAR_NOTZ)
        ork_buf_addc(&text, 'Z');
    return ork_time_parse(text.data, text.len, ms, err);
}

/* ---- as typed ------------------------------------------------------------------------------- */

static int64_t floor_day(int64_t ms)
{
    int64_t rest = ms % DAY_MS;

    return ms - (rest < 0 ? rest + DAY_MS : rest);
}

/* today yesterday tomorrow now, and offsets with a sign. false: none of these. */
static bool read_relative(const char *s, int64_t now_ms, int64_t *ms)
{
    int64_t day = floor_day(now_ms);
    int64_t offset;
    bool minus = *s == '-';

    if (strcmp(s, "now") == 0)
        return *ms = now_ms, true;
    if (strcmp(s, "today") == 0)
        return *ms = day, true;
    if (strcmp(s, "yesterday") == 0)
        return *ms = day - DAY_MS, true;
    if (strcmp(s, "tomorrow") == 0)
        return *ms = day + DAY_MS, true;
    if (*s != '-' && *s != '+')
        return false;
    if (s[1] < '0' || s[1] > '9' || ork_duration_parse(s + 1, strlen(s + 1), &offset, NULL) < 0)
        return false;
    return minus ? !__builtin_sub_overflow(now_ms, offset, ms) : !__builtin_add_overflow(now_ms, offset, ms);
}

static int put_instant(enum ork_scalar kind, int64_t ms, json_t **out, ork_err *err)
{
    char text[32];

    if (ms < YEAR_0_MS || ms > YEAR_9999_MS)
        return ork_err_set(err, ORK_ETYPE, "that time is outside the years 0 to 9999");
    ork_time_format(ms, text);
    if (kind == ORK_SCALAR_DATE)
        text[10] = 0;
    else if (kind == ORK_SCALAR_NOTZ)
        text[strlen(text) - 1] = 0;
    *out = json_string(text);
    return *out ? 0 : ork_err_set(err, ORK_ETOOBIG, "out of memory");
}

/* "2026-11-01 12:00:00" and "2026-11-01" as 2026-11-01T…; anything else unchanged. */
static void normalize(const char *s, struct ork_buf *out)
{
    ork_buf_adds(out, s);
    if (ork_type_time_valid(ORK_SCALAR_DATE, s))
        ork_buf_adds(out, "T00:00:00");
    else if (out->len > 10 && out->data[10] == ' ')
        out->data[10] = 'T';
}

/* Relative days and local times are those of the zone, instants are not. */
int ork_type_time_from_text(enum ork_scalar kind, const char *s, struct ork_moment now, json_t **out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;
    int64_t ms, now_ms = kind == ORK_SCALAR_TZ || kind == ORK_SCALAR_UTC ? now.ms : ork_moment_civil(now);

    if (read_relative(s, now_ms, &ms))
        return put_instant(kind, ms, out, err);
    if (kind == ORK_SCALAR_DATE)
        ork_buf_adds(&text, s);
    else
        normalize(s, &text);
    if ((kind == ORK_SCALAR_TZ || kind == ORK_SCALAR_UTC) && ork_type_time_valid(ORK_SCALAR_NOTZ, text.data))
        ork_buf_addc(&text, 'Z'); /* typed without a zone: UTC, as everywhere in Ork */
    if (ork_type_time_valid(kind, text.data)) {
        *out = json_stringn(text.data, text.len);
        return *out ? 0 : ork_err_set(err, ORK_ETOOBIG, "out of memory");
    }
    if (kind == ORK_SCALAR_UTC && ork_type_time_valid(ORK_SCALAR_TZ, text.data)) {
        int rc = ork_time_parse(text.data, text.len, &ms, err);
        return rc < 0 ? rc : put_instant(kind, ms, out, err);
    }
    ork_buf_clear(&text);
    ork_buf_json(&text, s, strnlen(s, 60));
    return ork_err_set(err, ORK_ETYPE, "wanted %s (such as %s, today, yesterday, tomorrow, -3d), got %s",
                       ork_scalar_name(kind), ork_scalar_example(kind), text.data);
}
