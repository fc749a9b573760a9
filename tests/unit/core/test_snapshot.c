/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/hash.h"
#include "core/lib_graph.h"
#include "core/workflow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ork_err err;

static char *tasks_json(const ork_workflow *w)
{
    char *text;
    size_t len;

    if (ork_workflow_tasks_json(w, &text, &len, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(strlen(text), len);
    return text;
}

static ork_workflow *load(const char *json)
{
    ork_workflow *w;

    if (ork_workflow_load("w", json, strlen(json), NULL, NULL, NULL, &w, &err) < 0)
        fail_msg("%s", err.msg);
    return w;
}

static ork_workflow *one(const struct ork_task_spec *s)
{
    ork_workflow *w;

    assert_int_equal(ork_workflow_new("w", &w, &err), 0);
    if (ork_workflow_add(w, s, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    return w;
}

static void check_params(struct ork_task_spec *s, const char *want)
{
    ork_workflow *w = one(s);
    struct ork_buf b = ORK_BUF_INIT;

    if (ork_workflow_params_json(w, 0, &b, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(b.data, want);
    ork_buf_fini(&b);

    char *text = tasks_json(w), *again; /* what was written is read back as the same */
    ork_workflow *copy = load(text);
    again = tasks_json(copy);
    assert_string_equal(text, again);
    ork_free(text);
    ork_free(again);
    ork_workflow_unref(copy);
    ork_workflow_unref(w);
}

static void params_carry_our_columns(void **state)
{
    static const int32_t exits[] = {75, -1};
    static const char *const codes[] = {"RA\"TE"};
    struct ork_task_spec s = plain("a");

    (void)state;
    check_params(&s, "{\"command\":[\"true\"],\"max_retries\":0,\"timeout_seconds\":0}");
    s.params = NULL;
    check_params(&s, "{\"max_retries\":0,\"timeout_seconds\":0}");
    s.params = "{\"a\":\"}\\\"{,\",\"command\":\"x\",\"cwd\":[1,{\"k\":[]}],\"when\":{\"op\":\"truthy\"}}";
    s.params_len = strlen(s.params);
    s.flags = ORK_TASK_FINALLY | ORK_TASK_KEEP_CHILDREN | ORK_TASK_HAS_WHEN;
    s.timeout_ms = 1001;
    s.queue_timeout_ms = 7;
    s.priority = -4;
    s.pool = "db";
    s.pool_slots = 2;
    s.max_lost = 0;
    s.retry.limit = 5;
    check_params(&s,
                 "{\"a\":\"}\\\"{,\",\"command\":\"x\",\"cwd\":[1,{\"k\":[]}],\"finally\":true,\"keep_children\":true,"
                 "\"max_lost\":0,\"max_retries\":5,\"pool\":\"db\",\"pool_slots\":2,\"priority\":-4,"
                 "\"queue_timeout_ms\":7,\"timeout_ms\":1001,\"timeout_seconds\":2,\"when\":{\"op\":\"truthy\"}}");
    s = plain("a");
    s.params = NULL;
    s.rule = ORK_RULE_ALL_DONE;
    s.retry = (struct ork_retry_spec){.limit = 3,
                                      .delay_ms = 1000,
                                      .max_delay_ms = 60000,
                                      .factor = 2.5,
                                      .jitter = true,
                                      .kinds = 1u << ORK_KIND_TIMEOUT | 1u << ORK_KIND_EXIT,
                                      .exit_codes = exits,
                                      .exit_codes_len = 2,
                                      .codes = codes,
                                      .codes_len = 1};
    check_params(&s,
                 "{\"max_retries\":3,\"retries\":{\"codes\":[\"RA\\\"TE\"],\"delay_ms\":1000,\"exit_codes\":[75,-1],"
                 "\"factor\":2.5,\"jitter\":true,\"kinds\":[\"exit\",\"timeout\"],\"limit\":3,\"max_delay_ms\":60000},"
                 "\"timeout_seconds\":0,\"trigger_rule\":\"all_done\"}");
}

static void a_key_of_ours_in_the_params_gives_way(void **state)
{
    struct ork_task_spec s = plain("a");

    (void)state;
    s.params = "{\"max_retries\":99,\"max_retriesx\":1,\"pool\":\"x\",\"timeout_seconds\":7,\"zoo\":1}";
    s.params_len = strlen(s.params);
    check_params(&s, "{\"max_retries\":0,\"max_retriesx\":1,\"timeout_seconds\":0,\"zoo\":1}");
}

static void damaged_params_are_an_error(void **state)
{
    static const char *const bad[] = {"{\"a\":}",  "{\"a\"}",    "{a}", "{\"a\":\"}",
                                      "{\"a\":[}", "{\"a\":1,}", "{}}", "{\"a\":1}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ork_task_spec s = plain("a");
        struct ork_buf b = ORK_BUF_INIT;
        s.params = bad[i];
        s.params_len = strlen(bad[i]);
        ork_workflow *w = one(&s);
        if (ork_workflow_params_json(w, 0, &b, &err) != ORK_EJSON)
            fail_msg("%s became %s", bad[i], b.data);
        ork_buf_fini(&b);
        ork_workflow_unref(w);
    }
}

static void tasks_are_written_whole(void **state)
{
    ork_workflow *w;
    struct ork_task_spec s = plain("x");

    (void)state;
    assert_int_equal(ork_workflow_new("w", &w, &err), 0);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    s.name = "y";
    s.signature = "{\"output_type\":\"int\"}";
    s.signature_len = strlen(s.signature);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    ork_workflow_depend(w, 1, 0);
    s = plain("z");
    s.flags = ORK_TASK_FINALLY;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    char *text;
    size_t len;
    assert_int_equal(ork_workflow_tasks_json(w, &text, &len, &err), ORK_ESTATE);
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    text = tasks_json(w);
    assert_string_equal(
        text,
        "[{\"depends_on\":[],\"executor_type\":\"process\",\"params\":{\"command\":[\"true\"],\"max_retries\":0,"
        "\"timeout_seconds\":0},\"task_index\":0,\"task_name\":\"x\"},"
        "{\"depends_on\":[\"x\"],\"executor_type\":\"process\",\"params\":{\"command\":[\"true\"],\"max_retries\":0,"
        "\"timeout_seconds\":0},\"signature\":{\"output_type\":\"int\"},\"task_index\":1,\"task_name\":\"y\"},"
        "{\"depends_on\":[],\"executor_type\":\"process\",\"params\":{\"command\":[\"true\"],\"finally\":true,"
        "\"max_retries\":0,\"timeout_seconds\":0},\"task_index\":2,\"task_name\":\"z\"}]");
    ork_workflow *copy = load(text);
    uint32_t last;
    assert_int_equal(ork_workflow_finally(copy, &last)[0], 2);
    assert_int_equal(ork_workflow_def(copy, 2)->rule, ORK_RULE_ALWAYS);
    ork_free(text);
    ork_workflow_unref(copy);
    ork_workflow_unref(w);
}

static void random_definitions_survive_the_way(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct dice d = {seed};
        ork_workflow *w = random_graph(&d, 30), *copy;
        char *text = tasks_json(w), *again, hash[65], copy_hash[65];
        const char *options = ork_workflow_options_json(w);
        assert_int_equal(ork_workflow_load("other", text, strlen(text), options, NULL, "/elsewhere", &copy, &err), 0);
        again = tasks_json(copy);
        assert_string_equal(text, again);
        assert_int_equal(ork_workflow_hash(w, hash, &err), 0);
        assert_int_equal(ork_workflow_hash(copy, copy_hash, &err), 0);
        assert_string_equal(hash, copy_hash); /* of name and folder independent */
        ork_free(text);
        ork_free(again);
        ork_workflow_unref(copy);
        ork_workflow_unref(w);
    }
}

static void the_hash_covers_tasks_options_and_sources(void **state)
{
    static const struct task a[] = {{"a"}, {0}}, b[] = {{"b"}, {0}};
    char hashes[5][65], plain_text[600], want[65];
    ork_workflow *w[5] = {graph(a, NULL), graph(b, NULL), graph(a, "{\"fail_fast\":true}"), graph(a, NULL),
                          graph(a, NULL)};

    (void)state;
    assert_int_equal(ork_workflow_hash(w[3], hashes[3], &err), 0); /* not kept when the sources change */
    assert_int_equal(ork_workflow_source(w[3], "{\"main\":\"x\"}", 12, NULL, &err), 0);
    assert_int_equal(ork_workflow_source(w[4], "{\"main\":\"y\"}", 12, NULL, &err), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ork_workflow_hash(w[i], hashes[i], &err), 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hashes[i], hashes[k]);
    }
    char *text = tasks_json(w[3]);
    snprintf(plain_text, sizeof(plain_text), "%s\n{}\n{\"main\":\"x\"}", text);
    ork_sha256_hex(plain_text, strlen(plain_text), want);
    assert_string_equal(hashes[3], want);
    ork_free(text);
    for (int i = 0; i < 5; i++)
        ork_workflow_unref(w[i]);
}

/* As the original wrote it: order of keys, blanks, names with blanks, executors that are not ours. */
static void snapshots_of_the_original_are_read(void **state)
{
    ork_workflow *w = load(
        "[{\"task_index\":1,\"task_name\":\"load it\",\"executor_type\":\"cloudrun\",\"depends_on\":[\"extract\"],"
        "\"params\":{\"job_name\":\"j\",\"max_retries\":2,\"timeout_seconds\":300,\"task_bindings\":{\"x\":{\"ref\":"
        "\"tasks.extract.output.y\"}}},\"signature\":null},"
        " {\"task_index\":0,\"task_name\":\"extract\",\"executor_type\":\"python\",\"depends_on\":[],"
        "\"params\":{\"max_retries\":0,\"timeout_seconds\":null},\"signature\":{\"output_type\":\"int\"}}]");

    (void)state;
    assert_string_equal(ork_workflow_task_name(w, 0), "extract");
    assert_string_equal(ork_workflow_task_name(w, 1), "load it");
    assert_int_equal(ork_workflow_def(w, 1)->executor, ORK_EXEC_OTHER);
    assert_string_equal(ork_workflow_executor(w, 1), "cloudrun");
    assert_string_equal(ork_workflow_executor(w, 0), "python");
    assert_int_equal(ork_workflow_def(w, 1)->timeout_ms, 300000);
    assert_int_equal(ork_workflow_def(w, 0)->timeout_ms, 0);
    assert_int_equal(ork_workflow_retry(w, 1)->limit, 2);
    assert_int_equal(ork_workflow_retry(w, 1)->delay_ms, -1);
    assert_int_equal(ork_workflow_def(w, 1)->max_lost, 3);
    assert_int_equal(ork_workflow_deps(w)->first[2], 1);
    assert_string_equal(ork_workflow_text(w, ork_workflow_def(w, 1)->params),
                        "{\"job_name\":\"j\",\"task_bindings\":{\"x\":{\"ref\":\"tasks.extract.output.y\"}}}");
    char *text = tasks_json(w);
    assert_non_null(strstr(text, "\"executor_type\":\"cloudrun\""));
    ork_free(text);
    ork_workflow_unref(w);
}

static void entries_are_cut_at_the_right_places(void **state)
{
    ork_workflow *w = load(" [ {\"task_name\":\"a]},[{\", \"params\":{\"x\":[\"\\\\\",\"\\\"]\",{}]}} ,\n"
                           "{\"task_name\":\"b\",\"depends_on\":[\"c\",\"a]},[{\"]},{\"task_name\":\"c\"} ] ");

    (void)state;
    assert_int_equal(ork_workflow_len(w), 3);
    assert_string_equal(ork_workflow_task_name(w, 0), "a]},[{");
    assert_string_equal(ork_workflow_text(w, ork_workflow_def(w, 0)->params), "{\"x\":[\"\\\\\",\"\\\"]\",{}]}");
    struct ork_buf b = ORK_BUF_INIT;
    ork_workflow_depends_json(w, 1, &b);
    assert_string_equal(b.data, "[\"c\",\"a]},[{\"]");
    ork_buf_fini(&b);
    ork_workflow_unref(w);
}

static void damaged_snapshots_are_refused(void **state)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "stored definition of workflow `w`"},
        {"[", "stored definition of workflow `w`"},
        {"{}", "wanted a list of tasks"},
        {"[]", "has no tasks"},
        {"[7]", "entry 0"},
        {"[{\"task_name\":\"a\"}", "torn after entry 0"},
        {"[{\"task_name\":\"a\"},", "torn after entry 1"},
        {"[{\"task_name\":\"a\"},]", "entry 1"},
        {"[{\"task_name\":\"a\"}]]", "text behind"},
        {"[{\"task_name\":\"a\"]}]", "entry 0"},
        {"[{\"task_name\":\"a]\\\"}]", "torn after entry 0"},
        {"[{\"task_name\":\"a\",\"task_name\":\"b\"}]", "entry 0"},
        {"[{}]", "task_name: wanted a string"},
        {"[{\"task_name\":\"\"}]", "needs a name"},
        {"[{\"task_name\":\"a\",\"task_index\":1}]", "task_index"},
        {"[{\"task_name\":\"a\",\"task_index\":-1}]", "task_index"},
        {"[{\"task_name\":\"a\",\"task_index\":0},{\"task_name\":\"b\",\"task_index\":0}]", "entry 1"},
        {"[{\"task_name\":\"a\"},{\"task_name\":\"a\"}]", "already"},
        {"[{\"task_name\":\"a\",\"params\":[]}]", "task `a`: params"},
        {"[{\"task_name\":\"a\",\"params\":{\"max_retries\":-1}}]", "task `a`: max_retries"},
        {"[{\"task_name\":\"a\",\"params\":{\"timeout_seconds\":\"5\"}}]", "timeout_seconds"},
        {"[{\"task_name\":\"a\",\"params\":{\"trigger_rule\":\"never\"}}]", "trigger_rule"},
        {"[{\"task_name\":\"a\",\"params\":{\"pool\":5}}]", "pool: wanted a string"},
        {"[{\"task_name\":\"a\",\"params\":{\"retries\":5}}]", "retries: wanted an object"},
        {"[{\"task_name\":\"a\",\"params\":{\"retries\":{\"kinds\":[\"x\"]}}}]", "retries.kinds"},
        {"[{\"task_name\":\"a\",\"params\":{\"retries\":{\"factor\":0.5}}}]", "retries.factor"},
        {"[{\"task_name\":\"a\",\"params\":{\"retries\":{\"codes\":[\"x\",1]}}}]", "retries.codes"},
        {"[{\"task_name\":\"a\",\"params\":{\"retries\":{\"exit_codes\":[4294967296]}}}]", "retries.exit_codes"},
        {"[{\"task_name\":\"a\",\"executor_type\":5}]", "executor_type"},
        {"[{\"task_name\":\"a\",\"depends_on\":\"b\"}]", "depends_on"},
        {"[{\"task_name\":\"a\",\"depends_on\":[1]}]", "depends_on"},
        {"[{\"task_name\":\"a\",\"depends_on\":[\"b\"]}]", "depends on `b`"},
        {"[{\"task_name\":\"a\",\"depends_on\":[\"b\"]},{\"task_name\":\"b\",\"depends_on\":[\"a\"]}]",
         "`a` → `b` → `a`"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ork_workflow *w = NULL;
        int rc = ork_workflow_load("w", cases[i].json, strlen(cases[i].json), "{}", NULL, NULL, &w, &err);
        if (rc >= 0 || !strstr(err.msg, cases[i].says))
            fail_msg("%s: %d %s", cases[i].json, rc, rc < 0 ? err.msg : "");
        assert_null(w);
    }
}

static void plans_show_levels_and_the_critical_path(void **state)
{
    static const struct task tasks[] = {
        {"tidy", .flags = ORK_TASK_FINALLY},          {"a"}, {"b", "a"}, {"c", "a"}, {"d", "b c"}, {"lone"},
        {"after", "tidy", .flags = ORK_TASK_FINALLY}, {0}};
    ork_workflow *w = graph(tasks, NULL);
    char *text;

    (void)state;
    assert_int_equal(ork_workflow_plan_json(w, &text, NULL, &err), 0);
    assert_string_equal(text,
                        "{\"critical_path\":[\"a\",\"b\",\"d\",\"tidy\",\"after\"],\"depth\":5,\"edges\":5,\"levels\":["
                        "[\"a\",\"lone\"],[\"b\",\"c\"],[\"d\"],[\"tidy\"],[\"after\"]],\"tasks\":7,\"width\":2}");
    ork_free(text);
    ork_workflow_unref(w);

    w = graph((const struct task[]){{"only", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    assert_int_equal(ork_workflow_plan_json(w, &text, NULL, &err), 0);
    assert_string_equal(
        text, "{\"critical_path\":[\"only\"],\"depth\":1,\"edges\":0,\"levels\":[[\"only\"]],\"tasks\":1,\"width\":1}");
    ork_free(text);
    ork_workflow_unref(w);

    w = open_graph(tasks, NULL);
    assert_int_equal(ork_workflow_plan_json(w, &text, NULL, &err), ORK_ESTATE);
    ork_workflow_unref(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params_carry_our_columns),
        cmocka_unit_test(a_key_of_ours_in_the_params_gives_way),
        cmocka_unit_test(damaged_params_are_an_error),
        cmocka_unit_test(tasks_are_written_whole),
        cmocka_unit_test(random_definitions_survive_the_way),
        cmocka_unit_test(the_hash_covers_tasks_options_and_sources),
        cmocka_unit_test(snapshots_of_the_original_are_read),
        cmocka_unit_test(entries_are_cut_at_the_right_places),
        cmocka_unit_test(damaged_snapshots_are_refused),
        cmocka_unit_test(plans_show_levels_and_the_critical_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
