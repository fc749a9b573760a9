/* SPDX-License-Identifier: MIT */
/* Outputs of finished tasks, kept while there is room (64 MiB, least recently used goes first) and their run is ours.
 * Only a cache: the database has them, and inputs of a task are resolved when it is dispatched. */
#include "engine/engine.h"
#include <string.h>

/* About what a tree takes in memory; an estimate is enough for a bound. */
static size_t weigh(const json_t *v, int depth)
{
    size_t sum = 48;
    const char *k;
    json_t *m;
    size_t i;

    if (depth > ORK_JSON_DEPTH)
        return sum;
    if (json_is_string(v))
        return sum + json_string_length(v);
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, k, m) sum += 64 + strlen(k) + weigh(m, depth + 1);
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, m) sum += 8 + weigh(m, depth + 1);
    }
    return sum;
}

static void unlink_entry(ork_engine *e, struct ork_cached *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        e->cache_newest = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        e->cache_oldest = c->prev;
}

static void link_newest(ork_engine *e, struct ork_cached *c)
{
    c->prev = NULL;
    c->next = e->cache_newest;
    if (e->cache_newest)
        e->cache_newest->prev = c;
    e->cache_newest = c;
    if (!e->cache_oldest)
        e->cache_oldest = c;
}

static void drop(ork_engine *e, struct ork_cached *c)
{
    unlink_entry(e, c);
    HASH_DEL(e->cache, c);
    e->cache_bytes -= c->bytes;
    json_decref(c->output);
    ork_free(c);
}

static struct ork_cached *find(ork_engine *e, const ork_id *run, uint32_t task, enum ork_cached_what what)
{
    struct ork_cached probe, *c = NULL;

    memset(&probe.key, 0, sizeof(probe.key));
    probe.key.run = *run;
    probe.key.task = task;
    probe.key.what = what;
    HASH_FIND(hh, e->cache, &probe.key, sizeof(probe.key), c);
    return c;
}

void ork_outputs_put(ork_engine *e, const ork_id *run, uint32_t task, enum ork_cached_what what, json_t *output)
{
    struct ork_cached *c = find(e, run, task, what);

    if (c)
        drop(e, c);
    c = ork_zalloc(sizeof(*c));
    c->key.run = *run;
    c->key.task = task;
    c->key.what = what;
    c->output = json_incref(output);
    c->bytes = sizeof(*c) + (output ? weigh(output, 0) : 0);
    HASH_ADD(hh, e->cache, key, sizeof(c->key), c);
    link_newest(e, c);
    e->cache_bytes += c->bytes;
    while (e->cache_bytes > ORK_CACHE_BYTES && e->cache_oldest != c)
        drop(e, e->cache_oldest);
}

bool ork_outputs_get(ork_engine *e, const ork_id *run, uint32_t task, enum ork_cached_what what, json_t **output)
{
    struct ork_cached *c = find(e, run, task, what);

    if (!c)
        return false;
    unlink_entry(e, c);
    link_newest(e, c);
    *output = c->output;
    return true;
}

void ork_outputs_forget(struct ork_active *a, uint32_t task, enum ork_cached_what what)
{
    struct ork_cached *c = find(a->engine, &a->id, task, what);

    if (c)
        drop(a->engine, c);
}

void ork_outputs_leave(struct ork_active *a)
{
    for (uint32_t i = 0; a->engine->cache && i < ork_workflow_task_count(a->workflow); i++) {
        for (int what = ORK_CACHED_OUTPUT; what <= ORK_CACHED_RESULTS; what++)
            ork_outputs_forget(a, i, what);
    }
}

void ork_outputs_fini(ork_engine *e)
{
    while (e->cache_oldest)
        drop(e, e->cache_oldest);
}
