/* SPDX-License-Identifier: MIT */
/* A growing text store addressed by 32-bit offsets, for many small strings that die together. Offsets stay valid while
 * it grows; pointers do not. Offset 0 is the empty string. At most 4 GiB - 1. */
#ifndef ORK_BASE_ARENA_H
#define ORK_BASE_ARENA_H
#include <ork/ork.h>

struct ork_arena {
    char *data; /* owned */
    uint32_t len, cap;
};
void ork_arena_init(struct ork_arena *a);
void ork_arena_fini(struct ork_arena *a);
/* Copies n bytes and a NUL; ORK_ETOOBIG when the store is full. */
int ork_arena_add(struct ork_arena *a, const char *s, size_t n, uint32_t *off, ork_err *err) ORK_MUSTCHECK;
static inline const char *ork_arena_str(const struct ork_arena *a, uint32_t off)
{
    return a->data + off;
}
#endif
