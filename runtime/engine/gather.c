/* SPDX-License-Identifier: MIT */
/* Fan-in: what the items of a task left, as one list in their order. Read from the database page by page when somebody
 * needs it, once for all who want the same list meanwhile. A list that may be an input stays among the outputs
 * (outputs.h), the outputs of single items do not. An item without a row never began; what became of it its task's
 * status says. */
#include "engine/engine.h"
#include <string.h>

#define PAGE 2000
#define MOST_BYTES (64u << 20) /* of what is held in memory for one reader */

struct reader {
    ork_gather_cb done;
    void *data;
    struct reader *next;
};
struct ork_gather {
    struct ork_active *a; /* counted */
    uint32_t task, next;  /* next: place in the list of the next row's item */
    bool results;
    json_t *list;
    size_t bytes;
    struct reader first, **end; /* first.next: owned list */
    bool stale;                 /* the task runs again: for those who asked before */
    struct ork_gather *next_one;
};

static const struct ork_run_fan *fan_of(const struct ork_gather *g)
{
    return ork_run_fan(&g->a->run, g->task);
}

static int kept_as(bool results)
{
    return results ? ORK_CACHED_RESULTS : ORK_CACHED_ITEMS;
}

static void finish(struct ork_gather *g, int code, const ork_err *err)
{
    struct ork_gather **p = &g->a->gathers;

    while (*p != g)
        p = &(*p)->next_one;
    *p = g->next_one; /* who asks now asks anew */
    if (!code && !g->stale && !g->a->dead && g->bytes <= ORK_INPUT_MAX)
        ork_outputs_put(g->a->engine, &g->a->id, g->task, kept_as(g->results), g->list);
    g->first.done(g->first.data, code ? NULL : g->list, code, err);
    for (struct reader *r; (r = g->first.next);) {
        g->first.next = r->next;
        r->done(r->data, code ? NULL : g->list, code, err);
        ork_free(r);
    }
    json_decref(g->list);
    ork_active_unref(g->a);
    ork_free(g);
}

/* Takes output. */
static void add(struct ork_gather *g, const char *status, json_t *output, const char *error)
{
    if (!g->results) {
        json_array_append_new(g->list, output ? output : json_null());
        return;
    }
    const json_t *item = ork_fan_item(g->a, fan_of(g)->first + g->next);
    json_array_append_new(g->list,
                          json_pack("{s:O, s:s, s:o, s:o}", "item", item, "status", status, "output",
                                    output ? output : json_null(), "error", error ? json_string(error) : json_null()));
}

const char *ork_gather_absent(int parent)
{
    switch (parent) {
    case ORK_TASK_FAILED:
    case ORK_TASK_SKIPPED:
        return "skipped";
    case ORK_TASK_CANCELLED:
        return "cancelled";
    default:
        return "pending";
    }
}

/* Up to, not including, the item at place `till`. */
static void add_absent(struct ork_gather *g, uint32_t till)
{
    for (; g->next < till; g->next++)
        add(g, ork_gather_absent(g->a->run.tasks[g->task].status), NULL, NULL);
}

static int add_row(struct ork_gather *g, const struct ork_rows *rows, size_t i, ork_err *err)
{
    const char *text = ork_rows_text(rows, i, "output"), *error = ork_rows_text(rows, i, "error");
    json_t *output = NULL;

    add_absent(g, (uint32_t)ork_rows_int(rows, i, "task_index", 0) - fan_of(g)->number);
    g->bytes += (text ? strlen(text) : 0) + (error ? strlen(error) : 0) + 64;
    if (g->bytes > MOST_BYTES)
        return ork_err_set(
            err, ORK_ETOOBIG,
            "what the items of `%s` returned is more than %u MiB together: let them return names of files",
            ork_workflow_task_name(g->a->workflow, g->task), MOST_BYTES >> 20);
    int rc = text ? ork_json_parse(text, strlen(text), &output, err) : 0;
    if (rc)
        return rc;
    add(g, ork_rows_text(rows, i, "status"), output, error);
    g->next++;
    return 0;
}

static void read_page(struct ork_gather *g);

static void on_page(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    struct ork_gather *g = data;
    size_t n = 0;
    ork_err why = {0};

    g->a->engine->works--;
    if (code)
        why = *err;
    if (!code && !fan_of(g))
        code = ork_err_set(&why, ORK_ECANCELLED, "the task runs again");
    for (n = 0; !code && n < ork_rows_len(rows); n++)
        code = add_row(g, rows, n, &why);
    ork_rows_free(rows);
    if (code) {
        finish(g, code, &why);
        return;
    }
    if (n < PAGE) {
        add_absent(g, fan_of(g)->count);
        finish(g, 0, NULL);
        return;
    }
    read_page(g);
}

static void read_page(struct ork_gather *g)
{
    const struct ork_run_fan *f = fan_of(g);
    struct ork_param p[] = {ORK_P_ID(&g->a->id), ORK_P_INT(f->number + g->next),
                            ORK_P_INT((int64_t)f->number + f->count - 1), ORK_P_INT(PAGE)};

    g->a->engine->works++;
    ork_store_read(g->a->engine->store, ORK_Q_items_list, p, 4, on_page, g);
}

/* false: nobody reads that list. */
static bool join(struct ork_active *a, uint32_t task, bool results, ork_gather_cb done, void *data)
{
    struct ork_gather *g = a->gathers;

    while (g && (g->task != task || g->results != results || g->stale))
        g = g->next_one;
    if (!g)
        return false;
    struct reader *r = ork_alloc(sizeof(*r));
    *r = (struct reader){.done = done, .data = data};
    *g->end = r;
    g->end = &r->next;
    return true;
}

void ork_gather(struct ork_active *a, uint32_t task, bool results, ork_gather_cb done, void *data)
{
    json_t *kept = NULL;

    if (ork_outputs_get(a->engine, &a->id, task, kept_as(results), &kept)) {
        json_incref(kept);
        done(data, kept, 0, NULL);
        json_decref(kept);
        return;
    }
    if (join(a, task, results, done, data))
        return;
    struct ork_gather *g = ork_zalloc(sizeof(*g));
    ork_active_ref(a);
    *g = (struct ork_gather){.a = a, .task = task, .results = results, .list = json_array()};
    g->first = (struct reader){.done = done, .data = data};
    g->end = &g->first.next;
    g->next_one = a->gathers;
    a->gathers = g;
    if (fan_of(g)->count)
        read_page(g);
    else
        finish(g, 0, NULL);
}

void ork_gather_forget(struct ork_active *a, uint32_t task)
{
    for (struct ork_gather *g = a->gathers; g; g = g->next_one)
        g->stale |= g->task == task;
    ork_outputs_forget(a, task, ORK_CACHED_ITEMS);
    ork_outputs_forget(a, task, ORK_CACHED_RESULTS);
}
