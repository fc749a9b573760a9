/* SPDX-License-Identifier: MIT */
/* What expressions mean, without zones: the next times from tables made by hand, and back again. */
#include "core/cron.h"
#include "core/lib_zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct ork_cron parsed(const char *text, unsigned dialect)
{
    struct ork_cron c;
    struct ork_cron_mistake m;

    if (ork_cron_parse(text, dialect, &c, &m) < 0)
        fail_msg("%s: %s", text, m.text);
    return c;
}

/* The next n times after a time, as "MM-DD HH:MM:SS" or with the year where it changes. */
static void next_times(const struct ork_cron *c, const char *after, int n, char out[400])
{
    int64_t at = instant(after);
    char year[5];

    snprintf(year, sizeof year, "%.4s", after);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        char text[32];
        if (!ork_cron_next(c, at + 1, &at)) {
            strcat(out, "none ");
            return;
        }
        ork_time_format(at * 1000, text);
        text[10] = ' ';
        text[strcmp(text + 17, "00.000Z") == 0 ? 16 : 19] = '\0';
        bool same = strncmp(year, text, 4) == 0;
        snprintf(out + strlen(out), 400 - strlen(out), "%s, ", text + (same ? 5 : 0));
        snprintf(year, sizeof year, "%.4s", text);
    }
}

struct row {
    const char *text, *after, *times;
    int n;
};

static void play(const struct row *rows, size_t len, unsigned dialect)
{
    for (size_t i = 0; i < len; i++) {
        struct ork_cron c = parsed(rows[i].text, dialect);
        char got[400];
        next_times(&c, rows[i].after, rows[i].n, got);
        if (strcmp(got, rows[i].times) != 0)
            fail_msg("%s after %s: %s", rows[i].text, rows[i].after, got);
        int64_t at = instant(rows[i].after), back;
        for (int k = 0; k < rows[i].n; k++) { /* the same backwards */
            int64_t before = at;
            if (!ork_cron_next(&c, at + 1, &at))
                break;
            if (!ork_cron_prev(&c, at, &back) || back != at)
                fail_msg("%s: prev of %lld", rows[i].text, (long long)at);
            if (k > 0 && (!ork_cron_prev(&c, at - 1, &back) || back != before))
                fail_msg("%s: prev before %lld", rows[i].text, (long long)at);
        }
    }
}

#define PLAY(dialect, ...)                                                                                             \
    do {                                                                                                               \
        static const struct row rows[] = {__VA_ARGS__};                                                                \
        play(rows, sizeof rows / sizeof *rows, dialect);                                                               \
    } while (0)

static void fields(void **state)
{
    (void)state;
    PLAY(0, {"0 2 * * *", "2026-01-01", "01-01 02:00, 01-02 02:00, ", 2},
         {"0 2 * * *", "2026-01-01 02:00", "01-02 02:00, ", 1}, /* strictly after */
         {"0 2 * * *", "2026-01-01 01:59:59", "01-01 02:00, ", 1},
         {"*/20 * * * *", "2026-01-01", "01-01 00:20, 01-01 00:40, 01-01 01:00, ", 3},
         {"5/20 * * * *", "2026-01-01", "01-01 00:05, 01-01 00:25, 01-01 00:45, 01-01 01:05, ", 4},
         {"10-30/10 4 * * *", "2026-01-01", "01-01 04:10, 01-01 04:20, 01-01 04:30, 01-02 04:10, ", 4},
         {"*/7 23 31 12 *", "2026-12-31 23:50", "12-31 23:56, 2027-12-31 23:00, ", 2},
         {"0,30 9-10 * * *", "2026-01-01", "01-01 09:00, 01-01 09:30, 01-01 10:00, 01-01 10:30, 01-02 09:00, ", 5},
         {"0 22-23,0-2 * * *", "2026-01-01 01:00", "01-01 02:00, 01-01 22:00, 01-01 23:00, 01-02 00:00, ", 4},
         {"30 0 2 * * *", "2026-01-01", "01-01 02:00:30, 01-02 02:00:30, ", 2},
         {"*/25 * * * * *", "2026-01-01", "01-01 00:00:25, 01-01 00:00:50, 01-01 00:01, ", 3},
         {"0 0 12 1 1 * 2027-2031/2", "2026-01-01", "2027-01-01 12:00, 2029-01-01 12:00, 2031-01-01 12:00, none ", 4},
         {"0 0 0 1 1 ? 2199", "2026-01-01", "2199-01-01 00:00, none ", 2},
         {"  0\t2  * * *  ", "2026-01-01", "01-01 02:00, ", 1},
         {"59 59 23 31 12 * *", "2199-12-30", "12-31 23:59:59, none ", 2},
         {"0 0 * * *", "1969-06-01", "1970-01-01 00:00, 01-02 00:00, ", 2});
}

static void names_and_words(void **state)
{
    (void)state;
    PLAY(0, {"0 2 * jan,MARCH *", "2026-01-31", "01-31 02:00, 03-01 02:00, ", 2},
         {"0 2 * Nov-December *", "2026-01-31", "11-01 02:00, ", 1},
         {"0 2 * * mon", "2026-01-01", "01-05 02:00, 01-12 02:00, ", 2},
         {"0 2 * * Monday-fri", "2026-01-02", "01-02 02:00, 01-05 02:00, ", 2},
         {"0 2 * * FRI-MON", "2026-01-01", "01-02 02:00, 01-03 02:00, 01-04 02:00, 01-05 02:00, 01-09 02:00, ", 5},
         {"0 2 * * FRI-MON/2", "2026-01-01", "01-02 02:00, 01-04 02:00, 01-09 02:00, ", 3},
         {"0 2 * * 0", "2026-01-01", "01-04 02:00, ", 1}, {"0 2 * * 7", "2026-01-01", "01-04 02:00, ", 1},
         {"0 2 * * 5-7", "2026-01-01", "01-02 02:00, 01-03 02:00, 01-04 02:00, 01-09 02:00, ", 4},
         {"0 2 * * 7-2", "2026-01-01", "01-04 02:00, 01-05 02:00, 01-06 02:00, 01-11 02:00, ", 4},
         {"0 2 * * */3", "2026-01-01", "01-03 02:00, 01-04 02:00, 01-07 02:00, ", 3}, /* 0, 3, 6 */
         {"0 2 * * 7/3", "2026-01-01", "01-03 02:00, 01-04 02:00, 01-07 02:00, ", 3},
         {"0 2 * * 1/2", "2026-01-03", "01-05 02:00, 01-07 02:00, 01-09 02:00, 01-12 02:00, ", 4},
         {"@yearly", "2026-01-01", "2027-01-01 00:00, ", 1}, {"@ANNUALLY", "2026-01-01", "2027-01-01 00:00, ", 1},
         {"@monthly", "2026-01-01", "02-01 00:00, ", 1}, {"@weekly", "2026-01-01", "01-04 00:00, ", 1},
         {"@daily", "2026-01-01", "01-02 00:00, ", 1}, {"@midnight", "2026-01-01", "01-02 00:00, ", 1},
         {"@hourly", "2026-01-01", "01-01 01:00, ", 1}, {" @daily ", "2026-01-01", "01-02 00:00, ", 1});
}

static void last_days_and_working_days(void **state)
{
    (void)state;
    PLAY(0, {"0 2 L * *", "2027-12-31 12:00", "2028-01-31 02:00, 02-29 02:00, 03-31 02:00, 04-30 02:00, ", 4},
         {"0 2 L-1 2 *", "2026-01-01", "02-27 02:00, 2027-02-27 02:00, 2028-02-28 02:00, ", 3},
         {"0 2 L-30 * *", "2026-01-01 03:00", "03-01 02:00, 05-01 02:00, ", 2}, /* only months of 31 days */
         {"0 2 1,L * *", "2026-01-01 03:00", "01-31 02:00, 02-01 02:00, 02-28 02:00, ", 3},
         {"0 2 15W * *", "2026-08-01", "08-14 02:00, 09-15 02:00, 10-15 02:00, 11-16 02:00, ",
          4},                                                                 /* Sat, Tue, Thu, Sun */
         {"0 2 1W * *", "2026-07-31 12:00", "08-03 02:00, 09-01 02:00, ", 2}, /* 1 August is a Saturday: not in July */
         {"0 2 31W * *", "2026-05-01", "05-29 02:00, 07-31 02:00, ", 2},      /* 31 May is a Sunday: not in June */
         {"0 2 30W 8 *", "2026-08-01", "08-31 02:00, ", 1},                   /* Sunday, and Monday is in the month */
         {"0 2 LW * *", "2026-01-01", "01-30 02:00, 02-27 02:00, 03-31 02:00, ", 3},
         {"0 2 lw 5 *", "2026-01-01", "05-29 02:00, ", 1},
         {"0 2 1W,15w * *", "2026-08-01", "08-03 02:00, 08-14 02:00, ", 2},
         {"0 2 ? * MON#1", "2026-01-01", "01-05 02:00, 02-02 02:00, ", 2},
         {"0 2 * * 4#5", "2026-01-01", "01-29 02:00, 04-30 02:00, ", 2}, /* months with five Thursdays */
         {"0 2 * * sun#2,5#3", "2026-01-01", "01-11 02:00, 01-16 02:00, 02-08 02:00, ", 3},
         {"0 2 * * 5L", "2026-01-01", "01-30 02:00, 02-27 02:00, ", 2},
         {"0 2 * * FRIL", "2026-01-01", "01-30 02:00, 02-27 02:00, ", 2},
         {"0 2 * * fridayl", "2026-01-01", "01-30 02:00, ", 1}, {"0 2 * * 7L", "2026-01-01", "01-25 02:00, ", 1},
         {"0 2 * * 0#1", "2026-01-01", "01-04 02:00, ", 1},
         {"0 2 * * MON,5L", "2026-01-24", "01-26 02:00, 01-30 02:00, ", 2});
}

static void both_day_fields(void **state)
{
    (void)state;
    PLAY(0, {"0 2 13 * FRI", "2026-02-01", "02-06 02:00, 02-13 02:00, 02-20 02:00, 02-27 02:00, 03-06 02:00, ", 5},
         {"0 2 1 * MON", "2026-01-01", "01-01 02:00, 01-05 02:00, ", 2},
         {"0 2 1 * *", "2026-01-02", "02-01 02:00, ", 1}, {"0 2 ? * MON", "2026-01-01", "01-05 02:00, ", 1},
         {"0 2 L * MON", "2026-01-27", "01-31 02:00, 02-02 02:00, ", 2},
         {"0 2 */2 * MON", "2026-01-01", "01-05 02:00, 01-19 02:00, 02-09 02:00, ", 3}, /* one begins with *: both */
         {"0 2 1-7 * */2", "2026-01-01", "01-01 02:00, 01-03 02:00, 01-04 02:00, ", 3});
    PLAY(0, {"0 2 29 2 *", "2026-01-01", "2028-02-29 02:00, 2032-02-29 02:00, ", 2},
         {"0 0 29 2 *", "2096-03-01", "2104-02-29 00:00, ", 1}, /* 2100 is no leap year */
         {"0 0 29 FEB */6", "2072-03-01", "2076-02-29 00:00, 2088-02-29 00:00, ",
          2},                                                      /* a Saturday or Sunday: both match */
         {"0 0 ? 2 MON#5", "2072-03-01", "2112-02-29 00:00, ", 1}, /* 40 years, the longest there is */
         {"0 0 31 4,5 *", "2026-06-01", "2027-05-31 00:00, ", 1});
}

static void the_original_wants_both_and_counts_from_one(void **state)
{
    struct ork_cron c;

    (void)state;
    PLAY(ORK_CRON_ORIGINAL, {"0 0 2 * * 2", "2026-01-01", "01-05 02:00, ", 1}, /* 2 is Monday */
         {"0 0 2 * * 1", "2026-01-01", "01-04 02:00, ", 1}, {"0 0 2 * * 7", "2026-01-01", "01-03 02:00, ", 1},
         {"0 0 2 * * SUN-TUE", "2026-01-01", "01-04 02:00, 01-05 02:00, 01-06 02:00, 01-11 02:00, ", 4},
         {"0 0 2 13 * FRI", "2026-02-01", "02-13 02:00, 03-13 02:00, 11-13 02:00, ", 3},
         {"0 0 2 13 * 6 2027", "2026-02-01", "2027-08-13 02:00, none ", 2},
         {"0 0 2 * * */2", "2026-01-01", "01-01 02:00, 01-03 02:00, 01-04 02:00, ", 3}, /* 1 3 5 7: Sun Tue Thu Sat */
         {"0 0 2 * * 4/2", "2026-01-01", "01-02 02:00, 01-07 02:00, ", 2},
         {"0 0 2 ? * 2", "2026-01-01", "01-05 02:00, ", 1},
         {"0 0/90 2 * * *", "2026-01-01", "01-01 02:00, 01-02 02:00, ", 2},
         {"@weekly", "2026-01-01", "01-04 00:00, ", 1}, {"@daily", "2026-01-01", "01-02 00:00, ", 1});
    static const char *const refused[] = {"0 2 * * *",     "0 0 2 * * 0",  "0 0 2 L * *",       "0 0 2 15W * *",
                                          "0 0 2 * * 2#1", "0 0 2 * * 2L", "0 0 2 * * FRI-MON", "0 0 2 * * * * *"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (ork_cron_parse(refused[i], ORK_CRON_ORIGINAL, &c, NULL) == 0)
            fail_msg("taken: %s", refused[i]);
}

static void flags(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        bool warns;
    } cases[] = {
        {"0 2 * * *", 0, false},
        {"0 2 1 * *", ORK_CRON_DAY_SET, false},
        {"0 2 * * 1", ORK_CRON_WEEKDAY_SET, false},
        {"0 2 ? * 1", ORK_CRON_WEEKDAY_SET, false},
        {"0 2 1 * 1", ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET, true},
        {"0 2 */2 * 1", ORK_CRON_WEEKDAY_SET, true},
        {"0 2 1-31 * 1", ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET, false},
        {"0 2 L * 1#1", ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET, true},
        {"* 2 * * *", ORK_CRON_ELAPSED, false},
        {"0 */2 * * *", ORK_CRON_ELAPSED, false},
        {"0 2/3 * * *", ORK_CRON_ELAPSED, false},
        {"0,30-40/5 2 * * *", ORK_CRON_ELAPSED, false},
        {"0 0-23 * * *", 0, false},
        {"* 0 2 * * *", 0, false},
        {"@hourly", ORK_CRON_ELAPSED, false},
        {"@daily", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_cron c = parsed(cases[i].text, 0);
        if (c.flags != cases[i].flags || !ork_cron_warning(&c) != !cases[i].warns)
            fail_msg("%s: flags %u, %s", cases[i].text, c.flags, ork_cron_warning(&c));
    }
    assert_true(sizeof(struct ork_cron) <= 80);
    struct ork_cron both = parsed("0 0 2 1 * 2", ORK_CRON_ORIGINAL);
    assert_null(ork_cron_warning(&both));
}

static void years_that_are_over(void **state)
{
    struct ork_cron c = parsed("0 0 2 * * ? 2020", 0);
    struct ork_cron_mistake m;

    (void)state;
    assert_false(ork_cron_over(&c, "0 0 2 * * ? 2020", instant("2020-12-31 02:00"), &m));
    assert_true(ork_cron_over(&c, "0 0 2 * * ? 2020", instant("2020-12-31 02:00:01"), &m));
    assert_string_equal(m.text, "it never comes again: its last time was 2020-12-31 02:00:00");
    assert_int_equal(m.at, 12);
    assert_int_equal(m.len, 4);
    c = parsed("@daily", 0);
    assert_false(ork_cron_over(&c, "@daily", instant("2199-12-31"), NULL));
    assert_true(ork_cron_over(&c, "@daily", instant("2200-01-01"), NULL));
}

static void beyond_the_years_there_is_nothing(void **state)
{
    struct ork_cron c = parsed("* * * * * *", 0);
    int64_t at;

    (void)state;
    assert_true(ork_cron_next(&c, INT64_MIN, &at) && at == 0);
    assert_true(ork_cron_prev(&c, INT64_MAX, &at) && at == instant("2199-12-31 23:59:59"));
    assert_false(ork_cron_next(&c, INT64_MAX, &at));
    assert_false(ork_cron_prev(&c, INT64_MIN, &at));
    assert_false(ork_cron_prev(&c, -1, &at));
    assert_false(ork_cron_next(&c, instant("2200-01-01"), &at));
}

/* ---- against a walk by the second ----------------------------------------------------------- */

static uint64_t seed = 4;

static uint32_t rnd(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static bool shows(const struct ork_cron *c, int64_t s)
{
    return c->seconds >> (s % 60) & 1 && c->minutes >> (s / 60 % 60) & 1 && c->hours >> (s / 3600 % 24) & 1;
}

static uint64_t few_bits(uint32_t n)
{
    uint64_t mask = 0;

    for (uint32_t i = 1 + rnd(4); i > 0; i--)
        mask |= UINT64_C(1) << rnd(n);
    return mask;
}

static void times_of_day_are_those_of_a_walk(void **state)
{
    struct ork_cron c = parsed("* * * * * *", 0);

    (void)state;
    for (int round = 0; round < 300; round++) {
        int64_t asked = instant("2026-02-27 20:00") + rnd(3 * 86400), up = asked, down = asked, at;
        c.seconds = few_bits(60);
        c.minutes = few_bits(60);
        c.hours = (uint32_t)few_bits(24);
        while (!shows(&c, up))
            up++;
        while (!shows(&c, down))
            down--;
        if (!ork_cron_next(&c, asked, &at) || at != up)
            fail_msg("round %d: next of %lld is %lld, not %lld", round, (long long)asked, (long long)at, (long long)up);
        if (!ork_cron_prev(&c, asked, &at) || at != down)
            fail_msg("round %d: prev of %lld is %lld, not %lld", round, (long long)asked, (long long)at,
                     (long long)down);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(names_and_words),
        cmocka_unit_test(last_days_and_working_days),
        cmocka_unit_test(both_day_fields),
        cmocka_unit_test(the_original_wants_both_and_counts_from_one),
        cmocka_unit_test(flags),
        cmocka_unit_test(years_that_are_over),
        cmocka_unit_test(beyond_the_years_there_is_nothing),
        cmocka_unit_test(times_of_day_are_those_of_a_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
