/* SPDX-License-Identifier: MIT */
/* What is left of functions when their program is gone: their runs, and their logs. */
#include "lib_host.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A program that dies leaves no trace of what was under way: the same attempt is made again, successes are not. */
static void a_dead_program_leaves_no_trace(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("again", NULL);
    struct ork_started s;
    ork_err err = {0};
    char *outcome = NULL;

    function(f, "a", NULL);
    function(f, "b", "a");
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_SUCCESS);
    h->hold = true;
    while (!h->open_len)
        (void)ork_engine_step(w->engine, true);
    world_leave(w); /* as far as the rows know it is dead */
    assert_int_equal(h->nows, 1);
    assert_query(w, "SELECT group_concat(status||attempt) FROM tasks", "success1,pending0");

    world_engine(w); /* a program without the functions */
    assert_int_equal(ork_run_claim(w->engine, s.run_id, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "the program that started it"));
    assert_int_equal(ork_run_command(w->engine, s.run_id, "resume", NULL, &outcome, &err), ORK_ESTATE);
    assert_query(w, "SELECT count(*) FROM commands", "0");
    assert_int_equal(ork_why_json(w->engine, s.run_id, NULL, &outcome, &err), 0);
    assert_non_null(strstr(outcome, "its function lives in the program that started the run"));
    ork_free(outcome);
    world_leave(w);

    world_engine(w);
    unsigned taken = h->taken;
    h->hold = false;
    host_join(h, w->engine);
    struct ork_started again = start_with(w, f, (struct ork_start_opts){.resume = true});
    assert_int_equal(again.how, ORK_STARTED_RESUMED);
    assert_string_equal(again.run_id, s.run_id);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->taken, taken + 1);
    assert_string_equal(h->task, "b");
    assert_int_equal(h->attempt, 1);
    assert_query(w, "SELECT group_concat(status||attempt||lost) FROM tasks", "success10,success10");
    host_done(w, h, f);
}

static void a_stranger_may_only_cancel(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("orphan", NULL);

    h->hold = true;
    function(f, "a", NULL);
    task_with(f,
              (struct ork_task_spec){.name = "tidy",
                                     .executor = ORK_EXEC_INLINE,
                                     .params = "{}",
                                     .rule = ORK_RULE_ALWAYS,
                                     .flags = ORK_TASK_FINALLY},
              NULL);
    seal(f);
    struct ork_started s = start(w, f);
    world_leave(w);
    world_engine(w);
    command(w, s.run_id, "cancel", NULL, "done");
    assert_query(w, "SELECT status FROM runs", "cancelled");
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,failed");
    assert_query(w, "SELECT kind||error FROM tasks WHERE task_name='tidy'",
                 "policyits function lives in the program that started the run");
    host_done(w, h, f);
}

/* What tidies up was about to begin when the program died: a cancel by others ends it, too. */
static void a_stranger_cancels_what_was_ready(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("orphan", NULL);

    function(f, "a", NULL);
    task_with(f,
              (struct ork_task_spec){.name = "tidy",
                                     .executor = ORK_EXEC_INLINE,
                                     .params = "{}",
                                     .rule = ORK_RULE_ALWAYS,
                                     .flags = ORK_TASK_FINALLY},
              NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_SUCCESS);
    h->hold = true;
    while (!h->open_len)
        (void)ork_engine_step(w->engine, true);
    world_leave(w);
    world_engine(w);
    command(w, s.run_id, "cancel", NULL, "done");
    assert_query(w, "SELECT status FROM runs", "cancelled");
    assert_query(w, "SELECT group_concat(status) FROM tasks", "success,failed");
    host_done(w, h, f);
}

static void starts_only_what_it_knows(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("unknown", NULL);
    struct ork_started s;
    ork_err err = {0};

    function(f, "a", NULL);
    seal(f);
    assert_int_equal(ork_run_start(w->engine, f, &(struct ork_start_opts){.params = "{}"}, &s, &err), ORK_ESTATE);
    assert_string_equal(err.msg, "task `a` is a function, which only the program that defines it can call");
    assert_query(w, "SELECT count(*) FROM runs", "0");
    ork_workflow_unref(f);
}

static void logs_when_something_is_said(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("talk", NULL);
    char run[ORK_ID_TEXT], *text = NULL, *path = NULL;
    size_t len = 0;
    int64_t size = 0;
    bool tail = true;
    struct stat st;
    ork_err err = {0};

    function(f, "say", NULL);
    function(f, "hush", NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(coalesce(logs,'-')) FROM tasks", "one\ntwo\n,-");
    assert_int_equal(ork_log_read(w->engine, run, "say", 0, 0, 100, &text, &len, &size, &tail, &err), 0);
    assert_string_equal(text, "one\ntwo\n");
    assert_false(tail);
    ork_free(text);
    assert_int_equal(ork_log_path(w->engine, run, "say", 1, &path, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(unlink(path), 0);
    ork_free(path);
    assert_int_equal(ork_log_read(w->engine, run, "say", 0, 0, 100, &text, &len, &size, &tail, &err), 0);
    assert_true(tail); /* the stored end is left */
    ork_free(text);
    assert_int_equal(ork_log_read(w->engine, run, "hush", 0, 0, 100, &text, &len, &size, &tail, &err), 0);
    assert_int_equal(len, 0);
    ork_free(text);
    assert_int_equal(ork_log_path(w->engine, run, "hush", 0, &path, &err), ORK_ENOTFOUND);
    assert_int_equal(ork_log_read(w->engine, run, "say", 2, 0, 100, &text, &len, &size, &tail, &err), ORK_ENOTFOUND);
    host_done(w, h, f);
}

/* In another place of another definition its log is still its own. */
static void keeps_its_log_when_it_moves(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("moving", NULL), *g = flow("moving", NULL);
    char run[ORK_ID_TEXT], *text = NULL;
    size_t len = 0;
    int64_t size = 0;
    bool tail = true;
    ork_err err = {0};

    function(f, "say", NULL);
    function(f, "fail", NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    function(g, "hush", NULL);
    function(g, "say", NULL);
    seal(g);
    assert_int_equal(ork_run_update(w->engine, run, g, &(struct ork_update_opts){0}, NULL, &err), 0);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT task_index||status||attempt FROM tasks WHERE task_name = 'say'", "1success1");
    assert_int_equal(ork_log_read(w->engine, run, "say", 0, 0, 100, &text, &len, &size, &tail, &err), 0);
    assert_string_equal(text, "one\ntwo\n");
    assert_false(tail);
    ork_free(text);
    ork_workflow_unref(g);
    host_done(w, h, f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dead_program_leaves_no_trace, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stranger_may_only_cancel, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stranger_cancels_what_was_ready, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(starts_only_what_it_knows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(logs_when_something_is_said, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_its_log_when_it_moves, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
