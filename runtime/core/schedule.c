/* SPDX-License-Identifier: MIT */
/* The stored option `schedule` as a value. Whoever stored it had it checked; what is found wrong here comes from
 * another hand, or from a database of the original, so every key is looked at and the first wrong one named. */
#include "core/schedule.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const catchups[] = {"none", "latest", "all", NULL};
static const char *const overlaps[] = {"allow", "skip", "queue", "cancel_running", NULL};
static const char *const dsts[] = {"default", "skip", "shift", "both", NULL};

const char *ork_schedule_zone(const json_t *option)
{
    const char *name = json_string_value(json_object_get(option, "timezone"));

    return name ? name : "UTC";
}

static int read_word(const json_t *option, const char *key, const char *const *list, uint8_t by_default, uint8_t *out,
                     ork_err *err)
{
    const json_t *value = json_object_get(option, key);
    const char *word = json_string_value(value);

    *out = by_default;
    if (!value || json_is_null(value))
        return 0;
    for (uint8_t i = 0; word && list[i]; i++)
        if (strcmp(list[i], word) == 0) {
            *out = i;
            return 0;
        }
    return ork_err_set(err, ORK_EINVAL, "schedule.%s: there is no `%.60s`", key, word ? word : "(not a text)");
}

static int read_count(const json_t *option, const char *key, int64_t least, int64_t most, int64_t by_default,
                      int64_t *out, ork_err *err)
{
    const json_t *value = json_object_get(option, key);

    *out = by_default;
    if (!value || json_is_null(value))
        return 0;
    *out = json_is_integer(value) ? json_integer_value(value) : least - 1;
    if (*out < least || *out > most)
        return ork_err_set(err, ORK_EINVAL, "schedule.%s: wants a whole number from %lld to %lld", key,
                           (long long)least, (long long)most);
    return 0;
}

static int read_cron(struct ork_schedule *s, const json_t *option, ork_err *err)
{
    const json_t *cron = json_object_get(option, "cron");
    const char *text = json_string_value(cron), *dialect = json_string_value(json_object_get(option, "dialect"));
    struct ork_cron_mistake m;

    if (!text || strlen(text) != json_string_length(cron))
        return ork_err_set(err, ORK_EINVAL, "schedule: it has neither `cron` nor `every_ms`");
    if (dialect && strcmp(dialect, "original") != 0)
        return ork_err_set(err, ORK_EINVAL, "schedule.dialect: there is no `%.60s`", dialect);
    if (ork_cron_parse(text, dialect ? ORK_CRON_ORIGINAL : 0, &s->cron, &m) < 0)
        return ork_err_set(err, ORK_EINVAL, "schedule.cron \"%.100s\": %s%s%s", text, m.text, *m.hint ? "; " : "",
                           m.hint);
    return 0;
}

static int read_option(struct ork_schedule *s, const json_t *option, ork_err *err)
{
    int64_t limit;
    int rc = read_count(option, "every_ms", 1000, INT64_C(1) << 40, 0, &s->every_ms, err);

    if (rc == 0 && s->every_ms == 0)
        rc = read_cron(s, option, err);
    if (rc == 0)
        rc = read_count(option, "jitter_ms", 0, INT64_C(1) << 40, 0, &s->jitter_ms, err);
    if (rc == 0)
        rc = read_count(option, "catchup_limit", 1, UINT32_MAX, ORK_CATCHUP_LIMIT, &limit, err);
    if (rc == 0)
        rc = read_word(option, "catchup", catchups, ORK_CATCHUP_LATEST, &s->catchup, err);
    if (rc == 0)
        rc = read_word(option, "overlap", overlaps, ORK_OVERLAP_SKIP, &s->overlap, err);
    if (rc == 0)
        rc = read_word(option, "dst", dsts, ORK_DST_DEFAULT, &s->dst, err);
    if (rc == 0)
        s->catchup_limit = (uint32_t)limit;
    return rc;
}

int ork_schedule_parse(const json_t *option, struct ork_tz *zone, struct ork_schedule **out, ork_err *err)
{
    if (!json_is_object(option))
        return ork_err_set(err, ORK_EINVAL, "schedule: it is no object");
    struct ork_schedule *s = ork_zalloc(sizeof *s);
    s->zone = ork_tz_ref(zone);
    int rc = read_option(s, option, err);
    if (rc < 0) {
        ork_schedule_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void ork_schedule_free(struct ork_schedule *s)
{
    if (!s)
        return;
    ork_tz_unref(s->zone);
    free(s);
}

int64_t ork_schedule_jitter(const struct ork_schedule *s, const void *seed, size_t n, int64_t at_ms)
{
    uint64_t h = ork_hash64(seed, n, (uint64_t)at_ms);

    return s->jitter_ms > 0 ? (int64_t)(h % (uint64_t)s->jitter_ms) : 0;
}
