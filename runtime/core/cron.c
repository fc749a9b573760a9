/* SPDX-License-Identifier: MIT */
/* The times of an expression. Days are found month by month: each month's matching days are one word of 31 bits, made
 * from the masks and the weekday of its first; the time of day is three lookups of the next bit. So a question costs
 * the months that are passed over, never the minutes, and an expression that is due once in 28 years answers in
 * microseconds. */
#include "core/cron.h"
#include "base/time.h"

#define DAY_S 86400
#define DAYS(n) ((uint32_t)((UINT64_C(2) << (n)) - 2)) /* bits 1 to n */

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* The day from Monday to Friday nearest to day d, in its month of n days whose 1st is weekday `first`. */
static int working_day(int d, int n, int first)
{
    int weekday = (first + d - 1) % 7;

    if (weekday == 6)
        return d > 1 ? d - 1 : d + 2;
    if (weekday == 0)
        return d < n ? d + 1 : d - 2;
    return d;
}

static uint32_t by_day(const struct ork_cron *c, int n, int first)
{
    uint32_t days = c->days;

    for (uint32_t rest = c->last; rest; rest &= rest - 1) {
        int back = __builtin_ctz(rest);
        if (back < n)
            days |= UINT32_C(1) << (n - back);
    }
    for (uint32_t rest = c->near; rest; rest &= rest - 1) {
        int d = __builtin_ctz(rest);
        if (d <= n)
            days |= UINT32_C(1) << working_day(d ? d : n, n, first);
    }
    return days & DAYS(n);
}

static uint32_t by_weekday(const struct ork_cron *c, int n, int first)
{
    uint64_t week = (uint64_t)c->weekdays | (uint64_t)c->weekdays << 7; /* from Sunday; now from the 1st's weekday: */
    uint64_t days = week >> first & 0x7f;

    days |= days << 7;
    days |= days << 14 | days << 28;
    days <<= 1;
    for (uint64_t rest = c->nth; rest; rest &= rest - 1) {
        int bit = __builtin_ctzll(rest);
        int d = 1 + (bit / 5 - first + 7) % 7 + bit % 5 * 7;
        if (d <= n)
            days |= UINT64_C(1) << d;
    }
    for (unsigned rest = c->last_weekdays; rest; rest &= rest - 1) {
        int last = (first + n - 1) % 7;
        days |= UINT64_C(1) << (n - (last - __builtin_ctz(rest) + 7) % 7);
    }
    return (uint32_t)(days & DAYS(n));
}

/* The matching days of a month as bits 1–31. */
static uint32_t days_of(const struct ork_cron *c, int year, int month, int first)
{
    int n = month_days(year, month);
    uint32_t days = by_day(c, n, first), weekdays = by_weekday(c, n, first);
    unsigned set = c->flags & (ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET | ORK_CRON_BOTH);

    return set == (ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET) ? days | weekdays : days & weekdays;
}

static bool has_year(const struct ork_cron *c, int year)
{
    unsigned i = (unsigned)(year - ORK_CRON_YEAR_FIRST);

    return c->years[i / 64] >> (i % 64) & 1;
}

/* ---- forward and back ----------------------------------------------------------------------- */

/* Lowest bit at or above i, highest at or below; -1 if there is none. */
static int bit_up(uint64_t mask, int i)
{
    mask = i > 63 ? 0 : mask >> i << i;
    return mask ? __builtin_ctzll(mask) : -1;
}

static int bit_down(uint64_t mask, int i)
{
    mask = i < 0 ? 0 : i >= 63 ? mask : mask & ((UINT64_C(1) << (i + 1)) - 1);
    return mask ? 63 - __builtin_clzll(mask) : -1;
}

/* The first time of day at or after s seconds; -1: not on this day any more. */
static int clock_up(const struct ork_cron *c, int s)
{
    int h = s / 3600, m = s / 60 % 60, sec = bit_up(c->seconds, s % 60);

    if (sec < 0) {
        sec = bit_up(c->seconds, 0);
        m++;
    }
    int minute = bit_up(c->minutes, m);
    if (minute != m)
        sec = bit_up(c->seconds, 0);
    if (minute < 0) {
        minute = bit_up(c->minutes, 0);
        h++;
    }
    int hour = bit_up(c->hours, h);
    if (hour != h) {
        minute = bit_up(c->minutes, 0);
        sec = bit_up(c->seconds, 0);
    }
    return hour < 0 ? -1 : (hour * 60 + minute) * 60 + sec;
}

static int clock_down(const struct ork_cron *c, int s)
{
    int h = s / 3600, m = s / 60 % 60, sec = bit_down(c->seconds, s % 60);

    if (sec < 0) {
        sec = bit_down(c->seconds, 59);
        m--;
    }
    int minute = bit_down(c->minutes, m);
    if (minute != m)
        sec = bit_down(c->seconds, 59);
    if (minute < 0) {
        minute = bit_down(c->minutes, 59);
        h--;
    }
    int hour = bit_down(c->hours, h);
    if (hour != h) {
        minute = bit_down(c->minutes, 59);
        sec = bit_down(c->seconds, 59);
    }
    return hour < 0 ? -1 : (hour * 60 + minute) * 60 + sec;
}

struct day {
    int64_t number; /* since 1970-01-01 */
    int year, month, day;
};

static int64_t month_begin(int year, int month)
{
    struct ork_civil c = {.year = year, .month = month, .day = 1};

    return ork_civil_to_ms(&c) / 1000 / DAY_S;
}

/* Moves to the first matching day at or after (step 1) or the last at or before (step -1) d. */
static bool find_day(const struct ork_cron *c, struct day *d, int step)
{
    while (d->year >= ORK_CRON_YEAR_FIRST && d->year <= ORK_CRON_YEAR_LAST) {
        if (has_year(c, d->year) && c->months >> d->month & 1) {
            int64_t begin = month_begin(d->year, d->month);
            uint32_t days = days_of(c, d->year, d->month, (int)((begin + 4) % 7)); /* 1970-01-01 was a Thursday */
            int day = step > 0 ? bit_up(days, d->day) : bit_down(days, d->day);
            if (day > 0) {
                d->day = day;
                d->number = begin + day - 1;
                return true;
            }
        }
        d->month += step;
        if (!has_year(c, d->year) || d->month < 1 || d->month > 12) {
            d->year += step;
            d->month = step > 0 ? 1 : 12;
        }
        d->day = step > 0 ? 1 : 31;
    }
    return false;
}

/* The day and second of day of a time, drawn into the years there are; false: beyond them in this direction. */
static bool split(int64_t local_s, int step, struct day *d, int *second)
{
    int64_t begin = month_begin(ORK_CRON_YEAR_FIRST, 1) * DAY_S, end = month_begin(ORK_CRON_YEAR_LAST + 1, 1) * DAY_S;
    struct ork_civil c;

    if (step > 0 ? local_s >= end : local_s < begin)
        return false;
    if (local_s < begin)
        local_s = begin;
    if (local_s >= end)
        local_s = end - 1;
    ork_civil_from_ms(local_s * 1000, &c);
    *d = (struct day){.number = local_s / DAY_S, .year = c.year, .month = c.month, .day = c.day};
    *second = (int)(local_s % DAY_S);
    return true;
}

bool ork_cron_next(const struct ork_cron *c, int64_t local_s, int64_t *out)
{
    struct day d;
    int second;

    if (!split(local_s, 1, &d, &second))
        return false;
    int64_t asked = d.number;
    while (find_day(c, &d, 1)) {
        int clock = clock_up(c, d.number == asked ? second : 0);
        if (clock >= 0) {
            *out = d.number * DAY_S + clock;
            return true;
        }
        d.day++; /* the day's times are over; 32 is the next month's affair */
    }
    return false;
}

bool ork_cron_prev(const struct ork_cron *c, int64_t local_s, int64_t *out)
{
    struct day d;
    int second;

    if (!split(local_s, -1, &d, &second))
        return false;
    int64_t asked = d.number;
    while (find_day(c, &d, -1)) {
        int clock = clock_down(c, d.number == asked ? second : DAY_S - 1);
        if (clock >= 0) {
            *out = d.number * DAY_S + clock;
            return true;
        }
        d.day--;
    }
    return false;
}
