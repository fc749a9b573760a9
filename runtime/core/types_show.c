/* SPDX-License-Identifier: MIT */
/* Types, values and paths as they stand in messages: short, whole characters, enough to find the place. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include <string.h>

bool ork_type_is_word(const char *s)
{
    if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_'))
        return false;
    for (s++; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_'))
            return false;
    return true;
}

static void text_of(const json_t *type, int depth, struct ork_buf *out)
{
    struct ork_type_view t = ork_type_view_of(type);
    const char *key;
    const json_t *field;
    bool first = true;

    if (depth > ORK_JSON_DEPTH || t.shape == ORK_TYPE_BAD) {
        ork_buf_adds(out, "?");
        return;
    }
    if (t.shape == ORK_TYPE_SCALAR) {
        ork_buf_adds(out, ork_scalar_name(t.scalar));
    } else if (t.shape == ORK_TYPE_LIST) {
        ork_buf_addc(out, '[');
        text_of(t.item, depth + 1, out);
        ork_buf_addc(out, ']');
    } else {
        ork_buf_addc(out, '{');
        json_object_foreach((json_t *)t.fields, key, field)
        {
            ork_buf_adds(out, first ? "" : ", ");
            if (ork_type_is_word(key))
                ork_buf_adds(out, key);
            else
                ork_buf_json(out, key, strlen(key));
            ork_buf_adds(out, ": ");
            text_of(field, depth + 1, out);
            first = false;
        }
        ork_buf_addc(out, '}');
    }
    if (t.optional)
        ork_buf_addc(out, '?');
}

void ork_type_text(const json_t *type, struct ork_buf *out)
{
    text_of(type, 0, out);
}

/* Cuts what was appended after `start` to at most `max` bytes, between characters. */
static void cut(struct ork_buf *b, size_t start, size_t max)
{
    size_t end = start + max;

    if (b->len <= end)
        return;
    while (end > start && ((unsigned char)b->data[end] & 0xc0) == 0x80)
        end--;
    b->len = end;
    b->data[end] = 0;
    ork_buf_adds(b, "…");
}

void ork_type_brief(const json_t *type, struct ork_buf *out)
{
    size_t start = out->len;

    ork_type_text(type, out);
    cut(out, start, 160);
}

void ork_type_value_text(const json_t *value, struct ork_buf *out)
{
    size_t start = out->len;

    if (!value) {
        ork_buf_adds(out, "nothing");
    } else if (json_is_array(value)) {
        size_t n = json_array_size(value);
        if (n == 0)
            ork_buf_adds(out, "an empty list");
        else
            ork_buf_addf(out, "a list of %zu", n);
    } else if (json_is_object(value)) {
        ork_buf_adds(out, json_object_size(value) ? "an object" : "an empty object");
    } else if (json_is_string(value)) {
        size_t len = json_string_length(value);
        ork_buf_json(out, json_string_value(value), len < 100 ? len : 100);
        cut(out, start, 60);
    } else if (json_is_integer(value)) {
        ork_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        if (ork_json_write_real(json_real_value(value), out, NULL) < 0)
            ork_buf_adds(out, "no number");
        cut(out, start, 60);
    } else {
        ork_buf_adds(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

void ork_type_path_text(const struct ork_type_path *p, struct ork_buf *out)
{
    const struct ork_type_path *line[ORK_JSON_DEPTH + 3];
    size_t n = 0;

    for (; p && n < sizeof line / sizeof *line; p = p->up)
        line[n++] = p;
    for (; n > 0; n--) {
        const struct ork_type_path *at = line[n - 1];
        if (!at->key) {
            ork_buf_addf(out, "[%zu]", at->index + 1); /* as scripts count */
        } else if (!at->up) {
            ork_buf_adds(out, at->key);
        } else if (ork_type_is_word(at->key)) {
            ork_buf_addf(out, "%s%s", out->len ? "." : "", at->key);
        } else {
            ork_buf_addc(out, '[');
            ork_buf_json(out, at->key, strlen(at->key));
            ork_buf_addc(out, ']');
        }
    }
}
