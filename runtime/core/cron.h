/* SPDX-License-Identifier: MIT */
/* A cron expression as bit masks, and the local times it names. No zone, no clock: times are civil seconds (seconds
 * since 1970-01-01 as if the wall clock showed UTC). What happens where clocks change is core/schedule.h.
 *
 *   minute hour day month weekday                 0 2 * * MON-FRI
 *   second minute hour day month weekday          30 0 2 * * *
 *   second minute hour day month weekday year     0 0 12 L * ? 2026-2030/2
 *
 *   every field   *   a   a-b   a,b,c   * /n   a-b/n   a/n (from a on)         (without the blank)
 *   names         JAN or January, MON or Monday, in any case
 *   day           ?   L (last of the month)   L-3   15W (working day nearest to the 15th)   LW (last working day)
 *   weekday       ?   0-7 (0 and 7 Sunday)   FRI-MON (over the week's end)   5L FRIL (last Friday)   MON#2 (second)
 *   year          1970-2199
 *   instead       @yearly @annually @monthly @weekly @daily @midnight @hourly
 *
 * Day and weekday both set: a day matches if either does (the rule of Vixie's cron), or, where one of them begins with
 * * as in * /2, if both do. FRI-MON is the only range over an end; hours of a night are 22-23,0-2. A step longer than
 * its range (* /90 in the minute) is refused: it would never come to a second one. */
#ifndef ORK_CORE_CRON_H
#define ORK_CORE_CRON_H
#include <ork/ork.h>

#define ORK_CRON_YEAR_FIRST 1970
#define ORK_CRON_YEAR_LAST 2199

/* How a text is read: 0, or the dialect of the original (6 or 7 fields, weekday 1 Sunday to 7 Saturday, no L # W, day
 * and weekday must both match), for the stored schedules of a taken-over database. */
#define ORK_CRON_ORIGINAL 1u

/* What the text said beyond its masks. */
enum {
    ORK_CRON_DAY_SET = 1,     /* the day field restricts */
    ORK_CRON_WEEKDAY_SET = 2, /* the weekday field restricts; with DAY_SET: either matches, worth a warning */
    ORK_CRON_BOTH = 4,        /* both must match (the original's dialect) */
    ORK_CRON_ELAPSED = 8      /* a wildcard or step in hour or minute: follows elapsed time */
};

struct ork_cron {
    uint64_t seconds, minutes; /* bits 0–59 */
    uint64_t nth;              /* weekday × 5 + n - 1: MON#2 is bit 6 */
    uint64_t years[4];         /* year - 1970; all ones without a year field */
    uint32_t hours;            /* bits 0–23 */
    uint32_t days;             /* bits 1–31 */
    uint32_t last;             /* bits 0–30: n days before the last of the month; L is bit 0 */
    uint32_t near;             /* bits 1–31: the working day nearest to it; LW is bit 0 */
    uint16_t months;           /* bits 1–12 */
    uint8_t weekdays;          /* bits 0–6, Sunday 0 */
    uint8_t last_weekdays;     /* the last such day of the month */
    uint8_t flags;             /* ORK_CRON_DAY_SET … */
};

/* What is wrong with a text, and where. */
struct ork_cron_mistake {
    size_t at, len; /* bytes of the text that are wrong */
    char text[200]; /* "the hour is 25; it goes from 0 to 23" */
    char hint[200]; /* what is right: "did you mean …", an example; "" none */
};

/* 0 or ORK_EINVAL, with *m (may be NULL) filled. An expression that names no day at all between 1970 and 2199 (31
 * February) is a mistake; one whose years are over is none here, see ork_cron_over. */
int ork_cron_parse(const char *text, unsigned dialect, struct ork_cron *out, struct ork_cron_mistake *m) ORK_MUSTCHECK;
/* Has it no time at or after local_s? A mistake of a new schedule, not of a stored one. */
bool ork_cron_over(const struct ork_cron *c, const char *text, int64_t local_s, struct ork_cron_mistake *m);
/* What is worth telling though it is right (day and weekday both set), as the end of a sentence, or NULL; static. */
const char *ork_cron_warning(const struct ork_cron *c);
/* "0 25 * * *\n  ^^": the text and its marked place, on two lines without a newline at the end. */
void ork_cron_caret(const char *text, const struct ork_cron_mistake *m, char *out, size_t cap);

/* The first time at or after, the last at or before; false: none from 1970 to 2199. */
bool ork_cron_next(const struct ork_cron *c, int64_t local_s, int64_t *out);
bool ork_cron_prev(const struct ork_cron *c, int64_t local_s, int64_t *out);
#endif
