/* SPDX-License-Identifier: MIT */
/* What functions write. The file of a call's log is made with its first byte, so that those who write nothing cost
 * nothing.
 *
 * Standard output and error are a scratch file (unlinked, shared with the scheduler). The first line by `print` or
 * ctx.log opens the log and puts it there in its place, so that whatever writes from then on, C and programs too, is in
 * the log at once. What went into the scratch file before is moved when the call stops computing; after a crash the
 * scheduler moves it. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/path.h"
#include "engine/secret.h"
#include "script/worker_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <unistd.h>

void ork_output_begin(void)
{
    ork_self.scratch = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 5);
    ork_self.current = ork_self.shown = -1;
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (int i = 0; i < ORK_WORKER_SLOTS; i++)
        ork_self.work[i].log_fd = -1;
}

static void show(int slot)
{
    int fd = slot < 0 ? ork_self.scratch : ork_self.work[slot].log_fd;

    if (slot == ork_self.shown)
        return;
    (void)fflush(stdout);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    ork_self.shown = slot;
}

/* Begun anew: what an attempt of that number left that nobody counted, since its program died, goes. */
static int open_log(struct ork_work *w)
{
    if (w->log_fd >= 0)
        return 0;
    w->log_fd =
        open(w->log_path, O_WRONLY | O_CREAT | O_APPEND | (w->adds ? 0 : O_TRUNC) | O_CLOEXEC | O_NOFOLLOW, 0600);
    return w->log_fd < 0 ? errno : 0;
}

static void move_scratch(int slot)
{
    struct stat st;
    off_t at = 0;

    if (fstat(ork_self.scratch, &st) != 0 || st.st_size == 0)
        return;
    struct ork_work *w = &ork_self.work[slot];
    if (open_log(w) == 0) {
        char part[8192];
        for (ssize_t n; (n = pread(ork_self.scratch, part, sizeof part, at)) > 0; at += n) {
            if (write(w->log_fd, part, (size_t)n) != n)
                break;
        }
    }
    (void)ftruncate(ork_self.scratch, 0);
}

int ork_output_log(int slot, const char *text, size_t n)
{
    struct ork_work *w = &ork_self.work[slot];
    bool fresh = w->log_fd < 0;
    int error = open_log(w);

    if (error)
        return error;
    (void)fflush(stdout);
    if (fresh)
        move_scratch(slot);
    if (ork_self.current == slot)
        show(slot);
    while (n > 0) {
        ssize_t put = write(w->log_fd, text, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return errno;
        text += put;
        n -= (size_t)put;
    }
    return 0;
}

void ork_output_enter(int slot)
{
    if (ork_self.work[slot].log_fd >= 0)
        show(slot);
}

void ork_output_leave(int slot)
{
    (void)fflush(stdout);
    if (ork_self.shown < 0)
        move_scratch(slot);
    else
        show(-1);
}

int64_t ork_output_close(int slot)
{
    struct ork_work *w = &ork_self.work[slot];
    struct stat st;

    if (w->log_fd >= 0)
        ork_mask_file(&w->mask, w->log_path); /* what went past `print`: C, and programs that it started */
    ork_mask_fini(&w->mask);
    if (w->log_fd < 0)
        return 0;
    int64_t bytes = fstat(w->log_fd, &st) == 0 ? (int64_t)st.st_size : 0;
    (void)close(w->log_fd);
    w->log_fd = -1;
    return bytes;
}

/* A thread of a library that waits for input holds the lock of its file, and fflush(NULL) waits for all of them. */
bool ork_output_flush(void)
{
    if (__libc_single_threaded) {
        (void)fflush(NULL);
        return true;
    }
    (void)fflush(stdout);
    (void)fflush(stderr);
    return false;
}

/* ---- from Lua ---- */

void ork_output_mask(lua_State *L, int slot, int idx)
{
    size_t n;
    const char *text = lua_tolstring(L, idx, &n);
    ORK_CLEANUP(ork_buf_fini) struct ork_buf masked = ORK_BUF_INIT;

    if (!text || !ork_mask_finds(&ork_self.work[slot].mask, text, n))
        return;
    ork_mask_text(&ork_self.work[slot].mask, text, n, &masked);
    lua_pushlstring(L, masked.data, masked.len);
    lua_replace(L, idx);
}

int ork_output_masked(lua_State *L) /* masked(slot, text) -> the text, with *** for the secrets of the call */
{
    lua_Integer slot = luaL_checkinteger(L, 1);

    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    if (slot >= 0 && slot < ORK_WORKER_SLOTS)
        ork_output_mask(L, (int)slot, 2);
    return 1;
}

int ork_output_text(lua_State *L) /* log(slot, text) -> true | nil, message */
{
    size_t n;
    lua_Integer slot = luaL_checkinteger(L, 1);
    const char *text = luaL_checklstring(L, 2, &n);
    bool open = slot >= 0 && slot < ORK_WORKER_SLOTS && ork_self.work[slot].open;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf masked = ORK_BUF_INIT;
    if (open && ork_mask_finds(&ork_self.work[slot].mask, text, n)) {
        ork_mask_text(&ork_self.work[slot].mask, text, n, &masked);
        text = masked.data;
        n = masked.len;
    }
    int error = open ? ork_output_log((int)slot, text, n) : 0;

    if (open && !error) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    if (open)
        lua_pushfstring(L, "cannot write %s: %s", ork_self.work[slot].log_path, strerror(error));
    else
        lua_pushliteral(L, "the attempt has ended");
    return 2;
}
