/* SPDX-License-Identifier: MIT */
/* Properties of fires in every zone around every change of its clocks from 2020 to 2040, against an enumerator that
 * goes minute by minute and knows nothing of spans: it asks what the clock shows, whether that matches, and whether it
 * has shown it before. Strictly rising, none lost, none doubled, and back the same way. --long plays every schedule at
 * every change, else each change gets two of them. */
#include "core/lib_zone.h"
#include "core/schedule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW 1560 /* minutes on each side: the day of the change and the nights beside it */

/* The same times twice: as a text, and as a function of what a clock shows. */
static bool any(const struct tm *t)
{
    return t->tm_year > 0;
}
static bool half_hours(const struct tm *t)
{
    return t->tm_min % 30 == 0;
}
static bool hours(const struct tm *t)
{
    return t->tm_min == 0;
}
static bool even_hours(const struct tm *t)
{
    return t->tm_min == 0 && t->tm_hour % 2 == 0;
}
static bool sevens(const struct tm *t)
{
    return t->tm_min % 7 == 0 && t->tm_hour < 4;
}
static bool quarters_of_two(const struct tm *t)
{
    return t->tm_min % 15 == 0 && t->tm_hour == 2;
}
static bool half_past_two(const struct tm *t)
{
    return t->tm_min == 30 && t->tm_hour == 2;
}
static bool midnight(const struct tm *t)
{
    return t->tm_min == 0 && t->tm_hour == 0;
}
static bool last_minute(const struct tm *t)
{
    return t->tm_min == 59 && t->tm_hour == 23;
}
static bool at_night(const struct tm *t)
{
    return (t->tm_min == 0 || t->tm_min == 45) && t->tm_hour <= 4;
}
static bool three_sundays(const struct tm *t)
{
    return t->tm_min == 0 && t->tm_hour == 3 && t->tm_wday == 0;
}
static bool odd_days(const struct tm *t)
{
    return t->tm_min == 10 && (t->tm_hour == 1 || t->tm_hour == 2) && t->tm_mday % 2 == 1;
}

static const struct {
    const char *cron;
    bool (*matches)(const struct tm *t);
    bool elapsed;
} times[] = {
    {"* * * * *", any, true},
    {"*/30 * * * *", half_hours, true},
    {"0 * * * *", hours, true},
    {"0 */2 * * *", even_hours, true},
    {"*/7 0-3 * * *", sevens, true},
    {"*/15 2 * * *", quarters_of_two, true},
    {"30 2 * * *", half_past_two, false},
    {"0 0 * * *", midnight, false},
    {"59 23 * * *", last_minute, false},
    {"0,45 0-4 * * *", at_night, false},
    {"0 3 * * SUN", three_sundays, false},
    {"10 1,2 1-31/2 * *", odd_days, false},
};
#define TIMES (sizeof times / sizeof *times)

/* What the clock shows in each minute of the window, and which of it is new. */
static struct {
    int64_t from; /* instant of the first minute */
    int64_t local[2 * WINDOW];
    bool repeated[2 * WINDOW];
} seen;

static void watch_clock(const struct ork_tz *z, int64_t change)
{
    int64_t highest = INT64_MIN;

    seen.from = change - WINDOW * INT64_C(60);
    for (int i = 0; i < 2 * WINDOW; i++) {
        int64_t at = seen.from + i * INT64_C(60);
        seen.local[i] = at + ork_tz_offset(z, at, NULL, NULL);
        seen.repeated[i] = seen.local[i] <= highest;
        if (seen.local[i] > highest)
            highest = seen.local[i];
    }
}

static bool shows(size_t t, int64_t local)
{
    struct tm tm;
    time_t as_if = (time_t)local;

    gmtime_r(&as_if, &tm);
    return times[t].matches(&tm);
}

/* Is minute i a fire? By the table in core/schedule.h. */
static bool is_due(size_t t, enum ork_dst dst, int i, int64_t reached)
{
    bool repeats = dst == ORK_DST_BOTH || (dst != ORK_DST_SKIP && times[t].elapsed);
    bool shifts = dst == ORK_DST_SHIFT || (dst != ORK_DST_SKIP && !times[t].elapsed);

    if (shows(t, seen.local[i]) && (repeats || !seen.repeated[i]))
        return true;
    for (int64_t lost = reached + 60; shifts && lost < seen.local[i]; lost += 60)
        if (shows(t, lost))
            return true;
    return false;
}

static size_t played, fired;

static void check(const char *name, const struct ork_schedule *s, size_t t, enum ork_dst dst)
{
    static int64_t due[2 * WINDOW];
    size_t n = 0;
    int64_t reached = seen.local[0], at, back;

    for (int i = 1; i < 2 * WINDOW; i++) {
        if (is_due(t, dst, i, reached))
            due[n++] = (seen.from + i * INT64_C(60)) * 1000;
        if (seen.local[i] > reached)
            reached = seen.local[i];
    }
    at = seen.from * 1000;
    for (size_t i = 0; i < n; i++) {
        if (!ork_schedule_next(s, at, &at) || at != due[i])
            fail_msg("%s, %s, dst %d: next is %lld, not %lld", name, times[t].cron, dst, (long long)at / 1000,
                     (long long)due[i] / 1000);
        if (!ork_schedule_next(s, at - 1, &back) || back != at)
            fail_msg("%s, %s, dst %d: %lld is no fire a moment before", name, times[t].cron, dst, (long long)at / 1000);
    }
    at = (seen.from + 2 * WINDOW * INT64_C(60)) * 1000;
    for (size_t i = n; i-- > 0;) {
        if (!ork_schedule_prev(s, at, &at) || at != due[i])
            fail_msg("%s, %s, dst %d: prev is %lld, not %lld", name, times[t].cron, dst, (long long)at / 1000,
                     (long long)due[i] / 1000);
        if (!ork_schedule_prev(s, at + 1, &back) || back != at)
            fail_msg("%s, %s, dst %d: %lld is no fire a moment after", name, times[t].cron, dst, (long long)at / 1000);
    }
    played++;
    fired += n;
}

static struct ork_schedule plans[TIMES];
static bool all;

static void check_zone(const char *name, void *data)
{
    struct ork_tz *z = zone_load(name);
    int64_t change = instant("2020-01-01"), end = instant("2041-01-01");
    size_t *turn = data;

    for (bool more = true; more;) {
        more = ork_tz_transition(z, change, &change) && change < end;
        if (!more && *turn % 7)
            break; /* a zone without changes is looked at too, now and then */
        watch_clock(z, more ? change : instant("2030-06-15"));
        for (size_t k = 0; k < (all ? TIMES * 4 : 2); k++, *turn += 1) {
            size_t t = *turn % TIMES;
            struct ork_schedule s = plans[t];
            s.zone = z;
            s.dst = (uint8_t)(*turn / TIMES % 4);
            check(name, &s, t, s.dst);
        }
    }
    *turn += 1;
    ork_tz_unref(z);
}

static void fires_are_those_of_the_clock(void **state)
{
    size_t turn = 0;
    struct ork_cron_mistake m;

    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    all = getenv("ORK_TEST_LONG") != NULL;
    for (size_t t = 0; t < TIMES; t++)
        if (ork_cron_parse(times[t].cron, 0, &plans[t].cron, &m) < 0)
            fail_msg("%s: %s", times[t].cron, m.text);
    zone_each(check_zone, &turn);
    print_message("%zu schedules around changes, %zu fires\n", played, fired);
    assert_true(played > 10000);
}

/* next(prev(t)) is t at fires, and around any instant the two enclose it. */
static void next_and_prev_enclose(const char *name, void *data)
{
    struct ork_tz *z = zone_load(name);
    uint64_t *seed = data;

    for (int i = 0; i < 200; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        int64_t t = instant("2020-01-01") * 1000 + (int64_t)(*seed >> 24) % (INT64_C(631152000) * 1000), before, after,
                again;
        struct ork_schedule s = plans[(*seed >> 33) % TIMES];
        s.zone = z;
        s.dst = (uint8_t)(*seed >> 60 & 3);
        assert_true(ork_schedule_prev(&s, t, &before) && ork_schedule_next(&s, t - 1, &after));
        if (before >= t || after < t || !ork_schedule_next(&s, before, &again) || again != after ||
            !ork_schedule_prev(&s, after, &again) || again != before)
            fail_msg("%s at %lld: %lld and %lld", name, (long long)t, (long long)before, (long long)after);
    }
    ork_tz_unref(z);
}

static void any_instant_lies_between_two_fires(void **state)
{
    uint64_t seed = 20260329;

    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    for (size_t t = 0; t < TIMES; t++)
        assert_int_equal(ork_cron_parse(times[t].cron, 0, &plans[t].cron, NULL), 0);
    zone_each(next_and_prev_enclose, &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_are_those_of_the_clock),
        cmocka_unit_test(any_instant_lies_between_two_fires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
