/* SPDX-License-Identifier: MIT */
/* A database that goes away: connections cut before and after a COMMIT, a server that is restarted, killed, out of
 * connections, or does not answer. Whatever happens, a batch is stored once, and what is reported is true. */
#include "store/lib_cluster.h"
#include "store/lib_proxy.h"
#include "store/lib_world.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct scene {
    struct test_store t;
    struct proxy *proxy;
    char *url, *through; /* owned */
    ork_workflow *w;
    struct ork_new_run run;
    struct ork_batch b;
};

static void scene_open(struct scene *x)
{
    static int serial;
    char name[32];
    memset(x, 0, sizeof *x);
    (void)snprintf(name, sizeof name, "away%d", serial++);
    x->url = test_url(name);
    x->proxy = proxy_start(cluster_port());
    x->through = proxy_url(x->proxy, x->url);
    x->w = test_workflow("etl", 3);
    test_open(&x->t, x->through);
    test_register(&x->t);
    test_make_run(&x->t, x->w, &x->run);
}

static void scene_close(struct scene *x)
{
    ork_batch_fini(&x->b);
    ork_workflow_unref(x->w);
    test_close(&x->t);
    proxy_stop(x->proxy);
    ork_free(x->url);
    ork_free(x->through);
}

static void add_events(struct scene *x, int n)
{
    for (int i = 0; i < n; i++)
        ork_batch_add(&x->b, ORK_UNIT_EVENT)->event = (struct ork_event_put){x->run.run_id, 1767225600000, TEXT("[1]")};
}

/* Of a batch two events are stored or none: their numbers have no gap, their count is known. */
static void assert_events(struct scene *x, int n)
{
    assert_int_equal(test_count(x->url, "SELECT count(*) FROM run_events"), n);
    assert_int_equal(test_count(x->url, "SELECT coalesce(max(seq), 0) FROM run_events"), n);
}

#define ROUNDS 12

static void test_cut(struct scene *x, enum proxy_mode how)
{
    for (int i = 1; i <= ROUNDS; i++) {
        proxy_set(x->proxy, how);
        add_events(x, 2);
        test_apply_ok(&x->t, &x->b);
        assert_events(x, 2 * i);
    }
    assert_int_equal(proxy_cuts(x->proxy), ROUNDS);
    assert_int_equal(test_count(x->url, "SELECT last_batch FROM schedulers"), ROUNDS + 1);
}

static void test_the_answer_of_a_commit_is_lost(void **state)
{
    (void)state;
    struct scene x;
    scene_open(&x);
    test_cut(&x, PROXY_CUT_AFTER_COMMIT);
    scene_close(&x);
}

static void test_cut_within_a_batch(void **state)
{
    (void)state;
    struct scene x;
    scene_open(&x);
    test_cut(&x, PROXY_CUT_BEFORE_COMMIT);
    scene_close(&x);
}

/* What was decided is told rightly, though the answer to its COMMIT never came. */
static void test_outcomes_survive(void **state)
{
    (void)state;
    static const enum proxy_mode how[] = {PROXY_CUT_BEFORE_COMMIT, PROXY_CUT_AFTER_COMMIT};
    struct scene x;
    scene_open(&x);
    for (int i = 0; i < 2; i++) {
        struct ork_new_run c;
        struct ork_slots slots = {.pool = i ? "a" : "b", .want = 1};
        test_new_run(&c, x.w);
        c.key = i ? TEXT("one") : TEXT("two");
        proxy_set(x.proxy, how[i]);
        ork_batch_add(&x.b, ORK_UNIT_CREATE_RUN)->create = &c;
        ork_batch_add(&x.b, ORK_UNIT_TAKE_SLOTS)->take = &slots;
        test_apply_ok(&x.t, &x.b);
        assert_int_equal(proxy_cuts(x.proxy), i + 1);
        assert_int_equal(c.how, ORK_CREATED);
        assert_int_equal(slots.granted, 1);
        assert_int_equal(test_count(x.url, "SELECT count(*) FROM runs"), i + 2);
        assert_int_equal(test_count(x.url, "SELECT sum(used) FROM pool_use"), i + 1);
    }
    scene_close(&x);
}

struct applied {
    int code, calls;
    ork_err err;
};

static void on_applied(void *data, int code, const ork_err *err, size_t bad)
{
    struct applied *a = data;
    (void)bad;
    a->calls++;
    a->code = code;
    if (err)
        a->err = *err;
}

static void apply_kept(struct scene *x, struct applied *a)
{
    memset(a, 0, sizeof *a);
    ork_store_apply(x->t.store, &x->b, on_applied, a);
    while (!a->calls)
        uv_run(&x->t.loop, UV_RUN_ONCE);
}

/* Nobody can tell for a while: then it is reported as not stored, and the same batch, tried again, is not stored twice;
 * another one instead of it is stored under the next number. */
static void test_in_doubt_for_long(void **state)
{
    (void)state;
    struct scene x;
    struct applied a;
    for (int other = 0; other < 2; other++) {
        scene_open(&x);
        proxy_set(x.proxy, PROXY_CUT_AFTER_THEN_REFUSE);
        add_events(&x, 2);
        apply_kept(&x, &a);
        assert_int_equal(a.code, ORK_EIO);
        assert_non_null(strstr(a.err.msg, "cannot be reached"));
        assert_events(&x, 2);
        proxy_set(x.proxy, PROXY_PASS);
        if (other) {
            ork_batch_clear(&x.b);
            add_events(&x, 3);
        }
        apply_kept(&x, &a);
        assert_int_equal(a.code, 0);
        assert_events(&x, other ? 5 : 2);
        ork_batch_clear(&x.b);
        add_events(&x, 1);
        test_apply_ok(&x.t, &x.b);
        assert_events(&x, other ? 6 : 3);
        scene_close(&x);
    }
}

/* Another batch of the very same bytes (memory that was given back and had again) is not the one in doubt: what it asks
 * is answered. */
static void test_the_same_bytes_again(void **state)
{
    (void)state;
    struct scene x;
    struct applied a;
    struct ork_claim c;
    struct ork_batch free_it = {0};

    scene_open(&x);
    struct ork_unit *u = ork_batch_add(&free_it, ORK_UNIT_RUN);
    u->run = (struct ork_run_put){.id = x.run.run_id, .status = ORK_RUN_RUNNING, .release = true};
    test_apply_ok(&x.t, &free_it);
    ork_batch_fini(&free_it);
    proxy_set(x.proxy, PROXY_CUT_AFTER_THEN_REFUSE);
    for (int again = 0; again < 2; again++) {
        c = (struct ork_claim){.run_id = x.run.run_id};
        ork_batch_clear(&x.b);
        ork_batch_add(&x.b, ORK_UNIT_CLAIM)->claim = &c;
        apply_kept(&x, &a);
        assert_int_equal(a.code, again ? 0 : ORK_EIO);
        proxy_set(x.proxy, PROXY_PASS);
    }
    assert_true(c.claimed);
    scene_close(&x);
}

/* Unregistered programs leave wishes; the same wish is there once. */
static void test_a_wish_is_left_once(void **state)
{
    (void)state;
    struct scene x;
    struct test_store cli;
    struct ork_batch b = {0};
    scene_open(&x);
    test_open(&cli, x.through);
    proxy_set(x.proxy, PROXY_CUT_AFTER_COMMIT);
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_COMMAND);
    u->command =
        (struct ork_command_new){.id = test_id(), .run_id = x.run.run_id, .kind = "cancel", .now_ms = 1767225600000};
    test_apply_ok(&cli, &b);
    assert_int_equal(proxy_cuts(x.proxy), 1);
    assert_int_equal(test_count(x.url, "SELECT count(*) FROM commands"), 1);
    ork_batch_fini(&b);
    test_close(&cli);
    scene_close(&x);
}

static void count(void *data)
{
    ++*(int *)data;
}

static void test_server_is_restarted(void **state)
{
    (void)state;
    static const int how[] = {SIGINT, SIGQUIT}; /* properly; as after a crash */
    for (size_t i = 0; i < 2; i++) {
        struct scene x;
        struct applied a;
        int rung = 0;
        scene_open(&x);
        ork_store_on_bell(x.t.store, count, &rung);
        test_until_it_listens(&x.t, &rung); /* a connection half made would keep the server from stopping */
        cluster_stop(how[i]);
        add_events(&x, 2);
        apply_kept(&x, &a);
        assert_int_equal(a.code, ORK_EIO); /* the caller keeps the batch and tries again */
        assert_non_null(strstr(a.err.msg, "cannot be reached"));
        struct ork_rows *rows;
        ork_err err;
        assert_int_equal(ork_store_query(x.t.store, ORK_Q_run_last, NULL, 0, &rows, &err), ORK_EIO);
        cluster_restart();
        apply_kept(&x, &a);
        assert_int_equal(a.code, 0);
        assert_events(&x, 2);
        rows = test_query(&x.t, ORK_Q_run_last, NULL, 0);
        assert_int_equal(ork_rows_len(rows), 1);
        ork_rows_free(rows);
        assert_true(ork_store_owner_alive(x.t.store, &x.t.me));
        scene_close(&x);
    }
}

/* Idle, it finds out by itself, connects again and holds its lock again; who listens is told to look. */
static void test_idle_connections_come_back(void **state)
{
    (void)state;
    struct scene x;
    int rung = 0;
    scene_open(&x);
    ork_store_on_bell(x.t.store, count, &rung);
    test_until_it_listens(&x.t, &rung);
    proxy_cut(x.proxy);
    while (!rung)
        uv_run(&x.t.loop, UV_RUN_ONCE);
    while (
        test_count(x.url,
                   "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted "
                   "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") != 1)
        (void)uv_run(&x.t.loop, UV_RUN_NOWAIT);
    add_events(&x, 1);
    test_apply_ok(&x.t, &x.b);
    assert_events(&x, 1);
    scene_close(&x);
}

/* The network is dead and says nothing: closing does not wait for it for ever. */
static void test_close_while_it_hangs(void **state)
{
    (void)state;
    struct scene x;
    scene_open(&x);
    proxy_cut(x.proxy);
    proxy_set(x.proxy, PROXY_REFUSE);
    scene_close(&x);
    assert_true(true);
}

static void let_pass(uv_timer_t *t)
{
    proxy_set(t->data, PROXY_PASS);
    uv_close((uv_handle_t *)t, NULL);
}

/* The network holds everything back for longer than a scheduler waits, then delivers it all, late: the old batch too.
 */
static void test_a_batch_arrives_late(void **state)
{
    (void)state;
    struct scene x;
    struct applied a;
    uv_timer_t timer;
    if (!getenv("ORK_TEST_LONG")) {
        print_message("left out: long: script/test --long\n");
        skip();
    }
    scene_open(&x);
    proxy_set(x.proxy, PROXY_HOLD);
    timer.data = x.proxy;
    (void)uv_timer_init(&x.t.loop, &timer);
    (void)uv_timer_start(&timer, let_pass, 12000, 0);
    add_events(&x, 2);
    do
        apply_kept(&x, &a);
    while (a.code == ORK_EIO);
    assert_int_equal(a.code, 0);
    assert_events(&x, 2);
    ork_batch_clear(&x.b);
    add_events(&x, 1);
    test_apply_ok(&x.t, &x.b);
    assert_events(&x, 3);
    scene_close(&x);
}

static void test_out_of_connections(void **state)
{
    (void)state;
    struct test_store t;
    struct ork_new_run run;
    struct ork_batch b = {0};
    ork_err err;
    char *raw = cluster_raw("limited"), url[128];
    cluster_exec(raw, "CREATE ROLE plain LOGIN; ALTER DATABASE limited OWNER TO plain");
    (void)snprintf(url, sizeof url, "postgres://plain@127.0.0.1:%d/limited", cluster_port());
    cluster_exec(raw, "ALTER ROLE plain CONNECTION LIMIT 0");
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_CREATE, &err), ORK_EBUSY);
    assert_non_null(strstr(err.msg, "too many connections"));
    cluster_exec(raw, "ALTER ROLE plain CONNECTION LIMIT 2");
    test_open(&t, url);
    test_register(&t);
    ork_workflow *w = test_workflow("etl", 2);
    test_make_run(&t, w, &run);
    cluster_exec(raw, "ALTER ROLE plain CONNECTION LIMIT 0");
    cluster_exec(raw, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain'");
    cluster_wait(raw, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain'", 0);
    ork_batch_add(&b, ORK_UNIT_EVENT)->event = (struct ork_event_put){run.run_id, 1767225600000, TEXT("[]")};
    assert_int_equal(test_apply(&t, &b, NULL, &err), ORK_EBUSY);
    assert_non_null(strstr(err.msg, "too many connections"));
    cluster_exec(raw, "ALTER ROLE plain CONNECTION LIMIT 9");
    ork_batch_add(&b, ORK_UNIT_EVENT)->event = (struct ork_event_put){run.run_id, 1767225600000, TEXT("[]")};
    test_apply_ok(&t, &b);
    assert_int_equal(test_count(raw, "SELECT count(*) FROM run_events"), 1);
    ork_batch_fini(&b);
    test_close(&t);
    ork_workflow_unref(w);
    ork_free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_of_a_commit_is_lost),
        cmocka_unit_test(test_cut_within_a_batch),
        cmocka_unit_test(test_outcomes_survive),
        cmocka_unit_test(test_in_doubt_for_long),
        cmocka_unit_test(test_the_same_bytes_again),
        cmocka_unit_test(test_a_wish_is_left_once),
        cmocka_unit_test(test_server_is_restarted),
        cmocka_unit_test(test_idle_connections_come_back),
        cmocka_unit_test(test_close_while_it_hangs),
        cmocka_unit_test(test_out_of_connections),
        cmocka_unit_test(test_a_batch_arrives_late),
    };
    return TEST_ON_POSTGRES("away", tests);
}
