/* SPDX-License-Identifier: MIT */
#include "core/lib_fuzz.h"
#include "core/schedule.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(what)                                                                                                     \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ---- cron ----------------------------------------------------------------------------------- */

static void check_mistake(const char *text, const struct ork_cron_mistake *m)
{
    char caret[2400];

    MUST(m->text[0] && memchr(m->text, 0, sizeof m->text) && memchr(m->hint, 0, sizeof m->hint));
    MUST(m->len > 0 && m->at + m->len <= strlen(text) + 1);
    ork_cron_caret(text, m, caret, sizeof caret);
    MUST(strncmp(caret, text, strlen(text)) == 0 && strchr(caret + strlen(text), '^'));
    ork_cron_caret(text, m, caret, 7);
}

static void check_times(const struct ork_cron *c, int64_t from)
{
    int64_t at = from, back;

    for (int i = 0; i < 5 && ork_cron_next(c, at, &at); i++, at++) {
        MUST(at >= from && c->seconds >> (at % 60) & 1 && c->minutes >> (at / 60 % 60) & 1);
        MUST(ork_cron_next(c, at, &back) && back == at);
        MUST(ork_cron_prev(c, at, &back) && back == at);
        if (i > 0)
            MUST(ork_cron_prev(c, at - 1, &back) && back < at);
    }
    if (ork_cron_prev(c, from, &at))
        MUST(at <= from && ork_cron_next(c, at, &back) && back == at);
    MUST(ork_cron_next(c, 0, &at)); /* what never comes is refused */
}

void fuzz_cron(const uint8_t *bytes, size_t n)
{
    struct ork_cron c;
    struct ork_cron_mistake m = {0};
    unsigned dialect = n && bytes[0] & 1 ? ORK_CRON_ORIGINAL : 0;
    int64_t from = n ? INT64_C(28000000) * (bytes[0] >> 1) * 2 : 0; /* 1970 to 2195 */
    char *text = calloc(n + 1, 1);

    MUST(text);
    if (n > 1)
        memcpy(text, bytes + 1, n - 1);
    if (ork_cron_parse(text, dialect, &c, &m) == 0) {
        check_times(&c, from);
        ork_cron_warning(&c);
        if (ork_cron_over(&c, text, from, &m))
            check_mistake(text, &m);
    } else {
        check_mistake(text, &m);
    }
    free(text);
}

/* ---- zones ---------------------------------------------------------------------------------- */

static void check_span(const struct ork_tz *z, const struct ork_tz_span *s, int64_t at)
{
    MUST(s->from_s <= at && at < s->until_s);
    MUST(s->offset_s > -25 * 3600 && s->offset_s < 26 * 3600 && strlen(s->abbrev) < 32);
    int64_t out[2] = {0}, local = at + s->offset_s;
    int n = ork_tz_instants(z, local, out);
    MUST(n >= 1 && n <= 2 && out[0] <= at);
    for (int i = 0; i < n; i++)
        MUST(out[i] + ork_tz_offset(z, out[i], NULL, NULL) == local);
    n = ork_tz_instants(z, local - 5400, out); /* perhaps in a gap */
    MUST(n > 0 || ork_tz_offset(z, out[0], NULL, NULL) > ork_tz_offset(z, out[0] - 1, NULL, NULL));
}

static void check_fires(struct ork_tz *z)
{
    struct ork_schedule s = {.zone = z};
    int64_t at = INT64_C(1767225600000), back, next;

    MUST(ork_cron_parse("*/30 2 * * *", 0, &s.cron, NULL) == 0);
    for (int i = 0; i < 8; i++) {
        s.dst = (uint8_t)(i % 4);
        MUST(ork_schedule_next(&s, at, &next) && next > at);
        MUST(ork_schedule_prev(&s, next, &back) && back < next);
        MUST(ork_schedule_next(&s, back, &at) && at == next);
    }
}

void fuzz_tz(const uint8_t *bytes, size_t n)
{
    struct ork_tz *z = NULL;
    ork_err err = {0};
    int64_t at = -(INT64_C(1) << 39);
    struct ork_tz_span s;

    if (ork_tz_parse("fuzz", bytes, n, &z, &err) < 0) {
        MUST(!z && err.code < 0 && strncmp(err.msg, "fuzz: ", 6) == 0);
        return;
    }
    MUST(strcmp(ork_tz_name(z), "fuzz") == 0);
    ork_tz_span(z, INT64_MIN, &s);
    ork_tz_span(z, INT64_MAX, &s);
    for (int i = 0; i < 300 && at < INT64_C(1) << 39; i++) {
        ork_tz_span(z, at, &s);
        check_span(z, &s, at);
        int64_t before = at;
        if (!ork_tz_transition(z, at, &at))
            break;
        MUST(at > before);
    }
    check_fires(z);
    ork_tz_unref(z);
}
