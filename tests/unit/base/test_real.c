/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(double v, struct ork_buf *b)
{
    ork_buf_clear(b);
    assert_int_equal(ork_json_write_real(v, b, NULL), 0);
    return b->data;
}

static void test_known(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "0.0"},
        {1, "1.0"},
        {-1, "-1.0"},
        {10, "10.0"},
        {100, "100.0"},
        {0.1, "0.1"},
        {0.25, "0.25"},
        {-12.5, "-12.5"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {3.14159, "3.14159"},
        {1234567.875, "1234567.875"},
        {0.000001, "0.000001"},
        {0.0000123, "0.0000123"},
        {1e-7, "0.0000001"},
        {1e15, "1000000000000000.0"},
        {999999999999999.0, "999999999999999.0"},
        {9007199254740992.0, "9007199254740992.0"},
        {9007199254740994.0, "9007199254740994.0"},
        {1e20, "100000000000000000000.0"},
        {1e21, "1000000000000000000000.0"},
        {1e22, "10000000000000000000000.0"},
        {1e23, "100000000000000000000000.0"},
        {123456789012345680000.0, "123456789012345680000.0"},
        {5.684341886080802e-14,
         "0.00000000000005684341886080802"}, /* 2^-44: the nearest 16 digits do not read back, the next do */
    };
    struct ork_buf b = ORK_BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(text_of(cases[i].v, &b), cases[i].text);
    ork_buf_fini(&b);
}

static void test_extremes(void **state)
{
    (void)state;
    struct ork_buf b = ORK_BUF_INIT;
    const char *t = text_of(5e-324, &b);
    assert_int_equal(strlen(t), 326);
    assert_int_equal(strspn(t + 2, "0"), 323);
    assert_string_equal(t + 325, "5");
    t = text_of(DBL_MAX, &b);
    assert_int_equal(strncmp(t, "17976931348623157000", 20), 0);
    assert_int_equal(strlen(t), 311);
    assert_true(strtod(t, NULL) == DBL_MAX);
    t = text_of(-DBL_MIN, &b);
    assert_string_equal(t + strspn(t, "-0."), "22250738585072014");
    ork_err err;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        ork_buf_clear(&b);
        assert_int_equal(ork_json_write_real(bad[i], &b, &err), ORK_EJSON);
        assert_int_equal(b.len, 0);
    }
    ork_buf_fini(&b);
}

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t digits_in(const char *text)
{
    const char *p = text + strspn(text, "-0.");
    size_t n = 0, zeros = 0;
    for (; *p; p++) {
        if (*p == '.')
            continue;
        zeros = *p == '0' ? zeros + 1 : 0;
        n++;
    }
    return n - zeros;
}

/* Reads back exactly, has a point, no exponent, no needless zeros, and no shorter form reads back. */
static void check_value(double v, struct ork_buf *b)
{
    const char *t = text_of(v, b);
    double back = strtod(t, NULL);
    if (back != v)
        print_error("%.17g: %s\n", v, t);
    assert_true(back == v);
    assert_int_equal(strspn(t, "-0123456789."), strlen(t));
    const char *point = strchr(t, '.');
    assert_non_null(point);
    assert_true(point[1] != '\0' && (point[2] == '\0' || t[strlen(t) - 1] != '0'));
    size_t n = digits_in(t);
    assert_in_range(n, 1, 17);
    char shorter[40];
    snprintf(shorter, sizeof shorter, "%.*e", n >= 2 ? (int)n - 2 : 0, v);
    if (n >= 2 && strtod(shorter, NULL) == v)
        print_error("%.17g: %s, but %s is enough\n", v, t, shorter);
    assert_true(n < 2 || strtod(shorter, NULL) != v);
    json_t *parsed;
    assert_int_equal(ork_json_parse(t, strlen(t), &parsed, NULL), 0);
    assert_true(json_is_real(parsed) && json_real_value(parsed) == v);
    json_decref(parsed);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct ork_buf b = ORK_BUF_INIT;
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v) && v != 0)
            check_value(v, &b); /* any bit pattern */
        v = (double)(int64_t)(bits >> 20) / 1e3;
        if (v != 0)
            check_value(v, &b); /* few decimals */
        v = (double)(bits % 100000) * 0.01;
        if (v != 0)
            check_value(v, &b); /* sums of cents */
        bits &= 0x800FFFFFFFFFFFFFu >> (i % 50);
        memcpy(&v, &bits, sizeof v);
        if (v != 0)
            check_value(v, &b); /* subnormal */
    }
    for (int e = -1074; e <= 1023; e++) {
        check_value(ldexp(1, e), &b);
        check_value(nextafter(ldexp(1, e), INFINITY), &b);
        if (e > -1074)
            check_value(nextafter(ldexp(1, e), 0), &b);
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        check_value(strtod(text, NULL), &b);
        assert_int_equal(digits_in(b.data), 1);
    }
    ork_buf_fini(&b);
}

/* A host program may have set a locale with a decimal comma. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};
    struct ork_buf b = ORK_BUF_INIT;
    for (size_t i = 0; i < 4; i++) {
        if (!setlocale(LC_NUMERIC, names[i]))
            continue;
        assert_string_equal(text_of(0.1 + 0.2, &b), "0.30000000000000004");
        assert_string_equal(text_of(12.5, &b), "12.5");
        setlocale(LC_NUMERIC, "C");
    }
    ork_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_extremes),
                                       cmocka_unit_test(test_round_trip), cmocka_unit_test(test_locale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
