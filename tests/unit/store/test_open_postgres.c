/* SPDX-License-Identifier: MIT */
/* Opening a database of PostgreSQL: what is wrong is said with what helps, and never with the password; the schema is
 * made, upgraded from each of the original's versions, and refused when it is newer, altered, or somebody else's. */
#include "base/path.h"
#include "store/lib_child.h"
#include "store/lib_cluster.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int try(const char *url, uint32_t flags, ork_err *err)
{
    struct test_store t;
    int rc = test_try_open(&t, url, flags, err);
    if (!rc)
        test_close(&t);
    return rc;
}

static char *url_with(const char *user, const char *rest)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "postgres://%s@127.0.0.1:%d/%s", user, cluster_port(), rest);
    return ork_buf_steal(&b, NULL);
}

#define SECRET "hunter2"

static void test_urls_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int code;
    } cases[] = {
        {"postgres://u:" SECRET "@h:port/db", ORK_EINVAL},
        {"postgres://u:" SECRET "/x@h/db", ORK_EINVAL},
        {"postgres://u:a@" SECRET "@h/db", ORK_EINVAL},
        {"postgres://u:" SECRET "#x@h/db?nonsense=1", ORK_EINVAL},
        {"postgres://u:%zz" SECRET "@h/db", ORK_EINVAL},
        {"postgres://u:" SECRET "@h/db?pool_size=none", ORK_EINVAL},
        {"postgresql://u:" SECRET "@127.0.0.1:1/db?pool_size=3", ORK_EIO},
        {"postgres://u:" SECRET "@nowhere.invalid/db", ORK_EIO},
        {"postgres://u:" SECRET "@%2Fno%2Fsuch%2Ffolder/db", ORK_EIO},
        {"mysql://u:" SECRET "@h/db", ORK_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ork_err err;
        int rc = try(cases[i].url, ORK_OPEN_CREATE, &err);
        if (rc != cases[i].code || strstr(err.msg, SECRET))
            fail_msg("%s: %d %s", cases[i].url, rc, err.msg);
        char *path;
        rc = ork_store_path_of_url(cases[i].url, &path, &err);
        assert_true(rc == 0 || !strstr(err.msg, SECRET));
        assert_null(path);
    }
}

static void test_urls_as_they_are_shown(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"postgres://u:" SECRET "@h:5432/db", "postgres://u@h:5432/db"},
        {"postgres://u@h:5432/db?pool_size=3", "postgres://u@h:5432/db?pool_size=3"},
        {"postgresql://u:a@" SECRET "/x:@h/db?sslmode=require", "postgresql://u@h/db?sslmode=require"},
        {"postgres://h/db?password=" SECRET "&user=u&sslpassword=" SECRET, "postgres://h/db?user=u"},
        {"postgres:///db?host=/run/x", "postgres:///db?host=/run/x"},
        {"sqlite:/a:b@c", "sqlite:/a:b@c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *shown = ork_store_url_plain(cases[i][0]);
        assert_string_equal(shown, cases[i][1]);
        ork_free(shown);
    }
}

static void test_passwords(void **state)
{
    (void)state;
    ork_err err;
    char *admin = cluster_database("guarded");
    cluster_exec(admin, "CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'right#1'");
    char *wrong = url_with("guarded:" SECRET, "guarded"), *none = url_with("guarded", "guarded"),
         *right = url_with("guarded:right%231", "guarded?application_name=x&pool_size=5"),
         *nobody = url_with("nobody:" SECRET, "guarded"), *no_db = url_with("ork", "missing");
    (void)setenv("PGPASSFILE", "/nonexistent", 1);
    assert_int_equal(try(wrong, 0, &err), ORK_EACCESS);
    assert_null(strstr(err.msg, SECRET));
    assert_non_null(strstr(err.msg, "password authentication failed"));
    assert_int_equal(try(none, 0, &err), ORK_EACCESS);
    assert_non_null(strstr(err.msg, "PGPASSWORD"));
    assert_int_equal(try(nobody, 0, &err), ORK_EACCESS);
    assert_int_equal(try(no_db, 0, &err), ORK_ENOTFOUND);
    assert_non_null(strstr(err.msg, "createdb"));
    struct test_store t;
    struct ork_buf doc = ORK_BUF_INIT;
    test_open(&t, right);
    assert_int_equal(ork_store_status_json(t.store, &doc, &err), 0);
    assert_null(strstr(doc.data, "right"));
    assert_non_null(strstr(doc.data, "postgres://guarded@127.0.0.1"));
    ork_buf_fini(&doc);
    test_close(&t);
    char *files[] = {admin, wrong, none, right, nobody, no_db};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ork_free(files[i]);
}

static void test_flags(void **state)
{
    (void)state;
    ork_err err;
    char *url = cluster_raw("empty"), *foreign = cluster_raw("foreign");
    assert_int_equal(try(url, 0, &err), ORK_ENOTFOUND);
    assert_int_equal(try(url, ORK_OPEN_READ, &err), ORK_ENOTFOUND);
    assert_int_equal(test_count(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
    assert_int_equal(try(url, ORK_OPEN_CREATE, &err), 0);
    assert_int_equal(try(url, 0, &err), 0);
    assert_int_equal(try(url, ORK_OPEN_READ, &err), 0);
    cluster_exec(foreign, "CREATE TABLE customers (id int)");
    assert_int_equal(try(foreign, ORK_OPEN_CREATE, &err), ORK_EFOREIGN);
    assert_non_null(strstr(err.msg, "1 table and none of Ork's"));
    assert_int_equal(try(foreign, ORK_OPEN_MIGRATE, &err), 0);
    assert_int_equal(try(foreign, 0, &err), 0);
    ork_free(url);
    ork_free(foreign);
}

static void test_reading_only(void **state)
{
    (void)state;
    struct test_store t;
    struct ork_batch b = {0};
    ork_id me;
    uint64_t seq;
    ork_err err;
    char *url = cluster_database("reading");
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_READ, &err), 0);
    assert_int_equal(ork_store_register(t.store, "h", NULL, &me, &seq, &err), ORK_EREADONLY);
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 1};
    assert_int_equal(test_apply(&t, &b, NULL, &err), ORK_EREADONLY);
    struct ork_rows *r = test_query(&t, ORK_Q_pools_list, NULL, 0);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(url);
}

static void test_rights(void **state)
{
    (void)state;
    ork_err err;
    char *admin = cluster_raw("rights"), *url = url_with("weak", "rights");
    cluster_exec(admin, "CREATE ROLE weak LOGIN");
    assert_int_equal(try(url, ORK_OPEN_CREATE, &err), ORK_EACCESS); /* may not make tables */
    assert_non_null(strstr(err.msg, "CREATE on the schema"));
    assert_int_equal(test_count(admin, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
    assert_int_equal(try(admin, ORK_OPEN_CREATE, &err), 0);
    assert_int_equal(try(url, 0, &err), ORK_EACCESS); /* nor read those of others */
    cluster_exec(admin, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak");
    assert_int_equal(try(url, ORK_OPEN_READ, &err), 0);
    struct test_store t;
    struct ork_batch b = {0};
    test_open(&t, url);
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 1};
    assert_int_equal(test_apply(&t, &b, NULL, &err), ORK_EACCESS);
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(admin);
    ork_free(url);
}

static void test_newer_and_altered(void **state)
{
    (void)state;
    ork_err err;
    struct ork_rows *rows;
    char *url = cluster_database("versions");
    cluster_exec(url, "INSERT INTO ork_migrations VALUES (900, 'future', 'x', now())");
    assert_int_equal(try(url, ORK_OPEN_CREATE, &err), ORK_ENEWER);
    cluster_exec(url, "DELETE FROM ork_migrations WHERE version = 900; UPDATE ork_migrations SET checksum = 'other' "
                      "WHERE version = 3");
    assert_int_equal(try(url, ORK_OPEN_CREATE, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "003_add_indexes"));
    ork_free(url);
    url = cluster_database("altered");
    cluster_exec(url, "ALTER TABLE runs DROP COLUMN priority");
    struct test_store t;
    test_open(&t, url);
    assert_int_equal(ork_store_query(t.store, ORK_Q_waiting_runs, NULL, 0, &rows, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "Somebody altered the schema"));
    test_close(&t);
    ork_free(url);
}

/* ---- the chain ---- */

static char *read_migration(int version)
{
    char pattern[512], *text;
    size_t n;
    ork_err err;
    (void)snprintf(pattern, sizeof pattern, "ls %s/%03d_*.sql", ORK_MIGRATIONS, version);
    FILE *f = popen(pattern, "r");
    assert_true(f && fgets(pattern, sizeof pattern, f));
    (void)pclose(f);
    pattern[strcspn(pattern, "\n")] = '\0';
    assert_int_equal(ork_file_read(pattern, 1 << 20, &text, &n, &err), 0);
    return text;
}

/* As the original left it at a version: its tables and its list of migrations. */
static char *original(const char *name, int version)
{
    char *url = cluster_raw(name), sql[300];
    cluster_exec(url,
                 "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on "
                 "timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, "
                 "execution_time bigint NOT NULL)");
    for (int v = 1; v <= version; v++) {
        char *text = read_migration(v);
        struct ork_buf b = ORK_BUF_INIT;
        ork_buf_addf(&b, "BEGIN; %s; COMMIT", text);
        cluster_exec(url, b.data);
        ork_buf_fini(&b);
        ork_free(text);
        (void)snprintf(sql, sizeof sql, "INSERT INTO _sqlx_migrations VALUES (%d, 'x', now(), true, '', 1)", v);
        cluster_exec(url, sql);
    }
    return url;
}

static const char columns_sql[] =
    "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || "
    "coalesce(column_default, '') "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN ('_sqlx_migrations') "
    "ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"";
static const char indexes_sql[] = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE "
                                  "'\\_sqlx%' ORDER BY indexname COLLATE \"C\"";

static void test_each_version_of_the_original(void **state)
{
    (void)state;
    char *whole = cluster_database("whole"), *columns = cluster_text(whole, columns_sql),
         *indexes = cluster_text(whole, indexes_sql);
    for (int v = 1; v <= 14; v++) {
        char name[32];
        ork_err err;
        (void)snprintf(name, sizeof name, "original%d", v);
        char *url = original(name, v);
        if (v == 14)
            cluster_exec(
                url,
                "INSERT INTO workflows (name, job_name, project, executor_type) VALUES ('w', 'j', 'p', 'dag');"
                "INSERT INTO runs (workflow_id, status, created_at) SELECT id, 'success', "
                "'2026-01-01 00:00:00.123456+00' FROM workflows;"
                "INSERT INTO tasks (run_id, task_index, status, task_name, executor_type) SELECT id, 0, 'success', "
                "'t', 'process' FROM runs");
        assert_int_equal(try(url, ORK_OPEN_READ, &err), ORK_ESTATE);
        if (try(url, 0, &err))
            fail_msg("from version %d: %s", v, err.msg);
        char *c = cluster_text(url, columns_sql), *i = cluster_text(url, indexes_sql);
        assert_string_equal(c, columns);
        assert_string_equal(i, indexes);
        if (v == 14) {
            assert_int_equal(test_count(url, "SELECT extract(microseconds FROM created_at)::int FROM runs"), 123000);
            assert_int_equal(test_count(url, "SELECT count(*) FROM tasks"), 1);
        }
        ork_free(c);
        ork_free(i);
        ork_free(url);
    }
    ork_free(columns);
    ork_free(indexes);
    ork_free(whole);
}

static void test_original_in_trouble(void **state)
{
    (void)state;
    ork_err err;
    char *url = original("broken", 9);
    cluster_exec(url, "UPDATE _sqlx_migrations SET success = false WHERE version = 9");
    assert_int_equal(try(url, 0, &err), ORK_ECORRUPT);
    cluster_exec(url, "UPDATE _sqlx_migrations SET success = true; INSERT INTO _sqlx_migrations VALUES (15, 'x', "
                      "now(), true, '', 1)");
    assert_int_equal(try(url, 0, &err), ORK_ENEWER);
    assert_int_equal(test_count(url, "SELECT count(*) FROM pg_tables WHERE tablename = 'ork_migrations'"), 0);
    ork_free(url);
}

/* original.md 1.2: the catalog at the original's last version. */
static void test_the_seeds_catalog(void **state)
{
    (void)state;
    char *url = original("seeds", 14), *got = cluster_text(url, columns_sql);
    static const char want[] = "deferred_jobs.created_at timestamp with time zone NO now()\n"
                               "deferred_jobs.error text YES \n"
                               "deferred_jobs.finished_at timestamp with time zone YES \n"
                               "deferred_jobs.id uuid NO gen_random_uuid()\n"
                               "deferred_jobs.job_data jsonb NO \n"
                               "deferred_jobs.job_id text NO \n"
                               "deferred_jobs.last_polled_at timestamp with time zone YES \n"
                               "deferred_jobs.service_type text NO \n"
                               "deferred_jobs.started_at timestamp with time zone YES \n"
                               "deferred_jobs.status text NO \n"
                               "deferred_jobs.task_id uuid NO \n"
                               "runs.created_at timestamp with time zone NO now()\n"
                               "runs.error text YES \n"
                               "runs.finished_at timestamp with time zone YES \n"
                               "runs.id uuid NO gen_random_uuid()\n"
                               "runs.snapshot_id uuid YES \n"
                               "runs.started_at timestamp with time zone YES \n"
                               "runs.status text NO \n"
                               "runs.triggered_by text NO 'manual'::text\n"
                               "runs.workflow_id uuid NO \n"
                               "tasks.attempts integer NO 0\n"
                               "tasks.created_at timestamp with time zone NO now()\n"
                               "tasks.depends_on ARRAY NO '{}'::text[]\n"
                               "tasks.dispatched_at timestamp with time zone YES \n"
                               "tasks.error text YES \n"
                               "tasks.execution_name text YES \n"
                               "tasks.executor_type text NO \n"
                               "tasks.finished_at timestamp with time zone YES \n"
                               "tasks.id uuid NO gen_random_uuid()\n"
                               "tasks.logs text YES \n"
                               "tasks.max_retries integer NO 0\n"
                               "tasks.output jsonb YES \n"
                               "tasks.params jsonb YES \n"
                               "tasks.retry_at timestamp with time zone YES \n"
                               "tasks.run_id uuid NO \n"
                               "tasks.started_at timestamp with time zone YES \n"
                               "tasks.status text NO \n"
                               "tasks.task_index integer NO \n"
                               "tasks.task_name text NO \n"
                               "tasks.timeout_seconds integer YES \n"
                               "workflow_snapshots.content_hash text NO \n"
                               "workflow_snapshots.created_at timestamp with time zone NO \n"
                               "workflow_snapshots.id uuid NO \n"
                               "workflow_snapshots.tasks_json jsonb NO \n"
                               "workflow_snapshots.workflow_id uuid NO \n"
                               "workflow_tasks.created_at timestamp with time zone NO now()\n"
                               "workflow_tasks.depends_on ARRAY NO '{}'::text[]\n"
                               "workflow_tasks.executor_type text NO \n"
                               "workflow_tasks.id uuid NO gen_random_uuid()\n"
                               "workflow_tasks.params jsonb YES \n"
                               "workflow_tasks.signature jsonb YES \n"
                               "workflow_tasks.task_index integer NO \n"
                               "workflow_tasks.task_name text NO \n"
                               "workflow_tasks.workflow_id uuid NO \n"
                               "workflows.created_at timestamp with time zone NO now()\n"
                               "workflows.current_snapshot_id uuid YES \n"
                               "workflows.description text YES \n"
                               "workflows.executor_type text NO 'cloudrun'::text\n"
                               "workflows.id uuid NO gen_random_uuid()\n"
                               "workflows.job_name text NO \n"
                               "workflows.last_scheduled_at timestamp with time zone YES \n"
                               "workflows.name text NO \n"
                               "workflows.next_scheduled_at timestamp with time zone YES \n"
                               "workflows.project text NO \n"
                               "workflows.region text NO 'us-central1'::text\n"
                               "workflows.schedule text YES \n"
                               "workflows.schedule_enabled boolean NO false\n"
                               "workflows.task_params jsonb YES \n"
                               "workflows.updated_at timestamp with time zone NO now()\n";
    assert_string_equal(got, want);
    ork_free(got);
    got = cluster_text(url,
                       "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_sqlx%' "
                       "ORDER BY indexname COLLATE \"C\"");
    assert_string_equal(
        got, "deferred_jobs_pkey\nidx_deferred_jobs_created_at\nidx_deferred_jobs_status\nidx_deferred_jobs_task_id\n"
             "idx_runs_status\nidx_runs_workflow_id\nidx_tasks_execution_name\nidx_tasks_executor_type\n"
             "idx_tasks_run_id\nidx_tasks_run_status\nidx_tasks_run_task_name\nidx_tasks_status\n"
             "idx_tasks_status_run_id\nidx_workflow_snapshots_content_hash\nidx_workflow_snapshots_workflow_id\n"
             "idx_workflow_tasks_workflow_id\nidx_workflows_executor_type\nidx_workflows_next_scheduled\n"
             "runs_pkey\ntasks_pkey\ntasks_run_id_task_index_key\nworkflow_snapshots_pkey\nworkflow_tasks_pkey\n"
             "workflow_tasks_workflow_id_task_name_key\nworkflows_name_key\nworkflows_pkey\n");
    ork_free(got);
    ork_free(url);
}

/* As the foreign key did: who removes a run by hand removes its tasks, and what hangs on them. */
static void test_tasks_go_with_their_run(void **state)
{
    (void)state;
    char *url = cluster_database("along");
    struct test_store t;
    test_open(&t, url);
    test_register(&t);
    ork_workflow *w = test_workflow("etl", 3);
    struct ork_new_run one, other;
    test_make_run(&t, w, &one);
    test_make_run(&t, w, &other);
    ork_workflow_unref(w);
    test_close(&t);
    cluster_exec(url, "INSERT INTO task_attempts (task_id, attempt, status) SELECT id, 1, 'success' FROM tasks");
    assert_int_equal(test_count(url, "SELECT count(*) FROM tasks"), 6);
    cluster_exec(url, "DELETE FROM runs WHERE id = (SELECT min(id::text)::uuid FROM runs)");
    assert_int_equal(test_count(url, "SELECT count(*) FROM tasks t JOIN runs r ON r.id = t.run_id"), 3);
    assert_int_equal(test_count(url, "SELECT count(*) FROM tasks"), 3);
    assert_int_equal(test_count(url, "SELECT count(*) FROM task_attempts"), 3);
    ork_free(url);
}

/* The tables may be moved to a schema of another name, as a dump is that is loaded elsewhere. */
static void test_another_schema(void **state)
{
    (void)state;
    char *url = cluster_database("moved");
    struct test_store t;
    test_open(&t, url);
    test_close(&t);
    cluster_exec(url, "ALTER SCHEMA public RENAME TO \"Else where\"");
    cluster_exec(url, "ALTER DATABASE moved SET search_path = \"Else where\"");
    test_open(&t, url);
    test_register(&t);
    ork_workflow *w = test_workflow("etl", 3);
    struct ork_new_run one;
    test_make_run(&t, w, &one);
    ork_workflow_unref(w);
    test_close(&t);
    assert_int_equal(test_count(url, "SELECT count(*) FROM tasks"), 3);
    cluster_exec(url, "SET search_path = pg_catalog; DELETE FROM \"Else where\".runs");
    assert_int_equal(test_count(url, "SELECT count(*) FROM tasks"), 0);
    ork_free(url);
}

/* Both chains end with the same tables and columns. */
static void test_the_chains_agree(void **state)
{
    (void)state;
    char *url = cluster_database("chains"), *path = test_path("chains.db"), *file = ork_strdup("sqlite:");
    struct ork_buf b = ORK_BUF_INIT, ours = ORK_BUF_INIT;
    struct test_store t;
    ork_buf_addf(&b, "%s%s", file, path);
    test_open(&t, b.data);
    test_close(&t);
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE "
                           "m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY 1",
                           -1, &st, NULL),
        SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        ork_buf_addf(&ours, "%s\n", (const char *)sqlite3_column_text(st, 0));
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    char *theirs = cluster_text(
        url, "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = "
             "'public' ORDER BY (table_name || '.' || column_name) COLLATE \"C\"");
    assert_string_equal(ours.data, theirs);
    ork_buf_fini(&b);
    ork_buf_fini(&ours);
    ork_free(theirs);
    ork_free(file);
    ork_free(path);
    ork_free(url);
}

static void open_it(int in, int out, void *data)
{
    struct test_store t;
    child_tell(out, 'r');
    (void)child_wait(in);
    test_open(&t, data);
    test_register(&t);
    test_close(&t);
}

static void test_all_migrate_at_once(void **state)
{
    (void)state;
    char *url = cluster_raw("at_once");
    struct child c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = child_start(open_it, url);
        assert_int_equal(child_wait(c[i].from), 'r');
    }
    for (int i = 0; i < 4; i++)
        child_tell(c[i].to, 'g');
    for (int i = 0; i < 4; i++)
        assert_int_equal(child_end(&c[i]), 0);
    assert_int_equal(test_count(url, "SELECT count(*) FROM schedulers WHERE state = 'ended'"), 4);
    ork_free(url);
}

static void test_a_standby(void **state)
{
    (void)state;
    ork_err err;
    char *url = cluster_database("mirrored"), *standby = cluster_standby("mirrored");
    assert_int_equal(try(standby, ORK_OPEN_CREATE, &err), ORK_EREADONLY);
    assert_non_null(strstr(err.msg, "target_session_attrs"));
    assert_int_equal(try(standby, ORK_OPEN_READ, &err), 0);
    cluster_standby_stop();
    ork_free(standby);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls_that_are_wrong),
        cmocka_unit_test(test_urls_as_they_are_shown),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_reading_only),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_newer_and_altered),
        cmocka_unit_test(test_each_version_of_the_original),
        cmocka_unit_test(test_original_in_trouble),
        cmocka_unit_test(test_the_seeds_catalog),
        cmocka_unit_test(test_tasks_go_with_their_run),
        cmocka_unit_test(test_another_schema),
        cmocka_unit_test(test_the_chains_agree),
        cmocka_unit_test(test_all_migrate_at_once),
        cmocka_unit_test(test_a_standby),
    };
    return TEST_ON_POSTGRES("open", tests);
}
