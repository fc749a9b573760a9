/* SPDX-License-Identifier: MIT */
/* Jobs of other services that a task left behind and waits for: its output was {"deferred":[…]}.
 *
 *   exit 0, or returned ──► one commit: running, its jobs' rows ──► ACK, its place given back
 *                              └─► each job: asked at its instant ─► running: later │ completed │ failed
 *   all completed, or one failed ──► one commit: the jobs' ends and the task's
 *
 * Laws: that an attempt left jobs is durable before its process is forgotten; a job is known by its row from then on,
 * so whoever takes the run up asks the same jobs again; what is asked is never stored with a secret in it; an answer
 * that could not be had is no end. */
#ifndef ORK_ENGINE_REMOTE_H
#define ORK_ENGINE_REMOTE_H
#include "core/remote.h"
#include <ork/http.h>

struct ork_active;
struct ork_live;
struct ask;

struct ork_remote_job {
    ork_id id;
    struct ork_remote_def def;
    enum { ORK_REMOTE_OPEN, ORK_REMOTE_DONE, ORK_REMOTE_FAILED, ORK_REMOTE_CANCELLED } state;
    int64_t due_ms, polled_ms;
    uint32_t asked;
    char *error;    /* owned: why the last answer could not be had, or why it failed; NULL */
    char *said;     /* owned: what the last answer said, when that was no end; NULL */
    json_t *answer; /* owned: the last one, when it is done; NULL */
    bool unsaved;   /* its end is stored with the task's, as a function may be asked before whether that is one */
    bool asking;
    ork_http_transfer *transfer; /* NULL: none is under way; else ask is whose answer comes */
    struct ask *ask;
};
struct ork_remote {              /* owned by its live attempt */
    struct ork_remote_job *jobs; /* owned */
    size_t n;
    int64_t begun_ms, limit_ms; /* limit 0: none */
    int32_t exit_code;          /* of the process; -1: a function */
    int64_t log_bytes;
};

/* From the list of an output; masked: a secret was taken out of that. EINVAL, ETOOBIG; EENV: nothing here speaks HTTP.
 */
int ork_remote_make(struct ork_active *a, const json_t *list, bool masked, struct ork_remote **out,
                    ork_err *err) ORK_MUSTCHECK;
/* The attempt, whose process or call is over, waits from now on. r: taken; exit_code -1: a function. */
void ork_remote_begin(struct ork_active *a, struct ork_live *l, struct ork_remote *r, int32_t exit_code,
                      int64_t log_bytes, const char *tail, size_t tail_len);
int ork_remote_load(struct ork_active *a, ork_err *err) ORK_MUSTCHECK; /* what the run's tasks wait for */
void ork_remote_due(struct ork_active *a, uint32_t task);
void ork_remote_over(struct ork_active *a, uint32_t task); /* its deferred_timeout */
void ork_remote_kill(struct ork_active *a, struct ork_live *l);
void ork_remote_ended(struct ork_active *a, struct ork_live *l); /* its task has: what is open goes with it */
void ork_remote_leave(struct ork_live *l);                       /* nobody takes answers any more */
void ork_remote_free(struct ork_active *a, struct ork_live *l);
void ork_remote_close(ork_engine *e);
char *ork_remote_text(const struct ork_remote *r); /* "for 2 jobs of other services"; owned by the caller */
/* between remote.c and remote_load.c */
extern const char *const ork_remote_states[];
void ork_remote_arm(struct ork_active *a, const struct ork_live *l); /* to the next question */
void ork_remote_limit(struct ork_active *a, struct ork_live *l);     /* its deferred_timeout, from when it began */
int ork_remote_http(ork_engine *e, ork_err *err) ORK_MUSTCHECK;      /* a client is there */
#endif
