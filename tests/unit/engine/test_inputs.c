/* SPDX-License-Identifier: MIT */
/* What a task is given: its environment without Ork's secrets, and inputs of any size. */
#include "engine/lib_engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A variable of the program that runs ork, for one test. */
static int secrets_setup(void **state)
{
    setenv("ORK_DATABASE_URL", "postgres://ork:hunter2@db/ork", 1);
    setenv("ORK_ANYTHING", "hunter2", 1);
    setenv("DATABASE_URL", "postgres://ork:hunter2@db/ork", 1);
    setenv("DATABASE_URLS", "mine", 1);
    setenv("PLAIN", "kept", 1);
    return world_setup(state);
}

static int secrets_teardown(void **state)
{
    static const char *const names[] = {"ORK_DATABASE_URL", "ORK_ANYTHING", "DATABASE_URL", "DATABASE_URLS", "PLAIN"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
    return world_teardown(state);
}

static void no_secrets_of_ours(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("env", NULL);
    char run[ORK_ID_TEXT], expected[ORK_ID_TEXT + 32];

    task(f, "a", "{\"command\":\"env >seen\",\"env\":{\"SET\":\"here\",\"PLAIN\":false}}", NULL);
    task(f, "b", "{\"command\":\"env >>seen\"}", "a");
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    assert_int_equal(system("grep -q hunter2 seen"), 256);
    assert_int_equal(system("test \"$(grep -c ^DATABASE_URLS=mine seen)\" = 2"), 0);
    assert_int_equal(system("test \"$(grep -c ^PLAIN=kept seen)\" = 1 && grep -q ^SET=here seen"), 0);
    (void)snprintf(expected, sizeof(expected), "grep -q ^ORK_RUN_ID=%s$ seen", run);
    assert_int_equal(system(expected), 0);
    static const char *const given[] = {
        "ORK_TASK_ID=.",     "ORK_TASK_NAME=a",  "ORK_TASK_INDEX=0",  "ORK_ATTEMPT=1",         "EXECUTION_ID=.",
        "ORK_OUTPUT_FILE=/", "ORK_INPUT_FILE=/", "ORK_INPUT_JSON={}", "ORK_WORKFLOW_NAME=env", "ORK_ARTIFACTS=/"};
    for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
        char cmd[100];
        (void)snprintf(cmd, sizeof(cmd), "grep -q '^%s' seen", given[i]);
        if (system(cmd) != 0)
            fail_msg("%s is not there", given[i]);
    }
    /* and none but these */
    assert_int_equal(
        system("test \"$(grep ^ORK_ seen | cut -d= -f1 | sort -u | tr '\\n' ' ')\" = "
               "'ORK_ARTIFACTS ORK_ATTEMPT ORK_ATTEMPT_KEY ORK_INPUT_FILE ORK_INPUT_JSON ORK_OUTPUT_FILE ORK_RUN_ID "
               "ORK_TASK_ID ORK_TASK_INDEX ORK_TASK_NAME ORK_WORKFLOW_NAME ' || { grep ^ORK_ seen; false; }"),
        0);
    ork_workflow_unref(f);
}

/* An output of `bytes` characters handed on. */
static void hand_on(struct world *w, const char *name, unsigned bytes, int expected)
{
    ork_workflow *f = flow(name, NULL);
    char command[256];

    (void)snprintf(command, sizeof(command),
                   "{\"command\":\"(printf '{\\\"s\\\":\\\"'; head -c %u /dev/zero | tr '\\\\0' x; printf '\\\"}') "
                   ">$ORK_OUTPUT_FILE\"}",
                   bytes);
    task(f, "a", command, NULL);
    task(f, "b",
         "{\"command\":\"wc -c <$ORK_INPUT_FILE; echo ${ORK_INPUT_JSON:+set}\",\"task_bindings\":{\"v\":{\"ref\":"
         "\"tasks.a.output.s\"}}}",
         "a");
    assert_int_equal(run_to_end(w, f, NULL), expected);
    ork_workflow_unref(f);
}

#define B "SELECT coalesce(logs, kind || ': ' || error) FROM tasks WHERE task_name='b' ORDER BY id DESC LIMIT 1"

/* {"v":"xxx"}: 8 characters around it. */
static void a_large_input(void **state)
{
    struct world *w = *state;

    hand_on(w, "small", 32 * 1024 - 9, ORK_RUN_SUCCESS);
    assert_query(w, B, "32767\nset\n");
    hand_on(w, "just", 32 * 1024 - 8, ORK_RUN_SUCCESS);
    assert_query(w, B, "32768\n\n"); /* the variable only below 32 KiB */
    hand_on(w, "large", 3000000, ORK_RUN_SUCCESS);
    assert_query(w, B, "3000008\n\n");
}

static void an_input_beyond_bounds(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("beyond", NULL);

    task(f, "a",
         "{\"command\":\"(printf '{\\\"s\\\":\\\"'; head -c 9000000 /dev/zero | tr '\\\\0' x; printf '\\\"}') "
         ">$ORK_OUTPUT_FILE\"}",
         NULL);
    task(f, "b",
         "{\"command\":[\"/bin/true\"],\"task_bindings\":{\"v\":{\"ref\":\"tasks.a.output.s\"},\"w\":{\"ref\":"
         "\"tasks.a.output.s\"}}}",
         "a");
    task(f, "c", "{\"command\":[\"echo\",{\"ref\":\"tasks.a.output.s\"}]}", "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status || coalesce(kind, '-')) FROM tasks",
                 "success-,failedinput,failedinput");
    assert_query(w, "SELECT error FROM tasks WHERE task_name='b'",
                 "the input is 18000015 bytes; at most 16777216 are handed to a task: pass a file's path instead");
    assert_query(w, "SELECT error LIKE '%$ORK_INPUT_FILE%' FROM tasks WHERE task_name='c'", "1");
    ork_workflow_unref(f);
}

/* Judged in the turn that made it ready: the row has the reason, in a long row of them too. */
static void a_when_that_cannot_be_judged_says_why(void **state)
{
    enum { LEN = 3000 };
    struct world *w = *state;
    ork_workflow *f = flow("when", NULL);
    char name[16] = "first", before[16];

    task(f, name, "{\"command\":[\"true\"]}", NULL);
    for (int i = 0; i < LEN; i++) {
        strcpy(before, name);
        (void)snprintf(name, sizeof(name), "t%d", i);
        task_with(f,
                  (struct ork_task_spec){
                      .name = name,
                      .params = "{\"command\":[\"true\"],\"when\":{\"op\":\"<\",\"left\":\"abc\",\"right\":5}}",
                      .rule = ORK_RULE_ALL_DONE,
                      .flags = ORK_TASK_HAS_WHEN,
                  },
                  before);
    }
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status = 'failed' AND kind = 'input' AND error LIKE 'when: %'",
                 "3000");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_secrets_of_ours, secrets_setup, secrets_teardown),
        cmocka_unit_test_setup_teardown(a_large_input, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(an_input_beyond_bounds, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_when_that_cannot_be_judged_says_why, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
