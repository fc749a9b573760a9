/* SPDX-License-Identifier: MIT */
/* What `ork db status` and `ork db check` say beyond the tables. */
#include "base/err.h"
#include "store/file/file.h"
#include "store/sqlite/turn.h"
#include <fcntl.h>
#include <string.h>

/* Members before the end of a document. */
static void insert_before(struct ork_buf *out, size_t end, const char *text)
{
    char tail[8];
    memcpy(tail, out->data + out->len - end, end);
    out->len -= end;
    ork_buf_adds(out, text);
    ork_buf_add(out, tail, end);
}

int ork_file_status(ork_store *s, struct ork_buf *out, ork_err *err)
{
    struct ork_file *f = ork_file_of(ork_sqlite_of(s));
    struct ork_buf more = ORK_BUF_INIT;
    int rc = ork_sqlite_status(s, out, err);
    if (!rc) {
        ork_buf_addf(&more, ",\"log_bytes\":%lld,\"state_bytes\":%lld", (long long)f->size, (long long)f->state);
        insert_before(out, strlen("}}"), more.data);
    }
    ork_buf_fini(&more);
    return rc;
}

static void add_note(struct ork_buf *out, const char *text, const char *repair)
{
    struct ork_buf note = ORK_BUF_INIT;
    ork_buf_adds(&note, out->data[out->len - 3] == '[' ? "{\"text\":" : ",{\"text\":");
    ork_buf_json(&note, text, strlen(text));
    ork_buf_adds(&note, ",\"repair\":");
    ork_buf_json(&note, repair, strlen(repair));
    ork_buf_addc(&note, '}');
    insert_before(out, strlen("]}"), note.data);
    ork_buf_fini(&note);
}

/* Every line was verified when it was read. What a killed writer leaves is no damage. */
int ork_file_check(ork_store *s, struct ork_buf *out, ork_err *err)
{
    struct ork_file *f = ork_file_of(ork_sqlite_of(s));
    struct ork_buf text = ORK_BUF_INIT;
    int rc = ork_sqlite_check(s, out, err);
    bool written =
        rc || !(f->db.flags & ORK_OPEN_READ) || ork_lock_held(openat(f->dir_fd, "lock", O_RDONLY | O_CLOEXEC));
    if (!written && f->torn) {
        ork_buf_addf(&text, "the last %lld bytes of %s are no whole line: a commit that did not happen",
                     (long long)f->torn, f->log_path);
        add_note(out, text.data, "harmless: the next program that writes cuts them off");
    }
    if (!written && f->stale)
        add_note(out, "the JSON files are older than the log: the last program was killed",
                 "harmless: the next program that writes brings them up to date when it ends");
    ork_buf_fini(&text);
    return rc;
}
