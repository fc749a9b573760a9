/* SPDX-License-Identifier: MIT */
/* The disk is full, or fails: a commit is refused whole, in memory too, and goes through once there is room. */
#include "store/file/file.h"
#include "store/lib_child.h"
#include "store/lib_folder.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void limit(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

struct scene {
    struct test_store t;
    struct ork_new_run c;
    struct ork_batch b;
    ork_workflow *w;
    struct ork_file *f; /* borrowed */
    char *big;
};
#define BIG 100000

static void scene_open(struct scene *s, const char *url)
{
    memset(s, 0, sizeof *s);
    s->w = test_workflow("etl", 1);
    s->big = ork_alloc(BIG);
    memset(s->big, 'x', BIG);
    test_open(&s->t, url);
    test_register(&s->t);
    test_make_run(&s->t, s->w, &s->c);
    s->f = ork_file_of(ork_sqlite_of(s->t.store));
}

static void scene_close(struct scene *s)
{
    test_close(&s->t);
    ork_batch_fini(&s->b);
    ork_workflow_unref(s->w);
    ork_free(s->big);
}

/* on the loop (few rows) or on the thread (many) */
static int add(struct scene *s, int rows, size_t bytes, ork_err *err)
{
    for (int i = 0; i < rows; i++) {
        struct ork_unit *u = ork_batch_add(&s->b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){s->c.run_id, 1767225600000, {s->big, bytes}};
    }
    return test_apply(&s->t, &s->b, NULL, err);
}

static size_t events(struct scene *s)
{
    struct ork_rows *r = test_query(&s->t, ORK_Q_events_of_run,
                                    (struct ork_param[]){ORK_P_ID(&s->c.run_id), ORK_P_INT(0), ORK_P_INT(999)}, 3);
    size_t n = ork_rows_len(r);
    ork_rows_free(r);
    return n;
}

static void full(int in, int out, void *data)
{
    struct scene s;
    ork_err err;
    (void)in;
    (void)out;
    (void)signal(SIGXFSZ, SIG_IGN);
    scene_open(&s, data);
    off_t size = s.f->size;
    static const int rows[] = {1, 100};
    for (size_t i = 0; i < 2; i++) {
        limit((rlim_t)size + 5000);
        for (int again = 0; again < 2; again++) {
            if (add(&s, rows[i], BIG / (size_t)rows[i], &err) != ORK_ENOSPC ||
                !strstr(err.msg, "no space left to write ") || !strstr(err.msg, "nothing of this change was stored"))
                fail_msg("%s", err.msg);
            assert_int_equal(events(&s), i);
            assert_int_equal(s.f->size, size);
            folder_compare(&s.t);
        }
        assert_int_equal(add(&s, 1, 10, &err), 0); /* a small one still fits */
        assert_int_equal(events(&s), i + 1);
        size = s.f->size;
    }
    limit(RLIM_INFINITY);
    assert_int_equal(add(&s, 100, 100, &err), 0);
    assert_int_equal(events(&s), 102);
    assert_false(s.f->broken);
    scene_close(&s);
}

static void test_full(void **state)
{
    (void)state;
    char *url = test_folder_url("full");
    struct child c = child_start(full, url);
    assert_int_equal(child_end(&c), 0);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 102);
    ork_free(url);
}

/* No checkpoint while there is no room for one: the log serves on, whole. */
static void no_room(int in, int out, void *data)
{
    struct scene s;
    ork_err err;
    (void)in;
    (void)out;
    (void)signal(SIGXFSZ, SIG_IGN);
    scene_open(&s, data);
    assert_int_equal(add(&s, 1, BIG, &err), 0);
    off_t size = s.f->size;
    limit(4096);
    assert_int_not_equal(ork_file_checkpoint(s.f, &err), 0);
    assert_int_equal(s.f->size, size);
    folder_compare(&s.t);
    limit(RLIM_INFINITY);
    assert_int_equal(add(&s, 1, 10, &err), 0);
    limit(4096); /* at the end, too */
    scene_close(&s);
}

static void test_no_room_for_a_checkpoint(void **state)
{
    (void)state;
    char *url = test_folder_url("room");
    struct child c = child_start(no_room, url);
    assert_int_equal(child_end(&c), 0);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 2);
    struct test_store t;
    test_open(&t, url);
    test_close(&t);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 2);
    ork_free(url);
}

/* A log that cannot be written, nor cut to what it held: the next commit begins a new one from memory. */
static void test_broken(void **state)
{
    (void)state;
    char *url = test_folder_url("broken"), *path = test_path("broken/log");
    struct scene s;
    ork_err err;
    scene_open(&s, url);
    assert_int_equal(add(&s, 1, 10, &err), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup3(fd, s.f->log_fd, O_CLOEXEC), s.f->log_fd);
    (void)close(fd);
    assert_int_equal(add(&s, 1, 10, &err), ORK_EIO);
    assert_non_null(strstr(err.msg, "nothing of this change was stored"));
    assert_true(s.f->broken);
    assert_int_equal(events(&s), 1);
    assert_int_equal(add(&s, 1, 10, &err), 0);
    assert_false(s.f->broken);
    assert_int_equal(events(&s), 2);
    scene_close(&s);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 2);
    ork_free(path);
    ork_free(url);
}

/* … and one that somebody removed. */
static void test_removed(void **state)
{
    (void)state;
    char *url = test_folder_url("removed"), *path = test_path("removed/log");
    struct scene s;
    ork_err err;
    scene_open(&s, url);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(add(&s, 1, 10, &err), 0);
    folder_compare(&s.t);
    scene_close(&s);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 1);
    ork_free(path);
    ork_free(url);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_no_room_for_a_checkpoint),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_removed),
    };
    return cmocka_run_group_tests_name("file, full", tests, NULL, NULL);
}
