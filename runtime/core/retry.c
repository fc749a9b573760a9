/* SPDX-License-Identifier: MIT */
/* The retry policy as two pure functions. Law: a cancelled attempt is never tried again; what would fail the same way
 * again (kinds input, output, policy, rejected) only when the user names it. */
#include "core/retry.h"
#include <math.h>
#include <string.h>

#define ORK_RETRY_MAX_MS (INT64_C(100) * 365 * 86400 * 1000) /* so that now + delay never overflows */

#define NEVER_BY_DEFAULT                                                                                               \
    (1u << ORK_KIND_INPUT | 1u << ORK_KIND_OUTPUT | 1u << ORK_KIND_POLICY | 1u << ORK_KIND_REJECTED |                  \
     1u << ORK_KIND_CANCELLED)

bool ork_retry_matches(const struct ork_retry_spec *r, const struct ork_failure *f)
{
    if (f->kind == ORK_KIND_CANCELLED)
        return false;
    uint32_t bit = f->kind >= 0 && f->kind < 32 ? 1u << f->kind : 0;
    if (!r->kinds && !r->exit_codes_len && !r->codes_len)
        return !(bit & NEVER_BY_DEFAULT);
    if (r->kinds & bit)
        return true;
    for (size_t i = 0; i < r->exit_codes_len; i++)
        if (f->kind == ORK_KIND_EXIT && r->exit_codes[i] == f->exit_code)
            return true;
    for (size_t i = 0; f->code && i < r->codes_len; i++)
        if (strcmp(r->codes[i], f->code) == 0)
            return true;
    return false;
}

static double grow(const struct ork_retry_spec *r, uint32_t failures)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60};
    const uint32_t last = sizeof(seconds) / sizeof(*seconds) - 1;

    if (r->delay_ms < 0)
        return (double)(seconds[failures - 1 < last ? failures - 1 : last] * 1000);
    double factor = r->factor > 1 ? r->factor : 1;
    return (double)r->delay_ms * pow(factor, failures - 1);
}

int64_t ork_retry_delay_ms(const struct ork_retry_spec *r, uint32_t failures, uint64_t random)
{
    double ms = grow(r, failures ? failures : 1);
    double most = (double)ORK_RETRY_MAX_MS;

    if (r->max_delay_ms > 0 && (double)r->max_delay_ms < most)
        most = (double)r->max_delay_ms;
    if (!(ms < most)) /* also for 0 × infinity */
        ms = r->delay_ms == 0 ? 0 : most;
    int64_t delay = (int64_t)ms;
    if (r->jitter && delay > 1)
        delay = delay / 2 + (int64_t)(random % (uint64_t)(delay - delay / 2 + 1));
    return delay;
}
