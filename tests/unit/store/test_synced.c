/* SPDX-License-Identifier: MIT */
/* What is synced: all batches; not the row by which a scheduler registers. */
#include "store/lib_store.h"
#include "store/sqlite/sqlite.h"

static int64_t pragma(struct test_store *t, const char *name)
{
    int64_t value;
    ork_err err;
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", name);
    if (ork_conn_int(&ork_sqlite_of(t->store)->writer, sql, &value, &err))
        fail_msg("%s", err.msg);
    return value;
}

static void assert_full(struct test_store *t)
{
    assert_int_equal(pragma(t, "synchronous"), 2);
    assert_int_equal(pragma(t, "wal_autocheckpoint"), 1000);
}

static void test_registered_then_all_is_synced(void **state)
{
    (void)state;
    struct test_store first, second;
    char *url = test_url("synced.db");
    ork_workflow *w = test_workflow("etl", 1);
    struct ork_new_run run;

    test_open(&first, url);
    test_close(&first);
    test_open(&first, url); /* the WAL is empty */
    assert_full(&first);
    test_register(&first);
    assert_full(&first);
    test_make_run(&first, w, &run);
    test_open(&second, url); /* not empty any more */
    test_register(&second);
    assert_full(&second);
    test_close(&second);
    test_close(&first);
    ork_workflow_unref(w);
    ork_free(url);
}

/* Nothing is synced only where nothing of an older WAL lies behind a new beginning. */
static void test_unsynced_only_when_empty(void **state)
{
    (void)state;
    struct test_store t;
    ork_err err;
    char *url = test_url("empty.db");
    test_open(&t, url);
    test_close(&t); /* who closes last empties the WAL */
    test_open(&t, url);
    struct ork_conn *c = &ork_sqlite_of(t.store)->writer;
    for (int i = 0; i < 2; i++) {
        if (ork_conn_begin_unsynced(c, &err) ||
            ork_conn_exec(c, "CREATE TABLE IF NOT EXISTS extra (x); INSERT INTO extra VALUES (1)", &err))
            fail_msg("%s", err.msg);
        assert_int_equal(pragma(&t, "synchronous"), i == 0 ? 0 : 1);
        if (ork_conn_exec(c, "COMMIT", &err) || ork_conn_sync(c, ORK_SYNC_FULL, &err))
            fail_msg("%s", err.msg);
        assert_full(&t);
    }
    test_close(&t);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_then_all_is_synced),
        cmocka_unit_test(test_unsynced_only_when_empty),
    };
    return cmocka_run_group_tests_name("what is synced", tests, NULL, NULL);
}
