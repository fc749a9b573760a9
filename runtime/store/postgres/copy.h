/* SPDX-License-Identifier: MIT */
/* The PostgreSQL side of copies: reading (copy_read.c), writing (copy_write.c). Meanings: store/ops.h. */
#ifndef ORK_STORE_POSTGRES_COPY_H
#define ORK_STORE_POSTGRES_COPY_H
#include "store/postgres/postgres.h"
#include <stdio.h>
#include <string.h>

extern const struct ork_copy_ops ork_pg_copy;
int ork_pg_copy_count(ork_store *st, const struct ork_store_table *t, int64_t *rows, ork_err *err);
int ork_pg_copy_read(ork_store *st, const struct ork_store_table *t, const struct ork_cell *after, size_t limit,
                     struct ork_rows **out, ork_err *err);

/* May we be here as that (NULL: as nobody in particular)? Not beside a copy, not in half of one, and a copy not beside
 * anybody. Within a transaction on the writer's connection that holds the lock of copy_lock or copy_share. */
int ork_pg_admit(struct ork_postgres *s, const char *role, ork_err *err) ORK_MUSTCHECK;
bool ork_pg_is_copy(const char *role);
#endif
