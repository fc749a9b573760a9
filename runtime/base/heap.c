/* SPDX-License-Identifier: MIT */
/* Binary heap. Invariants: items[i]->pos == i + 1; no element is `before` its parent. */
#include "base/heap.h"
#include "base/alloc.h"
#include <assert.h>
#include <stdlib.h>

void ork_heap_init(struct ork_heap *h, bool (*before)(const struct ork_heap_node *, const struct ork_heap_node *))
{
    *h = (struct ork_heap){.before = before};
}

void ork_heap_fini(struct ork_heap *h)
{
    for (size_t i = 0; i < h->len; i++)
        h->items[i]->pos = 0;
    free(h->items);
    *h = (struct ork_heap){.before = h->before};
}

static void place(struct ork_heap *h, size_t i, struct ork_heap_node *n)
{
    h->items[i] = n;
    n->pos = (uint32_t)i + 1;
}

static void sift_up(struct ork_heap *h, size_t i)
{
    struct ork_heap_node *n = h->items[i];
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!h->before(n, h->items[parent]))
            break;
        place(h, i, h->items[parent]);
        i = parent;
    }
    place(h, i, n);
}

static void sift_down(struct ork_heap *h, size_t i)
{
    struct ork_heap_node *n = h->items[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->len)
            break;
        if (child + 1 < h->len && h->before(h->items[child + 1], h->items[child]))
            child++;
        if (!h->before(h->items[child], n))
            break;
        place(h, i, h->items[child]);
        i = child;
    }
    place(h, i, n);
}

void ork_heap_push(struct ork_heap *h, struct ork_heap_node *n)
{
    assert(n->pos == 0 && h->len < UINT32_MAX);
    void *items = h->items;
    ork_grow(&items, &h->cap, h->len + 1, sizeof *h->items);
    h->items = items;
    h->items[h->len] = n;
    sift_up(h, h->len++);
}

struct ork_heap_node *ork_heap_peek(const struct ork_heap *h)
{
    return h->len ? h->items[0] : NULL;
}

struct ork_heap_node *ork_heap_pop(struct ork_heap *h)
{
    struct ork_heap_node *n = ork_heap_peek(h);
    if (n)
        ork_heap_remove(h, n);
    return n;
}

void ork_heap_remove(struct ork_heap *h, struct ork_heap_node *n)
{
    if (n->pos == 0)
        return;
    size_t i = n->pos - 1;
    assert(i < h->len && h->items[i] == n);
    n->pos = 0;
    struct ork_heap_node *last = h->items[--h->len];
    if (last == n)
        return;
    place(h, i, last);
    ork_heap_update(h, last);
}

void ork_heap_update(struct ork_heap *h, struct ork_heap_node *n)
{
    if (n->pos == 0)
        return;
    size_t i = n->pos - 1;
    sift_up(h, i);
    sift_down(h, n->pos - 1);
}
