/* SPDX-License-Identifier: MIT */
/* Whether a failed attempt is tried again, where a function of the script says so (`retries.on`).
 *
 *   the attempt has ended ─► asked in a worker ─► its answer ─► EXITED, the result's rows
 *                               │ 5 s, an error: the kind of the failure decides, with a warning
 *
 * Laws: nothing of the end is stored before the answer is there (the agent keeps the exit, a function has no row), so a
 * crash in between finds the end again and asks again; an attempt that is to be cancelled waits for no answer. */
#ifndef ORK_ENGINE_VERDICT_H
#define ORK_ENGINE_VERDICT_H
#include "core/run.h"
#include "exec/process/agent.h"

struct ork_active;
struct ork_live;
struct ork_end;

#define ORK_VERDICT_MS 5000 /* until the answer is there, however many wait for a worker */

/* true: it is asked, and the answer settles the attempt; what is borrowed was copied. */
bool ork_verdict_ask(struct ork_active *a, struct ork_live *l, const struct ork_event *ev, const struct ork_end *end,
                     const struct ork_exit *x);
void ork_verdict_over(struct ork_active *a, uint32_t task);      /* its time is over */
void ork_verdict_drop(struct ork_active *a, struct ork_live *l); /* the attempt is killed: settled without it */
void ork_verdict_free(struct ork_active *a, struct ork_live *l);
#endif
