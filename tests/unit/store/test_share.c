/* SPDX-License-Identifier: MIT */
/* Several processes on one database: nobody ever sees "database is locked", everybody gets his turn, every ring is
 * heard.
 */
#include "store/lib_child.h"
#include "store/lib_cluster.h"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 3
#define COMMITS 700

static const char *url;

/* Commits one row after the other, some batches large; the longest wait in ms goes to the parent. */
static void commit_many(int in, int out, void *data)
{
    const ork_workflow *w = data;
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    uint64_t longest = 0;
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, w, &c);
    child_tell(out, 'r');
    (void)child_wait(in);
    for (int i = 0; i < COMMITS; i++) {
        for (int k = 0; k < (i % 50 ? 1 : 200); k++) {
            struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_EVENT);
            u->event = (struct ork_event_put){c.run_id, 1767225600000, TEXT("[1]")};
        }
        uint64_t start = uv_hrtime();
        test_apply_ok(&t, &b);
        uint64_t took = uv_hrtime() - start;
        longest = took > longest ? took : longest;
    }
    longest /= 1000000;
    if (write(out, &longest, sizeof longest) != sizeof longest)
        _exit(3);
    ork_batch_fini(&b);
    test_close(&t);
}

static void test_commits_of_several_processes(void **state)
{
    (void)state;
    struct child c[PROCESSES];
    ork_workflow *w = test_workflow("etl", 1);
    for (int i = 0; i < PROCESSES; i++) /* all open, migrate and register at once */
        c[i] = child_start(commit_many, w);
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(child_wait(c[i].from), 'r');
    for (int i = 0; i < PROCESSES; i++)
        child_tell(c[i].to, 'g');
    for (int i = 0; i < PROCESSES; i++) {
        uint64_t ms = 0;
        assert_int_equal(read(c[i].from, &ms, sizeof ms), sizeof ms);
        print_message("longest wait: %llu ms\n", (unsigned long long)ms);
        assert_int_equal(child_end(&c[i]), 0);
    }
    assert_int_equal(test_count(url, "SELECT count(*) FROM run_events"), PROCESSES * (COMMITS + COMMITS / 50 * 199));
    assert_int_equal(
        test_count(url,
                   "SELECT count(*) FROM (SELECT run_id FROM run_events GROUP BY run_id HAVING max(seq) = count(*)) r"),
        PROCESSES);
    assert_int_equal(test_count(url, "SELECT count(*) FROM workflows"), 1); /* one name, whoever was first */
    assert_int_equal(test_count(url, "SELECT count(*) FROM schedulers WHERE state = 'ended'"), PROCESSES);
    ork_workflow_unref(w);
}

/* A foreign program that holds SQLite's write lock: the loop goes on, the commit comes when it lets go. */
static void hold_lock(int in, int out, void *data)
{
    const char *path = data;
    sqlite3 *db;
    if (sqlite3_open(path, &db) || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        _exit(2);
    child_tell(out, 'l');
    (void)child_wait(in);
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
        _exit(3);
    (void)sqlite3_close(db);
}

struct waiting {
    struct child *c;
    int turns;
    bool applied;
};

static void on_turn(uv_timer_t *h)
{
    struct waiting *w = h->data;
    assert_false(w->applied);
    if (++w->turns == 3) { /* the loop turned meanwhile */
        child_tell(w->c->to, 'g');
        uv_close((uv_handle_t *)h, NULL);
    }
}

static void on_applied(void *data, int code, const ork_err *err, size_t bad)
{
    struct waiting *w = data;
    (void)err;
    (void)bad;
    assert_int_equal(code, 0);
    w->applied = true;
}

static void test_busy_database_is_waited_for(void **state)
{
    (void)state;
    char *path = test_path("busy.db"), *u = test_url("busy.db");
    struct test_store t;
    struct ork_batch b = {0};
    uv_timer_t timer;
    test_open(&t, u);
    test_register(&t);
    struct child c = child_start(hold_lock, path);
    assert_int_equal(child_wait(c.from), 'l');
    struct waiting w = {&c, 0, false};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 1};
    ork_store_apply(t.store, &b, on_applied, &w);
    timer.data = &w;
    assert_int_equal(uv_timer_init(&t.loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_turn, 5, 5), 0);
    struct ork_rows *r = test_query(&t, ORK_Q_pools_list, NULL, 0); /* readers do not wait */
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    while (!w.applied)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(w.turns, 3);
    assert_int_equal(child_end(&c), 0);
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(u);
    ork_free(path);
}

struct rings {
    struct test_store *t;
    int heard, calls;
};

#define RINGS 200

/* Each ring is answered before the next: with what was committed before it already visible. */
static void ring(int in, int out, void *data)
{
    struct test_store t;
    struct ork_batch b = {0};
    const ork_id *run = data;
    test_open(&t, url);
    child_tell(out, 'r');
    for (int i = 0; i < RINGS; i++) {
        if (child_wait(in) != 'n')
            _exit(2);
        struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_COMMAND);
        u->command =
            (struct ork_command_new){.id = test_id(), .run_id = *run, .kind = "pause", .now_ms = 1767225600000 + i};
        test_apply_ok(&t, &b);
    }
    (void)child_wait(in);
    ork_batch_fini(&b);
    test_close(&t);
}

static void on_bell(void *data)
{
    struct rings *r = data;
    r->calls++;
    struct ork_rows *rows = test_query(r->t, ORK_Q_commands_open, (struct ork_param[]){ORK_P_ID(&r->t->me)}, 1);
    r->heard = (int)ork_rows_len(rows);
    ork_rows_free(rows);
}

static void test_every_ring_is_heard(void **state)
{
    (void)state;
    ork_workflow *w = test_workflow("etl", 1);
    struct test_store t;
    struct ork_new_run run;
    struct rings r = {&t, 0, 0};
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, w, &run);
    ork_store_on_bell(t.store, on_bell, &r);
    test_until_it_listens(&t, &r.calls);
    struct child c = child_start(ring, &run.run_id);
    assert_int_equal(child_wait(c.from), 'r');
    for (int i = 0; i < RINGS; i++) {
        child_tell(c.to, 'n');
        while (r.heard <= i)
            uv_run(&t.loop, UV_RUN_ONCE); /* sleeps until the bell */
        assert_int_equal(r.heard, i + 1);
    }
    child_tell(c.to, 'e');
    assert_int_equal(child_end(&c), 0);
    ork_store_on_bell(t.store, NULL, NULL);
    test_close(&t);
    ork_workflow_unref(w);
}

static void count_bell(void *data)
{
    ++*(int *)data;
}

/* My own ring does not wake me; somebody else's right after it does. */
static void test_own_rings_are_not_heard(void **state)
{
    (void)state;
    struct test_store a, b;
    int heard_a = 0, heard_b = 0;
    struct ork_batch batch = {0};
    char *u = test_url("bell.db"), *bell = test_path("bell.db-bell");
    test_open(&a, u);
    test_open(&b, u);
    test_register(&a);
    test_register(&b);
    ork_store_on_bell(a.store, count_bell, &heard_a);
    ork_store_on_bell(b.store, count_bell, &heard_b);
    test_until_it_listens(&a, &heard_a);
    test_until_it_listens(&b, &heard_b);
    for (int i = 1; i <= 5; i++) {
        batch.ring = true;
        ork_batch_add(&batch, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", (uint32_t)i};
        test_apply_ok(&a, &batch);
        while (heard_b < i)
            uv_run(&b.loop, UV_RUN_ONCE);
        (void)uv_run(&a.loop, UV_RUN_NOWAIT);
        assert_int_equal(heard_a, 0);
    }
    ork_batch_add(&batch, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 9}; /* nobody's business */
    test_apply_ok(&b, &batch);
    batch.ring = true;
    ork_batch_add(&batch, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 10};
    test_apply_ok(&b, &batch);
    while (!heard_a)
        uv_run(&a.loop, UV_RUN_ONCE);
    assert_int_equal(heard_a, 1);
    if (test_backend == TEST_FILE) /* removed under us: heard, made again, and rung again */
        assert_int_equal(unlink(bell), 0);
    else /* what was rung meanwhile is lost: they look once */
        cluster_exec(u, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ork "
                        "listen%' AND datname = current_database()");
    while (heard_a < 2)
        uv_run(&a.loop, UV_RUN_ONCE);
    while (heard_b < 6)
        uv_run(&b.loop, UV_RUN_ONCE);
    int before = heard_b;
    batch.ring = true;
    ork_batch_add(&batch, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 11};
    test_apply_ok(&a, &batch);
    while (heard_b == before)
        uv_run(&b.loop, UV_RUN_ONCE);
    ork_batch_fini(&batch);
    test_close(&a);
    test_close(&b);
    ork_free(bell);
    ork_free(u);
}

/* A pool is shared: who is refused hears the bell when slots come back. */
static void test_pool_of_two_schedulers(void **state)
{
    (void)state;
    struct test_store a, b;
    int heard_a = 0, heard_b = 0;
    struct ork_batch batch = {0};
    char *u = test_url("pool.db");
    test_open(&a, u);
    test_open(&b, u);
    test_register(&a);
    test_register(&b);
    ork_store_on_bell(a.store, count_bell, &heard_a);
    ork_store_on_bell(b.store, count_bell, &heard_b);
    test_until_it_listens(&a, &heard_a);
    test_until_it_listens(&b, &heard_b);
    struct ork_slots first = {.pool = "db", .want = 2}, second = {.pool = "db", .want = 2};
    struct ork_slots_free back = {"db", 1, false};
    ork_batch_add(&batch, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", 3};
    ork_batch_add(&batch, ORK_UNIT_TAKE_SLOTS)->take = &first;
    test_apply_ok(&a, &batch);
    ork_batch_add(&batch, ORK_UNIT_FREE_SLOTS)->free = &back;
    test_apply_ok(&a, &batch);
    assert_false(back.wakes); /* nobody waits */
    ork_batch_add(&batch, ORK_UNIT_TAKE_SLOTS)->take = &first;
    test_apply_ok(&a, &batch);
    ork_batch_add(&batch, ORK_UNIT_TAKE_SLOTS)->take = &second;
    test_apply_ok(&b, &batch);
    assert_int_equal(first.granted, 2); /* with the one it kept: all */
    assert_int_equal(second.granted, 0);
    assert_int_equal(heard_a + heard_b, 0);
    back.count = 2;
    ork_batch_add(&batch, ORK_UNIT_FREE_SLOTS)->free = &back;
    test_apply_ok(&a, &batch);
    assert_true(back.wakes);
    while (!heard_b)
        uv_run(&b.loop, UV_RUN_ONCE);
    second.want = 1;
    ork_batch_add(&batch, ORK_UNIT_TAKE_SLOTS)->take = &second;
    test_apply_ok(&b, &batch);
    assert_int_equal(second.granted, 1);
    ork_batch_fini(&batch);
    test_close(&a);
    test_close(&b);
    ork_free(u);
}

/* What was confirmed is there after SIGKILL at any moment; what was not is there whole or not at all. */
static void commit_pairs(int in, int out, void *data)
{
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    (void)in;
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, data, &c);
    if (write(out, &c.run_id, sizeof c.run_id) != sizeof c.run_id)
        _exit(2);
    for (;;) {
        for (int k = 0; k < 2; k++) {
            struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_EVENT);
            u->event = (struct ork_event_put){c.run_id, 1767225600000, TEXT("[1]")};
        }
        test_apply_ok(&t, &b);
        child_tell(out, 'c');
    }
}

static void test_killed_while_committing(void **state)
{
    (void)state;
    ork_workflow *w = test_workflow("etl", 1);
    for (int round = 0; round < 15; round++) {
        struct test_store t;
        ork_id run;
        int confirmed = 0;
        struct child c = child_start(commit_pairs, w);
        assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
        while (confirmed < 1 + round * 7 % 40 && child_wait(c.from) == 'c')
            confirmed++;
        assert_int_equal(kill(c.pid, SIGKILL), 0);
        while (child_wait(c.from) == 'c')
            confirmed++;
        assert_int_equal(child_end(&c), 128 + SIGKILL);
        test_open(&t, url);
        struct ork_rows *r = test_query(&t, ORK_Q_events_of_run,
                                        (struct ork_param[]){ORK_P_ID(&run), ORK_P_INT(0), ORK_P_INT(10000)}, 3);
        int n = (int)ork_rows_len(r);
        ork_rows_free(r);
        test_close(&t);
        assert_int_equal(n % 2, 0);
        assert_in_range(n / 2, confirmed, confirmed + 1);
    }
    ork_workflow_unref(w);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_commits_of_several_processes), cmocka_unit_test(test_every_ring_is_heard),
        cmocka_unit_test(test_own_rings_are_not_heard),      cmocka_unit_test(test_pool_of_two_schedulers),
        cmocka_unit_test(test_killed_while_committing),
    };
    const struct CMUnitTest files[] = {cmocka_unit_test(test_busy_database_is_waited_for)};
    url = test_url("share.db");
    int failed = cmocka_run_group_tests_name("sharing a file", all, NULL, NULL);
    failed += cmocka_run_group_tests_name("sharing a file with strangers", files, NULL, NULL);
    ork_free((char *)url);
    url = NULL;
    if (!cluster_missing()) {
        test_backend = TEST_POSTGRES;
        url = test_url("share.db");
    }
    failed += TEST_ON_POSTGRES("sharing", all);
    ork_free((char *)url);
    return failed;
}
