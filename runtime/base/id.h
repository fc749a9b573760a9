/* SPDX-License-Identifier: MIT */
/* UUID v7 (RFC 9562): 48 bits of milliseconds, a 12-bit counter, 62 random bits; strictly increasing within one
 * generator, also when the clock steps back (the last millisecond is held). */
#ifndef ORK_BASE_ID_H
#define ORK_BASE_ID_H
#include "base/clock.h"
#include <ork/ork.h>

struct ork_idgen {
    const struct ork_clock *clock; /* borrowed */
    int64_t last_ms;
    uint32_t counter;
};
void ork_idgen_init(struct ork_idgen *g, const struct ork_clock *clock);
ork_id ork_id_new(struct ork_idgen *g);
int ork_id_parse(const char *text, size_t len,
                 ork_id *out); /* hyphenated or 32 hex digits, any case; 0 or ORK_EINVAL */
bool ork_id_eq(const ork_id *a, const ork_id *b);
bool ork_id_is_zero(const ork_id *a);
void ork_id_short(const ork_id *id, char out[9]); /* the last 8 hex digits */
#endif
