/* SPDX-License-Identifier: MIT */
/* Tasks, attempts, events, commands, pools: what each unit writes, and what the queries give back. */
#include "store/lib_world.h"
#include <stdio.h>

static void insert_tasks(struct world *x, uint32_t first, uint32_t count)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_TASKS);
    u->tasks = (struct ork_tasks_insert){x->run.run_id, x->w, first, count, x->run.now_ms};
    test_apply_ok(&x->t, &x->b);
}

static void test_tasks_are_inserted_once(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 200);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task.id = world_task(&x, 7);
    u->task.status = ORK_TASK_SUCCESS;
    test_apply_ok(&x.t, &x.b);
    insert_tasks(&x, 0, 200);
    struct ork_rows *r = test_query(&x.t, ORK_Q_tasks_counts, (struct ork_param[]){ORK_P_ID(&x.run.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 2);
    assert_string_equal(ork_rows_text(r, 0, "status"), "pending");
    assert_int_equal(ork_rows_int(r, 0, "count", 0), 199);
    assert_string_equal(ork_rows_text(r, 1, "status"), "success");
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_tasks_load, (struct ork_param[]){ORK_P_ID(&x.run.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 200);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(ork_rows_int(r, i, "task_index", -1), i);
    assert_string_equal(ork_rows_text(r, 7, "status"), "success");
    ork_rows_free(r);
    world_close(&x);
}

static void put_item(struct world *x, uint32_t item, uint32_t attempt, const char *output)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(x, ORK_ITEMS_FROM + item - 1),
                                    .item = item,
                                    .number = ORK_ITEMS_FROM + item - 1,
                                    .parent = world_task(x, 1),
                                    .fresh = true,
                                    .status = ORK_TASK_SUCCESS,
                                    .attempt = attempt,
                                    .output = (struct ork_text){output, strlen(output)},
                                    .set_output = true,
                                    .finished_ms = 1767225600000};
}

/* Its owner takes them for new: one batch has one that is there and one that is not, and neither is lost. */
static void test_fresh_items_that_are_there(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 2);
    put_item(&x, 1, 1, "1");
    put_item(&x, 3, 1, "3");
    test_apply_ok(&x.t, &x.b);
    put_item(&x, 1, 2, "11");
    put_item(&x, 2, 1, "2");
    test_apply_ok(&x.t, &x.b);
    struct ork_param p[] = {ORK_P_ID(&x.run.run_id), ORK_P_INT(ORK_ITEMS_FROM), ORK_P_INT(ORK_ITEMS_FROM + 9),
                            ORK_P_INT(9)};
    struct ork_rows *r = test_query(&x.t, ORK_Q_items_list, p, 4);
    assert_int_equal(ork_rows_len(r), 3);
    assert_string_equal(ork_rows_text(r, 0, "output"), "11");
    assert_string_equal(ork_rows_text(r, 1, "output"), "2");
    assert_string_equal(ork_rows_text(r, 2, "output"), "3");
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_items_load, p, 4);
    assert_int_equal(ork_rows_int(r, 0, "attempt", 0), 2);
    assert_int_equal(ork_rows_int(r, 1, "attempt", 0), 1);
    ork_rows_free(r);
    world_close(&x);
}

/* The unit that is refused is named, not the neighbour whose row is there. */
static void test_fresh_items_take_no_blame(void **state)
{
    (void)state;
    struct world x;
    ork_err err = {0};
    size_t bad = 9;
    world_open(&x, 2);
    put_item(&x, 1, 1, "1");
    test_apply_ok(&x.t, &x.b);
    put_item(&x, 1, 2, "11");
    put_item(&x, 2, 1, "\xff");
    assert_int_equal(test_apply(&x.t, &x.b, &bad, &err), ORK_EDATA);
    assert_int_equal(bad, 1);
    world_close(&x);
}

/* What did well at once is put in short; what is left of attempts before goes all the same. */
static void test_well_leaves_nothing_of_before(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 0),
                                    .status = ORK_TASK_PENDING,
                                    .attempt = 1,
                                    .failures = 1,
                                    .lost = 1,
                                    .kind = ORK_KIND_ERROR,
                                    .execution_name = TEXT("4711"),
                                    .error = TEXT("no"),
                                    .logs = TEXT("tail"),
                                    .set_output = true,
                                    .set_logs = true,
                                    .started_ms = 1767225600000,
                                    .retry_at_ms = 1767225600001};
    test_apply_ok(&x.t, &x.b);
    u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 0),
                                    .status = ORK_TASK_SUCCESS,
                                    .attempt = 2,
                                    .output = TEXT("{\"n\":1}"),
                                    .set_output = true,
                                    .set_logs = true,
                                    .finished_ms = 1767225600002};
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r =
        test_query(&x.t, ORK_Q_task_get, (struct ork_param[]){ORK_P_ID(&x.run.run_id), ORK_P_TEXT("t0")}, 2);
    static const char *const gone[] = {"kind", "execution_name", "error", "logs", "started_at", "retry_at"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_null(ork_rows_text(r, 0, gone[i]));
    assert_string_equal(ork_rows_text(r, 0, "status"), "success");
    assert_string_equal(ork_rows_text(r, 0, "output"), "{\"n\":1}");
    assert_int_equal(ork_rows_int(r, 0, "attempt", 0), 2);
    assert_int_equal(ork_rows_int(r, 0, "attempts", -1) + ork_rows_int(r, 0, "lost", -1), 0);
    ork_rows_free(r);
    world_close(&x);
}

/* Rows are of a run that is there, also where no foreign key says so. */
static void test_tasks_of_no_run_are_refused(void **state)
{
    (void)state;
    struct world x;
    ork_err err = {0};
    size_t bad = 9;
    world_open(&x, 2);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASKS);
    u->tasks = (struct ork_tasks_insert){x.run.run_id, x.w, 0, 2, x.run.now_ms};
    u->tasks.run_id.b[3] ^= 1;
    assert_int_equal(test_apply(&x.t, &x.b, &bad, &err), ORK_EDATA);
    assert_int_equal(bad, 0);
    world_close(&x);
}

static void test_task_put(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 2);
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 1),
                                    .status = ORK_TASK_FAILED,
                                    .attempt = 5,
                                    .failures = 3,
                                    .lost = 2,
                                    .kind = ORK_KIND_TIMEOUT,
                                    .execution_name = TEXT("4711"),
                                    .error = TEXT("took longer than 1s"),
                                    .output = TEXT("{\"rows\":1}"),
                                    .logs = TEXT("tail"),
                                    .set_output = true,
                                    .set_logs = true,
                                    .dispatched_ms = 1767225600001,
                                    .started_ms = 1767225600002,
                                    .finished_ms = 1767225600003,
                                    .retry_at_ms = 1767225600004};
    test_apply_ok(&x.t, &x.b);
    struct ork_param p[] = {ORK_P_ID(&x.run.run_id), ORK_P_TEXT("t1")};
    struct ork_rows *r = test_query(&x.t, ORK_Q_task_get, p, 2);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "status"), "failed");
    assert_int_equal(ork_rows_int(r, 0, "attempt", 0), 5);
    assert_int_equal(ork_rows_int(r, 0, "attempts", 0), 3);
    assert_int_equal(ork_rows_int(r, 0, "lost", 0), 2);
    assert_string_equal(ork_rows_text(r, 0, "kind"), "timeout");
    assert_string_equal(ork_rows_text(r, 0, "execution_name"), "4711");
    assert_string_equal(ork_rows_text(r, 0, "error"), "took longer than 1s");
    assert_string_equal(ork_rows_text(r, 0, "output"), "{\"rows\":1}");
    assert_string_equal(ork_rows_text(r, 0, "logs"), "tail");
    assert_int_equal(ork_rows_time(r, 0, "dispatched_at"), 1767225600001);
    assert_int_equal(ork_rows_time(r, 0, "started_at"), 1767225600002);
    assert_int_equal(ork_rows_time(r, 0, "finished_at"), 1767225600003);
    assert_int_equal(ork_rows_time(r, 0, "retry_at"), 1767225600004);
    ork_rows_free(r);
    /* Without set_…: output and logs stay; the rest becomes what was given. */
    u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 1), .status = ORK_TASK_PENDING, .attempt = 5};
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_task_get, p, 2);
    assert_string_equal(ork_rows_text(r, 0, "output"), "{\"rows\":1}");
    assert_string_equal(ork_rows_text(r, 0, "logs"), "tail");
    assert_null(ork_rows_text(r, 0, "kind"));
    assert_null(ork_rows_text(r, 0, "error"));
    assert_null(ork_rows_text(r, 0, "retry_at"));
    ork_rows_free(r);
    /* set_output with NULL clears it, and leaves logs alone. */
    u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 1), .status = ORK_TASK_SKIPPED, .set_output = true};
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_task_output, (struct ork_param[]){ORK_P_ID(&x.run.run_id), ORK_P_INT(1)}, 2);
    assert_string_equal(ork_rows_text(r, 0, "status"), "skipped");
    assert_null(ork_rows_text(r, 0, "output"));
    ork_rows_free(r);
    r = world_tasks(&x, "skipped,failed", 10);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "task_name"), "t1");
    ork_rows_free(r);
    world_close(&x);
}

static void test_every_status_is_accepted(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    for (int s = ORK_TASK_PENDING; s <= ORK_TASK_SKIPPED; s++) {
        struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
        u->task.id = world_task(&x, 0);
        u->task.status = s;
        test_apply_ok(&x.t, &x.b);
        struct ork_rows *r = world_tasks(&x, NULL, 1);
        assert_int_equal(ork_task_status_parse(ork_rows_text(r, 0, "status")), s);
        ork_rows_free(r);
    }
    for (int s = ORK_RUN_PENDING; s <= ORK_RUN_CANCELLED; s++) {
        world_put_run(&x, &x.run.run_id, s, false);
        struct ork_rows *r = world_run(&x, &x.run.run_id);
        assert_int_equal(ork_run_status_parse(ork_rows_text(r, 0, "status")), s);
        ork_rows_free(r);
    }
    world_close(&x);
}

static void put_attempt(struct world *x, uint32_t task, uint32_t attempt, int status, const ork_id *agent)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_ATTEMPT);
    u->attempt = (struct ork_attempt_put){.task_id = world_task(x, task),
                                          .agent_id = *agent,
                                          .attempt = attempt,
                                          .status = status,
                                          .exit_code = -1,
                                          .log_bytes = -1,
                                          .user_ms = -1,
                                          .system_ms = -1,
                                          .host = TEXT("testhost"),
                                          .log_path = TEXT("/logs/0.1.log")};
    u = ork_batch_add(&x->b, ORK_UNIT_TASK);
    u->task.id = world_task(x, task);
    u->task.status = status;
    u->task.attempt = attempt;
}

static void test_attempts(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 3);
    ork_id agent = test_id(), got;
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_AGENT);
    u->agent = (struct ork_agent_put){agent, TEXT("testhost"), TEXT("boot-1"), TEXT("/run/s")};
    put_attempt(&x, 0, 1, ORK_TASK_DISPATCHED, &agent);
    put_attempt(&x, 1, 1, ORK_TASK_FAILED, &agent);
    put_attempt(&x, 1, 2, ORK_TASK_RUNNING, &agent);
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = test_query(&x.t, ORK_Q_attempts_live, (struct ork_param[]){ORK_P_ID(&x.run.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 2);
    assert_int_equal(ork_rows_int(r, 0, "task_index", -1), 0);
    assert_int_equal(ork_rows_int(r, 1, "attempt", -1), 2);
    assert_string_equal(ork_rows_text(r, 1, "boot_id"), "boot-1");
    assert_string_equal(ork_rows_text(r, 1, "socket"), "/run/s");
    assert_true(ork_rows_id(r, 0, "agent_id", &got) && ork_id_eq(&got, &agent));
    ork_rows_free(r);
    ork_id task = world_task(&x, 0);
    u = ork_batch_add(&x.b, ORK_UNIT_ATTEMPT);
    u->attempt = (struct ork_attempt_put){.task_id = task,
                                          .attempt = 1,
                                          .status = ORK_TASK_FAILED,
                                          .kind = ORK_KIND_SIGNAL,
                                          .exit_code = -1,
                                          .signal = 9,
                                          .error = TEXT("killed by signal 9"),
                                          .log_bytes = 12,
                                          .started_ms = 1767225600001,
                                          .finished_ms = 1767225600002,
                                          .user_ms = 0,
                                          .system_ms = 3,
                                          .max_rss_kb = 400};
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_attempts_of_task, (struct ork_param[]){ORK_P_ID(&task)}, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "kind"), "signal");
    assert_int_equal(ork_rows_int(r, 0, "signal", 0), 9);
    assert_int_equal(ork_rows_int(r, 0, "exit_code", -1), -1);
    assert_int_equal(ork_rows_int(r, 0, "user_ms", -1), 0);
    assert_int_equal(ork_rows_int(r, 0, "max_rss_kb", -1), 400);
    assert_null(ork_rows_text(r, 0, "host")); /* replaced whole */
    ork_rows_free(r);
    world_close(&x);
}

static void test_events_are_numbered_by_run(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct ork_new_run other;
    test_make_run(&x.t, x.w, &other);
    for (int i = 0; i < 5; i++) {
        struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){i == 2 ? other.run_id : x.run.run_id, 1767225600000 + i, TEXT("[]")};
    }
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = test_query(&x.t, ORK_Q_events_of_run,
                                    (struct ork_param[]){ORK_P_ID(&x.run.run_id), ORK_P_INT(1), ORK_P_INT(2)}, 3);
    assert_int_equal(ork_rows_len(r), 2);
    assert_int_equal(ork_rows_int(r, 0, "seq", 0), 2);
    assert_int_equal(ork_rows_time(r, 1, "at"), 1767225600003);
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_events_of_run, (struct ork_param[]){ORK_P_ID(&other.run_id), ORK_P_INT(0), ORK_P_INT(9)},
                   3);
    assert_int_equal(ork_rows_len(r), 1);
    assert_int_equal(ork_rows_int(r, 0, "seq", 0), 1);
    ork_rows_free(r);
    world_close(&x);
}

static void test_commands(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    ork_id ids[2];
    for (int i = 0; i < 2; i++) {
        struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_COMMAND);
        ids[i] = test_id();
        u->command = (struct ork_command_new){.id = ids[i],
                                              .run_id = x.run.run_id,
                                              .kind = i ? "pause" : "cancel",
                                              .args = i ? (struct ork_text){0} : TEXT("{}"),
                                              .by = TEXT("someone"),
                                              .now_ms = 1767225600000 + i};
    }
    test_apply_ok(&x.t, &x.b);
    struct ork_param me[] = {ORK_P_ID(&x.t.me)};
    struct ork_rows *r = test_query(&x.t, ORK_Q_commands_open, me, 1);
    assert_int_equal(ork_rows_len(r), 2);
    assert_string_equal(ork_rows_text(r, 0, "kind"), "cancel");
    assert_string_equal(ork_rows_text(r, 0, "by"), "someone");
    assert_null(ork_rows_text(r, 1, "args"));
    ork_rows_free(r);
    for (int i = 0; i < 2; i++) {
        struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_COMMAND_DONE);
        u->done = (struct ork_command_done){ids[0], 1767225600009 + i, TEXT(i ? "again" : "done")};
    }
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_commands_open, me, 1);
    assert_int_equal(ork_rows_len(r), 1);
    ork_rows_free(r);
    r = test_query(&x.t, ORK_Q_commands_of_run, (struct ork_param[]){ORK_P_ID(&x.run.run_id)}, 1);
    assert_int_equal(ork_rows_len(r), 2);
    assert_string_equal(ork_rows_text(r, 0, "outcome"), "done"); /* the first answer stays */
    assert_int_equal(ork_rows_time(r, 0, "done_at"), 1767225600009);
    ork_rows_free(r);
    world_close(&x);
}

static void put_job(struct world *x, const ork_id *id, const char *status, const char *data, const char *error,
                    int64_t polled)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_JOB);
    ork_task_id(&x->run.run_id, 0, &u->job.task_id);
    u->job.id = *id;
    u->job.type = "poll";
    u->job.status = status;
    u->job.job_id = TEXT("t0.1");
    u->job.data = (struct ork_text){data, strlen(data)};
    u->job.error = (struct ork_text){error, error ? strlen(error) : 0};
    u->job.started_ms = 1767225600000;
    u->job.polled_ms = polled;
    u->job.finished_ms = strcmp(status, "completed") == 0 ? polled : 0;
}

static void set_running(struct world *x)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.status = ORK_TASK_RUNNING, .attempt = 1, .started_ms = 1767225600000};
    ork_task_id(&x->run.run_id, 0, &u->task.id);
}

/* Put twice in one batch the last one counts; what began stays as it was; a task that is over waits for nothing. */
static void test_jobs(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    const ork_id id = test_id();
    const struct ork_param run[] = {ORK_P_ID(&x.run.run_id)};
    set_running(&x);
    put_job(&x, &id, "pending", "{\"attempt\":1}", NULL, 0);
    put_job(&x, &id, "polling", "{\"asked\":1,\"attempt\":1}", "refused", 1767225601000);
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r = test_query(&x.t, ORK_Q_jobs_open, run, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "service_type"), "poll");
    assert_string_equal(ork_rows_text(r, 0, "status"), "polling");
    assert_string_equal(ork_rows_text(r, 0, "job_data"), "{\"asked\":1,\"attempt\":1}");
    assert_string_equal(ork_rows_text(r, 0, "error"), "refused");
    assert_int_equal(ork_rows_time(r, 0, "started_at"), 1767225600000);
    assert_int_equal(ork_rows_time(r, 0, "last_polled_at"), 1767225601000);
    assert_int_equal(ork_rows_int(r, 0, "task_index", -1), 0);
    assert_int_equal(ork_rows_int(r, 0, "attempt", -1), 1);
    ork_rows_free(r);
    put_job(&x, &id, "completed", "{\"asked\":2,\"attempt\":1}", NULL, 1767225602000);
    test_apply_ok(&x.t, &x.b);
    r = test_query(&x.t, ORK_Q_jobs_open, run, 1);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    ork_id task;
    ork_task_id(&x.run.run_id, 0, &task);
    const struct ork_param of[] = {ORK_P_ID(&task)};
    r = test_query(&x.t, ORK_Q_jobs_of_task, of, 1);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "status"), "completed");
    assert_int_equal(ork_rows_time(r, 0, "finished_at"), 1767225602000);
    ork_rows_free(r);
    world_close(&x);
}

static uint32_t take(struct world *x, const char *pool, uint32_t want)
{
    struct ork_slots s = {.pool = pool, .want = want, .granted = 99};
    ork_batch_add(&x->b, ORK_UNIT_TAKE_SLOTS)->take = &s;
    test_apply_ok(&x->t, &x->b);
    return s.granted;
}

static bool give(struct world *x, const char *pool, uint32_t count)
{
    struct ork_slots_free f = {pool, count, true};
    ork_batch_add(&x->b, ORK_UNIT_FREE_SLOTS)->free = &f;
    test_apply_ok(&x->t, &x->b);
    return f.wakes;
}

static void test_pools(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    ork_batch_add(&x.b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", 4};
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(take(&x, "db", 3), 3);
    assert_int_equal(take(&x, "db", 3), 1);
    assert_int_equal(take(&x, "db", 1), 0);
    struct ork_rows *r = test_query(&x.t, ORK_Q_pools_list, NULL, 0);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "name"), "db");
    assert_int_equal(ork_rows_int(r, 0, "slots", 0), 4);
    assert_int_equal(ork_rows_int(r, 0, "used", 0), 4);
    assert_int_equal(ork_rows_int(r, 0, "waiting", 0), 1);
    ork_rows_free(r);
    assert_false(give(&x, "db", 3)); /* it waits itself: nobody else to wake */
    assert_int_equal(take(&x, "db", 2), 2);
    ork_batch_add(&x.b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", 1}; /* smaller than what is taken */
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(take(&x, "db", 1), 0);
    assert_false(give(&x, "db", 99)); /* never below none */
    assert_int_equal(take(&x, "db", 5), 1);
    assert_int_equal(take(&x, "undeclared", 2), 1);
    world_close(&x);
}

/* All or what is of use; and what lives already counts, whether there is room or not. */
static void test_least_and_kept_slots(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    ork_batch_add(&x.b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", 3};
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(take(&x, "db", 2), 2);
    struct ork_slots two = {.pool = "db", .want = 5, .least = 2}, one = {.pool = "db", .want = 5, .least = 1};
    ork_batch_add(&x.b, ORK_UNIT_TAKE_SLOTS)->take = &two;
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(two.granted, 0);
    ork_batch_add(&x.b, ORK_UNIT_TAKE_SLOTS)->take = &one;
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(one.granted, 1);
    struct ork_slots kept = {.pool = "db", .want = 2, .keep = true};
    ork_batch_add(&x.b, ORK_UNIT_TAKE_SLOTS)->take = &kept;
    test_apply_ok(&x.t, &x.b);
    assert_int_equal(kept.granted, 0); /* no room, taken all the same */
    struct ork_rows *r = test_query(&x.t, ORK_Q_pools_list, NULL, 0);
    assert_int_equal(ork_rows_int(r, 0, "used", 0), 5);
    ork_rows_free(r);
    (void)give(&x, "db", 2);
    assert_int_equal(take(&x, "db", 1), 0);
    (void)give(&x, "db", 1);
    assert_int_equal(take(&x, "db", 1), 1);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tasks_are_inserted_once),
    cmocka_unit_test(test_fresh_items_that_are_there),
    cmocka_unit_test(test_fresh_items_take_no_blame),
    cmocka_unit_test(test_well_leaves_nothing_of_before),
    cmocka_unit_test(test_tasks_of_no_run_are_refused),
    cmocka_unit_test(test_task_put),
    cmocka_unit_test(test_every_status_is_accepted),
    cmocka_unit_test(test_attempts),
    cmocka_unit_test(test_events_are_numbered_by_run),
    cmocka_unit_test(test_commands),
    cmocka_unit_test(test_jobs),
    cmocka_unit_test(test_pools),
    cmocka_unit_test(test_least_and_kept_slots),
};

WORLD_MAIN("tasks")
