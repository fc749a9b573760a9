/* SPDX-License-Identifier: MIT */
/* Runs that move to another definition: what stays, what runs again, what is refused, and that a kill in the middle of
 * the move loses nothing. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char refusal[800]; /* of the update before */

static int update(struct world *w, const char *run, ork_workflow *f, struct ork_update_opts o, char **report)
{
    ork_err err = {0};
    int rc = ork_run_update(w->engine, run, f, &o, report, &err);

    (void)snprintf(refusal, sizeof(refusal), "%s", err.msg);
    return rc;
}

static void moves(struct world *w, const char *run, ork_workflow *f, struct ork_update_opts o, const char *reported)
{
    char *report = NULL;

    if (update(w, run, f, o, &report) != 0)
        fail_msg("update: %s", refusal);
    if (!strstr(report, reported))
        fail_msg("wanted %s in %s", reported, report);
    ork_free(report);
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM commands WHERE done_at IS NULL", "0");
}

static void ran(const char *wanted)
{
    char line[400];

    (void)snprintf(line, sizeof(line), "test \"$(sort ran | tr '\\n' ' ')\" = '%s'", wanted);
    if (system(line) != 0) {
        (void)system("sort ran >&2");
        fail_msg("wanted %s", wanted);
    }
    (void)unlink("ran");
}

#define SAY(what) "{\"command\":\"echo " what " >>ran\"}"

static void what_did_not_change_stays(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("etl", NULL), *g = flow("etl", NULL), *h = flow("etl", NULL);
    char run[ORK_ID_TEXT];

    task(f, "a", "{\"command\":\"echo a >>ran; echo ORK_OUTPUT:7\"}", NULL);
    task(f, "b", "{\"command\":\"echo b >>ran; false\"}", "a");
    task(f, "c", SAY("c"), "b");
    task(f, "d", SAY("d"), "a");
    task(f, "e", SAY("e"), "d");
    task(f, "gone", SAY("gone"), NULL);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    ran("a b d e gone ");

    task(g, "new", SAY("new"), NULL); /* every place moves */
    task(g, "e", SAY("e"), "d");
    task(g, "a", "{\"command\":\"echo a >>ran; echo ORK_OUTPUT:7\"}", NULL);
    task(g, "b", "{\"command\":[\"sh\",\"-c\",\"echo b$1 >>ran\",\"x\",{\"ref\":\"tasks.a.output\"}]}", "a");
    task(g, "c", SAY("c"), "b");
    task(g, "d", SAY("d2"), "a");
    seal(g);
    moves(w, run, g, (struct ork_update_opts){0},
          "\"changed\":[\"d\"],\"changed_count\":1,\"gone\":[\"gone\"],\"gone_count\":1,\"kept\":1,\"new\":[\"new\"]");
    ran("b7 c d2 e new ");
    assert_query(w,
                 "SELECT group_concat(task_index || task_name || attempt, ' ') FROM (SELECT * FROM tasks ORDER BY 3)",
                 "-6gone1 0new1 1e2 2a1 3b2 4c1 5d2");
    assert_query(w,
                 "SELECT count(*) FROM runs r JOIN workflow_snapshots s ON s.id = r.snapshot_id WHERE "
                 "s.tasks_json LIKE '%d2%' AND r.tasks_total = 6 AND r.next_task_index = 7",
                 "1");
    assert_query(w, "SELECT count(DISTINCT log_path) = count(*) FROM task_attempts", "1");
    assert_query(w, "SELECT count(DISTINCT snapshot_id) FROM task_attempts", "2");

    task(h, "gone", SAY("back"), NULL); /* and once more, with ids that are not their places */
    task(h, "a", "{\"command\":\"echo a >>ran; echo ORK_OUTPUT:7\"}", NULL);
    task(h, "d", SAY("d2"), "a");
    seal(h);
    moves(w, run, h, (struct ork_update_opts){.from = "d"}, "\"gone_count\":4,\"kept\":1");
    ran("back d2 ");
    assert_query(w,
                 "SELECT group_concat(task_name || attempt, ' ') FROM (SELECT * FROM tasks WHERE task_index >= 0 "
                 "ORDER BY task_index)",
                 "gone2 a1 d3");
    ork_workflow_unref(f);
    ork_workflow_unref(g);
    ork_workflow_unref(h);
}

static void what_changed_may_be_kept(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("keep", NULL), *g = flow("keep", NULL);
    char run[ORK_ID_TEXT];

    task(f, "a", SAY("a"), NULL);
    task(f, "b", "{\"command\":\"false\"}", "a");
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    ran("a ");
    task(g, "a", SAY("other"), NULL);
    task(g, "b", SAY("b"), "a");
    seal(g);
    moves(w, run, g, (struct ork_update_opts){.keep = true}, "\"stale\":[\"a\"]");
    ran("b ");
    ork_workflow_unref(f);
    ork_workflow_unref(g);
}

static void a_param_that_changes_changes_who_refers_to_it(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("params", "{\"params\":{\"x\":{\"type\":\"int\"},\"xy\":{\"type\":\"int\"}}}");
    struct ork_started s;

    task(f, "uses", "{\"command\":[\"sh\",\"-c\",\"echo uses$1 >>ran\",\"-\",{\"ref\":\"params.x\"}]}", NULL);
    task(f, "other", "{\"command\":[\"sh\",\"-c\",\"echo other$1 >>ran\",\"-\",{\"ref\":[\"params\",\"xy\"]}]}", NULL);
    task(f, "stays", "{\"command\":\"echo stays >>ran\",\"task_bindings\":{\"i\":{\"const\":{\"ref\":\"params.x\"}}}}",
         NULL);
    task_with(f,
              (struct ork_task_spec){
                  .name = "tidy", .params = SAY("tidy"), .rule = ORK_RULE_ALWAYS, .flags = ORK_TASK_FINALLY},
              NULL);
    seal(f);
    s = start_with(w, f, (struct ork_start_opts){.params = "{\"x\":1,\"xy\":2}", .triggered_by = "manual"});
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ran("other2 stays tidy uses1 ");
    assert_int_equal(update(w, s.run_id, f, (struct ork_update_opts){0}, NULL), ORK_ESTATE);
    assert_non_null(strstr(refusal, "nothing more"));
    moves(w, s.run_id, f, (struct ork_update_opts){.params = "{\"x\":5,\"xy\":2}"}, "\"changed\":[\"uses\"]");
    ran("tidy uses5 ");
    ork_workflow_unref(f);
}

/* What is no part of the run any more does not decide how it ends, however it ended when it was one. */
static void what_left_the_part_does_not_count(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("part", NULL), *g = flow("part", NULL);

    task(f, "x", "{\"command\":\"echo x >>ran; false\"}", NULL);
    task(f, "t", SAY("t"), "x");
    seal(f);
    struct ork_started s =
        start_with(w, f, (struct ork_start_opts){.params = "{}", .triggered_by = "manual", .part = "{\"to\":\"t\"}"});
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_FAILED);
    ran("x ");
    task(g, "x", "{\"command\":\"echo x >>ran; false\"}", NULL);
    task(g, "t", SAY("t"), NULL);
    seal(g);
    moves(w, s.run_id, g, (struct ork_update_opts){0}, "\"runs\":1");
    ran("t ");
    assert_query(w, "SELECT group_concat(task_name || status || attempt) FROM tasks", "xskipped1,tsuccess1");
    ork_workflow_unref(f);
    ork_workflow_unref(g);
}

static void what_is_refused_changes_nothing(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("refused", NULL), *g = flow("refused", NULL), *other = flow("other", NULL);
    char run[ORK_ID_TEXT];

    task(f, "a", "{\"command\":\"false\"}", NULL);
    task(g, "a", "{\"command\":\"true\"}", NULL);
    task(other, "a", "{\"command\":\"true\"}", NULL);
    seal(g);
    seal(other);
    assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
    assert_int_equal(update(w, run, other, (struct ork_update_opts){0}, NULL), ORK_EINVAL);
    assert_int_equal(update(w, run, g, (struct ork_update_opts){.from = "nope"}, NULL), ORK_ENOTFOUND);
    assert_int_equal(update(w, "01a201de-bc5e-7000-8b56-241d82069c09", g, (struct ork_update_opts){0}, NULL),
                     ORK_ENOTFOUND);
    assert_query(w, "SELECT status || (SELECT count(*) FROM commands) FROM runs", "failed0");
    change_rows(w, "UPDATE tasks SET id = randomblob(16)");
    assert_int_equal(update(w, run, g, (struct ork_update_opts){0}, NULL), ORK_ESTATE);
    assert_non_null(strstr(refusal, "another program"));
    ork_workflow_unref(f);
    ork_workflow_unref(g);
    ork_workflow_unref(other);
}

/* ---- under way ---- */

static ork_workflow *gated(const char *after)
{
    ork_workflow *f = flow("gated", NULL);

    task(f, "slow", "{\"command\":\"read x <go; echo slow >>ran\"}", NULL);
    task(f, "after", after, "slow");
    seal(f);
    return f;
}

static void owns_gated(struct world *w, struct helper *me)
{
    (void)start(w, gated(SAY("old")));
    until(w, "slow", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    until(w, NULL, ORK_RUN_SUCCESS); /* it never comes: killed */
}

static void what_runs_may_finish(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];

    gate_make("go");
    struct helper h = helper_start(w, owns_gated);
    helper_hear(&h, 'r');
    world_engine(w);
    last_run(w, run);
    ork_workflow *g = gated(SAY("new"));
    assert_int_equal(update(w, run, g, (struct ork_update_opts){0}, NULL), ORK_EBUSY);
    assert_non_null(strstr(refusal, "another ork (process "));
    helper_kill(&h);
    assert_int_equal(system("echo >go &"), 0); /* it finishes while the update waits for it, or before */
    moves(w, run, g, (struct ork_update_opts){0}, "\"changed_count\":0");
    ran("new slow ");
    assert_query(w, "SELECT group_concat(attempt) FROM tasks", "1,1");
    ork_workflow_unref(g);
}

/* ---- killed ---- */

#define MANY 2100 /* some more than one commit takes */
#define NEVER "{\"command\":\"echo never >>ran\",\"when\":{\"op\":\"truthy\",\"left\":{\"const\":false}}}"

/* Two tasks that do something; the others are there to take place. back: in the opposite order. */
static ork_workflow *many(const char *first, bool back)
{
    ork_workflow *f = flow("many", NULL);
    char name[16];

    if (!back)
        task(f, "kept", SAY("kept"), NULL);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "t%d", back ? MANY - 1 - i : i);
        task(f, name, NEVER, NULL);
    }
    if (back)
        task(f, "kept", SAY("kept"), NULL);
    task(f, "first", first, NULL);
    return f;
}

static int turns;

static void dies_after_turns(struct world *w, struct helper *me)
{
    ork_workflow *g = many(SAY("first"), true);
    char run[ORK_ID_TEXT];

    (void)me;
    seal(g);
    last_run(w, run);
    if (update(w, run, g, (struct ork_update_opts){0}, NULL) != 0)
        fail_msg("update: %s", refusal);
    for (int i = 0; i < turns; i++)
        (void)ork_engine_step(w->engine, true);
    (void)raise(SIGKILL);
}

static void killed_on_the_way(void **state)
{
    static const int points[] = {0, 1, 3, 6};
    struct world *w = *state;
    unsigned midway = 0;

    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
        ork_workflow *f = many("{\"command\":\"false\"}", false);
        char run[ORK_ID_TEXT];
        ork_err err = {0};
        world_engine(w);
        assert_int_equal(run_to_end(w, f, run), ORK_RUN_FAILED);
        ork_workflow_unref(f);
        world_leave(w);
        (void)unlink("ran");
        turns = points[i];
        struct helper h = helper_start(w, dies_after_turns);
        helper_gone(&h);
        world_engine(w);
        char *open = query(w, "SELECT count(*) FROM commands WHERE kind='update' AND done_at IS NULL");
        midway += strcmp(open, "1") == 0;
        ork_free(open);
        if (ork_run_claim(w->engine, run, &err) != 0)
            fail_msg("claim: %s", err.msg);
        assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
        ran("first ");
        assert_query(w, "SELECT count(*) FROM commands WHERE done_at IS NULL", "0");
        assert_query(
            w,
            "SELECT count(*) FROM tasks WHERE run_id=(SELECT max(id) FROM runs) AND task_name = CASE task_index "
            "WHEN 2100 THEN 'kept' WHEN 2101 THEN 'first' ELSE 't' || (2099 - task_index) END",
            "2102");
        assert_query(
            w, "SELECT group_concat(attempt) FROM tasks WHERE task_index >= 2100 AND run_id=(SELECT max(id) FROM runs)",
            "1,2");
        world_leave(w);
    }
    assert_true(midway >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_did_not_change_stays, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_changed_may_be_kept, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_param_that_changes_changes_who_refers_to_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_left_the_part_does_not_count, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_changes_nothing, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_runs_may_finish, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(killed_on_the_way, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
