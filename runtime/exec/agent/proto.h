/* SPDX-License-Identifier: MIT */
/* What the agent and its client say to each other: frames over a unix socket of one machine, so numbers are in native
 * order. A frame is a header and `len` bytes of payload; a string is its length (u32), its bytes and a NUL, so that the
 * receiver can point into the payload.
 *
 * A new version of the protocol changes ORK_PROTO, and with it the names of socket, lock and journal: two agents of
 * different versions can live side by side while the older one finishes. For that the frames marked `kept` never change
 * their layout (what a client needs to adopt the attempts of an older agent); a new need gets a new type. */
#ifndef ORK_EXEC_AGENT_PROTO_H
#define ORK_EXEC_AGENT_PROTO_H
#include <ork/ork.h>
#include <stdlib.h>
#include <string.h>

#define ORK_PROTO 1
#define ORK_PROTO_SOCKET "s"  /* + version: "s1" */
#define ORK_PROTO_LOCK "lock" /* "lock1" */
#define ORK_PROTO_JOURNAL "journal"
#define ORK_FRAME_MAX (8u << 20) /* payload bytes; a larger one ends the connection */
#define ORK_KEY_NAME "ORK_ATTEMPT_KEY"

enum ork_frame_type {
    /* client to agent */
    ORK_F_HELLO = 1, /* kept: u32 protocol, u32 jobs, u64 seq; v1: str build, u32 umask, u32 n, n × (u64 soft, u64
                        hard), str cwd, u32 n, n × str "K=V" */
    ORK_F_DRAIN,     /* kept: nothing: take no new tasks, finish, end */
    ORK_F_CLAIM,     /* kept: run: its messages come here from now on */
    ORK_F_RELEASE,   /* kept: run: it ended */
    ORK_F_SPAWN,  /* key, run, i64 timeout, i64 grace, i32 priority, u8 flags, str cwd, str log, u32 n, n × str argv,
                     u32 n, n × str env; with ORK_SPAWN_LIMITS: i64 ms of CPU time, i64 bytes of memory, 0 none */
    ORK_F_KILL,   /* kept: key, i64 grace */
    ORK_F_RECALL, /* kept: key */
    ORK_F_ACK,    /* kept: key */
    /* agent to client */
    ORK_F_WELCOME = 64, /* kept: u32 protocol, agent, str boot_id; v1: i32 pid, str build */
    ORK_F_STARTED,      /* kept: key, i32 pid, i64 started */
    ORK_F_EXITED,       /* kept: see ork_wire_exit */
    ORK_F_RECALLED,     /* kept: key */
    ORK_F_STATE,        /* kept: key, u8 state, i32 pid, i64 started */
    ORK_F_CLAIMED,      /* kept: run */
    ORK_F_STUCK,        /* kept: key, i32 pid */
    ORK_F_REFUSED,      /* kept: run: a higher seq claimed it */
    ORK_F_DRAINING      /* kept: nothing: no new tasks are taken here */
};

enum {
    ORK_SPAWN_KEEP_CHILDREN = 1,
    ORK_SPAWN_LIMITS = 4,
    ORK_SPAWN_TOO_LONG = 2 /* no frame holds its arguments: only the first is here */
};

struct ork_frame { /* header */
    uint32_t len;  /* of the payload */
    uint32_t type;
};

struct ork_wire_key {
    ork_id task;
    uint32_t attempt;
};
enum { ORK_WIRE_NORMAL, ORK_WIRE_TIMEOUT, ORK_WIRE_KILLED, ORK_WIRE_SPAWN, ORK_WIRE_LOST }; /* = enum ork_exit_reason */
enum { ORK_WIRE_QUEUED, ORK_WIRE_RUNNING };                                                 /* = enum ork_agent_state */

struct ork_wire_exit {
    int32_t reason, exit_code, signal, pid;
    int64_t started_ms, finished_ms, user_ms, system_ms, max_rss_kb, log_bytes;
    const char *error; /* borrowed; "" */
};

/* ---- writing: memory grows and is kept; NULL from the allocator aborts, sizes are bounded by the callers ---- */

struct ork_wr {
    uint8_t *data; /* owned */
    size_t len, cap, frame;
};

static inline void ork_wr_put(struct ork_wr *w, const void *p, size_t n)
{
    if (w->len + n > w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 512;

        while (cap < w->len + n)
            cap *= 2;
        w->data = realloc(w->data, cap);
        if (!w->data)
            abort();
        w->cap = cap;
    }
    if (n)
        memcpy(w->data + w->len, p, n);
    w->len += n;
}

static inline void ork_wr_fini(struct ork_wr *w)
{
    free(w->data);
    *w = (struct ork_wr){0};
}

static inline void ork_wr_u8(struct ork_wr *w, uint8_t v)
{
    ork_wr_put(w, &v, sizeof v);
}
static inline void ork_wr_u32(struct ork_wr *w, uint32_t v)
{
    ork_wr_put(w, &v, sizeof v);
}
static inline void ork_wr_i32(struct ork_wr *w, int32_t v)
{
    ork_wr_put(w, &v, sizeof v);
}
static inline void ork_wr_u64(struct ork_wr *w, uint64_t v)
{
    ork_wr_put(w, &v, sizeof v);
}
static inline void ork_wr_i64(struct ork_wr *w, int64_t v)
{
    ork_wr_put(w, &v, sizeof v);
}
static inline void ork_wr_id(struct ork_wr *w, const ork_id *id)
{
    ork_wr_put(w, id->b, sizeof id->b);
}

static inline void ork_wr_str(struct ork_wr *w, const char *s)
{
    size_t n = strlen(s);

    ork_wr_u32(w, (uint32_t)n);
    ork_wr_put(w, s, n + 1);
}

static inline void ork_wr_key(struct ork_wr *w, const struct ork_wire_key *k)
{
    ork_wr_id(w, &k->task);
    ork_wr_u32(w, k->attempt);
}

static inline void ork_wr_exit(struct ork_wr *w, const struct ork_wire_exit *x)
{
    ork_wr_put(w, x, offsetof(struct ork_wire_exit, error));
    ork_wr_str(w, x->error);
}

/* A frame is what is written between begin and end. */
static inline void ork_wr_begin(struct ork_wr *w, enum ork_frame_type type)
{
    struct ork_frame f = {0, (uint32_t)type};

    w->frame = w->len;
    ork_wr_put(w, &f, sizeof f);
}

static inline void ork_wr_end(struct ork_wr *w)
{
    uint32_t len = (uint32_t)(w->len - w->frame - sizeof(struct ork_frame));

    memcpy(w->data + w->frame, &len, sizeof len);
}

/* ---- reading: past the end or on a bad string `bad` is set and zeros come ---- */

struct ork_rd {
    const uint8_t *p, *end; /* borrowed */
    bool bad;
};

static inline void ork_rd_get(struct ork_rd *r, void *out, size_t n)
{
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        memset(out, 0, n);
        return;
    }
    memcpy(out, r->p, n);
    r->p += n;
}

static inline uint8_t ork_rd_u8(struct ork_rd *r)
{
    uint8_t v;

    ork_rd_get(r, &v, sizeof v);
    return v;
}

static inline uint32_t ork_rd_u32(struct ork_rd *r)
{
    uint32_t v;

    ork_rd_get(r, &v, sizeof v);
    return v;
}

static inline int32_t ork_rd_i32(struct ork_rd *r)
{
    return (int32_t)ork_rd_u32(r);
}

static inline uint64_t ork_rd_u64(struct ork_rd *r)
{
    uint64_t v;

    ork_rd_get(r, &v, sizeof v);
    return v;
}

static inline int64_t ork_rd_i64(struct ork_rd *r)
{
    return (int64_t)ork_rd_u64(r);
}

static inline ork_id ork_rd_id(struct ork_rd *r)
{
    ork_id id;

    ork_rd_get(r, id.b, sizeof id.b);
    return id;
}

static inline struct ork_wire_key ork_rd_key(struct ork_rd *r)
{
    struct ork_wire_key k;

    k.task = ork_rd_id(r);
    k.attempt = ork_rd_u32(r);
    return k;
}

/* Borrowed from the payload, NUL-terminated, without a NUL inside; "" when bad. */
static inline const char *ork_rd_str(struct ork_rd *r)
{
    uint32_t n = ork_rd_u32(r);
    const char *s = (const char *)r->p;

    if (r->bad || (size_t)(r->end - r->p) <= n || s[n] || strlen(s) != n) {
        r->bad = true;
        return "";
    }
    r->p += (size_t)n + 1;
    return s;
}

static inline void ork_rd_exit(struct ork_rd *r, struct ork_wire_exit *x)
{
    ork_rd_get(r, x, offsetof(struct ork_wire_exit, error));
    x->error = ork_rd_str(r);
}
#endif
