/* SPDX-License-Identifier: MIT */
/* Runs that begin in the batch that creates them: what that saves, and what becomes of it when the batch, or a value in
 * it, is refused. */
#include "engine/lib_engine.h"
#include <stdlib.h>
#include <string.h>

#define REFUSE(event, table, when)                                                                                     \
    "CREATE TRIGGER poison BEFORE " event " ON " table " WHEN " when                                                   \
    " BEGIN SELECT RAISE(ABORT, 'no such thing here'); END"

static ork_workflow *pair(void)
{
    ork_workflow *f = flow("pair", NULL);

    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    task(f, "b", "{\"command\":[\"/bin/true\"]}", "a");
    seal(f);
    return f;
}

/* Counted is what happens within the few milliseconds that results nobody waits for are collected. On a busy machine an
 * agent may need longer, which costs a commit: then once more, until it does not. */
static void not_under_valgrind(void)
{
    if (getenv("ORK_TEST_SLOW")) {
        print_message("left out: too slow under valgrind\n");
        skip();
    }
}

static long batches(struct world *w)
{
    char *text = query(w, "SELECT last_batch FROM schedulers");
    long n = strtol(text, NULL, 10);

    free(text);
    return n;
}

/* Attempts of the first task of the newest run. */
static long dispatched(struct world *w)
{
    char *text = query(w, "SELECT count(*) FROM task_attempts WHERE task_id = (SELECT id FROM tasks WHERE task_index=0 "
                          "AND run_id = (SELECT id FROM runs ORDER BY created_at DESC, id DESC LIMIT 1))");
    long n = strtol(text, NULL, 10);

    free(text);
    return n;
}

/* With the agent there: one commit from nothing to a first attempt that may be started, its snapshot known. */
static void one_commit(void **state)
{
    struct world *w = *state;

    not_under_valgrind();
    ork_workflow *f = pair();
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    for (bool once = false; !once;) {
        long before = batches(w);
        struct ork_started s = start(w, f);
        once = batches(w) == before + 1 && dispatched(w) == 1;
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    }
    assert_query(
        w,
        "SELECT count(*) = 2 * (SELECT count(*) FROM runs) FROM task_attempts x JOIN tasks t ON t.id=x.task_id "
        "JOIN runs r ON r.id=t.run_id WHERE x.snapshot_id=r.snapshot_id",
        "1");
    ork_workflow_unref(f);
}

/* The first program on a database waits a moment for its agent's answer rather than committing twice; only if there is
 * an agent. */
static void with_an_agent_that_greets(void **state)
{
    struct world *w = *state;

    not_under_valgrind();
    ork_workflow *f = pair();
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    for (bool once = false; !once;) {
        world_reopen(w);
        struct ork_started s = start(w, f);
        char *last = query(w, "SELECT max(last_batch) FROM schedulers WHERE state='live'");
        once = strcmp(last, "1") == 0 && dispatched(w) == 1;
        free(last);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    }
    ork_workflow_unref(f);
}

/* A value of the run's own is refused: its row is stored, and it begins once more, as any other run. */
static void refused_values(void **state)
{
    static const struct {
        const char *trigger;
        int status;
        const char *tasks;
    } cases[] = {
        {REFUSE("INSERT", "run_events", "NEW.data LIKE '%\"start\"%'"), ORK_RUN_SUCCESS, "success1,success1"},
        {REFUSE("INSERT", "task_attempts", "NEW.log_path LIKE '%/0.1.log' AND NEW.status <> 'failed'"), ORK_RUN_FAILED,
         "failed1,skipped0"},
    };
    struct world *w = *state;
    ork_workflow *f = pair();

    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        change_rows(w, "PRAGMA foreign_keys=ON; DELETE FROM runs; DROP TRIGGER IF EXISTS poison");
        change_rows(w, cases[i].trigger);
        assert_int_equal(run_to_end(w, f, NULL), cases[i].status);
        assert_query(w, "SELECT group_concat(status || attempt) FROM (SELECT * FROM tasks ORDER BY task_index)",
                     cases[i].tasks);
        assert_query(w, "SELECT count(*) FROM runs", "1");
    }
    ork_workflow_unref(f);
}

/* The tasks' rows are never taken: the run stays as it was created, whoever waits for it is told, others go on. */
static void refused_tasks(void **state)
{
    struct world *w = *state;
    ork_workflow *f = pair(), *other = flow("other", NULL);
    int status;
    ork_err err = {0};

    task(other, "x", "{\"command\":[\"/bin/true\"]}", NULL);
    seal(other);
    change_rows(w, REFUSE("INSERT", "tasks", "NEW.task_name='b'"));
    struct ork_started s = start(w, f);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 60000, &status, &err), ORK_EDATA);
    assert_int_equal(run_to_end(w, other, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(task_name) FROM tasks", "x");
    ork_workflow_unref(f);
    ork_workflow_unref(other);
}

/* The row itself is refused: nothing of it stays, here or there, and the same definition can be started again. */
static void refused_run(void **state)
{
    struct world *w = *state;
    struct ork_start_opts o = {.params = "{\"x\":\"poison\"}", .triggered_by = "manual"};
    struct ork_started s;
    ork_workflow *f = pair();
    ork_err err = {0};

    change_rows(w, REFUSE("INSERT", "runs", "NEW.params LIKE '%poison%'"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ork_run_start(w->engine, f, &o, &s, &err), ORK_EDATA);
        assert_false(ork_engine_busy(w->engine));
        assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    }
    assert_query(w, "SELECT count(*) || '/' || (SELECT count(*) FROM tasks) FROM runs", "3/6");
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_commit, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(with_an_agent_that_greets, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_values, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_tasks, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refused_run, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
