/* SPDX-License-Identifier: MIT */
/* The idea is told in deferred.h. */
#include "engine/deferred.h"
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>

#define POLL "wait.poll" /* where its function stands */

bool ork_deferred_is(const ork_workflow *w, uint32_t task)
{
    return ork_workflow_def(w, task)->executor == ORK_EXEC_WAIT || ork_sub_is(w, task);
}

static bool is_under_way(const struct ork_active *a, uint32_t task)
{
    return a->run.tasks[task].status == ORK_TASK_DISPATCHED || a->run.tasks[task].status == ORK_TASK_RUNNING;
}

/* ---- beginning -------------------------------------------------------------------------------- */

int ork_deferred_build(struct ork_active *a, struct ork_live *l, const json_t *params, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *input = NULL;
    struct ork_deferred *d = ork_zalloc(sizeof(*d));

    ork_inputs_scope(&data, a, l->task, l->attempt, &scope);
    int rc = ork_inputs_bind(a, l->task, params, &scope, &input, err);
    data.input = input;
    l->job = d;
    if (!rc)
        rc = ork_sub_is(a->workflow, ork_run_no(&a->run, l->task))
                 ? ork_sub_build(a, l, params, input, err)
                 : ork_defer_init(&d->what, json_object_get(params, "wait"), &scope, l->dispatched_ms, err);
    json_decref(input);
    ork_inputs_scope_fini(&data);
    if (rc) {
        l->job = NULL;
        ork_free(d);
        return rc;
    }
    d->id = ork_id_new(&a->engine->ids);
    l->started_ms = l->dispatched_ms;
    l->committed = l->known = true; /* by no agent, and nothing is to be handed over */
    return 0;
}

static void arm(struct ork_active *a, const struct ork_live *l)
{
    const struct ork_deferred *d = l->job;

    /* What an executor is to start waits for the commit that says so; a row that was read is durable. */
    if (d->what.type == ORK_DEFER_TIMER || d->what.type == ORK_DEFER_POLL ||
        (d->what.type == ORK_DEFER_EXECUTOR && l->adopted))
        ork_timers_arm(a, ORK_TIMER_WAKE, l->task, d->what.due_ms);
    if (d->limit_ms)
        ork_timers_arm(a, ORK_TIMER_LIMIT, l->task, d->limit_ms);
}

static void limit(struct ork_active *a, struct ork_live *l)
{
    int64_t timeout_ms = ork_run_def(&a->run, l->task)->timeout_ms;

    l->job->limit_ms = timeout_ms > 0 ? l->started_ms + timeout_ms : 0;
}

void ork_deferred_begin(struct ork_active *a, struct ork_live *l)
{
    struct ork_event ev = {.type = ORK_EV_STARTED, .task = l->task, .attempt = l->attempt};

    limit(a, l);
    (void)ork_active_step(a, &ev);
    if (l->job->child)
        ork_sub_begin(a, l);
    arm(a, l);
    if (l->job->what.type == ORK_DEFER_EXECUTOR)
        ork_commit_after(a->engine, ORK_AFTER_CALLED, a, l->task)->attempt = l->attempt;
}

static void load_row(struct ork_active *a, const struct ork_rows *rows, size_t i)
{
    int64_t number = ork_rows_int(rows, i, "task_index", -1);
    uint32_t index = number < 0 ? ORK_NO_TASK : ork_run_by_number(&a->run, (uint32_t)number);
    const char *error = ork_rows_text(rows, i, "error");
    uint32_t attempt = 0;
    struct ork_defer what;
    ork_err why = {0};

    if (index == ORK_NO_TASK || ork_active_live(a, index))
        return;
    if (ork_defer_read(&what, ork_rows_text(rows, i, "service_type"), ork_rows_text(rows, i, "job_data"), &attempt,
                       &why) != 0) { /* without its record the attempt is lost, and made again */
        ork_log_warn(&a->engine->log, "run=%s task=%s: %s", a->text, ork_active_name(a, index), why.msg);
        return;
    }
    if (attempt != a->run.tasks[index].attempt) {
        ork_defer_fini(&what);
        return;
    }
    struct ork_live *l = ork_active_live_new(a, index, attempt);
    l->job = ork_zalloc(sizeof(*l->job));
    *l->job = (struct ork_deferred){.what = what, .polled_ms = ork_rows_time(rows, i, "last_polled_at")};
    l->job->error = error ? ork_strdup(error) : NULL;
    (void)ork_rows_id(rows, i, "id", &l->job->id);
    l->started_ms = l->dispatched_ms = ork_rows_time(rows, i, "started_at");
    l->committed = l->known = l->adopted = true;
    limit(a, l);
    arm(a, l);
}

int ork_deferred_load(struct ork_active *a, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(&a->id)};
    bool any = false;

    for (uint32_t i = 0; i < a->run.n && !any; i++) /* most runs wait for nothing: no question is asked for them */
        any = ork_deferred_is(a->workflow, i) && is_under_way(a, i);
    if (!any)
        return 0;
    int rc = ork_store_query(a->engine->store, ORK_Q_jobs_open, p, 1, &rows, err);
    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++)
        load_row(a, rows, i);
    ork_rows_free(rows);
    return rc;
}

/* ---- its row ---------------------------------------------------------------------------------- */

static const char *status_of(const struct ork_active *a, const struct ork_live *l)
{
    switch (a->run.tasks[l->task].status) {
    case ORK_TASK_DISPATCHED:
    case ORK_TASK_RUNNING:
        return l->job->what.asked || l->job->what.handle ? "polling" : "pending";
    case ORK_TASK_SUCCESS:
        return "completed";
    case ORK_TASK_CANCELLED:
        return "cancelled";
    default:
        return "failed"; /* its task may be pending, to be tried again */
    }
}

void ork_deferred_put(struct ork_active *a, const struct ork_live *l)
{
    ork_engine *e = a->engine;
    const struct ork_end *end = a->end && a->end->task == l->task ? a->end : NULL;
    const char *status = status_of(a, l);
    struct ork_buf data = ORK_BUF_INIT, name = ORK_BUF_INIT;
    ork_err err;
    bool open = is_under_way(a, l->task);

    if (ork_defer_data(&l->job->what, l->attempt, ork_refuse_poison(a, l->task, l->attempt) ? NULL : l->job->decision,
                       &data, &err) != 0) {
        ork_buf_clear(&data);
        ork_buf_addf(&data, "{\"attempt\":%u}", l->attempt);
    }
    if (l->job->what.run) /* whose end is waited for is found by it */
        ork_buf_adds(&name, l->job->what.run);
    else
        ork_buf_addf(&name, "%s.%u", ork_active_name(a, l->task), l->attempt);
    const char *error = end && !open ? end->error : l->job->error;
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_JOB, a, true);
    size_t data_len = data.len, name_len = name.len;
    char *texts[] = {ork_buf_steal(&data, NULL), ork_buf_steal(&name, NULL), error ? ork_strdup(error) : NULL};
    u->job = (struct ork_job_put){.id = l->job->id,
                                  .attempt = l->attempt,
                                  .type = ork_defer_name(l->job->what.type),
                                  .status = status,
                                  .job_id = {texts[1], name_len},
                                  .data = {texts[0], data_len},
                                  .error = {texts[2], texts[2] ? strlen(texts[2]) : 0},
                                  .started_ms = l->started_ms,
                                  .polled_ms = l->job->polled_ms,
                                  .finished_ms = open                      ? 0
                                                 : end && end->finished_ms ? end->finished_ms
                                                                           : ork_engine_now(e)};
    ork_active_task_id(a, l->task, &u->job.task_id);
    for (size_t i = 0; i < 3; i++)
        (void)ork_commit_text(e, texts[i]);
}

/* ---- ends ------------------------------------------------------------------------------------- */

void ork_deferred_succeed(struct ork_active *a, struct ork_live *l, json_t *output)
{
    const struct ork_poison *poison = ork_refuse_poison(a, l->task, l->attempt);
    struct ork_event ev = {.ok = true};
    char *text = NULL;
    size_t len = 0;
    ork_err err = {0};
    int rc = output ? ork_json_text(output, &text, &len, &err) : 0;

    if (!rc)
        rc = ork_settle_output(a, l->task, &output, &text, &len, &err);
    if (poison || rc) {
        ev.ok = false;
        ev.failure = (struct ork_failure){.kind = ORK_KIND_OUTPUT, .exit_code = -1};
    } else if (!ork_run_is_item(&a->run, l->task)) {
        ork_outputs_put(a->engine, &a->id, l->task, ORK_CACHED_OUTPUT, output);
    }
    struct ork_end end = {.output = ev.ok ? text : NULL,
                          .output_len = len,
                          .error = poison ? ork_settle_refused(poison)
                                   : rc   ? err.msg
                                          : NULL,
                          .finished_ms = ork_engine_now(a->engine)};
    ork_active_ref(a);
    ork_settle_call(a, l, &ev, &end);
    ork_active_unref(a);
    json_decref(output);
    ork_free(text);
}

/* ---- polls ------------------------------------------------------------------------------------ */

/* Calls of it fail from now on: told once, however long that lasts. */
static void tell_trouble(struct ork_active *a, const struct ork_live *l, const char *error)
{
    struct ork_after *x = ork_commit_after(a->engine, ORK_AFTER_CHANGE, a, l->task);

    x->from = x->to = a->run.tasks[l->task].status;
    x->attempt = l->attempt;
    x->error = ork_strdup(error);
    x->waits = ork_deferred_text(l->job);
}

void ork_deferred_later(struct ork_active *a, struct ork_live *l, const char *error)
{
    struct ork_deferred *d = l->job;

    if (error && !d->error)
        tell_trouble(a, l, error);
    ork_free(d->error);
    d->error = error ? ork_strdup(error) : NULL;
    d->polled_ms = ork_engine_now(a->engine);
    ork_defer_next(&d->what, d->polled_ms);
    ork_deferred_put(a, l);
    ork_timers_arm(a, ORK_TIMER_WAKE, l->task, d->what.due_ms);
}

static void on_answer(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_live *l = ork_active_live(a, task);
    json_t *output = NULL;
    ork_err err = {0};

    if (a->dead || !l || !l->job || l->verdict || l->attempt != attempt)
        return;
    ork_turn_over(a, l);
    l->job->lost |= answer->error && answer->kind == ORK_KIND_LOST;
    if (answer->error && answer->final) {
        ork_settle_fail(a, task, answer->kind, answer->error);
    } else if (answer->error || !answer->json) {
        ork_deferred_later(a, l, answer->error);
    } else if (ork_json_parse(answer->json, answer->len, &output, &err) != 0) {
        ork_settle_fail(a, task, ORK_KIND_OUTPUT, err.msg);
    } else {
        l->job->what.asked++;
        l->job->polled_ms = ork_engine_now(a->engine);
        ork_free(l->job->error);
        l->job->error = NULL;
        ork_deferred_succeed(a, l, output);
    }
}

static void on_inputs(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_live *l = ork_active_live(a, task);
    char *text = NULL;
    size_t len = 0;
    ork_err why = {0};

    if (!l || !l->job || l->verdict || !ork_turn_reads(l) || ork_question_open(a, task, POLL))
        return;                                /* it ended meanwhile */
    bool may = ork_question_may(a, &why) == 0; /* else who has its function asks */
    if (code)
        why = *err;
    else if (may)
        code = ork_question_input(a, task, l->attempt, params, &text, &len, &why);
    if (!may || code)
        ork_turn_over(a, l);
    if (may && code)
        ork_deferred_later(a, l, why.msg);
    if (!may || code)
        return;
    ork_question_ask(a, task, l->attempt,
                     &(struct ork_ask){.option = POLL, .input = text, .input_len = len, .cb = on_answer});
    ork_turn_holds(a, l, len);
}

static void poll(struct ork_active *a, struct ork_live *l)
{
    json_t *params = ork_active_params(a, l->task);

    ork_inputs_fetch(a, l->task, params, on_inputs);
    json_decref(params);
}

void ork_deferred_due(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || !l->job || l->verdict)
        return;
    if (l->job->what.type == ORK_DEFER_RUN) {
        ork_sub_attach(a, l);
        return;
    }
    if (l->job->what.type == ORK_DEFER_TIMER) {
        ork_deferred_succeed(a, l, NULL);
        return;
    }
    if (l->job->what.type == ORK_DEFER_EXECUTOR) {
        ork_executor_due(a, l);
        return;
    }
    ork_turn_want(a, l, poll);
}

void ork_deferred_timed_out(struct ork_active *a, struct ork_live *l)
{
    struct ork_buf text = ORK_BUF_INIT;
    char span[32];

    ork_duration_format(l->job->limit_ms - l->started_ms, span);
    ork_buf_addf(&text, "timeout after %s", span);
    if (l->job->error)
        ork_buf_addf(&text, "; the last call failed: %s", l->job->error);
    if (l->job->what.type == ORK_DEFER_EXECUTOR)
        ork_executor_stop(a, l, ORK_KIND_TIMEOUT, text.data, false);
    else
        ork_settle_fail(a, l->task, ORK_KIND_TIMEOUT, text.data);
    ork_buf_fini(&text);
}

void ork_deferred_over(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || !l->job || l->verdict)
        return;
    if (l->job->what.type == ORK_DEFER_RUN)
        ork_sub_stop(a, l, ORK_SUB_TIMEOUT);
    else
        ork_deferred_timed_out(a, l);
}

void ork_deferred_committed(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);

    if (l && l->job && l->attempt == attempt && !a->dead && l->job->what.type == ORK_DEFER_EXECUTOR)
        ork_executor_committed(a, l);
}

void ork_deferred_kill(struct ork_active *a, struct ork_live *l, bool now)
{
    if (l->job->what.type == ORK_DEFER_RUN)
        ork_sub_stop(a, l, ORK_SUB_CANCELLED);
    else if (l->job->what.type == ORK_DEFER_EXECUTOR)
        ork_executor_stop(a, l, ORK_KIND_CANCELLED, "cancelled", now);
    else
        ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled");
}

void ork_deferred_free(struct ork_active *a, struct ork_live *l)
{
    ork_timers_disarm(a, ORK_TIMER_WAKE, l->task);
    ork_timers_disarm(a, ORK_TIMER_LIMIT, l->task);
    if (!a->dead) {
        ork_question_drop(a, l->task, POLL);
        ork_executor_drop(a, l);
    }
    ork_turn_over(a, l);
    ork_defer_fini(&l->job->what);
    ork_sub_drop_child(l->job->child);
    json_decref(l->job->decision);
    ork_free(l->job->ending);
    ork_free(l->job->error);
    ork_free(l->job);
}

/* ---- approvals -------------------------------------------------------------------------------- */

static void reject(struct ork_active *a, struct ork_live *l)
{
    const char *by = json_string_value(json_object_get(l->job->decision, "by")),
               *comment = json_string_value(json_object_get(l->job->decision, "comment"));
    struct ork_buf why = ORK_BUF_INIT;

    ork_buf_addf(&why, "rejected by %s%s%s", by, comment ? ": " : "", comment ? comment : "");
    ork_settle_fail(a, l->task, ORK_KIND_REJECTED, why.data);
    ork_buf_fini(&why);
}

void ork_deferred_decide(struct ork_active *a, bool yes, const char *args, struct ork_buf *outcome)
{
    json_t *o = args ? json_loads(args, 0, NULL) : NULL;
    const char *name = json_string_value(json_object_get(o, "task")), *by = json_string_value(json_object_get(o, "by")),
               *comment = json_string_value(json_object_get(o, "comment"));
    uint32_t task = 0;

    if (!name || ork_active_task_find(a, name, &task) != 0) {
        ork_buf_addf(outcome, "no task `%s` in this run", name ? name : "");
        json_decref(o);
        return;
    }
    struct ork_live *l = ork_active_live(a, task);
    if (!l || !l->job || l->job->what.type != ORK_DEFER_APPROVAL) {
        ork_buf_addf(outcome, "not possible: `%s` waits for no approval (%s)", name,
                     ork_task_status_name(a->run.tasks[task].status));
    } else if (a->run.tasks[task].flags & ORK_RT_KILLING) {
        ork_buf_addf(outcome, "too late: `%s` is being cancelled", name);
    } else {
        l->job->decision = json_pack("{s:s,s:s?}", "by", by ? by : "?", "comment", comment);
        ork_buf_adds(outcome, "done");
        if (yes)
            ork_deferred_succeed(a, l, json_deep_copy(l->job->decision));
        else
            reject(a, l);
    }
    json_decref(o);
}

/* Does its definition say so? An item has that of its task. */
static bool asks(ork_engine *e, const ork_id *run, const struct ork_rows *task, const char *name)
{
    struct ork_rows *parent = NULL;
    char id[ORK_ID_TEXT];
    ork_err none;

    if (strcmp(ork_rows_text(task, 0, "executor_type"), "wait") != 0)
        return false;
    const char *params = ork_rows_text(task, 0, "params");
    if (ork_rows_int(task, 0, "map_index", -1) >= 0) {
        char *of = ork_strndup(name, strcspn(name, "/"));
        ork_id_format(run, id);
        params = ork_doc_open_task(e, id, of, &parent, NULL, &none) == 0 ? ork_rows_text(parent, 0, "params") : NULL;
        ork_free(of);
    }
    json_t *p = params ? json_loads(params, 0, NULL) : NULL;
    bool yes = json_object_get(json_object_get(p, "wait"), "approval") != NULL;
    json_decref(p);
    ork_rows_free(parent);
    return yes;
}

#define NAMED 5 /* items; of more only that there are */

/* Its items are asked for one by one: those that wait, by name. */
static int items_wait(ork_engine *e, const ork_id *run, const struct ork_rows *task, const char *name, ork_err *err)
{
    const int64_t first = ork_rows_int(task, 0, "map_first", 0), count = ork_rows_int(task, 0, "map_count", 0);
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    struct ork_buf names = ORK_BUF_INIT;
    unsigned n = 0;
    int rc = ork_store_query(e->store, ORK_Q_jobs_open, p, 1, &rows, err);

    for (size_t i = 0; !rc && i < ork_rows_len(rows) && n <= NAMED; i++) {
        const int64_t item = ork_rows_int(rows, i, "task_index", -1) - first;
        if (item < 0 || item >= count || strcmp(ork_rows_text(rows, i, "service_type"), "approval") != 0)
            continue;
        if (n++ == NAMED)
            ork_buf_adds(&names, ", …");
        else
            ork_buf_addf(&names, "%s`%s/%lld`", n > 1 ? ", " : "", name, (long long)item + 1);
    }
    ork_rows_free(rows);
    if (!rc && n)
        rc = ork_err_set(err, ORK_ESTATE, "`%s` asks for each of its items; now %s: %s", name,
                         n > 1 ? "these wait" : "this waits", names.data);
    else if (!rc)
        rc = ork_err_set(err, ORK_ESTATE, "`%s` asks for each of its items, and none of them waits now", name);
    ork_buf_fini(&names);
    return rc;
}

static int not_waiting(ork_engine *e, const ork_id *run, const struct ork_rows *task, const char *name, ork_err *err)
{
    int status = ork_task_status_parse(ork_rows_text(task, 0, "status"));

    if (!asks(e, run, task, name))
        return ork_err_set(err, ORK_ESTATE, "`%s` asks for no approval", name);
    if (ork_rows_int(task, 0, "map_count", -1) >= 0 && !ork_task_is_final(status))
        return items_wait(e, run, task, name, err);
    if (status == ORK_TASK_PENDING || status == ORK_TASK_PAUSED)
        return ork_err_set(err, ORK_ESTATE,
                           "`%s` does not wait for its approval yet; `ork why` says what comes before it", name);
    return ork_err_set(err, ORK_ESTATE, "`%s` waits for no approval any more (%s)", name, ork_task_status_name(status));
}

/* Somebody decided already, and nobody has carried it out yet. */
static int decided(ork_engine *e, const ork_id *run, const ork_id *task, const char *name, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    ork_id of;
    int rc = ork_store_query(e->store, ORK_Q_commands_of_run, p, 1, &rows, err);

    for (size_t i = 0; !rc && i < ork_rows_len(rows); i++) {
        const char *kind = ork_rows_text(rows, i, "kind"), *args = ork_rows_text(rows, i, "args");
        if (ork_rows_time(rows, i, "done_at") || (strcmp(kind, "approve") != 0 && strcmp(kind, "reject") != 0) ||
            !ork_rows_id(rows, i, "task_id", &of) || !ork_id_eq(&of, task))
            continue;
        json_t *o = args ? json_loads(args, 0, NULL) : NULL;
        const char *by = json_string_value(json_object_get(o, "by"));
        rc = ork_err_set(err, ORK_ESTATE,
                         "`%s` was %s by %s already; that counts as soon as somebody goes on with the run", name,
                         *kind == 'a' ? "approved" : "rejected", by ? by : "?");
        json_decref(o);
    }
    ork_rows_free(rows);
    return rc;
}

int ork_deferred_may_decide(ork_engine *e, const ork_id *run, const char *args, ork_id *task, ork_err *err)
{
    struct ork_rows *rows = NULL, *jobs = NULL;
    char text[ORK_ID_TEXT];
    json_t *o = args ? json_loads(args, 0, NULL) : NULL;
    const char *name = json_string_value(json_object_get(o, "task"));
    bool open = false;

    if (!name || !json_is_string(json_object_get(o, "by"))) {
        json_decref(o);
        return ork_err_set(err, ORK_EINVAL, "whose approval? args want {\"task\",\"by\",\"comment\"?}");
    }
    ork_id_format(run, text);
    int rc = ork_doc_open_task(e, text, name, &rows, NULL, err);
    if (!rc && ork_rows_id(rows, 0, "id", task)) {
        struct ork_param p[] = {ORK_P_ID(task)};
        rc = ork_store_query(e->store, ORK_Q_jobs_of_task, p, 1, &jobs, err);
    }
    for (size_t i = 0; !rc && i < ork_rows_len(jobs); i++)
        open |= strcmp(ork_rows_text(jobs, i, "service_type"), "approval") == 0 &&
                strcmp(ork_rows_text(jobs, i, "status"), "pending") == 0;
    if (!rc)
        rc = open ? decided(e, run, task, name, err) : not_waiting(e, run, rows, name, err);
    ork_rows_free(jobs);
    ork_rows_free(rows);
    json_decref(o);
    return rc;
}

/* ---- for people ------------------------------------------------------------------------------- */

char *ork_deferred_text(const struct ork_deferred *d)
{
    struct ork_buf b = ORK_BUF_INIT;
    char due[32], every[32];

    ork_time_format(d->what.due_ms, due);
    if (d->what.type == ORK_DEFER_RUN) {
        ork_id id;
        char short_id[9];
        (void)ork_id_parse(d->what.run, strlen(d->what.run), &id);
        ork_id_short(&id, short_id);
        ork_buf_addf(&b, "waits for run %s of %s", short_id, d->what.text);
    } else if (d->what.type == ORK_DEFER_APPROVAL) {
        ork_buf_addf(&b, "waits for approval: %s", d->what.text);
    } else if (d->what.type == ORK_DEFER_TIMER) {
        ork_buf_addf(&b, "waits until %s", due);
    } else if (d->what.type == ORK_DEFER_EXECUTOR) {
        ork_buf_addf(&b, "by executor %s", d->what.text);
    } else {
        ork_duration_format(d->what.every_ms, every);
        ork_buf_addf(&b, "polls every %s", every);
    }
    return ork_buf_steal(&b, NULL);
}
