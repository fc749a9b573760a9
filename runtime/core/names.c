/* SPDX-License-Identifier: MIT */
/* Task names → numbers: open addressing over 64-bit slots that carry half of the hash, so that a probe reads the name
 * only when it almost surely is the one, and growing never reads a name at all. */
#include "base/alloc.h"
#include "base/hash.h"
#include "core/workflow_priv.h"
#include <stdlib.h>
#include <string.h>

static uint32_t hash_name(const char *name, size_t len)
{
    return (uint32_t)(ork_hash64(name, len, 0) >> 32);
}

static void put(struct ork_names *t, uint64_t slot)
{
    uint32_t i = (uint32_t)(slot >> 32) & t->mask;

    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = slot;
}

uint32_t ork_names_find(const ork_workflow *w, const char *name, size_t len)
{
    const struct ork_names *t = &w->names;
    if (!t->slots)
        return ORK_NO_NAME;
    uint32_t hash = hash_name(name, len);

    for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        if ((uint32_t)(t->slots[i] >> 32) != hash)
            continue;
        uint32_t no = (uint32_t)t->slots[i] - 1;
        const char *found = ork_arena_str(&w->texts, w->tasks[no].name);
        if (strlen(found) == len && memcmp(found, name, len) == 0)
            return no;
    }
    return ORK_NO_NAME;
}

static void widen(struct ork_names *t)
{
    struct ork_names old = *t;
    uint32_t cap = old.slots ? (old.mask + 1) * 2 : 16;

    t->mask = cap - 1;
    t->slots = ork_zalloc((size_t)cap * sizeof(*t->slots));
    for (uint32_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i])
            put(t, old.slots[i]);
    free(old.slots);
}

void ork_names_add(ork_workflow *w, uint32_t no)
{
    struct ork_names *t = &w->names;
    const char *name = ork_arena_str(&w->texts, w->tasks[no].name);

    if (!t->slots || (uint64_t)t->used * 5 >= ((uint64_t)t->mask + 1) * 4)
        widen(t);
    put(t, (uint64_t)hash_name(name, strlen(name)) << 32 | (uint64_t)(no + 1));
    t->used++;
}
