/* SPDX-License-Identifier: MIT */
/* The idea is told in remote.h. */
#include "engine/remote.h"
#include "engine/engine.h"
#include "base/utf8.h"
#include <string.h>

#define TIMEOUT_MS 30000
#define ANSWER_MAX (1u << 20)   /* bytes that are taken of an answer */
#define ANSWER_KEPT (64u << 10) /* bytes of the last one that are kept, for the task's output */

const char *const ork_remote_states[] = {[ORK_REMOTE_OPEN] = "polling",
                                         [ORK_REMOTE_DONE] = "completed",
                                         [ORK_REMOTE_FAILED] = "failed",
                                         [ORK_REMOTE_CANCELLED] = "cancelled"};

/* ---- rows ------------------------------------------------------------------------------------- */

/* job_data: the job as it was given, and under "ork" what is known of it. */
static char *data_of(const struct ork_live *l, size_t i, size_t *len)
{
    const struct ork_remote_job *j = &l->remote->jobs[i];
    json_t *data = json_deep_copy(j->def.data),
           *own = json_pack("{s:I,s:I,s:I}", "attempt", (json_int_t)l->attempt, "number", (json_int_t)i, "asked",
                            (json_int_t)j->asked);
    char *text = NULL, due[32];
    ork_err none;

    ork_time_format(j->due_ms, due);
    json_object_set_new(own, "due", json_string(due));
    if (j->answer)
        json_object_set(own, "answer", j->answer);
    if (j->said && j->state == ORK_REMOTE_OPEN)
        json_object_set_new(own, "said", json_string(j->said));
    json_object_set_new(data, "ork", own);
    if (ork_json_text(data, &text, len, &none) != 0) {
        text = ork_strdup("{}");
        *len = 2;
    }
    json_decref(data);
    return text;
}

static void put(struct ork_active *a, const struct ork_live *l, size_t i)
{
    ork_engine *e = a->engine;
    const struct ork_remote_job *j = &l->remote->jobs[i];
    size_t len = 0;
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_JOB, a, true);
    char *texts[] = {data_of(l, i, &len), ork_strdup(j->def.job_id), j->error ? ork_strdup(j->error) : NULL};

    u->job = (struct ork_job_put){.id = j->id,
                                  .attempt = l->attempt,
                                  .type = "custom_http",
                                  .status = j->state == ORK_REMOTE_OPEN && !j->asked ? "pending"
                                                                                     : ork_remote_states[j->state],
                                  .job_id = {texts[1], strlen(texts[1])},
                                  .data = {texts[0], len},
                                  .error = {texts[2], texts[2] ? strlen(texts[2]) : 0},
                                  .started_ms = l->remote->begun_ms,
                                  .polled_ms = j->polled_ms,
                                  .finished_ms = j->state == ORK_REMOTE_OPEN ? 0 : ork_engine_now(e)};
    ork_active_task_id(a, l->task, &u->job.task_id);
    for (size_t k = 0; k < 3; k++)
        (void)ork_commit_text(e, texts[k]);
}

void ork_remote_arm(struct ork_active *a, const struct ork_live *l)
{
    const struct ork_remote *r = l->remote;
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < r->n; i++)
        if (r->jobs[i].state == ORK_REMOTE_OPEN && !r->jobs[i].asking && r->jobs[i].due_ms < least)
            least = r->jobs[i].due_ms;
    if (least < INT64_MAX)
        ork_timers_arm(a, ORK_TIMER_WAKE, l->task, least);
}

/* ---- ends ------------------------------------------------------------------------------------- */

static json_t *output_of(const struct ork_remote *r)
{
    json_t *jobs = json_array();

    for (size_t i = 0; i < r->n; i++) {
        json_t *job = json_pack("{s:s,s:s,s:s}", "service_type", "custom_http", "job_id", r->jobs[i].def.job_id,
                                "status", ork_remote_states[r->jobs[i].state]);
        if (r->jobs[i].answer)
            json_object_set(job, "answer", r->jobs[i].answer);
        json_array_append_new(jobs, job);
    }
    return json_pack("{s:o}", "jobs", jobs);
}

static void succeed(struct ork_active *a, struct ork_live *l)
{
    json_t *whole = output_of(l->remote);

    ork_deferred_succeed(a, l, ork_mask_json(&l->mask, whole));
    json_decref(whole);
}

static void broke(struct ork_active *a, struct ork_live *l, const struct ork_remote_job *j)
{
    struct ork_buf why = ORK_BUF_INIT;

    ork_buf_addf(&why, "job `%.*s` failed: %s", ork_utf8_cut(j->def.job_id, 200), j->def.job_id,
                 j->error ? j->error : "");
    ork_settle_fail(a, l->task, ORK_KIND_REMOTE, why.data);
    ork_buf_fini(&why);
}

void ork_remote_ended(struct ork_active *a, struct ork_live *l)
{
    for (size_t i = 0; i < l->remote->n; i++) {
        struct ork_remote_job *j = &l->remote->jobs[i];
        if (j->state != ORK_REMOTE_OPEN && !j->unsaved)
            continue;
        if (j->state == ORK_REMOTE_OPEN)
            j->state = ORK_REMOTE_CANCELLED;
        put(a, l, i);
    }
}

void ork_remote_over(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);
    struct ork_buf why = ORK_BUF_INIT;
    char span[32];

    if (!l || !l->remote || l->verdict)
        return;
    ork_duration_format(l->remote->limit_ms - l->remote->begun_ms, span);
    ork_buf_addf(&why, "its jobs took longer than its deferred_timeout (%s)", span);
    for (size_t i = 0; i < l->remote->n; i++) {
        const struct ork_remote_job *j = &l->remote->jobs[i];
        if (j->state == ORK_REMOTE_OPEN && (j->error || j->said)) {
            ork_buf_addf(&why, "; job `%.*s`: %s", ork_utf8_cut(j->def.job_id, 200), j->def.job_id,
                         j->error ? j->error : j->said);
            break;
        }
    }
    ork_settle_fail(a, task, ORK_KIND_TIMEOUT, why.data);
    ork_buf_fini(&why);
}

void ork_remote_kill(struct ork_active *a, struct ork_live *l)
{
    ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled");
}

/* ---- asking ----------------------------------------------------------------------------------- */

struct ask {              /* one question; whoever asks may be gone when the answer comes */
    struct ork_active *a; /* counted */
    uint32_t task, attempt;
    size_t job;
    json_t *secrets; /* owned: by name */
    unsigned left;   /* secrets that are looked up, and one */
    ork_err err;     /* of the first that is missing */
};

static void free_ask(struct ask *q)
{
    json_decref(q->secrets);
    ork_active_unref(q->a);
    ork_free(q);
}

static void leave_job(struct ork_remote_job *j)
{
    if (!j->transfer)
        return;
    ork_http_cancel(j->transfer);
    j->transfer = NULL;
    free_ask(j->ask);
}

void ork_remote_leave(struct ork_live *l)
{
    for (size_t i = 0; i < l->remote->n; i++)
        leave_job(&l->remote->jobs[i]);
}

static void free_remote(struct ork_remote *r)
{
    for (size_t i = 0; i < r->n; i++) {
        leave_job(&r->jobs[i]);
        ork_remote_def_fini(&r->jobs[i].def);
        json_decref(r->jobs[i].answer);
        ork_free(r->jobs[i].error);
        ork_free(r->jobs[i].said);
    }
    ork_free(r->jobs);
    ork_free(r);
}

static struct ork_live *live_of(const struct ask *q)
{
    struct ork_live *l = q->a->dead ? NULL : ork_active_live(q->a, q->task);

    return l && l->remote && !l->verdict && l->attempt == q->attempt && q->job < l->remote->n ? l : NULL;
}

/* No answer (error), or "not yet" (said): it is asked again, and nobody else at that very moment. */
static void later(struct ork_active *a, struct ork_live *l, size_t i, const char *error, const char *said)
{
    struct ork_remote_job *j = &l->remote->jobs[i];
    const struct ork_clock *clock = a->engine->clock;
    char *mine = error ? ork_strdup(error) : NULL;

    ork_free(j->error);
    ork_free(j->said);
    j->error = mine;
    j->said = said ? ork_strdup(said) : NULL;
    j->asking = false;
    j->asked++;
    j->polled_ms = ork_engine_now(a->engine);
    j->due_ms = j->polled_ms + ork_remote_delay(j->asked, clock->random(clock->data));
    put(a, l, i);
    ork_remote_arm(a, l);
}

static void keep_answer(struct ork_live *l, struct ork_remote_job *j, json_t *body, size_t len)
{
    json_decref(j->answer);
    j->answer = len <= ANSWER_KEPT ? ork_mask_json(&l->mask, body) : NULL;
}

static void judge(struct ork_active *a, struct ork_live *l, size_t i, const struct ork_http_response *r)
{
    struct ork_remote_job *j = &l->remote->jobs[i];
    struct ork_buf why = ORK_BUF_INIT;
    json_t *body = NULL;
    size_t len;
    enum ork_remote_says says = ORK_REMOTE_NO_ANSWER;

    if (r->error)
        ork_mask_text(&l->mask, r->error, strlen(r->error), &why);
    else
        says = ork_remote_judge(&j->def, r->status, r->body, r->body_len, &l->mask, &body, &why);
    ORK_CLEANUP(ork_free_cleanup) char *clean = ork_utf8_clean(why.data ? why.data : "", why.len, &len);
    if (says == ORK_REMOTE_RUNNING || says == ORK_REMOTE_NO_ANSWER) {
        /* one that says neither is an answer; one that has nothing to say it with may never be more */
        bool said = says == ORK_REMOTE_RUNNING && json_is_string(json_object_get(body, j->def.status_field));
        later(a, l, i, said ? NULL : clean, said ? clean : NULL);
    } else {
        j->asking = false;
        j->asked++;
        j->polled_ms = ork_engine_now(a->engine);
        j->state = says == ORK_REMOTE_COMPLETED ? ORK_REMOTE_DONE : ORK_REMOTE_FAILED;
        ork_free(j->error);
        j->error = says == ORK_REMOTE_COMPLETED ? NULL : ork_strdup(clean);
        keep_answer(l, j, body, r->body_len);
        size_t done = 0;
        for (size_t k = 0; k < l->remote->n; k++)
            done += l->remote->jobs[k].state == ORK_REMOTE_DONE;
        j->unsaved = j->state == ORK_REMOTE_FAILED || done == l->remote->n;
        if (!j->unsaved)
            put(a, l, i);
        else if (j->state == ORK_REMOTE_FAILED)
            broke(a, l, j);
        else
            succeed(a, l);
    }
    json_decref(body);
    ork_buf_fini(&why);
}

static void on_response(void *data, const struct ork_http_response *r)
{
    struct ask *q = data;
    struct ork_live *l = live_of(q);

    if (l) {
        l->remote->jobs[q->job].transfer = NULL;
        judge(q->a, l, q->job, r);
    }
    free_ask(q);
}

static const json_t *root(void *data, const char *what, const char *name)
{
    const struct ask *q = data;

    return strcmp(what, "secret") == 0 ? json_object_get(q->secrets, name) : NULL;
}

static int add_headers(struct ask *q, const json_t *headers, char **lines, size_t *n, ork_err *err)
{
    const struct ork_scope scope = {.data = q, .root = root};
    const char *name;
    const json_t *expr;
    int rc = 0;

    json_object_foreach((json_t *)(uintptr_t)headers, name, expr)
    {
        struct ork_buf line = ORK_BUF_INIT;
        ork_buf_addf(&line, "%s: ", name);
        rc = ork_expr_env_text(expr, &scope, &line, err);
        if (!rc && (strpbrk(line.data, "\r\n") || strlen(line.data) != line.len))
            rc = ork_err_set(err, ORK_EINVAL, "the header has a line break in it");
        if (rc) {
            (void)ork_err_wrap(err, "headers.%.*s", ork_utf8_cut(name, 100), name);
            ork_buf_fini(&line);
            break;
        }
        lines[(*n)++] = ork_buf_steal(&line, NULL);
    }
    return rc;
}

static void send_it(struct ask *q, struct ork_live *l)
{
    struct ork_remote_job *j = &l->remote->jobs[q->job];
    const json_t *headers = json_object_get(j->def.data, "headers");
    size_t n = 0;
    char **lines = ork_zalloc((json_object_size(headers) + 1) * sizeof(*lines));
    ork_err err = q->err;
    int rc = err.code ? err.code : add_headers(q, headers, lines, &n, &err);
    struct ork_http_request r = {.method = j->def.method,
                                 .url = j->def.url,
                                 .headers = (const char *const *)lines,
                                 .timeout_ms = TIMEOUT_MS,
                                 .max_bytes = ANSWER_MAX};

    if (!rc)
        rc = ork_http_send(q->a->engine->http, &r, on_response, q, &j->transfer, &err);
    j->ask = q;
    for (size_t i = 0; i < n; i++) {
        explicit_bzero(lines[i], strlen(lines[i]));
        ork_free(lines[i]);
    }
    ork_free(lines);
    if (rc) {
        later(q->a, l, q->job, err.msg, NULL);
        free_ask(q);
    }
}

static void release(struct ask *q)
{
    if (--q->left > 0)
        return;
    struct ork_live *l = live_of(q);
    if (l && q->a->engine->http && !q->a->engine->closing)
        send_it(q, l);
    else
        free_ask(q);
}

struct asked_secret {
    struct ask *q;
    char *name; /* owned */
};

static void on_secret(void *data, const char *value, size_t len, const ork_err *err)
{
    struct asked_secret *s = data;
    struct ork_live *l = live_of(s->q);

    if (value) {
        json_object_set_new(s->q->secrets, s->name, json_stringn(value, len));
        if (l)
            ork_mask_add(&l->mask, value, len);
    } else if (!s->q->err.code) {
        s->q->err = *err;
    }
    struct ask *q = s->q;
    ork_free(s->name);
    ork_free(s);
    release(q);
}

static void want_secret(void *data, const char *name)
{
    struct ask *q = data;
    struct asked_secret *s = ork_alloc(sizeof(*s));

    *s = (struct asked_secret){q, ork_strdup(name)};
    q->left++;
    ork_secret_get(q->a->engine, name, on_secret, s);
}

static void ask(struct ork_active *a, struct ork_live *l, size_t i)
{
    struct ask *q = ork_zalloc(sizeof(*q));
    json_t *as_env = json_object();

    *q = (struct ask){.a = a, .task = l->task, .attempt = l->attempt, .job = i, .left = 1, .secrets = json_object()};
    ork_active_ref(a);
    l->remote->jobs[i].asking = true;
    if (json_object_get(l->remote->jobs[i].def.data, "headers"))
        json_object_set(as_env, "env", json_object_get(l->remote->jobs[i].def.data, "headers"));
    ork_expr_env_secrets(as_env, want_secret, q);
    json_decref(as_env);
    release(q);
}

void ork_remote_due(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);
    int64_t now = ork_engine_now(a->engine);

    for (size_t i = 0; l && l->remote && !l->verdict && i < l->remote->n; i++) {
        const struct ork_remote_job *j = &l->remote->jobs[i];
        if (j->state == ORK_REMOTE_OPEN && !j->asking && j->due_ms <= now)
            ask(a, l, i);
        l = ork_active_live(a, task); /* it may have ended of that */
    }
    if (l && l->remote && !l->verdict)
        ork_remote_arm(a, l);
}

/* ---- beginning -------------------------------------------------------------------------------- */

int ork_remote_http(ork_engine *e, ork_err *err)
{
    return e->http ? 0 : ork_http_open(e->loop, &e->http, err);
}

int ork_remote_make(struct ork_active *a, const json_t *list, bool masked, struct ork_remote **out, ork_err *err)
{
    struct ork_remote *r = ork_zalloc(sizeof(*r));
    size_t i, n = json_array_size(list);
    const json_t *job;
    int rc = 0;

    if (masked)
        rc = ork_err_set(err, ORK_EINVAL,
                         "deferred: it holds the value of a secret, and would be stored: write {\"secret\": NAME} in a "
                         "header instead");
    if (!rc && n > ORK_REMOTE_MOST)
        rc = ork_err_set(err, ORK_ETOOBIG, "deferred: %zu jobs; at most %d are followed for one attempt", n,
                         ORK_REMOTE_MOST);
    r->jobs = ork_zalloc((n + 1) * sizeof(*r->jobs));
    json_array_foreach((json_t *)(uintptr_t)list, i, job)
    {
        if (rc || (rc = ork_remote_read(&r->jobs[i].def, job, i, err)) != 0)
            break;
        r->n++;
        r->jobs[i].id = ork_id_new(&a->engine->ids);
        r->jobs[i].due_ms = ork_engine_now(a->engine);
    }
    if (!rc && n)
        rc = ork_remote_http(a->engine, err);
    if (rc)
        free_remote(r);
    else
        *out = r;
    return rc;
}

void ork_remote_limit(struct ork_active *a, struct ork_live *l)
{
    json_t *params = ork_active_params(a, l->task);
    const json_t *ms = json_object_get(params, "deferred_timeout_ms");

    l->remote->limit_ms =
        json_is_integer(ms) && json_integer_value(ms) > 0 ? l->remote->begun_ms + json_integer_value(ms) : 0;
    if (l->remote->limit_ms)
        ork_timers_arm(a, ORK_TIMER_LIMIT, l->task, l->remote->limit_ms);
    json_decref(params);
}

/* Running from now on without a process: rows of the task, its attempt and its jobs. */
static void begin(struct ork_active *a, struct ork_live *l, const char *tail, size_t tail_len)
{
    struct ork_event ev = {.type = ORK_EV_STARTED, .task = l->task, .attempt = l->attempt};
    struct ork_end end = {
        .task = l->task, .tail = tail, .tail_len = tail_len, .finished_ms = ork_engine_now(a->engine)};

    a->end = &end;
    bool known = a->run.tasks[l->task].status == ORK_TASK_RUNNING;
    if (!known)
        (void)ork_active_step(a, &ev);
    ork_settle_put(a, l->task, true);
    ork_settle_dispatched(a, l->task, true);
    a->end = NULL;
    if (known)
        ork_active_waits(a, l->task);
    for (size_t i = 0; i < l->remote->n; i++)
        put(a, l, i);
}

void ork_remote_begin(struct ork_active *a, struct ork_live *l, struct ork_remote *r, int32_t exit_code,
                      int64_t log_bytes, const char *tail, size_t tail_len)
{
    l->remote = r;
    r->begun_ms = ork_engine_now(a->engine);
    r->exit_code = exit_code;
    r->log_bytes = log_bytes;
    l->known = l->committed = true;
    l->agent = (ork_id){0}; /* no process of it is anywhere */
    begin(a, l, tail, tail_len);
    ork_dispatch_release(a, l->task);
    ork_remote_limit(a, l);
    if (r->n)
        ork_remote_arm(a, l);
    else
        succeed(a, l);
}

/* ---- memory, and for people ------------------------------------------------------------------- */

void ork_remote_free(struct ork_active *a, struct ork_live *l)
{
    ork_timers_disarm(a, ORK_TIMER_WAKE, l->task);
    ork_timers_disarm(a, ORK_TIMER_LIMIT, l->task);
    free_remote(l->remote);
}

void ork_remote_close(ork_engine *e)
{
    for (struct ork_active *a = e->runs; a; a = a->hh.next)
        for (struct ork_live *l = a->live; l; l = l->hh.next)
            for (size_t i = 0; l->remote && i < l->remote->n; i++)
                leave_job(&l->remote->jobs[i]);
    ork_http_close(e->http);
    e->http = NULL;
}

char *ork_remote_text(const struct ork_remote *r)
{
    struct ork_buf b = ORK_BUF_INIT;
    size_t open = 0;
    const char *first = "";

    for (size_t i = 0; i < r->n; i++) {
        if (r->jobs[i].state != ORK_REMOTE_OPEN)
            continue;
        first = open++ ? first : r->jobs[i].def.job_id;
    }
    if (open == 1)
        ork_buf_addf(&b, "for job %.*s of another service", ork_utf8_cut(first, 200), first);
    else
        ork_buf_addf(&b, "for %zu jobs of other services", open);
    return ork_buf_steal(&b, NULL);
}
