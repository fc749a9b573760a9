/* SPDX-License-Identifier: MIT */
/* How attempts end. What an attempt left behind is read, checked against its output_type, and becomes one event for the
 * core; the result, the attempt's row and everything that follows from it join the same commit, and only after that
 * commit the agent forgets the attempt. A crash before it: the agent sends the exit again. A crash after it: the
 * attempt is final, the exit is dropped and acknowledged. */
#include "engine/result.h"
#include "core/types.h"
#include "engine/python.h"
#include <string.h>

static struct ork_text text_of(const char *s)
{
    return (struct ork_text){s, s ? strlen(s) : 0};
}

static char *before_attempt(uint32_t attempt)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addf(&b, "cancelled before attempt %u", attempt);
    return ork_buf_steal(&b, NULL);
}

void ork_settle_put(struct ork_active *a, uint32_t task, bool urgent)
{
    ork_engine *e = a->engine;
    const struct ork_run_task *t = &a->run.tasks[task];
    const struct ork_live *l = ork_active_live(a, task);
    const struct ork_end *end = a->end && a->end->task == task ? a->end : NULL;
    struct ork_task_put put = {.status = t->status,
                               .kind = t->kind,
                               .attempt = t->attempt,
                               .failures = t->failures,
                               .lost = t->lost,
                               .retry_at_ms = t->retry_at_ms};
    bool live = t->status == ORK_TASK_DISPATCHED || t->status == ORK_TASK_RUNNING, final = ork_task_is_final(t->status);
    char pid[16] = "";

    ork_active_task_id(a, task, &put.id);
    if (l && (live || final)) {
        put.dispatched_ms = l->dispatched_ms;
        put.started_ms = l->started_ms;
        if (l->pid)
            (void)snprintf(pid, sizeof(pid), "%d", l->pid);
    }
    ork_fan_put(a, task, &put);
    if (pid[0])
        put.execution_name = text_of(ork_strdup(pid));
    if (final)
        put.finished_ms = end && end->finished_ms ? end->finished_ms : ork_engine_now(e);
    char *error = end && end->error ? ork_strdup(end->error) : NULL, *output = NULL, *tail = NULL;
    const char *died = !end && !l && t->status == ORK_TASK_CANCELLED ? ork_begun_died(a, task, t->attempt + 1) : NULL;
    if (!end && !l && t->status == ORK_TASK_CANCELLED && (died || t->kind != ORK_KIND_NONE)) {
        put.kind = ORK_KIND_CANCELLED; /* it waited for a retry, of which the kind of the last failure is left */
        error = died ? ork_strdup(died) : before_attempt(t->attempt + 1);
    }
    put.error = text_of(error);
    put.set_output = final || t->status == ORK_TASK_PENDING;
    if (end && end->output && t->status == ORK_TASK_SUCCESS) {
        output = ork_strndup(end->output, end->output_len);
        put.output = (struct ork_text){output, end->output_len};
    }
    if (end && end->tail) {
        tail = ork_strndup(end->tail, end->tail_len);
        put.logs = (struct ork_text){tail, end->tail_len};
        put.set_logs = true;
    } else if (end && l && !l->remote) { /* what is there is of an earlier attempt */
        put.set_logs = true;
    }
    ork_commit_task(a, task, &put, urgent);
    (void)ork_commit_text(e, (char *)put.execution_name.p);
    (void)ork_commit_text(e, error);
    (void)ork_commit_text(e, output);
    (void)ork_commit_text(e, tail);
}

static void put_attempt(struct ork_active *a, const struct ork_live *l, int status, int kind, const struct ork_exit *x,
                        const char *error, bool urgent)
{
    ork_engine *e = a->engine;
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_ATTEMPT, a, urgent);
    struct ork_attempt_put *p = &u->attempt;

    ork_active_task_id(a, l->task, &p->task_id);
    p->agent_id = l->agent;
    p->attempt = l->attempt;
    p->status = status;
    p->kind = kind;
    p->exit_code = x ? x->exit_code : l->remote ? l->remote->exit_code : -1;
    p->signal = x ? x->signal : 0;
    p->snapshot_id = a->snapshot;
    p->created = a->creating && a->creating->commit == e->current ? &a->creating->row : NULL;
    p->started_ms = x && x->started_ms ? x->started_ms : l->started_ms;
    p->finished_ms = ork_task_is_final(status) ? (x && x->finished_ms ? x->finished_ms : ork_engine_now(e)) : 0;
    p->log_bytes = x ? x->log_bytes : l->call ? l->call->log_bytes : l->remote ? l->remote->log_bytes : -1;
    p->user_ms = x ? x->user_ms : -1;
    p->system_ms = x ? x->system_ms : -1;
    p->max_rss_kb = x ? x->max_rss_kb : -1;
    p->host = text_of(e->host);
    if (l->log_path && !(l->call && l->call->log_bytes == 0) && !(l->remote && l->remote->log_bytes == 0))
        p->log_path = text_of(ork_strdup(l->log_path));
    if (error)
        p->error = text_of(ork_strdup(error));
    char pid[16];
    (void)snprintf(pid, sizeof(pid), "%d", l->pid ? l->pid : x ? x->pid : 0);
    if (strcmp(pid, "0") != 0)
        p->execution_name = text_of(ork_strdup(pid));
    const struct ork_text mine[] = {p->log_path, p->error, p->execution_name};
    for (size_t i = 0; i < 3; i++)
        (void)ork_commit_text(e, (char *)mine[i].p);
}

void ork_settle_dispatched(struct ork_active *a, uint32_t task, bool urgent)
{
    struct ork_live *l = ork_active_live(a, task);

    if (l)
        put_attempt(a, l, a->run.tasks[task].status, ORK_KIND_NONE, NULL, NULL, urgent);
}

void ork_settle_ended(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);
    struct ork_end *end = a->end;

    if (!l || !end || end->task != task || !end->attempt)
        return;
    end->attempt = false;
    int now = a->run.tasks[task].status; /* what the core made of it: a killed task that exits 0 is cancelled */
    int status = now == ORK_TASK_SUCCESS || now == ORK_TASK_CANCELLED ? now : ORK_TASK_FAILED;
    if ((l->call || l->job) && status == ORK_TASK_SUCCESS) /* the task's row says it all */
        return;
    put_attempt(a, l, status, status == ORK_TASK_SUCCESS ? ORK_KIND_NONE : a->run.tasks[task].kind, end->exit,
                end->error, true);
}

/* After the commit the agent forgets it, and its files but the log go. */
static void forget(struct ork_active *a, const struct ork_live *l, bool had_output, bool had_artifacts)
{
    struct ork_after *after = ork_commit_after(a->engine, ORK_AFTER_ACK, a, l->task);

    after->attempt = l->attempt;
    after->remove[0] = had_output && l->log_path ? ork_active_beside(l->log_path, "out") : NULL;
    after->remove[1] = l->input_path ? ork_strdup(l->input_path) : NULL;
    after->folder = had_artifacts && l->log_path ? ork_artifact_folder(l->log_path) : NULL;
}

void ork_settle_end(struct ork_active *a, struct ork_live *l, struct ork_event *ev, struct ork_end *end,
                    const struct ork_exit *x)
{
    uint32_t task = l->task, attempt = l->attempt;

    if (ork_verdict_ask(a, l, ev, end, x))
        return;

    ev->type = ORK_EV_EXITED;
    ev->task = task;
    ev->attempt = attempt;
    end->task = task;
    if (!ev->ok && end->error && !ork_run_is_item(&a->run, task)) { /* nobody refers to one item's */
        json_t *text = json_string(end->error);
        ork_outputs_put(a->engine, &a->id, task, ORK_CACHED_ERROR, text);
        json_decref(text);
    }
    end->exit = x;
    end->attempt = true;
    a->end = end;
    bool waited = l->remote != NULL;
    if (waited)
        ork_remote_ended(a, l);
    (void)ork_active_step(a, ev);
    a->end = NULL;
    if (ev->ok && end->artifacts && a->run.tasks[task].status == ORK_TASK_SUCCESS)
        ork_artifacts_put(a, l, end->artifacts);
    if (!l->call && !l->job && !waited)
        forget(a, l, !x || end->had_output, !x || end->had_artifacts);
    ork_active_live_free(a, l);
    if (!waited) /* it gave its places back when it began to */
        ork_dispatch_release(a, task);
}

void ork_settle_call(struct ork_active *a, struct ork_live *l, struct ork_event *ev, struct ork_end *end)
{
    ork_settle_end(a, l, ev, end, NULL);
}

/* ---- exits ---- */

static const char *signal_word(int sig)
{
    const char *name = sigabbrev_np(sig);

    return name ? name : "?";
}

static void describe_failure(struct ork_active *a, const struct ork_result *r, struct ork_event *ev,
                             struct ork_buf *why)
{
    const struct ork_exit *x = &r->exit;
    char span[32];

    ev->failure = (struct ork_failure){.kind = ORK_KIND_EXIT, .exit_code = x->exit_code, .signal = x->signal};
    switch (x->reason) {
    case ORK_EXIT_TIMEOUT:
        ev->failure.kind = ORK_KIND_TIMEOUT;
        ork_duration_format(ork_run_def(&a->run, r->task)->timeout_ms, span);
        ork_buf_addf(why, "timeout after %s", span);
        return;
    case ORK_EXIT_KILLED:
        ev->failure.kind = ORK_KIND_CANCELLED;
        ork_buf_adds(why, "cancelled");
        return;
    case ORK_EXIT_SPAWN:
        ev->failure.kind = ORK_KIND_SPAWN;
        ork_buf_adds(why, x->error ? x->error : "it could not be started");
        return;
    case ORK_EXIT_LOST:
        ev->failure.kind = ORK_KIND_LOST;
        ork_buf_adds(why, "lost: the agent that ran it died; what was left of it was ended");
        return;
    default:
        break;
    }
    if (r->tells && ork_python_failure(r, ev, why))
        return;
    if (x->signal) {
        ev->failure.kind = ORK_KIND_SIGNAL;
        ork_buf_addf(why, "ended by signal %d (SIG%s)", x->signal, signal_word(x->signal));
        if (x->signal == SIGXCPU)
            ork_buf_adds(why, ": it took more CPU time than it may (resources)");
    } else {
        ork_buf_addf(why, "exit code %d", x->exit_code);
    }
}

/* How a task like this gives an output. */
static const char *way_of_output(struct ork_active *a, uint32_t task)
{
    const struct ork_live *l = ork_active_live(a, task);
    const uint32_t no = ork_run_no(&a->run, task);

    if (l && l->job && l->job->what.type == ORK_DEFER_EXECUTOR)
        return "the `poll` of its executor returns { output = … } at the end";
    if (ork_call_is(a->workflow, no))
        return "its function returned nothing";
    if (ork_python_is(a->workflow, no))
        return "its function returned None";
    return "write JSON to $ORK_OUTPUT_FILE or print a line ORK_OUTPUT:{…}";
}

int ork_settle_output(struct ork_active *a, uint32_t task, json_t **output, char **output_text, size_t *output_len,
                      ork_err *err)
{
    uint32_t sig = ork_run_def(&a->run, task)->signature;

    if (!sig)
        return 0;
    const char *text = ork_workflow_text(a->workflow, sig);
    json_t *signature = NULL;
    int rc = ork_json_parse(text, strlen(text), &signature, err);
    json_t *type = rc ? NULL : json_object_get(signature, "output_type");
    if (type && !*output) {
        if (!ork_type_is_optional(type))
            rc = ork_err_set(err, ORK_ETYPE, "it declares an output_type but gave no output: %s",
                             way_of_output(a, task));
    } else if (type) {
        json_t *before = json_incref(*output);
        rc = ork_type_apply(type, output, "output", err);
        if (!rc) { /* 10.0 may have become 10 */
            ork_free(*output_text);
            *output_text = NULL;
            rc = ork_json_text(*output, output_text, output_len, err);
        }
        json_decref(before);
    }
    json_decref(signature);
    return rc;
}

static int check_output(struct ork_active *a, struct ork_result *r, ork_err *err)
{
    if (r->code) {
        *err = r->err;
        return r->code;
    }
    if (ork_remote_list(r->output))
        return ork_remote_make(a, ork_remote_list(r->output), r->masked, &r->remote, err);
    return ork_settle_output(a, r->task, &r->output, &r->output_text, &r->output_len, err);
}

const char *ork_settle_refused(const struct ork_poison *p)
{
    return p->times > 1 ? "the database refuses what it left" : p->why;
}

static void on_result(struct ork_result *r)
{
    struct ork_active *a = r->a;
    struct ork_live *l = ork_active_live(a, r->task);
    struct ork_event ev = {0};
    struct ork_buf why = ORK_BUF_INIT;
    ork_err err = {0};

    if (a->dead || !l || l->attempt != r->exit.key.attempt) {
        ork_result_free(r);
        return;
    }
    if (r->exit.pid && !l->pid)
        l->pid = r->exit.pid;
    if (!l->started_ms)
        l->started_ms = r->exit.started_ms;
    ev.ok = r->exit.reason == ORK_EXIT_NORMAL && r->exit.exit_code == 0 && r->exit.signal == 0;
    const struct ork_poison *poison = ork_refuse_poison(a, r->task, l->attempt);
    if (poison) {
        ev.ok = false;
        ev.failure = (struct ork_failure){.kind = ORK_KIND_OUTPUT, .exit_code = r->exit.exit_code};
        ork_buf_adds(&why, ork_settle_refused(poison));
    } else if (!ev.ok) {
        describe_failure(a, r, &ev, &why);
    } else if (check_output(a, r, &err) != 0) {
        ev.ok = false;
        ev.failure = (struct ork_failure){.kind = ORK_KIND_OUTPUT, .exit_code = 0};
        ork_buf_adds(&why, err.msg);
    }
    if (r->remote) {
        struct ork_remote *remote = r->remote;
        r->remote = NULL;
        ork_artifacts_put(a, l, &r->artifacts);
        forget(a, l, r->output_size >= 0, r->artifacts_dir != NULL);
        ork_remote_begin(a, l, remote, r->exit.exit_code, r->exit.log_bytes, r->tail, r->tail_len);
        ork_result_free(r);
        return;
    }
    if (ev.ok && !ork_run_is_item(&a->run, r->task))
        ork_outputs_put(a->engine, &a->id, r->task, ORK_CACHED_OUTPUT, r->output);
    struct ork_end end = {.output = ev.ok ? r->output_text : NULL,
                          .output_len = r->output_len,
                          .tail = poison ? NULL : r->tail,
                          .tail_len = r->tail_len,
                          .error = why.len ? why.data : NULL,
                          .data = r->output_text,
                          .data_len = r->output_len,
                          .finished_ms = r->exit.finished_ms,
                          .artifacts = &r->artifacts,
                          .had_artifacts = r->artifacts_dir != NULL,
                          .had_output = r->output_size >= 0};
    ork_settle_end(a, l, &ev, &end, &r->exit);
    ork_buf_fini(&why);
    ork_result_free(r);
}

/* An attempt that was taken over ended: what its secrets are is looked up again before anything it left is read. */
static void on_secrets(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_live *l = ork_active_live(a, task);
    struct ork_exit *x = l ? l->exit : NULL;

    if (!x)
        return;
    l->exit = NULL;
    l->unmasked = false;
    if (!code)
        ork_inputs_mask(a, l, params);
    ork_result_read(a, l, x, code ? err : NULL, on_result);
    ork_free((char *)x->error);
    ork_free(x);
}

static void note_secret(void *data, const char *name)
{
    (void)name;
    *(bool *)data = true;
}

static bool look_up_secrets(struct ork_active *a, struct ork_live *l, const struct ork_exit *x)
{
    json_t *params = l->unmasked ? ork_active_params(a, l->task) : NULL;
    bool any = false;

    ork_expr_env_secrets(params, note_secret, &any);
    if (any) {
        l->exit = ork_alloc(sizeof(*l->exit));
        *l->exit = *x;
        l->exit->error = x->error ? ork_strdup(x->error) : NULL;
        ork_inputs_fetch_all(a, l->task, params, on_secrets);
    }
    json_decref(params);
    return any;
}

void ork_settle_exit(struct ork_active *a, uint32_t task, const struct ork_exit *x)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || l->attempt != x->key.attempt || l->remote) { /* remote: it was taken, and its agent does not know yet */
        ork_log_debug(&a->engine->log, "stale exit run=%s task=%u attempt=%u", a->text, task, x->key.attempt);
        struct ork_after *after = ork_commit_after(a->engine, ORK_AFTER_ACK, a, task);
        after->attempt = x->key.attempt;
        after->remove[0] = ork_active_file(a, task, x->key.attempt, "out"); /* we died before we could */
        after->remove[1] = ork_active_file(a, task, x->key.attempt, "in");
        after->folder = ork_active_file(a, task, x->key.attempt, "artifacts");
        a->engine->current->urgent = true;
        return;
    }
    l->known = true;
    if (l->settling)
        return;
    l->settling = true;
    if (!look_up_secrets(a, l, x))
        ork_result_read(a, l, x, NULL, on_result);
}

/* ---- ends without a process ---- */

void ork_settle_fail(struct ork_active *a, uint32_t task, int kind, const char *text)
{
    struct ork_live *l = ork_active_live(a, task);
    struct ork_event ev = {.failure = {.kind = kind, .exit_code = -1}};
    struct ork_end end = {.error = text, .finished_ms = ork_engine_now(a->engine)};
    const struct ork_poison *poison = ork_refuse_poison(a, task, l->attempt);
    struct ork_buf why = ORK_BUF_INIT;

    if (poison) {
        ev.failure.kind = ORK_KIND_OUTPUT;
        ork_buf_adds(&why, ork_settle_refused(poison));
        end.error = why.data;
    }
    ork_settle_end(a, l, &ev, &end, NULL);
    ork_buf_fini(&why);
}

void ork_settle_lost(struct ork_active *a, uint32_t task, const char *text)
{
    ork_settle_fail(a, task, ORK_KIND_LOST, text);
}

void ork_settle_reject(struct ork_active *a, uint32_t task, int kind, const char *text)
{
    ork_settle_reject_after(a, task, kind, text, 0);
}

void ork_settle_reject_after(struct ork_active *a, uint32_t task, int kind, const char *text, int64_t after_ms)
{
    struct ork_event ev = {
        .type = ORK_EV_REJECT, .task = task, .failure = {.kind = kind, .exit_code = -1}, .retry_after_ms = after_ms};
    struct ork_end end = {.task = task, .error = text, .finished_ms = ork_engine_now(a->engine)};

    if (a->draining) { /* its row would be written when this reason is gone */
        struct ork_reject *r = ork_zalloc(sizeof(*r));
        *r = (struct ork_reject){.task = task, .kind = kind, .after_ms = after_ms, .text = ork_strdup(text)};
        *(a->rejects ? a->rejects_end : &a->rejects) = r;
        a->rejects_end = &r->next;
        return;
    }
    if (ork_refuse_poison(a, task, a->run.tasks[task].attempt))
        end.error = "the database refuses the reason";
    a->end = &end;
    (void)ork_active_step(a, &ev);
    a->end = NULL;
}

void ork_settle_rejects(struct ork_active *a)
{
    if (a->rejecting) /* each may bring others: a loop, not a recursion */
        return;
    a->rejecting = true;
    for (struct ork_reject *r; (r = a->rejects);) {
        a->rejects = r->next;
        ork_settle_reject_after(a, r->task, r->kind, r->text, r->after_ms);
        ork_free(r->text);
        ork_free(r);
    }
    a->rejecting = false;
}

void ork_settle_queue_timeout(struct ork_active *a, uint32_t task)
{
    char span[32], text[96];

    if (!(a->run.tasks[task].flags & ORK_RT_READY))
        return;
    ork_limits_unready(a->engine->limits, a->limits, task);
    ork_duration_format(ork_run_def(&a->run, task)->queue_timeout_ms, span);
    (void)snprintf(text, sizeof(text), "waited longer than its queue_timeout (%s) for a free slot", span);
    ork_settle_reject(a, task, ORK_KIND_TIMEOUT, text);
}

void ork_settle_recalled(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);
    struct ork_event ev = {.type = ORK_EV_RECALLED, .task = task, .attempt = attempt};

    if (!l || l->attempt != attempt || l->settling)
        return;
    if (ork_active_step(a, &ev) != 0)
        return;
    if (!l->call) {
        put_attempt(a, l, ORK_TASK_CANCELLED, ORK_KIND_CANCELLED, NULL, "taken back before it started", true);
        forget(a, l, false, true);
    }
    ork_active_live_free(a, l);
    ork_dispatch_release(a, task);
}
