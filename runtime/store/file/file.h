/* SPDX-License-Identifier: MIT */
/* The file backend: the SQLite backend on a database in memory, and in a folder what makes it last.
 *
 *   DIR/log      a header, the state as it was once, then one line per batch since; what counts
 *   DIR/lock     held by the one process that may write; its pid, its scheduler
 *   DIR/runs/ tasks/ workflows/ …   the original's JSON files, for people and its readers; written from memory
 *   DIR/new/     files being written, renamed when they are whole
 *
 * Law: memory never shows what the log does not hold, and the log never holds half a batch. */
#ifndef ORK_STORE_FILE_FILE_H
#define ORK_STORE_FILE_FILE_H
#include "base/buf.h"
#include "store/file/table.h"
#include "store/sqlite/sqlite.h"
#include <sys/types.h>

struct sqlite3_session;

struct ork_file {
    struct ork_sqlite db; /* first: a store is both */
    char *dir;            /* owned, real path */
    char *log_path;       /* owned, DIR/log */
    int dir_fd, lock_fd, log_fd;
    struct ork_tables tables;

    uint64_t n;        /* number of the log's last line */
    off_t size, state; /* bytes of its whole lines; of those that tell the state it begins with */
    off_t torn;        /* bytes behind them that are no whole line */
    bool broken;       /* what the log ends in is not known, it must be written anew */
    bool stale;        /* there are lines since the tree was written */

    /* the transaction */
    struct sqlite3_session *session;
    struct ork_buf line;
    struct ork_buf sequences, sequences_was; /* after the transaction, and before it */
    off_t was;                               /* size before its line was appended; -1: not appended */

    /* a store that only reads */
    dev_t dev; /* of the log that was read */
    ino_t ino;
};
static inline struct ork_file *ork_file_of(struct ork_sqlite *s)
{
    return (struct ork_file *)(void *)s;
}

/* Called before each step that a crash can fall behind; for tests. */
extern void (*ork_file_on_step)(const char *step);
void ork_file_step(const char *step);

/* url.c */
int ork_file_url(const char *url, char **dir, uint32_t *flags, ork_err *err) ORK_MUSTCHECK;
/* place.c: judges and opens the folder; makes it when it may. */
enum ork_file_kind { ORK_FILE_NEW, ORK_FILE_LOG, ORK_FILE_TREE /* the original's, without a log */ };
int ork_file_look(struct ork_file *f, enum ork_file_kind *kind, ork_err *err) ORK_MUSTCHECK; /* what is in it */
int ork_file_place(struct ork_file *f, const char *given, enum ork_file_kind *kind, ork_err *err) ORK_MUSTCHECK;
/* lock.c */
int ork_file_lock(struct ork_file *f, ork_err *err) ORK_MUSTCHECK; /* ORK_EBUSY names the holder */
void ork_file_lock_name(struct ork_file *f);                       /* the scheduler is in there, too */
int ork_file_owner_open(struct ork_sqlite *s, const ork_id *scheduler);

/* capture.c: what a transaction changed, as the rows of a line */
int ork_capture_begin(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;
/* Appends the list; *any false: nothing changed. */
int ork_capture_rows(struct ork_file *f, struct ork_buf *out, bool *any, ork_err *err) ORK_MUSTCHECK;
void ork_capture_end(struct ork_file *f);

/* log.c */
int ork_file_log_read(struct ork_file *f,
                      ork_err *err) ORK_MUSTCHECK; /* into an empty database; its schema comes first */
int ork_file_log_follow(struct ork_file *f,
                        ork_err *err) ORK_MUSTCHECK; /* lines that came since; all anew if it was replaced */
int ork_file_log_append(struct ork_file *f, struct ork_buf *line, bool sync,
                        ork_err *err) ORK_MUSTCHECK;                  /* clears line */
int ork_file_log_cut(struct ork_file *f, ork_err *err) ORK_MUSTCHECK; /* what follows its whole lines */
int ork_file_log_open(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;

/* state.c: a new log that begins with all there is. tree: the tree shows it already. */
int ork_state_write(struct ork_file *f, bool tree, ork_err *err) ORK_MUSTCHECK;
int ork_state_write_of(struct ork_file *f, int schema, bool tree, ork_err *err) ORK_MUSTCHECK; /* tests: an old one */
/* Numbers that were given, as {"table":n}: they must not come again, though the rows are gone. */
int ork_state_sequences(struct ork_file *f, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK;
/* replay.c: the rows of one line, in a transaction of its own. */
int ork_replay(struct ork_file *f, json_t *rows, ork_err *err) ORK_MUSTCHECK;

/* tree.c */
int ork_tree_watch(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;   /* from now on, changes are noted */
int ork_tree_forget(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;  /* what was noted: it is written */
int ork_tree_all(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;     /* everything has changed */
int ork_tree_unwatch(struct ork_file *f, ork_err *err) ORK_MUSTCHECK; /* tables may be rebuilt */
int ork_tree_write(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;   /* what was noted */
void ork_tree_clean(struct ork_file *f);                              /* files that were not finished */
int ork_tree_import(struct ork_file *f, ork_err *err) ORK_MUSTCHECK;  /* import.c; the original's, into its schema */

/* keeper.c */
extern const struct ork_keeper ork_file_keeper;
int ork_file_checkpoint(struct ork_file *f, ork_err *err) ORK_MUSTCHECK; /* tree and log */
void ork_file_fini(struct ork_file *f);                                  /* all but the database itself */

/* status.c, watch.c */
int ork_file_status(ork_store *s, struct ork_buf *out, ork_err *err);
int ork_file_check(ork_store *s, struct ork_buf *out, ork_err *err);
void ork_file_on_bell(ork_store *s, ork_bell_cb cb, void *data);
void ork_file_on_news(ork_store *s, ork_bell_cb cb, void *data);
#endif
