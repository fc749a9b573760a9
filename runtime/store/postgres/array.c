/* SPDX-License-Identifier: MIT */
/* The form: dimensions 1, has NULLs, type of elements, then of the one dimension its length and first index, then each
 * element with its length in front (-1: NULL). All numbers big-endian. */
#include "store/postgres/array.h"
#include "base/err.h"
#include "base/json.h"
#include "store/postgres/postgres.h"
#include <string.h>

#define HEAD 20

static void put32(char *p, uint32_t v)
{
    p[0] = (char)(v >> 24);
    p[1] = (char)(v >> 16);
    p[2] = (char)(v >> 8);
    p[3] = (char)v;
}

static void put64(char *p, uint64_t v)
{
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)v);
}

void ork_array_clear(struct ork_array *a, int type)
{
    ork_buf_clear(&a->b);
    (void)ork_buf_reserve(&a->b, HEAD);
    a->b.len = HEAD;
    a->n = 0;
    a->type = type;
    a->nulls = false;
}

static char *element(struct ork_array *a, uint32_t n)
{
    char *p = ork_buf_reserve(&a->b, 4 + (size_t)n);
    a->b.len += 4 + (size_t)n;
    a->n++;
    put32(p, n);
    return p + 4;
}

void ork_array_null(struct ork_array *a)
{
    char *p = ork_buf_reserve(&a->b, 4);
    a->b.len += 4;
    a->n++;
    a->nulls = true;
    put32(p, UINT32_MAX);
}

void ork_array_bool(struct ork_array *a, bool v)
{
    *element(a, 1) = (char)v;
}

void ork_array_int(struct ork_array *a, int64_t v)
{
    if (a->type == ORK_PG_INT4)
        put32(element(a, 4), (uint32_t)v);
    else
        put64(element(a, 8), (uint64_t)v);
}

void ork_array_id(struct ork_array *a, const ork_id *id)
{
    if (ork_id_is_zero(id))
        ork_array_null(a);
    else
        memcpy(element(a, sizeof id->b), id->b, sizeof id->b);
}

void ork_array_bytes(struct ork_array *a, const void *p, size_t n)
{
    memcpy(element(a, (uint32_t)n), p, n);
}

void ork_array_instant(struct ork_array *a, int64_t ms)
{
    put64(element(a, 8), (uint64_t)((ms - ORK_PG_EPOCH_MS) * 1000));
}

void ork_array_time(struct ork_array *a, int64_t ms)
{
    if (ms)
        ork_array_instant(a, ms);
    else
        ork_array_null(a);
}

void ork_array_word(struct ork_array *a, const char *text, size_t n)
{
    size_t version = a->type == ORK_PG_JSONB; /* a byte in front of jsonb's text */
    if (!text) {
        ork_array_null(a);
        return;
    }
    char *p = element(a, (uint32_t)(n + version));
    if (version)
        *p = 1;
    memcpy(p + version, text, n);
}

int ork_array_text(struct ork_array *a, struct ork_text text, ork_err *err)
{
    ork_err why;
    if (text.p && text.n > (1u << 30) - 2)
        return ork_err_set(err, ORK_EDATA, "the database refuses a value: a text of %zu bytes, at most 1 GB", text.n);
    if (text.p && ork_utf8_check(text.p, text.n, &why))
        return ork_err_set(err, ORK_EDATA, "the database takes UTF-8 texts without NUL only: %s", why.msg);
    ork_array_word(a, text.p, text.n);
    return 0;
}

struct ork_text ork_array_finish(struct ork_array *a)
{
    char *p = a->b.data;
    put32(p, 1);
    put32(p + 4, a->nulls);
    put32(p + 8, (uint32_t)a->type);
    put32(p + 12, a->n);
    put32(p + 16, 1);
    return (struct ork_text){p, a->b.len};
}
