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

int ork_log_path(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, char **out, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL;
    size_t row;
    int rc = ork_doc_open_task(e, run_id, task, &rows, &attempts, err);

    if (!rc)
        rc = attempt_row(attempts, attempt, &row, err);
    const char *path = rc ? NULL : ork_rows_text(attempts, row, "log_path");
    if (!rc && !path)
        rc = ork_err_set(err, ORK_ENOTFOUND, "this attempt has no log");
    if (!rc)
        *out = ork_strdup(path);
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

int ork_log_read(ork_engine *e, const char *run_id, const char *task, uint32_t attempt, int64_t offset, size_t len,
                 char **out, size_t *out_len, int64_t *size, bool *stored_tail, ork_err *err)
{
    struct ork_rows *rows = NULL, *attempts = NULL;
    size_t row = 0;
    int rc = ork_doc_open_task(e, run_id, task, &rows, &attempts, err);

    *stored_tail = false;
    if (!rc)
        rc = attempt_row(attempts, attempt, &row, err);
    const char *path = rc ? NULL : ork_rows_text(attempts, row, "log_path"),
               *tail = rc ? NULL : ork_rows_text(rows, 0, "logs");
    if (!rc) {
        rc = path ? read_file(path, offset, len, out, out_len, size, err)
                  : ork_err_set(err, ORK_ENOTFOUND, "this attempt has no log");
        if (rc && tail && row + 1 == ork_rows_len(attempts)) {
            rc = 0;
            *stored_tail = true;
            *out_len = strlen(tail);
            *size = (int64_t)*out_len;
            *out = ork_strdup(tail);
        }
    }
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
