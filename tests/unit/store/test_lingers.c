/* SPDX-License-Identifier: MIT */
/* What a program had open outlives it for a moment when it is killed while it starts another: the child has it all,
 * until it is that program. Its locks are held then, and it is dead. */
#include "store/lib_child.h"
#include "store/lib_cluster.h"
#include "store/lib_store.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    char *url;
    ork_workflow *w;
};

static void on_death(void *data, const ork_id *who)
{
    (void)who;
    ++*(int *)data;
}

static void own_and_fork(int in, int out, void *data)
{
    struct shared *s = data;
    struct test_store t;
    struct ork_new_run r;
    char c;
    test_open(&t, s->url);
    test_register(&t);
    test_make_run(&t, s->w, &r);
    if (fork() == 0)
        _exit(read(in, &c, 1) == 1 ? 0 : 1);
    if (write(out, &t.me, sizeof t.me) != sizeof t.me || write(out, &r.run_id, sizeof r.run_id) != sizeof r.run_id)
        _exit(2);
    for (;;)
        (void)pause();
}

static void start(struct shared *s, struct test_store *t, struct ork_new_run *r)
{
    struct ork_batch b = {0};
    test_new_run(r, s->w);
    r->resume = r->patient = true;
    ork_batch_add(&b, ORK_UNIT_CREATE_RUN)->create = r;
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

static void test_a_forked_child_is_no_owner(void **state)
{
    struct shared s = {test_url("lingers.db"), test_workflow("etl", 2)};
    struct test_store t;
    struct ork_new_run r;
    ork_err err;
    ork_id owner, run;
    int status, deaths = 0;
    struct child c = child_start(own_and_fork, &s);
    (void)state;
    assert_int_equal(read(c.from, &owner, sizeof owner), sizeof owner);
    assert_int_equal(read(c.from, &run, sizeof run), sizeof run);
    if (test_backend == TEST_POSTGRES)
        cluster_wait_old();
    test_open(&t, s.url);
    test_register(&t);
    start(&s, &t, &r);
    assert_int_equal(r.how, ORK_CREATED); /* that one lives */
    test_exec(s.url, "UPDATE runs SET status = 'success' WHERE id <> (SELECT id FROM runs ORDER BY id LIMIT 1)");
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
    start(&s, &t, &r);
    assert_int_equal(r.how, ORK_EARLY);
    assert_true(r.lingers && ork_id_eq(&r.owner, &owner) && ork_id_eq(&r.run_id, &run));
    assert_int_equal(test_count(s.url, "SELECT count(*) FROM runs"), 2);
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_death, &deaths, &err), 0);
    child_tell(c.to, 'e');
    while (!deaths)
        uv_run(&t.loop, UV_RUN_ONCE);
    start(&s, &t, &r);
    assert_int_equal(r.how, ORK_RESUMED);
    assert_true(ork_id_eq(&r.run_id, &run));
    test_close(&t);
    ork_workflow_unref(s.w);
    ork_free(s.url);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_a_forked_child_is_no_owner)};
    return cmocka_run_group_tests_name("ended owners on a file", all, NULL, NULL) +
           TEST_ON_POSTGRES("ended owners", all);
}
