/* SPDX-License-Identifier: MIT */
/* What a scheduler does that stays up: it acts on schedules (schedules.c, fire.c), takes up runs that nobody carries
 * out (adopt.c), and notices that time zones change (zone_watch.c). Loop thread. */
#ifndef ORK_ENGINE_SERVE_H
#define ORK_ENGINE_SERVE_H
#include "base/buf.h"
#include "core/schedule.h"
#include "engine/timers.h"

struct ork_rows;
struct ork_zones;

struct ork_given_up {
    ork_id run; /* hash key */
    UT_hash_handle hh;
};
struct ork_serve {
    bool on;
    /* schedules */
    struct ork_timer timer; /* to the next instant of any schedule; in the heap while at_ms */
    bool reading, again;    /* a look is under way; another is wanted after it */
    unsigned fires;         /* steps in a commit */
    bool stuck;             /* one of them could not be stored at all */
    bool checking, check_again;
    char *check_after;              /* owned: name before the page being checked; NULL: none is */
    struct ork_zone_watch *watches; /* owned list */
    /* runs of others */
    bool adopting, adopt_again, deep, deep_again; /* deep: owners may have died */
    unsigned claims;                              /* in a commit */
    bool doubt;                                   /* a run may be ours by its row that is not among ours */
    int64_t later_ms;                             /* uv_now of the next look; 0: none is due */
    struct ork_given_up *given_up;                /* hash: runs that cannot be gone on with here */
    struct ork_claim_again *claims_again;         /* owned list: of runs that were ours, at later_ms */
};

/* schedules.c, fire.c: what serve does about schedules */
void ork_schedules_look(ork_engine *e); /* acts on what is due, arms the timer to what is next */
void ork_schedules_check(
    ork_engine *e); /* the clock, the zones or the program are new: are the next times right? Then looks */
void ork_schedules_fini(ork_engine *e);
int ork_schedules_parse(ork_engine *e, const char *options, const char *original, struct ork_schedule **out,
                        ork_err *err) ORK_MUSTCHECK; /* as the row has it: the option, else the original's text */
void ork_fire_step(ork_engine *e, const struct ork_rows *rows, size_t row); /* one step, which ends by ork_fire_done */
void ork_fire_done(ork_engine *e, bool stuck); /* schedules.c; stuck: looked at again in a minute, not at once */

/* serve.c */
void ork_serve_rung(ork_engine *e, bool death); /* others changed something; death: an owner is gone */
void ork_serve_fini(ork_engine *e);
int ork_serve_watch(ork_engine *e, bool *served,
                    ork_err *err) ORK_MUSTCHECK; /* is there one? Its death will be heard */

/* adopt.c: runs that nobody carries out */
void ork_adopt_look(ork_engine *e, bool deep);
void ork_adopt_claim(ork_engine *e, const ork_id *run); /* one that was ours; also where nothing is looked for */
void ork_adopt_fini(ork_engine *e);
void ork_adopt_fail_run(ork_engine *e, const ork_id *run,
                        const ork_err *err); /* ours by its row: it fails, since its definition can never be read */

/* zoned.c: the zone of a workflow's schedule */
int ork_zone_of(ork_engine *e, const ork_workflow *w, struct ork_tz **out, ork_err *err) ORK_MUSTCHECK; /* NULL: UTC */
struct ork_zones *ork_engine_zones(ork_engine *e);

/* doc_schedule.c */
int ork_doc_schedules(ork_engine *e, struct ork_buf *out, ork_err *err) ORK_MUSTCHECK; /* "next" and "trouble" */
#endif
