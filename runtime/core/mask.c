/* SPDX-License-Identifier: MIT */
#include "core/mask.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

static void add_one(struct ork_mask *m, const char *value, size_t n)
{
    size_t at = 0;

    if (n < ORK_MASK_LEAST)
        return;
    while (at < m->len && m->values[at].n >= n) {
        if (m->values[at].n == n && memcmp(m->values[at].p, value, n) == 0)
            return;
        at++;
    }
    ork_grow((void **)&m->values, &m->cap, m->len + 1, sizeof(*m->values));
    memmove(m->values + at + 1, m->values + at, (m->len - at) * sizeof(*m->values));
    m->values[at] = (struct ork_mask_value){ork_strndup(value, n), n};
    m->len++;
}

void ork_mask_add(struct ork_mask *m, const char *value, size_t n)
{
    const char *end = value + n;

    add_one(m, value, n);
    for (const char *line = value; line < end && memchr(value, '\n', n);) {
        const char *nl = memchr(line, '\n', (size_t)(end - line)), *stop = nl ? nl : end;
        add_one(m, line, (size_t)(stop - line));
        line = stop + 1;
    }
}

void ork_mask_join(struct ork_mask *m, const struct ork_mask *other)
{
    for (size_t i = 0; i < other->len; i++)
        add_one(m, other->values[i].p, other->values[i].n);
}

size_t ork_mask_longest(const struct ork_mask *m)
{
    return m->len ? m->values[0].n : 0;
}

/* The first value in the bytes, of two that begin at one place the longer; NULL none. */
static const char *find(const struct ork_mask *m, const char *p, size_t n, size_t *len)
{
    const char *first = NULL;

    for (size_t i = 0; i < m->len; i++) {
        const char *at =
            memmem(p, first ? (size_t)(first - p) + m->values[i].n - 1 : n, m->values[i].p, m->values[i].n);
        if (at && at + m->values[i].n <= p + n && (!first || at < first)) {
            first = at;
            *len = m->values[i].n;
        }
    }
    return first;
}

bool ork_mask_finds(const struct ork_mask *m, const char *p, size_t n)
{
    size_t len;

    return find(m, p, n, &len) != NULL;
}

void ork_mask_text(const struct ork_mask *m, const char *p, size_t n, struct ork_buf *out)
{
    size_t len = 0;

    for (const char *at; (at = find(m, p, n, &len));) {
        ork_buf_add(out, p, (size_t)(at - p));
        ork_buf_adds(out, ORK_MASK_TEXT);
        n -= (size_t)(at - p) + len;
        p = at + len;
    }
    ork_buf_add(out, p, n);
}

bool ork_mask_stars(const struct ork_mask *m, char *p, size_t n)
{
    size_t len = 0;
    bool any = false;

    for (const char *at; (at = find(m, p, n, &len)); any = true) {
        memset((char *)(uintptr_t)at, '*', len);
        n -= (size_t)(at - p) + len;
        p = (char *)(uintptr_t)at + len;
    }
    return any;
}

/* ---- trees ------------------------------------------------------------------------------------ */

static bool in_tree(const struct ork_mask *m, json_t *v, int depth)
{
    const char *key;
    char number[32];
    json_t *part;
    size_t i;

    if (depth > 512)
        return true;
    switch (json_typeof(v)) {
    case JSON_STRING:
        return ork_mask_finds(m, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        return ork_mask_finds(m, number,
                              (size_t)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v)));
    case JSON_ARRAY:
        json_array_foreach(v, i, part) if (in_tree(m, part, depth + 1)) return true;
        return false;
    case JSON_OBJECT:
        json_object_foreach(v, key,
                            part) if (ork_mask_finds(m, key, strlen(key)) || in_tree(m, part, depth + 1)) return true;
        return false;
    default:
        return false;
    }
}

static json_t *masked_string(const struct ork_mask *m, const char *p, size_t n)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_mask_text(m, p, n, &b);
    json_t *s = json_stringn(b.data, b.len);
    ork_buf_fini(&b);
    return s;
}

static json_t *masked(const struct ork_mask *m, json_t *v, int depth)
{
    struct ork_buf name = ORK_BUF_INIT;
    const char *key;
    json_t *part, *out;
    size_t i;

    if (depth > 512)
        return json_string(ORK_MASK_TEXT);
    switch (json_typeof(v)) {
    case JSON_STRING:
        return masked_string(m, json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        return in_tree(m, v, 0) ? json_string(ORK_MASK_TEXT) : json_incref(v);
    case JSON_ARRAY:
        out = json_array();
        json_array_foreach(v, i, part) json_array_append_new(out, masked(m, part, depth + 1));
        return out;
    case JSON_OBJECT:
        out = json_object();
        json_object_foreach(v, key, part)
        {
            ork_buf_clear(&name);
            ork_mask_text(m, key, strlen(key), &name);
            json_object_set_new(out, name.len ? name.data : "", masked(m, part, depth + 1));
        }
        ork_buf_fini(&name);
        return out;
    default:
        return json_incref(v);
    }
}

json_t *ork_mask_json(const struct ork_mask *m, json_t *value)
{
    return value && m->len && in_tree(m, value, 0) ? masked(m, value, 0) : json_incref(value);
}

void ork_mask_fini(struct ork_mask *m)
{
    for (size_t i = 0; i < m->len; i++) {
        explicit_bzero(m->values[i].p, m->values[i].n);
        ork_free(m->values[i].p);
    }
    ork_free(m->values);
    *m = (struct ork_mask){0};
}
