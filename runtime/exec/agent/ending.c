/* SPDX-License-Identifier: MIT */
/* How an attempt ends, so that dead means dead.
 *
 *   RUN ── main process ended, nothing left ─────────────────────────────► finished
 *    │ ├── main process ended, leftovers ──────────────┐
 *    │ └── killed, timed out ── grace? ── TERM ──────► KILL ── none left ─► finished
 *    │                                  └─ all gone ──────────────────────► finished
 *    └── the agent is told to stop, or an earlier agent died ─► KILL
 *
 * KILL: stop every process of the attempt, list again until no new one shows, kill. Processes end as our children (we
 * are their subreaper), so the next look is taken when the last of `members` was reaped; a timer (10 ms doubling to 1
 * s) covers those of an earlier agent. What is alive STUCK_MS after the first SIGKILL is reported and the attempt stays
 * open. */
#include "exec/agent/agent.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define STUCK_MS 2000
#define LOOK_FIRST_MS 10
#define LOOK_LAST_MS 1000
#define STOP_ROUNDS 20

static struct ork_procs procs; /* kept between looks */

static bool anywhere(struct ork_agentd *a)
{
    struct ork_attempt *t;

    TAILQ_FOREACH(t, &a->running, in_running)
    {
        if (t->recovered)
            return true;
    }
    return false;
}

static void add_member(struct ork_attempt *t, const struct ork_proc *p)
{
    if (t->members_len == t->members_cap) {
        t->members_cap = t->members_cap ? t->members_cap * 2 : 8;
        t->members = ork_mem(t->members, t->members_cap * sizeof *t->members);
    }
    t->members[t->members_len++] = (struct ork_member){p->pid, p->start};
}

static void list(struct ork_agentd *a)
{
    ork_procs_list(a, &procs, anywhere(a));
}

/* Fills `members` of all running attempts that are ending, or whose main process is gone, from the last list. */
static void count_members(struct ork_agentd *a)
{
    struct ork_attempt *t;

    TAILQ_FOREACH(t, &a->running, in_running) t->members_len = 0;
    for (uint32_t i = 0; i < procs.len; i++) {
        struct ork_proc *p = &procs.items[i];

        if (p->of && p->of->state == ATTEMPT_RUNNING && (p->of->phase != PHASE_RUN || p->of->main_done) &&
            ork_proc_alive(p))
            add_member(p->of, p);
    }
}

static void stuck(struct ork_agentd *a, struct ork_attempt *t)
{
    if (t->stuck_told || !t->members_len || a->mono - t->kill_since < STUCK_MS)
        return;
    t->stuck_told = true;
    ork_note(a, "pid %d cannot be killed; its attempt stays open", (int)t->members[0].pid);
    ork_attempt_free_slot(a, t);
    ork_conn_say_stuck(a, t, t->members[0].pid);
}

static bool is_victim(const struct ork_proc *p)
{
    return p->of && p->of->state == ATTEMPT_RUNNING && p->of->phase == PHASE_KILL && ork_proc_alive(p);
}

/* Everything of all attempts in PHASE_KILL. */
static void kill_all(struct ork_agentd *a)
{
    int fresh = 1;

    for (int round = 0; fresh && round < STOP_ROUNDS; round++) {
        list(a);
        fresh = 0;
        for (uint32_t i = 0; i < procs.len; i++) {
            struct ork_proc *p = &procs.items[i];
            bool stopped = p->state == 'T' || p->state == 't' || (p->state == 'D' && round);

            if (is_victim(p) && !stopped && ork_proc_signal(p, SIGSTOP) == 0)
                fresh++;
        }
        if (fresh)
            sched_yield();
    }
    for (uint32_t i = 0; i < procs.len; i++) {
        if (is_victim(&procs.items[i]))
            ork_proc_signal(&procs.items[i], SIGKILL);
    }
    count_members(a);
}

static void enter_kill(struct ork_agentd *a, struct ork_attempt *t)
{
    a->ending += t->phase == PHASE_RUN;
    t->phase = PHASE_KILL;
    t->kill_since = a->mono;
    t->look_ms = LOOK_FIRST_MS;
    t->deadline = a->mono + t->look_ms;
}

/* To everything of all attempts whose grace begins now. */
static void send_term(struct ork_agentd *a)
{
    struct ork_attempt *t;

    list(a);
    for (uint32_t i = 0; i < procs.len; i++) {
        struct ork_proc *p = &procs.items[i];

        if (!p->of || !p->of->term_due || !ork_proc_alive(p))
            continue;
        ork_proc_signal(p, SIGTERM);
        if (p->state == 'T')
            ork_proc_signal(p, SIGCONT); /* a stopped one could not act on it */
    }
    TAILQ_FOREACH(t, &a->running, in_running) t->term_due = false;
    count_members(a);
}

/* Decides only: the signals go once per turn, so that the cancel of many costs one look at /proc. */
void ork_ending_begin(struct ork_agentd *a, struct ork_attempt *t, int reason, int64_t grace_ms)
{
    if (t->phase == PHASE_KILL)
        return;
    if (t->phase == PHASE_TERM && grace_ms > 0) {
        t->deadline = t->deadline < a->mono + grace_ms ? t->deadline : a->mono + grace_ms;
        return;
    }
    if (t->phase == PHASE_RUN)
        t->exit.reason = reason;
    if (grace_ms <= 0) {
        enter_kill(a, t);
        a->kill_due = true;
        return;
    }
    t->phase = PHASE_TERM;
    a->ending++;
    t->deadline = a->mono + grace_ms;
    t->term_due = a->term_due = true;
}

void ork_ending_act(struct ork_agentd *a)
{
    if (a->term_due)
        send_term(a);
    if (a->kill_due)
        kill_all(a);
    a->term_due = a->kill_due = false;
}

void ork_ending_gone(struct ork_agentd *a, pid_t pid)
{
    struct ork_attempt *t;

    if (!a->ending)
        return;
    TAILQ_FOREACH(t, &a->running, in_running)
    {
        for (uint32_t i = 0; i < t->members_len; i++) {
            if (t->members[i].pid == pid)
                t->members[i--] = t->members[--t->members_len];
        }
    }
}

/* One that died while its parent lived was the parent's to bury, and we were not told. Whoever dies last is our child,
 * so it is enough to look here whenever we bury somebody, and only as far as the first that lives. */
static void drop_dead(struct ork_attempt *t)
{
    while (t->members_len) {
        struct ork_member *m = &t->members[t->members_len - 1];
        struct ork_proc now;

        if (ork_proc_read(m->pid, &now) && now.start == m->start && ork_proc_alive(&now))
            return;
        t->members_len--;
    }
}

static bool awaits_look(const struct ork_attempt *t)
{
    return t->phase != PHASE_RUN && t->main_done && !t->members_len;
}

void ork_ending_look(struct ork_agentd *a)
{
    struct ork_attempt *t, *next;
    bool due = false, again = false;

    if (!a->ending)
        return;
    TAILQ_FOREACH(t, &a->running, in_running)
    {
        if (t->phase != PHASE_RUN && t->main_done)
            drop_dead(t);
        due |= awaits_look(t);
    }
    if (!due)
        return;
    list(a);
    count_members(a);
    for (t = TAILQ_FIRST(&a->running); t; t = next) {
        next = TAILQ_NEXT(t, in_running);
        if (awaits_look(t))
            ork_attempt_finish(a, t);
        else
            again |= t->phase == PHASE_KILL && t->main_done;
    }
    if (again)
        kill_all(a);
}

void ork_ending_leftovers(struct ork_agentd *a)
{
    struct ork_attempt *t, *next;

    list(a);
    count_members(a);
    for (t = TAILQ_FIRST(&a->running); t; t = next) {
        next = TAILQ_NEXT(t, in_running);
        if (t->phase != PHASE_RUN || !t->main_done)
            continue;
        if (t->members_len)
            enter_kill(a, t);
        else
            ork_attempt_finish(a, t);
    }
    if (a->ending)
        kill_all(a);
}

void ork_ending_timers(struct ork_agentd *a)
{
    struct ork_attempt *t, *next;
    bool look = false;

    for (t = TAILQ_FIRST(&a->running); t; t = next) {
        next = TAILQ_NEXT(t, in_running);
        if (!t->deadline || t->deadline > a->mono)
            continue;
        if (t->phase == PHASE_RUN) {
            ork_ending_begin(a, t, ORK_WIRE_TIMEOUT, t->grace_ms);
        } else if (t->phase == PHASE_TERM) {
            enter_kill(a, t);
            look = true;
        } else {
            t->look_ms = t->look_ms * 2 < LOOK_LAST_MS ? t->look_ms * 2 : LOOK_LAST_MS;
            t->deadline = a->mono + t->look_ms;
            look = true;
        }
    }
    if (!look)
        return;
    kill_all(a);
    ork_ending_look(a);
    TAILQ_FOREACH(t, &a->running, in_running)
    {
        if (t->phase == PHASE_KILL)
            stuck(a, t);
    }
}

int64_t ork_ending_deadline(struct ork_agentd *a)
{
    struct ork_attempt *t;
    int64_t at = 0;

    TAILQ_FOREACH(t, &a->running, in_running)
    {
        if (t->deadline && (!at || t->deadline < at))
            at = t->deadline;
    }
    return at;
}

void ork_ending_all(struct ork_agentd *a)
{
    struct ork_attempt *t;

    TAILQ_FOREACH(t, &a->running, in_running)
    {
        if (t->phase == PHASE_RUN)
            t->exit.reason = ORK_WIRE_LOST;
        enter_kill(a, t);
    }
    kill_all(a);
}
