/* SPDX-License-Identifier: MIT */
/* What a backend is. A store begins with `ork_store`; store.c hands every call on. Meanings: store.h. */
#ifndef ORK_STORE_OPS_H
#define ORK_STORE_OPS_H
#include "base/buf.h"
#include "store/store.h"
#include "store/tables.h"

/* What `ork db copy` asks of a backend (store/copy.c). All of it blocks; values are neutral (tables.h). */
#define ORK_COPY_ROLE "copy"       /* of the scheduler that a copy registers: nobody else may be there with it */
#define ORK_COPY_BYTES (8u << 20)  /* a page ends with the row that reaches it */
struct ork_copy_note {             /* the row of `copies` */
    const char *source, *progress; /* borrowed; progress is JSON */
};
struct ork_copy_ops {
    void (*name)(const ork_store *s, struct ork_buf *out); /* a URL without password; equal: the same database */
    int (*count)(ork_store *s, const struct ork_store_table *t, int64_t *rows, ork_err *err);
    /* The rows behind a key in the order of keys, at most `limit`; `after` NULL: from the first. No row: the end. */
    int (*read)(ork_store *s, const struct ork_store_table *t, const struct ork_cell *after, size_t limit,
                struct ork_rows **out, ork_err *err);
    /* One transaction: these rows (NULL: none), whether they are there or not, and the note. As registered only. */
    int (*write)(ork_store *s, const struct ork_store_table *t, const struct ork_rows *rows,
                 const struct ork_copy_note *note, ork_err *err);
    /* The note that is there; NULLs: none. The caller's. */
    int (*note)(ork_store *s, char **source, char **progress, ork_err *err);
    /* Still registered, and nobody took over? Then no scheduler has been here since. */
    int (*held)(ork_store *s, ork_err *err);
    /* Takes the note away. From now on no scheduler gets a number up to `seq`: agents know those of the source. */
    int (*end)(ork_store *s, uint64_t seq, ork_err *err);
};

struct ork_store_ops {
    const char *scheme; /* of its URLs, "sqlite" */
    bool remote;        /* its rows are kept, but not in a file of this machine */
    int (*open)(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err);
    void (*close)(ork_store *s, ork_store_close_cb cb, void *data);
    const char *(*path)(const ork_store *s);
    int (*path_of_url)(const char *url, char **path, ork_err *err);
    int (*enroll)(ork_store *s, const char *host, const char *role, ork_id *scheduler, uint64_t *seq, ork_err *err);
    int (*outbid)(ork_store *s, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err);
    bool (*owner_alive)(ork_store *s, const ork_id *scheduler);
    int (*owner_watch)(ork_store *s, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err);
    void (*apply)(ork_store *s, struct ork_batch *b, ork_apply_cb cb, void *data);
    void (*read)(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb, void *data);
    int (*query)(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                 ork_err *err);
    void (*on_bell)(ork_store *s, ork_bell_cb cb, void *data);
    void (*on_news)(ork_store *s, ork_bell_cb cb, void *data);
    int (*status)(ork_store *s, struct ork_buf *out, ork_err *err);
    int (*check)(ork_store *s, struct ork_buf *out, ork_err *err);
    int (*examine)(ork_store *s, ork_examine_cb cb, void *data, ork_err *err); /* NULL: its file says all */
    int (*wal)(ork_store *s);                                                  /* NULL: as -1 */
    const struct ork_copy_ops *copy;
};
struct ork_store {
    const struct ork_store_ops *ops;
};
extern const struct ork_store_ops ork_store_sqlite, ork_store_file;
extern const struct ork_store_ops ork_store_postgres; /* in the module ork_postgres */

struct ork_store_module { /* symbol `ork_store_module_info` of a module */
    const char *version;  /* of the build it belongs to */
    const struct ork_store_ops *ops;
};

/* The backend of a module: its file is looked for around this code, opened once, and stays. */
int ork_store_module(const char *name, const struct ork_store_ops **out, ork_err *err) ORK_MUSTCHECK;
#endif
