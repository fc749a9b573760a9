/* SPDX-License-Identifier: MIT */
/* The life of an attempt in the agent:
 *
 *   SPAWN ─► QUEUED ─► RUNNING (START journaled, vfork, PID journaled) ─► EXITED (EXIT journaled, then sent) ─► ACK:
 * freed └─ RECALL: freed          └─ could not start: EXITED with the reason
 *
 * Law: START is in the journal before the process exists, EXIT before anyone hears of it, and an attempt is EXITED only
 * when no process of it is left. */
#include "exec/agent/agent.h"
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t hash_key(const struct ork_wire_key *k)
{
    return ork_hash_bytes(k->task.b, sizeof k->task.b) + k->attempt * 2654435761u;
}

struct ork_attempt *ork_attempt_find(struct ork_agentd *a, const struct ork_wire_key *k)
{
    uint32_t hash = hash_key(k);

    for (struct ork_node *n = ork_table_first(&a->attempts, hash); n; n = n->next) {
        struct ork_attempt *t = ork_of(n, struct ork_attempt, by_key);

        if (n->hash == hash && t->key.attempt == k->attempt && !memcmp(t->key.task.b, k->task.b, sizeof k->task.b))
            return t;
    }
    return NULL;
}

struct ork_attempt *ork_attempt_new(struct ork_agentd *a, const struct ork_wire_key *k, struct ork_claim *claim)
{
    struct ork_attempt *t = ork_mem(NULL, sizeof *t);

    memset(t, 0, sizeof *t);
    t->key = *k;
    t->claim = claim;
    t->exit.exit_code = -1;
    ork_table_add(&a->attempts, &t->by_key, hash_key(k));
    TAILQ_INSERT_TAIL(&claim->attempts, t, in_claim);
    return t;
}

struct ork_attempt *ork_attempt_by_pid(struct ork_agentd *a, pid_t pid)
{
    for (struct ork_node *n = ork_table_first(&a->pids, (uint32_t)pid); n; n = n->next) {
        if (n->hash == (uint32_t)pid)
            return ork_of(n, struct ork_attempt, by_pid);
    }
    return NULL;
}

static void unset_pid(struct ork_agentd *a, struct ork_attempt *t)
{
    if (t->in_pids)
        ork_table_remove(&a->pids, &t->by_pid);
    t->in_pids = false;
}

void ork_attempt_set_pid(struct ork_agentd *a, struct ork_attempt *t, pid_t pid)
{
    struct ork_attempt *old = ork_attempt_by_pid(a, pid);

    if (old) /* its number was given away, so its session is gone */
        unset_pid(a, old);
    t->exit.pid = pid;
    ork_table_add(&a->pids, &t->by_pid, (uint32_t)pid);
    t->in_pids = true;
}

void ork_attempt_drop_blob(struct ork_attempt *t)
{
    free(t->blob);
    if (t->argv)
        free(t->argv - 2);
    free(t->env);
    if (t->base)
        ork_base_unref(t->base);
    t->blob = NULL;
    t->argv = t->env = NULL;
    t->base = NULL;
}

void ork_attempt_start(struct ork_agentd *a, struct ork_attempt *t)
{
    pid_t pid;
    char *error = NULL;

    t->state = ATTEMPT_RUNNING;
    t->exit.started_ms = ork_now_wall();
    TAILQ_INSERT_TAIL(&a->running, t, in_running);
    ork_journal_start(a, t);
    ork_journal_flush(a);
    t->born_boot_ms = ork_now_boot();
    pid = ork_spawn_attempt(a, t, &error);
    ork_attempt_drop_blob(t);
    if (pid < 0) {
        t->error = error;
        t->exit.reason = ORK_WIRE_SPAWN;
        t->main_done = true;
        t->status = -1;
        ork_attempt_finish(a, t);
        return;
    }
    ork_attempt_set_pid(a, t, pid);
    ork_journal_pid(a, t);
    if (t->timeout_ms > 0)
        t->deadline = ork_now_mono() + t->timeout_ms;
    ork_conn_say_started(a, t);
}

void ork_attempt_free_slot(struct ork_agentd *a, struct ork_attempt *t)
{
    struct ork_owner *o = t->owner;

    if (!t->has_slot)
        return;
    t->has_slot = false;
    t->owner = NULL;
    a->slots_used--;
    o->running--;
    ork_owner_unused(a, o);
}

void ork_attempt_finish(struct ork_agentd *a, struct ork_attempt *t)
{
    struct stat st;

    if (t->state == ATTEMPT_RUNNING) {
        TAILQ_REMOVE(&a->running, t, in_running);
        a->ending -= t->phase != PHASE_RUN;
    }
    ork_attempt_free_slot(a, t);
    unset_pid(a, t);
    t->state = ATTEMPT_EXITED;
    t->deadline = 0;
    t->exit.finished_ms = ork_now_wall();
    if (t->exit.finished_ms < t->exit.started_ms)
        t->exit.finished_ms = t->exit.started_ms;
    if (t->status >= 0 && !t->recovered && t->exit.pid) {
        if (WIFEXITED(t->status))
            t->exit.exit_code = WEXITSTATUS(t->status);
        else if (WIFSIGNALED(t->status))
            t->exit.signal = WTERMSIG(t->status);
    }
    if (t->log_path && stat(t->log_path, &st) == 0)
        t->exit.log_bytes = st.st_size;
    t->exit.error = t->error ? t->error : "";
    free(t->log_path);
    free(t->members);
    t->log_path = NULL;
    t->members = NULL;
    t->members_len = t->members_cap = 0;
    a->unacked++;
    ork_journal_exit(a, t);
    ork_conn_say_exited(a, t);
}

void ork_attempt_free(struct ork_agentd *a, struct ork_attempt *t)
{
    a->unacked -= t->state == ATTEMPT_EXITED;
    ork_table_remove(&a->attempts, &t->by_key);
    TAILQ_REMOVE(&t->claim->attempts, t, in_claim);
    ork_attempt_drop_blob(t);
    free(t->log_path);
    free(t->error);
    free(t->members);
    free(t);
}

void ork_attempt_key_text(const struct ork_wire_key *k, char out[64])
{
    for (size_t i = 0; i < sizeof k->task.b; i++)
        snprintf(out + 2 * i, 3, "%02x", k->task.b[i]);
    snprintf(out + 32, 32, ".%u", k->attempt);
}
