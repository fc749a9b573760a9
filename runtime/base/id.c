/* SPDX-License-Identifier: MIT */
/* UUID v7: milliseconds, counter, randomness. Law: within one generator every id is greater (by bytes, hence by text)
 * than the one before, whatever the clock does; a full counter borrows the next millisecond. */
#include "base/id.h"
#include "base/err.h"
#include <string.h>

#define COUNTER_MAX 0xFFFu

void ork_idgen_init(struct ork_idgen *g, const struct ork_clock *clock)
{
    *g = (struct ork_idgen){.clock = clock, .last_ms = -1};
}

static void put_be(uint8_t *p, uint64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        p[i] = (uint8_t)(v & 0xFF);
        v >>= 8;
    }
}

ork_id ork_id_new(struct ork_idgen *g)
{
    int64_t now = g->clock->now_ms(g->clock->data);
    if (now < 0)
        now = 0; /* a clock before 1970 has no place in 48 bits */
    if (now > g->last_ms) {
        g->last_ms = now;
        g->counter = 0;
    } else if (++g->counter > COUNTER_MAX) {
        g->last_ms++;
        g->counter = 0;
    }
    ork_id id;
    put_be(id.b, (uint64_t)g->last_ms, 6);
    put_be(id.b + 6, 0x7000u | g->counter, 2);
    put_be(id.b + 8, (g->clock->random(g->clock->data) & 0x3FFFFFFFFFFFFFFFu) | 0x8000000000000000u, 8);
    return id;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ork_id_parse(const char *text, size_t len, ork_id *out)
{
    bool hyphens = len == 36;
    if (!hyphens && len != 32)
        return ORK_EINVAL;
    ork_id id;
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
            return ORK_EINVAL;
        int high = hex_value(text[at]), low = hex_value(text[at + 1]);
        if (high < 0 || low < 0)
            return ORK_EINVAL;
        id.b[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *out = id;
    return 0;
}

static char *put_hex(char *out, const uint8_t *b, int n)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < n; i++) {
        *out++ = digits[b[i] >> 4];
        *out++ = digits[b[i] & 15];
    }
    return out;
}

void ork_id_format(const ork_id *id, char out[ORK_ID_TEXT])
{
    static const int groups[] = {4, 2, 2, 2, 6};
    const uint8_t *b = id->b;
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            *out++ = '-';
        out = put_hex(out, b, groups[i]);
        b += groups[i];
    }
    *out = '\0';
}

void ork_id_short(const ork_id *id, char out[9])
{
    *put_hex(out, id->b + 12, 4) = '\0';
}

bool ork_id_eq(const ork_id *a, const ork_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool ork_id_is_zero(const ork_id *a)
{
    static const ork_id zero;
    return ork_id_eq(a, &zero);
}
