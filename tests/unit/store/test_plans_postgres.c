/* SPDX-License-Identifier: MIT */
/* How PostgreSQL carries out every statement once there is much: 100,000 tasks in 50,000 runs, among the long tests
 * 1,000,000 in 100,000, with statistics. None reads a table that grows with the history from its first row to its last,
 * neither planned for any parameters nor for those it is given. What may is named here, with why. */
#include "store/lib_cluster.h"
#include "store/lib_store.h"
#include "base/path.h"
#include "store/postgres/link.h"
#include <stdio.h>
#include <stdlib.h>

#define DIR ORK_MIGRATIONS "/../runtime/store/sql/postgres/"

/* Asked by a person or once in a life, about everything there is. */
static const struct {
    const char *query, *table;
} scans[] = {
    {"status_counts", "runs"}, /* ork db status: counts all of them */
    {"status_counts", "tasks"},
    {"runs_match", "runs"}, /* fewer than 8 digits may begin any of the ids that people are shown */
};

static const char *const grows[] = {"runs", "tasks", "task_attempts", "run_events", "commands", "run_remains"};

/* Twenty workflows; one run in twenty has failed, a few are on their way. */
static void fill(const char *url, int runs, int tasks)
{
    static const char *const steps[] = {
        "INSERT INTO workflows (id, name, job_name, project) SELECT md5('w' || i)::uuid, 'w' || i, '', '' FROM "
        "generate_series(0, "
        "19) i",
        "INSERT INTO workflow_snapshots (id, workflow_id, content_hash, tasks_json, created_at) "
        "SELECT md5('s' || i)::uuid, md5('w' || i)::uuid, 'h', '[]', now() FROM generate_series(0, 19) i",
        "INSERT INTO schedulers (id, host, state, heartbeat_at, created_at) "
        "SELECT md5('c' || i)::uuid, 'h', CASE i WHEN 1 THEN 'live' ELSE 'ended' END, now(), now() FROM "
        "generate_series(1, 200) i",
        "INSERT INTO runs (id, workflow_id, snapshot_id, status, created_at, started_at, finished_at, tasks_total, "
        "scheduler_id) "
        "SELECT md5('r' || i)::uuid, md5('w' || i % 20)::uuid, md5('s' || i % 20)::uuid, "
        "CASE WHEN i > n() - 30 THEN 'running' WHEN i % 20 = 7 THEN 'failed' ELSE 'success' END, "
        "now() - (n() - i) * interval '1 s', now(), CASE WHEN i > n() - 30 THEN NULL ELSE now() END, 10, "
        "CASE WHEN i > n() - 20 THEN md5('c1')::uuid END FROM generate_series(1, n()) i",
        "INSERT INTO tasks (id, run_id, task_index, task_name, executor_type, status, params, created_at) "
        "SELECT md5('t' || i || '.' || t)::uuid, md5('r' || i)::uuid, t, 'task' || t, 'process', 'success', '{}', "
        "now() "
        "FROM generate_series(1, n()) i, generate_series(1, m()) t",
        "INSERT INTO task_attempts (task_id, attempt, status, log_bytes) "
        "SELECT md5('t' || i || '.' || t)::uuid, 1, 'success', 100 FROM generate_series(1, n()) i, generate_series(1, "
        "m()) t",
        "INSERT INTO run_events (run_id, seq, at, data) "
        "SELECT md5('r' || i)::uuid, n, now(), '[]' FROM generate_series(1, n()) i, generate_series(1, 3) n",
        "INSERT INTO commands (id, run_id, kind, created_at, done_at) "
        "SELECT md5('k' || i)::uuid, md5('r' || i)::uuid, 'cancel', now(), CASE WHEN i > 5 THEN now() END FROM "
        "generate_series(1, n()) i",
        "INSERT INTO run_remains (run_id, created_at) SELECT md5('g' || i)::uuid, now() FROM generate_series(1, 100) i",
        "VACUUM ANALYZE",
    };
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_addf(&sql, "CREATE FUNCTION n() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT %d'", runs);
    cluster_exec(url, sql.data);
    ork_buf_clear(&sql);
    ork_buf_addf(&sql, "CREATE FUNCTION m() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT %d'", tasks);
    cluster_exec(url, sql.data);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        cluster_exec(url, steps[i]);
    ork_buf_fini(&sql);
}

static bool is_utility(const char *sql)
{
    static const char *const words[] = {"BEGIN", "COMMIT", "ROLLBACK", "LISTEN", "UNLISTEN"};
    while (strncmp(sql, "--", 2) == 0)
        sql = strchr(sql, '\n') + 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(sql, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static char *text_of(const char *name)
{
    char path[512], *text;
    size_t n;
    ork_err err;
    (void)snprintf(path, sizeof path, DIR "%s.sql", name);
    if (ork_file_read(path, 1 << 16, &text, &n, &err))
        fail_msg("%s", err.msg);
    return text;
}

static bool is_allowed(const char *name, const char *table)
{
    bool big = false;
    for (size_t i = 0; i < sizeof grows / sizeof *grows; i++)
        big = big || strcmp(table, grows[i]) == 0;
    for (size_t i = 0; big && i < sizeof scans / sizeof *scans; i++)
        if (strcmp(name, scans[i].query) == 0 && strcmp(table, scans[i].table) == 0)
            return true;
    return !big;
}

/* The number of scans that may not be in a plan. */
static int judge(PGconn *c, const char *name, const char *how, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    int bad = 0;
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", name, PQerrorMessage(c));
    for (int i = 0; i < PQntuples(r); i++) {
        const char *line = PQgetvalue(r, i, 0), *scan = strstr(line, "Seq Scan on ");
        char table[64] = "";
        if (scan && sscanf(scan, "Seq Scan on %63[a-z_]", table) == 1 && !is_allowed(name, table)) {
            print_error("%s (%s): %s\n", name, how, line);
            bad++;
        }
    }
    PQclear(r);
    return bad;
}

static int parameters(PGconn *c, const char *name)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = '%s'",
                   name);
    PGresult *r = PQexec(c, sql);
    assert_int_equal(PQntuples(r), 1);
    int n = atoi(PQgetvalue(r, 0, 0));
    PQclear(r);
    return n;
}

static int explain_generic(PGconn *c, const char *name)
{
    struct ork_buf sql = ORK_BUF_INIT;
    ork_buf_addf(&sql, "EXPLAIN EXECUTE %s", name);
    int n = parameters(c, name);
    for (int i = 0; i < n; i++)
        ork_buf_adds(&sql, i ? ", NULL" : "(NULL");
    ork_buf_adds(&sql, n ? ")" : "");
    int bad = judge(c, name, "any parameters", sql.data);
    ork_buf_fini(&sql);
    return bad;
}

static PGconn *session(const char *url, const char *mode, bool writes)
{
    PGconn *c = PQconnectdb(url);
    char *settings = text_of("settings"), sql[128];
    const char *values[] = {writes ? "true" : "false", "plans"};
    PGresult *r = PQexecParams(c, settings, 2, NULL, values, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    PQclear(r);
    (void)snprintf(sql, sizeof sql, "SET plan_cache_mode = %s", mode);
    PQclear(PQexec(c, sql));
    ork_free(settings);
    return c;
}

static bool prepare(PGconn *c, const char *name)
{
    char *sql = text_of(name);
    bool plain = !is_utility(sql);
    PGresult *r = plain ? PQprepare(c, name, sql, 0, NULL) : NULL;
    if (plain && PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", name, PQerrorMessage(c));
    PQclear(r);
    ork_free(sql);
    return plain;
}

static void test_no_statement_reads_a_history_through(void **state)
{
    (void)state;
    static const char *const names[] = {
#define X(name) #name,
        ORK_QUERIES(X) ORK_STATEMENTS(X)
#undef X
    };
    char *url = cluster_database("plans");
    int bad = 0;
    PGconn *c[2] = {session(url, "force_generic_plan", false), session(url, "force_generic_plan", true)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool writes = i >= ORK_Q_COUNT; /* statements of the writer, which shuns scans; those of readers do not */
        if (strcmp(names[i], "select") != 0 && strncmp(names[i], "migration_", 10) != 0 && prepare(c[writes], names[i]))
            bad += explain_generic(c[writes], names[i]);
    }
    PQfinish(c[0]);
    PQfinish(c[1]);
    ork_free(url);
    assert_int_equal(bad, 0);
}

/* As readers ask them: planned for what is asked. */
static void test_no_answer_needs_a_history(void **state)
{
    (void)state;
#define RUN "md5('r77')"
#define WF "md5('w7')"
#define TASK "md5('t77.3')"
#define OWNER "md5('c1')"
    static const char *const asked[][2] = {
        {"run_get", RUN "::uuid"},
        {"runs_list", "NULL, NULL, NULL, NULL, NULL, 50"},
        {"runs_list", "NULL, NULL, now() - interval '1 hour', NULL, NULL, 50"},
        {"runs_list", "NULL, NULL, NULL, now() - interval '1 hour', " RUN "::uuid, 50"},
        {"runs_list_of_status", "NULL, 'failed', NULL, NULL, NULL, 50"},
        {"runs_list_of_status", "NULL, 'success,cancelled', NULL, now() - interval '1 hour', " RUN "::uuid, 50"},
        {"runs_list_of_status", "NULL, 'running,paused', NULL, NULL, NULL, 50"},
        {"runs_list_of_workflow", "'w7', NULL, NULL, NULL, NULL, 50"},
        {"runs_list_of_both", "'w7', 'failed,running', NULL, NULL, NULL, 50"},
        {"runs_match", "NULL, 'abcdef12', 2"},
        {"runs_match", "'0123', NULL, 2"},
        {"runs_of_workflow", "'w7', 3"},
        {"run_of_key", "'w7', 'k'"},
        {"run_of_time", "'w7', now()"},
        {"run_last", NULL},
        {"runs_mine", OWNER "::uuid"},
        {"runs_orphans", NULL},
        {"runs_left", NULL},
        {"runs_free", "50"},
        {"waiting_runs", NULL},
        {"commands_open", OWNER "::uuid"},
        {"commands_free", "50"},
        {"owed_within", RUN "::uuid"},
        {"commands_of_run", RUN "::uuid"},
        {"events_of_run", RUN "::uuid, 0, 50"},
        {"events_last", RUN "::uuid"},
        {"tasks_load", RUN "::uuid"},
        {"tasks_list", RUN "::uuid, NULL, NULL, 50"},
        {"tasks_counts", RUN "::uuid"},
        {"task_get", RUN "::uuid, 'task3'"},
        {"task_output", RUN "::uuid, 3"},
        {"tasks_outputs", RUN "::uuid, 0, 50"},
        {"attempts_of_task", TASK "::uuid"},
        {"attempts_live", RUN "::uuid"},
        {"runs_ended", "now() - interval '10 min', now() - interval '1 hour'"},
        {"runs_old", WF "::uuid, NULL, NULL, NULL, NULL, NULL, 50"},
        {"run_nth", WF "::uuid, 100"},
        {"runs_doomed", "50"},
        {"workflows_list", "NULL, false, NULL, 50"},
        {"schedules_due", "50"},
    };
    char *url = cluster_database("plans");
    PGconn *c = session(url, "force_custom_plan", false);
    int bad = 0;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ork_buf sql = ORK_BUF_INIT;
        const char *given = asked[i][1];
        if (i == 0 || strcmp(asked[i][0], asked[i - 1][0]) != 0)
            (void)prepare(c, asked[i][0]);
        ork_buf_addf(&sql, "EXPLAIN EXECUTE %s", asked[i][0]);
        if (given)
            ork_buf_addf(&sql, " (%s)", given);
        bad += judge(c, asked[i][0], given ? given : "", sql.data);
        ork_buf_fini(&sql);
    }
    PQfinish(c);
    ork_free(url);
    assert_int_equal(bad, 0);
}

/* What each start, fire and bell asks finds the few runs that are on their way, not those of a workflow or all. */
static void test_few_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        const char *name, *given, *index;
    } asked[] = {
        {"runs_free", "50", "idx_runs_open"},
        {"runs_mine", OWNER "::uuid", "idx_runs_open"},
        {"commands_open", OWNER "::uuid", "idx_commands_open"},
        {"schedule_busy", WF "::uuid", "idx_runs_workflow_status"},
        {"runs_resumable", WF "::uuid, md5('s7')::uuid, NULL, NULL, NULL, NULL", "idx_runs_workflow_status"},
    };
    char *url = cluster_database("plans");
    for (size_t i = 0; i < 2 * (sizeof asked / sizeof *asked); i++) {
        size_t at = i / 2;
        PGconn *c = session(url, i % 2 ? "force_generic_plan" : "force_custom_plan", i % 2);
        struct ork_buf sql = ORK_BUF_INIT;
        bool found = false;
        (void)prepare(c, asked[at].name);
        ork_buf_addf(&sql, "EXPLAIN EXECUTE %s (%s)", asked[at].name, asked[at].given);
        PGresult *r = PQexec(c, sql.data);
        assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
        for (int line = 0; line < PQntuples(r); line++)
            found = found || strstr(PQgetvalue(r, line, 0), asked[at].index);
        for (int line = 0; !found && line < PQntuples(r); line++)
            print_error("%s\n", PQgetvalue(r, line, 0));
        if (!found)
            fail_msg("%s does not use %s", asked[at].name, asked[at].index);
        PQclear(r);
        PQfinish(c);
        ork_buf_fini(&sql);
    }
    ork_free(url);
}

static int set_up(void **state)
{
    (void)state;
    char *url = test_url("plans");
    bool all = getenv("ORK_TEST_LONG");
    fill(url, all ? 100000 : 50000, all ? 10 : 2);
    ork_free(url);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_no_statement_reads_a_history_through, set_up),
                                       cmocka_unit_test(test_no_answer_needs_a_history),
                                       cmocka_unit_test(test_few_are_looked_at)};
    return TEST_ON_POSTGRES("plans", tests);
}
