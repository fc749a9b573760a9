/* SPDX-License-Identifier: MIT */
/* Connecting and waiting. libpq tells what it waits for; who waits is a coroutine (then the loop watches the socket) or
 * a caller outside of the loop (then poll).
 *
 * libpq's socket may change while it connects (several hosts, a second try without TLS), so the handle is made anew
 * when the number does or a step of the connection was taken. Names are resolved by libpq within PQconnectStart, which
 * blocks: that goes to uv's pool. */
#include "store/postgres/link.h"
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <errno.h>
#include <poll.h>
#include <string.h>

void ork_link_init(struct ork_link *l, struct ork_postgres *s, const char *role, bool writes)
{
    memset(l, 0, sizeof *l);
    l->store = s;
    l->role = role;
    l->writes = writes;
    l->poll_fd = -1;
    l->patience_ms = 30000; /* lock_timeout of the session is shorter */
}

bool ork_link_is_up(const struct ork_link *l)
{
    return l->pg && PQstatus(l->pg) == CONNECTION_OK;
}

/* ---- waiting ---- */

static void resume(struct ork_link *l)
{
    struct ork_co *co = l->waiter;
    if (!co)
        return;
    l->waiter = NULL;
    ork_co_resume(co);
    if (l->after)
        l->after(l);
}

void ork_link_wake(struct ork_link *l)
{
    resume(l);
}

static void on_socket(uv_poll_t *h, int status, int events)
{
    struct ork_link *l = h->data;
    (void)status;
    (void)events;
    (void)uv_poll_stop(h);
    resume(l);
}

static void on_timer(uv_timer_t *h)
{
    struct ork_link *l = h->data;
    l->timed_out = true;
    resume(l);
}

static void leave_poll(struct ork_link *l)
{
    if (l->poll)
        ork_pg_close_handle(l->store, (uv_handle_t *)l->poll);
    l->poll = NULL;
    l->poll_fd = -1;
}

static int watch(struct ork_link *l, int fd, int events)
{
    if (l->poll && l->poll_fd != fd)
        leave_poll(l);
    if (!l->poll) {
        uv_poll_t *h = ork_zalloc(sizeof *h);
        if (uv_poll_init(l->store->loop, h, fd)) {
            ork_free(h);
            return ORK_EIO;
        }
        h->data = l;
        l->poll = h;
        l->poll_fd = fd;
        l->store->handles++;
    }
    return uv_poll_start(l->poll, events, on_socket) ? ORK_EIO : 0;
}

static void keep_alive(uv_handle_t *h, bool idle)
{
    if (h && idle)
        uv_unref(h);
    else if (h)
        uv_ref(h);
}

static int wait_on_loop(struct ork_link *l, int fd, int events, int timeout_ms, bool idle)
{
    if (l->store->stopping)
        return ORK_ECANCELLED;
    if (fd >= 0 && watch(l, fd, events))
        return ORK_EIO;
    if (!l->timer) {
        l->timer = ork_zalloc(sizeof *l->timer);
        (void)uv_timer_init(l->store->loop, l->timer);
        l->timer->data = l;
        l->store->handles++;
    }
    l->timed_out = false;
    if (timeout_ms >= 0)
        (void)uv_timer_start(l->timer, on_timer, (uint64_t)timeout_ms, 0);
    keep_alive((uv_handle_t *)l->timer, idle);
    keep_alive((uv_handle_t *)l->poll, idle);
    l->waits_fd = fd;
    l->waits_events = events;
    l->waits_until = timeout_ms >= 0 ? uv_hrtime() / 1000000 + (uint64_t)timeout_ms : 0;
    l->waiter = ork_co_self();
    ork_co_yield();
    if (l->timer)
        (void)uv_timer_stop(l->timer);
    if (l->poll)
        (void)uv_poll_stop(l->poll);
    if (l->store->stopping)
        return ORK_ECANCELLED;
    return l->timed_out ? ORK_ETIMEDOUT : 0;
}

static int wait_here(int fd, int events, int timeout_ms)
{
    struct pollfd p = {.fd = fd,
                       .events = (short)((events & UV_READABLE ? POLLIN : 0) | (events & UV_WRITABLE ? POLLOUT : 0))};
    int rc;
    do
        rc = poll(&p, 1, timeout_ms);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? ORK_EIO : rc == 0 ? ORK_ETIMEDOUT : 0;
}

bool ork_link_drive(struct ork_link *l)
{
    uint64_t now = uv_hrtime() / 1000000;
    if (!l->waiter || l->in_pool || (l->waits_fd < 0 && !l->waits_until))
        return false;
    int left = !l->waits_until ? -1 : l->waits_until > now ? (int)(l->waits_until - now) : 0;
    if (wait_here(l->waits_fd, l->waits_events, left) == ORK_ETIMEDOUT)
        l->timed_out = true;
    resume(l);
    return true;
}

static int wait_for(struct ork_link *l, int events, int timeout_ms)
{
    int fd = l->pg ? PQsocket(l->pg) : -1;
    return ork_co_self() ? wait_on_loop(l, fd, events, timeout_ms, false) : wait_here(fd, events, timeout_ms);
}

int ork_link_wait(struct ork_link *l, int timeout_ms)
{
    int events = UV_READABLE;
    if (l->pg && l->unsent) {
        int rc = PQflush(l->pg);
        if (rc < 0)
            return ORK_EIO;
        l->unsent = rc == 1;
        if (l->unsent)
            events |= UV_WRITABLE;
    }
    return wait_for(l, events, timeout_ms);
}

int ork_link_idle(struct ork_link *l, int timeout_ms)
{
    return wait_on_loop(l, l->pg ? PQsocket(l->pg) : -1, UV_READABLE, timeout_ms, true);
}

/* ---- connecting ---- */

struct start {
    uv_work_t work;
    struct ork_link *link;
    PGconn *pg;
    bool done;
};

static PGconn *start_connection(struct ork_postgres *s)
{
    return PQconnectStartParams((const char *const *)s->keywords, (const char *const *)s->values, 0);
}

static void on_pool(uv_work_t *w)
{
    struct start *st = w->data;
    st->pg = start_connection(st->link->store);
}

static void after_pool(uv_work_t *w, int status)
{
    struct start *st = w->data;
    struct ork_link *l = st->link;
    (void)status;
    st->done = true;
    l->store->resolving--;
    resume(l);
    ork_pg_close_step(l->store);
    ork_pg_close_finish(l->store);
}

/* In the pool while the loop goes on. Whatever wakes the coroutine meanwhile has to wait: the pool writes to its stack.
 */
static PGconn *start(struct ork_link *l)
{
    if (!ork_co_self() || !l->store->names_hosts)
        return start_connection(l->store);
    struct start st = {.link = l};
    l->in_pool = true;
    st.work.data = &st;
    if (uv_queue_work(l->store->loop, &st.work, on_pool, after_pool)) {
        l->in_pool = false;
        return start_connection(l->store);
    }
    l->store->resolving++;
    while (!st.done) {
        l->waiter = ork_co_self();
        ork_co_yield();
    }
    l->in_pool = false;
    return st.pg;
}

static int handshake(struct ork_link *l, uint64_t until, ork_err *err)
{
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (PQstatus(l->pg) != CONNECTION_BAD && step != PGRES_POLLING_OK && step != PGRES_POLLING_FAILED) {
        uint64_t now = uv_hrtime() / 1000000;
        int rc = now >= until
                     ? ORK_ETIMEDOUT
                     : wait_for(l, step == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE, (int)(until - now));
        leave_poll(l);
        if (rc == ORK_ETIMEDOUT)
            return ork_err_set(err, ORK_EIO, "%s does not answer", l->store->shown);
        if (rc)
            return ork_err_set(err, rc, "%s: the connection was given up", l->store->shown);
        step = PQconnectPoll(l->pg);
    }
    if (PQstatus(l->pg) != CONNECTION_OK)
        return ork_link_fail_connect(l, err);
    return 0;
}

static void ignore_notice(void *data, const PGresult *res)
{
    (void)data;
    (void)res;
}

static int settle_in(struct ork_link *l, ork_err *err)
{
    struct ork_stmt st;
    char id[ORK_ID_TEXT], name[64];
    if (ork_id_is_zero(&l->store->me)) {
        (void)snprintf(name, sizeof name, "ork %s", l->role);
    } else {
        ork_id_format(&l->store->me, id);
        (void)snprintf(name, sizeof name, l->writes ? "ork %s" : "ork %s %s", l->writes ? id : l->role, id);
    }
    ork_stmt_begin(&st, l, ORK_S_settings);
    ork_stmt_word(&st, l->writes ? "t" : "f");
    ork_stmt_word(&st, name);
    int rc = ork_stmt_alone(&st, err);
    bool standby = rc > 0 && ork_stmt_get_int(&st, 0, 0);
    ork_stmt_end(&st);
    if (rc > 0 && standby && l->writes)
        return ork_err_set(err, ORK_EREADONLY,
                           "%s is a standby, which only reads: connect to the primary, for example by "
                           "target_session_attrs=read-write in the URL",
                           l->store->shown);
    return rc < 0 ? rc : 0;
}

int ork_link_open(struct ork_link *l, int timeout_ms, ork_err *err)
{
    uint64_t until = uv_hrtime() / 1000000 + (uint64_t)timeout_ms;
    ork_link_drop(l);
    l->pg = start(l);
    if (!l->pg)
        return ork_err_set(err, ORK_EIO, "%s: out of memory", l->store->shown);
    (void)PQsetNoticeReceiver(l->pg, ignore_notice, NULL);
    int rc = handshake(l, until, err);
    if (!rc && (PQsetnonblocking(l->pg, 1) || !PQenterPipelineMode(l->pg)))
        rc = ork_link_fail(l, NULL, "connecting to", err);
    if (!rc && PQserverVersion(l->pg) < 130000)
        rc = ork_err_set(err, ORK_EENV, "%s is PostgreSQL %d; Ork needs 13 or newer", l->store->shown,
                         PQserverVersion(l->pg) / 10000);
    l->since = uv_hrtime();
    if (!rc)
        rc = settle_in(l, err);
    if (rc) {
        ork_link_drop(l);
        return rc;
    }
    l->reconnected = l->opened;
    l->opened = true;
    return 0;
}

void ork_link_drop(struct ork_link *l)
{
    leave_poll(l);
    if (l->pg)
        PQfinish(l->pg);
    l->pg = NULL;
    l->head = l->len = 0;
    l->unsent = false;
    memset(l->prepared, 0, sizeof l->prepared);
}

void ork_link_fini(struct ork_link *l)
{
    ork_link_drop(l);
    if (l->timer)
        ork_pg_close_handle(l->store, (uv_handle_t *)l->timer);
    l->timer = NULL;
    ork_free(l->queue);
    l->queue = NULL;
    l->cap = 0;
}
