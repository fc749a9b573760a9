/* SPDX-License-Identifier: MIT */
/* The system's clocks and its random bits: the one place that asks for them. */
#include "base/clock.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        abort(); /* both clocks exist on every Linux */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_ms(void *data)
{
    (void)data;
    return read_ms(CLOCK_REALTIME);
}

static int64_t mono_ms(void *data)
{
    (void)data;
    return read_ms(CLOCK_MONOTONIC);
}

static uint64_t random_bits(void *data)
{
    (void)data;
    uint64_t v;
    ssize_t n;
    do
        n = getrandom(&v, sizeof v, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof v) {
        fprintf(stderr, "ork: the system gives no random numbers (getrandom failed)\n");
        abort(); /* identifiers would collide */
    }
    return v;
}

const struct ork_clock ork_clock_system = {.now_ms = now_ms, .mono_ms = mono_ms, .random = random_bits};
