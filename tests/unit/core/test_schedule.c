/* SPDX-License-Identifier: MIT */
/* The stored option as a value: its keys and their defaults, intervals, jitter, and the bounds of time. */
#include "core/lib_json.h"
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

static int try(const char *text, struct ork_schedule **s, ork_err *err)
{
    json_t *option = tree(text);
    int rc = ork_schedule_parse(option, ork_tz_utc(), s, err);

    json_decref(option);
    return rc;
}

static struct ork_schedule *schedule(const char *text)
{
    struct ork_schedule *s = NULL;
    ork_err err;

    if (try(text, &s, &err) < 0)
        fail_msg("%s", err.msg);
    return s;
}

static void keys_and_defaults(void **state)
{
    struct ork_schedule *s = schedule("{'cron':'@daily'}");

    (void)state;
    assert_int_equal(s->catchup, ORK_CATCHUP_LATEST);
    assert_int_equal(s->overlap, ORK_OVERLAP_SKIP);
    assert_int_equal(s->dst, ORK_DST_DEFAULT);
    assert_int_equal(s->catchup_limit, 100);
    assert_int_equal(s->jitter_ms, 0);
    assert_int_equal(s->every_ms, 0);
    assert_true(sizeof *s <= 128);
    ork_schedule_free(s);
    s = schedule("{'every_ms':600000,'catchup':'all','catchup_limit':5,'overlap':'cancel_running','dst':'both',"
                 "'jitter_ms':60000,'timezone':'Europe/Berlin','params':{'x':{'const':1}}}");
    assert_int_equal(s->catchup, ORK_CATCHUP_ALL);
    assert_int_equal(s->overlap, ORK_OVERLAP_CANCEL_RUNNING);
    assert_int_equal(s->dst, ORK_DST_BOTH);
    assert_int_equal(s->catchup_limit, 5);
    assert_int_equal(s->jitter_ms, 60000);
    assert_int_equal(s->every_ms, 600000);
    ork_schedule_free(s);
    ork_schedule_free(NULL);
    json_t *option = tree("{'timezone':'Europe/Berlin'}"), *none = tree("{'timezone':null}");
    assert_string_equal(ork_schedule_zone(option), "Europe/Berlin");
    assert_string_equal(ork_schedule_zone(none), "UTC");
    assert_string_equal(ork_schedule_zone(NULL), "UTC");
    json_decref(option);
    json_decref(none);
}

static void the_zone_is_counted(void **state)
{
    struct ork_tz *z = zone_of_rule("CET-1CEST,M3.5.0,M10.5.0/3");
    json_t *option = tree("{'cron':'0 2 * * *'}");
    struct ork_schedule *s;
    int64_t at;

    (void)state;
    assert_int_equal(ork_schedule_parse(option, z, &s, NULL), 0);
    ork_tz_unref(z); /* the schedule's count keeps it */
    assert_true(ork_schedule_next(s, instant("2026-03-28 12:00") * 1000, &at));
    assert_int_equal(at, instant("2026-03-29 01:00") * 1000);
    ork_schedule_free(s);
    json_decref(option);
}

static void wrong_options_are_named(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "schedule: it has neither `cron` nor `every_ms`"},
        {"{'cron':5}", "schedule: it has neither `cron` nor `every_ms`"},
        {"{'cron':'0 25 * * *'}",
         "schedule.cron \"0 25 * * *\": the hour is 25; it goes from 0 to 23; the fields are minute "
         "hour day month weekday, or six with the second first"},
        {"{'cron':'@daily','dst':'twice'}", "schedule.dst: there is no `twice`"},
        {"{'cron':'@daily','overlap':1}", "schedule.overlap: there is no `(not a text)`"},
        {"{'cron':'@daily','catchup':'some'}", "schedule.catchup: there is no `some`"},
        {"{'cron':'@daily','catchup_limit':0}", "schedule.catchup_limit: wants a whole number from 1 to 4294967295"},
        {"{'cron':'@daily','jitter_ms':'5'}", "schedule.jitter_ms: wants a whole number from 0 to 1099511627776"},
        {"{'every_ms':999}", "schedule.every_ms: wants a whole number from 1000 to 1099511627776"},
        {"{'every_ms':-1}", "schedule.every_ms: wants a whole number from 1000 to 1099511627776"},
        {"{'cron':'0 0 2 * * 2','dialect':'mine'}", "schedule.dialect: there is no `mine`"},
        {"{'cron':'0 2 * * *','dialect':'original'}",
         "schedule.cron \"0 2 * * *\": it has 5 fields; 6 are wanted (second minute "
         "hour day month weekday) or 7 (with year)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_schedule *s = NULL;
        ork_err err = {0};
        if (try(cases[i][0], &s, &err) != ORK_EINVAL || strcmp(err.msg, cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], err.msg);
    }
    ork_err err;
    struct ork_schedule *s;
    assert_int_equal(ork_schedule_parse(NULL, ork_tz_utc(), &s, &err), ORK_EINVAL);
}

static void the_originals_dialect(void **state)
{
    struct ork_schedule *ours = schedule("{'cron':'0 0 2 13 * 6'}"),
                        *its = schedule("{'cron':'0 0 2 13 * 6','dialect':'original'}");
    int64_t at;

    (void)state;
    assert_true(ork_schedule_next(ours, instant("2026-02-01") * 1000, &at));
    assert_int_equal(at, instant("2026-02-07 02:00") * 1000); /* 6 is Saturday, and either matches */
    assert_true(ork_schedule_next(its, instant("2026-02-01") * 1000, &at));
    assert_int_equal(at, instant("2026-02-13 02:00") * 1000); /* 6 is Friday, and both must match */
    ork_schedule_free(ours);
    ork_schedule_free(its);
}

static void intervals_are_multiples(void **state)
{
    static const struct {
        const char *every, *after;
        const char *next;
    } cases[] = {
        {"{'every_ms':600000}", "2026-03-29 00:50:00.001", "2026-03-29 01:00"},
        {"{'every_ms':600000}", "2026-03-29 01:00", "2026-03-29 01:10"},
        {"{'every_ms':5400000}", "2026-01-01", "2026-01-01 01:30"},
        {"{'every_ms':420000}", "1970-01-01", "1970-01-01 00:07"},
        {"{'every_ms':420000}", "1969-12-31 23:59", "1970-01-01"},
        {"{'every_ms':604800000}", "2026-01-01", "2026-01-01 00:00:00.000"}, /* a Thursday, as 1970-01-01: see below */
        {"{'every_ms':1500}", "2026-01-01", "2026-01-01 00:00:01.500"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_schedule *s = schedule(cases[i].every);
        int64_t after, next, at, back;
        assert_int_equal(ork_time_parse(cases[i].after, strlen(cases[i].after), &after, NULL), 0);
        assert_int_equal(ork_time_parse(cases[i].next, strlen(cases[i].next), &next, NULL), 0);
        if (next == after)
            next += s->every_ms;
        assert_true(ork_schedule_next(s, after, &at));
        if (at != next)
            fail_msg("%s after %s: %lld", cases[i].every, cases[i].after, (long long)at);
        assert_true(ork_schedule_prev(s, at + 1, &back) && back == at);
        assert_true(ork_schedule_prev(s, at, &back) && back == at - s->every_ms);
        ork_schedule_free(s);
    }
}

static void milliseconds_are_strict(void **state)
{
    struct ork_schedule *s = schedule("{'cron':'0 2 * * *'}");
    int64_t two = instant("2026-01-01 02:00") * 1000, at;

    (void)state;
    assert_true(ork_schedule_next(s, two - 1, &at) && at == two);
    assert_true(ork_schedule_next(s, two, &at) && at == two + 86400000);
    assert_true(ork_schedule_prev(s, two + 1, &at) && at == two);
    assert_true(ork_schedule_prev(s, two, &at) && at == two - 86400000);
    assert_true(ork_schedule_next(s, -5000, &at) && at == 7200000);
    assert_false(ork_schedule_prev(s, 7200000, &at));
    ork_schedule_free(s);
}

static void time_has_bounds(void **state)
{
    static const int64_t far[] = {INT64_MIN,        INT64_MIN + 1, -(INT64_C(1) << 50),
                                  INT64_C(1) << 50, INT64_MAX - 1, INT64_MAX};
    const char *const texts[] = {"{'cron':'* * * * * *'}", "{'every_ms':1000}", "{'every_ms':1099511627776}",
                                 "{'cron':'@daily'}"};
    struct ork_schedule_fire f;
    int64_t at;

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct ork_schedule *s = schedule(texts[t]);
        for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
            if (ork_schedule_next(s, far[i], &at)) {
                assert_true(at > far[i]);
                ork_schedule_explain(s, at, &f);
            }
            if (ork_schedule_prev(s, far[i], &at))
                assert_true(at < far[i]);
        }
        assert_false(ork_schedule_next(s, INT64_MAX, &at));
        assert_false(ork_schedule_prev(s, INT64_MIN, &at));
        ork_schedule_free(s);
    }
    struct ork_schedule *once = schedule("{'cron':'0 0 2 1 1 ? 2020'}");
    assert_true(ork_schedule_next(once, 0, &at) && at == instant("2020-01-01 02:00") * 1000);
    assert_false(ork_schedule_next(once, at, &at));
    assert_false(ork_schedule_prev(once, at, &at));
    ork_schedule_free(once);
}

static void jitter_is_fixed_and_spread(void **state)
{
    struct ork_schedule *s = schedule("{'cron':'@daily','jitter_ms':60000}"), *none = schedule("{'cron':'@daily'}");
    int tenths[10] = {0};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t at = 1767225600000 + i * INT64_C(86400000);
        int64_t ms = ork_schedule_jitter(s, "workflow", 8, at);
        assert_true(ms >= 0 && ms < 60000);
        assert_int_equal(ms, ork_schedule_jitter(s, "workflow", 8, at));
        tenths[ms / 6000]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], 850, 1150);
    assert_int_not_equal(ork_schedule_jitter(s, "a", 1, 0), ork_schedule_jitter(s, "b", 1, 0));
    assert_int_equal(ork_schedule_jitter(none, "a", 1, 0), 0);
    ork_schedule_free(s);
    ork_schedule_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_defaults),       cmocka_unit_test(the_zone_is_counted),
        cmocka_unit_test(wrong_options_are_named), cmocka_unit_test(the_originals_dialect),
        cmocka_unit_test(intervals_are_multiples), cmocka_unit_test(milliseconds_are_strict),
        cmocka_unit_test(time_has_bounds),         cmocka_unit_test(jitter_is_fixed_and_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
