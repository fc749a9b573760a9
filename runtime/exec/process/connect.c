/* SPDX-License-Identifier: MIT */
/* Getting an agent and getting it back: connect, start one when nobody answers, try again with growing pauses while
 * runs are claimed. All of it happens in callbacks of the loop, none inside the caller's calls. */
#include "exec/process/client.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exec/process/start.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PAUSE_FIRST_MS 20
#define PAUSE_LAST_MS 5000
#define PATIENCE 7 /* tries, together about 2.5 s, before somebody hears of a lock without a socket */
#define HANDSHAKE_MS 10000

struct ork_birth { /* of an agent we started */
    uv_poll_t poll;
    int fd;
    struct ork_agent *client;
    char text[512];
    size_t len;
};

static void on_timer(uv_timer_t *timer);

static void try_after(struct ork_agent *a, uint64_t ms)
{
    a->state = CLIENT_CONNECT;
    uv_timer_start(&a->timer, on_timer, ms, 0);
}

static uint64_t pause_ms(struct ork_agent *a)
{
    uint64_t ms = PAUSE_FIRST_MS << (a->failures < 8 ? a->failures : 8);

    a->failures++;
    return ms < PAUSE_LAST_MS ? ms : PAUSE_LAST_MS;
}

static void down(struct ork_agent *a, const ork_err *err)
{
    try_after(a, pause_ms(a));
    if (a->o.events.on_down)
        a->o.events.on_down(a->o.events.data, err);
}

/* ---- birth ---- */

static void on_birth_closed(uv_handle_t *h)
{
    struct ork_birth *b = h->data;
    struct ork_agent *a = b->client;

    close(b->fd);
    ork_free(b);
    ork_client_handle_gone(a);
}

static void drop_birth(struct ork_agent *a)
{
    uv_handle_t *h = a->birth ? (uv_handle_t *)&a->birth->poll : NULL;

    a->birth = NULL;
    if (h)
        uv_close(h, on_birth_closed);
}

static void on_birth(uv_poll_t *poll, int status, int events)
{
    struct ork_birth *b = poll->data;
    struct ork_agent *a = b->client;
    ssize_t n = read(b->fd, b->text + b->len, sizeof b->text - 1 - b->len);
    ork_err err;
    char what;

    (void)events;
    if (n < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        b->len += (size_t)n;
        if (b->text[0] == 'E' && b->len < sizeof b->text - 1)
            return; /* its sentence goes on to the end of the pipe */
    }
    what = b->len ? b->text[0] : 0;
    b->text[b->len] = 0;
    if (what == 'L')
        ork_err_set(&err, ORK_EAGENT, "an agent holds the lock in `%s` but its socket does not answer", a->o.dir);
    else if (what == 'E')
        ork_err_set(&err, ORK_EAGENT, "the agent cannot start: %s", b->text + 1);
    else
        ork_err_set(&err, ORK_EAGENT, "the agent `%s` ended at once; %s/log may say why", a->o.program, a->o.dir);
    drop_birth(a);
    if (what == 'R')
        try_after(a, 0);
    else if (what == 'L' && a->failures < PATIENCE) /* another is being born, or is about to end */
        try_after(a, pause_ms(a));
    else
        down(a, &err);
}

static void start(struct ork_agent *a)
{
    struct ork_birth *b;
    ork_err err;
    int fd;

    if (ork_agent_start(a->o.program, a->o.dir, &fd, &err) < 0) {
        down(a, &err);
        return;
    }
    b = ork_zalloc(sizeof *b);
    b->fd = fd;
    b->client = a;
    if (uv_poll_init(a->o.loop, &b->poll, fd) < 0) {
        close(fd);
        ork_free(b);
        try_after(a, pause_ms(a));
        return;
    }
    a->handles++;
    a->birth = b;
    a->state = CLIENT_STARTING;
    b->poll.data = b;
    uv_poll_start(&b->poll, UV_READABLE, on_birth);
    uv_timer_stop(&a->timer);
    ork_client_ref(a);
}

/* ---- connection ---- */

static void on_lost(struct ork_link *l)
{
    struct ork_agent *a = l->data;
    bool was_ready = a->state == CLIENT_READY;

    if (was_ready && a->claims_len && a->o.log)
        ork_log_warn(a->o.log, "agent: connection lost; %zu run%s claimed again", a->claims_len,
                     a->claims_len == 1 ? " is" : "s are");
    ork_link_close(l);
    a->link = NULL;
    uv_timer_stop(&a->timer);
    a->state = CLIENT_IDLE;
    a->waiting.len = 0;
    for (size_t i = 0; i < a->claims_len; i++)
        a->claims[i].awaited |= 1;
    if (a->claims_len)
        try_after(a, was_ready ? 0 : pause_ms(a));
    ork_client_ref(a);
}

static void on_frame(struct ork_link *l, uint32_t type, struct ork_rd *r)
{
    struct ork_agent *a = l->data;

    if (type == ORK_F_WELCOME && a->state == CLIENT_HELLO) {
        uv_timer_stop(&a->timer);
        a->state = CLIENT_READY;
        a->failures = 0;
    }
    ork_client_frame(a, l, type, r);
}

static void say_hello(struct ork_agent *a)
{
    struct ork_wr *w = &a->link->out;

    ork_client_hello(a, w);
    ork_elders_find(a);
    for (size_t i = 0; i < a->claims_len; i++) {
        ork_wr_begin(w, ORK_F_CLAIM);
        ork_wr_id(w, &a->claims[i].run);
        ork_wr_end(w);
        a->claims[i].awaited |= 1;
    }
    ork_wr_put(w, a->waiting.data, a->waiting.len);
    ork_wr_fini(&a->waiting);
    a->state = CLIENT_HELLO;
    uv_timer_start(&a->timer, on_timer, HANDSHAKE_MS, 0);
    ork_link_flush(a->link);
    ork_client_ref(a);
}

static void connect_now(struct ork_agent *a)
{
    char name[16];
    ork_err err;
    int rc;

    snprintf(name, sizeof name, ORK_PROTO_SOCKET "%d", ORK_PROTO);
    rc = ork_link_open(a->o.loop, a->dir_fd, name, &a->link);
    if (rc == 0) {
        a->handles++;
        a->link->data = a;
        a->link->on_frame = on_frame;
        a->link->on_lost = on_lost;
        a->link->on_gone = ork_client_handle_gone;
        say_hello(a);
    } else if (rc == -ENOENT || rc == -ECONNREFUSED) {
        start(a);
    } else if (rc == -EAGAIN) { /* many connect at once */
        try_after(a, pause_ms(a));
    } else {
        ork_err_set(&err, ORK_EAGENT, "cannot connect to the agent at `%s`: %s", a->socket, strerror(-rc));
        down(a, &err);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct ork_agent *a = timer->data;
    ork_err err;

    if (a->state != CLIENT_HELLO) {
        connect_now(a);
        return;
    }
    ork_err_set(&err, ORK_EAGENT, "the agent at `%s` accepts connections but does not answer; is it stopped?",
                a->socket);
    uv_timer_start(&a->timer, on_timer, HANDSHAKE_MS, 0);
    if (a->o.events.on_down)
        a->o.events.on_down(a->o.events.data, &err);
}

void ork_agent_outbid(struct ork_agent *a, uint64_t seq)
{
    a->o.seq = seq;
    if (a->closing || !a->link)
        return; /* it is said with the next HELLO */
    ork_link_flush(a->link);
    ork_link_close(a->link);
    a->link = NULL;
    ork_elders_close(a);
    uv_timer_stop(&a->timer);
    a->state = CLIENT_IDLE;
    for (size_t i = 0; i < a->claims_len; i++)
        a->claims[i].awaited = 1;
    if (a->claims_len)
        try_after(a, 0);
    ork_client_ref(a);
}

void ork_client_wake(struct ork_agent *a)
{
    if (a->state == CLIENT_IDLE)
        try_after(a, 0);
    ork_client_ref(a);
}

static void set_ref(uv_handle_t *h, bool on)
{
    if (on)
        uv_ref(h);
    else
        uv_unref(h);
}

void ork_client_ref(struct ork_agent *a)
{
    bool on = a->claims_len > 0;

    set_ref((uv_handle_t *)&a->timer, on);
    if (a->link)
        set_ref((uv_handle_t *)&a->link->poll, on);
    if (a->birth)
        set_ref((uv_handle_t *)&a->birth->poll, on);
    for (int i = 0; i < ORK_ELDERS; i++) {
        if (a->elders[i].link)
            set_ref((uv_handle_t *)&a->elders[i].link->poll, on);
    }
}

void ork_client_stop(struct ork_agent *a)
{
    uv_timer_stop(&a->timer);
    drop_birth(a);
    if (a->link)
        ork_link_close(a->link);
    a->link = NULL;
    ork_elders_close(a);
}
