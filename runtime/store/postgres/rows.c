/* SPDX-License-Identifier: MIT */
/* Answers as rows of the contract: ids as 16 bytes, times as text in milliseconds, booleans as 0 and 1, arrays of texts
 * as JSON, and JSON as the canonical text it was stored from (jsonb keeps the value but writes it its own way), so that
 * a row reads the same from every backend. */
#include "base/err.h"
#include "base/json.h"
#include "store/postgres/array.h"
#include "store/postgres/postgres.h"
#include "store/rows.h"
#include <string.h>

#define OF_FLOAT4 700
#define OF_FLOAT8 701
#define OF_INT2 21
#define OF_OID 26
#define OF_TEXTS 1009

static void keep_json(struct ork_rows *rows, size_t col, const char *p, size_t n)
{
    json_t *value;
    struct ork_buf b = ORK_BUF_INIT;
    bool one_form = n == 0 || *p == 't' || *p == 'f' || *p == 'n' || (n == 2 && p[1] != '"');
    if (!one_form && ork_json_parse(p, n, &value, NULL) == 0) {
        if (ork_json_write(value, &b, NULL) == 0) {
            p = b.data;
            n = b.len;
        }
        json_decref(value);
    }
    ork_rows_keep(rows, col, ORK_CELL_TEXT, p, n);
    ork_buf_fini(&b);
}

/* One dimension, no NULLs: what Ork and the original write. */
static void keep_texts(struct ork_rows *rows, size_t col, const char *p, size_t n)
{
    struct ork_buf b = ORK_BUF_INIT;
    const char *end = p + n;
    int64_t count = n >= 20 && ork_pg_int(p, 4) == 1 ? ork_pg_int(p + 12, 4) : 0;
    ork_buf_addc(&b, '[');
    p += 20;
    for (int64_t i = 0; i < count && p + 4 <= end; i++) {
        int64_t len = ork_pg_int(p, 4);
        p += 4;
        if (len < 0 || p + len > end)
            break;
        if (i)
            ork_buf_addc(&b, ',');
        ork_buf_json(&b, p, (size_t)len);
        p += len;
    }
    ork_buf_addc(&b, ']');
    ork_rows_keep(rows, col, ORK_CELL_TEXT, b.data, b.len);
    ork_buf_fini(&b);
}

static double real_of(const char *p, int n)
{
    int64_t bits = ork_pg_int(p, n);
    double d;
    float f;
    if (n == 4) {
        int32_t half = (int32_t)bits;
        memcpy(&f, &half, sizeof f);
        return (double)f;
    }
    memcpy(&d, &bits, sizeof d);
    return d;
}

static void keep(struct ork_rows *rows, struct ork_cell *cell, size_t col, Oid type, const char *p, int n)
{
    char time[32];
    switch (type) {
    case ORK_PG_BOOL:
    case OF_INT2:
    case ORK_PG_INT4:
    case ORK_PG_INT8:
    case OF_OID:
        cell->type = ORK_CELL_INT;
        cell->i = ork_pg_int(p, n);
        break;
    case OF_FLOAT4:
    case OF_FLOAT8:
        cell->type = ORK_CELL_REAL;
        cell->r = real_of(p, n);
        break;
    case ORK_PG_UUID:
        ork_rows_keep(rows, col, ORK_CELL_BLOB, p, (size_t)n);
        break;
    case ORK_PG_TIME:
        ork_time_format(ork_pg_ms(ork_pg_int(p, n)), time);
        ork_rows_keep(rows, col, ORK_CELL_TEXT, time, strlen(time));
        break;
    case ORK_PG_JSONB:
        keep_json(rows, col, p + 1, (size_t)n - 1);
        break;
    case OF_TEXTS:
        keep_texts(rows, col, p, (size_t)n);
        break;
    default:
        ork_rows_keep(rows, col, ORK_CELL_TEXT, p, (size_t)n);
    }
}

struct ork_rows *ork_pg_rows(const PGresult *res)
{
    int cols = PQnfields(res), n = PQntuples(res);
    struct ork_rows *rows = ork_rows_new((size_t)cols);
    for (int c = 0; c < cols; c++)
        ork_rows_name(rows, (size_t)c, PQfname(res, c));
    for (int r = 0; r < n; r++) {
        struct ork_cell *row = ork_rows_add(rows);
        for (int c = 0; c < cols; c++)
            if (!PQgetisnull(res, r, c))
                keep(rows, &row[c], (size_t)c, PQftype(res, c), PQgetvalue(res, r, c), PQgetlength(res, r, c));
    }
    return rows;
}
