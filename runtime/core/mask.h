/* SPDX-License-Identifier: MIT */
/* Values of secrets that an attempt was given, and taking them out of what it leaves. Pure; the values are kept in
 * memory only, and wiped when they go. Each line of a value counts as a value of its own (a key file is printed line by
 * line). Values shorter than ORK_MASK_LEAST bytes are not looked for: they would be found everywhere. */
#ifndef ORK_CORE_MASK_H
#define ORK_CORE_MASK_H
#include "base/buf.h"
#include <jansson.h>
#include <stdbool.h>

#define ORK_MASK_LEAST 4
#define ORK_MASK_TEXT "***"

struct ork_mask {
    struct ork_mask_value {
        char *p; /* owned */
        size_t n;
    } * values; /* owned; the longest first */
    size_t len, cap;
};

void ork_mask_add(struct ork_mask *m, const char *value, size_t n);
/* Takes in what the other knows. */
void ork_mask_join(struct ork_mask *m, const struct ork_mask *other);
static inline bool ork_mask_any(const struct ork_mask *m)
{
    return m->len > 0;
}
size_t ork_mask_longest(const struct ork_mask *m); /* bytes; 0 none */
/* Is a value in these bytes? */
bool ork_mask_finds(const struct ork_mask *m, const char *p, size_t n);
/* The text, with *** for each value. */
void ork_mask_text(const struct ork_mask *m, const char *p, size_t n, struct ork_buf *out);
/* In place, a star per byte; true: something was there. */
bool ork_mask_stars(const struct ork_mask *m, char *p, size_t n);
/* Strings and names in the tree, and whole numbers in which a value stands. A new reference; the tree itself when there
 * is nothing to mask. */
json_t *ork_mask_json(const struct ork_mask *m, json_t *value);
void ork_mask_fini(struct ork_mask *m);
#endif
