/* SPDX-License-Identifier: MIT */
/* One worker process: a link for frames, the page, and a descriptor that tells of its end.
 *
 * Law: the end of the process is what counts, not that of the connection: something that it left behind may hold that
 * open. When it has ended, what is still in the socket is read, then on_gone comes; a connection that breaks while the
 * process lives has it killed. */
#include "exec/worker/worker.h"
#include "base/alloc.h"
#include "base/err.h"
#include "exec/process/link.h"
#include "exec/worker/family.h"
#include "exec/worker/spawn.h"
#include "exec/worker/wire.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct ork_worker {
    struct ork_worker_events events;
    struct ork_link *link; /* NULL once closed */
    struct ork_worker_page *page;
    uv_poll_t end;
    int pid, pid_fd;
    char mark[96]; /* what it starts is known by that */
    bool ended;    /* on_gone came */
    unsigned handles;
};

/* ---- frames ---- */

static void tell_result(struct ork_worker *w, uint32_t type, struct ork_rd *r)
{
    struct ork_worker_file files[ORK_WORKER_FILES];
    struct ork_worker_result x = {.ok = type == ORK_W_DONE, .files = files};

    x.slot = ork_rd_u32(r);
    x.generation = ork_rd_u32(r);
    x.took_us = ork_rd_i64(r);
    x.log_bytes = ork_rd_i64(r);
    x.memory_kb = ork_rd_u32(r);
    if (x.ok) {
        bool has = ork_rd_u8(r);
        const char *output = ork_rd_bytes(r, &x.output_len);
        x.output = has ? output : NULL;
        uint32_t n = ork_rd_u32(r);
        for (; x.files_len < n && x.files_len < ORK_WORKER_FILES && !r->bad; x.files_len++) {
            struct ork_worker_file *f = &files[x.files_len];
            f->name = ork_rd_str(r);
            f->hash = ork_rd_str(r);
            f->bytes = ork_rd_i64(r);
        }
    } else {
        x.kind = ork_rd_u8(r);
        x.final = ork_rd_u8(r);
        x.after_ms = ork_rd_i64(r);
        bool has = ork_rd_u8(r);
        const char *code = ork_rd_str(r);
        x.code = has ? code : NULL;
        x.error = ork_rd_str(r);
        const char *data = ork_rd_bytes(r, &x.data_len);
        x.data = x.data_len ? data : NULL;
    }
    if (!r->bad && x.slot < ORK_WORKER_SLOTS)
        w->events.on_result(w->events.data, &x);
}

static void tell_question(struct ork_worker *w, struct ork_rd *r)
{
    uint32_t slot = ork_rd_u32(r), generation = ork_rd_u32(r), question = ork_rd_u32(r);
    const char *name = ork_rd_str(r);

    if (!r->bad && slot < ORK_WORKER_SLOTS)
        w->events.on_secret(w->events.data, slot, generation, question, name);
}

static void on_frame(struct ork_link *l, uint32_t type, struct ork_rd *r)
{
    struct ork_worker *w = l->data;

    if (type == ORK_W_DONE || type == ORK_W_FAILED) {
        tell_result(w, type, r);
    } else if (type == ORK_W_ASK_SECRET) {
        tell_question(w, r);
    } else if (type == ORK_W_HELLO) {
        const char *version = ork_rd_str(r);
        w->events.on_hello(w->events.data, version);
    } else if (type == ORK_W_WAITS || type == ORK_W_PROGRESS) {
        uint32_t slot = ork_rd_u32(r), generation = ork_rd_u32(r);
        double done = type == ORK_W_PROGRESS ? ork_rd_f64(r) : 0, total = type == ORK_W_PROGRESS ? ork_rd_f64(r) : 0;
        if (r->bad || slot >= ORK_WORKER_SLOTS)
            return;
        if (type == ORK_W_WAITS)
            w->events.on_waits(w->events.data, slot, generation);
        else
            w->events.on_progress(w->events.data, slot, generation, done, total);
    }
}

/* ---- the end ---- */

static void handle_gone(void *data)
{
    struct ork_worker *w = data;

    if (--w->handles > 0)
        return;
    close(w->pid_fd);
    munmap(w->page, sizeof(*w->page));
    ork_free(w);
}

static void on_end_closed(uv_handle_t *h)
{
    handle_gone(h->data);
}

static void describe(const siginfo_t *si, bool known, char *out, size_t size)
{
    const char *name = known && si->si_code != CLD_EXITED ? sigabbrev_np(si->si_status) : NULL;

    if (!known)
        (void)snprintf(out, size, "ended");
    else if (si->si_code == CLD_EXITED)
        (void)snprintf(out, size, "ended with exit code %d", si->si_status);
    else
        (void)snprintf(out, size, "was ended by signal %d (SIG%s)", si->si_status, name ? name : "?");
}

static void on_lost(struct ork_link *l)
{
    struct ork_worker *w = l->data;

    ork_link_close(l);
    w->link = NULL;
    ork_worker_kill(w);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
    struct ork_worker *w = poll->data;
    siginfo_t si = {0};
    char why[64];

    (void)status;
    (void)events;
    (void)kill(-w->pid, SIGKILL); /* what it started; its number is its group's until it is waited for */
    bool known = waitid((idtype_t)P_PIDFD, (id_t)w->pid_fd, &si, WEXITED) == 0 && si.si_pid != 0;
    if (!known || si.si_code != CLD_EXITED || si.si_status != 0)
        ork_family_sweep(w->mark);
    uv_poll_stop(poll);
    while (w->link && ork_link_read(w->link))
        ;
    if (w->link)
        ork_link_close(w->link);
    w->link = NULL;
    describe(&si, known, why, sizeof why);
    w->ended = true;
    w->events.on_gone(w->events.data, why, known && si.si_code != CLD_EXITED ? si.si_status : 0);
    uv_close((uv_handle_t *)poll, on_end_closed);
}

/* ---- life ---- */

static int make_page(struct ork_worker *w, int *fd, ork_err *err)
{
    *fd = memfd_create("ork-worker", MFD_CLOEXEC);
    if (*fd < 0)
        return ork_err_errno(err, errno, "cannot make a worker's page");
    w->page = ftruncate(*fd, sizeof(*w->page)) == 0
                  ? mmap(NULL, sizeof(*w->page), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0)
                  : MAP_FAILED;
    if (w->page != MAP_FAILED)
        return 0;
    int rc = ork_err_errno(err, errno, "cannot make a worker's page");
    close(*fd);
    return rc;
}

/* With sockets and page made: *w is complete, or err. */
static int begin(struct ork_worker *w, const struct ork_worker_opts *o, int ours, int theirs, int page, ork_err *err)
{
    struct ork_worker_start s = {.program = o->program,
                                 .socket = theirs,
                                 .page = page,
                                 .output = o->output,
                                 .memory_mb = o->memory_mb,
                                 .mark = w->mark};
    int rc = ork_worker_spawn(&s, &w->pid, &w->pid_fd, err);

    if (rc) {
        close(ours);
        return rc;
    }
    if (uv_poll_init(o->loop, &w->end, w->pid_fd) < 0 || ork_link_on(o->loop, ours, &w->link) < 0)
        abort(); /* out of memory, or a bug: both descriptors are new and of a kind that can be watched */
    w->handles = 2;
    w->end.data = w;
    uv_poll_start(&w->end, UV_READABLE, on_end);
    w->link->data = w;
    w->link->max = ORK_WORKER_FRAME_MAX;
    w->link->on_frame = on_frame;
    w->link->on_lost = on_lost;
    w->link->on_gone = handle_gone;
    ork_worker_ref(w, false);
    return 0;
}

static unsigned number; /* of workers of this process: no two have the same mark */

int ork_worker_open(const struct ork_worker_opts *o, ork_worker **out, ork_err *err)
{
    struct ork_worker *w = ork_zalloc(sizeof(*w));
    int page, sockets[2];

    w->events = o->events;
    (void)snprintf(w->mark, sizeof w->mark, "ORK_WORKER=%d.%llx.%u", getpid(), (unsigned long long)uv_hrtime(),
                   ++number);
    int rc = make_page(w, &page, err);
    if (rc) {
        ork_free(w);
        return rc;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
        rc = ork_err_errno(err, errno, "cannot start a worker");
    } else {
        rc = begin(w, o, sockets[0], sockets[1], page, err);
        close(sockets[1]);
    }
    close(page);
    if (rc) {
        munmap(w->page, sizeof(*w->page));
        ork_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

struct ork_worker_page *ork_worker_page(ork_worker *w)
{
    return w->page;
}

void ork_worker_load(ork_worker *w, const char *definition, const char *workflow, const char *folder,
                     const char *sources)
{
    if (!w->link)
        return;
    struct ork_wr *o = &w->link->out;
    ork_wr_begin(o, (enum ork_frame_type)ORK_W_LOAD);
    ork_wr_str(o, definition);
    ork_wr_str(o, workflow);
    ork_wr_str(o, folder);
    ork_wr_bytes(o, sources, strlen(sources));
    ork_wr_end(o);
}

void ork_worker_call(ork_worker *w, const struct ork_worker_call *c)
{
    if (!w->link)
        return;
    struct ork_wr *o = &w->link->out;
    ork_wr_begin(o, (enum ork_frame_type)ORK_W_CALL);
    ork_wr_u32(o, c->slot);
    ork_wr_u32(o, c->generation);
    ork_wr_u32(o, c->task_no);
    ork_wr_u32(o, c->item);
    ork_wr_u32(o, c->attempt);
    ork_wr_i64(o, c->scheduled_for_ms);
    ork_wr_str(o, c->run);
    ork_wr_str(o, c->task);
    ork_wr_str(o, c->definition);
    ork_wr_str(o, c->option);
    ork_wr_i64(o, c->memory);
    ork_wr_i64(o, c->cpu_ms);
    ork_wr_str(o, c->folder);
    ork_wr_str(o, c->log_path);
    ork_wr_bytes(o, c->input, c->input_len);
    ork_wr_end(o);
}

void ork_worker_secret(ork_worker *w, uint32_t slot, uint32_t generation, uint32_t question, bool found,
                       const char *text, size_t len)
{
    if (!w->link)
        return;
    struct ork_wr *o = &w->link->out;
    ork_wr_begin(o, (enum ork_frame_type)ORK_W_SECRET);
    ork_wr_u32(o, slot);
    ork_wr_u32(o, generation);
    ork_wr_u32(o, question);
    ork_wr_u8(o, found);
    ork_wr_bytes(o, text, len);
    ork_wr_end(o);
    ork_link_flush(w->link);
}

size_t ork_worker_unsent(const ork_worker *w)
{
    return w->link ? w->link->out.len - w->link->out_off : 0;
}

void ork_worker_flush(ork_worker *w)
{
    if (w->link && w->link->out.len > w->link->out_off)
        ork_link_flush(w->link);
}

void ork_worker_interrupt(ork_worker *w)
{
    if (!w->ended)
        (void)kill(w->pid, SIGUSR1);
}

void ork_worker_end(ork_worker *w)
{
    if (w->link) {
        ork_link_flush(w->link);
        (void)shutdown(w->link->fd, SHUT_WR);
    }
}

void ork_worker_kill(ork_worker *w)
{
    if (w->ended)
        return;
    (void)kill(w->pid, SIGSTOP);
    ork_family_end(w->pid);
    (void)kill(-w->pid, SIGKILL);
}

static void set_ref(uv_handle_t *h, bool on)
{
    if (on)
        uv_ref(h);
    else
        uv_unref(h);
}

void ork_worker_ref(ork_worker *w, bool on)
{
    if (w->ended)
        return;
    set_ref((uv_handle_t *)&w->end, on);
    if (w->link)
        set_ref((uv_handle_t *)&w->link->poll, on);
}
