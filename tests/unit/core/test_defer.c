/* SPDX-License-Identifier: MIT */
#include "core/defer.h"
#include "core/lib_zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NOW INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MINUTE 60000

static ork_err err;

static const json_t *root(void *data, const char *what, const char *task)
{
    return !task && strcmp(what, "params") == 0 ? data : NULL;
}

/* 0 or what went wrong, in err. */
static int begin(struct ork_defer *d, const char *wait, const char *params, const struct ork_tz *zone)
{
    json_t *w = json_loads(wait, 0, NULL), *p = json_loads(params, 0, NULL);
    const struct ork_scope s = {.data = p, .root = root, .logical = {NOW, zone}};

    assert_non_null(w);
    int rc = ork_defer_init(d, w, &s, NOW, &err);
    json_decref(w);
    json_decref(p);
    return rc;
}

static void times(void **state)
{
    static const struct {
        const char *wait, *params;
        int64_t due;
    } cases[] = {
        {"{\"ms\":1800000}", "{}", NOW + 30 * MINUTE},
        {"{\"ms\":0}", "{}", NOW},
        {"{\"at\":\"2026-01-01T08:00:00Z\"}", "{}", NOW + 480 * MINUTE},
        {"{\"at\":\"2026-01-01T08:00:00+02:00\"}", "{}", NOW + 360 * MINUTE},
        {"{\"at\":\"2026-01-01T08:00:00-01:30\"}", "{}", NOW + 570 * MINUTE},
        {"{\"at\":\"2025-01-01\"}", "{}", NOW - INT64_C(365) * 1440 * MINUTE}, /* it wakes at once */
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":\"1h30m\"}", NOW + 90 * MINUTE},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":1.5}", NOW + 1500},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":\"2026-01-02\"}", NOW + 1440 * MINUTE},
        {"{\"at\":{\"date\":{\"offset_ms\":86400000}}}", "{}", NOW + 1440 * MINUTE},
    };
    struct ork_defer d;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (begin(&d, cases[i].wait, cases[i].params, NULL) != 0)
            fail_msg("%s: %s", cases[i].wait, err.msg);
        assert_int_equal(d.type, ORK_DEFER_TIMER);
        if (d.due_ms != cases[i].due)
            fail_msg("%s: %lld, not %lld", cases[i].wait, (long long)d.due_ms, (long long)cases[i].due);
        ork_defer_fini(&d);
    }
}

static void times_of_a_zone(void **state)
{
    struct ork_tz *berlin = zone_load("Europe/Berlin");
    struct ork_defer d;

    (void)state;
    assert_int_equal(begin(&d, "{\"at\":\"2026-01-01 08:00:00\"}", "{}", berlin), 0);
    assert_int_equal(d.due_ms, NOW + 420 * MINUTE);
    assert_int_equal(begin(&d, "{\"at\":\"2026-01-01T08:00:00Z\"}", "{}", berlin), 0);
    assert_int_equal(d.due_ms, NOW + 480 * MINUTE);
    ork_tz_unref(berlin);
}

static void no_times(void **state)
{
    static const struct {
        const char *wait, *params, *says;
        int code;
    } cases[] = {
        {"{\"ms\":-1}", "{}", "wants 0 s to 100 years", ORK_EINVAL},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":\"soon\"}", "got soon", ORK_EINVAL},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":\"-1h\"}", "wants 0 s to 100 years", ORK_EINVAL},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":-2}", "wants 0 s to 100 years", ORK_EINVAL},
        {"{\"at\":{\"ref\":\"params.x\"}}", "{\"x\":true}", "got boolean", ORK_EINVAL},
        {"{\"at\":{\"ref\":\"params.y\"}}", "{\"x\":1}", "params.y", ORK_ENOVALUE},
        {"{\"approval\":{\"text\":[\"Ship \",{\"ref\":\"params.y\"}]}}", "{}", "params.y", ORK_ENOVALUE},
        {"{\"every_ms\":1000}", "{}", "neither a time", ORK_EDEF},
    };
    struct ork_defer d;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int rc = begin(&d, cases[i].wait, cases[i].params, NULL);
        if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("%s: %d %s", cases[i].wait, rc, rc ? err.msg : "");
    }
}

static void data_is(const struct ork_defer *d, const char *expected)
{
    struct ork_buf b = ORK_BUF_INIT;

    assert_int_equal(ork_defer_data(d, 3, NULL, &b, &err), 0);
    assert_string_equal(b.data, expected);
    ork_buf_fini(&b);
}

/* What a row says is what was begun, whatever the clock says by now. */
static void rows_keep_what_was_begun(void **state)
{
    static const struct {
        const char *wait, *data;
    } cases[] = {
        {"{\"ms\":1800000}", "{\"attempt\":3,\"due\":\"2026-01-01T00:30:00.000Z\"}"},
        {"{\"approval\":{\"text\":[\"Ship \",{\"ref\":\"params.v\"},\"?\"]}}", "{\"attempt\":3,\"text\":\"Ship 7?\"}"},
        {"{\"every_ms\":5000,\"poll\":true}",
         "{\"asked\":0,\"attempt\":3,\"due\":\"2026-01-01T00:00:00.000Z\",\"every_ms\":5000}"},
        {"{\"every_ms\":5,\"poll\":true}",
         "{\"asked\":0,\"attempt\":3,\"due\":\"2026-01-01T00:00:00.000Z\",\"every_ms\":1000}"},
        {"{\"cancel\":true,\"every_ms\":5000,\"executor\":\"x\"}",
         "{\"asked\":0,\"attempt\":3,\"cancel\":true,\"due\":\"2026-01-01T00:00:00.000Z\",\"every_ms\":5000,\"text\":"
         "\"x\"}"},
    };
    struct ork_defer d, again;
    uint32_t attempt;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (begin(&d, cases[i].wait, "{\"v\":7}", NULL) != 0)
            fail_msg("%s: %s", cases[i].wait, err.msg);
        data_is(&d, cases[i].data);
        if (ork_defer_read(&again, ork_defer_name(d.type), cases[i].data, &attempt, &err) != 0)
            fail_msg("%s: %s", cases[i].data, err.msg);
        assert_int_equal(attempt, 3);
        data_is(&again, cases[i].data);
        ork_defer_fini(&d);
        ork_defer_fini(&again);
    }
}

static void a_run_is_named(void **state)
{
    static const char data[] =
        "{\"attempt\":2,\"run\":\"01a226d0-b806-7008-a664-4d05f303ff3b\",\"workflow\":\"other\"}";
    struct ork_defer d;
    uint32_t attempt;

    (void)state;
    assert_int_equal(ork_defer_read(&d, "run", data, &attempt, &err), 0);
    assert_int_equal(attempt, 2);
    assert_string_equal(d.text, "other");
    struct ork_buf b = ORK_BUF_INIT;
    assert_int_equal(ork_defer_data(&d, 2, NULL, &b, &err), 0);
    assert_string_equal(b.data, data);
    ork_buf_fini(&b);
    ork_defer_fini(&d);
    assert_int_equal(ork_defer_read(&d, "run", "{\"attempt\":2,\"run\":\"x\"}", &attempt, &err), ORK_ECORRUPT);
}

/* What an executor started is known by its handle. */
static void handles_are_kept(void **state)
{
    static const char *const data = "{\"asked\":2,\"attempt\":3,\"due\":\"2026-01-01T00:00:00.000Z\",\"every_ms\":5000,"
                                    "\"handle\":{\"id\":[1.5,null]},\"text\":\"x\"}";
    struct ork_defer d;
    uint32_t attempt;

    (void)state;
    assert_int_equal(ork_defer_read(&d, "executor", data, &attempt, &err), 0);
    assert_string_equal(d.handle, "{\"id\":[1.5,null]}");
    assert_string_equal(d.text, "x");
    assert_false(d.cancels);
    data_is(&d, data);
    ork_defer_fini(&d);
    assert_int_equal(ork_defer_read(&d, "executor", "{\"handle\":1}", &attempt, &err), ORK_ECORRUPT);
}

static void decisions_are_kept(void **state)
{
    struct ork_buf b = ORK_BUF_INIT;
    json_t *decision = json_pack("{s:s,s:s}", "by", "ann", "comment", "fine");
    struct ork_defer d;

    (void)state;
    assert_int_equal(begin(&d, "{\"approval\":\"Ship?\"}", "{}", NULL), 0);
    assert_int_equal(ork_defer_data(&d, 1, decision, &b, &err), 0);
    assert_string_equal(b.data, "{\"attempt\":1,\"by\":\"ann\",\"comment\":\"fine\",\"text\":\"Ship?\"}");
    json_decref(decision);
    ork_buf_fini(&b);
    ork_defer_fini(&d);
}

static void damaged_rows(void **state)
{
    static const char *const cases[][2] = {
        {"bigquery", "{}"}, {"timer", "{"}, {"timer", "{}"}, {"poll", "{\"due\":\"soon\"}"}, {"timer", "[1]"},
    };
    struct ork_defer d;
    uint32_t attempt;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (ork_defer_read(&d, cases[i][0], cases[i][1], &attempt, &err) != ORK_ECORRUPT)
            fail_msg("%s %s was read", cases[i][0], cases[i][1]);
    assert_int_equal(ork_defer_read(&d, NULL, NULL, &attempt, &err), ORK_ECORRUPT);
}

/* The instants of a poll are fixed by its first call: a late or a long call moves none, and none is made up for. */
static void next_instants(void **state)
{
    struct ork_defer d = {.type = ORK_DEFER_POLL, .due_ms = NOW, .every_ms = MINUTE};

    (void)state;
    ork_defer_next(&d, NOW + 5);
    assert_int_equal(d.due_ms, NOW + MINUTE);
    ork_defer_next(&d, NOW + MINUTE);
    assert_int_equal(d.due_ms, NOW + 2 * MINUTE);
    ork_defer_next(&d, NOW + 10 * MINUTE + 1);
    assert_int_equal(d.due_ms, NOW + 11 * MINUTE);
    assert_int_equal(d.asked, 3);
    ork_defer_next(&d, NOW + 10 * MINUTE + 2); /* asked before its time */
    assert_int_equal(d.due_ms, NOW + 11 * MINUTE);
    ork_defer_next(&d, NOW - 5000 * MINUTE); /* the clock was set back */
    assert_int_equal(d.due_ms, NOW - 4999 * MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(times_of_a_zone),
        cmocka_unit_test(no_times),
        cmocka_unit_test(rows_keep_what_was_begun),
        cmocka_unit_test(a_run_is_named),
        cmocka_unit_test(decisions_are_kept),
        cmocka_unit_test(handles_are_kept),
        cmocka_unit_test(damaged_rows),
        cmocka_unit_test(next_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
