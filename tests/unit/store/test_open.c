/* SPDX-License-Identifier: MIT */
/* Opening: every way it can go wrong says what the user can do, and stores nothing. */
#include "store/lib_store.h"
#include "store/sqlite/place.h"
#include "store/sqlite/url.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    (void)close(fd);
}

static void make(const char *name)
{
    struct test_store t;
    char *url = test_url(name);
    test_open(&t, url);
    test_close(&t);
    ork_free(url);
}

static void refused(const char *name, uint32_t flags, int code, const char *text)
{
    struct test_store t;
    ork_err err;
    char *url = test_url(name);
    int rc = test_try_open(&t, url, flags, &err);
    if (rc != code || !strstr(err.msg, text))
        fail_msg("%s: %s (%s), wanted %s …%s…", name, ork_err_symbol(rc), rc ? err.msg : "opened", ork_err_symbol(code),
                 text);
    ork_free(url);
}

/* Does another process find SQLite's lock on the file, which says that somebody uses the WAL? */
static bool is_locked(const char *name)
{
    char *path = test_path(name);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(path, O_RDWR);
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
        _exit(fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ork_free(path);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void test_twice_here(void **state)
{
    (void)state;
    struct test_store first, second;
    ork_err err;
    char *url = test_url("twice.db");
    test_open(&first, url);
    assert_true(is_locked("twice.db"));
    for (int read = 0; read < 2; read++) { /* neither opening nor closing it again takes the lock away */
        assert_int_equal(test_try_open(&second, url, read ? ORK_OPEN_READ : 0, &err), 0);
        assert_true(is_locked("twice.db"));
        test_close(&second);
        assert_true(is_locked("twice.db"));
    }
    test_close(&first);
    assert_false(is_locked("twice.db"));
    ork_free(url);
}

static void test_missing(void **state)
{
    (void)state;
    refused("missing.db", 0, ORK_ENOTFOUND, "no Ork database at ");
    refused("missing.db", ORK_OPEN_READ, ORK_ENOTFOUND, "no Ork database at ");
    refused("no/such/folder/x.db", 0, ORK_ENOTFOUND, "there is no folder ");
    char *path = test_path("missing.db");
    assert_int_equal(access(path, F_OK), -1);
    ork_free(path);
    make("new/folder/x.db"); /* CREATE makes both */
    refused("new/folder", 0, ORK_EINVAL, "is a folder");
    struct stat st;
    static const char *const files[] = {"new/folder/x.db", "new/folder/x.db-wal", "new/folder/x.db-turn",
                                        "new/folder/x.db-bell"};
    for (size_t i = 0; i < 4; i++) {
        path = test_path(files[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        ork_free(path);
    }
}

static void test_corrupt(void **state)
{
    (void)state;
    char *path = test_path("junk.db");
    write_file(path, "this is no database at all, it is a text", 40);
    refused("junk.db", ORK_OPEN_CREATE, ORK_ECORRUPT, "is not an SQLite database");
    write_file(path, "SQLite format 3", 10);
    refused("junk.db", ORK_OPEN_CREATE, ORK_ECORRUPT, "is not an SQLite database");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 10);
    char page[4096];
    memset(page, 'x', sizeof page);
    memcpy(page, "SQLite format 3", 16);
    write_file(path, page, sizeof page);
    refused("junk.db", ORK_OPEN_CREATE, ORK_ECORRUPT, "damaged or no SQLite database");
    ork_free(path);
    /* Damaged in the middle: opened, and the check says so. */
    make("torn.db");
    path = test_path("torn.db");
    test_exec(path, "INSERT INTO workflows (id, name, job_name, project) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                    "SELECT i + 1 FROM n LIMIT 3000) "
                    "SELECT randomblob(16), 'w' || i, 'j', 'p' FROM n; PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &st), 0);
    memset(page, 0x5a, sizeof page);
    for (off_t at = st.st_size / 4096 / 2 * 4096; at + 4096 < st.st_size; at += 4096 * 7) /* behind the schema */
        assert_int_equal(pwrite(fd, page, sizeof page, at), (ssize_t)sizeof page);
    (void)close(fd);
    struct test_store t;
    struct ork_buf b = ORK_BUF_INIT;
    ork_err err;
    char *url = test_url("torn.db");
    test_open(&t, url);
    assert_int_equal(ork_store_check_json(t.store, &b, &err), 0);
    assert_memory_equal(b.data, "{\"ok\":false,", 12);
    test_close(&t);
    ork_buf_fini(&b);
    ork_free(url);
    ork_free(path);
}

static void test_foreign(void **state)
{
    (void)state;
    char *path = test_path("foreign.db"), *url = test_url("foreign.db");
    struct test_store t;
    test_exec(path, "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('one')");
    refused("foreign.db", ORK_OPEN_CREATE, ORK_EFOREIGN,
            "a database of something else: it has 1 table and none of Ork's");
    assert_int_equal(test_count(path, "SELECT count(*) FROM sqlite_schema"), 1);
    ork_err err;
    assert_int_equal(test_try_open(&t, url, ORK_OPEN_MIGRATE, &err), 0);
    test_close(&t);
    assert_int_equal(test_count(path, "SELECT count(*) FROM songs"), 1);
    assert_int_equal(test_try_open(&t, url, 0, &err), 0); /* now it is ours too */
    test_close(&t);
    ork_free(url);
    ork_free(path);
    /* A table of the same name: all or nothing. */
    path = test_path("clash.db");
    test_exec(path, "CREATE TABLE tasks (what TEXT)");
    refused("clash.db", ORK_OPEN_MIGRATE, ORK_EDB, "tasks");
    assert_int_equal(test_count(path, "SELECT count(*) FROM sqlite_schema"), 1);
    ork_free(path);
    /* Another program that uses the original's migrator. */
    path = test_path("sqlx.db");
    test_exec(path, "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, success BOOLEAN); INSERT INTO "
                    "_sqlx_migrations VALUES (1, 1)");
    refused("sqlx.db", ORK_OPEN_CREATE, ORK_EFOREIGN, "none of Ork's");
    ork_free(path);
    path = test_path("empty.db");
    write_file(path, "", 0);
    refused("empty.db", 0, ORK_ENOTFOUND, "the file is empty");
    ork_free(path);
}

static void test_newer(void **state)
{
    (void)state;
    char *path = test_path("newer.db");
    make("newer.db");
    test_exec(path, "INSERT INTO ork_migrations VALUES (99, 'from_the_future', 'x', '2030-01-01T00:00:00.000Z')");
    refused("newer.db", ORK_OPEN_CREATE, ORK_ENEWER, "its schema is version 99, this Ork");
    refused("newer.db", ORK_OPEN_READ, ORK_ENEWER, "knows up to 21");
    ork_free(path);
}

static void test_read_does_not_migrate(void **state)
{
    (void)state;
    char *path = test_path("older.db");
    make("older.db");
    test_exec(path, "DELETE FROM ork_migrations WHERE version = 21");
    refused("older.db", ORK_OPEN_READ, ORK_ESTATE,
            "has schema version 20, this Ork reads version 21; run `ork db migrate` first");
    ork_free(path);
}

/* As somebody whom permissions bind: root may write everything. */
static int as_nobody(void (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void read_only_body(void)
{
    struct test_store t;
    ork_err err;
    char *url = test_url("ro.db");
    if (test_try_open(&t, url, ORK_OPEN_CREATE, &err) != ORK_EREADONLY || !strstr(err.msg, "read-only for you"))
        _exit(1);
    if (test_try_open(&t, url, ORK_OPEN_READ, &err) != 0)
        _exit(2);
    struct ork_rows *rows;
    if (ork_store_query(t.store, ORK_Q_waiting_runs, NULL, 0, &rows, &err) || ork_rows_len(rows) != 1)
        _exit(3);
    ork_rows_free(rows);
    struct ork_batch b = {0};
    ork_batch_add(&b, ORK_UNIT_POOL)->pool = (struct ork_pool_put){"p", 1};
    if (test_apply(&t, &b, NULL, &err) != ORK_EREADONLY)
        _exit(4);
    ork_id id;
    uint64_t seq;
    if (ork_store_register(t.store, "h", NULL, &id, &seq, &err) != ORK_EREADONLY)
        _exit(5);
    ork_batch_fini(&b);
    test_close(&t);
    ork_free(url);
    url = test_url("secret.db");
    if (test_try_open(&t, url, ORK_OPEN_READ, &err) != ORK_EACCESS)
        _exit(6);
    ork_free(url);
}

static void frozen_folder_body(void)
{
    struct test_store t;
    ork_err err;
    char *url = test_url("shut/ro.db");
    if (test_try_open(&t, url, 0, &err) != ORK_EREADONLY || !strstr(err.msg, "the folder"))
        _exit(1);
    if (test_try_open(&t, url, ORK_OPEN_READ, &err) != 0)
        _exit(2);
    struct ork_rows *rows;
    if (ork_store_query(t.store, ORK_Q_waiting_runs, NULL, 0, &rows, &err))
        _exit(3);
    ork_rows_free(rows);
    test_close(&t);
    ork_free(url);
}

static void test_read_only(void **state)
{
    (void)state;
    make("ro.db");
    make("secret.db");
    char *path = test_path("ro.db"), *secret = test_path("secret.db"), *wal = test_path("ro.db-wal");
    test_exec(path, "INSERT INTO workflows (id, name, job_name, project) VALUES (x'01', 'w', 'j', 'p'); INSERT INTO "
                    "runs (id, workflow_id, status) VALUES "
                    "(x'02', x'01', 'pending')");
    assert_int_equal(chmod(test_dir(), 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(secret, 0000), 0);
    (void)unlink(wal);
    assert_int_equal(as_nobody(read_only_body), 0);
    ork_free(wal);
    ork_free(secret);
    ork_free(path);
    /* A folder where nothing can be made: read without any file beside the database. */
    make("shut/ro.db");
    char *dir = test_path("shut");
    path = test_path("shut/ro.db");
    wal = test_path("shut/ro.db-wal");
    (void)unlink(wal);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(as_nobody(frozen_folder_body), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(test_dir(), 0700), 0);
    ork_free(wal);
    ork_free(dir);
    ork_free(path);
}

static void test_network_file_systems(void **state)
{
    (void)state;
    assert_string_equal(ork_place_network(0x6969), "NFS");
    assert_string_equal(ork_place_network((long)0xFF534D42), "CIFS");
    assert_string_equal(ork_place_network((int)0xFF534D42), "CIFS"); /* sign-extended, as 32-bit kernels give it */
    assert_string_equal(ork_place_network(0x01021997), "9p");
    assert_string_equal(ork_place_network(0x65735546), "FUSE");
    assert_null(ork_place_network(0xEF53));           /* ext4 */
    assert_null(ork_place_network(0x01021994));       /* tmpfs */
    assert_null(ork_place_network(0x58465342));       /* xfs */
    assert_null(ork_place_network((long)0x9123683E)); /* btrfs */
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *path;
        uint32_t in, out;
        int code;
    } cases[] = {
        {"sqlite:a b.db", "a b.db", ORK_OPEN_CREATE, ORK_OPEN_CREATE, 0},
        {"sqlite:/x/100%25.db", "/x/100%25.db", 0, 0, 0},
        {"sqlite:/x/what?.db", "/x/what?.db", 0, 0, 0},
        {"sqlite:x.db?mode=rwc", "x.db", 0, ORK_OPEN_CREATE, 0},
        {"sqlite:x.db?mode=ro", "x.db", ORK_OPEN_CREATE, ORK_OPEN_READ, 0},
        {"sqlite:x.db?mode=rw", "x.db", ORK_OPEN_CREATE, 0, 0},
        {"sqlite://rel/x.db", "rel/x.db", 0, 0, 0},
        {"sqlite:///abs/a%20b.db?mode=rwc", "/abs/a b.db", 0, ORK_OPEN_CREATE, 0},
        {"sqlite::memory:", NULL, 0, 0, 0},
        {"sqlite://:memory:", NULL, 0, 0, 0},
        {"sqlite://x?mode=memory", NULL, 0, 0, 0},
        {"sqlite:", NULL, 0, 0, ORK_EINVAL},
        {"sqlite://", NULL, 0, 0, ORK_EINVAL},
        {"sqlite:x.db?mode=fast", NULL, 0, 0, ORK_EINVAL},
        {"sqlite://x.db?cache=shared", NULL, 0, 0, ORK_EINVAL},
        {"sqlite://x%2", NULL, 0, 0, ORK_EINVAL},
        {"sqlite://x%zz", NULL, 0, 0, ORK_EINVAL},
        {"sqlite://x%00y", NULL, 0, 0, ORK_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = NULL;
        uint32_t flags = cases[i].in;
        ork_err err;
        int rc = ork_sqlite_url(cases[i].url, &path, &flags, &err);
        if (rc != cases[i].code || (!rc && flags != cases[i].out) || !path != !cases[i].path ||
            (path && strcmp(path, cases[i].path) != 0))
            fail_msg("%s: %d path=%s flags=%u", cases[i].url, rc, path ? path : "-", flags);
        ork_free(path);
    }
    ork_err err;
    char *path;
    assert_int_equal(ork_store_path_of_url("mysql://h/db", &path, &err), ORK_EINVAL);
    assert_non_null(strstr(err.msg, "sqlite:PATH"));
    assert_int_equal(ork_store_path_of_url("ork.db", &path, &err), ORK_EINVAL);
    assert_int_equal(ork_store_path_of_url("sqlite::memory:", &path, &err), 0);
    assert_null(path);
    assert_int_equal(ork_store_path_of_url("sqlite:/tmp/x.db", &path, &err), 0);
    assert_string_equal(path, "/tmp/x.db");
    ork_free(path);
}

/* Through a link, locks and bell lie beside the real file, so two names are one database. */
static void test_link(void **state)
{
    (void)state;
    make("real.db");
    char *real = test_path("real.db"), *name = test_path("link.db"), *url = test_url("link.db"),
         *turn = test_path("link.db-turn");
    assert_int_equal(symlink(real, name), 0);
    struct test_store t;
    test_open(&t, url);
    assert_string_equal(ork_store_path(t.store), real);
    test_close(&t);
    assert_int_equal(access(turn, F_OK), -1);
    ork_free(turn);
    ork_free(url);
    ork_free(name);
    ork_free(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice_here), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_corrupt),    cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_newer),      cmocka_unit_test(test_read_does_not_migrate),
        cmocka_unit_test(test_read_only),  cmocka_unit_test(test_network_file_systems),
        cmocka_unit_test(test_urls),       cmocka_unit_test(test_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
