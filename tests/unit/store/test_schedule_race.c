/* SPDX-License-Identifier: MIT */
/* Schedules of two schedulers: each time starts one run, whoever comes first. */
#include "store/lib_child.h"
#include "store/lib_world.h"
#include <stdio.h>

#define NOW 1767225600000
#define NEXT (NOW + 60000)

static ork_id workflow, snapshot;

static void apply_schedule(struct world *x, const char *schedule)
{
    struct ork_apply_item it = {.what = ORK_APPLY_PUT,
                                .name = "nightly",
                                .workflow_id = test_id(),
                                .snapshot_id = test_id(),
                                .hash = TEXT("aa"),
                                .tasks_json = TEXT("[]"),
                                .options_json = TEXT("{}"),
                                .source_json = TEXT("{}"),
                                .script_path = TEXT("/s/n.lua"),
                                .tasks = 1,
                                .schedule = {schedule, schedule ? strlen(schedule) : 0},
                                .next_ms = NEXT,
                                .fire_ms = NEXT + 500};
    struct ork_apply a = {&it, 1, TEXT("test"), NOW};
    ork_batch_add(&x->b, ORK_UNIT_APPLY)->apply = &a;
    test_apply_ok(&x->t, &x->b);
}

static struct ork_rows *due(struct world *x)
{
    return test_query(&x->t, ORK_Q_schedules_due, (struct ork_param[]){ORK_P_INT(9)}, 1);
}

static void open_scheduled(struct world *x)
{
    world_open(x, 1);
    apply_schedule(x, "{\"cron\":\"0 2 * * *\"}");
    struct ork_rows *r = due(x);
    assert_int_equal(ork_rows_len(r), 1);
    assert_int_equal(ork_rows_time(r, 0, "next_scheduled_at"), NEXT);
    assert_int_equal(ork_rows_time(r, 0, "fire_at"), NEXT + 500);
    assert_string_equal(ork_rows_text(r, 0, "schedule_options"), "{\"cron\":\"0 2 * * *\"}");
    assert_true(ork_rows_id(r, 0, "id", &workflow) && ork_rows_id(r, 0, "snapshot_id", &snapshot));
    ork_rows_free(r);
}

static struct ork_fire fire_of(int64_t expected, struct ork_new_run *run)
{
    if (run) {
        memset(run, 0, sizeof *run);
        run->id = test_id();
        run->rerun_workflow = workflow;
        run->rerun_snapshot = snapshot;
        run->triggered_by = TEXT("schedule");
        run->scheduled_for_ms = expected;
        run->now_ms = run->logical_ms = NOW;
    }
    return (struct ork_fire){.workflow_id = workflow,
                             .snapshot_id = snapshot,
                             .expected_ms = expected,
                             .next_ms = expected + 60000,
                             .fire_ms = expected + 60000,
                             .now_ms = NOW,
                             .run = run};
}

#define STEPS 60

struct race {
    char *url;
};

/* Steps from one time to the next, always from what it sees; tells how many runs it started. */
static int run_ahead(struct test_store *t)
{
    struct world x = {.t = *t};
    int started = 0;
    for (;;) {
        struct ork_new_run run;
        struct ork_rows *r = test_query(t, ORK_Q_schedules_due, (struct ork_param[]){ORK_P_INT(1)}, 1);
        int64_t next = ork_rows_time(r, 0, "next_scheduled_at");
        ork_rows_free(r);
        if (next >= NEXT + STEPS * 60000)
            break;
        struct ork_fire f = fire_of(next, &run);
        struct ork_batch b = {0};
        ork_batch_add(&b, ORK_UNIT_FIRE)->fire = &f;
        test_apply_ok(t, &b);
        ork_batch_fini(&b);
        assert_true(f.how == ORK_FIRE_RUN || f.how == ORK_FIRE_LOST);
        started += f.how == ORK_FIRE_RUN;
    }
    ork_batch_fini(&x.b);
    return started;
}

static void other(int in, int out, void *data)
{
    struct race *race = data;
    struct test_store t;
    test_open(&t, race->url);
    test_register(&t);
    child_tell(out, 'r');
    (void)child_wait(in);
    int n = run_ahead(&t);
    if (write(out, &n, sizeof n) != sizeof n)
        _exit(2);
    test_close(&t);
}

static void test_every_time_is_one_run(void **state)
{
    (void)state;
    struct world x;
    if (test_backend == TEST_MEMORY || test_backend == TEST_FOLDER)
        return;
    open_scheduled(&x);
    struct race race = {x.url};
    struct child c = child_start(other, &race);
    assert_int_equal(child_wait(c.from), 'r');
    child_tell(c.to, 'g');
    int mine = run_ahead(&x.t), theirs = 0;
    assert_int_equal(read(c.from, &theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(child_end(&c), 0);
    assert_int_equal(mine + theirs, STEPS);
    assert_int_equal(
        test_count(x.url, "SELECT count(DISTINCT scheduled_for) FROM runs WHERE scheduled_for IS NOT NULL"), STEPS);
    assert_int_equal(test_count(x.url, "SELECT count(*) FROM runs WHERE scheduled_for IS NOT NULL"), STEPS);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_time_is_one_run)};

WORLD_MAIN("race")
