/* SPDX-License-Identifier: MIT */
/* Questions to a zone. Everything is answered by one primitive, the span an instant is in:
 *
 *        changes[0]      changes[1]          rule_from_s
 *   first    |   kinds[0]    |   kinds[1]  …     |  the rule, for ever
 *
 * A local time is found by asking the spans around it, never by guessing an offset and correcting it: that is how
 * mktime comes to different answers in New York and Dublin. */
#include "core/tz_internal.h"
#include "base/alloc.h"
#include <stdlib.h>

struct ork_tz *ork_tz_utc(void)
{
    static struct ork_tz_type type = {.abbrev = "UTC"};
    static char name[] = "UTC";
    static struct ork_tz utc = {.name = name, .types = &type};

    return &utc;
}

struct ork_tz *ork_tz_ref(struct ork_tz *z)
{
    if (z->refs > 0) /* the static one is never written to: engines of several threads share it */
        z->refs++;
    return z;
}

void ork_tz_unref(struct ork_tz *z)
{
    if (!z || z->refs == 0 || --z->refs > 0)
        return;
    free(z->name);
    free(z->types);
    free(z->changes);
    free(z->kinds);
    free(z);
}

const char *ork_tz_name(const struct ork_tz *z)
{
    return z->name;
}

/* Index of the last change at or before an instant; -1: none. */
static int64_t last_change(const struct ork_tz *z, int64_t at_s)
{
    uint32_t low = 0, high = z->changes_len;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (z->changes[mid] <= at_s)
            low = mid + 1;
        else
            high = mid;
    }
    return (int64_t)low - 1;
}

static int64_t within_reach(int64_t at_s)
{
    return at_s < -ORK_TZ_FAR_S ? -ORK_TZ_FAR_S : at_s > ORK_TZ_FAR_S ? ORK_TZ_FAR_S : at_s;
}

void ork_tz_span(const struct ork_tz *z, int64_t at_s, struct ork_tz_span *out)
{
    int64_t i = last_change(z, at_s), from, until;
    const struct ork_tz_type *t = &z->types[i < 0 ? z->first : z->kinds[i]];

    out->from_s = i < 0 ? INT64_MIN : z->changes[i];
    out->until_s = i + 1 < z->changes_len ? z->changes[i + 1] : INT64_MAX;
    if (z->has_rule && i + 1 == z->changes_len) { /* the table's last span goes on as the rule's first */
        int64_t asked = within_reach(at_s);
        bool ruled = asked >= z->rule_from_s;
        const struct ork_tz_type *by_rule = ork_tz_rule_span(&z->rule, ruled ? asked : z->rule_from_s, &from, &until);
        if (ruled) {
            t = by_rule;
            if (from > z->rule_from_s)
                out->from_s = from;
        }
        out->until_s = until;
    }
    out->offset_s = t->offset_s;
    out->dst = t->dst;
    out->abbrev = t->abbrev;
}

int32_t ork_tz_offset(const struct ork_tz *z, int64_t at_s, bool *dst, const char **abbrev)
{
    struct ork_tz_span s;

    ork_tz_span(z, at_s, &s);
    if (dst)
        *dst = s.dst;
    if (abbrev)
        *abbrev = s.abbrev;
    return s.offset_s;
}

bool ork_tz_transition(const struct ork_tz *z, int64_t after_s, int64_t *at_s)
{
    struct ork_tz_span s;

    ork_tz_span(z, after_s, &s);
    if (s.until_s == INT64_MAX || s.until_s <= after_s)
        return false;
    *at_s = s.until_s;
    return true;
}

int ork_tz_instants(const struct ork_tz *z, int64_t local_s, int64_t out[2])
{
    struct ork_tz_span s, next;
    int64_t local = within_reach(local_s), after_gap = local;
    int n = 0;

    for (ork_tz_span(z, local - ORK_TZ_REACH_S, &s);; s = next) {
        int64_t at = local - s.offset_s;
        if (at >= s.from_s && at < s.until_s) {
            if (n < 2)
                out[n] = at;
            n++;
        }
        if (s.until_s > local + ORK_TZ_REACH_S)
            break;
        ork_tz_span(z, s.until_s, &next);
        if (local >= s.until_s + s.offset_s && local < s.until_s + next.offset_s)
            after_gap = s.until_s;
    }
    if (n == 0)
        out[0] = after_gap;
    return n < 2 ? n : 2;
}
