/* SPDX-License-Identifier: MIT */
/* core.loop: signals, timers, readable descriptors and watched files for Lua, on the loop that the engines of this
 * state share.
 *
 * A watcher is a userdata that points to a struct of its own memory: libuv keeps using a handle until its close
 * callback, which may come after the userdata is gone. The callback is held in the registry while the handle is open.
 */
#include "loop.h"
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOP_KEY "ork.loop"
#define WATCHER "ork.watcher"

struct lua_loop {
    uv_loop_t uv;
    lua_State *L; /* where callbacks run; the state that drives the loop */
    int error;    /* registry reference to what a callback raised first; LUA_NOREF none */
    int inside;   /* callbacks under way */
};

struct watcher {
    union {
        uv_handle_t any;
        uv_signal_t signal;
        uv_timer_t timer;
        uv_fs_event_t file;
        uv_poll_t poll;
    } handle;
    int callback; /* registry reference; LUA_NOREF once closed */
    int owned_fd; /* closed with the handle; -1 none */
};

/* ---- the loop ---- */

static void close_walked(uv_handle_t *handle, void *data)
{
    (void)data;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static int loop_gc(lua_State *L)
{
    struct lua_loop *loop = lua_touserdata(L, 1);

    uv_walk(&loop->uv, close_walked, NULL);          /* watchers were finalized before: they are younger */
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) { /* a callback that was the last asked it to stop, once */
    }
    uv_loop_close(&loop->uv);
    return 0;
}

uv_loop_t *ork_lua_loop(lua_State *L)
{
    struct lua_loop *loop;
    int status;

    if (lua_getfield(L, LUA_REGISTRYINDEX, LOOP_KEY) == LUA_TUSERDATA) {
        loop = lua_touserdata(L, -1);
        loop->L = L;
        lua_pop(L, 1);
        return &loop->uv;
    }
    lua_pop(L, 1);
    loop = lua_newuserdatauv(L, sizeof *loop, 0);
    status = uv_loop_init(&loop->uv);
    if (status < 0)
        luaL_error(L, "cannot make an event loop: %s", uv_strerror(status));
    loop->L = L;
    loop->error = LUA_NOREF;
    loop->inside = 0;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, loop_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, LOOP_KEY);
    return &loop->uv;
}

lua_State *ork_lua_loop_state(uv_loop_t *loop)
{
    return ((struct lua_loop *)(void *)loop)->L;
}

void ork_lua_loop_call(uv_loop_t *uv, lua_State *L, int n)
{
    struct lua_loop *loop = (struct lua_loop *)(void *)uv;

    lua_State *before = loop->L;
    int status;

    loop->inside++;
    status = lua_pcall(L, n, 0, 0);
    loop->inside--;
    uv_stop(uv); /* libuv runs timers before it sleeps: what they made ready would wait for the next event of all */
    loop->L = before; /* what was called may have driven the loop from a coroutine that sleeps now */
    if (status != LUA_OK)
        ork_lua_loop_keep(uv, L);
}

void ork_lua_loop_raise(lua_State *L, uv_loop_t *uv)
{
    struct lua_loop *loop = (struct lua_loop *)(void *)uv;
    int error = loop->error;

    if (error == LUA_NOREF)
        return;
    loop->error = LUA_NOREF;
    lua_rawgeti(L, LUA_REGISTRYINDEX, error);
    luaL_unref(L, LUA_REGISTRYINDEX, error);
    lua_error(L);
}

void ork_lua_loop_use(uv_loop_t *loop, lua_State *L)
{
    ((struct lua_loop *)(void *)loop)->L = L;
}

void ork_lua_loop_keep(uv_loop_t *uv, lua_State *L)
{
    struct lua_loop *loop = (struct lua_loop *)(void *)uv;

    if (loop->error == LUA_NOREF)
        loop->error = luaL_ref(L, LUA_REGISTRYINDEX);
    else
        lua_pop(L, 1);
}

bool ork_lua_loop_inside(const uv_loop_t *loop)
{
    return ((const struct lua_loop *)(const void *)loop)->inside > 0;
}

static int loop_inside(lua_State *L) /* inside() -> in a callback of this loop? */
{
    lua_pushboolean(L, ork_lua_loop_inside(ork_lua_loop(L)));
    return 1;
}

static int loop_step(lua_State *L) /* step(wait) -> is anything left to happen? */
{
    uv_loop_t *loop = ork_lua_loop(L);
    int left = uv_run(loop, lua_toboolean(L, 1) ? UV_RUN_ONCE : UV_RUN_NOWAIT);

    ork_lua_loop_raise(L, loop);
    lua_pushboolean(L, left);
    return 1;
}

/* ---- watchers ---- */

static void fire(struct watcher *w, const char *argument)
{
    uv_loop_t *loop = w->handle.any.loop;
    lua_State *L = ork_lua_loop_state(loop);

    if (w->callback == LUA_NOREF || !lua_checkstack(L, 8))
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->callback);
    lua_pushstring(L, argument); /* nil for NULL */
    ork_lua_loop_call(loop, L, 1);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    fire(handle->data, NULL);
}

static void on_timer(uv_timer_t *handle)
{
    fire(handle->data, NULL);
}

static void on_file(uv_fs_event_t *handle, const char *name, int events, int status)
{
    (void)events, (void)status;
    fire(handle->data, name);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    fire(handle->data, NULL);
}

static void free_watcher(uv_handle_t *handle)
{
    struct watcher *w = handle->data;

    if (w->owned_fd >= 0)
        close(w->owned_fd);
    free(w);
}

static int watcher_close(lua_State *L) /* watcher:close(); closing twice is harmless */
{
    struct watcher **box = luaL_checkudata(L, 1, WATCHER);
    struct watcher *w = *box;

    if (!w)
        return 0;
    *box = NULL;
    luaL_unref(L, LUA_REGISTRYINDEX, w->callback);
    w->callback = LUA_NOREF;
    uv_close(&w->handle.any, free_watcher);
    return 0;
}

static int set_closed(lua_State *L) /* never-started handles have nothing to close */
{
    struct watcher **box = lua_touserdata(L, -1);
    free(*box);
    *box = NULL;
    return 0;
}

/* Pushes the userdata of a new watcher whose callback is argument 2. The loop stays its upvalue, so it outlives it. */
static struct watcher *new_watcher(lua_State *L)
{
    struct watcher **box;
    struct watcher *w;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    box = lua_newuserdatauv(L, sizeof(struct watcher *), 1);
    *box = NULL;
    luaL_setmetatable(L, WATCHER);
    lua_getfield(L, LUA_REGISTRYINDEX, LOOP_KEY);
    lua_setiuservalue(L, -2, 1);
    w = calloc(1, sizeof *w);
    if (!w)
        luaL_error(L, "not enough memory");
    w->handle.any.data = w;
    w->callback = LUA_NOREF;
    w->owned_fd = -1;
    *box = w;
    return w;
}

static void hold_callback(lua_State *L, struct watcher *w)
{
    lua_pushvalue(L, 2);
    w->callback = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int loop_signal(lua_State *L) /* signal(name, f) -> watcher; does not keep the loop alive */
{
    static const char *const names[] = {"hup", "int", "term", "tstp", "winch", "cont", NULL};
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH, SIGCONT};
    int number = numbers[luaL_checkoption(L, 1, NULL, names)];
    uv_loop_t *loop = ork_lua_loop(L);
    struct watcher *w = new_watcher(L);
    int status = uv_signal_init(loop, &w->handle.signal);

    if (status < 0) {
        set_closed(L);
        return luaL_error(L, "signal: %s", uv_strerror(status));
    }
    uv_unref(&w->handle.any);
    hold_callback(L, w);
    status = uv_signal_start(&w->handle.signal, on_signal, number);
    if (status < 0)
        return luaL_error(L, "signal: %s", uv_strerror(status));
    return 1;
}

static int loop_timer(lua_State *L) /* timer(ms, f) -> watcher; once */
{
    lua_Integer ms = luaL_checkinteger(L, 1);
    uv_loop_t *loop = ork_lua_loop(L);
    struct watcher *w = new_watcher(L);

    luaL_argcheck(L, ms >= 0, 1, "a time in milliseconds");
    uv_timer_init(loop, &w->handle.timer); /* never fails */
    hold_callback(L, w);
    uv_update_time(loop); /* between two drives of the loop its clock stands still */
    uv_timer_start(&w->handle.timer, on_timer, (uint64_t)ms, 0);
    return 1;
}

static int loop_watch(lua_State *L) /* watch(path, f) -> watcher | nil, message; f(name) at each change */
{
    const char *path = luaL_checkstring(L, 1);
    uv_loop_t *loop = ork_lua_loop(L);
    struct watcher *w = new_watcher(L);
    int status = uv_fs_event_init(loop, &w->handle.file);

    if (status < 0) {
        set_closed(L);
    } else {
        hold_callback(L, w);
        status = uv_fs_event_start(&w->handle.file, on_file, path, 0);
    }
    if (status < 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "cannot watch %s: %s", path, uv_strerror(status));
        return 2;
    }
    return 1;
}

/* An epoll descriptor that holds fd, or -1. libuv makes what it polls non-blocking, and standard input is shared with
 * standard output and with the shell that started us. */
static int wrap_fd(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(EPOLL_CLOEXEC);

    if (set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(set);
        return -1;
    }
    return set;
}

static int
loop_readable(lua_State *L) /* readable(fd, f) -> watcher | nil: a file, always readable; f() at each event */
{
    int fd = (int)luaL_checkinteger(L, 1);
    uv_loop_t *loop = ork_lua_loop(L);
    struct watcher *w = new_watcher(L);

    w->owned_fd = wrap_fd(fd);
    if (w->owned_fd < 0 || uv_poll_init(loop, &w->handle.poll, w->owned_fd) < 0) {
        if (w->owned_fd >= 0)
            close(w->owned_fd);
        set_closed(L);
        return 0;
    }
    hold_callback(L, w);
    uv_poll_start(&w->handle.poll, UV_READABLE, on_poll); /* fails only on a closing handle */
    return 1;
}

int ork_lua_loop_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"inside", loop_inside},
                                         {"interruptible", ork_lua_interruptible},

                                         {"on_interrupt", ork_lua_on_interrupt},
                                         {"process", ork_lua_process},
                                         {"readable", loop_readable},
                                         {"signal", loop_signal},
                                         {"step", loop_step},
                                         {"timer", loop_timer},
                                         {"watch", loop_watch},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", watcher_close}, {"__close", watcher_close}, {NULL, NULL}};

    ork_lua_process_open(L);
    luaL_newmetatable(L, WATCHER);
    luaL_setfuncs(L, meta, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, watcher_close);
    lua_setfield(L, -2, "close");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
