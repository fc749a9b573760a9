/* SPDX-License-Identifier: MIT */
#include "engine/lib_serve.h"
#include <stdio.h>

static _Atomic int64_t *present;

static int64_t fake_now(void *data)
{
    (void)data;
    return *present;
}
static int64_t fake_mono(void *data)
{
    return ork_clock_system.mono_ms(data);
}
static uint64_t fake_random(void *data)
{
    return ork_clock_system.random(data);
}
static const struct ork_clock fake = {.now_ms = fake_now, .mono_ms = fake_mono, .random = fake_random};

void serve_clock(ork_engine *e, _Atomic int64_t *now_ms)
{
    present = now_ms;
    e->clock = &fake;
    ork_idgen_init(&e->ids, &fake);
}

bool serve_rests(const ork_engine *e)
{
    const struct ork_serve *s = &e->serve;

    return !e->works && !s->reading && !s->fires && !s->checking && !s->adopting && !s->claims &&
           !e->commands_reading && !e->commands_done && ork_commit_idle(e);
}

bool serve_idle(const ork_engine *e)
{
    return serve_rests(e) && !ork_engine_busy(e);
}

void serve_rest(struct world *w)
{
    while (!serve_rests(w->engine))
        (void)ork_engine_step(w->engine, true);
}

static _Atomic int64_t own_ms;

void serve_begin(struct world *w, int64_t now_ms)
{
    ork_err err = {0};

    own_ms = now_ms;
    serve_clock(w->engine, &own_ms);
    if (ork_engine_serve(w->engine, &err) != 0)
        fail_msg("serve: %s", err.msg);
    serve_rest(w);
}

void serve_at(struct world *w, int64_t now_ms)
{
    own_ms = now_ms;
    ork_schedules_look(w->engine);
    serve_rest(w);
}

static void end_all(struct world *w)
{
    while (!serve_idle(w->engine))
        (void)ork_engine_step(w->engine, true);
}

void serve_over(struct world *w, int64_t now_ms)
{
    serve_at(w, now_ms);
    end_all(w);
}

void serve_set(struct world *w, int64_t now_ms)
{
    own_ms = now_ms;
    ork_schedules_check(w->engine);
    end_all(w);
}

void serve_apply(struct world *w, const char *name, const char *option, const char *command)
{
    char options[600], *out = NULL;
    ork_err err = {0};

    (void)snprintf(options, sizeof(options), "{\"schedule\":%s}", option);
    ork_workflow *f = flow(name, options);
    if (command)
        (void)task(f, "t", command, NULL);
    else
        (void)task_with(f, (struct ork_task_spec){.name = "t", .executor = ORK_EXEC_OTHER, .params = "{}"}, NULL);
    seal(f);
    if (ork_workflow_apply(w->engine, &f, 1, NULL, &out, &err) != 0)
        fail_msg("apply: %s", err.msg);
    ork_free(out);
    ork_workflow_unref(f);
}
