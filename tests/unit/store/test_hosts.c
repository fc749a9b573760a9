/* SPDX-License-Identifier: MIT */
/* Schedulers on several hosts and one server: what becomes of runs and slots when one of them is gone. Its processes
 * may live on, so their run waits for a scheduler of that host, and the slots they hold stay held. */
#include "store/lib_cluster.h"
#include "store/lib_store.h"
#include <stdio.h>

static char *fresh(void)
{
    static int serial;
    char name[32];
    (void)snprintf(name, sizeof name, "hosts%d", serial++);
    return test_url(name);
}

static void join(struct test_store *t, const char *url, const char *host, const char *role)
{
    test_open(t, url);
    test_register_as(t, host, role);
}

/* As one of that host and name has it that runs a process for the first task; or one that only waits for its turn. */
static void make_run(struct test_store *t, const ork_workflow *w, const char *host, struct ork_new_run *c)
{
    struct ork_batch b = {0};
    ork_id task;
    test_make_run(t, w, c);
    if (!host)
        return;
    ork_task_id(&c->run_id, 0, &task);
    ork_batch_add(&b, ORK_UNIT_TASK)->task =
        (struct ork_task_put){.id = task, .status = ORK_TASK_RUNNING, .attempt = 1};
    ork_batch_add(&b, ORK_UNIT_ATTEMPT)->attempt = (struct ork_attempt_put){.task_id = task,
                                                                            .attempt = 1,
                                                                            .status = ORK_TASK_RUNNING,
                                                                            .exit_code = -1,
                                                                            .log_bytes = -1,
                                                                            .user_ms = -1,
                                                                            .system_ms = -1,
                                                                            .host = TEXT(host)};
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

/* The caller frees what was left. */
static struct ork_claim claim(struct test_store *t, const struct ork_new_run *run)
{
    struct ork_batch b = {0};
    struct ork_claim c = {.run_id = run->run_id};
    ork_batch_add(&b, ORK_UNIT_CLAIM)->claim = &c;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
    return c;
}

static struct ork_slots take(struct test_store *t, uint32_t want, bool keep)
{
    struct ork_batch b = {0};
    struct ork_slots s = {.pool = "db", .want = want, .keep = keep};
    ork_batch_add(&b, ORK_UNIT_TAKE_SLOTS)->take = &s;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
    return s;
}

static void give(struct test_store *t, uint32_t count)
{
    struct ork_batch b = {0};
    struct ork_slots_free f = {.pool = "db", .count = count};
    ork_batch_add(&b, ORK_UNIT_FREE_SLOTS)->free = &f;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void declare(struct test_store *t, uint32_t slots)
{
    struct ork_batch b = {0};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"db", slots};
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void test_a_run_waits_for_its_host(void **state)
{
    (void)state;
    char *url = fresh();
    ork_workflow *w = test_workflow("etl", 2);
    struct test_store a, other, b;
    struct ork_new_run lives, rests;
    join(&a, url, "a", "serve");
    join(&other, url, "a", "serve");
    make_run(&a, w, "a", &lives);
    make_run(&a, w, NULL, &rests);
    test_close(&a);
    join(&b, url, "b", "serve");
    struct ork_claim c = claim(&b, &lives);
    assert_true(!c.claimed && c.bound && c.bound_ms == -1); /* a server lives there, which is about to take it up */
    assert_string_equal(c.host, "a");
    assert_true(claim(&b, &rests).claimed); /* nothing of it lives anywhere */
    test_close(&other);
    c = claim(&b, &lives);
    assert_true(!c.claimed && c.bound && c.bound_ms > 290000 && c.bound_ms <= 300000);
    join(&a, url, "a", NULL);
    assert_true(claim(&a, &lives).claimed);
    test_close(&a);
    test_close(&b);
    ork_workflow_unref(w);
    ork_free(url);
}

static void test_a_key_does_not_take_it_either(void **state)
{
    (void)state;
    char *url = fresh();
    ork_workflow *w = test_workflow("etl", 2);
    struct test_store a, b;
    struct ork_new_run c;
    struct ork_batch batch = {0};
    join(&a, url, "a", NULL);
    make_run(&a, w, "a", &c);
    cluster_exec(url, "UPDATE runs SET idempotency_key = 'k'");
    test_close(&a);
    join(&b, url, "b", NULL);
    test_new_run(&c, w);
    c.key = TEXT("k");
    ork_batch_add(&batch, ORK_UNIT_CREATE_RUN)->create = &c;
    test_apply_ok(&b, &batch);
    assert_int_equal(c.how, ORK_OWNED);
    test_new_run(&c, w);
    c.resume = true;
    cluster_exec(url, "UPDATE runs SET idempotency_key = NULL");
    ork_batch_add(&batch, ORK_UNIT_CREATE_RUN)->create = &c;
    test_apply_ok(&b, &batch);
    assert_int_equal(c.how, ORK_CREATED);
    ork_batch_fini(&batch);
    test_close(&b);
    ork_workflow_unref(w);
    ork_free(url);
}

/* The grace is that of who asks: a long one is not over yet, however slow the machine, and one of a millisecond is. */
static void test_not_for_ever(void **state)
{
    (void)state;
    char *url = fresh();
    ork_workflow *w = test_workflow("etl", 2);
    struct test_store a, b, c;
    struct ork_new_run run;
    join(&a, url, "a", "serve");
    make_run(&a, w, "a", &run);
    declare(&a, 1);
    assert_int_equal(take(&a, 1, false).granted, 1);
    test_close(&a);
    test_host_grace_ms = 3600000;
    join(&b, url, "b", "serve");
    struct ork_claim early = claim(&b, &run);
    assert_true(early.bound && early.bound_ms > 0 && early.bound_ms <= 3600000);
    assert_int_equal(take(&b, 1, false).granted, 0);
    test_host_grace_ms = 1;
    join(&c, url, "c", "serve");
    test_host_grace_ms = 0;
    assert_int_equal(take(&c, 1, false).granted, 1);
    struct ork_claim late = claim(&c, &run);
    assert_true(late.claimed && !late.bound);
    ork_left_free(late.left);
    test_close(&c);
    test_close(&b);
    ork_workflow_unref(w);
    ork_free(url);
}

/* Three slots, of which a server that is gone held two for two runs: nobody gets more than the third until the second
 * run is taken up, and never more than three are held. */
static void test_slots_stay_until_the_last_run_is_taken(void **state)
{
    (void)state;
    char *url = fresh();
    ork_workflow *w = test_workflow("etl", 2);
    struct test_store a, b, c;
    struct ork_new_run one, two;
    join(&a, url, "a", "serve");
    declare(&a, 3);
    make_run(&a, w, NULL, &one);
    make_run(&a, w, NULL, &two);
    assert_int_equal(take(&a, 2, false).granted, 2);
    test_close(&a);
    join(&b, url, "b", "serve");
    join(&c, url, "c", "serve");
    assert_int_equal(take(&c, 3, false).granted, 1);
    struct ork_claim first = claim(&b, &one), last = claim(&c, &two); /* both before either took what its run needs */
    assert_true(first.claimed && first.left && !first.left->next && last.claimed && last.left && !last.left->next);
    assert_string_equal(first.left->pool, "db");
    assert_int_equal(first.left->count, 2);
    assert_int_equal(last.left->count, 2);
    assert_int_equal(take(&c, 1, true).granted, 0);
    give(&c, 2); /* the old one's are gone, but b's run may use as many */
    assert_int_equal(take(&c, 1, false).granted, 0);
    assert_int_equal(take(&b, 1, true).granted, 0); /* what it took up runs already */
    give(&b, 2);
    assert_int_equal(test_count(url, "SELECT sum(used) FROM pool_use"), 3);
    assert_int_equal(take(&c, 1, false).granted, 0);
    ork_left_free(first.left);
    ork_left_free(last.left);
    test_close(&b);
    test_close(&c);
    ork_workflow_unref(w);
    ork_free(url);
}

/* Nobody takes up what a program left that ran for itself: whoever waits goes on. */
static void test_slots_of_a_program_go_with_it(void **state)
{
    (void)state;
    char *url = fresh();
    ork_workflow *w = test_workflow("etl", 2);
    struct test_store a, b;
    struct ork_new_run run;
    join(&a, url, "a", NULL);
    declare(&a, 1);
    make_run(&a, w, "a", &run);
    assert_int_equal(take(&a, 1, false).granted, 1);
    test_close(&a);
    join(&b, url, "b", "serve");
    assert_int_equal(take(&b, 1, false).granted, 1);
    test_close(&b);
    ork_workflow_unref(w);
    ork_free(url);
}

static void on_bell(void *data)
{
    ++*(int *)data;
}

/* Else nobody would notice the death of one that came later and had taken runs up. */
static void test_a_server_that_begins_is_heard(void **state)
{
    (void)state;
    char *url = fresh();
    struct test_store a, b, c;
    int heard = 0;
    join(&a, url, "a", "serve");
    ork_store_on_bell(a.store, on_bell, &heard);
    test_until_it_listens(&a, &heard);
    join(&c, url, "c", NULL); /* takes up nothing */
    join(&b, url, "b", "serve");
    while (!heard)
        uv_run(&a.loop, UV_RUN_ONCE);
    assert_int_equal(heard, 1);
    test_close(&c);
    test_close(&b);
    test_close(&a);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_waits_for_its_host),
        cmocka_unit_test(test_a_key_does_not_take_it_either),
        cmocka_unit_test(test_not_for_ever),
        cmocka_unit_test(test_slots_stay_until_the_last_run_is_taken),
        cmocka_unit_test(test_slots_of_a_program_go_with_it),
        cmocka_unit_test(test_a_server_that_begins_is_heard),
    };
    return TEST_ON_POSTGRES("hosts", tests);
}
