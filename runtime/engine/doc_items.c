/* SPDX-License-Identifier: MIT */
/* Documents about items of tasks: how many stand where, and pages of them. An item without a row never began: lists and
 * counts have it all the same, as what its task's status says. Nothing here reads all items of a task. */
#include "engine/engine.h"
#include <string.h>

static int64_t last_of(const struct ork_rows *task, size_t i)
{
    return ork_rows_int(task, i, "map_first", 0) + ork_rows_int(task, i, "map_count", 0) - 1;
}

static const char *absent(const struct ork_rows *task, size_t i)
{
    return ork_gather_absent(ork_task_status_parse(ork_rows_text(task, i, "status")));
}

int ork_doc_items(ork_engine *e, const ork_id *run, const struct ork_rows *task, size_t i, struct ork_buf *out,
                  ork_err *err)
{
    struct ork_rows *rows = NULL;
    int64_t count = ork_rows_int(task, i, "map_count", -1), left = count;
    const char *rest = absent(task, i);
    int64_t waiting = 0;
    bool told = false;

    if (count < 0)
        return 0;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_INT(ork_rows_int(task, i, "map_first", 0)),
                            ORK_P_INT(last_of(task, i))};
    int rc = ork_store_query(e->store, ORK_Q_items_counts, p, 3, &rows, err);
    if (rc)
        return rc;
    ork_doc_key(out, "items");
    ork_buf_addc(out, '{');
    ork_doc_int(out, "count", count);
    ork_doc_int(out, "first", ork_rows_int(task, i, "map_first", 0));
    for (size_t k = 0; k < ork_rows_len(rows); k++)
        left -= ork_rows_int(rows, k, "count", 0);
    for (size_t k = 0; k < ork_rows_len(rows); k++) {
        const char *status = ork_rows_text(rows, k, "status");
        const bool same = strcmp(status, rest) == 0;
        ork_doc_int(out, status, ork_rows_int(rows, k, "count", 0) + (same ? left : 0));
        told |= same;
        waiting += ork_rows_int(rows, k, "waiting", 0);
    }
    if (!told && left > 0)
        ork_doc_int(out, rest, left);
    if (waiting)
        ork_doc_int(out, "waiting", waiting);
    ork_buf_addc(out, '}');
    ork_rows_free(rows);
    return 0;
}

/* An item that never began. */
static void fresh_members(const struct ork_rows *task, int64_t item, struct ork_buf *out)
{
    struct ork_buf name = ORK_BUF_INIT;

    ork_buf_addf(&name, "%s/%lld", ork_rows_text(task, 0, "task_name"), (long long)item);
    ork_doc_int(out, "index", ork_rows_int(task, 0, "map_first", 0) + item - 1);
    ork_doc_text(out, "name", name.data);
    ork_doc_int(out, "item", item);
    ork_doc_text(out, "status", absent(task, 0));
    ork_doc_int(out, "attempt", 0);
    ork_doc_raw(out, "error", NULL);
    ork_doc_text(out, "executor_type", ork_rows_text(task, 0, "executor_type"));
    ork_buf_fini(&name);
}

static bool holds(const char *statuses, const char *status)
{
    const size_t n = strlen(status);

    for (const char *at = statuses; at && (at = strstr(at, status)); at += n)
        if ((at == statuses || at[-1] == ',') && (at[n] == ',' || !at[n]))
            return true;
    return !statuses;
}

struct page {
    ork_engine *e;
    const ork_id *run;
    const struct ork_rows *task; /* one row */
    const char *statuses;
    int64_t at, last, limit, shown;
    bool fresh; /* are those without a row meant? */
};

static bool is_meant(const struct page *p, const struct ork_rows *jobs, const struct ork_rows *rows, size_t i)
{
    return holds(p->statuses, ork_rows_text(rows, i, "status")) ||
           (holds(p->statuses, "waiting") && ork_doc_is_held(jobs, rows, i));
}

/* Adds items from p->at on, as far as one look at the rows reaches; more: there may be rows after that. */
static int fill(struct page *p, struct ork_buf *out, bool *more, ork_err *err)
{
    struct ork_rows *rows = NULL, *jobs = NULL;
    struct ork_param params[] = {ORK_P_ID(p->run), ORK_P_TEXT(p->statuses), ORK_P_INT(p->at), ORK_P_INT(p->last),
                                 ORK_P_INT(p->limit)};
    const int64_t first = ork_rows_int(p->task, 0, "map_first", 0);

    if (!p->statuses || p->fresh)
        params[1] = ORK_P_NULL; /* those that have a row tell which have none */
    int rc = ork_store_query(p->e->store, ORK_Q_items_page, params, 5, &rows, err);
    if (!rc)
        rc = ork_doc_jobs(p->e, p->run, rows, &jobs, err);
    const size_t n = rc ? 0 : ork_rows_len(rows);
    *more = (int64_t)n == p->limit;
    for (size_t i = 0; !rc && p->at <= p->last && p->shown < p->limit && (i < n || (p->fresh && !*more));) {
        const int64_t next = i < n ? ork_rows_int(rows, i, "task_index", 0) : p->last + 1;
        if (p->fresh && p->at < next) {
            ork_buf_adds(out, p->shown++ ? ",{" : "{");
            fresh_members(p->task, p->at++ - first + 1, out);
            ork_buf_addc(out, '}');
            continue;
        }
        if (is_meant(p, jobs, rows, i)) {
            ork_buf_adds(out, p->shown++ ? ",{" : "{");
            ork_doc_task_members(rows, i, out);
            ork_doc_waits(jobs, rows, i, out);
            ork_buf_addc(out, '}');
        }
        p->at = next + 1;
        i++;
    }
    ork_rows_free(jobs);
    ork_rows_free(rows);
    return rc;
}

int ork_doc_items_page(ork_engine *e, const ork_id *run, const char *name, const char *statuses, int64_t after,
                       int64_t limit, struct ork_buf *out, ork_err *err)
{
    struct ork_rows *task = NULL;
    struct ork_param q[] = {ORK_P_ID(run), ORK_P_TEXT(name)};
    int rc = ork_store_query(e->store, ORK_Q_task_get, q, 2, &task, err);

    if (rc)
        return rc;
    if (!ork_rows_len(task) || ork_rows_int(task, 0, "map_count", -1) < 0) {
        ork_rows_free(task);
        return ork_err_set(err, ORK_ENOTFOUND, "task `%s` has no items", name);
    }
    struct page page = {.e = e,
                        .run = run,
                        .task = task,
                        .statuses = statuses,
                        .at = ork_rows_int(task, 0, "map_first", 0),
                        .last = last_of(task, 0),
                        .limit = limit,
                        .fresh = holds(statuses, absent(task, 0))};
    if (after >= page.at)
        page.at = after + 1;
    ork_buf_addc(out, '[');
    bool more = true;
    while (!rc && more && page.at <= page.last && page.shown < limit)
        rc = fill(&page, out, &more, err);
    ork_buf_addc(out, ']');
    ork_rows_free(task);
    return rc;
}

int ork_doc_fresh_item(ork_engine *e, const ork_id *run, const char *name, struct ork_buf *out, ork_err *err)
{
    char task[256];
    size_t len = 0;
    struct ork_rows *rows = NULL;
    const int64_t item = ork_fan_number(name, &len);

    if (!item || len >= sizeof(task))
        return ORK_ENOTFOUND;
    memcpy(task, name, len);
    task[len] = 0;
    struct ork_param p[] = {ORK_P_ID(run), ORK_P_TEXT(task)};
    int rc = ork_store_query(e->store, ORK_Q_task_get, p, 2, &rows, err);
    const int64_t count = rc || !ork_rows_len(rows) ? -1 : ork_rows_int(rows, 0, "map_count", -1);
    if (!rc && count < 0)
        rc = ORK_ENOTFOUND;
    else if (!rc && item > count)
        rc = ork_err_set(err, ORK_ENOTFOUND, "task `%s` has %lld item%s, no number %lld", task, (long long)count,
                         count == 1 ? "" : "s", (long long)item);
    if (!rc) {
        ork_buf_addc(out, '{');
        fresh_members(rows, item, out);
        ork_doc_raw(out, "output", NULL);
        ork_doc_raw(out, "log_path", NULL);
        ork_buf_adds(out, ",\"attempts_list\":[]}");
    }
    ork_rows_free(rows);
    return rc;
}
