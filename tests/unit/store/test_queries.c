/* SPDX-License-Identifier: MIT */
/* Every named query gives the same columns and the same cells on PostgreSQL as on SQLite, of the same rows. What cannot
 * be the same (a scheduler's own numbers and times) is left out. */
#include "store/lib_cluster.h"
#include "store/lib_world.h"
#include <stdio.h>

#define NOW 1767225600000

static ork_id ids[8], task0, task1;
static ork_id me[2];

/* Everything a database can hold, with ids that are the same on both. */
static void fill(struct test_store *t, const ork_workflow *w)
{
    struct ork_batch b = {0};
    struct ork_new_run c, done, free_run;
    test_new_run(&c, w);
    c.id = ids[0];
    c.workflow_id = ids[1];
    c.snapshot_id = ids[2];
    c.key = TEXT("k\"1");
    c.run_timeout_ms = 1500;
    c.part = TEXT("{\"to\":\"t1\"}");
    done = free_run = c;
    done.key = free_run.key = (struct ork_text){0};
    done.id = ids[3];
    done.now_ms = NOW + 5;
    free_run.id = ids[4];
    free_run.now_ms = NOW + 7;
    ork_task_id(&ids[0], 0, &done.parent_task);
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &c;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &done;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &free_run;
    for (int i = 0; i < 2; i++) {
        struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_TASKS);
        u->tasks = (struct ork_tasks_insert){i ? ids[3] : ids[0], w, 0, 3, NOW};
    }
    test_apply_ok(t, &b);
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_AGENT);
    u->agent = (struct ork_agent_put){ids[5], TEXT("host"), TEXT("boot"), TEXT("/run/s")};
    ork_task_id(&ids[0], 0, &task0);
    u = ork_batch_add(&b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = task0,
                                    .status = ORK_TASK_RUNNING,
                                    .attempt = 2,
                                    .failures = 1,
                                    .kind = ORK_KIND_EXIT,
                                    .error = TEXT("é — 😀"),
                                    .output = TEXT("{\"a\":null,\"b\":[1.5,100.0]}"),
                                    .set_output = true,
                                    .started_ms = NOW + 1,
                                    .dispatched_ms = NOW};
    u = ork_batch_add(&b, ORK_UNIT_ATTEMPT);
    u->attempt = (struct ork_attempt_put){.task_id = task0,
                                          .agent_id = ids[5],
                                          .attempt = 2,
                                          .status = ORK_TASK_RUNNING,
                                          .exit_code = -1,
                                          .log_bytes = 1ll << 40,
                                          .started_ms = NOW + 1,
                                          .user_ms = -1,
                                          .system_ms = 4,
                                          .host = TEXT("host"),
                                          .log_path = TEXT("/l/0.2.log"),
                                          .snapshot_id = ids[2]};
    ork_id item;
    ork_task_id(&ids[0], 1, &task1);
    for (uint32_t i = 0; i < 3; i++) { /* items of t1: the second has no row, the third has changed twice */
        if (i == 1)
            continue;
        ork_task_id(&ids[0], ORK_ITEMS_FROM + i, &item);
        for (int k = 0; k < (i ? 2 : 1); k++) {
            u = ork_batch_add(&b, ORK_UNIT_TASK);
            u->task = (struct ork_task_put){.id = item,
                                            .item = i + 1,
                                            .number = ORK_ITEMS_FROM + i,
                                            .parent = task1,
                                            .status = k ? ORK_TASK_SUCCESS : ORK_TASK_FAILED,
                                            .attempt = 1 + (uint32_t)k,
                                            .error = k ? (struct ork_text){0} : TEXT("no"),
                                            .output = k ? TEXT("{\"n\":1}") : (struct ork_text){0},
                                            .set_output = k > 0,
                                            .finished_ms = NOW + 2};
        }
    }
    ork_batch_add(&b, ORK_UNIT_TASK_MAP)->map = (struct ork_task_map){.id = task1,
                                                                      .run_id = ids[0],
                                                                      .set = true,
                                                                      .count = 3,
                                                                      .first = ORK_ITEMS_FROM,
                                                                      .items = TEXT("[1,\"b\",null]")};
    u = ork_batch_add(&b, ORK_UNIT_JOB);
    u->job = (struct ork_job_put){.id = ids[5],
                                  .task_id = task0,
                                  .type = "approval",
                                  .status = "pending",
                                  .job_id = TEXT("t0.2"),
                                  .data = TEXT("{\"attempt\":2,\"text\":\"Ship?\"}"),
                                  .started_ms = NOW + 1};
    char child[ORK_ID_TEXT];
    ork_id_format(&ids[3], child);
    u = ork_batch_add(&b, ORK_UNIT_JOB);
    u->job = (struct ork_job_put){.id = ids[6],
                                  .task_id = task0,
                                  .type = "run",
                                  .status = "pending",
                                  .job_id = TEXT(child),
                                  .error = TEXT("no answer"),
                                  .polled_ms = NOW + 3,
                                  .data = TEXT("{\"attempt\":2}"),
                                  .started_ms = NOW + 2};
    for (int i = 0; i < 3; i++)
        ork_batch_add(&b, ORK_UNIT_EVENT)->event = (struct ork_event_put){ids[0], NOW + i, TEXT("[{\"e\":1}]")};
    u = ork_batch_add(&b, ORK_UNIT_COMMAND);
    u->command = (struct ork_command_new){ids[6], ids[0], task0, "cancel", TEXT("{\"a\":2,\"b\":1}"), TEXT("me"), NOW};
    u = ork_batch_add(&b, ORK_UNIT_COMMAND);
    u->command = (struct ork_command_new){ids[7], ids[4], {{0}}, "pause", {0}, {0}, NOW};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", 4};
    struct ork_slots slots = {.pool = "db", .want = 6};
    ork_batch_add(&b, ORK_UNIT_TAKE_SLOTS)->take = &slots;
    u = ork_batch_add(&b, ORK_UNIT_RUN);
    u->run = (struct ork_run_put){.id = ids[0], .status = ORK_RUN_RUNNING, .started_ms = NOW};
    u = ork_batch_add(&b, ORK_UNIT_RUN);
    u->run =
        (struct ork_run_put){ids[3], ORK_RUN_FAILED, NOW + 1, NOW + 9, TEXT("no"), TEXT("{\"a\":1}"), 1, true, true};
    u = ork_batch_add(&b, ORK_UNIT_RUN);
    u->run = (struct ork_run_put){.id = ids[4], .status = ORK_RUN_PAUSED, .release = true};
    test_apply_ok(t, &b);
    struct ork_apply_item it = {.what = ORK_APPLY_PUT,
                                .name = "etl",
                                .workflow_id = ids[1],
                                .snapshot_id = ids[2],
                                .hash = TEXT("0000"),
                                .options_json = TEXT("{\"retention\":{\"days\":9}}"),
                                .tasks_json = TEXT("[]"),
                                .source_json = TEXT("{}"),
                                .script_dir = TEXT("/s"),
                                .script_path = TEXT("/s/t.lua"),
                                .tasks = 3,
                                .schedule = TEXT("{\"cron\":\"0 2 * * *\"}"),
                                .next_ms = NOW + 100,
                                .fire_ms = NOW + 101};
    struct ork_apply a = {&it, 1, TEXT("me"), NOW};
    ork_batch_add(&b, ORK_UNIT_APPLY)->apply = &a;
    u = ork_batch_add(&b, ORK_UNIT_SCHEDULE_NOTE);
    u->schedule_note = (struct ork_schedule_note){ids[1], TEXT("{\"at\":1,\"kind\":\"failed\"}")};
    u = ork_batch_add(&b, ORK_UNIT_SCRIPT_ERROR);
    u->script_error = (struct ork_script_error){TEXT("/s/t.lua"), TEXT("line 1")};
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static bool is_own(const char *col)
{
    static const char *const own[] = {"scheduler_id", "seq_own",   "heartbeat_at",
                                      "backend_pid",  "owner_pid", "created_own"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(col, own[i]) == 0)
            return true;
    return false;
}

static void compare_cell(const char *query, const char *col, const struct ork_cell *a, const struct ork_cell *b)
{
    bool same = a->type == b->type;
    if (same && a->type == ORK_CELL_INT)
        same = a->i == b->i;
    else if (same && a->type == ORK_CELL_REAL)
        same = a->r == b->r;
    else if (same && a->type != ORK_CELL_NULL)
        same = is_own(col) || (a->n == b->n && memcmp(a->p, b->p, a->n) == 0);
    if (!same && !is_own(col))
        fail_msg("%s.%s: type %d %s, PostgreSQL has type %d %s", query, col, a->type,
                 a->type >= ORK_CELL_TEXT ? a->p : "", b->type, b->type >= ORK_CELL_TEXT ? b->p : "");
}

static void compare(const char *query, const struct ork_rows *a, const struct ork_rows *b, bool cells)
{
    if (ork_rows_cols(a) != ork_rows_cols(b) || (cells && ork_rows_len(a) != ork_rows_len(b)))
        fail_msg("%s: %zu columns and %zu rows, PostgreSQL has %zu and %zu", query, ork_rows_cols(a), ork_rows_len(a),
                 ork_rows_cols(b), ork_rows_len(b));
    for (size_t c = 0; c < ork_rows_cols(a); c++)
        assert_string_equal(ork_rows_col(a, c), ork_rows_col(b, c));
    for (size_t r = 0; cells && r < ork_rows_len(a); r++)
        for (size_t c = 0; c < ork_rows_cols(a); c++)
            compare_cell(query, ork_rows_col(a, c), ork_rows_cell(a, r, c), ork_rows_cell(b, r, c));
}

struct question {
    enum ork_query q;
    const char *name;
    struct ork_param p[7];
    size_t n;
    bool own; /* the rows are of schedulers: only columns are compared */
};

#define Q(name, ...)                                                                                                   \
    {                                                                                                                  \
        ORK_Q_##name, #name, {__VA_ARGS__}, sizeof((struct ork_param[]){__VA_ARGS__}) / sizeof(struct ork_param),      \
            false                                                                                                      \
    }
#define Q0(name)                                                                                                       \
    {                                                                                                                  \
        ORK_Q_##name, #name, {{0}}, 0, false                                                                           \
    }
#define T ORK_P_TEXT
#define I ORK_P_INT
#define N ORK_P_NULL
#define ID(i) ORK_P_ID(&ids[i])

static void test_same_answers(void **state)
{
    (void)state;
    struct test_store t[2];
    ork_workflow *w = test_workflow("etl", 3);
    for (size_t i = 0; i < 8; i++)
        ids[i] = test_id();
    char digits[ORK_ID_TEXT], *url = cluster_database("queries");
    for (int i = 0; i < 2; i++) {
        test_open(&t[i], i ? url : "sqlite::memory:");
        test_register(&t[i]);
        me[i] = t[i].me;
        fill(&t[i], w);
    }
    ork_id_format(&ids[0], digits);
    const char *tail = digits + 30;
    const struct question all[] = {Q(run_get, ID(0)),
                                   Q(run_get, ID(3)),
                                   Q(run_parent, ID(3)),
                                   Q(run_parent, ID(0)),
                                   Q(runs_list, N, N, N, N, N, I(9)),
                                   Q(runs_list, T("etl"), N, N, N, N, I(9)),
                                   Q(runs_list, N, T("failed,paused"), N, N, N, I(-1)),
                                   Q(runs_list, T("etl"), T("pending"), T("2025-01-01T00:00:00.000Z"), N, N, I(9)),
                                   Q(runs_list, N, N, N, T("2026-01-01T00:00:00.007Z"), ID(4), I(9)),
                                   Q(runs_match, N, T(tail), I(9)),
                                   Q(runs_match, T("0"), N, I(9)),
                                   Q(runs_match, T("zz"), T("zz"), I(9)),
                                   Q(runs_of_workflow, T("etl"), I(1)),
                                   Q(run_of_key, T("etl"), T("k\"1")),
                                   Q(run_of_time, T("etl"), T("2026-01-01T00:00:00.000Z")),
                                   Q0(run_last),
                                   Q0(runs_orphans),
                                   Q(runs_unfinished, I(1)),
                                   Q(run_script, ID(0)),
                                   Q(snapshot_inline, ID(0)),
                                   Q(snapshot_get, ID(2)),
                                   Q(tasks_load, ID(0)),
                                   Q(tasks_list, ID(0), T("pending,running"), I(0), I(9)),
                                   Q(tasks_list, ID(0), N, N, I(9)),
                                   Q(tasks_list, ID(0), N, N, I(-1)),
                                   Q(workflows_list, N, I(0), N, I(-1)),
                                   Q(tasks_counts, ID(0)),
                                   Q(task_get, ID(0), T("t0")),
                                   Q(task_output, ID(0), I(0)),
                                   Q(attempts_of_task, ORK_P_ID(&task0)),
                                   Q(attempts_live, ID(0)),
                                   Q(jobs_open, ID(0)),
                                   Q(jobs_of_task, ORK_P_ID(&task0)),
                                   Q(artifacts_of_run, ID(0), N),
                                   Q(artifacts_of_run, ID(0), T("report.html")),
                                   Q(approvals_open, I(9)),
                                   Q(jobs_failing, I(9)),
                                   Q(commands_of_run, ID(0)),
                                   Q(events_of_run, ID(0), I(1), I(9)),
                                   Q(events_last, ID(0)),
                                   Q0(pools_list),
                                   Q(runs_ended, T("2025-01-01T00:00:00.000Z"), T("2025-01-01T00:00:00.000Z")),
                                   Q(tasks_outputs, ID(0), I(-1), I(9)),
                                   Q(items_load, ID(0), I(ORK_ITEMS_FROM), I(ORK_ITEMS_FROM + 2), I(9)),
                                   Q(items_list, ID(0), I(ORK_ITEMS_FROM), I(ORK_ITEMS_FROM + 2), I(1)),
                                   Q(items_page, ID(0), T("failed"), I(ORK_ITEMS_FROM), I(ORK_ITEMS_FROM + 2), I(9)),
                                   Q(items_page, ID(0), N, I(ORK_ITEMS_FROM + 1), I(ORK_ITEMS_FROM + 2), I(9)),
                                   Q(items_counts, ID(0), I(ORK_ITEMS_FROM), I(ORK_ITEMS_FROM + 2)),
                                   Q(task_items_get, ORK_P_ID(&task1)),
                                   Q(task_get, ID(0), T("t1/3")),
                                   Q0(waiting_runs),
                                   Q(workflows_list, N, I(1), N, I(9)),
                                   Q(workflows_list, T("etl"), I(0), N, I(9)),
                                   Q(workflows_list, N, I(0), T("etl"), I(9)),
                                   Q(versions_list, T("etl")),
                                   Q(version_open, T("etl"), I(0)),
                                   Q(version_open, T("etl"), I(1)),
                                   Q(runs_old, ID(1), N, N, N, N, N, I(9)),
                                   Q(runs_old, ID(1), T("2025-01-01T00:00:00.000Z"), N, N, N, N, I(9)),
                                   Q(runs_old_count, ID(1), N, N, N),
                                   Q(run_nth, ID(1), I(0)),
                                   Q(runs_within, ID(1), I(1ll << 41)),
                                   Q(runs_doomed, I(9)),
                                   Q(remains_list, N, I(9)),
                                   Q(schedules_due, I(9)),
                                   Q(schedules_list, N, I(1), N, I(9)),
                                   Q(schedules_head, I(9)),
                                   Q(schedules_troubled, I(9)),
                                   Q(commands_free, I(9)),
                                   Q(owed_within, ID(0)),
                                   Q(runs_free, I(9)),
                                   Q0(runs_left)};
    static const enum ork_query own[] = {ORK_Q_runs_mine, ORK_Q_commands_open, ORK_Q_owner_get};
    bool asked[ORK_Q_COUNT] = {false};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct ork_rows *a = test_query(&t[0], all[i].q, all[i].p, all[i].n),
                        *b = test_query(&t[1], all[i].q, all[i].p, all[i].n);
        compare(all[i].name, a, b, true);
        asked[all[i].q] = true;
        ork_rows_free(a);
        ork_rows_free(b);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct ork_rows *a = test_query(&t[0], own[i], (struct ork_param[]){ORK_P_ID(&me[0])}, 1),
                        *b = test_query(&t[1], own[i], (struct ork_param[]){ORK_P_ID(&me[1])}, 1);
        assert_int_equal(ork_rows_len(a), ork_rows_len(b));
        compare("of a scheduler", a, b, false);
        asked[own[i]] = true;
        ork_rows_free(a);
        ork_rows_free(b);
    }
    struct ork_rows *a = test_query(&t[0], ORK_Q_schedulers_list, NULL, 0),
                    *b = test_query(&t[1], ORK_Q_schedulers_list, NULL, 0);
    compare("schedulers_list", a, b, false);
    ork_rows_free(a);
    ork_rows_free(b);
    a = test_query(&t[0], ORK_Q_pool_users, (struct ork_param[]){T("db"), ID(7)}, 2);
    b = test_query(&t[1], ORK_Q_pool_users, (struct ork_param[]){T("db"), ID(7)}, 2);
    assert_int_equal(ork_rows_len(b), 1);
    compare("pool_users", a, b, false);
    ork_rows_free(a);
    ork_rows_free(b);
    asked[ORK_Q_schedulers_list] = asked[ORK_Q_pool_users] = true;
    for (int q = 0; q < ORK_Q_COUNT; q++)
        if (!asked[q])
            fail_msg("query %d is asked by no case here", q);
    for (int i = 0; i < 2; i++)
        test_close(&t[i]);
    ork_workflow_unref(w);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_answers)};
    return TEST_ON_POSTGRES("queries", tests);
}
