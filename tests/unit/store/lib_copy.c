/* SPDX-License-Identifier: MIT */
#include "store/lib_copy.h"
#include <stdio.h>

#define UNUSUAL "it's \"quoted\" \\ \x01 tab\there\nñ 👩‍🚀 {}<i>%s"
static const char *const json[] = {
    "{\"z\": 1e20, \"a\":[1.0,-0.0,null,\"👩‍🚀 \\\"\\\\\\n\"],\n\"b\":{\"é\":true, \"\":0.1}}",
    "[]",
    "{\"long\":9223372036854775807,\"tiny\":5e-324}",
    "null",
    "\"a text\"",
    "-3.5",
};
static const char *const lists[] = {"[\"a\", \"b \\\"q\\\" 👩‍🚀\", \"\"]", "[]", "[\"x\"]"};
static const char *const times[] = {"2026-11-01T02:00:00.123Z", "2026-11-01 02:00:00",
                                    "2026-11-01T02:00:00.123456+00:00"};

struct filling {
    sqlite3 *db;
    const struct ork_store_table *table;
    char *big; /* owned */
    size_t large;
};

/* The same for a row and whoever refers to it. */
static void bind_id(sqlite3_stmt *st, int at, const char *column, const char *table, int i)
{
    static const char *const parents[][2] = {{"run_id", "runs"},
                                             {"workflow_id", "workflows"},
                                             {"snapshot_id", "workflow_snapshots"},
                                             {"current_snapshot_id", "workflow_snapshots"},
                                             {"task_id", "tasks"}};
    uint8_t id[16];
    const char *of = strcmp(column, "id") == 0 ? table : column;
    for (size_t p = 0; p < sizeof parents / sizeof *parents; p++)
        if (strcmp(parents[p][0], column) == 0)
            of = parents[p][1];
    memset(id, 0, sizeof id);
    for (size_t k = 0; k < strlen(of); k++)
        id[k % 12] = (uint8_t)(id[k % 12] * 7 + of[k]);
    id[6] = (uint8_t)((id[6] & 15) | 0x70);
    id[14] = (uint8_t)(i >> 8);
    id[15] = (uint8_t)i;
    assert_int_equal(sqlite3_bind_blob(st, at, id, sizeof id, SQLITE_TRANSIENT), SQLITE_OK);
}

static bool may_be_large(const char *column)
{
    return strcmp(column, "error") == 0 || strcmp(column, "logs") == 0 || strcmp(column, "output") == 0 ||
           strcmp(column, "outcome") == 0;
}

static void bind_text(struct filling *f, sqlite3_stmt *st, int at, const char *column, int i)
{
    struct ork_buf b = ORK_BUF_INIT;
    if (strcmp(column, "status") == 0)
        ork_buf_adds(&b, "failed");
    else if (i == 2 && may_be_large(column))
        ork_buf_add(&b, f->big, f->large);
    else if (i == 0)
        ork_buf_addf(&b, UNUSUAL, column);
    else
        ork_buf_addf(&b, "%s %d", column, i);
    assert_int_equal(sqlite3_bind_text(st, at, b.data, (int)b.len, SQLITE_TRANSIENT), SQLITE_OK);
    ork_buf_fini(&b);
}

static void bind_json(struct filling *f, sqlite3_stmt *st, int at, const char *column, int i)
{
    struct ork_buf b = ORK_BUF_INIT;
    if (i == 2 && may_be_large(column)) {
        ork_buf_adds(&b, "{\"big\":\"");
        ork_buf_add(&b, f->big, f->large);
        ork_buf_adds(&b, "\"}");
    } else {
        ork_buf_adds(&b, json[(size_t)i % (sizeof json / sizeof *json)]);
    }
    assert_int_equal(sqlite3_bind_text(st, at, b.data, (int)b.len, SQLITE_TRANSIENT), SQLITE_OK);
    ork_buf_fini(&b);
}

static void bind_value(struct filling *f, sqlite3_stmt *st, int at, const struct ork_store_column *col, int i)
{
    switch (col->kind) {
    case ORK_COLUMN_ID:
        bind_id(st, at, col->name, f->table->name, i);
        break;
    case ORK_COLUMN_TIME: /* some must differ between rows */
        (void)sqlite3_bind_text(st, at, strcmp(col->name, "scheduled_for") == 0 && i > 2 ? NULL : times[i % 3], -1,
                                NULL);
        break;
    case ORK_COLUMN_JSON:
        bind_json(f, st, at, col->name, i);
        break;
    case ORK_COLUMN_LIST:
        (void)sqlite3_bind_text(st, at, lists[i % 3], -1, NULL);
        break;
    case ORK_COLUMN_BOOL:
        (void)sqlite3_bind_int(st, at, i % 2 == 0);
        break;
    case ORK_COLUMN_INT:
        (void)sqlite3_bind_int64(st, at, i == 0 ? INT32_MAX : i);
        break;
    case ORK_COLUMN_REAL:
        (void)sqlite3_bind_double(st, at, 0.1 + i);
        break;
    default:
        bind_text(f, st, at, col->name, i);
    }
}

/* Row 1 is NULL where the schema allows it. */
static void insert_row(struct filling *f, const bool *notnull, int i)
{
    struct ork_buf sql = ORK_BUF_INIT;
    const struct ork_store_table *t = f->table;
    sqlite3_stmt *st;
    ork_buf_addf(&sql, "INSERT INTO %s (", t->name);
    for (size_t c = 0; c < t->n; c++)
        ork_buf_addf(&sql, "%s\"%s\"", c ? ", " : "", t->cols[c].name);
    for (size_t c = 0; c < t->n; c++)
        ork_buf_adds(&sql, c ? ", ?" : ") VALUES (?");
    ork_buf_adds(&sql, ")");
    if (sqlite3_prepare_v2(f->db, sql.data, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql.data, sqlite3_errmsg(f->db));
    for (size_t c = 0; c < t->n; c++)
        if (i != 1 || notnull[c] || c < t->keys)
            bind_value(f, st, (int)c + 1, &t->cols[c], i);
    if (sqlite3_step(st) != SQLITE_DONE)
        fail_msg("%s, row %d: %s", sql.data, i, sqlite3_errmsg(f->db));
    (void)sqlite3_finalize(st);
    ork_buf_fini(&sql);
}

static void find_notnull(struct filling *f, bool *notnull)
{
    sqlite3_stmt *st;
    assert_int_equal(
        sqlite3_prepare_v2(f->db, "SELECT \"notnull\" FROM pragma_table_info(?1) WHERE name = ?2", -1, &st, NULL),
        SQLITE_OK);
    for (size_t c = 0; c < f->table->n; c++) {
        (void)sqlite3_bind_text(st, 1, f->table->name, -1, NULL);
        (void)sqlite3_bind_text(st, 2, f->table->cols[c].name, -1, NULL);
        notnull[c] = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0);
        (void)sqlite3_reset(st);
    }
    (void)sqlite3_finalize(st);
}

void copy_fill(const char *path, int n, size_t large)
{
    static const char piece[] = "é🚀 ";
    struct filling f = {.large = large - large % (sizeof piece - 1)};
    f.big = ork_alloc(f.large + 1);
    for (size_t i = 0; i < f.large; i++)
        f.big[i] = piece[i % (sizeof piece - 1)];
    assert_int_equal(sqlite3_open(path, &f.db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(f.db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < ork_store_tables_len; i++) {
        bool notnull[64];
        f.table = &ork_store_tables[i];
        find_notnull(&f, notnull);
        for (int r = 0; !f.table->leave && r < n; r++)
            insert_row(&f, notnull, r);
    }
    assert_int_equal(sqlite3_exec(f.db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(f.db), SQLITE_OK);
    ork_free(f.big);
}

int copy_try(struct copy_pair *p, const char *from, const char *to, ork_err *err)
{
    memset(p, 0, sizeof *p);
    int rc = test_try_open(&p->from, from, ORK_OPEN_AS_IS, err);
    if (rc)
        return rc;
    rc = test_try_open(&p->to, to, ORK_OPEN_CREATE, err);
    if (rc) {
        test_close(&p->from);
        return rc;
    }
    rc = ork_copier_init(&p->copier, p->from.store, p->to.store, "testhost", err);
    if (rc) {
        assert_int_equal(rc, err->code);
        test_close(&p->to);
        test_close(&p->from);
    }
    return rc;
}

void copy_begin(struct copy_pair *p, const char *from, const char *to)
{
    ork_err err;
    if (copy_try(p, from, to, &err))
        fail_msg("copy %s %s: %s", from, to, err.msg);
}

int copy_run(struct copy_pair *p, int steps, ork_err *err)
{
    int rc = 1;
    for (int i = 0; rc == 1 && i != steps; i++) {
        rc = ork_copier_step(&p->copier, err);
        (void)uv_run(&p->from.loop, UV_RUN_NOWAIT);
        (void)uv_run(&p->to.loop, UV_RUN_NOWAIT);
    }
    return rc;
}

void copy_close(struct copy_pair *p)
{
    ork_copier_fini(&p->copier);
    test_close(&p->to);
    test_close(&p->from);
}

void copy_whole(const char *from, const char *to)
{
    struct copy_pair p;
    ork_err err;
    copy_begin(&p, from, to);
    if (copy_run(&p, -1, &err))
        fail_msg("copy %s %s: %s", from, to, err.msg);
    copy_close(&p);
}
