/* SPDX-License-Identifier: MIT */
/* The fires of a schedule. Time is walked in spans of one offset, on each of which local and absolute time run side by
 * side; only what happens where two spans meet is special:
 *
 *   absolute   ────────────┬───────────   the span's first instant
 *   local      … 01:59:59  │ 03:00 …      a gap:      [reached, begin) is empty; its times may become this instant
 *   local      … 02:59:59  │ 02:00 …      an overlap: [begin, reached) is here for the second time; may be left out
 *
 * reached: the local time that clocks have come to before. Law: nothing here adds a day or an hour to an instant; a
 * local time becomes an instant only by the offset of the span it was found in. */
#include "core/schedule.h"

/* Expressions have no years beyond these; instants outside are not asked for. */
#define FIRST_S INT64_C(-172800)   /* 1969-12-30 */
#define LAST_S INT64_C(7258291200) /* 2200-01-03 */

/* A span, cut to what there are expressions for, and the local times around its beginning. */
struct stretch {
    int64_t from_s, until_s, offset_s;
    int64_t begin;    /* local time of from_s */
    int64_t reached;  /* local time reached before; INT64_MIN: none */
    bool first, last; /* nothing before, nothing after */
};

static int64_t reached_before(const struct ork_tz *z, int64_t at_s)
{
    int64_t high = INT64_MIN, look = at_s;
    struct ork_tz_span s;

    do {
        ork_tz_span(z, look - 1, &s);
        if (look + s.offset_s > high)
            high = look + s.offset_s;
        look = s.from_s;
    } while (look > at_s - 2 * ORK_TZ_REACH_S);
    return high;
}

static void stretch_at(const struct ork_tz *z, int64_t at_s, struct stretch *out)
{
    struct ork_tz_span s;

    ork_tz_span(z, at_s, &s);
    out->first = s.from_s <= FIRST_S;
    out->last = s.until_s >= LAST_S;
    out->from_s = out->first ? FIRST_S : s.from_s;
    out->until_s = out->last ? LAST_S : s.until_s;
    out->offset_s = s.offset_s;
    out->begin = out->from_s + s.offset_s;
    out->reached = out->first ? out->begin : reached_before(z, out->from_s);
}

static bool shifts(const struct ork_schedule *s)
{
    if (s->dst == ORK_DST_SKIP)
        return false;
    return s->dst == ORK_DST_SHIFT || !(s->cron.flags & ORK_CRON_ELAPSED);
}

static bool repeats(const struct ork_schedule *s)
{
    if (s->dst == ORK_DST_SKIP)
        return false;
    return s->dst == ORK_DST_BOTH || (s->cron.flags & ORK_CRON_ELAPSED);
}

/* Is a time of the schedule lost in the gap at the span's beginning? *meant: the first one. */
static bool gap_has(const struct ork_schedule *s, const struct stretch *t, int64_t *meant)
{
    return t->reached < t->begin && ork_cron_next(&s->cron, t->reached, meant) && *meant < t->begin;
}

/* The local time from which on the span counts. */
static int64_t counts_from(const struct ork_schedule *s, const struct stretch *t)
{
    return t->reached > t->begin && !repeats(s) ? t->reached : t->begin;
}

/* Further than this from a span's ends no local time of another span is the same. */
#define CLEAR_S (2 * ORK_TZ_REACH_S)

static bool cron_next(const struct ork_schedule *s, int64_t from_s, int64_t *at_s)
{
    struct stretch t;
    int64_t local, meant;

    if (from_s < FIRST_S)
        from_s = FIRST_S;
    while (from_s < LAST_S) {
        stretch_at(s->zone, from_s, &t);
        if (t.from_s == from_s && shifts(s) && gap_has(s, &t, &meant)) {
            *at_s = from_s;
            return true;
        }
        int64_t begin = from_s + t.offset_s, least = counts_from(s, &t);
        bool found = ork_cron_next(&s->cron, begin > least ? begin : least, &local), far = t.until_s - from_s > CLEAR_S;
        if (found && local - t.offset_s < t.until_s) {
            *at_s = local - t.offset_s;
            return true;
        }
        if (far && !found)
            return false;
        /* the years before a rare time are passed over at once */
        from_s = far && local - CLEAR_S > t.until_s ? local - CLEAR_S : t.until_s;
    }
    return false;
}

static bool cron_prev(const struct ork_schedule *s, int64_t until_s, int64_t *at_s)
{
    struct stretch t;
    int64_t local, meant;

    if (until_s >= LAST_S)
        until_s = LAST_S - 1;
    while (until_s >= FIRST_S) {
        stretch_at(s->zone, until_s, &t);
        bool found = ork_cron_prev(&s->cron, until_s + t.offset_s, &local), far = until_s - t.from_s > CLEAR_S;
        if (found && local >= counts_from(s, &t)) {
            *at_s = local - t.offset_s;
            return true;
        }
        if (shifts(s) && gap_has(s, &t, &meant)) {
            *at_s = t.from_s;
            return true;
        }
        if (far && !found)
            return false;
        until_s = far && local + CLEAR_S < t.from_s ? local + CLEAR_S : t.from_s - 1;
    }
    return false;
}

/* ---- in milliseconds ------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

bool ork_schedule_next(const struct ork_schedule *s, int64_t after_ms, int64_t *at_ms)
{
    int64_t at_s;

    if (after_ms >= LAST_S * 1000)
        return false;
    if (after_ms < FIRST_S * 1000)
        after_ms = FIRST_S * 1000;
    if (s->every_ms > 0) {
        *at_ms = (floor_div(after_ms, s->every_ms) + 1) * s->every_ms;
        return true;
    }
    if (!cron_next(s, floor_div(after_ms, 1000) + 1, &at_s))
        return false;
    *at_ms = at_s * 1000;
    return true;
}

bool ork_schedule_prev(const struct ork_schedule *s, int64_t before_ms, int64_t *at_ms)
{
    int64_t at_s;

    if (before_ms < FIRST_S * 1000)
        return false;
    if (before_ms > LAST_S * 1000)
        before_ms = LAST_S * 1000;
    if (s->every_ms > 0) {
        *at_ms = floor_div(before_ms - 1, s->every_ms) * s->every_ms;
        return true;
    }
    if (!cron_prev(s, floor_div(before_ms - 1, 1000), &at_s))
        return false;
    *at_ms = at_s * 1000;
    return true;
}

void ork_schedule_explain(const struct ork_schedule *s, int64_t at_ms, struct ork_schedule_fire *out)
{
    int64_t at_s = floor_div(at_ms, 1000), both[2];
    struct ork_tz_span span;
    struct stretch t;

    ork_tz_span(s->zone, at_s, &span);
    *out =
        (struct ork_schedule_fire){.at_ms = at_ms, .offset_s = span.offset_s, .dst = span.dst, .abbrev = span.abbrev};
    if (ork_tz_instants(s->zone, at_s + span.offset_s, both) == 2)
        out->occurrence = at_s == both[1] ? 2 : 1;
    if (s->every_ms > 0 || span.from_s != at_s || !shifts(s))
        return;
    stretch_at(s->zone, at_s, &t);
    out->shifted = gap_has(s, &t, &out->meant_s);
}
