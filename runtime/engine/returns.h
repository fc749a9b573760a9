/* SPDX-License-Identifier: MIT */
/* What a run gives at its end. */
#ifndef ORK_ENGINE_RETURNS_H
#define ORK_ENGINE_RETURNS_H
#include <stdbool.h>

struct ork_active;

/* Reads what a run that ended well gives; ork_active_returned at its end, perhaps at once. false: it gives nothing. */
bool ork_returns_begin(struct ork_active *a);
/* step.c: its output is there; NULL error: as it is to be. */
void ork_active_returned(struct ork_active *a, const char *error);
#endif
