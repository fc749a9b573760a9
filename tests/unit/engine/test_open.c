/* SPDX-License-Identifier: MIT */
/* An engine that cannot get its agent says so to who wants a run, and can be asked again; one on a memory database
 * takes everything with it. */
#include "engine/lib_gate.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void without_a_place_for_the_agent(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("place", NULL);
    struct ork_start_opts o = {.params = "{}", .triggered_by = "manual"};
    struct ork_started s;
    ork_err err;

    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    seal(f);
    assert_int_equal(system("echo x >agent"), 0);
    for (int i = 0; i < 2; i++) {
        err = (ork_err){0};
        assert_true(ork_run_start(w->engine, f, &o, &s, &err) < 0);
        assert_non_null(strstr(err.msg, "agent"));
    }
    assert_query(w, "SELECT count(*) FROM runs", "0");
    assert_int_equal(unlink("agent"), 0);
    s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    assert_query(w, "SELECT count(*) FROM schedulers", "1");
    ork_workflow_unref(f);
}

static void without_the_program_of_the_agent(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("program", NULL);
    struct ork_start_opts o = {.params = "{}", .triggered_by = "manual"};
    struct ork_started s;
    ork_err err;
    char *program = getenv("ORK_AGENT") ? strdup(getenv("ORK_AGENT")) : NULL;

    task(f, "a", "{\"command\":[\"/bin/true\"]}", NULL);
    seal(f);
    setenv("ORK_AGENT", "/nonexistent/ork-agent", 1);
    for (int i = 0; i < 2; i++) {
        err = (ork_err){0};
        assert_int_equal(ork_run_start(w->engine, f, &o, &s, &err), ORK_EAGENT);
    }
    if (program)
        setenv("ORK_AGENT", program, 1);
    else
        unsetenv("ORK_AGENT"); /* it is found beside the test */
    free(program);
    s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
}

static void a_memory_database_leaves_nothing(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("memory", NULL);
    char dir[256], text[32];
    struct stat st;

    gate_make("go");
    task(f, "a", "{\"command\":\"echo $$ >pid; read x <go\"}", NULL);
    task(f, "b", "{\"command\":\"echo x >ran\"}", "a");
    seal(f);
    strcpy(w->url, "sqlite::memory:");
    world_engine(w);
    (void)snprintf(dir, sizeof(dir), "%s", ork_engine_data_dir(w->engine));
    (void)start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    while (access("pid", F_OK) != 0)
        (void)ork_engine_step(w->engine, false);
    FILE *p = fopen("pid", "r");
    assert_non_null(p);
    while (!fgets(text, sizeof(text), p))
        rewind(p);
    (void)fclose(p);
    assert_int_equal(stat(dir, &st), 0);
    world_leave(w);
    assert_int_equal(stat(dir, &st), -1);
    gate_gone(atoi(text));
    ork_workflow_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_place_for_the_agent, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(without_the_program_of_the_agent, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_memory_database_leaves_nothing, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
