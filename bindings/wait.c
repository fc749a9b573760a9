/* SPDX-License-Identifier: MIT */
/* `wait`: a span, a time, { approval = "…" } or { poll = f, every = span }: what a task waits for that does nothing
 * else. It has no process, no folder, no slot; so what `defaults` says of those, and of timeout and retries, is not for
 * it. */
#include "ref.h"
#include "task.h"
#include <jansson.h>
#include <string.h>

#define OF_WAIT (~ORK_LUA_HAS(ORK_LUA_REF_SECRET))
#define FORMS                                                                                                          \
    "wants a span (\"30m\"), a time (\"2026-12-01T08:00:00Z\", a reference), { approval = \"Ship?\" } or { poll = "    \
    "function }"

static void finish(struct ork_lua_reader *r, struct ork_lua_task *t, size_t at)
{
    ork_lua_buf_addc(&r->ctx->values, '}');
    t->wait = (struct ork_lua_span){at, r->ctx->values.len - at};
}

static bool read_expr(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *path, const char *key)
{
    struct ork_lua_buf *b = &r->ctx->values;
    struct ork_lua_span span;
    size_t at = b->len;
    ork_lua_buf_addf(b, "{\"%s\":", key);
    if (!ork_lua_read_expr(r, idx, path, OF_WAIT, &span)) {
        b->len = at;
        return false;
    }
    finish(r, t, at);
    return true;
}

static void read_text(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *path)
{
    size_t n, at = r->ctx->values.len;
    ork_err err;
    int64_t ms;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (!s)
        return;
    if (ork_duration_parse(s, n, &t->wait_ms, &err) == 0) {
        if (t->wait_ms < 0)
            ork_lua_bad(r, path, NULL, "lies in the past: %s", ork_lua_shown(r->L, idx));
        ork_lua_buf_addf(&r->ctx->values, "{\"ms\":%lld", (long long)t->wait_ms);
        finish(r, t, at);
    } else if (ork_time_parse(s, n, &ms, &err) == 0) {
        (void)read_expr(r, t, idx, path, "at");
    } else {
        ork_lua_bad(r, path, NULL, FORMS ", got %s", ork_lua_shown(r->L, idx));
    }
}

/* A reference must be able to be a span or a time. */
static void read_reference(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *path,
                           const struct ork_lua_ref *ref)
{
    static const char *const words[] = {"str",         "int",          "float", "date", "datetime_notz",
                                        "datetime_tz", "datetime_utc", "any",   NULL};
    const char *type = json_string_value(ref->type);
    bool fits = !ref->type;
    for (size_t i = 0; type && words[i]; i++) {
        size_t n = strlen(words[i]);
        fits |= strncmp(type, words[i], n) == 0 && (!type[n] || type[n] == '?');
    }
    if (fits)
        (void)read_expr(r, t, idx, path, "at");
    else
        ork_lua_bad(r, path, NULL, "is no span or time, but %s", type ? type : "a list or an object");
}

static void read_approval(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    const struct ork_lua_ref *ref = ork_lua_is(r->L, idx, r->ctx->ref_mt);
    size_t n = 1;
    t->wait_for = ORK_LUA_WAIT_APPROVAL;
    if (!ref && (!ork_lua_read_text(r, idx, path, &n) || n == 0)) {
        if (n == 0)
            ork_lua_bad(r, path, "say what is to be approved: approval = \"Ship it?\"", "is empty");
        return;
    }
    (void)read_expr(r, t, idx, path, "approval");
}

static void read_poll(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    struct ork_lua_task *t = out;
    t->wait_for = ORK_LUA_WAIT_POLL;
    if (lua_type(r->L, idx) != LUA_TFUNCTION)
        ork_lua_bad(r, path, NULL, "wants a function(input, ctx), got %s", ork_lua_shown(r->L, idx));
    else {
        t->has_poll = true;
        ork_lua_check_captures(r, idx, path);
    }
}

static void read_table(struct ork_lua_reader *r, struct ork_lua_task *t, int idx, const char *path)
{
    static const struct ork_lua_option rows[] = {
        {.name = "approval", .read = read_approval},
        {.name = "every", .kind = ORK_LUA_DURATION, .at = offsetof(struct ork_lua_task, wait_ms)},
        {.name = "poll", .read = read_poll},
    };
    t->wait_ms = -1;
    uint64_t seen = ork_lua_options(r, idx, path, rows, sizeof rows / sizeof *rows, t, 0);
    bool approval = seen & 1, every = seen & 2, poll = seen & 4;
    char way[300];
    if (approval && poll)
        ork_lua_bad(r, path, "make two tasks of it", "has both `approval` and `poll`; a task waits for one thing");
    else if (!approval && !poll && !r->failed)
        ork_lua_bad(r, path, "add poll = function(input, ctx) … end, or approval = \"…\"", "does not say for what");
    if (every && approval)
        ork_lua_bad(r, ork_lua_path(way, path, "every"), NULL, "is for `poll`; nobody asks again for an approval");
    else if (every && t->wait_ms >= 0 && t->wait_ms < 1000)
        ork_lua_bad(r, ork_lua_path(way, path, "every"), NULL, "wants at least 1 s");
    if (!t->has_poll)
        return;
    ork_lua_has_function(r);
    size_t at = r->ctx->values.len;
    ork_lua_buf_addf(&r->ctx->values, "{\"every_ms\":%lld,\"poll\":true",
                     t->wait_ms > 0 ? (long long)t->wait_ms : 60000);
    finish(r, t, at);
}

void ork_lua_read_wait(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    lua_State *L = r->L;
    struct ork_lua_task *t = out;
    const struct ork_lua_ref *ref = ork_lua_is(L, idx, r->ctx->ref_mt);
    size_t at = r->ctx->values.len;
    t->has_work = t->has_wait = true;
    t->wait_for = ORK_LUA_WAIT_TIME;
    t->wait_ms = -1;
    if (ref) {
        read_reference(r, t, idx, path, ref);
    } else if (ork_lua_is(L, idx, r->ctx->task_mt)) {
        ork_lua_bad(r, path, "for order alone use depends_on", "is a task, neither a span nor a time");
    } else if (lua_type(L, idx) == LUA_TTABLE) {
        read_table(r, t, idx, path);
    } else if (lua_type(L, idx) == LUA_TSTRING) {
        read_text(r, t, idx, path);
    } else if (lua_type(L, idx) == LUA_TNUMBER) {
        if (ork_lua_read_duration(r, idx, path, &t->wait_ms)) {
            ork_lua_buf_addf(&r->ctx->values, "{\"ms\":%lld", (long long)t->wait_ms);
            finish(r, t, at);
        }
    } else {
        ork_lua_bad(r, path, NULL, FORMS ", got %s", ork_lua_shown(L, idx));
    }
}

/* ---- with its other options ---- */

bool ork_lua_says(const struct ork_lua_reader *r, const char *key)
{
    lua_pushstring(r->L, key);
    bool there = lua_rawget(r->L, r->options) != LUA_TNIL && (!lua_isboolean(r->L, -1) || lua_toboolean(r->L, -1));
    lua_pop(r->L, 1);
    return there;
}

/* by, comment: who decided. */
static json_t *decision_type(void)
{
    return json_pack("{s:s,s:s}", "by", "str", "comment", "str?");
}

void ork_lua_wait_alone(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    if (ork_lua_says(r, "deferred_timeout"))
        ork_lua_bad(r, "deferred_timeout", "`timeout` is how long this task may take",
                    "is for jobs that a task leaves elsewhere (ork.defer), which this one cannot");
    t->grace_ms = -1;
    t->memory = t->cpu_ms = 0;
    t->isolated = false;
    t->spec.flags &= ~ORK_TASK_KEEP_CHILDREN;
    t->spec.pool = NULL;
    t->spec.pool_slots = 1;
    t->spec.queue_timeout_ms = t->deferred_timeout_ms = 0;
    if (!ork_lua_says(r, "timeout"))
        t->spec.timeout_ms = 0;
    if (!ork_lua_says(r, "retries"))
        t->spec.retry = (struct ork_retry_spec){.delay_ms = -1, .factor = 1};
}

void ork_lua_judge_wait(struct ork_lua_reader *r, struct ork_lua_task *t)
{
    static const char *const none[] = {"cwd",  "env",           "executor", "grace",     "keep_children",
                                       "pool", "queue_timeout", "isolated", "resources", NULL};
    if (t->command.len > 0 || t->has_run || t->has_python || t->has_library)
        ork_lua_bad(r, "wait", "make two tasks of it", "stands beside `%s`; a task does one thing",
                    t->has_run       ? "run"
                    : t->has_python  ? "python"
                    : t->has_library ? "library"
                                     : "command");
    for (size_t i = 0; none[i]; i++) {
        if (ork_lua_says(r, none[i]) && (t->has_executor || strcmp(none[i], "executor") != 0))
            ork_lua_bad(r, none[i], NULL, "is of no use to a task that waits: it has no process and takes no slot");
    }
    t->default_cwd = t->default_env = NULL;
    ork_lua_wait_alone(r, t);
    if (ork_lua_says(r, "retries") && t->spec.retry.ask)
        ork_lua_bad(r, "retries\non", "write { kinds = { … }, codes = { … } }",
                    "is asked of what has run; a task that waits is tried again by data");
    if (t->wait_for == ORK_LUA_WAIT_TIME && t->output_type)
        ork_lua_bad(r, "output_type", NULL, "cannot be: a task that waits for a time gives nothing");
    if (t->wait_for == ORK_LUA_WAIT_TIME && t->spec.timeout_ms > 0 && t->wait_ms >= t->spec.timeout_ms)
        ork_lua_bad(r, "timeout", NULL, "is over before the wait is");
    if (t->wait_for == ORK_LUA_WAIT_APPROVAL && !t->output_type)
        t->output_type = decision_type();
    t->spec.executor = ORK_EXEC_WAIT;
}
