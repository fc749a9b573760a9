/* SPDX-License-Identifier: MIT */
/* The idea is told in secret.h. */
#include "engine/secret.h"
#include "base/path.h"
#include "engine/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS 32 /* of the command */
#define PIECE (1u << 20)

struct waiter {
    ork_secret_cb cb;
    void *data;
    struct waiter *next;
};
struct ork_secrets { /* a command under way */
    ork_engine *engine;
    char *name;  /* owned */
    char *words; /* owned: of the command, which argv points into */
    char *argv[WORDS + 2];
    struct waiter *waiters; /* owned; first asked, first told */
    uv_process_t process;
    uv_pipe_t out;
    uv_timer_t limit;
    char value[ORK_SECRET_MAX + 2];
    size_t len;
    int64_t code;
    int signal;
    bool late, too_long;
    unsigned awaited, handles;
    struct ork_secrets *next;
};

bool ork_secret_name_ok(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= 200 && !name[n];
}

/* ---- environment and files -------------------------------------------------------------------- */

static int check(const char *name, const char *p, size_t n, const char *where, ork_err *err)
{
    if (n > ORK_SECRET_MAX)
        return ork_err_set(err, ORK_ETOOBIG, "the secret `%s` has more than %u bytes (%s)", name, ORK_SECRET_MAX,
                           where);
    if (memchr(p, 0, n) || ork_utf8_check(p, n, NULL) != 0)
        return ork_err_set(err, ORK_EDATA, "the secret `%s` is no text in UTF-8 (%s)", name, where);
    return 0;
}

static size_t without_newline(const char *p, size_t n)
{
    if (n && p[n - 1] == '\n')
        n--;
    return n && p[n - 1] == '\r' ? n - 1 : n;
}

static char *file_of(ork_engine *e, const char *name)
{
    const char *dir = getenv("ORK_SECRETS_DIR");
    struct ork_buf b = ORK_BUF_INIT;

    if (dir && *dir)
        ork_buf_addf(&b, "%s/%s", dir, name);
    else
        ork_buf_addf(&b, "%s/secrets/%s", e->data_dir ? e->data_dir : ".", name);
    return ork_buf_steal(&b, NULL);
}

/* A folder that somebody mounts guards its files itself (they are often 0444); ours are for this user alone. */
static int guarded(const struct stat *st, const char *name, const char *path, ork_err *err)
{
    const char *dir = getenv("ORK_SECRETS_DIR");
    mode_t not_wanted = dir && *dir ? 0022 : 0077;

    if (!S_ISREG(st->st_mode))
        return ork_err_set(err, ORK_EENV, "the secret `%s` is not used: %s is not a file", name, path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return ork_err_set(err, ORK_EENV, "the secret `%s` is not used: %s belongs to another user", name, path);
    if (st->st_mode & not_wanted)
        return ork_err_set(err, ORK_EENV, "the secret `%s` is not used: others may %s %s (mode %04o); `chmod 600` it",
                           name, not_wanted == 0022 ? "write" : "read", path, (unsigned)st->st_mode & 07777);
    return 0;
}

static int read_file(ork_engine *e, const char *name, struct ork_buf *out, ork_err *err)
{
    ORK_CLEANUP(ork_free_cleanup) char *path = file_of(e, name), *text = NULL;
    struct stat st;
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return ORK_ENOVALUE;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        return ork_err_set(err, ORK_EENV, "the secret `%s` is not used: cannot read %s: %s", name, path,
                           strerror(error));
    }
    int rc = guarded(&st, name, path, err);
    text = ork_alloc(ORK_SECRET_MAX + 3);
    for (ssize_t got; !rc && n < ORK_SECRET_MAX + 3 && (got = read(fd, text + n, ORK_SECRET_MAX + 3 - n)) != 0;) {
        if (got > 0)
            n += (size_t)got;
        else if (errno != EINTR)
            rc = ork_err_set(err, ORK_EENV, "the secret `%s` is not used: cannot read %s: %s", name, path,
                             strerror(errno));
    }
    (void)close(fd);
    size_t len = without_newline(text, n);
    if (!rc)
        rc = check(name, text, len, path, err);
    if (!rc)
        ork_buf_add(out, text, len);
    explicit_bzero(text, n);
    return rc;
}

int ork_secret_look(ork_engine *e, const char *name, struct ork_buf *out, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf variable = ORK_BUF_INIT;

    if (!ork_secret_name_ok(name))
        return ork_err_set(err, ORK_EINVAL, "`%.60s` is no name of a secret: letters, digits, _", name);
    ork_buf_addf(&variable, "ORK_SECRET_%s", name);
    const char *value = getenv(variable.data);
    if (value) {
        int rc = check(name, value, strlen(value), variable.data, err);
        if (!rc)
            ork_buf_adds(out, value);
        return rc;
    }
    int rc = read_file(e, name, out, err);
    if (rc == ORK_ENOVALUE) {
        ORK_CLEANUP(ork_free_cleanup) char *path = file_of(e, name);
        return ork_err_set(err, rc,
                           "the secret `%s` was not found: no %s in the environment, no file %s, and no "
                           "ORK_SECRETS_COMMAND is set",
                           name, variable.data, path);
    }
    return rc;
}

/* ---- the command ------------------------------------------------------------------------------ */

static void tell(struct ork_secrets *s, const char *value, size_t len, const ork_err *err)
{
    for (struct waiter *w; (w = s->waiters);) {
        s->waiters = w->next;
        w->cb(w->data, value, len, err);
        ork_free(w);
    }
}

static void on_closed(uv_handle_t *h)
{
    struct ork_secrets *s = h->data;
    ork_engine *e = s->engine;

    if (--s->handles > 0)
        return;
    for (struct ork_secrets **p = &e->secrets; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    explicit_bzero(s->value, sizeof(s->value));
    ork_free(s->name);
    ork_free(s->words);
    ork_free(s);
}

static void close_handle(uv_handle_t *h)
{
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void finish(struct ork_secrets *s)
{
    ork_err err = {0};
    ORK_CLEANUP(ork_free_cleanup) char *path = file_of(s->engine, s->name);
    size_t len = without_newline(s->value, s->len);

    if (s->late)
        (void)ork_err_set(&err, ORK_ENOVALUE,
                          "the secret `%s` was not found: `%s` (ORK_SECRETS_COMMAND) took longer than %d s", s->name,
                          s->argv[0], ORK_SECRET_LIMIT_MS / 1000);
    else if (s->too_long)
        (void)check(s->name, s->value, ORK_SECRET_MAX + 1, s->argv[0], &err);
    else if (s->signal || s->code)
        (void)ork_err_set(&err, ORK_ENOVALUE,
                          "the secret `%s` was not found: not in the environment (ORK_SECRET_%s), no file %s, and `%s` "
                          "(ORK_SECRETS_COMMAND) ended with %s %d",
                          s->name, s->name, path, s->argv[0], s->signal ? "signal" : "exit code",
                          s->signal ? s->signal : (int)s->code);
    else
        (void)check(s->name, s->value, len, s->argv[0], &err);
    tell(s, err.code ? NULL : s->value, len, err.code ? &err : NULL);
    close_handle((uv_handle_t *)&s->limit);
}

static void ended(struct ork_secrets *s)
{
    if (--s->awaited == 0)
        finish(s);
}

static void on_exit_seen(uv_process_t *h, int64_t code, int signal)
{
    struct ork_secrets *s = h->data;

    s->code = code;
    s->signal = signal;
    close_handle((uv_handle_t *)h);
    ended(s);
}

static void kill_it(struct ork_secrets *s)
{
    if (uv_is_active((uv_handle_t *)&s->process) && s->process.pid > 0)
        (void)kill(-s->process.pid, SIGKILL);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ork_secrets *s = h->data;

    (void)suggested;
    *buf = uv_buf_init(s->value + s->len, (unsigned)(sizeof(s->value) - s->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ork_secrets *s = stream->data;

    (void)buf;
    s->len += n > 0 ? (size_t)n : 0;
    s->too_long = s->len == sizeof(s->value);
    if (n >= 0 && !s->too_long)
        return;
    if (s->too_long)
        kill_it(s);
    close_handle((uv_handle_t *)stream);
    ended(s);
}

static void on_late(uv_timer_t *t)
{
    struct ork_secrets *s = t->data;

    s->late = true;
    kill_it(s);
    if (!uv_is_closing((uv_handle_t *)&s->out)) { /* something it left may hold it open */
        close_handle((uv_handle_t *)&s->out);
        ended(s);
    }
}

static bool split(struct ork_secrets *s, const char *command)
{
    size_t n = 0;
    char *at = s->words = ork_strdup(command), *save = NULL;

    for (char *word = strtok_r(at, " \t", &save); word && n < WORDS; word = strtok_r(NULL, " \t", &save))
        s->argv[n++] = word;
    s->argv[n] = s->name;
    return n > 0;
}

static void run(ork_engine *e, const char *name, const char *command, ork_secret_cb cb, void *data)
{
    struct ork_secrets *s = ork_zalloc(sizeof(*s));
    ork_err err = {0};

    s->engine = e;
    s->name = ork_strdup(name);
    s->process.data = s->out.data = s->limit.data = s;
    s->waiters = ork_zalloc(sizeof(*s->waiters));
    *s->waiters = (struct waiter){.cb = cb, .data = data};
    s->next = e->secrets;
    e->secrets = s;
    (void)split(s, command);
    uv_timer_init(e->loop, &s->limit);
    uv_pipe_init(e->loop, &s->out, 0);
    s->handles = 3;
    s->awaited = 2;
    uv_stdio_container_t io[] = {{.flags = UV_IGNORE},
                                 {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&s->out},
                                 {.flags = UV_IGNORE}};
    uv_process_options_t o = {.file = s->argv[0],
                              .args = s->argv,
                              .stdio = io,
                              .stdio_count = 3,
                              .flags = UV_PROCESS_DETACHED,
                              .exit_cb = on_exit_seen};
    int rc = uv_spawn(e->loop, &s->process, &o);
    if (rc == 0)
        rc = uv_read_start((uv_stream_t *)&s->out, on_alloc, on_read);
    if (rc == 0) {
        uv_timer_start(&s->limit, on_late, ORK_SECRET_LIMIT_MS, 0);
        return;
    }
    (void)ork_err_set(&err, ORK_ENOVALUE, "the secret `%s` was not found: `%s` (ORK_SECRETS_COMMAND) cannot be run: %s",
                      name, s->argv[0], uv_strerror(rc));
    tell(s, NULL, 0, &err);
    close_handle((uv_handle_t *)&s->process);
    close_handle((uv_handle_t *)&s->out);
    close_handle((uv_handle_t *)&s->limit);
}

void ork_secret_get(ork_engine *e, const char *name, ork_secret_cb cb, void *data)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf value = ORK_BUF_INIT;
    const char *command = getenv("ORK_SECRETS_COMMAND");
    ork_err err = {0};
    int rc = ork_secret_look(e, name, &value, &err);

    if (rc == ORK_ENOVALUE && command && command[strspn(command, " \t")] && !e->closing) {
        for (struct ork_secrets *s = e->secrets; s; s = s->next) {
            if (strcmp(s->name, name) == 0 && s->waiters) {
                struct waiter **p = &s->waiters;
                while (*p)
                    p = &(*p)->next;
                *p = ork_zalloc(sizeof(**p));
                **p = (struct waiter){.cb = cb, .data = data};
                return;
            }
        }
        run(e, name, command, cb, data);
        return;
    }
    cb(data, rc ? NULL : value.data ? value.data : "", value.len, rc ? &err : NULL);
    if (value.data)
        explicit_bzero(value.data, value.len);
}

void ork_secret_close(ork_engine *e)
{
    const ork_err gone = {.code = ORK_ECANCELLED, .msg = "the program ends"};

    for (struct ork_secrets *s = e->secrets; s; s = s->next) {
        tell(s, NULL, 0, &gone);
        kill_it(s);
        if (!uv_is_closing((uv_handle_t *)&s->out)) {
            close_handle((uv_handle_t *)&s->out);
            ended(s);
        }
    }
    while (e->secrets)
        uv_run(e->loop, UV_RUN_ONCE);
}

/* ---- files ------------------------------------------------------------------------------------ */

void ork_mask_file(const struct ork_mask *m, const char *path)
{
    size_t overlap = ork_mask_longest(m), have = 0;
    int64_t at = 0; /* of the first byte of `piece` */
    int fd = overlap ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;

    if (fd < 0)
        return;
    char *piece = ork_alloc(PIECE + overlap);
    for (ssize_t n; (n = pread(fd, piece + have, PIECE + overlap - have, at + (int64_t)have)) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        have += (size_t)n;
        if (ork_mask_stars(m, piece, have))
            for (size_t done = 0; done < have;) {
                ssize_t put = pwrite(fd, piece + done, have - done, at + (int64_t)done);
                if (put < 0 && errno == EINTR)
                    continue;
                if (put <= 0)
                    break;
                done += (size_t)put;
            }
        if (have >= overlap) { /* the beginning of a value may be at its end */
            memmove(piece, piece + have - overlap + 1, overlap - 1);
            at += (int64_t)(have - overlap + 1);
            have = overlap - 1;
        }
    }
    explicit_bzero(piece, have);
    ork_free(piece);
    (void)close(fd);
}
