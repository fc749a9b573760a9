/* SPDX-License-Identifier: MIT */
/* Building a definition: names, options, tasks, edges as they are written. Sealing is in seal.c, JSON in snapshot*.c.
 * Law: what is refused leaves the definition as it was. Names are looked up at once when they are known already, which
 * is the usual case, so that sealing resolves only what was named before it was defined. */
#include "base/alloc.h"
#include "base/err.h"
#include "core/workflow_priv.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 200
#define NEIGHBOURS 16 /* how many earlier entries are compared before a policy or pool is stored again */

/* ---- life ------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int check_name(const char *what, const char *name, size_t len, bool lenient, ork_err *err)
{
    if (!name || len == 0)
        return ork_err_set(err, ORK_EDEF, "a %s needs a name", what);
    if (len > NAME_MAX_BYTES)
        return ork_err_set(err, ORK_EDEF, "the name of %s `%.40s…` is %zu bytes long; at most %d are allowed", what,
                           name, len, NAME_MAX_BYTES);
    if (lenient)
        return memchr(name, '\0', len) ? ork_err_set(err, ORK_EDEF, "the name of a %s contains a zero byte", what) : 0;
    if (!is_word(name[0]))
        return ork_err_set(err, ORK_EDEF, "the name of %s `%.*s` must start with a letter, a digit or _", what,
                           (int)len, name);
    for (size_t i = 0; i < len; i++)
        if (!is_word(name[i]) && name[i] != '.' && name[i] != '-')
            return ork_err_set(err, ORK_EDEF, "the name of %s `%.*s` may only have letters, digits, _ . and -", what,
                               (int)len, name);
    return 0;
}

int ork_workflow_create(const char *name, bool lenient, ork_workflow **out, ork_err *err)
{
    int rc = check_name("workflow", name, name ? strlen(name) : 0, lenient, err);
    if (rc < 0)
        return rc;
    ork_workflow *w = ork_zalloc(sizeof(*w));
    atomic_init(&w->refs, 1);
    w->name = ork_strdup(name);
    w->lenient = lenient;
    w->options = ork_strdup("{}");
    ork_arena_init(&w->texts);
    *out = w;
    return 0;
}

int ork_workflow_new(const char *name, ork_workflow **out, ork_err *err)
{
    return ork_workflow_create(name, false, out, err);
}

ork_workflow *ork_workflow_ref(ork_workflow *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

static void free_words(char **words, size_t len)
{
    for (size_t i = 0; i < len; i++)
        free(words[i]);
    free(words);
}

static void free_retry(struct ork_retry_def *r)
{
    for (size_t i = 0; i < r->spec.codes_len; i++)
        free((char *)(uintptr_t)r->spec.codes[i]);
    free((void *)(uintptr_t)r->spec.codes);
    free((void *)(uintptr_t)r->spec.exit_codes);
}

void ork_workflow_unref(ork_workflow *w)
{
    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < w->retries_len; i++)
        free_retry(&w->retries[i]);
    free(w->retries);
    free_words(w->pools, w->pools_len);
    free_words(w->files, w->files_len);
    free_words(w->executors, w->executors_len);
    ork_arena_fini(&w->texts);
    json_decref(w->handlers);
    json_decref(w->pool_sizes);
    void *parts[] = {w->name,          w->tasks,      w->names.slots, w->edges,
                     w->late,          w->deps.first, w->deps.to,     w->dependents.first,
                     w->dependents.to, w->order,      w->last,        w->options,
                     w->source,        w->dir};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        free(parts[i]);
    free(w);
}

/* ---- interned words --------------------------------------------------------------------------- */

static size_t intern(char ***words, size_t *len, size_t *cap, const char *word, size_t look)
{
    for (size_t i = *len; i > 0 && *len - i < look; i--)
        if ((*words)[i - 1] && strcmp((*words)[i - 1], word) == 0)
            return i - 1;
    void *items = *words;
    ork_grow(&items, cap, *len + 2, sizeof(**words));
    *words = items;
    (*words)[*len] = ork_strdup(word);
    return (*len)++;
}

/* Number 0 of files and executors means "none". */
static size_t intern_from_one(char ***words, size_t *len, size_t *cap, const char *word)
{
    if (*len == 0) {
        void *items = *words;
        ork_grow(&items, cap, 1, sizeof(**words));
        *words = items;
        (*words)[(*len)++] = NULL;
    }
    return intern(words, len, cap, word, SIZE_MAX);
}

uint32_t ork_workflow_file(ork_workflow *w, const char *path)
{
    if (w->files_len > UINT16_MAX)
        return 0;
    return (uint32_t)intern_from_one(&w->files, &w->files_len, &w->files_cap, path);
}

int ork_workflow_executor_add(ork_workflow *w, const char *word, uint8_t *other, ork_err *err)
{
    if (w->executors_len > UINT8_MAX)
        return ork_err_set(err, ORK_EDEF, "more than %d different executor types", UINT8_MAX);
    *other = (uint8_t)intern_from_one(&w->executors, &w->executors_len, &w->executors_cap, word);
    return 0;
}

static bool same_retry(const struct ork_retry_spec *a, const struct ork_retry_spec *b)
{
    if (a->limit != b->limit || a->delay_ms != b->delay_ms || a->max_delay_ms != b->max_delay_ms ||
        a->factor != b->factor || a->jitter != b->jitter || a->kinds != b->kinds || a->ask != b->ask ||
        a->exit_codes_len != b->exit_codes_len || a->codes_len != b->codes_len)
        return false;
    for (size_t i = 0; i < a->exit_codes_len; i++)
        if (a->exit_codes[i] != b->exit_codes[i])
            return false;
    for (size_t i = 0; i < a->codes_len; i++)
        if (strcmp(a->codes[i], b->codes[i]) != 0)
            return false;
    return true;
}

uint32_t ork_workflow_retry_add(ork_workflow *w, const struct ork_retry_spec *given)
{
    struct ork_retry_spec r = {.delay_ms = -1, .factor = 1}; /* without retries the rest says nothing */
    if (given->limit) {
        r = *given;
        r.factor = r.factor > 1 ? r.factor : 1;
        r.delay_ms = r.delay_ms < 0 ? -1 : r.delay_ms;
        r.max_delay_ms = r.max_delay_ms < 0 ? 0 : r.max_delay_ms;
    }
    for (size_t i = w->retries_len; i > 0 && w->retries_len - i < NEIGHBOURS; i--)
        if (same_retry(&w->retries[i - 1].spec, &r))
            return (uint32_t)i - 1;

    int32_t *exits = r.exit_codes_len ? ork_alloc(r.exit_codes_len * sizeof(*exits)) : NULL;
    char **codes = r.codes_len ? ork_alloc(r.codes_len * sizeof(*codes)) : NULL;
    if (exits)
        memcpy(exits, r.exit_codes, r.exit_codes_len * sizeof(*exits));
    for (size_t i = 0; i < r.codes_len; i++)
        codes[i] = ork_strdup(r.codes[i]);
    r.exit_codes = exits;
    r.codes = (const char *const *)codes;
    void *items = w->retries;
    ork_grow(&items, &w->retries_cap, w->retries_len + 1, sizeof(*w->retries));
    w->retries = items;
    w->retries[w->retries_len] = (struct ork_retry_def){r};
    return (uint32_t)w->retries_len++;
}

/* ---- tasks ------------------------------------------------------------------------------------ */

const char *ork_workflow_where(const ork_workflow *w, uint32_t no, char *buf, size_t cap)
{
    const char *file;
    uint32_t line;

    ork_workflow_task_place(w, no, &file, &line);
    if (file)
        snprintf(buf, cap, "%s:%u", file, line);
    else if (line)
        snprintf(buf, cap, "line %u", line);
    else
        buf[0] = '\0';
    return buf;
}

static bool is_object(const char *json, size_t len)
{
    return len >= 2 && json[0] == '{' && json[len - 1] == '}' && !memchr(json, '\0', len);
}

static int check_spec(const ork_workflow *w, const struct ork_task_spec *s, ork_err *err)
{
    int rc = check_name("task", s->name, s->name_len, w->lenient, err);
    if (rc < 0)
        return rc;
    int len = (int)s->name_len;
    uint32_t first = ork_names_find(w, s->name, s->name_len);
    if (first != ORK_NO_NAME) {
        char where[300];
        ork_workflow_where(w, first, where, sizeof(where));
        return ork_err_set(err, ORK_EEXIST, "there is a task `%.*s` already%s%s; names must differ", len, s->name,
                           *where ? ", defined at " : "", where);
    }
    if (s->params && !is_object(s->params, s->params_len))
        return ork_err_set(err, ORK_EJSON, "task `%.*s`: params are not a JSON object", len, s->name);
    if (s->signature && !is_object(s->signature, s->signature_len))
        return ork_err_set(err, ORK_EJSON, "task `%.*s`: the signature is not a JSON object", len, s->name);
    if (!ork_rule_name(s->rule))
        return ork_err_set(err, ORK_EDEF, "task `%.*s`: unknown trigger rule %d", len, s->name, s->rule);
    if (s->executor < 0 || s->executor > ORK_EXEC_OTHER)
        return ork_err_set(err, ORK_EDEF, "task `%.*s`: unknown executor %d", len, s->name, s->executor);
    if (s->timeout_ms < 0 || s->queue_timeout_ms < 0)
        return ork_err_set(err, ORK_EDEF, "task `%.*s`: a timeout cannot be negative", len, s->name);
    if (s->pool && (!*s->pool || s->pool_slots > UINT16_MAX))
        return ork_err_set(err, ORK_EDEF, "task `%.*s`: a pool needs a name, and a task takes 1 to %d slots of it", len,
                           s->name, UINT16_MAX);
    return 0;
}

/* Many tasks in a row say the same (a loop over files with one signature): the text is kept once. */
static int add_text(ork_workflow *w, const char *s, size_t n, uint32_t before, uint32_t *off, ork_err *err)
{
    if (!s)
        n = 0;
    if (w->n && before) {
        const char *old = ork_arena_str(&w->texts, before);
        if (strncmp(old, s ? s : "", n) == 0 && old[n] == '\0') {
            *off = before;
            return 0;
        }
    }
    return ork_arena_add(&w->texts, s, n, off, err);
}

int ork_workflow_add(ork_workflow *w, const struct ork_task_spec *s, uint32_t *no, ork_err *err)
{
    if (w->sealed)
        return ork_err_set(err, ORK_ESTATE, "workflow `%s` is complete; no task can be added", w->name);
    if (w->n >= UINT32_MAX - 2)
        return ork_err_set(err, ORK_ETOOBIG, "workflow `%s` has too many tasks", w->name);
    int rc = check_spec(w, s, err);
    if (rc < 0)
        return rc;

    void *items = w->tasks;
    ork_grow(&items, &w->cap, w->n + 1, sizeof(*w->tasks));
    w->tasks = items;
    struct ork_task_def *d = &w->tasks[w->n];
    const struct ork_task_def *before = w->n ? d - 1 : NULL;
    *d = (struct ork_task_def){
        .line = s->line,
        .file = s->file < w->files_len ? (uint16_t)s->file : 0,
        .priority = s->priority,
        .timeout_ms = s->timeout_ms,
        .queue_timeout_ms = s->queue_timeout_ms,
        .max_lost = s->max_lost > UINT16_MAX ? UINT16_MAX : (uint16_t)s->max_lost,
        .rule = s->flags & ORK_TASK_FINALLY ? ORK_RULE_ALWAYS : (uint8_t)s->rule,
        .executor = (uint8_t)s->executor,
        .flags = (uint8_t)s->flags,
    };
    if ((rc = ork_arena_add(&w->texts, s->name, s->name_len, &d->name, err)) < 0 ||
        (rc = add_text(w, s->params ? s->params : "{}", s->params ? s->params_len : 2, before ? before->params : 0,
                       &d->params, err)) < 0 ||
        (rc = add_text(w, s->signature, s->signature_len, before ? before->signature : 0, &d->signature, err)) < 0)
        return rc;
    d->retry = ork_workflow_retry_add(w, &s->retry);
    if (s->pool) {
        d->pool = (uint32_t)intern(&w->pools, &w->pools_len, &w->pools_cap, s->pool, NEIGHBOURS) + 1;
        d->pool_slots = s->pool_slots ? (uint16_t)s->pool_slots : 1;
    }
    ork_names_add(w, (uint32_t)w->n);
    if (no)
        *no = (uint32_t)w->n;
    w->n++;
    return 0;
}

static void add_edge(ork_workflow *w, uint32_t task, uint32_t on)
{
    assert(!w->sealed && task < w->n && w->edges_len < UINT32_MAX - 1);
    void *items = w->edges;
    ork_grow(&items, &w->edges_cap, w->edges_len + 1, sizeof(*w->edges));
    w->edges = items;
    w->edges[w->edges_len++] = (struct ork_edge){task, on};
}

void ork_workflow_depend(ork_workflow *w, uint32_t task, uint32_t on)
{
    assert(on < w->n);
    add_edge(w, task, on);
}

void ork_workflow_depend_name(ork_workflow *w, uint32_t task, const char *name, size_t len)
{
    uint32_t on = ork_names_find(w, name, len), off;

    add_edge(w, task, on);
    if (on != ORK_NO_NAME)
        return;
    int rc = ork_arena_add(&w->texts, name, len, &off, NULL);
    assert(rc == 0); /* 4 GiB of names of unknown tasks */
    void *items = w->late;
    ork_grow(&items, &w->late_cap, w->late_len + 1, sizeof(*w->late));
    w->late = items;
    w->late[w->late_len++] = (struct ork_late){(uint32_t)w->edges_len - 1, off};
}
