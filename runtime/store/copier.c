/* SPDX-License-Identifier: MIT */
/* The phases of a copy (copier.h). Everything blocks for one page, so whoever drives it runs its loop in between: a
 * scheduler must show that it lives. */
#include "store/copier.h"
#include "base/err.h"
#include "store/rows.h"
#include <string.h>

static const struct ork_copy_ops *ops_of(const ork_store *s)
{
    return s->ops->copy;
}

/* ---- may it begin ---- */

static int check_names(struct ork_copier *c, ork_err *err)
{
    ops_of(c->from)->name(c->from, &c->source);
    ops_of(c->to)->name(c->to, &c->place);
    if (strcmp(c->source.data, c->place.data) == 0)
        return ork_err_set(err, ORK_EINVAL, "%s is both: a copy needs another database", c->place.data);
    return 0;
}

static int enroll(ork_store *s, const char *host, uint64_t *seq, ork_err *err)
{
    ork_id id;
    return ork_store_register(s, host, ORK_COPY_ROLE, &id, seq, err);
}

static int refuse_half_source(struct ork_copier *c, ork_err *err)
{
    char *source, *progress;
    int rc = ops_of(c->from)->note(c->from, &source, &progress, err);
    if (rc || !source)
        return rc;
    rc = ork_err_set(err, ORK_ESTATE, "%s is itself half of a copy of %s: finish that one first, with `ork db copy`",
                     c->source.data, source);
    ork_free(source);
    ork_free(progress);
    return rc;
}

static int count_source(struct ork_copier *c, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ork_store_tables_len; i++)
        if (!ork_store_tables[i].leave)
            rc = ops_of(c->from)->count(c->from, &ork_store_tables[i], &c->total[i], err);
    return rc;
}

/* What is in the way, as a list for people; nothing: *found stays empty. */
static int list_rows(struct ork_copier *c, struct ork_buf *found, ork_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ork_store_tables_len; i++) {
        const struct ork_store_table *t = &ork_store_tables[i];
        int64_t rows = 0;
        if (!t->leave)
            rc = ops_of(c->to)->count(c->to, t, &rows, err);
        if (rows)
            ork_buf_addf(found, "%s%s %lld", found->len ? ", " : "", t->name, (long long)rows);
    }
    return rc;
}

static int want_empty(struct ork_copier *c, ork_err *err)
{
    struct ork_buf found = ORK_BUF_INIT;
    int rc = list_rows(c, &found, err);
    if (!rc && found.len)
        rc = ork_err_set(err, ORK_EEXIST,
                         "%s is not empty (rows: %s); a copy goes into a database without any of Ork's rows",
                         c->place.data, found.data);
    ork_buf_fini(&found);
    return rc;
}

static int write_note(struct ork_copier *c, const struct ork_store_table *t, const struct ork_rows *rows, ork_err *err)
{
    struct ork_buf progress = ORK_BUF_INIT;
    ork_copier_note(c, &progress);
    struct ork_copy_note note = {c->source.data, progress.data};
    int rc = ops_of(c->to)->write(c->to, t, rows, &note, err);
    ork_buf_fini(&progress);
    return rc;
}

static int claim_destination(struct ork_copier *c, ork_err *err)
{
    char *source, *progress;
    int rc = ops_of(c->to)->note(c->to, &source, &progress, err);
    if (rc)
        return rc;
    if (!source) {
        rc = want_empty(c, err);
        return rc ? rc : write_note(c, NULL, NULL, err);
    }
    if (strcmp(source, c->source.data) != 0)
        rc = ork_err_set(err, ORK_ESTATE,
                         "%s is half of a copy of %s, not of %s; finish that one, or copy into another database",
                         c->place.data, source, c->source.data);
    else
        rc = ork_copier_take_up(c, progress, err);
    c->resumed = !rc;
    ork_free(source);
    ork_free(progress);
    return rc;
}

int ork_copier_init(struct ork_copier *c, ork_store *from, ork_store *to, const char *host, ork_err *err)
{
    uint64_t seq;
    memset(c, 0, sizeof *c);
    c->from = from;
    c->to = to;
    c->page = c->limit = ORK_COPY_ROWS;
    int rc = check_names(c, err);
    if (!rc)
        rc = enroll(from, host, &c->from_seq, err);
    if (!rc)
        rc = enroll(to, host, &seq, err);
    if (!rc)
        rc = refuse_half_source(c, err);
    if (!rc)
        rc = count_source(c, err);
    if (!rc)
        rc = claim_destination(c, err);
    if (rc)
        ork_copier_fini(c);
    return rc;
}

void ork_copier_fini(struct ork_copier *c)
{
    ork_buf_fini(&c->source);
    ork_buf_fini(&c->place);
    ork_copy_key_fini(&c->key);
}

/* ---- copying ---- */

static bool has_late(const struct ork_store_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->cols[i].how == ORK_COLUMN_LATE)
            return true;
    return false;
}

/* To the next table that has a turn here; behind the last one the second round begins, then the check. */
static void next_table(struct ork_copier *c, bool advance)
{
    c->table += advance;
    c->rows = 0;
    c->key.set = false;
    c->limit = c->page;
    while (c->phase == ORK_COPIER_COPIES) {
        const struct ork_store_table *t = &ork_store_tables[c->table];
        if (c->table == ork_store_tables_len) {
            c->phase = c->again ? ORK_COPIER_CHECKS : c->phase;
            c->again = true;
            c->table = 0;
        } else if (t->leave || (c->again && !has_late(t))) {
            c->table++;
        } else {
            return;
        }
    }
}

static void blank_late(const struct ork_store_table *t, struct ork_rows *rows)
{
    for (size_t i = 0; i < ork_rows_cols(rows); i++)
        if (ork_store_table_column(t, i)->how == ORK_COLUMN_LATE)
            ork_rows_blank(rows, i);
}

/* A page that was cut at its bytes says how large rows are here. */
void ork_copier_fit(struct ork_copier *c, size_t got)
{
    if (got < c->limit)
        c->limit = got * 2 < c->page ? got * 2 + 1 : c->page;
    else if (c->limit < c->page)
        c->limit = c->limit * 2 < c->page ? c->limit * 2 : c->page;
}

static int copy_page(struct ork_copier *c, ork_err *err)
{
    const struct ork_store_table *t = &ork_store_tables[c->table];
    struct ork_rows *rows = NULL;
    int rc = ops_of(c->from)->read(c->from, t, c->key.set ? c->key.cells : NULL, c->limit, &rows, err);
    if (rc)
        return ork_err_wrap(err, "%s", c->source.data);
    size_t n = ork_rows_len(rows);
    if (n == 0) {
        next_table(c, true);
    } else {
        ork_copy_key_set(&c->key, t, rows, n - 1);
        if (!c->again)
            blank_late(t, rows);
        c->rows += (int64_t)n;
        ork_copier_fit(c, n);
        rc = write_note(c, t, rows, err);
    }
    ork_rows_free(rows);
    return rc ? ork_err_wrap(err, "%s", c->place.data) : 0;
}

/* ---- the end ---- */

static int end(struct ork_copier *c, ork_err *err)
{
    int rc = ops_of(c->from)->held(c->from, err);
    if (!rc)
        rc = ops_of(c->to)->held(c->to, err);
    if (!rc)
        rc = ops_of(c->to)->end(c->to, c->from_seq, err);
    if (!rc)
        c->phase = ORK_COPIER_DONE;
    return rc;
}

int ork_copier_step(struct ork_copier *c, ork_err *err)
{
    int rc = 0;
    if (c->phase == ORK_COPIER_COPIES)
        rc = copy_page(c, err);
    else if (c->phase == ORK_COPIER_CHECKS && c->table < ork_store_tables_len)
        rc = ork_copier_check(c, err);
    else if (c->phase == ORK_COPIER_CHECKS)
        rc = end(c, err);
    return rc ? rc : c->phase != ORK_COPIER_DONE;
}
