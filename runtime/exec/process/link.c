/* SPDX-License-Identifier: MIT */
/* A connection on uv_poll. Bytes queue in `out` and go with one send; when the socket is full, the poll waits for room.
 * The queue is bounded by OUT_MAX: an agent that reads nothing for that long is dead to us. */
#include "exec/process/link.h"
#include "base/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define IN_CAP (64u * 1024)
#define IN_KEEP (1024u * 1024)
#define OUT_KEEP (256u * 1024)
#define OUT_MAX (64u << 20)

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct ork_link *l)
{
    uv_poll_start(&l->poll, UV_READABLE | (l->want_out || l->broken ? UV_WRITABLE : 0), on_ready);
}

static void handle_frames(struct ork_link *l)
{
    size_t at = 0;

    while (!l->closed && l->in_len - at >= sizeof(struct ork_frame)) {
        struct ork_frame f;
        struct ork_rd r;

        memcpy(&f, l->in + at, sizeof f);
        if (f.len > l->max) {
            l->broken = true;
            return;
        }
        if (l->in_len - at - sizeof f < f.len) {
            if (f.len + sizeof f > l->in_cap) {
                l->in_cap = f.len + sizeof f;
                l->in = ork_realloc(l->in, l->in_cap);
            }
            break;
        }
        r = (struct ork_rd){.p = l->in + at + sizeof f, .end = l->in + at + sizeof f + f.len};
        at += sizeof f + f.len;
        l->on_frame(l, f.type, &r);
    }
    l->in_len -= at;
    if (l->in_len && at)
        memmove(l->in, l->in + at, l->in_len);
    if (!l->in_len && l->in_cap > IN_KEEP) { /* one large frame is no reason to keep its room */
        l->in_cap = IN_CAP;
        l->in = ork_realloc(l->in, l->in_cap);
    }
}

bool ork_link_read(struct ork_link *l)
{
    ssize_t n = recv(l->fd, l->in + l->in_len, l->in_cap - l->in_len, MSG_DONTWAIT);

    if (n > 0) {
        l->in_len += (size_t)n;
        handle_frames(l);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        l->broken = true;
    }
    return n > 0 && !l->closed && !l->broken;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct ork_link *l = poll->data;

    if (status < 0)
        l->broken = true;
    if (!l->broken || (events & UV_READABLE)) /* what came before the end counts */
        (void)ork_link_read(l);
    if (!l->closed && !l->broken && (events & UV_WRITABLE))
        ork_link_flush(l);
    if (!l->closed && l->broken)
        l->on_lost(l);
}

void ork_link_flush(struct ork_link *l)
{
    bool wanted = l->want_out || l->broken;

    while (!l->broken && l->out_off < l->out.len) {
        ssize_t n = send(l->fd, l->out.data + l->out_off, l->out.len - l->out_off, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            l->out_off += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            l->broken = true;
    }
    l->broken |= l->out.len - l->out_off > OUT_MAX;
    l->want_out = l->out_off < l->out.len;
    if (!l->want_out) {
        l->out.len = l->out_off = 0;
        if (l->out.cap > OUT_KEEP)
            ork_wr_fini(&l->out);
    }
    if (!l->closed && (l->want_out || l->broken) != wanted)
        watch(l);
}

int ork_link_on(uv_loop_t *loop, int fd, struct ork_link **out)
{
    struct ork_link *l = ork_zalloc(sizeof *l);
    int rc;

    l->fd = fd;
    l->max = ORK_FRAME_MAX;
    l->in_cap = IN_CAP;
    l->in = ork_alloc(l->in_cap);
    rc = uv_poll_init(loop, &l->poll, fd);
    if (rc < 0) {
        close(fd);
        ork_free(l->in);
        ork_free(l);
        return rc;
    }
    l->poll.data = l;
    watch(l);
    *out = l;
    return 0;
}

int ork_link_open(uv_loop_t *loop, int dir_fd, const char *name, struct ork_link **out)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd, rc;

    snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", dir_fd, name);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return ork_link_on(loop, fd, out);
}

static void on_closed(uv_handle_t *h)
{
    struct ork_link *l = h->data;
    void (*on_gone)(void *) = l->on_gone;
    void *data = l->data;

    close(l->fd);
    ork_wr_fini(&l->out);
    ork_free(l->in);
    ork_free(l);
    on_gone(data);
}

void ork_link_close(struct ork_link *l)
{
    if (l->closed)
        return;
    l->closed = true;
    ork_link_flush(l);
    uv_close((uv_handle_t *)&l->poll, on_closed);
}
