/* SPDX-License-Identifier: MIT */
/* Versions: numbered once, made current, gone back to, taken away; two who apply at once. */
#include "store/lib_child.h"
#include "store/lib_world.h"
#include <stdio.h>

static struct ork_apply_item definition(const char *name, const char *hash)
{
    return (struct ork_apply_item){
        .what = ORK_APPLY_PUT,
        .name = name,
        .workflow_id = test_id(),
        .snapshot_id = test_id(),
        .hash = TEXT(hash),
        .tasks_json = TEXT("[]"),
        .options_json =
            TEXT("{\"description\":\"d\",\"max_parallel\":3,\"schedule\":{\"cron\":\"0 2 * * *\",\"jitter_ms\":5000}}"),
        .source_json = TEXT("{\"main\":\"e.lua\"}"),
        .script_dir = TEXT("/s"),
        .script_path = TEXT("/s/e.lua"),
        .tasks = 2,
    };
}

static void apply_all(struct test_store *t, struct ork_apply_item *items, size_t n)
{
    struct ork_batch b = {0};
    struct ork_apply a = {.items = items, .n = n, .by = TEXT("test"), .now_ms = 1767225600000};
    ork_batch_add(&b, ORK_UNIT_APPLY)->apply = &a;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void put(struct test_store *t, const char *name, const char *hash, uint32_t was, uint32_t is)
{
    struct ork_apply_item it = definition(name, hash);
    apply_all(t, &it, 1);
    assert_false(it.missing);
    assert_int_equal(it.was, was);
    assert_int_equal(it.is, is);
}

static struct ork_apply_item change(struct test_store *t, int what, const char *name, uint32_t version)
{
    struct ork_apply_item it = {.what = what, .name = name, .version = version};
    apply_all(t, &it, 1);
    return it;
}

static void assert_current(struct test_store *t, const char *name, const char *hash)
{
    struct ork_rows *r = test_query(t, ORK_Q_version_open, (struct ork_param[]){ORK_P_TEXT(name), ORK_P_INT(0)}, 2);
    assert_int_equal(ork_rows_len(r), hash ? 1 : 0);
    if (hash)
        assert_string_equal(ork_rows_text(r, 0, "hash"), hash);
    ork_rows_free(r);
}

static void test_numbers(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    put(&x.t, "w", "aa", 0, 1);
    put(&x.t, "w", "aa", 1, 1);
    put(&x.t, "w", "bb", 1, 2);
    put(&x.t, "other", "aa", 0, 1);
    put(&x.t, "w", "cc", 2, 3);
    assert_current(&x.t, "w", "cc");
    put(&x.t, "w", "aa", 3, 1); /* the content of version 1 is version 1 */
    assert_current(&x.t, "w", "aa");
    put(&x.t, "w", "dd", 1, 4);
    struct ork_rows *r = test_query(&x.t, ORK_Q_versions_list, (struct ork_param[]){ORK_P_TEXT("w")}, 1);
    assert_int_equal(ork_rows_len(r), 4);
    assert_int_equal(ork_rows_int(r, 0, "version", 0), 4);
    assert_int_equal(ork_rows_int(r, 0, "current", 0), 1);
    assert_int_equal(ork_rows_int(r, 3, "current", 1), 0);
    assert_int_equal(ork_rows_int(r, 3, "runs", -1), 0);
    assert_int_equal(ork_rows_int(r, 3, "tasks", -1), 2);
    assert_string_equal(ork_rows_text(r, 3, "script_path"), "/s/e.lua");
    assert_string_equal(ork_rows_text(r, 3, "by"), "test");
    ork_rows_free(r);
    world_close(&x);
}

static void test_back_and_away(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    put(&x.t, "w", "aa", 0, 1);
    put(&x.t, "w", "bb", 1, 2);
    struct ork_apply_item it = change(&x.t, ORK_APPLY_BACK, "w", 1);
    assert_true(!it.missing && it.was == 2 && it.is == 1);
    assert_current(&x.t, "w", "aa");
    it = change(&x.t, ORK_APPLY_BACK, "w", 1);
    assert_true(!it.missing && it.was == 1 && it.is == 1);
    it = change(&x.t, ORK_APPLY_BACK, "w", 3);
    assert_true(it.missing && it.is == 1);
    it = change(&x.t, ORK_APPLY_BACK, "none", 1);
    assert_true(it.missing && it.is == 0);
    it = change(&x.t, ORK_APPLY_REMOVE, "w", 2); /* somebody made another one current meanwhile */
    assert_true(it.missing && it.is == 1);
    it = change(&x.t, ORK_APPLY_REMOVE, "w", 1);
    assert_true(!it.missing && it.was == 1 && it.is == 0);
    assert_current(&x.t, "w", NULL);
    it = change(&x.t, ORK_APPLY_BACK, "w", 2);
    assert_true(!it.missing && it.was == 0 && it.is == 2);
    assert_current(&x.t, "w", "bb");
    world_close(&x);
}

/* The workflow "etl" of the run is known, not applied; applying it finds its row and its snapshot. */
static void test_known_by_a_run(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    assert_current(&x.t, "etl", NULL);
    put(&x.t, "etl", "0000", 0, 1);
    struct ork_rows *r = test_query(&x.t, ORK_Q_versions_list, (struct ork_param[]){ORK_P_TEXT("etl")}, 1);
    assert_int_equal(ork_rows_int(r, 0, "runs", 0), 1);
    ork_rows_free(r);
    put(&x.t, "etl", "1111", 1, 2);
    r = test_query(&x.t, ORK_Q_workflows_list,
                   (struct ork_param[]){ORK_P_TEXT("etl"), ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(9)}, 4);
    assert_int_equal(ork_rows_int(r, 0, "runs", 0), 1);
    assert_int_equal(ork_rows_int(r, 0, "unfinished", 0), 1);
    assert_string_equal(ork_rows_text(r, 0, "schedule"), "0 2 * * *");
    assert_string_equal(ork_rows_text(r, 0, "last_status"), "pending");
    ork_rows_free(r);
    world_close(&x);
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    struct world x;
    ork_err err;
    world_open(&x, 1);
    struct ork_apply_item items[] = {definition("one", "aa"), definition("two", "bb")};
    items[1].options_json = TEXT("{\"description\":\"\xff\"}");
    struct ork_apply a = {.items = items, .n = 2, .by = TEXT("test"), .now_ms = 1};
    ork_batch_add(&x.b, ORK_UNIT_APPLY)->apply = &a;
    assert_int_equal(test_apply(&x.t, &x.b, NULL, &err), ORK_EDATA);
    assert_current(&x.t, "one", NULL);
    struct ork_rows *r = test_query(&x.t, ORK_Q_workflows_list,
                                    (struct ork_param[]){ORK_P_TEXT("one"), ORK_P_INT(0), ORK_P_NULL, ORK_P_INT(9)}, 4);
    assert_int_equal(ork_rows_len(r), 0);
    ork_rows_free(r);
    world_close(&x);
}

/* ---- the original's table of tasks ---- */

static int64_t tasks_where(const char *url, const char *condition)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM workflow_tasks WHERE %s", condition);
    return test_count(url, sql);
}

static void test_tasks(void **state)
{
    (void)state;
    struct test_store t;
    char *url = test_url("tasks.db");
    test_open(&t, url);
    struct ork_apply_item it = definition("w", "aa");
    it.tasks_json =
        TEXT("[{\"depends_on\":[],\"executor_type\":\"python\",\"params\":{\"n\":1},\"signature\":{\"inputs\":{\"day\":"
             "\"date\"},\"output_type\":\"int\"},\"task_index\":0,\"task_name\":\"a\"},{\"depends_on\":[\"a\"],"
             "\"executor_type\":\"process\",\"params\":{},\"task_index\":1,\"task_name\":\"b\"}]");
    apply_all(&t, &it, 1);
    assert_int_equal(tasks_where(url, "task_index = 0 AND task_name = 'a' AND executor_type = 'python'"), 1);
    assert_int_equal(tasks_where(url, "task_name = 'a' AND CAST(signature AS text) LIKE '%\"day\"%date%int%'"), 1);
    assert_int_equal(tasks_where(url, "task_name = 'a' AND CAST(params AS text) LIKE '%\"n\"%1%'"), 1);
    assert_int_equal(tasks_where(url, "task_name = 'b' AND signature IS NULL AND CAST(depends_on AS text) LIKE '%a%'"),
                     1);
    assert_int_equal(test_count(url, "SELECT count(DISTINCT id) FROM workflow_tasks WHERE created_at IS NOT NULL"), 2);
    test_exec(url, "UPDATE workflow_tasks SET executor_type = 'kept'");
    it.workflow_id = test_id();
    apply_all(&t, &it, 1); /* the same: nothing is written anew */
    assert_int_equal(tasks_where(url, "executor_type = 'kept'"), 2);
    put(&t, "w", "bb", 1, 2); /* which has no tasks */
    assert_int_equal(tasks_where(url, "task_name IS NOT NULL"), 0);
    (void)change(&t, ORK_APPLY_BACK, "w", 1);
    assert_int_equal(tasks_where(url, "executor_type = 'python'"), 1);
    test_exec(url, "DELETE FROM workflow_tasks"); /* applied by a program that wrote none */
    apply_all(&t, &it, 1);
    assert_int_equal(tasks_where(url, "task_name IS NOT NULL"), 2);
    test_close(&t);
    ork_free(url);
}

/* ---- at once ---- */

#define ROUNDS 40

static void apply_many(struct test_store *t, char who)
{
    char hash[16];
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(hash, sizeof hash, "%c%d", i % 2 ? who : 's', i); /* every second one is of both */
        struct ork_apply_item it = definition("w", hash);
        apply_all(t, &it, 1);
        assert_true(it.is > 0);
    }
}

static void other(int from, int to, void *data)
{
    struct test_store t;
    (void)from;
    test_open(&t, data);
    child_tell(to, 'r');
    assert_int_equal(child_wait(from), 'g');
    apply_many(&t, 'o');
    test_close(&t);
}

static void test_two_at_once(void **state)
{
    (void)state;
    struct test_store t;
    char *url = test_url("two.db");
    test_open(&t, url);
    test_close(&t);
    struct child c = child_start(other, url);
    test_open(&t, url);
    assert_int_equal(child_wait(c.from), 'r');
    child_tell(c.to, 'g');
    apply_many(&t, 'm');
    assert_int_equal(child_end(&c), 0);
    test_close(&t);
    /* 20 contents of both, 20 of each alone, numbered without a gap or a double */
    assert_int_equal(test_count(url, "SELECT count(*) FROM workflow_versions"), ROUNDS / 2 * 3);
    assert_int_equal(test_count(url, "SELECT max(version) FROM workflow_versions"), ROUNDS / 2 * 3);
    assert_int_equal(test_count(url, "SELECT count(DISTINCT version) FROM workflow_versions"), ROUNDS / 2 * 3);
    assert_int_equal(test_count(url, "SELECT count(*) FROM workflows"), 1);
    ork_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_back_and_away),
        cmocka_unit_test(test_known_by_a_run),
        cmocka_unit_test(test_all_or_nothing),
    };
    const struct CMUnitTest shared[] = {cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_tasks)};
    world_place = "apply";
    int failed = TEST_ON_ALL("apply", tests);
    failed += cmocka_run_group_tests_name("apply, two programs", shared, NULL, NULL);
    return failed + TEST_ON_POSTGRES("apply, two programs", shared);
}
