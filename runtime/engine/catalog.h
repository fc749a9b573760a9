/* SPDX-License-Identifier: MIT */
/* Inside the engine: definitions that stay in the database, and what is removed from it. Everything here asks the store
 * one thing and waits for the answer; nothing of it is part of a run's life. */
#ifndef ORK_ENGINE_CATALOG_H
#define ORK_ENGINE_CATALOG_H
#include "engine/engine.h"

/* ask.c: one unit, committed before it returns; with others of this engine when it is a scheduler, else alone. What the
 * unit points to stays the caller's. rings: others must look. */
int ork_ask(ork_engine *e, const struct ork_unit *unit, size_t bytes, bool rings, ork_err *err) ORK_MUSTCHECK;

/* catalog.c: the id of a workflow's row. ENOTFOUND with a suggestion. */
int ork_catalog_find(ork_engine *e, const char *name, ork_id *id, ork_err *err) ORK_MUSTCHECK;

/* remains.c: log folders of removed runs, deleted by uv's threads; at most four jobs at once. */
struct ork_remains_job;
struct ork_remains {
    ork_engine *engine;
    struct ork_remains_job *next; /* owned: the one being filled */
    unsigned works;
    int64_t bytes; /* of files that were deleted, or with `measure` would be */
    uint32_t left; /* folders that could not be removed whole */
    bool measure;  /* only look */
    ork_id *done;  /* owned: runs whose folders are gone, to be forgotten */
    size_t done_len, done_cap;
};
void ork_remains_add(struct ork_remains *m, const ork_id *run,
                     char *dir); /* dir is taken; NULL: only where the data directory has it. May drive the loop */
void ork_remains_wait(struct ork_remains *m, unsigned most); /* drives the loop until at most so many jobs are left */
void ork_remains_finish(struct ork_remains *m);              /* until all are done */
void ork_remains_fini(struct ork_remains *m);                /* the same, and frees */
#endif
