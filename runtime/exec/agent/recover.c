/* SPDX-License-Identifier: MIT */
/* Birth after a death: reads the journal of the agent before. An EXIT without ACK is kept to be sent again. A START
 * without EXIT is an attempt that was running: what survived of it is killed, then it is EXIT(lost). After a reboot, or
 * in another pid namespace, its processes are gone or out of reach: lost at once. */
#include "exec/agent/agent.h"
#include "base/hash.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define JOURNAL_MAX (256u << 20)
#define KEEP_MS ((int64_t)30 * 24 * 3600 * 1000)
#define WAIT_MS 500 /* for survivors to die before serving; the rest while serving */

static void read_start(struct ork_agentd *a, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    ork_id run = ork_rd_id(r);
    uint64_t seq = ork_rd_u64(r);
    int64_t started_ms = ork_rd_i64(r);
    const char *log = ork_rd_str(r);
    struct ork_claim *k;
    struct ork_attempt *t;

    if (r->bad || ork_attempt_find(a, &key))
        return;
    k = ork_claim_get(a, &run);
    k->seq = k->seq > seq ? k->seq : seq;
    t = ork_attempt_new(a, &key, k);
    t->exit.started_ms = started_ms;
    t->log_path = *log ? ork_text("%s", log) : NULL;
    t->state = ATTEMPT_RUNNING;
    t->recovered = t->main_done = true;
    TAILQ_INSERT_TAIL(&a->running, t, in_running);
}

static void read_pid(struct ork_agentd *a, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    int32_t pid = ork_rd_i32(r);
    struct ork_attempt *t = r->bad ? NULL : ork_attempt_find(a, &key);

    if (!t || t->state != ATTEMPT_RUNNING || t->in_pids || pid <= 0)
        return;
    t->born_boot_ms = ork_rd_i64(r);
    ork_attempt_set_pid(a, t, pid);
}

static void read_exit(struct ork_agentd *a, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    ork_id run = ork_rd_id(r);
    uint64_t seq = ork_rd_u64(r);
    struct ork_wire_exit x;
    struct ork_claim *k;
    struct ork_attempt *t;

    ork_rd_exit(r, &x);
    if (r->bad)
        return;
    t = ork_attempt_find(a, &key);
    if (t && t->state == ATTEMPT_EXITED)
        return;
    if (!t) {
        k = ork_claim_get(a, &run);
        k->seq = k->seq > seq ? k->seq : seq;
        t = ork_attempt_new(a, &key, k);
    } else {
        TAILQ_REMOVE(&a->running, t, in_running);
        if (t->in_pids)
            ork_table_remove(&a->pids, &t->by_pid);
        t->in_pids = false;
    }
    t->state = ATTEMPT_EXITED;
    t->exit = x;
    t->error = *x.error ? ork_text("%s", x.error) : NULL;
    t->exit.error = t->error ? t->error : "";
    a->unacked++;
}

static void read_ack(struct ork_agentd *a, struct ork_rd *r)
{
    struct ork_wire_key key = ork_rd_key(r);
    struct ork_attempt *t = r->bad ? NULL : ork_attempt_find(a, &key);

    if (t && t->state == ATTEMPT_EXITED)
        ork_attempt_free(a, t);
}

static void read_claim(struct ork_agentd *a, struct ork_rd *r, bool release)
{
    ork_id run = ork_rd_id(r);
    uint64_t seq = release ? 0 : ork_rd_u64(r);
    struct ork_claim *k;

    if (r->bad)
        return;
    k = ork_claim_get(a, &run);
    k->seq = k->seq > seq ? k->seq : seq;
    if (release)
        ork_claim_release(a, k);
}

static void read_record(struct ork_agentd *a, uint16_t type, struct ork_rd *r)
{
    switch (type) {
    case RECORD_START:
        read_start(a, r);
        break;
    case RECORD_PID:
        read_pid(a, r);
        break;
    case RECORD_EXIT:
        read_exit(a, r);
        break;
    case RECORD_ACK:
        read_ack(a, r);
        break;
    default:
        read_claim(a, r, type == RECORD_RELEASE);
    }
}

static void read_records(struct ork_agentd *a, const uint8_t *p, size_t n)
{
    struct ork_record_head h;

    while (n >= sizeof h) {
        struct ork_rd r;

        memcpy(&h, p, sizeof h);
        if (h.len < sizeof h || h.len > n || h.type < RECORD_START || h.type > RECORD_RELEASE ||
            ork_crc32(0, p + sizeof h.crc, h.len - sizeof h.crc) != h.crc)
            return;
        r = (struct ork_rd){.p = p + sizeof h, .end = p + h.len};
        read_record(a, h.type, &r);
        p += h.len;
        n -= h.len;
    }
}

/* 0 none, 1 read; same_world: its pids mean something here */
static int read_journal(struct ork_agentd *a, bool *same_world)
{
    struct ork_journal_head h;
    struct stat st;
    uint8_t *all;
    ssize_t n;
    int fd = openat(a->dir_fd, ORK_JOURNAL_NAME, O_RDONLY | O_CLOEXEC), ok = 0;

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof h || st.st_size > JOURNAL_MAX) {
        close(fd);
        return 0;
    }
    all = ork_mem(NULL, (size_t)st.st_size);
    n = read(fd, all, (size_t)st.st_size);
    close(fd);
    if (n >= (ssize_t)sizeof h) {
        memcpy(&h, all, sizeof h);
        ok = !memcmp(h.magic, ORK_JOURNAL_MAGIC, sizeof h.magic) &&
             h.crc == ork_crc32(0, &h, offsetof(struct ork_journal_head, crc));
        *same_world = ok && !memcmp(h.boot_id, a->boot_id, sizeof h.boot_id) && h.pid_ns == a->pid_ns;
    }
    if (ok) {
        read_records(a, all + sizeof h, (size_t)n - sizeof h);
    } else {
        ork_note(a, "the journal is damaged; kept as " ORK_JOURNAL_NAME ".damaged");
        renameat(a->dir_fd, ORK_JOURNAL_NAME, a->dir_fd, ORK_JOURNAL_NAME ".damaged");
    }
    free(all);
    return ok;
}

static void wait_for(pid_t pid, int ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (fd < 0)
        return;
    poll(&pfd, 1, ms);
    close(fd);
}

static void sweep(struct ork_agentd *a)
{
    int64_t end = ork_now_mono() + WAIT_MS;

    ork_ending_all(a);
    for (;;) {
        struct ork_attempt *t;

        a->mono = ork_now_mono();
        ork_ending_look(a);
        TAILQ_FOREACH(t, &a->running, in_running)
        {
            if (t->members_len)
                break;
        }
        if (!t || a->mono >= end)
            return;
        wait_for(t->members[0].pid, (int)(end - a->mono));
        ork_ending_gone(a, t->members[0].pid); /* dead, or found alive by the next look */
    }
}

/* Results nobody asked for in a month belong to runs that are gone. */
static void forget_old(struct ork_agentd *a)
{
    int64_t oldest_ms = ork_now_wall() - KEEP_MS;

    for (uint32_t i = 0; i < a->attempts.cap; i++) {
        for (struct ork_node *n = a->attempts.slots[i], *next; n; n = next) {
            struct ork_attempt *t = ork_of(n, struct ork_attempt, by_key);

            next = n->next;
            if (t->state == ATTEMPT_EXITED && t->exit.finished_ms < oldest_ms)
                ork_attempt_free(a, t);
        }
    }
}

void ork_recover(struct ork_agentd *a)
{
    bool same_world = false;
    struct ork_attempt *t;

    if (!read_journal(a, &same_world))
        return;
    forget_old(a);
    if (TAILQ_EMPTY(&a->running))
        return;
    if (same_world) {
        sweep(a);
        return;
    }
    while ((t = TAILQ_FIRST(&a->running))) {
        t->exit.reason = ORK_WIRE_LOST;
        ork_attempt_finish(a, t);
    }
}
