/* SPDX-License-Identifier: MIT */
#include "lib_engine.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_change(void *data, const struct ork_change *c)
{
    struct world *w = data;

    w->changes++;
    if (c->error)
        (void)snprintf(w->last_error, sizeof(w->last_error), "%s", c->error);
}

static void open_engine(struct world *w)
{
    struct ork_engine_opts o = {.url = w->url, .flags = ORK_OPEN_CREATE, .jobs = 4, .log_level = 1};
    ork_err err = {0};

    if (ork_engine_open(&o, &w->engine, &err) != 0)
        fail_msg("open: %s", err.msg);
    ork_engine_on_change(w->engine, on_change, w);
}

void world_open(struct world *w)
{
    memset(w, 0, sizeof(*w));
    strcpy(w->dir, "/tmp/ork-engine-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s/ork.db", w->dir);
    setenv("ORK_AGENT_LINGER_MS", "50", 1);
    setenv("ORK_MIN_FREE_MB", "0", 1);
    open_engine(w);
}

void world_reopen(struct world *w)
{
    ork_engine_close(w->engine);
    open_engine(w);
}

void world_close(struct world *w)
{
    char cmd[128];

    ork_engine_close(w->engine);
    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", w->dir);
    assert_int_equal(system(cmd), 0);
}

ork_workflow *flow(const char *name, const char *options)
{
    ork_workflow *f;
    ork_err err;

    assert_int_equal(ork_workflow_new(name, &f, &err), 0);
    if (options && ork_workflow_options(f, options, strlen(options), &err) != 0)
        fail_msg("options: %s", err.msg);
    return f;
}

uint32_t task_with(ork_workflow *w, struct ork_task_spec spec, const char *deps)
{
    uint32_t no;
    ork_err err;

    spec.name_len = strlen(spec.name);
    spec.params_len = strlen(spec.params);
    spec.signature_len = spec.signature ? strlen(spec.signature) : 0;
    if (!spec.max_lost)
        spec.max_lost = 3;
    if (spec.retry.limit && !spec.retry.factor)
        spec.retry.factor = 1;
    if (ork_workflow_add(w, &spec, &no, &err) != 0)
        fail_msg("add: %s", err.msg);
    for (const char *p = deps; p && *p;) {
        size_t n = strcspn(p, " ");
        ork_workflow_depend_name(w, no, p, n);
        p += n + (p[n] == ' ');
    }
    return no;
}

uint32_t task(ork_workflow *w, const char *name, const char *params, const char *deps)
{
    return task_with(w, (struct ork_task_spec){.name = name, .params = params}, deps);
}

static void on_problem(void *data, const char *code, uint32_t no, const char *text)
{
    (void)data;
    (void)no;
    fail_msg("%s: %s", code, text);
}

void seal(ork_workflow *w)
{
    assert_int_equal(ork_workflow_seal(w, on_problem, NULL), 0);
}

struct ork_started start(struct world *w, ork_workflow *f)
{
    struct ork_start_opts o = {.params = "{}", .triggered_by = "manual"};
    struct ork_started s;
    ork_err err = {0};

    if (ork_run_start(w->engine, f, &o, &s, &err) != 0)
        fail_msg("start: %s", err.msg);
    return s;
}

int run_to_end(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT])
{
    struct ork_started s;
    int status;
    ork_err err = {0};

    seal(f);
    s = start(w, f);
    if (ork_run_wait(w->engine, s.run_id, 60000, &status, &err) != 0)
        fail_msg("wait: %s", err.msg);
    if (run_id)
        strcpy(run_id, s.run_id);
    return status;
}

char *query(struct world *w, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char *text;

    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    const char *value = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "";
    text = strdup(value ? value : "NULL");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

void assert_query(struct world *w, const char *sql, const char *expected)
{
    char *text = query(w, sql);

    if (strcmp(text, expected) != 0)
        fail_msg("%s\n  gives    %s\n  expected %s", sql, text, expected);
    free(text);
}
