/* SPDX-License-Identifier: MIT */
#include "engine/lib_engine.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#define LIMIT_S 100 /* of one test; times ten under valgrind, where ORK_TEST_SLOW is set */

static void on_change(void *data, const struct ork_change *c)
{
    struct world *w = data;

    if (w->changes == w->changes_cap) { /* one at a time takes minutes under the address sanitizer */
        w->changes_cap = w->changes_cap ? 2 * w->changes_cap : 64;
        w->change = realloc(w->change, w->changes_cap * sizeof(*w->change));
    }
    struct change *x = &w->change[w->changes++];
    *x = (struct change){
        .to = c->to, .kind = c->kind, .attempt = c->attempt, .adopted = c->adopted, .took_ms = c->took_ms};
    (void)snprintf(x->run, sizeof(x->run), "%s", c->run_id);
    (void)snprintf(x->task, sizeof(x->task), "%s", c->task ? c->task : "");
    (void)snprintf(x->error, sizeof(x->error), "%s", c->error ? c->error : "");
    if (c->error)
        (void)snprintf(w->last_error, sizeof(w->last_error), "%s", c->error);
}

void world_engine(struct world *w)
{
    struct ork_engine_opts o = {
        .url = w->url, .data_dir = w->data_dir, .flags = ORK_OPEN_CREATE, .jobs = w->jobs, .log_level = w->log_level};
    ork_err err = {0};

    if (ork_engine_open(&o, &w->engine, &err) != 0)
        fail_msg("open: %s", err.msg);
    ork_engine_on_change(w->engine, on_change, w);
}

void world_leave(struct world *w)
{
    ork_engine_close(w->engine);
    w->engine = NULL;
    free(w->change);
    w->change = NULL;
    w->changes = w->changes_cap = w->seen = 0;
}

void world_reopen(struct world *w)
{
    world_leave(w);
    world_engine(w);
}

/* Tasks of a test that failed may wait for ever: whoever works in the folder is ended. */
static void end_tasks(struct world *w)
{
    DIR *proc = opendir("/proc");
    char path[300], cwd[300];

    for (struct dirent *d = readdir(proc); d; d = readdir(proc)) {
        int pid = atoi(d->d_name);
        (void)snprintf(path, sizeof(path), "/proc/%s/cwd", d->d_name);
        ssize_t n = pid > 0 && pid != getpid() ? readlink(path, cwd, sizeof(cwd) - 1) : -1;
        if (n > 0 && (size_t)n >= strlen(w->dir) && memcmp(cwd, w->dir, strlen(w->dir)) == 0)
            (void)kill(pid, SIGKILL);
    }
    closedir(proc);
}

/* TEST=name* runs only these. */
__attribute__((constructor)) static void choose(void)
{
    const char *pattern = getenv("TEST");

    if (pattern)
        cmocka_set_test_filter(pattern);
}

static struct world *present;

/* The test hangs: nothing of it may be left behind. */
static void on_alarm(int sig)
{
    static const char said[] = "the test takes too long\n";

    (void)!write(2, said, sizeof(said) - 1);
    end_tasks(present);
    (void)signal(sig, SIG_DFL);
    (void)raise(sig);
}

void world_dir(struct world *w)
{
    memset(w, 0, sizeof(*w));
    strcpy(w->dir, "/tmp/ork-engine-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(chdir(w->dir), 0);
    (void)snprintf(w->url, sizeof(w->url), "sqlite:%s/ork.db", w->dir);
    w->jobs = 4;
    /* an agent that lingers for less than its client needs to greet it would never be of use */
    setenv("ORK_AGENT_LINGER_MS", getenv("ORK_TEST_SLOW") ? "1000" : "50", 1);
    setenv("ORK_MIN_FREE_MB", "0", 1);
    present = w;
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(getenv("ORK_TEST_SLOW") ? LIMIT_S * 10 : LIMIT_S);
}

void world_open(struct world *w)
{
    world_dir(w);
    world_engine(w);
}

/* Agents hold the lock of their folder while they live. */
static void wait_agents(struct world *w)
{
    char pattern[100];
    glob_t found;

    (void)snprintf(pattern, sizeof(pattern), "%s/{,*/}agent/lock*", w->dir);
    if (glob(pattern, GLOB_BRACE, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            int fd = open(found.gl_pathv[i], O_RDWR | O_CLOEXEC);
            assert_true(fd >= 0);
            while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
                end_tasks(w); /* one may have been started meanwhile */
                (void)usleep(5000);
            }
            close(fd);
        }
        globfree(&found);
    }
}

void world_close(struct world *w)
{
    char cmd[128];

    world_leave(w);
    end_tasks(w);
    wait_agents(w);
    (void)alarm(0);
    assert_int_equal(chdir("/"), 0);
    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", w->dir);
    assert_int_equal(system(cmd), 0);
}

static int setup(void **state, void (*open)(struct world *))
{
    struct world *w = test_calloc(1, sizeof(*w));

    open(w);
    *state = w;
    return 0;
}

int world_setup(void **state)
{
    return setup(state, world_open);
}

int world_setup_dir(void **state)
{
    return setup(state, world_dir);
}

int world_teardown(void **state)
{
    world_close(*state);
    test_free(*state);
    return 0;
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
    return start_with(w, f, (struct ork_start_opts){0});
}

struct ork_started start_with(struct world *w, ork_workflow *f, struct ork_start_opts o)
{
    struct ork_started s;
    ork_err err = {0};

    if (!o.params)
        o.params = "{}";
    if (!o.triggered_by)
        o.triggered_by = "manual";

    if (ork_run_start(w->engine, f, &o, &s, &err) != 0)
        fail_msg("start: %s", err.msg);
    return s;
}

int run_to_end(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT])
{
    struct ork_started s;

    seal(f);
    s = start(w, f);
    if (run_id)
        strcpy(run_id, s.run_id);
    return wait_end(w, s.run_id);
}

int wait_end(struct world *w, const char *run_id)
{
    int status;
    ork_err err = {0};

    if (ork_run_wait(w->engine, run_id, getenv("ORK_TEST_SLOW") ? 600000 : 60000, &status, &err) != 0)
        fail_msg("wait: %s", err.msg);
    return status;
}

void until(struct world *w, const char *task, int status)
{
    for (;;) {
        while (w->seen < w->changes) {
            const struct change *c = &w->change[w->seen++];
            if (strcmp(c->task, task ? task : "") == 0 && c->to == status)
                return;
        }
        (void)ork_engine_step(w->engine, true);
    }
}

void command(struct world *w, const char *run_id, const char *kind, const char *args, const char *outcome)
{
    char *how = NULL;
    ork_err err = {0};

    if (ork_run_command(w->engine, run_id, kind, args, &how, &err) != 0)
        fail_msg("%s: %s", kind, err.msg);
    if (outcome)
        assert_string_equal(how, outcome);
    ork_free(how);
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

void until_query(struct world *w, const char *sql, const char *expected)
{
    for (;;) {
        char *text = query(w, sql);
        bool same = strcmp(text, expected) == 0;
        free(text);
        if (same)
            return;
        (void)ork_engine_step(w->engine, true);
    }
}

void change_rows(struct world *w, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;

    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

void last_run(struct world *w, char run_id[ORK_ID_TEXT])
{
    char *hex = query(w, "SELECT lower(hex(id)) FROM runs ORDER BY id DESC LIMIT 1");

    assert_int_equal(strlen(hex), 32);
    (void)snprintf(run_id, ORK_ID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    free(hex);
}
