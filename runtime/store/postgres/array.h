/* SPDX-License-Identifier: MIT */
/* An array of one dimension in the server's binary form: what unnest makes rows of. */
#ifndef ORK_STORE_POSTGRES_ARRAY_H
#define ORK_STORE_POSTGRES_ARRAY_H
#include "base/buf.h"
#include "store/store.h"

enum ork_pg_type { /* their numbers in the catalog, the same everywhere */
                   ORK_PG_BOOL = 16,
                   ORK_PG_INT8 = 20,
                   ORK_PG_INT4 = 23,
                   ORK_PG_TEXT = 25,
                   ORK_PG_TIME = 1184,
                   ORK_PG_UUID = 2950,
                   ORK_PG_JSONB = 3802
};
struct ork_array {
    struct ork_buf b; /* owned */
    uint32_t n;
    int type; /* enum ork_pg_type */
    bool nulls;
};
void ork_array_clear(struct ork_array *a, int type);
void ork_array_null(struct ork_array *a);
void ork_array_bool(struct ork_array *a, bool v);
void ork_array_int(struct ork_array *a, int64_t v);                 /* INT4 or INT8 */
void ork_array_id(struct ork_array *a, const ork_id *id);           /* zero: NULL */
void ork_array_time(struct ork_array *a, int64_t ms);               /* 0: NULL */
void ork_array_instant(struct ork_array *a, int64_t ms);            /* also 0 */
void ork_array_bytes(struct ork_array *a, const void *p, size_t n); /* an element in binary form */
void ork_array_word(struct ork_array *a, const char *p, size_t n);  /* a text of ours, or JSON; p NULL: NULL */
/* From outside; EDATA unless UTF-8 without NUL. */
int ork_array_text(struct ork_array *a, struct ork_text text, ork_err *err) ORK_MUSTCHECK;
/* The whole, valid until it changes. */
struct ork_text ork_array_finish(struct ork_array *a);
#endif
