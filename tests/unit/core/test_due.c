/* SPDX-License-Identifier: MIT */
/* What is to be done about a schedule at an instant, step by step: on time, late, after days of absence, with jitter,
 * while its last run went on. */
#include "base/clock.h"
#include "core/due.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MINUTE 60000ll
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 1767225600000ll /* 2026-01-01T00:00:00Z */
static const char seed[] = "a workflow's id";

static struct ork_schedule *of(const char *json)
{
    struct ork_schedule *s = NULL;
    ork_err err = {0};
    json_t *o = json_loads(json, 0, NULL);

    assert_non_null(o);
    if (ork_schedule_parse(o, ork_tz_utc(), &s, &err) != 0)
        fail_msg("%s: %s", json, err.msg);
    json_decref(o);
    return s;
}

/* Steps until nothing is due; the times that get runs. Returns how many; *next is where it stands then. */
static size_t steps(const struct ork_schedule *s, int64_t *next, bool waited, int64_t now, int64_t *runs, size_t cap)
{
    struct ork_due d;
    size_t n = 0;

    for (int i = 0; *next && i < 100000; i++) {
        ork_due_step(s, seed, sizeof(seed), *next, waited, now, &d);
        if (!d.due)
            return n;
        assert_true(d.next_ms == 0 || d.next_ms > *next);
        if (d.run_ms) {
            assert_true(n < cap);
            runs[n++] = d.run_ms;
        }
        *next = d.next_ms;
    }
    assert_int_equal(*next, 0);
    return n;
}

static void each_time_on_time_is_acted_on(void **state)
{
    struct ork_schedule *s = of("{\"every_ms\":10000}");
    int64_t runs[10], next = T0;

    (void)state;
    assert_int_equal(steps(s, &next, false, T0 - 1, runs, 10), 0);
    assert_int_equal(next, T0);
    assert_int_equal(steps(s, &next, false, T0 + 25000, runs, 10), 3); /* a loop that stood still for 25 s */
    assert_int_equal(runs[0], T0);
    assert_int_equal(runs[2], T0 + 20000);
    assert_int_equal(next, T0 + 30000);
    ork_schedule_free(s);
}

static void absence(void **state)
{
    static const struct {
        const char *catchup;
        int64_t late_ms;
        size_t runs;
        int64_t first, last, next;
    } cases[] = {
        /* every hour; next is T0, and nobody looks for so long */
        {"none", 30000, 1, T0, T0, T0 + HOUR},
        {"none", 10 * MINUTE, 0, 0, 0, T0 + HOUR},
        {"none", 5 * HOUR + 30000, 1, T0 + 5 * HOUR, T0 + 5 * HOUR, T0 + 6 * HOUR}, /* the newest is on time */
        {"none", 5 * HOUR + 10 * MINUTE, 0, 0, 0, T0 + 6 * HOUR},
        {"latest", 10 * MINUTE, 1, T0, T0, T0 + HOUR},
        {"latest", 5 * HOUR + 10 * MINUTE, 1, T0 + 5 * HOUR, T0 + 5 * HOUR, T0 + 6 * HOUR},
        {"latest", 7 * DAY + MINUTE, 1, T0 + 7 * DAY, T0 + 7 * DAY, T0 + 7 * DAY + HOUR},
        {"all", 5 * HOUR + 10 * MINUTE, 6, T0, T0 + 5 * HOUR, T0 + 6 * HOUR},
        {"all", 7 * DAY + MINUTE, 100, T0 + 7 * DAY - 99 * HOUR, T0 + 7 * DAY, T0 + 7 * DAY + HOUR}, /* the limit */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *o = json_pack("{s:i,s:s}", "every_ms", (int)HOUR, "catchup", cases[i].catchup);
        char *text = json_dumps(o, 0);
        struct ork_schedule *s = of(text);
        int64_t runs[200], next = T0;
        size_t n = steps(s, &next, false, T0 + cases[i].late_ms, runs, 200);
        if (n != cases[i].runs || next != cases[i].next ||
            (n && (runs[0] != cases[i].first || runs[n - 1] != cases[i].last)))
            fail_msg("case %zu: %zu runs, from %lld to %lld, next %lld", i, n, n ? (long long)(runs[0] - T0) : 0,
                     n ? (long long)(runs[n - 1] - T0) : 0, (long long)(next - T0));
        ork_schedule_free(s);
        json_decref(o);
        free(text);
    }
}

static void what_is_passed_over_is_counted(void **state)
{
    struct ork_schedule *s = of("{\"every_ms\":3600000}"), *often = of("{\"every_ms\":1000}");
    struct ork_due d;

    (void)state;
    ork_due_step(s, seed, sizeof(seed), T0, false, T0 + 5 * HOUR + 10 * MINUTE, &d);
    assert_int_equal(d.run_ms, T0 + 5 * HOUR);
    assert_int_equal(d.dropped, 5);
    assert_int_equal(d.first_dropped_ms, T0);
    assert_true(d.caught_up);
    ork_due_step(often, seed, sizeof(seed), T0, false, T0 + 366 * DAY, &d); /* 31 million times are not listed */
    assert_int_equal(d.run_ms, T0 + 366 * DAY);
    assert_int_equal(d.dropped, ORK_DROPPED_MOST);
    ork_schedule_free(s);
    ork_schedule_free(often);
}

static void who_waited_for_its_run_is_not_late(void **state)
{
    struct ork_schedule *queue = of("{\"every_ms\":3600000,\"overlap\":\"queue\",\"catchup\":\"none\"}"),
                        *cancel = of("{\"every_ms\":3600000,\"overlap\":\"cancel_running\",\"catchup\":\"none\"}");
    int64_t runs[10], next = T0;

    (void)state;
    assert_int_equal(steps(queue, &next, true, T0 + 3 * HOUR + 30 * MINUTE, runs, 10), 4);
    next = T0;
    assert_int_equal(steps(cancel, &next, true, T0 + 3 * HOUR + 30 * MINUTE, runs, 10), 1);
    assert_int_equal(runs[0], T0 + 3 * HOUR);
    ork_schedule_free(queue);
    ork_schedule_free(cancel);
}

static void jitter_delays_and_loses_nothing(void **state)
{
    struct ork_schedule *s = of("{\"every_ms\":60000,\"jitter_ms\":45000,\"catchup\":\"all\"}");
    int64_t runs[2000], next = T0, now = T0;
    size_t n = 0;

    (void)state;
    while (now < T0 + DAY) {
        struct ork_due d;
        ork_due_step(s, seed, sizeof(seed), next, false, now, &d);
        if (!d.due) {
            assert_true(d.fire_ms > now);
            assert_int_equal(d.next_ms, next);
            assert_true(d.fire_ms - next < 45000);
            now = d.fire_ms;
            continue;
        }
        assert_int_equal(d.run_ms, next);
        assert_false(d.caught_up);
        runs[n++] = d.run_ms;
        next = d.next_ms;
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(runs[i], T0 + (int64_t)i * MINUTE);
    assert_true(n >= 1439);
    ork_schedule_free(s);
}

static void a_schedule_that_is_over_ends(void **state)
{
    struct ork_schedule *s = of("{\"cron\":\"0 0 12 31 12 * 2026\",\"catchup\":\"all\"}");
    int64_t next, fire, runs[5];

    (void)state;
    assert_true(ork_due_begin(s, seed, sizeof(seed), T0, &next, &fire));
    assert_int_equal(next, T0 + 364 * DAY + 12 * HOUR);
    assert_int_equal(steps(s, &next, false, next + DAY, runs, 5), 1);
    assert_int_equal(next, 0);
    assert_false(ork_due_begin(s, seed, sizeof(seed), T0 + 366 * DAY, &next, &fire));
    ork_schedule_free(s);
}

/* Whatever the clock does, `all` acts on every time once and in order, as long as fewer than the limit pile up. */
static void nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    srandom(7);
    for (int round = 0; round < 200; round++) {
        int64_t every = (1 + random() % 50) * MINUTE, jitter = random() % 3 ? 0 : (random() % every) + 1;
        json_t *o = json_pack("{s:I,s:I,s:s,s:s}", "every_ms", (json_int_t)every, "jitter_ms", (json_int_t)jitter,
                              "catchup", "all", "overlap", random() % 2 ? "queue" : "allow");
        char *text = json_dumps(o, 0);
        struct ork_schedule *s = of(text);
        int64_t next, fire, now = T0 + random() % DAY, runs[100], expected;

        assert_true(ork_due_begin(s, seed, sizeof(seed), now, &next, &fire));
        expected = next;
        for (int i = 0; i < 200; i++) {
            now += random() % 3 ? random() % (2 * every) : random() % (60 * every);
            if (random() % 20 == 0)
                now -= random() % (3 * every);
            bool waited = s->overlap == ORK_OVERLAP_QUEUE && random() % 5 == 0;
            size_t n = steps(s, &next, waited, now, runs, 100);
            for (size_t k = 0; k < n; k++, expected += every)
                assert_int_equal(runs[k], expected);
        }
        ork_schedule_free(s);
        json_decref(o);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_on_time_is_acted_on),   cmocka_unit_test(absence),
        cmocka_unit_test(what_is_passed_over_is_counted),  cmocka_unit_test(who_waited_for_its_run_is_not_late),
        cmocka_unit_test(jitter_delays_and_loses_nothing), cmocka_unit_test(a_schedule_that_is_over_ends),
        cmocka_unit_test(nothing_is_lost_or_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
