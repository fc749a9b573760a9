/* SPDX-License-Identifier: MIT */
/* The time zones of the system, read when first asked for and kept by name. Files are looked for below
 * /usr/share/zoneinfo, or below $ORK_ZONEINFO (read by ork_zones_new). "UTC" needs no file. One thread. */
#ifndef ORK_ENGINE_ZONES_H
#define ORK_ENGINE_ZONES_H
#include "core/tz.h"

struct ork_zones;

struct ork_zones *ork_zones_new(void);
void ork_zones_free(struct ork_zones *z); /* NULL is fine; zones that were handed out live on */

/* *out: counted, the caller's. EINVAL: it is no name of a zone (empty, a leading slash, `..`, strange signs, a
 * directory); ENOTFOUND: there is none of that name, with the nearest one; EENV: the system has no time zones at all
 * (Debian's package tzdata); ECORRUPT: the file is damaged. */
int ork_zones_get(struct ork_zones *z, const char *name, struct ork_tz **out, ork_err *err) ORK_MUSTCHECK;
bool ork_zones_knows(const struct ork_zones *z, const char *name); /* "UTC", or handed out before */
/* The zone that a wrong name probably meant ("Europe/Berln", "europe/berlin", "Berlin"): true, and its name. */
bool ork_zones_suggest(struct ork_zones *z, const char *name, char out[64]);
/* Looks at the files used so far and reads again those that changed (time, inode, size). true: some zone is another
 * now; who holds old ones gets the new ones by ork_zones_get. A file that is gone or damaged leaves its zone as it was.
 */
bool ork_zones_refresh(struct ork_zones *z);

/* The name of the zone this machine or this user lives in: $TZ, else what /etc/localtime points to, else "UTC". */
void ork_zones_local(char out[64]);
#endif
