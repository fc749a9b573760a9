/* SPDX-License-Identifier: MIT */
/* What happens to a run, as rows of run_events: written in short, read as it was.
 *
 *   [ms,"grant",n,attempt]       [ms,"grant*",n,attempt,count,step]
 *   [ms,"exited",n,attempt,ok]   [ms,"exited*",n,attempt,ok,count,step]
 *
 * A hundred thousand functions are granted and end many at an instant, at equal distances: of such it is noted how
 * many there were. Said one by one they cost a database more than half of what the rows of these tasks do. */
#include "engine/engine.h"
#include <string.h>

static const char *const words[] = {
    [ORK_EV_START] = "start",           [ORK_EV_RESTORE] = "restore",     [ORK_EV_GRANT] = "grant",
    [ORK_EV_STARTED] = "started",       [ORK_EV_EXITED] = "exited",       [ORK_EV_RECALLED] = "recalled",
    [ORK_EV_WHEN_FALSE] = "when_false", [ORK_EV_RETRY_DUE] = "retry_due", [ORK_EV_REJECT] = "reject",
    [ORK_EV_PAUSE] = "pause",           [ORK_EV_RESUME] = "resume",       [ORK_EV_CANCEL] = "cancel",
    [ORK_EV_RETRY] = "retry",           [ORK_EV_EXPANDED] = "expanded",
};

static void begin(struct ork_buf *b, int64_t ms, int type, const char *many)
{
    ork_buf_addc(b, b->len ? ',' : '[');
    ork_buf_addf(b, "[%lld,\"%s%s\"", (long long)ms, words[type], many);
}

/* Those that were kept back, as one. */
static void put_many(struct ork_active *a)
{
    struct ork_many *m = &a->many;

    if (!m->count)
        return;
    begin(&a->events, m->ms, m->type, m->count > 1 ? "*" : "");
    ork_buf_addf(&a->events, ",%u,%u", m->first, m->attempt);
    if (m->type == ORK_EV_EXITED)
        ork_buf_adds(&a->events, ",\"ok\"");
    if (m->count > 1)
        ork_buf_addf(&a->events, ",%u,%u", m->count, m->step);
    ork_buf_addc(&a->events, ']');
    m->count = 0;
}

static bool is_one_of_many(const struct ork_event *ev)
{
    return ev->type == ORK_EV_GRANT || (ev->type == ORK_EV_EXITED && ev->ok);
}

static void keep_back(struct ork_active *a, const struct ork_event *ev)
{
    struct ork_many *m = &a->many;
    const uint32_t number = ork_run_number(&a->run, ev->task);

    if (m->count && m->type == ev->type && m->ms == ev->now_ms && m->attempt == ev->attempt && number > m->last &&
        (m->count == 1 || number - m->last == m->step)) {
        m->step = number - m->last;
        m->last = number;
        m->count++;
        return;
    }
    put_many(a);
    *m = (struct ork_many){ev->now_ms, ev->type, number, number, ev->attempt, 0, 1};
}

void ork_history_add(struct ork_active *a, const struct ork_event *ev)
{
    struct ork_buf *b = &a->events;

    if (ork_refuse_poison(a, ORK_NO_TASK, ORK_POISON_EVENTS))
        return;
    ork_active_note(a);
    if (is_one_of_many(ev)) {
        keep_back(a, ev);
        return;
    }
    put_many(a);
    begin(b, ev->now_ms, ev->type, "");
    if (ev->type == ORK_EV_CANCEL)
        ork_buf_addf(b, ",%d", ev->reason);
    else if (ev->task != ORK_NO_TASK && ev->type != ORK_EV_START && ev->type != ORK_EV_RESTORE &&
             ev->type != ORK_EV_PAUSE && ev->type != ORK_EV_RESUME)
        ork_buf_addf(b, ",%u,%u", ork_run_number(&a->run, ev->task), ev->attempt);
    if (ev->type == ORK_EV_EXPANDED)
        ork_buf_addf(b, ",%u", ork_run_fan(&a->run, ev->task)->count);
    if (ev->type == ORK_EV_EXITED)
        ork_buf_addf(b, ",\"%s\"", ork_kind_name(ev->failure.kind));
    ork_buf_addc(b, ']');
}

char *ork_history_take(struct ork_active *a, size_t *len)
{
    put_many(a);
    ork_buf_addc(&a->events, ']');
    return ork_buf_steal(&a->events, len);
}

/* ---- reading ---- */

static json_int_t int_at(const json_t *event, size_t i)
{
    return json_integer_value(json_array_get(event, i));
}

/* false: it is no such event. */
static bool spread(const json_t *event, struct ork_buf *out)
{
    const char *word = json_string_value(json_array_get(event, 1));
    const size_t n = word ? strlen(word) : 0, len = json_array_size(event);

    if (n < 2 || word[n - 1] != '*' || len < 6)
        return false;
    const json_int_t count = int_at(event, len - 2), step = int_at(event, len - 1);
    for (json_int_t i = 0; i < count && i < ORK_FAN_MAX; i++) {
        ork_buf_addf(out, "%s[%lld,\"%.*s\",%lld,%lld", i ? "," : "", (long long)int_at(event, 0), (int)n - 1, word,
                     (long long)(int_at(event, 2) + i * step), (long long)int_at(event, 3));
        if (len > 6)
            ork_buf_adds(out, ",\"ok\"");
        ork_buf_addc(out, ']');
    }
    return true;
}

void ork_history_spread(const char *data, struct ork_buf *out)
{
    json_t *events = NULL;
    ork_err none;
    size_t i;
    json_t *event;

    if (!data || !strstr(data, "*\"") || ork_json_parse(data, strlen(data), &events, &none) != 0) {
        ork_buf_adds(out, data && *data ? data : "null");
        return;
    }
    ork_buf_addc(out, '[');
    json_array_foreach(events, i, event)
    {
        if (i)
            ork_buf_addc(out, ',');
        if (!spread(event, out) && ork_json_write(event, out, &none) != 0)
            ork_buf_adds(out, "null");
    }
    ork_buf_addc(out, ']');
    json_decref(events);
}
