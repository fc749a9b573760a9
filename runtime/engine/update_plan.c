/* SPDX-License-Identifier: MIT */
/* What becomes of each task when its run moves to another definition. Law: the plan depends on the two definitions, the
 * params that changed and the rows alone, and a task that was brought where the plan wants it is planned there again.
 *
 * A task runs when it did not succeed, when its definition or a param it refers to changed, when it comes after one of
 * those, and (`finally`) when any ordinary task runs. Everything else stays, with its output. */
#include "engine/update.h"
#include "engine/deferred.h"
#include <string.h>

#define NAMES 20 /* listed by name; of more only the number is told */

void ork_update_plan_fini(struct ork_update_plan *p)
{
    json_decref(p->changed);
    json_decref(p->fresh);
    json_decref(p->gone);
    json_decref(p->stale);
    p->changed = p->fresh = p->gone = p->stale = NULL;
}

static void name_it(json_t **list, uint32_t *n, const char *name)
{
    if (!*list)
        *list = json_array();
    if ((*n)++ < NAMES)
        json_array_append_new(*list, json_string(name));
}

/* ---- references to params ---- */

static bool is_ref_to(const json_t *ref, const char *param)
{
    if (json_is_array(ref)) {
        const char *root = json_string_value(json_array_get(ref, 0)), *name = json_string_value(json_array_get(ref, 1));
        return root && name && strcmp(root, "params") == 0 && strcmp(name, param) == 0;
    }
    const char *text = json_string_value(ref);
    size_t n = strlen(param);
    return text && strncmp(text, "params.", 7) == 0 && strncmp(text + 7, param, n) == 0 &&
           (text[7 + n] == '\0' || text[7 + n] == '.');
}

static bool refers(const json_t *tree, const json_t *params)
{
    const json_t *v, *name;
    const char *key;
    size_t i;

    if (json_is_object(tree)) {
        const json_t *ref = json_object_get(tree, "ref");
        json_array_foreach(params, i, name)
        {
            if (ref && is_ref_to(ref, json_string_value(name)))
                return true;
        }
        json_object_foreach((json_t *)(uintptr_t)tree, key, v)
        {
            if (strcmp(key, "const") != 0 && refers(v, params))
                return true;
        }
    }
    json_array_foreach(tree, i, v)
    {
        if (refers(v, params))
            return true;
    }
    return false;
}

static bool uses_params(const ork_workflow *w, uint32_t no, const json_t *params)
{
    const char *text = ork_workflow_text(w, ork_workflow_def(w, no)->params);

    if (json_array_size(params) == 0 || !strstr(text, "\"ref\""))
        return false;
    json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);
    bool yes = refers(tree, params);
    json_decref(tree);
    return yes;
}

/* ---- rows ---- */

/* By the definition its attempt began with. */
static bool waits(const struct ork_update_plan *p, const char *name)
{
    const ork_workflow *w = p->old ? p->old : p->now;
    uint32_t no;

    return ork_workflow_find(w, name, strlen(name), &no) == 0 && ork_deferred_is(w, no);
}

/* Of rows by place: does it wait for jobs that its process or function left behind? */
static bool left_jobs(const struct ork_rows *jobs, int64_t index)
{
    size_t low = 0, high = ork_rows_len(jobs); /* by place, too */

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ork_rows_int(jobs, mid, "task_index", -1) < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low < ork_rows_len(jobs) && ork_rows_int(jobs, low, "task_index", -1) == index;
}

/* By its row it runs, and nobody carries the run out: a function that ended with its program. */
static bool was_call(const struct ork_update_plan *p, const char *name)
{
    uint32_t no;

    return ork_workflow_find(p->old, name, strlen(name), &no) == 0 && ork_call_is(p->old, no);
}

static int read_rows(struct ork_update_plan *p, struct ork_update *u, ork_err *err)
{
    struct ork_rows *rows = NULL, *jobs = NULL;
    struct ork_param q[] = {ORK_P_ID(&p->run)};
    int rc = ork_store_query(p->engine->store, ORK_Q_tasks_load, q, 1, &rows, err);

    u->rows = ork_zalloc((ork_rows_len(rows) + 1) * sizeof(*u->rows));
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        struct ork_update_row *r = &u->rows[u->rows_len++];
        const char *name = ork_rows_text(rows, i, "task_name");
        int status = ork_task_status_parse(ork_rows_text(rows, i, "status"));
        r->index = ork_rows_int(rows, i, "task_index", -1);
        r->first = ork_rows_int(rows, i, "map_first", 0);
        r->count = ork_rows_int(rows, i, "map_count", -1);
        if (!ork_rows_id(rows, i, "id", &r->id) || !ork_task_is_of(&r->id, &p->run)) {
            rc = ork_err_set(err, ORK_ESTATE, "the run was made by another program and cannot change its definition");
            break;
        }
        if (ork_task_number(&r->id) >= u->next)
            u->next = ork_task_number(&r->id) + 1;
        bool under_way = status == ORK_TASK_DISPATCHED || status == ORK_TASK_RUNNING;
        r->waits = under_way && waits(p, name);
        if (under_way && r->count < 0 && !r->waits && !jobs &&
            (rc = ork_store_query(p->engine->store, ORK_Q_jobs_open, q, 1, &jobs, err)) != 0)
            break;
        if (under_way && r->count < 0 && !r->waits)
            r->waits = left_jobs(jobs, r->index);
        if (under_way && r->count < 0 && !r->waits && was_call(p, name)) { /* see begun.c */
            under_way = false;
            status = ORK_TASK_PENDING;
        }
        /* one that has items is under way as long as one of them is not final, also while none runs */
        if (under_way && r->count < 0 && !r->waits)
            rc = ork_err_set(err, ORK_ESTATE, "task `%s` of the run is still under way", name);
        if (ork_workflow_find(p->now, name, strlen(name), &r->no) != 0) {
            r->no = ORK_NO_TASK;
            if (r->index >= 0)
                name_it(&p->gone, &p->gone_n, name);
            continue;
        }
        u->ids[r->no] = r->id;
        u->status[r->no] = (uint8_t)status;
        u->waits[r->no] = r->waits && r->count < 0;
    }
    ork_rows_free(jobs);
    ork_rows_free(rows);
    return rc;
}

/* Is what the row holds of the definition what the new one says, too? */
static bool same_row(const struct ork_update_plan *p, uint32_t no)
{
    struct ork_buf a = ORK_BUF_INIT, b = ORK_BUF_INIT;
    const char *name = ork_workflow_task_name(p->now, no);
    uint32_t was;
    ork_err none;
    bool same = ork_workflow_find(p->old, name, strlen(name), &was) == 0 &&
                ork_workflow_params_json(p->old, was, &a, &none) == 0 &&
                ork_workflow_params_json(p->now, no, &b, &none) == 0 && strcmp(a.data, b.data) == 0;

    if (same) {
        ork_buf_clear(&a);
        ork_buf_clear(&b);
        ork_workflow_depends_json(p->old, was, &a);
        ork_workflow_depends_json(p->now, no, &b);
        same = strcmp(a.data, b.data) == 0;
    }
    ork_buf_fini(&a);
    ork_buf_fini(&b);
    return same;
}

/* ---- deciding ---- */

/* Tasks whose definition changed, by differs[]; what they and `from` draw along is marked in u->again. */
static int mark(struct ork_update_plan *p, struct ork_update *u, const uint8_t *differs, ork_err *err)
{
    const uint32_t n = ork_workflow_len(p->now);
    uint32_t first;

    for (uint32_t i = 0; i < n; i++) {
        const char *name = ork_workflow_task_name(p->now, i);
        const bool known = !ork_id_is_zero(&u->ids[i]);
        if (u->outside && u->outside[i])
            continue;
        if (!known) {
            name_it(&p->fresh, &p->fresh_n, name);
        } else if (differs[i] != ORK_DIFFER_NOT || uses_params(p->now, i, p->params)) {
            if (p->keep && u->status[i] == ORK_TASK_SUCCESS) {
                name_it(&p->stale, &p->stale_n, name);
                continue;
            }
            u->again[i] = !p->keep || u->waits[i];
            if (u->status[i] == ORK_TASK_SUCCESS)
                name_it(&p->changed, &p->changed_n, name);
        }
    }
    const int rc = p->from ? ork_part_find(p->now, p->from, &first, err) : 0;
    if (rc)
        return rc;
    if (p->from)
        u->again[first] = 1;
    ork_workflow_follow(p->now, u->again);
    return 0;
}

/* "each":{"over":…} of a task; owned. */
static json_t *over_of(const ork_workflow *w, uint32_t no)
{
    json_t *params = json_loads(ork_workflow_text(w, ork_workflow_def(w, no)->params), JSON_DECODE_ANY, NULL);
    json_t *over = json_incref(json_object_get(json_object_get(params, "each"), "over"));

    json_decref(params);
    return over;
}

/* Is it written in both definitions, and with the params there are now, what its list is made of? */
static bool same_list(const struct ork_update_plan *p, uint32_t no)
{
    const char *name = ork_workflow_task_name(p->now, no);
    uint32_t was;

    if (!p->old || ork_workflow_find(p->old, name, strlen(name), &was) != 0)
        return false;
    json_t *a = over_of(p->old, was), *b = over_of(p->now, no);
    bool same = a && json_equal(a, b) && !refers(b, p->params);
    json_decref(a);
    json_decref(b);
    return same;
}

/* The list of a task that did not succeed is the same when nothing that it is made of runs again. */
static void keep_items(const struct ork_update_plan *p, struct ork_update *u, const uint8_t *whole)
{
    const struct ork_csr *deps = ork_workflow_deps(p->now);

    for (uint32_t i = 0; i < ork_workflow_len(p->now); i++) {
        bool same = u->again[i] && !whole[i] && (ork_workflow_def(p->now, i)->flags & ORK_TASK_EACH);
        for (uint32_t e = deps->first[i]; same && e < deps->first[i + 1]; e++)
            same = !u->again[deps->to[e]];
        if (same && same_list(p, i))
            u->again[i] = ORK_AGAIN_ITEMS;
    }
}

static void decide(struct ork_update_plan *p, struct ork_update *u)
{
    const uint32_t n = ork_workflow_len(p->now);
    bool ordinary = false;

    for (int last = 0; last < 2; last++) { /* `finally` is decided after the others */
        for (uint32_t i = 0; i < n; i++) {
            if (!!(ork_workflow_def(p->now, i)->flags & ORK_TASK_FINALLY) != last)
                continue;
            if (u->outside && u->outside[i]) { /* skipped it stays, or is when the run goes on, also if it failed */
                u->again[i] = u->status[i] != ORK_TASK_SUCCESS && u->status[i] != ORK_TASK_SKIPPED;
                continue;
            }
            u->again[i] |= (u->status[i] != ORK_TASK_SUCCESS && !u->waits[i]) || (last && ordinary);
            const bool runs = u->again[i] || u->waits[i];
            ordinary |= !last && runs;
            p->runs += runs;
            p->kept += !runs;
        }
    }
}

/* Waits that go on are left alone; the others end before their tasks change, items always. */
static void find_ends(struct ork_update *u)
{
    for (size_t i = u->rows_len; i-- > 0;) { /* by place: the first has the highest */
        const struct ork_update_row *r = &u->rows[i];
        if (!r->waits || r->index < 0 || (r->no != ORK_NO_TASK && u->waits[r->no] && !u->again[r->no]))
            continue;
        if (!u->ends) {
            u->ends_len = (uint32_t)r->index + 1;
            u->ends = ork_zalloc(u->ends_len);
        }
        u->ends[r->index] = 1;
    }
}

int ork_update_plan(struct ork_update_plan *p, struct ork_update **out, ork_err *err)
{
    const uint32_t n = ork_workflow_len(p->now);
    struct ork_update *u = ork_zalloc(sizeof(*u));
    uint8_t *differs = ork_alloc((size_t)n + 1);

    u->ids = ork_zalloc(((size_t)n + 1) * sizeof(*u->ids));
    u->status = ork_zalloc((size_t)n + 1);
    u->again = ork_zalloc((size_t)n + 1);
    u->waits = ork_zalloc((size_t)n + 1);
    u->same = ork_zalloc((size_t)n + 1);
    memset(differs, ORK_DIFFER_CHANGED, (size_t)n + 1);
    if (p->old)
        ork_workflow_differ(p->old, p->now, differs);
    int rc = ork_part_outside(p->now, p->part, &u->outside, err);
    if (!rc)
        rc = read_rows(p, u, err);
    if (!rc)
        rc = mark(p, u, differs, err);
    if (!rc) {
        uint8_t *whole = ork_alloc((size_t)n + 1);
        memcpy(whole, u->again, (size_t)n + 1);
        decide(p, u);
        keep_items(p, u, whole);
        ork_free(whole);
        find_ends(u);
    }
    for (size_t i = 0; !rc && p->old && i < u->rows_len; i++) {
        const struct ork_update_row *r = &u->rows[i];
        if (r->no != ORK_NO_TASK && r->index == r->no && !u->again[r->no] && differs[r->no] == ORK_DIFFER_NOT)
            u->same[r->no] = same_row(p, r->no);
    }
    ork_free(differs);
    if (rc)
        ork_update_free(u);
    else
        *out = u;
    return rc;
}

char *ork_update_report(const struct ork_update_plan *p, ork_err *err)
{
    char *text = NULL;
    size_t n;
    json_t *o = json_pack("{s:I s:I s:I s:I s:I s:I}", "runs", (json_int_t)p->runs, "kept", (json_int_t)p->kept,
                          "changed_count", (json_int_t)p->changed_n, "new_count", (json_int_t)p->fresh_n, "gone_count",
                          (json_int_t)p->gone_n, "stale_count", (json_int_t)p->stale_n);
    const struct {
        const char *key;
        json_t *names;
    } lists[] = {{"changed", p->changed}, {"new", p->fresh}, {"gone", p->gone}, {"stale", p->stale}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        json_object_set_new(o, lists[i].key, lists[i].names ? json_incref(lists[i].names) : json_array());
    if (ork_json_text(o, &text, &n, err) != 0)
        text = NULL;
    json_decref(o);
    return text;
}
