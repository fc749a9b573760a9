/* SPDX-License-Identifier: MIT */
/* Values at their limits, and documents. */
#include "store/lib_world.h"
#include <stdio.h>

struct reading {
    bool done;
    struct ork_rows *rows;
    int code;
};

static void on_read(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    struct reading *r = data;
    assert_false(r->done);
    assert_true(!code == !err);
    r->done = true;
    r->rows = rows;
    r->code = code;
}

static void test_read_in_the_background(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    struct reading a = {0}, b = {0};
    char name[] = "t0";
    struct ork_param p[] = {ORK_P_ID(&x.run.run_id), ORK_P_TEXT(name)};
    ork_store_read(x.t.store, ORK_Q_task_get, p, 2, on_read, &a);
    ork_store_read(x.t.store, ORK_Q_task_get, p, 1, on_read, &b); /* a parameter is missing */
    assert_false(a.done || b.done);
    memset(name, 'x', 2); /* parameters were copied */
    while (!a.done || !b.done)
        uv_run(&x.t.loop, UV_RUN_ONCE);
    assert_int_equal(a.code, 0);
    assert_int_equal(ork_rows_len(a.rows), 1);
    assert_string_equal(ork_rows_text(a.rows, 0, "task_name"), "t0");
    ork_rows_free(a.rows);
    assert_int_equal(b.code, ORK_EINVAL);
    assert_null(b.rows);
    struct reading c = {0}; /* closing waits for it */
    ork_store_read(x.t.store, ORK_Q_run_last, NULL, 0, on_read, &c);
    world_close(&x);
    assert_true(c.done);
    ork_rows_free(c.rows);
}

static void test_big_texts(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 1);
    size_t n = 1u << 20;
    char *big = ork_alloc(n);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)('a' + i % 26);
    big[0] = big[n - 1] = '"'; /* as JSON it is a string */
    struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK);
    u->task = (struct ork_task_put){.id = world_task(&x, 0),
                                    .status = ORK_TASK_FAILED,
                                    .error = {big, n},
                                    .output = {big, n},
                                    .logs = {big, n},
                                    .set_output = true,
                                    .set_logs = true};
    u = ork_batch_add(&x.b, ORK_UNIT_EVENT);
    u->event = (struct ork_event_put){x.run.run_id, 1767225600000, {big, n}};
    test_apply_ok(&x.t, &x.b);
    struct ork_rows *r =
        test_query(&x.t, ORK_Q_task_get, (struct ork_param[]){ORK_P_ID(&x.run.run_id), ORK_P_TEXT("t0")}, 2);
    static const char *const cols[] = {"error", "output", "logs"};
    for (size_t i = 0; i < 3; i++) {
        const struct ork_cell *c = ork_rows_get(r, 0, cols[i]);
        assert_int_equal(c->n, n);
        assert_memory_equal(c->p, big, n);
        assert_int_equal(c->p[n], '\0');
    }
    ork_rows_free(r);
    ork_free(big);
    world_close(&x);
}

/* Each text of each unit, poisoned in turn: only EDATA, the culprit is named, nothing is stored. */
static void test_poison(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 2);
    static const struct ork_text poisons[] = {{"a\0b", 3}, {"\xff", 1}, {"\xed\xa0\x80", 3}};
    for (size_t p = 0; p < 3; p++) {
        for (int which = 0; which < 10; which++) {
            struct ork_unit *u = ork_batch_add(&x.b, ORK_UNIT_TASK); /* an innocent neighbour */
            u->task.id = world_task(&x, 0);
            u->task.status = ORK_TASK_SUCCESS;
            struct ork_text bad = poisons[p];
            struct ork_new_run c;
            test_new_run(&c, x.w);
            int type = which < 4   ? ORK_UNIT_TASK
                       : which < 6 ? ORK_UNIT_ATTEMPT
                       : which < 7 ? ORK_UNIT_EVENT
                       : which < 8 ? ORK_UNIT_RUN
                       : which < 9 ? ORK_UNIT_COMMAND
                                   : ORK_UNIT_CREATE_RUN;
            u = ork_batch_add(&x.b, type);
            if (type == ORK_UNIT_TASK)
                u->task = (struct ork_task_put){.id = world_task(&x, 1),
                                                .status = ORK_TASK_FAILED,
                                                .error = which == 0 ? bad : TEXT("x"),
                                                .output = which == 1 ? bad : TEXT("1"),
                                                .logs = which == 2 ? bad : TEXT("l"),
                                                .execution_name = which == 3 ? bad : TEXT("1"),
                                                .set_output = true,
                                                .set_logs = true};
            else if (type == ORK_UNIT_ATTEMPT)
                u->attempt = (struct ork_attempt_put){.task_id = world_task(&x, 1),
                                                      .attempt = 1,
                                                      .status = ORK_TASK_FAILED,
                                                      .error = which == 4 ? bad : TEXT("x"),
                                                      .log_path = which == 5 ? bad : TEXT("/l")};
            else if (type == ORK_UNIT_EVENT)
                u->event = (struct ork_event_put){x.run.run_id, 1, bad};
            else if (type == ORK_UNIT_RUN)
                u->run = (struct ork_run_put){.id = x.run.run_id, .status = ORK_RUN_FAILED, .error = bad};
            else if (type == ORK_UNIT_COMMAND)
                u->command = (struct ork_command_new){
                    .id = test_id(), .run_id = x.run.run_id, .kind = "cancel", .args = bad, .now_ms = 1};
            else {
                c.params = bad;
                u->create = &c;
            }
            size_t culprit;
            ork_err err;
            assert_int_equal(test_apply(&x.t, &x.b, &culprit, &err), ORK_EDATA);
            assert_int_equal(culprit, 1);
            struct ork_rows *r = world_tasks(&x, "success", 9);
            assert_int_equal(ork_rows_len(r), 0);
            ork_rows_free(r);
        }
    }
    world_close(&x);
}

static void test_documents(void **state)
{
    (void)state;
    struct world x;
    world_open(&x, 2);
    struct ork_buf b = ORK_BUF_INIT;
    ork_err err;
    assert_int_equal(ork_store_status_json(x.t.store, &b, &err), 0);
    json_t *doc;
    int64_t schema = test_backend == TEST_POSTGRES ? test_count(x.url, "SELECT max(version) FROM ork_migrations")
                                                   : ork_store_schema();
    assert_int_equal(ork_json_parse(b.data, b.len, &doc, &err), 0);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "counts"), "tasks")), 2);
    assert_int_equal(json_integer_value(json_object_get(doc, "version")), schema);
    assert_int_equal(json_array_size(json_object_get(doc, "migrations")), (size_t)schema);
    assert_int_equal(json_array_size(json_object_get(doc, "pending")), 0);
    json_decref(doc);
    ork_buf_clear(&b);
    assert_int_equal(ork_store_check_json(x.t.store, &b, &err), 0);
    assert_string_equal(b.data, "{\"ok\":true,\"problems\":[],\"notes\":[]}");
    ork_buf_clear(&b);
    world_put_run(&x, &x.run.run_id, ORK_RUN_SUCCESS, true); /* its tasks are pending */
    assert_int_equal(ork_store_check_json(x.t.store, &b, &err), 0);
    assert_int_equal(ork_json_parse(b.data, b.len, &doc, &err), 0);
    assert_true(json_is_false(json_object_get(doc, "ok")));
    json_t *problem = json_array_get(json_object_get(doc, "problems"), 0);
    assert_non_null(
        strstr(json_string_value(json_object_get(problem, "text")), "is success but 2 of its tasks are not finished"));
    assert_non_null(json_string_value(json_object_get(problem, "repair")));
    json_decref(doc);
    ork_buf_fini(&b);
    world_close(&x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_read_in_the_background),
    cmocka_unit_test(test_big_texts),
    cmocka_unit_test(test_poison),
    cmocka_unit_test(test_documents),
};

WORLD_MAIN("values")
