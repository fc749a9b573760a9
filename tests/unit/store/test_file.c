/* SPDX-License-Identifier: MIT */
/* A file store: what the log keeps, what it refuses, and who may have it open. */
#include "store/file/file.h"
#include "store/file/line.h"
#include "store/lib_child.h"
#include "store/lib_folder.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *log_of(const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "%s/%s/log", test_dir(), name);
    return ork_buf_steal(&b, NULL);
}

static char *read_all(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *text = ork_alloc((size_t)st.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
    text[ *n = (size_t)st.st_size] = '\0';
    (void)close(fd);
    return text;
}

static void write_all(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    (void)close(fd);
}

static void add_events(struct test_store *t, const ork_id *run, int n)
{
    struct ork_batch b = {0};
    for (int i = 0; i < n; i++) {
        struct ork_unit *u = ork_batch_add(&b, ORK_UNIT_EVENT);
        u->event = (struct ork_event_put){*run, 1767225600000 + i, TEXT("[[\"ready\",1]]")};
    }
    test_apply_ok(t, &b);
    ork_batch_fini(&b);
}

/* A store with a run and so many events, one batch each; closed. */
static char *made(const char *name, int events)
{
    char *url = test_folder_url(name);
    struct test_store t;
    struct ork_new_run c;
    ork_workflow *w = test_workflow("etl", 2);
    test_open(&t, url);
    test_register(&t);
    test_make_run(&t, w, &c);
    for (int i = 0; i < events; i++)
        add_events(&t, &c.run_id, 1);
    test_close(&t);
    ork_workflow_unref(w);
    return url;
}

static void refused(const char *url, uint32_t flags, int code, const char *text)
{
    struct test_store t;
    ork_err err;
    int rc = test_try_open(&t, url, flags, &err);
    if (rc != code || !strstr(err.msg, text))
        fail_msg("%s: %s (%s), wanted %s …%s…", url, ork_err_symbol(rc), rc ? err.msg : "opened", ork_err_symbol(code),
                 text);
}

static void test_everything_comes_back(void **state)
{
    (void)state;
    char *url = made("back", 3);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 3);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM tasks"), 2);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM schedulers WHERE state = 'ended'"), 1);
    /* values of every type, also where no program of ours puts them */
    folder_exec(url, "UPDATE runs SET run_timeout_seconds = 5.0, priority = -9223372036854775808, error = "
                     "'a\"\\\n\x01\xf0\x9f\x98\x80', "
                     "output = CAST(x'ff00fe' AS TEXT), params = x'00ff', script_dir = '', parent_task_id = 'text', "
                     "rerun_of = x'0102'");
    assert_int_equal(folder_count(url,
                                  "SELECT count(*) FROM runs WHERE typeof(run_timeout_seconds) = 'real' AND priority = "
                                  "-9223372036854775808 AND error = 'a\"\\\n\x01\xf0\x9f\x98\x80' AND hex(output) = "
                                  "'FF00FE' AND typeof(output) "
                                  "= 'text' AND params = x'00ff' AND typeof(params) = 'blob' AND script_dir = '' AND "
                                  "parent_task_id = 'text' AND rerun_of = x'0102' AND idempotency_key IS NULL"),
                     1);
    ork_free(url);
}

/* Two rows may change places in one batch, under indexes that are unique. */
static void test_rows_change_places(void **state)
{
    (void)state;
    char *url = made("places", 0);
    folder_exec(
        url,
        "UPDATE tasks SET task_index = task_index + 10; UPDATE tasks SET task_index = 11 - task_index, error = 'x'; "
        "INSERT INTO workflows (id, name, job_name, project) VALUES (randomblob(16), 'other', 'j', 'p'); "
        "UPDATE workflows SET name = name || '2'; UPDATE workflows SET name = CASE name WHEN 'etl2' THEN 'other' "
        "ELSE 'etl' END");
    assert_int_equal(
        folder_count(url, "SELECT count(*) FROM tasks WHERE error = 'x' AND task_name = 't' || (1 - task_index)"), 2);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM workflows WHERE name = 'other' AND job_name = 'etl'"), 1);
    ork_free(url);
}

/* Wherever the power fails within the last line, the lines before it count and it does not. */
static void test_torn_line(void **state)
{
    (void)state;
    char *url = made("torn", 2), *path = log_of("torn");
    size_t n, last;
    char *text = read_all(path, &n);
    for (last = n - 1; text[last - 1] != '\n'; last--)
        ;
    assert_non_null(strstr(text + last, "\"tree\":true"));
    for (size_t cut = last; cut < n; cut += cut % 7 ? 1 : 3) {
        write_all(path, text, cut);
        assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 2);
    }
    /* of a batch: its rows are not there, and the next batch takes its place */
    size_t batch = last - 1, before;
    while (text[batch - 1] != '\n')
        batch--;
    assert_non_null(strstr(text + batch, "\"ended\""));
    for (before = batch - 1; text[before - 1] != '\n'; before--)
        ;
    assert_non_null(strstr(text + before, "run_events"));
    write_all(path, text, batch - 1);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 1);
    text[batch - 10] ^= 1; /* whole by its length, not by its sum */
    write_all(path, text, batch);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 1);
    memset(text + before + 20, 0, batch - before - 20); /* blocks that were never written */
    write_all(path, text, batch);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 1);
    struct test_store t;
    test_open(&t, url);
    test_register(&t);
    assert_int_equal(t.seq, 2);
    test_close(&t);
    assert_int_equal(folder_count(url, "SELECT count(*) FROM run_events"), 1);
    ork_free(text);
    ork_free(path);
    ork_free(url);
}

/* A line that was whole and is not any more: refused, whatever byte it is, and nothing is changed. */
static void test_damage(void **state)
{
    (void)state;
    char *url = made("damage", 2), *path = log_of("damage");
    size_t n, m, line = 0;
    char *text = read_all(path, &n), *again;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            line++;
        if (i % 97 || line > 5)
            continue;
        text[i] ^= 4;
        write_all(path, text, n);
        refused(url, ORK_OPEN_CREATE, ORK_ECORRUPT, "is damaged: line ");
        refused(url, ORK_OPEN_READ, ORK_ECORRUPT, "head -n ");
        again = read_all(path, &m);
        assert_int_equal(m, n);
        assert_memory_equal(again, text, n);
        ork_free(again);
        text[i] ^= 4;
    }
    /* a line that is missing, and a state without its end */
    char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_add(&b, text, (size_t)(second - text));
    ork_buf_adds(&b, third);
    write_all(path, b.data, b.len);
    refused(url, 0, ORK_ECORRUPT, "line 2 is not the one that belongs there");
    write_all(path, text, (size_t)(third - text));
    refused(url, 0, ORK_ECORRUPT, "it ends within the state it begins with");
    write_all(path, "", 0);
    refused(url, 0, ORK_ECORRUPT, "it ends within the state it begins with");
    ork_buf_fini(&b);
    ork_free(text);
    ork_free(path);
    ork_free(url);
}

static void other_process(int in, int out, void *data)
{
    struct test_store t;
    ork_err err;
    char line[200];
    if (child_wait(in) != 'o')
        _exit(9);
    int rc = test_try_open(&t, data, ORK_OPEN_CREATE, &err);
    (void)snprintf(line, sizeof line, "in use by process %d: one program at a time", (int)getppid());
    if (rc != ORK_EBUSY || !strstr(err.msg, line))
        _exit(10);
    if (folder_count(data, "SELECT count(*) FROM run_events") != 0)
        _exit(11);
    child_tell(out, 'r');
    if (child_wait(in) != 'g')
        _exit(12);
    test_open(&t, data);
    test_register(&t);
    test_close(&t);
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    char *url = made("one", 0);
    struct test_store t;
    struct child c = child_start(other_process, url); /* first: it would inherit the lock */
    test_open(&t, url);
    refused(url, 0, ORK_EBUSY, "is open in this very process already");
    child_tell(c.to, 'o');
    assert_int_equal(child_wait(c.from), 'r');
    test_close(&t);
    child_tell(c.to, 'g');
    assert_int_equal(child_end(&c), 0);
    ork_free(url);
}

static void holder(int in, int out, void *data)
{
    struct test_store t;
    struct ork_new_run c;
    ork_workflow *w = test_workflow("etl", 1);
    test_open(&t, data);
    test_register(&t);
    test_make_run(&t, w, &c);
    assert_int_equal(write(out, t.me.b, sizeof t.me.b), sizeof t.me.b);
    char what;
    while ((what = child_wait(in))) {
        if (what == 'e')
            add_events(&t, &c.run_id, 1);
        else if (what == 'c')
            assert_int_equal(ork_file_checkpoint(ork_file_of(ork_sqlite_of(t.store)), NULL), 0);
        child_tell(out, what);
    }
    test_close(&t);
    ork_workflow_unref(w);
}

struct seen {
    int news;
    bool dead;
};

static void on_news(void *data)
{
    ((struct seen *)data)->news++;
}

static void on_dead(void *data, const ork_id *id)
{
    (void)id;
    ((struct seen *)data)->dead = true;
}

static int64_t events(struct test_store *t)
{
    struct ork_rows *r = test_query(t, ORK_Q_run_last, NULL, 0);
    ork_id run;
    assert_true(ork_rows_id(r, 0, "id", &run));
    ork_rows_free(r);
    r = test_query(t, ORK_Q_events_last, (struct ork_param[]){ORK_P_ID(&run)}, 1);
    int64_t n = ork_rows_cell(r, 0, 0)->i;
    ork_rows_free(r);
    return n;
}

/* Who reads sees each commit of the writer, also after a checkpoint, is told, and knows when the writer is gone. */
static void test_reader_follows(void **state)
{
    (void)state;
    char *url = test_folder_url("follow");
    struct test_store t;
    struct seen seen = {0, false};
    ork_err err;
    ork_id owner, stranger = test_id();
    struct child c = child_start(holder, url);
    assert_int_equal(read(c.from, owner.b, sizeof owner.b), sizeof owner.b);
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_READ, &err), 0);
    assert_true(ork_store_owner_alive(t.store, &owner));
    assert_false(ork_store_owner_alive(t.store, &stranger));
    ork_store_on_news(t.store, on_news, &seen);
    assert_int_equal(ork_store_owner_watch(t.store, &owner, on_dead, &seen, &err), 0);
    for (int i = 1; i <= 6; i++) {
        seen.news = 0;
        child_tell(c.to, 'e');
        while (!seen.news)
            uv_run(&t.loop, UV_RUN_ONCE);
        assert_int_equal(child_wait(c.from), 'e');
        assert_int_equal(events(&t), i);
        if (i % 2 == 0) {
            child_tell(c.to, 'c');
            assert_int_equal(child_wait(c.from), 'c');
            assert_int_equal(events(&t), i);
        }
    }
    assert_false(seen.dead);
    assert_int_equal(child_end(&c), 0);
    while (!seen.dead)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_false(ork_store_owner_alive(t.store, &owner));
    struct ork_batch b = {0};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 1};
    assert_int_equal(test_apply(&t, &b, NULL, &err), ORK_EREADONLY);
    assert_non_null(strstr(err.msg, "/follow was opened for reading only"));
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(url);
}

static void test_places(void **state)
{
    (void)state;
    char *url = test_folder_url("nowhere"), *dir = test_path("things"), *file = test_path("things/notes.txt");
    struct stat st;
    struct test_store t;
    refused(url, 0, ORK_ENOTFOUND, "no Ork database at ");
    refused(url, ORK_OPEN_READ, ORK_ENOTFOUND, "no Ork database at ");
    ork_free(url);
    assert_int_equal(mkdir(dir, 0755), 0);
    url = test_folder_url("things");
    refused(url, ORK_OPEN_READ, ORK_ENOTFOUND, "no Ork database at ");
    write_all(file, "x", 1);
    refused(url, ORK_OPEN_CREATE, ORK_EFOREIGN, "it has notes.txt in it and no log of Ork's");
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_CREATE | ORK_OPEN_MIGRATE, NULL), 0);
    test_close(&t);
    ork_free(url);
    url = test_folder_url("things/notes.txt");
    refused(url, ORK_OPEN_CREATE, ORK_EINVAL, "is no folder; a database in one file is sqlite:PATH");
    ork_free(url);
    url = made("deep/er/db", 1);
    static const struct {
        const char *name;
        mode_t mode;
    } modes[] = {{"deep", 0700},
                 {"deep/er/db", 0700},
                 {"deep/er/db/log", 0600},
                 {"deep/er/db/lock", 0600},
                 {"deep/er/db/runs", 0700}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char *path = test_path(modes[i].name);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, modes[i].mode);
        ork_free(path);
    }
    ork_free(file);
    ork_free(dir);
    ork_free(url);
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *dir, *why;
        uint32_t flags;
    } cases[] = {
        {"file:runs", "runs", NULL, ORK_OPEN_CREATE},
        {"file:/srv/a b%20?c", "/srv/a b%20?c", NULL, ORK_OPEN_CREATE},
        {"file:///srv/a%20b", "/srv/a b", NULL, ORK_OPEN_CREATE},
        {"file://localhost/srv", "/srv", NULL, ORK_OPEN_CREATE},
        {"file:runs?mode=ro", "runs", NULL, ORK_OPEN_READ},
        {"file:///srv?mode=rw", "/srv", NULL, 0},
        {"file:", NULL, "names no folder", 0},
        {"file://", NULL, "names no folder", 0},
        {"file://host/srv", NULL, "names a host", 0},
        {"file:runs?mode=memory", NULL, "mode is ro, rw or rwc", 0},
        {"file:///srv?x=1", NULL, "is no option", 0},
        {"file:///srv/%2", NULL, "two hexadecimal digits", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t flags = ORK_OPEN_CREATE;
        char *dir;
        ork_err err;
        int rc = ork_file_url(cases[i].url, &dir, &flags, &err);
        if (cases[i].why) {
            assert_int_equal(rc, ORK_EINVAL);
            assert_non_null(strstr(err.msg, cases[i].why));
            continue;
        }
        assert_int_equal(rc, 0);
        assert_string_equal(dir, cases[i].dir);
        assert_int_equal(flags, cases[i].flags);
        ork_free(dir);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_rows_change_places),
        cmocka_unit_test(test_torn_line),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_reader_follows),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
