/* SPDX-License-Identifier: MIT */
/* A file store's writer is killed at each step of everything it does. What it was told is there, at most the batch in
 * flight is there too, and the tree says what the log says as soon as the next writer has ended. */
#include "store/file/tree.h"
#include "store/lib_child.h"
#include "store/lib_folder.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct plan {
    const char *url;
    int kill_at; /* step */
    int batches;
    size_t bytes;   /* of each */
    int checkpoint; /* after that batch; -1 none but at close */
};
static int steps_left;

static void count_down(const char *step)
{
    (void)step;
    if (--steps_left == 0)
        (void)raise(SIGKILL);
}

/* A byte for each batch that was told. */
static void writer(int in, int out, void *data)
{
    const struct plan *p = data;
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    ork_workflow *w = test_workflow("etl", 3);
    char *big = ork_alloc(p->bytes);
    (void)in;
    memset(big, 'x', p->bytes);
    steps_left = p->kill_at;
    ork_file_on_step = count_down;
    test_open(&t, p->url);
    test_register(&t);
    test_make_run(&t, w, &c);
    child_tell(out, 'b');
    for (int i = 0; i < p->batches; i++) {
        struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){c.run_id, 1767225600000 + i, {big, p->bytes}};
        u = ork_batch_add(&b, ORK_UNIT_TASK);
        ork_task_id(&c.run_id, (uint32_t)i % 3, &u->task.id);
        u->task.status = ORK_TASK_SUCCESS;
        test_apply_ok(&t, &b);
        child_tell(out, 'b');
        if (i == p->checkpoint)
            assert_int_equal(ork_file_checkpoint(ork_file_of(ork_sqlite_of(t.store)), NULL), 0);
    }
    test_close(&t);
    ork_batch_fini(&b);
    ork_free(big);
    ork_workflow_unref(w);
}

static size_t files_in(const char *dir, const char *folder)
{
    char path[300];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", dir, folder);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        (void)closedir(d);
    return n;
}

/* Each file is whole; as many as rows; a task's says what the table says. */
static void check_tree(const char *url, const char *dir)
{
    static const char *const counts[] = {"SELECT count(*) FROM workflows",
                                         "SELECT count(*) FROM runs",
                                         "SELECT count(*) FROM tasks",
                                         "SELECT count(DISTINCT workflow_id) FROM workflow_tasks",
                                         "SELECT count(*) FROM workflow_snapshots",
                                         "SELECT count(*) FROM deferred_jobs"};
    char path[300];
    int64_t successes = 0;
    for (size_t i = 0; i < ORK_TREE_KINDS; i++)
        assert_int_equal(files_in(dir, ork_tree_kinds[i].folder), folder_count(url, counts[i]));
    (void)snprintf(path, sizeof path, "%s/tasks", dir);
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/tasks/%s", dir, e->d_name);
        json_t *task = json_load_file(path, 0, NULL);
        assert_non_null(task);
        successes += strcmp(json_string_value(json_object_get(task, "status")), "success") == 0;
        json_decref(task);
    }
    (void)closedir(d);
    assert_int_equal(successes, folder_count(url, "SELECT count(*) FROM tasks WHERE status = 'success'"));
    assert_int_equal(files_in(dir, "new"), 0);
}

static void no_half_files(const char *dir)
{
    for (size_t i = 0; i < ORK_TREE_KINDS; i++) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", dir, ork_tree_kinds[i].folder);
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof path, "%s/%s/%s", dir, ork_tree_kinds[i].folder, e->d_name);
            json_t *v = json_load_file(path, 0, NULL);
            if (!v)
                fail_msg("%s is no JSON", path);
            json_decref(v);
        }
        if (d)
            (void)closedir(d);
    }
}

/* true: it was killed */
static bool one_round(struct plan *p, const char *dir)
{
    struct child c = child_start(writer, p);
    int told = 0;
    while (child_wait(c.from))
        told++;
    int status = child_end(&c);
    assert_true(status == 0 || status == 128 + SIGKILL);
    no_half_files(dir);
    struct test_store t;
    test_open(&t, p->url); /* the next one goes on, whatever was left */
    test_register(&t);
    test_close(&t);
    int64_t runs = folder_count(p->url, "SELECT count(*) FROM runs"),
            events = folder_count(p->url, "SELECT count(*) FROM run_events");
    if (told == 0)
        assert_true(runs <= 1 && events == 0);
    else
        assert_true(runs == 1 && (events == told - 1 || events == told));
    check_tree(p->url, dir);
    return status != 0;
}

static int kill_at_each_step(const char *name, int batches, size_t bytes, int checkpoint)
{
    int step = 1;
    for (;; step++) {
        char folder[64];
        (void)snprintf(folder, sizeof folder, "%s%d", name, step);
        char *url = test_folder_url(folder), *dir = test_path(folder);
        struct plan p = {url, step, batches, bytes, checkpoint};
        bool killed = one_round(&p, dir);
        ork_free(url);
        ork_free(dir);
        if (!killed)
            return step;
    }
}

static void test_small(void **state)
{
    (void)state;
    int steps = kill_at_each_step("small", 4, 10, -1);
    assert_true(steps > 25);
}

/* The log outgrows what it began with: a checkpoint at close. */
static void test_checkpoint_at_close(void **state)
{
    (void)state;
    int steps = kill_at_each_step("close", 3, 40000, -1);
    assert_true(steps > 25);
}

/* … and one while it works; batches go on behind it. */
static void test_checkpoint_while_working(void **state)
{
    (void)state;
    int steps = kill_at_each_step("work", 4, 100, 1);
    assert_true(steps > 40);
}

/* The same store, killed again and again at some step: nothing piles up, nothing is lost. */
static void test_again_and_again(void **state)
{
    (void)state;
    char *url = test_folder_url("again"), *dir = test_path("again");
    int64_t runs = 0;
    struct test_store t;
    test_open(&t, url);
    test_close(&t);
    for (int i = 0; i < 20; i++) {
        struct plan p = {url, 1 + i * 7 % 37, 5, 3000, -1};
        struct child c = child_start(writer, &p);
        int told = 0;
        while (child_wait(c.from))
            told++;
        (void)child_end(&c);
        int64_t now = folder_count(url, "SELECT count(*) FROM runs");
        assert_true(now == runs + (told > 0) || (told == 0 && now == runs + 1));
        runs = now;
        no_half_files(dir);
    }
    assert_true(runs > 10);
    test_open(&t, url);
    test_register(&t);
    test_close(&t);
    check_tree(url, dir);
    ork_free(url);
    ork_free(dir);
}

/* A log that has outgrown its beginning is begun anew before a commit, and only then. */
static void test_grown(void **state)
{
    (void)state;
    char *url = test_folder_url("grown");
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b = {0};
    ork_workflow *w = test_workflow("etl", 1);
    size_t n = 1u << 20;
    char *big = ork_alloc(n);
    memset(big, 'x', n);
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, w, &c);
    struct ork_file *f = ork_file_of(ork_sqlite_of(t.store));
    off_t first = f->state;
    for (int i = 0; i < 12; i++) {
        struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){c.run_id, 1767225600000 + i, {big, n}};
        test_apply_ok(&t, &b);
        assert_true(i == 7 || (f->state == first) == (i < 7)); /* by the next commit at the latest */
    }
    assert_in_range(f->state, 8 << 20, 10 << 20);
    test_close(&t);
    assert_int_equal(folder_count(url, "SELECT sum(length(data)) FROM run_events"), 12 << 20);
    ork_batch_fini(&b);
    ork_workflow_unref(w);
    ork_free(big);
    ork_free(url);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_checkpoint_at_close),
        cmocka_unit_test(test_checkpoint_while_working),
        cmocka_unit_test(test_again_and_again),
        cmocka_unit_test(test_grown),
    };
    return cmocka_run_group_tests_name("file, killed", tests, NULL, NULL);
}
