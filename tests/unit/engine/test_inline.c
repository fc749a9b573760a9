/* SPDX-License-Identifier: MIT */
/* Tasks that are functions of the program that holds the engine: called, retried, interrupted, counted. */
#include "lib_host.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leaves_one_row(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("chain", NULL);

    task_with(f,
              (struct ork_task_spec){.name = "seven",
                                     .executor = ORK_EXEC_INLINE,
                                     .params = "{}",
                                     .signature = "{\"output_type\":{\"n\":\"int\"}}"},
              NULL);
    task_with(f,
              (struct ork_task_spec){.name = "b",
                                     .executor = ORK_EXEC_INLINE,
                                     .params = "{\"task_bindings\":{\"m\":{\"ref\":\"tasks.seven.output.n\"}}}"},
              "seven");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_string_equal(h->input, "{\"m\":7}");
    assert_query(w, "SELECT group_concat(status||attempt||attempts||executor_type) FROM tasks",
                 "success10inline,success10inline");
    assert_query(w, "SELECT output FROM tasks WHERE task_name='seven'", "{\"n\":7}");
    assert_query(w, "SELECT count(*) FROM task_attempts", "0");
    assert_query(w, "SELECT count(*) FROM tasks WHERE started_at IS NULL OR finished_at < started_at", "0");
    assert_int_equal(access("agent/lock", F_OK), -1); /* nobody needs an agent */
    assert_int_equal(h->ended, 1);
    for (size_t i = 0; i < w->changes; i++) /* nothing was told of that has no row */
        assert_int_not_equal(w->change[i].to, ORK_TASK_DISPATCHED);
    host_done(w, h, f);
}

static void mixes_with_processes(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("mixed", NULL);

    function(f, "seven", NULL);
    task(f, "p", "{\"command\":[\"echo\",{\"ref\":\"tasks.seven.output.n\"}]}", "seven");
    function(f, "last", "p");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='p'", "7\n");
    assert_query(w, "SELECT count(*) FROM task_attempts", "1");
    host_done(w, h, f);
}

static void fails_and_retries(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("retry", NULL);
    const char *codes[] = {"RATE"};
    struct ork_retry_spec retry = {.limit = 5, .delay_ms = 1, .factor = 1, .codes = codes, .codes_len = 1};
    const char *names[] = {"rate", "fail", "final", "bad"};

    for (size_t i = 0; i < 4; i++)
        task_with(f,
                  (struct ork_task_spec){.name = names[i], .executor = ORK_EXEC_INLINE, .params = "{}", .retry = retry},
                  NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT status||attempt||attempts FROM tasks WHERE task_name='rate'", "success32");
    assert_query(w, "SELECT status||attempt||kind||error FROM tasks WHERE task_name='fail'",
                 "failed1errorit is \xEF\xBF\xBD broken");
    assert_query(w, "SELECT status||attempt||kind||error FROM tasks WHERE task_name='final'",
                 "failed1errornever again");
    assert_query(w, "SELECT status||kind FROM tasks WHERE task_name='bad'", "failedoutput");
    assert_query(w,
                 "SELECT group_concat(a.status||a.attempt||a.kind) FROM task_attempts a JOIN tasks t ON t.id=a.task_id "
                 "WHERE t.task_name='rate'",
                 "failed1error,failed2error");
    assert_query(w, "SELECT count(*) FROM task_attempts WHERE log_path IS NOT NULL OR status='success'", "0");
    host_done(w, h, f);
}

static void a_timeout_interrupts(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("slow", NULL);

    h->hold = true;
    task_with(f,
              (struct ork_task_spec){
                  .name = "a", .executor = ORK_EXEC_INLINE, .params = "{}", .timeout_ms = 20, .retry = {.limit = 1}},
              NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error||attempt FROM tasks", "timeouttimeout after 0.02s2"); /* what it gave is void */
    assert_query(w, "SELECT count(*) FROM task_attempts WHERE kind='timeout'", "2");
    assert_int_equal(h->interrupts, 2);
    assert_int_equal(h->nows, 0);
    assert_int_equal(h->kind, ORK_KIND_TIMEOUT);
    host_done(w, h, f);
}

static void who_does_not_answer_is_left(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("deaf", NULL);
    ork_err err;

    h->hold = h->deaf = true;
    task_with(f,
              (struct ork_task_spec){
                  .name = "a", .executor = ORK_EXEC_INLINE, .params = "{\"grace_ms\":10}", .timeout_ms = 10},
              NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_int_equal(h->interrupts, 2);
    assert_int_equal(h->nows, 1);
    assert_query(w, "SELECT kind FROM tasks", "timeout");
    /* and what it says then is refused */
    assert_int_equal(ork_inline_done(w->engine, h->open[0], &(struct ork_inline_result){0}, &err), ORK_ENOTFOUND);
    ork_inline_running(w->engine, h->open[0]);
    ork_inline_lend(w->engine, h->open[0], true);
    assert_int_equal(ork_inline_log(w->engine, h->open[0], "x", 1, &err), ORK_ENOTFOUND);
    host_done(w, h, f);
}

static void cancel_interrupts_once(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("cancel", "{\"max_parallel\":1}");

    h->hold = true;
    function(f, "a", NULL);
    function(f, "b", NULL);
    task_with(f,
              (struct ork_task_spec){.name = "tidy",
                                     .executor = ORK_EXEC_INLINE,
                                     .params = "{}",
                                     .rule = ORK_RULE_ALWAYS,
                                     .flags = ORK_TASK_FINALLY},
              NULL);
    seal(f);
    struct ork_started s = start(w, f);
    while (!h->open_len)
        (void)ork_engine_step(w->engine, true);
    ork_inline_running(w->engine, h->open[0]);
    ork_inline_running(w->engine, h->open[0]);
    until(w, "a", ORK_TASK_RUNNING);
    assert_query(w, "SELECT status FROM tasks WHERE task_name='a'", "pending"); /* no row before its end */
    h->hold = false;
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_int_equal(h->interrupts, 1);
    assert_int_equal(h->kind, ORK_KIND_CANCELLED);
    assert_query(w, "SELECT group_concat(status||attempt) FROM tasks", "cancelled1,cancelled0,success1");
    assert_query(w, "SELECT status||kind||error FROM task_attempts", "cancelledcancelledcancelled");
    host_done(w, h, f);
}

static void a_kill_does_not_wait(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("kill", NULL);

    h->hold = h->deaf = true;
    function(f, "a", NULL);
    seal(f);
    struct ork_started s = start(w, f);
    while (!h->open_len)
        (void)ork_engine_step(w->engine, true);
    command(w, s.run_id, "kill", NULL, NULL);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_int_equal(h->nows, 1);
    host_done(w, h, f);
}

/* What was granted and not taken goes back, what was taken may finish. */
static void pause_takes_back(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("pause", NULL);
    char name[16];

    h->hold = true;
    h->per_slice = 1;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        function(f, name, NULL);
    }
    seal(f);
    struct ork_started s = start(w, f);
    while (!h->open_len)
        (void)ork_engine_step(w->engine, true);
    h->idle = true;
    command(w, s.run_id, "pause", NULL, "done");
    until(w, NULL, ORK_RUN_PAUSED);
    for (unsigned i = 0; i < h->open_len; i++)
        host_answer(h, h->open[i], &(struct ork_inline_result){0});
    assert_int_equal(h->open_len, 1);
    (void)ork_engine_step(w->engine, false);
    assert_query(w, "SELECT status FROM runs", "paused");
    assert_query(w, "SELECT count(*) FROM task_attempts", "0");
    h->idle = h->hold = false;
    h->per_slice = 0;
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->taken, 5);
    host_done(w, h, f);
}

static void keeps_the_window(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("wide", NULL);
    char name[16];

    h->hold = true;
    for (int i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        function(f, name, NULL);
    }
    seal(f);
    struct ork_started s = start(w, f);
    while (h->open_len < 256)
        (void)ork_engine_step(w->engine, true);
    for (int i = 0; i < 20; i++)
        (void)ork_engine_step(w->engine, false);
    assert_int_equal(h->open_len, 256);
    ork_inline_lend(w->engine, h->open[0], true); /* it waits for another run */
    ork_inline_lend(w->engine, h->open[0], true);
    while (h->open_len < 257)
        (void)ork_engine_step(w->engine, true);
    for (unsigned i = 0; i < 257; i++)
        host_answer(h, h->open[i], &(struct ork_inline_result){0});
    h->hold = false;
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->most, 257);
    host_done(w, h, f);
}

static void holds_pools_and_parallel(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("pools", "{\"pools\":{\"db\":2},\"max_parallel\":3}");
    char name[16];

    h->hold = true;
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task_with(f,
                  (struct ork_task_spec){.name = name,
                                         .executor = ORK_EXEC_INLINE,
                                         .params = "{}",
                                         .pool = i < 4 ? "db" : NULL,
                                         .pool_slots = i < 4 ? 1 : 0},
                  NULL);
    }
    seal(f);
    struct ork_started s = start(w, f);
    while (h->taken < 8) {
        while (!h->open_len)
            (void)ork_engine_step(w->engine, true);
        (void)ork_engine_step(w->engine, false);
        assert_true(h->open_len <= 3);
        host_answer(h, h->open[--h->open_len], &(struct ork_inline_result){0});
    }
    h->hold = false;
    while (h->open_len)
        host_answer(h, h->open[--h->open_len], &(struct ork_inline_result){0});
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT coalesce(sum(used),0) FROM pool_use", "0");
    host_done(w, h, f);
}

/* Results of a slice share a commit, and a slice is no longer than the host makes it. */
static void count_events(json_t *events, char *seen, unsigned n, unsigned *granted, unsigned *ended)
{
    size_t i;
    json_t *event;

    json_array_foreach(events, i, event)
    {
        const char *word = json_string_value(json_array_get(event, 1));
        json_int_t task = json_integer_value(json_array_get(event, 2));
        if (strcmp(word, "start") == 0)
            continue;
        assert_true(task >= 0 && task < n);
        const bool grant = strcmp(word, "grant") == 0;
        assert_int_equal(json_integer_value(json_array_get(event, 3)), !grant);
        assert_int_equal(seen[task], grant ? 0 : 1); /* each once, and in this order */
        seen[task]++;
        *granted += grant;
        if (!grant) {
            assert_string_equal(word, "exited");
            assert_string_equal(json_string_value(json_array_get(event, 4)), "ok");
            ++*ended;
        }
        assert_int_equal(json_array_size(event), grant ? 4 : 5);
    }
}

/* Whatever they are stored as. */
static void events_are_told_one_by_one(struct world *w, unsigned n)
{
    char *text = NULL,
         *id = query(w, "SELECT "
                        "lower(substr(h,1,8)||'-'||substr(h,9,4)||'-'||substr(h,13,4)||'-'||substr(h,17,4)||'-'||"
                        "substr(h,21)) FROM (SELECT hex(id) AS h FROM runs)"),
         *seen = test_calloc(n, 1);
    unsigned granted = 0, ended = 0;
    json_int_t after = 0;
    json_t *rows;
    ork_err err;

    for (;;) {
        size_t i;
        json_t *row;
        assert_int_equal(ork_run_events_json(w->engine, id, after, 10, &text, &err), 0);
        rows = json_loads(text, 0, NULL);
        ork_free(text);
        json_array_foreach(rows, i, row)
        {
            after = json_integer_value(json_object_get(row, "seq"));
            count_events(json_object_get(row, "data"), seen, n, &granted, &ended);
        }
        const bool over = json_array_size(rows) == 0;
        json_decref(rows);
        if (over)
            break;
    }
    assert_int_equal(granted, n);
    assert_int_equal(ended, n);
    test_free(seen);
    free(id);
}

static void thousands_share_commits(void **state)
{
    struct world *w = *state;
    struct host *h = host_of(w);
    ork_workflow *f = flow("many", NULL);
    char name[16];

    h->per_slice = 500;
    ork_engine_on_change(w->engine, NULL, NULL); /* the world keeps each change in a list that grows by one */
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        function(f, name, NULL);
    }
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND attempt=1", "20000");
    assert_query(w, "SELECT count(*) < 200 FROM run_events", "1");                 /* one row per commit */
    assert_query(w, "SELECT sum(length(data)) < 20000 * 20 FROM run_events", "1"); /* they are told in 66 bytes */
    events_are_told_one_by_one(w, 20000);
    assert_true(h->slices >= 40);
    host_done(w, h, f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leaves_one_row, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(mixes_with_processes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(fails_and_retries, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_timeout_interrupts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(who_does_not_answer_is_left, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancel_interrupts_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_kill_does_not_wait, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(pause_takes_back, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_the_window, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(holds_pools_and_parallel, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(thousands_share_commits, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
