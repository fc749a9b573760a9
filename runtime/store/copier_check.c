/* SPDX-License-Identifier: MIT */
/* Are both the same? Each row, in neutral values, gives a digest; the digests of a table are added up, so the order in
 * which a backend reads does not matter and no row can hide another's change. */
#include "base/err.h"
#include "base/hash.h"
#include "store/copier.h"
#include <string.h>

static void add_number(struct ork_buf *b, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
    ork_buf_add(b, bytes, sizeof bytes);
}

static void add_cell(struct ork_buf *b, const struct ork_cell *c)
{
    uint64_t bits = 0;
    ork_buf_addc(b, (char)c->type);
    switch (c->type) {
    case ORK_CELL_INT:
        add_number(b, (uint64_t)c->i);
        break;
    case ORK_CELL_REAL:
        memcpy(&bits, &c->r, sizeof bits);
        add_number(b, bits);
        break;
    case ORK_CELL_TEXT:
    case ORK_CELL_BLOB:
        add_number(b, c->n);
        ork_buf_add(b, c->p, c->n);
        break;
    default:
        break;
    }
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void add_rows(struct ork_copy_sum *sum, const struct ork_rows *rows)
{
    struct ork_buf b = ORK_BUF_INIT;
    uint8_t digest[32];
    size_t n = ork_rows_len(rows), cols = ork_rows_cols(rows);
    for (size_t r = 0; r < n; r++) {
        ork_buf_clear(&b);
        for (size_t i = 0; i < cols; i++)
            add_cell(&b, ork_rows_cell(rows, r, i));
        ork_sha256(b.data, b.len, digest);
        sum->low += word(digest);
        sum->high += word(digest + 8);
    }
    sum->rows += (int64_t)n;
    ork_buf_fini(&b);
}

static void count_unfinished(struct ork_copier *c, const struct ork_rows *rows)
{
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        const char *status = ork_rows_text(rows, i, "status");
        c->unfinished += status && (strcmp(status, "pending") == 0 || strcmp(status, "running") == 0 ||
                                    strcmp(status, "paused") == 0);
    }
}

static int compare(const struct ork_copier *c, ork_err *err)
{
    const struct ork_copy_sum *a = &c->sum[c->table][0], *b = &c->sum[c->table][1];
    if (a->rows == b->rows && a->low == b->low && a->high == b->high)
        return 0;
    return ork_err_set(
        err, ORK_ECORRUPT,
        "table %s differs: %lld rows with checksum %016llx in %s, %lld with %016llx in %s. One of them was "
        "changed while it was copied: copy anew into an empty database",
        ork_store_tables[c->table].name, (long long)a->rows, (unsigned long long)a->high, c->source.data,
        (long long)b->rows, (unsigned long long)b->high, c->place.data);
}

/* The end of one side of a table. */
static int turn(struct ork_copier *c, ork_err *err)
{
    int rc = c->other ? compare(c, err) : 0;
    c->table += c->other;
    c->other = !c->other;
    c->key.set = false;
    c->rows = 0;
    c->limit = c->page;
    return rc;
}

int ork_copier_check(struct ork_copier *c, ork_err *err)
{
    const struct ork_store_table *t = &ork_store_tables[c->table];
    ork_store *side = c->other ? c->to : c->from;
    struct ork_rows *rows = NULL;
    if (t->leave) {
        c->table++;
        return 0;
    }
    int rc = side->ops->copy->read(side, t, c->key.set ? c->key.cells : NULL, c->limit, &rows, err);
    if (rc)
        return ork_err_wrap(err, "%s", c->other ? c->place.data : c->source.data);
    size_t n = ork_rows_len(rows);
    if (n == 0) {
        rc = turn(c, err);
    } else {
        add_rows(&c->sum[c->table][c->other], rows);
        if (!c->other && strcmp(t->name, "runs") == 0)
            count_unfinished(c, rows);
        ork_copy_key_set(&c->key, t, rows, n - 1);
        ork_copier_fit(c, n);
        c->rows += (int64_t)n;
    }
    ork_rows_free(rows);
    return rc;
}
