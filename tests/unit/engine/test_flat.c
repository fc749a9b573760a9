/* SPDX-License-Identifier: MIT */
/* Memory of what is over: a program that runs one workflow after another does not grow, nor does its agent. */
#include "engine/engine.h"
#include "engine/lib_helper.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = -1;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (kb < 0 && fgets(line, sizeof(line), f))
        (void)sscanf(line, "VmRSS: %ld kB", &kb);
    (void)fclose(f);
    assert_true(kb > 0);
    return kb;
}

static void runs(struct world *w, int n)
{
    ork_workflow *f = flow("flat", NULL);
    char name[16];

    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        task(f, name, "{\"command\":[\"/bin/true\"]}", NULL);
    }
    seal(f);
    for (int i = 0; i < n; i++) {
        assert_int_equal(wait_end(w, start(w, f).run_id), ORK_RUN_SUCCESS);
        assert_null(w->engine->cache); /* what its tasks gave is asked of the database from now on */
    }
    ork_workflow_unref(f);
}

static void memory_is_flat(void **state)
{
    struct world *w = *state;

    ork_engine_on_change(w->engine, NULL, NULL); /* the record would grow */
    setenv("ORK_AGENT_LINGER_MS", "5000", 1);    /* one agent for all */
    runs(w, 3);
    pid_t agent = agent_of(w);
    long agent_before = resident_kb(agent), own_before = resident_kb(getpid());
    runs(w, 10);
    long agent_grew = resident_kb(agent) - agent_before, own_grew = resident_kb(getpid()) - own_before;
    setenv("ORK_AGENT_LINGER_MS", "50", 1);
    if (!getenv("ORK_TEST_ASAN")) {
        assert_true(agent_grew < 256); /* 2,000 attempts of 300 bytes would be 600 */
        assert_true(own_grew < 6144);  /* most of it pages of the database, which are bounded */
    }
    agent_kill(w); /* it would linger */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_is_flat, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
