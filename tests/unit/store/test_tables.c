/* SPDX-License-Identifier: MIT */
/* The list of tables against the catalog of a database that the chain of migrations made: whoever adds a table or a
 * column is told here to say how it is copied. */
#include "store/lib_store.h"
#include "store/tables.h"
#include <stdio.h>

static sqlite3 *db;

static int open_schema(void **state)
{
    (void)state;
    struct test_store t;
    char *path = test_path("tables.db"), *url = test_url("tables.db");
    test_open(&t, url);
    test_close(&t);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    ork_free(url);
    ork_free(path);
    return 0;
}

static int close_schema(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static sqlite3_stmt *ask(const char *sql, const char *param)
{
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    if (param)
        assert_int_equal(sqlite3_bind_text(st, 1, param, -1, SQLITE_STATIC), SQLITE_OK);
    return st;
}

static void test_every_table_is_listed(void **state)
{
    (void)state;
    size_t found = 0;
    sqlite3_stmt *st =
        ask("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' "
            "AND name <> 'ork_migrations'",
            NULL);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        if (!ork_store_table_find(name))
            fail_msg("table %s is not in runtime/store/tables.c: say what of it is copied", name);
        found++;
    }
    (void)sqlite3_finalize(st);
    assert_int_equal(found, ork_store_tables_len);
}

static bool fits(enum ork_column_kind kind, const char *type)
{
    switch (kind) {
    case ORK_COLUMN_ID:
        return strcmp(type, "BLOB") == 0;
    case ORK_COLUMN_BOOL:
    case ORK_COLUMN_INT:
        return strcmp(type, "INTEGER") == 0;
    case ORK_COLUMN_REAL:
        return strcmp(type, "REAL") == 0;
    default:
        return strcmp(type, "TEXT") == 0;
    }
}

static const struct ork_store_column *column(const struct ork_store_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->cols[i].name, name) == 0)
            return &t->cols[i];
    fail_msg("column %s.%s is not in runtime/store/tables.c: say of which kind it is", t->name, name);
    return NULL;
}

static void test_every_column_is_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        const struct ork_store_table *t = &ork_store_tables[i];
        sqlite3_stmt *st = ask("SELECT name, type, pk FROM pragma_table_info(?1)", t->name);
        size_t n = 0, keys = 0;
        while (!t->leave && sqlite3_step(st) == SQLITE_ROW) {
            const struct ork_store_column *c = column(t, (const char *)sqlite3_column_text(st, 0));
            int pk = sqlite3_column_int(st, 2);
            if (!fits(c->kind, (const char *)sqlite3_column_text(st, 1)))
                fail_msg("%s.%s is of another kind", t->name, c->name);
            assert_int_equal(pk, c < t->cols + t->keys ? c - t->cols + 1 : 0);
            keys += pk > 0;
            n++;
        }
        (void)sqlite3_finalize(st);
        assert_int_equal(n, t->n);
        assert_int_equal(keys, t->keys);
        assert_true(keys <= ORK_TABLE_KEYS);
    }
}

static void test_parents_come_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        sqlite3_stmt *st = ask("SELECT \"table\" FROM pragma_foreign_key_list(?1)", ork_store_tables[i].name);
        while (sqlite3_step(st) == SQLITE_ROW)
            assert_true(ork_store_table_find((const char *)sqlite3_column_text(st, 0)) < &ork_store_tables[i]);
        (void)sqlite3_finalize(st);
    }
}

static void test_neutral_values(void **state)
{
    (void)state;
    static const struct {
        enum ork_column_kind kind;
        const char *in, *out; /* out NULL: refused */
    } cases[] = {
        {ORK_COLUMN_TIME, "2026-11-01T02:00:00.123Z", "2026-11-01T02:00:00.123Z"},
        {ORK_COLUMN_TIME, "2026-11-01 02:00:00", "2026-11-01T02:00:00.000Z"},
        {ORK_COLUMN_TIME, "2026-11-01T04:00:00.123999+02:00", "2026-11-01T02:00:00.123Z"},
        {ORK_COLUMN_TIME, "yesterday", NULL},
        {ORK_COLUMN_JSON, "{\"b\": 1.50, \"a\": 1E2}", "{\"a\":100.0,\"b\":1.5}"},
        {ORK_COLUMN_JSON, "null", "null"},
        {ORK_COLUMN_JSON, "{", NULL},
        {ORK_COLUMN_LIST, "[ \"a\" ]", "[\"a\"]"},
        {ORK_COLUMN_TEXT, " as it is ", " as it is "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_buf b = ORK_BUF_INIT;
        ork_err err;
        int rc = ork_store_neutral(cases[i].kind, cases[i].in, strlen(cases[i].in), &b, &err);
        assert_int_equal(rc, cases[i].out ? 0 : ORK_EDATA);
        if (cases[i].out)
            assert_string_equal(b.data, cases[i].out);
        ork_buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_table_is_listed),
        cmocka_unit_test(test_every_column_is_listed),
        cmocka_unit_test(test_parents_come_first),
        cmocka_unit_test(test_neutral_values),
    };
    return cmocka_run_group_tests_name("tables", tests, open_schema, close_schema);
}
