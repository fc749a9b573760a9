/* SPDX-License-Identifier: MIT */
/* What must hold for any bytes, called by the fuzzers (tests/fuzz) and by the replay of their corpus. Aborts when it
 * does not. */
#ifndef ORK_TEST_LIB_FUZZ_H
#define ORK_TEST_LIB_FUZZ_H
#include <stddef.h>
#include <stdint.h>

void fuzz_cron(const uint8_t *bytes, size_t n); /* the first byte: dialect and where to ask; then a text */
void fuzz_tz(const uint8_t *bytes, size_t n);   /* a TZif file */
#endif
