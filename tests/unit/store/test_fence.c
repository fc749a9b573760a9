/* SPDX-License-Identifier: MIT */
/* Atomicity and the fence: a batch is stored whole, once, and only by a scheduler that was not overtaken. */
#include "store/lib_world.h"
#include <stdio.h>

static void add_task(struct world *x, uint32_t no, int status)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_TASK);
    u->task.id = world_task(x, no);
    u->task.status = status;
    u->task.attempt = 1;
}

static size_t successes(struct world *x)
{
    struct ork_rows *r = world_tasks(x, "success", 5000);
    size_t n = ork_rows_len(r);
    ork_rows_free(r);
    return n;
}

/* Wherever the bad unit stands, its number is told and nothing of the batch is there; without it the rest commits. On
 * the loop and on the writer's thread (more than 64 rows). */
static void test_bad_unit(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5, 64, 65, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t places[] = {0, sizes[s] / 2, sizes[s] - 1};
        struct world x;
        world_open(&x, 300);
        for (size_t p = 0; p < 3; p++) {
            for (size_t i = 0; i < sizes[s]; i++) {
                if (i != places[p]) {
                    add_task(&x, (uint32_t)i, ORK_TASK_SUCCESS);
                    continue;
                }
                struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_EVENT); /* of a run that does not exist */
                u->event = (struct ork_event_put){test_id(), 1767225600000, TEXT("[]")};
            }
            ork_err err;
            size_t bad;
            assert_int_equal(test_apply(&x.t, &x.b, &bad, &err), ORK_EDATA);
            assert_int_equal(bad, places[p]);
            assert_int_equal(successes(&x), 0);
        }
        for (size_t i = 0; i < sizes[s]; i++)
            add_task(&x, (uint32_t)i, ORK_TASK_SUCCESS);
        test_apply_ok(&x.t, &x.b);
        assert_int_equal(successes(&x), sizes[s]);
        world_close(&x);
    }
}

static void test_fenced_when_declared_dead(void **state)
{
    (void)state;
    static const char *const how[] = {"UPDATE schedulers SET state = 'dead'",
                                      "UPDATE schedulers SET last_batch = last_batch + 1", "DELETE FROM schedulers"};
    for (size_t i = 0; i < 3; i++) {
        struct world x;
        world_open(&x, 2);
        if (test_backend == TEST_MEMORY || test_backend == TEST_FOLDER) { /* nobody else may write there */
            world_close(&x);
            return;
        }
        test_exec(x.url, how[i]);
        for (int again = 0; again < 2; again++) {
            ork_err err;
            size_t bad;
            add_task(&x, 0, ORK_TASK_SUCCESS);
            assert_int_equal(test_apply(&x.t, &x.b, &bad, &err), ORK_EFENCED);
            assert_int_equal(successes(&x), 0);
        }
        /* It may come back as a new scheduler, with a higher number. */
        ork_id old = x.t.me;
        uint64_t seq = x.t.seq;
        test_register(&x.t);
        assert_true(x.t.seq > seq);
        assert_false(ork_id_eq(&old, &x.t.me));
        assert_false(ork_store_owner_alive(x.t.store, &old));
        add_task(&x, 0, ORK_TASK_SUCCESS);
        test_apply_ok(&x.t, &x.b);
        assert_int_equal(successes(&x), 1);
        world_close(&x);
    }
}

static void test_registered_once(void **state)
{
    (void)state;
    struct world x;
    ork_id id;
    uint64_t seq;
    ork_err err;
    world_open(&x, 1);
    assert_int_equal(ork_store_register(x.t.store, "h", NULL, &id, &seq, &err), ORK_ESTATE);
    assert_true(ork_store_owner_alive(x.t.store, &x.t.me));
    id = test_id();
    assert_false(ork_store_owner_alive(x.t.store, &id));
    struct ork_rows *r = test_query(&x.t, ORK_Q_owner_get, (struct ork_param[]){ORK_P_ID(&x.t.me)}, 1);
    assert_string_equal(ork_rows_text(r, 0, "state"), "live");
    assert_string_equal(ork_rows_text(r, 0, "host"), "testhost");
    assert_int_equal(ork_rows_int(r, 0, "seq", 0), x.t.seq);
    assert_int_equal(ork_rows_int(r, 0, "last_batch", 0), 1);
    ork_rows_free(r);
    world_close(&x);
}

/* Without registration: wishes and new runs that nobody owns, but no row of a run. */
static void test_unregistered(void **state)
{
    (void)state;
    struct world x;
    struct test_store t;
    ork_err err;
    world_open(&x, 1);
    if (test_backend == TEST_MEMORY || test_backend == TEST_FOLDER) {
        world_close(&x);
        return;
    }
    test_open(&t, x.url);
    struct ork_batch b = {0};
    struct ork_new_run c;
    test_new_run(&c, x.w);
    c.hash = TEXT("3333");
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &c;
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_COMMAND);
    u->command = (struct ork_command_new){.id = test_id(), .run_id = x.run.run_id, .kind = "pause", .now_ms = 1};
    test_apply_ok(&t, &b);
    assert_int_equal(c.how, ORK_CREATED);
    struct ork_rows *r = test_query(&t, ORK_Q_runs_orphans, NULL, 0);
    assert_int_equal(ork_rows_len(r), 1);
    ork_rows_free(r);
    static const int types[] = {ORK_UNIT_RUN,     ORK_UNIT_TASK,  ORK_UNIT_TASKS,
                                ORK_UNIT_ATTEMPT, ORK_UNIT_EVENT, ORK_UNIT_COMMAND_DONE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ork_batch_add(&b, types[i]);
        assert_int_equal(test_apply(&t, &b, NULL, &err), ORK_ESTATE);
    }
    ork_batch_fini(&b);
    test_close(&t);
    world_close(&x);
}

static void test_close_ends_the_scheduler(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    if (test_backend == TEST_MEMORY) {
        world_close(&x);
        return;
    }
    struct ork_slots s = {.pool = "db", .want = 1};
    ork_batch_add(&x.b, ORK_UNIT_TAKE_SLOTS)->take = &s;
    test_apply_ok(&x.t, &x.b);
    char *url = ork_strdup(x.url);
    world_close(&x);
    assert_int_equal(test_count(url, "SELECT count(*) FROM schedulers WHERE state = 'ended'"), 1);
    assert_int_equal(test_count(url, "SELECT count(*) FROM pool_use"), 0);
    ork_free(url);
}

struct ending {
    bool applied, closed;
};

static void on_applied(void *data, int code, const ork_err *err, size_t bad)
{
    struct ending *e = data;
    (void)err;
    (void)bad;
    assert_int_equal(code, 0);
    assert_false(e->closed);
    e->applied = true;
}

static void on_closed(void *data)
{
    struct ending *e = data;
    assert_true(e->applied);
    e->closed = true;
}

/* A batch in flight, on the loop or on the thread, gets its callback before the store is gone. */
static void test_close_waits_for_the_batch(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 300};
    for (size_t s = 0; s < 2; s++) {
        struct world x;
        struct ending e = {false, false};
        world_open(&x, 300);
        for (uint32_t i = 0; i < sizes[s]; i++)
            add_task(&x, i, ORK_TASK_SUCCESS);
        ork_store_apply(x.t.store, &x.b, on_applied, &e);
        ork_store_close(x.t.store, on_closed, &e);
        assert_false(e.applied || e.closed);
        while (!e.closed)
            uv_run(&x.t.loop, UV_RUN_ONCE);
        assert_int_equal(uv_loop_close(&x.t.loop), 0);
        ork_batch_fini(&x.b);
        ork_workflow_unref(x.w);
        ork_free(x.url);
    }
}

static const char many_sqlite[] =
    "INSERT INTO schedulers (id, host, state, created_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
    "n "
    "LIMIT 1000) SELECT randomblob(16), 'h', CASE i WHEN 5 THEN 'live' ELSE 'ended' END, 'x' FROM n;"
    "INSERT INTO workflows (id, name, job_name, project) VALUES (x'01', 'w', 'j', 'p');"
    "INSERT INTO runs (id, workflow_id, status, scheduler_id) SELECT x'02', x'01', 'running', id FROM schedulers WHERE "
    "seq = 7";
static const char many_postgres[] =
    "INSERT INTO schedulers (id, host, state, created_at) SELECT gen_random_uuid(), 'h', CASE i WHEN 5 THEN 'live' "
    "ELSE "
    "'ended' END, now() FROM generate_series(1, 1000) AS i;"
    "INSERT INTO workflows (name, job_name, project) VALUES ('w', 'j', 'p');"
    "INSERT INTO runs (workflow_id, status, scheduler_id) SELECT w.id, 'running', s.id FROM workflows w, schedulers s "
    "WHERE s.seq = 7";

/* Rows of schedulers that are long gone do not pile up; numbers go on. */
static void test_old_schedulers_are_forgotten(void **state)
{
    (void)state;
    if (test_backend == TEST_MEMORY)
        return;
    char *url = test_url("many.db");
    struct test_store t;
    uint64_t last = 0;
    test_open(&t, url);
    test_close(&t);
    test_exec(url, test_backend == TEST_POSTGRES ? many_postgres : many_sqlite);
    for (int i = 0; i < 3; i++) {
        test_open(&t, url);
        test_register(&t);
        assert_true(t.seq > last && t.seq > 1000);
        last = t.seq;
        test_close(&t);
    }
    assert_int_equal(test_count(url, "SELECT count(*) FROM schedulers"), 102); /* a hundred, a live one, an owner */
    test_exec(url, "DELETE FROM schedulers");
    test_open(&t, url);
    test_register(&t);
    assert_true(t.seq > last);
    test_close(&t);
    ork_free(url);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bad_unit),
    cmocka_unit_test(test_fenced_when_declared_dead),
    cmocka_unit_test(test_registered_once),
    cmocka_unit_test(test_unregistered),
    cmocka_unit_test(test_close_ends_the_scheduler),
    cmocka_unit_test(test_close_waits_for_the_batch),
    cmocka_unit_test(test_old_schedulers_are_forgotten),
};

WORLD_MAIN("fence")
