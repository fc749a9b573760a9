/* SPDX-License-Identifier: MIT */
/* The client's face: calls become frames, frames become events. Order is kept: what is asked first is sent first. */
#include "exec/process/client.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define WAITING_MAX (8u << 20)

_Static_assert(ORK_WIRE_NORMAL == (int)ORK_EXIT_NORMAL && ORK_WIRE_TIMEOUT == (int)ORK_EXIT_TIMEOUT &&
                   ORK_WIRE_KILLED == (int)ORK_EXIT_KILLED && ORK_WIRE_SPAWN == (int)ORK_EXIT_SPAWN &&
                   ORK_WIRE_LOST == (int)ORK_EXIT_LOST,
               "reasons on the wire");
_Static_assert(ORK_WIRE_QUEUED == (int)ORK_AGENT_QUEUED && ORK_WIRE_RUNNING == (int)ORK_AGENT_RUNNING,
               "states on the wire");

/* ---- claims: a sorted array; ids of new runs are the largest, so most inserts are appends ---- */

struct ork_client_claim *ork_client_find(struct ork_agent *a, const ork_id *run, size_t *at)
{
    size_t lo = 0, hi = a->claims_len;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (memcmp(a->claims[mid].run.b, run->b, sizeof run->b) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (at)
        *at = lo;
    return lo < a->claims_len && ork_id_eq(&a->claims[lo].run, run) ? &a->claims[lo] : NULL;
}

void ork_client_forget(struct ork_agent *a, const ork_id *run)
{
    struct ork_client_claim *c = ork_client_find(a, run, NULL);

    if (!c)
        return;
    a->claims_len--;
    memmove(c, c + 1, (size_t)(a->claims + a->claims_len - c) * sizeof *c);
    ork_client_ref(a);
}

void ork_client_claimed(struct ork_agent *a, const ork_id *run, int number)
{
    struct ork_client_claim *c = ork_client_find(a, run, NULL);
    uint32_t bit = 1u << number;
    ork_id id = *run; /* the event may move claims */

    if (!c || !(c->awaited & bit))
        return;
    c->awaited &= ~bit;
    if (!c->awaited && a->o.events.on_claimed)
        a->o.events.on_claimed(a->o.events.data, &id);
}

/* ---- what the agent says ---- */

static struct ork_attempt_key key_of(const struct ork_wire_key *k)
{
    return (struct ork_attempt_key){k->task, k->attempt};
}

static void welcome(struct ork_agent *a, struct ork_rd *r)
{
    uint32_t protocol = ork_rd_u32(r);
    ork_id agent = ork_rd_id(r);
    const char *boot_id = ork_rd_str(r);

    (void)protocol; /* the socket's name says it */
    if (!r->bad && a->o.events.on_ready)
        a->o.events.on_ready(a->o.events.data, &agent, a->socket, boot_id);
}

static void exited(struct ork_agent *a, struct ork_link *l, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    struct ork_wire_exit w;
    struct ork_exit x;

    ork_rd_exit(r, &w);
    if (r->bad)
        return;
    ork_elders_note(a, l, &key, false);
    x = (struct ork_exit){.key = key_of(&key),
                          .reason = w.reason,
                          .exit_code = w.exit_code,
                          .signal = w.signal,
                          .error = w.error,
                          .started_ms = w.started_ms,
                          .finished_ms = w.finished_ms,
                          .user_ms = w.user_ms,
                          .system_ms = w.system_ms,
                          .max_rss_kb = w.max_rss_kb,
                          .log_bytes = w.log_bytes,
                          .pid = w.pid};
    if (a->o.events.on_exited)
        a->o.events.on_exited(a->o.events.data, &x);
}

static void state(struct ork_agent *a, struct ork_link *l, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    struct ork_attempt_key k = key_of(&key);
    uint8_t what = ork_rd_u8(r);
    int32_t pid = ork_rd_i32(r);
    int64_t started_ms = ork_rd_i64(r);

    if (r->bad)
        return;
    ork_elders_note(a, l, &key, true);
    if (a->o.events.on_state)
        a->o.events.on_state(a->o.events.data, &k, what, pid, started_ms);
}

static void about_attempt(struct ork_agent *a, struct ork_link *l, uint32_t type, struct ork_rd *r)
{
    const struct ork_agent_events *e = &a->o.events;
    struct ork_wire_key key = ork_rd_key(r);
    struct ork_attempt_key k = key_of(&key);
    int32_t pid = type == ORK_F_RECALLED ? 0 : ork_rd_i32(r);
    int64_t started_ms = type == ORK_F_STARTED ? ork_rd_i64(r) : 0;

    if (r->bad)
        return;
    if (type == ORK_F_RECALLED)
        ork_elders_note(a, l, &key, false);
    if (type == ORK_F_STARTED && e->on_started)
        e->on_started(e->data, &k, pid, started_ms);
    else if (type == ORK_F_STUCK && e->on_stuck)
        e->on_stuck(e->data, &k, pid);
    else if (type == ORK_F_RECALLED && e->on_recalled)
        e->on_recalled(e->data, &k);
}

static void refused(struct ork_agent *a, struct ork_rd *r)
{
    ork_id run = ork_rd_id(r);

    if (r->bad || !ork_client_find(a, &run, NULL))
        return;
    ork_client_forget(a, &run);
    if (a->o.events.on_refused)
        a->o.events.on_refused(a->o.events.data, &run);
}

void ork_client_frame(struct ork_agent *a, struct ork_link *l, uint32_t type, struct ork_rd *r)
{
    ork_id run;

    switch (type) {
    case ORK_F_WELCOME:
        if (l == a->link)
            welcome(a, r);
        break;
    case ORK_F_EXITED:
        exited(a, l, r);
        break;
    case ORK_F_STATE:
        state(a, l, r);
        break;
    case ORK_F_STARTED:
    case ORK_F_STUCK:
    case ORK_F_RECALLED:
        about_attempt(a, l, type, r);
        break;
    case ORK_F_CLAIMED:
        run = ork_rd_id(r);
        if (!r->bad)
            ork_client_claimed(a, &run, l->number);
        break;
    case ORK_F_REFUSED:
        refused(a, r);
        break;
    case ORK_F_DRAINING:
        if (l == a->link && a->o.log)
            ork_log_warn(
                a->o.log,
                "agent: another version of ork took over; new tasks wait until the old agent has finished its own");
        break;
    default:
        break; /* of a later version */
    }
}

/* ---- what the engine says ---- */

struct ork_wr *ork_client_out(struct ork_agent *a)
{
    if (a->link)
        return &a->link->out;
    if (a->waiting.len > WAITING_MAX) /* the engine asks again after on_claimed */
        a->waiting.len = 0;
    return &a->waiting;
}

static void on_prepare(uv_prepare_t *h)
{
    ork_agent_flush(h->data);
}

static void queued(struct ork_agent *a)
{
    if (!uv_is_active((uv_handle_t *)&a->prepare)) {
        uv_prepare_start(&a->prepare, on_prepare);
        uv_unref((uv_handle_t *)&a->prepare);
    }
}

bool ork_agent_greets(const ork_agent *a)
{
    return a->state == CLIENT_HELLO;
}

void ork_agent_flush(ork_agent *a)
{
    uv_prepare_stop(&a->prepare);
    if (a->link)
        ork_link_flush(a->link);
    ork_elders_flush(a);
}

void ork_agent_claim(ork_agent *a, const ork_id *run)
{
    struct ork_client_claim *c;
    struct ork_wr *w;
    size_t at;

    if (a->closing || ork_client_find(a, run, &at))
        return;
    ork_grow((void **)&a->claims, &a->claims_cap, a->claims_len + 1, sizeof *a->claims);
    c = a->claims + at;
    memmove(c + 1, c, (a->claims_len - at) * sizeof *c);
    a->claims_len++;
    *c = (struct ork_client_claim){*run, 1};
    if (a->link) {
        w = &a->link->out;
        ork_wr_begin(w, ORK_F_CLAIM);
        ork_wr_id(w, run);
        ork_wr_end(w);
        ork_elders_claim(a, c);
        queued(a);
    }
    ork_client_wake(a);
}

void ork_agent_release(ork_agent *a, const ork_id *run)
{
    struct ork_wr *w = ork_client_out(a);

    if (a->closing || !ork_client_find(a, run, NULL))
        return;
    ork_client_forget(a, run);
    ork_wr_begin(w, ORK_F_RELEASE);
    ork_wr_id(w, run);
    ork_wr_end(w);
    queued(a);
}

/* The system takes less than a frame holds, so the agent can say so without having it all. */
static bool too_long(const struct ork_spawn *s)
{
    size_t sum = 0;

    for (size_t i = 0; i < s->argc; i++)
        sum += strlen(s->argv[i]) + 5;
    for (size_t i = 0; i < s->envc; i++)
        sum += strlen(s->env[i]) + 5;
    return sum > ORK_FRAME_MAX / 2;
}

static void put_strings(struct ork_wr *w, char *const *list, size_t n)
{
    ork_wr_u32(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        ork_wr_str(w, list[i]);
}

void ork_agent_spawn(ork_agent *a, const struct ork_spawn *s)
{
    struct ork_wr *w = ork_client_out(a);
    struct ork_wire_key key = {s->key.task, s->key.attempt};
    bool cut = too_long(s);

    if (a->closing)
        return;
    ork_wr_begin(w, ORK_F_SPAWN);
    ork_wr_key(w, &key);
    ork_wr_id(w, &s->run);
    ork_wr_i64(w, s->timeout_ms);
    ork_wr_i64(w, s->grace_ms);
    ork_wr_i32(w, s->priority);
    ork_wr_u8(w, (uint8_t)((s->keep_children ? ORK_SPAWN_KEEP_CHILDREN : 0) | (cut ? ORK_SPAWN_TOO_LONG : 0) |
                           (s->cpu_ms > 0 || s->memory > 0 ? ORK_SPAWN_LIMITS : 0)));
    ork_wr_str(w, s->cwd ? s->cwd : "");
    ork_wr_str(w, s->log_path);
    put_strings(w, s->argv, cut ? 1 : s->argc);
    put_strings(w, s->env, cut ? 0 : s->envc);
    if (s->cpu_ms > 0 || s->memory > 0) {
        ork_wr_i64(w, s->cpu_ms);
        ork_wr_i64(w, s->memory);
    }
    ork_wr_end(w);
    queued(a);
}

static void ask(ork_agent *a, enum ork_frame_type type, const struct ork_attempt_key *k, int64_t grace_ms)
{
    struct ork_wire_key key = {k->task, k->attempt};
    struct ork_wr *w = NULL;

    if (a->closing)
        return;
    if (!ork_elders_hold(a, &key, type == ORK_F_ACK, &w))
        w = ork_client_out(a);
    ork_wr_begin(w, type);
    ork_wr_key(w, &key);
    if (type == ORK_F_KILL)
        ork_wr_i64(w, grace_ms);
    ork_wr_end(w);
    queued(a);
}

void ork_agent_kill(ork_agent *a, const struct ork_attempt_key *k, int64_t grace_ms)
{
    ask(a, ORK_F_KILL, k, grace_ms);
}
void ork_agent_recall(ork_agent *a, const struct ork_attempt_key *k)
{
    ask(a, ORK_F_RECALL, k, 0);
}
void ork_agent_ack(ork_agent *a, const struct ork_attempt_key *k)
{
    ask(a, ORK_F_ACK, k, 0);
}

/* ---- life ---- */

int ork_agent_open(const struct ork_agent_opts *o, ork_agent **out, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *dir = NULL;
    char name[16];
    ork_agent *a;
    int rc, fd;

    if ((rc = ork_path_absolute(o->dir, &dir, err)) < 0 || (rc = ork_path_make_dirs(dir, err)) < 0)
        return rc;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ork_err_errno(err, errno, "cannot open the agent's folder `%s`", dir);
    a = ork_zalloc(sizeof *a);
    a->o = *o;
    a->o.dir = ork_strdup(dir);
    a->o.program = ork_strdup(o->program);
    a->cwd = getcwd(NULL, 0);
    if (!a->cwd)
        a->cwd = ork_strdup("/");
    snprintf(name, sizeof name, ORK_PROTO_SOCKET "%d", ORK_PROTO);
    a->socket = ork_path_join(dir, name);
    a->dir_fd = fd;
    uv_timer_init(o->loop, &a->timer);
    uv_prepare_init(o->loop, &a->prepare);
    a->timer.data = a->prepare.data = a;
    a->handles = 2;
    *out = a;
    return 0;
}

void ork_client_handle_gone(void *client)
{
    struct ork_agent *a = client;
    void (*cb)(void *) = a->on_closed;
    void *data = a->on_closed_data;

    if (--a->handles)
        return;
    close(a->dir_fd);
    ork_free((char *)a->o.dir);
    ork_free((char *)a->o.program);
    ork_free(a->socket);
    ork_free(a->cwd);
    ork_free(a->claims);
    ork_wr_fini(&a->waiting);
    ork_free(a);
    if (cb)
        cb(data);
}

static void on_handle_closed(uv_handle_t *h)
{
    ork_client_handle_gone(h->data);
}

void ork_agent_close(ork_agent *a, void (*cb)(void *data), void *data)
{
    if (a->closing)
        return;
    a->closing = true;
    a->on_closed = cb;
    a->on_closed_data = data;
    ork_client_stop(a);
    uv_close((uv_handle_t *)&a->timer, on_handle_closed);
    uv_close((uv_handle_t *)&a->prepare, on_handle_closed);
}
