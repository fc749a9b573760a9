/* SPDX-License-Identifier: MIT */
/* Fires where clocks change, by tables made by hand: the two odd days of the year in Berlin and New York, half an hour
 * on Lord Howe Island, Dublin's winter exception, changes at midnight in Cairo and Santiago, Casablanca's Ramadan,
 * Kathmandu's fifteen minutes, and the day Apia left out. Dates are past, so that no new tzdata changes them. */
#include "core/lib_zone.h"
#include "core/schedule.h"
#include "base/time.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *zone, *cron, *dst, *after; /* dst NULL: default; after: UTC */
    const char *fires;                     /* as local time, abbreviation, and a mark: ~ shifted, 1 2 occurrence */
};

static struct ork_schedule *schedule_of(const struct row *r)
{
    struct ork_tz *z = strchr(r->zone, ',') ? zone_of_rule(r->zone) : zone_load(r->zone);
    json_t *option = json_pack("{s:s, s:s*}", "cron", r->cron, "dst", r->dst);
    struct ork_schedule *s;
    ork_err err;

    if (ork_schedule_parse(option, z, &s, &err) < 0)
        fail_msg("%s", err.msg);
    json_decref(option);
    ork_tz_unref(z);
    return s;
}

/* "31 03:00 CEST~, " */
static void add_fire(const struct ork_schedule *s, int64_t at_ms, char *out, size_t cap)
{
    struct ork_schedule_fire f;
    char text[32];
    size_t n = strlen(out);

    ork_schedule_explain(s, at_ms, &f);
    ork_time_format(at_ms + f.offset_s * INT64_C(1000), text);
    text[10] = ' ';
    text[strcmp(text + 17, "00.000Z") == 0 ? 16 : 19] = '\0';
    n += (size_t)snprintf(out + n, cap - n, "%s %s%s", text + 8, f.abbrev, f.shifted ? "~" : "");
    if (f.occurrence)
        n += (size_t)snprintf(out + n, cap - n, "%d", f.occurrence);
    snprintf(out + n, cap - n, ", ");
}

static size_t count(const char *s, char c)
{
    size_t n = 0;

    for (; *s; s++)
        n += *s == c;
    return n;
}

static void play(const struct row *rows, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct ork_schedule *s = schedule_of(&rows[i]);
        char got[600] = "";
        int64_t at = instant(rows[i].after) * 1000, back;
        for (size_t n = count(rows[i].fires, ','); n > 0; n--) {
            int64_t before = at;
            assert_true(ork_schedule_next(s, at, &at));
            assert_true(ork_schedule_prev(s, at + 1, &back) && back == at);
            if (got[0] && !(ork_schedule_prev(s, at, &back) && back == before))
                fail_msg("%s %s: the fire before %lld", rows[i].zone, rows[i].cron, (long long)at);
            add_fire(s, at, got, sizeof got);
        }
        if (strcmp(got, rows[i].fires) != 0)
            fail_msg("%s, %s %s after %s:\n%s", rows[i].zone, rows[i].cron, rows[i].dst ? rows[i].dst : "",
                     rows[i].after, got);
        ork_schedule_free(s);
    }
}

#define PLAY(...)                                                                                                      \
    do {                                                                                                               \
        static const struct row rows[] = {__VA_ARGS__};                                                                \
        (void)state;                                                                                                   \
        if (!zone_any()) {                                                                                             \
            print_message("left out: no time zones here (apt-get install tzdata)\n");                                  \
            skip();                                                                                                    \
        }                                                                                                              \
        play(rows, sizeof rows / sizeof *rows);                                                                        \
    } while (0)

#define BER "Europe/Berlin"

/* 2024-03-31 02:00 → 03:00 at 01:00Z */
static void the_gap_in_berlin(void **state)
{
    PLAY({BER, "30 2 * * *", NULL, "2024-03-29 12:00", "30 02:30 CET, 31 03:00 CEST~, 01 02:30 CEST, "},
         {BER, "30 2 * * *", "skip", "2024-03-29 12:00", "30 02:30 CET, 01 02:30 CEST, "},
         {BER, "30 2 * * *", "shift", "2024-03-29 12:00", "30 02:30 CET, 31 03:00 CEST~, 01 02:30 CEST, "},
         {BER, "30 2 * * *", "both", "2024-03-29 12:00", "30 02:30 CET, 31 03:00 CEST~, 01 02:30 CEST, "},
         {BER, "0 2 * * *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 01 02:00 CEST, "},
         {BER, "59 1 * * *", NULL, "2024-03-30 12:00", "31 01:59 CET, 01 01:59 CEST, "},
         {BER, "0 3 * * *", NULL, "2024-03-30 12:00", "31 03:00 CEST, 01 03:00 CEST, "},
         {BER, "0,30 2 * * *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 01 02:00 CEST, "}, /* all of a gap are one */
         {BER, "0 2,3 * * *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 01 02:00 CEST, 01 03:00 CEST, "},
         {BER, "15 30 2 * * *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 01 02:30:15 CEST, "},
         {BER, "0 2 31 * *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 31 02:00 CEST, "},
         {BER, "0 2 * * SUN", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 07 02:00 CEST, "},
         {BER, "0 2 LW,L 3 *", NULL, "2024-03-30 12:00", "31 03:00 CEST~, 31 02:00 CEST, "},
         {BER, "*/30 * * * *", NULL, "2024-03-31 00:00", "31 01:30 CET, 31 03:00 CEST, 31 03:30 CEST, "},
         {BER, "*/30 * * * *", "skip", "2024-03-31 00:00", "31 01:30 CET, 31 03:00 CEST, 31 03:30 CEST, "},
         {BER, "*/30 * * * *", "shift", "2024-03-31 00:00", "31 01:30 CET, 31 03:00 CEST~, 31 03:30 CEST, "},
         {BER, "*/40 * * * *", "shift", "2024-03-31 00:00", "31 01:40 CET, 31 03:00 CEST~, 31 03:40 CEST, "},
         {BER, "20 * * * *", NULL, "2024-03-31 00:00", "31 01:20 CET, 31 03:20 CEST, 31 04:20 CEST, "},
         {BER, "20 * * * *", "shift", "2024-03-31 00:00", "31 01:20 CET, 31 03:00 CEST~, 31 03:20 CEST, "},
         {BER, "*/30 2 * * *", NULL, "2024-03-30 12:00", "01 02:00 CEST, 01 02:30 CEST, "}, /* there is no 02:00 */
         {BER, "*/30 2 * * *", "shift", "2024-03-30 12:00", "31 03:00 CEST~, 01 02:00 CEST, "},
         {BER, "0 */2 * * *", NULL, "2024-03-30 22:00", "31 00:00 CET, 31 04:00 CEST, 31 06:00 CEST, "},
         {BER, "0 */2 * * *", "shift", "2024-03-30 22:00", "31 00:00 CET, 31 03:00 CEST~, 31 04:00 CEST, "});
}

/* 2024-10-27 03:00 → 02:00 at 01:00Z */
static void the_overlap_in_berlin(void **state)
{
    PLAY({BER, "30 2 * * *", NULL, "2024-10-26 12:00", "27 02:30 CEST1, 28 02:30 CET, "},
         {BER, "30 2 * * *", "skip", "2024-10-26 12:00", "27 02:30 CEST1, 28 02:30 CET, "},
         {BER, "30 2 * * *", "shift", "2024-10-26 12:00", "27 02:30 CEST1, 28 02:30 CET, "},
         {BER, "30 2 * * *", "both", "2024-10-26 12:00", "27 02:30 CEST1, 27 02:30 CET2, 28 02:30 CET, "},
         {BER, "0 2 * * *", NULL, "2024-10-26 12:00", "27 02:00 CEST1, 28 02:00 CET, "},
         {BER, "0 3 * * *", NULL, "2024-10-26 12:00", "27 03:00 CET, 28 03:00 CET, "},
         {BER, "0,30 2,3 * * *", NULL, "2024-10-26 12:00",
          "27 02:00 CEST1, 27 02:30 CEST1, 27 03:00 CET, 27 03:30 CET, 28 02:00 CET, "},
         {BER, "30 2 * * *", NULL, "2024-10-27 00:30", "28 02:30 CET, "}, /* asked between the two */
         {BER, "30 2 * * *", NULL, "2024-10-27 01:15", "28 02:30 CET, "},
         {BER, "30 2 * * *", "both", "2024-10-27 00:30", "27 02:30 CET2, 28 02:30 CET, "},
         {BER, "*/30 * * * *", NULL, "2024-10-26 23:45",
          "27 02:00 CEST1, 27 02:30 CEST1, 27 02:00 CET2, 27 02:30 CET2, 27 03:00 CET, "},
         {BER, "*/30 * * * *", "both", "2024-10-26 23:45",
          "27 02:00 CEST1, 27 02:30 CEST1, 27 02:00 CET2, 27 02:30 CET2, 27 03:00 CET, "},
         {BER, "*/30 * * * *", "skip", "2024-10-26 23:45", "27 02:00 CEST1, 27 02:30 CEST1, 27 03:00 CET, "},
         {BER, "*/30 * * * *", "shift", "2024-10-26 23:45", "27 02:00 CEST1, 27 02:30 CEST1, 27 02:00 CET2, "},
         {BER, "0 */2 * * *", NULL, "2024-10-26 22:00", "27 02:00 CEST1, 27 02:00 CET2, 27 04:00 CET, "},
         {BER, "*/30 2 * * *", NULL, "2024-10-26 12:00",
          "27 02:00 CEST1, 27 02:30 CEST1, 27 02:00 CET2, 27 02:30 CET2, 28 02:00 CET, "},
         {BER, "0 0-23 * * *", NULL, "2024-10-26 23:30",
          "27 02:00 CEST1, 27 03:00 CET, 27 04:00 CET, "}); /* no wildcard */
}

static void new_york_and_lord_howe(void **state)
{
    PLAY({"America/New_York", "30 2 * * *", NULL, "2024-03-09 12:00", "10 03:00 EDT~, 11 02:30 EDT, "},
         {"America/New_York", "30 1 * * *", NULL, "2024-11-02 12:00", "03 01:30 EDT1, 04 01:30 EST, "},
         {"America/New_York", "30 1 * * *", "both", "2024-11-02 12:00", "03 01:30 EDT1, 03 01:30 EST2, 04 01:30 EST, "},
         {"America/New_York", "0 9 * * MON-FRI", NULL, "2024-03-08 12:00", "08 09:00 EST, 11 09:00 EDT, "},
         {"Australia/Lord_Howe", "15 2 * * *", NULL, "2024-10-05 00:00", "06 02:30 +11~, 07 02:15 +11, "},
         {"Australia/Lord_Howe", "30 2 * * *", NULL, "2024-10-05 00:00", "06 02:30 +11, 07 02:30 +11, "},
         {"Australia/Lord_Howe", "0 * * * *", NULL, "2024-10-05 14:00", "06 01:00 +1030, 06 03:00 +11, "},
         {"Australia/Lord_Howe", "0 * * * *", "shift", "2024-10-05 14:00",
          "06 01:00 +1030, 06 02:30 +11~, 06 03:00 +11, "},
         {"Australia/Lord_Howe", "*/15 * * * *", NULL, "2024-10-05 15:00",
          "06 01:45 +1030, 06 02:30 +11, 06 02:45 +11, "},
         {"Australia/Lord_Howe", "45 1 * * *", NULL, "2024-04-06 00:00", "07 01:45 +111, 08 01:45 +1030, "},
         {"Australia/Lord_Howe", "*/15 1 * * *", NULL, "2024-04-06 14:20",
          "07 01:30 +111, 07 01:45 +111, 07 01:30 +10302, 07 01:45 +10302, 08 01:00 +1030, "});
}

static void dublin_cairo_santiago(void **state)
{
    PLAY({"Europe/Dublin", "30 1 * * *", NULL, "2024-03-30 12:00", "31 02:00 IST~, 01 01:30 IST, "},
         {"Europe/Dublin", "30 1 * * *", NULL, "2024-10-26 12:00", "27 01:30 IST1, 28 01:30 GMT, "},
         {"Europe/Dublin", "30 1 * * *", "both", "2024-10-26 12:00", "27 01:30 IST1, 27 01:30 GMT2, 28 01:30 GMT, "},
         {"Africa/Cairo", "0 0 * * *", NULL, "2023-04-27 12:00", "28 01:00 EEST~, 29 00:00 EEST, "},
         {"Africa/Cairo", "0 0 * * FRI", NULL, "2023-04-27 12:00", "28 01:00 EEST~, 05 00:00 EEST, "},
         {"Africa/Cairo", "30 23 * * *", NULL, "2023-10-26 12:00", "26 23:30 EEST1, 27 23:30 EET, "},
         {"Africa/Cairo", "0 0 * * *", NULL, "2023-10-26 12:00", "27 00:00 EET, 28 00:00 EET, "},
         {"Africa/Cairo", "@daily", "skip", "2023-04-27 12:00", "29 00:00 EEST, "},
         {"America/Santiago", "0 0 * * *", NULL, "2024-09-07 12:00", "08 01:00 -03~, 09 00:00 -03, "},
         {"America/Santiago", "30 23 * * SAT", NULL, "2024-04-06 12:00", "06 23:30 -031, 13 23:30 -04, "},
         {"America/Santiago", "30 23 * * SAT", "both", "2024-04-06 12:00",
          "06 23:30 -031, 06 23:30 -042, 13 23:30 -04, "},
         {"America/Santiago", "0 0 8 9 *", NULL, "2024-09-07 12:00", "08 01:00 -03~, 08 00:00 -03, "});
}

static void apia_kathmandu_casablanca(void **state)
{
    PLAY({"Pacific/Apia", "0 12 * * *", NULL, "2011-12-29 00:00", "29 12:00 -10, 31 00:00 +14~, 31 12:00 +14, "},
         {"Pacific/Apia", "0 12 * * *", "skip", "2011-12-29 00:00", "29 12:00 -10, 31 12:00 +14, "},
         {"Pacific/Apia", "@daily", NULL, "2011-12-28 12:00", "29 00:00 -10, 31 00:00 +14~, 01 00:00 +14, "},
         {"Pacific/Apia", "0 12 * * FRI", NULL, "2011-12-29 00:00", "31 00:00 +14~, 06 12:00 +14, "},
         {"Pacific/Apia", "0 12 30 * *", NULL, "2011-12-29 00:00", "31 00:00 +14~, 30 12:00 +14, "},
         {"Pacific/Apia", "0 */6 * * *", NULL, "2011-12-30 00:00", "29 18:00 -10, 31 00:00 +14, 31 06:00 +14, "},
         {"Asia/Kathmandu", "10 0 1 1 *", NULL, "1985-12-31 00:00", "01 00:15 +0545~, 01 00:10 +0545, "},
         {"Asia/Kathmandu", "0 6 * * *", NULL, "2024-05-01 00:00", "01 06:00 +0545, 02 06:00 +0545, "},
         {"Africa/Casablanca", "30 2 * * *", NULL, "2024-03-09 12:00", "10 02:30 +011, 11 02:30 +00, "},
         {"Africa/Casablanca", "30 2 * * *", NULL, "2024-04-13 12:00", "14 03:00 +01~, 15 02:30 +01, "},
         {"Europe/Berlin", "0 0 29 2 *", NULL, "2024-03-01 00:00", "29 00:00 CET, "},   /* over eight changes */
         {"America/Juneau", "0 12 * * *", NULL, "1867-10-17 00:00", "01 12:00 PST, "}); /* no schedule before 1970 */
}

#define RULE "CET-1CEST,M3.5.0,M10.5.0/3"

/* What core/schedule.h and docs/internals/time.md promise for 2026, by Berlin's rule of now. */
static void the_examples_of_the_documents(void **state)
{
    PLAY({RULE, "30 2 * * *", NULL, "2026-03-28 12:00", "29 03:00 CEST~, 30 02:30 CEST, "},
         {RULE, "30 2 * * *", "skip", "2026-03-28 12:00", "30 02:30 CEST, "},
         {RULE, "30 2 * * *", "both", "2026-03-28 12:00", "29 03:00 CEST~, 30 02:30 CEST, "},
         {RULE, "0,30 2 * * *", NULL, "2026-03-28 12:00", "29 03:00 CEST~, 30 02:00 CEST, "},
         {RULE, "0 2,3 * * *", NULL, "2026-03-28 12:00", "29 03:00 CEST~, 30 02:00 CEST, "},
         {RULE, "*/30 2 * * *", NULL, "2026-03-28 12:00", "30 02:00 CEST, "},
         {RULE, "*/30 2 * * *", "shift", "2026-03-28 12:00", "29 03:00 CEST~, 30 02:00 CEST, "},
         {RULE, "*/30 * * * *", NULL, "2026-03-29 00:15", "29 01:30 CET, 29 03:00 CEST, 29 03:30 CEST, "},
         {RULE, "*/30 * * * *", "skip", "2026-03-29 00:15", "29 01:30 CET, 29 03:00 CEST, 29 03:30 CEST, "},
         {RULE, "30 2 * * *", NULL, "2026-10-24 12:00", "25 02:30 CEST1, 26 02:30 CET, "},
         {RULE, "30 2 * * *", "skip", "2026-10-24 12:00", "25 02:30 CEST1, 26 02:30 CET, "},
         {RULE, "30 2 * * *", "both", "2026-10-24 12:00", "25 02:30 CEST1, 25 02:30 CET2, 26 02:30 CET, "},
         {RULE, "0,30 2 * * *", NULL, "2026-10-24 12:00", "25 02:00 CEST1, 25 02:30 CEST1, 26 02:00 CET, "},
         {RULE, "0 2,3 * * *", NULL, "2026-10-24 12:00", "25 02:00 CEST1, 25 03:00 CET, 26 02:00 CET, "},
         {RULE, "*/30 2 * * *", NULL, "2026-10-24 12:00",
          "25 02:00 CEST1, 25 02:30 CEST1, 25 02:00 CET2, 25 02:30 CET2, 26 02:00 CET, "},
         {RULE, "*/30 * * * *", NULL, "2026-10-25 00:15",
          "25 02:30 CEST1, 25 02:00 CET2, 25 02:30 CET2, 25 03:00 CET, "},
         {RULE, "*/30 * * * *", "skip", "2026-10-24 23:15",
          "25 01:30 CEST, 25 02:00 CEST1, 25 02:30 CEST1, 25 03:00 CET, "});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gap_in_berlin),         cmocka_unit_test(the_overlap_in_berlin),
        cmocka_unit_test(new_york_and_lord_howe),    cmocka_unit_test(dublin_cairo_santiago),
        cmocka_unit_test(apia_kathmandu_casablanca), cmocka_unit_test(the_examples_of_the_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
