/* SPDX-License-Identifier: MIT */
#include "base/time.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <time.h>

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        /* the original's three ways */
        {"2024-03-01T12:34:56.789Z", 1709296496789},
        {"2024-03-01 12:34:56", 1709296496000},
        {"2024-03-01T12:34:56.789012345+00:00", 1709296496789},
        {"2024-03-01T12:34:56+00:00", 1709296496000},
        /* what databases and people write */
        {"2024-03-01 12:34:56.5+00", 1709296496500},
        {"2024-03-01t12:34:56z", 1709296496000},
        {"2024-03-01T14:34:56+02:00", 1709296496000},
        {"2024-03-01T09:04:56-0330", 1709296496000},
        {"2024-03-01 12:34", 1709296440000},
        {"2024-03-01", 1709251200000},
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0000-01-01", -62167219200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"2000-02-29", 951782400000},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -7;
        ork_err err = {0};
        assert_int_equal(ork_time_parse(cases[i].text, strlen(cases[i].text), &ms, &err), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "is no time"},
        {"yesterday", "is no time; write 2026-11-01"},
        {"2024-3-1", "is no time"},
        {"24-03-01", "is no time"},
        {"2024-13-01", "there is no month 13"},
        {"2024-00-01", "there is no month 0"},
        {"2024-02-30", "2024-02 has 29 days"},
        {"2023-02-29", "2023-02 has 28 days"},
        {"1900-02-29", "1900-02 has 28 days"},
        {"2024-04-31T00:00:00Z", "2024-04 has 30 days"},
        {"2024-03-00", "has 31 days"},
        {"2024-03-01T24:00:00Z", "time of day"},
        {"2024-03-01T12:60:00Z", "time of day"},
        {"2024-03-01T12:00:61Z", "time of day"},
        {"2024-03-01T", "is no time"},
        {"2024-03-01T12", "is no time"},
        {"2024-03-01T12:34:56.Z", "is no time"},
        {"2024-03-01T12:34:56+24:00", "is no time"},
        {"2024-03-01T12:34:56+02:60", "is no time"},
        {"2024-03-01T12:34:56+2", "is no time"},
        {"2024-03-01T12:34:56Zx", "is no time"},
        {"2024-03-01T12:34:56 UTC", "is no time"},
        {" 2024-03-01", "is no time"},
        {"2024-03-01Z", "is no time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms;
        ork_err err = {0};
        assert_int_equal(ork_time_parse(cases[i][0], strlen(cases[i][0]), &ms, &err), ORK_EINVAL);
        assert_non_null(strstr(err.msg, cases[i][1]));
    }
    int64_t ms;
    assert_int_equal(ork_time_parse("2024-03-01T", 10, &ms, NULL), 0); /* the length counts, not a NUL */
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1709296496789, "2024-03-01T12:34:56.789Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "+010000-01-01T00:00:00.000Z"},
        {-62167219200001, "-000001-12-31T23:59:59.999Z"},
        {INT64_MAX, "+292278994-08-17T07:12:55.807Z"},
        {INT64_MIN, "-292275055-05-16T16:47:04.192Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        ork_time_format(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static int64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*seed >> 16);
}

/* Against the C library, and back again; every day of 800 years, and random instants. */
static void test_civil_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int64_t i = 0; i < 2 * 292194; i++) {
        int64_t day = i - 292194 / 2,
                ms = i < 292194 ? day * 86400000 : next_random(&seed) % 500000000000000 - 250000000000000;
        struct ork_civil c;
        ork_civil_from_ms(ms, &c);
        if (ork_civil_to_ms(&c) != ms)
            print_error("%lld\n", (long long)ms);
        assert_true(ork_civil_to_ms(&c) == ms);
        if (i % 16 != 0)
            continue;
        time_t t = (time_t)((ms - c.ms) / 1000);
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_true(c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 && c.day == tm.tm_mday &&
                    c.hour == tm.tm_hour && c.minute == tm.tm_min && c.second == tm.tm_sec && c.weekday == tm.tm_wday &&
                    c.yday == tm.tm_yday + 1);
        if (c.year < 0 || c.year > 9999)
            continue;
        char text[32];
        int64_t back = 0;
        ork_time_format(ms, text);
        assert_int_equal(ork_time_parse(text, strlen(text), &back, NULL), 0);
        assert_true(back == ms);
    }
}

static void test_civil_overflow(void **state)
{
    (void)state;
    static const struct {
        struct ork_civil c;
        const char *text;
    } cases[] = {
        {{2024, 13, 1, 0, 0, 0, 0, 0, 0}, "2025-01-01T00:00:00.000Z"},
        {{2024, 0, 1, 0, 0, 0, 0, 0, 0}, "2023-12-01T00:00:00.000Z"},
        {{2024, -12, 1, 0, 0, 0, 0, 0, 0}, "2022-12-01T00:00:00.000Z"},
        {{2024, 1, 32, 25, 61, 61, 1001, 0, 0}, "2024-02-02T02:02:02.001Z"},
        {{2024, 3, 0, 0, 0, 0, -1, 0, 0}, "2024-02-28T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        ork_time_format(ork_civil_to_ms(&cases[i].c), out);
        assert_string_equal(out, cases[i].text);
    }
}

static void test_strftime(void **state)
{
    (void)state;
    int64_t ms = 1709296496789; /* Friday */
    static const char *const good[][2] = {{"%Y-%m-%d", "2024-03-01"},
                                          {"%F %T", "2024-03-01 12:34:56"},
                                          {"%H:%M:%S %j %y", "12:34:56 061 24"},
                                          {"%s", "1709296496"},
                                          {"%a %b", "Fri Mar"},
                                          {"100%%", "100%"},
                                          {"", ""},
                                          {"\xc3\xa4", "\xc3\xa4"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char out[64];
        assert_int_equal(ork_time_strftime(ms, ms, good[i][0], out, sizeof out, NULL), 0);
        assert_string_equal(out, good[i][1]);
    }
    char out[11];
    ork_err err;
    assert_int_equal(ork_time_strftime(ms, ms, "%Q", out, sizeof out, &err), ORK_EINVAL);
    assert_non_null(strstr(err.msg, "has %Q"));
    assert_int_equal(ork_time_strftime(ms, ms, "50%", out, sizeof out, &err), ORK_EINVAL);
    assert_int_equal(ork_time_strftime(ms, ms, "%F", out, 11, &err), 0);
    assert_int_equal(ork_time_strftime(ms, ms, "%F", out, 10, &err), ORK_ETOOBIG);
    assert_int_equal(ork_time_strftime(ms, ms, "", out, 0, &err), ORK_ETOOBIG);
    assert_int_equal(ork_time_strftime(-1, -1, "%s", out, sizeof out, &err), 0);
    assert_string_equal(out, "-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_format),         cmocka_unit_test(test_civil_round_trip),
        cmocka_unit_test(test_civil_overflow), cmocka_unit_test(test_strftime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
