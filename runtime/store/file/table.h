/* SPDX-License-Identifier: MIT */
/* The tables as the database has them now, and their rows as JSON. */
#ifndef ORK_STORE_FILE_TABLE_H
#define ORK_STORE_FILE_TABLE_H
#include "base/json.h"
#include "store/sqlite/conn.h"

struct ork_column {
    char *name;  /* owned */
    bool blob;   /* declared so: an id */
    bool key;    /* of the primary key */
    bool unique; /* of another unique index: two rows may change places in one batch */
};
struct ork_table {
    char *name; /* owned */
    struct ork_column *cols;
    size_t n;
    sqlite3_stmt *insert, *get, *drop, *update; /* made when first needed; update: as the last one was */
};
struct ork_tables {
    struct ork_table *items; /* owned */
    size_t n, cap;
};
int ork_tables_load(struct ork_tables *t, struct ork_conn *c, ork_err *err) ORK_MUSTCHECK;
void ork_tables_fini(struct ork_tables *t);
struct ork_table *ork_tables_find(struct ork_tables *t, const char *name); /* NULL: none */

/* `"name":value`. An id is its text, other bytes {"blob":"hex"}; texts are texts, those that are none of UTF-8
 * {"text":"hex"}. */
int ork_cell_write(struct ork_buf *out, const struct ork_column *col, sqlite3_value *v, ork_err *err) ORK_MUSTCHECK;
int ork_cell_bind(sqlite3_stmt *st, int at, const struct ork_column *col, const json_t *v, ork_err *err) ORK_MUSTCHECK;

/* Statements of a table, kept. insert: all columns in order; get: all columns by key; drop: by key. */
sqlite3_stmt *ork_table_insert(struct ork_table *t, struct ork_conn *c, ork_err *err);
sqlite3_stmt *ork_table_get(struct ork_table *t, struct ork_conn *c, ork_err *err);
sqlite3_stmt *ork_table_drop(struct ork_table *t, struct ork_conn *c, ork_err *err);
#endif
