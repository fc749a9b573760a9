/* SPDX-License-Identifier: MIT */
/* When a workflow is due: the stored option `schedule` (docs/internals/json.md) with its zone, and its fires as
 * instants. Pure: the same schedule and instant give the same answer everywhere. Instants are milliseconds since 1970.
 *
 * `every_ms`: the multiples of the interval since 1970-01-01T00:00:00Z; no zone, no dst.
 *
 * `cron`: the local times that match. Where clocks are set forward, a stretch of local times does not exist (the gap);
 * where they are set back, one comes twice (the overlap). Schedules with fixed times (neither a wildcard nor a step in
 * hour or minute) mean a time of day; the others mean every so often:
 *
 *   dst        in a gap                                   in an overlap
 *   default    fixed: at the first instant after it       fixed: at the first occurrence
 *              wildcard: nothing                          wildcard: at both
 *   skip       nothing                                    at the first occurrence
 *   shift      at the first instant after it              as default
 *   both       as default                                 at both occurrences
 *
 * Europe/Berlin, gap 2026-03-29 02:00–03:00 (at 01:00Z), overlap 2026-10-25 02:00–03:00 (back at 01:00Z):
 *
 *   30 2 * * *              29 March 03:00 CEST (01:00Z)              25 October 02:30 CEST (00:30Z) only
 *   30 2 * * *  skip        not on 29 March                           25 October 02:30 CEST only
 *   30 2 * * *  both        29 March 03:00 CEST                       25 October 02:30 CEST (00:30Z) and CET (01:30Z)
 *   0,30 2 * * *            29 March 03:00 CEST, once                 25 October 02:00 CEST, 02:30 CEST
 *   0 2,3 * * *             29 March 03:00 CEST, once                 25 October 02:00 CEST, 03:00 CET
 *   * /30 * * * *           every 30 minutes: 00:30Z 01:00Z 01:30Z    every 30 minutes: 00:30Z 01:00Z 01:30Z
 *   * /30 2 * * *           not on 29 March                           00:00Z 00:30Z 01:00Z 01:30Z
 *   * /30 2 * * *  shift    29 March 03:00 CEST, once                 as above
 *   * /30 * * * *  skip     as without                                23:30Z 00:00Z 00:30Z, then 02:00Z
 *
 * All times of a gap are one fire at its end, also when that instant is a time of the schedule itself: fires are a set
 * of instants. Lord Howe's clocks jump by 30 minutes: `0 * * * *` has no 02:00 on the day of its gap and comes 90
 * minutes later, at 03:00; with shift, at 02:30. A whole day can be a gap (Apia, 2011-12-30): `0 12 * * *` fires at
 * 31 December 00:00 and 12:00. */
#ifndef ORK_CORE_SCHEDULE_H
#define ORK_CORE_SCHEDULE_H
#include "core/cron.h"
#include "core/tz.h"

struct json_t;

enum ork_catchup { ORK_CATCHUP_NONE, ORK_CATCHUP_LATEST, ORK_CATCHUP_ALL };
enum ork_overlap { ORK_OVERLAP_ALLOW, ORK_OVERLAP_SKIP, ORK_OVERLAP_QUEUE, ORK_OVERLAP_CANCEL_RUNNING };
enum ork_dst { ORK_DST_DEFAULT, ORK_DST_SKIP, ORK_DST_SHIFT, ORK_DST_BOTH };
#define ORK_CATCHUP_LIMIT 100 /* default of catchup_limit */

struct ork_schedule {
    struct ork_tz *zone; /* owned (counted) */
    int64_t every_ms;    /* 0: cron */
    int64_t jitter_ms;   /* 0 none */
    struct ork_cron cron;
    uint32_t catchup_limit;        /* most runs made at once by catchup all; >= 1 */
    uint8_t catchup, overlap, dst; /* enums above; latest, skip, default */
};

/* The zone a stored option names, "UTC" by default; borrowed from it. What ork_zones_get wants. */
const char *ork_schedule_zone(const struct json_t *option);
/* option: {"cron"|"every_ms","timezone","dst","catchup","catchup_limit","overlap","jitter_ms","params"}; with
 * "dialect":"original" the cron text is the original's. params are not looked at. zone: a count is taken. EINVAL says
 * which key is wrong. The result is about 150 bytes. */
int ork_schedule_parse(const struct json_t *option, struct ork_tz *zone, struct ork_schedule **out,
                       ork_err *err) ORK_MUSTCHECK;
void ork_schedule_free(struct ork_schedule *s); /* NULL is fine */

/* The first fire strictly after, the last strictly before; false: none from 1970 to 2199. */
bool ork_schedule_next(const struct ork_schedule *s, int64_t after_ms, int64_t *at_ms);
bool ork_schedule_prev(const struct ork_schedule *s, int64_t before_ms, int64_t *at_ms);
/* How much later than at_ms its run starts, in [0, jitter_ms): from a hash of seed (the workflow's id) and instant, so
 * that it is the same after a restart and on every scheduler. 0 without jitter. */
int64_t ork_schedule_jitter(const struct ork_schedule *s, const void *seed, size_t n, int64_t at_ms);

/* How a fire of a cron schedule relates to what its zone's clocks do. */
struct ork_schedule_fire {
    int64_t at_ms;
    int32_t offset_s;
    bool dst;
    const char *abbrev; /* lives as long as the zone */
    bool shifted;       /* its local time is in a gap: it fires at the first instant after it */
    int64_t meant_s;    /* shifted: the (first) local time that does not exist, civil seconds */
    uint8_t occurrence; /* its local time comes twice: 1 or 2; else 0 */
};
/* at_ms: a fire of s. */
void ork_schedule_explain(const struct ork_schedule *s, int64_t at_ms, struct ork_schedule_fire *out);
#endif
