/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include "core/workflow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ork_err err;

static ork_workflow *empty(void)
{
    ork_workflow *w;

    assert_int_equal(ork_workflow_new("etl", &w, &err), 0);
    return w;
}

static void names_are_checked(void **state)
{
    static const char *const good[] = {"a", "0", "_", "a.b-c_D9", "x."};
    static const char *const bad[] = {"", ".a", "-a", "a b", "a/b", "ü", "a\n", "a\"b"};
    char longest[202];
    ork_workflow *w = empty();

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct ork_task_spec s = plain(good[i]);
        assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        struct ork_task_spec s = plain(bad[i]);
        ork_workflow *other;
        assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_EDEF);
        assert_int_equal(ork_workflow_new(bad[i], &other, &err), ORK_EDEF);
    }
    memset(longest, 'x', sizeof(longest));
    longest[201] = '\0';
    struct ork_task_spec s = plain(longest);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_EDEF);
    assert_non_null(strstr(err.msg, "201 bytes long; at most 200"));
    s.name_len = 200;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    s.name = "a\0b";
    s.name_len = 3;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_EDEF);
    s.name = NULL;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_EDEF);
    assert_int_equal(ork_workflow_task_count(w), 6);
    ork_workflow_unref(w);
}

static void a_name_taken_twice_names_the_first_place(void **state)
{
    ork_workflow *w = empty();
    struct ork_task_spec s = plain("load");
    uint32_t line;
    const char *file;

    (void)state;
    s.file = ork_workflow_file(w, "etl.lua");
    s.line = 12;
    assert_int_equal(ork_workflow_file(w, "etl.lua"), s.file);
    assert_int_not_equal(ork_workflow_file(w, "lib.lua"), s.file);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), ORK_EEXIST);
    assert_string_equal(err.msg, "there is a task `load` already, defined at etl.lua:12; names must differ");
    ork_workflow_task_place(w, 0, &file, &line);
    assert_string_equal(file, "etl.lua");
    assert_int_equal(line, 12);
    ork_workflow_task_place(w, 1, &file, &line);
    assert_null(file);
    assert_null(ork_workflow_task_name(w, 1));
    ork_workflow_unref(w);
}

static void senseless_tasks_are_refused(void **state)
{
    ork_workflow *w = empty();
    struct ork_task_spec cases[8];

    (void)state;
    for (size_t i = 0; i < 8; i++)
        cases[i] = plain("t");
    cases[0].params = "[1]";
    cases[0].params_len = 3;
    cases[1].signature = "{";
    cases[1].signature_len = 1;
    cases[2].rule = 7;
    cases[3].rule = -1;
    cases[4].executor = ORK_EXEC_OTHER + 1;
    cases[5].timeout_ms = -1;
    cases[6].queue_timeout_ms = -1;
    cases[7].pool = "";
    for (size_t i = 0; i < 8; i++) {
        err.msg[0] = '\0';
        if (ork_workflow_add(w, &cases[i], NULL, &err) >= 0 || !strstr(err.msg, "task `t`"))
            fail_msg("case %zu: %s", i, err.msg);
    }
    assert_int_equal(ork_workflow_task_count(w), 0);
    ork_workflow_unref(w);
}

static void texts_are_copied_and_shared_by_neighbours(void **state)
{
    ork_workflow *w = empty();
    char params[] = "{\"a\":1}", name[] = "a";
    struct ork_task_spec s = plain(name);

    (void)state;
    s.params = params;
    s.params_len = 7;
    s.signature = "{\"output_type\":\"int\"}";
    s.signature_len = 21;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    name[0] = 'b';
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    name[0] = 'c';
    params[5] = '2';
    s.signature = NULL;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    name[0] = 'd';
    s.params = NULL;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    const struct ork_task_def *a = ork_workflow_def(w, 0), *b = ork_workflow_def(w, 1), *c = ork_workflow_def(w, 2);
    assert_int_equal(a->params, b->params);
    assert_int_equal(a->signature, b->signature);
    assert_int_equal(c->signature, 0);
    assert_string_equal(ork_workflow_text(w, b->params), "{\"a\":1}");
    assert_string_equal(ork_workflow_text(w, c->params), "{\"a\":2}");
    assert_string_equal(ork_workflow_text(w, ork_workflow_def(w, 3)->params), "{}");
    assert_string_equal(ork_workflow_task_name(w, 0), "a");
    ork_workflow_unref(w);
}

static void policies_and_pools_are_shared(void **state)
{
    ork_workflow *w = empty();
    struct ork_task_spec s = plain("a");
    int32_t exits[] = {75};
    const char *codes[] = {"RATE"};

    (void)state;
    s.retry = (struct ork_retry_spec){
        .limit = 2, .delay_ms = 10, .exit_codes = exits, .exit_codes_len = 1, .codes = codes, .codes_len = 1};
    s.pool = "db";
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    s.name = "b";
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    exits[0] = 76; /* copied */
    s.name = "c";
    s.pool_slots = 3;
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    s.name = "d";
    s.pool = NULL;
    s.retry.limit = 0; /* then the rest says nothing */
    assert_int_equal(ork_workflow_add(w, &s, NULL, &err), 0);
    assert_ptr_equal(ork_workflow_retry(w, 0), ork_workflow_retry(w, 1));
    assert_int_equal(ork_workflow_retry(w, 0)->exit_codes[0], 75);
    assert_int_equal(ork_workflow_retry(w, 2)->exit_codes[0], 76);
    assert_string_equal(ork_workflow_retry(w, 2)->codes[0], "RATE");
    assert_true(ork_workflow_retry(w, 2)->factor == 1);
    assert_int_equal(ork_workflow_retry(w, 3)->exit_codes_len, 0);
    assert_string_equal(ork_workflow_pool(w, 0), "db");
    assert_int_equal(ork_workflow_def(w, 0)->pool_slots, 1);
    assert_int_equal(ork_workflow_def(w, 2)->pool_slots, 3);
    assert_null(ork_workflow_pool(w, 3));
    assert_int_equal(ork_workflow_def(w, 3)->pool_slots, 0);
    ork_workflow_unref(w);
}

static void finding_by_name(void **state)
{
    ork_workflow *w = empty();
    char name[16];
    uint32_t no;

    (void)state;
    assert_int_equal(ork_workflow_find(w, "t0", 2, &no), ORK_ENOTFOUND);
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "t%u", i);
        struct ork_task_spec s = plain(name);
        assert_int_equal(ork_workflow_add(w, &s, &no, &err), 0);
        assert_int_equal(no, i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(ork_workflow_find(w, name, strlen(name), &no), 0);
        assert_int_equal(no, i);
    }
    assert_int_equal(ork_workflow_find(w, "t5000", 5, &no), ORK_ENOTFOUND);
    assert_int_equal(ork_workflow_find(w, "t17xyz", 3, &no), 0);
    assert_int_equal(no, 17);
    assert_int_equal(ork_workflow_find(w, "t17\0", 4, &no), ORK_ENOTFOUND);
    ork_workflow_unref(w);
}

static void options_are_read_and_kept(void **state)
{
    static const char text[] =
        " { \"max_parallel\": 8, \"fail_fast\": true, \"run_timeout_ms\": 60000, \"max_active_runs\": 1, \"a\": {} }";
    static const struct {
        const char *json, *place;
    } bad[] = {
        {"[]", "options: wanted an object, got a list"},
        {"{", "options:"},
        {"{\"max_parallel\":-1}", "options.max_parallel"},
        {"{\"max_parallel\":\"8\"}", "options.max_parallel"},
        {"{\"run_timeout_ms\":1.5}", "options.run_timeout_ms"},
        {"{\"fail_fast\":1}", "options.fail_fast"},
        {"{\"pools\":[]}", "options.pools"},
        {"{\"pools\":{\"db\":0}}", "options.pools.db"},
    };
    ork_workflow *w = empty();

    (void)state;
    assert_string_equal(ork_workflow_options_json(w), "{}");
    assert_int_equal(ork_workflow_options(w, text, sizeof(text) - 1, &err), 0);
    const struct ork_workflow_limits *l = ork_workflow_limits(w);
    assert_int_equal(l->max_parallel, 8);
    assert_int_equal(l->max_active_runs, 1);
    assert_int_equal(l->run_timeout_ms, 60000);
    assert_true(l->fail_fast);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (ork_workflow_options(w, bad[i].json, strlen(bad[i].json), &err) >= 0 || !strstr(err.msg, bad[i].place))
            fail_msg("%s: %s", bad[i].json, err.msg);
    assert_string_equal(
        ork_workflow_options_json(w),
        "{\"a\":{},\"fail_fast\":true,\"max_active_runs\":1,\"max_parallel\":8,\"run_timeout_ms\":60000}");
    assert_int_equal(ork_workflow_options(w, "{}", 2, &err), 0);
    assert_int_equal(l->max_parallel, 0);
    ork_workflow_unref(w);
}

static void sources_are_kept(void **state)
{
    ork_workflow *w = empty();

    (void)state;
    assert_null(ork_workflow_source_json(w));
    assert_int_equal(ork_workflow_source(w, "{ \"main\": \"a.lua\" }", 19, "/srv/etl", &err), 0);
    assert_string_equal(ork_workflow_source_json(w), "{\"main\":\"a.lua\"}");
    assert_string_equal(ork_workflow_dir(w), "/srv/etl");
    assert_int_equal(ork_workflow_source(w, "7", 1, "/elsewhere", &err), ORK_ETYPE);
    assert_string_equal(ork_workflow_dir(w), "/srv/etl");
    ork_workflow_unref(w);
}

static void references_are_counted(void **state)
{
    ork_workflow *w = empty();

    (void)state;
    assert_ptr_equal(ork_workflow_ref(w), w);
    ork_workflow_unref(w);
    assert_string_equal(ork_workflow_name(w), "etl");
    ork_workflow_unref(w);
    ork_workflow_unref(NULL);
}

/* What a task costs: definition, edges both ways, order, name table; texts of usual length. */
static void a_task_is_small(void **state)
{
    assert_true(sizeof(struct ork_task_def) <= 64);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(a_name_taken_twice_names_the_first_place),
        cmocka_unit_test(senseless_tasks_are_refused),
        cmocka_unit_test(texts_are_copied_and_shared_by_neighbours),
        cmocka_unit_test(policies_and_pools_are_shared),
        cmocka_unit_test(finding_by_name),
        cmocka_unit_test(options_are_read_and_kept),
        cmocka_unit_test(sources_are_kept),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(a_task_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
