/* SPDX-License-Identifier: MIT */
/* What a zone is made of, shared by tz.c (questions), tz_read.c (the file) and tz_rule.c (the POSIX rule). */
#ifndef ORK_CORE_TZ_INTERNAL_H
#define ORK_CORE_TZ_INTERNAL_H
#include "core/tz.h"

/* Instants beyond this (±34,000 years) are answered like the nearest inside; so sums of them never overflow. */
#define ORK_TZ_FAR_S (INT64_C(1) << 40)
#define ORK_TZ_ABBREV 32 /* with its NUL */

struct ork_tz_type {
    int32_t offset_s;
    bool dst;
    char abbrev[ORK_TZ_ABBREV];
};

/* A day of every year, and seconds after its midnight (from -167 h to 167 h). */
struct ork_tz_day {
    char kind;           /* 'M' month.week.weekday, 'J' 1–365 without 29 February, 'N' 0–365 with it */
    uint16_t day;        /* J, N */
    uint8_t month, week; /* M: week 5 is the last */
    uint8_t weekday;
    int32_t time_s;
};

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
struct ork_tz_rule {
    bool has_dst;
    struct ork_tz_type std, dst;
    struct ork_tz_day start, end; /* of dst; start in standard time, end in daylight time */
};

struct ork_tz {
    uint32_t refs; /* 0: static, never counted */
    uint32_t changes_len;
    char *name;                /* owned */
    struct ork_tz_type *types; /* owned; types[first] is in force before all changes */
    int64_t *changes;          /* owned: instants, rising; each changes something */
    uint8_t *kinds;            /* owned: the type from changes[i] on */
    uint8_t first;
    bool has_rule;
    int64_t rule_from_s; /* from here on the rule holds; where it begins, the table agrees with it */
    struct ork_tz_rule rule;
};

/* Reads a rule. NULL, or what is wrong with it. */
const char *ork_tz_rule_parse(const char *s, size_t n, struct ork_tz_rule *out);
/* The span an instant (within ORK_TZ_FAR_S) is in by the rule alone. */
const struct ork_tz_type *ork_tz_rule_span(const struct ork_tz_rule *r, int64_t at_s, int64_t *from_s,
                                           int64_t *until_s);
#endif
