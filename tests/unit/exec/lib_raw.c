/* SPDX-License-Identifier: MIT */
/* A connection to the agent that says what it likes. */
#include "exec/lib_rig.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void raw_open(struct raw *w, struct rig *r, uint32_t protocol, uint32_t jobs, uint64_t seq)
{
    *w = (struct raw){.fd = rig_connect(r)};
    ork_wr_begin(&w->out, ORK_F_HELLO);
    ork_wr_u32(&w->out, protocol);
    ork_wr_u32(&w->out, jobs);
    ork_wr_u64(&w->out, seq);
    ork_wr_str(&w->out, "test");
    ork_wr_u32(&w->out, 022);
    ork_wr_u32(&w->out, 0);
    ork_wr_str(&w->out, "/");
    ork_wr_u32(&w->out, 1);
    ork_wr_str(&w->out, "PATH=/usr/bin:/bin");
    ork_wr_end(&w->out);
    raw_send(w);
}

void raw_send(struct raw *w)
{
    assert_int_equal(send(w->fd, w->out.data, w->out.len, MSG_NOSIGNAL), w->out.len);
    w->out.len = 0;
}

void raw_claim(struct raw *w, unsigned run)
{
    ork_id id = id_of(run);

    ork_wr_begin(&w->out, ORK_F_CLAIM);
    ork_wr_id(&w->out, &id);
    ork_wr_end(&w->out);
}

static struct ork_wire_key wire_key(unsigned n)
{
    struct ork_attempt_key k = key_of(n);

    return (struct ork_wire_key){k.task, k.attempt};
}

void raw_spawn(struct raw *w, unsigned run, unsigned n, struct rig *r, const char *command)
{
    struct ork_wire_key key = wire_key(n);
    ork_id id = id_of(run);
    char log[96], mark[128];

    snprintf(log, sizeof log, "%s/%u.log", r->dir, n);
    snprintf(mark, sizeof mark, "RIG=%s", r->dir);
    ork_wr_begin(&w->out, ORK_F_SPAWN);
    ork_wr_key(&w->out, &key);
    ork_wr_id(&w->out, &id);
    ork_wr_i64(&w->out, 0);
    ork_wr_i64(&w->out, 0);
    ork_wr_i32(&w->out, 0);
    ork_wr_u8(&w->out, 0);
    ork_wr_str(&w->out, r->dir);
    ork_wr_str(&w->out, log);
    ork_wr_u32(&w->out, 3);
    ork_wr_str(&w->out, "sh");
    ork_wr_str(&w->out, "-c");
    ork_wr_str(&w->out, command);
    ork_wr_u32(&w->out, 1);
    ork_wr_str(&w->out, mark);
    ork_wr_end(&w->out);
}

void raw_key(struct raw *w, enum ork_frame_type type, unsigned n)
{
    struct ork_wire_key key = wire_key(n);

    ork_wr_begin(&w->out, type);
    ork_wr_key(&w->out, &key);
    if (type == ORK_F_KILL)
        ork_wr_i64(&w->out, 0);
    ork_wr_end(&w->out);
}

struct ork_rd raw_next(struct raw *w, uint32_t *type)
{
    static uint8_t frame[1 << 16];
    struct ork_frame f;

    for (;;) {
        ssize_t n;

        if (w->len >= sizeof f) {
            memcpy(&f, w->in, sizeof f);
            if (w->len >= sizeof f + f.len)
                break;
        }
        n = recv(w->fd, w->in + w->len, sizeof w->in - w->len, 0);
        if (n <= 0) {
            assert_true(n == 0 || errno == ECONNRESET);
            *type = 0;
            return (struct ork_rd){0};
        }
        w->len += (size_t)n;
    }
    memcpy(frame, w->in + sizeof f, f.len);
    w->len -= sizeof f + f.len;
    memmove(w->in, w->in + sizeof f + f.len, w->len);
    *type = f.type;
    return (struct ork_rd){.p = frame, .end = frame + f.len};
}

struct ork_rd raw_wait(struct raw *w, uint32_t type)
{
    uint32_t got;
    struct ork_rd r;

    do {
        r = raw_next(w, &got);
        assert_int_not_equal(got, 0);
    } while (got != type);
    return r;
}

void raw_close(struct raw *w)
{
    close(w->fd);
    ork_wr_fini(&w->out);
}
