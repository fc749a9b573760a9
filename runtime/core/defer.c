/* SPDX-License-Identifier: MIT */
#include "core/defer.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/id.h"
#include <string.h>

#define FAR_MS (INT64_C(100) * 365 * 86400 * 1000) /* a sum with the clock never overflows */

static const char *const names[] = {[ORK_DEFER_TIMER] = "timer",
                                    [ORK_DEFER_APPROVAL] = "approval",
                                    [ORK_DEFER_POLL] = "poll",
                                    [ORK_DEFER_RUN] = "run",
                                    [ORK_DEFER_EXECUTOR] = "executor"};

const char *ork_defer_name(int type)
{
    return names[type];
}

/* ---- beginning -------------------------------------------------------------------------------- */

static int after(int64_t span_ms, int64_t now_ms, int64_t *due_ms, ork_err *err)
{
    if (span_ms < 0 || span_ms > FAR_MS)
        return ork_err_set(err, ORK_EINVAL, "wait: wants 0 s to 100 years");
    *due_ms = now_ms + span_ms;
    return 0;
}

/* "2026-12-01T08:00:00+01:00", "…Z": the day is followed by a time with an offset. */
static bool has_offset(const char *s, size_t n)
{
    return n > 10 && (strpbrk(s + 10, "Zz+") || strchr(s + 10, '-'));
}

static int until(const json_t *value, const struct ork_scope *s, int64_t now_ms, int64_t *due_ms, ork_err *err)
{
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    int64_t ms;
    ork_err why;

    if (json_is_number(value)) {
        double seconds = json_number_value(value);
        return after(seconds >= 0 && seconds * 1000 <= (double)FAR_MS ? (int64_t)(seconds * 1000) : -1, now_ms, due_ms,
                     err);
    }
    if (text && ork_duration_parse(text, n, &ms, &why) == 0)
        return after(ms, now_ms, due_ms, err);
    if (!text || ork_time_parse(text, n, &ms, &why) != 0)
        return ork_err_set(err, ORK_EINVAL,
                           "wait: wants a span such as 30m, or a time such as 2026-12-01T08:00:00Z, got %.100s",
                           text ? text : ork_json_type_name(value));
    *due_ms = has_offset(text, n) ? ms : ork_moment_instant(s->logical.zone, ms);
    return 0;
}

static int ask(struct ork_defer *d, const json_t *expr, const struct ork_scope *s, ork_err *err)
{
    struct ork_buf text = ORK_BUF_INIT;
    json_t *value = NULL;
    int rc = ork_expr_eval(expr, s, false, &value, err);

    if (!rc)
        rc = ork_expr_text(value, &text, err);
    json_decref(value);
    if (rc) {
        ork_buf_fini(&text);
        return ork_err_wrap(err, "wait.approval");
    }
    d->type = ORK_DEFER_APPROVAL;
    d->text = text.data ? ork_buf_steal(&text, NULL) : ork_strdup("");
    return 0;
}

int ork_defer_init(struct ork_defer *d, const json_t *wait, const struct ork_scope *s, int64_t now_ms, ork_err *err)
{
    const json_t *ms = json_object_get(wait, "ms"), *at = json_object_get(wait, "at"),
                 *approval = json_object_get(wait, "approval"), *every = json_object_get(wait, "every_ms");
    json_t *value = NULL;

    *d = (struct ork_defer){.type = ORK_DEFER_TIMER};
    if (json_is_integer(ms))
        return after(json_integer_value(ms), now_ms, &d->due_ms, err);
    if (at) {
        int rc = ork_expr_eval(at, s, false, &value, err);
        rc = rc ? ork_err_wrap(err, "wait") : until(value, s, now_ms, &d->due_ms, err);
        json_decref(value);
        return rc;
    }
    if (approval)
        return ask(d, approval, s, err);
    const char *executor = json_string_value(json_object_get(wait, "executor"));
    if (!executor && !json_is_true(json_object_get(wait, "poll")))
        return ork_err_set(err, ORK_EDEF, "wait: neither a time, nor an approval, nor a poll");
    d->type = executor ? ORK_DEFER_EXECUTOR : ORK_DEFER_POLL;
    d->text = executor ? ork_strdup(executor) : NULL;
    d->cancels = json_is_true(json_object_get(wait, "cancel"));
    d->every_ms = json_is_integer(every) ? json_integer_value(every) : ORK_DEFER_EVERY_MS;
    if (d->every_ms < ORK_DEFER_LEAST_MS)
        d->every_ms = ORK_DEFER_LEAST_MS;
    d->due_ms = now_ms;
    return 0;
}

void ork_defer_next(struct ork_defer *d, int64_t now_ms)
{
    d->asked++;
    if (d->due_ms <= now_ms)
        d->due_ms += ((now_ms - d->due_ms) / d->every_ms + 1) * d->every_ms;
    else if (d->due_ms - now_ms > d->every_ms) /* the clock was set back */
        d->due_ms = now_ms + d->every_ms;
}

void ork_defer_fini(struct ork_defer *d)
{
    ork_free(d->text);
    ork_free(d->run);
    ork_free(d->handle);
    *d = (struct ork_defer){0};
}

/* ---- its row ---------------------------------------------------------------------------------- */

int ork_defer_data(const struct ork_defer *d, uint32_t attempt, const json_t *decision, struct ork_buf *out,
                   ork_err *err)
{
    json_t *o = json_pack("{s:I}", "attempt", (json_int_t)attempt);
    char due[32];

    if (decision)
        json_object_update(o, (json_t *)(uintptr_t)decision);
    if (d->type != ORK_DEFER_APPROVAL && d->type != ORK_DEFER_RUN) {
        ork_time_format(d->due_ms, due);
        json_object_set_new(o, "due", json_string(due));
    }
    if (d->type == ORK_DEFER_APPROVAL || d->type == ORK_DEFER_EXECUTOR)
        json_object_set_new(o, "text", json_string(d->text));
    if (d->type == ORK_DEFER_RUN) {
        json_object_set_new(o, "run", json_string(d->run));
        json_object_set_new(o, "workflow", json_string(d->text));
    }
    if (d->type == ORK_DEFER_EXECUTOR && d->handle)
        json_object_set_new(o, "handle", json_loads(d->handle, JSON_DECODE_ANY, NULL));
    if (d->cancels)
        json_object_set_new(o, "cancel", json_true());
    if (d->type == ORK_DEFER_POLL || d->type == ORK_DEFER_EXECUTOR) {
        json_object_set_new(o, "every_ms", json_integer(d->every_ms));
        json_object_set_new(o, "asked", json_integer(d->asked));
    }
    int rc = ork_json_write(o, out, err);
    json_decref(o);
    return rc;
}

static int type_of(const char *word)
{
    for (int i = 0; word && i <= ORK_DEFER_EXECUTOR; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    return -1;
}

static int read_times(struct ork_defer *d, const json_t *o, ork_err *err)
{
    const json_t *due = json_object_get(o, "due"), *every = json_object_get(o, "every_ms");

    if (!json_is_string(due) || ork_time_parse(json_string_value(due), json_string_length(due), &d->due_ms, err) != 0)
        return ork_err_set(err, ORK_ECORRUPT, "job_data of a deferred job says no time");
    d->asked = json_integer_value(json_object_get(o, "asked"));
    d->every_ms = json_integer_value(every) >= ORK_DEFER_LEAST_MS ? json_integer_value(every) : ORK_DEFER_EVERY_MS;
    return 0;
}

static int read_run(struct ork_defer *d, const json_t *o, ork_err *err)
{
    const char *run = json_string_value(json_object_get(o, "run")),
               *name = json_string_value(json_object_get(o, "workflow"));
    ork_id id;

    if (!run || ork_id_parse(run, strlen(run), &id) != 0)
        return ork_err_set(err, ORK_ECORRUPT, "job_data of a deferred job names no run");
    d->run = ork_strdup(run);
    d->text = ork_strdup(name ? name : "?");
    return 0;
}

int ork_defer_read(struct ork_defer *d, const char *type, const char *data, uint32_t *attempt, ork_err *err)
{
    const json_t *text;
    json_t *o = NULL;
    ork_err why;
    int rc = 0;

    *d = (struct ork_defer){.type = type_of(type)};
    if (d->type < 0)
        return ork_err_set(err, ORK_ECORRUPT, "a deferred job of the unknown type `%.60s`", type ? type : "");
    if (ork_json_parse(data ? data : "", data ? strlen(data) : 0, &o, &why) != 0)
        return ork_err_set(err, ORK_ECORRUPT, "job_data of a deferred job: %s", why.msg);
    *attempt = (uint32_t)json_integer_value(json_object_get(o, "attempt"));
    text = json_object_get(o, "text");
    if (d->type == ORK_DEFER_RUN)
        rc = read_run(d, o, err);
    else if (d->type != ORK_DEFER_APPROVAL)
        rc = read_times(d, o, err);
    if (!rc && (d->type == ORK_DEFER_APPROVAL || d->type == ORK_DEFER_EXECUTOR))
        d->text = ork_strdup(json_is_string(text) ? json_string_value(text) : "");
    if (!rc && json_object_get(o, "handle"))
        rc = ork_json_text(json_object_get(o, "handle"), &d->handle, NULL, err);
    d->cancels = json_is_true(json_object_get(o, "cancel"));
    if (rc)
        ork_defer_fini(d);
    json_decref(o);
    return rc;
}
