/* SPDX-License-Identifier: MIT */
/* Who may start when: slots, pools and turns shared with other processes, priority, fairness, waiting too long. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"
/* Fails when more than two of its kind are at work. */
#define ONE_OF_TWO                                                                                                     \
    "{\"command\":\"mkdir p1 2>/dev/null && p=p1 || { mkdir p2 2>/dev/null && p=p2; } || exit 9; sleep 0.02; rmdir "   \
    "$p\"}"

static ork_workflow *made;

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

static ork_workflow *many(const char *name, const char *options, int n, struct ork_task_spec spec)
{
    ork_workflow *f = flow(name, options);
    char task_name[16];

    for (int i = 0; i < n; i++) {
        (void)snprintf(task_name, sizeof(task_name), "t%d", i);
        spec.name = task_name;
        task_with(f, spec, NULL);
    }
    seal(f);
    return f;
}

static void runs_made(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    helper_tell(me, 'r');
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
}

/* Owner of a run of `made` whose task `a` runs. */
static void owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

/* ---- pools ---- */

static void two_processes_share_a_pool(void **state)
{
    struct world *w = *state;
    struct ork_task_spec spec = {.params = ONE_OF_TWO, .pool = "db", .pool_slots = 1};
    ork_workflow *mine = many("mine", "{\"pools\":{\"db\":2}}", 15, spec);

    made = many("theirs", "{\"pools\":{\"db\":2}}", 15, spec);
    struct helper h = helper_start(w, runs_made);
    helper_hear(&h, 'r');
    world_engine(w);
    struct ork_started s = start(w, mine);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    helper_end(&h);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND attempt=1", "30");
    assert_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    ork_workflow_unref(mine);
    ork_workflow_unref(made);
}

static ork_workflow *holds_the_pool(const char *name, const char *params)
{
    ork_workflow *f = flow(name, "{\"pools\":{\"db\":1}}");

    task_with(f, (struct ork_task_spec){.name = "a", .params = params, .pool = "db", .pool_slots = 1}, NULL);
    seal(f);
    return f;
}

/* The kernel tells of its death; nobody has to ring. */
static void a_dead_holder_gives_its_slots_back(void **state)
{
    struct world *w = *state;
    ork_workflow *mine = holds_the_pool("mine", TRUE);
    int status;
    ork_err err = {0};

    gate_make("go");
    made = holds_the_pool("theirs", "{\"command\":\"read x <go\"}");
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    world_engine(w);
    struct ork_started s = start(w, mine);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 150, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT status FROM tasks ORDER BY id DESC LIMIT 1", "pending");
    helper_kill(&h);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    gate_open("go");
    ork_workflow_unref(mine);
    ork_workflow_unref(made);
}

/* Its process runs on under the agent; who takes the run up holds the slot again. */
static void an_adopted_attempt_holds_its_slots(void **state)
{
    struct world *w = *state;
    ork_workflow *mine = holds_the_pool("mine", "{\"command\":\"echo mine >>ran\"}");
    char run[ORK_ID_TEXT];
    int status;
    ork_err err = {0};

    gate_make("go");
    made = holds_the_pool("theirs", "{\"command\":\"read x <go; echo theirs >>ran\"}");
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run);
    world_engine(w);
    claim(w, run);
    struct ork_started s = start(w, mine);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 150, &status, &err), ORK_ETIMEDOUT);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(system("test \"$(tr '\\n' ' ' <ran)\" = 'theirs mine '"), 0);
    assert_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    ork_workflow_unref(mine);
    ork_workflow_unref(made);
}

/* While its owner was dead another took the slot: two run, and the next waits for both. */
static void a_pool_over_its_size_shrinks_first(void **state)
{
    struct world *w = *state;
    ork_workflow *mine = holds_the_pool("mine", "{\"command\":\"read x <two\"}");
    ork_workflow *third = holds_the_pool("third", "{\"command\":\"echo third >>ran\"}");
    char run[ORK_ID_TEXT];
    int status;
    ork_err err = {0};

    gate_make("one two");
    made = holds_the_pool("theirs", "{\"command\":\"read x <one\"}");
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run);
    world_engine(w);
    struct ork_started s = start(w, mine);
    until(w, "a", ORK_TASK_RUNNING);
    claim(w, run);
    struct ork_started t = start(w, third);
    until_query(w, "SELECT sum(used) FROM pool_use", "2");
    gate_open("one");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_int_equal(ork_run_wait(w->engine, t.run_id, 150, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT sum(used) FROM pool_use", "1");
    assert_int_equal(access("ran", F_OK), -1);
    gate_open("two");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(wait_end(w, t.run_id), ORK_RUN_SUCCESS);
    until_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    ork_workflow_unref(mine);
    ork_workflow_unref(third);
    ork_workflow_unref(made);
}

/* A slot is for a task that runs: one that only waits in the agent's queue takes none from others. */
static void what_waits_for_the_agent_holds_no_slot(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("theirs", "{\"pools\":{\"db\":2}}");
    ork_workflow *mine = flow("mine", "{\"pools\":{\"db\":2}}");

    gate_make("go");
    w->jobs = 1;
    task_with(mine, (struct ork_task_spec){.name = "a", .params = TRUE, .pool = "db", .pool_slots = 1}, NULL);
    seal(mine);
    task_with(
        f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <go\"}", .pool = "db", .pool_slots = 1},
        NULL);
    for (int i = 0; i < 8; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t%d", i);
        task_with(f, (struct ork_task_spec){.name = name, .params = TRUE, .pool = "db", .pool_slots = 1}, NULL);
    }
    seal(f);
    made = f;
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    w->jobs = 4; /* the host has room, the pool too */
    world_engine(w);
    struct ork_started s = start(w, mine);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    gate_open("go");
    helper_end(&h);
    ork_workflow_unref(f);
    ork_workflow_unref(mine);
}

/* ---- max_active_runs, max_parallel ---- */

static ork_workflow *one_at_a_time(void)
{
    ork_workflow *f = flow("turns", "{\"max_active_runs\":1}");

    task(f, "a", "{\"command\":\"mkdir busy || exit 9; echo x >>ran; read x <go; rmdir busy\"}", NULL);
    seal(f);
    return f;
}

static void one_active_run_over_two_processes(void **state)
{
    struct world *w = *state;
    ork_workflow *f = made = one_at_a_time();
    int status;
    ork_err err = {0};

    gate_make("go");
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    world_engine(w);
    struct ork_started s = start(w, f), third = start(w, f);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 150, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT group_concat(status) FROM (SELECT status FROM runs ORDER BY id)",
                 "running,pending,pending");
    gate_open("go");
    helper_end(&h);
    until(w, "a", ORK_TASK_RUNNING);
    gate_open("go");
    until(w, "a", ORK_TASK_RUNNING);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(wait_end(w, third.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND attempt=1", "3");
    ork_workflow_unref(f);
}

/* A run that was taken up has its turn still: the next waits until it ended. */
static void a_run_that_was_taken_up_keeps_its_turn(void **state)
{
    struct world *w = *state;
    ork_workflow *f = made = one_at_a_time();
    char run[ORK_ID_TEXT];
    int status;
    ork_err err = {0};

    gate_make("go");
    struct helper h = helper_start(w, owner);
    helper_hear(&h, 'r');
    helper_kill(&h);
    last_run(w, run);
    world_engine(w);
    claim(w, run);
    struct ork_started s = start(w, f);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 150, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT status FROM runs ORDER BY id DESC LIMIT 1", "pending");
    w->seen = w->changes;
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    until(w, "a", ORK_TASK_RUNNING);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    ork_workflow_unref(f);
}

static void a_waiting_run_can_be_cancelled(void **state)
{
    struct world *w = *state;
    ork_workflow *f = one_at_a_time();

    gate_make("go");
    world_engine(w);
    struct ork_started s = start(w, f), waits = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    command(w, waits.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, waits.run_id), ORK_RUN_CANCELLED);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT coalesce(sum(used), 0) FROM pool_use", "0");
    ork_workflow_unref(f);
}

static void max_parallel_holds(void **state)
{
    struct world *w = *state;
    ork_workflow *f = many("parallel", "{\"max_parallel\":2}", 16, (struct ork_task_spec){.params = ONE_OF_TWO});

    world_engine(w);
    struct ork_started s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* ---- order ---- */

static void priority_decides_where_one_slot_is(void **state)
{
    static const int priority[] = {0, 5, 0, -1, 5, 9};
    struct world *w = *state;
    ork_workflow *f = flow("order", NULL);

    gate_make("go");
    w->jobs = 1;
    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <go\"}", .priority = 99}, NULL);
    for (int i = 0; i < 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t%d", i);
        task_with(f,
                  (struct ork_task_spec){
                      .name = name, .params = "{\"command\":\"echo $ORK_TASK_NAME >>ran\"}", .priority = priority[i]},
                  NULL);
    }
    seal(f);
    world_engine(w);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    until_query(w, "SELECT count(*) FROM tasks WHERE status='dispatched'", "6");
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(system("test \"$(tr '\\n' ' ' <ran)\" = 't5 t1 t4 t0 t2 t3 '"), 0);
    ork_workflow_unref(f);
}

/* A run with very many tasks was first: the small one does not wait for its end. */
static void every_run_gets_its_turn(void **state)
{
    struct world *w = *state;
    ork_workflow *large = many("large", NULL, 600, (struct ork_task_spec){.params = TRUE});
    ork_workflow *small = many("small", NULL, 5, (struct ork_task_spec){.params = TRUE});

    world_engine(w);
    struct ork_started l = start(w, large), s = start(w, small);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    char *left = query(w, "SELECT count(*) FROM tasks WHERE status='pending'");
    assert_true(atoi(left) > 100);
    free(left);
    assert_int_equal(wait_end(w, l.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(large);
    ork_workflow_unref(small);
}

/* ---- waiting ---- */

static void queue_timeout_ends_the_waiting(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("queue", "{\"pools\":{\"db\":1}}");

    gate_make("go");
    task_with(f,
              (struct ork_task_spec){
                  .name = "a", .params = "{\"command\":\"read x <go\"}", .pool = "db", .pool_slots = 1, .priority = 1},
              NULL);
    task_with(
        f, (struct ork_task_spec){.name = "b", .params = TRUE, .pool = "db", .pool_slots = 1, .queue_timeout_ms = 50},
        NULL);
    task(f, "c", TRUE, "b");
    seal(f);
    world_engine(w);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    until_query(w, "SELECT status FROM tasks WHERE task_name='b'", "failed"); /* perhaps before a was running */
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status || attempt) FROM tasks", "success1,failed0,skipped0");
    assert_query(w, "SELECT kind || ': ' || error FROM tasks WHERE task_name='b'",
                 "timeout: waited longer than its queue_timeout (0.05s) for a free slot");
    ork_workflow_unref(f);
}

/* A task that waits in the agent's queue longer than its timeout has all of it when it starts. */
static void waiting_is_not_running_time(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("time", NULL);
    int status;
    ork_err err = {0};

    gate_make("go");
    w->jobs = 1;
    task_with(f, (struct ork_task_spec){.name = "a", .params = "{\"command\":\"read x <go\"}", .priority = 1}, NULL);
    task_with(f, (struct ork_task_spec){.name = "b", .params = TRUE, .timeout_ms = 250}, NULL);
    seal(f);
    world_engine(w);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 400, &status, &err), ORK_ETIMEDOUT);
    assert_query(w, "SELECT status FROM tasks WHERE task_name='b'", "dispatched");
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup_dir, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_pool_over_its_size_shrinks_first),
        T(two_processes_share_a_pool),
        T(a_dead_holder_gives_its_slots_back),
        T(an_adopted_attempt_holds_its_slots),
        T(what_waits_for_the_agent_holds_no_slot),
        T(one_active_run_over_two_processes),
        T(a_run_that_was_taken_up_keeps_its_turn),
        T(a_waiting_run_can_be_cancelled),
        T(max_parallel_holds),
        T(priority_decides_where_one_slot_is),
        T(every_run_gets_its_turn),
        T(queue_timeout_ends_the_waiting),
        T(waiting_is_not_running_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
