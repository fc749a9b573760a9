/* SPDX-License-Identifier: MIT */
/* Hash table of nodes embedded in what they index. The caller compares keys; here are only chains by hash. */
#include "exec/agent/agent.h"

uint32_t ork_hash_bytes(const void *p, size_t n)
{
    const uint8_t *at = p;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * 16777619u;
    return h ^ h >> 15;
}

static void grow(struct ork_table *t)
{
    uint32_t cap = t->cap ? t->cap * 2 : 64;
    struct ork_node **slots = ork_mem(NULL, cap * sizeof *slots);

    memset(slots, 0, cap * sizeof *slots);
    for (uint32_t i = 0; i < t->cap; i++) {
        for (struct ork_node *n = t->slots[i], *next; n; n = next) {
            next = n->next;
            n->next = slots[n->hash & (cap - 1)];
            slots[n->hash & (cap - 1)] = n;
        }
    }
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
}

void ork_table_add(struct ork_table *t, struct ork_node *n, uint32_t hash)
{
    if (t->len >= t->cap)
        grow(t);
    n->hash = hash;
    n->next = t->slots[hash & (t->cap - 1)];
    t->slots[hash & (t->cap - 1)] = n;
    t->len++;
}

void ork_table_remove(struct ork_table *t, struct ork_node *n)
{
    struct ork_node **at = &t->slots[n->hash & (t->cap - 1)];

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    t->len--;
}

struct ork_node *ork_table_first(const struct ork_table *t, uint32_t hash)
{
    return t->cap ? t->slots[hash & (t->cap - 1)] : NULL;
}
