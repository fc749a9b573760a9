/* SPDX-License-Identifier: MIT */
/* One worker: the calls in its slots, what it says of them, its death.
 *
 * Law: a slot is used until the worker has answered, the call was taken back from it, or it is dead; whoever waited for
 * the call may be gone before. */
#include "base/path.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct ork_worker_slot *slot_of(const struct ork_member *m, uint32_t slot)
{
    return &ork_worker_page(m->worker)->slots[slot];
}

bool ork_member_began(const struct ork_member *m, const struct ork_call *c)
{
    return ork_slot_state(slot_of(m, c->slot)) == ORK_SLOT_STARTED;
}

/* ---- calls go in and out ---- */

void ork_member_release(struct ork_member *m, uint32_t slot)
{
    if (!m->used[slot])
        return;
    m->used[slot] = false;
    m->busy--;
    if (m->sleeps[slot])
        m->sleeping--;
    m->sleeps[slot] = false;
    m->calls[slot] = NULL;
    m->stalled = false;
    m->patience_ms = m->loaded_ms = 0;
    m->moved_ms = ork_call_mono(m->engine);
    if (m->busy == 0) {
        m->alone = false;
        ork_worker_ref(m->worker, false);
        if (m->retires)
            ork_member_retire(m);
    }
}

bool ork_member_revoke(struct ork_member *m, struct ork_call *c)
{
    if (!ork_slot_move(slot_of(m, c->slot), m->generation[c->slot], ORK_SLOT_QUEUED, ORK_SLOT_REVOKED))
        return false;
    ork_member_release(m, c->slot);
    c->member = NULL;
    return true;
}

/* Its functions are told to it before their first call. folder: "", or where they are loaded at once. false: it has
 * loaded enough. */
static bool teach(struct ork_member *m, const struct ork_active *a, const char *definition, const char *folder)
{
    for (uint32_t i = 0; i < m->definitions_len; i++) {
        if (strcmp(m->definitions[i], definition) == 0)
            return true;
    }
    if (m->definitions_len == ORK_WORKER_DEFINITIONS)
        return false;
    memcpy(m->definitions[m->definitions_len++], definition, sizeof(m->definitions[0]));
    const char *sources = ork_workflow_source_json(a->workflow);
    ork_worker_load(m->worker, definition, ork_workflow_name(a->workflow), folder, sources ? sources : "{}");
    return true;
}

void ork_member_expect(struct ork_member *m, const struct ork_active *a)
{
    char definition[65];
    ork_err err;

    if (ork_workflow_hash(a->workflow, definition, &err) != 0)
        return;
    (void)teach(m, a, definition, a->script_dir ? a->script_dir : m->engine->cwd);
    m->moved_ms = ork_call_mono(m->engine);
    ork_worker_flush(m->worker);
}

static uint32_t free_slot(const struct ork_member *m)
{
    uint32_t slot = 0;

    while (m->used[slot])
        slot++;
    return slot;
}

/* It cannot be handed over at all. */
static void refuse(struct ork_call *c, int kind, const char *why)
{
    ork_call_end(c, &(struct ork_inline_result){.error = why, .kind = kind, .final = true});
}

void ork_member_hand(struct ork_member *m, struct ork_call *c)
{
    struct ork_active *a = c->run;
    char definition[65];
    ork_err err;

    if (ork_workflow_hash(a->workflow, definition, &err) != 0 || ork_active_files(a, &err) != 0) {
        refuse(c, ORK_KIND_SPAWN, err.msg);
        return;
    }
    if (c->library) /* who knows what it leaves behind in the process */
        m->served = ORK_WORKER_CALLS;
    else if (!teach(m, a, definition, "")) {
        ork_workers_back(m->engine, c);
        ork_member_retire(m);
        return;
    }
    uint32_t slot = free_slot(m);
    if (ork_member_computing(m) == 0)
        m->moved_ms = ork_call_mono(m->engine);
    m->used[slot] = true;
    m->calls[slot] = c;
    m->alone = c->alone;
    if ((int64_t)c->input_len / 16384 > m->patience_ms)
        m->patience_ms = (int64_t)c->input_len / 16384;
    if (m->busy++ == 0)
        ork_worker_ref(m->worker, true);
    uint32_t generation = ++m->generation[slot] & (UINT32_MAX >> 3);
    m->generation[slot] = generation;
    c->member = m;
    c->slot = slot;
    atomic_store(&slot_of(m, slot)->stop, 0);
    atomic_store(&slot_of(m, slot)->word, ork_slot_word(generation, ORK_SLOT_QUEUED));
    ork_worker_call(m->worker, &(struct ork_worker_call){.slot = slot,
                                                         .generation = generation,
                                                         .task_no = ork_call_no(c),
                                                         .item = ork_call_item(c),
                                                         .attempt = c->live->attempt,
                                                         .scheduled_for_ms = a->scheduled_for_ms,
                                                         .run = a->text,
                                                         .task = ork_call_name(c),
                                                         .definition = c->library ? c->library : definition,
                                                         .option = c->option,
                                                         .memory = c->most.memory,
                                                         .cpu_ms = c->most.cpu_ms,
                                                         .folder = a->script_dir ? a->script_dir : m->engine->cwd,
                                                         .log_path = c->live->log_path,
                                                         .input = c->input,
                                                         .input_len = c->input_len});
    if (c->timeout_ms > 0)
        ork_call_deadline(m->engine, c, ork_call_mono(m->engine) + c->timeout_ms);
}

void ork_member_stall(struct ork_member *m)
{
    bool answers = false;

    if (m->patience_ms && ork_worker_unsent(m->worker) > 0 &&
        atomic_load(&ork_worker_page(m->worker)->current) == 0) { /* taken back it would be sent anew, for ever */
        m->moved_ms = ork_call_mono(m->engine);
        return;
    }
    if (atomic_load(&ork_worker_page(m->worker)->loads) && m->loaded_ms < ORK_WORKER_LOAD_MS) {
        m->loaded_ms += ORK_WORKER_STALL_MS; /* another one would have to load it, too */
        m->moved_ms = ork_call_mono(m->engine);
        return;
    }
    m->stalled = true;
    for (uint32_t i = 0; i < ORK_WORKER_SLOTS; i++) {
        struct ork_call *c = m->calls[i];
        if (!c)
            continue;
        if (ork_member_revoke(m, c)) {
            ork_call_deadline(m->engine, c, 0);
            ork_workers_back(m->engine, c);
        } else if (ork_member_began(m, c)) {
            if (c->run->call_us <= 0)
                c->run->call_us = ORK_WORKER_STALL_MS * 1000.0;
            ork_call_begun(m->engine, c);
            ork_call_running(c);
        }
    }
    /* Those of calls before the one that computes now. Only here: while the loop above looked, one may have ended and
     * the next begun; now none begins any more. */
    for (uint32_t i = 0; i < ORK_WORKER_SLOTS; i++)
        answers |= m->calls[i] && !ork_member_began(m, m->calls[i]);
    if (answers)
        ork_worker_interrupt(m->worker);
    m->stalled = m->busy > 0; /* taking back looks like moving */
}

void ork_member_retire(struct ork_member *m)
{
    m->retires = true;
    if (m->busy > 0 || m->ended)
        return;
    m->ended = true;
    ork_worker_end(m->worker);
}

void ork_member_kill(struct ork_member *m)
{
    m->killed = true;
    ork_worker_kill(m->worker);
}

/* ---- what it says ---- */

static void on_hello(void *data, const char *version)
{
    struct ork_member *m = data;
    char why[256];

    m->said_hello = true;
    m->engine->workers->stillborn = 0;
    if (strcmp(version, ork_version()) == 0)
        return;
    (void)snprintf(why, sizeof why, "the program `%s` is Ork %s, and this is Ork %s: install the same version of both",
                   m->engine->workers->program, version, ork_version());
    ork_member_kill(m);
    ork_log_error(&m->engine->log, "%s", why);
    for (uint32_t i = 0; i < ORK_WORKER_SLOTS; i++) {
        if (m->calls[i])
            refuse(m->calls[i], ORK_KIND_SPAWN, why);
    }
    ork_workers_broken(m->engine, why);
}

/* The call in a slot, if that is still the one meant. */
static struct ork_call *meant(const struct ork_member *m, uint32_t slot, uint32_t generation)
{
    return m->used[slot] && m->generation[slot] == generation ? m->calls[slot] : NULL;
}

static void learn_cost(struct ork_active *a, int64_t took_us)
{
    double us = took_us > 1 ? (double)took_us : 1;

    a->call_us = a->call_us > 0 ? a->call_us * 0.8 + us * 0.2 : us;
}

static void on_result(void *data, const struct ork_worker_result *r)
{
    struct ork_member *m = data;
    struct ork_call *c = meant(m, r->slot, r->generation);
    struct ork_workers *ws = m->engine->workers;

    if (!m->used[r->slot] || m->generation[r->slot] != r->generation)
        return;
    m->served++;
    if (m->served >= ORK_WORKER_CALLS || r->memory_kb / 1024 > ws->memory_mb / 4)
        m->retires = true;
    if (!c) {
        ork_member_release(m, r->slot);
        return;
    }
    if (!c->question) /* which is no measure for the run's tasks */
        learn_cost(c->run, r->took_us);
    ork_call_begun(m->engine, c);
    c->log_bytes = r->log_bytes;
    for (uint32_t i = 0; i < r->files_len && !c->question; i++)
        ork_artifacts_add(&c->live->artifacts, r->files[i].name, r->files[i].hash, r->files[i].bytes);
    ork_call_end(c, &(struct ork_inline_result){.output = r->output,
                                                .output_len = r->output_len,
                                                .error = r->ok ? NULL : r->error,
                                                .kind = r->kind,
                                                .code = r->code,
                                                .final = r->final,
                                                .retry_after_ms = r->after_ms,
                                                .data = r->data,
                                                .data_len = r->data_len});
}

static void on_waits(void *data, uint32_t slot, uint32_t generation)
{
    struct ork_member *m = data;
    struct ork_call *c = meant(m, slot, generation);

    if (!c || m->sleeps[slot])
        return;
    m->sleeps[slot] = true;
    m->sleeping++;
    m->stalled = false;
    m->moved_ms = ork_call_mono(m->engine);
    c->waits = true;
    ork_call_begun(m->engine, c);
    ork_call_running(c);
}

static void on_progress(void *data, uint32_t slot, uint32_t generation, double done, double total)
{
    struct ork_member *m = data;
    struct ork_call *c = meant(m, slot, generation);

    if (!c)
        return;
    c->done = done;
    c->total = total;
    ork_call_begun(m->engine, c);
    ork_call_running(c);
}

/* ---- secrets that its functions ask for ---- */

struct wanted { /* whoever asked may be gone when the answer comes */
    ork_engine *engine;
    uint64_t member;
    uint32_t slot, generation, question;
};

static void on_found(void *data, const char *value, size_t len, const ork_err *err)
{
    struct wanted *w = data;
    struct ork_workers *ws = w->engine->workers;
    struct ork_member *m = ws ? ws->members : NULL;

    while (m && m->number != w->member)
        m = m->next;
    struct ork_call *c = m ? meant(m, w->slot, w->generation) : NULL;
    if (c && value)
        ork_mask_add(&c->live->mask, value, len);
    if (c)
        ork_worker_secret(m->worker, w->slot, w->generation, w->question, value != NULL, value ? value : err->msg,
                          value ? len : strlen(err->msg));
    ork_free(w);
}

static void on_secret(void *data, uint32_t slot, uint32_t generation, uint32_t question, const char *name)
{
    struct ork_member *m = data;
    struct wanted *w = ork_alloc(sizeof(*w));

    *w = (struct wanted){m->engine, m->number, slot, generation, question};
    ork_secret_get(m->engine, name, on_found, w);
}

/* ---- its end ---- */

/* What C code wrote before it crashed: it goes to the log of the call that computed. */
static void keep_scratch(struct ork_member *m)
{
    uint32_t current = atomic_load(&ork_worker_page(m->worker)->current);
    struct ork_call *c = current > 0 && current <= ORK_WORKER_SLOTS ? m->calls[current - 1] : NULL;
    char part[8192];
    off_t at = 0;

    int fd = c ? open(c->live->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (fd < 0)
        return;
    for (ssize_t n; (n = pread(m->scratch, part, sizeof part, at)) > 0; at += n) {
        if (write(fd, part, (size_t)n) != n)
            break;
    }
    (void)close(fd);
}

static void lose(struct ork_call *c, const char *why, int signal, uint32_t others)
{
    struct ork_buf text = ORK_BUF_INIT;
    struct stat st;
    const bool spent = signal == SIGXCPU && c->most.cpu_ms > 0; /* in C code, where nothing can be raised */

    if (spent)
        ork_resources_spent(&c->most, &text);
    else
        ork_buf_addf(&text, "lost: its worker %s", why);
    if (others)
        ork_buf_addf(&text, " (with %u other function%s in it; it runs alone next time)", others,
                     others == 1 ? "" : "s");
    ork_mask_file(&c->live->mask, c->live->log_path);
    c->log_bytes = stat(c->live->log_path, &st) == 0 ? (int64_t)st.st_size : 0;
    ork_call_begun(c->run->engine, c);
    ork_call_end(c, &(struct ork_inline_result){.error = text.data, .kind = spent ? ORK_KIND_TIMEOUT : ORK_KIND_LOST});
    ork_buf_fini(&text);
}

static void on_gone(void *data, const char *why, int signal)
{
    struct ork_member *m = data;
    ork_engine *e = m->engine;
    struct ork_workers *ws = e->workers;
    uint32_t begun = 0;
    char text[256];

    for (struct ork_member **p = &ws->members; *p; p = &(*p)->next) {
        if (*p == m) {
            *p = m->next;
            ws->len--;
            break;
        }
    }
    for (uint32_t i = 0; i < ORK_WORKER_SLOTS; i++)
        begun += m->calls[i] && ork_slot_state(slot_of(m, i)) == ORK_SLOT_STARTED;
    if (begun && !e->closing)
        keep_scratch(m);
    for (uint32_t i = 0; i < ORK_WORKER_SLOTS && !e->closing; i++) {
        struct ork_call *c = m->calls[i];
        bool lost = c && ork_slot_state(slot_of(m, i)) == ORK_SLOT_STARTED && !m->killed;
        if (c && c->stopped) {
            ork_call_end(c, &(struct ork_inline_result){.error = "it was ended"});
        } else if (lost) {
            lose(c, why, signal, begun - 1);
        } else if (c) {
            ork_call_deadline(e, c, 0);
            ork_workers_back(e, c);
        }
    }
    if (!m->said_hello && !m->killed)
        ws->stillborn += signal == SIGKILL ? 1 : ORK_WORKER_STILLBORN / 3; /* somebody else's doing, or its own */
    if (ws->stillborn >= ORK_WORKER_STILLBORN) {
        (void)snprintf(text, sizeof text, "no worker can be started: `%s` %s at once", ws->program, why);
        ws->stillborn = 0;
        ork_workers_broken(e, text);
    }
    (void)close(m->scratch);
    ork_free(m);
    ork_workers_feed(e);
}

/* ---- its beginning ---- */

/* A file without a name: on disk, because programs that functions start may write much. */
static int open_scratch(ork_engine *e, ork_err *err)
{
    int fd = open(e->data_dir, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0) {
        char *path = ork_path_join(e->data_dir, "worker-XXXXXX");
        fd = mkostemp(path, O_APPEND | O_CLOEXEC);
        if (fd >= 0)
            (void)unlink(path);
        ork_free(path);
    }
    return fd >= 0 ? fd : ork_err_errno(err, errno, "cannot write in %s", e->data_dir);
}

struct ork_member *ork_member_new(ork_engine *e, ork_err *err)
{
    struct ork_workers *ws = e->workers;
    struct ork_member *m = ork_zalloc(sizeof(*m));

    *m = (struct ork_member){
        .engine = e, .number = ++ws->made, .moved_ms = ork_call_mono(e), .scratch = open_scratch(e, err)};
    struct ork_worker_opts o = {.loop = e->loop,
                                .program = ws->program,
                                .output = m->scratch,
                                .memory_mb = ws->memory_mb,
                                .events = {.data = m,
                                           .on_hello = on_hello,
                                           .on_result = on_result,
                                           .on_waits = on_waits,
                                           .on_progress = on_progress,
                                           .on_secret = on_secret,
                                           .on_gone = on_gone}};
    if (m->scratch < 0 || ork_worker_open(&o, &m->worker, err) != 0) {
        if (m->scratch >= 0)
            (void)close(m->scratch);
        ork_free(m);
        return NULL;
    }
    m->next = ws->members;
    ws->members = m;
    ws->len++;
    return m;
}
