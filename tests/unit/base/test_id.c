/* SPDX-License-Identifier: MIT */
#include "base/id.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

struct fake {
    int64_t now;
    uint64_t random;
};
static int64_t fake_now(void *data)
{
    return ((struct fake *)data)->now;
}
static uint64_t fake_random(void *data)
{
    struct fake *f = data;
    return f->random = f->random * 6364136223846793005u + 1442695040888963407u;
}

static void test_layout(void **state)
{
    (void)state;
    struct fake f = {.now = 0x0123456789ab, .random = 7};
    struct ork_clock clock = {fake_now, fake_now, fake_random, &f};
    struct ork_idgen g;
    char text[ORK_ID_TEXT], tail[9];
    ork_idgen_init(&g, &clock);
    ork_id a = ork_id_new(&g), b = ork_id_new(&g);
    ork_id_format(&a, text);
    assert_int_equal(strlen(text), 36);
    assert_int_equal(strncmp(text, "01234567-89ab-7000-", 19), 0);
    assert_non_null(strchr("89ab", text[19]));
    ork_id_short(&a, tail);
    assert_string_equal(tail, text + 28);
    ork_id_format(&b, text);
    assert_int_equal(strncmp(text, "01234567-89ab-7001-", 19), 0);
}

/* 200,000 ids while the clock runs, stands, jumps forwards and back: each greater than the one before, as bytes and as
 * text. */
static void test_monotonic(void **state)
{
    (void)state;
    struct fake f = {.now = 1700000000000, .random = 3};
    struct ork_clock clock = {fake_now, fake_now, fake_random, &f};
    struct ork_idgen g;
    ork_idgen_init(&g, &clock);
    ork_id last = {{0}};
    char last_text[ORK_ID_TEXT] = "", text[ORK_ID_TEXT];
    for (int i = 0; i < 200000; i++) {
        if (i % 20000 == 7000)
            f.now -= 3600000;
        else if (i % 20000 == 15000)
            f.now += 7200000;
        else if (i % 10 == 0 && i > 50000)
            f.now++;
        ork_id id = ork_id_new(&g);
        ork_id_format(&id, text);
        assert_true(memcmp(last.b, id.b, 16) < 0);
        assert_true(strcmp(last_text, text) < 0);
        assert_int_equal(id.b[6] >> 4, 7);
        assert_int_equal(id.b[8] >> 6, 2);
        last = id;
        memcpy(last_text, text, sizeof text);
    }
    f.now = -5;
    ork_id id = ork_id_new(&g);
    assert_true(memcmp(last.b, id.b, 16) < 0);
}

static void test_system_clock(void **state)
{
    (void)state;
    struct ork_idgen g, h;
    ork_idgen_init(&g, &ork_clock_system);
    ork_idgen_init(&h, &ork_clock_system);
    ork_id a = ork_id_new(&g), b = ork_id_new(&h);
    assert_false(ork_id_eq(&a, &b));
    assert_true(ork_clock_system.now_ms(NULL) > 1600000000000);
    int64_t mono = ork_clock_system.mono_ms(NULL);
    assert_true(ork_clock_system.mono_ms(NULL) >= mono);
    assert_true(ork_clock_system.random(NULL) != ork_clock_system.random(NULL));
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        {"0192f0c1-7a4e-7abc-8def-0123456789ab", 0},
        {"0192F0C1-7A4E-7ABC-8DEF-0123456789AB", 0},
        {"0192f0c17a4e7abc8def0123456789ab", 0},
        {"", ORK_EINVAL},
        {"0192f0c1-7a4e-7abc-8def-0123456789a", ORK_EINVAL},
        {"0192f0c1-7a4e-7abc-8def-0123456789ab0", ORK_EINVAL},
        {"0192f0c17-a4e-7abc-8def-0123456789ab", ORK_EINVAL},
        {"0192f0c1-7a4e-7abc-8def-0123456789ag", ORK_EINVAL},
        {"0192f0c17a4e7abc8def0123456789 b", ORK_EINVAL},
        {"0192f0c1-7a4e-7abc-8def_0123456789ab", ORK_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ork_id id = {{0}};
        char text[ORK_ID_TEXT];
        assert_int_equal(ork_id_parse(cases[i].text, strlen(cases[i].text), &id), cases[i].rc);
        assert_int_equal(ork_id_is_zero(&id), cases[i].rc != 0);
        if (cases[i].rc == 0) {
            ork_id_format(&id, text);
            assert_string_equal(text, "0192f0c1-7a4e-7abc-8def-0123456789ab");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layout), cmocka_unit_test(test_monotonic),
                                       cmocka_unit_test(test_system_clock), cmocka_unit_test(test_parse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
