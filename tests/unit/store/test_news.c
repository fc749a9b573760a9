/* SPDX-License-Identifier: MIT */
/* News of changed runs: who looks on hears of every commit, who does not is left alone, and when nobody looks nothing
 * is written for it. */
#include "store/lib_cluster.h"
#include "store/lib_store.h"
#include <fcntl.h>
#include <unistd.h>

static void heard(void *data)
{
    ++*(int *)data;
}

/* The second count of the bell file. */
static uint64_t written(void)
{
    char *path = test_path("news.db-bell");
    uint64_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    if (pread(fd, &n, sizeof n, 8) != (ssize_t)sizeof n)
        n = 0;
    (void)close(fd);
    ork_free(path);
    return n;
}

static void change(struct test_store *t, const struct ork_new_run *run)
{
    struct ork_batch b = {0};
    ork_batch_add(&b, ORK_UNIT_EVENT)->event = (struct ork_event_put){run->run_id, 1767225600000, TEXT("[]")};
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void wait_for(struct test_store *t, const int *count, int n)
{
    while (*count < n)
        uv_run(&t->loop, UV_RUN_ONCE);
}

static void test_only_who_looks_hears(void **state)
{
    (void)state;
    struct test_store owner, eyes, other;
    struct ork_new_run run;
    ork_err err;
    int seen = 0, rung = 0;
    char *url = test_url("news.db");
    ork_workflow *w = test_workflow("etl", 1);

    test_open(&owner, url);
    test_register(&owner);
    test_make_run(&owner, w, &run);
    test_open(&other, url);
    ork_store_on_bell(other.store, heard, &rung);
    change(&owner, &run);
    assert_int_equal(written(), 0);

    assert_int_equal(test_try_open(&eyes, url, ORK_OPEN_READ, &err), 0);
    ork_store_on_news(eyes.store, heard, &seen);
    for (int i = 1; i <= 5; i++) {
        change(&owner, &run);
        wait_for(&eyes, &seen, i);
        assert_int_equal(seen, i);
    }
    assert_int_equal(written(), 5);
    (void)uv_run(&other.loop, UV_RUN_NOWAIT);
    assert_int_equal(rung, 0);

    ork_store_on_news(eyes.store, NULL, NULL);
    change(&owner, &run);
    assert_int_equal(written(), 5);
    ork_store_on_news(eyes.store, heard, &seen);
    change(&owner, &run);
    wait_for(&eyes, &seen, 6);
    test_close(&eyes); /* and what it held goes with it */
    change(&owner, &run);
    assert_int_equal(written(), 6);
    test_close(&other);
    test_close(&owner);
    ork_workflow_unref(w);
    ork_free(url);
}

/* The file removed under all of them: who looks on is told to look, and hears again. */
static void test_a_removed_file_is_made_again(void **state)
{
    (void)state;
    struct test_store owner, eyes;
    struct ork_new_run run;
    int seen = 0, rung = 0;
    char *url = test_url("news.db"), *path = test_path("news.db-bell");
    ork_workflow *w = test_workflow("etl", 1);

    test_open(&owner, url);
    test_register(&owner);
    test_make_run(&owner, w, &run);
    ork_store_on_bell(owner.store, heard, &rung);
    test_open(&eyes, url);
    ork_store_on_news(eyes.store, heard, &seen);
    assert_int_equal(unlink(path), 0);
    wait_for(&owner, &rung, 1);
    wait_for(&eyes, &seen, 1);
    int before = seen;
    change(&owner, &run);
    wait_for(&eyes, &seen, before + 1);
    assert_int_equal(written(), 1);
    test_close(&eyes);
    test_close(&owner);
    ork_workflow_unref(w);
    ork_free(path);
    ork_free(url);
}

/* The same of a server: rings of changed runs are sent only while somebody holds the lock of those who look on. */
static void test_only_who_looks_is_told(void **state)
{
    (void)state;
    struct test_store owner, eyes, other;
    struct ork_new_run run;
    ork_err err;
    int seen = 0, rung = 0;
    char *url = test_url("news.db");
    ork_workflow *w = test_workflow("etl", 1);

    test_open(&owner, url);
    test_register(&owner);
    test_make_run(&owner, w, &run);
    test_open(&other, url);
    test_register(&other);
    ork_store_on_bell(other.store, heard, &rung);
    test_until_it_listens(&other, &rung);
    void *listener = cluster_hold(url, "LISTEN ork_news");
    change(&owner, &run);
    assert_int_equal(cluster_notices(listener, 0), 0);
    assert_int_equal(test_try_open(&eyes, url, ORK_OPEN_READ, &err), 0);
    ork_store_on_news(eyes.store, heard, &seen);
    test_until_it_listens(&eyes, &seen);
    for (int i = 1; i <= 5; i++) {
        change(&owner, &run);
        wait_for(&eyes, &seen, i);
        assert_int_equal(seen, i);
    }
    assert_int_equal(cluster_notices(listener, 5), 5);
    (void)uv_run(&other.loop, UV_RUN_NOWAIT);
    assert_int_equal(rung, 0);
    test_close(&eyes); /* and what it held goes with it */
    cluster_wait(
        url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ShareLock'", 0);
    change(&owner, &run);
    assert_int_equal(cluster_notices(listener, 0), 0);
    cluster_release(listener);
    test_close(&other);
    test_close(&owner);
    ork_workflow_unref(w);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test(test_only_who_looks_hears),
        cmocka_unit_test(test_a_removed_file_is_made_again),
    };
    const struct CMUnitTest shared[] = {cmocka_unit_test(test_only_who_looks_is_told)};
    return cmocka_run_group_tests_name("news by a file", files, NULL, NULL) + TEST_ON_POSTGRES("news", shared);
}
