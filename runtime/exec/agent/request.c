/* SPDX-License-Identifier: MIT */
/* What clients ask. Every request is judged by the run it concerns: a connection whose seq is below the highest that
 * claimed the run gets REFUSED and changes nothing. SPAWN is idempotent on (task, attempt): one that is known is
 * answered with its state. */
#include "exec/agent/agent.h"

#define JOBS_MAX 4096

void ork_base_unref(struct ork_base *b)
{
    if (--b->refs)
        return;
    free(b->payload);
    free(b->env);
    free(b);
}

static uint8_t *copy(const uint8_t *p, size_t n)
{
    uint8_t *own = ork_mem(NULL, n);

    if (n)
        memcpy(own, p, n);
    return own;
}

/* `extra` free places before the strings, NULL after them. */
static const char **read_strings(struct ork_rd *r, uint32_t *len, size_t extra)
{
    uint32_t n = ork_rd_u32(r);
    const char **list;

    if (n > (size_t)(r->end - r->p) / 5) /* a string takes 5 bytes at least */
        r->bad = true;
    if (r->bad)
        n = 0;
    list = (const char **)ork_mem(NULL, (n + extra + 1) * sizeof *list) + extra;
    for (uint32_t i = 0; i < n; i++)
        list[i] = ork_rd_str(r);
    list[n] = NULL;
    *len = n;
    return list;
}

static void read_limits(struct ork_rd *r, struct ork_base *b)
{
    uint32_t n = ork_rd_u32(r);

    for (uint32_t i = 0; i < n && !r->bad; i++) {
        struct rlimit l, own;

        l.rlim_cur = ork_rd_u64(r);
        l.rlim_max = ork_rd_u64(r);
        if (i >= RLIM_NLIMITS || getrlimit((__rlimit_resource_t)i, &own) < 0)
            continue;
        b->limits[i] = l;
        if (l.rlim_cur != own.rlim_cur || l.rlim_max != own.rlim_max)
            b->limits_set |= 1u << i;
    }
}

static struct ork_base *read_base(struct ork_rd *r)
{
    struct ork_base *b = ork_mem(NULL, sizeof *b);
    size_t n = (size_t)(r->end - r->p);

    memset(b, 0, sizeof *b);
    b->refs = 1;
    b->payload = copy(r->p, n);
    *r = (struct ork_rd){.p = b->payload, .end = b->payload + n};
    ork_rd_str(r); /* build, for people reading traces */
    b->umask = (mode_t)ork_rd_u32(r) & 0777;
    read_limits(r, b);
    b->cwd = ork_rd_str(r);
    b->env = read_strings(r, &b->envc, 0);
    return b;
}

static void say_welcome(struct ork_agentd *a, struct ork_conn *c)
{
    struct ork_wr *w = ork_conn_begin(c, ORK_F_WELCOME);

    ork_wr_u32(w, ORK_PROTO);
    ork_wr_id(w, &a->id);
    ork_wr_str(w, a->boot_id);
    ork_wr_i32(w, a->pid);
    ork_wr_str(w, ork_version());
    ork_conn_end(a, c);
}

static int hello(struct ork_agentd *a, struct ork_conn *c, struct ork_rd *r)
{
    uint32_t protocol = ork_rd_u32(r), jobs = ork_rd_u32(r);

    c->seq = ork_rd_u64(r);
    if (c->hello || r->bad)
        return -1;
    c->hello = true;
    c->foreign = protocol != ORK_PROTO;
    if (!c->foreign) {
        c->base = read_base(r);
        if (r->bad)
            return -1;
        c->owner = ork_owner_new(a, c, jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs);
        ork_queue_slots(a);
    }
    say_welcome(a, c);
    if (a->draining)
        ork_conn_say_draining(a, c);
    return 0;
}

static void say_state(struct ork_agentd *a, struct ork_conn *c, struct ork_attempt *t)
{
    struct ork_wr *w;

    if (t->state == ATTEMPT_EXITED) {
        ork_conn_say_exited(a, t);
        return;
    }
    w = ork_conn_begin(c, ORK_F_STATE);
    ork_wr_key(w, &t->key);
    ork_wr_u8(w, t->state == ATTEMPT_QUEUED ? ORK_WIRE_QUEUED : ORK_WIRE_RUNNING);
    ork_wr_i32(w, t->exit.pid);
    ork_wr_i64(w, t->exit.started_ms);
    ork_conn_end(a, c);
    if (t->stuck_told && t->members_len)
        ork_conn_say_stuck(a, t, t->members[0].pid);
}

static int claim(struct ork_agentd *a, struct ork_conn *c, struct ork_rd *r)
{
    ork_id run = ork_rd_id(r);
    struct ork_claim *k;
    struct ork_attempt *t;

    if (r->bad)
        return -1;
    k = ork_claim_get(a, &run);
    if (!ork_claim_take(a, k, c))
        return 0;
    TAILQ_FOREACH(t, &k->attempts, in_claim) say_state(a, c, t);
    ork_conn_say_run(a, c, ORK_F_CLAIMED, &run);
    return 0;
}

static int release(struct ork_agentd *a, struct ork_conn *c, struct ork_rd *r)
{
    ork_id run = ork_rd_id(r);
    struct ork_claim *k = r->bad ? NULL : ork_claim_find(a, &run);

    if (k && k->conn == c)
        ork_claim_release(a, k);
    return r->bad ? -1 : 0;
}

static void say_known(struct ork_agentd *a, struct ork_attempt *t)
{
    if (t->state == ATTEMPT_RUNNING && t->exit.pid)
        ork_conn_say_started(a, t);
    else if (t->state == ATTEMPT_EXITED)
        ork_conn_say_exited(a, t);
}

static int spawn(struct ork_agentd *a, struct ork_conn *c, const uint8_t *p, size_t n)
{
    uint8_t *blob = copy(p, n);
    struct ork_rd r = {.p = blob, .end = blob + n};
    struct ork_wire_key key = ork_rd_key(&r);
    ork_id run = ork_rd_id(&r);
    struct ork_attempt *t, in;
    struct ork_claim *k;
    const char *log;
    uint8_t flags;

    memset(&in, 0, sizeof in);
    in.timeout_ms = ork_rd_i64(&r);
    in.grace_ms = ork_rd_i64(&r);
    in.priority = ork_rd_i32(&r);
    flags = ork_rd_u8(&r);
    in.cwd = ork_rd_str(&r);
    log = ork_rd_str(&r);
    in.blob = blob;
    in.argv = read_strings(&r, &in.argc, 2);
    in.env = read_strings(&r, &in.envc, 0);
    if (flags & ORK_SPAWN_LIMITS) {
        in.cpu_ms = ork_rd_i64(&r);
        in.memory = ork_rd_i64(&r);
    }
    if (r.bad || !in.argc || c->foreign) {
        ork_attempt_drop_blob(&in);
        return -1;
    }
    k = ork_claim_get(a, &run);
    if (!ork_claim_take(a, k, c) || a->draining || a->stop || (t = ork_attempt_find(a, &key))) {
        if (k->conn == c && (t = ork_attempt_find(a, &key)))
            say_known(a, t);
        else if (k->conn == c)
            ork_conn_say_draining(a, c);
        ork_attempt_drop_blob(&in);
        return 0;
    }
    t = ork_attempt_new(a, &key, k);
    t->timeout_ms = in.timeout_ms;
    t->grace_ms = in.grace_ms;
    t->cpu_ms = in.cpu_ms;
    t->memory = in.memory;
    t->priority = in.priority;
    t->keep_children = flags & ORK_SPAWN_KEEP_CHILDREN;
    t->too_long = flags & ORK_SPAWN_TOO_LONG;
    t->blob = blob;
    t->argv = in.argv;
    t->argc = in.argc;
    t->env = in.env;
    t->envc = in.envc;
    t->base = c->base;
    t->base->refs++;
    t->cwd = *in.cwd ? in.cwd : t->base->cwd;
    t->log_path = ork_text("%s", log);
    ork_queue_add(a, c->owner, t);
    return 0;
}

/* The attempt a key names, if this connection may speak for its run. */
static struct ork_attempt *allowed(struct ork_agentd *a, struct ork_conn *c, const struct ork_wire_key *key,
                                   bool *refused)
{
    struct ork_attempt *t = ork_attempt_find(a, key);

    *refused = t && c->seq < t->claim->seq;
    if (*refused)
        ork_conn_say_run(a, c, ORK_F_REFUSED, &t->claim->run);
    return *refused ? NULL : t;
}

static void recall(struct ork_agentd *a, struct ork_conn *c, const struct ork_wire_key *key, struct ork_attempt *t)
{
    if (t && t->state != ATTEMPT_QUEUED)
        return;
    if (t) {
        struct ork_owner *o = t->owner;

        ork_queue_remove(a, t);
        ork_owner_unused(a, o);
        ork_attempt_free(a, t);
    }
    if (t || !c->foreign) /* to a foreign client, another agent may hold it */
        ork_conn_say_key(a, c, ORK_F_RECALLED, key);
}

static void kill_attempt(struct ork_agentd *a, struct ork_attempt *t, int64_t grace_ms)
{
    if (!t || t->state == ATTEMPT_EXITED)
        return;
    if (t->state == ATTEMPT_QUEUED) {
        struct ork_owner *o = t->owner;

        ork_queue_remove(a, t);
        ork_owner_unused(a, o);
        ork_attempt_drop_blob(t);
        t->exit.reason = ORK_WIRE_KILLED;
        ork_attempt_finish(a, t);
        return;
    }
    ork_ending_begin(a, t, ORK_WIRE_KILLED, grace_ms);
}

static int about_attempt(struct ork_agentd *a, struct ork_conn *c, uint32_t type, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    int64_t grace_ms = type == ORK_F_KILL ? ork_rd_i64(r) : 0;
    struct ork_attempt *t;
    bool refused;

    if (r->bad)
        return -1;
    t = allowed(a, c, &key, &refused);
    if (refused)
        return 0;
    if (type == ORK_F_KILL) {
        kill_attempt(a, t, grace_ms);
    } else if (type == ORK_F_RECALL) {
        recall(a, c, &key, t);
    } else if (t && t->state == ATTEMPT_EXITED) {
        ork_journal_ack(a, &key);
        ork_attempt_free(a, t);
    }
    return 0;
}

int ork_request_handle(struct ork_agentd *a, struct ork_conn *c, uint32_t type, const uint8_t *p, size_t n)
{
    struct ork_rd r = {.p = p, .end = p + n};

    if (!c->hello && type != ORK_F_HELLO)
        return -1;
    switch (type) {
    case ORK_F_HELLO:
        return hello(a, c, &r);
    case ORK_F_DRAIN:
        ork_note(a, "a client of another version asked for an end; no new tasks are taken");
        a->draining = true;
        return 0;
    case ORK_F_CLAIM:
        return claim(a, c, &r);
    case ORK_F_RELEASE:
        return release(a, c, &r);
    case ORK_F_SPAWN:
        return spawn(a, c, p, n);
    case ORK_F_KILL:
    case ORK_F_RECALL:
    case ORK_F_ACK:
        return about_attempt(a, c, type, &r);
    default:
        return c->foreign ? 0 : -1;
    }
}
