/* SPDX-License-Identifier: MIT */
/* Copies to and from PostgreSQL: what went there and came back is what it was; the list of tables against the server's
 * catalog. */
#include "store/lib_child.h"
#include "store/lib_cluster.h"
#include "store/lib_copy.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define MB (1u << 20)

static int serial;

static char *file(char **path)
{
    char name[32];
    (void)snprintf(name, sizeof name, "pg%d.db", serial++);
    *path = test_path(name);
    struct ork_buf url = ORK_BUF_INIT;
    ork_buf_addf(&url, "sqlite:%s", *path);
    return ork_buf_steal(&url, NULL);
}

static char *filled(int rows, size_t large, char **path)
{
    char *url = file(path);
    struct test_store t;
    test_open(&t, url);
    test_close(&t);
    copy_fill(*path, rows, large);
    return url;
}

static char *server(void)
{
    char name[32];
    (void)snprintf(name, sizeof name, "copy%d", serial++);
    return cluster_database(name);
}

static void sums_of(const char *from, const char *to, struct ork_copy_sum out[ORK_COPY_TABLES])
{
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, from, to);
    if (copy_run(&p, -1, &err))
        fail_msg("copy %s %s: %s", from, to, err.msg);
    for (size_t i = 0; i < ork_store_tables_len; i++)
        out[i] = p.copier.sum[i][1];
    copy_close(&p);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct ork_copy_sum there[ORK_COPY_TABLES], back[ORK_COPY_TABLES];
    char *path, *end, *from = filled(9, MB, &path), *through = server(), *to = file(&end);
    test_exec(path, "UPDATE tasks SET started_at = '1970-01-01T00:00:00Z', finished_at = '1969-12-31T23:59:59.999Z' "
                    "WHERE task_index = 4");
    sums_of(from, through, there);
    sums_of(through, to, back);
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        assert_int_equal(there[i].rows, ork_store_tables[i].leave ? 0 : 9);
        assert_memory_equal(&there[i], &back[i], sizeof back[i]);
    }
    assert_int_equal(test_count(through, "SELECT count(*) FROM copies"), 0);
    assert_int_equal(test_count(through, "SELECT count(*) FROM schedulers WHERE state = 'live'"), 0);
    assert_int_equal(test_count(through, "SELECT count(*) FROM tasks WHERE output = 'null'::jsonb"), 1);
    assert_int_equal(test_count(through, "SELECT count(*) FROM tasks WHERE output IS NULL"), 1);
    assert_int_equal(
        test_count(through, "SELECT count(*) FROM tasks WHERE depends_on = ARRAY['a', 'b \"q\" 👩‍🚀', '']"), 3);
    assert_int_equal(test_count(through, "SELECT max(octet_length(logs)) FROM tasks"), MB - MB % 7);
    assert_int_equal(test_count(end, "SELECT count(*) FROM tasks WHERE started_at = '1970-01-01T00:00:00.000Z' AND "
                                     "finished_at = '1969-12-31T23:59:59.999Z'"),
                     1);
    assert_true(test_count(through, "SELECT nextval(pg_get_serial_sequence('schedulers', 'seq'))") > 1);
    ork_free(from);
    ork_free(through);
    ork_free(to);
    ork_free(path);
    ork_free(end);
}

/* Microseconds and numbers as only a server keeps them. */
static void test_from_the_server(void **state)
{
    (void)state;
    char *path, *end, *from = filled(3, 8, &path), *through = server(), *to = file(&end);
    copy_whole(from, through);
    test_exec(through,
              "UPDATE tasks SET created_at = '2026-11-01T02:00:00.123999Z', output = '[1.50, 1e3, \"a\\u0001é\"]', "
              "params = '2.50' WHERE task_index = 1");
    copy_whole(through, to);
    assert_int_equal(test_count(end,
                                "SELECT count(*) FROM tasks WHERE created_at = '2026-11-01T02:00:00.123Z' AND params = "
                                "'2.5' AND output = '[1.5,1000,\"a\\u0001é\"]'"),
                     1);
    ork_free(from);
    ork_free(through);
    ork_free(to);
    ork_free(path);
    ork_free(end);
}

static void test_pages_end_at_their_bytes(void **state)
{
    (void)state;
    char *path, *from = filled(30, MB, &path), *through = server();
    struct copy_pair p;
    ork_err err;
    test_exec(path, "UPDATE tasks SET logs = (SELECT logs FROM tasks WHERE task_index = 2)");
    copy_whole(from, through);
    copy_begin(&p, through, "sqlite::memory:");
    size_t tasks = (size_t)(ork_store_table_find("tasks") - ork_store_tables);
    while (p.copier.table != tasks)
        assert_int_equal(copy_run(&p, 1, &err), 1);
    assert_int_equal(copy_run(&p, 1, &err), 1);
    assert_in_range(p.copier.rows, 6, 7);
    assert_int_equal(copy_run(&p, -1, &err), 0);
    copy_close(&p);
    ork_free(from);
    ork_free(through);
    ork_free(path);
}

/* ---- killed ---- */

struct life {
    const char *from, *to;
    int steps;
};

static void live_and_die(int in, int out, void *data)
{
    const struct life *life = data;
    struct copy_pair p;
    ork_err err;
    (void)in;
    copy_begin(&p, life->from, life->to);
    p.copier.page = p.copier.limit = 2;
    child_tell(out, copy_run(&p, life->steps, &err) == 1 ? 'm' : '?');
    (void)kill(getpid(), SIGKILL);
}

/* The server hears of the death a moment later. */
static void wait_fallen(const char *url)
{
    cluster_wait(url,
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                 "AND backend_type = 'client backend'",
                 0);
}

static void check_killed(const char *from, const char *to, int steps)
{
    struct life life = {from, to, steps};
    struct child c = child_start(live_and_die, &life);
    assert_int_equal(child_wait(c.from), 'm');
    assert_int_equal(child_end(&c), 128 + SIGKILL);
    wait_fallen(strncmp(to, "postgres", 8) == 0 ? to : from);
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, from, to);
    assert_true(p.copier.resumed);
    if (copy_run(&p, -1, &err))
        fail_msg("after %d steps: %s", steps, err.msg);
    copy_close(&p);
}

static void test_killed(void **state)
{
    (void)state;
    static const int at[] = {0, 1, 7, 14, 20, 23, 35, 41, 60, 90};
    char *path, *from = filled(3, 8, &path), *last = NULL;
    cluster_wait_old();
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char *to = server();
        check_killed(from, to, at[i]);
        assert_int_equal(test_count(to, "SELECT count(*) FROM run_events"), 3);
        assert_int_equal(test_count(to, "SELECT count(*) FROM workflows WHERE current_snapshot_id IS NOT NULL"), 2);
        ork_free(last);
        last = to;
    }
    char *end, *back = file(&end);
    check_killed(last, back, 22);
    assert_int_equal(test_count(end, "SELECT count(*) FROM run_events"), 3);
    ork_free(back);
    ork_free(end);
    ork_free(last);
    ork_free(from);
    ork_free(path);
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
    if (!strstr(err.msg, text))
        fail_msg("%s", err.msg);
    ork_batch_fini(&b);
    test_close(&t);
}

static void test_nobody_works_beside_a_copy(void **state)
{
    (void)state;
    char *path, *end, *from = filled(2, 8, &path), *there = server(), *to = file(&end);
    struct copy_pair p;
    struct test_store t;
    ork_err err;
    cluster_wait_old();
    test_open(&t, there);
    test_register(&t);
    refused(from, there, ORK_EBUSY, "is in use by an ork on testhost; a copy wants it for itself");
    test_close(&t);
    copy_begin(&p, from, there);
    assert_int_equal(copy_run(&p, 3, &err), 1);
    keeps_away(there, ORK_ESTATE, "is half of a copy of sqlite:");
    copy_close(&p);
    keeps_away(there, ORK_ESTATE, "go on with `ork db copy`");
    copy_whole(from, there);
    refused(from, there, ORK_EEXIST, "is not empty (rows: agents 2, ");
    copy_begin(&p, there, to);
    keeps_away(there, ORK_EBUSY, "is being copied by an ork on testhost");
    copy_close(&p);
    copy_whole(there, to);
    test_open(&t, there);
    test_register(&t);
    test_close(&t);
    ork_free(from);
    ork_free(there);
    ork_free(to);
    ork_free(path);
    ork_free(end);
}

/* Whoever was declared dead meanwhile writes nothing more. */
static void test_taken_for_dead(void **state)
{
    (void)state;
    char *path, *from = filled(2, 8, &path), *there = server();
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, from, there);
    assert_int_equal(copy_run(&p, 3, &err), 1);
    test_exec(there, "UPDATE schedulers SET state = 'dead' WHERE state = 'live'");
    assert_int_equal(copy_run(&p, -1, &err), ORK_EFENCED);
    assert_non_null(strstr(err.msg, "this copy was taken for dead"));
    copy_close(&p);
    copy_whole(from, there);
    ork_free(from);
    ork_free(there);
    ork_free(path);
}

static void test_differences_are_noticed(void **state)
{
    (void)state;
    char *path, *from = filled(3, 8, &path), *there = server();
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, from, there);
    while (p.copier.phase == ORK_COPIER_COPIES)
        assert_int_equal(copy_run(&p, 1, &err), 1);
    test_exec(there, "UPDATE tasks SET output = '{\"long\":9223372036854775806,\"tiny\":5e-324}' WHERE task_index = 2");
    assert_int_equal(copy_run(&p, -1, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "table tasks differs: 3 rows with checksum"));
    copy_close(&p);
    ork_free(from);
    ork_free(there);
    ork_free(path);
}

/* ---- the catalog ---- */

static const char *const types[] = {
    [ORK_COLUMN_ID] = "uuid",
    [ORK_COLUMN_TIME] = "timestamp with time zone",
    [ORK_COLUMN_JSON] = "jsonb",
    [ORK_COLUMN_LIST] = "ARRAY",
    [ORK_COLUMN_BOOL] = "boolean",
    [ORK_COLUMN_INT] = "integer",
    [ORK_COLUMN_REAL] = "double precision",
    [ORK_COLUMN_TEXT] = "text",
};

/* Every table and column, sorted, as the list has them. */
static char *listed(void)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_adds(&b, "SELECT line FROM (VALUES ('')");
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        const struct ork_store_table *t = &ork_store_tables[i];
        for (size_t c = 0; c < t->n; c++)
            ork_buf_addf(&b, ", ('%s.%s %s')", t->name, t->cols[c].name, types[t->cols[c].kind]);
        if (t->leave)
            ork_buf_addf(&b, ", ('%s')", t->name);
    }
    ork_buf_adds(&b, ") AS v (line) WHERE line <> '' ORDER BY line COLLATE \"C\"");
    return ork_buf_steal(&b, NULL);
}

static void test_catalog(void **state)
{
    (void)state;
    char *url = server(), *sql = listed();
    char *wanted = cluster_text(url, sql);
    char *got = cluster_text(
        url, "SELECT DISTINCT CASE WHEN table_name IN ('schedulers', 'pool_use', 'copies') THEN table_name ELSE "
             "table_name || '.' "
             "|| column_name || ' ' || replace(data_type, 'bigint', 'integer') END COLLATE \"C\" AS line "
             "FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'ork_migrations' "
             "ORDER BY line");
    assert_string_equal(got, wanted);
    ork_free(url);
    ork_free(sql);
    ork_free(wanted);
    ork_free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog),         cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_from_the_server), cmocka_unit_test(test_pages_end_at_their_bytes),
        cmocka_unit_test(test_killed),          cmocka_unit_test(test_nobody_works_beside_a_copy),
        cmocka_unit_test(test_taken_for_dead),  cmocka_unit_test(test_differences_are_noticed),
    };
    return TEST_ON_POSTGRES("copy", tests);
}
