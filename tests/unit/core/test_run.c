/* SPDX-License-Identifier: MIT */
/* One run by hand. drive() sends events written as words and returns what the run answered as words:
 *   "start" · "grant a" · "started a" · "ok a" · "fail a [kind]" · "recalled a" · "due a" · "when a" · "reject a kind"
 * · "pause" · "resume" · "cancel [timeout]" · "retry [a] [from]"
 *   "+a" ready · "-a" unready · "a=status" · "kill a" · "recall a" · "arm a 2000" · "disarm a" · "skip a<cause" ·
 * "run=status" */
#include "base/buf.h"
#include "core/lib_graph.h"
#include "core/run.h"
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ork_run run;
static struct ork_effects fx;
static ork_workflow *flow;
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

static int send(const char *line)
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

/* Several events, separated by ';'. */
static const char *drive(const char *events)
{
    char all[400];

    ork_buf_clear(&said);
    ork_buf_adds(&said, "");
    snprintf(all, sizeof(all), "%s", events);
    for (char *line = strtok(all, ";"); line; line = strtok(NULL, ";"))
        if (send(line) < 0)
            fail_msg("refused: %s", line);
    return said.data;
}

static void refused(const char *event, int code)
{
    ork_buf_clear(&said);
    assert_int_equal(send(event), code);
    assert_int_equal(fx.len, 0);
}

static void begin(const struct task *tasks, const char *options)
{
    flow = graph(tasks, options);
    ork_run_init(&run, flow);
}

static int end(void **state)
{
    (void)state;
    ork_run_fini(&run);
    ork_workflow_unref(flow);
    ork_effects_fini(&fx);
    ork_buf_fini(&said);
    flow = NULL;
    return 0;
}

#define AFTER(events, want)                                                                                            \
    do {                                                                                                               \
        const char *got_ = drive(events);                                                                              \
        if (strcmp(got_, want) != 0)                                                                                   \
            fail_msg("line %d, after `%s`:\n got    %s\n wanted %s", __LINE__, events, got_, want);                    \
    } while (0)

static const struct task pair[] = {{"a"}, {"b", "a"}, {0}};
static const struct task alone[] = {{"a"}, {0}};
static const struct task two[] = {{"a"}, {"b"}, {0}};

/* ---- the way of one task ---------------------------------------------------------------------- */

static void a_chain_runs(void **state)
{
    (void)state;
    begin(pair, NULL);
    AFTER("start", "+a run=running");
    AFTER("grant a", "a=dispatched");
    AFTER("started a", "a=running");
    AFTER("ok a", "a=success +b");
    AFTER("grant b;started b;ok b", "b=dispatched b=running b=success run=success");
}

static void it_may_end_without_a_start(void **state)
{
    (void)state;
    begin(alone, NULL); /* the two messages came in one, or it could not be started */
    AFTER("start;grant a;fail a spawn", "+a run=running a=dispatched a=failed run=failed");
}

static void a_recalled_task_comes_again(void **state)
{
    (void)state;
    begin(alone, NULL);
    AFTER("start;grant a;recalled a", "+a run=running a=dispatched a=pending +a");
    assert_int_equal(run.tasks[0].attempt, 1);
    AFTER("grant a;started a", "a=dispatched a=running");
    assert_int_equal(run.tasks[0].attempt, 2);
    refused("recalled a", ORK_ESTATE); /* it runs: only its exit counts */
    refused("started a", ORK_ESTATE);
}

static void stale_attempts_are_dropped(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    AFTER("start;grant a;fail a;due a;grant a", "+a run=running a=dispatched a=pending arm a 2000 +a a=dispatched");
    struct ork_event ev = {.type = ORK_EV_EXITED, .task = 0, .attempt = 1, .ok = true};
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), ORK_EINVAL);
    ev.task = 7;
    assert_int_equal(ork_run_step(&run, &ev, &fx), ORK_EINVAL);
    assert_int_equal(run.tasks[0].status, ORK_TASK_DISPATCHED);
    AFTER("ok a", "a=success run=success");
    refused("ok a", ORK_EINVAL);
    refused("fail a", ORK_EINVAL);
}

static void when_false_skips(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"d", "a b", ORK_RULE_NONE_FAILED}, {0}}, NULL);
    AFTER("start;grant a;ok a", "+a run=running a=dispatched a=success +b");
    AFTER("when b", "b=skipped skip b< c=skipped skip c<b +d"); /* d joins the branches: one succeeded */
    AFTER("grant d;ok d", "d=dispatched d=success run=success");
    refused("when a", ORK_ESTATE);
}

/* ---- rules ------------------------------------------------------------------------------------ */

/* x depends on a, b, c; each ends as its letter says: s success, f failed, k skipped. The answer comes at one of these
 * ends. */
static const struct {
    int rule;
    const char *ends;
    int decided_at; /* after how many ends */
    bool runs;
} rules[] = {
    {ORK_RULE_ALL_SUCCESS, "sss", 3, true},  {ORK_RULE_ALL_SUCCESS, "f..", 1, false},
    {ORK_RULE_ALL_SUCCESS, "sk.", 2, false}, {ORK_RULE_NONE_FAILED, "sss", 3, true},
    {ORK_RULE_NONE_FAILED, "skk", 3, true},  {ORK_RULE_NONE_FAILED, "kkk", 3, false},
    {ORK_RULE_NONE_FAILED, "sf.", 2, false}, {ORK_RULE_ALL_DONE, "sfk", 3, true},
    {ORK_RULE_ALL_DONE, "kkk", 3, true},     {ORK_RULE_ALWAYS, "ffk", 3, true},
    {ORK_RULE_ALL_FAILED, "fff", 3, true},   {ORK_RULE_ALL_FAILED, "ffs", 3, false},
    {ORK_RULE_ALL_FAILED, "s..", 1, false},  {ORK_RULE_ALL_FAILED, "fk.", 2, false},
    {ORK_RULE_ONE_FAILED, "sf.", 2, true},   {ORK_RULE_ONE_FAILED, "skf", 3, true},
    {ORK_RULE_ONE_FAILED, "sks", 3, false},  {ORK_RULE_ONE_SUCCESS, "fs.", 2, true},
    {ORK_RULE_ONE_SUCCESS, "fkf", 3, false}, {ORK_RULE_ONE_SUCCESS, "kks", 3, true},
};

static void rules_are_judged_as_soon_as_they_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        struct task tasks[] = {{"a"}, {"b"}, {"c"}, {"x", "a b c", rules[i].rule}, {0}};
        begin(tasks, NULL);
        drive("start");
        for (int k = 0; k < rules[i].decided_at; k++) {
            char events[64], name = (char)('a' + k), how = rules[i].ends[k];
            if (how == 'k')
                snprintf(events, sizeof(events), "when %c", name);
            else
                snprintf(events, sizeof(events), "grant %c;%s %c", name, how == 's' ? "ok" : "fail", name);
            const char *got = drive(events);
            bool decided = strstr(got, "+x") || strstr(got, "x=skipped");
            if (decided != (k + 1 == rules[i].decided_at) ||
                (decided && !strstr(got, rules[i].runs ? "+x" : "x=skipped")))
                fail_msg("%s %s, end %d: %s", ork_rule_name(rules[i].rule), rules[i].ends, k + 1, got);
        }
        end(NULL);
    }
    begin(alone, NULL); /* for the teardown */
}

static void the_cause_of_a_skip_is_the_failure(void **state)
{
    (void)state;
    begin(
        (const struct task[]){{"a"}, {"b"}, {"c", "a"}, {"d", "c"}, {"e", "b d"}, {"f", "b", ORK_RULE_ONE_FAILED}, {0}},
        NULL);
    AFTER("start;grant a;fail a",
          "+a +b run=running a=dispatched a=failed c=skipped skip c<a d=skipped skip d<a e=skipped skip e<a");
    AFTER("grant b;ok b", "b=dispatched b=success f=skipped skip f<b run=failed");
    AFTER("restore", "");
    assert_int_equal(run.tasks[number(flow, "e")].cause, 0);
}

static void a_failure_is_a_better_cause_than_a_condition(void **state)
{
    (void)state;
    begin((const struct task[]){{"w"}, {"a"}, {"c", "a"}, {"x", "w c", ORK_RULE_ONE_SUCCESS}, {0}}, NULL);
    AFTER("start;when w", "+w +a run=running w=skipped skip w<");
    AFTER("grant a;fail a", "a=dispatched a=failed c=skipped skip c<a x=skipped skip x<a run=failed");
}

/* ---- retries ---------------------------------------------------------------------------------- */

static void failures_are_tried_again(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 2}, {0}}, NULL);
    AFTER("start;grant a;started a;fail a", "+a run=running a=dispatched a=running a=pending arm a 2000");
    refused("grant a", ORK_ESTATE);
    AFTER("due a;grant a;fail a", "+a a=dispatched a=pending arm a 3000");
    AFTER("due a;grant a;fail a", "+a a=dispatched a=failed run=failed");
    assert_int_equal(run.tasks[0].attempt, 3);
    assert_int_equal(run.tasks[0].failures, 3);
}

static void what_would_fail_again_is_not_tried(void **state)
{
    static const char *const kinds[] = {"input", "output", "policy", "rejected"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char events[64];
        begin((const struct task[]){{"a", .retries = 2}, {0}}, NULL);
        snprintf(events, sizeof(events), "start;grant a;fail a %s", kinds[i]);
        AFTER(events, "+a run=running a=dispatched a=failed run=failed");
        assert_int_equal(run.tasks[0].kind, ork_kind_parse(kinds[i]));
        end(NULL);
    }
    begin(alone, NULL);
}

static void the_task_may_decide_about_its_retry(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 9}, {0}}, NULL);
    drive("start;grant a");
    struct ork_event ev = {.type = ORK_EV_EXITED, .attempt = 1, .failure = {.kind = ORK_KIND_ERROR}, .now_ms = 50};
    ev.retry_after_ms = 30000;
    fx.len = 0;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(fx.items[1].type, ORK_FX_ARM);
    assert_int_equal(fx.items[1].at_ms, 30050);
    drive("due a;grant a");
    ev.attempt = 2;
    ev.retry_after_ms = -1;
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(run.tasks[0].status, ORK_TASK_FAILED);
}

static void lost_is_not_the_fault_of_the_task(void **state)
{
    (void)state;
    begin(alone, NULL); /* no retries at all */
    AFTER("start;grant a", "+a run=running a=dispatched");
    for (int i = 0; i < 3; i++)
        AFTER("fail a lost;grant a", "a=pending +a a=dispatched");
    assert_int_equal(run.tasks[0].failures, 0);
    assert_int_equal(run.tasks[0].lost, 3);
    assert_int_equal(run.tasks[0].attempt, 4);
    AFTER("fail a lost", "a=failed run=failed");
    assert_int_equal(run.tasks[0].kind, ORK_KIND_LOST);
}

static void a_rejected_start_counts_as_a_failure(void **state)
{
    (void)state;
    begin((const struct task[]){{"a", .retries = 1}, {0}}, NULL);
    AFTER("start;reject a timeout", "+a run=running a=pending arm a 2000");
    refused("reject a timeout", ORK_ESTATE);
    AFTER("due a;reject a input", "+a a=failed run=failed");
    assert_int_equal(run.tasks[0].attempt, 0);
}

/* ---- pause ------------------------------------------------------------------------------------ */

static void pause_holds_back_and_lets_finish(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c", .retries = 1}, {"d"}, {"e", "a"}, {0}}, NULL);
    drive("start;grant a;started a;grant b;grant c;fail c");
    AFTER("pause", "recall b disarm c -d run=paused");
    refused("pause", ORK_ESTATE);
    refused("due c", ORK_ESTATE);
    AFTER("ok a", "a=success"); /* its result counts, but e waits */
    AFTER("recalled b", "b=pending");
    AFTER("resume", "+b arm c 2000 +d +e run=running");
    refused("resume", ORK_ESTATE);
}

static void a_paused_run_can_end(void **state)
{
    (void)state;
    begin(two, NULL);
    AFTER("start;grant a;grant b;started a;pause",
          "+a +b run=running a=dispatched b=dispatched a=running recall b run=paused");
    AFTER("started b", "b=running"); /* the recall came too late */
    AFTER("ok a;ok b", "a=success b=success run=success");
    end(NULL);
    begin((const struct task[]){{"a"}, {"b", "a"}, {0}}, NULL);
    drive("start;grant a;started a;pause");
    AFTER("fail a", "a=failed b=skipped skip b<a run=failed");
}

static void a_run_can_be_paused_before_it_starts(void **state)
{
    (void)state;
    begin(pair, NULL);
    AFTER("pause", "run=paused");
    refused("start", ORK_ESTATE);
    AFTER("resume", "+a run=running");
}

/* ---- cancel ----------------------------------------------------------------------------------- */

static void cancel_stops_everything(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c"}, {"d", .retries = 1}, {"e", "a"}, {"f"}, {0}}, NULL);
    drive("start;grant a;started a;grant b;grant d;fail d;grant f;ok f");
    AFTER("cancel", "kill a kill b -c c=cancelled disarm d d=cancelled e=cancelled run=running");
    AFTER("ok a", "a=cancelled"); /* it was told to stop: what it says now is no result */
    assert_int_equal(run.tasks[0].kind, ORK_KIND_CANCELLED);
    AFTER("recalled b", "b=cancelled run=cancelled");
    assert_int_equal(run.final[ORK_TASK_SUCCESS], 1); /* f ended before */
    refused("cancel", ORK_ESTATE);
}

static void a_run_that_is_over_is_not_cancelled(void **state)
{
    (void)state;
    begin(alone, NULL);
    AFTER("start;grant a;ok a", "+a run=running a=dispatched a=success run=success");
    refused("cancel", ORK_ESTATE);
}

static void finally_runs_after_cancel_and_a_second_cancel_stops_it(void **state)
{
    static const struct task tasks[] = {{"a"}, {"b", "a"}, {"tidy", .flags = ORK_TASK_FINALLY, .retries = 1}, {0}};

    (void)state;
    begin(tasks, NULL);
    AFTER("start;grant a;cancel", "+a run=running a=dispatched kill a b=cancelled run=running");
    AFTER("fail a", "a=cancelled +tidy");
    AFTER("grant tidy;started tidy;fail tidy", "tidy=dispatched tidy=running tidy=pending arm tidy 2000");
    AFTER("due tidy;grant tidy;ok tidy", "+tidy tidy=dispatched tidy=success run=cancelled");
    end(NULL);
    begin(tasks, NULL);
    drive("start;grant a;cancel;fail a;grant tidy;started tidy");
    AFTER("cancel", "kill tidy run=running");
    refused("cancel", ORK_ESTATE);
    AFTER("fail tidy", "tidy=cancelled run=cancelled");
    end(NULL);
    begin(tasks, NULL);
    drive("start;grant a;cancel;fail a");
    AFTER("cancel", "-tidy tidy=cancelled run=cancelled");
}

static void finally_waits_for_all_others(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"},
                                {"x", .flags = ORK_TASK_FINALLY},
                                {"b", "a"},
                                {"y", "x", ORK_RULE_ALL_SUCCESS, ORK_TASK_FINALLY},
                                {0}},
          NULL);
    uint32_t deps[8];
    AFTER("start", "+a run=running");
    assert_int_equal(ork_run_waits_for(&run, number(flow, "x"), deps, 8), 2);
    assert_int_equal(deps[0], number(flow, "a"));
    assert_int_equal(deps[1], number(flow, "b"));
    assert_int_equal(ork_run_waits_for(&run, number(flow, "y"), deps, 1), 3);
    assert_int_equal(deps[0], number(flow, "x"));
    AFTER("grant a;fail a", "a=dispatched a=failed b=skipped skip b<a +x");
    AFTER("grant x;fail x", "x=dispatched x=failed +y"); /* always: also after a failed one */
    AFTER("grant y;ok y", "y=dispatched y=success run=failed");
}

static void a_run_that_took_too_long_fails(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("start;grant a;cancel timeout", "+a run=running a=dispatched kill a run=running");
    refused("cancel timeout", ORK_ESTATE);
    AFTER("fail a timeout;grant tidy;ok tidy", "a=cancelled +tidy tidy=dispatched tidy=success run=failed");
}

static void cancel_of_a_paused_run_tidies_up(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("start;pause", "+a run=running -a run=paused");
    AFTER("cancel", "a=cancelled +tidy run=running");
    refused("pause", ORK_ESTATE);
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=cancelled");
}

static void cancel_before_the_start_ends_at_once(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    AFTER("cancel", "a=cancelled tidy=cancelled run=cancelled");
}

static void fail_fast_cancels_the_others(void **state)
{
    (void)state;
    begin(
        (const struct task[]){
            {"a", .retries = 1}, {"b"}, {"c", "a"}, {"d", "b"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}},
        "{\"fail_fast\":true}");
    AFTER("start;grant a;grant b;fail a", "+a +b run=running a=dispatched b=dispatched a=pending arm a 2000");
    AFTER("due a;grant a;fail a", "+a a=dispatched a=failed c=skipped skip c<a kill b d=cancelled run=running");
    AFTER("fail b", "b=cancelled +tidy");
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=failed");
    AFTER("retry b", "b=pending d=pending +b run=running"); /* the old failure of a does not strike again */
    AFTER("grant b;ok b;grant d;ok d", "b=dispatched b=success +d d=dispatched d=success run=failed");
}

/* ---- retry of a run --------------------------------------------------------------------------- */

static void retry_keeps_what_succeeded(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a", .retries = 0}, {"c", "b"}, {"d", "b", ORK_RULE_ALL_DONE}, {0}}, NULL);
    drive("start;grant a;ok a;grant b;fail b;grant d;ok d");
    assert_int_equal(run.status, ORK_RUN_FAILED);
    AFTER("retry", "b=pending c=pending +b run=running");
    assert_int_equal(run.tasks[1].failures, 0);
    assert_int_equal(run.tasks[1].attempt, 1);
    AFTER("grant b;ok b;grant c;ok c", "b=dispatched b=success +c c=dispatched c=success run=success");
    assert_int_equal(run.tasks[1].attempt, 2);
    refused("retry", ORK_ESTATE);
    refused("retry a", ORK_ESTATE);
    AFTER("retry c from", "c=pending +c run=running");
    refused("retry", ORK_ESTATE); /* it runs */
}

static void retry_from_a_task_runs_all_after_it(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b", "a"}, {"c", "b"}, {"x", "a"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}},
          NULL);
    drive("start;grant a;ok a;grant b;ok b;grant c;ok c;grant x;fail x;grant tidy;ok tidy");
    AFTER("retry b from", "b=pending c=pending tidy=pending +b run=running");
    drive("grant b;ok b;grant c;ok c");
    AFTER("grant tidy;ok tidy", "tidy=dispatched tidy=success run=failed"); /* x was not asked for */
    AFTER("retry x", "x=pending +x run=running");
    AFTER("grant x;ok x", "x=dispatched x=success run=success");
}

static void retry_of_one_task_wakes_what_it_skipped(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"c", "a"}, {"d", "b"}, {0}}, NULL);
    drive("start;grant a;fail a;grant b;fail b");
    AFTER("retry a", "a=pending c=pending +a run=running");
    AFTER("grant a;ok a;grant c;ok c", "a=dispatched a=success +c c=dispatched c=success run=failed");
}

static void retry_after_cancel_starts_afresh(void **state)
{
    (void)state;
    begin(pair, NULL);
    drive("start;grant a;cancel;fail a");
    AFTER("retry", "a=pending b=pending +a run=running");
    assert_false(run.cancelling || run.killed || run.cancel_reason);
    AFTER("grant a;ok a;grant b;ok b", "a=dispatched a=success +b b=dispatched b=success run=success");
}

/* ---- after a crash ---------------------------------------------------------------------------- */

static void restore_goes_on(void **state)
{
    static const struct task tasks[] = {
        {"a"}, {"b", "a"}, {"c", "b"}, {"d"}, {"e"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}};

    (void)state;
    begin(tasks, NULL); /* the crash came before the skips of b and c were stored */
    run.status = ORK_RUN_RUNNING;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_FAILED, .attempt = 4, .failures = 4};
    run.tasks[3] = (struct ork_run_task){.status = ORK_TASK_RUNNING, .attempt = 2};
    run.tasks[4] = (struct ork_run_task){.status = ORK_TASK_PENDING, .attempt = 1, .failures = 1, .retry_at_ms = 77};
    AFTER("restore", "b=skipped skip b<a arm e 77 c=skipped skip c<a");
    refused("started d", ORK_ESTATE); /* known already */
    AFTER("ok d", "d=success");
}

static void restore_of_a_run_whose_end_was_not_stored(void **state)
{
    (void)state;
    begin(two, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_SUCCESS;
    run.tasks[1].status = ORK_TASK_SKIPPED;
    AFTER("restore", "run=success");
}

static void restore_goes_on_cancelling(void **state)
{
    (void)state;
    begin((const struct task[]){{"a"}, {"b"}, {"tidy", .flags = ORK_TASK_FINALLY}, {0}}, NULL);
    run.status = ORK_RUN_RUNNING;
    run.cancelling = true;
    run.cancel_reason = ORK_CANCEL_USER;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_RUNNING, .attempt = 1};
    AFTER("restore", "kill a b=cancelled");
    AFTER("fail a;grant tidy;ok tidy", "a=cancelled +tidy tidy=dispatched tidy=success run=cancelled");
}

static void restore_of_a_paused_run_recalls(void **state)
{
    (void)state;
    begin(two, NULL);
    run.status = ORK_RUN_PAUSED;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_DISPATCHED, .attempt = 1};
    AFTER("restore", "recall a");
    AFTER("recalled a;resume", "a=pending +a +b run=running");
}

/* The original paused single tasks; here resuming the run frees them. */
static void a_paused_task_is_freed_by_resume(void **state)
{
    (void)state;
    begin(pair, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_PAUSED;
    AFTER("restore", "");
    AFTER("resume", "a=pending +a");
    refused("resume", ORK_ESTATE);
    end(NULL);
    begin(pair, NULL);
    run.status = ORK_RUN_RUNNING;
    run.tasks[0].status = ORK_TASK_PAUSED;
    AFTER("restore;cancel", "a=cancelled b=cancelled run=cancelled");
}

static void restore_of_a_run_that_is_over_allows_retry(void **state)
{
    (void)state;
    begin(pair, NULL);
    run.status = ORK_RUN_FAILED;
    run.tasks[0] = (struct ork_run_task){.status = ORK_TASK_FAILED, .attempt = 1, .failures = 1};
    run.tasks[1] = (struct ork_run_task){.status = ORK_TASK_SKIPPED};
    AFTER("restore", "");
    AFTER("retry", "a=pending b=pending +a run=running");
}

/* ---- size ------------------------------------------------------------------------------------- */

static void long_chains_need_no_stack(void **state)
{
    enum { N = 100000 };
    ork_err err;
    struct ork_task_spec s = plain("x");
    char name[16];

    (void)state;
    assert_int_equal(ork_workflow_new("chain", &flow, &err), 0);
    s.name = name;
    for (uint32_t i = 0; i < N; i++) {
        s.name_len = (size_t)snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(ork_workflow_add(flow, &s, NULL, &err), 0);
        if (i)
            ork_workflow_depend(flow, i, i - 1);
    }
    assert_int_equal(ork_workflow_seal(flow, NULL, NULL), 0);
    ork_run_init(&run, flow);
    drive("start;grant t0");
    fx.len = 0;
    struct ork_event ev = {.type = ORK_EV_EXITED, .attempt = 1, .failure = {.kind = ORK_KIND_EXIT}};
    assert_int_equal(ork_run_step(&run, &ev, &fx), 0);
    assert_int_equal(run.final[ORK_TASK_SKIPPED], N - 1);
    assert_int_equal(run.tasks[N - 1].cause, 0);
    assert_int_equal(run.status, ORK_RUN_FAILED);
    assert_null(ork_run_check(&run));
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_chain_runs),
        T(it_may_end_without_a_start),
        T(a_recalled_task_comes_again),
        T(stale_attempts_are_dropped),
        T(when_false_skips),
        T(rules_are_judged_as_soon_as_they_can),
        T(the_cause_of_a_skip_is_the_failure),
        T(a_failure_is_a_better_cause_than_a_condition),
        T(failures_are_tried_again),
        T(what_would_fail_again_is_not_tried),
        T(the_task_may_decide_about_its_retry),
        T(lost_is_not_the_fault_of_the_task),
        T(a_rejected_start_counts_as_a_failure),
        T(pause_holds_back_and_lets_finish),
        T(a_paused_run_can_end),
        T(a_run_can_be_paused_before_it_starts),
        T(cancel_stops_everything),
        T(a_run_that_is_over_is_not_cancelled),
        T(finally_runs_after_cancel_and_a_second_cancel_stops_it),
        T(finally_waits_for_all_others),
        T(a_run_that_took_too_long_fails),
        T(cancel_of_a_paused_run_tidies_up),
        T(cancel_before_the_start_ends_at_once),
        T(fail_fast_cancels_the_others),
        T(retry_keeps_what_succeeded),
        T(retry_from_a_task_runs_all_after_it),
        T(retry_of_one_task_wakes_what_it_skipped),
        T(retry_after_cancel_starts_afresh),
        T(restore_goes_on),
        T(restore_of_a_run_whose_end_was_not_stored),
        T(restore_goes_on_cancelling),
        T(restore_of_a_paused_run_recalls),
        T(a_paused_task_is_freed_by_resume),
        T(restore_of_a_run_that_is_over_allows_retry),
        T(long_chains_need_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
