/* SPDX-License-Identifier: MIT */
/* Opening, driving and closing an engine.
 *
 * A turn of the loop: poll (events step the core) → check: dispatch what became ready, then hand the collected changes
 * to the store. `prepare` does the same before the loop sleeps, for changes made by callers outside of it. Neither
 * keeps the loop alive; whoever drives refs `check`, so that a poll really blocks (idle costs nothing) and is never
 * mistaken for "nothing left". */
#include "engine/engine.h"
#include "base/path.h"
#include "engine/workers.h"
#include "engine/zone_watch.h"
#include "engine/zones.h"
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

int64_t ork_engine_now(ork_engine *e)
{
    return e->clock->now_ms(e->clock->data);
}

int64_t ork_engine_min_free(void)
{
    const char *mb = getenv("ORK_MIN_FREE_MB");

    return mb ? strtoll(mb, NULL, 10) << 20 : ORK_MIN_FREE;
}

/* 0: the store's own. */
static int64_t host_grace(void)
{
    const char *text = getenv("ORK_HOST_GRACE");
    int64_t ms = 0;
    ork_err none;

    return text && ork_duration_parse(text, strlen(text), &ms, &none) == 0 && ms > 0 ? ms : 0;
}

void ork_engine_turn(ork_engine *e)
{
    if (e->in_turn || e->fenced || e->closing)
        return;
    e->in_turn = true;
    if (e->pool_wake) {
        e->pool_wake = false;
        ork_pools_wake(e);
    }
    ork_turns_go(e);
    if (!e->away_now && !e->ending)
        ork_dispatch_pump(e);
    ork_commit_flush(e, false);
    ork_workers_feed(e);
    e->in_turn = false;
}

static void on_prepare(uv_prepare_t *h)
{
    ork_engine_turn(h->data);
}
static void on_check(uv_check_t *h)
{
    ork_engine_turn(h->data);
}

static void read_boot_id(char out[40])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    out[0] = '\0';
    if (f) {
        if (fgets(out, 40, f))
            out[strcspn(out, "\n")] = '\0';
        (void)fclose(f);
    }
}

static void init_handles(ork_engine *e)
{
    uv_prepare_init(e->loop, &e->prepare);
    uv_check_init(e->loop, &e->check);
    uv_timer_init(e->loop, &e->lazy);
    uv_timer_init(e->loop, &e->away);
    uv_timer_init(e->loop, &e->deadline);
    uv_timer_init(e->loop, &e->disk);
    uv_timer_init(e->loop, &e->call_timer);
    uv_timer_init(e->loop, &e->unshown_timer);
    uv_timer_init(e->loop, &e->later);
    uv_prepare_start(&e->prepare, on_prepare);
    uv_check_start(&e->check, on_check);
    uv_handle_t *all[] = {(uv_handle_t *)&e->prepare,    (uv_handle_t *)&e->check,    (uv_handle_t *)&e->lazy,
                          (uv_handle_t *)&e->away,       (uv_handle_t *)&e->deadline, (uv_handle_t *)&e->disk,
                          (uv_handle_t *)&e->call_timer, (uv_handle_t *)&e->later,    (uv_handle_t *)&e->unshown_timer};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        all[i]->data = e;
        uv_unref(all[i]);
    }
    e->handles = sizeof(all) / sizeof(*all);
}

/* Of this machine and user: what a server keeps is of many machines, logs are of the one they were written on. */
static char *state_dir(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state && state[0] == '/')
        return ork_path_join(state, "ork");
    return home && home[0] == '/' ? ork_path_join(home, ".local/state/ork") : ork_strdup("/var/lib/ork");
}

/* Beside the database's real file; a server's is of this user; a memory database gets a private folder. */
static int choose_data_dir(ork_engine *e, const char *wanted, ork_err *err)
{
    if (wanted)
        return ork_path_absolute(wanted, &e->data_dir, err);
    const char *db = ork_store_path(e->store);
    if (db) {
        char *dir = ork_path_dirname(db);
        int rc = ork_path_absolute(dir, &e->data_dir, err);
        ork_free(dir);
        return rc;
    }
    if (ork_store_remote(e->store)) {
        e->data_dir = state_dir();
        return 0;
    }
    const char *tmp = getenv("TMPDIR");
    char *pattern = ork_path_join(tmp && tmp[0] == '/' ? tmp : "/tmp", "ork-XXXXXX");
    if (!mkdtemp(pattern)) {
        int rc = ork_err_errno(err, errno, "cannot make the folder %s for the logs of a memory database", pattern);
        ork_free(pattern);
        return rc;
    }
    e->data_dir = pattern;
    e->private_dir = true;
    return 0;
}

int ork_engine_open(const struct ork_engine_opts *o, ork_engine **out, ork_err *err)
{
    ork_engine *e = ork_zalloc(sizeof(*e));
    struct utsname uts;

    e->clock = &ork_clock_system;
    e->log = (struct ork_log){.name = "ork", .level = o->log_level};
    e->flags = o->flags;
    e->loop = o->loop;
    if (!e->loop) {
        uv_loop_init(&e->own_loop);
        e->loop = &e->own_loop;
        e->owns_loop = true;
    }
    e->url = ork_store_url_plain(o->url); /* it is shown */
    e->agent_program = o->agent_path ? ork_strdup(o->agent_path) : NULL;
    const char *host = getenv("ORK_HOST");
    e->host = ork_strdup(host && *host ? host : uname(&uts) == 0 ? uts.nodename : "localhost");
    read_boot_id(e->boot_id);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    e->jobs = o->jobs ? o->jobs : (uint32_t)(cores > 0 ? 2 * cores : 4);
    ork_idgen_init(&e->ids, e->clock);
    e->timer_fd = -1;
    e->min_free = ork_engine_min_free();
    char cwd[4096];
    e->cwd = ork_strdup(getcwd(cwd, sizeof(cwd)) ? cwd : "/");
    init_handles(e);
    ork_call_init(e);

    struct ork_store_opts so = {
        .loop = e->loop, .clock = e->clock, .log = &e->log, .flags = o->flags, .host_grace_ms = host_grace()};
    int rc = ork_store_open(o->url, &so, &e->store, err);
    if (!rc)
        rc = choose_data_dir(e, o->data_dir, err);
    if (rc) {
        ork_engine_close(e);
        return rc;
    }
    e->limits = ork_limits_new(e->jobs + ORK_AHEAD);
    ork_limits_pooled(e->limits, e->jobs);
    ork_limits_window_of(e->limits, ORK_WINDOW_INLINE, ORK_INLINE_AHEAD);
    ork_limits_window_of(e->limits, ORK_WINDOW_LUA, ORK_WORKERS_AHEAD);
    *out = e;
    return 0;
}

/* Only a program that owns runs becomes a scheduler: lock, row, agent client, bell, timers. */
int ork_engine_register(ork_engine *e, ork_err *err)
{
    if (e->registered)
        return 0;
    if (e->flags & ORK_OPEN_READ)
        return ork_err_set(err, ORK_ESTATE, "this engine was opened for reading only");
    int rc = ork_path_make_dirs(e->data_dir, err);
    if (!rc)
        rc = ork_hands_find_program(e, err);
    if (!rc && e->timer_fd < 0)
        rc = ork_timers_open(e, err);
    if (!rc && !e->enrolled) { /* once, even when what follows fails and is tried again */
        rc = ork_store_register(e->store, e->host, e->role, &e->scheduler, &e->seq, err);
        e->enrolled = !rc;
    }
    if (!rc && !ork_hands_for(e, NULL, err))
        rc = err->code;
    if (rc)
        return rc;
    e->registered = true;
    ork_engine_watch(e);
    return 0;
}

void ork_engine_watch(ork_engine *e)
{
    if (!e->bell_on) {
        e->bell_on = true;
        ork_store_on_bell(e->store, ork_engine_bell, e);
    }
}

static void on_deadline(uv_timer_t *t)
{
    ork_engine *e = t->data;

    e->deadline_over = true;
    uv_stop(e->loop);
}

/* Until *done. An interrupt stays noted for the next wait: what is waited for here lives on the caller's stack. */
int ork_engine_drive(ork_engine *e, const bool *done, ork_err *err)
{
    uv_ref((uv_handle_t *)&e->check);
    while (!*done && !e->fenced)
        uv_run(e->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&e->check);
    if (!*done)
        return ork_err_set(err, ORK_EFENCED,
                           "another scheduler took over the runs of this one while it was not running; nothing of it "
                           "was stored since");
    return 0;
}

/* It is under way here, or has ended and its handlers are. */
static bool is_here(ork_engine *e, const ork_id *run)
{
    return ork_active_find(e, run) || ork_handlers_busy(e, run);
}

static bool nothing_new(ork_engine *e, const ork_id *run, bool mine, uint64_t bells)
{
    return !e->fenced && !e->interrupted && !e->deadline_over && (mine ? is_here(e, run) : e->bell_count == bells);
}

static int was_interrupted(ork_engine *e, ork_err *err)
{
    if (!e->interrupted)
        return 0;
    e->interrupted = false;
    return ork_err_set(err, ORK_ECANCELLED, "interrupted");
}

/* Until the run has left our table, a bell rang, or the time is over (0 then: the caller looks again). */
int ork_engine_drive_change(ork_engine *e, const ork_id *run, uint64_t bells, int64_t timeout_ms, ork_err *err)
{
    bool mine = is_here(e, run);

    e->deadline_over = false;
    if (timeout_ms >= 0)
        uv_timer_start(&e->deadline, on_deadline, (uint64_t)timeout_ms, 0);
    uv_ref((uv_handle_t *)&e->check);
    while (nothing_new(e, run, mine, bells)) {
        bool more = ork_inline_turn(e); /* which may drive the loop itself, for a moment */
        if (nothing_new(e, run, mine, bells))
            uv_run(e->loop, more ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    uv_unref((uv_handle_t *)&e->check);
    uv_timer_stop(&e->deadline);
    return was_interrupted(e, err);
}

int ork_engine_pause(ork_engine *e, int64_t ms, bool or_bell, ork_err *err)
{
    uint64_t bells = e->bell_count;

    e->deadline_over = false;
    uv_timer_start(&e->deadline, on_deadline, (uint64_t)ms, 0);
    uv_ref((uv_handle_t *)&e->check);
    while (!e->deadline_over && !e->fenced && !e->interrupted && (!or_bell || e->bell_count == bells))
        uv_run(e->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&e->check);
    uv_timer_stop(&e->deadline);
    return was_interrupted(e, err);
}

void ork_engine_interrupt(ork_engine *e)
{
    e->interrupted = true;
    uv_stop(e->loop);
}

void ork_engine_suspend(ork_engine *e)
{
    e->suspend = e->at_store;
    if (!e->suspend)
        (void)raise(SIGSTOP);
}

int ork_engine_step(ork_engine *e, bool wait)
{
    if (ork_inline_turn(e))
        wait = false;
    ork_engine_turn(e);
    uv_ref((uv_handle_t *)&e->check); /* without: libuv does nothing at all for a loop that it takes for ended */
    uv_run(e->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&e->check);
    return ork_engine_busy(e);
}

bool ork_engine_busy(const ork_engine *e)
{
    return (e->runs || ork_handlers_any(e) || !ork_commit_idle(e)) && !e->fenced;
}

int ork_engine_fd(const ork_engine *e)
{
    return uv_backend_fd(e->loop);
}
/* With something that keeps the loop alive, as while it is driven: libuv says 0 of a loop that would end. */
int ork_engine_timeout_ms(ork_engine *e)
{
    if (ork_inline_due(e) || (e->current && e->current->urgent && !e->inflight && !e->fenced))
        return 0;
    uv_ref((uv_handle_t *)&e->check);
    uv_update_time(e->loop);
    int ms = uv_backend_timeout(e->loop);
    uv_unref((uv_handle_t *)&e->check);
    return ms;
}
const char *ork_engine_data_dir(const ork_engine *e)
{
    return e->data_dir;
}
const char *ork_engine_url(const ork_engine *e)
{
    return e->url;
}

void ork_engine_on_change(ork_engine *e, ork_change_cb cb, void *data)
{
    e->on_change = cb;
    e->change_data = data;
}

void ork_engine_on_news(ork_engine *e, ork_news_cb cb, void *data)
{
    ork_store_on_news(e->store, cb, data);
}

/* ---- closing ---- */

static void on_store_closed(void *data)
{
    ((ork_engine *)data)->store_closed = true;
}

static void on_handle_closed(uv_handle_t *h)
{
    ork_engine *e = h->data;

    e->handles--;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

/* What was collected is still stored (unless the database is away or took us out); tasks go on under the agent. */
static void last_commit(ork_engine *e)
{
    e->ending = true;
    uv_ref((uv_handle_t *)&e->check);
    ork_commit_flush(e, true);
    while ((e->works || !ork_commit_idle(e)) && !e->fenced && !e->away_now) {
        uv_run(e->loop, UV_RUN_ONCE);
        ork_commit_flush(e, true);
    }
    while (e->works)
        uv_run(e->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&e->check);
}

static void close_handles(ork_engine *e)
{
    uv_handle_t *all[] = {(uv_handle_t *)&e->prepare,    (uv_handle_t *)&e->check,    (uv_handle_t *)&e->lazy,
                          (uv_handle_t *)&e->away,       (uv_handle_t *)&e->deadline, (uv_handle_t *)&e->disk,
                          (uv_handle_t *)&e->call_timer, (uv_handle_t *)&e->later,    (uv_handle_t *)&e->unshown_timer};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        uv_close(all[i], on_handle_closed);
    if (e->timer_fd >= 0)
        uv_close((uv_handle_t *)&e->timer_poll, on_handle_closed);
    ork_zone_watch_close(e);
    while (e->handles)
        uv_run(e->loop, UV_RUN_ONCE);
    if (e->timer_fd >= 0)
        (void)close(e->timer_fd);
}

void ork_engine_close(ork_engine *e)
{
    if (!e)
        return;
    for (struct ork_active *r = e->runs; r; r = r->hh.next) { /* like their program, calls end here and are lost */
        for (struct ork_live *l = r->live; l; l = l->hh.next) {
            if (l->call) {
                ork_begun_leave(r, l);
                ork_call_leave(e, l->call);
            }
        }
        ork_question_leave(r);
    }
    ork_handlers_leave(e);
    e->host_calls = (struct ork_inline_host){0};
    if (e->store && e->registered)
        last_commit(e);
    if (e->private_dir)
        ork_hands_kill_all(e); /* nobody will ever know of them */
    e->closing = true;
    e->on_change = NULL;
    ork_secret_close(e);
    ork_remote_close(e);
    e->store_closed = !e->store;
    ork_hands_close(e);
    ork_workers_close(e);
    if (e->store)
        ork_store_close(e->store, on_store_closed, e);
    while (!e->store_closed)
        uv_run(e->loop, UV_RUN_ONCE);
    struct ork_active *a, *tmp;
    HASH_ITER(hh, e->runs, a, tmp)
    ork_active_drop(a);
    ork_commit_fini(e);
    ork_handlers_fini(e);
    ork_outputs_fini(e);
    ork_engine_watch_fini(e);
    close_handles(e);
    ork_serve_fini(e);
    ork_heap_fini(&e->timers);
    ork_zones_free(e->zones);
    ork_heap_fini(&e->call_deadlines);
    ork_free(e->call_input);
    if (e->limits)
        ork_limits_free(e->limits);
    if (e->owns_loop) {
        while (uv_loop_close(&e->own_loop) == UV_EBUSY)
            uv_run(&e->own_loop, UV_RUN_ONCE);
    }
    if (e->private_dir)
        (void)nftw(e->data_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    ork_free(e->url);
    ork_free(e->data_dir);
    ork_free(e->agent_program);
    ork_free(e->python_runner);
    ork_free(e->host);
    ork_free(e->cwd);
    ork_free(e);
}
