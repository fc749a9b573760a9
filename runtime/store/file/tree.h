/* SPDX-License-Identifier: MIT */
/* The original's JSON files: DIR/<folder>/<id>.json, keys are column names. */
#ifndef ORK_STORE_FILE_TREE_H
#define ORK_STORE_FILE_TREE_H
#include "store/file/file.h"

struct ork_tree_kind {
    const char *folder, *table;
    bool list; /* one file per workflow, a list of rows; its id is the workflow's */
};
#define ORK_TREE_KINDS 6
extern const struct ork_tree_kind ork_tree_kinds[ORK_TREE_KINDS]; /* parents first; their places are in sql/file */

/* How a column is told in JSON. */
enum ork_tree_form { ORK_TREE_PLAIN, ORK_TREE_TIME, ORK_TREE_JSON, ORK_TREE_BOOL };
enum ork_tree_form ork_tree_form(const char *column);

/* tree_json.c: one row as an object, a member per line, `indent` blanks before each. */
int ork_tree_row(struct ork_buf *out, const struct ork_table *t, sqlite3_stmt *row, int indent,
                 ork_err *err) ORK_MUSTCHECK;
#endif
