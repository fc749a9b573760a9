/* SPDX-License-Identifier: MIT */
/* The idea is told in executor.h. */
#include "engine/executor.h"
#include "engine/engine.h"
#include <string.h>

#define START "executor.start" /* where its functions stand */
#define POLL "executor.poll"
#define CANCEL "executor.cancel"

static struct ork_live *job_of(struct ork_active *a, uint32_t task, uint32_t attempt)
{
    struct ork_live *l = ork_active_live(a, task);

    return a->dead || !l || !l->job || l->verdict || l->attempt != attempt ? NULL : l;
}

/* ---- ends ------------------------------------------------------------------------------------- */

static void fail(struct ork_active *a, struct ork_live *l, int kind, const char *code, bool final, int64_t after_ms,
                 const char *text)
{
    struct ork_event ev = {.failure = {.kind = kind, .exit_code = -1, .code = code},
                           .retry_after_ms = final ? -1 : after_ms};
    struct ork_end end = {.error = text, .finished_ms = ork_engine_now(a->engine)};

    if (ork_refuse_poison(a, l->task, l->attempt)) { /* which has its own reason */
        ork_settle_fail(a, l->task, kind, text);
        return;
    }
    ork_active_ref(a);
    ork_settle_call(a, l, &ev, &end);
    ork_active_unref(a);
}

static void fail_by(struct ork_active *a, struct ork_live *l, const struct ork_answer *answer)
{
    fail(a, l, answer->kind, answer->code, answer->final, answer->retry_after_ms, answer->error);
}

/* It was cancelled, or its time is over. why: what cancelling it failed of; NULL nothing. */
static void end_early(struct ork_active *a, struct ork_live *l, const char *why)
{
    struct ork_buf text = ORK_BUF_INIT;

    ork_buf_adds(&text, l->job->ending);
    if (why)
        ork_buf_addf(&text, "; its executor could not cancel it: %s", why);
    ork_settle_fail(a, l->task, l->job->ends, text.data);
    ork_buf_fini(&text);
}

/* ---- cancel ----------------------------------------------------------------------------------- */

static void on_cancelled(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_live *l = job_of(a, task, attempt);

    if (l)
        end_early(a, l, answer->error);
}

static void cancel(struct ork_active *a, struct ork_live *l)
{
    const struct ork_defer *d = &l->job->what;
    ork_err why = {0};

    if (!d->cancels) {
        end_early(a, l, NULL);
    } else if (ork_question_may(a, &why) != 0 || ork_active_files(a, &why) != 0) {
        end_early(a, l, why.msg);
    } else {
        ork_question_ask(
            a, l->task, l->attempt,
            &(struct ork_ask){
                .option = CANCEL, .input = ork_strdup(d->handle), .input_len = strlen(d->handle), .cb = on_cancelled});
    }
}

void ork_executor_stop(struct ork_active *a, struct ork_live *l, int kind, const char *text, bool now)
{
    struct ork_deferred *d = l->job;

    if (!d->ending) {
        d->ends = kind;
        d->ending = ork_strdup(text);
        ork_timers_disarm(a, ORK_TIMER_WAKE, l->task);
        ork_question_drop(a, l->task, POLL);
    } else if (!now) {
        return; /* on its way */
    }
    if (now)
        end_early(a, l, d->what.handle || d->starting ? "it was not waited for" : NULL);
    else if (d->what.handle)
        cancel(a, l);
    else if (!d->starting && l->adopted) /* what a program that died may have started has a handle only start knows */
        ork_executor_due(a, l);
    else if (!d->starting)
        end_early(a, l, NULL);
}

/* ---- start ------------------------------------------------------------------------------------ */

static void on_started(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_live *l = job_of(a, task, attempt);
    char text[96];

    if (!l)
        return;
    l->job->starting = false;
    ork_turn_over(a, l);
    if (answer->error && l->job->ending) {
        end_early(a, l, NULL); /* nothing was started, as far as it says */
        return;
    }
    if (answer->error) {
        fail_by(a, l, answer);
        return;
    }
    if (answer->len > ORK_HANDLE_MAX) {
        (void)snprintf(text, sizeof(text), "its executor's start returned %zu bytes; at most %u are kept", answer->len,
                       ORK_HANDLE_MAX);
        fail(a, l, ORK_KIND_OUTPUT, NULL, false, 0, text);
        return;
    }
    l->job->what.handle = answer->json ? ork_strndup(answer->json, answer->len) : ork_strdup("null");
    l->job->what.due_ms = ork_engine_now(a->engine);
    ork_deferred_put(a, l);
    if (l->job->ending)
        cancel(a, l);
    else
        ork_timers_arm(a, ORK_TIMER_WAKE, task, l->job->what.due_ms);
}

/* {"name":"x","command":[…],…}: what start gets. */
static int describe(struct ork_active *a, struct ork_live *l, json_t *params, json_t **task, ork_err *err)
{
    struct ork_scope_data data;
    struct ork_scope scope;
    struct ork_argv argv = {0};
    struct ork_buf key = ORK_BUF_INIT;
    json_t *input = NULL;

    ork_inputs_scope(&data, a, l->task, l->attempt, &scope);
    int rc = ork_inputs_bind(a, l->task, params, &scope, &input, err);
    data.input = input;
    bool has_command = !rc && json_object_get(params, "command");
    if (has_command)
        rc = ork_expr_command(params, &scope, &argv, err);
    ork_inputs_scope_fini(&data);
    if (rc) {
        json_decref(input);
        return rc;
    }
    ork_buf_addf(&key, "%s/%s/%u", a->text, ork_active_name(a, l->task), l->attempt);
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:i,s:o}", "name", ork_active_name(a, l->task), "workflow",
                          ork_workflow_name(a->workflow), "run_id", a->text, "key", key.data, "attempt",
                          (int)l->attempt, "input", input);
    ork_buf_fini(&key);
    if (has_command) {
        json_t *list = json_array(), *env = json_object();
        for (size_t i = 0; i < argv.argc; i++)
            json_array_append_new(list, json_string(argv.argv[i]));
        for (size_t i = 0; i < argv.envc; i++) {
            const char *eq = strchr(argv.env[i], '=');
            char *name = ork_strndup(argv.env[i], eq ? (size_t)(eq - argv.env[i]) : strlen(argv.env[i]));
            json_object_set_new(env, name, eq ? json_string(eq + 1) : json_false());
            ork_free(name);
        }
        json_object_set_new(o, "command", list);
        json_object_set_new(o, "env", env);
        if (argv.cwd)
            json_object_set_new(o, "cwd", json_string(argv.cwd));
    }
    ork_argv_fini(&argv);
    *task = o;
    return 0;
}

static void on_inputs(struct ork_active *a, uint32_t task, json_t *params, int code, const ork_err *err)
{
    struct ork_live *l = ork_active_live(a, task);
    char *text = NULL;
    size_t len = 0;
    json_t *o = NULL;
    ork_err why = {0};

    if (!l || !l->job || l->verdict || !l->job->starting || !ork_turn_reads(l) || ork_question_open(a, task, START))
        return; /* it ended meanwhile */
    if (ork_question_may(a, &why) != 0) {
        ork_turn_over(a, l);
        return; /* who has its functions asks */
    }
    if (code)
        why = *err;
    else
        code = describe(a, l, params, &o, &why);
    if (!code)
        code = ork_json_text(o, &text, &len, &why);
    json_decref(o);
    if (!code && len > ORK_INPUT_MAX)
        code = ork_err_set(&why, ORK_ETOOBIG, "the input is %zu bytes; at most %u are handed to a task", len,
                           ORK_INPUT_MAX);
    if (!code)
        code = ork_active_files(a, &why);
    if (!code)
        ork_inputs_mask(a, l, params);
    if (code) {
        ork_free(text);
        l->job->starting = false;
        if (l->job->ending)
            end_early(a, l, NULL);
        else
            ork_settle_fail(a, task, ORK_KIND_INPUT, why.msg);
        return;
    }
    ork_question_ask(
        a, task, l->attempt,
        &(struct ork_ask){.option = START, .input = text, .input_len = len, .secret = true, .cb = on_started});
    ork_turn_holds(a, l, len);
}

static void start(struct ork_active *a, struct ork_live *l)
{
    json_t *params = ork_active_params(a, l->task);

    l->job->starting = true;
    ork_inputs_fetch_all(a, l->task, params, on_inputs);
    json_decref(params);
}

/* ---- poll ------------------------------------------------------------------------------------- */

static int64_t after_ms(const json_t *after)
{
    int64_t ms = 0;
    ork_err none;

    if (json_is_number(after) && json_number_value(after) > 0 && json_number_value(after) < 1e9)
        return (int64_t)(json_number_value(after) * 1000);
    if (json_is_string(after) &&
        ork_duration_parse(json_string_value(after), json_string_length(after), &ms, &none) == 0 && ms > 0)
        return ms;
    return 0;
}

/* What a poll returned: an end. */
static void take(struct ork_active *a, struct ork_live *l, json_t *answer)
{
    const json_t *error = json_object_get(answer, "error"), *retry = json_object_get(answer, "retry");
    json_t *output = json_object_get(answer, "output");
    struct ork_buf why = ORK_BUF_INIT;

    if (json_is_string(error)) {
        fail(a, l, ORK_KIND_REMOTE, json_string_value(json_object_get(answer, "code")), json_is_false(retry),
             after_ms(json_object_get(answer, "after")), json_string_value(error));
    } else if (json_is_object(answer) && (output || json_object_size(answer) == 0)) {
        ork_deferred_succeed(a, l, json_is_null(output) ? NULL : json_incref(output));
    } else {
        ork_buf_addf(
            &why, "the poll of executor `%s` wants to return nil, { output = … } or { error = \"…\" }, and returned %s",
            l->job->what.text,
            error                    ? "an error that is no text"
            : json_is_object(answer) ? "neither"
                                     : "something else");
        fail(a, l, ORK_KIND_OUTPUT, NULL, false, 0, why.data);
        ork_buf_fini(&why);
    }
}

static void on_polled(struct ork_active *a, uint32_t task, uint32_t attempt, const struct ork_answer *answer)
{
    struct ork_live *l = job_of(a, task, attempt);
    json_t *value = NULL;
    ork_err err = {0};

    if (!l)
        return;
    if (answer->error && answer->final) {
        fail_by(a, l, answer);
    } else if (answer->error || !answer->json) {
        ork_deferred_later(a, l, answer->error);
    } else if (ork_json_parse(answer->json, answer->len, &value, &err) != 0) {
        fail(a, l, ORK_KIND_OUTPUT, NULL, false, 0, err.msg);
    } else {
        l->job->what.asked++;
        l->job->polled_ms = ork_engine_now(a->engine);
        ork_free(l->job->error);
        l->job->error = NULL;
        take(a, l, value);
    }
    json_decref(value);
}

void ork_executor_due(struct ork_active *a, struct ork_live *l)
{
    struct ork_deferred *d = l->job;
    ork_err why = {0};

    if (d->what.handle) {
        if (d->ending || ork_question_open(a, l->task, POLL) || ork_question_may(a, &why) != 0)
            return;
        if (ork_active_files(a, &why) != 0) {
            ork_deferred_later(a, l, why.msg);
            return;
        }
        ork_question_ask(a, l->task, l->attempt,
                         &(struct ork_ask){.option = POLL,
                                           .input = ork_strdup(d->what.handle),
                                           .input_len = strlen(d->what.handle),
                                           .cb = on_polled});
        return;
    }
    if (!d->starting)
        ork_turn_want(a, l, start);
}

void ork_executor_committed(struct ork_active *a, struct ork_live *l)
{
    if (!l->job->ending)
        ork_executor_due(a, l);
}

void ork_executor_drop(struct ork_active *a, struct ork_live *l)
{
    ork_question_drop(a, l->task, START);
    ork_question_drop(a, l->task, POLL);
    ork_question_drop(a, l->task, CANCEL);
}
