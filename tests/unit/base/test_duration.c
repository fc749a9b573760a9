/* SPDX-License-Identifier: MIT */
#include <ork/ork.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void test_good(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"500ms", 500},
                 {"10m", 600000},
                 {"1h30m", 5400000},
                 {"2d", 172800000},
                 {"-1d", -86400000},
                 {"+1d", 86400000},
                 {"90", 90000},
                 {"0", 0},
                 {"0s", 0},
                 {"1w", 604800000},
                 {"1w2d3h4m5s6ms", 788645006},
                 {"0.25s", 250},
                 {"1.5h", 5400000},
                 {"1.5", 1500},
                 {"3m 2s", 182000},
                 {" 3m ", 180000},
                 {"-1h30m", -5400000},
                 {"0.001s", 1},
                 {"007s", 7000},
                 {"9223372036854775807ms", INT64_MAX},
                 {"106751991167d", 106751991167 * 86400000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -77;
        ork_err err = {0};
        int rc = ork_duration_parse(cases[i].text, strlen(cases[i].text), &ms, &err);
        if (rc != 0)
            print_error("%s: %s\n", cases[i].text, err.msg);
        assert_int_equal(rc, 0);
        assert_true(ms == cases[i].ms);
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "is empty; write for example 500ms"},
        {"  ", "is empty"},
        {"-", "a number is missing"},
        {"abc", "a number is missing"},
        {"m", "a number is missing"},
        {"10x", "unknown unit \"x\"; the units are w d h m s ms"},
        {"10min", "unknown unit \"min\"; did you mean \"m\"?"},
        {"5seconds", "did you mean \"s\"?"},
        {"5 seconds", "the last number has no unit"},
        {"2D", "did you mean \"d\"?"},
        {"10us", "unknown unit \"us\""},
        {"1h30", "the last number has no unit"},
        {"30m1h", "units go from large to small"},
        {"1h1h", "a unit occurs twice"},
        {"1.m", "a number is missing"},
        {".5s", "a number is missing"},
        {"1..5s", "a number is missing"},
        {"1h:30m", "a number is missing"},
        {"1_h", "a unit belongs after each number"},
        {"0.5ms", "finer than a millisecond"},
        {"0.000000250d", "finer than a millisecond"}, /* 21.6 ms */
        {"0.0001s", "finer than a millisecond"},
        {"1.0000000001s", "too many digits"},
        {"1h-30m", "a number is missing"},
        {"10m,", "a number is missing"},
        {"1e3s", "unknown unit \"e\""},
        {"9223372036854775808ms", "too long"},
        {"99999999999999999999d", "too long"},
        {"106751991168d", "too long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms;
        ork_err err = {0};
        int rc = ork_duration_parse(cases[i][0], strlen(cases[i][0]), &ms, &err);
        if (rc != ORK_EINVAL || !strstr(err.msg, cases[i][1]))
            print_error("%s: %d %s\n", cases[i][0], rc, err.msg);
        assert_int_equal(rc, ORK_EINVAL);
        assert_non_null(strstr(err.msg, cases[i][1]));
    }
    char big[5000];
    memset(big, 'x', sizeof big);
    big[0] = '1';
    int64_t ms;
    ork_err err;
    assert_int_equal(ork_duration_parse(big, sizeof big, &ms, &err), ORK_EINVAL);
    assert_true(strlen(err.msg) < 300);
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "0.001s"},
        {250, "0.25s"},
        {1000, "1s"},
        {10000, "10s"},
        {12300, "12.3s"},
        {59999, "59.999s"},
        {60000, "1m"},
        {61234, "1m1s"},
        {182000, "3m2s"},
        {5400000, "1h30m"},
        {3600000, "1h"},
        {3601000, "1h1s"},
        {86400000, "1d"},
        {172800000, "2d"},
        {-86400000, "-1d"},
        {-250, "-0.25s"},
        {604800000, "7d"},
        {INT64_MAX, "106751991167d7h12m55s"},
        {INT64_MIN, "-106751991167d7h12m55s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32];
        int64_t back;
        ork_duration_format(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(ork_duration_parse(out, strlen(out), &back, NULL), 0); /* what is shown can be typed */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
                                       cmocka_unit_test(test_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
