/* SPDX-License-Identifier: MIT */
/* The chain of migrations: its end is the schema new databases get; every earlier version upgrades with its rows; the
 * original's databases are taken over; released files do not change. */
#include "store/lib_store.h"
#include "store/sqlite/migrate.h"
#include <stdio.h>
#include <stdlib.h>

/* Runs the first n files as the original would, and says so as the original does. */
static void run_chain(const char *path, size_t n, bool original)
{
    (void)remove(path);
    for (size_t i = 0; i < n; i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        test_exec(path, m.sql);
    }
    if (!original)
        return;
    test_exec(
        path,
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP "
        "NOT NULL "
        "DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)");
    for (size_t i = 0; i < n; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO _sqlx_migrations VALUES (%zu, 'x', '2026-01-01 00:00:00', 1, x'00', 1)", i + 1);
        test_exec(path, sql);
    }
}

/* All of the catalog but the tables of versions, one text. */
static char *catalog(const char *path, const char *sql)
{
    struct ork_buf b = ORK_BUF_INIT;
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        ork_buf_adds(&b, (const char *)sqlite3_column_text(st, 0));
        ork_buf_adds(&b, "\n");
    }
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    return ork_buf_steal(&b, NULL);
}
#define STATEMENTS                                                                                                     \
    "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!' "             \
    "AND name NOT IN ('ork_migrations', '_sqlx_migrations') ORDER BY rowid"
/* Independent of the order in which things were made. */
#define COLUMNS                                                                                                        \
    "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || coalesce(c.dflt_value, '-') "   \
    "|| ' ' || c.pk "                                                                                                  \
    "FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '%migrations' "  \
    "ORDER BY 1"

static void test_new_databases_get_the_end_of_the_chain(void **state)
{
    (void)state;
    char *path = test_path("chain.db"), *fresh = test_path("fresh.db"), *url = test_url("fresh.db");
    const char *out = getenv("ORK_SCHEMA_OUT");
    run_chain(path, ork_migration_count(), false);
    char *chain = catalog(path, STATEMENTS);
    if (out) {
        FILE *f = fopen(out, "w");
        assert_non_null(f);
        fprintf(f,
                "-- The end of the chain of migrations_sqlite/, for databases that are new. Written by "
                "`ORK_SCHEMA_OUT=FILE store_test_schema`; the same\n"
                "-- test fails when the chain and this file differ. Not edited by hand.\n%s",
                chain);
        assert_int_equal(fclose(f), 0);
        ork_free(chain);
        print_message("left out: it wrote what it else compares\n");
        skip();
    }
    struct test_store t;
    test_open(&t, url);
    test_close(&t);
    char *got = catalog(fresh, STATEMENTS);
    assert_string_equal(got, chain);
    ork_free(got);
    ork_free(chain);
    ork_free(url);
    ork_free(fresh);
    ork_free(path);
}

/* The contract with those who read the database: names, types, NULL, defaults. */
static void test_final_columns(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "workflows.id BLOB 0 - 1",
        "workflows.name TEXT 1 - 0",
        "workflows.region TEXT 1 'us-central1' 0",
        "workflows.executor_type TEXT 1 'cloudrun' 0",
        "workflows.created_at TEXT 1 STRFTIME('%Y-%m-%dT%H:%M:%fZ', 'now') 0",
        "workflows.schedule_enabled INTEGER 1 0 0",
        "workflows.current_snapshot_id BLOB 0 - 0",
        "workflow_tasks.depends_on TEXT 1 '[]' 0",
        "workflow_tasks.signature TEXT 0 - 0",
        "workflow_snapshots.content_hash TEXT 1 - 0",
        "workflow_snapshots.created_at TEXT 1 - 0",
        "runs.triggered_by TEXT 1 'manual' 0",
        "runs.snapshot_id BLOB 0 - 0",
        "runs.scheduler_id BLOB 0 - 0",
        "runs.idempotency_key TEXT 0 - 0",
        "tasks.id BLOB 0 - 1",
        "tasks.run_id BLOB 1 - 0",
        "tasks.task_index INTEGER 1 - 0",
        "tasks.status TEXT 1 - 0",
        "tasks.attempts INTEGER 1 0 0",
        "tasks.max_retries INTEGER 1 0 0",
        "tasks.timeout_seconds INTEGER 0 - 0",
        "tasks.retry_at TEXT 0 - 0",
        "tasks.logs TEXT 0 - 0",
        "tasks.attempt INTEGER 1 0 0",
        "tasks.lost INTEGER 1 0 0",
        "task_attempts.task_id BLOB 1 - 1",
        "task_attempts.attempt INTEGER 1 - 2",
        "deferred_jobs.id BLOB 0 randomblob(16) 1",
        "schedulers.last_batch INTEGER 1 0 0",
        "pool_use.waiting INTEGER 1 0 0",
        "run_events.seq INTEGER 1 - 2",
        "commands.by TEXT 0 - 0",
        "workflows.current_version INTEGER 0 - 0",
        "workflow_versions.version INTEGER 1 - 2",
        "runs.deleted_at TEXT 0 - 0",
    };
    char *path = test_path("columns.db");
    run_chain(path, ork_migration_count(), false);
    char *all = catalog(path, COLUMNS);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char line[200];
        (void)snprintf(line, sizeof line, "%s\n", wanted[i]);
        if (!strstr(all, line))
            fail_msg("no column \"%s\" among\n%s", wanted[i], all);
    }
    ork_free(all);
    /* Nothing that mentions status is indexed on tasks: it would make each update dearer. */
    assert_int_equal(
        test_count(
            path,
            "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'tasks' AND sql LIKE '%status%'"),
        0);
    assert_int_equal(test_count(path, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'tasks'"),
                     3);
    ork_free(path);
}

/* Rows that every version can hold. */
static const char rows[] =
    "INSERT INTO workflows (id, name, job_name, project) VALUES (x'01', 'old', 'j', 'p');"
    "INSERT INTO runs (id, workflow_id, status, created_at) VALUES (x'02', x'01', 'running', "
    "'2025-06-01T10:00:00.000Z');"
    "INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, output, finished_at) VALUES "
    "(x'03', x'02', 0, 'a', 'process', 'success', '{\"n\":1}', '2025-06-01 10:00:01'),"
    "(x'04', x'02', 1, 'b', 'process', 'running', NULL, NULL);";

static void check_rows(struct test_store *t)
{
    ork_id run = {{0}};
    struct ork_rows *r = test_query(t, ORK_Q_waiting_runs, NULL, 0);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "workflow"), "old");
    assert_false(ork_rows_id(r, 0, "scheduler_id", &run));
    assert_int_equal(ork_rows_get(r, 0, "id")->n, 1);
    ork_rows_free(r);
}

static void test_every_version_upgrades(void **state)
{
    (void)state;
    char *path = test_path("old.db"), *url = test_url("old.db"), *fresh = test_path("fresh2.db");
    run_chain(fresh, ork_migration_count(), false);
    char *columns = catalog(fresh, COLUMNS);
    for (size_t n = 1; n <= 9; n++) {
        struct test_store t;
        run_chain(path, n, true);
        test_exec(path, rows);
        test_open(&t, url);
        check_rows(&t);
        test_close(&t);
        char *got = catalog(path, COLUMNS);
        assert_string_equal(got, columns);
        ork_free(got);
        assert_int_equal(test_count(path, "SELECT count(*) FROM ork_migrations"), (int64_t)ork_migration_count());
        assert_int_equal(
            test_count(path,
                       "SELECT count(*) FROM tasks WHERE output = '{\"n\":1}' AND status = 'success' AND attempt = 0"),
            1);
        assert_int_equal(test_count(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
        test_open(&t, url); /* nothing left to do */
        test_close(&t);
    }
    ork_free(columns);
    ork_free(fresh);
    ork_free(url);
    ork_free(path);
}

/* Migration 009: of equal snapshots the newest stays, and what pointed at the others points at it. */
static void test_duplicate_snapshots_are_folded(void **state)
{
    (void)state;
    char *path = test_path("dup.db"), *url = test_url("dup.db");
    struct test_store t;
    run_chain(path, 8, true);
    test_exec(path, rows);
    test_exec(path, "DROP INDEX idx_workflow_snapshots_content_hash;"
                    "INSERT INTO workflow_snapshots VALUES (x'11', x'01', 'h', '[]', '2025-01-01T00:00:00+00:00'), "
                    "(x'12', x'01', 'h', '[]', "
                    "'2025-01-02T00:00:00+00:00'), (x'13', x'01', 'other', '[]', '2025-01-03T00:00:00+00:00');"
                    "UPDATE runs SET snapshot_id = x'11'; UPDATE workflows SET current_snapshot_id = x'11'");
    test_open(&t, url);
    test_close(&t);
    assert_int_equal(test_count(path, "SELECT count(*) FROM workflow_snapshots"), 2);
    assert_int_equal(test_count(path, "SELECT count(*) FROM runs WHERE snapshot_id = x'12'"), 1);
    assert_int_equal(test_count(path, "SELECT count(*) FROM workflows WHERE current_snapshot_id = x'12'"), 1);
    ork_free(url);
    ork_free(path);
}

/* Migration 014: what the original applied is numbered by age; what only ran here is known, not applied. */
static void test_old_definitions_are_versions(void **state)
{
    (void)state;
    char *path = test_path("versions.db"), *url = test_url("versions.db");
    struct test_store t;
    run_chain(path, 9, true);
    test_exec(path, rows);
    test_exec(path,
              "INSERT INTO workflow_snapshots VALUES (x'11', x'01', 'b', '[{},{}]', '2025-01-02T00:00:00+00:00'), "
              "(x'12', x'01', 'a', '[{}]', '2025-01-01T00:00:00+00:00');"
              "UPDATE workflows SET current_snapshot_id = x'11';"
              "INSERT INTO workflows (id, name, job_name, project, region, current_snapshot_id) VALUES "
              "(x'21', 'ran', 'ran', 'local', 'local', x'22');"
              "INSERT INTO workflow_snapshots VALUES (x'22', x'21', 'c', '[]', '2025-01-01T00:00:00.000Z')");
    test_open(&t, url);
    struct ork_rows *r = test_query(&t, ORK_Q_versions_list, (struct ork_param[]){ORK_P_TEXT("old")}, 1);
    assert_int_equal(ork_rows_len(r), 2);
    assert_string_equal(ork_rows_text(r, 0, "hash"), "b");
    assert_int_equal(ork_rows_int(r, 0, "version", 0), 2);
    assert_int_equal(ork_rows_int(r, 0, "current", 0), 1);
    assert_int_equal(ork_rows_int(r, 0, "tasks", 0), 2);
    ork_rows_free(r);
    r = test_query(&t, ORK_Q_workflows_list, (struct ork_param[]){ORK_P_NULL, ORK_P_INT(1), ORK_P_NULL, ORK_P_INT(9)},
                   4);
    assert_int_equal(ork_rows_len(r), 1);
    assert_string_equal(ork_rows_text(r, 0, "name"), "old");
    ork_rows_free(r);
    test_close(&t);
    ork_free(url);
    ork_free(path);
}

/* The three formats that the original mixed are all read. */
static void test_mixed_times(void **state)
{
    (void)state;
    static const char *const forms[] = {"2025-06-01T10:00:00.000Z", "2025-06-01 10:00:00", "2025-06-01T12:00:00+02:00"};
    char *path = test_path("times.db"), *url = test_url("times.db");
    struct test_store t;
    run_chain(path, 9, true);
    for (int i = 0; i < 3; i++) {
        char sql[300];
        if (i == 0)
            test_exec(path, rows);
        (void)snprintf(sql, sizeof sql, "UPDATE runs SET started_at = '%s'", forms[i]);
        test_exec(path, sql);
        test_open(&t, url);
        struct ork_rows *r = test_query(&t, ORK_Q_waiting_runs, NULL, 0);
        assert_int_equal(ork_rows_time(r, 0, "started_at"), 1748772000000);
        ork_rows_free(r);
        test_close(&t);
    }
    ork_free(url);
    ork_free(path);
}

static void test_taken_over_only_when_whole(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int code;
        const char *text;
    } cases[] = {
        {"INSERT INTO _sqlx_migrations VALUES (10, 'x', '2026-01-01', 1, x'00', 1)", ORK_ENEWER, "version 10"},
        {"UPDATE _sqlx_migrations SET success = 0 WHERE version = 9", ORK_ECORRUPT, "migration 9 did not finish"},
        {"PRAGMA foreign_keys = OFF; INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status) "
         "VALUES (x'09', x'77', 0, 'x', 'y', 'pending')",
         ORK_ECORRUPT, "rows of table tasks refer to rows of runs that do not exist"},
    };
    char *path = test_path("broken.db"), *url = test_url("broken.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_store t;
        ork_err err;
        run_chain(path, 9, true);
        test_exec(path, rows);
        test_exec(path, cases[i].sql);
        assert_int_equal(test_try_open(&t, url, ORK_OPEN_CREATE, &err), cases[i].code);
        if (!strstr(err.msg, cases[i].text))
            fail_msg("case %zu: %s", i, err.msg);
        assert_int_equal(test_count(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'ork_migrations'"),
                         0); /* nothing stored half */
    }
    ork_free(url);
    ork_free(path);
}

/* Files are frozen: a changed one is refused by every database that has it applied. A new migration is a new file and a
 * new line. */
static void test_files_are_frozen(void **state)
{
    (void)state;
    static const struct {
        const char *name, *checksum;
    } files[] = {
        {"init", "6039f73ca7ec0ac67f58a4a60d37ab3af4e98ab968a75b6304c3e0a17d5301d3"},
        {"add_task_logs", "d5d59f342b7dcb38186113f8c4637a88b71262b5aa2cc140b20df85d20bfbff5"},
        {"add_task_retries_timeouts", "951fc5745686879bd9ca15a162364370d7582d0351dc92ca98825c3a21197e01"},
        {"add_workflow_schedules", "327d971b1e66717f70c1fe445a744ea3a58aa134c4753f21af61fc0b81915614"},
        {"add_pause_status", "18373e73722582288e567f48dd811fb3cd0148db4b29ce1c38e132b7d711f148"},
        {"add_task_signatures", "9e2b6eff09142a9103a90bdaeef1b4db3ea0ff46abd5c8deee3bf76c09757af1"},
        {"add_deferred_jobs", "135eac077411e42437fa013179095b551d0ffeab647a920b59e33208a20d426c"},
        {"add_workflow_snapshots", "bccbaba212be98d52a810f8ba504ea8f5171117d634bb521da0d05bd8102e8e3"},
        {"workflow_snapshots_unique_hash", "e0cd0955535ce60d5228b077a03db21a34f784e071f6978294e7b04d6ce88ecd"},
        {"add_attempts", "0ce7724c9c67b4e4a728aeb103b0fb307fab6095bd9530fa13ceeeb2b70d1628"},
        {"add_schedulers", "a689d5ca1f80d2f29510d4ab00a3545b0e132aee88ac9c58af4372ec3774fa19"},
        {"add_run_details", "7445e3be638f9410fdf9f1a69500e7208ee05f56cc409ab49c61a78f55917398"},
        {"add_workflow_options", "9dfb0a3e758a4a6abcb9a1bdaea83dc0b904a557290f3ac89f03873bad96c283"},
        {"add_workflow_versions", "f5a6ff44271c1d6d77effc1cbd001f680722384fc3860499a2cbf8aaa2200d9e"},
        {"add_run_part", "06659e20666407dd5a07b588f834615b6fd801b3d722a2609ca01e264c12b107"},
        {"add_schedule_state", "2a69c509ebf50d87582790e375783fe06711611aa944a5e37d15f826392a1490"},
        {"add_copies", "3f3b2758d8afd640bb495825555c097633d7459aaaeea334b327cf619764c216"},
        {"fewer_indexes", "f8dabda4906ea0b0ad4cb15dccd941a6a10f353025e72099e4f9ad4273722bf5"},
        {"add_items", "a1634db092184aee5c85d5482935e4c861e534d4b2f85a539188c6bb6c691490"},
        {"add_artifacts", "04acbbab0bfd5671cf2c8fc5a4f7953266d816ac6ae186c1c5846662b229ea71"},
        {"cheaper_rows", "98d8cd31a2c394552587ba73ea442b1f52a180096a7efc9f3ce8d58008a58ca8"},
    };
    assert_int_equal(ork_migration_count(), sizeof files / sizeof *files);
    for (size_t i = 0; i < ork_migration_count(); i++) {
        struct ork_migration m;
        ork_migration_get(i, &m);
        assert_int_equal(m.version, (int)i + 1);
        assert_string_equal(m.name, files[i].name);
        if (strcmp(m.checksum, files[i].checksum) != 0)
            fail_msg("migration %03d_%s was changed: its checksum is %s", m.version, m.name, m.checksum);
    }
}

static void test_changed_migration_is_noticed(void **state)
{
    (void)state;
    char *path = test_path("changed.db"), *url = test_url("changed.db");
    struct test_store t;
    ork_err err;
    test_open(&t, url);
    test_close(&t);
    test_exec(path, "UPDATE ork_migrations SET checksum = 'abcdef' WHERE version = 12");
    assert_int_equal(test_try_open(&t, url, 0, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "012_add_run_details"));
    ork_free(url);
    ork_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_databases_get_the_end_of_the_chain),
        cmocka_unit_test(test_final_columns),
        cmocka_unit_test(test_every_version_upgrades),
        cmocka_unit_test(test_duplicate_snapshots_are_folded),
        cmocka_unit_test(test_old_definitions_are_versions),
        cmocka_unit_test(test_mixed_times),
        cmocka_unit_test(test_taken_over_only_when_whole),
        cmocka_unit_test(test_files_are_frozen),
        cmocka_unit_test(test_changed_migration_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
