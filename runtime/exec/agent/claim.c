/* SPDX-License-Identifier: MIT */
/* Runs and who may speak for them. Law: the highest seq that claimed a run owns it; SPAWN, KILL, RECALL and ACK from a
 * lower one are refused, so a scheduler that was stopped, overtaken and continued can do no harm. The seq is remembered
 * after the connection is gone (ORPHANS_MAX of them), and over the agent's death by the journal. */
#include "exec/agent/agent.h"

#define ORPHANS_MAX 1024 /* runs remembered only for their seq */

struct ork_claim *ork_claim_find(struct ork_agentd *a, const ork_id *run)
{
    uint32_t hash = ork_hash_bytes(run->b, sizeof run->b);

    for (struct ork_node *n = ork_table_first(&a->claims, hash); n; n = n->next) {
        struct ork_claim *k = ork_of(n, struct ork_claim, node);

        if (n->hash == hash && !memcmp(k->run.b, run->b, sizeof run->b))
            return k;
    }
    return NULL;
}

static void forget(struct ork_agentd *a, struct ork_claim *k)
{
    if (k->conn) {
        TAILQ_REMOVE(&k->conn->claims, k, in_conn);
    } else {
        TAILQ_REMOVE(&a->orphans, k, in_conn);
        a->orphans_len--;
    }
    ork_table_remove(&a->claims, &k->node);
    free(k);
}

static void orphan(struct ork_agentd *a, struct ork_claim *k)
{
    k->conn = NULL;
    TAILQ_INSERT_TAIL(&a->orphans, k, in_conn);
    a->orphans_len++;
}

static void forget_old(struct ork_agentd *a)
{
    struct ork_claim *k = TAILQ_FIRST(&a->orphans), *next;

    for (; k && a->orphans_len > ORPHANS_MAX; k = next) {
        next = TAILQ_NEXT(k, in_conn);
        if (TAILQ_EMPTY(&k->attempts))
            forget(a, k);
    }
}

struct ork_claim *ork_claim_get(struct ork_agentd *a, const ork_id *run)
{
    struct ork_claim *k = ork_claim_find(a, run);

    if (k)
        return k;
    k = ork_mem(NULL, sizeof *k);
    memset(k, 0, sizeof *k);
    k->run = *run;
    TAILQ_INIT(&k->attempts);
    ork_table_add(&a->claims, &k->node, ork_hash_bytes(run->b, sizeof run->b));
    orphan(a, k);
    return k;
}

/* Queued attempts follow their run, so that limits and order are those of the client that now answers for them. */
static void move_queue(struct ork_agentd *a, struct ork_claim *k, struct ork_owner *to)
{
    struct ork_attempt *t;

    TAILQ_FOREACH(t, &k->attempts, in_claim)
    {
        struct ork_owner *from = t->owner;

        if (!from || from == to)
            continue;
        if (t->state == ATTEMPT_QUEUED) {
            ork_queue_remove(a, t);
            ork_queue_add(a, to, t);
        } else {
            from->running--;
            to->running++;
            t->owner = to;
        }
        ork_owner_unused(a, from);
    }
}

bool ork_claim_take(struct ork_agentd *a, struct ork_claim *k, struct ork_conn *c)
{
    if (c->seq < k->seq) {
        ork_conn_say_run(a, c, ORK_F_REFUSED, &k->run);
        return false;
    }
    if (k->conn == c)
        return true;
    if (k->conn) {
        if (c->seq > k->seq)
            ork_conn_say_run(a, k->conn, ORK_F_REFUSED, &k->run);
        TAILQ_REMOVE(&k->conn->claims, k, in_conn);
    } else {
        TAILQ_REMOVE(&a->orphans, k, in_conn);
        a->orphans_len--;
    }
    k->conn = c;
    TAILQ_INSERT_TAIL(&c->claims, k, in_conn);
    if (c->seq > k->seq) {
        k->seq = c->seq;
        ork_journal_claim(a, k);
    }
    if (c->owner)
        move_queue(a, k, c->owner);
    return true;
}

void ork_claim_drop_conn(struct ork_agentd *a, struct ork_conn *c)
{
    struct ork_claim *k;

    while ((k = TAILQ_FIRST(&c->claims))) {
        TAILQ_REMOVE(&c->claims, k, in_conn);
        orphan(a, k);
    }
    forget_old(a);
}

void ork_claim_release(struct ork_agentd *a, struct ork_claim *k)
{
    if (!TAILQ_EMPTY(&k->attempts))
        return;
    ork_journal_release(a, &k->run);
    forget(a, k);
}
