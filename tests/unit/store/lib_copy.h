/* SPDX-License-Identifier: MIT */
/* Databases to copy: every table filled from the list of tables with what is hard to carry, and copies driven to their
 * end. */
#ifndef TESTS_UNIT_STORE_LIB_COPY_H
#define TESTS_UNIT_STORE_LIB_COPY_H
#include "store/copier.h"
#include "store/lib_store.h"

/* n rows in each table of that SQLite file, which has the schema: row 0 is of unusual texts, row 1 NULL wherever that
 * is allowed, row 2 has texts of `large` bytes; JSON and times are in forms that others have written. */
void copy_fill(const char *path, int n, size_t large);

struct copy_pair {
    struct test_store from, to;
    struct ork_copier copier;
};
/* Opens both; the result of ork_copier_init. On failure both are closed again. */
int copy_try(struct copy_pair *p, const char *from, const char *to, ork_err *err);
void copy_begin(struct copy_pair *p, const char *from, const char *to); /* fails the test */
int copy_run(struct copy_pair *p, int steps, ork_err *err); /* steps < 0: to the end; what the last step said */
void copy_close(struct copy_pair *p);
void copy_whole(const char *from, const char *to); /* begin, run, close; fails the test */
#endif
