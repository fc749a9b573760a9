/* SPDX-License-Identifier: MIT */
/* Functions of scripts, called by workers: rows, windows, what is lost with a worker and what is not. */
#include "lib_gate.h"
#include "lib_script.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define MANY 400

/* Adds tasks named like "q7", which the script makes in the same loop. */
static void quick(ork_workflow *f, const char *letter, unsigned n)
{
    char name[16];

    for (unsigned i = 1; i <= n; i++) {
        (void)snprintf(name, sizeof(name), "%s%u", letter, i);
        called_with(f, (struct ork_task_spec){.name = name, .max_lost = 1000}, NULL);
    }
}

static void leaves_one_row(void **state)
{
    struct world *w = *state;
    ork_workflow *f =
        scripted("local function half(n) return n / 2 end\n"
                 "w:task('a', { run = function(input) print('in', input.n) return { n = half(8) } end })\n"
                 "w:task('b', { run = function(input) return input.m + 1 end })");

    called_with(f,
                (struct ork_task_spec){.name = "a",
                                       .params = "{\"task_bindings\":{\"n\":{\"const\":7}}}",
                                       .signature = "{\"output_type\":{\"n\":\"int\"}}"},
                NULL);
    called_with(
        f, (struct ork_task_spec){.name = "b", .params = "{\"task_bindings\":{\"m\":{\"ref\":\"tasks.a.output.n\"}}}"},
        "a");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT group_concat(status||attempt||attempts||executor_type||output) FROM tasks",
                 "success10lua{\"n\":4},success10lua5");
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='a'", "in\t7\n");
    assert_query(w, "SELECT count(*) FROM task_attempts", "0");
    assert_query(w, "SELECT count(*) FROM tasks WHERE started_at IS NULL OR finished_at < started_at", "0");
    assert_int_equal(access("agent/lock", F_OK), -1); /* nobody needs an agent */
    ork_workflow_unref(f);
}

static void fails_with_its_place(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("w:task('a', { run = function(_, ctx) error('attempt ' .. ctx.attempt) end })");

    called_with(f, (struct ork_task_spec){.name = "a", .retry = {.limit = 1, .delay_ms = 1}}, NULL);
    called(f, "gone", NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error FROM tasks WHERE task_name='a'", "errorw.lua:3: attempt 2");
    assert_query(
        w, "SELECT logs LIKE '%w.lua:3: attempt 2%stack traceback:%w.lua:3: in%' FROM tasks WHERE task_name='a'", "1");
    assert_query(w, "SELECT group_concat(status||error) FROM task_attempts WHERE error LIKE 'w.lua%'",
                 "failedw.lua:3: attempt 1,failedw.lua:3: attempt 2");
    assert_query(w, "SELECT kind||attempt||error FROM tasks WHERE task_name='gone'",
                 "input1the script defines no task `gone` when it is loaded again; a script must define the same tasks "
                 "every time");
    ork_workflow_unref(f);
}

/* One call after another kills the worker: those behind it and before it are not charged. */
static void only_what_began_is_lost(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 400 do w:task('a' .. i, { run = function() return i end }) end\n"
                               "w:task('poison', { run = function() os.execute('kill -9 $PPID') end })\n"
                               "for i = 1, 400 do w:task('b' .. i, { run = function() return i end }) end");

    w->jobs = 1;
    world_reopen(w);
    quick(f, "a", MANY);
    called_with(f, (struct ork_task_spec){.name = "poison", .max_lost = 2}, NULL);
    quick(f, "b", MANY);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT count(*)||','||sum(lost)||','||max(attempt) FROM tasks WHERE status='success'", "800,0,1");
    assert_query(w, "SELECT status||kind||attempt||lost||error FROM tasks WHERE task_name='poison'",
                 "failedlost33lost: its worker was ended by signal 9 (SIGKILL)");
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND output <> substr(task_name,2)", "0");
    ork_workflow_unref(f);
}

/* A sleeping one is lost with the one that kills their worker; then each runs alone, and only that one is lost again.
 */
static void company_is_kept_apart(void **state)
{
    struct world *w = *state;
    ork_workflow *f =
        scripted("w:task('sleeper', { run = function(_, ctx)\n"
                 "  if ctx.attempt == 1 then ctx.progress(1, 2) ctx.sleep('1h') end\n"
                 "  return ctx.attempt end })\n"
                 "w:task('poison', { run = function(_, ctx) ctx.progress(1) os.execute('kill -9 $PPID') end })");

    w->jobs = 1;
    world_reopen(w);
    called(f, "sleeper", NULL);
    called_with(f, (struct ork_task_spec){.name = "poison", .max_lost = 1}, NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w, "SELECT group_concat(status||attempt||lost) FROM tasks", "success21,failed22");
    assert_query(w, "SELECT output FROM tasks WHERE task_name='sleeper'", "2");
    assert_query(
        w,
        "SELECT a.error FROM task_attempts a JOIN tasks t ON t.id=a.task_id WHERE task_name='sleeper' AND a.attempt=1",
        "lost: its worker was ended by signal 9 (SIGKILL) (with 1 other function in it; it runs alone next time)");
    assert_query(w, "SELECT error FROM tasks WHERE task_name='poison'",
                 "lost: its worker was ended by signal 9 (SIGKILL)");
    ork_workflow_unref(f);
}

/* What waits behind a call that takes long goes to another worker. */
static void nobody_waits_behind_a_long_one(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 400 do w:task('a' .. i, { run = function() end }) end\n"
                               "w:task('long', { run = function() io.open('go'):read() end })\n"
                               "for i = 1, 400 do w:task('b' .. i, { run = function() end }) end");

    w->jobs = 2;
    world_reopen(w);
    gate_make("go");
    quick(f, "a", MANY);
    called(f, "long", NULL);
    quick(f, "b", MANY);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "long", ORK_TASK_RUNNING);
    until_query(w, "SELECT count(*) FROM tasks WHERE status='success'", "800");
    assert_query(w, "SELECT status FROM tasks WHERE task_name='long'", "pending");
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT sum(lost)||max(attempt) FROM tasks", "01");
    ork_workflow_unref(f);
}

/* One that slept beside another takes its turn before the other's answer is sent, and then computes for long. */
static void nobody_waits_behind_one_that_woke(void **state)
{
    struct world *w = *state;
    ork_workflow *f =
        scripted("w:task('sleeper', { run = function(_, ctx)\n"
                 "  repeat ctx.sleep('1ms') until io.open('over')\n"
                 "  io.open('go'):read() end })\n"
                 "w:task('a', { run = function() io.open('end'):read() io.open('over', 'w'):close() end })");

    w->jobs = 1;
    world_reopen(w);
    gate_make("end go");
    called(f, "sleeper", NULL);
    called(f, "a", NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING); /* it was found to compute for long: nobody asks for answers any more */
    gate_open("end");
    until(w, "a", ORK_TASK_SUCCESS);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* Workers whose functions sleep and want nobody beside them are in nobody's way, of their own kind or another. */
static void nobody_waits_for_those_asleep(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted(
        "local function till(name) return function(_, ctx) repeat ctx.sleep('1ms') until io.open(name) end end\n"
        "local function make(name) return function() io.open(name, 'w'):close() end end\n"
        "w:task('alone1', { isolated = true, run = till('a') })\n"
        "w:task('alone2', { isolated = true, run = till('a') })\n"
        "w:task('shared', { run = till('b') })\n"
        "w:task('b', { isolated = true, run = make('b') })\n"
        "w:task('a', { run = make('a') })");
    const char *isolated = "{\"isolated\":true}";

    w->jobs = 1;
    world_reopen(w);
    called_with(f, (struct ork_task_spec){.name = "alone1", .params = isolated}, NULL);
    called_with(f, (struct ork_task_spec){.name = "alone2", .params = isolated}, NULL);
    called(f, "shared", NULL);
    called_with(f, (struct ork_task_spec){.name = "b", .params = isolated}, NULL);
    called(f, "a", "b");
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

/* There is a bound on them. Beyond it their own kind waits, and no other. */
static void so_many_sleep_alone(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 12 do w:task('s' .. i, { isolated = true, run = function(_, ctx)\n"
                               "  io.open('at' .. i, 'w'):close()\n"
                               "  repeat ctx.sleep('1ms') until io.open('go') end }) end\n"
                               "w:task('p', { run = function(_, ctx)\n"
                               "  for i = 1, 8 do while not io.open('at' .. i) do ctx.sleep('1ms') end end\n"
                               "  assert(not io.open('at9'), 'a ninth began') end })");
    char name[16];

    w->jobs = 1;
    world_reopen(w);
    called(f, "p", NULL);
    for (int i = 1; i <= 12; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        called_with(f, (struct ork_task_spec){.name = name, .params = "{\"isolated\":true}"}, NULL);
    }
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "p", ORK_TASK_SUCCESS); /* its own worker is free from now on, for the ninth */
    assert_int_equal(workers(-1), 9);
    (void)fclose(fopen("go", "we"));
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void ends_when_it_is_told(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("local function loop() while true do end end\n"
                               "w:task('computes', { run = loop })\n"
                               "w:task('catches', { run = function() while true do pcall(loop) end end })\n"
                               "w:task('sleeps', { run = function(_, ctx) ctx.sleep('1h') end })\n"
                               "w:task('blocks', { run = function() os.execute('exec sleep 3600') end })");
    const char *names[] = {"computes", "catches", "sleeps", "blocks"};

    for (size_t i = 0; i < 4; i++)
        called_with(f, (struct ork_task_spec){.name = names[i], .timeout_ms = 60, .params = "{\"grace_ms\":200}"},
                    NULL);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_FAILED);
    assert_query(w,
                 "SELECT count(*) FROM tasks WHERE status='failed' AND kind='timeout' AND error='timeout after 0.06s' "
                 "AND attempt=1 AND lost=0",
                 "4");
    ork_workflow_unref(f);
}

static void is_cancelled(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("w:task('computes', { run = function(_, ctx) ctx.progress(1) while true do end end })\n"
                               "w:task('sleeps', { run = function(_, ctx) ctx.sleep('1h') end })\n"
                               "w:task('after', { run = function() end })");

    called(f, "computes", NULL);
    called(f, "sleeps", NULL);
    called(f, "after", "computes");
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "computes", ORK_TASK_RUNNING);
    until_query(w, "SELECT count(*) FROM tasks WHERE status='pending'", "3"); /* no row says that they run */
    command(w, s.run_id, "cancel", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_CANCELLED);
    assert_query(w, "SELECT group_concat(status) FROM tasks", "cancelled,cancelled,cancelled");
    ork_workflow_unref(f);
}

/* A run that is paused begins nothing; what computes goes on to its end. */
static void a_pause_takes_back(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("w:task('a', { run = function(_, ctx) ctx.progress(1) io.open('go'):read() end })\n"
                               "for i = 1, 50 do w:task('b' .. i, { run = function() end }) end");

    w->jobs = 1;
    world_reopen(w);
    gate_make("go");
    called(f, "a", NULL);
    quick(f, "b", 50);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    command(w, s.run_id, "pause", NULL, "done");
    until(w, NULL, ORK_RUN_PAUSED);
    gate_open("go");
    until(w, "a", ORK_TASK_SUCCESS);
    assert_query(w, "SELECT (SELECT status FROM runs)||sum(status='success') FROM tasks", "paused1");
    command(w, s.run_id, "resume", NULL, "done");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT sum(lost)||max(attempt) FROM tasks", "02"); /* taken back: a new attempt, uncharged */
    ork_workflow_unref(f);
}

static void workers_killed_at_random(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 10000 do w:task('a' .. i, { run = function() return i end }) end");
    unsigned kills = 0, seen = 0;

    quick(f, "a", 10000);
    seal(f);
    srand(7);
    struct ork_started s = start(w, f);
    for (;;) {
        char *status = query(w, "SELECT status FROM runs");
        bool over = strcmp(status, "success") == 0 || strcmp(status, "failed") == 0;
        free(status);
        if (over)
            break;
        for (unsigned turns = 0; turns < 5 && ork_engine_step(w->engine, true); turns++)
            ; /* after the run's end nothing may happen any more, and a turn would wait for ever */
        seen = workers(-1);
        if (seen > 0 && kills < 60) {
            (void)workers(rand() % (int)seen);
            kills++;
        }
    }
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_true(kills > 5);
    assert_query(w, "SELECT count(*) FROM tasks WHERE status='success' AND output = substr(task_name,2)", "10000");
    assert_query(w, "SELECT count(*) FROM tasks WHERE attempt <> 1 + lost OR attempts <> 0", "0");
    assert_query(w, "SELECT (SELECT sum(lost) FROM tasks) = (SELECT count(*) FROM task_attempts)", "1");
    ork_workflow_unref(f);
}

/* Workers stay for a while, but nothing is left to happen: whoever drives the loop is told so at once. */
static void idle_workers_hold_up_nobody(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 100 do w:task('a' .. i, { run = function() end }) end");

    setenv("ORK_WORKER_IDLE_MS", "3600000", 1);
    world_reopen(w);
    quick(f, "a", 100);
    seal(f);
    (void)start(w, f);
    while (ork_engine_step(w->engine, true))
        ;
    assert_query(w, "SELECT status FROM runs", "success");
    assert_true(workers(-1) > 0);
    unsetenv("ORK_WORKER_IDLE_MS");
    ork_workflow_unref(f);
}

/* Who loads a script for long is waited for: another worker would have to load it, too. */
static void a_long_load_is_waited_for(void **state)
{
    struct world *w = *state;
    const unsigned cores = uv_available_parallelism();
    ork_workflow *f = scripted("local loads, till = io.open('loads', 'a'), os.clock() + 0.08\n"
                               "loads:write(io.open('loaded') and 'late ' or 'x') loads:close()\n"
                               "while os.clock() < till do end\n"
                               "io.open('loaded', 'w'):close()\n"
                               "for i = 1, 400 do w:task('a' .. i, { run = function() end }) end");
    char line[64] = "";

    w->jobs = cores + 6;
    world_reopen(w);
    quick(f, "a", MANY);
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    FILE *loads = fopen("loads", "re");
    assert_non_null(loads);
    assert_true(fread(line, 1, sizeof(line) - 1, loads) > 0);
    (void)fclose(loads);
    assert_in_range(strcspn(line, "l"), 1, cores); /* later ones are for calls, which may be long where all is slow */
    ork_workflow_unref(f);
}

/* While many rows are stored, workers load the script whose functions come then. */
static void loads_beside_the_rows(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("for i = 1, 2001 do w:task('a' .. i, { run = function() return i end }) end");

    quick(f, "a", 2001);
    seal(f);
    struct ork_started s = start(w, f);
    while (workers(-1) == 0)
        (void)ork_engine_step(w->engine, true);
    assert_query(w, "SELECT status FROM runs", "pending");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM tasks WHERE output = substr(task_name, 2)", "2001");
    ork_workflow_unref(f);
}

static void idle_workers_end(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("w:task('a', { run = function() end })");

    setenv("ORK_WORKER_IDLE_MS", "1", 1);
    world_reopen(w);
    called(f, "a", NULL);
    assert_int_equal(workers(-1), 0); /* none before there is something to do */
    assert_int_equal(run_to_end(w, f, NULL), ORK_RUN_SUCCESS);
    while (workers(-1) > 0)
        (void)ork_engine_step(w->engine, true);
    unsetenv("ORK_WORKER_IDLE_MS");
    ork_workflow_unref(f);
}

static void without_a_program(void **state)
{
    struct world *w = *state;
    ork_workflow *f = scripted("w:task('a', { run = function() end })");
    char *was = strdup(getenv("ORK_PROGRAM"));
    struct ork_started s;
    ork_err err = {0};

    called(f, "a", NULL);
    seal(f);
    setenv("ORK_PROGRAM", "/no/such/ork", 1);
    struct ork_start_opts o = {.params = "{}", .triggered_by = "manual"};
    assert_int_equal(ork_run_start(w->engine, f, &o, &s, &err), ORK_EAGENT);
    assert_string_equal(err.msg, "ORK_PROGRAM names `/no/such/ork`, which is not a program that can be run");
    assert_query(w, "SELECT count(*) FROM sqlite_schema WHERE name='nothing'", "0");
    setenv("ORK_PROGRAM", "/bin/true", 1); /* no worker */
    s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    assert_query(w, "SELECT kind||error FROM tasks",
                 "spawnno worker can be started: `/usr/bin/true` ended with exit code 0 at once");
    setenv("ORK_PROGRAM", was, 1);
    free(was);
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leaves_one_row, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(fails_with_its_place, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(only_what_began_is_lost, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(company_is_kept_apart, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_behind_a_long_one, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_behind_one_that_woke, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_for_those_asleep, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(so_many_sleep_alone, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(ends_when_it_is_told, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(is_cancelled, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_pause_takes_back, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(workers_killed_at_random, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(idle_workers_hold_up_nobody, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_long_load_is_waited_for, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(loads_beside_the_rows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(idle_workers_end, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(without_a_program, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
