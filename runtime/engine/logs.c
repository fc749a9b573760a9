/* SPDX-License-Identifier: MIT */
/* Reading logs of attempts: the file where it still is, else the tail that was stored with the task. And the database's
 * own documents. */
#include "engine/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The bytes as UTF-8 without NUL; what is neither becomes U+FFFD. */
char *ork_utf8_clean(const char *p, size_t n, size_t *len)
{
    struct ork_buf b = ORK_BUF_INIT;

    while (n) {
        size_t good = 0;
        while (good < n) { /* the longest run of characters that stand on their own */
            unsigned char c = (unsigned char)p[good];
            size_t want = c < 0x80                ? 1
                          : c >= 0xC2 && c < 0xE0 ? 2
                          : c >= 0xE0 && c < 0xF0 ? 3
                          : c >= 0xF0 && c < 0xF5 ? 4
                                                  : 0;
            if (c == 0 || want == 0 || good + want > n || ork_utf8_check(p + good, want, NULL) != 0)
                break;
            good += want;
        }
        ork_buf_add(&b, p, good);
        p += good;
        n -= good;
        if (n) {
            ork_buf_adds(&b, "\xEF\xBF\xBD");
            p++;
            n--;
        }
    }
    return ork_buf_steal(&b, len);
}

static int attempt_row(const struct ork_rows *attempts, uint32_t attempt, size_t *row, ork_err *err)
{
    size_t n = ork_rows_len(attempts);

    if (n == 0)
        return ork_err_set(err, ORK_ENOTFOUND, "it was not started yet");
    *row = n - 1;
    if (!attempt)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (ork_rows_int(attempts, i, "attempt", 0) == attempt) {
            *row = i;
            return 0;
        }
    }
    return ork_err_set(err, ORK_ENOTFOUND, "no attempt %u; there are %zu", attempt, n);
}

static bool is_function(const struct ork_rows *task)
{
    const char *executor = ork_rows_text(task, 0, "executor_type");

    return strcmp(executor, "inline") == 0 || strcmp(executor, "lua") == 0 || strcmp(executor, "wait") == 0 ||
           strcmp(executor, "library") == 0 || strcmp(executor, "workflow") == 0;
}

static char *usual_path(ork_engine *e, const struct ork_rows *task, uint32_t attempt)
{
    struct ork_buf b = ORK_BUF_INIT;
    char run[ORK_ID_TEXT];
    ork_id id = {0}, own = {0};
    int64_t no = ork_rows_int(task, 0, "task_index", 0);

    (void)ork_rows_id(task, 0, "run_id", &id);
    if (ork_rows_id(task, 0, "id", &own) && ork_task_is_of(&own, &id)) /* which its place may not be any more */
        no = ork_task_number(&own);
    ork_id_format(&id, run);
    ork_buf_addf(&b, "%s/logs/%s/%lld.%u.log", e->data_dir, run, (long long)no, attempt);
    return ork_buf_steal(&b, NULL);
}

/* A database that was moved took its logs along: what is not where it was may be beside it, logs/RUN/FILE. */
static void look_beside(ork_engine *e, char **path)
{
    struct stat st;
    const char *file = *path ? strrchr(*path, '/') : NULL, *run = file;

    if (!file || stat(*path, &st) == 0)
        return;
    while (run > *path && run[-1] != '/')
        run--;
    struct ork_buf b = ORK_BUF_INIT;
    ork_buf_addf(&b, "%s/logs/%s", e->data_dir, run);
    char *moved = ork_buf_steal(&b, NULL);
    if (stat(moved, &st) == 0) {
        ork_free(*path);
        *path = moved;
    } else {
        ork_free(moved);
    }
}

char *ork_log_unrecorded(ork_engine *e, const struct ork_rows *task)
{
    char *path = usual_path(e, task, (uint32_t)ork_rows_int(task, 0, "attempt", 0));
    struct stat st;

    look_beside(e, &path);
    if (stat(path, &st) == 0)
        return path;
    ork_free(path);
    return NULL;
}

/* Is its `when` a function? What that wrote is where the attempt's log is that it decides of; it may stay the only one.
 */
static bool asks_when(const struct ork_rows *task)
{
    const char *params = ork_rows_text(task, 0, "params");
    json_t *p = params && strstr(params, "\"when\"") ? json_loads(params, 0, NULL) : NULL;
    bool asks = json_object_get(json_object_get(p, "when"), "function") != NULL;

    json_decref(p);
    return asks;
}

/* Of the attempt that was never made; NULL: it wrote nothing, or there is none. */
static char *when_path(ork_engine *e, const struct ork_rows *task)
{
    struct stat st;
    char *path = asks_when(task) ? usual_path(e, task, (uint32_t)ork_rows_int(task, 0, "attempt", 0) + 1) : NULL;

    look_beside(e, &path);
    if (path && stat(path, &st) == 0)
        return path;
    ork_free(path);
    return NULL;
}

/* Attempts of functions have a row when they failed; of others the log is where it always is, if there is one. The
 * number of one under way is not stored: it is the next. */
static int function_path(ork_engine *e, const struct ork_rows *task, const struct ork_rows *attempts, uint32_t attempt,
                         char **path, ork_err *err)
{
    uint32_t newest = (uint32_t)ork_rows_int(task, 0, "attempt", 0);
    bool open = !ork_task_is_final(ork_task_status_parse(ork_rows_text(task, 0, "status")));
    uint32_t most = newest + (open ? 1 : 0), want = attempt ? attempt : most;
    struct stat st;

    for (;; want--) {
        for (size_t i = 0; i < ork_rows_len(attempts); i++) {
            const char *kept = ork_rows_text(attempts, i, "log_path");
            if (kept && ork_rows_int(attempts, i, "attempt", 0) == want) {
                *path = ork_strdup(kept);
                return 0;
            }
        }
        *path = usual_path(e, task, want);
        if (attempt || want <= newest || stat(*path, &st) == 0)
            break;
        ork_free(*path);
        *path = NULL;
    }
    if (want == 0 || want > most) {
        ork_free(*path);
        *path = NULL;
        return want ? ork_err_set(err, ORK_ENOTFOUND, "no attempt %u; there are %u", want, newest)
                    : ork_err_set(err, ORK_ENOTFOUND, "it was not started yet");
    }
    if (stat(*path, &st) != 0) {
        ork_free(*path);
        *path = NULL; /* it wrote nothing */
    }
    return 0;
}

/* The path of an attempt's log; NULL: it has none. *last: is the task's stored tail of this attempt? Freed by the
 * caller. */
static int find_path(ork_engine *e, const struct ork_rows *task, const struct ork_rows *attempts, uint32_t attempt,
                     char **path, bool *last, ork_err *err)
{
    size_t row = 0;

    if (!attempt && (*path = when_path(e, task))) {
        *last = false;
        return 0;
    }
    if (is_function(task)) {
        *last = !attempt || attempt == (uint32_t)ork_rows_int(task, 0, "attempt", 0);
        int rc = function_path(e, task, attempts, attempt, path, err);
        if (!rc)
            look_beside(e, path);
        return rc;
    }
    int rc = attempt_row(attempts, attempt, &row, err);
    const char *kept = rc ? NULL : ork_rows_text(attempts, row, "log_path");
    *path = kept ? ork_strdup(kept) : NULL;
    look_beside(e, path);
    *last = !rc && row + 1 == ork_rows_len(attempts);
    return rc;
}

int ork_log_path(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL;
    char *path = NULL;
    bool last;
    int rc = ork_doc_open_task(e, run_id, task, &rows, &attempts, err);

    if (!rc)
        rc = find_path(e, rows, attempts, attempt, &path, &last, err);
    if (!rc && !path)
        rc = ork_err_set(err, ORK_ENOTFOUND, "this attempt has no log");
    if (!rc)
        *out = path;
    ork_rows_free(attempts);
    ork_rows_free(rows);
    return rc;
}

static int read_file(const char *path, int64_t offset, size_t len, char **out, size_t *out_len, int64_t *size,
                     ork_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return ork_err_errno(err, errno, "cannot read %s", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return ork_err_set(err, ORK_EIO, "%s is not a file", path);
    }
    *size = st.st_size;
    if (offset < 0)
        offset = st.st_size + offset > 0 ? st.st_size + offset : 0;
    int64_t left = st.st_size > offset ? st.st_size - offset : 0;
    size_t want = (int64_t)len < left ? len : (size_t)left, have = 0;
    char *p = ork_alloc(want + 1);
    while (have < want) {
        ssize_t n = pread(fd, p + have, want - have, offset + (int64_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    (void)close(fd);
    p[have] = '\0';
    *out = p;
    *out_len = have;
    return 0;
}

/* ---- secrets ---- */

struct wanted {
    ork_engine *engine;
    struct ork_mask *mask;
    int code;
    ork_err err;
};

static void want_secret(void *data, const char *name)
{
    struct wanted *w = data;
    ORK_CLEANUP(ork_buf_fini) struct ork_buf value = ORK_BUF_INIT;

    if (w->code)
        return;
    w->code = ork_secret_look(w->engine, name, &value, &w->err);
    if (w->code)
        (void)ork_err_set(
            &w->err, ORK_EENV,
            "the log of an attempt that runs is not shown here, where the secret `%s` is not known, which "
            "it may hold; `ork logs` shows it when the attempt has ended, or where ORK_SECRET_%s is set",
            name, name);
    else if (value.data)
        ork_mask_add(w->mask, value.data, value.len);
}

/* The task's params; those of an item are in the row of its task. NULL: none. Owned. */
static json_t *params_of(ork_engine *e, const struct ork_rows *task)
{
    const char *params = ork_rows_text(task, 0, "params"), *name = ork_rows_text(task, 0, "task_name"),
               *slash = name ? strrchr(name, '/') : NULL;
    struct ork_rows *parent = NULL;
    json_t *p = NULL;
    ork_err none;
    ork_id run;

    if (params || !slash || !ork_rows_id(task, 0, "run_id", &run))
        return params ? json_loads(params, 0, NULL) : NULL;
    ORK_CLEANUP(ork_free_cleanup) char *of = ork_strndup(name, (size_t)(slash - name));
    struct ork_param q[] = {ORK_P_ID(&run), ORK_P_TEXT(of)};
    if (ork_store_query(e->store, ORK_Q_task_get, q, 2, &parent, &none) == 0 && ork_rows_len(parent) == 1 &&
        (params = ork_rows_text(parent, 0, "params")))
        p = json_loads(params, 0, NULL);
    ork_rows_free(parent);
    return p;
}

/* While an attempt runs its log is as it writes it: what it was given is taken out of what is shown. The values are
 * known to who runs it; another program looks them up. */
static int mask_of(ork_engine *e, const struct ork_rows *task, struct ork_mask *m, ork_err *err)
{
    int status = ork_task_status_parse(ork_rows_text(task, 0, "status"));
    struct ork_active *a = NULL;
    uint32_t no = 0;
    ork_id id;

    if ((status != ORK_TASK_DISPATCHED && status != ORK_TASK_RUNNING) || is_function(task))
        return 0;
    struct ork_live *l =
        ork_rows_id(task, 0, "id", &id) && ork_active_by_task(e, &id, &a, &no) == 0 ? ork_active_live(a, no) : NULL;
    if (l && !l->unmasked) {
        ork_mask_join(m, &l->mask);
        return 0;
    }
    struct wanted w = {.engine = e, .mask = m};
    json_t *p = params_of(e, task);
    ork_expr_env_secrets(p, want_secret, &w);
    json_decref(p);
    if (w.code)
        *err = w.err;
    return w.code ? ORK_EENV : 0;
}

/* The beginning of a value at the end of what is written so far. */
static void star_begun(const struct ork_mask *m, char *p, size_t n)
{
    for (size_t i = 0; i < m->len; i++) {
        size_t most = m->values[i].n - 1 < n ? m->values[i].n - 1 : n;
        for (size_t k = most; k >= ORK_MASK_LEAST; k--) {
            if (memcmp(p + n - k, m->values[i].p, k) == 0) {
                memset(p + n - k, '*', k);
                return;
            }
        }
    }
}

/* The same part of the file, with stars in place of the values, also of those that reach out of it. */
static int read_masked(const char *path, const struct ork_mask *m, int64_t offset, size_t len, char **out,
                       size_t *out_len, int64_t *size, ork_err *err)
{
    size_t around = ork_mask_longest(m), n = 0;
    struct stat st;

    if (offset < 0)
        offset = stat(path, &st) == 0 && st.st_size + offset > 0 ? st.st_size + offset : 0;
    int64_t from = offset > (int64_t)around ? offset - (int64_t)around : 0;
    int rc = read_file(path, from, len + (size_t)(offset - from) + around, out, &n, size, err);
    if (rc || !around) {
        *out_len = n;
        return rc;
    }
    (void)ork_mask_stars(m, *out, n);
    star_begun(m, *out, n);
    size_t before = (size_t)(offset - from) < n ? (size_t)(offset - from) : n;
    *out_len = n - before < len ? n - before : len;
    memmove(*out, *out + before, *out_len);
    (*out)[*out_len] = '\0';
    return 0;
}

int ork_log_read(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, int64_t offset, size_t len,
                 char **out, size_t *out_len, int64_t *size, bool *stored_tail, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL;
    char *path = NULL;
    bool last = false;
    struct ork_mask mask = {0};
    int rc = ork_doc_open_task(e, run_id, task, &rows, &attempts, err);

    *stored_tail = false;
    if (!rc)
        rc = find_path(e, rows, attempts, attempt, &path, &last, err);
    if (!rc && path)
        rc = mask_of(e, rows, &mask, err);
    const char *tail = rc ? NULL : ork_rows_text(rows, 0, "logs");
    if (!rc) {
        rc = path ? read_masked(path, &mask, offset, len, out, out_len, size, err)
                  : ork_err_set(err, ORK_ENOTFOUND, "this attempt has no log");
        if (rc && !path && !tail && is_function(rows)) { /* which makes its log with the first byte */
            rc = 0;
            *out = ork_strdup("");
            *out_len = 0;
            *size = 0;
        }
        if (rc && tail && last) {
            rc = 0;
            *stored_tail = true;
            *out_len = strlen(tail);
            *size = (int64_t)*out_len;
            *out = ork_strdup(tail);
        }
    }
    ork_mask_fini(&mask);
    ork_free(path);
    ork_rows_free(attempts);
    ork_rows_free(rows);
    return rc;
}

int ork_db_status_json(ork_engine *e, char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    int rc = ork_store_status_json(e->store, &b, err);

    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}

int ork_db_check_json(ork_engine *e, char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    int rc = ork_store_check_json(e->store, &b, err);

    if (rc)
        ork_buf_fini(&b);
    else
        *out = ork_buf_steal(&b, NULL);
    return rc;
}
