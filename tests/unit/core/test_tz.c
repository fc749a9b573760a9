/* SPDX-License-Identifier: MIT */
/* Zones against tables made by hand, and against glibc on every zone and every change of the machine's tzdata. */
#include "core/lib_zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void offsets(void **state)
{
    static const struct {
        const char *zone, *at;
        int32_t offset_s;
        bool dst;
        const char *abbrev;
    } cases[] = {
        {"Europe/Berlin", "2024-03-31 00:59:59", 3600, false, "CET"},
        {"Europe/Berlin", "2024-03-31 01:00", 7200, true, "CEST"},
        {"Europe/Berlin", "2024-10-27 00:59:59", 7200, true, "CEST"},
        {"Europe/Berlin", "2024-10-27 01:00", 3600, false, "CET"},
        {"Europe/Berlin", "1890-01-01", 3208, false, "LMT"},
        {"America/New_York", "2024-03-10 06:59:59", -18000, false, "EST"},
        {"America/New_York", "2024-03-10 07:00", -14400, true, "EDT"},
        {"America/New_York", "2024-11-03 06:00", -18000, false, "EST"},
        {"Australia/Lord_Howe", "2024-04-06 14:59:59", 39600, true, "+11"},
        {"Australia/Lord_Howe", "2024-04-06 15:00", 37800, false, "+1030"},
        {"Australia/Lord_Howe", "2024-10-05 15:30", 39600, true, "+11"},
        {"Asia/Kathmandu", "2024-07-01", 20700, false, "+0545"},
        {"Asia/Kathmandu", "1985-12-31 18:29:59", 19800, false, "+0530"},
        {"Africa/Cairo", "2023-04-27 21:59:59", 7200, false, "EET"},
        {"Africa/Cairo", "2023-04-27 22:00", 10800, true, "EEST"},
        {"Africa/Cairo", "2023-10-26 21:00", 7200, false, "EET"},
        {"America/Santiago", "2024-04-07 03:00", -14400, false, "-04"},
        {"America/Santiago", "2024-09-08 04:00", -10800, true, "-03"},
        {"Pacific/Apia", "2011-12-30 09:59:59", -36000, true, "-10"},
        {"Pacific/Apia", "2011-12-30 10:00", 50400, true, "+14"},
        {"Africa/Casablanca", "2024-03-10 01:59:59", 3600, false, "+01"},
        {"Africa/Casablanca", "2024-03-10 02:00", 0, true, "+00"}, /* Ramadan; the zone counts +01 as its standard */
        {"Africa/Casablanca", "2024-04-14 02:00", 3600, false, "+01"},
    };

    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_tz *z = zone_load(cases[i].zone);
        bool dst;
        const char *abbrev;
        int32_t offset = ork_tz_offset(z, instant(cases[i].at), &dst, &abbrev);
        if (offset != cases[i].offset_s || dst != cases[i].dst || strcmp(abbrev, cases[i].abbrev) != 0)
            fail_msg("%s at %s: %d %d %s", cases[i].zone, cases[i].at, offset, dst, abbrev);
        ork_tz_unref(z);
    }
}

static void local_times(void **state)
{
    static const struct {
        const char *zone, *local;
        int n;
        const char *at[2]; /* n 0: the first instant after the gap */
    } cases[] = {
        {"UTC", "2024-03-31 02:30", 1, {"2024-03-31 02:30"}},
        {"Europe/Berlin", "2024-03-31 01:59:59", 1, {"2024-03-31 00:59:59"}},
        {"Europe/Berlin", "2024-03-31 02:00", 0, {"2024-03-31 01:00"}},
        {"Europe/Berlin", "2024-03-31 02:59:59", 0, {"2024-03-31 01:00"}},
        {"Europe/Berlin", "2024-03-31 03:00", 1, {"2024-03-31 01:00"}},
        {"Europe/Berlin", "2024-10-27 01:59:59", 1, {"2024-10-26 23:59:59"}},
        {"Europe/Berlin", "2024-10-27 02:00", 2, {"2024-10-27 00:00", "2024-10-27 01:00"}},
        {"Europe/Berlin", "2024-10-27 02:59:59", 2, {"2024-10-27 00:59:59", "2024-10-27 01:59:59"}},
        {"Europe/Berlin", "2024-10-27 03:00", 1, {"2024-10-27 02:00"}},
        {"America/New_York", "2024-03-10 02:30", 0, {"2024-03-10 07:00"}},
        {"America/New_York", "2024-11-03 01:30", 2, {"2024-11-03 05:30", "2024-11-03 06:30"}},
        {"Australia/Lord_Howe", "2024-10-06 02:15", 0, {"2024-10-05 15:30"}},
        {"Australia/Lord_Howe", "2024-10-06 02:30", 1, {"2024-10-05 15:30"}},
        {"Australia/Lord_Howe", "2024-04-07 01:29:59", 1, {"2024-04-06 14:29:59"}},
        {"Australia/Lord_Howe", "2024-04-07 01:45", 2, {"2024-04-06 14:45", "2024-04-06 15:15"}},
        {"Europe/Dublin", "2024-03-31 01:30", 0, {"2024-03-31 01:00"}},
        {"Europe/Dublin", "2024-10-27 01:30", 2, {"2024-10-27 00:30", "2024-10-27 01:30"}},
        {"Africa/Cairo", "2023-04-28 00:00", 0, {"2023-04-27 22:00"}},
        {"Africa/Cairo", "2023-10-26 23:30", 2, {"2023-10-26 20:30", "2023-10-26 21:30"}},
        {"America/Santiago", "2024-09-08 00:00", 0, {"2024-09-08 04:00"}},
        {"America/Santiago", "2024-04-06 23:59", 2, {"2024-04-07 02:59", "2024-04-07 03:59"}},
        {"Pacific/Apia", "2011-12-30 00:00", 0, {"2011-12-30 10:00"}},
        {"Pacific/Apia", "2011-12-30 23:59:59", 0, {"2011-12-30 10:00"}},
        {"Pacific/Apia", "2011-12-31 00:00", 1, {"2011-12-30 10:00"}},
        {"Asia/Kathmandu", "1986-01-01 00:10", 0, {"1985-12-31 18:30"}},
        {"America/Juneau", "1867-10-19 12:00", 2, {"1867-10-18 20:57:41", "1867-10-19 20:57:41"}}, /* a day twice */
    };

    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_tz *z = strcmp(cases[i].zone, "UTC") == 0 ? ork_tz_utc() : zone_load(cases[i].zone);
        int64_t got[2] = {0};
        int n = ork_tz_instants(z, instant(cases[i].local), got);
        bool right =
            n == cases[i].n && got[0] == instant(cases[i].at[0]) && (n < 2 || got[1] == instant(cases[i].at[1]));
        if (!right)
            fail_msg("%s %s: %d, %lld %lld", cases[i].zone, cases[i].local, n, (long long)got[0], (long long)got[1]);
        ork_tz_unref(z);
    }
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* The changes of 2024 (or the year given) by a rule, as text. */
static void rules(void **state)
{
    static const struct {
        const char *rule, *from, *changes; /* "MM-DD HH:MM offset" of up to a year */
    } cases[] = {
        {"UTC0", "2024-01-01", ""},
        {"<+0545>-5:45", "2024-01-01", ""},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-01-01", "03-31 01:00 7200, 10-27 01:00 3600, "},
        {"EST5EDT,M3.2.0,M11.1.0", "2024-01-01", "03-10 07:00 -14400, 11-03 06:00 -18000, "},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-01-01", "04-06 15:00 37800, 10-05 15:30 39600, "},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2024-01-01", "03-31 01:00 3600, 10-27 01:00 0, "},
        {"EET-2EEST,M4.5.5/0,M10.5.4/24", "2024-01-01", "04-25 22:00 10800, 10-31 21:00 7200, "},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-01-01", "03-31 01:00 -3600, 10-27 01:00 -7200, "},
        {"<-04>4<-03>,M9.1.6/24,M4.1.6/24", "2024-01-01", "04-07 03:00 -14400, 09-08 04:00 -10800, "},
        {"AAA0BBB,J60/0,J300/0", "2024-01-01", "03-01 00:00 3600, 10-26 23:00 0, "}, /* J never counts 29 February */
        {"AAA0BBB,59/0,299/0", "2024-01-01", "02-29 00:00 3600, 10-25 23:00 0, "},   /* but without J it is day 59 */
        {"AAA0BBB,0/0,J365/25", "2024-01-01", ""},                                   /* all year */
        {"AAA0BBB,M1.1.1/-167,M7.1.1/167", "2024-02-01", "07-07 22:00 0, 12-30 01:00 3600, "},
        {"AAA12BBB,M1.1.0/0,M12.5.0/0", "2024-02-01", "12-29 11:00 -43200, 01-05 12:00 -39600, "},
        {"<-11>+11:30:15", "2024-01-01", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_tz *z = zone_of_rule(cases[i].rule);
        char got[200] = "";
        int64_t at = instant(cases[i].from), end = at + 366 * INT64_C(86400);
        while (ork_tz_transition(z, at, &at) && at < end) {
            char text[32];
            ork_time_format(at * 1000, text);
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.5s %.5s %d, ", text + 5, text + 11,
                     ork_tz_offset(z, at, NULL, NULL));
        }
        if (strcmp(got, cases[i].changes) != 0)
            fail_msg("%s: %s", cases[i].rule, got);
        ork_tz_unref(z);
    }
}

static void wrong_rules(void **state)
{
    static const char *const cases[] = {
        "CET",
        "CET-25",
        "CE-1",
        "<+1>-1",
        "<CET-1",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,J0,J366",
        "CET-1CEST,J1,J366",
        "CET-1CEST,1,366",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1:60",
        "CET-1:00:61",
        "CET--1",
        "1CET",
        "CET-1CEST,M3.5,M10.5.0",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH0",
        "CET-1CEST-2x,M3.5.0,M10.5.0",
        "<>0",
        "C\xc3\xa9T0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[256];
        struct ork_tz *z = NULL;
        ork_err err = {0};
        if (ork_tz_parse("X", bytes, zone_file_of_rule(cases[i], bytes), &z, &err) != ORK_ECORRUPT)
            fail_msg("taken: %s", cases[i]);
        assert_non_null(strstr(err.msg, "X: the time zone file is damaged: its rule"));
    }
}

/* ---- damage --------------------------------------------------------------------------------- */

static void damaged(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *says;
    } cases[] = {
        {4, '1', "no such version"},       {44 + 10, 'X', "a header is missing"}, {39, 0, "counts contradict"},
        {54 + 39, 0, "counts contradict"}, {54 + 43, 0, "counts contradict"},     {54 + 23, 2, "counts contradict"},
        {54 + 27, 9, "counts contradict"}, {54 + 32, 0x7f, "counts contradict"},  {54 + 35, 9, "ends too early"},
        {54 + 40, 0xff, "ends too early"}, {32, 0xff, "counts contradict"},       {54 + 44, 0x7f, "out of range"},
        {54 + 48, 2, "out of range"},      {54 + 49, 4, "abbreviation"},          {54 + 53, 'X', "abbreviation"},
        {54 + 50, 7, "abbreviation"},
    };
    uint8_t good[256], bad[256];
    struct ork_tz *z = NULL;
    ork_err err;
    size_t n = zone_file_of_rule("CET-1CEST,M3.5.0,M10.5.0/3", good);

    (void)state;
    for (size_t len = 0; len < n; len++) { /* every cut */
        uint8_t *exact = malloc(len + 1);  /* so that a sanitizer sees a byte too far */
        memcpy(exact, good, len);
        exact = realloc(exact, len ? len : 1);
        if (ork_tz_parse("X", exact, len, &z, &err) == 0)
            fail_msg("taken with %zu bytes", len);
        free(exact);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bad, good, n);
        bad[cases[i].at] = cases[i].value;
        if (ork_tz_parse("X", bad, n, &z, &err) != ORK_ECORRUPT || !strstr(err.msg, cases[i].says))
            fail_msg("byte %zu: %s", cases[i].at, err.msg);
    }
    assert_int_equal(ork_tz_parse("X", (const uint8_t *)"# leap seconds", 14, &z, &err), ORK_EINVAL);
    assert_string_equal(err.msg, "X: the file is no time zone (no TZif)");
    memcpy(bad, good, n);
    bad[4] = 0; /* version 1: the first block is all */
    assert_int_equal(ork_tz_parse("X", bad, n, &z, NULL), 0);
    assert_int_equal(ork_tz_offset(z, 0, NULL, NULL), 0);
    ork_tz_unref(z);
}

static void leap_seconds_are_refused(void **state)
{
    size_t n;
    uint8_t *bytes = zone_bytes("right/Europe/Berlin", &n);
    struct ork_tz *z = NULL;
    ork_err err;

    (void)state;
    if (!bytes) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    assert_int_equal(ork_tz_parse("right/Europe/Berlin", bytes, n, &z, &err), ORK_EINVAL);
    assert_non_null(strstr(err.msg, "counts leap seconds"));
    free(bytes);
}

/* What the file's table says until its end, its rule says after it: a slim file must give the same as a fat one. */
static void the_rule_goes_on_where_the_table_ends(void **state)
{
    struct ork_tz *fat, *slim = zone_of_rule("CET-1CEST,M3.5.0,M10.5.0/3");
    int64_t a = instant("2000-01-01"), b = a;

    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    fat = zone_load("Europe/Berlin");
    while (a < instant("2400-01-01")) {
        assert_true(ork_tz_transition(fat, a, &a) && ork_tz_transition(slim, b, &b));
        assert_int_equal(a, b);
        assert_int_equal(ork_tz_offset(fat, a, NULL, NULL), ork_tz_offset(slim, a, NULL, NULL));
    }
    ork_tz_unref(fat);
    ork_tz_unref(slim);
}

static void far_away_instants_are_answered(void **state)
{
    static const int64_t at[] = {INT64_MIN,        INT64_MIN + 1, -(INT64_C(1) << 41),
                                 INT64_C(1) << 41, INT64_MAX - 1, INT64_MAX};
    struct ork_tz *zones[] = {ork_tz_utc(), zone_of_rule("CET-1CEST,M3.5.0,M10.5.0/3"), zone_of_rule("XXX12")};
    struct ork_tz_span s;
    int64_t out[2];

    (void)state;
    for (size_t z = 0; z < 3; z++) {
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            ork_tz_span(zones[z], at[i], &s);
            assert_true(s.from_s < s.until_s);
            assert_true(ork_tz_instants(zones[z], at[i], out) >= 0);
            ork_tz_transition(zones[z], at[i], out);
        }
        ork_tz_unref(zones[z]);
    }
}

/* ---- glibc ---------------------------------------------------------------------------------- */

static struct {
    size_t zones, instants, changes;
} compared;

static void compare_at(const char *name, const struct ork_tz *z, int64_t at)
{
    struct tm tm;
    time_t t = (time_t)at;
    bool dst;
    const char *abbrev;
    int32_t offset = ork_tz_offset(z, at, &dst, &abbrev);

    localtime_r(&t, &tm);
    compared.instants++;
    if (tm.tm_gmtoff != offset || (tm.tm_isdst > 0) != dst || strcmp(tm.tm_zone, abbrev) != 0)
        fail_msg("%s at %lld: glibc %ld %d %s, ours %d %d %s", name, (long long)at, (long)tm.tm_gmtoff, tm.tm_isdst,
                 tm.tm_zone, offset, dst, abbrev);
}

static void compare_zone(const char *name, void *data)
{
    struct ork_tz *z = zone_load(name);
    char tz[300];
    int64_t at = INT64_MIN, end = instant("2450-01-01");

    (void)data;
    snprintf(tz, sizeof tz, ":" ZONES "/%s", name);
    setenv("TZ", tz, 1);
    tzset();
    compared.zones++;
    while (ork_tz_transition(z, at, &at) && at < end) {
        if (at < instant("0001-01-01"))
            continue; /* the big bang of old files */
        compare_at(name, z, at - 1);
        compare_at(name, z, at);
        compared.changes++;
    }
    /* and where we see no change, every nine days or so, so that none is missed */
    for (at = instant("1840-01-01"); at < instant("2120-01-01"); at += 800003)
        compare_at(name, z, at);
    for (; at < end; at += 7000003)
        compare_at(name, z, at);
    ork_tz_unref(z);
}

static void every_zone_equals_glibc(void **state)
{
    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    zone_each(compare_zone, NULL);
    unsetenv("TZ");
    tzset();
    print_message("%zu zones, %zu changes, %zu instants\n", compared.zones, compared.changes, compared.instants);
    assert_true(compared.zones > 300 && compared.changes > 30000);
}

static void check_spans(const char *name, void *data)
{
    struct ork_tz *z = zone_load(name);
    struct ork_tz_span s, next;
    size_t n = 0;

    (void)data;
    ork_tz_span(z, INT64_MIN, &s);
    if (s.from_s != INT64_MIN)
        fail_msg("%s begins at %lld", name, (long long)s.from_s);
    for (; s.until_s < instant("2300-01-01"); s = next, n++) {
        struct ork_tz_span again;
        ork_tz_span(z, s.until_s, &next);
        ork_tz_span(z, s.until_s - 1, &again);
        bool same = next.offset_s == s.offset_s && next.dst == s.dst && strcmp(next.abbrev, s.abbrev) == 0;
        if (next.from_s != s.until_s || again.from_s != s.from_s || again.until_s != s.until_s || same)
            fail_msg("%s: the spans at %lld do not meet", name, (long long)s.until_s);
    }
    ork_tz_unref(z);
}

static void spans_meet(void **state)
{
    (void)state;
    if (!zone_any()) {
        print_message("left out: no time zones here (apt-get install tzdata)\n");
        skip();
    }
    zone_each(check_spans, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets),
        cmocka_unit_test(local_times),
        cmocka_unit_test(rules),
        cmocka_unit_test(wrong_rules),
        cmocka_unit_test(damaged),
        cmocka_unit_test(leap_seconds_are_refused),
        cmocka_unit_test(the_rule_goes_on_where_the_table_ends),
        cmocka_unit_test(far_away_instants_are_answered),
        cmocka_unit_test(spans_meet),
        cmocka_unit_test(every_zone_equals_glibc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
