/* SPDX-License-Identifier: MIT */
/* Notices when the system's time zones change: their folders are watched (no polling), and when a file has changed all
 * schedules are checked anew. */
#ifndef ORK_ENGINE_ZONE_WATCH_H
#define ORK_ENGINE_ZONE_WATCH_H
#include "engine/engine.h"

void ork_zone_watch_all(ork_engine *e);                   /* all folders there are */
void ork_zone_watch_add(ork_engine *e, const char *zone); /* its folder, which may be newer; "UTC" has none */
void ork_zone_watch_close(ork_engine *e);                 /* before the loop's last turns */
void ork_zone_watch_fini(ork_engine *e);
#endif
