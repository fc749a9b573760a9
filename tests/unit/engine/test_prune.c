/* SPDX-License-Identifier: MIT */
/* Removing runs and their logs through the engine: what goes, what stays, and what a kill in the middle leaves. */
#include "engine/lib_engine.h"
#include "engine/lib_gate.h"
#include "engine/lib_helper.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE 12000 /* tasks of the large run */
#define SMALL 2000  /* small runs, two tasks each */
#define FOLDERS 150

static char *prune(struct world *w, const char *options)
{
    char *out = NULL;
    ork_err err = {0};

    if (ork_runs_prune(w->engine, options, &out, &err) != 0)
        fail_msg("prune: %s", err.msg);
    return out;
}

static void assert_prune(struct world *w, const char *options, const char *part)
{
    char *out = prune(w, options);

    if (!strstr(out, part))
        fail_msg("%s\n  gives %s\n  without %s", options, out, part);
    ork_free(out);
}

static int entries(struct world *w, const char *dir)
{
    char path[200];
    int n = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", w->dir, dir);
    DIR *d = opendir(path);
    for (struct dirent *x = d ? readdir(d) : NULL; x; x = readdir(d))
        n += x->d_name[0] != '.';
    if (d)
        (void)closedir(d);
    return n;
}

static ork_workflow *small(const char *name)
{
    ork_workflow *f = flow(name, NULL);

    task(f, "a", "{\"command\":\"echo 123456789\"}", NULL);
    seal(f);
    return f;
}

static void runs_of(struct world *w, const char *name, int n)
{
    ork_workflow *f = small(name);

    for (int i = 0; i < n; i++) {
        struct ork_started s = start(w, f);
        assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    }
    ork_workflow_unref(f);
}

static void by_age_and_number(void **state)
{
    struct world *w = *state;
    ork_err err;
    char *out = NULL;

    runs_of(w, "one", 3);
    runs_of(w, "two", 2);
    change_rows(
        w,
        "UPDATE runs SET created_at = '2020-01-0' || rowid || 'T00:00:00.000Z', finished_at = '2020-01-0' || rowid || "
        "'T01:00:00.000Z' WHERE rowid <= 4");
    assert_int_equal(entries(w, "logs"), 5);
    assert_int_equal(ork_runs_prune(w->engine, "{}", &out, &err), ORK_EINVAL);
    assert_int_equal(ork_runs_prune(w->engine, "{\"keep\":1,\"workflow\":\"tow\"}", &out, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "no workflow `tow`; did you mean `two`?");
    assert_prune(
        w, "{\"older_than_ms\":86400000,\"keep\":1,\"count\":true}",
        "\"runs\":3,\"tasks\":3,\"workflows\":[{\"runs\":2,\"tasks\":2,\"workflow\":\"one\"},{\"runs\":1,\"tasks\":1,"
        "\"workflow\":\"two\"}]");
    assert_prune(w, "{\"older_than_ms\":86400000,\"dry_run\":true}", "\"log_bytes\":52,");
    assert_query(w, "SELECT count(*) FROM runs", "5");
    assert_int_equal(entries(w, "logs"), 5);
    assert_prune(w, "{\"older_than_ms\":86400000,\"keep\":1}",
                 "\"kept\":0,\"log_bytes\":39,\"logs_left\":0,\"runs\":3,\"tasks\":3,");
    assert_query(w, "SELECT sum(rowid) || '/' || count(*) FROM runs", "8/2");
    assert_int_equal(entries(w, "logs"), 2);
    assert_query(w, "SELECT count(*) FROM run_remains", "0");
    assert_query(w, "SELECT count(*) FROM run_events WHERE run_id NOT IN (SELECT id FROM runs)", "0");
    assert_prune(w, "{\"keep\":0,\"workflow\":\"one\"}", "\"definitions\":0,");
    assert_query(w, "SELECT count(*) FROM runs", "1");
    assert_query(w, "SELECT count(*) FROM workflows", "2");
}

/* What runs is not touched, and neither is a run that ended but was claimed to be tried again. */
static void what_lives_stays(void **state)
{
    struct world *w = *state;
    ork_workflow *f = flow("live", NULL);
    ork_err err;
    char *out = NULL, text[9];

    gate_make("go");
    task(f, "a", "{\"command\":\"read x <go\"}", NULL);
    seal(f);
    struct ork_started s = start(w, f);
    until(w, "a", ORK_TASK_RUNNING);
    assert_prune(w, "{\"keep\":0}", "\"runs\":0,");
    assert_int_equal(ork_workflow_delete(w->engine, "live", &out, &err), ORK_ESTATE);
    (void)snprintf(text, sizeof(text), "%s", s.run_id + strlen(s.run_id) - 8);
    assert_non_null(strstr(err.msg, text));
    assert_non_null(strstr(err.msg, "unfinished runs"));
    gate_open("go");
    assert_int_equal(wait_end(w, s.run_id), ORK_RUN_SUCCESS);
    change_rows(w, "UPDATE runs SET scheduler_id = (SELECT id FROM schedulers WHERE state = 'live')");
    assert_prune(w, "{\"keep\":0}", "\"kept\":1,");
    assert_int_equal(ork_workflow_delete(w->engine, "live", &out, &err), ORK_ESTATE);
    assert_non_null(strstr(err.msg, "started or retried meanwhile"));
    change_rows(w, "UPDATE runs SET scheduler_id = NULL");
    assert_int_equal(ork_workflow_delete(w->engine, "live", &out, &err), 0);
    ork_free(out);
    assert_query(w, "SELECT count(*) FROM workflows", "0");
    assert_query(w, "SELECT count(*) FROM workflow_snapshots", "0");
    assert_int_equal(entries(w, "logs"), 0);
    assert_int_equal(ork_workflow_delete(w->engine, "live", &out, &err), ORK_ENOTFOUND);
    ork_workflow_unref(f);
}

/* The logs were written under another data directory; a link in a folder goes, what it points at stays. */
static void logs_elsewhere(void **state)
{
    struct world *w = *state;

    world_leave(w);
    w->data_dir = "other";
    world_engine(w);
    runs_of(w, "one", 1);
    assert_int_equal(entries(w, "other/logs"), 1);
    assert_int_equal(
        system("mkdir keep && echo x >keep/me && for d in other/logs/*; do ln -s \"$PWD/keep\" $d/link; done; "
               "mkdir other/logs/mine"),
        0);
    world_leave(w);
    w->data_dir = NULL;
    world_engine(w);
    assert_prune(w, "{\"keep\":0}", "\"log_bytes\":13,\"logs_left\":0,\"runs\":1,");
    assert_int_equal(entries(w, "other/logs"), 1);
    assert_int_equal(entries(w, "keep"), 1);
}

/* A project's folder was copied, database and logs: what is removed there stays in the original. */
static void logs_of_the_original(void **state)
{
    struct world *w = *state;
    struct world copy = {.jobs = w->jobs};
    const char *name = strrchr(w->url, '/');
    char command[256];

    runs_of(w, "one", 2);
    world_leave(w);
    (void)snprintf(copy.url, sizeof(copy.url), "sqlite:%s-copy%s", w->dir, name);
    (void)snprintf(command, sizeof(command), "cp -a %s %s-copy", w->dir, w->dir);
    assert_int_equal(system(command), 0);
    world_engine(&copy);
    assert_prune(&copy, "{\"keep\":0}", "\"logs_left\":0,\"runs\":2,");
    world_leave(&copy);
    assert_int_equal(entries(w, "logs"), 2);
    (void)snprintf(command, sizeof(command), "ls %s-copy/logs | grep -c . ; rm -rf %s-copy", w->dir, w->dir);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fgetc(f), '0');
    assert_int_equal(pclose(f), 0);
}

/* A folder that cannot be removed whole (here: nobody nests so deep) is told, and tried again. */
static void logs_that_stay(void **state)
{
    struct world *w = *state;

    runs_of(w, "one", 1);
    assert_int_equal(system("cd logs/* && mkdir -p 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), 0);
    assert_prune(w, "{\"keep\":0}", "\"logs_left\":1,\"runs\":1,");
    assert_query(w, "SELECT count(*) FROM run_remains", "1");
    assert_int_equal(system("rmdir -p logs/*/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17 2>/dev/null; true"), 0);
    assert_prune(w, "{\"keep\":0}", "\"logs_left\":0,\"runs\":0,");
    assert_query(w, "SELECT count(*) FROM run_remains", "0");
    assert_int_equal(entries(w, "logs"), 0);
}

/* ---- killed in the middle ---- */

#define HEX(id)                                                                                                        \
    "substr(" id ",1,8)||'-'||substr(" id ",9,4)||'-'||substr(" id ",13,4)||'-'||substr(" id ",17,4)||'-'||substr(" id \
    ",21)"

static void make_many(struct world *w)
{
    char sql[2000];

    change_rows(w, "INSERT INTO workflows (id, name, job_name, project) VALUES (x'aa000000000000000000000000000000', "
                   "'many', 'many', 'local')");
    (void)snprintf(
        sql, sizeof(sql),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= %d) "
        "INSERT INTO runs (id, workflow_id, status, created_at, finished_at, tasks_total) "
        "SELECT randomblob(16), x'aa000000000000000000000000000000', 'success', '2020-01-01T00:00:00.000Z', "
        "'2020-01-01T00:00:01.000Z', 2 FROM n; "
        "INSERT INTO tasks (id, run_id, task_index, status, task_name, executor_type) "
        "SELECT randomblob(16), r.id, t.i, 'success', 't' || t.i, 'process' FROM runs r, (SELECT 0 AS i UNION SELECT "
        "1) t "
        "WHERE r.rowid > 1; "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d - 1) "
        "INSERT INTO tasks (id, run_id, task_index, status, task_name, executor_type) "
        "SELECT randomblob(16), (SELECT id FROM runs WHERE rowid = 1), i, 'success', 't' || i, 'process' FROM n; "
        "INSERT INTO task_attempts (task_id, attempt, status) SELECT id, 1, 'success' FROM tasks; "
        "INSERT INTO run_events (run_id, seq, at, data) SELECT id, 1, '', '[]' FROM runs",
        SMALL, LARGE);
    change_rows(w, sql);
    char *ids = query(w, "SELECT group_concat(" HEX(
                             "h") ", ' ') FROM (SELECT lower(hex(id)) AS h FROM runs WHERE rowid % 13 = 1 LIMIT 150)");
    size_t n = strlen(ids) + 200;
    char *cmd = malloc(n);
    (void)snprintf(cmd, n, "mkdir -p logs; for i in %s; do mkdir logs/$i; echo x >logs/$i/0.1.log; done", ids);
    assert_int_equal(system(cmd), 0);
    free(cmd);
    free(ids);
    assert_int_equal(entries(w, "logs"), FOLDERS);
}

static void pruner(struct world *w, struct helper *me)
{
    helper_tell(me, 'b');
    ork_free(prune(w, "{\"older_than_ms\":1000}"));
    helper_hear(me, 'q'); /* never: it is killed, sooner or later */
}

static long rows_left(struct world *w)
{
    char *text = query(w, "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM runs)");
    long n = atol(text);

    free(text);
    return n;
}

/* Nothing hangs in the air, and a run is there whole or marked. */
static void assert_sound(struct world *w)
{
    assert_query(w, "SELECT count(*) FROM pragma_foreign_key_check", "0");
    assert_query(w,
                 "SELECT count(*) FROM runs r WHERE r.deleted_at IS NULL AND (SELECT count(*) FROM tasks WHERE run_id "
                 "= r.id) NOT IN (2, 12000)",
                 "0");
    assert_query(w, "SELECT count(*) < 2 FROM runs WHERE deleted_at IS NOT NULL", "1");
}

static void killed(void **state)
{
    struct world *w = *state;
    int in_the_middle = 0;

    world_engine(w);
    make_many(w);
    world_leave(w);
    for (long left = rows_left(w); left > 0;) {
        struct helper h = helper_start(w, pruner);
        helper_hear(&h, 'b');
        long now;
        while ((now = rows_left(w)) >= left)
            ;
        helper_kill(&h);
        left = rows_left(w);
        in_the_middle += left > 0;
        assert_true(left <= now);
        assert_sound(w);
    }
    assert_true(in_the_middle >= 2);
    world_engine(w);
    ork_free(prune(w, "{\"keep\":0}")); /* folders whose rows were gone when it was killed */
    assert_int_equal(entries(w, "logs"), 0);
    assert_query(w, "SELECT count(*) FROM run_remains", "0");
    assert_query(w, "SELECT (SELECT count(*) FROM task_attempts) + (SELECT count(*) FROM run_events)", "0");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(by_age_and_number), CASE(what_lives_stays),
        CASE(logs_elsewhere),    CASE(logs_of_the_original),
        CASE(logs_that_stay),    cmocka_unit_test_setup_teardown(killed, world_setup_dir, world_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
