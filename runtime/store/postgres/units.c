/* SPDX-License-Identifier: MIT */
/* Units that put rows one by one, because there are few of them: each fills one prepared statement, which is sent
 * behind the others without waiting. 0 and negative numbers that mean "none" become NULL here. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/postgres/postgres.h"
#include <string.h>

static int define_task(struct ork_postgres *s, const struct ork_task_define *t, ork_err *err)
{
    const struct ork_task_def *def = ork_workflow_def(t->workflow, t->no);
    struct ork_buf params = ORK_BUF_INIT, depends = ORK_BUF_INIT;
    struct ork_stmt st;
    int rc = ork_workflow_params_json(t->workflow, t->no, &params, err);
    if (!rc) {
        int64_t timeout_s = (def->timeout_ms + 999) / 1000;
        ork_pg_depends(t->workflow, t->no, &depends);
        ork_stmt_begin(&st, &s->write, ORK_S_task_redefine);
        ork_stmt_id(&st, &t->id);
        ork_stmt_id(&st, &t->run_id);
        ork_stmt_int(&st, t->no);
        ork_stmt_word(&st, ork_workflow_text(t->workflow, def->name));
        ork_stmt_word(&st, ork_workflow_executor(t->workflow, t->no));
        ork_stmt_text(&st, (struct ork_text){depends.data, depends.len});
        ork_stmt_json(&st, (struct ork_text){params.data, params.len});
        ork_stmt_int(&st, ork_workflow_retry(t->workflow, t->no)->limit);
        if (timeout_s > 0)
            ork_stmt_int(&st, timeout_s);
        else
            ork_stmt_null(&st);
        ork_stmt_word(&st, ork_workflow_pool(t->workflow, t->no));
        ork_stmt_int(&st, def->priority);
        ork_stmt_word(&st, def->rule == ORK_RULE_ALL_SUCCESS ? NULL : ork_rule_name(def->rule));
        ork_stmt_time(&st, t->now_ms);
        ork_stmt_int(&st, t->again);
        ork_stmt_int(&st, t->again && !t->items);
        rc = ork_stmt_queue(&st, err);
    }
    ork_buf_fini(&params);
    ork_buf_fini(&depends);
    return rc;
}

static int put_agent(struct ork_postgres *s, const struct ork_agent_put *a, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_agent_put);
    ork_stmt_id(&st, &a->id);
    ork_stmt_text(&st, a->host);
    ork_stmt_text(&st, a->boot_id);
    ork_stmt_text(&st, a->socket);
    int rc = ork_stmt_queue(&st, err);
    if (rc || !ork_pg_registered(s))
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_scheduler_agent);
    ork_stmt_id(&st, &s->me);
    ork_stmt_id(&st, &a->id);
    return ork_stmt_queue(&st, err);
}

static int put_pool(struct ork_postgres *s, const struct ork_pool_put *p, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_put);
    ork_stmt_text(&st, (struct ork_text){p->name, strlen(p->name)});
    ork_stmt_int(&st, p->slots);
    return ork_stmt_queue(&st, err);
}

int ork_unit_command(struct ork_postgres *s, const struct ork_command_new *n, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_command_insert);
    ork_stmt_id(&st, &n->id);
    ork_stmt_id(&st, &n->run_id);
    ork_stmt_id(&st, &n->task_id);
    ork_stmt_word(&st, n->kind);
    ork_stmt_json(&st, n->args);
    ork_stmt_text(&st, n->by);
    ork_stmt_time(&st, n->now_ms);
    return ork_stmt_queue(&st, err);
}

static int items_again(struct ork_postgres *s, const struct ork_items_again *t, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_items_again);
    ork_stmt_id(&st, &t->run_id);
    ork_stmt_int(&st, t->first);
    ork_stmt_int(&st, t->last);
    return ork_stmt_queue(&st, err);
}

static int park_task(struct ork_postgres *s, const struct ork_task_park *t, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_task_park);
    ork_stmt_id(&st, &t->id);
    ork_stmt_int(&st, t->index);
    return ork_stmt_queue(&st, err);
}

static int put_schedule_note(struct ork_postgres *s, const struct ork_schedule_note *n, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_note);
    ork_stmt_id(&st, &n->workflow_id);
    ork_stmt_json(&st, n->note);
    return ork_stmt_queue(&st, err);
}

static int put_map(struct ork_postgres *s, const struct ork_task_map *m, ork_err *err)
{
    bool inside = m->set && m->items.n <= ORK_ITEMS_INLINE;
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_task_map);
    ork_stmt_id(&st, &m->id);
    if (m->set) {
        ork_stmt_int(&st, m->count);
        ork_stmt_int(&st, m->first);
    } else {
        ork_stmt_null(&st);
        ork_stmt_null(&st);
    }
    ork_stmt_json(&st, inside ? m->items : (struct ork_text){0});
    int rc = ork_stmt_queue(&st, err);
    if (rc || !m->set)
        return rc;
    if (!inside) {
        ork_stmt_begin(&st, &s->write, ORK_S_task_items_put);
        ork_stmt_id(&st, &m->id);
        ork_stmt_json(&st, m->items);
        rc = ork_stmt_queue(&st, err);
    }
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_run_reserve);
    ork_stmt_id(&st, &m->run_id);
    ork_stmt_int(&st, m->first + m->count);
    return ork_stmt_queue(&st, err);
}

static int put_script_error(struct ork_postgres *s, const struct ork_script_error *e, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_script_error);
    ork_stmt_text(&st, e->path);
    ork_stmt_text(&st, e->text);
    return ork_stmt_queue(&st, err);
}

int ork_unit_apply(struct ork_postgres *s, struct ork_unit *u, ork_err *err)
{
    switch (u->type) {
    case ORK_UNIT_AGENT:
        return put_agent(s, &u->agent, err);
    case ORK_UNIT_POOL:
        return put_pool(s, &u->pool, err);
    case ORK_UNIT_CREATE_RUN:
        return ork_unit_create_run(s, u->create, err);
    case ORK_UNIT_CLAIM:
        return ork_unit_claim(s, u->claim, err);
    case ORK_UNIT_TAKE_SLOTS:
        return ork_unit_take_slots(s, u->take, err);
    case ORK_UNIT_FREE_SLOTS:
        return ork_unit_free_slots(s, u->free, err);
    case ORK_UNIT_COMMAND:
        return ork_unit_command(s, &u->command, err);
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
        return define_task(s, &u->define, err);
    case ORK_UNIT_ITEMS_AGAIN:
        return items_again(s, &u->items_again, err);
    case ORK_UNIT_TASK_PARK:
        return park_task(s, &u->park, err);
    case ORK_UNIT_FIRE:
        return ork_unit_fire(s, u->fire, err);
    case ORK_UNIT_SCHEDULE:
        return ork_unit_schedule(s, u->schedule, err);
    case ORK_UNIT_SCHEDULE_NOTE:
        return put_schedule_note(s, &u->schedule_note, err);
    case ORK_UNIT_SCRIPT_ERROR:
        return put_script_error(s, &u->script_error, err);
    case ORK_UNIT_TASK_MAP:
        return put_map(s, &u->map, err);
    default:
        return ork_err_set(err, ORK_EINVAL, "unit type %d is unknown", u->type);
    }
}
