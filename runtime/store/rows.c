/* SPDX-License-Identifier: MIT */
/* The result of a read: cells of 16 bytes in one array, texts in blocks that never move. A run of a million tasks is
 * read as one result, so neighbours with equal texts (status, kind, names of executors) share them. */
#include "store/rows.h"
#include "base/alloc.h"
#include <assert.h>
#include <string.h>

#define BLOCK (64u << 10)
#define MEMO 32

struct block {
    struct block *next;
    char data[];
};
struct ork_rows {
    size_t cols, len, cap;  /* cap in cells */
    char **names;           /* owned, one per column */
    struct ork_cell *cells; /* owned, row by row */
    struct block *blocks;   /* owned */
    char *free;             /* within the newest small block */
    size_t left;
    struct {
        const char *name;
        size_t col;
    } memo[MEMO]; /* callers ask with the same literals again and again */
};

struct ork_rows *ork_rows_new(size_t cols)
{
    struct ork_rows *r = ork_zalloc(sizeof *r);
    r->cols = cols;
    r->names = ork_zalloc((cols ? cols : 1) * sizeof *r->names);
    return r;
}

void ork_rows_name(struct ork_rows *r, size_t col, const char *name)
{
    r->names[col] = ork_strdup(name);
}

struct ork_cell *ork_rows_add(struct ork_rows *r)
{
    ork_grow((void **)&r->cells, &r->cap, (r->len + 1) * r->cols, sizeof *r->cells);
    struct ork_cell *row = r->cells + r->len++ * r->cols;
    memset(row, 0, r->cols * sizeof *row);
    return row;
}

static char *room(struct ork_rows *r, size_t n)
{
    if (n > r->left) {
        size_t size = n > BLOCK / 4 ? n : BLOCK;
        struct block *b = ork_alloc(sizeof *b + size);
        b->next = r->blocks;
        r->blocks = b;
        if (size == n)
            return b->data;
        r->free = b->data;
        r->left = size;
    }
    char *p = r->free;
    r->free += n;
    r->left -= n;
    return p;
}

void ork_rows_keep(struct ork_rows *r, size_t col, int type, const void *p, size_t n)
{
    assert(n < UINT32_MAX);
    struct ork_cell *cell = r->cells + (r->len - 1) * r->cols + col;
    cell->type = type;
    cell->n = (uint32_t)n;
    if (r->len > 1) {
        const struct ork_cell *above = cell - r->cols;
        if (above->type == type && above->n == n && n < 64 && memcmp(above->p, p, n) == 0) {
            cell->p = above->p;
            return;
        }
    }
    char *copy = room(r, n + 1);
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    cell->p = copy;
}

void ork_rows_blank(struct ork_rows *r, size_t col)
{
    for (size_t i = 0; i < r->len; i++)
        memset(r->cells + i * r->cols + col, 0, sizeof *r->cells);
}

size_t ork_rows_len(const struct ork_rows *r)
{
    return r->len;
}

size_t ork_rows_cols(const struct ork_rows *r)
{
    return r->cols;
}

const char *ork_rows_col(const struct ork_rows *r, size_t col)
{
    return r->names[col];
}

const struct ork_cell *ork_rows_cell(const struct ork_rows *r, size_t row, size_t col)
{
    assert(row < r->len && col < r->cols);
    return r->cells + row * r->cols + col;
}

/* The address of the name is only a hint: it is compared before it is believed. */
static size_t find(struct ork_rows *r, const char *name)
{
    size_t slot = ((uintptr_t)name >> 2 ^ (uintptr_t)name >> 7) % MEMO;
    if (r->memo[slot].name == name && strcmp(r->names[r->memo[slot].col], name) == 0)
        return r->memo[slot].col;
    for (size_t i = 0; i < r->cols; i++) {
        if (strcmp(r->names[i], name) == 0) {
            r->memo[slot].name = name;
            r->memo[slot].col = i;
            return i;
        }
    }
    assert(!"the query has no such column");
    return 0;
}

const struct ork_cell *ork_rows_get(const struct ork_rows *r, size_t row, const char *col)
{
    return ork_rows_cell(r, row, find((struct ork_rows *)r, col));
}

const char *ork_rows_text(const struct ork_rows *r, size_t row, const char *col)
{
    const struct ork_cell *c = ork_rows_get(r, row, col);
    return c->type == ORK_CELL_TEXT || c->type == ORK_CELL_BLOB ? c->p : NULL;
}

int64_t ork_rows_int(const struct ork_rows *r, size_t row, const char *col, int64_t if_null)
{
    const struct ork_cell *c = ork_rows_get(r, row, col);
    if (c->type == ORK_CELL_REAL)
        return (int64_t)c->r;
    return c->type == ORK_CELL_INT ? c->i : if_null;
}

int64_t ork_rows_time(const struct ork_rows *r, size_t row, const char *col)
{
    const struct ork_cell *c = ork_rows_get(r, row, col);
    int64_t ms;
    if (c->type != ORK_CELL_TEXT || ork_time_parse(c->p, c->n, &ms, NULL))
        return 0;
    return ms;
}

bool ork_rows_id(const struct ork_rows *r, size_t row, const char *col, ork_id *out)
{
    const struct ork_cell *c = ork_rows_get(r, row, col);
    if (c->type != ORK_CELL_BLOB || c->n != sizeof out->b)
        return false;
    memcpy(out->b, c->p, sizeof out->b);
    return true;
}

void ork_rows_free(struct ork_rows *r)
{
    if (!r)
        return;
    for (struct block *b = r->blocks, *next; b; b = next) {
        next = b->next;
        ork_free(b);
    }
    for (size_t i = 0; i < r->cols; i++)
        ork_free(r->names[i]);
    ork_free(r->names);
    ork_free(r->cells);
    ork_free(r);
}
