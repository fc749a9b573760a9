/* SPDX-License-Identifier: MIT */
/* Tasks that are functions: the call of one attempt, from its grant to its end.
 *
 *   GRANT ──commit──► ready ──► who calls it takes it ──► ork_call_end ──► EXITED, one row
 *
 * Two kinds of callers, by the task's executor: `inline`, the host program (inline.c), and `lua`, worker processes
 * (workers.c). What they share is here. Laws: a call begins only when what it waited for is durable; an attempt has no
 * row before its result; its end is taken once; one that was told to end ends as what it was told, whatever its
 * function returns. Both kinds die with this program and leave no trace: the same attempt is made again. */
#ifndef ORK_ENGINE_CALL_H
#define ORK_ENGINE_CALL_H
#include "engine/resources.h"
#include "base/heap.h"
#include <jansson.h>
#include <ork/ork.h>
#include <uthash.h>

struct ork_active;
struct ork_live;
struct ork_member;

struct ork_call {
    struct ork_live *live;
    struct ork_active *run; /* borrowed: the live attempt goes with it */
    char *input;            /* owned JSON; NULL once nobody needs it any more */
    size_t input_len;
    bool held;          /* its input counts among those in memory */
    const char *option; /* static: where its function stands, "run" for the attempt itself */
    char *library;      /* owned: absolute path of a shared library whose function it is; NULL: it is a script's */
    int64_t timeout_ms; /* that it may compute and sleep; 0 none */
    struct ork_resources most; /* of a call that is alone in its worker */
    bool question;             /* engine/question.h: of no attempt */
    bool by_worker;
    bool running;                             /* whoever watches was told */
    bool shown;                               /* its task's row says that it runs */
    int64_t known_ms;                         /* monotonic: whoever watches was told then */
    struct ork_call *begun_prev, *begun_next; /* of those that are not shown yet */
    int stopped;                              /* enum ork_kind: it was told to end, and why; 0 no */
    struct ork_heap_node deadline;            /* when due_ms > 0 */
    int64_t due_ms;                           /* monotonic: its timeout, or the end of its grace; 0 none */
    int64_t begun_ms;                         /* monotonic; 0: not yet, as far as is known */
    int64_t log_bytes;
    double done, total; /* its progress; total 0: unknown */
    /* of the host program */
    uint64_t token;               /* hash key; 0 until the host took it */
    struct ork_call *prev, *next; /* waits to be taken */
    bool queued, lent;            /* lent: it takes no place, see ork_inline_lend */
    UT_hash_handle hh;
    /* of workers */
    struct ork_member *member;  /* borrowed: who has it; NULL: it waits in e->workers */
    struct ork_heap_node place; /* there */
    int32_t priority;           /* of two that wait the greater one is next */
    uint64_t number;            /* first granted, first called; kept when it comes back */
    uint32_t slot;
    bool alone, waits; /* alone: nothing else is with it, as it was lost before or is a library's; waits: it
                          sleeps, and does not compute */
};

/* call.c */
uint32_t ork_call_no(const struct ork_call *c);      /* whose function it is; ORK_NO_TASK: the workflow's */
uint32_t ork_call_item(const struct ork_call *c);    /* 0: none */
const char *ork_call_name(const struct ork_call *c); /* "" for the workflow */
int32_t ork_call_priority(const struct ork_call *c);
void ork_call_init(ork_engine *e);
bool ork_call_is(const ork_workflow *w, uint32_t task); /* a function, whoever calls it */
int ork_call_window(const ork_workflow *w, uint32_t task);
bool ork_call_only(const ork_workflow *w);    /* needs no agent */
bool ork_call_isolated(const json_t *params); /* it shares its worker with nobody */
int ork_call_build(struct ork_active *a, struct ork_live *l, json_t *params, ork_err *err) ORK_MUSTCHECK;
void ork_call_ready(struct ork_active *a, uint32_t task, uint32_t attempt); /* what it waited for is durable */
void ork_call_kill(struct ork_active *a, struct ork_live *l, int64_t grace_ms);
void ork_call_recall(struct ork_active *a, struct ork_live *l);
void ork_call_leave(ork_engine *e, struct ork_call *c); /* nobody waits for it any more: who calls it is told */
void ork_call_free(ork_engine *e, struct ork_call *c);  /* leaves it first */
void ork_call_deadline(ork_engine *e, struct ork_call *c, int64_t due_ms); /* 0: none */
int64_t ork_call_grace(const struct ork_call *c);
int64_t ork_call_mono(ork_engine *e);
void ork_call_begun(ork_engine *e, struct ork_call *c); /* its worker has begun it: since when */
void ork_call_running(struct ork_call *c);
/* The JSON it left without the secrets it was given; NULL: it holds none. Owned by the caller. */
char *ork_call_masked(const struct ork_call *c, const char *text, size_t text_len, size_t *len);
void ork_call_end(struct ork_call *c, const struct ork_inline_result *r); /* it is out of its caller's books */

/* begun.c */
void ork_begun_add(ork_engine *e, struct ork_call *c);
void ork_begun_remove(ork_engine *e, struct ork_call *c);
void ork_begun_forget(struct ork_active *a); /* when rows were loaded: calls under way died with who made them */
/* What is said when that attempt, which was one of these, is cancelled before it began again; NULL: it was none. */
const char *ork_begun_died(const struct ork_active *a, uint32_t task, uint32_t attempt);
void ork_begun_leave(struct ork_active *a, const struct ork_live *l); /* this program ends, and with it the call */

/* inline.c: called by the host program */
#define ORK_INLINE_WINDOW 256 /* calls under way at once, beside those that wait for other runs */
#define ORK_INLINE_AHEAD 1024 /* attempts granted and not ended: what one commit can set free */
void ork_inline_hold(ork_engine *e, struct ork_call *c, bool yes); /* its input is in memory, and not taken */
void ork_inline_ready(ork_engine *e, struct ork_call *c);
void ork_inline_forget(ork_engine *e, struct ork_call *c); /* it is about to end */
void ork_inline_leave(ork_engine *e, struct ork_call *c);
void ork_inline_stop(ork_engine *e, struct ork_call *c, int kind, bool now);
bool ork_inline_turn(ork_engine *e);                    /* between two turns of the loop; true: more at once */
void ork_inline_wake(ork_engine *e, const char *ended); /* whoever waits for runs looks again */
bool ork_inline_due(const ork_engine *e);               /* a call may be taken */
/* May this program go on with the run: does it need functions that live elsewhere? */
void ork_inline_same(ork_engine *e, const char *definition, const char *changed); /* by their hashes */
int ork_inline_may_own(ork_engine *e, const ork_id *run, ork_err *err) ORK_MUSTCHECK;
bool ork_inline_strange(ork_engine *e, ork_workflow *w); /* has functions, and not ours */
int ork_inline_may_start(ork_engine *e, ork_workflow *w, ork_err *err) ORK_MUSTCHECK;
#endif
