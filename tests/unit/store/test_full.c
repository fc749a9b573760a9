/* SPDX-License-Identifier: MIT */
/* The disk is full (here: RLIMIT_FSIZE in a child): the commit fails whole, with a clear code, and the same batch goes
 * through once there is room. */
#include "store/lib_child.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void limit(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static rlim_t size_of(const char *path, const char *suffix)
{
    char name[300];
    struct stat st;
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (rlim_t)st.st_size : 0;
}

static void add_rows(struct ork_batch *b, const ork_id *run, int n, char *big, size_t len)
{
    for (int i = 0; i < n; i++) {
        struct ork_unit *u = ork_batch_add(b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){*run, 1767225600000, {big, len}};
    }
}

/* on the loop (one row) or on the thread (many) */
static void fill(int in, int out, void *data)
{
    int rows = *(int *)data;
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    ork_err err;
    char *u = test_url("full.db"), *path = test_path("full.db"), *big = ork_alloc(1u << 20);
    ork_workflow *w = test_workflow("etl", 1);
    (void)in;
    (void)out;
    (void)signal(SIGXFSZ, SIG_IGN);
    memset(big, 'x', 1u << 20);
    test_open(&t, u);
    test_register(&t);
    test_make_run(&t, w, &c);
    limit(size_of(path, "-wal") + 16384);
    for (int i = 0; i < 3; i++) {
        add_rows(&b, &c.run_id, rows, big, (1u << 20) / (size_t)rows);
        if (test_apply(&t, &b, NULL, &err) != ORK_ENOSPC || !strstr(err.msg, "no space left"))
            fail_msg("%d: %s", i, err.msg);
        struct ork_rows *r = test_query(&t, ORK_Q_events_of_run,
                                        (struct ork_param[]){ORK_P_ID(&c.run_id), ORK_P_INT(0), ORK_P_INT(9)}, 3);
        if (ork_rows_len(r) != 0)
            _exit(20);
        ork_rows_free(r);
    }
    limit(RLIM_INFINITY);
    add_rows(&b, &c.run_id, rows, big, (1u << 20) / (size_t)rows);
    if (test_apply(&t, &b, NULL, &err))
        _exit(30);
    test_close(&t);
    if (test_count(path, "SELECT count(*) FROM run_events") != rows)
        _exit(31);
    if (test_count(path, "SELECT last_batch FROM schedulers ORDER BY seq DESC") != 2)
        _exit(32); /* refused batches have no number */
    ork_batch_fini(&b);
    ork_workflow_unref(w);
    ork_free(big);
    ork_free(path);
    ork_free(u);
}

static void test_full_disk(void **state)
{
    (void)state;
    static int sizes[] = {1, 200};
    for (size_t i = 0; i < 2; i++) {
        char *path = test_path("full.db");
        char wal[300];
        (void)snprintf(wal, sizeof wal, "%s-wal", path);
        (void)unlink(path);
        (void)unlink(wal);
        struct child c = child_start(fill, &sizes[i]);
        assert_int_equal(child_end(&c), 0);
        ork_free(path);
    }
}

/* A new database on a full disk: refused, and what was begun is no obstacle later. */
static void make_new(int in, int out, void *data)
{
    struct test_store t;
    ork_err err;
    char *u = test_url("full-new.db");
    (void)in;
    (void)out;
    (void)data;
    (void)signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; bytes < 40000; bytes += 5000) {
        limit(bytes);
        int rc = test_try_open(&t, u, ORK_OPEN_CREATE, &err);
        if (rc != ORK_ENOSPC)
            fail_msg("%d bytes: %s", (int)bytes, rc ? err.msg : "opened");
    }
    limit(RLIM_INFINITY);
    if (test_try_open(&t, u, ORK_OPEN_CREATE, &err))
        _exit(2);
    test_register(&t);
    test_close(&t);
    ork_free(u);
}

static void test_new_database_on_a_full_disk(void **state)
{
    (void)state;
    struct child c = child_start(make_new, NULL);
    assert_int_equal(child_end(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_new_database_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
