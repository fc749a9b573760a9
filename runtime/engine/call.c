/* SPDX-License-Identifier: MIT */
/* What calls have in common, whoever makes them: building, deadlines, ends. The idea is told in call.h. */
#include "base/path.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool ork_call_is(const ork_workflow *w, uint32_t task)
{
    int executor = ork_workflow_def(w, task)->executor;

    return executor == ORK_EXEC_INLINE || executor == ORK_EXEC_LUA || executor == ORK_EXEC_LIBRARY;
}

int ork_call_window(const ork_workflow *w, uint32_t task)
{
    switch (ork_workflow_def(w, task)->executor) {
    case ORK_EXEC_INLINE:
        return ORK_WINDOW_INLINE;
    case ORK_EXEC_LUA:
    case ORK_EXEC_LIBRARY:
        return ORK_WINDOW_LUA;
    case ORK_EXEC_WAIT:
    case ORK_EXEC_WORKFLOW:
        return ORK_WINDOW_WAIT;
    default:
        return ORK_WINDOW_HOST;
    }
}

bool ork_call_only(const ork_workflow *w)
{
    for (uint32_t i = 0; i < ork_workflow_len(w); i++) {
        if (!ork_call_is(w, i) && !ork_deferred_is(w, i))
            return false;
    }
    return true;
}

/* What has limits of its own shares its worker with nobody: in one Lua state memory and time have no owner. */
bool ork_call_isolated(const json_t *params)
{
    return json_is_true(json_object_get(params, "isolated")) || json_object_get(params, "resources");
}

int ork_call_build(struct ork_active *a, struct ork_live *l, json_t *params, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *input = NULL;
    char *text = NULL;
    size_t len = 0;

    int executor = ork_run_def(&a->run, l->task)->executor;
    bool by_worker = executor == ORK_EXEC_LUA || executor == ORK_EXEC_LIBRARY;
    const char *library = json_string_value(json_object_get(params, "library_path"));
    if (executor == ORK_EXEC_LIBRARY && (!library || !*library))
        return ork_err_set(err, ORK_EDEF, "the task names no library");
    if (a->strange && !by_worker)
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
    *l->call = (struct ork_call){.live = l,
                                 .run = a,
                                 .input = text,
                                 .input_len = len,
                                 .option = "run",
                                 .timeout_ms = ork_run_def(&a->run, l->task)->timeout_ms,
                                 .by_worker = by_worker,
                                 .alone = by_worker && (a->run.tasks[l->task].lost > 0 || ork_call_isolated(params))};
    if (by_worker) {
        ork_resources_read(params, &l->call->most);
        ork_workers_hold(a->engine, l->call);
    } else {
        ork_inline_hold(a->engine, l->call, true);
    }
    if (executor == ORK_EXEC_LIBRARY) {
        l->call->option = "library";
        l->call->alone = true;
        l->call->library = ork_path_join(a->script_dir ? a->script_dir : a->engine->cwd, library);
    }
    return 0;
}

void ork_call_ready(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || !l->call || l->attempt != attempt || a->dead)
        return;
    l->committed = l->known = true;
    if (l->call->by_worker)
        ork_workers_ready(a->engine, l->call);
    else
        ork_inline_ready(a->engine, l->call);
}

uint32_t ork_call_no(const struct ork_call *c)
{
    return c->live->task == ORK_NO_TASK ? ORK_NO_TASK : ork_run_no(&c->run->run, c->live->task);
}

uint32_t ork_call_item(const struct ork_call *c)
{
    return c->live->task == ORK_NO_TASK ? 0 : ork_run_item(&c->run->run, c->live->task);
}

const char *ork_call_name(const struct ork_call *c)
{
    return c->live->task == ORK_NO_TASK ? "" : ork_workflow_task_name(c->run->workflow, ork_call_no(c));
}

int32_t ork_call_priority(const struct ork_call *c)
{
    return c->run->priority + (c->live->task == ORK_NO_TASK ? 0 : ork_run_def(&c->run->run, c->live->task)->priority);
}

/* ---- deadlines: a timeout, or the end of a grace ---- */

int64_t ork_call_mono(ork_engine *e)
{
    return e->clock->mono_ms(e->clock->data);
}

static bool before(const struct ork_heap_node *x, const struct ork_heap_node *y)
{
    return ork_container(x, struct ork_call, deadline)->due_ms < ork_container(y, struct ork_call, deadline)->due_ms;
}

static void on_timer(uv_timer_t *t);

static void arm(ork_engine *e)
{
    struct ork_heap_node *n = ork_heap_peek(&e->call_deadlines);

    if (!n) {
        uv_timer_stop(&e->call_timer);
        return;
    }
    int64_t left = ork_container(n, struct ork_call, deadline)->due_ms - ork_call_mono(e);
    uv_update_time(e->loop);
    uv_timer_start(&e->call_timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

void ork_call_deadline(ork_engine *e, struct ork_call *c, int64_t due_ms)
{
    if (c->due_ms)
        ork_heap_remove(&e->call_deadlines, &c->deadline);
    c->due_ms = due_ms;
    if (due_ms)
        ork_heap_push(&e->call_deadlines, &c->deadline);
    arm(e);
}

int64_t ork_call_grace(const struct ork_call *c)
{
    return c->live->grace_ms > 0 ? c->live->grace_ms : 1;
}

/* It is to end: after its grace it is not waited for, and with `now` not at all. */
static void stop(ork_engine *e, struct ork_call *c, int kind, bool now)
{
    if (!c->stopped)
        c->stopped = kind;
    ork_call_deadline(e, c, now ? 0 : ork_call_mono(e) + ork_call_grace(c));
    if (c->by_worker)
        ork_workers_stop(e, c, now);
    else
        ork_inline_stop(e, c, c->stopped, now);
}

static void on_timer(uv_timer_t *t)
{
    ork_engine *e = t->data;

    for (;;) {
        struct ork_heap_node *n = ork_heap_peek(&e->call_deadlines);
        if (!n)
            return;
        struct ork_call *c = ork_container(n, struct ork_call, deadline);
        if (c->due_ms > ork_call_mono(e))
            break;
        int64_t left = c->by_worker && !c->stopped ? ork_workers_left(e, c, c->timeout_ms) : 0;
        if (left > 0) /* it waited in its worker: that is not running time */
            ork_call_deadline(e, c, ork_call_mono(e) + left);
        else
            stop(e, c, ORK_KIND_TIMEOUT, c->stopped != 0);
    }
    arm(e);
}

void ork_call_init(ork_engine *e)
{
    ork_heap_init(&e->call_deadlines, before);
}

/* ---- wishes of the engine ---- */

void ork_call_kill(struct ork_active *a, struct ork_live *l, int64_t grace_ms)
{
    struct ork_call *c = l->call;
    const char *died = ork_begun_died(a, l->task, l->attempt);

    if (c->by_worker ? ork_workers_recall(a->engine, c) : !c->token)
        ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, died ? died : "cancelled before it started");
    else
        stop(a->engine, c, ORK_KIND_CANCELLED, grace_ms == 0);
}

void ork_call_recall(struct ork_active *a, struct ork_live *l)
{
    struct ork_call *c = l->call;

    if (c->by_worker ? ork_workers_recall(a->engine, c) : !c->token)
        ork_settle_recalled(a, l->task, l->attempt);
}

void ork_call_leave(ork_engine *e, struct ork_call *c)
{
    ork_begun_remove(e, c);
    if (c->due_ms && !e->closing)
        ork_call_deadline(e, c, 0);
    if (c->by_worker)
        ork_workers_leave(e, c);
    else
        ork_inline_leave(e, c);
}

void ork_call_free(ork_engine *e, struct ork_call *c)
{
    ork_call_leave(e, c);
    if (!c->by_worker)
        ork_inline_hold(e, c, false);
    ork_free(c->input);
    ork_free(c->library);
    ork_free(c);
}

/* The worker's clock is the system's; ours may be another. */
void ork_call_begun(ork_engine *e, struct ork_call *c)
{
    struct timespec t;

    if (c->begun_ms)
        return;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ago = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 -
                  atomic_load(&ork_worker_page(c->member->worker)->slots[c->slot].begun_ms);
    c->begun_ms = ork_call_mono(e) - ago;
    c->live->started_ms = ork_engine_now(e) - ago;
}

void ork_call_running(struct ork_call *c)
{
    struct ork_event ev = {.type = ORK_EV_STARTED, .task = c->live->task, .attempt = c->live->attempt};

    if (c->running || c->question)
        return;
    c->running = true;
    ork_begun_add(c->run->engine, c);
    (void)ork_active_step(c->run, &ev);
}

/* ---- ends ---- */

/* The end of the log, for the task's row: kept to what people may read there. */
static char *read_tail(const struct ork_call *c, bool ok, size_t *len)
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

static void describe(struct ork_call *c, const struct ork_inline_result *r, struct ork_event *ev, struct ork_buf *why)
{
    char span[32];

    ev->ok = false;
    ev->failure = (struct ork_failure){.kind = c->stopped ? c->stopped
                                               : r->kind  ? r->kind
                                                          : ORK_KIND_ERROR,
                                       .exit_code = -1,
                                       .code = c->stopped ? NULL : r->code};
    if (c->stopped == ORK_KIND_TIMEOUT) {
        ork_duration_format(c->timeout_ms, span);
        ork_buf_addf(why, "timeout after %s", span);
    } else if (c->stopped) {
        ork_buf_adds(why, "cancelled");
    } else {
        size_t len;
        char *clean = ork_utf8_clean(r->error, strlen(r->error), &len);
        ork_mask_text(&c->live->mask, clean, len, why);
        ork_free(clean);
        ev->retry_after_ms = r->final ? -1 : r->retry_after_ms;
    }
}

static int take_output(struct ork_call *c, const struct ork_inline_result *r, json_t **output, char **text, size_t *len,
                       struct ork_remote **remote, ork_err *err)
{
    int rc = 0;

    if (r->output_len > ORK_OUTPUT_FILE_MAX)
        return ork_err_set(err, ORK_ETOOBIG, "the output is %zu bytes; at most %u are stored", r->output_len,
                           ORK_OUTPUT_FILE_MAX);
    if (r->output)
        rc = ork_json_parse(r->output, r->output_len, output, err);
    json_t *whole = *output;
    *output = ork_mask_json(&c->live->mask, whole);
    bool masked = *output != whole;
    json_decref(whole);
    if (!rc && ork_remote_list(*output))
        return ork_remote_make(c->run, ork_remote_list(*output), masked, remote, err);
    if (!rc && *output)
        rc = ork_json_text(*output, text, len, err);
    return rc ? rc : ork_settle_output(c->run, c->live->task, output, text, len, err);
}

char *ork_call_masked(const struct ork_call *c, const char *text, size_t text_len, size_t *len)
{
    const struct ork_mask *m = &c->live->mask;
    json_t *whole = NULL, *clean = NULL;
    char *out = NULL;
    ork_err none;

    if (!text || !ork_mask_any(m) || ork_json_parse(text, text_len, &whole, &none) != 0)
        return NULL;
    clean = ork_mask_json(m, whole);
    if (clean != whole && ork_json_text(clean, &out, len, &none) != 0)
        out = NULL;
    json_decref(clean);
    json_decref(whole);
    return out;
}

/* It left jobs: the attempt goes on without a call. */
static void wait_for(struct ork_active *a, struct ork_call *c, struct ork_remote *remote, const char *tail,
                     size_t tail_len)
{
    struct ork_live *l = c->live;
    int64_t log_bytes = c->log_bytes;

    ork_artifacts_put(a, l, &l->artifacts);
    l->call = NULL;
    ork_call_free(a->engine, c);
    ork_remote_begin(a, l, remote, -1, log_bytes, tail, tail_len);
}

void ork_call_end(struct ork_call *c, const struct ork_inline_result *r)
{
    if (c->question) {
        ork_question_end(c, r);
        return;
    }
    struct ork_active *a = c->run;
    ork_engine *e = a->engine;
    const struct ork_poison *poison = ork_refuse_poison(a, c->live->task, c->live->attempt);
    struct ork_event ev = {.ok = true};
    struct ork_buf why = ORK_BUF_INIT;
    struct ork_remote *remote = NULL;
    json_t *output = NULL;
    char *text = NULL;
    size_t len = 0, tail_len = 0, clean_len = 0;
    ork_err err = {0};
    ORK_CLEANUP(ork_free_cleanup) char *clean = ork_call_masked(c, r->data, r->data_len, &clean_len);

    if (poison || (!c->stopped && !r->error && take_output(c, r, &output, &text, &len, &remote, &err) != 0)) {
        ev.ok = false;
        ev.failure = (struct ork_failure){.kind = ORK_KIND_OUTPUT, .exit_code = -1};
        ork_buf_adds(&why, poison ? ork_settle_refused(poison) : err.msg);
    } else if (c->stopped || r->error) {
        describe(c, r, &ev, &why);
    }
    char *tail = poison ? NULL : read_tail(c, ev.ok, &tail_len);
    if (ev.ok && !remote && !ork_run_is_item(&a->run, c->live->task))
        ork_outputs_put(e, &a->id, c->live->task, ORK_CACHED_OUTPUT, output);
    struct ork_end end = {.output = ev.ok ? text : NULL,
                          .output_len = len,
                          .tail = tail,
                          .tail_len = tail_len,
                          .error = ev.ok ? NULL : why.data,
                          .artifacts = &c->live->artifacts,
                          .data = clean ? clean : r->data,
                          .data_len = clean ? clean_len : r->data_len,
                          .finished_ms = ork_engine_now(e)};
    ork_begun_remove(e, c);
    if (c->by_worker)
        ork_workers_forget(e, c);
    else
        ork_inline_forget(e, c);
    ork_active_ref(a);
    if (remote)
        wait_for(a, c, remote, tail, tail_len);
    else
        ork_settle_call(a, c->live, &ev, &end);
    ork_active_unref(a);
    json_decref(output);
    ork_free(text);
    ork_free(tail);
    ork_buf_fini(&why);
}
