/* SPDX-License-Identifier: MIT */
/* What a backend is. A store begins with `ork_store`; store.c hands every call on. Meanings: store.h. */
#ifndef ORK_STORE_OPS_H
#define ORK_STORE_OPS_H
#include "base/buf.h"
#include "store/store.h"

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
    bool wal; /* its path is a file of SQLite's, with a write-ahead log */
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
