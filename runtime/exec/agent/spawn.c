/* SPDX-License-Identifier: MIT */
/* Starts one attempt by vfork + execve. Everything the child needs is prepared before: between vfork and execve it runs
 * in the agent's memory, on the agent's stack, so it makes system calls and nothing else. A failure comes back through
 * that shared memory (`stage`, `error`) and is turned into words by the parent.
 *
 * The program is looked for by the child, after chdir, in the PATH of the task: candidates are tried with execve as
 * execvp(3) does, so what is found is what the kernel can run there. */
#include "exec/agent/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

enum stage { STAGE_NONE, STAGE_SESSION, STAGE_CWD, STAGE_FILES, STAGE_EXEC };

struct launch {
    const char *cwd, *path, *oom_adj;
    const char **argv; /* [-2] and [-1] are free, for a script without #! */
    const char **envp;
    const struct ork_base *base;
    int log_fd, null_fd;
    int64_t cpu_ms, memory; /* 0 none */
    pid_t agent;
    volatile enum stage stage; /* set by the child when it fails */
    volatile int error;
};

#define IN_CHILD __attribute__((noinline, no_sanitize_address, no_sanitize_undefined))

IN_CHILD static void try_exec(struct launch *l, const char *file)
{
    execve(file, (char *const *)l->argv, (char *const *)l->envp);
    if (errno == ENOEXEC) { /* a script without #!, as shells and execvp do */
        const char **argv = l->argv - 1;
        const char *name = l->argv[0];

        argv[0] = "sh";
        argv[1] = file;
        execve("/bin/sh", (char *const *)argv, (char *const *)l->envp);
        argv[1] = name;
    }
}

IN_CHILD static void exec_program(struct launch *l)
{
    const char *name = l->argv[0], *at = l->path;
    size_t name_len = strlen(name);
    char file[4096];
    int seen = ENOENT;

    if (strchr(name, '/')) {
        try_exec(l, name);
        return;
    }
    for (;; at++) {
        size_t n = (size_t)(strchrnul(at, ':') - at);

        if (name_len && n + name_len + 2 <= sizeof file) {
            memcpy(file, at, n);
            if (n)
                file[n++] = '/';
            memcpy(file + n, name, name_len + 1);
            try_exec(l, file);
            if (errno == EACCES)
                seen = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV && errno != ETIMEDOUT)
                return;
        }
        at = strchrnul(at, ':');
        if (!*at)
            break;
    }
    errno = seen;
}

IN_CHILD static void set_limits(const struct ork_base *b)
{
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit own, l = b->limits[i];

        if (!(b->limits_set & 1u << i) || setrlimit((__rlimit_resource_t)i, &l) == 0)
            continue;
        if (getrlimit((__rlimit_resource_t)i, &own) < 0) /* may not raise the hard one: as far as it goes */
            continue;
        l.rlim_max = l.rlim_max < own.rlim_max ? l.rlim_max : own.rlim_max;
        l.rlim_cur = l.rlim_cur < l.rlim_max ? l.rlim_cur : l.rlim_max;
        setrlimit((__rlimit_resource_t)i, &l);
    }
}

/* Never more than it would have had. */
IN_CHILD static void limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit l;

    if (getrlimit((__rlimit_resource_t)what, &l) < 0)
        return;
    l.rlim_max = hard < l.rlim_max ? hard : l.rlim_max;
    l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max;
    setrlimit((__rlimit_resource_t)what, &l);
}

#define CPU_GRACE_S 5 /* from SIGXCPU, which a program may use to clean up, to SIGKILL */

IN_CHILD static void set_own_limits(const struct launch *l)
{
    uint64_t seconds = (uint64_t)(l->cpu_ms + 999) / 1000;

    if (l->cpu_ms > 0)
        limit(RLIMIT_CPU, seconds, seconds + CPU_GRACE_S);
    if (l->memory > 0)
        limit(RLIMIT_DATA, (uint64_t)l->memory, (uint64_t)l->memory);
}

IN_CHILD static void write_oom_adj(const char *value)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, value, strlen(value)) < 0)
        errno = 0; /* a wish, not a need */
    close(fd);
}

IN_CHILD static void child(struct launch *l)
{
    sigset_t none;
    struct sigaction dfl;

    l->stage = STAGE_SESSION;
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != l->agent)
        return;
    l->stage = STAGE_CWD;
    if (chdir(l->cwd) < 0)
        return;
    l->stage = STAGE_FILES;
    if (dup2(l->null_fd, 0) < 0 || dup2(l->log_fd, 1) < 0 || dup2(l->log_fd, 2) < 0 || close_range(3, ~0u, 0) < 0)
        return;
    l->stage = STAGE_EXEC;
    if (*l->oom_adj)
        write_oom_adj(l->oom_adj);
    umask(l->base->umask);
    set_limits(l->base);
    set_own_limits(l);
    memset(&dfl, 0, sizeof dfl); /* SIG_DFL; all others are default in the agent */
    sigaction(SIGPIPE, &dfl, NULL);
    sigaction(SIGXFSZ, &dfl, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    exec_program(l);
}

IN_CHILD static pid_t launch(struct launch *l)
{
    pid_t pid = vfork();

    if (pid == 0) {
        child(l);
        l->error = errno;
        _exit(127);
    }
    return pid;
}

/* ---- before ---- */

static bool same_name(const char *set, const char *have)
{
    size_t n = (size_t)(strchrnul(set, '=') - set);

    return !strncmp(set, have, n) && have[n] == '=';
}

/* The client's environment, the task's changes, our mark. */
static const char **build_env(const struct ork_attempt *t, char *mark, const char **path)
{
    const struct ork_base *b = t->base;
    const char **env = ork_mem(NULL, ((size_t)b->envc + t->envc + 2) * sizeof *env);
    size_t n = 0;
    char key[64];

    ork_attempt_key_text(&t->key, key);
    sprintf(mark, ORK_KEY_NAME "=%s", key);
    env[n++] = mark;
    for (uint32_t i = 0; i < b->envc; i++) {
        bool kept = !same_name(ORK_KEY_NAME, b->env[i]);

        for (uint32_t j = 0; kept && j < t->envc; j++)
            kept = !same_name(t->env[j], b->env[i]);
        if (kept)
            env[n++] = b->env[i];
    }
    for (uint32_t i = 0; i < t->envc; i++) {
        if (strchr(t->env[i], '=') && !same_name(ORK_KEY_NAME, t->env[i]))
            env[n++] = t->env[i];
    }
    env[n] = NULL;
    *path = DEFAULT_PATH;
    for (size_t i = 0; i < n; i++) {
        if (!strncmp(env[i], "PATH=", 5))
            *path = env[i] + 5;
    }
    return env;
}

static int open_log(const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, fd = open(path, flags, 0600);
    char *dir;

    if (fd >= 0 || errno != ENOENT)
        return fd;
    dir = ork_text("%s", path);
    for (char *at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(dir, 0700);
        *at = '/';
    }
    free(dir);
    return open(path, flags, 0600);
}

/* ---- after: what went wrong, in words ---- */

/* Bytes of a PATH that are worth reading: whole folders. */
static int folders_shown(const char *path)
{
    size_t n = strlen(path);

    while (n > 60) {
        while (n > 0 && path[--n] != ':')
            continue;
    }
    return (int)n;
}

static char *exec_words(const struct ork_attempt *t, const char *path, int error)
{
    const char *name = t->argv[0];
    char *file = NULL, *words;
    struct stat st;
    bool is_there, is_dir;
    const int shown = folders_shown(path);
    const char *more = path[shown] ? ":…" : "";

    if (!strchr(name, '/')) {
        if (error == ENOENT)
            return ork_text("cannot run `%.200s`: not found in PATH (%.*s%s)", name, shown, path, more);
        if (error == EACCES)
            return ork_text("`%.200s` is not executable (found in PATH %.*s%s)", name, shown, path, more);
        return ork_text("cannot run `%.200s`: %s", name, strerror(error));
    }
    file = *name == '/' ? ork_text("%s", name) : ork_text("%s/%s", t->cwd, name);
    is_there = stat(file, &st) == 0;
    is_dir = is_there && S_ISDIR(st.st_mode);
    free(file);
    if (is_dir)
        words = ork_text("cannot run `%.400s`: it is a directory", name);
    else if (error == ENOENT && is_there)
        words = ork_text("cannot run `%.400s`: the interpreter in its first line does not exist", name);
    else if (error == EACCES && is_there)
        words = ork_text("`%.400s` is not executable%s%.400s", name, st.st_mode & 0111 ? "" : "; chmod +x ",
                         st.st_mode & 0111 ? "" : name);
    else
        words = ork_text("cannot run `%.400s`: %s", name, strerror(error));
    return words;
}

static char *too_long(const struct ork_attempt *t)
{
    return ork_text("cannot run `%.200s`: its arguments and environment are too long for the system", t->argv[0]);
}

static char *words_of(const struct ork_attempt *t, const struct launch *l)
{
    if (l->error == E2BIG)
        return too_long(t);
    switch (l->stage) {
    case STAGE_CWD:
        return ork_text("cannot change to directory `%.400s`: %s", l->cwd, strerror(l->error));
    case STAGE_EXEC:
        return exec_words(t, l->path, l->error);
    default:
        return ork_text("cannot prepare a process for `%.200s`: %s", t->argv[0], strerror(l->error));
    }
}

pid_t ork_spawn_attempt(struct ork_agentd *a, struct ork_attempt *t, char **error)
{
    char mark[96];
    struct launch l = {.cwd = t->cwd,
                       .oom_adj = a->oom_adj,
                       .argv = t->argv,
                       .base = t->base,
                       .null_fd = a->null_fd,
                       .cpu_ms = t->cpu_ms,
                       .memory = t->memory};
    pid_t pid;

    if (t->too_long) {
        *error = too_long(t);
        return -1;
    }
    l.agent = a->pid;
    l.log_fd = open_log(t->log_path);
    if (l.log_fd < 0) {
        *error = ork_text("cannot open the log file `%.400s`: %s", t->log_path, strerror(errno));
        return -1;
    }
    l.envp = build_env(t, mark, &l.path);
    pid = launch(&l);
    if (pid < 0) {
        *error = ork_text("cannot start a process: %s", strerror(errno));
    } else if (l.stage != STAGE_NONE && l.error) {
        *error = words_of(t, &l); /* wait4(-1) of the next turn buries it */
        pid = -1;
    }
    free(l.envp);
    close(l.log_fd);
    return pid;
}
