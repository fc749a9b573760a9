/* SPDX-License-Identifier: MIT */
/* A host answers calls when the engine gives it a turn, or holds them until it is told otherwise. */
#include "lib_host.h"
#include <stdio.h>
#include <stdlib.h>

void host_answer(struct host *h, uint64_t token, const struct ork_inline_result *r)
{
    ork_err err = {0};

    if (ork_inline_done(h->engine, token, r, &err) != 0)
        fail_msg("done: %s", err.msg);
}

/* What the function of that name does. */
static void call(struct host *h, const struct ork_inline_call *c)
{
    struct ork_inline_result r = {0};

    (void)snprintf(h->input, sizeof(h->input), "%.*s", (int)c->input_len, c->input);
    (void)snprintf(h->task, sizeof(h->task), "%s", c->task);
    h->attempt = c->attempt;
    h->taken++;
    if (h->hold) {
        h->open[h->open_len++] = c->token;
        h->most = h->open_len > h->most ? h->open_len : h->most;
        return;
    }
    if (strncmp(c->task, "seven", 5) == 0) {
        r.output = "{\"n\":7.0}";
        r.output_len = strlen(r.output);
    } else if (strncmp(c->task, "rate", 4) == 0 && c->attempt < 3) {
        r.error = "too fast";
        r.code = "RATE";
    } else if (strncmp(c->task, "fail", 4) == 0) {
        r.error = "it is \xff broken";
    } else if (strncmp(c->task, "final", 5) == 0) {
        r.error = "never again";
        r.final = true;
    } else if (strncmp(c->task, "bad", 3) == 0) {
        r.output = "{";
        r.output_len = 1;
    } else if (strncmp(c->task, "say", 3) == 0) {
        ork_err err = {0};
        assert_int_equal(ork_inline_log(h->engine, c->token, "one\n", 4, &err), 0);
        assert_int_equal(ork_inline_log(h->engine, c->token, "", 0, &err), 0);
        assert_int_equal(ork_inline_log(h->engine, c->token, "two\n", 4, &err), 0);
    }
    host_answer(h, c->token, &r);
}

static bool on_turn(void *data)
{
    struct host *h = data;
    struct ork_inline_call c;
    unsigned n = 0, before = h->taken;

    h->slices++;
    while (!h->idle && (!h->per_slice || n++ < h->per_slice) && ork_inline_next(h->engine, &c))
        call(h, &c);
    return h->taken > before;
}

static void on_interrupt(void *data, uint64_t token, int kind, bool now)
{
    struct host *h = data;

    h->kind = kind;
    h->interrupts++;
    h->nows += now;
    if (!h->deaf && !now)
        host_answer(h, token, &(struct ork_inline_result){.output = "1", .output_len = 1}); /* too late to succeed */
}

static bool on_knows(void *data, const char *definition)
{
    assert_int_equal(strlen(definition), 64);
    return ((struct host *)data)->knows;
}

static void on_wake(void *data, const char *ended)
{
    if (ended)
        ((struct host *)data)->ended++;
}

void host_join(struct host *h, struct ork_engine *engine)
{
    h->engine = engine;
    ork_engine_on_inline(
        engine, &(struct ork_inline_host){
                    .data = h, .knows = on_knows, .interrupt = on_interrupt, .turn = on_turn, .wake = on_wake});
}

struct host *host_of(struct world *w)
{
    struct host *h = test_calloc(1, sizeof(*h));

    h->w = w;
    h->knows = true;
    host_join(h, w->engine);
    return h;
}

void host_done(struct world *w, struct host *h, ork_workflow *f)
{
    world_leave(w);
    ork_workflow_unref(f);
    test_free(h);
}

uint32_t function(ork_workflow *f, const char *name, const char *deps)
{
    return task_with(f, (struct ork_task_spec){.name = name, .executor = ORK_EXEC_INLINE, .params = "{}"}, deps);
}
