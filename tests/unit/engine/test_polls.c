/* SPDX-License-Identifier: MIT */
/* Waits that ask a function: short calls in a worker, on a clock that the test sets. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include "engine/lib_script.h"
#include "engine/lib_serve.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define T0 SERVE_T0
#define MINUTE INT64_C(60000)
#define JOB                                                                                                            \
    "SELECT status||' '||json_extract(job_data,'$.asked')||' '||substr(json_extract(job_data,'$.due'),12,8)||"         \
    "coalesce(' '||error,'') FROM deferred_jobs"

static _Atomic int64_t now_ms;

static void clock_at(struct world *w, int64_t ms)
{
    now_ms = ms;
    serve_clock(w->engine, &now_ms);
}

static void pass_to(struct world *w, int64_t ms)
{
    now_ms = ms;
    ork_timers_look(w->engine);
    ork_engine_turn(w->engine);
}

/* A workflow of one poll, asked every minute; its function is the text. */
static ork_workflow *polls_with(const char *text, struct ork_task_spec spec)
{
    char script[1000];

    (void)snprintf(script, sizeof(script), "w:task('p', { wait = { poll = function(input, ctx) %s end } })", text);
    ork_workflow *f = scripted(script);
    spec.name = "p";
    spec.executor = ORK_EXEC_WAIT;
    spec.params = "{\"task_bindings\":{\"n\":{\"const\":3}},\"wait\":{\"every_ms\":60000,\"poll\":true}}";
    task_with(f, spec, NULL);
    seal(f);
    return f;
}

/* It waits, and its first instant has come. */
static struct ork_started begin(struct world *w, ork_workflow *f)
{
    clock_at(w, T0);
    struct ork_started s = start(w, f);
    until(w, "p", ORK_TASK_RUNNING);
    pass_to(w, T0);
    return s;
}

static ork_workflow *polls(const char *text)
{
    return polls_with(text, (struct ork_task_spec){0});
}

static void until_something_is_returned(void **state)
{
    struct world *w = *state;
    ork_workflow *f = polls("local f = io.open('answer') if not f then return end "
                            "local s = f:read('l') f:close() if s == 'no' then return false end "
                            "if s == 'broken' then error('cannot ask') end return { said = s, n = input.n }");

    struct ork_started s = begin(w, f);
    until_query(w, JOB, "polling 1 00:01:00"); /* at once, and nil */
    assert_int_equal(system("echo no >answer"), 0);
    pass_to(w, T0 + MINUTE - 1);
    serve_rest(w);
    assert_null(w->engine->runs->questions);
    pass_to(w, T0 + MINUTE);
    until_query(w, JOB, "polling 2 00:02:00");
    assert_int_equal(system("echo broken >answer"), 0);
    pass_to(w, T0 + 2 * MINUTE);
    until_query(w, JOB, "polling 3 00:03:00 w.lua:3: cannot ask");
    assert_query(w, "SELECT status||attempt||attempts FROM tasks", "running10"); /* no failure of the task */
    assert_int_equal(system("echo yes >answer"), 0);
    pass_to(w, T0 + 7 * MINUTE + 5); /* asleep meanwhile: one call, no more */
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT output FROM tasks", "{\"n\":3,\"said\":\"yes\"}");
    assert_query(w, JOB, "completed 4 00:03:00");
    assert_query(w, "SELECT count(*) FROM task_attempts", "0");
    ork_workflow_unref(f);
}

static void what_will_not_change_fails_it(void **state)
{
    struct world *w = *state;
    ork_workflow *f = polls("ctx.fail('gone for good', { retry = false })");

    struct ork_started s = begin(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error FROM tasks", "errorgone for good");
    ork_workflow_unref(f);
}

static void a_call_has_a_limit(void **state)
{
    struct world *w = *state;
    ork_workflow *f = polls("ctx.sleep('1h')");

    assert_int_equal(setenv("ORK_QUESTION_MS", "200", 1), 0);
    (void)begin(w, f);
    until_query(w, JOB, "polling 1 00:01:00 it took longer than 0.2s");
    assert_int_equal(unsetenv("ORK_QUESTION_MS"), 0);
    assert_query(w, "SELECT status FROM tasks", "running");
    ork_workflow_unref(f);
}

/* The worker dies in it: that call failed, the next is made in another worker. */
static void a_call_may_kill_its_worker(void **state)
{
    struct world *w = *state;
    ork_workflow *f = polls("if not os.rename('first', 'second') then return 1 end os.execute('kill -9 $PPID')");

    assert_int_equal(system("touch first"), 0);
    struct ork_started s = begin(w, f);
    until_query(w, JOB, "polling 1 00:01:00 lost: its worker was ended by signal 9 (SIGKILL)");
    pass_to(w, T0 + MINUTE);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT lost||attempt FROM tasks", "01");
    ork_workflow_unref(f);
}

/* Its timeout ends a call that is under way, and so does a cancel. */
static void ended_while_it_asks(void **state)
{
    struct world *w = *state;
    ork_workflow *f = polls_with("local f = io.open('asks', 'w') f:write('asked\\n') f:close() ctx.sleep('1h')",
                                 (struct ork_task_spec){.timeout_ms = 10 * MINUTE});

    gate_make("asks");
    for (int cancel = 0; cancel < 2; cancel++) {
        struct ork_started s = begin(w, f);
        gate_hear(w, "asks", "asked");
        if (cancel)
            command(w, s.run_id, "cancel", NULL, "done");
        else
            pass_to(w, T0 + 10 * MINUTE);
        assert_int_equal(wait_end(w, s.run_id), cancel ? ORK_RUN_CANCELLED : ORK_RUN_FAILED);
    }
    assert_query(w, "SELECT group_concat(error) FROM (SELECT * FROM deferred_jobs ORDER BY error)",
                 "cancelled,timeout after 10m");
    ork_workflow_unref(f);
}

/* ---- killed ---- */

static void asks_once(struct world *w, struct helper *me)
{
    (void)begin(w, polls("return io.open('answer') and 'yes' or nil"));
    until_query(w, JOB, "polling 1 00:01:00");
    helper_tell(me, 'r');
    for (;;)
        (void)ork_engine_step(w->engine, true);
}

static void claim(struct world *w, char run[ORK_ID_TEXT])
{
    ork_err err = {0};

    last_run(w, run);
    if (ork_run_claim(w->engine, run, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

static void killed_between_two_calls(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, asks_once);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    clock_at(w, T0 + MINUTE / 2);
    claim(w, run);
    serve_rest(w);
    assert_query(w, JOB, "polling 1 00:01:00"); /* not before its time */
    assert_int_equal(system("touch answer"), 0);
    pass_to(w, T0 + MINUTE);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, JOB, "completed 2 00:01:00");
}

static void asks_for_ever(struct world *w, struct helper *me)
{
    (void)me;
    (void)begin(w, polls("local f = io.open('asks', 'w') f:write('asked\\n') f:close() "
                         "if io.open('answer') then return 'yes' end ctx.sleep('1h')"));
    for (;;)
        (void)ork_engine_step(w->engine, true);
}

/* Nobody heard its answer: it is asked again, under the same number. */
static void killed_while_it_asks(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT], line[16] = "";

    gate_make("asks");
    struct helper h = helper_start(w, asks_for_ever);
    FILE *f = fopen("asks", "re");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    (void)fclose(f);
    helper_kill(&h);
    world_engine(w);
    clock_at(w, T0 + 5);
    assert_query(w, JOB, "pending 0 00:00:00");
    assert_int_equal(system("touch answer"), 0);
    claim(w, run);
    pass_to(w, T0 + 5);
    gate_hear(w, "asks", "asked");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, JOB, "completed 1 00:00:00");
    assert_query(w, "SELECT attempt||lost FROM tasks", "10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(until_something_is_returned, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_will_not_change_fails_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_call_has_a_limit, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_call_may_kill_its_worker, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(ended_while_it_asks, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(killed_between_two_calls, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_while_it_asks, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
