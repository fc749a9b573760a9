/* SPDX-License-Identifier: MIT */
/* When a failed attempt is tried again: pure functions of the policy, the failure and a random number. */
#ifndef ORK_CORE_RETRY_H
#define ORK_CORE_RETRY_H
#include <ork/ork.h>

struct ork_failure {
    int kind;          /* enum ork_kind */
    int32_t exit_code; /* -1 none */
    int32_t signal;    /* 0 none */
    const char *code;  /* the user's own word, NULL none */
};
bool ork_retry_matches(const struct ork_retry_spec *r, const struct ork_failure *f);
/* Delay before try number `failures` + 1 (failures >= 1), milliseconds; saturates, never negative. random: 64 fresh
 * bits. */
int64_t ork_retry_delay_ms(const struct ork_retry_spec *r, uint32_t failures, uint64_t random);
#endif
