/* SPDX-License-Identifier: MIT */
/* What an attempt left behind: its output (from $ORK_OUTPUT_FILE, else the last `ORK_OUTPUT:` line of the log) and the
 * end of its log. Small logs are read at once, they are in the page cache; anything larger goes to uv's thread pool, so
 * that a gigabyte of output never stops the loop. Memory is bounded by the windows of engine.h whatever a task prints.
 */
#include "base/path.h"
#include "engine/python.h"
#include "engine/result.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INLINE_MAX (64u << 10)
static const char mark[] = "ORK_OUTPUT:";
#define MARK_LEN (sizeof(mark) - 1)

static int64_t file_size(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

/* Up to max bytes from `offset`; NULL on any error. */
static char *read_part(const char *path, int64_t offset, size_t max, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *p;
    size_t have = 0;

    if (fd < 0)
        return NULL;
    p = ork_alloc(max + 1);
    while (have < max) {
        ssize_t n = pread(fd, p + have, max - have, offset + (int64_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    (void)close(fd);
    p[have] = '\0';
    *len = have;
    return p;
}

/* The last line that begins with the mark; a line of which the window shows only a part does not count. */
static const char *last_mark(const char *p, size_t n, bool from_start, size_t *len)
{
    const char *end = p + n;
    const char *best = NULL;

    for (const char *line = p; line < end;) {
        const char *nl = memchr(line, '\n', (size_t)(end - line));
        const char *stop = nl ? nl : end;
        bool whole = line != p || from_start;
        if (whole && (size_t)(stop - line) >= MARK_LEN && memcmp(line, mark, MARK_LEN) == 0) {
            best = line + MARK_LEN;
            *len = (size_t)(stop - best);
        }
        line = stop + 1;
    }
    while (best && *len && (best[*len - 1] == '\r' || best[*len - 1] == ' '))
        (*len)--;
    return best;
}

static void parse_output(struct ork_result *r, const char *text, size_t len, const char *where)
{
    ork_err err;

    r->code = ork_json_parse(text, len, &r->output, &err);
    if (r->code) {
        r->code = ork_err_set(&r->err, ORK_EJSON, "the output in %s is not valid JSON: %s", where, err.msg);
        return;
    }
    json_t *whole = r->output;
    r->output = ork_mask_json(&r->mask, whole);
    r->masked = r->output != whole;
    json_decref(whole);
    r->code = ork_json_text(r->output, &r->output_text, &r->output_len, &r->err);
}

static void read_output_file(struct ork_result *r, int64_t size)
{
    size_t n = 0;

    if (size > ORK_OUTPUT_FILE_MAX) {
        r->code =
            ork_err_set(&r->err, ORK_ETOOBIG, "the output in $ORK_OUTPUT_FILE is %lld bytes; at most %u are stored",
                        (long long)size, ORK_OUTPUT_FILE_MAX);
        return;
    }
    char *p = read_part(r->output_path, 0, (size_t)size, &n);
    if (!p)
        r->code = ork_err_errno(&r->err, errno, "cannot read $ORK_OUTPUT_FILE (%s)", r->output_path);
    else
        parse_output(r, p, n, "$ORK_OUTPUT_FILE");
    ork_free(p);
}

/* Bytes for people and for the database: UTF-8 without NUL; what is not becomes U+FFFD. Cut at a character. */
static void keep_tail(struct ork_result *r, const char *p, size_t n)
{
    size_t keep =
        r->exit.reason == ORK_EXIT_NORMAL && r->exit.exit_code == 0 && !r->code ? ORK_TAIL_SUCCESS : ORK_TAIL_FAILED;

    if (n > keep) {
        p += n - keep;
        n = keep;
        while (n && ((unsigned char)*p & 0xC0) == 0x80) {
            p++;
            n--;
        }
    }
    if (n)
        r->tail = ork_utf8_clean(p, n, &r->tail_len);
}

static void read_log(struct ork_result *r, bool wants_line)
{
    int64_t size = file_size(r->log_path);
    int64_t window = wants_line ? ORK_LINE_WINDOW : ORK_TAIL_FAILED;
    int64_t from = size > window ? size - window : 0;
    size_t n = 0, len = 0;

    if (size <= 0)
        return;
    char *p = read_part(r->log_path, from, (size_t)(size - from), &n);
    if (!p)
        return;
    const char *line = wants_line ? last_mark(p, n, from == 0, &len) : NULL;
    if (line && len > ORK_OUTPUT_LINE_MAX)
        r->code = ork_err_set(
            &r->err, ORK_ETOOBIG,
            "the ORK_OUTPUT: line is %zu bytes; at most %u are stored: write larger output to $ORK_OUTPUT_FILE", len,
            ORK_OUTPUT_LINE_MAX);
    else if (line)
        parse_output(r, line, len, "the ORK_OUTPUT: line");
    if (ork_mask_any(&r->mask)) {
        ork_mask_file(&r->mask, r->log_path);
        ork_free(p);
        p = read_part(r->log_path, from, (size_t)(size - from), &n);
        if (!p)
            return;
    }
    keep_tail(r, p, n);
    ork_free(p);
}

static void read_told(struct ork_result *r)
{
    size_t n = 0;
    ork_err none;

    if (r->output_size <= 0 || r->output_size > INLINE_MAX)
        return;
    char *p = read_part(r->output_path, 0, (size_t)r->output_size, &n);
    json_t *told = NULL;
    if (p && ork_json_parse(p, n, &told, &none) == 0)
        r->told = ork_mask_json(&r->mask, told);
    json_decref(told);
    ork_free(p);
}

static void read_all(struct ork_result *r)
{
    bool ok = r->exit.reason == ORK_EXIT_NORMAL && r->exit.exit_code == 0;
    int64_t size = ok ? r->output_size : -1;

    if (r->blind)
        return;
    if (size > 0)
        read_output_file(r, size);
    else if (!ok && r->tells)
        read_told(r);
    else if (!ok && r->output_size > 0 && r->output_size <= INLINE_MAX) {
        read_output_file(r, r->output_size); /* only told to a function that judges the failure */
        r->code = 0;
    }
    if (r->exit.log_bytes != 0)
        read_log(r, ok && size <= 0);
    if (r->artifacts_dir && ok && !r->code) {
        char *run_dir = ork_path_dirname(r->log_path);
        r->code = ork_artifacts_take(run_dir, r->artifacts_dir, !r->shared, &r->artifacts, &r->err);
        ork_free(run_dir);
    }
}

static void on_work(uv_work_t *w)
{
    read_all(w->data);
}

static void on_worked(uv_work_t *w, int status)
{
    struct ork_result *r = w->data;

    (void)status;
    r->a->engine->works--;
    r->done(r);
}

void ork_result_read(struct ork_active *a, const struct ork_live *l, const struct ork_exit *x, const ork_err *blind,
                     void (*done)(struct ork_result *))
{
    struct ork_result *r = ork_zalloc(sizeof(*r));
    const char *log_path = l->log_path;

    r->a = a;
    ork_active_ref(a);
    r->tells = ork_python_is(a->workflow, ork_run_no(&a->run, l->task));
    r->task = l->task;
    ork_mask_join(&r->mask, &l->mask);
    if (blind) {
        r->blind = true;
        r->code = ork_err_set(&r->err, blind->code, "none of what it left is kept, as it may hold a secret: %.600s",
                              blind->msg);
    }
    r->exit = *x;
    r->exit.error = x->error ? ork_strdup(x->error) : NULL;
    r->log_path = log_path ? ork_strdup(log_path) : NULL;
    r->output_path = log_path ? ork_active_beside(log_path, "out") : NULL;
    r->done = done;
    r->work.data = r;
    r->output_size = file_size(r->output_path);
    r->shared = (ork_run_def(&a->run, l->task)->flags & ORK_TASK_KEEP_CHILDREN) != 0;
    char *folder = log_path ? ork_artifact_folder(log_path) : NULL;
    if (folder && rmdir(folder) != 0 && errno != ENOENT)
        r->artifacts_dir = folder; /* something is in it */
    else
        ork_free(folder);
    if (!r->artifacts_dir && x->log_bytes >= 0 && x->log_bytes <= INLINE_MAX && r->output_size <= INLINE_MAX) {
        read_all(r);
        done(r);
        return;
    }
    a->engine->works++;
    uv_queue_work(a->engine->loop, &r->work, on_work, on_worked);
}

void ork_result_free(struct ork_result *r)
{
    ork_active_unref(r->a);
    ork_free((char *)r->exit.error);
    ork_free(r->log_path);
    ork_free(r->output_path);
    json_decref(r->output);
    json_decref(r->told);
    ork_mask_fini(&r->mask);
    ork_artifacts_fini(&r->artifacts);
    ork_free(r->artifacts_dir);
    ork_free(r->output_text);
    ork_free(r->tail);
    ork_free(r);
}
