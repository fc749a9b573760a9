/* SPDX-License-Identifier: MIT */
#ifndef ORK_BASE_HASH_H
#define ORK_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

void ork_sha256(const void *p, size_t n, uint8_t out[32]);   /* (libmd) */
void ork_sha256_hex(const void *p, size_t n, char out[65]);  /* lower-case hex */
uint32_t ork_crc32(uint32_t crc, const void *p, size_t n);   /* start with 0; IEEE 802.3 */
uint64_t ork_hash64(const void *p, size_t n, uint64_t seed); /* for hash tables; FNV-like with a final mix */
#endif
