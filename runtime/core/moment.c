/* SPDX-License-Identifier: MIT */
/* Days are counted on the calendar, hours on the clock. */
#include "core/moment.h"

#define DAY_MS INT64_C(86400000)
#define REACH_MS (INT64_C(1) << 58) /* beyond any year a date can be written in; sums stay inside 64 bits */

static int64_t seconds_of(int64_t ms, int64_t *rest)
{
    int64_t s = ms / 1000 - (ms % 1000 < 0);

    *rest = ms - s * 1000;
    return s;
}

static int64_t civil_at(const struct ork_tz *zone, int64_t at_ms)
{
    int64_t rest;

    return at_ms + (zone ? (int64_t)ork_tz_offset(zone, seconds_of(at_ms, &rest), NULL, NULL) * 1000 : 0);
}

int64_t ork_moment_instant(const struct ork_tz *zone, int64_t civil_ms)
{
    int64_t rest, at[2], s = seconds_of(civil_ms, &rest);

    if (!zone)
        return civil_ms;
    bool gap = ork_tz_instants(zone, s, at) == 0;
    return at[0] * 1000 + (gap ? 0 : rest);
}

bool ork_moment_shift(struct ork_moment m, int64_t offset_ms, int64_t *at_ms, int64_t *civil_ms)
{
    int64_t days = offset_ms / DAY_MS, rest = offset_ms % DAY_MS;

    if (m.ms > REACH_MS || m.ms < -REACH_MS || offset_ms > REACH_MS || offset_ms < -REACH_MS)
        return false;
    *at_ms = days ? ork_moment_instant(m.zone, civil_at(m.zone, m.ms) + days * DAY_MS) : m.ms;
    *at_ms += rest;
    /* what is asked for is the day, also where its time of day is left out */
    *civil_ms = rest || !days ? civil_at(m.zone, *at_ms) : civil_at(m.zone, m.ms) + days * DAY_MS;
    return true;
}

int64_t ork_moment_civil(struct ork_moment m)
{
    return civil_at(m.zone, m.ms);
}
