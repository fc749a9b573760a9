/* SPDX-License-Identifier: MIT */
/* Asking python3 what the functions of a file are: it reads the file, it does not import it. One process for all files
 * that a script names, another only for those found later; the answers are kept as long as the files do not change. */
#include "python.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 200
#define MOST_BYTES (16u << 20)
#define PATIENCE_MS 10000

extern char **environ;

struct ork_lua_python {
    char *folder; /* owned; NULL: that of the process */
    bool off;
    json_t *named; /* owned list: files that the script names, not asked for yet; NULL none */
    json_t *found; /* owned: path → {stamp, told} */
    char *inspector;
    bool failed; /* there is no python3, or no inspector: not asked again */
};

static struct ork_lua_python *of(struct ork_lua_ctx *ctx)
{
    if (!ctx->python)
        ctx->python = calloc(1, sizeof *ctx->python);
    if (!ctx->python)
        abort();
    return ctx->python;
}

/* ---- the process ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool read_all(int fd, struct ork_lua_buf *out)
{
    int64_t until = now_ms() + PATIENCE_MS;
    char part[16384];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - now_ms();
        if (left <= 0 || out->len > MOST_BYTES)
            return false;
        int n = poll(&p, 1, (int)left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        ork_lua_buf_add(out, part, (size_t)got);
    }
}

static pid_t spawn(char *const *argv, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ) != 0)
        pid = -1;
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* What it prints about the files of argv, or NULL. */
static json_t *ask(char *const *argv)
{
    struct ork_lua_buf out = {0};
    json_t *told = NULL;
    ork_err err;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    pid_t pid = spawn(argv, ends[1]);
    (void)close(ends[1]);
    if (pid > 0) {
        if (!read_all(ends[0], &out))
            (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        if (out.len > 0 && ork_json_parse(out.data, out.len, &told, &err) < 0)
            told = NULL;
    }
    (void)close(ends[0]);
    ork_lua_buf_fini(&out);
    return told;
}

/* ---- the files ---- */

static char *full_path(const struct ork_lua_python *p, const char *file)
{
    char *path = NULL;

    if (!p->folder || file[0] == '/')
        return strdup(file);
    return asprintf(&path, "%s/%s", p->folder, file) < 0 ? NULL : path;
}

static bool stamp_of(const char *path, char out[80])
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    snprintf(out, 80, "%lld.%09ld %lld %llu", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_size,
             (unsigned long long)st.st_ino);
    return true;
}

static bool is_fresh(const struct ork_lua_python *p, const char *path, const char *stamp)
{
    const char *had = json_string_value(json_object_get(json_object_get(p->found, path), "stamp"));

    return had && strcmp(had, stamp) == 0;
}

/* Asks about `path` and all that the script names. */
static void look(struct ork_lua_python *p, const char *path)
{
    char *argv[MOST_FILES + 8] = {"python3", "-I", "-S", p->inspector, (char *)(uintptr_t)path}, stamp[80];
    char stamps[MOST_FILES + 1][80];
    size_t n = 5, i;
    json_t *file;

    if (!stamp_of(path, stamps[0]))
        *stamps[0] = '\0';
    json_array_foreach(p->named, i, file)
    {
        char *each = n < MOST_FILES + 5 ? full_path(p, json_string_value(file)) : NULL;
        if (each && strcmp(each, path) != 0 && stamp_of(each, stamp) && !is_fresh(p, each, stamp)) {
            memcpy(stamps[n - 4], stamp, sizeof stamp);
            argv[n++] = each;
        } else {
            free(each);
        }
    }
    json_decref(p->named);
    p->named = NULL;
    json_t *told = ask(argv);
    p->failed = !told;
    for (i = 4; i < n; i++) {
        json_t *of_file = json_object_get(told, argv[i]);
        if (of_file)
            json_object_set_new(p->found, argv[i], json_pack("{s:s, s:O}", "stamp", stamps[i - 4], "told", of_file));
        if (i > 4)
            free(argv[i]);
    }
    json_decref(told);
}

const json_t *ork_lua_python_look(struct ork_lua_ctx *ctx, const char *file)
{
    struct ork_lua_python *p = of(ctx);
    const json_t *told = NULL;
    char stamp[80];
    ork_err err;

    if (p->off || p->failed)
        return NULL;
    if (!p->found)
        p->found = json_object();
    char *path = full_path(p, file);
    if (!path || !stamp_of(path, stamp)) {
        free(path);
        json_object_set_new(p->found, "", json_pack("{s:s, s:i}", "error", "there is no such file", "line", 0));
        return json_object_get(p->found, "");
    }
    if (!p->inspector && ork_python_find("inspect_task.py", &p->inspector, &err) < 0)
        p->failed = true;
    if (!p->failed && !is_fresh(p, path, stamp))
        look(p, path);
    if (!p->failed)
        told = json_object_get(json_object_get(p->found, path), "told");
    free(path);
    return told;
}

int ork_lua_python_home(lua_State *L) /* (folder | false, files | nil) -> folder | false | nil, as it was */
{
    struct ork_lua_python *p = of(ork_lua_ctx_get(L));

    lua_settop(L, 2);
    if (p->off)
        lua_pushboolean(L, 0);
    else
        lua_pushstring(L, p->folder);
    free(p->folder);
    p->folder = lua_type(L, 1) == LUA_TSTRING ? strdup(lua_tostring(L, 1)) : NULL;
    p->off = lua_type(L, 1) == LUA_TBOOLEAN;
    p->failed = false;
    json_decref(p->named);
    p->named = NULL;
    if (lua_type(L, 2) == LUA_TTABLE) {
        p->named = json_array();
        for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TSTRING; i++) {
            json_array_append_new(p->named, json_string(lua_tostring(L, -1)));
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return 1;
}

void ork_lua_python_fini(struct ork_lua_ctx *ctx)
{
    struct ork_lua_python *p = ctx->python;

    if (!p)
        return;
    free(p->folder);
    json_decref(p->named);
    json_decref(p->found);
    ork_free(p->inspector);
    free(p);
    ctx->python = NULL;
}
