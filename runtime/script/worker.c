/* SPDX-License-Identifier: MIT */
/* `ork worker`: calls functions of scripts for a scheduler, which started it (exec/worker/).
 *
 *   scheduler ──LOAD, CALL──► inbox ──take──► lua/ork/worker.lua: a coroutine per call ──done, fail──► outbox ──►
 * scheduler
 *
 * This file is the door of the Lua side: frames in and out, the states of calls, what they cost. Laws: a call is
 * STARTED in the page before anything of it happens, and DONE only when its answer is in the outbox; answers go out
 * before the process sleeps, before one computes that slept, when they are a millisecond old and another call begins or
 * ends, and when a signal asks for them while one computes for long; it ends when the scheduler does.
 */
#include "script/worker.h"
#include "base/alloc.h"
#include "exec/worker/family.h"
#include "script/host.h"
#include "script/worker_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INBOX (256u * 1024)
#define OUTBOX_FULL (64u * 1024)
#define FLUSH_NS 1000000
#define COLLECT_BYTES (64u << 20) /* above this, what a call leaves is collected before it is reported */

struct ork_worker_self ork_self;
static uint8_t *inbox; /* owned */
static size_t inbox_at, inbox_len, inbox_cap;
static struct ork_wr outbox;
static int64_t flushed_ns;
static bool closed; /* the scheduler sends no more */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the socket ---- */

static void send_all(void)
{
    for (size_t at = 0; at < outbox.len;) {
        ssize_t n = send(ORK_WORKER_SOCKET, outbox.data + at, outbox.len - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            _exit(0); /* nobody is there any more */
    }
    outbox.len = 0;
}

void ork_worker_answer(void)
{
    ork_self.owed = !ork_self.thread || ork_self.writing;
    if (!ork_self.owed && outbox.len > 0)
        send_all();
}

static void flush(void)
{
    ork_self.owed = false;
    send_all();
    if (outbox.cap > OUTBOX_FULL * 4)
        ork_wr_fini(&outbox);
}

/* While one computes: the signal handler keeps its hands off meanwhile. */
static void flush_beside(void)
{
    ork_self.writing = true;
    atomic_signal_fence(memory_order_seq_cst); /* it may just have sent them */
    flush();
    flushed_ns = now_ns();
    atomic_signal_fence(memory_order_seq_cst);
    ork_self.writing = false;
}

/* What is there now. */
static void receive(void)
{
    if (inbox_at > 0) {
        memmove(inbox, inbox + inbox_at, inbox_len - inbox_at);
        inbox_len -= inbox_at;
        inbox_at = 0;
        if (inbox_len == 0 && inbox_cap > INBOX * 4) {
            inbox_cap = INBOX;
            inbox = ork_realloc(inbox, inbox_cap);
        }
    }
    if (inbox_len == inbox_cap) {
        inbox_cap = inbox_cap ? inbox_cap * 2 : INBOX;
        inbox = ork_realloc(inbox, inbox_cap);
    }
    ssize_t n = recv(ORK_WORKER_SOCKET, inbox + inbox_len, inbox_cap - inbox_len, MSG_DONTWAIT);
    if (n > 0)
        inbox_len += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        closed = true;
}

static bool next_frame(uint32_t *type, struct ork_rd *r)
{
    struct ork_frame f;

    if (inbox_len - inbox_at < sizeof f)
        return false;
    memcpy(&f, inbox + inbox_at, sizeof f);
    if (inbox_len - inbox_at - sizeof f < f.len)
        return false;
    *type = f.type;
    *r = (struct ork_rd){.p = inbox + inbox_at + sizeof f, .end = inbox + inbox_at + sizeof f + f.len};
    inbox_at += sizeof f + f.len;
    return true;
}

/* ---- taking ---- */

static int push_load(lua_State *L, struct ork_rd *r) /* -> "load", definition, workflow, folder, sources */
{
    size_t n;

    lua_pushliteral(L, "load");
    for (int i = 0; i < 3; i++)
        lua_pushstring(L, ork_rd_str(r));
    const char *sources = ork_rd_bytes(r, &n);
    lua_pushlstring(L, sources, n);
    return 5;
}

/* -> "call", slot, task number from 1, item from 1 or 0, attempt, scheduled_for_ms, run, task, definition, option,
 * folder, input; 0: taken back
 */
static int push_call(lua_State *L, struct ork_rd *r)
{
    uint32_t slot = ork_rd_u32(r), generation = ork_rd_u32(r);

    if (r->bad || slot >= ORK_WORKER_SLOTS)
        return 0;
    struct ork_worker_slot *s = &ork_self.page->slots[slot];
    struct ork_work *w = &ork_self.work[slot];
    int64_t now = now_ns();
    if (atomic_load(&s->word) != ork_slot_word(generation, ORK_SLOT_QUEUED))
        return 0;
    atomic_store(&s->begun_ms, now / 1000000);
    if (!ork_slot_move(s, generation, ORK_SLOT_QUEUED, ORK_SLOT_STARTED))
        return 0;
    lua_pushliteral(L, "call");
    lua_pushinteger(L, slot);
    lua_pushinteger(L, (lua_Integer)ork_rd_u32(r) + 1);
    lua_pushinteger(L, ork_rd_u32(r));
    lua_pushinteger(L, ork_rd_u32(r));
    lua_pushinteger(L, ork_rd_i64(r));
    bool attempt = false;
    for (int i = 0; i < 4; i++) {
        const char *text = ork_rd_str(r);
        attempt |= i == 3 && (strcmp(text, "run") == 0 || strcmp(text, "library") == 0);
        lua_pushstring(L, text);
    }
    int64_t memory = ork_rd_i64(r), cpu_ms = ork_rd_i64(r);
    ork_limits_call(slot, generation, memory, cpu_ms);
    lua_pushstring(L, ork_rd_str(r)); /* its folder */
    ork_free(w->log_path);
    *w = (struct ork_work){
        .open = true, .generation = generation, .log_path = ork_strdup(ork_rd_str(r)), .log_fd = -1, .adds = !attempt};
    ork_self.fibers++;
    size_t n;
    const char *input = ork_rd_bytes(r, &n);
    lua_pushlstring(L, input, n);
    return 12;
}

/* -> "secret", slot, question, value | nil, why not; 0: nobody waits for it any more */
static int push_secret(lua_State *L, struct ork_rd *r)
{
    uint32_t slot = ork_rd_u32(r), generation = ork_rd_u32(r), question = ork_rd_u32(r);
    bool found = ork_rd_u8(r);
    size_t n;
    const char *text = ork_rd_bytes(r, &n);

    if (r->bad || slot >= ORK_WORKER_SLOTS || !ork_self.work[slot].open || ork_self.work[slot].generation != generation)
        return 0;
    if (found)
        ork_mask_add(&ork_self.work[slot].mask, text, n);
    lua_pushliteral(L, "secret");
    lua_pushinteger(L, slot);
    lua_pushinteger(L, question);
    if (!found)
        lua_pushnil(L);
    lua_pushlstring(L, text, n);
    return found ? 4 : 5;
}

/* take() -> "load", … | "call", … | "secret", … | nil: nothing is there now | false: the scheduler sends no more */
static int take(lua_State *L)
{
    uint32_t type;
    struct ork_rd r;
    bool looked = false;

    for (;;) {
        while (next_frame(&type, &r)) {
            int n = type == ORK_W_LOAD     ? push_load(L, &r)
                    : type == ORK_W_CALL   ? push_call(L, &r)
                    : type == ORK_W_SECRET ? push_secret(L, &r)
                                           : 0;
            if (n)
                return n;
        }
        if (looked || closed)
            break;
        receive();
        looked = inbox_len - inbox_at < sizeof(struct ork_frame) || closed;
        if (!looked) {
            struct ork_frame f;
            memcpy(&f, inbox + inbox_at, sizeof f);
            looked = inbox_len - inbox_at - sizeof f < f.len;
        }
    }
    if (closed)
        lua_pushboolean(L, false);
    else
        lua_pushnil(L);
    return 1;
}

/* No process of a call is left when it has ended: while others are under way nobody can say whose one is. */
static void end_children(void)
{
    siginfo_t si;

    if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) != 0)
        return; /* there is none */
    ork_family_end(getpid());
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static int wait_more(lua_State *L) /* wait(loop fd | nil, timeout_ms | nil): until there is something to do */
{
    int fd = (int)luaL_optinteger(L, 1, -1), timeout = (int)luaL_optinteger(L, 2, -1);

    if (ork_self.fibers == 0)
        end_children();
    flush();
    if (!closed || ork_self.fibers)
        (void)ork_stop_wait(closed ? -1 : ORK_WORKER_SOCKET, fd, timeout);
    flushed_ns = now_ns();
    return 0;
}

/* ---- computing ---- */

static int check_slot(lua_State *L, int idx)
{
    lua_Integer slot = luaL_checkinteger(L, idx);

    luaL_argcheck(L, slot >= 0 && slot < ORK_WORKER_SLOTS && ork_self.work[slot].open, idx, "no call is in that slot");
    return (int)slot;
}

/* May the call that is about to compute hold up the answers of others? For all we know it takes long, and nobody asks
 * for answers any more when it slept before, since its scheduler looks at those that never slept; nor when the signal
 * came while it could not be served. */
static bool may_hold_up(int slot)
{
    return ork_self.work[slot].busy_ns > 0 || ork_self.owed || ork_self.entered_ns - flushed_ns > FLUSH_NS;
}

static int enter(lua_State *L) /* enter(slot, thread): it computes from now on */
{
    int slot = check_slot(L, 1);

    ork_output_enter(slot);
    ork_self.current = slot;
    atomic_store(&ork_self.page->current, (uint32_t)slot + 1);
    ork_self.entered_ns = now_ns();
    ork_self.thread = lua_tothread(L, 2);
    ork_stop_arm();
    if (outbox.len > 0 && may_hold_up(slot)) {
        flush_beside();
        ork_self.entered_ns = flushed_ns;
    }
    return 0;
}

static int leave(lua_State *L) /* leave(): it sleeps, or has ended */
{
    int slot = ork_self.current;

    (void)L;
    ork_self.thread = NULL;
    ork_self.current = -1;
    ork_output_leave(slot);
    atomic_store(&ork_self.page->current, 0);
    int64_t now = now_ns();
    ork_self.work[slot].busy_ns += now - ork_self.entered_ns;
    if (outbox.len > OUTBOX_FULL || (outbox.len > 0 && now - flushed_ns > FLUSH_NS)) {
        flush();
        flushed_ns = now;
    }
    return 0;
}

static void put_end(lua_State *L, int slot, enum ork_worker_frame type)
{
    struct ork_work *w = &ork_self.work[slot];

    (void)
        ork_output_flush(); /* what it wrote is in its files before anybody hears of its end, whoever holds them open */
    int64_t busy = w->busy_ns + (ork_self.current == slot ? now_ns() - ork_self.entered_ns : 0);

    if (ork_self.memory > COLLECT_BYTES || ork_self.memory_failed)
        lua_gc(L, LUA_GCCOLLECT);
    ork_wr_begin(&outbox, (enum ork_frame_type)type);
    ork_wr_u32(&outbox, (uint32_t)slot);
    ork_wr_u32(&outbox, w->generation);
    ork_wr_i64(&outbox, busy / 1000);
    ork_wr_i64(&outbox, ork_output_close(slot));
    ork_wr_u32(&outbox, ork_self.memory_failed ? UINT32_MAX : (uint32_t)(ork_self.memory / 1024));
}

static void close_call(int slot)
{
    struct ork_work *w = &ork_self.work[slot];

    ork_wr_end(&outbox);
    (void)ork_slot_move(&ork_self.page->slots[slot], w->generation, ORK_SLOT_STARTED, ORK_SLOT_DONE);
    ork_artifacts_fini(&w->artifacts);
    w->open = false;
    ork_self.fibers--;
    if (ork_self.fibers == 0)
        ork_limits_call(slot, 0, 0, 0);
}

static int done(lua_State *L) /* done(slot, JSON | nil) */
{
    int slot = check_slot(L, 1);
    size_t n = 0;
    const char *output = luaL_optlstring(L, 2, NULL, &n);

    if (ork_self.fibers == 1)
        end_children();
    put_end(L, slot, ORK_W_DONE);
    ork_wr_u8(&outbox, output != NULL);
    ork_wr_bytes(&outbox, output ? output : "", output ? n : 0);
    const struct ork_artifacts *kept = &ork_self.work[slot].artifacts;
    ork_wr_u32(&outbox, (uint32_t)kept->len);
    for (size_t i = 0; i < kept->len; i++) {
        ork_wr_str(&outbox, kept->items[i].name);
        ork_wr_str(&outbox, kept->items[i].hash);
        ork_wr_i64(&outbox, kept->items[i].bytes);
    }
    close_call(slot);
    return 0;
}

/* A text as C keeps it: no NUL in it, and not too long. */
static void put_text(lua_State *L, int idx)
{
    char text[ORK_WORKER_ERROR_MAX];
    size_t n = 0;
    const char *s = luaL_optlstring(L, idx, "", &n);

    n = n < sizeof text - 1 ? n : sizeof text - 1;
    for (size_t i = 0; i < n; i++)
        text[i] = s[i] ? s[i] : ' ';
    text[n] = '\0';
    ork_wr_str(&outbox, text);
}

static int fail(lua_State *L) /* fail(slot, message, kind, code | nil, final, after_ms, data (JSON) | nil) */
{
    int slot = check_slot(L, 1), kind = ork_kind_parse(luaL_checkstring(L, 3));
    lua_Integer after = luaL_optinteger(L, 6, 0);

    luaL_checkstring(L, 2);
    ork_output_mask(L, slot, 2); /* before put_text cuts: of a secret in two halves none is found any more */
    ork_output_mask(L, slot, 4);
    if (ork_self.fibers == 1)
        end_children();
    put_end(L, slot, ORK_W_FAILED);
    ork_wr_u8(&outbox, (uint8_t)(kind > 0 ? kind : ORK_KIND_ERROR));
    ork_wr_u8(&outbox, lua_toboolean(L, 5) != 0);
    ork_wr_i64(&outbox, after);
    ork_wr_u8(&outbox, !lua_isnoneornil(L, 4));
    put_text(L, 4);
    put_text(L, 2);
    size_t len = 0;
    const char *data = luaL_optlstring(L, 7, "", &len);
    ork_wr_bytes(&outbox, data, len);
    close_call(slot);
    return 0;
}

static int waits(lua_State *L) /* waits(slot): it sleeps; others may compute meanwhile */
{
    int slot = check_slot(L, 1);

    ork_wr_begin(&outbox, (enum ork_frame_type)ORK_W_WAITS);
    ork_wr_u32(&outbox, (uint32_t)slot);
    ork_wr_u32(&outbox, ork_self.work[slot].generation);
    ork_wr_end(&outbox);
    return 0;
}

static int progress(lua_State *L) /* progress(slot, done, total) */
{
    int slot = check_slot(L, 1);
    double so_far = luaL_checknumber(L, 2), total = luaL_checknumber(L, 3);

    ork_self.writing = true;
    ork_wr_begin(&outbox, (enum ork_frame_type)ORK_W_PROGRESS);
    ork_wr_u32(&outbox, (uint32_t)slot);
    ork_wr_u32(&outbox, ork_self.work[slot].generation);
    ork_wr_f64(&outbox, so_far);
    ork_wr_f64(&outbox, total);
    ork_wr_end(&outbox);
    ork_self.writing = false;
    if (ork_self.owed || now_ns() - flushed_ns > FLUSH_NS)
        flush_beside();
    return 0;
}

static int ask_secret(lua_State *L) /* ask_secret(slot, question, name) */
{
    int slot = check_slot(L, 1);
    const char *name = luaL_checkstring(L, 3);

    ork_self.writing = true;
    ork_wr_begin(&outbox, (enum ork_frame_type)ORK_W_ASK_SECRET);
    ork_wr_u32(&outbox, (uint32_t)slot);
    ork_wr_u32(&outbox, ork_self.work[slot].generation);
    ork_wr_u32(&outbox, (uint32_t)luaL_checkinteger(L, 2));
    ork_wr_str(&outbox, name);
    ork_wr_end(&outbox);
    ork_self.writing = false;
    flush_beside();
    return 0;
}

/* flush() -> true: what functions wrote is in their files, for programs they start; false: files.lua does that */
static int flush_files(lua_State *L)
{
    lua_pushboolean(L, ork_output_flush());
    return 1;
}

static int current(lua_State *L) /* current() -> slot that computes | nil */
{
    if (ork_self.current < 0)
        return 0;
    lua_pushinteger(L, ork_self.current);
    return 1;
}

static int go_to(lua_State *L) /* go_to(folder) -> true | nil, message */
{
    const char *folder = luaL_checkstring(L, 1);

    if (chdir(folder) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushfstring(L, "cannot work in the script's folder %s: %s", folder, strerror(errno));
    return 2;
}

/* loads(bool): a script is loaded from now on, or was. That is no time of the call that it was loaded for. */
static int loads(lua_State *L)
{
    static int64_t since_ns;
    bool on = lua_toboolean(L, 1);

    atomic_store(&ork_self.page->loads, on);
    if (on)
        since_ns = now_ns();
    else if (ork_self.current >= 0)
        ork_self.entered_ns += now_ns() - since_ns;
    return 0;
}

static int open_native(lua_State *L)
{
    static const luaL_Reg functions[] = {{"ask_secret", ask_secret},
                                         {"current", current},
                                         {"done", done},
                                         {"enter", enter},
                                         {"fail", fail},
                                         {"flush", flush_files},
                                         {"go_to", go_to},
                                         {"keep", ork_keep_begin},
                                         {"kept", ork_keep_end},
                                         {"leave", leave},
                                         {"library", ork_worker_library},
                                         {"limits", ork_limits_shown},
                                         {"loads", loads},
                                         {"log", ork_output_text},
                                         {"masked", ork_output_masked},
                                         {"progress", progress},
                                         {"reasons", ork_stop_reasons},
                                         {"spent", ork_limits_spent},
                                         {"stops", ork_stop_next},
                                         {"take", take},
                                         {"wait", wait_more},
                                         {"waits", waits},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

/* ---- the process ---- */

static void say_hello(void)
{
    ork_wr_begin(&outbox, (enum ork_frame_type)ORK_W_HELLO);
    ork_wr_str(&outbox, ork_version());
    ork_wr_end(&outbox);
    flush();
}

bool ork_worker_is(int argc, char **argv)
{
    int type;
    socklen_t n = sizeof type;

    return argc == 3 && strcmp(argv[1], "worker") == 0 && strspn(argv[2], "0123456789") == strlen(argv[2]) &&
           getsockopt(ORK_WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && fcntl(ORK_WORKER_PAGE, F_GETFD) >= 0;
}

int ork_worker_main(int argc, char **argv)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "ork-worker");
    ork_stop_begin();
    ork_self.page = mmap(NULL, sizeof *ork_self.page, PROT_READ | PROT_WRITE, MAP_SHARED, ORK_WORKER_PAGE, 0);
    if (ork_self.page == MAP_FAILED)
        return ork_err_exit_code(ORK_EENV);
    (void)close(ORK_WORKER_PAGE);
    (void)fcntl(ORK_WORKER_SOCKET, F_SETFD, FD_CLOEXEC);
    int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (oom >= 0) {
        ssize_t n = write(oom, "300", 3); /* the kernel takes a worker before its scheduler */
        (void)n;
        (void)close(oom);
    }
    ork_output_begin();
    say_hello();
    lua_State *L = ork_host_new();
    if (!L)
        return ork_err_exit_code(ORK_EENV);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, open_native);
    lua_setfield(L, -2, "ork.worker_native");
    lua_pop(L, 1);
    ork_limits_begin(L, (size_t)strtoul(argv[2], NULL, 10));
    int code = ork_host_main(L, "ork.worker", argc, argv);
    flush();
    return code;
}
