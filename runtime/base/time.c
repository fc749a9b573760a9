/* SPDX-License-Identifier: MIT */
/* Instants: milliseconds since 1970 UTC, to and from civil dates and text. Reading takes what the original wrote in its
 * three ways (milliseconds with Z, CURRENT_TIMESTAMP without a zone, RFC 3339 with an offset) and what databases print;
 * writing knows one. */
#include "base/time.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

#define DAY_MS 86400000

/* Days since 1970-01-01 of a proleptic Gregorian date; years begin in March so that the leap day is the last. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;                                  /* 0–399 */
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1; /* 0–365, from 1 March */
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static int days_in_month(int64_t y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m == 2 && is_leap(y) ? 29 : days[m - 1];
}

void ork_civil_from_ms(int64_t ms, struct ork_civil *out)
{
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int64_t year = yoe + era * 400 + (month <= 2);
    int64_t weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    out->year = (int32_t)year;
    out->month = month;
    out->day = (int32_t)(doy - (153 * mp + 2) / 5 + 1);
    out->hour = (int32_t)(rest / 3600000);
    out->minute = (int32_t)(rest / 60000 % 60);
    out->second = (int32_t)(rest / 1000 % 60);
    out->ms = (int32_t)(rest % 1000);
    out->weekday = (int32_t)(weekday < 0 ? weekday + 7 : weekday);
    out->yday = (int32_t)(days - days_from_civil(year, 1, 1) + 1);
}

int64_t ork_civil_to_ms(const struct ork_civil *c)
{
    int64_t month = (int64_t)c->month - 1; /* may overflow its range: month 13 is the next January */
    int64_t years = month / 12;
    month %= 12;
    if (month < 0) {
        month += 12;
        years--;
    }
    int64_t days = days_from_civil(c->year + years, (int)month + 1, 1) + c->day - 1;
    return (((days * 24 + c->hour) * 60 + c->minute) * 60 + c->second) * 1000 + c->ms;
}

static char *put_digits(char *at, int64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        at[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return at + n;
}

static char *put_year(char *at, int32_t year)
{
    if (year >= 0 && year <= 9999)
        return put_digits(at, year, 4);
    int64_t v = year < 0 ? -(int64_t)year : year;
    *at++ = year < 0 ? '-' : '+'; /* ISO 8601's expanded form */
    return put_digits(at, v, v > 999999 ? 9 : 6);
}

static char *put_date(char *at, const struct ork_civil *c)
{
    at = put_year(at, c->year);
    *at++ = '-';
    at = put_digits(at, c->month, 2);
    *at++ = '-';
    return put_digits(at, c->day, 2);
}

static char *put_clock(char *at, const struct ork_civil *c)
{
    at = put_digits(at, c->hour, 2);
    *at++ = ':';
    at = put_digits(at, c->minute, 2);
    *at++ = ':';
    return put_digits(at, c->second, 2);
}

void ork_time_format(int64_t ms, char out[32])
{
    struct ork_civil c;
    ork_civil_from_ms(ms, &c);
    char *at = put_date(out, &c);
    *at++ = 'T';
    at = put_clock(at, &c);
    *at++ = '.';
    at = put_digits(at, c.ms, 3);
    *at++ = 'Z';
    *at = '\0';
}

/* ---- reading ---- */

struct scan {
    const char *at, *end;
};

/* Exactly n digits; -1 if they are not there. */
static int digits(struct scan *s, int n)
{
    if (s->end - s->at < n)
        return -1;
    int v = 0;
    for (int i = 0; i < n; i++) {
        char c = s->at[i];
        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (c - '0');
    }
    s->at += n;
    return v;
}

static bool accept(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* ".123456": milliseconds, the rest cut off. */
static bool scan_fraction(struct scan *s, int32_t *ms)
{
    *ms = 0;
    if (!accept(s, '.'))
        return true;
    int32_t unit = 100;
    const char *start = s->at;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        *ms += unit * (*s->at - '0');
        unit /= 10;
    }
    return s->at > start;
}

/* "", "Z", "+02:00", "+0200", "+02": minutes east. */
static bool scan_zone(struct scan *s, int *minutes)
{
    *minutes = 0;
    if (s->at == s->end || accept(s, 'Z') || accept(s, 'z'))
        return true;
    int sign = *s->at == '-' ? -1 : 1;
    if (!accept(s, '+') && !accept(s, '-'))
        return false;
    int h = digits(s, 2), m = 0;
    if (h < 0 || h > 23)
        return false;
    if (s->at < s->end) {
        accept(s, ':');
        m = digits(s, 2);
        if (m < 0 || m > 59)
            return false;
    }
    *minutes = sign * (h * 60 + m);
    return true;
}

static int scan_date(struct scan *s, struct ork_civil *c)
{
    c->year = digits(s, 4);
    if (c->year < 0 || !accept(s, '-'))
        return -1;
    c->month = digits(s, 2);
    if (c->month < 0 || !accept(s, '-'))
        return -1;
    c->day = digits(s, 2);
    return c->day < 0 ? -1 : 0;
}

/* "02:00", "02:00:00", "02:00:00.123456". */
static int scan_clock(struct scan *s, struct ork_civil *c)
{
    c->hour = digits(s, 2);
    if (c->hour < 0 || !accept(s, ':'))
        return -1;
    c->minute = digits(s, 2);
    if (c->minute < 0)
        return -1;
    if (!accept(s, ':'))
        return 0;
    c->second = digits(s, 2);
    return c->second < 0 || !scan_fraction(s, &c->ms) ? -1 : 0;
}

static int check_ranges(const struct ork_civil *c, const char *text, int n, ork_err *err)
{
    if (c->month < 1 || c->month > 12)
        return ork_err_set(err, ORK_EINVAL, "\"%.*s\": there is no month %d", n, text, c->month);
    if (c->day < 1 || c->day > days_in_month(c->year, c->month))
        return ork_err_set(err, ORK_EINVAL, "\"%.*s\": %04d-%02d has %d days", n, text, c->year, c->month,
                           days_in_month(c->year, c->month));
    if (c->hour > 23 || c->minute > 59 || c->second > 60) /* 60: a leap second, counted as the next second */
        return ork_err_set(err, ORK_EINVAL, "\"%.*s\": the time of day goes from 00:00:00 to 23:59:59", n, text);
    return 0;
}

int ork_time_parse(const char *text, size_t len, int64_t *ms, ork_err *err)
{
    struct scan s = {.at = text, .end = text + len};
    struct ork_civil c = {0};
    int minutes = 0, quoted = len > 60 ? 60 : (int)len;
    bool ok = scan_date(&s, &c) == 0;
    if (ok && s.at < s.end) {
        ok = accept(&s, 'T') || accept(&s, 't') || accept(&s, ' ');
        ok = ok && scan_clock(&s, &c) == 0 && scan_zone(&s, &minutes) && s.at == s.end;
    }
    if (!ok)
        return ork_err_set(
            err, ORK_EINVAL,
            "\"%.*s\" is no time; write 2026-11-01, 2026-11-01 02:00:00 (UTC) or 2026-11-01T02:00:00+01:00", quoted,
            text);
    int rc = check_ranges(&c, text, quoted, err);
    if (rc < 0)
        return rc;
    *ms = ork_civil_to_ms(&c) - (int64_t)minutes * 60000;
    return 0;
}

/* ---- formats of users ---- */

static char *put_field(char *at, char letter, int64_t ms, const struct ork_civil *c)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    switch (letter) {
    case 'Y':
        return put_year(at, c->year);
    case 'm':
        return put_digits(at, c->month, 2);
    case 'd':
        return put_digits(at, c->day, 2);
    case 'H':
        return put_digits(at, c->hour, 2);
    case 'M':
        return put_digits(at, c->minute, 2);
    case 'S':
        return put_digits(at, c->second, 2);
    case 'j':
        return put_digits(at, c->yday, 3);
    case 'y':
        return put_digits(at, (c->year % 100 + 100) % 100, 2);
    case 'F':
        return put_date(at, c);
    case 'T':
        return put_clock(at, c);
    case 's':
        return at + sprintf(at, "%lld", (long long)seconds);
    case 'a':
        memcpy(at, days + 3 * c->weekday, 3);
        return at + 3;
    case 'b':
        memcpy(at, months + 3 * (c->month - 1), 3);
        return at + 3;
    case '%':
        *at = '%';
        return at + 1;
    default:
        return NULL;
    }
}

int ork_time_strftime(int64_t ms, int64_t civil_ms, const char *fmt, char *out, size_t cap, ork_err *err)
{
    struct ork_civil c;
    ork_civil_from_ms(civil_ms, &c);
    size_t len = 0;
    for (const char *p = fmt; *p; p++) {
        char field[32], *end = field;
        if (*p != '%') {
            *end++ = *p;
        } else if (p[1] == '\0') {
            return ork_err_set(err, ORK_EINVAL, "the date format \"%s\" ends in a single %%; write %%%%", fmt);
        } else {
            end = put_field(field, *++p, ms, &c);
            if (!end)
                return ork_err_set(err, ORK_EINVAL,
                                   "the date format \"%s\" has %%%c; known are %%Y %%m %%d %%H %%M %%S %%j %%y %%F %%T "
                                   "%%s %%a %%b %%%%",
                                   fmt, *p);
        }
        size_t n = (size_t)(end - field);
        if (n >= cap - len)
            return ork_err_set(err, ORK_ETOOBIG, "the date format \"%.40s\" gives more than %zu bytes", fmt, cap - 1);
        memcpy(out + len, field, n);
        len += n;
    }
    if (cap == 0)
        return ork_err_set(err, ORK_ETOOBIG, "no room for a date");
    out[len] = '\0';
    return 0;
}
