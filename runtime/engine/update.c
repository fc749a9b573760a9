/* SPDX-License-Identifier: MIT */
/* A run that ended, or that nobody carries out, moves to another definition of its workflow and goes on there.
 *
 *   bring to rest ─► plan ─► one commit: snapshot, params, status running, the wish `update`, ours
 *                            │  from here on whoever has the run goes on with this, from the rows and the wish alone
 *                            ├─► parks: what changes its place, or is gone, leaves the way     2,000 rows a commit
 *                            ├─► items that did not succeed, where the list stays          2,000 rows a commit
 *                            ├─► definitions: every task at its place; pending, or as it was   2,000 rows a commit
 *                            └─► the wish is done; the run is loaded anew and goes on
 *
 * Law: before the first commit nothing has happened; after it the plan follows from the two snapshots and what the rows
 * still say, and every step may be done twice. Rows keep their ids and with them their attempts and logs, so a place
 * (task_index) and the number in an id (which names files) may differ from then on. */
#include "engine/update.h"
#include "engine/deferred.h"
#include "engine/sub.h"
#include "engine/workers.h"
#include <string.h>

#define CHUNK 2000

/* Its place when no definition has it: below 0, and of its own. */
static int64_t aside(const ork_id *id)
{
    return -1 - (int64_t)ork_task_number(id);
}

void ork_update_free(struct ork_update *u)
{
    if (!u)
        return;
    ork_free(u->again);
    ork_free(u->same);
    ork_free(u->outside);
    ork_free(u->waits);
    ork_free(u->ends);
    ork_free(u->status);
    ork_free(u->ids);
    ork_free(u->rows);
    ork_free(u);
}

/* ---- the tasks follow ---- */

static bool park(struct ork_active *a, uint32_t *room)
{
    struct ork_update *u = a->update;

    for (; u->parked < u->rows_len; u->parked++) {
        const struct ork_update_row *r = &u->rows[u->parked];
        if (r->index < 0 || r->index == r->no)
            continue;
        if ((*room)-- == 0)
            return false;
        ork_commit_unit(a->engine, ORK_UNIT_TASK_PARK, a, true)->park =
            (struct ork_task_park){.id = r->id, .index = aside(&r->id)};
    }
    return true;
}

/* Of tasks that keep their list: what did not succeed of its items. */
static bool reset_items(struct ork_active *a, uint32_t *room)
{
    struct ork_update *u = a->update;

    for (; u->reset < u->rows_len; u->reset++, u->items = 0) {
        const struct ork_update_row *r = &u->rows[u->reset];
        if (r->no == ORK_NO_TASK || u->again[r->no] != ORK_AGAIN_ITEMS)
            continue;
        while (u->items < r->count) {
            if (*room < CHUNK)
                return false;
            int64_t last = r->count - u->items > CHUNK ? u->items + CHUNK : r->count;
            ork_commit_unit(a->engine, ORK_UNIT_ITEMS_AGAIN, a, true)->items_again = (struct ork_items_again){
                .run_id = a->id, .first = (uint32_t)(r->first + u->items), .last = (uint32_t)(r->first + last - 1)};
            u->items = last;
            *room = 0;
        }
    }
    return true;
}

static bool define(struct ork_active *a, uint32_t *room)
{
    struct ork_update *u = a->update;

    for (; u->defined < a->run.n; u->defined++) {
        const uint32_t no = u->defined;
        if (u->same[no])
            continue;
        if ((*room)-- == 0)
            return false;
        if (ork_id_is_zero(&u->ids[no]))
            ork_task_id(&a->id, u->next++, &u->ids[no]);
        ork_commit_unit(a->engine, ORK_UNIT_TASK_DEFINE, a, true)->define =
            (struct ork_task_define){.id = u->ids[no],
                                     .run_id = a->id,
                                     .workflow = a->workflow,
                                     .no = no,
                                     .again = u->again[no] != ORK_AGAIN_NOT,
                                     .items = u->again[no] == ORK_AGAIN_ITEMS,
                                     .now_ms = ork_engine_now(a->engine)};
    }
    return true;
}

static void on_in_place(void *data, int code, const ork_err *err)
{
    struct ork_active *a = data;
    ork_engine *e = a->engine;
    ork_err why;

    (void)err;
    if (!code && !a->dead && !e->closing) {
        if (ork_recover_again(a, &why) != 0)
            ork_log_warn(&e->log, "run %s: %s", a->text, why.msg);
        else
            ork_command_look(e);
    }
    ork_active_unref(a);
}

void ork_update_go_on(struct ork_active *a)
{
    ork_engine *e = a->engine;
    uint32_t room = CHUNK;

    if (!park(a, &room) || !reset_items(a, &room) || !define(a, &room)) {
        (void)ork_commit_after(e, ORK_AFTER_INSERTED, a, ORK_NO_TASK);
        return;
    }
    ork_commit_unit(e, ORK_UNIT_COMMAND_DONE, a, true)->done =
        (struct ork_command_done){.id = a->update->wish, .now_ms = ork_engine_now(e), .outcome = {"done", 4}};
    ork_active_ref(a);
    ork_commit_call(e, on_in_place, a);
}

/* ---- after a crash ---- */

static int load_snapshot(ork_engine *e, const ork_id *id, ork_workflow **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param q[] = {ORK_P_ID(id)};
    int rc = ork_store_query(e->store, ORK_Q_snapshot_get, q, 1, &rows, err);

    if (!rc && ork_rows_len(rows) == 0) {
        rc = ork_err_set(err, ORK_ENOTFOUND, "the definition the run had is gone from the database");
    } else if (!rc) {
        const char *text = ork_rows_text(rows, 0, "tasks_json");
        rc = ork_workflow_load(ork_rows_text(rows, 0, "name"), text, strlen(text), ork_rows_text(rows, 0, "options"),
                               NULL, NULL, out, err);
    }
    ork_rows_free(rows);
    return rc;
}

static int replan(struct ork_active *a, const char *args, ork_err *err)
{
    json_t *o = NULL;
    ork_workflow *old = NULL;
    ork_id id;
    int rc = ork_json_parse(args, strlen(args), &o, err);
    const char *was = json_string_value(json_object_get(o, "old"));

    if (!rc && was && ork_id_parse(was, strlen(was), &id) == 0 && load_snapshot(a->engine, &id, &old, err) != 0)
        old = NULL; /* it was pruned: then everything counts as changed */
    struct ork_update_plan p = {.engine = a->engine,
                                .run = a->id,
                                .old = old,
                                .now = a->workflow,
                                .params = json_object_get(o, "params"),
                                .part = a->part,
                                .from = json_string_value(json_object_get(o, "from")),
                                .keep = json_is_true(json_object_get(o, "keep"))};
    if (!rc)
        rc = ork_update_plan(&p, &a->update, err);
    ork_update_plan_fini(&p);
    ork_workflow_unref(old);
    json_decref(o);
    return rc;
}

int ork_update_recall(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    int rc = ork_store_query(a->engine->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    for (size_t i = 0; !rc && !a->update && i < ork_rows_len(rows); i++) {
        const char *args = ork_rows_text(rows, i, "args");
        if (strcmp(ork_rows_text(rows, i, "kind"), ORK_WISH_UPDATE) != 0 || ork_rows_text(rows, i, "done_at") || !args)
            continue;
        rc = replan(a, args, err);
        if (!rc)
            (void)ork_rows_id(rows, i, "id", &a->update->wish);
    }
    ork_rows_free(rows);
    return rc;
}

/* ---- the move ---- */

struct moving {
    struct ork_redefine row;
    ork_engine *engine;
    ork_workflow *old, *now; /* owned */
    struct ork_rows *run;    /* owned */
    json_t *changed;         /* owned: names of params */
    json_t *part;            /* owned; NULL: the run is all of its definition */
    char *tasks, *path, *args, hash[65];
    bool done;
    int code;
    ork_err err;
};

static void moving_fini(struct moving *m)
{
    ork_workflow_unref(m->old);
    ork_workflow_unref(m->now);
    ork_rows_free(m->run);
    json_decref(m->changed);
    json_decref(m->part);
    ork_free(m->tasks);
    ork_free(m->path);
    ork_free(m->args);
}

/* What stops it is a pause of our own, which its row never tells: refused, interrupted or killed, it is as it was. */
void ork_update_stop(struct ork_active *a)
{
    struct ork_event pause = {.type = ORK_EV_PAUSE, .task = ORK_NO_TASK};

    a->rested_from = a->run.status;
    a->resting = true;
    (void)ork_active_step(a, &pause);
}

/* Does nothing of it run, nor of the runs of its tasks? What waits has no process: who has the run next waits on. Items
 * that wait for jobs of other services are waited for: what was started there would be started twice. */
static bool rests(struct ork_active *a)
{
    struct ork_live *l, *tmp;

    if (!a->closing && !a->update && !a->copy && !a->run.cancelling &&
        (a->run.status == ORK_RUN_RUNNING || a->run.status == ORK_RUN_PENDING))
        ork_update_stop(a);
    bool rest = !a->closing && a->run.status == ORK_RUN_PAUSED;
    HASH_ITER(hh, a->live, l, tmp)
    {
        struct ork_active *child = ork_sub_of(a->engine, l);
        rest &= l->job      ? !l->job->busy && (!child || rests(child))
                : l->remote ? !ork_run_is_item(&a->run, l->task)
                            : false;
    }
    return rest;
}

static void let_go(struct ork_active *a)
{
    for (struct ork_live *l = a->live; l; l = l->hh.next) {
        struct ork_active *child = ork_sub_of(a->engine, l);
        if (child && !child->closing)
            let_go(child);
    }
    ork_active_release(a);
}

/* What waits, and is to begin anew: true while some of it has not ended. */
static bool end_waits(struct ork_active *a, const struct ork_update *u)
{
    struct ork_live *l, *tmp;
    bool any = false;

    HASH_ITER(hh, a->live, l, tmp)
    {
        const uint32_t no = ork_run_no(&a->run, l->task);
        if (no >= u->ends_len || !u->ends[no])
            continue;
        any = true;
        if (l->remote)
            ork_remote_kill(a, l);
        else if (l->job && !l->job->busy && !l->job->stop)
            ork_deferred_kill(a, l, false);
        if (a->dead || a->closing)
            break;
    }
    return any;
}

/* Nothing of it may be under way when its tasks change: what runs may finish, nothing new starts. u: what of it waits
 * and has to end; NULL: nothing. */
static int bring_to_rest(ork_engine *e, const char *run_id, const struct ork_update *u, ork_err *err)
{
    struct ork_active *a;
    ork_id id;
    int rc = ork_doc_parse_run(run_id, &id, err);

    if (!rc) {
        e->to_rest = id;
        rc = ork_start_claim(e, run_id, err);
    }
    while (!rc && !e->fenced && (a = ork_active_find(e, &id))) {
        bool rest = rests(a);
        if (rest && u && end_waits(a, u))
            rest = false;
        if (e->interrupted)
            rc = ork_err_set(err, ORK_ECANCELLED,
                             "interrupted; nothing of the run changed, and what of it runs may finish");
        if (!a->closing && a->run.status == ORK_RUN_PAUSED && (rc || rest))
            let_go(a);
        (void)ork_engine_step(e, true);
    }
    e->to_rest = (ork_id){{0}};
    e->interrupted = false;
    return rc;
}

static int who_owns(ork_engine *e, const struct ork_rows *run, bool *alive, ork_err *err)
{
    ork_id owner;

    *alive = false;
    if (!ork_rows_id(run, 0, "scheduler_id", &owner))
        return 0;
    if (e->registered && ork_id_eq(&owner, &e->scheduler))
        return ork_err_set(err, ORK_ESTATE, "the run is under way in this program");
    *alive = ork_store_owner_alive(e->store, &owner);
    if (!*alive)
        return 0;
    return ork_err_set(err, ORK_EBUSY,
                       "the run is carried out by another ork (process %lld on %s); `ork cancel` ends it",
                       (long long)ork_rows_int(run, 0, "owner_pid", 0), ork_rows_text(run, 0, "owner_host"));
}

static int open_run(struct moving *m, const char *run_id, ork_err *err)
{
    ork_engine *e = m->engine;
    bool alive;
    int rc = ork_doc_open_run(e, run_id, &m->row.run_id, &m->run, err);

    if (!rc && strcmp(ork_rows_text(m->run, 0, "workflow"), ork_workflow_name(m->now)) != 0)
        rc = ork_err_set(err, ORK_EINVAL, "the run is one of workflow `%s`, the definition is of `%s`",
                         ork_rows_text(m->run, 0, "workflow"), ork_workflow_name(m->now));
    if (!rc)
        rc = who_owns(e, m->run, &alive, err);
    if (!rc && !ork_run_is_final(ork_run_status_parse(ork_rows_text(m->run, 0, "status")))) {
        ork_rows_free(m->run);
        m->run = NULL;
        rc = bring_to_rest(e, run_id, NULL, err);
        if (!rc)
            rc = ork_doc_open_run(e, run_id, &m->row.run_id, &m->run, err);
    }
    if (!rc && !ork_rows_id(m->run, 0, "snapshot_id", &m->row.old_snapshot))
        rc = ork_err_set(err, ORK_ESTATE,
                         "the run has no definition of its own (made by another program?); start it anew");
    if (!rc)
        rc = load_snapshot(e, &m->row.old_snapshot, &m->old, err);
    return rc;
}

/* Names of params that are not what they were. */
static int compare_params(struct moving *m, const char *params, ork_err *err)
{
    const char *stored = ork_rows_text(m->run, 0, "params"), *name;
    json_t *was = NULL, *is = NULL, *value;
    int rc = ork_json_parse(stored ? stored : "{}", stored ? strlen(stored) : 2, &was, err);

    if (!rc)
        rc = ork_json_parse(params, strlen(params), &is, err);
    m->changed = json_array();
    json_object_foreach(is, name, value)
    {
        if (!json_equal(value, json_object_get(was, name)))
            json_array_append_new(m->changed, json_string(name));
    }
    json_object_foreach(was, name, value)
    {
        if (!json_object_get(is, name))
            json_array_append_new(m->changed, json_string(name));
    }
    json_decref(was);
    json_decref(is);
    return rc;
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

/* What waits and runs again begins anew: it ends first, by the definition it began with. */
static int plan(struct moving *m, const char *run_id, struct ork_update_plan *p, struct ork_update **u, ork_err *err)
{
    struct ork_update_plan blank = *p;
    int rc = ork_update_plan(p, u, err);

    if (rc || !(*u)->ends)
        return rc;
    rc = bring_to_rest(m->engine, run_id, *u, err);
    ork_update_free(*u);
    *u = NULL;
    ork_update_plan_fini(p);
    *p = blank;
    ork_rows_free(m->run);
    m->run = NULL;
    if (!rc)
        rc = ork_doc_open_run(m->engine, run_id, &m->row.run_id, &m->run, err);
    return rc ? rc : ork_update_plan(p, u, err);
}

static int write_wish(struct moving *m, const struct ork_update_opts *o, ork_err *err)
{
    char old[ORK_ID_TEXT];
    size_t n;

    ork_id_format(&m->row.old_snapshot, old);
    json_t *args = json_pack("{s:s s:O s:b}", "old", old, "params", m->changed, "keep", o->keep);
    if (o->from)
        json_object_set_new(args, "from", json_string(o->from));
    int rc = ork_json_text(args, &m->args, &n, err);
    json_decref(args);
    m->row.wish = (struct ork_command_new){.id = ork_id_new(&m->engine->ids),
                                           .run_id = m->row.run_id,
                                           .kind = ORK_WISH_UPDATE,
                                           .args = text_of(m->args),
                                           .by = {"ork", 3},
                                           .now_ms = m->row.now_ms};
    return rc;
}

static void fill_row(struct moving *m, const ork_workflow *w, const struct ork_update *u, const char *params)
{
    struct ork_redefine *r = &m->row;
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < ork_workflow_len(m->now); i++)
        fresh += ork_id_is_zero(&u->ids[i]);
    (void)ork_rows_id(m->run, 0, "workflow_id", &r->workflow_id);
    m->path = ork_start_script_path(w);
    r->old_status = ork_run_status_parse(ork_rows_text(m->run, 0, "status"));
    r->snapshot_id = ork_id_new(&m->engine->ids);
    r->hash = (struct ork_text){m->hash, 64};
    r->options_json = text_of(ork_workflow_options_json(w));
    r->source_json = text_of(ork_workflow_source_json(w));
    r->params = text_of(params);
    r->script_dir = text_of(ork_workflow_dir(w));
    r->script_path = text_of(m->path);
    r->run_timeout_ms = ork_workflow_limits(w)->run_timeout_ms;
    r->tasks_total = ork_workflow_len(w);
    r->next_index = u->next + fresh;
}

static void on_moved(void *data, int code, const ork_err *err)
{
    struct moving *m = data;
    struct ork_active *a = NULL;

    m->code = code;
    if (code && err)
        m->err = *err;
    if (!code && m->row.moved)
        m->code = ork_recover_run(m->engine, &m->row.run_id, m->now, &a, &m->err);
    m->done = true;
}

static int move(struct moving *m, ork_err *err)
{
    ork_engine *e = m->engine;
    int rc = ork_commit_possible(e, err);

    if (rc)
        return rc;
    ork_start_pools(e, m->now);
    ork_commit_unit(e, ORK_UNIT_REDEFINE, NULL, true)->redefine = &m->row;
    ork_commit_answer(e, on_moved, m);
    rc = ork_engine_drive(e, &m->done, err);
    if (!rc && m->code) {
        *err = m->err;
        rc = m->code;
    }
    if (!rc && !m->row.moved)
        rc = ork_err_set(err, ORK_EBUSY, "another ork took the run meanwhile");
    return rc;
}

int ork_run_update(ork_engine *e, const char *run_id, ork_workflow *w, const struct ork_update_opts *o, char **report,
                   ork_err *err)
{
    struct moving m = {.engine = e};
    struct ork_update_plan p = {.engine = e, .from = o->from, .keep = o->keep};
    struct ork_update *u = NULL;
    char *params = o->params ? ork_strdup(o->params) : NULL;
    ork_err own;
    size_t n = 0;

    if (!err)
        err = &own;
    int rc = ork_engine_register(e, err);
    if (!rc)
        rc = ork_inline_may_start(e, w, err);
    if (!rc)
        rc = ork_workers_may_start(e, w, err);
    if (!rc)
        rc = ork_workflow_hash(w, m.hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(w, &m.tasks, &n, err);
    if (!rc) /* as it will be stored: texts can be compared then */
        rc = ork_workflow_load(ork_workflow_name(w), m.tasks, n, ork_workflow_options_json(w),
                               ork_workflow_source_json(w), ork_workflow_dir(w), &m.now, err);
    if (!rc)
        rc = open_run(&m, run_id, err);
    if (!rc && !params)
        params = ork_strdup(ork_rows_text(m.run, 0, "params") ? ork_rows_text(m.run, 0, "params") : "{}");
    if (!rc)
        rc = compare_params(&m, params, err);
    if (!rc) {
        p.run = m.row.run_id;
        p.old = m.old;
        p.now = m.now;
        p.params = m.changed;
        p.part = m.part = ork_rows_text(m.run, 0, "part") ? json_loads(ork_rows_text(m.run, 0, "part"), 0, NULL) : NULL;
        rc = plan(&m, run_id, &p, &u, err);
    }
    if (!rc && p.runs == 0)
        rc = ork_err_set(err, ORK_ESTATE, "every task of the run succeeded, and the definition asks for nothing more");
    if (!rc && report)
        *report = ork_update_report(&p, err);
    if (!rc) {
        m.row.now_ms = ork_engine_now(e);
        m.row.tasks_json = (struct ork_text){m.tasks, n};
        fill_row(&m, w, u, params);
        rc = write_wish(&m, o, err);
    }
    if (!rc)
        rc = move(&m, err);
    if (rc && report) {
        ork_free(*report);
        *report = NULL;
    }
    ork_free(params);
    ork_update_free(u);
    ork_update_plan_fini(&p);
    moving_fini(&m);
    return rc;
}
