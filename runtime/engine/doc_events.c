/* SPDX-License-Identifier: MIT */
/* Documents of a run that are read in parts: how far it is, what happened since a number, outputs behind a task. */
#include "engine/engine.h"

int ork_run_progress_json(ork_engine *e, const char *run_id, char **out, ork_err *err)
{
    struct ork_rows *run = NULL, *last = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_doc_parse_run(run_id, &id, err);
    struct ork_param p[] = {ORK_P_ID(&id)};

    if (!rc) /* first: what comes between the two is told again, not missed */
        rc = ork_store_query(e->store, ORK_Q_events_last, p, 1, &last, err);
    if (!rc)
        rc = ork_doc_open_run(e, run_id, &id, &run, err);
    if (!rc) {
        ork_buf_addc(&b, '{');
        rc = ork_doc_run(e, run, 0, false, &b, err);
        ork_doc_int(&b, "seq", ork_rows_int(last, 0, "seq", 0));
        ork_buf_addc(&b, '}');
    }
    ork_rows_free(run);
    ork_rows_free(last);
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

int ork_run_events_json(ork_engine *e, const char *run_id, int64_t after_seq, int64_t limit, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_doc_parse_run(run_id, &id, err);
    struct ork_param p[] = {ORK_P_ID(&id), ORK_P_INT(after_seq), ORK_P_INT(limit)};

    if (!rc)
        rc = ork_store_query(e->store, ORK_Q_events_of_run, p, 3, &rows, err);
    if (rc)
        return rc;
    ork_buf_addc(&b, '[');
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        ork_buf_adds(&b, i ? ",{" : "{");
        ork_doc_int(&b, "seq", ork_rows_int(rows, i, "seq", 0));
        ork_doc_time(&b, "at", ork_rows_time(rows, i, "at"));
        ork_doc_key(&b, "data");
        ork_history_spread(ork_rows_text(rows, i, "data"), &b);
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(rows);
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

#define OUTPUTS_BYTES (8u << 20)

int ork_outputs_json(ork_engine *e, const char *run_id, int64_t after, int64_t limit, char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_id id;
    int rc = ork_doc_parse_run(run_id, &id, err);
    bool more = true;

    ork_buf_addc(&b, '[');
    while (!rc && more && limit > 0 && b.len < OUTPUTS_BYTES) { /* a few at a time: one may be 16 MiB */
        struct ork_rows *rows = NULL;
        const bool items = after + 1 >= ORK_ITEMS_FROM; /* who asks from there on means those */
        const int64_t page = limit < 16 ? limit : 16;
        struct ork_param p[] = {ORK_P_ID(&id), ORK_P_INT(after), ORK_P_INT(page)},
                         q[] = {p[0], ORK_P_INT(after + 1), ORK_P_INT(INT32_MAX), p[2]};
        rc = items ? ork_store_query(e->store, ORK_Q_items_list, q, 4, &rows, err)
                   : ork_store_query(e->store, ORK_Q_tasks_outputs, p, 3, &rows, err);
        more = !rc && ork_rows_len(rows) == 16;
        for (size_t i = 0; !rc && i < ork_rows_len(rows); i++, limit--) {
            after = ork_rows_int(rows, i, "task_index", 0);
            ork_buf_adds(&b, b.len > 1 ? ",{" : "{");
            ork_doc_int(&b, "index", after);
            if (!items)
                ork_doc_text(&b, "name", ork_rows_text(rows, i, "task_name"));
            ork_doc_text(&b, "output", ork_rows_text(rows, i, "output"));
            ork_buf_addc(&b, '}');
        }
        ork_rows_free(rows);
    }
    ork_buf_addc(&b, ']');
    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}
