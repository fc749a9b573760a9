/* SPDX-License-Identifier: MIT */
/* Group commit: values the database refuses, a database that is away or held, and the history of events. */
#include "engine/lib_engine.h"
#include "engine/lib_gate.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define GOOD 10

/* `bad` with this command beside GOOD others, and one after it. */
static ork_workflow *with_bad(const char *command)
{
    ork_workflow *f = flow("poison", NULL);
    char name[16], params[64];

    task(f, "bad", command, NULL);
    for (int i = 0; i < GOOD; i++) {
        (void)snprintf(name, sizeof(name), "good%d", i);
        (void)snprintf(params, sizeof(params), "{\"command\":\"echo x >>ran%d; echo ORK_OUTPUT:%d\"}", i, i);
        task(f, name, params, NULL);
    }
    task(f, "after", "{\"command\":[\"/bin/true\"]}", "bad");
    seal(f);
    return f;
}

static void assert_others_are_fine(struct world *w)
{
    assert_query(w, "SELECT count(*) FROM tasks WHERE task_name LIKE 'good%' AND status='success' AND attempt=1", "10");
    assert_int_equal(system("test \"$(cat ran* | tr -d '\\n')\" = xxxxxxxxxx"), 0); /* none ran twice */
}

#define REFUSE(event, table, when)                                                                                     \
    "CREATE TRIGGER poison BEFORE " event " ON " table " WHEN " when                                                   \
    " BEGIN SELECT RAISE(ABORT, 'no such thing here'); END"
#define EXIT_7 "{\"command\":\"exit 7\"}"
#define PRINTS "{\"command\":\"echo poison\"}"
#define GIVES "{\"command\":\"echo 'ORK_OUTPUT:[\\\"poison\\\"]'\"}"

static void a_refused_value_in_each_column(void **state)
{
    static const struct {
        const char *trigger, *command, *bad, *run;
    } cases[] = {
        {REFUSE("UPDATE", "tasks", "NEW.output LIKE '%poison%'"), GIVES,
         "failed output the database refuses a value: no such thing here", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("UPDATE", "tasks", "NEW.logs LIKE '%poison%'"), PRINTS,
         "failed output the database refuses a value: no such thing here", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("UPDATE", "tasks", "NEW.error = 'exit code 7'"), EXIT_7,
         "failed output the database refuses a value: no such thing here", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("INSERT", "task_attempts", "NEW.error = 'exit code 7'"), EXIT_7,
         "failed output the database refuses a value: no such thing here", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("INSERT", "task_attempts", "NEW.log_path LIKE '%/0.1.log' AND NEW.status <> 'failed'"), EXIT_7,
         "failed output the database refuses a value: no such thing here", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("UPDATE", "tasks", "NEW.error LIKE '%such thing%' OR NEW.error LIKE '%7'"), EXIT_7,
         "failed output the database refuses what it left", "failed 1 of 12 tasks failed: bad"},
        {REFUSE("UPDATE", "tasks", "NEW.error LIKE '`bad`%'"), EXIT_7, "failed exit exit code 7",
         "failed 1 of 12 tasks failed: bad"},
        {REFUSE("UPDATE", "runs", "NEW.error LIKE '%bad%'"), EXIT_7, "failed exit exit code 7", "failed -"},
        {REFUSE("INSERT", "run_events", "NEW.data LIKE '%exited%'"), EXIT_7, "failed exit exit code 7",
         "failed 1 of 12 tasks failed: bad"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ork_workflow *f = with_bad(cases[i].command);
        change_rows(w, "PRAGMA foreign_keys=ON; DELETE FROM runs; DROP TRIGGER IF EXISTS poison");
        change_rows(w, cases[i].trigger);
        assert_int_equal(system("rm -f ran*"), 0);
        struct ork_started s = start(w, f);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
        assert_query(w, "SELECT status || ' ' || kind || ' ' || error FROM tasks WHERE task_name='bad'", cases[i].bad);
        assert_query(w, "SELECT status FROM tasks WHERE task_name='after'", "skipped");
        assert_query(w, "SELECT status || ' ' || coalesce(error, '-') FROM runs", cases[i].run);
        assert_query(w, "SELECT count(*) FROM task_attempts WHERE status IN ('dispatched', 'running')", "0");
        assert_others_are_fine(w);
        ork_workflow_unref(f);
    }
}

/* Many refusals beside many results of another run: none of those gets lost or lands in another row. */
static void refusals_among_many(void **state)
{
    struct world *w = *state;
    ork_workflow *bad = flow("bad", NULL), *good = flow("good", NULL);
    char name[16], params[64];

    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(bad, name, i % 2 ? GIVES : PRINTS, NULL);
    }
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        (void)snprintf(params, sizeof(params), "{\"command\":[\"echo\",\"ORK_OUTPUT:%d\"]}", i);
        task(good, name, params, NULL);
    }
    seal(bad);
    seal(good);
    change_rows(w, REFUSE("UPDATE", "tasks", "NEW.output LIKE '%poison%' OR NEW.logs LIKE 'poison%'"));
    struct ork_started b = start(w, bad), g = start(w, good);
    assert_int_equal(wait_end(w, g.run_id), ORK_RUN_SUCCESS);
    assert_int_equal(wait_end(w, b.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='failed' AND kind='output' AND attempt=1", "40");
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND output=task_index AND attempt=1", "200");
    ork_workflow_unref(bad);
    ork_workflow_unref(good);
}

/* Whatever is tried: the row itself is refused. The run stops, whoever waits is told, others go on. */
static void a_row_that_is_never_taken(void **state)
{
    struct world *w = *state;
    ork_workflow *f = with_bad(EXIT_7), *other = flow("other", NULL);
    struct ork_started s, o;
    int status;
    ork_err err = {0};

    task(other, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    task(other, "b", "{\"command\":[\"/bin/true\"]}", "a");
    seal(other);
    change_rows(w, REFUSE("UPDATE", "tasks", "NEW.task_name='bad' AND NEW.status='failed'"));
    s = start(w, f);
    o = start(w, other);
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 60000, &status, &err), ORK_EDATA);
    assert_non_null(strstr(err.msg, "the database refuses"));
    assert_int_equal(wait_end(w, o.run_id), ORK_RUN_SUCCESS);
    change_rows(w, "DROP TRIGGER poison");
    world_reopen(w); /* its rows are as they were: it goes on as after a crash */
    if (ork_run_claim(w->engine, s.run_id, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT status || kind FROM tasks WHERE task_name='bad'", "failedexit");
    assert_others_are_fine(w);
    ork_workflow_unref(f);
    ork_workflow_unref(other);
}

/* A unit of nobody's run, in one batch with results of others. */
static void a_refused_start_is_an_error_of_its_caller(void **state)
{
    struct world *w = *state;
    struct ork_start_opts o = {.params = "{\"x\":\"poison\"}", .triggered_by = "manual"};
    ork_workflow *f = with_bad(GIVES), *g = flow("other", NULL);
    struct ork_started s, refused;
    ork_err err = {0};

    task(g, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    seal(g);
    change_rows(w, REFUSE("INSERT", "runs", "NEW.params LIKE '%poison%'"));
    s = start(w, f);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ork_run_start(w->engine, g, &o, &refused, &err), ORK_EDATA);
        assert_non_null(strstr(err.msg, "no such thing here"));
    }
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) || min(status) FROM tasks", "12success");
    assert_query(w, "SELECT count(*) FROM runs", "1");
    assert_others_are_fine(w);
    ork_workflow_unref(f);
    ork_workflow_unref(g);
}

/* ---- away and held ---- */

/* What the engine says, as it says it; stderr goes to a pipe meanwhile. */
static int listen_in(int *saved)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    *saved = dup(2);
    assert_int_equal(dup2(ends[1], 2), 2);
    close(ends[1]);
    return ends[0];
}

static void until_said(struct world *w, int fd, const char *what)
{
    char said[8192] = "";
    size_t n = 0;

    while (!strstr(said, what)) {
        ssize_t got = read(fd, said + n, sizeof(said) - 1 - n);
        if (got > 0)
            n += (size_t)got;
        else
            (void)ork_engine_step(w->engine, true);
    }
}

static void limit_files(rlim_t bytes)
{
    struct rlimit r;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* No write to a file succeeds for a while: what runs goes on, its result waits, nothing new starts. */
static void database_away(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("away", NULL);
    struct ork_started s;
    int saved;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go; echo x >>ran.a; echo ORK_OUTPUT:7\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran.b\"}", "a");
    seal(f);
    world_leave(w);
    w->log_level = 1;
    world_engine(w);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    int said = listen_in(&saved);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    limit_files(0);
    gate_open("go");
    until_said(w, said, "waiting for the database");
    for (int i = 0; i < 3; i++) /* it is tried again and again */
        (void)ork_engine_step(w->engine, true);
    bool early = access("ran.b", F_OK) == 0;
    limit_files(RLIM_INFINITY);
    until_said(w, said, "the database is back");
    assert_int_equal(dup2(saved, 2), 2);
    close(saved);
    close(said);
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
    assert_false(early);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status || attempt || coalesce(output, '-')) FROM tasks",
                 "success17,success1-");
    assert_int_equal(system("cat ran.a ran.b | tr -d '\\n' | grep -qx xx"), 0);
    ork_workflow_unref(f);
}

/* Nothing runs: whoever wants something hears that it is not possible, instead of waiting for ever. */
static void a_start_without_a_database_fails(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("away", NULL);
    struct ork_start_opts o = {.params = "{}", .triggered_by = "manual"};
    struct ork_started s;
    ork_err err = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    limit_files(0);
    int rc = ork_run_start(w->engine, f, &o, &s, &err);
    limit_files(RLIM_INFINITY);
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
    assert_true(rc == ORK_EIO || rc == ORK_ENOSPC || rc == ORK_EDB);
    s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM runs", "2");
    ork_workflow_unref(f);
}

/* Another program (a backup, a person) holds the database: nobody hears of it, everything goes on after. */
static void a_held_database_is_waited_for(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("held", NULL);
    struct ork_started s;
    sqlite3 *db;
    int status;
    ork_err err = {0};

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go; echo x >>ran.a\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >>ran.b\"}", "a");
    seal(f);
    s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 10000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    gate_open("go");
    assert_int_equal(ork_run_wait(w->engine, s.run_id, 300, &status, &err), ORK_ETIMEDOUT);
    assert_int_equal(access("ran.b", F_OK), -1);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    sqlite3_close(db);
    assert_string_equal(w->last_error, "");
    assert_query(w, "SELECT group_concat(status || attempt) FROM tasks", "success1,success1");
    ork_workflow_unref(f);
}

/* ---- history ---- */

static size_t count_events(json_t *events, const char *word, json_int_t task)
{
    size_t i, n = 0;
    json_t *x;

    json_array_foreach(events, i, x)
    {
        const char *name = json_string_value(json_array_get(x, 1));
        if (strcmp(name, word) == 0 && (task < 0 || json_integer_value(json_array_get(x, 2)) == task))
            n++;
    }
    return n;
}

/* One row per batch and run, in order, with all that happened. */
static void events_are_recorded(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("events", NULL);
    json_t *all = json_array(), *rows;

    task_with(f,
              (struct ork_task_spec){.name = "a",
                                     .params = "{\"command\":\"[ $ORK_ATTEMPT = 2 ]\"}",
                                     .retry = {.limit = 1, .delay_ms = 5, .factor = 1}},
              NULL);
    task(f, "b", "{\"command\":\"exit 1\"}", "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT min(seq) || (max(seq) - count(*) - min(seq)) FROM run_events", "1-1");
    char *text = query(w, "SELECT json_group_array(json(data)) FROM (SELECT data FROM run_events ORDER BY seq)");
    rows = json_loads(text, 0, NULL);
    assert_non_null(rows);
    for (size_t i = 0; i < json_array_size(rows); i++)
        json_array_extend(all, json_array_get(rows, i));
    assert_int_equal(count_events(all, "start", -1), 1);
    assert_int_equal(count_events(all, "grant", 0), 2);
    assert_int_equal(count_events(all, "exited", 0), 2);
    assert_int_equal(count_events(all, "retry_due", 0), 1);
    assert_int_equal(count_events(all, "exited", 1), 1);
    json_int_t before = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_int_t at = json_integer_value(json_array_get(json_array_get(all, i), 0));
        assert_true(at >= before);
        before = at;
    }
    json_decref(all);
    json_decref(rows);
    free(text);
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refused_value_in_each_column, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refusals_among_many, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_row_that_is_never_taken, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_refused_start_is_an_error_of_its_caller, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(database_away, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_start_without_a_database_fails, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_held_database_is_waited_for, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(events_are_recorded, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
