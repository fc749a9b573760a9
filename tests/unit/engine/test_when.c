/* SPDX-License-Identifier: MIT */
/* Functions that decide whether a task runs, asked in a worker before anything of it is recorded. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include "engine/lib_script.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASKS "local f = io.open('asks', 'w') f:write('asked\\n') f:close() "

/* A command that leaves its name, if its function says so; what it is given: {n = 3}. */
static ork_workflow *asked_with(const char *text, struct ork_retry_spec retry)
{
    char script[1000];

    (void)snprintf(script, sizeof(script), "w:task('t', { command = 'x', when = function(input, ctx) %s end })", text);
    ork_workflow *f = scripted(script);
    task_with(f,
              (struct ork_task_spec){.name = "t",
                                     .params = "{\"command\":\"echo t >>ran\",\"task_bindings\":{\"n\":{\"const\":3}},"
                                               "\"when\":{\"function\":true}}",
                                     .flags = ORK_TASK_HAS_WHEN,
                                     .retry = retry},
              NULL);
    task(f, "after", "{\"command\":[\"/bin/true\"]}", "t");
    seal(f);
    return f;
}

static ork_workflow *asked(const char *text)
{
    return asked_with(text, (struct ork_retry_spec){0});
}

static int play(struct world *w, ork_workflow *f)
{
    struct ork_started s = start(w, f);
    int status = wait_end(w, s.run_id);

    ork_workflow_unref(f);
    return status;
}

static void decides_by_its_inputs(void **state)
{
    struct world *w = *state;

    assert_int_equal(play(w, asked("return input.n == 3")), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status||attempt) FROM tasks", "success1,success1");
    assert_int_equal(play(w, asked("print('no') return input.n == 4")), ORK_RUN_SUCCESS);
    assert_query(
        w,
        "SELECT group_concat(status||attempt||coalesce(error,'')) FROM (SELECT * FROM tasks ORDER BY id DESC LIMIT 2)",
        "skipped0`t` is skipped, so its rule all_success cannot come true,skipped0its `when` is false");
    assert_int_equal(play(w, asked("")), ORK_RUN_SUCCESS); /* nothing is no */
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='skipped'", "4");
    assert_int_equal(system("test \"$(cat ran)\" = t"), 0);
}

static void an_error_fails_it(void **state)
{
    struct world *w = *state;

    assert_int_equal(play(w, asked_with("error('cannot tell')", (struct ork_retry_spec){.limit = 2, .delay_ms = 1})),
                     ORK_RUN_FAILED);
    assert_query(w, "SELECT status||kind||attempts||error FROM tasks WHERE task_name='t'",
                 "failederror3when: w.lua:3: cannot tell");
    assert_query(w, "SELECT status||error FROM tasks WHERE task_name='after'", "skipped`t` failed");
    assert_int_equal(access("ran", F_OK), -1);
}

/* What it says of trying again counts as an attempt's word does. */
static void says_whether_and_when_again(void **state)
{
    struct world *w = *state;
    const struct ork_retry_spec now = {.limit = 2, .delay_ms = 1}, never = {.limit = 2, .delay_ms = 3600000};

    assert_int_equal(play(w, asked_with("ctx.fail('never', { retry = false })", now)), ORK_RUN_FAILED);
    assert_query(w, "SELECT status||attempts||error FROM tasks WHERE task_name='t'", "failed1when: never");
    assert_int_equal(play(w, asked_with("local f = io.open('once') if f then return true end\n"
                                        "io.open('once', 'w'):close() ctx.fail('soon', { after = '1ms' })",
                                        never)),
                     ORK_RUN_SUCCESS);
}

static void is_decided_once(void **state)
{
    struct world *w = *state;
    char script[] = "local n = io.open('asked', 'a') n:write('x') n:close() return true";
    ork_workflow *f = asked_with(script, (struct ork_retry_spec){.limit = 1, .delay_ms = 1});

    assert_int_equal(system("mkdir ran"), 0); /* the command fails, and is tried again */
    assert_int_equal(play(w, f), ORK_RUN_FAILED);
    assert_query(w, "SELECT attempt FROM tasks WHERE task_name='t'", "2");
    assert_int_equal(system("test \"$(cat asked)\" = x"), 0);
}

static void is_asked(struct world *w, struct helper *me)
{
    (void)me;
    (void)start(w, asked(ASKS "if io.open('answer') then return true end ctx.sleep('1h')"));
    for (;;)
        (void)ork_engine_step(w->engine, true);
}

static void killed_while_it_is_asked(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT], line[16] = "";
    ork_err err = {0};

    gate_make("asks");
    struct helper h = helper_start(w, is_asked);
    FILE *f = fopen("asks", "re");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    (void)fclose(f);
    helper_kill(&h);
    world_engine(w);
    assert_query(w, "SELECT status||attempt FROM tasks WHERE task_name='t'", "pending0");
    assert_int_equal(system("touch answer"), 0);
    last_run(w, run);
    assert_int_equal(ork_run_claim(w->engine, run, &err), 0);
    gate_hear(w, "asks", "asked");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT attempt||lost FROM tasks WHERE task_name='t'", "10");
}

/* A pause takes the question back and asks it again; a cancel ends it. */
static void withdrawn_while_it_is_asked(void **state)
{
    struct world *w = *state;
    ork_workflow *f = asked(ASKS "ctx.sleep('1h')");

    gate_make("asks");
    struct ork_started s = start(w, f);
    gate_hear(w, "asks", "asked");
    command(w, s.run_id, "pause", NULL, "done");
    until(w, NULL, ORK_RUN_PAUSED);
    command(w, s.run_id, "resume", NULL, "done");
    gate_hear(w, "asks", "asked");
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decides_by_its_inputs, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(an_error_fails_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(says_whether_and_when_again, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_decided_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(killed_while_it_is_asked, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(withdrawn_while_it_is_asked, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
