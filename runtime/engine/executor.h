/* SPDX-License-Identifier: MIT */
/* Tasks that an executor of the script carries out (ork.executor): deferred jobs of type `executor`, whose three
 * functions are asked in workers.
 *
 *   GRANT ─► one commit: running + the job's row, without a handle ─► start ─► the handle joins the row ─► poll, every
 * so often ─► { output } or { error } ─► one commit: result + the job's end cancel, timeout ─► (the handle, when start
 * is on its way) ─► cancel ─► the attempt ends
 *
 * Laws: start is called only when the row is durable, and again with the same key while the row has no handle; what was
 * started is cancelled before its attempt ends early, and a crash in between cancels again. */
#ifndef ORK_ENGINE_EXECUTOR_H
#define ORK_ENGINE_EXECUTOR_H
#include <ork/ork.h>

struct ork_active;
struct ork_live;

#define ORK_HANDLE_MAX (64u << 10) /* bytes of JSON */

void ork_executor_committed(struct ork_active *a, struct ork_live *l); /* its row is durable */
void ork_executor_due(struct ork_active *a, struct ork_live *l);       /* start, or the next poll */
/* The attempt is to end of that (enum ork_kind), with that error. now: whatever becomes of what was started. */
void ork_executor_stop(struct ork_active *a, struct ork_live *l, int kind, const char *text, bool now);
void ork_executor_drop(struct ork_active *a, struct ork_live *l); /* its questions, with the attempt */
#endif
