/* SPDX-License-Identifier: MIT */
/* Every table of the schema with every column, in one list that no backend owns: what `ork db copy` copies, and how a
 * value reads when no backend's own form shows. A test compares it with the catalogs of both chains of migrations, so a
 * new column cannot be forgotten.
 *
 * Neutral values, as cells of struct ork_rows: NULL; an id as BLOB of 16 bytes; a time as TEXT in milliseconds (RFC
 * 3339); JSON and lists as canonical TEXT; a boolean as INT 0 or 1; the rest as INT, REAL and TEXT. */
#ifndef ORK_STORE_TABLES_H
#define ORK_STORE_TABLES_H
#include "base/buf.h"
#include "store/store.h"

#define ORK_TABLE_KEYS 2 /* columns of a key, at most */

enum ork_column_kind {
    ORK_COLUMN_ID,
    ORK_COLUMN_TIME,
    ORK_COLUMN_JSON,
    ORK_COLUMN_LIST, /* of texts: JSON, and an array where there are arrays */
    ORK_COLUMN_BOOL,
    ORK_COLUMN_INT,
    ORK_COLUMN_REAL,
    ORK_COLUMN_TEXT
};
struct ork_store_column {
    const char *name;
    enum ork_column_kind kind;
    enum {
        ORK_COLUMN_KEEP,
        ORK_COLUMN_LATE, /* refers to a table that comes later: NULL until its own table is copied once more */
        ORK_COLUMN_LEAVE /* is about the database it is in: not copied */
    } how;
};
struct ork_store_table {
    const char *name;
    const struct ork_store_column *cols; /* the key's come first */
    size_t n, keys;
    bool leave; /* is about the database it is in: not copied; no columns are listed */
};
extern const struct ork_store_table ork_store_tables[]; /* parents before children */
extern const size_t ork_store_tables_len;

const struct ork_store_table *ork_store_table_find(const char *name); /* NULL: none */

/* Statements, the same for every backend but for their parameters.
 *   "id", "name"                                   the columns that are copied
 *   ("id") > (…)                                   left by the caller
 *   "id"                                           the key
 *   ON CONFLICT ("id") DO UPDATE SET …             what makes an INSERT happen any number of times */
void ork_store_table_columns(const struct ork_store_table *t, struct ork_buf *out);
void ork_store_table_key(const struct ork_store_table *t, struct ork_buf *out);
void ork_store_table_upsert(const struct ork_store_table *t, struct ork_buf *out);
size_t ork_store_table_width(const struct ork_store_table *t); /* how many columns are copied */
/* The i-th column that is copied. */
const struct ork_store_column *ork_store_table_column(const struct ork_store_table *t, size_t i);

/* A text as it is stored → the neutral one, appended to out. EDATA, with what is wrong: no time, no JSON. */
int ork_store_neutral(enum ork_column_kind kind, const char *p, size_t n, struct ork_buf *out,
                      ork_err *err) ORK_MUSTCHECK;
#endif
