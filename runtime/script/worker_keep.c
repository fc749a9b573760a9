/* SPDX-License-Identifier: MIT */
/* ctx.artifact: the copy is made by a thread, while other functions compute. It signals a descriptor that the loop
 * watches; what it found is taken over on the thread of the worker. Whoever has done with it last frees it: a function
 * that is told to end leaves its copy, which stops at the next piece. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "script/worker_priv.h"
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define KEEPING "ork.keeping"
#define STACK_BYTES (256u << 10) /* the pieces are on the heap */

struct keeping {
    atomic_int users; /* the thread, and Lua */
    atomic_bool stop;
    int fd; /* readable when it is done */
    char *run_dir, *path, *name;
    struct ork_artifacts list; /* with this one */
    int rc;
    ork_err err;
};

static void let_go(struct keeping *k)
{
    if (atomic_fetch_sub(&k->users, 1) > 1)
        return;
    if (k->fd >= 0)
        (void)close(k->fd);
    ork_artifacts_fini(&k->list);
    ork_free(k->run_dir);
    ork_free(k->path);
    ork_free(k->name);
    ork_free(k);
}

static void keep(struct keeping *k)
{
    k->rc = ork_artifact_keep(k->run_dir, k->path, k->name, false, &k->stop, &k->list, &k->err);
}

static void *thread_main(void *data)
{
    struct keeping *k = data;

    keep(k);
    (void)eventfd_write(k->fd, 1);
    let_go(k);
    return NULL;
}

/* Signals are the worker's own: their handlers look at the Lua state. */
static bool start_thread(struct keeping *k)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, old;

    if (k->fd < 0 || pthread_attr_init(&attr) != 0)
        return false;
    (void)sigfillset(&all);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    atomic_fetch_add(&k->users, 1);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool good = pthread_create(&thread, &attr, thread_main, k) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!good)
        atomic_fetch_sub(&k->users, 1);
    (void)pthread_attr_destroy(&attr);
    return good;
}

static int keeping_gc(lua_State *L)
{
    struct keeping **k = luaL_checkudata(L, 1, KEEPING);

    if (*k) {
        atomic_store(&(*k)->stop, true);
        let_go(*k);
        *k = NULL;
    }
    return 0;
}

/* keep(slot, path, name, at once) -> what is being kept, a descriptor that is readable when it is; none: it was done */
int ork_keep_begin(lua_State *L)
{
    lua_Integer slot = luaL_checkinteger(L, 1);
    const char *path = luaL_checkstring(L, 2), *name = luaL_checkstring(L, 3);

    luaL_argcheck(L, slot >= 0 && slot < ORK_WORKER_SLOTS && ork_self.work[slot].open, 1, "no call is in that slot");
    struct keeping **at = lua_newuserdatauv(L, sizeof(*at), 0);
    *at = NULL;
    if (luaL_newmetatable(L, KEEPING)) {
        lua_pushcfunction(L, keeping_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, keeping_gc);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    struct ork_work *w = &ork_self.work[slot];
    struct keeping *k = *at = ork_zalloc(sizeof(*k));
    k->users = 1;
    k->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    k->run_dir = ork_path_dirname(w->log_path);
    k->path = ork_strdup(path);
    k->name = ork_strdup(name);
    k->list.bytes = w->artifacts.bytes;
    k->rc = ork_artifacts_room(&w->artifacts, name, &k->err);
    if (k->rc || lua_toboolean(L, 4) || !start_thread(k)) {
        if (!k->rc)
            keep(k);
        return 1;
    }
    lua_pushinteger(L, k->fd);
    return 2;
}

int ork_keep_end(lua_State *L) /* kept(slot, what was kept) -> SHA-256, bytes | nil, message */
{
    lua_Integer slot = luaL_checkinteger(L, 1);
    struct keeping *k = *(struct keeping **)luaL_checkudata(L, 2, KEEPING);

    luaL_argcheck(L, slot >= 0 && slot < ORK_WORKER_SLOTS && ork_self.work[slot].open, 1, "no call is in that slot");
    if (k->rc) {
        lua_pushnil(L);
        lua_pushstring(L, k->err.msg);
        return 2;
    }
    const struct ork_artifact *one = k->list.items;
    ork_artifacts_add(&ork_self.work[slot].artifacts, one->name, one->hash, one->bytes);
    lua_pushstring(L, one->hash);
    lua_pushinteger(L, one->bytes);
    return 2;
}
