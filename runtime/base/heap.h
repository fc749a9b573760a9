/* SPDX-License-Identifier: MIT */
/* A binary min-heap of borrowed pointers; each element stores its own position (0: not in a heap), so removal is O(log
 * n). */
#ifndef ORK_BASE_HEAP_H
#define ORK_BASE_HEAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ork_heap_node {
    uint32_t pos; /* 1-based; 0 outside */
};
struct ork_heap {
    struct ork_heap_node **items; /* owned array of borrowed nodes */
    size_t len, cap;
    bool (*before)(const struct ork_heap_node *a, const struct ork_heap_node *b);
};
void ork_heap_init(struct ork_heap *h, bool (*before)(const struct ork_heap_node *, const struct ork_heap_node *));
void ork_heap_fini(struct ork_heap *h);
void ork_heap_push(struct ork_heap *h, struct ork_heap_node *n);
struct ork_heap_node *ork_heap_peek(const struct ork_heap *h); /* NULL when empty */
struct ork_heap_node *ork_heap_pop(struct ork_heap *h);
void ork_heap_remove(struct ork_heap *h, struct ork_heap_node *n); /* nothing when outside */
void ork_heap_update(struct ork_heap *h, struct ork_heap_node *n); /* its key changed */
#define ork_container(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif
