/* SPDX-License-Identifier: MIT */
/* Civil dates by days_from_civil arithmetic (Howard Hinnant's algorithm, proleptic Gregorian); no libc time zone.
 * Parsing and formatting of instants and durations: ork.h. The reader takes all three formats the original wrote. */
#ifndef ORK_BASE_TIME_H
#define ORK_BASE_TIME_H
#include <ork/ork.h>

struct ork_civil {
    int32_t year, month, day; /* month 1–12 */
    int32_t hour, minute, second, ms;
    int32_t weekday; /* 0 Sunday */
    int32_t yday;    /* 1–366 */
};
void ork_civil_from_ms(int64_t ms, struct ork_civil *out); /* UTC */
int64_t ork_civil_to_ms(const struct ork_civil *c); /* UTC; weekday and yday unused; fields may overflow their range */
/* strftime-like, UTC: %Y %m %d %H %M %S %j %y %F %T %s %a %b %% only; ORK_EINVAL names another letter. */
int ork_time_strftime(int64_t ms, int64_t civil_ms, const char *fmt, char *out, size_t cap, ork_err *err) ORK_MUSTCHECK;
#endif
