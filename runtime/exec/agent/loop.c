/* SPDX-License-Identifier: MIT */
/* One turn of the agent: wait, bury children, hear clients, look at clocks, start what has a slot, write the journal,
 * speak. The order is the law "journal before word": nothing is sent before what it says is in the journal.
 *
 * All waiting is one epoll_wait whose timeout is the nearest deadline; an idle agent does not wake. */
#include "exec/agent/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 64
#define STOP_MS 5000 /* told to stop: wait so long for tasks that cannot be killed */

static int watch(struct ork_agentd *a, int *fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = fd};

    return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, *fd, &e);
}

/* The path may be longer than a socket address holds: reached through our descriptor of the directory. */
static int open_socket(struct ork_agentd *a)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[16];

    snprintf(name, sizeof name, ORK_PROTO_SOCKET "%d", ORK_PROTO);
    snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", a->dir_fd, name);
    if (unlinkat(a->dir_fd, name, 0) < 0 && errno != ENOENT)
        return -1;
    a->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (a->listen_fd < 0 || bind(a->listen_fd, (struct sockaddr *)&at, sizeof at) < 0)
        return -1;
    return listen(a->listen_fd, 128);
}

int ork_loop_open(struct ork_agentd *a, char **why)
{
    char children[64];
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    snprintf(children, sizeof children, "/proc/self/task/%d/children", (int)a->pid);
    a->children_fd = open(children, O_RDONLY | O_CLOEXEC);
    a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0 || a->epoll_fd < 0 || a->signal_fd < 0 ||
        watch(a, &a->signal_fd) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        *why = ork_text("cannot set up the agent: %s", strerror(errno));
        return -1;
    }
    if (open_socket(a) < 0 || watch(a, &a->listen_fd) < 0) {
        *why = ork_text("cannot make the socket in `%s`: %s", a->dir, strerror(errno));
        return -1;
    }
    return 0;
}

static void read_signals(struct ork_agentd *a)
{
    struct signalfd_siginfo info[8];
    ssize_t n;

    while ((n = read(a->signal_fd, info, sizeof info)) > 0) {
        for (size_t i = 0; i < (size_t)n / sizeof *info; i++) {
            if (info[i].ssi_signo == SIGCHLD || a->stop)
                continue;
            ork_note(a, "told to stop by pid %d; running tasks are killed and count as lost", (int)info[i].ssi_pid);
            a->stop = true;
            a->idle_since = a->mono;
            ork_ending_all(a);
        }
    }
    ork_reap(a);
}

static bool idle(const struct ork_agentd *a)
{
    return TAILQ_EMPTY(&a->running) && !a->queued && TAILQ_EMPTY(&a->conns) && !(a->journal.bad && a->unacked);
}

static bool ended(struct ork_agentd *a)
{
    if (a->stop)
        return TAILQ_EMPTY(&a->running) || a->mono - a->idle_since > STOP_MS;
    if (a->draining && TAILQ_EMPTY(&a->running) && !a->queued)
        return true; /* its clients find the next agent */
    if (!idle(a)) {
        a->idle_since = 0;
        return false;
    }
    if (!a->idle_since)
        a->idle_since = a->mono;
    return a->mono - a->idle_since >= a->linger_ms;
}

static void nearer(int64_t *at, int64_t other)
{
    if (other && (!*at || other < *at))
        *at = other;
}

static int timeout_ms(struct ork_agentd *a)
{
    int64_t at = 0, left;

    nearer(&at, ork_ending_deadline(a));
    nearer(&at, ork_conn_deadline(a));
    if (a->journal.bad)
        nearer(&at, a->journal.retry_at);
    if (a->stop)
        nearer(&at, a->idle_since + STOP_MS + 1);
    else if (a->idle_since)
        nearer(&at, a->idle_since + a->linger_ms);
    if (!at)
        return -1;
    left = at - ork_now_mono();
    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static void turn(struct ork_agentd *a, struct epoll_event *events, int n)
{
    a->mono = ork_now_mono();
    for (int i = 0; i < n; i++) { /* exits before requests: an exit that came first is no kill */
        if (events[i].data.ptr == &a->signal_fd)
            read_signals(a);
    }
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &a->listen_fd)
            ork_conn_accept(a);
        else if (events[i].data.ptr != &a->signal_fd)
            ork_conn_ready(a, events[i].data.ptr, events[i].events);
    }
    ork_ending_timers(a);
    ork_ending_act(a);
    ork_journal_flush(a);
    ork_conn_flush_all(a); /* the scheduler works on results while we start the next */
    ork_queue_start(a);
    ork_journal_flush(a);
    ork_conn_flush_all(a);
}

void ork_loop_run(struct ork_agentd *a)
{
    struct epoll_event events[EVENTS];

    a->mono = ork_now_mono();
    while (!ended(a)) {
        int n = epoll_wait(a->epoll_fd, events, EVENTS, timeout_ms(a));

        turn(a, events, n < 0 ? 0 : n);
    }
}
