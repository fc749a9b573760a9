/* SPDX-License-Identifier: MIT */
/* Schedules on a clock that the test sets: late, early, set back and a year ahead; while their last run goes on; with
 * what they need missing. */
#include "engine/lib_gate.h"
#include "engine/lib_serve.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR SERVE_HOUR
#define T0 SERVE_T0
#define TIMES                                                                                                          \
    "SELECT coalesce(group_concat(substr(scheduled_for, 6, 11), ' '), '') FROM (SELECT * FROM runs ORDER BY "          \
    "scheduled_for)"
#define NOTE "SELECT coalesce(json_extract(schedule_note, '$.kind'), '-') FROM workflows"
#define WAITING "{\"command\":[\"sh\",\"-c\",\"read x <go\"]}" /* until the test opens the gate */

static void fires_at_its_time(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "hourly", "{\"cron\":\"0 * * * *\"}", NULL);
    serve_at(w, T0 + HOUR - 1);
    assert_query(w, "SELECT count(*) FROM runs", "0"); /* applied: nothing fires at once */
    assert_int_equal(w->engine->serve.timer.at_ms, T0 + HOUR);
    serve_over(w, T0 + HOUR);
    assert_query(w, TIMES, "01-01T01:00");
    assert_query(w, "SELECT triggered_by FROM runs", "schedule");
    assert_query(w, "SELECT logical_at = scheduled_for FROM runs", "1");
    assert_int_equal(w->engine->serve.timer.at_ms, T0 + 2 * HOUR);
    serve_over(w, T0 + 2 * HOUR + 30000);
    assert_query(w, TIMES, "01-01T01:00 01-01T02:00");
}

static void absence(void **state)
{
    static const struct {
        const char *catchup, *times, *note;
    } cases[] = {
        {"none", "", "missed"},
        {"latest", "01-01T05:00", "missed"},
        {"all", "01-01T01:00 01-01T02:00 01-01T03:00 01-01T04:00 01-01T05:00", "-"},
    };
    struct world *w = *state;
    char option[100];

    for (size_t i = 0; i < 3; i++) {
        world_open(w);
        serve_begin(w, T0);
        (void)snprintf(option, sizeof(option), "{\"cron\":\"0 * * * *\",\"catchup\":\"%s\"}", cases[i].catchup);
        serve_apply(w, "hourly", option, NULL);
        serve_rest(w);
        world_leave(w); /* a machine that sleeps, a scheduler that is down */
        world_engine(w);
        serve_begin(w, T0 + 5 * HOUR + 10 * 60000);
        serve_over(w, T0 + 5 * HOUR + 10 * 60000);
        assert_query(w, TIMES, cases[i].times);
        assert_query(w, NOTE, cases[i].note);
        assert_query(w, "SELECT next_scheduled_at FROM workflows", "2030-01-01T06:00:00.000Z");
        world_close(w);
    }
    world_dir(w);
}

static void a_clock_a_year_ahead_is_forgiven(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "daily", "{\"cron\":\"0 2 * * *\"}", NULL);
    serve_set(w, T0 + 365 * 24 * HOUR);
    assert_query(w, "SELECT count(*) FROM runs", "1"); /* the newest of 365 */
    assert_query(w, "SELECT next_scheduled_at FROM workflows", "2031-01-01T02:00:00.000Z");
    serve_set(w, T0 + HOUR); /* put right */
    assert_query(w, "SELECT next_scheduled_at FROM workflows", "2030-01-01T02:00:00.000Z");
    serve_over(w, T0 + 2 * HOUR);
    assert_query(w, "SELECT count(*) FROM runs", "2");
    assert_query(w, "SELECT next_scheduled_at FROM workflows", "2030-01-02T02:00:00.000Z");
}

static void a_clock_set_back_doubles_nothing(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "hourly", "{\"cron\":\"0 * * * *\"}", NULL);
    serve_over(w, T0 + HOUR);
    serve_over(w, T0 + 2 * HOUR);
    serve_set(w, T0 + 30 * 60000); /* two hours and a bit back */
    for (int i = 0; i < 200; i++)
        serve_over(w, T0 + 30 * 60000 + i * 60000);
    assert_query(w, TIMES, "01-01T01:00 01-01T02:00 01-01T03:00");
}

static void restart_between_fire_and_begin(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "hourly", "{\"cron\":\"0 * * * *\"}", "{\"command\":[\"true\"]}");
    serve_at(w, T0 + HOUR);
    world_leave(w); /* whatever became of the run */
    world_engine(w);
    serve_begin(w, T0 + HOUR + 1000);
    until_query(w, "SELECT group_concat(status) FROM runs", "success");
    assert_query(w, "SELECT count(*) FROM runs", "1");
}

static void open_gate(struct world *w)
{
    until_query(w, "SELECT count(*) > 0 FROM tasks WHERE status = 'running'", "1");
    gate_open("go");
}

static void passes_over_while_it_runs(void **state)
{
    struct world *w = *state;

    gate_make("go");
    serve_begin(w, T0);
    serve_apply(w, "slow", "{\"cron\":\"0 * * * *\"}", WAITING);
    serve_at(w, T0 + HOUR);
    serve_at(w, T0 + 2 * HOUR);
    assert_query(w, TIMES, "01-01T01:00");
    assert_query(w, NOTE, "passed");
    open_gate(w);
    until_query(w, "SELECT group_concat(status) FROM runs", "success");
    serve_at(w, T0 + 3 * HOUR);
    assert_query(w, TIMES, "01-01T01:00 01-01T03:00");
    open_gate(w);
    until_query(w, "SELECT group_concat(status) FROM runs", "success,success");
}

static void queues_while_it_runs(void **state)
{
    struct world *w = *state;

    gate_make("go");
    serve_begin(w, T0);
    serve_apply(w, "slow", "{\"cron\":\"0 * * * *\",\"overlap\":\"queue\",\"catchup\":\"none\"}", WAITING);
    for (int i = 1; i <= 4; i++)
        serve_at(w, T0 + i * HOUR);
    assert_query(w, TIMES, "01-01T01:00");
    assert_int_equal(w->engine->serve.timer.at_ms, 0); /* it waits for an end, not for a time */
    for (int i = 2; i <= 4; i++) {                     /* one after the other, none side by side, none forgotten */
        char expected[8];
        open_gate(w);
        (void)snprintf(expected, sizeof(expected), "%d", i);
        until_query(w, "SELECT count(*) FROM runs", expected);
        assert_query(w, "SELECT count(*) FROM runs WHERE status NOT IN ('success')", "1");
    }
    open_gate(w);
    until_query(w, "SELECT count(*) FROM runs WHERE status = 'success'", "4");
    assert_query(w, TIMES, "01-01T01:00 01-01T02:00 01-01T03:00 01-01T04:00");
}

static void cancels_what_runs(void **state)
{
    struct world *w = *state;

    gate_make("go");
    serve_begin(w, T0);
    serve_apply(w, "slow", "{\"cron\":\"0 * * * *\",\"overlap\":\"cancel_running\"}", WAITING);
    serve_at(w, T0 + HOUR);
    serve_at(w, T0 + 2 * HOUR);
    until_query(w, "SELECT group_concat(status) FROM (SELECT * FROM runs ORDER BY scheduled_for)", "cancelled,running");
    assert_query(w, "SELECT error FROM runs WHERE status = 'cancelled'", "its schedule is due again");
    open_gate(w);
    until_query(w, "SELECT count(*) FROM runs WHERE status = 'success'", "1");
}

static void runs_side_by_side_when_allowed(void **state)
{
    struct world *w = *state;

    gate_make("go");
    serve_begin(w, T0);
    serve_apply(w, "slow", "{\"cron\":\"0 * * * *\",\"overlap\":\"allow\"}", WAITING);
    serve_at(w, T0 + HOUR);
    serve_at(w, T0 + 2 * HOUR);
    until_query(w, "SELECT count(*) FROM tasks WHERE status = 'running'", "2");
}

/* A param that is missing (a definition of an older version): told once, and the schedule goes on. */
static void a_run_that_cannot_be_made_is_noted(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "hourly", "{\"cron\":\"0 * * * *\"}", NULL);
    change_rows(
        w,
        "UPDATE workflow_snapshots SET options = json_set(options, '$.params', json('{\"day\":{\"type\":\"date\"}}'))");
    serve_over(w, T0 + HOUR);
    assert_query(w, NOTE, "failed");
    assert_query(w, "SELECT json_extract(schedule_note, '$.text') LIKE '%params.day: missing%' FROM workflows", "1");
    assert_query(w, "SELECT next_scheduled_at = fire_at AND fire_at LIKE '2030-01-01T02%' FROM workflows", "1");
    assert_query(w, "SELECT count(*) FROM runs", "0");
}

static void copy_zone(const char *from, const char *to)
{
    char command[300];

    (void)snprintf(command, sizeof(command), "cp /usr/share/zoneinfo/%s %s/new && mv %s/new %s/Town", from, to, to, to);
    assert_int_equal(system(command), 0);
}

static void zones_come_and_go(void **state)
{
    struct world *w = *state;
    char dir[200];

    (void)snprintf(dir, sizeof(dir), "%s/zones", w->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    setenv("ORK_ZONEINFO", dir, 1);
    copy_zone("Europe/Berlin", dir);
    world_engine(w);
    serve_begin(w, T0);
    serve_apply(w, "town", "{\"cron\":\"0 12 * * *\",\"timezone\":\"Town\"}", NULL);
    assert_query(w, "SELECT next_scheduled_at FROM workflows", "2030-01-01T11:00:00.000Z");
    serve_rest(w);
    copy_zone("America/New_York", dir); /* a package of zones is replaced: nobody asks, the kernel tells */
    until_query(w, "SELECT next_scheduled_at FROM workflows", "2030-01-01T17:00:00.000Z");
    serve_rest(w);
    world_leave(w);
    (void)unlink("zones/Town");
    world_engine(w);
    serve_begin(w, T0 + 20 * HOUR); /* it is due, and nobody knows when that is */
    assert_query(w, NOTE, "failed");
    assert_query(w, "SELECT fire_at IS NULL FROM workflows", "1");
    world_leave(w);
    copy_zone("America/New_York", dir);
    world_engine(w);
    serve_begin(w, T0 + 21 * HOUR);
    serve_over(w, T0 + 21 * HOUR);
    assert_query(w, TIMES, "01-01T17:00"); /* caught up */
    unsetenv("ORK_ZONEINFO");
}

/* A hundred thousand schedules are rows: in memory there is one timer. */
static void many_cost_one_timer(void **state)
{
    struct world *w = *state;

    serve_begin(w, T0);
    serve_apply(w, "first", "{\"cron\":\"0 * * * *\"}", NULL);
    serve_rest(w);
    change_rows(w, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO "
                   "workflows (id, name, job_name, "
                   "project, schedule, schedule_options, schedule_enabled, next_scheduled_at, fire_at, "
                   "current_snapshot_id) SELECT randomblob(16), "
                   "'w' || i, 'w', 'local', schedule, schedule_options, 1, '2030-01-02T00:00:00.000Z', "
                   "'2030-01-02T00:00:00.000Z', current_snapshot_id "
                   "FROM workflows, n WHERE name = 'first'");
    serve_set(w, T0 + 1000); /* all are looked at: their next time is another one */
    assert_query(w, "SELECT count(*) FROM workflows WHERE next_scheduled_at = '2030-01-01T01:00:00.000Z'", "100001");
    assert_int_equal(w->engine->serve.timer.at_ms, T0 + HOUR);
    assert_ptr_equal(ork_heap_peek(&w->engine->timers), &w->engine->serve.timer.node);
    (void)ork_heap_pop(&w->engine->timers);
    assert_null(ork_heap_peek(&w->engine->timers));
    w->engine->serve.timer.at_ms = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fires_at_its_time, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(absence, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(a_clock_a_year_ahead_is_forgiven, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_clock_set_back_doubles_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(restart_between_fire_and_begin, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(passes_over_while_it_runs, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(queues_while_it_runs, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancels_what_runs, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(runs_side_by_side_when_allowed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_run_that_cannot_be_made_is_noted, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(zones_come_and_go, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(many_cost_one_timer, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
