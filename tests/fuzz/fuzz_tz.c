/* SPDX-License-Identifier: MIT */
/* libFuzzer's door to fuzz_tz (tests/unit/core/lib_fuzz.c). */
#include "core/lib_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_tz(bytes, n);
    return 0;
}
