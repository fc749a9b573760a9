/* SPDX-License-Identifier: MIT */
/* The journal: what the next agent must know when this one dies. It has to survive kill -9, not a power cut, so it is
 * written by plain pwrite and never synced, once per turn and once before each vfork.
 *
 *   head │ record │ record │ … │ 8 zero bytes │ what an earlier round left
 *
 * A record is { crc, len, type, payload }; reading ends at the first that does not check. When nothing is open and some
 * space was used, writing begins again at the head; when the preallocated space is used up, a new file with what is
 * open replaces it. While it cannot be written (disk full) memory still holds every exit; the file is rewritten when it
 * can be. */
#include "exec/agent/agent.h"
#include "base/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SIZE_MIN (256 * 1024)
#define REUSE_AFTER (64 * 1024)
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS 60000
#define NEW_NAME ORK_JOURNAL_NAME ".new"

static size_t begin(struct ork_wr *w, enum ork_record type)
{
    struct ork_record_head h = {.type = (uint16_t)type};
    size_t at = w->len;

    ork_wr_put(w, &h, sizeof h);
    return at;
}

static void end(struct ork_wr *w, size_t at)
{
    struct ork_record_head h;

    memcpy(&h, w->data + at, sizeof h);
    h.len = (uint16_t)(w->len - at);
    memcpy(w->data + at, &h, sizeof h);
    h.crc = ork_crc32(0, w->data + at + sizeof h.crc, h.len - sizeof h.crc);
    memcpy(w->data + at, &h, sizeof h);
}

static void put_start(struct ork_wr *w, const struct ork_attempt *t)
{
    size_t at = begin(w, RECORD_START);

    ork_wr_key(w, &t->key);
    ork_wr_id(w, &t->claim->run);
    ork_wr_u64(w, t->claim->seq);
    ork_wr_i64(w, t->exit.started_ms);
    ork_wr_str(w, t->log_path && strlen(t->log_path) < 4096 ? t->log_path : "");
    end(w, at);
}

static void put_pid(struct ork_wr *w, const struct ork_attempt *t)
{
    size_t at = begin(w, RECORD_PID);

    ork_wr_key(w, &t->key);
    ork_wr_i32(w, t->exit.pid);
    ork_wr_i64(w, t->born_boot_ms);
    end(w, at);
}

static void put_exit(struct ork_wr *w, const struct ork_attempt *t)
{
    size_t at = begin(w, RECORD_EXIT);

    ork_wr_key(w, &t->key);
    ork_wr_id(w, &t->claim->run);
    ork_wr_u64(w, t->claim->seq);
    ork_wr_exit(w, &t->exit);
    end(w, at);
}

static void put_claim(struct ork_wr *w, const struct ork_claim *k)
{
    size_t at = begin(w, RECORD_CLAIM);

    ork_wr_id(w, &k->run);
    ork_wr_u64(w, k->seq);
    end(w, at);
}

/* Everything memory holds: first the claims, then what is open. */
static void put_all(struct ork_agentd *a, struct ork_wr *w)
{
    for (uint32_t i = 0; i < a->claims.cap; i++) {
        for (struct ork_node *n = a->claims.slots[i]; n; n = n->next)
            put_claim(w, ork_of(n, struct ork_claim, node));
    }
    a->journal.claims_len = w->len;
    for (uint32_t i = 0; i < a->attempts.cap; i++) {
        for (struct ork_node *n = a->attempts.slots[i]; n; n = n->next) {
            struct ork_attempt *t = ork_of(n, struct ork_attempt, by_key);

            if (t->state == ATTEMPT_RUNNING) {
                put_start(w, t);
                if (t->exit.pid)
                    put_pid(w, t);
            } else if (t->state == ATTEMPT_EXITED) {
                put_exit(w, t);
            }
        }
    }
}

static int write_at(int fd, const void *p, size_t n, off_t off)
{
    ssize_t done;

    do {
        done = pwrite(fd, p, n, off);
    } while (done < 0 && errno == EINTR);
    if (done >= 0 && (size_t)done != n)
        errno = ENOSPC;
    return done >= 0 && (size_t)done == n ? 0 : -1;
}

static void head_of(struct ork_agentd *a, struct ork_journal_head *h)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, ORK_JOURNAL_MAGIC, sizeof h->magic);
    h->agent = a->id;
    memcpy(h->boot_id, a->boot_id, sizeof h->boot_id);
    h->pid_ns = a->pid_ns;
    h->crc = ork_crc32(0, h, offsetof(struct ork_journal_head, crc));
}

static void went_bad(struct ork_agentd *a, const char *what)
{
    struct ork_journal *j = &a->journal;

    if (!j->bad)
        ork_note(a, "cannot %s the journal: %s; results are kept in memory until it can be written", what,
                 strerror(errno));
    j->retry_ms = !j->bad ? RETRY_FIRST_MS : j->retry_ms * 2 < RETRY_LAST_MS ? j->retry_ms * 2 : RETRY_LAST_MS;
    j->retry_at = a->mono + j->retry_ms;
    j->bad = true;
    j->buf.len = 0;
}

int ork_journal_create(struct ork_agentd *a)
{
    struct ork_journal *j = &a->journal;
    struct ork_journal_head h;
    struct ork_wr w = {0};
    off_t size = SIZE_MIN;
    int fd = openat(a->dir_fd, NEW_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    head_of(a, &h);
    put_all(a, &w);
    ork_wr_u64(&w, 0);
    while (size < (off_t)(sizeof h + w.len) * 2)
        size *= 2;
    if (fd < 0 || (errno = posix_fallocate(fd, 0, size)) != 0 || write_at(fd, &h, sizeof h, 0) < 0 ||
        write_at(fd, w.data, w.len, sizeof h) < 0 || renameat(a->dir_fd, NEW_NAME, a->dir_fd, ORK_JOURNAL_NAME) < 0) {
        if (fd >= 0)
            close(fd);
        unlinkat(a->dir_fd, NEW_NAME, 0);
        ork_wr_fini(&w);
        went_bad(a, "write");
        return -1;
    }
    if (j->fd >= 0)
        close(j->fd);
    j->fd = fd;
    j->size = size;
    j->off = (off_t)(sizeof h + w.len - sizeof(uint64_t));
    j->buf.len = 0;
    if (j->bad)
        ork_note(a, "the journal can be written again");
    j->bad = false;
    ork_wr_fini(&w);
    return 0;
}

/* Nothing open: from the head again. The old records stay behind the zeros until they are overwritten. */
static void reuse(struct ork_agentd *a)
{
    struct ork_journal *j = &a->journal;

    if (a->attempts.len > a->queued || j->off < REUSE_AFTER || (size_t)j->off < j->claims_len * 4)
        return;
    j->buf.len = 0;
    j->off = sizeof(struct ork_journal_head);
    put_all(a, &j->buf);
}

void ork_journal_flush(struct ork_agentd *a)
{
    struct ork_journal *j = &a->journal;
    size_t n;

    if (j->bad) {
        j->buf.len = 0; /* memory has it all */
        if (a->mono >= j->retry_at)
            ork_journal_create(a);
        return;
    }
    if (!j->buf.len)
        return;
    reuse(a);
    n = j->buf.len;
    ork_wr_u64(&j->buf, 0);
    if (j->off + (off_t)j->buf.len > j->size) {
        ork_journal_create(a);
        return;
    }
    if (write_at(j->fd, j->buf.data, j->buf.len, j->off) < 0) {
        went_bad(a, "write");
        return;
    }
    j->off += (off_t)n;
    j->buf.len = 0;
}

void ork_journal_start(struct ork_agentd *a, const struct ork_attempt *t)
{
    put_start(&a->journal.buf, t);
}
void ork_journal_pid(struct ork_agentd *a, const struct ork_attempt *t)
{
    put_pid(&a->journal.buf, t);
}
void ork_journal_exit(struct ork_agentd *a, const struct ork_attempt *t)
{
    put_exit(&a->journal.buf, t);
}
void ork_journal_claim(struct ork_agentd *a, const struct ork_claim *k)
{
    put_claim(&a->journal.buf, k);
}

void ork_journal_ack(struct ork_agentd *a, const struct ork_wire_key *k)
{
    size_t at = begin(&a->journal.buf, RECORD_ACK);

    ork_wr_key(&a->journal.buf, k);
    end(&a->journal.buf, at);
}

void ork_journal_release(struct ork_agentd *a, const ork_id *run)
{
    size_t at = begin(&a->journal.buf, RECORD_RELEASE);

    ork_wr_id(&a->journal.buf, run);
    end(&a->journal.buf, at);
}
