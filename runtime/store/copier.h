/* SPDX-License-Identifier: MIT */
/* Copies everything of one database into another, of whatever backend, a page at a time, and compares both at the end.
 *
 *   admit: both alone, the destination empty or the same unfinished copy
 *   copy:  table after table, parents first; each page is one transaction with the note how far it is
 *   check: table after table, both sides are read again: number of rows, checksum in any order
 *   end:   the note goes, schedulers are numbered on behind the source's
 *
 * Law: until the end the destination says that it is half a copy, and nobody but a copy works on it. Killed anywhere in
 * between, the same copy goes on behind the last page that was committed. */
#ifndef ORK_STORE_COPIER_H
#define ORK_STORE_COPIER_H
#include "store/ops.h"

#define ORK_COPY_TABLES 18
#define ORK_COPY_ROWS 2000 /* of a page */

struct ork_copy_key { /* behind which the next page begins */
    struct ork_cell cells[ORK_TABLE_KEYS];
    struct ork_buf text[ORK_TABLE_KEYS]; /* owned: what the cells point to */
    bool set;
};
struct ork_copy_sum { /* the same for the same rows, in any order */
    int64_t rows;
    uint64_t low, high;
};
struct ork_copier {
    ork_store *from, *to;  /* borrowed */
    struct ork_buf source; /* owned: the name of `from` */
    struct ork_buf place;  /* owned: the name of `to` */
    uint64_t from_seq;     /* of schedulers, the highest there */
    bool resumed;

    enum { ORK_COPIER_COPIES, ORK_COPIER_CHECKS, ORK_COPIER_DONE } phase;
    size_t table; /* in ork_store_tables */
    bool again;   /* copying what was left out of tables at their first turn */
    bool other;   /* checking the destination's side */
    struct ork_copy_key key;
    size_t page;                    /* rows of a page, at most */
    size_t limit;                   /* rows to ask for: pages of large rows end early */
    int64_t rows;                   /* of this table, so far */
    int64_t total[ORK_COPY_TABLES]; /* rows of the source when it began */
    struct ork_copy_sum sum[ORK_COPY_TABLES][2];
    int64_t unfinished; /* runs that are not over */
};

/* Both are registered as copies, until they are closed. ESTATE EBUSY EINVAL with what is in the way. */
int ork_copier_init(struct ork_copier *c, ork_store *from, ork_store *to, const char *host, ork_err *err) ORK_MUSTCHECK;
/* One page. 1: there is more to do; 0: done. After an error the same copy can be begun again. */
int ork_copier_step(struct ork_copier *c, ork_err *err) ORK_MUSTCHECK;
void ork_copier_fini(struct ork_copier *c);

/* copier_note.c */
void ork_copy_key_set(struct ork_copy_key *k, const struct ork_store_table *t, const struct ork_rows *rows, size_t row);
void ork_copy_key_fini(struct ork_copy_key *k);
void ork_copier_note(const struct ork_copier *c, struct ork_buf *out); /* as JSON */
int ork_copier_take_up(struct ork_copier *c, const char *progress, ork_err *err) ORK_MUSTCHECK;
/* copier_check.c */
void ork_copier_fit(struct ork_copier *c, size_t got); /* copier.c: how many rows to ask for next, after so many came */
int ork_copier_check(struct ork_copier *c, ork_err *err) ORK_MUSTCHECK; /* one page of the phase CHECKS */
#endif
