/* SPDX-License-Identifier: MIT */
/* A year of fifty schedules on a fake clock, carried out by schedulers that are killed at random while the clock jumps:
 * what got a run is exactly what a list made without any of Ork's code names.
 *
 * Schedulers are children of the test with a clock in shared memory. Each sets it on to the next instant anything is
 * due (late by some seconds, sometimes by hours, sometimes backwards, never before the year) and works until nothing is
 * left to do. The tasks are of an executor that is not there, so runs end without processes. The years are far ahead,
 * so no real timer rings.
 */
#include "engine/lib_serve.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCHEDULES 50
#define MINUTE 60000ll
#define BEGIN SERVE_T0
/* Under valgrind, where a scheduler takes seconds to begin, six weeks are a year. */
#define SLOW (getenv("ORK_TEST_SLOW") != NULL)
#define JITTER (10 * MINUTE)
#define END (BEGIN + (SLOW ? 42ll : 365ll) * 24 * 60 * MINUTE)

/* ---- the clock that all share ---- */

struct shared {
    _Atomic int64_t now_ms;
    _Atomic int over; /* nothing is due before END any more */
};
static struct shared *shared;

/* ---- the schedules, and the list of their times by the C library's calendar ---- */

static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                    "Asia/Kathmandu"};

struct plan {
    char name[16], option[256];
    const char *zone;
    int minute, hour, day, weekday; /* day 0, weekday -1: every */
    int64_t *times;
    size_t n;
    int jitter_ms;
};
static struct plan plans[SCHEDULES];

static void make_plans(void)
{
    for (int i = 0; i < SCHEDULES; i++) {
        struct plan *p = &plans[i];
        *p = (struct plan){.minute = (int)(random() % 60), .hour = (int)(random() % 24), .weekday = -1};
        if (i % 3 == 0)
            p->hour = (int)(random() % 4); /* where clocks change */
        if (i % 5 == 1)
            p->day = 1 + (int)(random() % 28);
        else if (i % 5 < 4)
            p->weekday = (int)(random() % 7);
        snprintf(p->name, sizeof(p->name), "w%02d", i);
        p->zone = zones[i % 5];
        p->jitter_ms = i % 7 == 0 ? (int)JITTER : 0;
    }
}

/* The instant of a local day and time: the first at which clocks show it, else the first after they passed over it. */
static int64_t instant(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = day, .tm_hour = 12, .tm_isdst = -1};
    time_t t = mktime(&tm) - 16 * 3600; /* before that day begins */
    int wanted = hour * 60 + minute;
    struct tm seen;

    for (;; t += 60) {
        localtime_r(&t, &seen);
        if (seen.tm_mday == day && seen.tm_mon == month && seen.tm_hour * 60 + seen.tm_min >= wanted)
            return (int64_t)t * 1000; /* clocks that go back show it again later, or have shown it before */
    }
}

static void list_times(struct plan *p)
{
    setenv("TZ", p->zone, 1);
    tzset();
    p->times = calloc(400, sizeof(*p->times));
    for (int d = 0; d < 367; d++) { /* days by the calendar, from 31 December on */
        struct tm tm = {.tm_year = 130, .tm_mon = 0, .tm_mday = d, .tm_hour = 12, .tm_isdst = -1};
        (void)mktime(&tm);
        if ((p->day && tm.tm_mday != p->day) || (p->weekday >= 0 && tm.tm_wday != p->weekday))
            continue;
        int64_t at = instant(tm.tm_year + 1900, tm.tm_mon, tm.tm_mday, p->hour, p->minute);
        if (at > BEGIN && at < END)
            p->times[p->n++] = at;
    }
    unsetenv("TZ");
    tzset();
}

/* A plan whose last time jitter might carry past the year has none: the list does not know by how much. */
static void write_option(struct plan *p, const char *overlap)
{
    char day[8] = "*", weekday[8] = "*";

    if (p->day)
        snprintf(day, sizeof(day), "%d", p->day);
    if (p->weekday >= 0)
        snprintf(weekday, sizeof(weekday), "%d", p->weekday);
    if (p->n && p->times[p->n - 1] >= END - JITTER)
        p->jitter_ms = 0;
    snprintf(p->option, sizeof(p->option),
             "{\"schedule\":{\"cron\":\"%d %d %s * %s\",\"timezone\":\"%s\",\"catchup\":\"all\","
             "\"catchup_limit\":10000,\"overlap\":\"%s\",\"jitter_ms\":%d}}",
             p->minute, p->hour, day, weekday, p->zone, overlap, p->jitter_ms);
}

/* ---- a scheduler ---- */

static int64_t next_due(ork_engine *e)
{
    struct ork_rows *rows = NULL;
    struct ork_param p[] = {ORK_P_INT(1)};
    ork_err err;
    int64_t at = 0;

    if (ork_store_query(e->store, ORK_Q_schedules_due, p, 1, &rows, &err) == 0 && ork_rows_len(rows))
        at = ork_rows_time(rows, 0, "fire_at");
    ork_rows_free(rows);
    return at;
}

static void move_clock(ork_engine *e, int64_t due)
{
    int64_t now = shared->now_ms, to = due > now ? due + random() % 20000 : now;
    int dice = (int)(random() % 60);

    if (dice == 0)
        to += random() % (50 * 60 * MINUTE);
    else if (dice == 1)
        to -= random() % (3 * 60 * MINUTE);
    if (to < BEGIN)
        to = BEGIN; /* times of before, which the list does not have, would be due again */
    shared->now_ms = to < END ? to : END - 1;
    if (dice < 2)
        ork_schedules_check(e); /* as the kernel tells that the clock was set */
    else
        ork_schedules_look(e);
}

static void serve(const char *url, unsigned seed)
{
    struct ork_engine_opts o = {.url = url, .jobs = 4};
    ork_engine *e;
    ork_err err = {0};

    srandom(seed);
    if (ork_engine_open(&o, &e, &err) != 0)
        _exit(40);
    serve_clock(e, &shared->now_ms);
    if (ork_engine_serve(e, &err) != 0)
        _exit(41);
    for (;;) {
        while (!serve_idle(e))
            (void)ork_engine_step(e, true);
        int64_t due = next_due(e);
        if (!due || due >= END) {
            shared->over = 1;
            _exit(0);
        }
        if (due > shared->now_ms || random() % 2)
            move_clock(e, due);
        else
            ork_schedules_look(e);
        if (serve_idle(e)) /* another scheduler came first: its commit rings */
            (void)ork_engine_step(e, false);
    }
}

/* ---- the test ---- */

static void apply_all(struct world *w)
{
    ork_workflow *all[SCHEDULES];
    ork_err err = {0};
    char *out = NULL;

    for (int i = 0; i < SCHEDULES; i++) {
        all[i] = flow(plans[i].name, plans[i].option);
        (void)task_with(all[i], (struct ork_task_spec){.name = "t", .executor = ORK_EXEC_OTHER, .params = "{}"}, NULL);
        seal(all[i]);
    }
    serve_clock(w->engine, &shared->now_ms);
    if (ork_workflow_apply(w->engine, all, SCHEDULES, NULL, &out, &err) != 0)
        fail_msg("apply: %s", err.msg);
    ork_free(out);
    for (int i = 0; i < SCHEDULES; i++)
        ork_workflow_unref(all[i]);
}

static void compare(struct world *w, unsigned seed)
{
    for (int i = 0; i < SCHEDULES; i++) {
        struct plan *p = &plans[i];
        char sql[200], text[32];
        size_t missing = 0;
        for (size_t k = 0; k < p->n; k++) {
            ork_time_format(p->times[k], text);
            snprintf(sql, sizeof(sql),
                     "SELECT count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name='%s' AND "
                     "scheduled_for='%s'",
                     p->name, text);
            char *n = query(w, sql);
            if (strcmp(n, "1") != 0 && missing++ == 0)
                print_error("%s (ORK_TEST_SEED=%u): %s has %s runs\n", p->option, seed, text, n);
            free(n);
        }
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.name='%s'", p->name);
        char *n = query(w, sql);
        if (missing || (size_t)atoi(n) != p->n)
            fail_msg("%s (ORK_TEST_SEED=%u): %s runs, %zu times, %zu of them without one", p->option, seed, n, p->n,
                     missing);
        free(n);
    }
    assert_query(w, "SELECT count(*) FROM runs WHERE status NOT IN ('failed')", "0");
}

static pid_t begin(const char *url, unsigned seed)
{
    pid_t pid = fork();

    if (pid == 0)
        serve(url, seed);
    assert_true(pid > 0);
    return pid;
}

#define DAY_MS 86400000

/* Until they have come up to nine days further: however long a start takes, each of them comes to something. What one
 * is killed in the middle of is chance. */
static void let_pass(void)
{
    int64_t until = shared->now_ms + random() % (9 * (int64_t)DAY_MS);

    while (shared->now_ms < until && !shared->over)
        (void)usleep(1000);
    (void)usleep((useconds_t)(random() % 20000));
}

/* `many` schedulers at once; one of them is killed every few days of theirs. */
static void run_year(struct world *w, int many)
{
    const char *given = getenv("ORK_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL), kills = 0;
    char command[64];
    pid_t pids[4];
    int status;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    shared->now_ms = BEGIN;
    /* killed programs lose nothing that was written: memory will do, and saves the year's thirty thousand syncs */
    char dir[] = "/dev/shm/ork-year-XXXXXX";
    if (mkdtemp(dir))
        (void)snprintf(w->url, sizeof(w->url), "sqlite:%s/ork.db", dir);
    srandom(seed);
    memset(plans, 0, sizeof(plans));
    make_plans();
    for (int i = 0; i < SCHEDULES; i++) {
        list_times(&plans[i]);
        write_option(&plans[i], i % 2 ? "queue" : "allow");
    }
    world_engine(w);
    apply_all(w);
    world_leave(w);
    for (int i = 0; i < many; i++)
        pids[i] = begin(w->url, (unsigned)random());
    while (!shared->over) {
        int victim = (int)(random() % many);
        let_pass();
        (void)kill(pids[victim], SIGKILL);
        assert_int_equal(waitpid(pids[victim], &status, 0), pids[victim]);
        kills += WIFSIGNALED(status);
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            fail_msg("a scheduler ended with %d (ORK_TEST_SEED=%u)", WEXITSTATUS(status), seed);
        pids[victim] = begin(w->url, (unsigned)random());
    }
    for (int i = 0; i < many; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], &status, 0);
    }
    pid_t last = begin(w->url, seed); /* what was left is finished */
    assert_int_equal(waitpid(last, &status, 0), last);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(SLOW || kills > 3);
    world_engine(w);
    compare(w, seed);
    world_leave(w);
    for (int i = 0; i < SCHEDULES; i++)
        free(plans[i].times);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    (void)!system(command);
    (void)munmap(shared, sizeof(*shared));
}

static void one_scheduler(void **state)
{
    run_year(*state, 1);
}

static void two_schedulers(void **state)
{
    run_year(*state, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_scheduler, world_setup_dir, world_teardown),
        cmocka_unit_test_setup_teardown(two_schedulers, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
