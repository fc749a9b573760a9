/* SPDX-License-Identifier: MIT */
/* core.loop.process: a child process with its output caught, for ctx.exec.
 *
 *   spawn ──► exit seen, both outputs at their end ──► callback(result)
 *
 * The child leads a session of its own, and what is left of its process group is killed when it ends, is killed or is
 * closed: nothing outlives the call that wanted it. Of each output at most `max_output` bytes are kept, the rest is
 * read and dropped, so the child never stands still on a full pipe. The handles are in memory of their own, which goes
 * with the last of them. */
#include "loop.h"
#include <lauxlib.h>
#include <ork/ork.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PROCESS "ork.process"
#define CHUNK 65536

struct output {
    uv_pipe_t pipe;
    char *data; /* owned */
    size_t len, cap;
    bool truncated;
};

struct process {
    uv_process_t process;
    uv_pipe_t in;
    uv_write_t write;
    struct output out, err;
    char *input; /* owned; NULL none */
    char chunk[CHUNK];
    size_t max;
    unsigned handles; /* open ones */
    unsigned awaited; /* ends that are missing before it is over: exit, out, err */
    int callback;     /* registry reference; LUA_NOREF once called or closed */
    int pid;
    int64_t code;
    int signal;
};

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
    struct process *p = h->data;

    if (--p->handles > 0)
        return;
    free(p->out.data);
    free(p->err.data);
    free(p->input);
    free(p);
}

static void close_handle(uv_handle_t *h)
{
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void kill_group(const struct process *p, int signal)
{
    if (p->pid > 0)
        (void)kill(-p->pid, signal);
}

static void set_output(lua_State *L, const char *name, const struct output *o)
{
    lua_pushlstring(L, o->data ? o->data : "", o->len);
    lua_setfield(L, -2, name);
}

static int call_back(lua_State *L) /* (callback, lightuserdata process): all that may raise, under one pcall */
{
    const struct process *p = lua_touserdata(L, 2);

    lua_settop(L, 1);
    lua_createtable(L, 0, 5);
    set_output(L, "out", &p->out);
    set_output(L, "err", &p->err);
    if (p->signal == 0) {
        lua_pushinteger(L, p->code);
        lua_setfield(L, -2, "code");
    } else {
        lua_pushinteger(L, p->signal);
        lua_setfield(L, -2, "signal");
    }
    if (p->out.truncated || p->err.truncated) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "truncated");
    }
    lua_call(L, 1, 0);
    return 0;
}

static void ended(struct process *p)
{
    uv_loop_t *loop = p->process.loop;
    lua_State *L = ork_lua_loop_state(loop);
    int callback = p->callback;

    if (--p->awaited > 0 || callback == LUA_NOREF || !lua_checkstack(L, 8))
        return;
    p->callback = LUA_NOREF;
    lua_pushcfunction(L, call_back);
    lua_rawgeti(L, LUA_REGISTRYINDEX, callback);
    luaL_unref(L, LUA_REGISTRYINDEX, callback);
    lua_pushlightuserdata(L, p);
    ork_lua_loop_call(loop, L, 2);
}

static void on_exit_seen(uv_process_t *h, int64_t code, int signal)
{
    struct process *p = h->data;

    p->code = code;
    p->signal = signal;
    kill_group(p, SIGKILL); /* what it left behind would keep the pipes open */
    p->pid = 0;
    ended(p);
}

/* ---- its outputs ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct process *p = h->data;

    (void)suggested;
    *buf = uv_buf_init(p->chunk, sizeof p->chunk);
}

static void keep(struct output *o, const char *data, size_t n, size_t max)
{
    size_t room = max - o->len;

    if (n > room) {
        o->truncated = true;
        n = room;
    }
    if (o->len + n > o->cap) {
        size_t cap = o->cap ? o->cap : 4096;
        while (cap < o->len + n)
            cap *= 2;
        char *more = realloc(o->data, cap);
        if (!more) {
            o->truncated = true;
            return;
        }
        o->data = more;
        o->cap = cap;
    }
    if (n > 0)
        memcpy(o->data + o->len, data, n);
    o->len += n;
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct process *p = s->data;

    if (n > 0)
        keep((uv_pipe_t *)s == &p->out.pipe ? &p->out : &p->err, buf->base, (size_t)n, p->max);
    if (n >= 0)
        return;
    (void)uv_read_stop(s);
    ended(p);
}

static void on_written(uv_write_t *w, int status)
{
    struct process *p = w->data;

    (void)status; /* a child that does not read its input says so by its exit */
    close_handle((uv_handle_t *)&p->in);
}

/* ---- starting ---- */

extern char **environ;

/* The texts of the table at idx, after `before` entries that are left free; NULL at the end. As a userdata on the
 * stack; the table keeps the texts. [-0, +1, e] */
static char **text_list(lua_State *L, int idx, size_t before, size_t *count)
{
    size_t n = (size_t)lua_rawlen(L, idx);
    char **list = lua_newuserdatauv(L, (before + n + 1) * sizeof *list, 0);

    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, idx, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "a list of texts is wanted");
        list[before + i] = (char *)(uintptr_t)lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    list[before + n] = NULL;
    *count = n;
    return list;
}

static bool names_same(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

/* This program's environment, changed by the list at idx: "K=V" sets, "K" unsets. [-0, +1, e] */
static char **environment(lua_State *L, int idx)
{
    size_t have = 0, changes, n = 0;

    while (environ[have])
        have++;
    char **list = text_list(L, idx, have, &changes);
    for (size_t i = 0; i < have; i++) {
        size_t k = 0;
        while (k < changes && !names_same(environ[i], list[have + k]))
            k++;
        if (k == changes)
            list[n++] = environ[i];
    }
    for (size_t k = 0; k < changes; k++) {
        if (strchr(list[have + k], '='))
            list[n++] = list[have + k];
    }
    list[n] = NULL;
    return list;
}

static struct process *new_process(lua_State *L, uv_loop_t *loop)
{
    struct process *p = calloc(1, sizeof *p);

    if (!p)
        luaL_error(L, "not enough memory");
    p->callback = LUA_NOREF;
    uv_pipe_init(loop, &p->in, 0);
    uv_pipe_init(loop, &p->out.pipe, 0);
    uv_pipe_init(loop, &p->err.pipe, 0);
    p->handles = 3;
    p->in.data = p->out.pipe.data = p->err.pipe.data = p->process.data = p->write.data = p;
    return p;
}

static void close_process(lua_State *L, struct process *p)
{
    luaL_unref(L, LUA_REGISTRYINDEX, p->callback);
    p->callback = LUA_NOREF;
    kill_group(p, SIGKILL);
    p->pid = 0;
    close_handle((uv_handle_t *)&p->in);
    close_handle((uv_handle_t *)&p->out.pipe);
    close_handle((uv_handle_t *)&p->err.pipe);
    if (p->process.type == UV_PROCESS)
        close_handle((uv_handle_t *)&p->process);
}

static void begin(struct process *p, const char *input, size_t len)
{
    p->awaited = 3;
    (void)uv_read_start((uv_stream_t *)&p->out.pipe, on_alloc, on_read);
    (void)uv_read_start((uv_stream_t *)&p->err.pipe, on_alloc, on_read);
    p->input = len > 0 ? malloc(len) : NULL;
    if (!p->input) {
        close_handle((uv_handle_t *)&p->in);
        return;
    }
    memcpy(p->input, input, len);
    uv_buf_t buf = uv_buf_init(p->input, (unsigned)len);
    if (uv_write(&p->write, (uv_stream_t *)&p->in, &buf, 1, on_written) < 0)
        close_handle((uv_handle_t *)&p->in);
}

static int fail_to_start(lua_State *L, const char *program, int status)
{
    ork_err err = {.code = status == UV_ENOENT ? ORK_ENOTFOUND : status == UV_EACCES ? ORK_EACCESS : ORK_EIO};

    lua_pushnil(L);
    lua_pushfstring(L, "cannot run `%s`: %s", program, uv_strerror(status));
    lua_pushstring(L, ork_err_symbol(err.code));
    return 3;
}

/* process({ argv, cwd, env (list: "K=V" sets, "K" unsets), stdin, max_output }, f) -> process | nil, message, code;
 * f({ code | signal, out, err, truncated }) at its end */
int ork_lua_process(lua_State *L)
{
    struct process **box;
    size_t argc;
    size_t input_len = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    uv_loop_t *loop = ork_lua_loop(L);
    lua_getfield(L, 1, "argv");
    char **argv = text_list(L, 3, 0, &argc);
    lua_getfield(L, 1, "env");
    char **env = lua_istable(L, -1) ? environment(L, lua_gettop(L)) : NULL;
    lua_getfield(L, 1, "cwd");
    const char *cwd = lua_tostring(L, -1);
    lua_getfield(L, 1, "stdin");
    const char *input = lua_tolstring(L, -1, &input_len);
    lua_getfield(L, 1, "max_output");
    lua_Number max = luaL_checknumber(L, -1);
    luaL_argcheck(L, argc > 0, 1, "argv is empty");
    luaL_argcheck(L, max >= 0 && max <= 1 << 30, 1, "max_output is 0 to 1 GiB");
    box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, PROCESS);

    struct process *p = *box = new_process(L, loop);
    p->max = (size_t)max;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&p->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->out.pipe},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->err.pipe}};
    uv_process_options_t o = {.exit_cb = on_exit_seen,
                              .file = argv[0],
                              .args = argv,
                              .env = env,
                              .cwd = cwd,
                              .flags = UV_PROCESS_DETACHED,
                              .stdio_count = 3,
                              .stdio = stdio};
    int status = uv_spawn(loop, &p->process, &o);
    if (p->process.type == UV_PROCESS) /* initialised also when it failed */
        p->handles++;
    if (status < 0) {
        *box = NULL;
        close_process(L, p);
        return fail_to_start(L, argv[0], status);
    }
    p->pid = p->process.pid;
    lua_pushvalue(L, 2);
    p->callback = luaL_ref(L, LUA_REGISTRYINDEX);
    begin(p, input, input_len);
    return 1;
}

static int process_kill(lua_State *L) /* process:kill(): it and its group, at once */
{
    struct process **box = luaL_checkudata(L, 1, PROCESS);

    if (*box)
        kill_group(*box, SIGKILL);
    return 0;
}

static int process_close(lua_State *L) /* process:close(): kills what still runs; closing twice is harmless */
{
    struct process **box = luaL_checkudata(L, 1, PROCESS);
    struct process *p = *box;

    *box = NULL;
    if (p)
        close_process(L, p);
    return 0;
}

void ork_lua_process_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", process_close}, {"kill", process_kill}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", process_close}, {"__close", process_close}, {NULL, NULL}};

    luaL_newmetatable(L, PROCESS);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
