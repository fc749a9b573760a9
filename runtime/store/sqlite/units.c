/* SPDX-License-Identifier: MIT */
/* Units that put rows: each fills one prepared statement. 0 and negative numbers that mean "none" become NULL here and
 * nowhere else. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

static void bind_positive(struct ork_stmt *st, int64_t v)
{
    if (v > 0)
        ork_stmt_int(st, v);
    else
        ork_stmt_null(st);
}

static void bind_natural(struct ork_stmt *st, int64_t v)
{
    if (v >= 0)
        ork_stmt_int(st, v);
    else
        ork_stmt_null(st);
}

static void bind_kind(struct ork_stmt *st, int kind)
{
    ork_stmt_word(st, kind == ORK_KIND_NONE ? NULL : ork_kind_name(kind));
}

static int put_run(struct ork_sqlite *s, const struct ork_run_put *r, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_run_put);
    ork_stmt_id(&st, &r->id);
    ork_stmt_word(&st, ork_run_status_name(r->status));
    ork_stmt_time(&st, r->started_ms);
    ork_stmt_time(&st, r->finished_ms);
    ork_stmt_text(&st, r->error);
    ork_stmt_int(&st, r->cancel_reason);
    ork_stmt_int(&st, r->killed);
    ork_stmt_int(&st, r->release);
    ork_stmt_text(&st, r->output);
    int rc = ork_stmt_run(&st, err);
    return rc || !ork_run_is_final(r->status) ? rc : ork_sqlite_schedule_wake(s, &r->id, err);
}

/* What the definition says of a task; params and depends are scratch, used until the statement is stepped. */
static int bind_task(struct ork_stmt *st, const ork_workflow *w, uint32_t no, struct ork_buf *params,
                     struct ork_buf *depends, ork_err *err)
{
    const struct ork_task_def *def = ork_workflow_def(w, no);
    ork_buf_clear(params);
    ork_buf_clear(depends);
    int rc = ork_workflow_params_json(w, no, params, err);
    if (rc)
        return rc;
    ork_workflow_depends_json(w, no, depends);
    ork_stmt_int(st, no);
    ork_stmt_word(st, ork_workflow_text(w, def->name));
    ork_stmt_word(st, ork_workflow_executor(w, no));
    ork_stmt_ours(st, depends->data, depends->len);
    ork_stmt_ours(st, params->data, params->len);
    ork_stmt_int(st, ork_workflow_retry(w, no)->limit);
    bind_positive(st, (def->timeout_ms + 999) / 1000);
    ork_stmt_word(st, ork_workflow_pool(w, no));
    ork_stmt_int(st, def->priority);
    ork_stmt_word(st, def->rule == ORK_RULE_ALL_SUCCESS ? NULL : ork_rule_name(def->rule));
    return 0;
}

static int insert_task(struct ork_conn *c, const struct ork_tasks_insert *t, uint32_t no, struct ork_buf *params,
                       struct ork_buf *depends, ork_err *err)
{
    struct ork_stmt st;
    ork_id id;
    ork_task_id(&t->run_id, no, &id);
    ork_stmt_begin(&st, c, ORK_S_tasks_insert);
    ork_stmt_id(&st, &id);
    ork_stmt_id(&st, &t->run_id);
    int rc = bind_task(&st, t->workflow, no, params, depends, err);
    if (rc)
        return rc;
    ork_stmt_time(&st, t->now_ms);
    return ork_stmt_run(&st, err);
}

static int define_task(struct ork_conn *c, const struct ork_task_define *t, ork_err *err)
{
    struct ork_buf params = ORK_BUF_INIT, depends = ORK_BUF_INIT;
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_task_redefine);
    ork_stmt_id(&st, &t->id);
    ork_stmt_id(&st, &t->run_id);
    int rc = bind_task(&st, t->workflow, t->no, &params, &depends, err);
    if (!rc) {
        ork_stmt_time(&st, t->now_ms);
        ork_stmt_int(&st, t->again);
        ork_stmt_int(&st, t->again && !t->items);
        rc = ork_stmt_run(&st, err);
    }
    ork_buf_fini(&params);
    ork_buf_fini(&depends);
    return rc;
}

static int insert_tasks(struct ork_conn *c, const struct ork_tasks_insert *t, ork_err *err)
{
    struct ork_buf params = ORK_BUF_INIT, depends = ORK_BUF_INIT;
    int rc = 0;
    for (uint32_t i = 0; !rc && i < t->count; i++)
        rc = insert_task(c, t, t->first + i, &params, &depends, err);
    ork_buf_fini(&params);
    ork_buf_fini(&depends);
    return rc;
}

static int put_task(struct ork_conn *c, const struct ork_task_put *t, ork_err *err)
{
    bool full = t->set_output || t->set_logs || t->item;
    struct ork_stmt st;
    ork_stmt_begin(&st, c, t->item ? ORK_S_item_put : full ? ORK_S_task_finish : ORK_S_task_put);
    ork_stmt_id(&st, &t->id);
    ork_stmt_word(&st, ork_task_status_name(t->status));
    ork_stmt_int(&st, t->attempt);
    ork_stmt_int(&st, t->failures);
    ork_stmt_int(&st, t->lost);
    bind_kind(&st, t->kind);
    ork_stmt_text(&st, t->execution_name);
    ork_stmt_text(&st, t->error);
    ork_stmt_time(&st, t->dispatched_ms);
    ork_stmt_time(&st, t->started_ms);
    ork_stmt_time(&st, t->finished_ms);
    ork_stmt_time(&st, t->retry_at_ms);
    if (full) {
        ork_stmt_int(&st, t->set_output);
        ork_stmt_text(&st, t->output);
        ork_stmt_int(&st, t->set_logs);
        ork_stmt_text(&st, t->logs);
    }
    if (t->item) {
        ork_stmt_int(&st, t->number);
        ork_stmt_int(&st, t->item);
        ork_stmt_id(&st, &t->parent);
    }
    return ork_stmt_run(&st, err);
}

static int put_map(struct ork_conn *c, const struct ork_task_map *m, ork_err *err)
{
    bool inside = m->set && m->items.n <= ORK_ITEMS_INLINE;
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_task_map);
    ork_stmt_id(&st, &m->id);
    bind_natural(&st, m->set ? (int64_t)m->count : -1);
    bind_natural(&st, m->set ? (int64_t)m->first : -1);
    ork_stmt_text(&st, inside ? m->items : (struct ork_text){0});
    int rc = ork_stmt_run(&st, err);
    if (rc || !m->set)
        return rc;
    if (!inside) {
        ork_stmt_begin(&st, c, ORK_S_task_items_put);
        ork_stmt_id(&st, &m->id);
        ork_stmt_text(&st, m->items);
        rc = ork_stmt_run(&st, err);
    }
    if (rc)
        return rc;
    ork_stmt_begin(&st, c, ORK_S_run_reserve);
    ork_stmt_id(&st, &m->run_id);
    ork_stmt_int(&st, m->first + m->count);
    return ork_stmt_run(&st, err);
}

static int put_attempt(struct ork_conn *c, const struct ork_attempt_put *a, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_attempt_put);
    ork_stmt_id(&st, &a->task_id);
    ork_stmt_int(&st, a->attempt);
    ork_stmt_word(&st, ork_task_status_name(a->status));
    bind_kind(&st, a->kind);
    bind_natural(&st, a->exit_code);
    bind_positive(&st, a->signal);
    ork_stmt_text(&st, a->error);
    ork_stmt_text(&st, a->execution_name);
    ork_stmt_id(&st, &a->agent_id);
    ork_stmt_text(&st, a->host);
    ork_stmt_id(&st, a->created ? &a->created->snapshot_id : &a->snapshot_id);
    ork_stmt_text(&st, a->log_path);
    bind_natural(&st, a->log_bytes);
    ork_stmt_time(&st, a->started_ms);
    ork_stmt_time(&st, a->finished_ms);
    bind_natural(&st, a->user_ms);
    bind_natural(&st, a->system_ms);
    bind_positive(&st, a->max_rss_kb);
    return ork_stmt_run(&st, err);
}

static int put_job(struct ork_conn *c, const struct ork_job_put *j, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_job_put);
    ork_stmt_id(&st, &j->id);
    ork_stmt_id(&st, &j->task_id);
    ork_stmt_word(&st, j->type);
    ork_stmt_text(&st, j->job_id);
    ork_stmt_text(&st, j->data);
    ork_stmt_word(&st, j->status);
    ork_stmt_text(&st, j->error);
    ork_stmt_time(&st, j->started_ms);
    ork_stmt_time(&st, j->started_ms);
    ork_stmt_time(&st, j->polled_ms);
    ork_stmt_time(&st, j->finished_ms);
    return ork_stmt_run(&st, err);
}

static int put_artifact(struct ork_conn *c, const struct ork_artifact_put *a, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_artifact_put);
    ork_stmt_id(&st, &a->task_id);
    ork_stmt_text(&st, a->name);
    ork_stmt_id(&st, &a->run_id);
    ork_stmt_int(&st, a->attempt);
    ork_stmt_text(&st, a->hash);
    ork_stmt_int(&st, a->bytes);
    ork_stmt_time(&st, a->now_ms);
    return ork_stmt_run(&st, err);
}

static int put_event(struct ork_conn *c, const struct ork_event_put *e, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_event_put);
    ork_stmt_id(&st, &e->run_id);
    ork_stmt_time(&st, e->at_ms);
    ork_stmt_text(&st, e->data);
    return ork_stmt_run(&st, err);
}

static int put_agent(struct ork_sqlite *s, const struct ork_agent_put *a, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_agent_put);
    ork_stmt_id(&st, &a->id);
    ork_stmt_text(&st, a->host);
    ork_stmt_text(&st, a->boot_id);
    ork_stmt_text(&st, a->socket);
    int rc = ork_stmt_run(&st, err);
    if (rc || ork_id_is_zero(&s->me))
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_scheduler_agent);
    ork_stmt_id(&st, &s->me);
    ork_stmt_id(&st, &a->id);
    return ork_stmt_run(&st, err);
}

static int put_pool(struct ork_conn *c, const struct ork_pool_put *p, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_pool_put);
    ork_stmt_text(&st, (struct ork_text){p->name, strlen(p->name)});
    ork_stmt_int(&st, p->slots);
    return ork_stmt_run(&st, err);
}

int ork_unit_command(struct ork_conn *c, const struct ork_command_new *n, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_command_insert);
    ork_stmt_id(&st, &n->id);
    ork_stmt_id(&st, &n->run_id);
    ork_stmt_id(&st, &n->task_id);
    ork_stmt_word(&st, n->kind);
    ork_stmt_text(&st, n->args);
    ork_stmt_text(&st, n->by);
    ork_stmt_time(&st, n->now_ms);
    return ork_stmt_run(&st, err);
}

static int put_schedule_note(struct ork_conn *c, const struct ork_schedule_note *n, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_schedule_note);
    ork_stmt_id(&st, &n->workflow_id);
    ork_stmt_text(&st, n->note);
    return ork_stmt_run(&st, err);
}

static int put_script_error(struct ork_conn *c, const struct ork_script_error *e, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_script_error);
    ork_stmt_text(&st, e->path);
    ork_stmt_text(&st, e->text);
    return ork_stmt_run(&st, err);
}

static int finish_command(struct ork_conn *c, const struct ork_command_done *d, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, c, ORK_S_command_done);
    ork_stmt_id(&st, &d->id);
    ork_stmt_time(&st, d->now_ms);
    ork_stmt_text(&st, d->outcome);
    return ork_stmt_run(&st, err);
}

int ork_unit_apply(struct ork_sqlite *s, struct ork_unit *u, ork_err *err)
{
    struct ork_conn *c = &s->writer;
    switch (u->type) {
    case ORK_UNIT_RUN:
        return put_run(s, &u->run, err);
    case ORK_UNIT_TASKS:
        return insert_tasks(c, &u->tasks, err);
    case ORK_UNIT_TASK:
        return put_task(c, &u->task, err);
    case ORK_UNIT_ATTEMPT:
        return put_attempt(c, &u->attempt, err);
    case ORK_UNIT_JOB:
        return put_job(c, &u->job, err);
    case ORK_UNIT_ARTIFACT:
        return put_artifact(c, &u->artifact, err);
    case ORK_UNIT_EVENT:
        return put_event(c, &u->event, err);
    case ORK_UNIT_AGENT:
        return put_agent(s, &u->agent, err);
    case ORK_UNIT_POOL:
        return put_pool(c, &u->pool, err);
    case ORK_UNIT_CREATE_RUN:
        return ork_unit_create_run(s, u->create, err);
    case ORK_UNIT_CLAIM:
        return ork_unit_claim(s, u->claim, err);
    case ORK_UNIT_TAKE_SLOTS:
        return ork_unit_take_slots(s, u->take, err);
    case ORK_UNIT_FREE_SLOTS:
        return ork_unit_free_slots(s, u->free, err);
    case ORK_UNIT_COMMAND:
        return ork_unit_command(c, &u->command, err);
    case ORK_UNIT_COMMAND_DONE:
        return finish_command(c, &u->done, err);
    case ORK_UNIT_APPLY:
        return ork_unit_apply_definitions(s, u->apply, err);
    case ORK_UNIT_SWEEP:
        return ork_unit_sweep(s, u->sweep, err);
    case ORK_UNIT_FORGET:
        return ork_unit_forget(s, u->forget, err);
    case ORK_UNIT_DISCARD:
        return ork_unit_discard(s, u->discard, err);
    case ORK_UNIT_REDEFINE:
        return ork_unit_redefine(s, u->redefine, err);
    case ORK_UNIT_TASK_DEFINE:
        return define_task(c, &u->define, err);
    case ORK_UNIT_ITEMS_AGAIN:
        return ork_unit_items_again(s, &u->items_again, err);
    case ORK_UNIT_TASK_PARK:
        return ork_unit_task_park(s, &u->park, err);
    case ORK_UNIT_FIRE:
        return ork_unit_fire(s, u->fire, err);
    case ORK_UNIT_SCHEDULE:
        return ork_unit_schedule(s, u->schedule, err);
    case ORK_UNIT_SCHEDULE_NOTE:
        return put_schedule_note(c, &u->schedule_note, err);
    case ORK_UNIT_SCRIPT_ERROR:
        return put_script_error(c, &u->script_error, err);
    case ORK_UNIT_TASK_MAP:
        return put_map(c, &u->map, err);
    default:
        return ork_err_set(err, ORK_EINVAL, "unit type %d is unknown", u->type);
    }
}
