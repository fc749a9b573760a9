/* SPDX-License-Identifier: MIT */
/* The JSON tree: what the original's readers find in it, a folder of the original's that is taken over, and stores of
 * older and newer schemas. */
#include "store/file/line.h"
#include "store/file/tree.h"
#include "store/lib_folder.h"
#include "store/sqlite/migrate.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *place, const char *text)
{
    char *path = test_path(place);
    FILE *f = fopen(path, "w");
    if (!f)
        fail_msg("%s", path);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    ork_free(path);
}

static json_t *load(const char *folder, const char *kind, const ork_id *id)
{
    char name[200], text[ORK_ID_TEXT];
    ork_id_format(id, text);
    (void)snprintf(name, sizeof name, "%s/%s/%s.json", folder, kind, text);
    char *path = test_path(name);
    json_t *v = json_load_file(path, 0, NULL);
    if (!v)
        fail_msg("%s is not there, or no JSON", path);
    ork_free(path);
    return v;
}

static const char *text_of(const json_t *v, const char *key)
{
    const char *text = json_string_value(json_object_get(v, key));
    return text ? text : "";
}

static void test_what_readers_find(void **state)
{
    (void)state;
    char *url = test_folder_url("tree"), id[ORK_ID_TEXT];
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    ork_workflow *w = test_workflow("etl", 2);
    ork_id task;
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, w, &c);
    ork_task_id(&c.run_id, 1, &task);
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = task,
                                    .status = ORK_TASK_SUCCESS,
                                    .attempt = 1,
                                    .output = TEXT("{\"rows\":3}"),
                                    .set_output = true,
                                    .logs = TEXT("a\nb"),
                                    .set_logs = true,
                                    .finished_ms = 1767225661500};
    test_apply_ok(&t, &b);
    test_close(&t);
    json_t *v = load("tree", "tasks", &task);
    ork_id_format(&c.run_id, id);
    assert_string_equal(text_of(v, "run_id"), id);
    assert_string_equal(text_of(v, "status"), "success");
    assert_string_equal(text_of(v, "finished_at"), "2026-01-01T00:01:01.500Z");
    assert_string_equal(text_of(v, "logs"), "a\nb");
    assert_true(json_is_null(json_object_get(v, "started_at")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "output"), "rows")), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(v, "depends_on"), 0)), "t0");
    assert_string_equal(text_of(json_object_get(v, "params"), "none"), "");
    json_decref(v);
    v = load("tree", "workflows", &c.workflow_id);
    assert_string_equal(text_of(v, "name"), "etl");
    assert_true(json_is_false(json_object_get(v, "schedule_enabled")));
    json_decref(v);
    v = load("tree", "snapshots", &c.snapshot_id);
    assert_true(json_is_array(json_object_get(v, "tasks_json")));
    json_decref(v);
    v = load("tree", "runs", &c.run_id);
    assert_string_equal(text_of(json_object_get(v, "params"), "day"), "2026-01-01");
    json_decref(v);
    folder_exec(url, "DELETE FROM runs"); /* its tasks go with it */
    char *path = test_path("tree/tasks");
    assert_int_equal(rmdir(path), 0); /* empty */
    ork_free(path);
    folder_exec(
        url,
        "INSERT INTO workflow_tasks (id, workflow_id, task_index, task_name, executor_type) SELECT randomblob(16), id, "
        "2, 'b', 'process' FROM workflows; INSERT INTO workflow_tasks (id, workflow_id, task_index, task_name, "
        "executor_type) SELECT randomblob(16), id, 1, 'a', 'process' FROM workflows");
    v = load("tree", "workflow_tasks", &c.workflow_id);
    assert_int_equal(json_array_size(v), 2);
    assert_string_equal(text_of(json_array_get(v, 0), "task_name"), "a");
    json_decref(v);
    ork_batch_fini(&b);
    ork_workflow_unref(w);
    ork_free(url);
}

/* ---- the original's ---- */

#define W "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define R "7f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define T "8f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define S "9f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define GONE "af9619ff-8b86-4d01-b42d-00cf4fc964ff"

static void put_original(const char *folder)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        {"workflows/" W ".json",
         "{\n  \"id\": \"" W
         "\",\n  \"name\": \"nightly\",\n  \"description\": null,\n  \"job_name\": \"job\",\n  \"region\": "
         "\"us-central1\",\n  \"project\": \"prod\",\n  \"executor_type\": \"process\",\n  \"task_params\": {\"n\": "
         "1e2},\n  "
         "\"schedule\": \"0 0 2 * * *\",\n  \"schedule_enabled\": true,\n  \"last_scheduled_at\": null,\n  "
         "\"next_scheduled_at\": "
         "null,\n  \"current_snapshot_id\": \"" S
         "\",\n  \"created_at\": \"2025-11-02T10:00:00.123456789Z\",\n  \"updated_at\": "
         "\"2025-11-02T12:00:00+02:00\"\n}"},
        {"runs/" R ".json",
         "{\"id\":\"" R "\",\"workflow_id\":\"" W "\",\"status\":\"success\",\"triggered_by\":\"manual\","
         "\"snapshot_id\":\"" S "\",\"started_at\":\"2025-11-02T10:00:01Z\",\"finished_at\":null,\"error\":null,"
         "\"created_at\":\"2025-11-02T10:00:00.5Z\"}"},
        {"tasks/" T ".json", "{\"id\":\"" T "\",\"run_id\":\"" R
                             "\",\"task_index\":0,\"task_name\":\"a\",\"executor_type\":\"process\",\"depends_on\":[],"
                             "\"status\":\"success\",\"attempts\":0,\"max_retries\":2,\"timeout_seconds\":null,\"retry_"
                             "at\":null,\"execution_name\":"
                             "\"123\",\"params\":{\"command\":\"true\"},\"output\":\"a "
                             "text\",\"logs\":\"x\",\"error\":null,\"dispatched_at\":null,"
                             "\"started_at\":null,\"finished_at\":null,\"created_at\":\"2025-11-02T10:00:00Z\"}"},
        {"tasks/" GONE ".json",
         "{\"id\":\"" GONE "\",\"run_id\":\"" GONE "\",\"task_index\":0,\"task_name\":\"a\",\"executor_type\":"
         "\"process\",\"depends_on\":[],\"status\":\"pending\",\"created_at\":\"2025-11-02T10:00:00Z\"}"},
        {"workflow_tasks/" W ".json",
         "[{\"id\":\"" T "\",\"workflow_id\":\"" W "\",\"task_index\":0,\"task_name\":\"a\","
         "\"executor_type\":\"process\",\"depends_on\":[],\"params\":{},\"created_at\":"
         "\"2025-11-02T10:00:00Z\"}]"},
        {"snapshots/" S ".json",
         "{\"id\":\"" S "\",\"workflow_id\":\"" W "\",\"content_hash\":\"ab\",\"tasks_json\":[{\"name\":\"a\"}],"
         "\"created_at\":\"2025-11-02T10:00:00Z\"}"},
    };
    static const char *const folders[] = {"", "/workflows", "/runs", "/tasks", "/workflow_tasks", "/snapshots"};
    char name[300];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(name, sizeof name, "%s%s", folder, folders[i]);
        char *path = test_path(name);
        assert_int_equal(mkdir(path, 0700), 0);
        ork_free(path);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, files[i].name);
        put(name, files[i].text);
    }
}

static void check_imported(const char *url)
{
    assert_int_equal(
        folder_count(url,
                     "SELECT count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name = 'nightly' "
                     "AND r.created_at = '2025-11-02T10:00:00.500Z' AND w.created_at = "
                     "'2025-11-02T10:00:00.123Z' AND w.updated_at = '2025-11-02T10:00:00.000Z' AND "
                     "w.schedule_enabled = 1 AND w.task_params = '{\"n\":100.0}' AND w.current_version = 1"),
        1);
    assert_int_equal(
        folder_count(url, "SELECT count(*) FROM tasks WHERE depends_on = '[]' AND output = '\"a text\"' AND params = "
                          "'{\"command\":\"true\"}' AND execution_name = '123' AND attempt = 0"),
        1);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM tasks"), 1); /* the other one's run is gone */
    assert_int_equal(folder_count(url, "SELECT count(*) FROM workflow_tasks"), 1);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM workflow_versions"), 1);
}

static void test_original(void **state)
{
    (void)state;
    char *url = test_folder_url("original"), *log = test_path("original/log");
    struct test_store t;
    put_original("original");
    check_imported(url); /* a reader leaves it as it is */
    assert_int_equal(access(log, F_OK), -1);
    test_open(&t, url);
    test_register(&t);
    test_close(&t);
    assert_int_equal(access(log, F_OK), 0);
    check_imported(url);
    ork_id id;
    assert_int_equal(ork_id_parse(W, strlen(W), &id), 0);
    json_t *v = load("original", "workflows", &id);
    assert_string_equal(text_of(v, "created_at"), "2025-11-02T10:00:00.123Z");
    json_decref(v);
    ork_free(log);
    ork_free(url);
}

static void refuse_original(const char *folder, const char *file, const char *text, const char *where, const char *why)
{
    char name[300];
    struct test_store t;
    ork_err err;
    char *url = test_folder_url(folder);
    (void)snprintf(name, sizeof name, "%s/%s", folder, file);
    put_original(folder);
    put(name, text);
    int rc = test_try_open(&t, url, ORK_OPEN_CREATE, &err);
    if (rc != ORK_EDATA || !strstr(err.msg, where) || !strstr(err.msg, why))
        fail_msg("%s: %s", file, rc ? err.msg : "opened");
    (void)snprintf(name, sizeof name, "%s/log", folder);
    char *log = test_path(name);
    assert_int_equal(access(log, F_OK), -1);
    ork_free(log);
    ork_free(url);
}

static void test_original_damaged(void **state)
{
    (void)state;
    refuse_original("cut", "tasks/" T ".json", "{\"id\":\"" T "\",\"run_id\":", "tasks/" T ".json",
                    "cannot be taken over");
    refuse_original("double", "workflows/x.json",
                    "{\"id\":\"" GONE "\",\"name\":\"nightly\",\"job_name\":\"j\",\"project\":\"p\"}", "/workflows/",
                    "workflows.name");
    refuse_original("list", "workflow_tasks/" W ".json", "{}", "workflow_tasks/" W ".json", "no list");
    refuse_original("strange", "runs/x.json", "[1]", "runs/x.json", "no runs as the original writes it");
    refuse_original("state", "runs/x.json", "{\"id\":\"" GONE "\",\"workflow_id\":\"" W "\",\"status\":\"odd\"}",
                    "runs/x.json", "CHECK");
    refuse_original("when", "runs/x.json",
                    "{\"id\":\"" GONE "\",\"workflow_id\":\"" W "\",\"status\":\"success\",\"created_at\":\"monday\"}",
                    "runs/x.json", "created_at");
}

/* ---- other schemas ---- */

/* A store as an Ork of that version left it: its state written by the code of today from tables of then. */
static void make_old(const char *folder, int version)
{
    char *url = test_folder_url(folder), *path = test_path(folder);
    struct ork_file *f = ork_zalloc(sizeof *f);
    ork_err err;
    f->log_fd = f->lock_fd = -1;
    f->was = -1;
    f->db.clock = &ork_clock_system;
    assert_int_equal(mkdir(path, 0700), 0);
    f->dir = ork_strdup(path);
    f->log_path = ork_strdup("log");
    f->dir_fd = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(ork_conn_open(&f->db.writer, NULL, ORK_CONN_WRITE, &f->db.log, &err), 0);
    if (ork_migrate_to(&f->db.writer, version, 1767225600000, &err) ||
        ork_tables_load(&f->tables, &f->db.writer, &err) ||
        ork_conn_exec(&f->db.writer,
                      "INSERT INTO workflows (id, name, job_name, project) VALUES (zeroblob(16), 'old', 'j', 'p');"
                      "INSERT INTO runs (id, workflow_id, status) VALUES (zeroblob(16), zeroblob(16), 'success');"
                      "INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, attempts) VALUES "
                      "(zeroblob(16), zeroblob(16), 0, 't', 'process', 'success', 2)",
                      &err) ||
        ork_state_write_of(f, version, false, &err))
        fail_msg("version %d: %s", version, err.msg);
    ork_file_fini(f);
    ork_conn_close(&f->db.writer);
    ork_free(f);
    ork_free(path);
    ork_free(url);
}

static void test_every_version_upgrades(void **state)
{
    (void)state;
    for (int version = 9; version <= ork_store_schema(); version++) {
        char folder[32];
        struct test_store t;
        ork_err err;
        (void)snprintf(folder, sizeof folder, "v%d", version);
        char *url = test_folder_url(folder);
        make_old(folder, version);
        for (int i = 0; i < 2; i++) { /* a reader in memory; the writer for good */
            assert_int_equal(folder_count(url, "SELECT count(*) FROM tasks WHERE attempts = 2 AND attempt = 0"), 1);
            assert_int_equal(folder_count(url, "SELECT max(version) FROM ork_migrations"), ork_store_schema());
            assert_int_equal(
                folder_count(url, "SELECT count(*) FROM ork_migrations WHERE applied_at LIKE '2026-01-01T%'"), version);
            if (test_try_open(&t, url, 0, &err))
                fail_msg("version %d: %s", version, err.msg);
            test_register(&t);
            test_close(&t);
        }
        json_t *v = load(folder, "tasks", &(ork_id){{0}});
        assert_int_equal(json_integer_value(json_object_get(v, "lost")), 0);
        assert_non_null(json_object_get(v, "lost"));
        json_decref(v);
        ork_free(url);
    }
}

static void test_newer_is_refused(void **state)
{
    (void)state;
    char *url = test_folder_url("newer"), wanted[64];
    struct test_store t;
    ork_err err;
    make_old("newer", ork_store_schema());
    struct ork_buf line = ORK_BUF_INIT;
    ork_line_begin(&line, 1);
    ork_buf_addf(&line, ",\"ork\":\"file\",\"format\":1,\"schema\":%d", ork_store_schema() + 3);
    ork_line_end(&line);
    put("newer/log", line.data);
    assert_int_equal(test_try_open(&t, url, 0, &err), ORK_ENEWER);
    (void)snprintf(wanted, sizeof wanted, "its schema is version %d, this Ork", ork_store_schema() + 3);
    assert_non_null(strstr(err.msg, wanted));
    (void)snprintf(wanted, sizeof wanted, "knows up to %d", ork_store_schema());
    assert_non_null(strstr(err.msg, wanted));
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_READ, &err), ORK_ENEWER);
    ork_buf_fini(&line);
    ork_free(url);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_readers_find), cmocka_unit_test(test_original),
        cmocka_unit_test(test_original_damaged),  cmocka_unit_test(test_every_version_upgrades),
        cmocka_unit_test(test_newer_is_refused),
    };
    return cmocka_run_group_tests_name("file, tree", tests, NULL, NULL);
}
