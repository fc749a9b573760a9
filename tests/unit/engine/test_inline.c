/* SPDX-License-Identifier: MIT */
/* Tasks that are functions of the program that holds the engine: here a C host that answers calls by the task's name.
 */
#include "lib_engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct host {
    struct world *w;
    struct ork_engine *engine;
    bool knows, deaf, hold,
        idle; /* deaf: does not answer interrupts; hold: does not end what it takes; idle: takes nothing */
    unsigned taken, most, slices, interrupts, nows, ended;
    unsigned per_slice; /* 0: all */
    uint64_t open[600]; /* calls held */
    unsigned open_len;
    int kind; /* of the last interrupt */
    char input[256], task[64];
    uint32_t attempt;
};

static void answer(struct host *h, uint64_t token, const struct ork_inline_result *r)
{
    ork_err err = {0};

    if (ork_inline_done(h->engine, token, r, &err) != 0)
        fail_msg("done: %s", err.msg);
}

/* What the function of that name does. */
static void call(struct host *h, const struct ork_inline_call *c)
{
    struct ork_inline_result r = {0};

    (void)snprintf(h->input, sizeof(h->input), "%.*s", (int)c->input_len, c->input);
    (void)snprintf(h->task, sizeof(h->task), "%s", c->task);
    h->attempt = c->attempt;
    h->taken++;
    if (h->hold) {
        h->open[h->open_len++] = c->token;
        h->most = h->open_len > h->most ? h->open_len : h->most;
        return;
    }
    if (strncmp(c->task, "seven", 5) == 0) {
        r.output = "{\"n\":7.0}";
        r.output_len = strlen(r.output);
    } else if (strncmp(c->task, "rate", 4) == 0 && c->attempt < 3) {
        r.error = "too fast";
        r.code = "RATE";
    } else if (strncmp(c->task, "fail", 4) == 0) {
        r.error = "it is \xff broken";
    } else if (strncmp(c->task, "final", 5) == 0) {
        r.error = "never again";
        r.final = true;
    } else if (strncmp(c->task, "bad", 3) == 0) {
        r.output = "{";
        r.output_len = 1;
    } else if (strncmp(c->task, "say", 3) == 0) {
        ork_err err = {0};
        assert_int_equal(ork_inline_log(h->engine, c->token, "one\n", 4, &err), 0);
        assert_int_equal(ork_inline_log(h->engine, c->token, "", 0, &err), 0);
        assert_int_equal(ork_inline_log(h->engine, c->token, "two\n", 4, &err), 0);
    }
    answer(h, c->token, &r);
}

static bool on_turn(void *data)
{
    struct host *h = data;
    struct ork_inline_call c;
    unsigned n = 0, before = h->taken;

    h->slices++;
    while (!h->idle && (!h->per_slice || n++ < h->per_slice) && ork_inline_next(h->engine, &c))
        call(h, &c);
    return h->taken > before;
}

static void on_interrupt(void *data, uint64_t token, int kind, bool now)
{
    struct host *h = data;

    h->kind = kind;
    h->interrupts++;
    h->nows += now;
    if (!h->deaf && !now)
        answer(h, token, &(struct ork_inline_result){.output = "1", .output_len = 1}); /* too late to succeed */
}

static bool on_knows(void *data, const char *definition)
{
    assert_int_equal(strlen(definition), 64);
    return ((struct host *)data)->knows;
}

static void on_wake(void *data, const char *ended)
{
    if (ended)
        ((struct host *)data)->ended++;
}

static struct host *host_of(struct world *w)
{
    struct host *h = test_calloc(1, sizeof(*h));

    h->w = w;
    h->knows = true;
    h->engine = w->engine;
    ork_engine_on_inline(
        w->engine, &(struct ork_inline_host){
                       .data = h, .knows = on_knows, .interrupt = on_interrupt, .turn = on_turn, .wake = on_wake});
    return h;
}

static void done(struct world *w, struct host *h, ork_workflow *f)
{
    world_leave(w);
    ork_workflow_unref(f);
    test_free(h);
}

static uint32_t function(ork_workflow *f, const char *name, const char *deps)
{
    return task_with(f, (struct ork_task_spec){.name = name, .executor = ORK_EXEC_INLINE, .params = "{}"}, deps);
}

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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
        answer(h, h->open[i], &(struct ork_inline_result){0});
    assert_int_equal(h->open_len, 1);
    (void)ork_engine_step(w->engine, false);
    assert_query(w, "SELECT status FROM runs", "paused");
    assert_query(w, "SELECT count(*) FROM task_attempts", "0");
    h->idle = h->hold = false;
    h->per_slice = 0;
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->taken, 5);
    done(w, h, f);
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
        answer(h, h->open[i], &(struct ork_inline_result){0});
    h->hold = false;
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->most, 257);
    done(w, h, f);
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
        answer(h, h->open[--h->open_len], &(struct ork_inline_result){0});
    }
    h->hold = false;
    while (h->open_len)
        answer(h, h->open[--h->open_len], &(struct ork_inline_result){0});
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT coalesce(sum(used),0) FROM pool_use", "0");
    done(w, h, f);
}

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
    h->engine = w->engine;
    h->hold = false;
    ork_engine_on_inline(
        w->engine, &(struct ork_inline_host){.data = h, .knows = on_knows, .interrupt = on_interrupt, .turn = on_turn});
    struct ork_started again = start_with(w, f, (struct ork_start_opts){.resume = true});
    assert_int_equal(again.how, ORK_STARTED_RESUMED);
    assert_string_equal(again.run_id, s.run_id);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(h->taken, taken + 1);
    assert_string_equal(h->task, "b");
    assert_int_equal(h->attempt, 1);
    assert_query(w, "SELECT group_concat(status||attempt||lost) FROM tasks", "success10,success10");
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
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
    done(w, h, f);
}

/* Results of a slice share a commit, and a slice is no longer than the host makes it. */
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
    assert_query(w, "SELECT count(*) < 200 FROM run_events", "1"); /* one row per commit */
    assert_true(h->slices >= 40);
    done(w, h, f);
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
        cmocka_unit_test_setup_teardown(a_dead_program_leaves_no_trace, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stranger_may_only_cancel, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stranger_cancels_what_was_ready, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(starts_only_what_it_knows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(logs_when_something_is_said, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(keeps_its_log_when_it_moves, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(thousands_share_commits, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
