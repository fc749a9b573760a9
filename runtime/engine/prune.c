/* SPDX-License-Identifier: MIT */
/* Removing what is finished, in bounded memory and commits of about 2,000 rows: a page of runs is read, swept
 * (store/sqlite/sweep.c judges each again, in its transaction), and their log folders follow in the background. Every
 * step is durable and begins with what an earlier one left, so being killed costs nothing but the rest. */
#include "engine/catalog.h"
#include "core/state.h"
#include <string.h>

#define PAGE 500
#define ROWS 1900      /* of a commit: the task that reaches it may bring some attempts more */
#define FEWEST 8       /* of a commit on a disk that is nearly full */
#define DEFINITIONS 50 /* of a commit: each may be megabytes */

struct prune {
    ork_engine *e;
    bool dry, count;
    bool leftovers;    /* what an interrupted removal left goes first */
    uint32_t rows;     /* of the next commit */
    int64_t before_ms; /* 0: any end */
    int64_t keep;      /* -1: none */
    int64_t bytes;     /* of logs that may stay, instead of keep; -1: any */
    struct ork_remains remains;
    int64_t runs, tasks, kept, definitions;
    json_t *list; /* owned: by workflow */
    int64_t of_runs, of_tasks;
};

static int interrupted(struct prune *p, ork_err *err)
{
    if (!p->e->interrupted)
        return 0;
    p->e->interrupted = false;
    return ork_err_set(err, ORK_ECANCELLED,
                       "interrupted after %lld runs; what is removed is gone, the rest is as it was",
                       (long long)p->runs);
}

/* The list is taken first: asking drives the loop, where more folders may be reported gone. */
static int forget(struct prune *p, ork_err *err)
{
    ork_id *runs = p->remains.done;
    struct ork_forget f = {.runs = runs, .n = p->remains.done_len};

    p->remains.done = NULL;
    p->remains.done_len = p->remains.done_cap = 0;
    int rc = f.n ? ork_ask(p->e, &(struct ork_unit){.type = ORK_UNIT_FORGET, .forget = &f}, 0, false, err) : 0;
    ork_free(runs);
    return rc;
}

static void took(struct prune *p, struct ork_sweep_run *r)
{
    if (r->how == ORK_SWEEP_GONE) {
        p->runs++;
        p->of_runs++;
        ork_remains_add(&p->remains, &r->id, r->dir);
        r->dir = NULL;
    } else if (r->how == ORK_SWEEP_KEPT) {
        p->kept++;
    }
}

/* Who makes room has little of it: a commit needs some for itself until it is written back. With less to write it may
 * fit, and then the logs of what it removed make room for more. */
static int sweep_some(struct prune *p, struct ork_sweep *w, ork_err *err)
{
    for (;;) {
        w->rows = p->rows;
        int rc = ork_ask(p->e, &(struct ork_unit){.type = ORK_UNIT_SWEEP, .sweep = w}, 0, false, err);
        if (!rc)
            p->rows = p->rows < ROWS / 2 ? p->rows * 2 : ROWS;
        if (rc != ORK_ENOSPC || p->rows <= FEWEST)
            return rc;
        p->rows = p->rows / 4 > FEWEST ? p->rows / 4 : FEWEST;
        ork_remains_finish(&p->remains);
    }
}

static int sweep(struct prune *p, struct ork_sweep_run *runs, size_t n, ork_err *err)
{
    size_t at = 0;

    while (at < n) {
        struct ork_sweep w = {
            .runs = runs + at, .n = n - at, .before_ms = p->before_ms, .now_ms = ork_engine_now(p->e)};
        int rc = sweep_some(p, &w, err);
        if (rc) /* whatever it says became of them, their rows are there: no log may go */
            return rc;
        p->tasks += w.tasks;
        p->of_tasks += w.tasks;
        size_t first = at;
        for (; at < n && runs[at].how != ORK_SWEEP_LATER; at++)
            took(p, &runs[at]);
        rc = interrupted(p, err);
        if (!rc && p->remains.done_len >= PAGE)
            rc = forget(p, err);
        if (!rc && at == first && w.removed == 0)
            rc = ork_err_set(err, ORK_EDB, "a run could not be removed");
        if (rc)
            return rc;
    }
    return 0;
}

static int sweep_rows(struct prune *p, const struct ork_rows *rows, ork_err *err)
{
    struct ork_sweep_run runs[PAGE];
    size_t n = ork_rows_len(rows);

    memset(runs, 0, sizeof(runs));
    for (size_t i = 0; i < n; i++)
        (void)ork_rows_id(rows, i, "id", &runs[i].id);
    int rc = sweep(p, runs, n, err);
    for (size_t i = 0; i < n; i++)
        ork_free(runs[i].dir);
    return rc;
}

/* ---- what an interrupted removal left ---- */

static int sweep_doomed(struct prune *p, ork_err *err)
{
    for (;;) {
        struct ork_rows *rows = NULL;
        struct ork_param q[] = {ORK_P_INT(PAGE)};
        int rc = ork_store_query(p->e->store, ORK_Q_runs_doomed, q, 1, &rows, err);
        size_t n = rc ? 0 : ork_rows_len(rows);
        if (!rc)
            rc = sweep_rows(p, rows, err);
        ork_rows_free(rows);
        if (rc || n < PAGE)
            return rc;
    }
}

static int sweep_remains(struct prune *p, ork_err *err)
{
    ork_id last;
    bool any = false;

    for (;;) {
        struct ork_rows *rows = NULL;
        struct ork_param q[] = {any ? ORK_P_ID(&last) : ORK_P_NULL, ORK_P_INT(PAGE)};
        int rc = ork_store_query(p->e->store, ORK_Q_remains_list, q, 2, &rows, err);
        if (rc)
            return rc;
        size_t n = ork_rows_len(rows);
        for (size_t i = 0; i < n; i++) {
            const char *dir = ork_rows_text(rows, i, "dir");
            any |= ork_rows_id(rows, i, "run_id", &last);
            ork_remains_add(&p->remains, &last, dir ? ork_strdup(dir) : NULL);
        }
        ork_rows_free(rows);
        if (n < PAGE)
            return 0;
        rc = forget(p, err);
        if (rc)
            return rc;
    }
}

/* ---- the runs of one workflow ---- */

struct bounds {
    ork_id workflow, cut;
    char cut_at[40], before[32]; /* "": none */
    bool nothing;
};

static int runs_within(struct prune *p, const ork_id *workflow, int64_t *keep, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(workflow), ORK_P_INT(p->bytes)};
    int rc = ork_store_query(p->e->store, ORK_Q_runs_within, q, 2, &rows, err);

    if (!rc && ork_rows_len(rows))
        *keep = ork_rows_int(rows, 0, "runs", 0);
    ork_rows_free(rows);
    return rc;
}

static int read_bounds(struct prune *p, const ork_id *workflow, struct bounds *b, ork_err *err)
{
    int64_t keep = p->keep;
    int rc = p->bytes >= 0 ? runs_within(p, workflow, &keep, err) : 0;

    *b = (struct bounds){.workflow = *workflow};
    if (p->before_ms)
        ork_time_format(p->before_ms, b->before);
    if (rc || keep <= 0)
        return rc;
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(workflow), ORK_P_INT(keep - 1)};
    rc = ork_store_query(p->e->store, ORK_Q_run_nth, q, 2, &rows, err);
    if (rc)
        return rc;
    b->nothing = ork_rows_len(rows) == 0 || !ork_rows_id(rows, 0, "id", &b->cut);
    if (!b->nothing)
        (void)snprintf(b->cut_at, sizeof(b->cut_at), "%s", ork_rows_text(rows, 0, "created_at"));
    ork_rows_free(rows);
    return 0;
}

static void fill_bounds(struct bounds *b, struct ork_param q[4])
{
    q[0] = ORK_P_ID(&b->workflow);
    q[1] = ORK_P_TEXT(b->before[0] ? b->before : NULL);
    q[2] = ORK_P_TEXT(b->cut_at[0] ? b->cut_at : NULL);
    q[3] = b->cut_at[0] ? ORK_P_ID(&b->cut) : ORK_P_NULL;
}

static int count_runs(struct prune *p, struct bounds *b, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param q[4];

    fill_bounds(b, q);
    int rc = ork_store_query(p->e->store, ORK_Q_runs_old_count, q, 4, &rows, err);
    if (rc)
        return rc;
    p->of_runs = ork_rows_int(rows, 0, "runs", 0);
    p->of_tasks = ork_rows_int(rows, 0, "tasks", 0);
    p->runs += p->of_runs;
    p->tasks += p->of_tasks;
    ork_rows_free(rows);
    return 0;
}

static int page_of_runs(struct prune *p, const struct ork_rows *rows, ork_err *err)
{
    ork_id id;

    if (!p->dry)
        return sweep_rows(p, rows, err);
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, "id", &id))
            ork_remains_add(&p->remains, &id, NULL);
        p->of_runs++;
        p->of_tasks += ork_rows_int(rows, i, "tasks_total", 0);
    }
    return interrupted(p, err);
}

static int all_runs(struct prune *p, struct bounds *b, ork_err *err)
{
    ork_id last;
    char at[40] = "";

    for (;;) {
        struct ork_rows *rows = NULL;
        struct ork_param q[7];
        fill_bounds(b, q);
        q[4] = ORK_P_TEXT(at[0] ? at : NULL);
        q[5] = at[0] ? ORK_P_ID(&last) : ORK_P_NULL;
        q[6] = ORK_P_INT(PAGE);
        int rc = ork_store_query(p->e->store, ORK_Q_runs_old, q, 7, &rows, err);
        size_t n = rc ? 0 : ork_rows_len(rows);
        if (n) {
            (void)ork_rows_id(rows, n - 1, "id", &last);
            (void)snprintf(at, sizeof(at), "%s", ork_rows_text(rows, n - 1, "created_at"));
        }
        if (!rc)
            rc = page_of_runs(p, rows, err);
        ork_rows_free(rows);
        if (rc || n < PAGE)
            return rc;
    }
}

static int discard(struct prune *p, const ork_id *workflow, bool whole, bool *gone, ork_err *err)
{
    struct ork_discard d;
    int rc;

    do {
        d = (struct ork_discard){.workflow_id = *workflow, .rows = DEFINITIONS, .workflow = whole};
        rc = ork_ask(p->e, &(struct ork_unit){.type = ORK_UNIT_DISCARD, .discard = &d}, 0, whole, err);
        p->definitions += rc ? 0 : d.removed;
    } while (!rc && d.removed >= DEFINITIONS);
    if (gone)
        *gone = !rc && d.gone;
    return rc;
}

static int prune_workflow(struct prune *p, const ork_id *id, const char *name, ork_err *err)
{
    struct bounds b;
    int rc = read_bounds(p, id, &b, err);

    p->of_runs = p->of_tasks = 0;
    if (rc || b.nothing)
        return rc;
    if (p->count) {
        rc = count_runs(p, &b, err);
    } else {
        rc = all_runs(p, &b, err);
        if (p->dry) {
            p->runs += p->of_runs;
            p->tasks += p->of_tasks;
        }
    }
    if (!rc && p->of_runs && !p->dry && !p->count)
        rc = discard(p, id, false, NULL, err);
    if (p->of_runs || p->of_tasks)
        (void)json_array_append_new(p->list, json_pack("{s:s,s:I,s:I}", "workflow", name, "runs",
                                                       (json_int_t)p->of_runs, "tasks", (json_int_t)p->of_tasks));
    return rc;
}

static int all_workflows(struct prune *p, const char *only, ork_err *err)
{
    char *after = NULL;
    int rc = 0;
    size_t n = PAGE;

    while (!rc && n == PAGE) {
        struct ork_rows *rows = NULL;
        struct ork_param q[] = {ORK_P_TEXT(only), ORK_P_INT(0), ORK_P_TEXT(after), ORK_P_INT(PAGE)};
        rc = ork_store_query(p->e->store, ORK_Q_workflows_list, q, 4, &rows, err);
        n = rc ? 0 : ork_rows_len(rows);
        ork_free(after);
        after = n ? ork_strdup(ork_rows_text(rows, n - 1, "name")) : NULL;
        for (size_t i = 0; !rc && i < n; i++) {
            ork_id id;
            if (ork_rows_id(rows, i, "id", &id))
                rc = prune_workflow(p, &id, ork_rows_text(rows, i, "name"), err);
        }
        ork_rows_free(rows);
    }
    ork_free(after);
    return rc;
}

/* ---- the whole ---- */

static void begin(struct prune *p, ork_engine *e)
{
    *p = (struct prune){.e = e,
                        .keep = -1,
                        .bytes = -1,
                        .rows = ROWS,
                        .leftovers = true,
                        .list = json_array(),
                        .remains = {.engine = e}};
}

static int finish(struct prune *p, int rc, char **out, ork_err *err)
{
    ork_remains_finish(&p->remains);
    if (!p->dry && !p->count) {
        ork_err own;
        int last = forget(p, rc ? &own : err);
        rc = rc ? rc : last;
    }
    if (!rc) {
        size_t n;
        json_t *doc =
            json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:O}", "runs", (json_int_t)p->runs, "tasks", (json_int_t)p->tasks,
                      "log_bytes", (json_int_t)p->remains.bytes, "logs_left", (json_int_t)p->remains.left,
                      "definitions", (json_int_t)p->definitions, "kept", (json_int_t)p->kept, "workflows", p->list);
        rc = ork_json_text(doc, out, &n, err);
        json_decref(doc);
    }
    ork_remains_fini(&p->remains);
    json_decref(p->list);
    return rc;
}

static int read_options(struct prune *p, json_t *o, ork_err *err)
{
    json_t *older = json_object_get(o, "older_than_ms"), *keep = json_object_get(o, "keep"),
           *bytes = json_object_get(o, "log_bytes");

    p->leftovers = !json_is_false(json_object_get(o, "leftovers"));
    if (!json_is_integer(older) && !json_is_integer(keep) && !json_is_integer(bytes) &&
        !json_is_true(json_object_get(o, "leftovers")))
        return ork_err_set(err, ORK_EINVAL, "what may go? older_than_ms, keep or log_bytes");
    if (json_is_integer(bytes))
        p->bytes = json_integer_value(bytes);
    if (json_is_integer(older))
        p->before_ms = ork_engine_now(p->e) - json_integer_value(older) + 1;
    if (json_is_integer(keep))
        p->keep = json_integer_value(keep);
    p->dry = json_is_true(json_object_get(o, "dry_run"));
    p->count = json_is_true(json_object_get(o, "count"));
    p->remains.measure = p->dry;
    return 0;
}

int ork_runs_prune(ork_engine *e, const char *options, char **out, ork_err *err)
{
    json_t *o = NULL;
    ork_id id;
    int rc = ork_json_parse(options, strlen(options), &o, err);

    if (rc)
        return rc;
    struct prune p;
    const char *only = json_string_value(json_object_get(o, "workflow"));
    begin(&p, e);
    rc = read_options(&p, o, err);
    if (!rc && only)
        rc = ork_catalog_find(e, only, &id, err);
    if (!rc && !p.dry && !p.count && p.leftovers) {
        int64_t before = p.before_ms;
        p.before_ms = 0;
        rc = sweep_remains(&p, err);
        if (!rc)
            rc = sweep_doomed(&p, err);
        p.before_ms = before;
    }
    if (!rc && (p.before_ms || p.keep >= 0 || p.bytes >= 0))
        rc = all_workflows(&p, only, err);
    rc = finish(&p, rc, out, err);
    json_decref(o);
    return rc;
}

static int refuse_unfinished(ork_engine *e, const char *name, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    struct ork_param q[] = {ORK_P_TEXT(name), ORK_P_TEXT("pending,running,paused"), ORK_P_NULL, ORK_P_NULL, ORK_P_NULL,
                            ORK_P_INT(6)};
    int rc = ork_store_query(e->store, ORK_Q_runs_list, q, 6, &rows, err);
    size_t n = rc ? 0 : ork_rows_len(rows);

    for (size_t i = 0; i < n && i < 5; i++) {
        ork_id id;
        char text[9];
        if (!ork_rows_id(rows, i, "id", &id))
            continue;
        ork_id_short(&id, text);
        ork_buf_addf(&b, "%s%s (%s)", i ? ", " : "", text, ork_rows_text(rows, i, "status"));
    }
    if (n)
        rc = ork_err_set(err, ORK_ESTATE, "workflow `%s` has unfinished runs: %s%s; `ork cancel RUN` ends one", name,
                         b.data, n > 5 ? ", …" : "");
    ork_buf_fini(&b);
    ork_rows_free(rows);
    return rc;
}

int ork_workflow_delete(ork_engine *e, const char *name, char **out, ork_err *err)
{
    struct prune p;
    ork_id id;
    bool gone = false;
    int rc = ork_catalog_find(e, name, &id, err);

    if (!rc)
        rc = refuse_unfinished(e, name, err);
    if (rc)
        return rc;
    begin(&p, e);
    p.keep = 0;
    rc = sweep_doomed(&p, err);
    if (!rc)
        rc = prune_workflow(&p, &id, name, err);
    if (!rc)
        rc = sweep_doomed(&p, err); /* that another program has begun with */
    if (!rc)
        rc = discard(&p, &id, true, &gone, err);
    if (!rc && !gone) {
        rc = refuse_unfinished(e, name, err);
        if (!rc)
            rc = ork_err_set(err, ORK_ESTATE,
                             "a run of workflow `%s` was started or retried meanwhile, or a task of an unfinished run "
                             "waits for one; "
                             "try again when that has ended",
                             name);
    }
    return finish(&p, rc, out, err);
}
