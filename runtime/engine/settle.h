/* SPDX-License-Identifier: MIT */
/* Ends of attempts, whatever carried them out; the idea is told in settle.c. */
#ifndef ORK_ENGINE_SETTLE_H
#define ORK_ENGINE_SETTLE_H
#include "core/run.h"
#include "exec/process/agent.h"
#include <jansson.h>

struct ork_active;
struct ork_live;
struct ork_end;
struct ork_poison;

/* The one way an attempt leaves: event into the core, rows, slots back, the agent told after the commit; once a
 * function has said whether it is tried again, if one says so. x: NULL no process. */
void ork_settle_end(struct ork_active *a, struct ork_live *l, struct ork_event *ev, struct ork_end *end,
                    const struct ork_exit *x);
void ork_settle_call(struct ork_active *a, struct ork_live *l, struct ork_event *ev,
                     struct ork_end *end); /* the end of an inline attempt */
/* Is the output of the task of its output_type? Converted where it must be: *text is written anew then. */
int ork_settle_output(struct ork_active *a, uint32_t task, json_t **output, char **text, size_t *len,
                      ork_err *err) ORK_MUSTCHECK;
const char *ork_settle_refused(const struct ork_poison *p); /* what is said of an attempt the database refused */
void ork_settle_exit(struct ork_active *a, uint32_t task, const struct ork_exit *x);
void ork_settle_fail(struct ork_active *a, uint32_t task, int kind,
                     const char *text); /* a granted attempt that never reached the agent */
void ork_settle_reject(struct ork_active *a, uint32_t task, int kind,
                       const char *text);                                     /* a task that fails before any attempt */
void ork_settle_dispatched(struct ork_active *a, uint32_t task, bool urgent); /* the attempt's first row */
void ork_settle_ended(struct ork_active *a, uint32_t task); /* the attempt's last row, when it is due */
void ork_settle_recalled(struct ork_active *a, uint32_t task, uint32_t attempt);
void ork_settle_reject_after(struct ork_active *a, uint32_t task, int kind, const char *text,
                             int64_t after_ms); /* after_ms as in ork_event.retry_after_ms */
void ork_settle_rejects(struct ork_active *a);  /* those that came while effects were worked off */
void ork_settle_queue_timeout(struct ork_active *a, uint32_t task);
void ork_settle_lost(struct ork_active *a, uint32_t task, const char *text);
void ork_settle_put(struct ork_active *a, uint32_t task,
                    bool urgent); /* the row as core and live record have it, no result */
#endif
