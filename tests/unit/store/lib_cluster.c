/* SPDX-License-Identifier: MIT */
#include "store/lib_cluster.h"
#include "store/lib_store.h"
#include "base/path.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char bin[256], dir[64], port_text[8];
static pid_t server, standby, maker;
static int port, standby_port;
static uid_t uid;
static gid_t gid;

/* ---- what there is ---- */

static bool find_bin(void)
{
    glob_t g;
    if (bin[0])
        return true;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g) == 0 && g.gl_pathc) {
        (void)snprintf(bin, sizeof bin, "%s", g.gl_pathv[g.gl_pathc - 1]);
        *strrchr(bin, '/') = '\0';
    }
    globfree(&g);
    return bin[0] != '\0';
}

const char *cluster_missing(void)
{
    if (!find_bin())
        return "PostgreSQL is not installed (package postgresql)";
    uid = getuid();
    gid = getgid();
    if (uid)
        return NULL;
    struct passwd *p = getpwnam("postgres"); /* the server does not run as root */
    if (!p)
        return "there is no user postgres to run the server as";
    uid = p->pw_uid;
    gid = p->pw_gid;
    return NULL;
}

/* ---- processes ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* In the child: as its user, ended with this program. */
static void become(const char *log, int death)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(126);
    if (getuid() == 0 && (setgroups(0, NULL) || setgid(gid) || setuid(uid)))
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, death);
    if (chdir("/"))
        _exit(126);
    (void)unsetenv("PGDATA");
}

static pid_t spawn(char *const argv[], const char *log)
{
    char program[512];
    (void)snprintf(program, sizeof program, "%s/%s", bin, argv[0]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become(log, SIGQUIT);
        (void)execv(program, argv);
        _exit(127);
    }
    return pid;
}

static bool log_says(const char *log, off_t from, const char *what)
{
    char text[65536];
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof text - 1, from);
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, what) != NULL;
}

static void show_log(const char *log)
{
    char text[4096];
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, text, sizeof text - 1, size > 4095 ? size - 4095 : 0);
    text[n > 0 ? n : 0] = '\0';
    (void)close(fd);
    print_error("%s\n", text);
}

/* The log file changes: that is the event. */
static void wait_until(const char *log, off_t from, const char *what, pid_t pid)
{
    int fd = inotify_init1(IN_CLOEXEC);
    assert_true(fd >= 0 && inotify_add_watch(fd, log, IN_MODIFY) >= 0);
    while (!log_says(log, from, what)) {
        char events[4096];
        struct pollfd p = {fd, POLLIN, 0};
        int status;
        if (poll(&p, 1, 30000) <= 0 || waitpid(pid, &status, WNOHANG) == pid) {
            show_log(log);
            fail_msg("PostgreSQL did not start");
        }
        if (read(fd, events, sizeof events) < 0)
            break;
    }
    (void)close(fd);
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

static void launch(void)
{
    char log[128];
    struct stat st = {0};
    (void)snprintf(log, sizeof log, "%s/log", dir);
    char data[128];
    (void)snprintf(data, sizeof data, "%s/data", dir);
    char *argv[] = {"postgres",
                    "-D",
                    data,
                    "-k",
                    dir,
                    "-h",
                    "127.0.0.1",
                    "-p",
                    port_text,
                    "-c",
                    "fsync=off",
                    "-c",
                    "timezone=Asia/Kathmandu",
                    "-c",
                    "datestyle=German",
                    "-c",
                    "max_connections=60",
                    "-c",
                    "shared_buffers=32MB",
                    "-c",
                    "shared_preload_libraries=pg_stat_statements",
                    "-c",
                    "autovacuum=off",
                    "-c",
                    "wal_init_zero=off",
                    "-c",
                    "wal_recycle=off",
                    "-c",
                    "full_page_writes=off",
                    "-c",
                    "max_wal_size=64MB",
                    "-c",
                    "min_wal_size=2MB",
                    NULL};
    close(open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    (void)stat(log, &st);
    (void)chown(log, uid, gid);
    server = spawn(argv, log);
    wait_until(log, st.st_size, "database system is ready to accept connections", server);
}

void cluster_stop(int sig)
{
    int status;
    if (server <= 0)
        return;
    (void)kill(server, sig);
    (void)waitpid(server, &status, 0);
    server = 0;
}

static void run_as_server(char *const argv[], const char *log)
{
    int status;
    pid_t pid = spawn(argv, log);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status)
        show_log(log);
    assert_int_equal(status, 0);
}

char *cluster_standby(const char *name)
{
    char data[128], log[128], text[8];
    struct ork_buf url = ORK_BUF_INIT;
    (void)snprintf(data, sizeof data, "%s/standby", dir);
    (void)snprintf(log, sizeof log, "%s/standby.log", dir);
    (void)snprintf(text, sizeof text, "%d", standby_port = free_port());
    close(open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    (void)chown(log, uid, gid);
    char *copy[] = {"pg_basebackup", "-h", "127.0.0.1", "-p", port_text, "-U", "ork", "-D", data, "-R", "-c",
                    "fast",          NULL};
    run_as_server(copy, log);
    char *argv[] = {"postgres",           "-D", data, "-k", dir, "-h", "127.0.0.1", "-p", text, "-c", "fsync=off", "-c",
                    "max_connections=60", NULL};
    standby = spawn(argv, log);
    wait_until(log, 0, "database system is ready to accept read-only connections", standby);
    ork_buf_addf(&url, "postgres://ork@127.0.0.1:%d/%s", standby_port, name);
    return ork_buf_steal(&url, NULL);
}

void cluster_standby_stop(void)
{
    int status;
    if (standby <= 0)
        return;
    (void)kill(standby, SIGQUIT);
    (void)waitpid(standby, &status, 0);
    standby = 0;
}

void cluster_restart(void)
{
    launch();
}

static void at_exit(void)
{
    if (getpid() != maker)
        return;
    cluster_standby_stop();
    cluster_stop(SIGQUIT);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One role needs a password; the first line that fits counts. */
static void guard(const char *data)
{
    char path[160], *rules;
    size_t n;
    ork_err err;
    (void)snprintf(path, sizeof path, "%s/pg_hba.conf", data);
    assert_int_equal(ork_file_read(path, 1 << 20, &rules, &n, &err), 0);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "host all guarded 127.0.0.1/32 scram-sha-256\n%s", rules);
    (void)fclose(f);
    ork_free(rules);
}

static void make_cluster(void)
{
    char log[128], data[128];
    (void)snprintf(dir, sizeof dir, "/tmp/ork-pg-XXXXXX");
    assert_non_null(mkdtemp(dir));
    maker = getpid();
    (void)atexit(at_exit);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chown(dir, uid, gid), 0);
    (void)snprintf(log, sizeof log, "%s/initdb.log", dir);
    (void)snprintf(data, sizeof data, "%s/data", dir);
    close(open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    (void)chown(log, uid, gid);
    char *argv[] = {"initdb",          "-D", data,   "-U",         "ork", "-A",
                    "trust",           "-E", "UTF8", "--locale=C", "-N",  "--no-instructions",
                    "--wal-segsize=1", NULL};
    run_as_server(argv, log);
    guard(data);
}

void cluster_start(void)
{
    if (server > 0)
        return;
    make_cluster();
    port = free_port();
    (void)snprintf(port_text, sizeof port_text, "%d", port);
    launch();
}

int cluster_port(void)
{
    return port;
}

const char *cluster_dir(void)
{
    return dir;
}

pid_t cluster_pid(void)
{
    return server;
}

/* ---- databases ---- */

static char *url_of(const char *name)
{
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "postgres://ork@127.0.0.1:%d/%s", port, name);
    return ork_buf_steal(&b, NULL);
}

static PGresult *run(const char *url, const char *sql)
{
    PGconn *c = PQconnectdb(url);
    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s: %s", url, PQerrorMessage(c));
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    PQfinish(c);
    return r;
}

void cluster_exec(const char *url, const char *sql)
{
    PQclear(run(url, sql));
}

int64_t cluster_count(const char *url, const char *sql)
{
    PGresult *r = run(url, sql);
    int64_t n = PQntuples(r) && !PQgetisnull(r, 0, 0) ? atoll(PQgetvalue(r, 0, 0)) : -1;
    PQclear(r);
    return n;
}

char *cluster_text(const char *url, const char *sql)
{
    struct ork_buf b = ORK_BUF_INIT;
    PGresult *r = run(url, sql);
    for (int i = 0; i < PQntuples(r); i++)
        ork_buf_addf(&b, "%s\n", PQgetvalue(r, i, 0));
    PQclear(r);
    return ork_buf_steal(&b, NULL);
}

static bool exists(const char *admin, const char *name)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_database WHERE datname = '%s'", name);
    return cluster_count(admin, sql) > 0;
}

/* A file name as the name of a database. */
static void name_of(const char *name, char out[64])
{
    size_t n = 0;
    for (const char *p = *name ? name : "unnamed"; *p && n < 60; p++)
        out[n++] = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ? *p : '_';
    out[n] = '\0';
}

static char *database(const char *name, const char *template)
{
    char sql[256], db[64];
    name_of(name, db);
    cluster_start();
    char *admin = url_of("postgres");
    if (!exists(admin, db)) {
        (void)snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\" TEMPLATE %s", db, template);
        cluster_exec(admin, sql);
    }
    ork_free(admin);
    return url_of(db);
}

char *cluster_raw(const char *name)
{
    return database(name, "template0");
}

char *cluster_database(const char *name)
{
    static bool made;
    if (!made) {
        struct test_store t;
        char *url = cluster_raw("ork_template");
        test_open(&t, url);
        test_close(&t);
        ork_free(url);
        made = true;
    }
    return database(name, "ork_template");
}

void *cluster_hold(const char *url, const char *sql)
{
    PGconn *c = PQconnectdb(url);
    assert_int_equal(PQstatus(c), CONNECTION_OK);
    PGresult *r = PQexec(c, sql);
    assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    return c;
}

int cluster_notices(void *session, int expected)
{
    PGnotify *n;
    int count = 0;
    for (;;) {
        /* What the server has queued for this session comes with the answer; a sender signals the listeners one by one
         * after its commit, so one of them may have heard what this one hears a moment later. */
        PQclear(PQexec(session, "SELECT 1"));
        while ((n = PQnotifies(session))) {
            count++;
            PQfreemem(n);
        }
        if (count >= expected)
            return count;
        struct pollfd p = {.fd = PQsocket(session), .events = POLLIN};
        if (poll(&p, 1, 10000) <= 0)
            return count;
        (void)PQconsumeInput(session);
    }
}

void cluster_release(void *session)
{
    PQfinish(session);
}

void cluster_wait_old(void)
{
    char *admin = url_of("postgres");
    cluster_exec(
        admin,
        "SELECT pg_sleep(extract(epoch FROM pg_postmaster_start_time() + interval '10.1 s' - clock_timestamp()))");
    ork_free(admin);
}

void cluster_wait(const char *url, const char *sql, int64_t n)
{
    for (int i = 0; i < 500; i++) {
        if (cluster_count(url, sql) == n)
            return;
        cluster_exec(url, "SELECT pg_sleep(0.02)");
    }
    fail_msg("never %lld: %s", (long long)n, sql);
}
