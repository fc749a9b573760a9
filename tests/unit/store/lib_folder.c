/* SPDX-License-Identifier: MIT */
#include "store/lib_folder.h"
#include "store/file/file.h"

int64_t folder_count(const char *url, const char *sql)
{
    struct test_store t;
    int64_t n = -1;
    ork_err err;
    if (test_try_open(&t, url, ORK_OPEN_READ, &err))
        fail_msg("%s: %s", url, err.msg);
    if (ork_conn_int(&ork_sqlite_of(t.store)->writer, sql, &n, &err))
        fail_msg("%s: %s", sql, err.msg);
    test_close(&t);
    return n;
}

void folder_exec(const char *url, const char *sql)
{
    struct test_store t;
    ork_err err;
    if (test_try_open(&t, url, 0, &err))
        fail_msg("%s: %s", url, err.msg);
    struct ork_sqlite *s = ork_sqlite_of(t.store);
    if (ork_sqlite_begin(s, &err) || ork_conn_exec(&s->writer, sql, &err) || ork_sqlite_seal(s, &err))
        fail_msg("%s: %s", sql, err.msg);
    test_close(&t);
}

static void dump_table(struct ork_buf *out, struct ork_conn *c, const struct ork_table *t)
{
    struct ork_buf sql = ORK_BUF_INIT;
    sqlite3_stmt *st;
    ork_buf_addf(&sql, "SELECT * FROM \"%s\" ORDER BY 1, 2", t->name);
    assert_int_equal(sqlite3_prepare_v2(c->db, sql.data, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        ork_buf_addf(out, "%s ", t->name);
        for (size_t i = 0; i < t->n; i++) {
            ork_buf_addf(out, "%d ", sqlite3_column_type(st, (int)i));
            assert_int_equal(ork_cell_write(out, &t->cols[i], sqlite3_column_value(st, (int)i), NULL), 0);
            ork_buf_addc(out, ' ');
        }
        ork_buf_addc(out, '\n');
    }
    (void)sqlite3_finalize(st);
    ork_buf_fini(&sql);
}

static char *dump(ork_store *store)
{
    struct ork_file *f = ork_file_of(ork_sqlite_of(store));
    struct ork_buf out = ORK_BUF_INIT;
    struct ork_table sequence = {.name = "sqlite_sequence", .n = 2};
    struct ork_column columns[] = {{.name = "name"}, {.name = "seq"}};
    sequence.cols = columns;
    assert_true(f->tables.n > 10);
    for (size_t i = 0; i < f->tables.n; i++)
        dump_table(&out, &f->db.writer, &f->tables.items[i]);
    dump_table(&out, &f->db.writer, &sequence);
    return ork_buf_steal(&out, NULL);
}

void folder_compare(struct test_store *t)
{
    const char *path = ork_store_path(t->store);
    size_t n = path ? strlen(path) : 0;
    struct ork_buf url = ORK_BUF_INIT;
    struct test_store reader;
    ork_err err;
    if (n < 4 || strcmp(path + n - 4, "/log") != 0)
        return;
    ork_buf_addf(&url, "file:%.*s", (int)(n - 4), path);
    if (test_try_open(&reader, url.data, ORK_OPEN_READ, &err))
        fail_msg("%s: %s", url.data, err.msg);
    char *is = dump(t->store), *told = dump(reader.store);
    assert_string_equal(told, is);
    ork_free(is);
    ork_free(told);
    test_close(&reader);
    ork_buf_fini(&url);
}
