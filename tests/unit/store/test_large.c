/* SPDX-License-Identifier: MIT */
/* Definitions of hundreds of thousands of tasks on PostgreSQL: what is stored and read back whole, and where the
 * server's own limit (256 MB of a JSON list) is met, in words, with nothing stored. */
#include "store/lib_cluster.h"
#include "store/lib_world.h"
#include <stdlib.h>

#define MB ((size_t)1 << 20)

/* A list of n strings of 1 MB. */
static struct ork_text list_of(size_t n)
{
    size_t len = 1 + n * (MB + 1);
    char *text = ork_alloc(len + 1), *p = text;
    memset(text, 'x', len);
    *p = '[';
    for (size_t i = 0; i < n; i++) {
        p[1] = p[MB] = '"';
        p[MB + 1] = i + 1 < n ? ',' : ']';
        p += MB + 1;
    }
    text[len] = '\0';
    return (struct ork_text){text, len};
}

static int create(struct world *x, struct ork_new_run *c, size_t megabytes, ork_err *err)
{
    struct ork_text list = list_of(megabytes);
    test_new_run(c, x->w);
    c->hash = megabytes > 200 ? TEXT("large") : TEXT("whole");
    c->tasks_json = list;
    ork_batch_add(&x->b, ORK_UNIT_CREATE_RUN)->create = c;
    int rc = test_apply(&x->t, &x->b, NULL, err);
    ork_free((char *)list.p);
    return rc;
}

static void test_stored_whole(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run c;
    ork_err err;
    world_open(&x, 1);
    assert_int_equal(create(&x, &c, 96, &err), 0);
    struct ork_rows *r = test_query(&x.t, ORK_Q_snapshot_get, (struct ork_param[]){ORK_P_ID(&c.snapshot_id)}, 1);
    assert_int_equal(ork_rows_len(r), 1);
    const struct ork_cell *cell = ork_rows_get(r, 0, "tasks_json");
    assert_in_range(cell->n, 96 * MB, 97 * MB);
    assert_memory_equal(cell->p, "[\"xxx", 5);
    assert_memory_equal(cell->p + cell->n - 5, "xxx\"]", 5);
    ork_rows_free(r);
    world_close(&x);
}

static void test_too_large(void **state)
{
    (void)state;
    struct world x;
    struct ork_new_run c;
    ork_err err;

    if (getenv("ORK_TEST_SLOW")) {
        print_message("left out: too slow under valgrind\n");
        skip(); /* a quarter of a gigabyte takes valgrind longer than a server is waited for */
    }
    world_open(&x, 1);
    int rc;
    while ((rc = create(&x, &c, 260, &err)) == ORK_EIO) /* a busy machine needs longer than a server is waited for */
        ork_batch_clear(&x.b);
    assert_int_equal(rc, ORK_EDATA);
    assert_non_null(strstr(err.msg, "the database refuses a value: "));
    assert_int_equal(test_count(x.url, "SELECT count(*) FROM workflow_snapshots WHERE content_hash = 'large'"), 0);
    assert_int_equal(test_count(x.url, "SELECT count(*) FROM runs"), 1);
    assert_int_equal(create(&x, &c, 1, &err), 0); /* and the connection is as it was */
    world_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stored_whole), cmocka_unit_test(test_too_large)};
    return TEST_ON_POSTGRES("large", tests);
}
