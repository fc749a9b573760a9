/* SPDX-License-Identifier: MIT */
/* How a backend fills the result of a read. */
#ifndef ORK_STORE_ROWS_H
#define ORK_STORE_ROWS_H
#include "store/store.h"

struct ork_rows *ork_rows_new(size_t cols);
void ork_rows_name(struct ork_rows *r, size_t col, const char *name);
struct ork_cell *ork_rows_add(struct ork_rows *r); /* a row of NULLs; valid until the next add */
/* A text of cell `col` of the newest row, copied; one equal to the cell above it shares its memory. */
void ork_rows_keep(struct ork_rows *r, size_t col, int type, const void *p, size_t n);
void ork_rows_blank(struct ork_rows *r, size_t col); /* the column is NULL in all rows there are */
#endif
