/* SPDX-License-Identifier: MIT */
/* Waiting for the end of a run comes to an end itself, whoever owned the run and whatever became of the owner. */
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int wait_code(struct world *w, const char *run_id, int64_t ms, ork_err *err)
{
    int status;

    *err = (ork_err){0};
    return ork_run_wait(w->engine, run_id, ms, &status, err);
}

static ork_workflow *gated(void)
{
    ork_workflow *f = flow("gated", NULL);

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    return f;
}

/* Somebody took over what is ours while we were not running: nothing of it is ours any more. */
static void of_a_run_that_was_taken(void **state)
{
    struct world *w = *state;
    ork_workflow *f = gated();
    struct ork_started s = start(w, f);
    ork_err err;

    until(w, "a", ORK_TASK_RUNNING);
    change_rows(w, "UPDATE schedulers SET state='dead'");
    gate_open("go");
    assert_int_equal(wait_code(w, s.run_id, 60000, &err), ORK_EFENCED);
    assert_int_equal(wait_code(w, s.run_id, -1, &err), ORK_EFENCED);
    assert_int_equal(ork_run_command(w->engine, s.run_id, "cancel", NULL, NULL, &err), ORK_EFENCED);
    ork_workflow_unref(f);
}

/* Its row says it is ours, but it cannot be gone on with (its definition is gone). */
static void of_a_run_that_cannot_be_loaded(void **state)
{
    struct world *w = *state;
    ork_workflow *f = gated();
    struct ork_started s = start(w, f);
    ork_err err;

    until(w, "a", ORK_TASK_RUNNING);
    world_reopen(w);
    change_rows(w, "PRAGMA foreign_keys=OFF; DELETE FROM workflow_snapshots");
    assert_int_equal(ork_run_claim(w->engine, s.run_id, &err), ORK_ECORRUPT);
    assert_int_equal(wait_code(w, s.run_id, -1, &err), ORK_EDATA);
    gate_open("go");
    ork_workflow_unref(f);
}

static ork_workflow *made;

static void other_owner(struct world *w, struct helper *me)
{
    struct ork_started s = start(w, made);

    until(w, "a", ORK_TASK_RUNNING);
    helper_tell(me, 'r');
    (void)wait_end(w, s.run_id);
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* Waiting again and again for the run of another takes no more than waiting once. */
static void often_for_another_owner(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    ork_err err;

    made = gated();
    struct helper h = helper_start(w, other_owner);
    helper_hear(&h, 'r');
    world_engine(w);
    last_run(w, run);
    assert_int_equal(wait_code(w, run, 1, &err), ORK_ETIMEDOUT);
    int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
    for (int i = 0; i < 10; i++)
        assert_int_equal(wait_code(w, run, 1, &err), ORK_ETIMEDOUT);
    if (!getenv("ORK_TEST_SLOW")) { /* valgrind has no pidfd_open: what stands in for it keeps a thread each */
        assert_int_equal(entries("/proc/self/task"), threads);
        assert_int_equal(entries("/proc/self/fd"), files);
    }
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    helper_end(&h);
    ork_workflow_unref(made);
}

static void for_another_owner_that_dies(void **state)
{
    struct world *w = *state;
    char run[ORK_ID_TEXT];
    ork_err err;

    made = gated();
    struct helper h = helper_start(w, other_owner);
    helper_hear(&h, 'r');
    world_engine(w);
    last_run(w, run);
    assert_int_equal(wait_code(w, run, 1, &err), ORK_ETIMEDOUT);
    helper_kill(&h);
    assert_int_equal(wait_code(w, run, -1, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "no program owns it"));
    assert_int_equal(ork_run_claim(w->engine, run, &err), 0);
    gate_open("go");
    assert_int_equal(wait_end(w, run), ORK_RUN_SUCCESS);
    ork_workflow_unref(made);
}

static void for_no_run(void **state)
{
    struct world *w = *state;
    const char *none = "01234567-89ab-7def-8123-456789abcdef";
    ork_err err;

    assert_int_equal(wait_code(w, none, -1, &err), ORK_ENOTFOUND);
    assert_int_equal(ork_run_claim(w->engine, none, &err), ORK_ENOTFOUND);
    assert_int_equal(ork_run_command(w->engine, none, "cancel", NULL, NULL, &err), ORK_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_a_run_that_was_taken, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(of_a_run_that_cannot_be_loaded, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(often_for_another_owner, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(for_another_owner_that_dies, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(for_no_run, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
