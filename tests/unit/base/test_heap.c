/* SPDX-License-Identifier: MIT */
#include "base/heap.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

struct item {
    struct ork_heap_node node;
    int key;
};
static const struct item *item_of(const struct ork_heap_node *n)
{
    return (const struct item *)((const char *)n - offsetof(struct item, node));
}
static bool before(const struct ork_heap_node *a, const struct ork_heap_node *b)
{
    return item_of(a)->key < item_of(b)->key;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check_invariant(const struct ork_heap *h)
{
    for (size_t i = 0; i < h->len; i++) {
        assert_int_equal(h->items[i]->pos, i + 1);
        if (i > 0)
            assert_false(h->before(h->items[i], h->items[(i - 1) / 2]));
    }
}

static void test_empty(void **state)
{
    (void)state;
    struct ork_heap h;
    struct item x = {.key = 1};
    ork_heap_init(&h, before);
    assert_null(ork_heap_peek(&h));
    assert_null(ork_heap_pop(&h));
    ork_heap_remove(&h, &x.node);
    ork_heap_update(&h, &x.node);
    ork_heap_push(&h, &x.node);
    assert_ptr_equal(ork_container(ork_heap_peek(&h), struct item, node), &x);
    ork_heap_fini(&h);
    assert_int_equal(x.node.pos, 0);
}

/* Random pushes, removals and key changes against the plain least of an array. */
static void test_random_operations(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct item items[N];
    struct ork_heap h;
    uint32_t seed = 1;
    ork_heap_init(&h, before);
    for (int step = 0; step < 20000; step++) {
        struct item *x = &items[next_random(&seed) % N];
        uint32_t what = next_random(&seed) % 8;
        if (x->node.pos == 0 && what < 5) {
            x->key = (int)(next_random(&seed) % 50);
            ork_heap_push(&h, &x->node);
        } else if (what == 5) {
            ork_heap_remove(&h, &x->node);
            assert_int_equal(x->node.pos, 0);
        } else if (what == 6) {
            x->key = (int)(next_random(&seed) % 50);
            ork_heap_update(&h, &x->node);
        } else if (what == 7) {
            struct ork_heap_node *top = ork_heap_pop(&h);
            for (int i = 0; top && i < N; i++)
                if (items[i].node.pos)
                    assert_true(items[i].key >= item_of(top)->key);
        }
        size_t inside = 0;
        for (int i = 0; i < N; i++)
            inside += items[i].node.pos != 0;
        assert_int_equal(inside, h.len);
        if (step % 16 == 0)
            check_invariant(&h);
    }
    int last = -1;
    for (struct ork_heap_node *n; (n = ork_heap_pop(&h));) {
        assert_true(item_of(n)->key >= last);
        last = item_of(n)->key;
    }
    assert_int_equal(h.len, 0);
    ork_heap_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty), cmocka_unit_test(test_random_operations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
