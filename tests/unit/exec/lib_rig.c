/* SPDX-License-Identifier: MIT */
#include "exec/lib_rig.h"
#include "base/alloc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- events ---- */

static struct seen *note(struct rig *r, enum seen_what what)
{
    struct seen *s;

    ork_grow((void **)&r->seen, &r->seen_cap, r->seen_len + 1, sizeof *r->seen);
    s = &r->seen[r->seen_len++];
    memset(s, 0, sizeof *s);
    s->what = what;
    return s;
}

static void on_ready(void *data, const ork_id *agent, const char *socket, const char *boot_id)
{
    struct seen *s = note(data, SEEN_READY);

    s->id = *agent;
    snprintf(s->text, sizeof s->text, "%s", boot_id);
    assert_non_null(strstr(socket, "/agent/s"));
}

static void on_started(void *data, const struct ork_attempt_key *key, int32_t pid, int64_t started_ms)
{
    struct seen *s = note(data, SEEN_STARTED);

    assert_true(started_ms > 1600000000000);
    s->key = *key;
    s->pid = pid;
}

static void on_exited(void *data, const struct ork_exit *x)
{
    struct seen *s = note(data, SEEN_EXITED);

    s->key = x->key;
    s->x = *x;
    snprintf(s->text, sizeof s->text, "%s", x->error ? x->error : "");
    s->x.error = NULL;
}

static void on_recalled(void *data, const struct ork_attempt_key *key)
{
    note(data, SEEN_RECALLED)->key = *key;
}

static void on_state(void *data, const struct ork_attempt_key *key, int state, int32_t pid, int64_t started_ms)
{
    struct seen *s = note(data, SEEN_STATE);

    (void)started_ms;
    s->key = *key;
    s->state = state;
    s->pid = pid;
}

static void on_claimed(void *data, const ork_id *run)
{
    note(data, SEEN_CLAIMED)->id = *run;
}

static void on_stuck(void *data, const struct ork_attempt_key *key, int32_t pid)
{
    struct seen *s = note(data, SEEN_STUCK);

    s->key = *key;
    s->pid = pid;
}

static void on_refused(void *data, const ork_id *run)
{
    note(data, SEEN_REFUSED)->id = *run;
}

static void on_down(void *data, const ork_err *err)
{
    struct seen *s = note(data, SEEN_DOWN);

    s->state = err->code;
    snprintf(s->text, sizeof s->text, "%s", err->msg);
}

/* ---- waiting ---- */

static void on_limit(uv_timer_t *t)
{
    struct rig *r = t->data;

    for (size_t i = 0; i < r->seen_len; i++)
        print_error("event %d attempt %u %s\n", (int)r->seen[i].what, r->seen[i].key.attempt, r->seen[i].text);
    if (getpid() != r->owner) /* a forked part of a test: its parent fails */
        _exit(111);
    fail_msg("waited %d s in vain", WAIT_S);
}

static bool same_key(const struct ork_attempt_key *a, const struct ork_attempt_key *b)
{
    return !a || (a->attempt == b->attempt && ork_id_eq(&a->task, &b->task));
}

const struct seen *find_seen(struct rig *r, enum seen_what what, const struct ork_attempt_key *key)
{
    for (size_t i = r->from; i < r->seen_len; i++) {
        if (r->seen[i].what == what && same_key(key, &r->seen[i].key))
            return &r->seen[i];
    }
    return NULL;
}

size_t count_seen(struct rig *r, enum seen_what what)
{
    size_t n = 0;

    for (size_t i = r->from; i < r->seen_len; i++)
        n += r->seen[i].what == what;
    return n;
}

const struct seen *wait_for(struct rig *r, enum seen_what what, const struct ork_attempt_key *key)
{
    const struct seen *s;

    uv_timer_start(&r->limit, on_limit, WAIT_S * 1000, 0);
    while (!(s = find_seen(r, what, key)))
        uv_run(&r->loop, UV_RUN_ONCE);
    uv_timer_stop(&r->limit);
    return s;
}

const struct ork_exit *wait_exit(struct rig *r, unsigned n)
{
    struct ork_attempt_key k = key_of(n);

    return &wait_for(r, SEEN_EXITED, &k)->x;
}

static void on_alarm(int sig)
{
    static const char text[] = "waited in vain\n";

    (void)sig;
    if (write(2, text, sizeof text - 1) > 0)
        _exit(111);
}

static void limit_by_alarm(bool on)
{
    signal(SIGALRM, on_alarm);
    alarm(on ? WAIT_S : 0);
}

void wait_file(struct rig *r, const char *path)
{
    int fd = inotify_init1(IN_CLOEXEC);
    struct stat st;
    char buf[4096];

    if (r->agent)
        ork_agent_flush(r->agent);
    assert_true(inotify_add_watch(fd, r->dir, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
    limit_by_alarm(true);
    while (stat(path, &st) < 0 || st.st_size == 0) {
        /* the loop must turn too: the agent may have to be started */
        struct pollfd pfds[2] = {{.fd = fd, .events = POLLIN}, {.fd = uv_backend_fd(&r->loop), .events = POLLIN}};
        int timeout = uv_backend_timeout(&r->loop);

        poll(pfds, 2, timeout < 0 || timeout > 1000 ? 1000 : timeout);
        if (pfds[0].revents)
            assert_true(read(fd, buf, sizeof buf) > 0);
        uv_run(&r->loop, UV_RUN_NOWAIT);
    }
    limit_by_alarm(false);
    close(fd);
}

/* ---- life ---- */

static void on_closed(void *data)
{
    ((struct rig *)data)->closed = true;
}

void rig_open(struct rig *r)
{
    struct ork_agent_opts o = {
        .loop = &r->loop, .dir = r->agent_dir, .program = getenv("ORK_AGENT"), .jobs = r->jobs, .seq = r->seq};
    ork_err err;

    o.events = (struct ork_agent_events){.data = r,
                                         .on_ready = on_ready,
                                         .on_started = on_started,
                                         .on_exited = on_exited,
                                         .on_recalled = on_recalled,
                                         .on_state = on_state,
                                         .on_claimed = on_claimed,
                                         .on_stuck = on_stuck,
                                         .on_refused = on_refused,
                                         .on_down = on_down};
    assert_non_null(o.program);
    if (ork_agent_open(&o, &r->agent, &err) < 0)
        fail_msg("%s", err.msg);
    r->closed = false;
}

void rig_close(struct rig *r)
{
    if (!r->agent)
        return;
    ork_agent_close(r->agent, on_closed, r);
    r->agent = NULL;
    while (!r->closed)
        uv_run(&r->loop, UV_RUN_ONCE);
}

static uint32_t id_salt; /* of this test's ids */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

int rig_setup(void **state)
{
    struct rig *r = ork_zalloc(sizeof *r);

    setenv("ORK_AGENT_LINGER_MS", "100", 1);
    snprintf(r->dir, sizeof r->dir, "%.40s/ork-rig-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->agent_dir, sizeof r->agent_dir, "%s/agent", r->dir);
    uv_loop_init(&r->loop);
    uv_timer_init(&r->loop, &r->limit);
    r->limit.data = r;
    write_file(rig_path(r, "report"), "echo $$ >$1.new; mv $1.new $1; exec sleep 1000\n");
    r->owner = getpid();
    assert_int_equal(getrandom(&id_salt, sizeof id_salt, 0), sizeof id_salt);
    r->jobs = 4;
    r->seq = 1;
    rig_open(r);
    *state = r;
    return 0;
}

static size_t marked_processes(const struct rig *r)
{
    char path[64], buf[65536], text[128];
    DIR *proc = opendir("/proc");
    struct dirent *e;
    size_t n = 0;

    snprintf(text, sizeof text, "RIG=%s", r->dir);
    while ((e = readdir(proc))) {
        ssize_t len = -1;
        int fd;

        snprintf(path, sizeof path, "/proc/%d/environ", atoi(e->d_name));
        fd = atoi(e->d_name) > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) {
            len = read(fd, buf, sizeof buf);
            close(fd);
        }
        if (len > 0 && memmem(buf, (size_t)len, text, strlen(text)) && pid_alive(atoi(e->d_name))) {
            print_error("left over: pid %s\n", e->d_name);
            n++;
        }
    }
    closedir(proc);
    return n;
}

void rig_wait_agent_gone(struct rig *r)
{
    char path[300];
    int fd;

    snprintf(path, sizeof path, "%s/lock1", r->agent_dir);
    fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    limit_by_alarm(true);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    limit_by_alarm(false);
    close(fd);
}

int rig_teardown(void **state)
{
    struct rig *r = *state;
    char command[128], *log;
    size_t left;

    rig_close(r);
    rig_wait_agent_gone(r);
    log = rig_read(rig_path(r, "agent/log"));
    if (strstr(log, "Sanitizer") || strstr(log, "runtime error"))
        fail_msg("%s", log);
    ork_free(log);
    left = marked_processes(r);
    uv_close((uv_handle_t *)&r->limit, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    snprintf(command, sizeof command, "find %s -type s | grep .", r->dir);
    assert_int_not_equal(system(command), 0); /* no socket is left */
    snprintf(command, sizeof command, "rm -rf %s", r->dir);
    assert_int_equal(system(command), 0);
    ork_free(r->seen);
    ork_free(r);
    assert_int_equal(left, 0);
    return 0;
}

int rig_connect(struct rig *r)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir;
    struct timeval limit = {.tv_sec = WAIT_S};

    dir = open(r->agent_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/s1", dir);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(dir);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

pid_t rig_agent_pid(struct rig *r)
{
    struct ucred who;
    socklen_t len = sizeof who;
    int fd = rig_connect(r);

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
    close(fd);
    return who.pid;
}

char *rig_path(struct rig *r, const char *name)
{
    static char paths[8][256];
    static int next;
    char *p = paths[next++ % 8];

    snprintf(p, sizeof paths[0], "%s/%s", r->dir, name);
    return p;
}

char *rig_read(const char *path)
{
    char *text = ork_zalloc(1 << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        assert_true(read(fd, text, (1 << 20) - 1) >= 0);
        close(fd);
    }
    return text;
}

/* ---- tasks ---- */

/* Of this rig alone: an agent that sweeps looks for the marks of its attempts everywhere. */
ork_id id_of(unsigned n)
{
    ork_id id = {{0x01, 0x90, 0xab}};

    id.b[6] = 0x70;
    memcpy(id.b + 8, &id_salt, sizeof id_salt);
    memcpy(id.b + 12, &n, sizeof n);
    return id;
}

struct ork_attempt_key key_of(unsigned n)
{
    return (struct ork_attempt_key){id_of(1000 + n), 1};
}

struct ork_spawn sh(struct rig *r, unsigned n, const char *command)
{
    static char log[8][96], mark[128];
    static char *argv[8][4], *env[8][2];
    static int next;
    int i = next++ % 8;

    snprintf(log[i], sizeof log[i], "%s/%u.log", r->dir, n);
    snprintf(mark, sizeof mark, "RIG=%s", r->dir);
    argv[i][0] = (char *)"/bin/sh";
    argv[i][1] = (char *)"-c";
    argv[i][2] = (char *)command;
    env[i][0] = mark;
    return (struct ork_spawn){.key = key_of(n),
                              .run = id_of(1),
                              .argv = argv[i],
                              .argc = 3,
                              .env = env[i],
                              .envc = 1,
                              .cwd = r->dir,
                              .log_path = log[i]};
}

void run_sh(struct rig *r, unsigned n, const char *command)
{
    struct ork_spawn s = sh(r, n, command);
    ork_id run = id_of(1);

    ork_agent_claim(r->agent, &run);
    ork_agent_spawn(r->agent, &s);
}

int read_pid(const char *path)
{
    char *text = rig_read(path);
    int pid = atoi(text);

    ork_free(text);
    assert_true(pid > 1);
    return pid;
}

bool pid_alive(int pid)
{
    char path[64], buf[512], *at;
    int fd;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, buf, sizeof buf - 1);
    close(fd);
    if (n <= 0)
        return false;
    buf[n] = 0;
    at = strrchr(buf, ')');
    return at && at[2] != 'Z' && at[2] != 'X';
}

void wait_pid_gone(int pid)
{
    struct pollfd pfd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

    if (pfd.fd < 0 && errno == ENOSYS) { /* valgrind knows no pidfd */
        limit_by_alarm(true);
        while (pid_alive(pid))
            sched_yield();
        limit_by_alarm(false);
    }
    if (pfd.fd < 0)
        return;
    assert_int_equal(poll(&pfd, 1, WAIT_S * 1000), 1);
    close(pfd.fd);
}

void wait_many(struct rig *r, int pids[MANY_LEN])
{
    static const char *const names[] = {"child", "piped", "escaped", "nested", "bare"};

    for (int i = 0; i < MANY_LEN; i++) {
        wait_file(r, rig_path(r, names[i]));
        pids[i] = read_pid(rig_path(r, names[i]));
        assert_true(pid_alive(pids[i]));
    }
}

void all_dead(const int pids[MANY_LEN])
{
    for (int i = 0; i < MANY_LEN; i++)
        assert_false(pid_alive(pids[i]));
}

size_t open_fds(pid_t pid)
{
    char path[64];
    size_t n = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}
