/* SPDX-License-Identifier: MIT */
/* Definitions in the database: applied, opened, run, compared, gone back to. */
#include "engine/lib_engine.h"
#include <stdio.h>
#include <stdlib.h>

static ork_workflow *etl(const char *command, const char *options)
{
    ork_workflow *f = flow("etl", options);
    char source[200];
    ork_err err;

    task(f, "a", command, NULL);
    task(f, "b", "{\"command\":[\"true\"]}", "a");
    (void)snprintf(source, sizeof(source),
                   "{\"files\":{\"etl.lua\":\"one\\n-- %zu\\nthree\\n\"},\"main\":\"etl.lua\",\"modules\":{}}",
                   strlen(command));
    assert_int_equal(ork_workflow_source(f, source, strlen(source), "/tmp", &err), 0);
    seal(f);
    return f;
}

static char *apply(struct world *w, ork_workflow *f, const char *remove)
{
    char *out = NULL;
    ork_err err = {0};

    if (ork_workflow_apply(w->engine, &f, f ? 1 : 0, remove, &out, &err) != 0)
        fail_msg("apply: %s", err.msg);
    return out;
}

static void assert_apply(struct world *w, ork_workflow *f, const char *expected)
{
    char *out = apply(w, f, NULL);

    assert_string_equal(out, expected);
    ork_free(out);
    ork_workflow_unref(f);
}

#define TRUE_A "{\"command\":[\"true\"]}"
#define ECHO_A "{\"command\":[\"echo\",\"two\"]}"

static void versions_are_kept(void **state)
{
    struct world *w = *state;
    ork_workflow *f;
    ork_err err;
    uint32_t was = 0;

    assert_apply(w, etl(TRUE_A, NULL), "[{\"workflow\":\"etl\",\"was\":null,\"version\":1,\"removed\":false}]");
    assert_apply(w, etl(TRUE_A, NULL), "[{\"workflow\":\"etl\",\"was\":1,\"version\":1,\"removed\":false}]");
    assert_apply(w, etl(ECHO_A, NULL), "[{\"workflow\":\"etl\",\"was\":1,\"version\":2,\"removed\":false}]");
    assert_int_equal(ork_workflow_activate(w->engine, "etl", 1, &was, &err), 0);
    assert_int_equal(was, 2);
    assert_query(w, "SELECT current_version FROM workflows", "1");
    assert_query(w, "SELECT script_path FROM workflows", "/tmp/etl.lua");
    assert_query(w, "SELECT count(*) FROM schedulers", "0"); /* nobody became a scheduler for it */
    assert_int_equal(ork_workflow_activate(w->engine, "etl", 9, &was, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "workflow `etl` has no version 9; it has 1 and 2");
    assert_int_equal(ork_workflow_open(w->engine, "elt", 0, &f, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "no workflow `elt`; did you mean `etl`?");
}

/* The definition comes from the database alone; the run uses the version's snapshot, not another one. */
static void an_applied_workflow_runs(void **state)
{
    struct world *w = *state;
    ork_workflow *f = NULL;
    ork_err err;
    char *list = NULL;

    assert_apply(w, etl(ECHO_A, NULL), "[{\"workflow\":\"etl\",\"was\":null,\"version\":1,\"removed\":false}]");
    assert_int_equal(ork_workflow_open(w->engine, "etl", 0, &f, &err), 0);
    struct ork_started s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
    assert_query(w, "SELECT logs FROM tasks WHERE task_name='a'", "two\n");
    assert_query(w, "SELECT count(*) FROM workflow_snapshots", "1");
    assert_query(w, "SELECT script_dir FROM runs", "/tmp");
    /* a scheduler applies too */
    assert_apply(w, etl(TRUE_A, NULL), "[{\"workflow\":\"etl\",\"was\":1,\"version\":2,\"removed\":false}]");
    assert_int_equal(ork_workflow_versions_json(w->engine, "etl", &list, &err), 0);
    assert_non_null(strstr(list, "{\"version\":2,\"current\":true"));
    assert_non_null(strstr(list, "\"tasks\":2,\"runs\":1,\"script_path\":\"/tmp/etl.lua\""));
    ork_free(list);
    assert_int_equal(ork_workflows_json(w->engine, "{\"applied\":true}", &list, &err), 0);
    assert_non_null(strstr(
        list, "\"name\":\"etl\",\"description\":null,\"applied\":true,\"version\":2,\"versions\":2,\"tasks\":2"));
    assert_non_null(strstr(list, "\"runs\":1,\"unfinished_runs\":0,\"last_run\":{\"id\":\""));
    ork_free(list);
}

static void known_by_its_runs_alone(void **state)
{
    struct world *w = *state;
    ork_workflow *f = etl(TRUE_A, NULL);
    ork_err err;
    char *list = NULL;

    struct ork_started s = start(w, f);
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    ork_workflow_unref(f);
    assert_int_equal(ork_workflow_open(w->engine, "etl", 0, &f, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "workflow `etl` is known by its runs only; to keep it: ork apply /tmp/etl.lua");
    assert_int_equal(ork_workflow_versions_json(w->engine, "etl", &list, &err), 0);
    assert_string_equal(list, "[]");
    ork_free(list);
    assert_int_equal(ork_workflows_json(w->engine, NULL, &list, &err), 0);
    assert_non_null(strstr(list, "\"applied\":false,\"version\":null,\"versions\":0,\"tasks\":2"));
    ork_free(list);
}

static void taken_out_and_back(void **state)
{
    struct world *w = *state;
    ork_workflow *f = NULL;
    ork_err err;

    assert_apply(w, etl(TRUE_A, NULL), "[{\"workflow\":\"etl\",\"was\":null,\"version\":1,\"removed\":false}]");
    char *out = apply(w, NULL, "[{\"workflow\":\"etl\",\"version\":2}]");
    assert_string_equal(out, "[{\"workflow\":\"etl\",\"was\":1,\"version\":1,\"removed\":false}]");
    ork_free(out);
    out = apply(w, NULL, "[{\"workflow\":\"etl\",\"version\":1}]");
    assert_string_equal(out, "[{\"workflow\":\"etl\",\"was\":1,\"version\":null,\"removed\":true}]");
    ork_free(out);
    assert_int_equal(ork_workflow_open(w->engine, "etl", 0, &f, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg,
                        "workflow `etl` is not applied any more; `ork apply etl@1` brings back its newest version");
    assert_int_equal(ork_workflow_open(w->engine, "etl", 1, &f, &err), 0);
    ork_workflow_unref(f);
    assert_int_equal(ork_workflow_activate(w->engine, "etl", 1, NULL, &err), 0);
    assert_query(w, "SELECT current_version FROM workflows", "1");
}

static void functions_are_refused(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("host", NULL);
    char *out = NULL;
    ork_err err;

    task_with(f, (struct ork_task_spec){.name = "f", .params = "{}", .executor = ORK_EXEC_INLINE}, NULL);
    seal(f);
    assert_int_equal(ork_workflow_apply(w->engine, &f, 1, NULL, &out, &err), ORK_EDEF);
    assert_non_null(strstr(err.msg, "task `f` of workflow `host` is a function"));
    assert_query(w, "SELECT count(*) FROM workflows", "0");
    ork_workflow_unref(f);
}

static void read_only(void **state)
{
    struct world *w = *state;
    struct ork_engine_opts o = {.url = w->url, .flags = ORK_OPEN_READ};
    ork_workflow *f = etl(TRUE_A, NULL);
    ork_engine *e;
    char *out = NULL;
    ork_err err;

    assert_int_equal(ork_engine_open(&o, &e, &err), 0);
    assert_int_equal(ork_workflow_apply(e, &f, 1, NULL, &out, &err), ORK_EREADONLY);
    ork_engine_close(e);
    ork_workflow_unref(f);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {CASE(versions_are_kept),       CASE(an_applied_workflow_runs),
                                       CASE(known_by_its_runs_alone), CASE(taken_out_and_back),
                                       CASE(functions_are_refused),   CASE(read_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
