/* SPDX-License-Identifier: MIT */
/* Inline tasks: functions that the host program calls itself.
 *
 *   GRANT ──commit──► waiting (FIFO) ──ork_inline_next──► under way ──ork_inline_done──► EXITED, one row
 *                        │ cancel, pause                      │ timeout, cancel: interrupt, after the grace again
 *                        ▼                                    ▼ program dies
 *                  ended, taken back                    no trace: the same attempt is made again
 *
 * Laws: a call begins only when what it waited for is durable; an attempt has no row before its result; its end is
 * taken once, by token, and what comes later is refused. A call that was told to end ends as what it was told,
 * whatever its function returns. */
#include "engine/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- who calls ---- */

void ork_engine_on_inline(ork_engine *e, const struct ork_inline_host *host)
{
    e->host_calls = host ? *host : (struct ork_inline_host){0};
}

bool ork_inline_turn(ork_engine *e)
{
    return e->host_calls.turn && e->host_calls.turn(e->host_calls.data);
}

void ork_inline_wake(ork_engine *e, const char *ended)
{
    uv_stop(
        e->loop); /* from a timer or `prepare` the loop is about to sleep, and the host has its turn only after it */
    if (e->host_calls.wake && !e->closing)
        e->host_calls.wake(e->host_calls.data, ended);
}

bool ork_inline_only(const ork_workflow *w)
{
    for (uint32_t i = 0; i < ork_workflow_len(w); i++) {
        if (ork_workflow_def(w, i)->executor != ORK_EXEC_INLINE)
            return false;
    }
    return true;
}

static bool is_known(ork_engine *e, const char *hash)
{
    return e->host_calls.knows && e->host_calls.knows(e->host_calls.data, hash);
}

void ork_inline_same(ork_engine *e, const char *definition, const char *changed)
{
    if (e->host_calls.same && definition && strcmp(definition, changed) != 0 && is_known(e, definition))
        e->host_calls.same(e->host_calls.data, definition, changed);
}

static uint32_t first_function(const ork_workflow *w) /* the number of tasks: there is none */
{
    uint32_t i = 0;

    while (i < ork_workflow_len(w) && ork_workflow_def(w, i)->executor != ORK_EXEC_INLINE)
        i++;
    return i;
}

bool ork_inline_strange(ork_engine *e, ork_workflow *w)
{
    char hash[65];
    ork_err err;

    if (first_function(w) == ork_workflow_len(w))
        return false;
    return !e->host_calls.interrupt || ork_workflow_hash(w, hash, &err) != 0 || !is_known(e, hash);
}

int ork_inline_may_start(ork_engine *e, ork_workflow *w, ork_err *err)
{
    uint32_t i = first_function(w);

    if (!ork_inline_strange(e, w))
        return 0;
    return ork_err_set(err, ORK_ESTATE, "task `%s` is a function, which only the program that defines it can call",
                       ork_workflow_task_name(w, i));
}

int ork_inline_may_own(ork_engine *e, const ork_id *run, ork_err *err)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_ID(run)};
    int rc = ork_store_query(e->store, ORK_Q_snapshot_inline, p, 1, &rows, err);

    if (!rc && ork_rows_len(rows) > 0 && !is_known(e, ork_rows_text(rows, 0, "hash")))
        rc = ork_err_set(err, ORK_ESTATE,
                         "tasks of this run are functions of the program that started it: start that program again; it "
                         "goes on with the run after w:validate() of the same workflow, or by r:retry{ update = w }");
    ork_rows_free(rows);
    return rc;
}

/* ---- calls that wait to be taken ---- */

static void enqueue(ork_engine *e, struct ork_inline *c)
{
    c->queued = true;
    c->prev = e->call_last;
    if (e->call_last)
        e->call_last->next = c;
    else
        e->call_first = c;
    e->call_last = c;
}

static void unqueue(ork_engine *e, struct ork_inline *c)
{
    if (!c->queued)
        return;
    c->queued = false;
    if (c->prev)
        c->prev->next = c->next;
    else
        e->call_first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        e->call_last = c->prev;
    c->prev = c->next = NULL;
}

int ork_inline_build(struct ork_active *a, struct ork_live *l, json_t *params, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *input = NULL;
    char *text = NULL;
    size_t len = 0;

    if (a->strange)
        return ork_err_set(err, ORK_ESTATE, "its function lives in the program that started the run");
    ork_inputs_scope(&data, a, l->task, l->attempt, &scope);
    int rc = ork_inputs_bind(a, l->task, params, &scope, &input, err);
    if (!rc)
        rc = ork_json_text(input, &text, &len, err);
    if (!rc && len > ORK_INPUT_MAX)
        rc = ork_err_set(err, ORK_ETOOBIG, "the input is %zu bytes; at most %u are handed to a task", len,
                         ORK_INPUT_MAX);
    json_decref(input);
    ork_inputs_scope_fini(&data);
    if (rc) {
        ork_free(text);
        return rc;
    }
    l->call = ork_zalloc(sizeof(*l->call));
    *l->call = (struct ork_inline){.live = l, .run = a, .input = text};
    return 0;
}

void ork_inline_ready(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || !l->call || l->attempt != attempt || a->dead)
        return;
    l->committed = l->known = true;
    enqueue(a->engine, l->call);
    ork_inline_wake(a->engine, NULL);
}

/* ---- deadlines: a timeout, or the end of a grace ---- */

static int64_t mono(ork_engine *e)
{
    return e->clock->mono_ms(e->clock->data);
}

static bool before(const struct ork_heap_node *x, const struct ork_heap_node *y)
{
    return ork_container(x, struct ork_inline, deadline)->due_ms <
           ork_container(y, struct ork_inline, deadline)->due_ms;
}

static void on_timer(uv_timer_t *t);

static void arm(ork_engine *e)
{
    struct ork_heap_node *n = ork_heap_peek(&e->call_deadlines);

    if (!n) {
        uv_timer_stop(&e->call_timer);
        return;
    }
    int64_t left = ork_container(n, struct ork_inline, deadline)->due_ms - mono(e);
    uv_update_time(e->loop);
    uv_timer_start(&e->call_timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

static void set_deadline(ork_engine *e, struct ork_inline *c, int64_t due_ms)
{
    if (c->due_ms)
        ork_heap_remove(&e->call_deadlines, &c->deadline);
    c->due_ms = due_ms;
    if (due_ms)
        ork_heap_push(&e->call_deadlines, &c->deadline);
    arm(e);
}

static struct ork_inline *find(ork_engine *e, uint64_t token)
{
    struct ork_inline *c = NULL;

    HASH_FIND(hh, e->calls, &token, sizeof(token), c);
    return c;
}

static int end_call(struct ork_inline *c, const struct ork_inline_result *r);

static int64_t grace_of(const struct ork_inline *c)
{
    return c->live->grace_ms > 0 ? c->live->grace_ms : 1;
}

/* Tells the host; it may answer from inside. Whoever does not answer when it is told `now` is not waited for. */
static void stop(ork_engine *e, uint64_t token, int kind, bool now)
{
    struct ork_inline *c = find(e, token);

    if (!c)
        return;
    if (!c->stopped)
        c->stopped = kind;
    set_deadline(e, c, now ? 0 : mono(e) + grace_of(c));
    e->host_calls.interrupt(e->host_calls.data, token, c->stopped, now);
    c = now ? find(e, token) : NULL;
    if (c)
        (void)end_call(c, &(struct ork_inline_result){.error = "it did not end"});
}

static void on_timer(uv_timer_t *t)
{
    ork_engine *e = t->data;

    for (;;) {
        struct ork_heap_node *n = ork_heap_peek(&e->call_deadlines);
        if (!n)
            return;
        struct ork_inline *c = ork_container(n, struct ork_inline, deadline);
        if (c->due_ms > mono(e))
            break;
        stop(e, c->token, ORK_KIND_TIMEOUT, c->stopped != 0);
    }
    arm(e);
}

void ork_inline_init(ork_engine *e)
{
    ork_heap_init(&e->call_deadlines, before);
}

/* ---- wishes of the engine ---- */

void ork_inline_kill(struct ork_active *a, struct ork_live *l, int64_t grace_ms)
{
    struct ork_inline *c = l->call;

    if (!c->token)
        ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled before it started");
    else
        stop(a->engine, c->token, ORK_KIND_CANCELLED, grace_ms == 0);
}

void ork_inline_recall(struct ork_active *a, struct ork_live *l)
{
    if (!l->call->token)
        ork_settle_recalled(a, l->task, l->attempt);
}

void ork_inline_leave(ork_engine *e, struct ork_inline *c)
{
    uint64_t token = c->token;

    unqueue(e, c);
    if (c->due_ms && !e->closing)
        set_deadline(e, c, 0);
    if (c->lent)
        ork_inline_lend(e, token, false);
    if (!token)
        return;
    HASH_DEL(e->calls, c);
    c->token = 0;
    if (e->host_calls.interrupt)
        e->host_calls.interrupt(e->host_calls.data, token, c->stopped ? c->stopped : ORK_KIND_CANCELLED, true);
}

void ork_inline_free(ork_engine *e, struct ork_inline *c)
{
    ork_inline_leave(e, c);
    ork_free(c->input);
    ork_free(c);
}

/* ---- taking and ending ---- */

bool ork_inline_due(const ork_engine *e)
{
    return e->call_first && HASH_COUNT(e->calls) < ORK_INLINE_WINDOW + e->calls_lent && !e->fenced && !e->closing &&
           !e->ending;
}

bool ork_inline_next(ork_engine *e, struct ork_inline_call *out)
{
    struct ork_inline *c = e->call_first;
    ork_err err;

    if (!ork_inline_due(e))
        return false;
    struct ork_active *a = c->run;
    uint32_t task = c->live->task;
    int64_t timeout_ms = ork_workflow_def(a->workflow, task)->timeout_ms;
    unqueue(e, c);
    c->token = ++e->call_tokens;
    HASH_ADD(hh, e->calls, token, sizeof(c->token), c);
    c->begun_ms = mono(e);
    c->live->started_ms = ork_engine_now(e);
    if (timeout_ms > 0)
        set_deadline(e, c, c->begun_ms + timeout_ms);
    if (ork_workflow_hash(a->workflow, e->call_definition, &err) != 0)
        e->call_definition[0] = '\0';
    ork_free(e->call_input);
    e->call_input = c->input;
    c->input = NULL;
    *out = (struct ork_inline_call){.token = c->token,
                                    .run_id = a->text,
                                    .workflow = ork_workflow_name(a->workflow),
                                    .task = ork_workflow_task_name(a->workflow, task),
                                    .definition = e->call_definition,
                                    .task_no = task,
                                    .attempt = c->live->attempt,
                                    .input = e->call_input,
                                    .input_len = strlen(e->call_input),
                                    .scheduled_for_ms = a->scheduled_for_ms,
                                    .timeout_ms = timeout_ms,
                                    .grace_ms = grace_of(c)};
    return true;
}

/* The end of the log, for the task's row: kept to what people may read there. */
static char *read_tail(const struct ork_inline *c, bool ok, size_t *len)
{
    size_t keep = ok ? ORK_TAIL_SUCCESS : ORK_TAIL_FAILED, n = 0;
    int fd = c->log_bytes ? open(c->live->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    if (fd < 0)
        return NULL;
    size_t want = (size_t)c->log_bytes < keep ? (size_t)c->log_bytes : keep;
    char *p = ork_alloc(want + 1);
    while (n < want) {
        ssize_t got = pread(fd, p + n, want - n, c->log_bytes - (int64_t)want + (int64_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    (void)close(fd);
    size_t skip = 0;
    while ((size_t)c->log_bytes > want && skip < n && ((unsigned char)p[skip] & 0xC0) == 0x80)
        skip++;
    char *clean = ork_utf8_clean(p + skip, n - skip, len);
    ork_free(p);
    return clean;
}

static void describe(struct ork_inline *c, const struct ork_inline_result *r, struct ork_event *ev, struct ork_buf *why)
{
    char span[32];

    ev->ok = false;
    ev->failure = (struct ork_failure){.kind = c->stopped ? c->stopped
                                               : r->kind  ? r->kind
                                                          : ORK_KIND_ERROR,
                                       .exit_code = -1,
                                       .code = c->stopped ? NULL : r->code};
    if (c->stopped == ORK_KIND_TIMEOUT) {
        ork_duration_format(ork_workflow_def(c->run->workflow, c->live->task)->timeout_ms, span);
        ork_buf_addf(why, "timeout after %s", span);
    } else if (c->stopped) {
        ork_buf_adds(why, "cancelled");
    } else {
        size_t len;
        char *clean = ork_utf8_clean(r->error, strlen(r->error), &len);
        ork_buf_add(why, clean, len);
        ork_free(clean);
        ev->retry_after_ms = r->final ? -1 : r->retry_after_ms;
    }
}

static int take_output(struct ork_inline *c, const struct ork_inline_result *r, json_t **output, char **text,
                       size_t *len, ork_err *err)
{
    int rc = 0;

    if (r->output_len > ORK_OUTPUT_FILE_MAX)
        return ork_err_set(err, ORK_ETOOBIG, "the output is %zu bytes; at most %u are stored", r->output_len,
                           ORK_OUTPUT_FILE_MAX);
    if (r->output)
        rc = ork_json_parse(r->output, r->output_len, output, err);
    if (!rc && *output)
        rc = ork_json_text(*output, text, len, err);
    return rc ? rc : ork_settle_output(c->run, c->live->task, output, text, len, err);
}

static int end_call(struct ork_inline *c, const struct ork_inline_result *r)
{
    struct ork_active *a = c->run;
    ork_engine *e = a->engine;
    const struct ork_poison *poison = ork_refuse_poison(a, c->live->task, c->live->attempt);
    struct ork_event ev = {.ok = true};
    struct ork_buf why = ORK_BUF_INIT;
    json_t *output = NULL;
    char *text = NULL;
    size_t len = 0, tail_len = 0;
    ork_err err = {0};

    if (poison || (!c->stopped && !r->error && take_output(c, r, &output, &text, &len, &err) != 0)) {
        ev.ok = false;
        ev.failure = (struct ork_failure){.kind = ORK_KIND_OUTPUT, .exit_code = -1};
        ork_buf_adds(&why, poison ? ork_settle_refused(poison) : err.msg);
    } else if (c->stopped || r->error) {
        describe(c, r, &ev, &why);
    }
    char *tail = poison ? NULL : read_tail(c, ev.ok, &tail_len);
    if (ev.ok)
        ork_outputs_put(e, &a->id, c->live->task, ORK_CACHED_OUTPUT, output);
    struct ork_end end = {.output = ev.ok ? text : NULL,
                          .output_len = len,
                          .tail = tail,
                          .tail_len = tail_len,
                          .error = ev.ok ? NULL : why.data,
                          .finished_ms = ork_engine_now(e)};
    if (c->lent)
        ork_inline_lend(e, c->token, false);
    HASH_DEL(e->calls, c);
    c->token = 0;
    ork_active_ref(a);
    ork_settle_call(a, c->live, &ev, &end);
    ork_active_unref(a);
    json_decref(output);
    ork_free(text);
    ork_free(tail);
    ork_buf_fini(&why);
    return 0;
}

int ork_inline_done(ork_engine *e, uint64_t token, const struct ork_inline_result *r, ork_err *err)
{
    struct ork_inline *c = find(e, token);

    if (!c || e->fenced || e->closing)
        return ork_err_set(err, ORK_ENOTFOUND, "nobody waits for this call any more");
    return end_call(c, r);
}

/* ---- news of a call ---- */

void ork_inline_running(ork_engine *e, uint64_t token)
{
    struct ork_inline *c = find(e, token);

    if (!c || c->running)
        return;
    c->running = true;
    struct ork_event ev = {.type = ORK_EV_STARTED, .task = c->live->task, .attempt = c->live->attempt};
    (void)ork_active_step(c->run, &ev);
}

void ork_inline_progress(ork_engine *e, uint64_t token, double done, double total)
{
    struct ork_inline *c = find(e, token);

    if (c) {
        c->done = done;
        c->total = total;
    }
}

void ork_inline_lend(ork_engine *e, uint64_t token, bool lend)
{
    struct ork_inline *c = find(e, token);

    if (!c || c->lent == lend)
        return;
    c->lent = lend;
    e->calls_lent += lend ? 1u : -1u;
    ork_limits_window_of(e->limits, ORK_WINDOW_INLINE, ORK_INLINE_AHEAD + e->calls_lent);
}

int ork_inline_log(ork_engine *e, uint64_t token, const char *text, size_t len, ork_err *err)
{
    struct ork_inline *c = find(e, token);

    if (!c)
        return ork_err_set(err, ORK_ENOTFOUND, "the attempt has ended");
    if (len == 0)
        return 0;
    int rc = ork_active_files(c->run, err);
    if (rc)
        return rc;
    /* What an attempt of that number left that nobody counted, since its program died, goes. */
    int fresh = c->log_bytes ? O_APPEND : O_TRUNC;
    int fd = open(c->live->log_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | fresh, 0600);
    if (fd < 0)
        return ork_err_errno(err, errno, "cannot write %s", c->live->log_path);
    for (size_t n = 0; n < len;) {
        ssize_t put = write(fd, text + n, len - n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            rc = ork_err_errno(err, errno, "cannot write %s", c->live->log_path);
            break;
        }
        n += (size_t)put;
        c->log_bytes += put;
    }
    (void)close(fd);
    return rc;
}
