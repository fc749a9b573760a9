/* SPDX-License-Identifier: MIT */
/* Small allocations abort with a message when memory is out; sizes that users decide are bounded before they come here.
 */
#ifndef ORK_BASE_ALLOC_H
#define ORK_BASE_ALLOC_H
#include <stddef.h>

void *ork_alloc(size_t n) __attribute__((malloc, returns_nonnull));
void *ork_zalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *ork_realloc(void *p, size_t n) __attribute__((returns_nonnull));
char *ork_strdup(const char *s) __attribute__((returns_nonnull));            /* s may not be NULL */
char *ork_strndup(const char *s, size_t n) __attribute__((returns_nonnull)); /* copies n bytes, adds NUL */

/* Grows *items (elements of `size` bytes, *cap of them) so that `need` fit; doubles. */
void ork_grow(void **items, size_t *cap, size_t need, size_t size);

#define ORK_CLEANUP(f) __attribute__((cleanup(f)))
void ork_free_cleanup(void *pp); /* ORK_CLEANUP(ork_free_cleanup) char *s = … */
#endif
