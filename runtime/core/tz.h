/* SPDX-License-Identifier: MIT */
/* A time zone as a value: when which offset is in force, read from the bytes of a TZif file (RFC 9636, versions 1 to 4
 * and their POSIX rule for the time after the last entry). Instants are seconds since 1970-01-01 UTC; local times are
 * the same count as if the wall clock showed UTC ("civil seconds"). Immutable; counted; from one thread at a time. */
#ifndef ORK_CORE_TZ_H
#define ORK_CORE_TZ_H
#include <ork/ork.h>

struct ork_tz;

/* The local time of an instant never differs from it by more than this: offsets are above -25 h and below 26 h. */
#define ORK_TZ_REACH_S INT64_C(93600)

/* A stretch of time with one offset. */
struct ork_tz_span {
    int64_t from_s;     /* its first instant; INT64_MIN: since ever */
    int64_t until_s;    /* the first instant after it; INT64_MAX: for ever */
    int32_t offset_s;   /* local minus UTC */
    bool dst;           /* the zone calls it daylight saving time (Dublin does so in winter) */
    const char *abbrev; /* "CEST", "+03"; lives as long as the zone */
};

/* name: kept. EINVAL for nothing to do with a TZif file, ECORRUPT for a damaged one, ETOOBIG above 1 MiB; the text says
 * what is wrong with it and begins with the name. */
int ork_tz_parse(const char *name, const uint8_t *bytes, size_t len, struct ork_tz **out, ork_err *err) ORK_MUSTCHECK;
struct ork_tz *ork_tz_utc(void); /* needs no file; counts nothing, so unref is optional */
struct ork_tz *ork_tz_ref(struct ork_tz *z);
void ork_tz_unref(struct ork_tz *z); /* NULL is fine */
const char *ork_tz_name(const struct ork_tz *z);

/* The span an instant is in. Neighbours differ in offset, dst or abbreviation. */
void ork_tz_span(const struct ork_tz *z, int64_t at_s, struct ork_tz_span *out);
/* Local minus UTC at an instant; dst and abbrev may be NULL. */
int32_t ork_tz_offset(const struct ork_tz *z, int64_t at_s, bool *dst, const char **abbrev);
/* The first change after an instant; false: there is none any more. */
bool ork_tz_transition(const struct ork_tz *z, int64_t after_s, int64_t *at_s);
/* The instants at which clocks show a local time, in order: 0, 1 or 2 of them (of more, which no zone has, the first
 * two). 0: the time is in a gap, and out[0] is the first instant after it. */
int ork_tz_instants(const struct ork_tz *z, int64_t local_s, int64_t out[2]);
#endif
