/* SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include <sha2.h>
#include <string.h>

void ork_sha256(const void *p, size_t n, uint8_t out[32])
{
    SHA2_CTX ctx;
    SHA256Init(&ctx);
    if (n)
        SHA256Update(&ctx, p, n);
    SHA256Final(out, &ctx);
}

void ork_sha256_hex(const void *p, size_t n, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[32];
    ork_sha256(p, n, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[64] = '\0';
}

/* Eight bytes a step in the manner of FNV-1a (xor, then multiply), folded so that high bits reach low ones. */
uint64_t ork_hash64(const void *p, size_t n, uint64_t seed)
{
    const uint64_t prime = 0x9E3779B97F4A7C15u;
    const uint8_t *at = p;
    uint64_t h = seed ^ (0xCBF29CE484222325u + n * prime);
    while (n > 0) {
        uint64_t word = 0;
        size_t k = n < 8 ? n : 8;
        memcpy(&word, at, k);
        h = (h ^ word) * prime;
        h ^= h >> 32;
        at += k;
        n -= k;
    }
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
    h = (h ^ h >> 27) * 0x94D049BB133111EBu;
    return h ^ h >> 31;
}
