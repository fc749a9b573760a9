/* SPDX-License-Identifier: MIT */
/* The idea is told in verdict.h. */
#include "engine/verdict.h"
#include "engine/engine.h"
#include <string.h>

#define DATA_MAX (64u << 10)
#define ON "retries.on" /* where its function stands */

struct ork_verdict { /* how the attempt ended; every text is ours */
    struct ork_event ev;
    struct ork_end end;
    struct ork_exit exit;
    bool has_exit;
};

static char *copy(const char *s)
{
    return s ? ork_strdup(s) : NULL;
}

static void free_verdict(struct ork_verdict *v)
{
    ork_free((void *)(uintptr_t)v->ev.failure.code);
    ork_free((void *)(uintptr_t)v->end.error);
    ork_free((void *)(uintptr_t)v->end.tail);
    ork_free((void *)(uintptr_t)v->end.data);
    ork_free((void *)(uintptr_t)v->exit.error);
    ork_free(v);
}

static struct ork_verdict *keep(const struct ork_event *ev, const struct ork_end *end, const struct ork_exit *x)
{
    struct ork_verdict *v = ork_zalloc(sizeof(*v));

    v->ev = *ev;
    v->ev.failure.code = copy(ev->failure.code);
    v->end = *end;
    v->end.artifacts = NULL; /* of what failed none are kept */
    v->end.error = copy(end->error);
    v->end.tail = end->tail ? ork_strndup(end->tail, end->tail_len) : NULL;
    v->end.data = end->data && end->data_len <= DATA_MAX ? ork_strndup(end->data, end->data_len) : NULL;
    v->has_exit = x != NULL;
    if (x) {
        v->exit = *x;
        v->exit.error = copy(x->error);
    }
    return v;
}

/* What the function gets: as JSON. */
static int describe(const struct ork_live *l, const struct ork_verdict *v, char **text, size_t *len, ork_err *err)
{
    const struct ork_failure *f = &v->ev.failure;
    json_t *o = json_pack("{s:s,s:s,s:i}", "kind", ork_kind_name(f->kind), "message", v->end.error ? v->end.error : "",
                          "attempt", (int)l->attempt);

    if (f->code)
        json_object_set_new(o, "code", json_string(f->code));
    if (f->exit_code >= 0)
        json_object_set_new(o, "exit_code", json_integer(f->exit_code));
    if (f->signal)
        json_object_set_new(o, "signal", json_integer(f->signal));
    json_t *data = v->end.data ? json_loads(v->end.data, JSON_DECODE_ANY, NULL) : NULL;
    if (data)
        json_object_set_new(o, "data", data);
    int rc = o ? ork_json_text(o, text, len, err) : ork_err_set(err, ORK_EJSON, "the failure cannot be told");
    json_decref(o);
    return rc;
}

/* The attempt ends now: with the answer (verdict), or by its kind (0). */
static void settle(struct ork_active *a, struct ork_live *l, int verdict)
{
    struct ork_verdict *v = l->verdict;

    ork_timers_disarm(a, ORK_TIMER_VERDICT, l->task);
    v->ev.verdict = verdict;
    l->judged = true;
    l->verdict = NULL;
    ork_settle_end(a, l, &v->ev, &v->end, v->has_exit ? &v->exit : NULL);
    free_verdict(v);
}

static void warn(const struct ork_active *a, const struct ork_live *l, const char *why)
{
    ork_log_warn(&a->engine->log,
                 "retries.on gave no answer, the kind of the failure decides run=%s task=%s attempt=%u error=%s",
                 a->text, ork_active_name(a, l->task), l->attempt, ORK_LOG_VALUE(why));
}

static void on_answer(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_live *l = ork_active_live(a, task);

    if (a->dead || !l || !l->verdict || l->attempt != attempt)
        return;
    if (answer->error)
        warn(a, l, answer->error);
    settle(a, l, answer->error ? 0 : answer->json ? 1 : -1);
}

bool ork_verdict_ask(struct ork_active *a, struct ork_live *l, const struct ork_event *ev, const struct ork_end *end,
                     const struct ork_exit *x)
{
    struct ork_event probe = *ev;
    char *text = NULL;
    size_t len = 0;
    ork_err err = {0};

    probe.task = l->task;
    if (l->verdict || l->judged || a->dead || !ork_run_asks(&a->run, &probe))
        return false;
    struct ork_verdict *v = keep(ev, end, x);
    int rc = ork_question_may(a, &err);
    if (!rc)
        rc = ork_active_files(a, &err);
    if (!rc)
        rc = describe(l, v, &text, &len, &err);
    if (rc) {
        warn(a, l, err.msg);
        free_verdict(v);
        return false;
    }
    l->verdict = v;
    if (l->remote) /* one failed: what the others answer is of no use any more */
        ork_remote_leave(l);
    ork_timers_arm(a, ORK_TIMER_VERDICT, l->task, ork_engine_now(a->engine) + ORK_VERDICT_MS);
    ork_question_ask(a, l->task, l->attempt,
                     &(struct ork_ask){
                         .option = ON, .input = text, .input_len = len, .timeout_ms = ORK_VERDICT_MS, .cb = on_answer});
    return true;
}

void ork_verdict_over(struct ork_active *a, uint32_t task)
{
    struct ork_live *l = ork_active_live(a, task);

    if (!l || !l->verdict)
        return;
    ork_question_drop(a, task, ON);
    warn(a, l, "no answer within 5s");
    settle(a, l, 0);
}

void ork_verdict_drop(struct ork_active *a, struct ork_live *l)
{
    ork_question_drop(a, l->task, ON);
    settle(a, l, 0);
}

void ork_verdict_free(struct ork_active *a, struct ork_live *l)
{
    if (!a->dead) {
        ork_timers_disarm(a, ORK_TIMER_VERDICT, l->task);
        ork_question_drop(a, l->task, ON);
    }
    free_verdict(l->verdict);
}
