/* SPDX-License-Identifier: MIT */
/* Pieces of the JSON documents: members in the order of docs/internals/json.md, null where there is no value, so that
 * every reader finds every field. Written directly; nothing here builds a tree. */
#include "engine/engine.h"
#include <string.h>

void ork_doc_key(struct ork_buf *b, const char *key)
{
    if (b->len && b->data[b->len - 1] != '{')
        ork_buf_addc(b, ',');
    ork_buf_json(b, key, strlen(key));
    ork_buf_addc(b, ':');
}

void ork_doc_text(struct ork_buf *b, const char *key, const char *value)
{
    ork_doc_key(b, key);
    if (value)
        ork_buf_json(b, value, strlen(value));
    else
        ork_buf_adds(b, "null");
}

void ork_doc_int(struct ork_buf *b, const char *key, int64_t value)
{
    ork_doc_key(b, key);
    ork_buf_addf(b, "%lld", (long long)value);
}

void ork_doc_time(struct ork_buf *b, const char *key, int64_t ms)
{
    char text[32];

    if (ms)
        ork_time_format(ms, text);
    ork_doc_text(b, key, ms ? text : NULL);
}

void ork_doc_raw(struct ork_buf *b, const char *key, const char *json)
{
    ork_doc_key(b, key);
    ork_buf_adds(b, json && *json ? json : "null");
}

void ork_doc_maybe_int(struct ork_buf *b, const char *key, const struct ork_rows *r, size_t row, const char *col)
{
    const struct ork_cell *c = ork_rows_get(r, row, col);

    if (c->type == ORK_CELL_INT)
        ork_doc_int(b, key, c->i);
    else
        ork_doc_raw(b, key, NULL);
}

void ork_doc_took(struct ork_buf *b, int64_t from_ms, int64_t to_ms)
{
    if (from_ms && to_ms)
        ork_doc_int(b, "took_ms", to_ms > from_ms ? to_ms - from_ms : 0);
    else
        ork_doc_raw(b, "took_ms", NULL);
}

int ork_doc_parse_run(const char *text, ork_id *id, ork_err *err)
{
    if (!text || ork_id_parse(text, strlen(text), id) != 0)
        return ork_err_set(err, ORK_EINVAL, "`%s` is not a run's id", text ? text : "");
    return 0;
}

int ork_doc_open_run(ork_engine *e, const char *run_id, ork_id *id, struct ork_rows **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    int rc = ork_doc_parse_run(run_id, id, err);

    if (rc)
        return rc;
    struct ork_param p[] = {ORK_P_ID(id)};
    rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, err);
    if (!rc && ork_rows_len(rows) == 0) {
        ork_rows_free(rows);
        rc = ork_err_set(err, ORK_ENOTFOUND, "no run %s", run_id);
    } else if (!rc) {
        *out = rows;
    }
    return rc;
}
