/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/buf.h"
#include "core/remote.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void says(int status, const char *answer, enum ork_remote_says wanted, const char *wanted_why)
{
    json_t *job = parse(
               "{\"service_type\":\"custom_http\",\"job_id\":\"7\",\"url\":\"http://x/7\",\"failure_value\":\"bad\"}"),
           *body = NULL;
    struct ork_buf why = ORK_BUF_INIT;
    struct ork_remote_def d;
    ork_err err = {0};

    assert_int_equal(ork_remote_read(&d, job, 0, &err), 0);
    assert_int_equal(ork_remote_judge(&d, status, answer, strlen(answer), &body, &why), wanted);
    assert_string_equal(why.data ? why.data : "", wanted_why);
    json_decref(body);
    ork_buf_fini(&why);
    ork_remote_def_fini(&d);
    json_decref(job);
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
        cmocka_unit_test(delays),
    };

    return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
