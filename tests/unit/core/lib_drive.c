/* SPDX-License-Identifier: MIT */
#include "core/lib_drive.h"
#include "base/buf.h"
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct ork_run run;
struct ork_effects fx;
ork_workflow *flow;
static struct ork_buf said;

static void describe(const struct ork_effect *e)
{
    const char *name = e->task == ORK_NO_TASK ? "" : ork_workflow_task_name(flow, e->task);

    if (said.len)
        ork_buf_addc(&said, ' ');
    switch (e->type) {
    case ORK_FX_CHANGED:
        ork_buf_addf(&said, "%s=%s", name, ork_task_status_name(run.tasks[e->task].status));
        break;
    case ORK_FX_READY:
        ork_buf_addf(&said, "+%s", name);
        break;
    case ORK_FX_UNREADY:
        ork_buf_addf(&said, "-%s", name);
        break;
    case ORK_FX_RECALL:
    case ORK_FX_KILL:
        assert_int_equal(e->attempt, run.tasks[e->task].attempt);
        ork_buf_addf(&said, "%s %s", e->type == ORK_FX_KILL ? "kill" : "recall", name);
        break;
    case ORK_FX_ARM:
        ork_buf_addf(&said, "arm %s %lld", name, (long long)e->at_ms);
        break;
    case ORK_FX_DISARM:
        ork_buf_addf(&said, "disarm %s", name);
        break;
    case ORK_FX_SKIPPED:
        ork_buf_addf(&said, "skip %s<%s", name, e->cause == ORK_NO_TASK ? "" : ork_workflow_task_name(flow, e->cause));
        break;
    case ORK_FX_RUN_CHANGED:
        ork_buf_addf(&said, "run=%s", ork_run_status_name(run.status));
        break;
    default:
        fail_msg("effect %d", e->type);
    }
}

static int word_event(const char *word)
{
    static const struct {
        const char *word;
        int type;
    } words[] = {
        {"start", ORK_EV_START},       {"restore", ORK_EV_RESTORE}, {"grant", ORK_EV_GRANT},
        {"started", ORK_EV_STARTED},   {"ok", ORK_EV_EXITED},       {"fail", ORK_EV_EXITED},
        {"recalled", ORK_EV_RECALLED}, {"when", ORK_EV_WHEN_FALSE}, {"due", ORK_EV_RETRY_DUE},
        {"reject", ORK_EV_REJECT},     {"pause", ORK_EV_PAUSE},     {"resume", ORK_EV_RESUME},
        {"cancel", ORK_EV_CANCEL},     {"retry", ORK_EV_RETRY},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].type;
    fail_msg("no event %s", word);
    return -1;
}

static int send_event(const char *line)
{
    char what[16] = "", a[16] = "", b[16] = "";
    struct ork_event ev = {.task = ORK_NO_TASK, .now_ms = 1000, .reason = ORK_CANCEL_USER};

    sscanf(line, "%15s %15s %15s", what, a, b);
    ev.type = word_event(what);
    if (ev.type == ORK_EV_CANCEL && strcmp(a, "timeout") == 0)
        ev.reason = ORK_CANCEL_TIMEOUT;
    else if (*a)
        ev.task = number(flow, a);
    if (ev.task != ORK_NO_TASK)
        ev.attempt = run.tasks[ev.task].attempt;
    ev.ok = strcmp(what, "ok") == 0;
    ev.from = strcmp(b, "from") == 0;
    if (!ev.ok && (ev.type == ORK_EV_EXITED || ev.type == ORK_EV_REJECT))
        ev.failure = (struct ork_failure){.kind = *b ? ork_kind_parse(b) : ORK_KIND_EXIT, .exit_code = 1};
    fx.len = 0;
    int rc = ork_run_step(&run, &ev, &fx);
    for (size_t i = 0; i < fx.len; i++)
        describe(&fx.items[i]);
    const char *problem = ork_run_check(&run);
    if (problem)
        fail_msg("%s: %s", line, problem);
    return rc;
}

const char *drive(const char *events)
{
    char all[400];

    ork_buf_clear(&said);
    ork_buf_adds(&said, "");
    snprintf(all, sizeof(all), "%s", events);
    for (char *line = strtok(all, ";"); line; line = strtok(NULL, ";"))
        if (send_event(line) < 0)
            fail_msg("refused: %s", line);
    return said.data;
}

void refused(const char *event, int code)
{
    ork_buf_clear(&said);
    assert_int_equal(send_event(event), code);
    assert_int_equal(fx.len, 0);
}

void begin(const struct task *tasks, const char *options)
{
    flow = graph(tasks, options);
    ork_run_init(&run, flow);
}

int end(void **state)
{
    (void)state;
    ork_run_fini(&run);
    ork_workflow_unref(flow);
    ork_effects_fini(&fx);
    ork_buf_fini(&said);
    flow = NULL;
    return 0;
}
