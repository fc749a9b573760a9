/* SPDX-License-Identifier: MIT */
/* An instant and the zone whose clocks and calendar are meant: what `ork.date` and typed dates are relative to. Pure.
 */
#ifndef ORK_CORE_MOMENT_H
#define ORK_CORE_MOMENT_H
#include "core/tz.h"

struct ork_moment {
    int64_t ms;
    const struct ork_tz *zone; /* borrowed; NULL: UTC */
};

/* The moment shifted by an offset, and what clocks of its zone show then (civil milliseconds). Whole days of the offset
 * are days of the calendar: the day before is the day before, also where one had 23 or 25 hours (no adding of 86,400
 * seconds); the rest is elapsed time. A civil time that clocks leave out stands for the first instant after it, one
 * that comes twice for the first. false: out of range. */
bool ork_moment_shift(struct ork_moment m, int64_t offset_ms, int64_t *at_ms, int64_t *civil_ms);
int64_t ork_moment_civil(struct ork_moment m);
/* The instant at which clocks of the zone show that; as above where they never do, or do twice. */
int64_t ork_moment_instant(const struct ork_tz *zone, int64_t civil_ms);
#endif
