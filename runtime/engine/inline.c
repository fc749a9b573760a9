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
#include "base/path.h"
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

static bool is_known(ork_engine *e, const char *hash)
{
    return e->host_calls.knows && e->host_calls.knows(e->host_calls.data, hash);
}

void ork_inline_same(ork_engine *e, const char *definition, const char *changed)
{
    if (e->host_calls.same && definition && strcmp(definition, changed) != 0 && is_known(e, definition))
        e->host_calls.same(e->host_calls.data, definition, changed);
}

/* The first task that is a function of the host program; the number of tasks: none is. */
static uint32_t first_function(const ork_workflow *w)
{
    uint32_t i = 0;

    while (i < ork_workflow_len(w) && ork_workflow_def(w, i)->executor != ORK_EXEC_INLINE)
        i++;
    return i;
}

bool ork_inline_strange(ork_engine *e, ork_workflow *w)
{
    const struct ork_workflow_limits *limits = ork_workflow_limits(w);
    char hash[65];
    ork_err err;

    if (first_function(w) == ork_workflow_len(w) && !limits->inline_within && !limits->by_host)
        return false;
    return !e->host_calls.interrupt || ork_workflow_hash(w, hash, &err) != 0 || !is_known(e, hash);
}

int ork_inline_may_start(ork_engine *e, ork_workflow *w, ork_err *err)
{
    uint32_t i = first_function(w);

    if (!ork_inline_strange(e, w))
        return 0;
    if (i == ork_workflow_len(w) && ork_workflow_limits(w)->by_host)
        return ork_err_set(err, ORK_ESTATE,
                           "workflow `%s` has functions, which only the program that defines it can call",
                           ork_workflow_name(w));
    if (i == ork_workflow_len(w))
        return ork_err_set(err, ORK_ESTATE,
                           "a workflow that its tasks run has functions, which only the program that defines it can "
                           "call");
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

static void enqueue(ork_engine *e, struct ork_call *c)
{
    c->queued = true;
    c->prev = e->call_last;
    if (e->call_last)
        e->call_last->next = c;
    else
        e->call_first = c;
    e->call_last = c;
}

static void unqueue(ork_engine *e, struct ork_call *c)
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

void ork_inline_ready(ork_engine *e, struct ork_call *c)
{
    enqueue(e, c);
    ork_inline_wake(e, NULL);
}

static struct ork_call *find(ork_engine *e, uint64_t token)
{
    struct ork_call *c = NULL;

    HASH_FIND(hh, e->calls, &token, sizeof(token), c);
    return c;
}

/* Tells the host; it may answer from inside. Whoever does not answer when it is told `now` is not waited for. */
void ork_inline_stop(ork_engine *e, struct ork_call *c, int kind, bool now)
{
    uint64_t token = c->token;

    e->host_calls.interrupt(e->host_calls.data, token, kind, now);
    c = now ? find(e, token) : NULL;
    if (c)
        ork_call_end(c, &(struct ork_inline_result){.error = "it did not end"});
}

void ork_inline_forget(ork_engine *e, struct ork_call *c)
{
    if (c->lent)
        ork_inline_lend(e, c->token, false);
    HASH_DEL(e->calls, c);
    c->token = 0;
}

void ork_inline_leave(ork_engine *e, struct ork_call *c)
{
    uint64_t token = c->token;

    unqueue(e, c);
    if (!token)
        return;
    ork_inline_forget(e, c);
    if (e->host_calls.interrupt)
        e->host_calls.interrupt(e->host_calls.data, token, c->stopped ? c->stopped : ORK_KIND_CANCELLED, true);
}

/* ---- taking and ending ---- */

void ork_inline_hold(ork_engine *e, struct ork_call *c, bool yes)
{
    if (c->held == yes)
        return;
    c->held = yes;
    e->call_bytes = yes ? e->call_bytes + c->input_len : e->call_bytes - c->input_len;
}

bool ork_inline_due(const ork_engine *e)
{
    return e->call_first && HASH_COUNT(e->calls) < ORK_INLINE_WINDOW + e->calls_lent && !e->fenced && !e->closing &&
           !e->ending;
}

bool ork_inline_next(ork_engine *e, struct ork_inline_call *out)
{
    struct ork_call *c = e->call_first;
    ork_err err;

    if (!ork_inline_due(e))
        return false;
    struct ork_active *a = c->run;
    int64_t timeout_ms = c->timeout_ms;
    unqueue(e, c);
    c->token = ++e->call_tokens;
    HASH_ADD(hh, e->calls, token, sizeof(c->token), c);
    c->begun_ms = ork_call_mono(e);
    c->live->started_ms = ork_engine_now(e);
    if (timeout_ms > 0)
        ork_call_deadline(e, c, c->begun_ms + timeout_ms);
    if (ork_workflow_hash(a->workflow, e->call_definition, &err) != 0)
        e->call_definition[0] = '\0';
    ork_free(e->call_input);
    e->call_input = c->input;
    c->input = NULL;
    ork_inline_hold(e, c, false);
    *out = (struct ork_inline_call){.token = c->token,
                                    .run_id = a->text,
                                    .workflow = ork_workflow_name(a->workflow),
                                    .task = ork_call_name(c),
                                    .definition = e->call_definition,
                                    .option = c->option,
                                    .task_no = ork_call_no(c),
                                    .item = ork_call_item(c),
                                    .attempt = c->live->attempt,
                                    .input = e->call_input,
                                    .input_len = c->input_len,
                                    .scheduled_for_ms = a->scheduled_for_ms,
                                    .timeout_ms = timeout_ms,
                                    .grace_ms = ork_call_grace(c)};
    return true;
}

int ork_inline_done(ork_engine *e, uint64_t token, const struct ork_inline_result *r, ork_err *err)
{
    struct ork_call *c = find(e, token);

    if (!c || e->fenced || e->closing)
        return ork_err_set(err, ORK_ENOTFOUND, "nobody waits for this call any more");
    ork_call_end(c, r);
    return 0;
}

/* ---- news of a call ---- */

void ork_inline_running(ork_engine *e, uint64_t token)
{
    struct ork_call *c = find(e, token);

    if (c)
        ork_call_running(c);
}

void ork_inline_progress(ork_engine *e, uint64_t token, double done, double total)
{
    struct ork_call *c = find(e, token);

    if (c) {
        c->done = done;
        c->total = total;
    }
}

void ork_inline_lend(ork_engine *e, uint64_t token, bool lend)
{
    struct ork_call *c = find(e, token);

    if (!c || c->lent == lend)
        return;
    c->lent = lend;
    e->calls_lent += lend ? 1u : -1u;
    ork_limits_window_of(e->limits, ORK_WINDOW_INLINE, ORK_INLINE_AHEAD + e->calls_lent);
}

int ork_inline_log(ork_engine *e, uint64_t token, const char *text, size_t len, ork_err *err)
{
    struct ork_call *c = find(e, token);

    if (!c)
        return ork_err_set(err, ORK_ENOTFOUND, "the attempt has ended");
    if (len == 0)
        return 0;
    int rc = ork_active_files(c->run, err);
    if (rc)
        return rc;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf masked = ORK_BUF_INIT;
    if (ork_mask_finds(&c->live->mask, text, len)) {
        ork_mask_text(&c->live->mask, text, len, &masked);
        text = masked.data;
        len = masked.len;
    }
    /* What an attempt of that number left that nobody counted, since its program died, goes. */
    int fresh = c->log_bytes || c->question ? O_APPEND : O_TRUNC;
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

/* ---- secrets ---- */

char *ork_inline_masked(ork_engine *e, uint64_t token, const char *text, size_t len, size_t *masked_len)
{
    const struct ork_call *c = find(e, token);
    struct ork_buf masked = ORK_BUF_INIT;

    if (!c || !ork_mask_finds(&c->live->mask, text, len))
        return NULL;
    ork_mask_text(&c->live->mask, text, len, &masked);
    *masked_len = masked.len;
    return masked.data;
}

struct wanted {
    ork_engine *engine;
    uint64_t token;
    ork_inline_secret_cb cb;
    void *data;
};

static void on_found(void *data, const char *value, size_t len, const ork_err *err)
{
    struct wanted *w = data;
    struct ork_call *c = find(w->engine, w->token);

    if (c && value)
        ork_mask_add(&c->live->mask, value, len);
    w->cb(w->data, value, len, err);
    ork_free(w);
}

int ork_inline_secret(ork_engine *e, uint64_t token, const char *name, ork_inline_secret_cb cb, void *data,
                      ork_err *err)
{
    if (!find(e, token))
        return ork_err_set(err, ORK_ENOTFOUND, "the attempt has ended");
    struct wanted *w = ork_alloc(sizeof(*w));
    *w = (struct wanted){e, token, cb, data};
    ork_secret_get(e, name, on_found, w);
    return 0;
}

/* ---- artifacts ---- */

int ork_inline_artifact(ork_engine *e, uint64_t token, const char *path, const char *name, char hash[65],
                        int64_t *bytes, ork_err *err)
{
    struct ork_call *c = find(e, token);

    if (!c)
        return ork_err_set(err, ORK_ENOTFOUND, "the attempt has ended");
    int rc = ork_active_files(c->run, err);
    if (rc)
        return rc;
    struct ork_artifacts *list = &c->live->artifacts;
    ORK_CLEANUP(ork_free_cleanup) char *run_dir = ork_path_dirname(c->live->log_path);
    rc = ork_artifact_keep(run_dir, path, name, false, NULL, list, err);
    for (size_t i = 0; !rc && i < list->len; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            memcpy(hash, list->items[i].hash, 65);
            *bytes = list->items[i].bytes;
        }
    }
    return rc;
}
