/* SPDX-License-Identifier: MIT */
/* A definition as canonical JSON: what is hashed, stored and pinned by runs (form: docs/internals/json.md, "snapshot").
 * Written straight into a buffer; the user's params are canonical text already, so ours are merged in by walking over
 * it. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "core/workflow_priv.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- params ----------------------------------------------------------------------------------- */

static void add_key(struct ork_buf *b, bool *first, const char *key)
{
    ork_buf_addf(b, "%s\"%s\":", *first ? "" : ",", key);
    *first = false;
}

static void add_int(struct ork_buf *b, bool *first, const char *key, int64_t value)
{
    add_key(b, first, key);
    ork_buf_addf(b, "%lld", (long long)value);
}

static int write_retries(const struct ork_retry_spec *r, struct ork_buf *b, ork_err *err)
{
    bool first = true;
    int rc;

    ork_buf_addc(b, '{');
    if (r->ask) {
        add_key(b, &first, "ask");
        ork_buf_adds(b, "true");
    }
    if (r->codes_len) {
        add_key(b, &first, "codes");
        for (size_t i = 0; i < r->codes_len; i++) {
            ork_buf_addc(b, i ? ',' : '[');
            ork_buf_json(b, r->codes[i], strlen(r->codes[i]));
        }
        ork_buf_addc(b, ']');
    }
    if (r->delay_ms >= 0)
        add_int(b, &first, "delay_ms", r->delay_ms);
    if (r->exit_codes_len) {
        add_key(b, &first, "exit_codes");
        for (size_t i = 0; i < r->exit_codes_len; i++)
            ork_buf_addf(b, "%s%d", i ? "," : "[", (int)r->exit_codes[i]);
        ork_buf_addc(b, ']');
    }
    if (r->factor > 1) {
        add_key(b, &first, "factor");
        if ((rc = ork_json_write_real(r->factor, b, err)) < 0)
            return rc;
    }
    if (r->jitter) {
        add_key(b, &first, "jitter");
        ork_buf_adds(b, "true");
    }
    if (r->kinds) {
        add_key(b, &first, "kinds");
        char before = '[';
        for (int kind = 0; ork_kind_name(kind); kind++) {
            if (!(r->kinds & 1u << kind))
                continue;
            ork_buf_addf(b, "%c\"%s\"", before, ork_kind_name(kind));
            before = ',';
        }
        ork_buf_adds(b, before == '[' ? "[]" : "]");
    }
    add_int(b, &first, "limit", r->limit);
    if (r->max_delay_ms > 0)
        add_int(b, &first, "max_delay_ms", r->max_delay_ms);
    ork_buf_addc(b, '}');
    return 0;
}

static bool is_plain_retry(const struct ork_retry_spec *r)
{
    return r->delay_ms < 0 && r->max_delay_ms == 0 && r->factor <= 1 && !r->jitter && !r->kinds && !r->exit_codes_len &&
           !r->codes_len && !r->ask;
}

/* The keys we add, in the order of the canonical form. */
enum own {
    OWN_FINALLY,
    OWN_KEEP_CHILDREN,
    OWN_MAX_LOST,
    OWN_MAX_RETRIES,
    OWN_POOL,
    OWN_POOL_SLOTS,
    OWN_PRIORITY,
    OWN_QUEUE_TIMEOUT,
    OWN_RETRIES,
    OWN_TIMEOUT,
    OWN_TIMEOUT_SECONDS,
    OWN_RULE,
    OWN_COUNT
};
const char *const ork_workflow_own_keys[] = {
    "finally",          "keep_children", "max_lost",   "max_retries",     "pool",         "pool_slots", "priority",
    "queue_timeout_ms", "retries",       "timeout_ms", "timeout_seconds", "trigger_rule", NULL};

static int write_own(const ork_workflow *w, uint32_t no, enum own key, struct ork_buf *b, bool *first, ork_err *err)
{
    const struct ork_task_def *d = &w->tasks[no];
    const struct ork_retry_spec *r = &w->retries[d->retry].spec;
    const char *name = ork_workflow_own_keys[key];

    switch (key) {
    case OWN_FINALLY:
    case OWN_KEEP_CHILDREN:
        if (d->flags & (key == OWN_FINALLY ? ORK_TASK_FINALLY : ORK_TASK_KEEP_CHILDREN)) {
            add_key(b, first, name);
            ork_buf_adds(b, "true");
        }
        return 0;
    case OWN_MAX_LOST:
        if (d->max_lost != 3)
            add_int(b, first, name, d->max_lost);
        return 0;
    case OWN_MAX_RETRIES:
        add_int(b, first, name, r->limit);
        return 0;
    case OWN_POOL:
        if (d->pool) {
            add_key(b, first, name);
            ork_buf_json(b, w->pools[d->pool - 1], strlen(w->pools[d->pool - 1]));
        }
        return 0;
    case OWN_POOL_SLOTS:
        if (d->pool && d->pool_slots != 1)
            add_int(b, first, name, d->pool_slots);
        return 0;
    case OWN_PRIORITY:
        if (d->priority)
            add_int(b, first, name, d->priority);
        return 0;
    case OWN_QUEUE_TIMEOUT:
        if (d->queue_timeout_ms)
            add_int(b, first, name, d->queue_timeout_ms);
        return 0;
    case OWN_RETRIES:
        if (is_plain_retry(r))
            return 0;
        add_key(b, first, name);
        return write_retries(r, b, err);
    case OWN_TIMEOUT:
        if (d->timeout_ms)
            add_int(b, first, name, d->timeout_ms);
        return 0;
    case OWN_TIMEOUT_SECONDS: /* the original's column: whole seconds, 0 none */
        add_int(b, first, name, d->timeout_ms / 1000 + (d->timeout_ms % 1000 > 0));
        return 0;
    case OWN_RULE:
        if (d->rule != ORK_RULE_ALL_SUCCESS && !(d->flags & ORK_TASK_FINALLY)) {
            add_key(b, first, name);
            ork_buf_addf(b, "\"%s\"", ork_rule_name(d->rule));
        }
        return 0;
    case OWN_COUNT:
        break;
    }
    return 0;
}

/* p stands on a value of a canonical object; the place behind it, or NULL when the text ends inside. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : NULL;
}

static const char *skip_value(const char *p)
{
    int depth = 0;

    while (p && *p) {
        if (depth == 0 && (*p == ',' || *p == '}'))
            return p;
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        p++;
    }
    return NULL;
}

static int compare_key(const char *own, const char *key, size_t len)
{
    int c = strncmp(own, key, len);

    return c ? c : own[len] != '\0';
}

int ork_workflow_params_json(const ork_workflow *w, uint32_t no, struct ork_buf *out, ork_err *err)
{
    const struct ork_task_def *d = ork_workflow_def(w, no);
    const char *p = ork_arena_str(&w->texts, d->params) + 1;
    bool first = true;
    int own = 0, rc;

    ork_buf_addc(out, '{');
    while (*p == '"') {
        const char *key = p + 1, *end = skip_string(p), *next = end && *end == ':' ? skip_value(end + 1) : NULL;
        if (!next || next == end + 1)
            break;
        int order = -1;
        while (own < OWN_COUNT && (order = compare_key(ork_workflow_own_keys[own], key, (size_t)(end - 1 - key))) < 0)
            if ((rc = write_own(w, no, (enum own)own++, out, &first, err)) < 0)
                return rc;
        if (own == OWN_COUNT || order != 0) { /* else: the key is ours, and so is its value */
            if (!first)
                ork_buf_addc(out, ',');
            first = false;
            ork_buf_add(out, p, (size_t)(next - p));
        }
        p = *next == ',' && next[1] == '"' ? next + 1 : next;
    }
    if (*p != '}' || p[1])
        return ork_err_set(err, ORK_EJSON, "task `%s`: params are not canonical JSON", ork_workflow_task_name(w, no));
    while (own < OWN_COUNT)
        if ((rc = write_own(w, no, (enum own)own++, out, &first, err)) < 0)
            return rc;
    ork_buf_addc(out, '}');
    return 0;
}

/* ---- the whole -------------------------------------------------------------------------------- */

void ork_workflow_depends_json(const ork_workflow *w, uint32_t no, struct ork_buf *out)
{
    const struct ork_csr *deps = ork_workflow_deps(w);

    ork_buf_addc(out, '[');
    for (uint32_t e = deps->first[no]; e < deps->first[no + 1]; e++) {
        const char *name = ork_workflow_task_name(w, deps->to[e]);
        if (e > deps->first[no])
            ork_buf_addc(out, ',');
        ork_buf_json(out, name, strlen(name));
    }
    ork_buf_addc(out, ']');
}

static int write_task(const ork_workflow *w, uint32_t no, struct ork_buf *b, ork_err *err)
{
    const struct ork_task_def *d = &w->tasks[no];
    const char *name = ork_workflow_task_name(w, no), *executor = ork_workflow_executor(w, no);

    ork_buf_adds(b, "{\"depends_on\":");
    ork_workflow_depends_json(w, no, b);
    ork_buf_adds(b, ",\"executor_type\":");
    ork_buf_json(b, executor, strlen(executor));
    ork_buf_adds(b, ",\"params\":");
    int rc = ork_workflow_params_json(w, no, b, err);
    if (rc < 0)
        return rc;
    if (d->signature) {
        ork_buf_adds(b, ",\"signature\":");
        ork_buf_adds(b, ork_arena_str(&w->texts, d->signature));
    }
    ork_buf_addf(b, ",\"task_index\":%u,\"task_name\":", no);
    ork_buf_json(b, name, strlen(name));
    ork_buf_addc(b, '}');
    return 0;
}

static int write_tasks(const ork_workflow *w, struct ork_buf *b, ork_err *err)
{
    if (!w->sealed)
        return ork_err_set(err, ORK_ESTATE, "workflow `%s` is not complete yet", w->name);
    ork_buf_addc(b, '[');
    for (uint32_t no = 0; no < w->n; no++) {
        if (no)
            ork_buf_addc(b, ',');
        int rc = write_task(w, no, b, err);
        if (rc < 0)
            return rc;
    }
    ork_buf_addc(b, ']');
    return 0;
}

int ork_workflow_tasks_json(const ork_workflow *w, char **out, size_t *len, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    int rc = write_tasks(w, &b, err);

    if (rc < 0)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, len);
    return rc;
}

/* The three parts cannot run into each other: a newline never occurs in canonical JSON. */
int ork_workflow_hash(ork_workflow *w, char out[65], ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;

    if (!*w->hash) {
        int rc = write_tasks(w, &b, err);
        if (rc < 0) {
            ork_buf_fini(&b);
            return rc;
        }
        ork_buf_addc(&b, '\n');
        ork_buf_adds(&b, w->options);
        ork_buf_addc(&b, '\n');
        ork_buf_adds(&b, w->source ? w->source : "");
        ork_sha256_hex(b.data, b.len, w->hash);
        ork_buf_fini(&b);
    }
    memcpy(out, w->hash, sizeof(w->hash));
    return 0;
}
