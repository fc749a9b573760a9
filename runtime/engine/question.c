/* SPDX-License-Identifier: MIT */
#include "engine/question.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include <stdlib.h>
#include <string.h>

struct ork_question {
    struct ork_live live; /* what a call wants to know of its attempt; in no table */
    struct ork_call call;
    ork_answer_cb cb;
    void *data;  /* the asker's */
    bool secret; /* its caller cannot know what of its input is one */
    struct {
        uint32_t task;
        char option[28];
    } key;
    UT_hash_handle hh;
};

/* ORK_QUESTION_MS in the environment, for tests. */
static int64_t limit_ms(void)
{
    const char *text = getenv("ORK_QUESTION_MS");
    long long ms = text ? strtoll(text, NULL, 10) : 0;

    return ms > 0 ? ms : ORK_QUESTION_MS;
}

static struct ork_question *of(struct ork_call *c)
{
    return ork_container(c, struct ork_question, call);
}

static void name_it(struct ork_question *q, uint32_t task, const char *option)
{
    q->key.task = task;
    (void)snprintf(q->key.option, sizeof(q->key.option), "%s", option); /* the rest is zero */
}

static struct ork_question *find(const struct ork_active *a, uint32_t task, const char *option)
{
    struct ork_question wanted = {0}, *q;

    name_it(&wanted, task, option);
    HASH_FIND(hh, a->questions, &wanted.key, sizeof(wanted.key), q);
    return q;
}

/* Its limits and its solitude are those of the task's function. What was lost once is alone next time; of a poll that
 * is remembered until somebody else goes on with the run. */
static void set_limits(struct ork_active *a, struct ork_question *q)
{
    if (q->live.task == ORK_NO_TASK || !q->call.by_worker) /* of the run itself, or called by the program */
        return;
    const struct ork_live *l = ork_active_live(a, q->live.task);
    json_t *params = ork_active_params(a, q->live.task);

    ork_resources_read(params, &q->call.most);
    q->call.alone = q->call.alone || ork_call_isolated(params) || a->run.tasks[q->live.task].lost > 0 ||
                    (l && l->job && l->job->lost);
    json_decref(params);
}

static void free_question(struct ork_question *q)
{
    if (q->secret)
        ork_mask_file(&q->live.mask, q->live.log_path);
    ork_mask_fini(&q->live.mask);
    ork_free(q->live.log_path);
    ork_free(q->call.input);
    ork_free(q);
}

void ork_question_ask(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_ask *ask)
{
    struct ork_question *q = ork_zalloc(sizeof(*q));

    q->live = (struct ork_live){.task = task, .attempt = attempt, .committed = true, .known = true, .grace_ms = 1000};
    q->live.log_path = ork_handlers_is(ask->option) ? ork_handlers_log(a) : ork_active_file(a, task, attempt, "log");
    q->call = (struct ork_call){.live = &q->live,
                                .run = a,
                                .input = ask->input,
                                .input_len = ask->input_len,
                                .option = ask->option,
                                .timeout_ms = ask->timeout_ms > 0 ? ask->timeout_ms : limit_ms(),
                                .by_worker = !ork_workflow_limits(a->workflow)->by_host,
                                .alone = ask->alone,
                                .question = true};
    q->cb = ask->cb;
    q->data = ask->data;
    const struct ork_live *of = ask->secret ? ork_active_live(a, task) : NULL;
    if (of)
        ork_mask_join(&q->live.mask, &of->mask);
    q->secret = ork_mask_any(&q->live.mask);
    name_it(q, task, ask->option);
    HASH_ADD(hh, a->questions, key, sizeof(q->key), q);
    set_limits(a, q);
    if (q->call.by_worker)
        ork_workers_ready(a->engine, &q->call);
    else
        ork_inline_ready(a->engine, &q->call);
}

int ork_question_may(const struct ork_active *a, ork_err *err)
{
    if (a->strange && ork_workflow_limits(a->workflow)->by_host)
        return ork_err_set(err, ORK_ESTATE, "its function lives in the program that started the run");
    return 0;
}

int ork_question_input(struct ork_active *a, uint32_t task, uint32_t attempt, const json_t *params, char **text,
                       size_t *len, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    json_t *input = NULL;

    *text = NULL;
    ork_inputs_scope(&data, a, task, attempt, &scope);
    int rc = ork_inputs_bind(a, task, params, &scope, &input, err);
    if (!rc)
        rc = ork_json_text(input, text, len, err);
    if (!rc && *len > ORK_INPUT_MAX) {
        rc = ork_err_set(err, ORK_ETOOBIG, "the input is %zu bytes; at most %u are handed to a task", *len,
                         ORK_INPUT_MAX);
        ork_free(*text);
        *text = NULL;
    }
    json_decref(input);
    ork_inputs_scope_fini(&data);
    return rc;
}

bool ork_question_open(const struct ork_active *a, uint32_t task, const char *option)
{
    return find(a, task, option) != NULL;
}

void ork_question_drop(struct ork_active *a, uint32_t task, const char *option)
{
    struct ork_question *q = find(a, task, option);

    if (!q)
        return;
    HASH_DEL(a->questions, q);
    ork_call_leave(a->engine, &q->call);
    free_question(q);
}

void ork_question_end(struct ork_call *c, const struct ork_inline_result *r)
{
    struct ork_question *q = of(c);
    struct ork_active *a = c->run;
    struct ork_answer answer = {.json = r->output, .len = r->output_len};
    char *clean = NULL, span[32], late[64];
    size_t len;

    if (c->stopped) {
        ork_duration_format(c->timeout_ms, span);
        (void)snprintf(late, sizeof(late), "it took longer than %s", span);
        answer = (struct ork_answer){.error = late, .kind = ORK_KIND_TIMEOUT};
    } else if (r->error) {
        ORK_CLEANUP(ork_free_cleanup) char *whole = ork_utf8_clean(r->error, strlen(r->error), &len);
        struct ork_buf b = ORK_BUF_INIT;
        ork_mask_text(&c->live->mask, whole, len, &b);
        clean = ork_buf_steal(&b, NULL);
        answer = (struct ork_answer){.error = clean,
                                     .kind = r->kind ? r->kind : ORK_KIND_ERROR,
                                     .code = r->code,
                                     .final = r->final,
                                     .retry_after_ms = r->retry_after_ms};
    }
    if (!answer.error && (clean = ork_call_masked(c, r->output, r->output_len, &len)))
        answer = (struct ork_answer){.json = clean, .len = len};
    answer.data = q->data;
    ork_call_deadline(a->engine, c, 0);
    if (c->by_worker)
        ork_workers_forget(a->engine, c);
    else
        ork_inline_forget(a->engine, c);
    HASH_DEL(a->questions, q);
    ork_active_ref(a);
    q->cb(a, q->live.task, q->live.attempt, &answer);
    ork_active_unref(a);
    ork_free(clean);
    free_question(q);
}

void ork_question_leave(struct ork_active *a)
{
    for (struct ork_question *q = a->questions; q; q = q->hh.next)
        ork_call_leave(a->engine, &q->call);
}

void ork_question_free(struct ork_active *a)
{
    for (struct ork_question *q; (q = a->questions);) {
        HASH_DEL(a->questions, q);
        free_question(q);
    }
}
