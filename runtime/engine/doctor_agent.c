/* SPDX-License-Identifier: MIT */
/* The agent: is there one, is it ours, does it work. It is asked as a run asks it, in the data directory's own agent
 * folder, and given a process that leaves a child behind: when its end is reported the child must be gone, or attempts
 * of tasks would run beside their successors. Without a data directory the agent works in a folder made for that;
 * either ends by itself some seconds later. */
#include "engine/doctor.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/path.h"
#include "exec/agent/proto.h"
#include "exec/process/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 5000

/* ---- the program ---- */

/* The first line that `program --version` prints; false when it prints none in time. */
static bool ask_version(const char *program, char *line, size_t cap)
{
    char *argv[] = {(char *)program, (char[]){"--version"}, NULL};
    posix_spawn_file_actions_t files;
    int fds[2];
    pid_t pid;

    line[0] = '\0';
    if (pipe2(fds, O_CLOEXEC) < 0)
        return false;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, fds[1], 1);
    int rc = posix_spawn(&pid, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(fds[1]);
    if (rc == 0) {
        struct pollfd p = {.fd = fds[0], .events = POLLIN};
        ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? read(fds[0], line, cap - 1) : -1;
        line[n > 0 ? n : 0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        if (n <= 0)
            (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    close(fds[0]);
    return line[0] != '\0';
}

static const char REINSTALL[] = "install the package `ork` again, whole; or set ORK_AGENT to the right program";

static bool program(struct ork_doctor *d, char **path)
{
    char line[256], version[128];
    int protocol = -1;
    ork_err err;

    if (d->opts->agent_path)
        *path = ork_strdup(d->opts->agent_path);
    else if (ork_agent_find_program(path, &err) != 0) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent", NULL, "%s", err.msg);
        return false;
    }
    if (!ask_version(*path, line, sizeof line) ||
        sscanf(line, "ork-agent %127[^,], protocol %d", version, &protocol) != 2) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent", REINSTALL, "%s does not say that it is ork-agent", *path);
        return false;
    }
    if (protocol != ORK_PROTO) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent", REINSTALL, "%s speaks protocol %d, this ork protocol %d", *path,
                       protocol, ORK_PROTO);
        return false;
    }
    bool same = strcmp(version, ork_version()) == 0;
    ork_doctor_add(d, same ? ORK_FINDING_OK : ORK_FINDING_WARNING, "agent", same ? NULL : REINSTALL,
                   "%s, protocol %d%s%s", *path, protocol, same ? "" : ", of another version: ", same ? "" : version);
    return true;
}

/* ---- a process run by it ---- */

struct trial {
    uv_loop_t loop;
    uv_timer_t deadline;
    ork_agent *agent;
    struct ork_attempt_key key;
    ork_id run;
    char *log_path, *room;
    bool answered, spawned, started, ended, over, closed;
    struct ork_exit exit; /* error is not kept */
    char failure[768];
};

static void stop(struct trial *t)
{
    t->over = true;
    uv_stop(&t->loop);
}

static void on_claimed(void *data, const ork_id *run)
{
    struct trial *t = data;
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"sleep 60 >/dev/null 2>&1 & echo $!"}};

    (void)run;
    t->answered = true;
    if (t->spawned || t->over)
        return;
    t->spawned = true;
    struct ork_spawn s = {.key = t->key,
                          .run = t->run,
                          .argv = argv,
                          .argc = sizeof argv / sizeof *argv,
                          .cwd = "/",
                          .log_path = t->log_path,
                          .grace_ms = 1000};
    ork_agent_spawn(t->agent, &s);
    ork_agent_flush(t->agent);
}

static void on_started(void *data, const struct ork_attempt_key *key, int32_t pid, int64_t started_ms)
{
    (void)key;
    (void)pid;
    (void)started_ms;
    ((struct trial *)data)->started = true;
}

static void on_exited(void *data, const struct ork_exit *x)
{
    struct trial *t = data;

    t->ended = true;
    t->exit = *x;
    if (x->error)
        (void)snprintf(t->failure, sizeof t->failure, "%s", x->error);
    ork_agent_ack(t->agent, &t->key);
    stop(t);
}

static void on_down(void *data, const ork_err *err)
{
    struct trial *t = data;

    (void)snprintf(t->failure, sizeof t->failure, "%s", err->msg);
    stop(t);
}

static void on_deadline(uv_timer_t *timer)
{
    stop(timer->data);
}

static void on_closed(void *data)
{
    ((struct trial *)data)->closed = true;
}

/* The child that the process left behind, by what it printed: is it gone? One that waits to be buried is. */
static bool child_is_gone(const struct trial *t)
{
    ORK_CLEANUP(ork_free_cleanup) char *text = NULL;
    char path[64], state = 'X';
    size_t n;
    ork_err err;
    long pid;

    if (ork_file_read(t->log_path, 64, &text, &n, &err) != 0 || (pid = strtol(text, NULL, 10)) <= 1)
        return false;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X'; /* it went while we read */
    (void)fclose(f);
    return state == 'Z' || state == 'X';
}

static void judge(struct ork_doctor *d, const struct trial *t, const char *dir)
{
    char hint[512];

    (void)snprintf(hint, sizeof hint,
                   "%s/log may say why; an agent that hangs can be killed: its tasks are tried again", dir);
    if (t->ended && t->exit.reason == ORK_EXIT_NORMAL && t->exit.exit_code == 0 && child_is_gone(t))
        ork_doctor_add(d, ORK_FINDING_OK, "agent works", NULL, "ran a process, and left nothing of it behind");
    else if (t->ended && t->exit.reason == ORK_EXIT_NORMAL && t->exit.exit_code == 0)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent works", "is /proc mounted for this container?",
                       "a child of the process it ran is still there");
    else if (d->full && (t->ended || t->failure[0] || !t->answered))
        ork_doctor_add(d, ORK_FINDING_WARNING, "agent works", NULL, "could not be tried: the disk is full");
    else if (t->ended)
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent works", hint, "the process it was given failed: %s",
                       t->failure[0] ? t->failure : "exit code or signal");
    else if (t->failure[0])
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent works", NULL, "%s", t->failure);
    else if (t->answered && !t->started)
        ork_doctor_add(d, ORK_FINDING_OK, "agent works", NULL, "it answers; all its slots are taken by tasks");
    else
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent works", hint, "%s within %d s",
                       t->answered ? "the process it started did not end" : "it did not answer", PATIENCE_MS / 1000);
}

static void close_trial(struct trial *t)
{
    if (t->spawned && !t->ended) { /* it may still wait for a slot */
        ork_agent_recall(t->agent, &t->key);
        ork_agent_kill(t->agent, &t->key, 0);
    }
    ork_agent_release(t->agent, &t->run);
    ork_agent_flush(t->agent);
    ork_agent_close(t->agent, on_closed, t);
    while (!t->closed)
        uv_run(&t->loop, UV_RUN_ONCE);
}

static void try_agent(struct ork_doctor *d, const char *dir, const char *program, const char *room)
{
    const struct ork_log silent = {.name = "doctor", .level = -1};
    struct ork_idgen ids;
    struct trial t = {0};
    ork_err err;

    ork_idgen_init(&ids, &ork_clock_system);
    t.run = ork_id_new(&ids);
    t.key = (struct ork_attempt_key){.task = ork_id_new(&ids), .attempt = 1};
    t.log_path = ork_path_join(room, "out");
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.deadline);
    t.deadline.data = &t;
    struct ork_agent_opts o = {.loop = &t.loop,
                               .dir = dir,
                               .program = program,
                               .jobs = 1,
                               .seq = 1,
                               .log = &silent,
                               .events = {.data = &t,
                                          .on_claimed = on_claimed,
                                          .on_started = on_started,
                                          .on_exited = on_exited,
                                          .on_down = on_down}};
    int rc = ork_agent_open(&o, &t.agent, &err);
    if (rc && d->full) {
        ork_doctor_add(d, ORK_FINDING_WARNING, "agent works", NULL, "could not be tried: the disk is full");
    } else if (rc) {
        ork_doctor_add(d, ORK_FINDING_PROBLEM, "agent works", NULL, "%s", err.msg);
    } else {
        uv_timer_start(&t.deadline, on_deadline, PATIENCE_MS, 0);
        ork_agent_claim(t.agent, &t.run);
        while (!t.over)
            uv_run(&t.loop, UV_RUN_ONCE);
        judge(d, &t, dir);
        close_trial(&t);
    }
    uv_close((uv_handle_t *)&t.deadline, NULL);
    while (uv_loop_close(&t.loop) == UV_EBUSY)
        uv_run(&t.loop, UV_RUN_ONCE);
    (void)unlink(t.log_path);
    ork_free(t.log_path);
}

void ork_doctor_agent(struct ork_doctor *d)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = NULL;

    if (!program(d, &path) || !d->room)
        return;
    /* The folder is absolute: the agent works in "/". */
    ORK_CLEANUP(ork_free_cleanup) char *room = NULL;
    ork_err err;
    if (ork_path_absolute(d->room, &room, &err) != 0)
        return;
    bool there = d->data_dir && d->room && strncmp(room, d->data_dir, strlen(d->data_dir)) == 0;
    ORK_CLEANUP(ork_free_cleanup) char *dir = ork_path_join(there ? d->data_dir : room, "agent");
    try_agent(d, dir, path, room);
}
