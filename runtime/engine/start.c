/* SPDX-License-Identifier: MIT */
/* Starting, claiming and repeating runs. One conditional operation decides what happens (new, resumed, owned by
 * another, ended before), so two programs that start the same thing at once never make it twice. */
#include "engine/engine.h"
#include "base/path.h"
#include "engine/sub.h"
#include "engine/workers.h"
#include <string.h>

#define ROWS_PER_TASK 4
#define LINGER_MS 2000 /* for what a process that ended leaves to fall */
#define AT_ONCE                                                                                                        \
    250 /* tasks of a run that begins in the batch that creates it; with all they may add it fits in there */

struct ork_active *ork_start_begin(struct ork_starting *s)
{
    ork_engine *e = s->engine;
    struct ork_active *a = ork_active_new(e, &s->row.run_id, s->workflow);

    a->snapshot = s->row.snapshot_id;
    a->params = json_incref(s->params);
    a->script_dir = s->row.script_dir.p ? ork_strndup(s->row.script_dir.p, s->row.script_dir.n) : NULL;
    a->created_ms = s->row.now_ms;
    a->logical_ms = s->row.logical_ms;
    a->scheduled_for_ms = s->row.scheduled_for_ms;
    a->run_timeout_ms = s->row.run_timeout_ms;
    a->priority = s->row.priority;
    a->parent_task = s->row.parent_task;
    a->limits = ork_limits_run_add(e->limits, a->priority, ork_workflow_limits(a->workflow)->max_parallel, a);
    ork_hands_claim(a);
    a->copy = s->copy;
    s->copy = NULL;
    a->part = json_incref(s->part);
    a->creating = s->commit ? s : NULL;
    s->code = ork_part_leave_out(a, &s->err); /* was tried before */
    struct ork_after *x = ork_commit_after(e, ORK_AFTER_CHANGE, a, ORK_NO_TASK);
    x->from = -1;
    x->to = ORK_RUN_PENDING;
    ork_active_inserted(a);
    return a;
}

/* Whoever looks for nothing that is there (a key, a run to go on with) gets a new run. So it begins at once: its row,
 * its tasks and the first attempts are one commit. */
static bool begins_at_once(const struct ork_starting *s)
{
    const struct ork_new_run *row = &s->row;

    return s->workflow && !s->copy && !row->resume && !row->key.p && !row->scheduled_for_ms &&
           row->tasks_total <= AT_ONCE;
}

static void begin_at_once(struct ork_starting *s)
{
    s->row.run_id = s->row.id;
    s->commit = s->engine->current;
    s->begun = ork_start_begin(s);
    ork_active_ref(s->begun);
    s->engine->begun = s->begun;
}

/* What it did is in the batch that landed, or goes. */
static void begun_is_decided(struct ork_starting *s)
{
    struct ork_active *a = s->begun;

    s->begun = NULL;
    s->engine->begun = NULL;
    a->snapshot = s->row.snapshot_id;
    if (s->code && !a->dead)
        ork_refuse_begun(a);
    a->creating = NULL;
    ork_active_unref(a);
}

static void on_created(void *data, int code, const ork_err *err)
{
    struct ork_starting *s = data;
    struct ork_active *a = NULL;

    s->code = code;
    if (code && err)
        s->err = *err;
    s->commit = NULL;
    if (s->begun)
        begun_is_decided(s);
    else if (!code && s->row.how == ORK_CREATED && s->workflow)
        (void)ork_start_begin(s);
    else if (!code && (s->row.how == ORK_CREATED || s->row.how == ORK_RESUMED))
        s->code = ork_recover_run(s->engine, &s->row.run_id, s->workflow, &a, &s->err);
    ork_pools_inherited(s->engine, s->row.left);
    s->row.left = NULL;
    if (a && s->row.how == ORK_RESUMED)
        ork_command_look(s->engine);
    s->done = true;
}

static int wait_for_death(struct ork_starting *s, int64_t until, ork_err *err)
{
    ork_engine *e = s->engine;
    int64_t left = until - e->clock->mono_ms(e->clock->data);
    int rc = ork_engine_watch_owner(e, &s->row.owner, err);

    s->row.patient = left > 0; /* else its process is one that cannot be seen from here */
    return rc || left <= 0 ? rc : ork_engine_pause(e, left, true, err);
}

/* Whose run it would go on with is told later: the server has just begun, and its schedulers have time to come back; or
 * the owner's process has ended and something of it holds the lock for a moment. One that lives is no reason to wait.
 */
static int decide_later(struct ork_starting *s, ork_err *err)
{
    ork_engine *e = s->engine;
    int64_t until = e->clock->mono_ms(e->clock->data) + LINGER_MS;
    int rc = 0;

    while (!rc && !s->code && s->row.how == ORK_EARLY) {
        if (!s->row.lingers)
            ork_log_warn(&e->log, "the database server has just begun: who lives there is known in %.1f s; waiting",
                         (double)s->row.early_ms / 1000);
        rc = s->row.lingers ? wait_for_death(s, until, err) : ork_engine_pause(e, s->row.early_ms, false, err);
        if (!rc)
            rc = ork_commit_possible(e, err); /* EFENCED among others */
        if (rc)
            return rc;
        s->done = false;
        s->row.how = ORK_CREATED;
        ork_commit_unit(e, ORK_UNIT_CREATE_RUN, NULL, true)->create = &s->row;
        ork_commit_answer(e, on_created, s);
        rc = ork_engine_drive(e, &s->done, err);
    }
    return rc;
}

int ork_start_commit(struct ork_starting *s, struct ork_started *out, ork_err *err)
{
    ork_engine *e = s->engine;
    static const enum ork_start_how how[] = {[ORK_CREATED] = ORK_STARTED_NEW,
                                             [ORK_RESUMED] = ORK_STARTED_RESUMED,
                                             [ORK_OWNED] = ORK_STARTED_WATCHED,
                                             [ORK_FINISHED] = ORK_STARTED_FINISHED};

    int rc = ork_commit_possible(e, err);

    if (rc)
        return rc;
    const bool at_once = begins_at_once(s);
    if (at_once)
        ork_commit_together(e, AT_ONCE * ROWS_PER_TASK);
    ork_commit_unit(e, ORK_UNIT_CREATE_RUN, NULL, true)->create = &s->row;
    ork_commit_answer(e, on_created, s);
    if (at_once && !s->done)
        begin_at_once(s);
    if (s->copy) {
        struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_COMMAND, NULL, true);
        u->command = (struct ork_command_new){.id = s->copy->wish,
                                              .run_id = s->row.id,
                                              .kind = ORK_WISH_COPY,
                                              .args = {s->copy_args, strlen(s->copy_args)},
                                              .by = {"ork", 3},
                                              .now_ms = s->row.now_ms};
    }
    rc = ork_engine_drive(e, &s->done, err);
    if (!rc)
        rc = decide_later(s, err);
    if (!rc && s->code) {
        if (err)
            *err = s->err;
        rc = s->code;
    }
    if (rc)
        return rc;
    ork_id_format(&s->row.run_id, out->run_id);
    out->how = how[s->row.how];
    return 0;
}

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

void ork_start_pools(ork_engine *e, const ork_workflow *w)
{
    json_t *options = json_loads(ork_workflow_options_json(w), 0, NULL);
    const char *name;
    json_t *slots;

    json_object_foreach(json_object_get(options, "pools"), name, slots)
    {
        struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_POOL, NULL, true);
        u->pool = (struct ork_pool_put){.name = ork_strdup(name), .slots = (uint32_t)json_integer_value(slots)};
        (void)ork_commit_text(e, (char *)u->pool.name);
    }
    json_decref(options);
}

/* The script the definition came from: its folder and the name its sources give; NULL for one made by a host program.
 */
char *ork_start_script_path(const ork_workflow *w)
{
    const char *source = ork_workflow_source_json(w);
    json_t *o = source && ork_workflow_dir(w) ? json_loads(source, 0, NULL) : NULL;
    const char *main = json_string_value(json_object_get(o, "main"));
    char *path = main ? ork_path_join(ork_workflow_dir(w), main) : NULL;

    json_decref(o);
    return path;
}

static void starting_fini(struct ork_starting *s)
{
    json_decref(s->params);
    json_decref(s->part);
    ork_free(s->copy);
    ork_free(s->copy_args);
}

/* Tried before anything is stored; "left_out" tells readers how many tasks are skipped because of it. */
static int read_part(struct ork_starting *s, const char *given, const char *key, char **text, ork_err *err)
{
    uint8_t *outside = NULL;
    size_t len;
    json_int_t out = 0;
    int rc = ork_json_parse(given, strlen(given), &s->part, err);

    if (!rc)
        rc = ork_part_outside(s->workflow, s->part, &outside, err);
    for (uint32_t i = 0; outside && i < ork_workflow_len(s->workflow); i++)
        out += outside[i];
    ork_free(outside);
    if (!rc)
        rc = ork_part_sources(s->engine, s->workflow, s->part, &s->copy, &s->copy_args, err);
    if (!rc && s->copy && key)
        rc = ork_err_set(err, ORK_EINVAL, "a task alone that takes outputs from an earlier run has no key");
    if (rc)
        return rc;
    json_object_set_new(s->part, "left_out", json_integer(out - (s->copy ? (json_int_t)s->copy->n : 0)));
    return ork_json_text(s->part, text, &len, err);
}

/* Looked at before: a new run is what a start would make a moment earlier, too, if one is left behind meanwhile. */
static bool none_unfinished(ork_engine *e)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(1)};
    bool none =
        ork_store_query(e->store, ORK_Q_runs_unfinished, p, 1, &rows, NULL) == 0 && ork_rows_int(rows, 0, "n", 1) == 0;

    ork_rows_free(rows);
    return none;
}

int ork_run_start(ork_engine *e, ork_workflow *w, const struct ork_start_opts *o, struct ork_started *out, ork_err *err)
{
    struct ork_starting s = {.engine = e, .workflow = w};
    char hash[65], *tasks = NULL, *path = NULL, *part = NULL;
    size_t tasks_len = 0;
    int rc = ork_inline_may_start(e, w, err);

    if (!rc)
        rc = ork_workers_may_start(e, w, err);

    if (!rc)
        rc = ork_engine_register(e, err);
    if (!rc)
        rc = ork_json_parse(o->params ? o->params : "{}", o->params ? strlen(o->params) : 2, &s.params, err);
    if (!rc)
        rc = ork_workflow_hash(w, hash, err);
    if (!rc)
        rc = ork_workflow_tasks_json(w, &tasks, &tasks_len, err);
    if (!rc && o->part)
        rc = read_part(&s, o->part, o->key, &part, err);
    if (rc) {
        ork_free(tasks);
        starting_fini(&s);
        return rc;
    }
    s.row = (struct ork_new_run){
        .id = ork_id_new(&e->ids),
        .workflow = w,
        .hash = {hash, 64},
        .tasks_json = {tasks, tasks_len},
        .options_json = text_of(ork_workflow_options_json(w)),
        .source_json = text_of(ork_workflow_source_json(w)),
        .workflow_id = ork_id_new(&e->ids),
        .snapshot_id = ork_id_new(&e->ids),
        .params = text_of(o->params ? o->params : "{}"),
        .triggered_by = text_of(o->triggered_by ? o->triggered_by : "manual"),
        .key = text_of(o->key),
        .script_dir = text_of(ork_workflow_dir(w)),
        .priority = o->priority,
        .now_ms = ork_engine_now(e),
        .run_timeout_ms = ork_workflow_limits(w)->run_timeout_ms,
        .tasks_total = ork_workflow_len(w),
        .part = text_of(part),
        .patient = o->resume,
        .resume = o->resume && !json_object_get(s.part, "only"), /* its outputs may be newer by now */
    };
    path = ork_start_script_path(w);
    s.row.script_path = text_of(path);
    out->alone = s.row.resume && none_unfinished(e);
    s.row.resume = s.row.resume && !out->alone;
    s.row.logical_ms = o->logical_ms ? o->logical_ms : s.row.now_ms;
    s.row.at = o->logical_ms != 0;
    s.row.scheduled_for_ms = o->scheduled ? s.row.logical_ms : 0;
    ork_start_pools(e, w);
    rc = ork_start_commit(&s, out, err);
    starting_fini(&s);
    ork_free(tasks);
    ork_free(path);
    ork_free(part);
    return rc;
}

/* ---- claiming ---- */

struct claiming {
    struct ork_claim claim;
    ork_engine *engine;
    bool done;
    int code;
    ork_err err;
};

static void on_claim(void *data, int code, const ork_err *err)
{
    struct claiming *c = data;
    struct ork_active *a = NULL;

    c->code = code;
    if (code && err)
        c->err = *err;
    if (!code && c->claim.claimed) {
        c->code = ork_recover_run(c->engine, &c->claim.run_id, NULL, &a, &c->err);
        if (!c->code)
            ork_command_look(c->engine);
    }
    ork_pools_inherited(c->engine, c->claim.left);
    c->done = true;
}

int ork_run_claim(ork_engine *e, const char *run_id, ork_err *err)
{
    ork_id id;
    ork_err own;
    int rc = ork_doc_parse_run(run_id, &id, err ? err : &own);

    if (!rc && !ork_active_find(e, &id))
        rc = ork_inline_may_own(e, &id, err ? err : &own);
    if (!rc)
        rc = ork_sub_may_claim(e, run_id, err ? err : &own);
    return rc ? rc : ork_start_claim(e, run_id, err);
}

int ork_run_claimable(ork_engine *e, const char *run_id, ork_err *err)
{
    ork_id id;
    int rc = ork_doc_parse_run(run_id, &id, err);

    return rc || ork_active_find(e, &id) ? rc : ork_inline_may_own(e, &id, err);
}

int ork_start_claim(ork_engine *e, const char *run_id, ork_err *err)
{
    struct claiming c = {.engine = e};
    ork_err own;

    if (!err)
        err = &own;
    int rc = ork_doc_parse_run(run_id, &c.claim.run_id, err);
    if (!rc)
        rc = ork_engine_register(e, err);
    if (rc)
        return rc;
    if (ork_active_find(e, &c.claim.run_id))
        return 0;
    rc = ork_commit_possible(e, err);
    if (rc)
        return rc;
    ork_commit_unit(e, ORK_UNIT_CLAIM, NULL, true)->claim = &c.claim;
    ork_commit_answer(e, on_claim, &c);
    rc = ork_engine_drive(e, &c.done, err);
    if (rc)
        return rc;
    if (c.code) {
        *err = c.err;
        return c.code;
    }
    if (!c.claim.claimed && c.claim.status < 0)
        return ork_err_set(err, ORK_ENOTFOUND, "no such run");
    if (c.claim.bound)
        return ork_err_set(err, ORK_ESTATE,
                           "processes of the run may still live on host %s: `ork resume` or `ork serve` there finds "
                           "them; elsewhere they count as lost when nobody serves there for some minutes",
                           c.claim.host);
    if (!c.claim.claimed) {
        char owner[ORK_ID_TEXT];
        ork_id_format(&c.claim.owner, owner);
        return ork_err_set(err, ORK_EBUSY, "the run is in the hands of another ork on this database (scheduler %s)",
                           owner);
    }
    return 0;
}
