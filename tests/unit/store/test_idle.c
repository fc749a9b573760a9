/* SPDX-License-Identifier: MIT */
/* An idle scheduler asks the server at most one statement in five seconds, a pair of them hardly more (each also waits
 * for the other's lock). Half a minute: among the long tests only. */
#include "store/lib_cluster.h"
#include "store/lib_world.h"
#include <stdio.h>
#include <stdlib.h>

#define SECONDS 30

static void ignore(void *data)
{
    (void)data;
}

static void on_time(uv_timer_t *t)
{
    *(bool *)t->data = true;
}

static void on_death(void *data, const ork_id *who)
{
    (void)data;
    (void)who;
    fail_msg("nobody died");
}

static int64_t statements(struct test_store *t, size_t n, const char *url)
{
    bool over = false;
    uv_timer_t timer;
    timer.data = &over;
    (void)uv_timer_init(&t[0].loop, &timer);
    (void)uv_timer_start(&timer, on_time, 3000, 0); /* what a start brings with it */
    while (!over)
        for (size_t i = 0; i < n; i++)
            (void)uv_run(&t[i].loop, n == 1 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    cluster_exec(url, "SELECT pg_stat_statements_reset()");
    over = false;
    (void)uv_timer_start(&timer, on_time, SECONDS * 1000, 0);
    while (!over) {
        for (size_t i = 0; i < n; i++)
            (void)uv_run(&t[i].loop, n == 1 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        struct timespec a_little = {0, n == 1 ? 0 : 2000000};
        (void)nanosleep(&a_little, NULL);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&t[0].loop, UV_RUN_NOWAIT);
    return cluster_count(
        url, "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE "
             "d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'");
}

static void test_idle(void **state)
{
    (void)state;
    struct test_store t[2];
    ork_err err;
    if (!getenv("ORK_TEST_LONG")) {
        print_message("left out: long: script/test --long\n");
        skip();
    }
    char *url = test_url("idle");
    cluster_exec(url, "CREATE EXTENSION pg_stat_statements");
    for (size_t n = 1; n <= 2; n++) {
        test_open(&t[n - 1], url);
        test_register(&t[n - 1]);
        ork_store_on_bell(t[n - 1].store, ignore, NULL);
        for (size_t i = 0; n == 2 && i < 2; i++)
            assert_int_equal(ork_store_owner_watch(t[i].store, &t[1 - i].me, on_death, NULL, &err), 0);
        int64_t calls = statements(t, n, url);
        print_message("%zu schedulers: %lld statements in %d s\n", n, (long long)calls, SECONDS);
        assert_in_range(calls, 1, (int64_t)n * (SECONDS / 5 + (n > 1)));
    }
    test_close(&t[0]);
    test_close(&t[1]);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_idle)};
    return TEST_ON_POSTGRES("idle", tests);
}
