/* SPDX-License-Identifier: MIT */
/* Buries children: main processes of attempts, and orphans of theirs that came to us as their subreaper.
 *
 * A main process that ended may have left others behind. They are our children by then (a dead parent's children move
 * before anyone hears of its death), so one read of our list of children shows whether there is anything to look for: a
 * child that is no main process, and that cannot be seen to belong to an attempt still running. */
#include "exec/agent/agent.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t ms_of(struct timeval tv)
{
    return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

/* true: may be a leftover of an attempt whose main process just ended */
static bool suspicious(struct ork_agentd *a, pid_t pid)
{
    struct ork_attempt *t = ork_attempt_by_pid(a, pid);
    struct ork_wire_key key;
    struct ork_proc p;

    if ((t && !t->main_done) || !ork_proc_read(pid, &p) || !ork_proc_alive(&p))
        return false;
    t = ork_attempt_by_pid(a, p.sid);
    if (!t && ork_proc_mark(pid, &key)) {
        t = ork_attempt_find(a, &key);
        if (!t) /* of one that is settled, and was told to keep its children */
            return false;
    }
    return !t || (t->state == ATTEMPT_RUNNING && t->main_done && t->phase == PHASE_RUN);
}

static bool has_leftovers(struct ork_agentd *a)
{
    char buf[4096];
    size_t len = 0;
    off_t off = 0;
    ssize_t n;

    while ((n = pread(a->children_fd, buf + len, sizeof buf - 1 - len, off)) > 0) {
        char *at = buf, *end;

        off += n;
        len += (size_t)n;
        buf[len] = 0;
        while ((end = strchr(at, ' '))) {
            if (suspicious(a, (pid_t)atoi(at)))
                return true;
            at = end + 1;
        }
        len = strlen(at);
        memmove(buf, at, len);
    }
    return n < 0 || a->children_fd < 0; /* cannot tell: look */
}

static void settle(struct ork_agentd *a)
{
    struct ork_attempt *t, *next;
    bool asks = false;

    for (t = TAILQ_FIRST(&a->running); t; t = next) {
        next = TAILQ_NEXT(t, in_running);
        if (!t->main_done || t->phase != PHASE_RUN)
            continue;
        if (t->keep_children)
            ork_attempt_finish(a, t);
        else
            asks = true;
    }
    if (!asks)
        return;
    if (has_leftovers(a)) {
        ork_ending_leftovers(a);
        return;
    }
    for (t = TAILQ_FIRST(&a->running); t; t = next) {
        next = TAILQ_NEXT(t, in_running);
        if (t->main_done && t->phase == PHASE_RUN)
            ork_attempt_finish(a, t);
    }
}

void ork_reap(struct ork_agentd *a)
{
    struct rusage ru;
    bool ended = false;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &ru)) > 0) {
        struct ork_attempt *t = ork_attempt_by_pid(a, pid);

        if (t && !t->main_done && t->state == ATTEMPT_RUNNING) {
            t->main_done = true;
            t->status = status;
            t->exit.user_ms = ms_of(ru.ru_utime);
            t->exit.system_ms = ms_of(ru.ru_stime);
            t->exit.max_rss_kb = ru.ru_maxrss;
            ended |= t->phase == PHASE_RUN;
            if (t->phase == PHASE_RUN)
                t->deadline = 0;
        }
        ork_ending_gone(a, pid);
    }
    if (ended)
        settle(a);
    ork_ending_look(a);
}
