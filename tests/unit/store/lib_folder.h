/* SPDX-License-Identifier: MIT */
/* A file store, looked at and changed by SQL of a test's own: its tables are in memory only. */
#ifndef TESTS_UNIT_STORE_LIB_FOLDER_H
#define TESTS_UNIT_STORE_LIB_FOLDER_H
#include "store/lib_store.h"

int64_t folder_count(const char *url, const char *sql); /* as a reader; somebody may write meanwhile */
void folder_exec(const char *url, const char *sql);     /* as the writer, in one commit */
/* What the log says is what memory holds, row for row: called at each test_close of a file store. */
void folder_compare(struct test_store *t);
#endif
