/* SPDX-License-Identifier: MIT */
/* Several programs want the same at once: slots of pools in opposite orders, a run by its key, an orphan. Each gets
 * what is right, nobody gets an error, and limits hold at every instant. */
#include "store/lib_child.h"
#include <stdio.h>
#include <unistd.h>

#define PROGRAMS 3
#define ROUNDS 60
#define SLOTS 2

struct told {
    char *url;
    const ork_workflow *w;
    ork_id orphan;
    int number;
};

static void step(struct test_store *t, struct ork_slots slots[2], bool back)
{
    struct ork_batch b = {0};
    struct ork_slots_free f[2];
    for (int i = 0; i < 2; i++) {
        if (!back) {
            ork_batch_add(&b, ORK_UNIT_TAKE_SLOTS)->take = &slots[i];
        } else if (slots[i].granted) {
            f[i] = (struct ork_slots_free){slots[i].pool, slots[i].granted, false};
            ork_batch_add(&b, ORK_UNIT_FREE_SLOTS)->free = &f[i];
        }
    }
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void assert_limits(struct test_store *t)
{
    struct ork_rows *r = test_query(t, ORK_Q_pools_list, NULL, 0);
    for (size_t i = 0; i < ork_rows_len(r); i++)
        assert_true(ork_rows_int(r, i, "used", 99) <= SLOTS);
    ork_rows_free(r);
}

static void take_and_give(int in, int out, void *data)
{
    struct told *told = data;
    struct test_store t;
    test_open(&t, told->url);
    test_register(&t);
    child_tell(out, 'r');
    (void)child_wait(in);
    for (int i = 0; i < ROUNDS; i++) {
        const char *first = told->number % 2 ? "x" : "y", *second = told->number % 2 ? "y" : "x";
        struct ork_slots slots[2] = {{.pool = first, .want = 1}, {.pool = second, .want = 2, .least = 1}};
        step(&t, slots, false);
        assert_limits(&t);
        step(&t, slots, true);
    }
    test_close(&t);
}

static void start_all(struct child *c, child_body body, struct told *told)
{
    for (int i = 0; i < PROGRAMS; i++) {
        told[i] = told[0];
        told[i].number = i;
        c[i] = child_start(body, &told[i]);
        assert_int_equal(child_wait(c[i].from), 'r');
    }
    for (int i = 0; i < PROGRAMS; i++)
        child_tell(c[i].to, 'g');
}

static void test_pools_in_opposite_orders(void **state)
{
    (void)state;
    struct child c[PROGRAMS];
    struct told told[PROGRAMS] = {{.url = test_url("contend_pools.db")}};
    struct test_store t;
    struct ork_batch b = {0};
    test_open(&t, told[0].url);
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"x", SLOTS};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"y", SLOTS};
    test_apply_ok(&t, &b);
    start_all(c, take_and_give, told);
    for (int i = 0; i < PROGRAMS; i++)
        assert_int_equal(child_end(&c[i]), 0);
    assert_int_equal(test_count(told[0].url, "SELECT count(*) FROM pool_use WHERE used > 0"), 0);
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(told[0].url);
}

/* Tells how many runs it made, and how often the orphan became its own. */
static void create_and_claim(int in, int out, void *data)
{
    struct told *told = data;
    struct test_store t;
    struct ork_batch b = {0};
    int made = 0;
    test_open(&t, told->url);
    test_register(&t);
    child_tell(out, 'r');
    (void)child_wait(in);
    struct ork_claim claim = {.run_id = told->orphan};
    ork_batch_add(&b, ORK_UNIT_CLAIM)->claim = &claim;
    test_apply_ok(&t, &b);
    for (int i = 0; i < ROUNDS; i++) {
        struct ork_new_run c;
        char key[16], hash[16];
        (void)snprintf(key, sizeof key, "order-%d", i);
        (void)snprintf(hash, sizeof hash, "h%d", i);
        test_new_run(&c, told->w);
        c.key = TEXT(key);
        c.hash = TEXT(hash);
        ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &c;
        test_apply_ok(&t, &b);
        assert_true(c.how == ORK_CREATED || c.how == ORK_OWNED);
        made += c.how == ORK_CREATED;
    }
    made = made * 2 + claim.claimed;
    if (write(out, &made, sizeof made) != sizeof made)
        _exit(2);
    (void)child_wait(in);
    ork_batch_fini(&b);
    test_close(&t);
}

static void test_a_key_and_an_orphan(void **state)
{
    (void)state;
    struct child c[PROGRAMS];
    struct told told[PROGRAMS] = {{.url = test_url("contend_runs.db"), .w = test_workflow("etl", 1)}};
    struct test_store t;
    struct ork_new_run orphan;
    struct ork_batch b = {0};
    int made = 0, claimed = 0;
    test_open(&t, told[0].url);
    test_new_run(&orphan, told[0].w);
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &orphan;
    test_apply_ok(&t, &b); /* of nobody: it is not registered */
    told[0].orphan = orphan.run_id;
    start_all(c, create_and_claim, told);
    for (int i = 0; i < PROGRAMS; i++) {
        int n;
        assert_int_equal(read(c[i].from, &n, sizeof n), sizeof n);
        made += n / 2;
        claimed += n % 2;
    }
    assert_int_equal(claimed, 1);
    assert_int_equal(made, ROUNDS);
    assert_int_equal(test_count(told[0].url, "SELECT count(*) FROM runs WHERE idempotency_key IS NOT NULL"), ROUNDS);
    assert_int_equal(test_count(told[0].url, "SELECT count(*) FROM workflow_snapshots"), ROUNDS + 1);
    for (int i = 0; i < PROGRAMS; i++) {
        child_tell(c[i].to, 'e');
        assert_int_equal(child_end(&c[i]), 0);
    }
    ork_batch_fini(&b);
    test_close(&t);
    ork_workflow_unref((ork_workflow *)told[0].w);
    ork_free(told[0].url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_in_opposite_orders),
        cmocka_unit_test(test_a_key_and_an_orphan),
    };
    int failed = cmocka_run_group_tests_name("contention on a file", tests, NULL, NULL);
    return failed + TEST_ON_POSTGRES("contention", tests);
}
