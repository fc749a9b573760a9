/* SPDX-License-Identifier: MIT */
#include "store/lib_store.h"
#include "store/lib_cluster.h"
#include "store/lib_folder.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum test_backend test_backend;
int64_t test_host_grace_ms;
static char folder[64];
static pid_t maker;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    if (getpid() == maker)
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "/tmp/ork-store-XXXXXX");
        assert_non_null(mkdtemp(folder));
        maker = getpid();
        (void)atexit(remove_folder);
    }
    return folder;
}

char *test_path(const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "%s/%s", test_dir(), name);
    return ork_buf_steal(&b, NULL);
}

char *test_url(const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    if (test_backend == TEST_POSTGRES)
        return cluster_database(name);
    if (name[0] && test_backend == TEST_FOLDER)
        ork_buf_addf(&b, "file:%s/%s.d", test_dir(), name);
    else if (name[0] && test_backend == TEST_FILE)
        ork_buf_addf(&b, "sqlite:%s/%s", test_dir(), name);
    else
        ork_buf_adds(&b, "sqlite::memory:");
    return ork_buf_steal(&b, NULL);
}

char *test_folder_url(const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "file:%s/%s", test_dir(), name);
    return ork_buf_steal(&b, NULL);
}

int test_try_open(struct test_store *t, const char *url, uint32_t flags, ork_err *err)
{
    static const struct ork_log log = {"test", ORK_LOG_WARN, NULL, NULL};
    memset(t, 0, sizeof *t);
    t->read = flags & ORK_OPEN_READ;
    assert_int_equal(uv_loop_init(&t->loop), 0);
    struct ork_store_opts o = {&t->loop, &ork_clock_system, &log, flags, test_host_grace_ms};
    int rc = ork_store_open(url, &o, &t->store, err);
    if (rc) {
        assert_null(t->store);
        assert_int_equal(rc, err->code);
        assert_int_equal(uv_loop_close(&t->loop), 0);
    }
    return rc;
}

void test_open(struct test_store *t, const char *url)
{
    ork_err err;
    if (test_try_open(t, url, ORK_OPEN_CREATE, &err))
        fail_msg("open %s: %s", url, err.msg);
}

void test_register_as(struct test_store *t, const char *host, const char *role)
{
    ork_err err;
    if (ork_store_register(t->store, host, role, &t->me, &t->seq, &err))
        fail_msg("register: %s", err.msg);
}

void test_register(struct test_store *t)
{
    test_register_as(t, "testhost", NULL);
}

static void on_closed(void *data)
{
    *(bool *)data = true;
}

void test_close(struct test_store *t)
{
    bool closed = false;
    if (!t->read)
        folder_compare(t);
    ork_store_close(t->store, on_closed, &closed);
    while (!closed)
        uv_run(&t->loop, UV_RUN_ONCE);
    assert_int_equal(uv_loop_close(&t->loop), 0);
}

void test_until_it_listens(struct test_store *t, int *heard)
{
    while (test_backend == TEST_POSTGRES && !*heard)
        uv_run(&t->loop, UV_RUN_ONCE);
    *heard = 0;
}

struct applied {
    bool done;
    int code;
    ork_err *err;
    size_t bad;
};

static void on_applied(void *data, int code, const ork_err *err, size_t bad)
{
    struct applied *a = data;
    assert_false(a->done);
    a->done = true;
    a->code = code;
    a->bad = bad;
    if (code) {
        assert_non_null(err);
        assert_int_equal(err->code, code);
        assert_true(err->msg[0] != '\0');
        if (a->err)
            *a->err = *err;
    }
}

int test_apply(struct test_store *t, struct ork_batch *b, size_t *bad, ork_err *err)
{
    struct applied a = {false, 0, err, 0};
    ork_store_apply(t->store, b, on_applied, &a);
    assert_false(a.done); /* never from inside the call */
    while (!a.done)
        uv_run(&t->loop, UV_RUN_ONCE);
    if (bad)
        *bad = a.bad;
    ork_batch_clear(b);
    return a.code;
}

void test_apply_ok(struct test_store *t, struct ork_batch *b)
{
    ork_err err;
    if (test_apply(t, b, NULL, &err))
        fail_msg("apply: %s", err.msg);
}

struct ork_rows *test_query(struct test_store *t, enum ork_query q, const struct ork_param *params, size_t n)
{
    struct ork_rows *rows;
    ork_err err;
    if (ork_store_query(t->store, q, params, n, &rows, &err))
        fail_msg("query %d: %s", (int)q, err.msg);
    return rows;
}

static bool is_postgres(const char *place)
{
    return strncmp(place, "postgres:", 9) == 0;
}

static bool is_folder(const char *place)
{
    return strncmp(place, "file:", 5) == 0;
}

static sqlite3 *own_connection(const char *path)
{
    sqlite3 *db;
    path += strncmp(path, "sqlite:", 7) == 0 ? 7 : 0;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    return db;
}

int64_t test_count(const char *path, const char *sql)
{
    if (is_postgres(path))
        return cluster_count(path, sql);
    if (is_folder(path))
        return folder_count(path, sql);
    sqlite3 *db = own_connection(path);
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(st);
    int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    return n;
}

void test_exec(const char *path, const char *sql)
{
    if (is_postgres(path)) {
        cluster_exec(path, sql);
        return;
    }
    if (is_folder(path)) {
        folder_exec(path, sql);
        return;
    }
    sqlite3 *db = own_connection(path);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

ork_workflow *test_workflow(const char *name, uint32_t tasks)
{
    ork_workflow *w;
    ork_err err;
    assert_int_equal(ork_workflow_new(name, &w, &err), 0);
    for (uint32_t i = 0; i < tasks; i++) {
        char task[32];
        struct ork_task_spec spec;
        memset(&spec, 0, sizeof spec);
        (void)snprintf(task, sizeof task, "t%u", i);
        spec.name = task;
        spec.name_len = strlen(task);
        spec.params = "{\"command\":[\"true\"]}";
        spec.params_len = strlen(spec.params);
        spec.pool_slots = 1;
        spec.max_lost = 3;
        spec.retry.delay_ms = -1;
        spec.retry.factor = 1;
        spec.line = i + 1;
        uint32_t no;
        if (ork_workflow_add(w, &spec, &no, &err))
            fail_msg("task: %s", err.msg);
        if (i)
            ork_workflow_depend(w, no, no - 1);
    }
    assert_int_equal(ork_workflow_seal(w, NULL, NULL), 0);
    return w;
}

ork_id test_id(void)
{
    static struct ork_idgen ids;
    if (!ids.clock)
        ork_idgen_init(&ids, &ork_clock_system);
    return ork_id_new(&ids);
}

void test_new_run(struct ork_new_run *c, const ork_workflow *w)
{
    memset(c, 0, sizeof *c);
    c->id = test_id();
    c->workflow = w;
    c->hash = TEXT("0000");
    c->tasks_json = TEXT("[]");
    c->options_json = TEXT("{\"description\":\"a test\",\"max_parallel\":4}");
    c->source_json = TEXT("{\"main\":\"t.lua\"}");
    c->workflow_id = test_id();
    c->snapshot_id = test_id();
    c->params = TEXT("{\"day\":\"2026-01-01\"}");
    c->triggered_by = TEXT("manual");
    c->script_dir = TEXT("/scripts");
    c->script_path = TEXT("/scripts/t.lua");
    c->now_ms = c->logical_ms = 1767225600000;
    c->tasks_total = ork_workflow_len(w);
}

void test_make_run(struct test_store *t, const ork_workflow *w, struct ork_new_run *c)
{
    struct ork_batch b = {0};
    test_new_run(c, w);
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = c;
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_TASKS);
    u->tasks.run_id = c->id;
    u->tasks.workflow = w;
    u->tasks.count = c->tasks_total;
    u->tasks.now_ms = c->now_ms;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static int run_group(const char *name, const char *where, const struct CMUnitTest *tests, size_t n)
{
    char title[128];
    (void)snprintf(title, sizeof title, "%s %s", name, where);
    return _cmocka_run_group_tests(title, tests, n, NULL, NULL);
}

static void skipped(void **state)
{
    (void)state;
    print_message("skipped: %s\n", cluster_missing());
    skip();
}

int test_on_postgres(const char *name, const struct CMUnitTest *tests, size_t n)
{
    static const struct CMUnitTest none[] = {cmocka_unit_test(skipped)};
    enum test_backend before = test_backend;
    if (cluster_missing())
        return run_group(name, "on PostgreSQL", none, 1);
    test_backend = TEST_POSTGRES;
    int failed = run_group(name, "on PostgreSQL", tests, n);
    test_backend = before;
    return failed;
}

int test_on_all(const char *name, const struct CMUnitTest *tests, size_t n)
{
    test_backend = TEST_FILE;
    int failed = run_group(name, "on a file", tests, n);
    test_backend = TEST_MEMORY;
    failed += run_group(name, "in memory", tests, n);
    test_backend = TEST_FOLDER;
    failed += run_group(name, "in a folder", tests, n);
    test_backend = TEST_FILE;
    return failed + test_on_postgres(name, tests, n);
}
