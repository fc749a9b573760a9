/* SPDX-License-Identifier: MIT */
#include "core/retry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <math.h>

#define K(kind) (1u << ORK_KIND_##kind)

static void kinds_retried_by_default(void **state)
{
    const struct ork_retry_spec r = {.limit = 1, .delay_ms = -1, .factor = 1};
    const uint32_t never = K(INPUT) | K(OUTPUT) | K(POLICY) | K(REJECTED) | K(CANCELLED);

    (void)state;
    for (int kind = ORK_KIND_EXIT; kind <= ORK_KIND_CANCELLED; kind++) {
        struct ork_failure f = {.kind = kind, .exit_code = 1};
        assert_int_equal(ork_retry_matches(&r, &f), !(never & 1u << kind));
    }
}

static void policies_match(void **state)
{
    static const int32_t exits[] = {75, 111};
    static const char *const codes[] = {"RATE", "BUSY"};
    const struct {
        struct ork_retry_spec r;
        struct ork_failure f;
        bool matches;
    } cases[] = {
        {{.kinds = K(TIMEOUT)}, {.kind = ORK_KIND_TIMEOUT}, true},
        {{.kinds = K(TIMEOUT)}, {.kind = ORK_KIND_EXIT, .exit_code = 1}, false},
        {{.kinds = K(INPUT)}, {.kind = ORK_KIND_INPUT}, true}, /* named, so wanted */
        {{.kinds = K(CANCELLED)}, {.kind = ORK_KIND_CANCELLED}, false},
        {{.exit_codes = exits, .exit_codes_len = 2}, {.kind = ORK_KIND_EXIT, .exit_code = 111}, true},
        {{.exit_codes = exits, .exit_codes_len = 2}, {.kind = ORK_KIND_EXIT, .exit_code = 1}, false},
        {{.exit_codes = exits, .exit_codes_len = 2}, {.kind = ORK_KIND_SIGNAL, .exit_code = 75}, false},
        {{.codes = codes, .codes_len = 2}, {.kind = ORK_KIND_ERROR, .code = "BUSY"}, true},
        {{.codes = codes, .codes_len = 2}, {.kind = ORK_KIND_ERROR, .code = "busy"}, false},
        {{.codes = codes, .codes_len = 2}, {.kind = ORK_KIND_ERROR}, false},
        {{.kinds = K(TIMEOUT), .exit_codes = exits, .exit_codes_len = 1, .codes = codes, .codes_len = 1},
         {.kind = ORK_KIND_EXIT, .exit_code = 75},
         true},
        {{.kinds = K(TIMEOUT), .exit_codes = exits, .exit_codes_len = 1, .codes = codes, .codes_len = 1},
         {.kind = ORK_KIND_ERROR, .code = "RATE"},
         true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (ork_retry_matches(&cases[i].r, &cases[i].f) != cases[i].matches)
            fail_msg("case %zu", i);
}

static void delays(void **state)
{
    const struct {
        struct ork_retry_spec r;
        uint32_t failures;
        int64_t ms;
    } cases[] = {
        {{.delay_ms = -1}, 1, 1000},
        {{.delay_ms = -1}, 2, 2000},
        {{.delay_ms = -1}, 6, 32000},
        {{.delay_ms = -1}, 7, 60000},
        {{.delay_ms = -1}, 8, 60000},
        {{.delay_ms = -1}, UINT32_MAX, 60000},
        {{.delay_ms = -1, .max_delay_ms = 5000}, 7, 5000},
        {{.delay_ms = 0, .factor = 2}, 9, 0},
        {{.delay_ms = 0, .factor = INFINITY}, 9, 0},
        {{.delay_ms = 500, .factor = 1}, 9, 500},
        {{.delay_ms = 500, .factor = 0}, 9, 500}, /* never shrinks */
        {{.delay_ms = 500, .factor = 2}, 1, 500},
        {{.delay_ms = 500, .factor = 2}, 4, 4000},
        {{.delay_ms = 1000, .factor = 1.5}, 3, 2250},
        {{.delay_ms = 1000, .factor = 2, .max_delay_ms = 60000}, 30, 60000},
        {{.delay_ms = 500, .factor = 2}, 0, 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (ork_retry_delay_ms(&cases[i].r, cases[i].failures, 12345) != cases[i].ms)
            fail_msg("case %zu: %lld", i, (long long)ork_retry_delay_ms(&cases[i].r, cases[i].failures, 12345));
}

static void delays_saturate(void **state)
{
    const struct ork_retry_spec specs[] = {
        {.delay_ms = 1000, .factor = 2},
        {.delay_ms = INT64_MAX, .factor = 1},
        {.delay_ms = INT64_MAX, .factor = 1e300, .jitter = true},
        {.delay_ms = 1, .factor = INFINITY, .max_delay_ms = INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int64_t ms = ork_retry_delay_ms(&specs[i], UINT32_MAX, UINT64_MAX);
        assert_true(ms > 0 && ms < INT64_MAX / 1000); /* now + ms is an instant */
    }
}

static void jitter_is_half_to_whole(void **state)
{
    const struct ork_retry_spec r = {.delay_ms = 1000, .factor = 1, .jitter = true};
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint64_t random = 0; random < 5000; random++) {
        int64_t ms = ork_retry_delay_ms(&r, 1, random * 0x9E3779B97F4A7C15u);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_in_range(least, 500, 520);
    assert_in_range(most, 980, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_retried_by_default), cmocka_unit_test(policies_match),          cmocka_unit_test(delays),
        cmocka_unit_test(delays_saturate),          cmocka_unit_test(jitter_is_half_to_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
