/* SPDX-License-Identifier: MIT */
/* CRC-32 (IEEE 802.3, reflected), four bits a step: a table of one cache line. Needs nothing but itself, so the agent
 * uses it too. */
#include "base/hash.h"

uint32_t ork_crc32(uint32_t crc, const void *p, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const uint8_t *at = p;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc = table[(crc ^ at[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)(at[i] >> 4)) & 15] ^ crc >> 4;
    }
    return ~crc;
}
