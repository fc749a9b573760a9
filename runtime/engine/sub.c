/* SPDX-License-Identifier: MIT */
/* The idea is told in sub.h. */
#include "engine/sub.h"
#include "core/params.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include <string.h>

struct ork_sub {
    unsigned refs;
    char *name;             /* owned */
    ork_workflow *workflow; /* counted */
    char hash[65], *tasks, *path;
    size_t tasks_len;
    struct ork_sub *next;
};

struct ork_child {
    struct ork_starting start; /* start.row.parent_task: whose attempt */
    uint32_t attempt;
    struct ork_sub *sub; /* counted */
    char *params, *script_dir;
    bool again; /* start.row.id is a run that failed, which is gone on with */
};

bool ork_sub_is(const ork_workflow *w, uint32_t task)
{
    return ork_workflow_def(w, task)->executor == ORK_EXEC_WORKFLOW;
}

/* ---- definitions ------------------------------------------------------------------------------ */

static void sub_unref(struct ork_sub *s)
{
    if (!s || --s->refs)
        return;
    ork_workflow_unref(s->workflow);
    ork_free(s->name);
    ork_free(s->tasks);
    ork_free(s->path);
    ork_free(s);
}

void ork_sub_fini(struct ork_active *a)
{
    for (struct ork_sub *s; (s = a->subs);) {
        a->subs = s->next;
        sub_unref(s);
    }
}

/* Read once for each run that uses it: a thousand children share one definition. */
static int find(struct ork_active *a, const char *name, struct ork_sub **out, ork_err *err)
{
    struct ork_sub *s = a->subs;

    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    if (s) {
        *out = s;
        return 0;
    }
    s = ork_zalloc(sizeof(*s));
    s->refs = 1;
    s->name = ork_strdup(name);
    int rc = ork_workflow_sub(a->workflow, name, &s->workflow, err);
    if (!rc)
        rc = ork_inline_may_start(a->engine, s->workflow, err);
    if (!rc)
        rc = ork_workers_may_start(a->engine, s->workflow, err);
    if (!rc)
        rc = ork_workflow_hash(s->workflow, s->hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(s->workflow, &s->tasks, &s->tasks_len, err);
    if (rc) {
        sub_unref(s);
        return rc;
    }
    s->path = ork_start_script_path(s->workflow);
    ork_start_pools(a->engine, s->workflow);
    s->next = a->subs;
    a->subs = s;
    *out = s;
    return 0;
}

/* ---- beginning -------------------------------------------------------------------------------- */

void ork_sub_drop_child(struct ork_child *c)
{
    if (!c)
        return;
    json_decref(c->start.params);
    sub_unref(c->sub);
    ork_free(c->params);
    ork_free(c->script_dir);
    ork_free(c);
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

/* The inputs as that workflow's params, with its defaults. */
static int complete(struct ork_active *a, struct ork_child *c, json_t *input, ork_err *err)
{
    struct ork_tz *zone = NULL;
    char *given = NULL;
    size_t len;
    int rc = ork_json_text(input, &given, &len, err);

    if (!rc)
        rc = ork_zone_of(a->engine, c->sub->workflow, &zone, err);
    if (!rc)
        rc = ork_workflow_params_at(c->sub->workflow, given, NULL, (struct ork_moment){a->logical_ms, zone}, NULL, NULL,
                                    &c->params, err);
    if (!rc)
        rc = ork_json_parse(c->params, strlen(c->params), &c->start.params, err);
    ork_tz_unref(zone);
    ork_free(given);
    return rc;
}

/* Is that the run it would be: of the same definition, with the same params? */
static bool is_same(struct ork_active *a, const struct ork_child *c, const struct ork_rows *run)
{
    const char *text = ork_rows_text(run, 0, "params");
    json_t *params = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    struct ork_rows *rows = NULL;
    bool same = false;
    ork_id snapshot;
    ork_err none;

    if (params && json_equal(params, c->start.params) && ork_rows_id(run, 0, "snapshot_id", &snapshot)) {
        struct ork_param p[] = {ORK_P_ID(&snapshot)};
        same = ork_store_query(a->engine->store, ORK_Q_snapshot_get, p, 1, &rows, &none) == 0 && ork_rows_len(rows) &&
               strcmp(ork_rows_text(rows, 0, "hash"), c->sub->hash) == 0;
    }
    ork_rows_free(rows);
    json_decref(params);
    return same;
}

/* The run of the attempt before, if it can be gone on with: what succeeded in it stays. */
static bool find_failed(struct ork_active *a, const struct ork_live *l, const struct ork_child *c, ork_id *id)
{
    struct ork_rows *jobs = NULL, *run = NULL;
    struct ork_defer what = {0};
    uint32_t attempt;
    bool found = false;
    ork_err none;
    ork_id task;

    if (l->attempt < 2)
        return false;
    ork_active_task_id(a, l->task, &task);
    struct ork_param p[] = {ORK_P_ID(&task)};
    size_t n = ork_store_query(a->engine->store, ORK_Q_jobs_of_task, p, 1, &jobs, &none) == 0 ? ork_rows_len(jobs) : 0;
    if (n &&
        ork_defer_read(&what, ork_rows_text(jobs, n - 1, "service_type"), ork_rows_text(jobs, n - 1, "job_data"),
                       &attempt, &none) == 0 &&
        what.run && ork_id_parse(what.run, strlen(what.run), id) == 0) {
        struct ork_param q[] = {ORK_P_ID(id)};
        if (ork_store_query(a->engine->store, ORK_Q_run_get, q, 1, &run, &none) == 0 && ork_rows_len(run)) {
            int status = ork_run_status_parse(ork_rows_text(run, 0, "status"));
            found = (status == ORK_RUN_FAILED || status == ORK_RUN_CANCELLED) && is_same(a, c, run);
        }
    }
    ork_defer_fini(&what);
    ork_rows_free(run);
    ork_rows_free(jobs);
    return found;
}

int ork_sub_build(struct ork_active *a, struct ork_live *l, const json_t *params, json_t *input, ork_err *err)
{
    const char *name = json_string_value(json_object_get(params, "workflow"));
    ork_engine *e = a->engine;
    struct ork_sub *sub = NULL;
    char text[ORK_ID_TEXT];
    int rc = find(a, name ? name : "", &sub, err);

    if (rc)
        return rc;
    struct ork_child *c = ork_zalloc(sizeof(*c));
    c->attempt = l->attempt;
    c->sub = sub;
    sub->refs++;
    rc = complete(a, c, input, err);
    if (rc) {
        ork_sub_drop_child(c);
        return ork_err_wrap(err, "inputs are the params of `%s`", name);
    }
    c->script_dir = a->script_dir ? ork_strdup(a->script_dir) : NULL;
    c->start.engine = e;
    c->start.workflow = sub->workflow;
    c->start.row = (struct ork_new_run){
        .id = ork_id_new(&e->ids),
        .workflow = sub->workflow,
        .hash = {sub->hash, 64},
        .tasks_json = {sub->tasks, sub->tasks_len},
        .options_json = text_of(ork_workflow_options_json(sub->workflow)),
        .source_json = text_of(ork_workflow_source_json(sub->workflow)),
        .workflow_id = ork_id_new(&e->ids),
        .snapshot_id = ork_id_new(&e->ids),
        .params = text_of(c->params),
        .triggered_by = text_of("workflow"),
        .script_dir = text_of(c->script_dir),
        .script_path = text_of(sub->path),
        .priority = a->priority,
        .now_ms = l->dispatched_ms,
        .logical_ms = a->logical_ms,
        .at = true,
        .run_timeout_ms = ork_workflow_limits(sub->workflow)->run_timeout_ms,
        .tasks_total = ork_workflow_len(sub->workflow),
    };
    ork_active_task_id(a, l->task, &c->start.row.parent_task);
    ork_id before;
    if (find_failed(a, l, c, &before)) {
        c->again = true;
        c->start.row.id = before;
    }
    ork_id_format(&c->start.row.id, text);
    l->job->what = (struct ork_defer){.type = ORK_DEFER_RUN, .text = ork_strdup(name), .run = ork_strdup(text)};
    l->job->child = c;
    return 0;
}

/* The attempt that waits for a run; NULL: none does (any more). */
static struct ork_live *waiting(ork_engine *e, const ork_id *parent_task, const ork_id *run, struct ork_active **a)
{
    char text[ORK_ID_TEXT];
    uint32_t task;

    if (ork_id_is_zero(parent_task) || ork_active_by_task(e, parent_task, a, &task) != 0)
        return NULL;
    struct ork_live *l = ork_active_live(*a, task);
    ork_id_format(run, text);
    return l && l->job && l->job->what.run && strcmp(l->job->what.run, text) == 0 ? l : NULL;
}

/* A second cancel stops what is to be tidied up, too: only when that is wanted of the run of its task. */
static void cancel(struct ork_active *child, bool kill, const char *why)
{
    struct ork_event ev = {.type = ORK_EV_CANCEL, .task = ORK_NO_TASK, .reason = ORK_CANCEL_USER};

    if (child->closing || ork_run_is_final(child->run.status) || child->run.killed)
        return;
    if (!child->run.cancelling) {
        ork_free(child->cancel_why);
        child->cancel_why = ork_strdup(why);
        (void)ork_active_step(child, &ev);
    }
    if (kill && !child->closing && !child->run.killed)
        (void)ork_active_step(child, &ev);
}

/* It is in our hands: it stands as the run of its task does. */
static void join(struct ork_active *a, const struct ork_live *l, struct ork_active *child)
{
    struct ork_event ev = {.type = ORK_EV_PAUSE, .task = ORK_NO_TASK};

    if (l->job->stop)
        cancel(child, a->run.killed,
               l->job->stop == ORK_SUB_TIMEOUT ? "the timeout of its task is over" : "its task was cancelled");
    else if (a->run.status == ORK_RUN_PAUSED && child->run.status != ORK_RUN_PAUSED)
        (void)ork_active_step(child, &ev);
}

static void on_created(void *data, int code, const ork_err *err)
{
    struct ork_child *c = data;
    ork_engine *e = c->start.engine;
    struct ork_active *a = NULL;
    struct ork_live *l = e->closing || e->fenced ? NULL : waiting(e, &c->start.row.parent_task, &c->start.row.id, &a);

    if (l)
        l->job->busy = false;
    if (!code && c->start.row.how == ORK_CREATED) {
        struct ork_active *child = ork_start_begin(&c->start);
        if (l)
            join(a, l, child);
        else if (!e->closing && !e->fenced)
            cancel(child, false, "its task waits for it no more");
    } else if (l && code == ORK_EDATA) {
        ork_settle_fail(a, l->task, ORK_KIND_INPUT, err ? err->msg : "the database refuses its run");
    }
    ork_sub_drop_child(c);
}

static void claim(struct ork_active *a, struct ork_live *l, const ork_id *run);

/* The wish for its retry is in the batch of the attempt that wants it: carried out once, whoever dies. */
static void begin_again(struct ork_active *a, struct ork_live *l, const struct ork_child *c)
{
    ork_engine *e = a->engine;

    ork_commit_unit(e, ORK_UNIT_COMMAND, NULL, true)->command = (struct ork_command_new){.id = ork_id_new(&e->ids),
                                                                                         .run_id = c->start.row.id,
                                                                                         .kind = "retry",
                                                                                         .by = {"ork", 3},
                                                                                         .now_ms = l->started_ms};
    claim(a, l, &c->start.row.id);
}

void ork_sub_begin(struct ork_active *a, struct ork_live *l)
{
    struct ork_child *c = l->job->child;

    l->job->child = NULL;
    if (c->again) {
        begin_again(a, l, c);
        ork_sub_drop_child(c);
        return;
    }
    l->job->busy = true;
    ork_commit_unit(a->engine, ORK_UNIT_CREATE_RUN, NULL, true)->create = &c->start.row;
    ork_commit_answer(a->engine, on_created, c);
}

/* ---- its end ---------------------------------------------------------------------------------- */

static void fail(struct ork_active *a, struct ork_live *l, int status, const char *error)
{
    struct ork_event ev = {.failure = {.kind = ORK_KIND_ERROR, .exit_code = -1}};
    struct ork_end end = {.finished_ms = ork_engine_now(a->engine)};
    struct ork_buf why = ORK_BUF_INIT;
    char short_id[9];
    ork_id id;

    (void)ork_id_parse(l->job->what.run, strlen(l->job->what.run), &id);
    ork_id_short(&id, short_id);
    ork_buf_addf(&why, "run %s of `%s` ", short_id, l->job->what.text);
    if (status == ORK_RUN_CANCELLED) {
        ork_buf_adds(&why, "was cancelled");
        ev.retry_after_ms = -1; /* somebody did not want it */
    } else {
        ork_buf_addf(&why, "failed%s%s", error ? ": " : "", error ? error : "");
    }
    const struct ork_poison *poison = ork_refuse_poison(a, l->task, l->attempt);
    end.error = poison ? ork_settle_refused(poison) : why.data;
    ork_settle_call(a, l, &ev, &end);
    ork_buf_fini(&why);
}

/* output: its JSON; NULL none. */
static void settle(struct ork_active *a, struct ork_live *l, int status, const char *output, const char *error)
{
    json_t *value = NULL;
    ork_err err = {0};

    ork_active_ref(a);
    if (status == ORK_RUN_SUCCESS && output && ork_json_parse(output, strlen(output), &value, &err) != 0)
        ork_settle_fail(a, l->task, ORK_KIND_OUTPUT, err.msg);
    else if (status == ORK_RUN_SUCCESS)
        ork_deferred_succeed(a, l, value);
    else if (l->job->stop == ORK_SUB_TIMEOUT)
        ork_deferred_timed_out(a, l);
    else if (l->job->stop == ORK_SUB_CANCELLED)
        ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled");
    else
        fail(a, l, status, error);
    ork_active_unref(a);
}

void ork_sub_ended(struct ork_active *child)
{
    struct ork_active *a = NULL;
    struct ork_live *l = waiting(child->engine, &child->parent_task, &child->id, &a);

    if (l && ork_run_is_final(child->run.status))
        settle(a, l, child->run.status, child->output, child->error);
}

/* ---- steering --------------------------------------------------------------------------------- */

struct ork_active *ork_sub_of(ork_engine *e, const struct ork_live *l)
{
    ork_id id;

    if (!l->job || !l->job->what.run || ork_id_parse(l->job->what.run, strlen(l->job->what.run), &id) != 0)
        return NULL;
    return ork_active_find(e, &id);
}

void ork_sub_stop(struct ork_active *a, struct ork_live *l, enum ork_sub_stop why)
{
    struct ork_active *child = ork_sub_of(a->engine, l);

    if (l->job->stop != ORK_SUB_CANCELLED)
        l->job->stop = why;
    if (child)
        join(a, l, child);
    else if (!l->job->busy)
        ork_sub_attach(a, l);
}

void ork_sub_tell(struct ork_active *a, int event)
{
    for (struct ork_live *l = a->live; l; l = l->hh.next) {
        struct ork_active *child = ork_sub_of(a->engine, l);
        struct ork_event ev = {.type = event, .task = ORK_NO_TASK};
        if (!child)
            continue;
        (void)ork_active_step(child, &ev);
        ork_sub_tell(child, event);
    }
}

bool ork_sub_rest(const struct ork_active *a)
{
    for (const struct ork_live *l = a->live; l; l = l->hh.next) {
        const struct ork_active *child = ork_sub_of(a->engine, l);
        if (l->job && l->job->busy)
            return false;
        for (const struct ork_live *c = child ? child->live : NULL; c; c = c->hh.next) {
            if (child->run.tasks[c->task].status == ORK_TASK_DISPATCHED)
                return false;
        }
        if (child && !ork_sub_rest(child))
            return false;
    }
    return true;
}

/* ---- after a restart -------------------------------------------------------------------------- */

struct claiming {
    struct ork_claim claim;
    ork_engine *engine;
    ork_id parent_task;
};

#define AGAIN_MS 1000

static void look_later(struct ork_active *a, const struct ork_live *l, int64_t ms)
{
    ork_timers_arm(a, ORK_TIMER_WAKE, l->task, ork_engine_now(a->engine) + ms);
}

static bool is_away(int code)
{
    return code == ORK_EIO || code == ORK_EBUSY || code == ORK_ETIMEDOUT || code == ORK_ECANCELLED;
}

/* It ended, and is to run again: its owner has not got round to that. */
static bool is_wanted_again(ork_engine *e, const ork_id *run)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    bool wanted = false;
    ork_err none;

    if (ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, &none) != 0)
        return true; /* it will be asked again, once it is claimed */
    for (size_t i = 0; i < ork_rows_len(rows); i++)
        wanted |= !ork_rows_time(rows, i, "done_at") && strcmp(ork_rows_text(rows, i, "kind"), "retry") == 0;
    ork_rows_free(rows);
    return wanted;
}

/* It is ours by its row. */
static void take_up(struct ork_active *a, struct ork_live *l, const ork_id *run)
{
    struct ork_active *child = NULL;
    ork_err why = {0};
    int rc = ork_recover_run(a->engine, run, NULL, &child, &why);

    if (rc && is_away(rc)) {
        look_later(a, l, AGAIN_MS);
    } else if (rc) {
        ork_adopt_fail_run(a->engine, run, &why);
        fail(a, l, ORK_RUN_FAILED, why.msg);
    } else if (!child->dead && ork_run_is_final(child->run.status) && !child->closing &&
               !(l->job->stop == ORK_SUB_GO_ON && is_wanted_again(a->engine, run))) { /* another was quicker */
        ork_active_release(child);
        ork_sub_ended(child);
    } else {
        if (!child->dead)
            join(a, l, child);
        ork_command_look(a->engine);
    }
}

static void on_claimed(void *data, int code, const ork_err *err)
{
    struct claiming *c = data;
    ork_engine *e = c->engine;
    struct ork_active *a = NULL;
    struct ork_live *l = e->closing || e->fenced ? NULL : waiting(e, &c->parent_task, &c->claim.run_id, &a);

    (void)err;
    if (l)
        l->job->busy = false;
    if (l && code) {
        look_later(a, l, AGAIN_MS);
    } else if (l && c->claim.claimed) {
        take_up(a, l, &c->claim.run_id);
    } else if (l && c->claim.bound) {
        look_later(a, l, c->claim.bound_ms >= 0 ? c->claim.bound_ms + 50 : AGAIN_MS);
    } else if (l) { /* somebody cancels or pauses just that run */
        ork_err none;
        ork_engine_watch(e);
        e->subs_loose = true;
        if (ork_engine_watch_owner(e, &c->claim.owner, &none) != 0)
            look_later(a, l, AGAIN_MS);
    }
    ork_pools_inherited(e, c->claim.left);
    ork_free(c);
}

static void claim(struct ork_active *a, struct ork_live *l, const ork_id *run)
{
    struct claiming *c = ork_zalloc(sizeof(*c));

    *c = (struct claiming){.engine = a->engine, .claim.run_id = *run};
    ork_active_task_id(a, l->task, &c->parent_task);
    l->job->busy = true;
    ork_commit_unit(a->engine, ORK_UNIT_CLAIM, NULL, true)->claim = &c->claim;
    ork_commit_answer(a->engine, on_claimed, c);
}

void ork_sub_attach(struct ork_active *a, struct ork_live *l)
{
    ork_engine *e = a->engine;
    struct ork_rows *rows = NULL;
    struct ork_active *child = ork_sub_of(e, l);
    ork_err err = {0};
    ork_id run;

    if (l->job->busy)
        return;
    if (child) { /* it was with us all the time */
        if (child->closing && ork_run_is_final(child->run.status))
            return; /* its end is about to be stored, and told */
        join(a, l, child);
        return;
    }
    (void)ork_id_parse(l->job->what.run, strlen(l->job->what.run), &run);
    struct ork_param p[] = {ORK_P_ID(&run)};
    int rc = ork_store_query(e->store, ORK_Q_run_get, p, 1, &rows, &err);
    int status = !rc && ork_rows_len(rows) ? ork_run_status_parse(ork_rows_text(rows, 0, "status")) : -1;
    if (rc) {
        look_later(a, l, AGAIN_MS);
    } else if (ork_rows_len(rows) == 0) {
        ork_settle_lost(a, l->task, "lost: its run is not in the database");
    } else if (ork_run_is_final(status) && (l->job->stop || !is_wanted_again(e, &run))) {
        settle(a, l, status, ork_rows_text(rows, 0, "output"), ork_rows_text(rows, 0, "error"));
    } else {
        claim(a, l, &run);
    }
    ork_rows_free(rows);
}

void ork_sub_rung(ork_engine *e)
{
    struct ork_active *a, *next;
    struct ork_live *l, *tmp;

    if (!e->subs_loose || e->closing || e->fenced)
        return;
    e->subs_loose = false;
    HASH_ITER(hh, e->runs, a, next)
    {
        HASH_ITER(hh, a->live, l, tmp)
        {
            if (l->job && l->job->what.type == ORK_DEFER_RUN && !ork_sub_of(e, l))
                ork_sub_attach(a, l);
        }
    }
}

/* ---- who may take it up ----------------------------------------------------------------------- */

static bool awaited(ork_engine *e, const ork_id *run, struct ork_rows **rows)
{
    struct ork_param p[] = {ORK_P_ID(run)};
    ork_err none;

    *rows = NULL;
    return ork_store_query(e->store, ORK_Q_run_parent, p, 1, rows, &none) == 0 && ork_rows_len(*rows) > 0 &&
           ork_rows_int(*rows, 0, "awaited", 0) != 0;
}

bool ork_sub_is_awaited(ork_engine *e, const ork_id *run)
{
    struct ork_rows *rows;
    bool is = awaited(e, run, &rows);

    ork_rows_free(rows);
    return is;
}

int ork_sub_may_claim(ork_engine *e, const char *run_id, ork_err *err)
{
    struct ork_rows *rows = NULL;
    ork_id run, parent;
    char short_id[9];
    int rc = ork_doc_parse_run(run_id, &run, err);

    if (!rc && !ork_active_find(e, &run) && awaited(e, &run, &rows) && ork_rows_id(rows, 0, "run_id", &parent)) {
        ork_id_short(&parent, short_id);
        rc = ork_err_set(err, ORK_ESTATE,
                         "task `%s` of run %s waits for it; who goes on with that one goes on with it: `ork resume %s`",
                         ork_rows_text(rows, 0, "task_name"), short_id, short_id);
    }
    ork_rows_free(rows);
    return rc;
}

void ork_sub_within(const struct ork_active *child, char *out, size_t cap)
{
    struct ork_active *a = NULL;
    uint32_t task;
    size_t n = 0;

    *out = '\0';
    if (ork_active_by_task(child->engine, &child->parent_task, &a, &task) != 0) {
        (void)snprintf(out, cap, "?");
        return;
    }
    if (!ork_id_is_zero(&a->parent_task)) {
        ork_sub_within(a, out, cap);
        n = strlen(out);
        n += (size_t)snprintf(out + n, cap - n, " > ");
    }
    if (n < cap)
        (void)snprintf(out + n, cap - n, "%s", ork_active_name(a, task));
}
