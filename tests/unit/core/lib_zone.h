/* SPDX-License-Identifier: MIT */
/* Zones for tests: of the machine's tzdata, or made of a rule alone. */
#ifndef ORK_TEST_LIB_ZONE_H
#define ORK_TEST_LIB_ZONE_H
#include "core/tz.h"

#define ZONES "/usr/share/zoneinfo"

bool zone_any(void);                           /* is there tzdata at all? */
struct ork_tz *zone_load(const char *name);    /* fails the test when it is not there or damaged */
struct ork_tz *zone_of_rule(const char *rule); /* "CET-1CEST,M3.5.0,M10.5.0/3"; fails the test when it is refused */
/* The bytes of a version 2 file with nothing but a rule. */
size_t zone_file_of_rule(const char *rule, uint8_t out[256]);
uint8_t *zone_bytes(const char *name, size_t *len); /* free(); NULL: no such file */

/* Every zone once (not its other names, posix/ and right/). */
void zone_each(void (*fn)(const char *name, void *data), void *data);

int64_t instant(const char *text); /* "2026-03-29 01:00" UTC, seconds; any of ork_time_parse */
#endif
