/* SPDX-License-Identifier: MIT */
/* Owners among processes: a run belongs to its owner while the owner lives, and to whoever asks as soon as it is dead.
 * Real processes, killed with SIGKILL. */
#include "store/lib_child.h"
#include "store/lib_cluster.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    char *url;
    const ork_workflow *w;
};

/* Registers, makes a run and takes pool slots, tells the ids, and stays until told to go. */
static void own(int in, int out, void *data)
{
    struct shared *s = data;
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &c);
    struct ork_slots slots = {.pool = "db", .want = 1};
    ork_batch_add(&b, ORK_UNIT_TAKE_SLOTS)->take = &slots;
    test_apply_ok(&t, &b);
    ork_batch_fini(&b);
    if (write(out, &t.me, sizeof t.me) != sizeof t.me || write(out, &c.run_id, sizeof c.run_id) != sizeof c.run_id)
        _exit(2);
    if (child_wait(in) == 'q')
        test_close(&t);
}

static struct child start_owner(struct shared *s, ork_id *owner, ork_id *run)
{
    struct child c = child_start(own, s);
    assert_int_equal(read(c.from, owner, sizeof *owner), sizeof *owner);
    assert_int_equal(read(c.from, run, sizeof *run), sizeof *run);
    return c;
}

static struct ork_claim claim(struct test_store *t, const ork_id *run)
{
    struct ork_batch b = {0};
    struct ork_claim c = {.run_id = *run};
    ork_batch_add(&b, ORK_UNIT_CLAIM)->claim = &c;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
    return c;
}

static uint32_t take(struct test_store *t)
{
    struct ork_batch b = {0};
    struct ork_slots s = {.pool = "db", .want = 1};
    ork_batch_add(&b, ORK_UNIT_TAKE_SLOTS)->take = &s;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
    return s.granted;
}

/* After SIGKILL: the kernel drops a file's lock with the process; a server's session ends when the server has seen it.
 */
static void await_end(struct shared *s, const ork_id *owner)
{
    char id[ORK_ID_TEXT], sql[200];
    if (test_backend != TEST_POSTGRES)
        return;
    ork_id_format(owner, id);
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%%%s'", id);
    cluster_wait(s->url, sql, 0);
    cluster_wait_old();
}

static void end_by_sigkill(struct shared *s, struct child *c, const ork_id *owner)
{
    assert_int_equal(kill(c->pid, SIGKILL), 0);
    assert_int_equal(child_end(c), 128 + SIGKILL);
    await_end(s, owner);
}

static int setup(void **state)
{
    static struct shared s;
    static int serial;
    char name[32];
    (void)snprintf(name, sizeof name, "owner%d.db", serial++);
    s.url = test_url(name);
    s.w = test_workflow("etl", 2);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct shared *s = *state;
    ork_free(s->url);
    ork_workflow_unref((ork_workflow *)s->w);
    return 0;
}

static void test_claimed_after_sigkill(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    struct child c = start_owner(s, &owner, &run);
    test_open(&t, s->url);
    test_register(&t);
    assert_true(ork_store_owner_alive(t.store, &owner));
    struct ork_claim r = claim(&t, &run);
    assert_false(r.claimed);
    assert_true(ork_id_eq(&r.owner, &owner));
    assert_int_equal(r.status, ORK_RUN_PENDING);
    assert_int_equal(take(&t), 0);
    end_by_sigkill(s, &c, &owner);
    assert_false(ork_store_owner_alive(t.store, &owner));
    r = claim(&t, &run);
    assert_true(r.claimed);
    assert_int_equal(take(&t), 1); /* its slots are free again */
    assert_int_equal(test_count(s->url, "SELECT count(*) FROM schedulers WHERE state = 'dead'"), 1);
    assert_int_equal(test_count(s->url, "SELECT count(*) FROM pool_use"), 1); /* mine */
    struct ork_rows *rows = test_query(&t, ORK_Q_runs_mine, (struct ork_param[]){ORK_P_ID(&t.me)}, 1);
    assert_int_equal(ork_rows_len(rows), 1);
    ork_rows_free(rows);
    test_close(&t);
}

/* Who registered earlier takes up a run of who came later: agents know the later one's seq, so it gets a higher one. Of
 * a run that is somebody else's it gets none. */
static void test_outbids_who_came_later(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    struct ork_new_run own;
    ork_id owner, run;
    uint64_t seq = 0;
    bool mine = true;
    ork_err err;
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &own);
    struct child c = start_owner(s, &owner, &run);
    assert_int_equal(ork_store_outbid(t.store, &run, &mine, &seq, &err), 0);
    assert_false(mine);
    assert_int_equal(seq, 0);
    end_by_sigkill(s, &c, &owner);
    assert_true(claim(&t, &run).claimed);
    int last = (int)test_count(s->url, "SELECT max(seq) FROM schedulers");
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(ork_store_outbid(t.store, &run, &mine, &seq, &err), 0);
        assert_true(mine);
        assert_int_equal(seq, last + i);
        assert_int_equal(test_count(s->url, "SELECT max(seq) FROM schedulers WHERE state = 'live'"), seq);
    }
    assert_true(claim(&t, &run).claimed); /* the fence knows it */
    struct child later = start_owner(s, &owner, &run);
    assert_int_equal(test_count(s->url, "SELECT max(seq) FROM schedulers"), seq + 1); /* never given twice */
    child_tell(later.to, 'q');
    assert_int_equal(child_end(&later), 0);
    test_close(&t);
}

static void test_only_the_living_keep_a_file(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    struct child c = start_owner(s, &owner, &run);
    test_open(&t, s->url);
    test_register(&t);
    end_by_sigkill(s, &c, &owner);
    assert_true(claim(&t, &run).claimed);
    char dir[300];
    size_t files = 0;
    (void)snprintf(dir, sizeof dir, "%s-owners", ork_store_path(t.store));
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));)
        files += e->d_name[0] != '.';
    (void)closedir(d);
    assert_int_equal(files, 1);
    test_close(&t);
}

/* A stopped owner stays owner: its runs are not stolen, and who waits, waits. */
#define LARGE (256u << 20)

static void own_large(int in, int out, void *data)
{
    char *memory = malloc(LARGE);

    assert_non_null(memory);
    memset(memory, 1, LARGE);
    own(in, out, data);
    free(memory);
}

/* The kernel takes its memory apart first, and its locks fall after that: who asks meanwhile waits. */
static void test_killed_is_dead_at_once(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;

    if (getenv("ORK_TEST_SLOW")) {
        print_message("left out: valgrind has no pidfd_open\n");
        skip(); /* valgrind has no pidfd_open, by which its end is waited for */
    }
    struct child c = child_start(own_large, s);

    assert_int_equal(read(c.from, &owner, sizeof owner), sizeof owner);
    assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
    test_open(&t, s->url);
    test_register(&t);
    assert_true(ork_store_owner_alive(t.store, &owner));
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    assert_false(ork_store_owner_alive(t.store, &owner));
    struct ork_claim r = claim(&t, &run);
    assert_true(r.claimed);
    assert_int_equal(child_end(&c), 128 + SIGKILL);
    test_close(&t);
}

static void test_stopped_owner_stays(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    struct child c = start_owner(s, &owner, &run);
    int status;
    test_open(&t, s->url);
    test_register(&t);
    assert_int_equal(kill(c.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
    assert_true(WIFSTOPPED(status));
    assert_true(ork_store_owner_alive(t.store, &owner));
    assert_false(claim(&t, &run).claimed);
    assert_int_equal(kill(c.pid, SIGCONT), 0);
    child_tell(c.to, 'q');
    assert_int_equal(child_end(&c), 0);
    assert_false(ork_store_owner_alive(t.store, &owner));
    assert_true(claim(&t, &run).claimed);
    test_close(&t);
}

struct death {
    int calls;
    ork_id who;
};

static void on_death(void *data, const ork_id *who)
{
    struct death *d = data;
    d->calls++;
    d->who = *who;
}

/* The kernel tells of a death: the loop sleeps until then. Two watchers do not take each other for the owner. */
static void test_watch(void **state)
{
    struct shared *s = *state;
    struct test_store t, other;
    ork_id owner, run;
    ork_err err;
    struct death a = {0}, b = {0}, gone = {0}, never = {0};
    struct child c = start_owner(s, &owner, &run);
    test_open(&t, s->url);
    test_register(&t);
    test_open(&other, s->url);
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_death, &a, &err), 0);
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_death, &b, &err), 0);
    assert_int_equal(ork_store_owner_watch(other.store, &t.me, on_death, &never, &err), 0); /* cancelled by the close */
    ork_id nobody = test_id();
    assert_int_equal(ork_store_owner_watch(t.store, &nobody, on_death, &gone, &err), 0);
    while (!gone.calls)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(a.calls + b.calls, 0);
    assert_true(ork_store_owner_alive(t.store, &owner));
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    while (!a.calls || !b.calls)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(child_end(&c), 128 + SIGKILL);
    assert_true(ork_id_eq(&a.who, &owner) && ork_id_eq(&b.who, &owner));
    assert_true(claim(&t, &run).claimed);
    assert_true(ork_store_owner_alive(t.store, &t.me));
    assert_true(ork_store_owner_alive(other.store, &t.me));
    test_close(&other);
    assert_int_equal(never.calls, 0);
    assert_int_equal(a.calls + b.calls + gone.calls, 3);
    test_close(&t);
}

/* Tasks must not inherit the lock: a child program of a dead owner does not keep it alive. */
static void own_with_child(int in, int out, void *data)
{
    struct shared *s = data;
    struct test_store t;
    struct ork_new_run c;
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &c);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(in, 0); /* lives as long as the test holds the other end */
        (void)execlp("cat", "cat", (char *)NULL);
        _exit(127);
    }
    if (write(out, &t.me, sizeof t.me) != sizeof t.me || write(out, &c.run_id, sizeof c.run_id) != sizeof c.run_id)
        _exit(2);
    (void)waitpid(pid, NULL, 0);
}

static void test_lock_is_not_inherited(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    ork_err err;
    struct death d = {0};
    struct child c = child_start(own_with_child, s);
    assert_int_equal(read(c.from, &owner, sizeof owner), sizeof owner);
    assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
    test_open(&t, s->url);
    test_register(&t);
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_death, &d, &err), 0);
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    while (!d.calls) /* though its child still runs */
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_true(claim(&t, &run).claimed);
    assert_int_equal(child_end(&c), 128 + SIGKILL);
    test_close(&t);
}

/* An unfinished run of a dead owner is resumed by the same script, started again. */
static void test_resume_after_death(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    struct ork_batch b = {0};
    struct ork_new_run r;
    ork_id owner, run;
    struct child c = start_owner(s, &owner, &run);
    test_open(&t, s->url);
    test_register(&t);
    test_new_run(&r, s->w);
    r.resume = true;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_CREATED); /* the other one lives */
    test_exec(s->url, "UPDATE runs SET idempotency_key = 'k' WHERE id = (SELECT id FROM runs ORDER BY id LIMIT 1)");
    test_new_run(&r, s->w);
    r.key = TEXT("k");
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_OWNED); /* by a key too */
    assert_true(ork_id_eq(&r.owner, &owner) && ork_id_eq(&r.run_id, &run));
    end_by_sigkill(s, &c, &owner);
    test_new_run(&r, s->w);
    r.resume = true;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_RESUMED);
    assert_true(ork_id_eq(&r.run_id, &run));
    ork_batch_fini(&b);
    test_close(&t);
}

/* Last night's run was interrupted; tonight's has a name, or a time, of its own. */
static void test_a_key_or_a_time_names_another_run(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    struct ork_batch b = {0};
    struct ork_new_run r;
    ork_id owner, run;
    struct child c = start_owner(s, &owner, &run);

    test_open(&t, s->url);
    test_register(&t);
    end_by_sigkill(s, &c, &owner);
    test_new_run(&r, s->w);
    int64_t at = r.logical_ms;
    r.resume = true;
    r.key = TEXT("tonight");
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_CREATED);
    test_new_run(&r, s->w);
    r.resume = r.at = true;
    r.logical_ms = at + 86400000;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_CREATED);
    test_new_run(&r, s->w);
    r.resume = r.at = true;
    r.logical_ms = at;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = &r;
    test_apply_ok(&t, &b);
    assert_int_equal(r.how, ORK_RESUMED);
    assert_true(ork_id_eq(&r.run_id, &run));
    ork_batch_fini(&b);
    test_close(&t);
}

/* The overtaken one, continued, may not write. */
static void overtaken(int in, int out, void *data)
{
    struct shared *s = data;
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    ork_err err;
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &c);
    if (write(out, &t.me, sizeof t.me) != sizeof t.me || write(out, &c.run_id, sizeof c.run_id) != sizeof c.run_id)
        _exit(2);
    (void)child_wait(in);
    struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_RUN);
    u->run.id = c.run_id;
    u->run.status = ORK_RUN_SUCCESS;
    _exit(test_apply(&t, &b, NULL, &err) == ORK_EFENCED ? 42 : 1);
}

static void test_overtaken_is_fenced(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    struct child c = child_start(overtaken, s);
    assert_int_equal(read(c.from, &owner, sizeof owner), sizeof owner);
    assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
    test_open(&t, s->url);
    test_register(&t);
    /* Its lock file is removed by hand: to all others it is dead, though it lives. */
    char lock[400], hex[33] = "";
    for (int i = 0; i < 16; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", owner.b[i]);
    (void)snprintf(lock, sizeof lock, "%s-owners/%s", ork_store_path(t.store), hex);
    assert_int_equal(unlink(lock), 0);
    assert_true(claim(&t, &run).claimed);
    child_tell(c.to, 'g');
    assert_int_equal(child_end(&c), 42);
    struct ork_rows *r = test_query(&t, ORK_Q_run_get, (struct ork_param[]){ORK_P_ID(&run)}, 1);
    assert_string_equal(ork_rows_text(r, 0, "status"), "pending");
    ork_rows_free(r);
    test_close(&t);
}

/* Half-way through a batch a stopped process holds the lock of its own row, and its session's lock lives on: only its
 * beat tells. Its sessions are ended, its runs taken, and continued it is refused. */
static void test_a_hung_one_is_overtaken(void **state)
{
    struct shared *s = *state;
    struct test_store t;
    ork_id owner, run;
    ork_err err;
    struct death d = {0};
    char id[ORK_ID_TEXT], sql[300];
    int status;
    struct child c = child_start(overtaken, s);
    assert_int_equal(read(c.from, &owner, sizeof owner), sizeof owner);
    assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
    cluster_wait_old();
    test_open(&t, s->url);
    test_register(&t);
    assert_int_equal(kill(c.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
    ork_id_format(&owner, id);
    (void)snprintf(
        sql, sizeof sql,
        "SET application_name = 'ork %s'; BEGIN; UPDATE schedulers SET last_batch = last_batch + 1 WHERE id = "
        "'%s'",
        id, id);
    void *batch = cluster_hold(s->url, sql);
    uint64_t start = uv_hrtime();
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_death, &d, &err), 0);
    assert_false(claim(&t, &run).claimed);
    while (!d.calls)
        uv_run(&t.loop, UV_RUN_ONCE);
    print_message("noticed after %llu ms\n", (unsigned long long)(uv_hrtime() - start) / 1000000);
    assert_true(claim(&t, &run).claimed);
    cluster_release(batch);
    assert_int_equal(kill(c.pid, SIGCONT), 0);
    child_tell(c.to, 'g');
    assert_int_equal(child_end(&c), 42);
    struct ork_rows *r = test_query(&t, ORK_Q_run_get, (struct ork_param[]){ORK_P_ID(&run)}, 1);
    assert_string_equal(ork_rows_text(r, 0, "status"), "pending");
    ork_rows_free(r);
    test_close(&t);
}

static void ignore_bell(void *data)
{
    (void)data;
}

/* Runs a loop until the query gives n. */
static void drive_until(struct test_store *t, const char *url, const char *sql, int64_t n)
{
    while (cluster_count(url, sql) != n)
        (void)uv_run(&t->loop, UV_RUN_NOWAIT);
}

/* A lock that fell with a connection is taken again; nobody is declared dead for that. The loops take turns: the loser
 * is back before the other one, whose grace begins when it hears of the lock, looks; that look is over when it waits
 * for the lock anew. Side by side a busy machine decides who is first. */
static void test_a_lost_connection_is_no_death(void **state)
{
    static const char *const waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    struct shared *s = *state;
    struct test_store t, eyes;
    struct ork_new_run run;
    struct ork_batch b = {0};
    ork_err err;
    struct death d = {0};
    char gone[120];
    cluster_wait_old();
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &run);
    ork_store_on_bell(t.store, ignore_bell, NULL); /* keeps its loop alive */
    test_open(&eyes, s->url);
    assert_int_equal(ork_store_owner_watch(eyes.store, &t.me, on_death, &d, &err), 0);
    drive_until(&eyes, s->url, waits, 1);
    int64_t pid = cluster_count(s->url, "SELECT backend_pid FROM schedulers");
    (void)snprintf(gone, sizeof gone, "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld", (long long)pid);
    cluster_exec(s->url, "SELECT pg_terminate_backend(backend_pid) FROM schedulers");
    cluster_wait(s->url, gone, 0); /* its lock has fallen, the one who waited for it has it and lets go */
    cluster_wait(s->url, waits, 0);
    (void)snprintf(gone, sizeof gone, "SELECT count(*) FROM schedulers WHERE backend_pid = %lld", (long long)pid);
    drive_until(&t, s->url, gone, 0);
    while (!d.calls && cluster_count(s->url, waits) != 1) { /* both: a look is 5 s away, a beat too */
        (void)uv_run(&t.loop, UV_RUN_NOWAIT);
        (void)uv_run(&eyes.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(d.calls, 0);
    ork_batch_add(&b, ORK_UNIT_EVENT)->event = (struct ork_event_put){run.run_id, 1767225600000, TEXT("[]")};
    test_apply_ok(&t, &b);
    ork_batch_fini(&b);
    test_close(&eyes);
    test_close(&t);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest all[] = {
        CASE(test_claimed_after_sigkill),
        CASE(test_outbids_who_came_later),
        CASE(test_watch),
        CASE(test_lock_is_not_inherited),
        CASE(test_resume_after_death),
        CASE(test_a_key_or_a_time_names_another_run),
    };
    const struct CMUnitTest files[] = {
        CASE(test_only_the_living_keep_a_file),
        CASE(test_killed_is_dead_at_once),
        CASE(test_stopped_owner_stays),
        CASE(test_overtaken_is_fenced),
    };
    const struct CMUnitTest shared[] = {
        CASE(test_a_hung_one_is_overtaken),
        CASE(test_a_lost_connection_is_no_death),
    };
    int failed = cmocka_run_group_tests_name("owners on a file", all, NULL, NULL);
    failed += cmocka_run_group_tests_name("owners, locks of files", files, NULL, NULL);
    failed += TEST_ON_POSTGRES("owners", all);
    return failed + TEST_ON_POSTGRES("owners, sessions", shared);
}
