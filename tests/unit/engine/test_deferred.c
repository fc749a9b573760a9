/* SPDX-License-Identifier: MIT */
/* Tasks that only wait, on a clock that the test sets: until an instant, for an approval, with a timeout; and what is
 * left of them after SIGKILL between any two of their steps. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include "engine/lib_serve.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define T0 SERVE_T0
#define MINUTE INT64_C(60000)
#define HALF_AN_HOUR "{\"wait\":{\"ms\":1800000}}"
#define SHIP "{\"wait\":{\"approval\":\"Ship?\"}}"
#define TRUE "{\"command\":[\"/bin/true\"]}"
#define JOBS                                                                                                           \
    "SELECT coalesce(group_concat(service_type||' '||d.status||coalesce(' '||d.error,''),';'),'') FROM "               \
    "(SELECT * FROM deferred_jobs ORDER BY created_at, service_type DESC) d"
#define APPROVE "{\"task\":\"gate\",\"by\":\"ann\",\"comment\":\"looks good\"}"
#define REJECT "{\"task\":\"gate\",\"by\":\"bob\",\"comment\":\"not today\"}"

static _Atomic int64_t now_ms;

static void clock_at(struct world *w, int64_t ms)
{
    now_ms = ms;
    serve_clock(w->engine, &now_ms);
}

/* Time passes until then, and what is due happens. */
static void pass_to(struct world *w, int64_t ms)
{
    now_ms = ms;
    ork_timers_look(w->engine);
    ork_engine_turn(w->engine);
    serve_rest(w);
}

static uint32_t waits_with(ork_workflow *f, struct ork_task_spec spec, const char *deps)
{
    spec.executor = ORK_EXEC_WAIT;
    return task_with(f, spec, deps);
}

static uint32_t waits(ork_workflow *f, const char *name, const char *params, const char *deps)
{
    return waits_with(f, (struct ork_task_spec){.name = name, .params = params}, deps);
}

static void claim(struct world *w, char run[ORK_ID_TEXT])
{
    ork_err err = {0};

    last_run(w, run);
    if (ork_run_claim(w->engine, run, &err) != 0)
        fail_msg("claim: %s", err.msg);
    serve_rest(w);
}

/* ---- until an instant ---- */

static void holds_no_place(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", "{\"max_parallel\":1}");

    w->jobs = 1;
    world_reopen(w);
    clock_at(w, T0);
    for (int i = 0; i < 50; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "w%d", i);
        waits(f, name, HALF_AN_HOUR, NULL);
    }
    task(f, "a", TRUE, NULL);
    task(f, "b", TRUE, NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "b", ORK_TASK_SUCCESS);
    serve_rest(w);
    assert_query(w, "SELECT group_concat(status||n) FROM (SELECT status, count(*) n FROM tasks GROUP BY 1 ORDER BY 1)",
                 "running50,success2");
    assert_query(w, "SELECT count(DISTINCT task_id)||min(status)||max(status) FROM deferred_jobs", "50pendingpending");
    assert_query(w, "SELECT count(*) FROM task_attempts a JOIN tasks t ON t.id=a.task_id WHERE executor_type='wait'",
                 "0");
    pass_to(w, T0 + 30 * MINUTE - 1);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='running'", "50");
    pass_to(w, T0 + 30 * MINUTE);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w,
                 "SELECT count(*)||min(d.status) FROM deferred_jobs d JOIN tasks t ON t.id=d.task_id WHERE "
                 "t.finished_at=d.finished_at AND t.started_at=d.started_at",
                 "50completed");
    ork_workflow_unref(f);
}

static void needs_no_agent(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", NULL);

    waits(f, "a", "{\"wait\":{\"ms\":1}}", NULL); /* on the real clock: the kernel's timer rings */
    waits(f, "b", "{\"wait\":{\"at\":\"2020-01-01T00:00:00Z\"}}", "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status||attempt||executor_type) FROM tasks", "success1wait,success1wait");
    assert_query(w,
                 "SELECT json_extract(job_data,'$.due') FROM deferred_jobs d JOIN tasks t ON t.id=d.task_id WHERE "
                 "task_name='b'",
                 "2020-01-01T00:00:00.000Z");
    assert_int_equal(access("agent/lock", F_OK), -1);
    ork_workflow_unref(f);
}

static void a_time_it_cannot_read_fails_it(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", NULL);

    task(f, "say", "{\"command\":\"echo '{\\\"at\\\":\\\"soon\\\"}' >$ORK_OUTPUT_FILE\"}", NULL);
    waits(f, "a", "{\"wait\":{\"at\":{\"ref\":\"tasks.say.output.at\"}}}", "say");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error FROM tasks WHERE task_name='a'",
                 "inputwait: wants a span such as 30m, or a time such as 2026-12-01T08:00:00Z, got soon");
    assert_query(w, JOBS, "");
    ork_workflow_unref(f);
}

/* ---- killed ---- */

static ork_workflow *timer_and_next(void)
{
    ork_workflow *f = flow("w", NULL);

    waits_with(f, (struct ork_task_spec){.name = "a", .params = HALF_AN_HOUR, .timeout_ms = 3600000}, NULL);
    task(f, "next", "{\"command\":\"echo next >>ran\"}", "a");
    seal(f);
    return f;
}

static void begins(struct world *w, struct helper *me)
{
    clock_at(w, T0);
    (void)start(w, timer_and_next());
    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    for (;;)
        (void)ork_engine_step(w->engine, true);
}

/* Twice on the way: the instant is that of the first start, whoever waits for it. */
static void killed_while_it_waits(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    for (int i = 1; i <= 2; i++) {
        world_engine(w);
        clock_at(w, T0 + i * 10 * MINUTE);
        claim(w, run);
        assert_query(w, "SELECT status||attempt||lost||started_at FROM tasks WHERE task_name='a'",
                     "running102030-01-01T00:00:00.000Z");
        assert_query(w, JOBS, "timer pending");
        if (i == 1)
            world_leave(w);
    }
    pass_to(w, T0 + 30 * MINUTE - 1);
    assert_query(w, "SELECT status FROM tasks WHERE task_name='a'", "running");
    pass_to(w, T0 + 30 * MINUTE);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, JOBS, "timer completed");
    assert_query(w, "SELECT attempt||finished_at FROM tasks WHERE task_name='a'", "12030-01-01T00:30:00.000Z");
}

static void ends_unheard(struct world *w, struct helper *me)
{
    (void)me;
    clock_at(w, T0);
    (void)start(w, timer_and_next());
    until(w, "a", ORK_TASK_RUNNING);
    now_ms = T0 + 30 * MINUTE;
    ork_timers_look(w->engine); /* its end is in memory */
    (void)kill(getpid(), SIGKILL);
}

static void killed_at_its_end(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, ends_unheard);

    helper_gone(&h);
    world_engine(w);
    clock_at(w, T0 + 45 * MINUTE);
    assert_query(w, "SELECT status FROM tasks WHERE task_name='a'", "running");
    claim(w, run);
    pass_to(w, T0 + 45 * MINUTE); /* it is late: at once */
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT attempt FROM tasks WHERE task_name='a'", "1");
    assert_query(w, "SELECT count(*) FROM deferred_jobs", "1");
    assert_int_equal(system("test \"$(cat ran)\" = next"), 0);
}

static void starts_unheard(struct world *w, struct helper *me)
{
    (void)me;
    clock_at(w, T0);
    ork_workflow *f = flow("w", NULL);
    waits(f, "gate", SHIP, NULL);
    waits(f, "a", HALF_AN_HOUR, "gate");
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    ork_id id = w->engine->runs->id;
    struct ork_buf outcome = ORK_BUF_INIT;
    ork_deferred_decide(ork_active_find(w->engine, &id), true, APPROVE, &outcome);
    ork_dispatch_pump(w->engine); /* `a` waits, in memory */
    assert_int_equal(w->engine->runs->run.tasks[1].status, ORK_TASK_RUNNING);
    (void)s;
    (void)kill(getpid(), SIGKILL);
}

/* A start that nobody stored counts for nothing: the time begins with the start that is stored. */
static void killed_before_its_start_is_stored(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, starts_unheard);

    helper_gone(&h);
    world_engine(w);
    clock_at(w, T0 + 10 * MINUTE);
    assert_query(w, JOBS, "approval pending");
    claim(w, run);
    command(w, run, "approve", APPROVE, "done");
    until(w, "a", ORK_TASK_RUNNING);
    serve_rest(w);
    assert_query(w,
                 "SELECT attempt||json_extract(job_data,'$.due') FROM tasks t JOIN deferred_jobs d ON d.task_id=t.id "
                 "WHERE task_name='a'",
                 "12030-01-01T00:40:00.000Z");
    pass_to(w, T0 + 40 * MINUTE);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
}

/* What a row says cannot be read: the attempt is lost, and made again. */
static void a_damaged_row_is_begun_again(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, begins);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    change_rows(w, "UPDATE deferred_jobs SET job_data='{\"attempt\":1}'");
    clock_at(w, T0 + 10 * MINUTE);
    claim(w, run);
    assert_query(w, "SELECT status||attempt||lost FROM tasks WHERE task_name='a'", "running21");
    pass_to(w, T0 + 40 * MINUTE);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
}

/* ---- its end by others ---- */

static void the_timeout_counts_from_the_start(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", NULL);
    char run[ORK_ID_TEXT];

    clock_at(w, T0);
    waits_with(f,
               (struct ork_task_spec){
                   .name = "gate", .params = SHIP, .timeout_ms = 600000, .retry = {.limit = 1, .delay_ms = 60000}},
               NULL);
    seal(f);
    (void)start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    world_leave(w);
    world_engine(w);
    clock_at(w, T0 + 5 * MINUTE);
    claim(w, run);
    pass_to(w, T0 + 10 * MINUTE - 1);
    assert_query(w, JOBS, "approval pending");
    pass_to(w, T0 + 10 * MINUTE);
    assert_query(w, JOBS, "approval failed timeout after 10m");
    assert_query(w, "SELECT status||attempts||kind FROM tasks", "pending1timeout");
    pass_to(w, T0 + 11 * MINUTE); /* again, with all of its time */
    assert_query(w, JOBS, "approval failed timeout after 10m;approval pending");
    pass_to(w, T0 + 21 * MINUTE - 1);
    assert_query(w, "SELECT status||attempt FROM tasks", "running2");
    pass_to(w, T0 + 21 * MINUTE);
    assert_int_equal(wait_end(w, run), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(attempt||status||kind||error) FROM task_attempts",
                 "1failedtimeouttimeout after 10m,2failedtimeouttimeout after 10m");
    ork_workflow_unref(f);
}

static void cancel_ends_it_at_once(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", NULL);

    clock_at(w, T0);
    waits(f, "a", HALF_AN_HOUR, NULL);
    waits(f, "gate", SHIP, NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, JOBS, "timer cancelled cancelled;approval cancelled cancelled");
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled");
    ork_workflow_unref(f);
}

/* Killed while the cancel is carried out: who has the run next goes on with that. */
static void cancelled_unheard(struct world *w, struct helper *me)
{
    (void)me;
    clock_at(w, T0);
    (void)start(w, timer_and_next());
    until(w, "a", ORK_TASK_RUNNING);
    change_rows(w, "UPDATE runs SET cancel_reason=1"); /* as its commit says, before the waits end */
    (void)kill(getpid(), SIGKILL);
}

static void a_cancel_outlives_its_owner(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, cancelled_unheard);

    helper_gone(&h);
    world_engine(w);
    clock_at(w, T0 + MINUTE);
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_CANCELLED);
    assert_query(w, JOBS, "timer cancelled cancelled");
}

/* A wait goes on while its run is paused, as a process does; what follows it does not start. */
static void a_pause_holds_what_follows(void **state)
{
    struct world *w = *state;
    ork_workflow *f = timer_and_next();

    clock_at(w, T0);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    command(w, s.run_id, "pause", NULL, "done");
    until(w, NULL, ORK_RUN_PAUSED);
    pass_to(w, T0 + 30 * MINUTE);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "success,pending");
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* ---- approvals ---- */

static ork_workflow *gated(struct ork_retry_spec retry)
{
    ork_workflow *f = flow("w", NULL);

    waits_with(f,
               (struct ork_task_spec){.name = "gate",
                                      .params = SHIP,
                                      .retry = retry,
                                      .signature = "{\"output_type\":{\"by\":\"str\",\"comment\":\"str?\"}}"},
               NULL);
    task(f, "ship", "{\"command\":[\"sh\",\"-c\",\"echo \\\"$0\\\" >>ran\",{\"ref\":\"tasks.gate.output.by\"}]}",
         "gate");
    seal(f);
    return f;
}

static void an_approval_is_its_output(void **state)
{
    struct world *w = *state;
    ork_workflow *f = gated((struct ork_retry_spec){0});

    struct ork_started s = start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    command(w, s.run_id, "approve", APPROVE, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT output FROM tasks WHERE task_name='gate'", "{\"by\":\"ann\",\"comment\":\"looks good\"}");
    assert_query(w, "SELECT job_data FROM deferred_jobs",
                 "{\"attempt\":1,\"by\":\"ann\",\"comment\":\"looks good\",\"text\":\"Ship?\"}");
    assert_query(w,
                 "SELECT c.kind||outcome||(c.task_id=t.id)||(c.done_at IS NOT NULL) FROM commands c, tasks t WHERE "
                 "task_name='gate'",
                 "approvedone11");
    assert_int_equal(system("test \"$(cat ran)\" = ann"), 0);
    ork_workflow_unref(f);
}

/* A no is not tried again, unless that was asked for by name. */
static void a_rejection_fails_it(void **state)
{
    struct world *w = *state;
    ork_workflow *f = gated((struct ork_retry_spec){.limit = 3});
    char run[ORK_ID_TEXT];

    struct ork_started s = start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    command(w, s.run_id, "reject", REJECT, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||attempt||error FROM tasks WHERE task_name='gate'",
                 "rejected1rejected by bob: not today");
    assert_query(w, "SELECT status||error FROM tasks WHERE task_name='ship'", "skipped`gate` failed");
    assert_query(w, JOBS, "approval failed rejected by bob: not today");
    assert_query(w, "SELECT json_extract(job_data,'$.by') FROM deferred_jobs", "bob");
    command(w, s.run_id, "retry", NULL, "sent"); /* and asked anew */
    claim(w, run);
    until(w, "gate", ORK_TASK_RUNNING);
    command(w, s.run_id, "approve", "{\"task\":\"gate\",\"by\":\"ann\"}", "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT output FROM tasks WHERE task_name='gate'", "{\"by\":\"ann\",\"comment\":null}");
    ork_workflow_unref(f);
}

static void refused(struct world *w, const char *run, const char *args, int code, const char *says)
{
    ork_err err = {0};
    int rc = ork_run_command(w->engine, run, "approve", args, NULL, &err);

    if (rc != code || !strstr(err.msg, says))
        fail_msg("%s: %d %s", args, rc, err.msg);
}

static void who_waits_for_none_is_not_approved(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("w", NULL);

    waits(f, "gate", SHIP, NULL);
    waits(f, "second", SHIP, "gate");
    waits(f, "a", HALF_AN_HOUR, NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    refused(w, s.run_id, "{\"task\":\"gat\",\"by\":\"x\"}", ORK_ENOTFOUND, "did you mean `gate`?");
    refused(w, s.run_id, "{\"task\":\"a\",\"by\":\"x\"}", ORK_ESTATE, "`a` asks for no approval");
    refused(w, s.run_id, "{\"task\":\"second\",\"by\":\"x\"}", ORK_ESTATE,
            "`second` does not wait for its approval yet");
    refused(w, s.run_id, "{\"by\":\"x\"}", ORK_EINVAL, "whose approval?");
    command(w, s.run_id, "approve", APPROVE, "done");
    until(w, "second", ORK_TASK_RUNNING);
    refused(w, s.run_id, APPROVE, ORK_ESTATE, "`gate` waits for no approval any more (success)");
    assert_query(w, "SELECT count(*) FROM commands", "1");
    ork_workflow_unref(f);
}

static void asks(struct world *w, struct helper *me)
{
    ork_workflow *f = gated((struct ork_retry_spec){0});

    (void)start(w, f);
    until(w, "gate", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    until(w, NULL, ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void from_another_program(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, asks);

    helper_hear(&h, 'r');
    world_engine(w);
    last_run(w, run);
    command(w, run, "approve", APPROVE, "sent");
    helper_end(&h);
    assert_query(w, "SELECT outcome FROM commands", "done");
    assert_query(w, "SELECT status FROM runs", "success");
}

/* Nobody owns the run: the wish is kept, once, and counts when somebody does. */
static void without_an_owner(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, asks);

    helper_hear(&h, 'r');
    helper_kill(&h);
    world_engine(w);
    last_run(w, run);
    command(w, run, "approve", APPROVE, "sent");
    refused(w, run, REJECT, ORK_ESTATE, "`gate` was approved by ann already; that counts as soon as somebody goes on");
    assert_query(w, "SELECT status FROM tasks WHERE task_name='gate'", "running");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(kind||outcome) FROM commands", "approvedone");
}

static void decides_unheard(struct world *w, struct helper *me)
{
    struct ork_buf outcome = ORK_BUF_INIT;

    (void)me;
    (void)start(w, gated((struct ork_retry_spec){0}));
    until(w, "gate", ORK_TASK_RUNNING);
    serve_rest(w);
    change_rows(
        w, "INSERT INTO commands (id, run_id, task_id, kind, args, \"by\", created_at) SELECT randomblob(16), run_id, "
           "id, 'approve', '" APPROVE "', 'cli', '2026-01-01T00:00:00.000Z' FROM tasks WHERE task_name='gate'");
    ork_deferred_decide(w->engine->runs, true, APPROVE, &outcome);
    assert_string_equal(outcome.data, "done"); /* in memory */
    (void)kill(getpid(), SIGKILL);
}

static void killed_while_it_is_decided(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    struct helper h = helper_start(w, decides_unheard);

    helper_gone(&h);
    world_engine(w);
    assert_query(w, JOBS, "approval pending");
    claim(w, run);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, JOBS, "approval completed");
    assert_query(w, "SELECT outcome FROM commands", "done");
    assert_int_equal(system("test \"$(cat ran)\" = ann"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds_no_place, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(needs_no_agent, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_time_it_cannot_read_fails_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(killed_while_it_waits, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_at_its_end, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_before_its_start_is_stored, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_row_is_begun_again, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(the_timeout_counts_from_the_start, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancel_ends_it_at_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_outlives_its_owner, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_pause_holds_what_follows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(an_approval_is_its_output, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_rejection_fails_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(who_waits_for_none_is_not_approved, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(from_another_program, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(without_an_owner, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_while_it_is_decided, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
