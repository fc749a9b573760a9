/* SPDX-License-Identifier: MIT */
/* The options of a workflow, as rows. */
#include "workflow.h"
#include <jansson.h>
#include <string.h>

static void set_option(struct ork_lua_reader *r, const char *key, json_t *value)
{
    json_object_set_new(r->def->options, key, value);
}

static void read_description(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    size_t n;
    const char *s = ork_lua_read_text(r, idx, path, &n);
    if (s)
        set_option(r, "description", json_stringn(s, n));
}

static void read_tags(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    lua_Integer n;
    char way[300];
    if (!ork_lua_read_list(r, idx, path, "a list of texts, such as { \"nightly\" }", &n))
        return;
    json_t *tags = json_array();
    for (lua_Integer i = 1; i <= n; i++) {
        size_t len;
        lua_rawgeti(r->L, idx, i);
        const char *s = ork_lua_read_text(r, lua_gettop(r->L), ork_lua_path_index(way, path, i), &len);
        if (s)
            json_array_append_new(tags, json_stringn(s, len));
        lua_pop(r->L, 1);
    }
    set_option(r, "tags", tags);
}

struct limits {
    uint32_t max_parallel, max_active_runs;
    int64_t run_timeout_ms;
    bool fail_fast;
};

/* What defaults borrow from the option table and the context becomes the definition's own. */
static void keep_defaults(struct ork_lua_reader *r)
{
    struct ork_lua_def *d = r->def;
    struct ork_lua_task *t = &d->defaults;
    struct ork_retry_spec *s = &t->spec.retry;
    const char *values = r->ctx->values.data;
    memcpy(d->default_exit_codes, s->exit_codes ? s->exit_codes : d->default_exit_codes,
           s->exit_codes_len * sizeof(int32_t));
    s->exit_codes = d->default_exit_codes;
    for (size_t i = 0; i < s->codes_len; i++)
        d->default_codes[i] = strdup(s->codes[i]);
    s->codes = (const char *const *)d->default_codes;
    if (t->spec.pool)
        t->spec.pool = d->default_pool = strdup(t->spec.pool);
    if (t->cwd.len > 0) {
        ork_lua_buf_add(&d->default_cwd, values + t->cwd.at, t->cwd.len);
        t->default_cwd = d->default_cwd.data;
    }
    if (t->env.len > 0) {
        ork_lua_buf_add(&d->default_env, values + t->env.at, t->env.len);
        t->default_env = d->default_env.data;
    }
    t->cwd = t->env = (struct ork_lua_span){0};
}

static void read_defaults(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    (void)out;
    if (lua_type(r->L, idx) != LUA_TTABLE) {
        ork_lua_bad(r, path, NULL, "wants options for its tasks, such as { retries = 2 }, got %s",
                    ork_lua_shown(r->L, idx));
        return;
    }
    ork_lua_task_options(r, idx, path, &r->def->defaults, ORK_LUA_DEFAULTS);
    r->def->defaults.has_work = false;
    keep_defaults(r);
    if (r->def->defaults.spec.retry.ask)
        ork_lua_keep_function(r->L, 3, idx, 0, "retries.on");
}

/* A function(run, ctx), called when a run has ended so. */
static void read_handler(struct ork_lua_reader *r, int idx, const char *path, void *out)
{
    json_t *list = json_object_get(r->def->options, "handlers");
    (void)out;
    if (lua_type(r->L, idx) != LUA_TFUNCTION) {
        ork_lua_bad(r, path, NULL, "wants a function(run, ctx), got %s", ork_lua_shown(r->L, idx));
        return;
    }
    if (!list) {
        list = json_array();
        set_option(r, "handlers", list);
    }
    json_array_append_new(list, json_string(path));
    ork_lua_check_captures(r, idx, path);
    ork_lua_keep_function(r->L, 3, r->options, 0, path);
    ork_lua_has_function(r);
}

#define FIELD(member) offsetof(struct limits, member)
#define LATER(word, what)                                                                                              \
    {                                                                                                                  \
        .name = word, .kind = ORK_LUA_LATER, .later = what                                                             \
    }

static const struct ork_lua_option rows[] = {
    {.name = "defaults", .read = read_defaults},
    {.name = "description", .read = read_description},
    {.name = "fail_fast", .kind = ORK_LUA_BOOL, .at = FIELD(fail_fast)},
    {.name = "max_active_runs", .kind = ORK_LUA_COUNT, .at = FIELD(max_active_runs), .least = 1, .off = true},
    {.name = "max_parallel", .kind = ORK_LUA_COUNT, .at = FIELD(max_parallel), .least = 1, .off = true},
    {.name = "on_cancel", .read = read_handler},
    {.name = "on_failure", .read = read_handler},
    {.name = "on_success", .read = read_handler},
    {.name = "params", .read = ork_lua_read_params},
    {.name = "retention", .read = ork_lua_read_retention},
    {.name = "run_timeout", .kind = ORK_LUA_DURATION, .at = FIELD(run_timeout_ms), .off = true},
    {.name = "schedule", .read = ork_lua_read_schedule},
    {.name = "tags", .read = read_tags},
};

void ork_lua_workflow_options(struct ork_lua_reader *r)
{
    struct limits l = {0};
    ork_lua_options(r, r->options, "", rows, sizeof rows / sizeof *rows, &l, 0);
    if (l.max_parallel)
        set_option(r, "max_parallel", json_integer(l.max_parallel));
    if (l.max_active_runs)
        set_option(r, "max_active_runs", json_integer(l.max_active_runs));
    if (l.run_timeout_ms)
        set_option(r, "run_timeout_ms", json_integer(l.run_timeout_ms));
    if (l.fail_fast)
        set_option(r, "fail_fast", json_true());
}
