/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/buf.h"
#include "core/remote.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(v);
    return v;
}

static void lists(void **state)
{
    json_t *yes = parse("{\"deferred\":[]}"), *no = parse("{\"deferred\":7}"), *list = parse("[]");

    (void)state;
    assert_non_null(ork_remote_list(yes));
    assert_null(ork_remote_list(no));
    assert_null(ork_remote_list(list));
    assert_null(ork_remote_list(NULL));
    json_decref(yes);
    json_decref(no);
    json_decref(list);
}

static void refused(const char *text, const char *why)
{
    json_t *job = parse(text);
    struct ork_remote_def d;
    ork_err err = {0};

    assert_int_equal(ork_remote_read(&d, job, 1, &err), ORK_EINVAL);
    assert_string_equal(err.msg, why);
    json_decref(job);
}

static void jobs_are_checked(void **state)
{
    json_t *job =
        parse("{\"service_type\":\"custom_http\",\"job_id\":\"7\",\"url\":\"https://x/7\",\"method\":\"POST\","
              "\"failure_value\":\"bad\",\"status_field\":\"state\"}");
    struct ork_remote_def d;
    ork_err err = {0};

    (void)state;
    assert_int_equal(ork_remote_read(&d, job, 0, &err), 0);
    assert_string_equal(d.job_id, "7");
    assert_string_equal(d.method, "POST");
    assert_string_equal(d.status_field, "state");
    assert_string_equal(d.success, "success");
    assert_string_equal(d.failure, "bad");
    ork_remote_def_fini(&d);
    json_decref(job);
    refused("7", "deferred[2]: it is no object");
    refused("{\"job_id\":\"1\"}", "deferred[2]: `service_type` is missing");
    refused("{\"service_type\":\"custom_http\",\"job_id\":\"1\"}", "deferred[2]: `url` is missing");
    refused("{\"service_type\":\"custom_http\",\"job_id\":\"1\",\"url\":\"http://x\",\"status_field\":1}",
            "deferred[2]: `status_field` is not a text");
    refused("{\"service_type\":\"dataproc\",\"job_id\":\"1\"}",
            "deferred[2]: jobs of `dataproc` are not followed by this Ork, which follows `custom_http`");
}

static const struct ork_mask nothing;

static void says_masked(const struct ork_mask *mask, int status, const char *answer, enum ork_remote_says wanted,
                        const char *wanted_why)
{
    json_t *job = parse(
               "{\"service_type\":\"custom_http\",\"job_id\":\"7\",\"url\":\"http://x/7\",\"failure_value\":\"bad\"}"),
           *body = NULL;
    struct ork_buf why = ORK_BUF_INIT;
    struct ork_remote_def d;
    ork_err err = {0};

    assert_int_equal(ork_remote_read(&d, job, 0, &err), 0);
    assert_int_equal(ork_remote_judge(&d, status, answer, strlen(answer), mask, &body, &why), wanted);
    assert_string_equal(why.data ? why.data : "", wanted_why);
    json_decref(body);
    ork_buf_fini(&why);
    ork_remote_def_fini(&d);
    json_decref(job);
}

static void says(int status, const char *answer, enum ork_remote_says wanted, const char *wanted_why)
{
    says_masked(&nothing, status, answer, wanted, wanted_why);
}

static void what_answers_mean(void **state)
{
    (void)state;
    says(200, "{\"status\":\"success\"}", ORK_REMOTE_COMPLETED, "");
    says(202, "{\"status\":\"queued\"}", ORK_REMOTE_RUNNING, "its `status` is `queued`; success is `success`");
    says(200, "{\"job\":1,\"state\":\"success\"}", ORK_REMOTE_RUNNING,
         "no field `status` in the answer; did you mean `state`?");
    says(200, "{\"job\":1,\"done\":true}", ORK_REMOTE_RUNNING, "no field `status` in the answer; it has job, done");
    says(200, "{}", ORK_REMOTE_RUNNING, "no field `status` in the answer");
    says(200, "{\"status\":3}", ORK_REMOTE_RUNNING, "its `status` is 3, no text; success is `success`");
    says(200, "{\"status\":\"bad\",\"error\":\"disk full\"}", ORK_REMOTE_BROKE, "its status is `bad`: disk full");
    says(404, "gone", ORK_REMOTE_BROKE, "its service answered 404");
    says(404, "{\"error\":\"gone\"}", ORK_REMOTE_BROKE, "its service answered 404: gone");
    says(503, "", ORK_REMOTE_NO_ANSWER, "its service answered 503");
    says(429, "{}", ORK_REMOTE_NO_ANSWER, "its service answered 429");
    says(200, "[]", ORK_REMOTE_NO_ANSWER, "the answer of its service is no JSON object");
    says(200, "<html>", ORK_REMOTE_NO_ANSWER, "the answer of its service is no JSON object");
}

/* `before`, `lead`, n times é, `after`; in a buffer of its own for each. */
static const char *with_e(char *out, const char *before, const char *lead, int n, const char *after)
{
    char *p = out + sprintf(out, "%s%s", before, lead);

    for (int i = 0; i < n; i++)
        p += sprintf(p, "é");
    (void)strcpy(p, after);
    return out;
}

static void words_are_cut_between_characters(void **state)
{
    char answer[4000], why[4000];

    (void)state;
    says(200, with_e(answer, "{\"", "x", 40, "\":1}"), ORK_REMOTE_RUNNING,
         with_e(why, "no field `status` in the answer; it has ", "x", 29, ""));
    says(200, with_e(answer, "{\"status\":\"", "x", 150, "\"}"), ORK_REMOTE_RUNNING,
         with_e(why, "its `status` is `", "x", 99, "`; success is `success`"));
    says(200, with_e(answer, "{\"status\":\"", "", 150, "\"}"), ORK_REMOTE_RUNNING,
         with_e(why, "its `status` is `", "", 100, "`; success is `success`"));
    says(200, with_e(answer, "{\"status\":\"bad\",\"error\":\"", "x", 600, "\"}"), ORK_REMOTE_BROKE,
         with_e(why, "its status is `bad`: ", "x", 499, ""));
    says(500, with_e(answer, "{\"error\":\"", "x", 600, "\"}"), ORK_REMOTE_NO_ANSWER,
         with_e(why, "its service answered 500: ", "x", 499, ""));
}

static void type_of_service_is_cut_between_characters(void **state)
{
    char job[400], why[400];

    (void)state;
    refused(with_e(job, "{\"service_type\":\"", "x", 40, "\",\"job_id\":\"1\"}"),
            with_e(why, "deferred[2]: there is no service type `", "x", 29, "`; this Ork follows `custom_http`"));
}

/* Half of one would not be found. */
static void secrets_are_masked_before_words_are_cut(void **state)
{
    struct ork_mask mask = {0};
    char answer[4000], why[4000];

    (void)state;
    ork_mask_add(&mask, "hunter2hunter2", 14);
    says_masked(&mask, 200, with_e(answer, "{\"status\":\"", "", 95, "hunter2hunter2\"}"), ORK_REMOTE_RUNNING,
                with_e(why, "its `status` is `", "", 95, "***`; success is `success`"));
    says_masked(&mask, 200, with_e(answer, "{\"", "", 25, "hunter2hunter2\":1}"), ORK_REMOTE_RUNNING,
                with_e(why, "no field `status` in the answer; it has ", "", 25, "***"));
    says_masked(&mask, 404, with_e(answer, "{\"error\":\"", "", 497, "hunter2hunter2\"}"), ORK_REMOTE_BROKE,
                with_e(why, "its service answered 404: ", "", 497, "***"));
    says_masked(&mask, 200, "{\"hunter2hunter2_status\":1,\"status\":\"success\"}", ORK_REMOTE_COMPLETED, "");
    ork_mask_fini(&mask);
    ork_mask_add(&mask, "success", 7); /* what the job's own words are compared with is what was said */
    says_masked(&mask, 200, "{\"status\":\"success\"}", ORK_REMOTE_COMPLETED, "");
    says_masked(&mask, 200, "{\"status\":\"no success\"}", ORK_REMOTE_RUNNING,
                "its `status` is `no ***`; success is `***`");
    ork_mask_fini(&mask);
}

static void delays(void **state)
{
    (void)state;
    assert_int_equal(ork_remote_delay(1, 0), 800);
    assert_int_equal(ork_remote_delay(1, 400), 1200);
    assert_int_equal(ork_remote_delay(3, 800), 4000);
    for (uint32_t asked = 1; asked < 200; asked++) {
        int64_t ms = ork_remote_delay(asked, UINT64_MAX - asked);
        assert_true(ms >= 800 && ms <= 72000);
    }
    assert_true(ork_remote_delay(UINT32_MAX, 0) == 48000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(jobs_are_checked),
        cmocka_unit_test(what_answers_mean),
        cmocka_unit_test(words_are_cut_between_characters),
        cmocka_unit_test(type_of_service_is_cut_between_characters),
        cmocka_unit_test(secrets_are_masked_before_words_are_cut),
        cmocka_unit_test(delays),
    };

    return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
