/* SPDX-License-Identifier: MIT */
/* Reading an expression: cron_parse.c cuts it into fields, cron_field.c reads one. */
#ifndef ORK_CORE_CRON_INTERNAL_H
#define ORK_CORE_CRON_INTERNAL_H
#include "core/cron.h"

enum ork_cron_place {
    ORK_CRON_SECOND,
    ORK_CRON_MINUTE,
    ORK_CRON_HOUR,
    ORK_CRON_DAY,
    ORK_CRON_MONTH,
    ORK_CRON_WEEKDAY,
    ORK_CRON_YEAR
};

/* A field of a text. */
struct ork_cron_field {
    enum ork_cron_place place;
    const char *from, *end;
};

struct ork_cron_reader {
    const char *text; /* borrowed, all of it */
    unsigned dialect;
    struct ork_cron *out;
    struct ork_cron_mistake *m; /* never NULL */
};

/* Adds what the field says to the masks. */
int ork_cron_field_read(struct ork_cron_reader *r, const struct ork_cron_field *f);
/* Fills the mistake, without a hint; returns ORK_EINVAL. */
int ork_cron_wrong(struct ork_cron_reader *r, const char *from, const char *end, const char *fmt, ...) ORK_PRINTF(4, 5);
#endif
