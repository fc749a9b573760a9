/* SPDX-License-Identifier: MIT */
/* What the store's tests share: a folder of their own, a store on a loop, calls that run the loop until their callback.
 */
#ifndef TESTS_UNIT_STORE_LIB_STORE_H
#define TESTS_UNIT_STORE_LIB_STORE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/workflow.h"
#include "store/store.h"
#include <sqlite3.h>

struct test_store {
    uv_loop_t loop;
    ork_store *store;
    ork_id me; /* zero until registered */
    uint64_t seq;
    bool read; /* opened for reading */
};
enum test_backend { TEST_FILE, TEST_MEMORY, TEST_FOLDER, TEST_POSTGRES };
extern enum test_backend test_backend; /* what test_url gives URLs of; a file unless a program says otherwise */

extern int64_t test_host_grace_ms; /* of stores opened from now on; 0: as always */

const char *test_dir(void);              /* made on first use, removed at exit of the process that made it */
char *test_path(const char *name);       /* in that folder; ork_free */
char *test_url(const char *name);        /* of that backend, the same for the same name; "" on files: memory */
char *test_folder_url(const char *name); /* file:… of it, whatever the backend */
int test_try_open(struct test_store *t, const char *url, uint32_t flags, ork_err *err);
void test_open(struct test_store *t, const char *url); /* creates; fails the test */
void test_register(struct test_store *t);
void test_register_as(struct test_store *t, const char *host, const char *role);
void test_close(struct test_store *t);
/* Whoever listens to a server is told to look once, when it listens: waits for that, and forgets it. Files at once. */
void test_until_it_listens(struct test_store *t, int *heard);
int test_apply(struct test_store *t, struct ork_batch *b, size_t *bad, ork_err *err); /* clears the batch */
void test_apply_ok(struct test_store *t, struct ork_batch *b);
struct ork_rows *test_query(struct test_store *t, enum ork_query q, const struct ork_param *params, size_t n);
int64_t test_count(const char *place, const char *sql); /* a path or a URL; through a connection of its own */
void test_exec(const char *place, const char *sql);
/* Runs them on a file, in memory, in a folder and on PostgreSQL, where that is installed. */
#define TEST_ON_ALL(name, tests) test_on_all(name, tests, sizeof(tests) / sizeof *(tests))
#define TEST_ON_POSTGRES(name, tests) test_on_postgres(name, tests, sizeof(tests) / sizeof *(tests))
int test_on_all(const char *name, const struct CMUnitTest *tests, size_t n);
int test_on_postgres(const char *name, const struct CMUnitTest *tests, size_t n);

ork_workflow *test_workflow(const char *name, uint32_t tasks); /* a chain t0 → t1 → …, true */
ork_id test_id(void);
/* A create_run of that workflow, ready to be put into a batch; texts are constants. */
void test_new_run(struct ork_new_run *c, const ork_workflow *w);
/* Creates a run with its tasks. */
void test_make_run(struct test_store *t, const ork_workflow *w, struct ork_new_run *c);
#define TEXT(s) ((struct ork_text){(s), strlen(s)})
#endif
