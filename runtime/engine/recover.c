/* SPDX-License-Identifier: MIT */
/* Loading a run from the database: after a restart, a take-over, a retry, or when the database refused one of its
 * values. The rows are the truth; memory is rebuilt from them and the core decides what is due. Attempts under way are
 * asked of their agent, never assumed.
 *
 * Reads block here: this happens once per run, before anything of it can go on. */
#include "base/path.h"
#include "engine/sub.h"
#include "engine/update.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int load_workflow(ork_engine *e, const struct ork_rows *run, ork_workflow **out, ork_err *err)
{
    struct ork_rows *rows = NULL;
    ork_id snapshot;

    if (!ork_rows_id(run, 0, "snapshot_id", &snapshot))
        return ork_err_set(err, ORK_ESTATE,
                           "the run has no snapshot of its definition (made by another program?); start it anew");
    struct ork_param p[] = {ORK_P_ID(&snapshot)};
    int rc = ork_store_query(e->store, ORK_Q_snapshot_get, p, 1, &rows, err);
    if (rc)
        return rc;
    if (ork_rows_len(rows) == 0) {
        rc = ork_err_set(err, ORK_ECORRUPT, "the snapshot of the run's definition is gone from the database");
    } else {
        const char *tasks = ork_rows_text(rows, 0, "tasks_json"), *options = ork_rows_text(rows, 0, "options");
        rc = ork_workflow_load(ork_rows_text(rows, 0, "name"), tasks, strlen(tasks), options,
                               ork_rows_text(rows, 0, "source"), ork_rows_text(run, 0, "script_dir"), out, err);
    }
    ork_rows_free(rows);
    return rc;
}

static void load_run_row(struct ork_active *a, const struct ork_rows *r)
{
    const char *params = ork_rows_text(r, 0, "params"), *dir = ork_rows_text(r, 0, "script_dir"),
               *error = ork_rows_text(r, 0, "error"), *part = ork_rows_text(r, 0, "part"),
               *output = ork_rows_text(r, 0, "output");
    int cancel = (int)ork_rows_int(r, 0, "cancel_reason", 0);
    int64_t next = ork_rows_int(r, 0, "next_task_index", 0);

    if (next > ORK_ITEMS_FROM)
        a->next_number = (uint32_t)next;

    (void)ork_rows_id(r, 0, "snapshot_id", &a->snapshot);
    (void)ork_rows_id(r, 0, "parent_task_id", &a->parent_task);
    a->output = output ? ork_strdup(output) : NULL;
    a->params = params ? json_loads(params, JSON_DECODE_ANY, NULL) : NULL;
    if (!a->params)
        a->params = json_object();
    a->script_dir = dir ? ork_strdup(dir) : NULL;
    a->part = part ? json_loads(part, 0, NULL) : NULL;
    a->error = error ? ork_strdup(error) : NULL;
    a->created_ms = ork_rows_time(r, 0, "created_at");
    a->started_ms = ork_rows_time(r, 0, "started_at");
    a->finished_ms = ork_rows_time(r, 0, "finished_at");
    a->logical_ms = ork_rows_time(r, 0, "logical_at");
    a->scheduled_for_ms = ork_rows_time(r, 0, "scheduled_for");
    if (!a->logical_ms)
        a->logical_ms = a->scheduled_for_ms ? a->scheduled_for_ms : a->created_ms;
    a->run_timeout_ms = ork_rows_int(r, 0, "run_timeout_ms", 0);
    if (!a->run_timeout_ms)
        a->run_timeout_ms = ork_workflow_limits(a->workflow)->run_timeout_ms;
    a->run.status = (uint8_t)ork_run_status_parse(ork_rows_text(r, 0, "status"));
    a->run.cancel_reason = (uint8_t)cancel;
    a->run.cancelling = cancel != ORK_CANCEL_NONE && !ork_run_is_final(a->run.status);
    a->run.killed = ork_rows_int(r, 0, "killed", 0) != 0;
    if (a->run.cancelling && cancel == ORK_CANCEL_USER && error)
        a->cancel_why = ork_strdup(error);
}

/* run_timeout begins anew with a person's retry. */
static int load_limit(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};

    a->limited_ms = a->started_ms;
    if (a->run_timeout_ms <= 0)
        return 0;
    int rc = ork_store_query(a->engine->store, ORK_Q_commands_of_run, p, 1, &rows, err);
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        const char *outcome = ork_rows_text(rows, i, "outcome");
        int64_t at = ork_rows_time(rows, i, "done_at");
        const char *kind = ork_rows_text(rows, i, "kind");
        if ((strcmp(kind, "retry") == 0 || strcmp(kind, ORK_WISH_UPDATE) == 0) && outcome &&
            strcmp(outcome, "done") == 0 && at > a->limited_ms)
            a->limited_ms = at;
    }
    ork_rows_free(rows);
    return rc;
}

struct ork_run_task *ork_recover_row(struct ork_active *a, uint32_t task, const struct ork_rows *rows, size_t i)
{
    struct ork_run_task *t = &a->run.tasks[task];
    const char *word = ork_rows_text(rows, i, "kind");
    int status = ork_task_status_parse(ork_rows_text(rows, i, "status")), kind = ork_kind_parse(word ? word : "");

    t->status = (uint8_t)(status < 0 ? ORK_TASK_PENDING : status);
    t->kind = (uint8_t)(kind < 0 ? ORK_KIND_NONE : kind);
    t->attempt = (uint32_t)ork_rows_int(rows, i, "attempt", 0);
    t->failures = (uint16_t)ork_rows_int(rows, i, "attempts", 0);
    t->lost = (uint16_t)ork_rows_int(rows, i, "lost", 0);
    t->retry_at_ms = ork_rows_time(rows, i, "retry_at");
    a->shown[task] = t->status;
    return t;
}

static int load_tasks(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    int rc = ork_store_query(a->engine->store, ORK_Q_tasks_load, p, 1, &rows, err);
    ork_id id, derived;

    if (rc)
        return rc;
    uint32_t there = 0;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        int64_t index = ork_rows_int(rows, i, "task_index", -1);
        if (index < 0 || index >= a->run.n)
            continue; /* the definition has it no more */
        there++;
        (void)ork_recover_row(a, (uint32_t)index, rows, i);
        if (ork_rows_int(rows, i, "map_count", -1) >= 0 && ork_rows_id(rows, i, "id", &id))
            rc = ork_fan_load(a, (uint32_t)index, &id, ork_rows_time(rows, i, "started_at"), err);
        if (rc)
            break;
        if (!ork_rows_id(rows, i, "id", &id))
            continue;
        ork_task_id(&a->id, (uint32_t)index, &derived);
        if (!ork_id_eq(&id, &derived) && !a->ids) {
            a->engine->foreign_ids |= !ork_task_is_of(&id, &a->id);
            a->ids = ork_zalloc(a->run.n * sizeof(*a->ids));
            for (uint32_t k = 0; k < a->run.n; k++)
                ork_task_id(&a->id, k, &a->ids[k]);
        }
        if (a->ids)
            a->ids[index] = id;
    }
    if (a->ids)
        ork_active_number(a);
    a->inserted = there < a->run.n ? there / 2000 * 2000 : a->run.n;
    ork_rows_free(rows);
    return rc;
}

/* "<data>/agent/s" → "<data>/agent"; NULL when it is our own or unknown. */
static char *foreign_agent_dir(ork_engine *e, const char *socket)
{
    if (!socket || !*socket)
        return NULL;
    char *dir = ork_path_dirname(socket), *own = ork_path_join(e->data_dir, "agent");
    struct stat st;
    bool foreign = strcmp(dir, own) != 0 && stat(dir, &st) == 0;

    ork_free(own);
    if (foreign)
        return dir;
    ork_free(dir);
    return NULL;
}

static int load_attempts(struct ork_active *a, ork_err *err)
{
    ork_engine *e = a->engine;
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    int rc = ork_store_query(e->store, ORK_Q_attempts_live, p, 1, &rows, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < ork_rows_len(rows); i++) {
        int64_t number = ork_rows_int(rows, i, "task_index", -1);
        uint32_t attempt = (uint32_t)ork_rows_int(rows, i, "attempt", 0);
        uint32_t index = number < 0 ? ORK_NO_TASK : ork_run_by_number(&a->run, (uint32_t)number);
        if (index == ORK_NO_TASK || a->run.tasks[index].attempt != attempt || ork_active_live(a, index))
            continue;
        struct ork_live *l = ork_active_live_new(a, index, attempt);
        const char *boot = ork_rows_text(rows, i, "boot_id"), *host = ork_rows_text(rows, i, "host"),
                   *log = ork_rows_text(rows, i, "log_path");
        const char *pid = ork_rows_text(rows, i, "execution_name");
        l->committed = l->adopted = l->unmasked = true;
        l->log_path = log ? ork_strdup(log) : NULL;
        l->input_path = log ? ork_active_beside(log, "in") : NULL; /* if it had one */
        l->started_ms = ork_rows_time(rows, i, "started_at");
        l->dispatched_ms = ork_rows_time(rows, i, "dispatched_at");
        l->pid = pid ? (int32_t)strtol(pid, NULL, 10) : 0;
        bool elsewhere = host && *host && strcmp(host, e->host) != 0;
        l->host_lost = elsewhere || (boot && *boot && strcmp(boot, e->boot_id) != 0);
        (void)ork_rows_id(rows, i, "agent_id", &l->agent);
        if (!a->hand && !(elsewhere && ork_store_remote(e->store))) { /* a path of another machine means nothing here */
            char *dir = foreign_agent_dir(e, ork_rows_text(rows, i, "socket"));
            ork_err none;
            if (dir)
                ork_hands_use(a, ork_hands_for(e, dir, &none)); /* else the own agent is asked */
            ork_free(dir);
        }
    }
    ork_rows_free(rows);
    return 0;
}

/* Rows that say an attempt is under way but keep no record of it (the original wrote such) can never be settled by
 * anyone. */
static void settle_unknown(struct ork_active *a)
{
    for (uint32_t i = 0; i < a->run.len && a->run.live; i++) {
        int status = a->run.tasks[i].status;
        if ((status == ORK_TASK_DISPATCHED || status == ORK_TASK_RUNNING) && !ork_run_fan(&a->run, i) &&
            !ork_active_live(a, i)) {
            struct ork_live *l = ork_active_live_new(a, i, a->run.tasks[i].attempt);
            l->committed = true;
            struct ork_limits_place place;
            ork_active_place(a, i, &place);
            (void)ork_limits_adopt_at(a->engine->limits, a->limits, &place);
            ork_settle_lost(a, i, "lost: nothing is known of the process that ran it");
        }
    }
}

/* What is under way holds its places again, also in the store: the slots of a dead scheduler were given back with it.
 */
static void adopt(struct ork_active *a)
{
    struct ork_live *l, *tmp;

    HASH_ITER(hh, a->live, l, tmp)
    {
        const char *pool = ork_active_pool(a, l->task);
        struct ork_limits_place place;
        ork_active_place(a, l->task, &place);
        if (!ork_active_keeps_place(&place) || l->remote)
            continue;
        uint32_t more = ork_limits_adopt_at(a->engine->limits, a->limits, &place);
        if (more)
            ork_pools_keep(a->engine, pool, more);
    }
}

/* Continues what ork_recover_run loaded; also used when the database refused a value and the run starts over from its
 * rows. */
static void go_on(struct ork_active *a)
{
    ork_engine *e = a->engine;

    if (a->update) {
        ork_update_go_on(a);
        return;
    }
    a->limits = ork_limits_run_add(e->limits, a->priority, ork_workflow_limits(a->workflow)->max_parallel, a);
    for (uint32_t i = 0; i < a->run.fans_len; i++) {
        uint32_t task = a->run.fans[i].task;
        if (task != ORK_NO_TASK && a->run.tasks[task].status == ORK_TASK_RUNNING)
            ork_active_adopted(a, task);
    }
    adopt(a);
    ork_hands_claim(a);
    if (a->inserted < a->run.n || a->copy)
        ork_active_inserted(a);
    else if (a->run.status == ORK_RUN_PENDING)
        ork_pools_turn(a);
    else
        ork_active_begin(a);
    if (a->dead || a->closing)
        return;
    if (a->run.status == ORK_RUN_RUNNING || a->run.status == ORK_RUN_PAUSED)
        ork_pools_turn_keep(a);
    ork_active_limit_time(a);
    settle_unknown(a);
    struct ork_live *l, *tmp;
    for (l = a->live; l; l = l->hh.next) {
        if (l->job || l->remote)
            ork_active_adopted(a, l->task);
    }
    HASH_ITER(hh, a->live, l, tmp)
    {
        if (a->dead || a->closing)
            break;
        if (l->job && l->job->what.type == ORK_DEFER_RUN)
            ork_sub_attach(a, l);
    }
}

static int load(ork_engine *e, const ork_id *id, ork_workflow *same, struct ork_active **out, ork_err *err)
{
    struct ork_rows *run = NULL;
    struct ork_param p[] = {ORK_P_ID(id)};
    ork_workflow *w = same ? ork_workflow_ref(same) : NULL;
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &run, err);

    if (!rc && ork_rows_len(run) == 0)
        rc = ork_err_set(err, ORK_ENOTFOUND, "no such run");
    if (!rc && !w)
        rc = load_workflow(e, run, &w, err);
    if (rc) {
        ork_rows_free(run);
        ork_workflow_unref(w);
        return rc;
    }
    struct ork_active *a = ork_active_new(e, id, w);
    load_run_row(a, run);
    a->resumed = true;
    a->strange = ork_inline_strange(e, w);
    ork_workflow_unref(w);
    a->priority = (int32_t)ork_rows_int(run, 0, "priority", 0);
    bool rerun = (ork_rows_text(run, 0, "rerun_of") || a->part) && a->run.status == ORK_RUN_PENDING;
    ork_rows_free(run);
    rc = a->run.status == ORK_RUN_RUNNING ? ork_update_recall(a, err) : 0;
    if (!rc && a->update) { /* what its tasks are is known when they are in place */
        *out = a;
        return 0;
    }
    if (a->run.status == ORK_RUN_RUNNING && !a->run.cancelling && ork_id_eq(id, &e->to_rest)) {
        a->resting = true; /* it is about to move to another definition: nothing starts by this one */
        a->rested_from = a->run.status;
        a->run.status = ORK_RUN_PAUSED;
    }
    if (!rc)
        rc = ork_part_leave_out(a, err);
    if (!rc)
        rc = load_tasks(a, err);
    if (!rc && rerun)
        rc = ork_rerun_recall(a, err);
    if (!rc)
        rc = load_limit(a, err);
    if (!rc)
        rc = ork_remote_load(a, err); /* whose attempts are under no agent any more */
    if (!rc)
        rc = load_attempts(a, err);
    if (!rc)
        rc = ork_deferred_load(a, err);
    if (!rc)
        ork_begun_forget(a);
    if (rc) {
        ork_active_drop(a);
        return rc;
    }
    *out = a;
    return 0;
}

int ork_recover_run(ork_engine *e, const ork_id *id, ork_workflow *same, struct ork_active **out, ork_err *err)
{
    int rc = load(e, id, same, out, err);

    if (!rc)
        go_on(*out);
    return rc;
}

int ork_recover_again(struct ork_active *old, ork_err *err)
{
    ork_engine *e = old->engine;
    struct ork_active *a = NULL;
    ork_id id = old->id;
    ork_workflow *w = ork_workflow_ref(old->workflow);
    struct ork_poison *poison = old->poison;
    bool has_turn = old->has_turn;

    old->poison = NULL;
    old->has_turn = false;
    ork_active_drop(old);
    int rc = load(e, &id, w, &a, err);
    if (rc) {
        ork_refuse_free(poison);
    } else {
        a->poison = poison;
        a->has_turn = has_turn;
        go_on(a);
    }
    ork_workflow_unref(w);
    return rc;
}
