/* SPDX-License-Identifier: MIT */
/* What a workflow or a task wants called when it has ended: on_success, on_failure, on_cancel.
 *
 *   a final status ─► one commit: the end + a row in `commands` (kind "on_failure") that says a handler is owed
 *        ─► called, as a question is ─► COMMAND_DONE: "done", or what it failed of
 *
 * Laws: a handler is owed from the commit of the end on, and until its own end is stored, so it is called at least
 * once; it changes nothing of what it is told of; the run is out of our hands meanwhile, and may be tried again. Who
 * owes it is named in the row (`by`); when that program is gone whoever claims the run next calls it. */
#ifndef ORK_ENGINE_HANDLERS_H
#define ORK_ENGINE_HANDLERS_H
#include <ork/ork.h>

struct ork_active;
struct ork_rows;
struct ork_handlers;

#define ORK_HANDLER_TRIES 3 /* calls that were lost with their worker */

/* It has become final (ORK_NO_TASK: the run itself): joins the commit being collected. */
void ork_handlers_owe(struct ork_active *a, uint32_t task);
void ork_handlers_begin(struct ork_active *a, const ork_id *command, const char *kind, uint32_t task);
bool ork_handlers_is(const char *kind);             /* such a row of `commands` */
char *ork_handlers_log(const struct ork_active *a); /* the file of what a run's handlers write; owned by the caller */
/* An open row of `commands`: a handler, owed by a program that is gone? */
bool ork_handlers_left(ork_engine *e, const struct ork_rows *rows, size_t i);
/* A row of `commands` about a run that was claimed. */
void ork_handlers_take(struct ork_active *a, const struct ork_rows *rows, size_t i);
bool ork_handlers_busy(ork_engine *e, const ork_id *run); /* handlers of it, or of runs of its tasks, are called here */
bool ork_handlers_any(const ork_engine *e);
/* Has the program died that owes a free wish? What is no handler is always free. */
bool ork_handlers_free(ork_engine *e, const struct ork_rows *rows, size_t i);
void ork_handlers_leave(ork_engine *e); /* nobody takes answers any more: they stay owed */
void ork_handlers_fini(ork_engine *e);
#endif
