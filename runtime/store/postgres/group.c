/* SPDX-License-Identifier: MIT */
/* Rows of a batch that only put something are collected by kind, and each kind is one statement: a batch of two
 * thousand results is eight statements and one round trip.
 *
 * Law: within what is collected no row occurs twice in one statement (an UPDATE would take any of them); the second
 * time everything is sent first. Kinds are sent in the order in which rows refer to each other: tasks, their changes,
 * attempts, deferred jobs, artifacts, events, runs, answers to wishes. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "core/state.h"
#include "core/workflow.h"
#include "store/postgres/array.h"
#include "store/postgres/postgres.h"
#include <string.h>

#define COLUMNS 19
enum kind { TASKS, TASK, FINISH, WELL, ITEM, FRESH, ATTEMPT, JOB, ARTIFACT, EVENT, RUN, DONE, KINDS };

/* clang-format off */
static const struct {
    int which;
    const char *types; /* u uuid, i integer, b bigint, t text, z time, j jsonb, o boolean */
} forms[KINDS] = {
    [TASKS] = {ORK_S_tasks_add, "uuitttjiititz"},
    [TASK] = {ORK_S_task_put, "utiiittt" "zzzz"},
    [FINISH] = {ORK_S_task_finish, "utiiittt" "zzzz" "ojot"},
    [WELL] = {ORK_S_task_well, "ui" "zzz" "j"},
    [ITEM] = {ORK_S_item_put, "utiiittt" "zzzz" "ojot" "iiu"},
    [FRESH] = {ORK_S_item_add, "ui" "zzz" "jiiu"},
    [ATTEMPT] = {ORK_S_attempt_put, "uittiittututbzzbbb"},
    [JOB] = {ORK_S_job_put, "uuttjtt" "zzzz"},
    [ARTIFACT] = {ORK_S_artifact_put, "utuitbz"},
    [EVENT] = {ORK_S_event_put, "uzj"},
    [RUN] = {ORK_S_run_put, "utzztiioj"},
    [DONE] = {ORK_S_command_done, "uzt"},
};
/* clang-format on */

struct table {
    struct ork_array columns[COLUMNS];
    uint32_t rows;
};
struct key {
    ork_id id;
    uint32_t kind, attempt;
    uint32_t round; /* it is of this round, or free */
};
#define KEYS 8192 /* twice the rows of a batch and more, a power of two */
#define MOST 500  /* rows collected before they are sent: the server works on them while the next are put together */

struct ork_group {
    struct table tables[KINDS];
    struct ork_array ended; /* runs that ended: their schedules may wait for that */
    uint32_t ended_rows;
    struct key keys[KEYS];
    uint32_t round, rows;
    struct ork_buf params, depends; /* scratch */
};

static int type_of(char letter)
{
    switch (letter) {
    case 'u':
        return ORK_PG_UUID;
    case 'i':
        return ORK_PG_INT4;
    case 'b':
        return ORK_PG_INT8;
    case 'z':
        return ORK_PG_TIME;
    case 'j':
        return ORK_PG_JSONB;
    case 'o':
        return ORK_PG_BOOL;
    default:
        return ORK_PG_TEXT;
    }
}

static void clear(struct table *t, int kind)
{
    for (int i = 0; forms[kind].types[i]; i++)
        ork_array_clear(&t->columns[i], type_of(forms[kind].types[i]));
    t->rows = 0;
}

void ork_groups_clear(struct ork_group *g)
{
    for (int k = 0; k < KINDS; k++)
        clear(&g->tables[k], k);
    ork_array_clear(&g->ended, ORK_PG_UUID);
    g->ended_rows = g->rows = 0;
    if (++g->round == 0) {
        memset(g->keys, 0, sizeof g->keys);
        g->round = 1;
    }
}

struct ork_group *ork_groups_new(void)
{
    struct ork_group *g = ork_zalloc(sizeof *g);
    ork_groups_clear(g);
    return g;
}

void ork_groups_free(struct ork_group *g)
{
    if (!g)
        return;
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < COLUMNS; i++)
            ork_buf_fini(&g->tables[k].columns[i].b);
    ork_buf_fini(&g->ended.b);
    ork_buf_fini(&g->params);
    ork_buf_fini(&g->depends);
    ork_free(g);
}

/* true: it was there. */
static bool seen(struct ork_group *g, uint32_t kind, const ork_id *id, uint32_t attempt)
{
    uint64_t at = ork_hash64(id->b, sizeof id->b, (uint64_t)kind << 32 | attempt);
    for (;; at++) {
        struct key *k = &g->keys[at & (KEYS - 1)];
        if (k->round != g->round) {
            *k = (struct key){*id, kind, attempt, g->round};
            return false;
        }
        if (k->kind == kind && k->attempt == attempt && ork_id_eq(&k->id, id))
            return true;
    }
}

static void add_positive(struct ork_array *a, int64_t v)
{
    if (v > 0)
        ork_array_int(a, v);
    else
        ork_array_null(a);
}

static void add_natural(struct ork_array *a, int64_t v)
{
    if (v >= 0)
        ork_array_int(a, v);
    else
        ork_array_null(a);
}

static void add_word(struct ork_array *a, const char *word)
{
    ork_array_word(a, word, word ? strlen(word) : 0);
}

static void add_kind(struct ork_array *a, int kind)
{
    add_word(a, kind == ORK_KIND_NONE ? NULL : ork_kind_name(kind));
}

/* ---- one row each ---- */

void ork_pg_depends(const ork_workflow *w, uint32_t no, struct ork_buf *out)
{
    const struct ork_csr *deps = ork_workflow_deps(w);
    ork_buf_addc(out, '{');
    for (uint32_t e = deps->first[no]; e < deps->first[no + 1]; e++) {
        ork_buf_adds(out, e > deps->first[no] ? ",\"" : "\"");
        for (const char *p = ork_workflow_task_name(w, deps->to[e]); *p; p++) {
            if (*p == '"' || *p == '\\')
                ork_buf_addc(out, '\\');
            ork_buf_addc(out, *p);
        }
        ork_buf_addc(out, '"');
    }
    ork_buf_addc(out, '}');
}

static int add_new_task(struct ork_group *g, const struct ork_tasks_insert *t, uint32_t no, ork_err *err)
{
    const struct ork_task_def *def = ork_workflow_def(t->workflow, no);
    struct ork_array *c = g->tables[TASKS].columns;
    ork_id id;
    ork_buf_clear(&g->params);
    ork_buf_clear(&g->depends);
    int rc = ork_workflow_params_json(t->workflow, no, &g->params, err);
    if (rc)
        return rc;
    ork_pg_depends(t->workflow, no, &g->depends);
    ork_task_id(&t->run_id, no, &id);
    ork_array_id(c++, &id);
    ork_array_id(c++, &t->run_id);
    ork_array_int(c++, no);
    add_word(c++, ork_workflow_text(t->workflow, def->name));
    add_word(c++, ork_workflow_executor(t->workflow, no));
    ork_array_word(c++, g->depends.data, g->depends.len);
    ork_array_word(c++, g->params.data, g->params.len);
    ork_array_int(c++, ork_workflow_retry(t->workflow, no)->limit);
    add_positive(c++, (def->timeout_ms + 999) / 1000);
    add_word(c++, ork_workflow_pool(t->workflow, no));
    ork_array_int(c++, def->priority);
    add_word(c++, def->rule == ORK_RULE_ALL_SUCCESS ? NULL : ork_rule_name(def->rule));
    ork_array_time(c++, t->now_ms);
    g->tables[TASKS].rows++;
    g->rows++;
    return 0;
}

/* It did well at once, and said nothing: there is little in its row. */
static bool is_plain(const struct ork_task_put *t)
{
    return t->status == ORK_TASK_SUCCESS && t->set_output && !t->failures && !t->lost && t->kind == ORK_KIND_NONE &&
           !t->execution_name.p && !t->error.p && !t->logs.p && !t->retry_at_ms;
}

static int add_plain(struct ork_group *g, const struct ork_task_put *t, ork_err *err)
{
    int kind = t->item ? FRESH : WELL;
    struct ork_array *c = g->tables[kind].columns;
    ork_array_id(c++, &t->id);
    ork_array_int(c++, t->attempt);
    ork_array_time(c++, t->dispatched_ms);
    ork_array_time(c++, t->started_ms);
    ork_array_time(c++, t->finished_ms);
    int rc = ork_array_text(c++, t->output, err);
    if (t->item) {
        ork_array_int(c++, t->number);
        ork_array_int(c++, t->item);
        ork_array_id(c++, &t->parent);
    }
    g->tables[kind].rows++;
    return rc;
}

static int add_task(struct ork_group *g, const struct ork_task_put *t, ork_err *err)
{
    int kind = t->item ? ITEM : t->set_output || t->set_logs ? FINISH : TASK, rc;
    struct ork_array *c = g->tables[kind].columns;
    ork_array_id(c++, &t->id);
    add_word(c++, ork_task_status_name(t->status));
    ork_array_int(c++, t->attempt);
    ork_array_int(c++, t->failures);
    ork_array_int(c++, t->lost);
    add_kind(c++, t->kind);
    rc = ork_array_text(c++, t->execution_name, err);
    if (!rc)
        rc = ork_array_text(c++, t->error, err);
    if (rc)
        return rc;
    ork_array_time(c++, t->dispatched_ms);
    ork_array_time(c++, t->started_ms);
    ork_array_time(c++, t->finished_ms);
    ork_array_time(c++, t->retry_at_ms);
    if (kind != TASK) {
        ork_array_bool(c++, t->set_output);
        rc = ork_array_text(c++, t->output, err);
        ork_array_bool(c++, t->set_logs);
        if (!rc)
            rc = ork_array_text(c++, t->logs, err);
    }
    if (kind == ITEM) {
        ork_array_int(c++, t->number);
        ork_array_int(c++, t->item);
        ork_array_id(c++, &t->parent);
    }
    g->tables[kind].rows++;
    return rc;
}

static int put_task(struct ork_postgres *s, const struct ork_task_put *t, ork_err *err)
{
    bool plain = is_plain(t) && (t->item ? t->fresh && !s->careful : t->set_logs);
    return plain ? add_plain(s->groups, t, err) : add_task(s->groups, t, err);
}

static int add_attempt(struct ork_group *g, const struct ork_attempt_put *a, ork_err *err)
{
    struct ork_array *c = g->tables[ATTEMPT].columns;
    ork_array_id(c++, &a->task_id);
    ork_array_int(c++, a->attempt);
    add_word(c++, ork_task_status_name(a->status));
    add_kind(c++, a->kind);
    add_natural(c++, a->exit_code);
    add_positive(c++, a->signal);
    int rc = ork_array_text(c++, a->error, err);
    if (!rc)
        rc = ork_array_text(c++, a->execution_name, err);
    ork_array_id(c++, &a->agent_id);
    if (!rc)
        rc = ork_array_text(c++, a->host, err);
    ork_array_id(c++, a->created ? &a->created->snapshot_id : &a->snapshot_id);
    if (!rc)
        rc = ork_array_text(c++, a->log_path, err);
    if (rc)
        return rc;
    add_natural(c++, a->log_bytes);
    ork_array_time(c++, a->started_ms);
    ork_array_time(c++, a->finished_ms);
    add_natural(c++, a->user_ms);
    add_natural(c++, a->system_ms);
    add_positive(c++, a->max_rss_kb);
    g->tables[ATTEMPT].rows++;
    return 0;
}

static int add_job(struct ork_group *g, const struct ork_job_put *j, ork_err *err)
{
    struct ork_array *c = g->tables[JOB].columns;
    ork_array_id(c++, &j->id);
    ork_array_id(c++, &j->task_id);
    add_word(c++, j->type);
    int rc = ork_array_text(c++, j->job_id, err);
    if (!rc)
        rc = ork_array_text(c++, j->data, err);
    add_word(c++, j->status);
    if (!rc)
        rc = ork_array_text(c++, j->error, err);
    if (rc)
        return rc;
    ork_array_time(c++, j->started_ms);
    ork_array_time(c++, j->started_ms);
    ork_array_time(c++, j->polled_ms);
    ork_array_time(c++, j->finished_ms);
    g->tables[JOB].rows++;
    return 0;
}

static int add_artifact(struct ork_group *g, const struct ork_artifact_put *a, ork_err *err)
{
    struct ork_array *c = g->tables[ARTIFACT].columns;
    ork_array_id(c++, &a->task_id);
    int rc = ork_array_text(c++, a->name, err);
    ork_array_id(c++, &a->run_id);
    ork_array_int(c++, a->attempt);
    if (!rc)
        rc = ork_array_text(c++, a->hash, err);
    if (rc)
        return rc;
    add_natural(c++, a->bytes);
    ork_array_time(c++, a->now_ms);
    g->tables[ARTIFACT].rows++;
    return 0;
}

static int add_event(struct ork_group *g, const struct ork_event_put *e, ork_err *err)
{
    struct ork_array *c = g->tables[EVENT].columns;
    ork_array_id(c, &e->run_id);
    ork_array_time(c + 1, e->at_ms);
    g->tables[EVENT].rows++;
    return ork_array_text(c + 2, e->data, err);
}

static int add_run(struct ork_group *g, const struct ork_run_put *r, ork_err *err)
{
    struct ork_array *c = g->tables[RUN].columns;
    ork_array_id(c++, &r->id);
    add_word(c++, ork_run_status_name(r->status));
    ork_array_time(c++, r->started_ms);
    ork_array_time(c++, r->finished_ms);
    int rc = ork_array_text(c++, r->error, err);
    if (rc)
        return rc;
    ork_array_int(c++, r->cancel_reason);
    ork_array_int(c++, r->killed);
    ork_array_bool(c++, r->release);
    ork_array_word(c++, r->output.p, r->output.n);
    g->tables[RUN].rows++;
    if (ork_run_is_final(r->status)) {
        ork_array_id(&g->ended, &r->id);
        g->ended_rows++;
    }
    return 0;
}

static int add_done(struct ork_group *g, const struct ork_command_done *d, ork_err *err)
{
    struct ork_array *c = g->tables[DONE].columns;
    ork_array_id(c, &d->id);
    ork_array_time(c + 1, d->now_ms);
    g->tables[DONE].rows++;
    return ork_array_text(c + 2, d->outcome, err);
}

/* ---- sending ---- */

static int send_kind(struct ork_postgres *s, int kind, ork_err *err)
{
    struct table *t = &s->groups->tables[kind];
    struct ork_stmt st;
    if (!t->rows)
        return 0;
    ork_stmt_begin(&st, &s->write, kind == TASKS && s->careful ? ORK_S_tasks_insert : forms[kind].which);
    for (int i = 0; forms[kind].types[i]; i++) {
        struct ork_text a = ork_array_finish(&t->columns[i]);
        ork_stmt_bytes(&st, a.p, a.n);
    }
    return ork_stmt_queue(&st, err);
}

static int wake_schedules(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    if (!s->groups->ended_rows)
        return 0;
    struct ork_text a = ork_array_finish(&s->groups->ended);
    ork_stmt_begin(&st, &s->write, ORK_S_schedule_wake);
    ork_stmt_bytes(&st, a.p, a.n);
    ork_stmt_word(&st, ORK_PG_CHANNEL);
    ork_stmt_word(&st, s->token);
    return ork_stmt_queue(&st, err);
}

int ork_groups_flush(struct ork_postgres *s, ork_err *err)
{
    int rc = 0;
    for (int k = 0; !rc && k < KINDS; k++)
        rc = send_kind(s, k, err);
    if (!rc)
        rc = wake_schedules(s, err);
    ork_groups_clear(s->groups);
    return rc;
}

static bool repeats(struct ork_group *g, const struct ork_unit *u)
{
    switch (u->type) {
    case ORK_UNIT_TASK:
        return seen(g, TASK, &u->task.id, 0);
    case ORK_UNIT_ATTEMPT:
        return seen(g, ATTEMPT, &u->attempt.task_id, u->attempt.attempt);
    case ORK_UNIT_JOB:
        return seen(g, JOB, &u->job.id, 0);
    case ORK_UNIT_ARTIFACT:
        return seen(g, ARTIFACT, &u->artifact.task_id, (uint32_t)ork_hash64(u->artifact.name.p, u->artifact.name.n, 0));
    case ORK_UNIT_RUN:
        return seen(g, RUN, &u->run.id, 0);
    case ORK_UNIT_COMMAND_DONE:
        return seen(g, DONE, &u->done.id, 0);
    default:
        return false;
    }
}

static int add_tasks(struct ork_postgres *s, const struct ork_tasks_insert *t, ork_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < t->count; i++) {
        rc = add_new_task(s->groups, t, t->first + i, err);
        if (!rc && s->groups->rows >= MOST)
            rc = ork_groups_flush(s, err);
    }
    return rc;
}

bool ork_groups_add(struct ork_postgres *s, const struct ork_unit *u, int *rc, ork_err *err)
{
    struct ork_group *g = s->groups;
    *rc = 0;
    if (u->type > ORK_UNIT_EVENT && u->type != ORK_UNIT_COMMAND_DONE)
        return false;
    if (repeats(g, u) || g->rows >= MOST) {
        *rc = ork_groups_flush(s, err);
        (void)repeats(g, u);
    }
    if (*rc)
        return true;
    g->rows++;
    switch (u->type) {
    case ORK_UNIT_TASKS:
        *rc = add_tasks(s, &u->tasks, err);
        break;
    case ORK_UNIT_TASK:
        *rc = put_task(s, &u->task, err);
        break;
    case ORK_UNIT_ATTEMPT:
        *rc = add_attempt(g, &u->attempt, err);
        break;
    case ORK_UNIT_JOB:
        *rc = add_job(g, &u->job, err);
        break;
    case ORK_UNIT_ARTIFACT:
        *rc = add_artifact(g, &u->artifact, err);
        break;
    case ORK_UNIT_EVENT:
        *rc = add_event(g, &u->event, err);
        break;
    case ORK_UNIT_RUN:
        *rc = add_run(g, &u->run, err);
        break;
    default:
        *rc = add_done(g, &u->done, err);
    }
    return true;
}
