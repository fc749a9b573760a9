/* SPDX-License-Identifier: MIT */
/* Clocks and randomness are passed in; library code never calls time(). */
#ifndef ORK_BASE_CLOCK_H
#define ORK_BASE_CLOCK_H
#include <stdint.h>
#include <stddef.h>

struct ork_clock {
    int64_t (*now_ms)(void *data);  /* wall clock, milliseconds since 1970 UTC */
    int64_t (*mono_ms)(void *data); /* awake time (CLOCK_MONOTONIC) */
    uint64_t (*random)(void *data); /* 64 random bits */
    void *data;
};
extern const struct ork_clock ork_clock_system;
#endif
