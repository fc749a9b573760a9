/* SPDX-License-Identifier: MIT */
/* Copies between databases: everything arrives whatever it is, killed after any page a copy goes on, a difference is
 * noticed, and nobody works on either side meanwhile. */
#include "store/lib_child.h"
#include "store/lib_copy.h"
#include <signal.h>
#include <stdio.h>

#define MB (1u << 20)

static int serial;

/* A filled database of its own, closed. */
static char *make_source(int rows, size_t large, char **path)
{
    char name[32];
    struct test_store t;
    (void)snprintf(name, sizeof name, "from%d.db", serial++);
    char *url = test_url(name);
    *path = test_path(name);
    test_open(&t, url);
    test_close(&t);
    copy_fill(*path, rows, large);
    return url;
}

static char *new_name(char **path)
{
    char name[32];
    (void)snprintf(name, sizeof name, "to%d.db", serial++);
    *path = test_path(name);
    return test_url(name);
}

/* Columns that are stored byte by byte, in both directions; and how many rows there are. */
static void assert_same(const char *from, const char *to, const struct ork_store_table *t)
{
    struct ork_buf cols = ORK_BUF_INIT, sql = ORK_BUF_INIT;
    const char *sides[2] = {from, to};
    int64_t rows[2];
    for (size_t i = 0; i < t->n; i++)
        if (t->cols[i].how != ORK_COLUMN_LEAVE && t->cols[i].kind != ORK_COLUMN_TIME &&
            t->cols[i].kind != ORK_COLUMN_JSON && t->cols[i].kind != ORK_COLUMN_LIST)
            ork_buf_addf(&cols, "%s\"%s\"", cols.len ? ", " : "", t->cols[i].name);
    for (int i = 0; i < 2; i++) {
        ork_buf_clear(&sql);
        ork_buf_addf(
            &sql, "ATTACH '%s' AS other; SELECT count(*) FROM (SELECT %s FROM main.%s EXCEPT SELECT %s FROM other.%s)",
            sides[1 - i], cols.data, t->name, cols.data, t->name);
        char *select = strchr(sql.data, ';');
        *select++ = '\0';
        sqlite3 *db;
        sqlite3_stmt *st;
        assert_int_equal(sqlite3_open(sides[i], &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql.data, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, select, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        if (sqlite3_column_int(st, 0))
            fail_msg("rows of %s are only in %s", t->name, sides[i]);
        (void)sqlite3_finalize(st);
        (void)sqlite3_close(db);
        ork_buf_clear(&sql);
        ork_buf_addf(&sql, "SELECT count(*) FROM %s", t->name);
        rows[i] = test_count(sides[i], sql.data);
    }
    assert_int_equal(rows[0], rows[1]);
    ork_buf_fini(&cols);
    ork_buf_fini(&sql);
}

static void assert_copied(const char *from, const char *to)
{
    for (size_t i = 0; i < ork_store_tables_len; i++)
        if (!ork_store_tables[i].leave)
            assert_same(from, to, &ork_store_tables[i]);
    assert_int_equal(test_count(to, "SELECT count(*) FROM copies"), 0);
    assert_int_equal(test_count(to, "SELECT count(*) FROM schedulers WHERE state = 'live'"), 0);
    assert_int_equal(test_count(from, "SELECT count(*) FROM schedulers WHERE state = 'live'"), 0);
    assert_int_equal(test_count(to, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_everything_arrives(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(9, MB, &from), *target = new_name(&to);
    test_exec(from,
              "UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'schedulers'; "
              "INSERT INTO sqlite_sequence SELECT 'schedulers', 4711 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence)");
    copy_whole(source, target);
    assert_copied(from, to);
    /* One form, whatever it was. */
    assert_int_equal(
        test_count(to, "SELECT count(*) FROM runs WHERE created_at NOT GLOB '2026-11-01T02:00:00.[01][02][03]Z'"), 0);
    assert_int_equal(
        test_count(to, "SELECT count(*) FROM tasks WHERE params = '{\"a\":[1.0,0.0,null,\"👩‍🚀 \\\"\\\\\\n\"],"
                       "\"b\":{\"\":0.1,\"é\":true},\"z\":100000000000000000000.0}'"),
        2);
    assert_int_equal(test_count(to, "SELECT count(*) FROM tasks WHERE output = 'null'"), 1);
    assert_int_equal(test_count(to, "SELECT count(*) FROM tasks WHERE output IS NULL"), 1);
    assert_int_equal(test_count(to, "SELECT length(CAST(logs AS BLOB)) FROM tasks WHERE length(logs) > 1000"),
                     MB - MB % 7);
    /* Nobody owns a run of the copy; its schedulers are numbered on behind those of the source. */
    assert_int_equal(test_count(to, "SELECT count(*) FROM runs WHERE scheduler_id IS NOT NULL"), 0);
    assert_true(test_count(to, "SELECT seq FROM sqlite_sequence WHERE name = 'schedulers'") > 4711);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

/* Into a folder, and out of it again: its log says all that arrived, and the numbers that were given. */
static void test_folder(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(9, MB, &from), *target = new_name(&to), *folder = test_folder_url("copied");
    test_exec(from,
              "INSERT INTO sqlite_sequence SELECT 'schedulers', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence); "
              "UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'schedulers'");
    copy_whole(source, folder);
    assert_true(test_count(folder, "SELECT seq FROM sqlite_sequence WHERE name = 'schedulers'") > 4711);
    assert_int_equal(test_count(folder, "SELECT count(*) FROM copies"), 0);
    copy_whole(folder, target);
    assert_copied(from, to);
    ork_free(source);
    ork_free(target);
    ork_free(folder);
    ork_free(from);
    ork_free(to);
}

static void test_memory(void **state)
{
    (void)state;
    char *from, *source = make_source(4, 1000, &from);
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, source, "sqlite::memory:");
    assert_int_equal(copy_run(&p, -1, &err), 0);
    for (size_t i = 0; i < ork_store_tables_len; i++)
        assert_int_equal(p.copier.sum[i][1].rows, ork_store_tables[i].leave ? 0 : 4);
    copy_close(&p);
    ork_free(source);
    ork_free(from);
}

static void test_empty(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(0, 8, &from), *target = new_name(&to);
    copy_whole(source, target);
    assert_copied(from, to);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

/* ---- killed ---- */

struct life {
    const char *from, *to;
    int steps;
    size_t page;
};

static void live_and_die(int in, int out, void *data)
{
    const struct life *life = data;
    struct copy_pair p;
    ork_err err;
    (void)in;
    copy_begin(&p, life->from, life->to);
    p.copier.page = p.copier.limit = life->page;
    int rc = copy_run(&p, life->steps, &err);
    child_tell(out, rc == 1 ? 'm' : rc ? 'e' : 'd');
    (void)kill(getpid(), SIGKILL);
}

/* 'm' there is more to do, 'd' done */
static char die_after(const char *from, const char *to, int steps, size_t page)
{
    struct life life = {from, to, steps, page};
    struct child c = child_start(live_and_die, &life);
    char how = child_wait(c.from);
    assert_int_equal(child_end(&c), 128 + SIGKILL);
    return how;
}

static void check_killed_after(const char *source, int steps, char *how, bool *copied)
{
    char *to, *target = new_name(&to);
    *how = die_after(source, target, steps, 3);
    if (*how == 'm') {
        struct copy_pair p;
        ork_err err;
        assert_int_equal(test_count(to, "SELECT count(*) FROM copies"), 1);
        copy_begin(&p, source, target);
        assert_true(p.copier.resumed);
        *copied = p.copier.again;
        assert_int_equal(copy_run(&p, -1, &err), 0);
        copy_close(&p);
    }
    assert_int_equal(test_count(to, "SELECT count(*) FROM tasks"), 3);
    assert_int_equal(test_count(to, "SELECT count(*) FROM workflows WHERE current_snapshot_id IS NOT NULL"), 2);
    assert_int_equal(test_count(to, "SELECT count(*) FROM copies"), 0);
    assert_int_equal(remove(to), 0);
    ork_free(to);
    ork_free(target);
}

static void test_killed_after_each_page(void **state)
{
    (void)state;
    char *from, *source = make_source(3, 8, &from), how = 'm';
    bool copied = false;
    int steps = 0;
    for (; how == 'm'; steps += copied ? 13 : 1)
        check_killed_after(source, steps, &how, &copied);
    assert_int_equal(how, 'd');
    assert_true(steps > 60);
    ork_free(source);
    ork_free(from);
}

/* Rows of a megabyte: the fewer are asked for, the more they are. */
static void test_pages_end_at_their_bytes(void **state)
{
    (void)state;
    char *from, *source = make_source(30, MB, &from);
    struct copy_pair p;
    ork_err err;
    test_exec(from, "UPDATE tasks SET logs = (SELECT logs FROM tasks WHERE task_index = 2)");
    copy_begin(&p, source, "sqlite::memory:");
    size_t tasks = (size_t)(ork_store_table_find("tasks") - ork_store_tables);
    while (p.copier.table != tasks)
        assert_int_equal(copy_run(&p, 1, &err), 1);
    assert_int_equal(copy_run(&p, 1, &err), 1);
    assert_int_equal(p.copier.rows, 6); /* row 2 has three of them */
    assert_int_equal(p.copier.limit, 13);
    copy_close(&p);
    ork_free(source);
    ork_free(from);
}

/* What was copied is not copied again. */
static void test_goes_on_where_it_was(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(3, 8, &from), *target = new_name(&to);
    struct copy_pair p;
    ork_err err;
    assert_int_equal(die_after(source, target, 20, 2), 'm');
    int64_t had = test_count(to, "SELECT count(*) FROM runs");
    assert_int_equal(had, 3); /* of two pages */
    test_exec(to, "UPDATE agents SET host = 'was here'");
    copy_begin(&p, source, target);
    assert_int_equal(copy_run(&p, -1, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "table agents differs: 3 rows with checksum"));
    copy_close(&p);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

/* ---- differences ---- */

static void check_notices(const char *change, bool in_source, const char *table)
{
    char *from, *to, *source = make_source(3, 100, &from), *target = new_name(&to), text[64];
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, source, target);
    while (p.copier.phase == ORK_COPIER_COPIES)
        assert_int_equal(copy_run(&p, 1, &err), 1);
    test_exec(in_source ? from : to, change);
    assert_int_equal(copy_run(&p, -1, &err), ORK_ECORRUPT);
    (void)snprintf(text, sizeof text, "table %s differs: ", table);
    if (!strstr(err.msg, text))
        fail_msg("%s: %s", change, err.msg);
    copy_close(&p);
    assert_int_equal(test_count(to, "SELECT count(*) FROM copies"), 1); /* it is no whole copy, and says so */
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

static void test_differences_are_noticed(void **state)
{
    (void)state;
    check_notices("UPDATE tasks SET logs = logs || ' ' WHERE task_index = 2", false, "tasks");
    check_notices(
        "UPDATE runs SET output = NULL WHERE output = 'null'; UPDATE runs SET priority = 3 WHERE priority = 2", true,
        "runs");
    check_notices("DELETE FROM run_events WHERE seq = 1", false, "run_events");
    check_notices("INSERT INTO pools (name, slots) VALUES ('more', 1)", true, "pools");
    check_notices("UPDATE workflows SET current_snapshot_id = NULL", false, "workflows");
    /* Values that change places between two rows. */
    check_notices(
        "UPDATE agents SET host = (SELECT a.host FROM agents a WHERE a.id <> agents.id ORDER BY a.id LIMIT 1)", false,
        "agents");
}

/* ---- what is in the way ---- */

static void refused(const char *from, const char *to, int code, const char *text)
{
    struct copy_pair p;
    ork_err err;
    assert_int_equal(copy_try(&p, from, to, &err), code);
    if (!strstr(err.msg, text))
        fail_msg("%s", err.msg);
}

static void test_destination_in_use(void **state)
{
    (void)state;
    char *from, *to, *other, *source = make_source(2, 8, &from), *target = make_source(1, 8, &to);
    char *second = make_source(1, 8, &other);
    refused(source, target, ORK_EEXIST, "is not empty (rows: agents 1, pools 1, workflows 1, ");
    refused(source, source, ORK_EINVAL, "is both");
    ork_free(target);
    ork_free(to);
    target = new_name(&to);
    assert_int_equal(die_after(source, target, 5, 2), 'm');
    refused(second, target, ORK_ESTATE, "is half of a copy of sqlite:");
    refused(target, "sqlite::memory:", ORK_ESTATE, "is itself half of a copy of");
    test_exec(to, "UPDATE copies SET progress = '{\"schema\":3,\"table\":\"jobs\"}'");
    refused(source, target, ORK_ESTATE, "another version of Ork began");
    ork_free(source);
    ork_free(target);
    ork_free(second);
    ork_free(from);
    ork_free(other);
    ork_free(to);
}

static void test_bad_values_are_named(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(2, 8, &from), *target = new_name(&to);
    struct copy_pair p;
    ork_err err;
    test_exec(from, "UPDATE tasks SET output = '{\"a\":' WHERE task_index = 1");
    copy_begin(&p, source, target);
    assert_int_equal(copy_run(&p, -1, &err), ORK_EDATA);
    assert_non_null(strstr(err.msg, "table tasks, row "));
    assert_non_null(strstr(err.msg, ", column output: it holds no JSON that Ork reads"));
    copy_close(&p);
    test_exec(from, "UPDATE tasks SET output = NULL, created_at = 'soon' WHERE task_index = 1");
    copy_begin(&p, source, target);
    assert_int_equal(copy_run(&p, -1, &err), ORK_EDATA);
    assert_non_null(strstr(err.msg, ", column created_at: it holds \"soon\", which is no time"));
    copy_close(&p);
    test_exec(from, "UPDATE tasks SET created_at = '2026-01-01' WHERE task_index = 1");
    copy_whole(source, target);
    assert_copied(from, to);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

static void test_live_systems_are_refused(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(2, 8, &from), *target = new_name(&to);
    struct test_store live;
    test_open(&live, source);
    test_register(&live);
    refused(source, target, ORK_EBUSY, "in use by process");
    test_close(&live);
    test_open(&live, target);
    test_register(&live);
    refused(source, target, ORK_EBUSY, "on testhost; a copy wants it for itself");
    test_close(&live);
    copy_whole(source, target);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

static void keeps_away(const char *url, int code, const char *text)
{
    struct test_store t;
    struct ork_batch b = {0};
    ork_err err;
    test_open(&t, url);
    assert_int_equal(ork_store_register(t.store, "other", NULL, &t.me, &t.seq, &err), code);
    assert_non_null(strstr(err.msg, text));
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_POOL);
    u->pool.name = "gpu";
    u->pool.slots = 2;
    assert_int_equal(test_apply(&t, &b, NULL, &err), code);
    assert_non_null(strstr(err.msg, text));
    ork_batch_fini(&b);
    test_close(&t);
}

static void test_nobody_works_beside_a_copy(void **state)
{
    (void)state;
    char *from, *to, *source = make_source(2, 8, &from), *target = new_name(&to);
    struct copy_pair p;
    struct test_store t;
    ork_err err;
    copy_begin(&p, source, target);
    assert_int_equal(copy_run(&p, 3, &err), 1);
    keeps_away(source, ORK_EBUSY, "is being copied by process");
    keeps_away(target, ORK_ESTATE, "is half of a copy of sqlite:");
    refused(source, "sqlite::memory:", ORK_EBUSY, "being copied by process");
    copy_close(&p);
    keeps_away(target, ORK_ESTATE, "go on with `ork db copy`");
    copy_whole(source, target);
    test_open(&t, target);
    test_register(&t);
    test_close(&t);
    test_open(&t, source);
    test_register(&t);
    test_close(&t);
    ork_free(source);
    ork_free(target);
    ork_free(from);
    ork_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_arrives),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_killed_after_each_page),
        cmocka_unit_test(test_pages_end_at_their_bytes),
        cmocka_unit_test(test_goes_on_where_it_was),
        cmocka_unit_test(test_differences_are_noticed),
        cmocka_unit_test(test_destination_in_use),
        cmocka_unit_test(test_bad_values_are_named),
        cmocka_unit_test(test_live_systems_are_refused),
        cmocka_unit_test(test_nobody_works_beside_a_copy),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
