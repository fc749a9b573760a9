/* SPDX-License-Identifier: MIT */
/* A person wants it again: retry of the same run, all of it or from a task; rerun as a new run, changed or not. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRUE "{\"command\":[\"/bin/true\"]}"
#define SAYS "{\"command\":\"echo $ORK_TASK_NAME >>ran; echo ORK_OUTPUT:$ORK_ATTEMPT\"}"

static void claim(struct world *w, const char *run_id)
{
    ork_err err = {0};

    if (ork_run_claim(w->engine, run_id, &err) != 0)
        fail_msg("claim: %s", err.msg);
}

static void retry(struct world *w, const char *run_id, const char *args)
{
    command(w, run_id, "retry", args, "sent");
    claim(w, run_id);
}

static void assert_ran(const char *expected)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "test \"$(tr '\\n' ' ' <ran)\" = '%s' || { tr '\\n' ' ' <ran; false; }",
                   expected);
    assert_int_equal(system(command), 0);
    assert_int_equal(system(": >ran"), 0);
}

/* a → b → c, b → d; `b` fails until the file `mended` is there. */
static ork_workflow *chain(void)
{
    ork_workflow *f = flow("chain", NULL);

    task(f, "a", SAYS, NULL);
    task(f, "b", "{\"command\":\"echo b >>ran; echo ORK_OUTPUT:$ORK_ATTEMPT; [ -e mended ]\"}", "a");
    task(f, "c", SAYS, "b");
    task(f, "d", SAYS, "a");
    task_with(f,
              (struct ork_task_spec){.name = "z", .params = SAYS, .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
              NULL);
    return f;
}

#define ROWS "SELECT group_concat(status || attempt, ' ') FROM (SELECT * FROM tasks ORDER BY run_id, task_index)"

static void what_failed_runs_again(void **state)
{
    struct world *w = *state;
    ork_workflow *f = chain();
    char run[ORK_ID_TEXT];

    w->jobs = 1;
    world_engine(w);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    assert_query(w, ROWS, "success1 failed1 skipped0 success1 success1");
    assert_int_equal(system("touch mended; : >ran"), 0);
    retry(w, run, NULL);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, ROWS, "success1 success2 success1 success1 success2");
    assert_ran("b c z ");
    assert_query(w, "SELECT count(*) || coalesce(error, '-') FROM runs", "1-");
    ork_workflow_unref(f);
}

static void from_a_task_on(void **state)
{
    struct world *w = *state;
    ork_workflow *f = chain();
    char run[ORK_ID_TEXT], out[ORK_ID_TEXT];
    ork_err err = {0};

    w->jobs = 1;
    world_engine(w);
    assert_int_equal(system("touch mended"), 0);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    assert_int_equal(system(": >ran"), 0);
    retry(w, run, "{\"from\":\"b\"}"); /* a success, with from */
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, ROWS, "success1 success2 success2 success1 success2");
    assert_ran("b c z ");
    assert_query(w, "SELECT group_concat(output) FROM (SELECT * FROM tasks ORDER BY task_index)", "1,2,2,1,2");
    command(w, run, "retry", "{\"from\":\"nobody\"}", "sent");
    assert_int_equal(ork_run_claim(w->engine, run, &err), 0);
    until_query(w, "SELECT outcome FROM commands ORDER BY id DESC LIMIT 1", "no task `nobody` in this run");
    until_query(w, "SELECT scheduler_id IS NULL FROM runs", "1"); /* nothing to do: given back */
    assert_query(w, "SELECT status FROM runs", "success");
    last_run(w, out);
    assert_string_equal(out, run);
    ork_workflow_unref(f);
}

static void a_success_is_not_retried(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("fine", NULL);
    char run[ORK_ID_TEXT];

    world_engine(w);
    task(f, "a", SAYS, NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_SUCCESS);
    retry(w, run, NULL);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    until_query(w, "SELECT scheduler_id IS NULL FROM runs", "1");
    assert_query(w, ROWS, "success1");
    assert_ran("a ");
    ork_workflow_unref(f);
}

static ork_workflow *made;

static void retrier(struct world *w, struct helper *me)
{
    char run[ORK_ID_TEXT];

    assert_int_equal(run_to_end(w, made, run), ORK_RUN_FAILED);
    helper_tell(me, 'f');
    helper_hear(me, 'g');
    w->seen = w->changes;
    retry(w, run, NULL);
    until(w, "b", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
}

/* Another program owns the run: it is told that it runs, claims are refused, and nothing runs twice. */
static void a_run_in_other_hands(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("hands", NULL);
    struct ork_started s;
    char run[ORK_ID_TEXT];
    ork_err err = {0};

    gate_make("go");
    task(f, "a", SAYS, NULL);
    task(f, "b", "{\"command\":\"echo b >>ran; [ -e mended ] && read x <go\"}", "a");
    seal(f);
    made = flow("hands", NULL);
    task(made, "a", SAYS, NULL);
    task(made, "b", "{\"command\":\"echo b >>ran; [ -e mended ] && read x <go\"}", "a");
    struct helper h = helper_start(w, retrier);
    helper_hear(&h, 'f');
    assert_int_equal(system("touch mended"), 0);
    helper_tell(&h, 'g');
    helper_hear(&h, 'r');
    last_run(w, run);
    world_engine(w);
    assert_int_equal(ork_run_command(w->engine, run, "retry", NULL, NULL, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "the run is running"));
    assert_int_equal(ork_run_claim(w->engine, run, &err), ORK_EBUSY);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    helper_end(&h);
    assert_ran("a b b ");
    s = start(w, f);
    until(w, "b", ORK_TASK_RUNNING);
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
    ork_workflow_unref(made);
}

/* ---- rerun ---- */

static struct ork_started rerun(struct world *w, const char *run_id, const char *args)
{
    struct ork_started s;
    ork_err err = {0};

    if (ork_run_rerun(w->engine, run_id, args, &s, &err) != 0)
        fail_msg("rerun: %s", err.msg);
    assert_int_equal(s.how, ORK_STARTED_NEW);
    return s;
}

static ork_workflow *with_params(void)
{
    ork_workflow *f = flow("params", "{\"params\":{\"n\":{\"type\":\"int\",\"default\":1}}}");

    task(f, "a",
         "{\"command\":[\"sh\",\"-c\",\"echo a$1 >>ran; echo "
         "ORK_OUTPUT:{\\\\\\\"v\\\\\\\":$1}\",\"sh\",{\"ref\":\"params.n\"}]}",
         NULL);
    task(f, "b",
         "{\"command\":\"cat $ORK_INPUT_FILE >>ran; echo >>ran; cp $ORK_INPUT_FILE $ORK_OUTPUT_FILE\","
         "\"task_bindings\":{\"x\":{\"ref\":\"tasks.a.output.v\"},\"y\":{\"const\":5}}}",
         "a");
    task(f, "c", "{\"command\":[\"sh\",\"-c\",\"echo c$1 >>ran\",\"sh\",{\"ref\":\"tasks.b.output.x\"}]}", "b");
    seal(f);
    return f;
}

static void rerun_with_params_from_and_set(void **state)
{
    struct world *w = *state;
    ork_workflow *f = with_params();
    struct ork_started s, again;
    ork_err err = {0};

    world_engine(w);
    s = start_with(w, f, (struct ork_start_opts){.params = "{\"n\":1}", .logical_ms = 1767225600000});
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_ran("a1 {\"x\":1,\"y\":5} c1 ");

    again = rerun(w, s.run_id, NULL); /* the same, at the same logical time */
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("a1 {\"x\":1,\"y\":5} c1 ");
    assert_query(w, "SELECT count(*) FROM (SELECT DISTINCT snapshot_id, params, logical_at FROM runs)", "1");
    assert_query(
        w, "SELECT (SELECT id FROM runs ORDER BY id LIMIT 1) = (SELECT rerun_of FROM runs ORDER BY id DESC LIMIT 1)",
        "1");

    again = rerun(w, s.run_id, "{\"params\":{\"n\":7}}");
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("a7 {\"x\":7,\"y\":5} c7 ");
    assert_query(w, "SELECT params FROM runs ORDER BY id DESC LIMIT 1", "{\"n\":7}");

    again = rerun(w, s.run_id, "{\"from\":\"b\"}"); /* a's output is taken over */
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("{\"x\":1,\"y\":5} c1 ");
    assert_query(
        w,
        "SELECT status || attempt || execution_name || output FROM tasks WHERE task_name='a' ORDER BY id DESC LIMIT 1",
        "success0copied{\"v\":1}");

    again = rerun(w, s.run_id, "{\"from\":\"b\",\"set\":{\"b.input.x\":40}}");
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("{\"x\":40,\"y\":5} c40 ");
    again = rerun(w, s.run_id, "{\"from\":\"b\",\"set\":{\"b.input\":{\"x\":41}}}");
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("{\"x\":41} c41 ");
    again = rerun(w, again.run_id, NULL); /* what was set stays with that run */
    assert_int_equal(wait_end(w, again.run_id), ORK_RUN_SUCCESS);
    assert_ran("a1 {\"x\":41} c41 ");

    static const struct {
        const char *args, *why;
    } refused[] = {
        {"{\"params\":{\"n\":\"x\"}}", "n"},
        {"{\"params\":{\"m\":1}}", "m"},
        {"{\"from\":\"nobody\"}", "no task `nobody`"},
        {"{\"set\":{\"nobody.input\":1}}", "no such task"},
        {"{\"set\":{\"b.output\":1}}", "no such task"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_int_not_equal(ork_run_rerun(w->engine, s.run_id, refused[i].args, &again, &err), 0);
        if (!strstr(err.msg, refused[i].why))
            fail_msg("%s: %s", refused[i].args, err.msg);
    }
    assert_query(w, "SELECT count(*) FROM runs", "7"); /* nothing is stored of what was refused */
    ork_workflow_unref(f);
}

/* A run without success before it: what could be taken over is not there and runs. */
static void rerun_of_a_failure(void **state)
{
    struct world *w = *state;
    ork_workflow *f = chain();
    char run[ORK_ID_TEXT];
    struct ork_started s;

    w->jobs = 1;
    world_engine(w);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    assert_int_equal(system("touch mended; : >ran"), 0);
    s = rerun(w, run, "{\"from\":\"c\"}"); /* b failed: it runs too */
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_ran("b c z ");
    assert_query(w, ROWS, "success1 failed1 skipped0 success1 success1 success0 success1 success1 success0 success1");
    ork_workflow_unref(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup_dir, world_teardown)
    const struct CMUnitTest tests[] = {
        T(what_failed_runs_again),         T(from_a_task_on),     T(a_success_is_not_retried), T(a_run_in_other_hands),
        T(rerun_with_params_from_and_set), T(rerun_of_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
