/* SPDX-License-Identifier: MIT */
/* Connections of schedulers. Nothing here blocks and nothing is unbounded: a client that does not read is cut off at
 * OUT_MAX (its exits are kept until acknowledged), one that sends too much or nonsense is cut off at once.
 *
 * Messages may wait together so that a scheduler commits many results at once: exits HOLD_MS or HOLD_EXITS of them,
 * only while more than half the slots' number is queued behind them; a STARTED alone STARTED_MS, because the exit of a
 * short task overtakes it. Nothing else waits, so a chain has no delay. */
#include "exec/agent/agent.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAP (64u * 1024)
#define OUT_KEEP (64u * 1024)
#define OUT_MAX (8u << 20)
#define CONNS_MAX 512
#define HOLD_MS 5
#define HOLD_EXITS 16
#define STARTED_MS 2

static uint32_t conns_len;
static bool deaf; /* not listening: too many connections or descriptors */

static void watch(struct ork_agentd *a, struct ork_conn *c, int op)
{
    struct epoll_event e = {.events = EPOLLIN | (c->want_out ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};

    if (epoll_ctl(a->epoll_fd, op, c->fd, &e) < 0)
        c->dead = true;
}

static void listen_again(struct ork_agentd *a, bool on)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &a->listen_fd};

    if (on == !deaf)
        return;
    deaf = !on;
    epoll_ctl(a->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, a->listen_fd, &e);
}

void ork_conn_accept(struct ork_agentd *a)
{
    for (;;) {
        struct ucred who;
        socklen_t len = sizeof who;
        struct ork_conn *c;
        int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
                listen_again(a, false);
            return;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || who.uid != a->uid) {
            close(fd);
            continue;
        }
        c = ork_mem(NULL, sizeof *c);
        memset(c, 0, sizeof *c);
        c->fd = fd;
        TAILQ_INIT(&c->claims);
        TAILQ_INSERT_TAIL(&a->conns, c, next);
        watch(a, c, EPOLL_CTL_ADD);
        if (++conns_len >= CONNS_MAX)
            listen_again(a, false);
    }
}

static void conn_free(struct ork_agentd *a, struct ork_conn *c)
{
    TAILQ_REMOVE(&a->conns, c, next);
    ork_claim_drop_conn(a, c);
    if (c->owner)
        ork_owner_drop_conn(a, c->owner);
    if (c->base)
        ork_base_unref(c->base);
    /* Not by close alone: a child that failed between vfork and execve may hold a copy of the descriptor for a moment.
     */
    epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    free(c->in);
    ork_wr_fini(&c->out);
    free(c);
    conns_len--;
    listen_again(a, true);
}

/* ---- reading ---- */

static void handle_frames(struct ork_agentd *a, struct ork_conn *c)
{
    size_t at = 0;

    while (!c->dead && c->in_len - at >= sizeof(struct ork_frame)) {
        struct ork_frame f;

        memcpy(&f, c->in + at, sizeof f);
        if (f.len > ORK_FRAME_MAX) {
            c->dead = true;
            return;
        }
        if (c->in_len - at - sizeof f < f.len) {
            if (f.len + sizeof f > c->in_cap) {
                c->in_cap = f.len + sizeof f;
                c->in = ork_mem(c->in, c->in_cap);
            }
            break;
        }
        if (ork_request_handle(a, c, f.type, c->in + at + sizeof f, f.len) < 0)
            c->dead = true;
        at += sizeof f + f.len;
    }
    c->in_len -= at;
    if (c->in_len)
        memmove(c->in, c->in + at, c->in_len);
    if (!c->in_len) { /* idle connections hold no memory */
        free(c->in);
        c->in = NULL;
        c->in_cap = 0;
    }
}

static void read_some(struct ork_agentd *a, struct ork_conn *c)
{
    ssize_t n;

    if (!c->in) {
        c->in_cap = IN_CAP;
        c->in = ork_mem(NULL, c->in_cap);
    }
    n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        c->dead = true;
    if (n > 0)
        c->in_len += (size_t)n;
    handle_frames(a, c);
}

/* ---- writing ---- */

static void send_out(struct ork_agentd *a, struct ork_conn *c)
{
    bool wanted = c->want_out;

    while (c->out_off < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_off, c->out.len - c->out_off, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            c->dead = true;
            return;
        }
        if (n < 0)
            break;
        c->out_off += (size_t)n;
    }
    c->want_out = c->out_off < c->out.len;
    if (!c->want_out) {
        c->out.len = c->out_off = 0;
        if (c->out.cap > OUT_KEEP)
            ork_wr_fini(&c->out);
    }
    c->urgent = false;
    c->held = 0;
    c->held_since = 0;
    if (c->want_out != wanted)
        watch(a, c, EPOLL_CTL_MOD);
}

void ork_conn_ready(struct ork_agentd *a, struct ork_conn *c, uint32_t events)
{
    if (c->dead)
        return;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(a, c);
    if ((events & EPOLLOUT) && !c->dead)
        send_out(a, c);
}

/* mono; 0: now */
static int64_t wait_until(const struct ork_agentd *a, const struct ork_conn *c)
{
    if (c->urgent)
        return 0;
    if (!c->held)
        return c->held_since + STARTED_MS;
    if (c->held >= HOLD_EXITS || !c->owner || c->owner->len * 2 <= a->slots)
        return 0;
    return c->held_since + HOLD_MS;
}

static bool pending(const struct ork_conn *c)
{
    return c->out_off < c->out.len && !c->want_out;
}

void ork_conn_flush_all(struct ork_agentd *a)
{
    struct ork_conn *c, *next;

    for (c = TAILQ_FIRST(&a->conns); c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (!c->dead && pending(c) && wait_until(a, c) <= a->mono)
            send_out(a, c);
        if (c->dead)
            conn_free(a, c);
    }
}

int64_t ork_conn_deadline(struct ork_agentd *a)
{
    struct ork_conn *c;
    int64_t at = 0;

    TAILQ_FOREACH(c, &a->conns, next)
    {
        if (pending(c) && (!at || wait_until(a, c) < at))
            at = wait_until(a, c);
    }
    return at;
}

struct ork_wr *ork_conn_begin(struct ork_conn *c, enum ork_frame_type type)
{
    if (type != ORK_F_STARTED && type != ORK_F_EXITED)
        c->urgent = true;
    ork_wr_begin(&c->out, type);
    return &c->out;
}

void ork_conn_end(struct ork_agentd *a, struct ork_conn *c)
{
    ork_wr_end(&c->out);
    if (!c->held_since)
        c->held_since = a->mono;
    if (c->out.len - c->out_off > OUT_MAX && !c->dead) {
        ork_note(a, "a client does not read its messages; connection closed");
        c->dead = true;
    }
}

void ork_conn_say_key(struct ork_agentd *a, struct ork_conn *c, enum ork_frame_type type, const struct ork_wire_key *k)
{
    ork_wr_key(ork_conn_begin(c, type), k);
    ork_conn_end(a, c);
}

void ork_conn_say_run(struct ork_agentd *a, struct ork_conn *c, enum ork_frame_type type, const ork_id *run)
{
    ork_wr_id(ork_conn_begin(c, type), run);
    ork_conn_end(a, c);
}

void ork_conn_say_draining(struct ork_agentd *a, struct ork_conn *c)
{
    ork_conn_begin(c, ORK_F_DRAINING);
    ork_conn_end(a, c);
}

void ork_conn_say_started(struct ork_agentd *a, struct ork_attempt *t)
{
    struct ork_wr *w;

    if (!t->claim->conn)
        return;
    w = ork_conn_begin(t->claim->conn, ORK_F_STARTED);
    ork_wr_key(w, &t->key);
    ork_wr_i32(w, t->exit.pid);
    ork_wr_i64(w, t->exit.started_ms);
    ork_conn_end(a, t->claim->conn);
}

void ork_conn_say_exited(struct ork_agentd *a, struct ork_attempt *t)
{
    struct ork_conn *c = t->claim->conn;
    struct ork_wr *w;

    if (!c)
        return;
    if (!c->held++)
        c->held_since = a->mono;
    w = ork_conn_begin(c, ORK_F_EXITED);
    ork_wr_key(w, &t->key);
    ork_wr_exit(w, &t->exit);
    ork_conn_end(a, c);
}

void ork_conn_say_stuck(struct ork_agentd *a, struct ork_attempt *t, pid_t pid)
{
    struct ork_wr *w;

    if (!t->claim->conn)
        return;
    w = ork_conn_begin(t->claim->conn, ORK_F_STUCK);
    ork_wr_key(w, &t->key);
    ork_wr_i32(w, pid);
    ork_conn_end(a, t->claim->conn);
}
