/* SPDX-License-Identifier: MIT */
/* The part of ork.h about time: schedules and zones, and the scheduler that stays up. Included by ork.h, never alone.
 */
#ifndef ORK_SCHEDULE_H
#define ORK_SCHEDULE_H
#include "ork.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- schedules ------------------------------------------------------------------------------ */

/* Complete params of a scheduled run: schedule.params with their dates at logical_ms, over them texts {name: "as
 * typed"} (NULL none). */
ORK_API int ork_workflow_schedule_params(const ork_workflow *w, const char *texts, int64_t logical_ms, char **out,
                                         ork_err *err) ORK_MUSTCHECK;
/* The day an instant is in there, so many days on: "2026-11-01". */
ORK_API int ork_zone_date(int64_t ms, const char *zone, int days, char out[16], ork_err *err) ORK_MUSTCHECK;
/* The instant at which clocks of a zone show "YYYY-MM-DD[ HH:MM:SS]": the first of two; in a gap the first after it. */
ORK_API int ork_zone_instant(const char *text, const char *zone, int64_t *ms, ork_err *err) ORK_MUSTCHECK;

/* A mistake in a text of cron, with its place. */
struct ork_cron_wrong {
    size_t at, len; /* bytes of the text that are wrong */
    char text[200]; /* "the hour is 25; it goes from 0 to 23" */
    char hint[200]; /* what is right; "" none */
};
/* Checks a text of cron (5, 6 or 7 fields, or @daily …) of a new schedule in a zone: 0 or EINVAL with *wrong (may be
 * NULL). now_ms: an expression whose years are over by then is a mistake too. warning: a text worth telling though it
 * is right (day and weekday are both set), or NULL; static. */
ORK_API int ork_cron_check(const char *cron, int64_t now_ms, const char **warning,
                           struct ork_cron_wrong *wrong) ORK_MUSTCHECK;
/* Is there a time zone of that name on this system? EINVAL, ENOTFOUND, EENV (no time zones here), ECORRUPT. near: the
 * name that was probably meant, or "". */
ORK_API int ork_zone_check(const char *name, char near[64], ork_err *err) ORK_MUSTCHECK;
/* The zone this user lives in: $TZ, else the machine's, else "UTC". */
ORK_API void ork_zone_local(char out[64]);

/* The first n (at most 10,000) fires of a stored option `schedule` strictly after an instant, for `plan` and `schedule
 * next`. viewer: name of a second zone to tell each fire in, or NULL.
 * {"timezone","viewer"|null,"cron"|"every_ms","fires":[{"at": ms,"local":"2026-03-29 03:00:00","offset":"+02:00",
 *   "abbrev":"CEST","dst":true,
 *   "viewer":{"local","offset","abbrev"}|null,
 *   "change":{"at": ms,"by_s":3600}|null,         the last change of the offset since the fire before (the first: since
 *                                                 after_ms); by_s > 0: clocks were set forward
 *   "shifted_from":"2026-03-29 02:30:00"|null,    that local time does not exist
 *   "occurrence":1|2|null}]}                      that local time comes twice; this is which */
ORK_API int ork_schedule_fires_json(const char *option, int64_t after_ms, uint32_t n, const char *viewer, char **json,
                                    size_t *len, ork_err *err) ORK_MUSTCHECK;

/* ---- a scheduler that stays up ---------------------------------------------------------------- */

/* Leaves a run for whoever serves the database (in an engine that has runs of its own: starts it). The database keeps
 * the definition by then; opts as of ork_run_start without resume and part. */
ORK_API int ork_run_trigger(ork_engine *e, ork_workflow *w, const struct ork_start_opts *o, struct ork_started *out,
                            ork_err *err) ORK_MUSTCHECK;
/* Becomes a scheduler that stays up: from now on this engine takes up runs that nobody carries out (triggered ones,
 * those of programs that died or handed over) and starts runs by the schedules of applied workflows. Before its first
 * own run. Then ork_engine_run, which drives the loop until ork_engine_interrupt (0) or another scheduler took over
 * (EFENCED). */
ORK_API int ork_engine_serve(ork_engine *e, ork_err *err) ORK_MUSTCHECK;
ORK_API int ork_engine_run(ork_engine *e, ork_err *err) ORK_MUSTCHECK;
/* Does somebody alive serve this database? */
ORK_API int ork_engine_served(ork_engine *e, bool *served, ork_err *err) ORK_MUSTCHECK;
/* Gives all runs back as they stand, for another scheduler or the next start; processes go on under the agent. Nothing
 * new is started from now on; ork_engine_close comes next. */
ORK_API void ork_engine_hand_over(ork_engine *e);

/* ---- stored schedules --------------------------------------------------------------------------- */

/* The schedules of applied workflows, by name. filter JSON or NULL: {"name","enabled":true,"after":name,"limit":N}.
 * Documents: docs/internals/json.md, "schedules". */
ORK_API int ork_schedules_json(ork_engine *e, const char *filter, char **out, ork_err *err) ORK_MUSTCHECK;
/* The operator's switch: on never fires at once, off is kept when the workflow is applied again. ESTATE: it has no
 * schedule. */
ORK_API int ork_schedule_switch(ork_engine *e, const char *name, bool on, bool *changed, ork_err *err) ORK_MUSTCHECK;
/* Keeps with the workflows of a script why it could not be loaded again; text NULL: it could. */
ORK_API int ork_script_error(ork_engine *e, const char *path, const char *text, ork_err *err) ORK_MUSTCHECK;

#ifdef __cplusplus
}
#endif
#endif
