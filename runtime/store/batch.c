/* SPDX-License-Identifier: MIT */
#include "store/store.h"
#include "base/alloc.h"
#include <string.h>

struct ork_unit *ork_batch_add(struct ork_batch *b, int type)
{
    ork_grow((void **)&b->units, &b->cap, b->len + 1, sizeof *b->units);
    struct ork_unit *u = &b->units[b->len++];
    memset(u, 0, sizeof *u);
    u->type = type;
    b->rows++;
    return u;
}

void ork_batch_clear(struct ork_batch *b)
{
    b->len = b->rows = b->bytes = 0;
    b->ring = false;
    b->mark = 0;
}

void ork_batch_fini(struct ork_batch *b)
{
    ork_free(b->units);
    memset(b, 0, sizeof *b);
}

void ork_left_free(struct ork_left *list)
{
    for (struct ork_left *l = list, *next; l; l = next) {
        next = l->next;
        ork_free(l->pool);
        ork_free(l);
    }
}

void ork_task_id(const ork_id *run_id, uint32_t index, ork_id *out)
{
    *out = *run_id;
    out->b[12] = (uint8_t)(index >> 24);
    out->b[13] = (uint8_t)(index >> 16);
    out->b[14] = (uint8_t)(index >> 8);
    out->b[15] = (uint8_t)index;
}

uint32_t ork_task_number(const ork_id *id)
{
    return (uint32_t)id->b[12] << 24 | (uint32_t)id->b[13] << 16 | (uint32_t)id->b[14] << 8 | id->b[15];
}

bool ork_task_is_of(const ork_id *id, const ork_id *run_id)
{
    return memcmp(id->b, run_id->b, 12) == 0;
}
