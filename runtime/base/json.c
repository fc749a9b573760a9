/* SPDX-License-Identifier: MIT */
/* JSON in and out. jansson reads; what it would let through (NUL, depth) is refused after it; the writer below is the
 * only one. Both walks carry the way from the root in frames on the stack, so a refusal names its place:
 * `args.items[3].name`. */
#include "base/json.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

struct frame {
    const struct frame *up;
    const char *key; /* NULL: an index */
    size_t index;
};

static void add_path(struct ork_buf *out, const struct frame *f)
{
    if (!f)
        return;
    add_path(out, f->up);
    if (!f->key)
        ork_buf_addf(out, "[%zu]", f->index + 1); /* as scripts count */
    else
        ork_buf_addf(out, "%s%.60s", out->len ? "." : "", f->key);
}

static int refuse(const struct frame *at, ork_err *err, const char *what)
{
    struct ork_buf path = ORK_BUF_INIT;
    add_path(&path, at);
    int rc = path.len > 0 && path.len <= 400 ? ork_err_set(err, ORK_EJSON, "%s: %s", path.data, what)
                                             : ork_err_set(err, ORK_EJSON, "%s", what);
    ork_buf_fini(&path);
    return rc;
}

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
static const char too_deep[] = "lists and objects are nested deeper than " STRINGIFY(ORK_JSON_DEPTH) " levels";
static const char has_nul[] = "the character U+0000 cannot be stored; remove it or encode the data (base64)";
static const char not_utf8[] = "the text is not UTF-8; encode other data (base64)";
static const char unknown_type[] = "not a JSON value";

const char *ork_json_type_name(const json_t *v)
{
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "list";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "float";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

/* ---- reading ---- */

static int check(json_t *v, const struct frame *at, int depth, ork_err *err)
{
    struct frame here = {.up = at};
    if (json_is_string(v))
        return memchr(json_string_value(v), 0, json_string_length(v)) ? refuse(at, err, has_nul) : 0;
    if (!json_is_array(v) && !json_is_object(v))
        return 0;
    if (depth >= ORK_JSON_DEPTH)
        return ork_err_set(err, ORK_EJSON, "%s", too_deep);
    if (json_is_array(v)) {
        size_t n = json_array_size(v);
        for (here.index = 0; here.index < n; here.index++) {
            int rc = check(json_array_get(v, here.index), &here, depth + 1, err);
            if (rc < 0)
                return rc;
        }
        return 0;
    }
    for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it)) {
        here.key = json_object_iter_key(it);
        int rc = check(json_object_iter_value(it), &here, depth + 1, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* jansson's reasons in our words; texts it words well enough are kept. */
static int parse_error(const json_error_t *e, ork_err *err)
{
    const char *what = e->text;
    switch ((int)json_error_code(e)) {
    case json_error_stack_overflow:
        return ork_err_set(err, ORK_EJSON, "%s", too_deep);
    case json_error_null_byte_in_key:
    case json_error_null_character:
        what = has_nul;
        break;
    case json_error_numeric_overflow:
        return ork_err_set(
            err, ORK_EJSON,
            "line %d, column %d: %s; integers have 64 bits, floats go to 1.8e308; larger ones must be strings", e->line,
            e->column, e->text);
    case json_error_out_of_memory:
        return ork_err_set(err, ORK_ETOOBIG, "out of memory while reading JSON");
    case json_error_premature_end_of_input:
        what = "the text ends too early";
        break;
    default:
        if (strncmp(e->text, "invalid Unicode", 15) == 0)
            return ork_err_set(err, ORK_EJSON, "line %d, column %d: %s: half of a surrogate pair is no character",
                               e->line, e->column, e->text);
    }
    return ork_err_set(err, ORK_EJSON, "line %d, column %d: %s", e->line, e->column, what);
}

int ork_json_parse(const char *text, size_t len, json_t **out, ork_err *err)
{
    json_error_t e;
    if (len == 0)
        return ork_err_set(err, ORK_EJSON, "the text is empty");
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!v)
        return parse_error(&e, err);
    int rc = check(v, NULL, 0, err);
    if (rc < 0) {
        json_decref(v);
        return rc;
    }
    *out = v;
    return 0;
}

/* ---- writing ---- */

static int write_string(const char *s, size_t n, const struct frame *at, struct ork_buf *out, ork_err *err)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t len = 1;
        if (c == 0)
            return refuse(at, err, has_nul);
        if (c >= 0x80 && (len = ork_utf8_len(s + i, n - i)) == 0)
            return refuse(at, err, not_utf8);
        i += len;
    }
    ork_buf_json(out, s, n);
    return 0;
}

static void write_integer(int64_t v, struct ork_buf *out)
{
    char text[24], *end = text + sizeof text, *p = end;
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    ork_buf_add(out, p, (size_t)(end - p));
}

struct member {
    const char *key;
    size_t len;
    const json_t *value;
};

static int by_key(const void *pa, const void *pb)
{
    const struct member *a = pa, *b = pb;
    int c = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* Insertion is fastest for the handful of keys objects have, and for keys that are in order already. */
static void sort_members(struct member *m, size_t n)
{
    if (n > 32) {
        qsort(m, n, sizeof *m, by_key);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct member x = m[i];
        size_t j = i;
        for (; j > 0 && by_key(&m[j - 1], &x) > 0; j--)
            m[j] = m[j - 1];
        m[j] = x;
    }
}

static int write_value(const json_t *v, const struct frame *at, int depth, struct ork_buf *out, ork_err *err);

#define FEW 16 /* members kept on the stack: a frame stays near half a KiB, the depth is bounded */

static int write_members(const struct member *m, size_t n, const struct frame *at, int depth, struct ork_buf *out,
                         ork_err *err)
{
    struct frame here = {.up = at};
    ork_buf_addc(out, '{');
    for (size_t i = 0; i < n; i++) {
        here.key = m[i].key;
        if (i > 0)
            ork_buf_addc(out, ',');
        int rc = write_string(m[i].key, m[i].len, &here, out, err);
        if (rc < 0)
            return rc;
        ork_buf_addc(out, ':');
        rc = write_value(m[i].value, &here, depth + 1, out, err);
        if (rc < 0)
            return rc;
    }
    ork_buf_addc(out, '}');
    return 0;
}

static int write_object(const json_t *v, const struct frame *at, int depth, struct ork_buf *out, ork_err *err)
{
    json_t *object = (json_t *)(uintptr_t)v; /* jansson's iterators are not const; they change nothing */
    struct member few[FEW];
    size_t n = json_object_size(v), i = 0;
    ORK_CLEANUP(ork_free_cleanup) struct member *many = n > FEW ? ork_alloc(n * sizeof *many) : NULL;
    struct member *m = many ? many : few;
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it), i++)
        m[i] = (struct member){json_object_iter_key(it), json_object_iter_key_len(it), json_object_iter_value(it)};
    sort_members(m, n);
    return write_members(m, n, at, depth, out, err);
}

static int write_list(const json_t *v, const struct frame *at, int depth, struct ork_buf *out, ork_err *err)
{
    struct frame here = {.up = at};
    size_t n = json_array_size(v);
    ork_buf_addc(out, '[');
    for (; here.index < n; here.index++) {
        if (here.index > 0)
            ork_buf_addc(out, ',');
        int rc = write_value(json_array_get(v, here.index), &here, depth + 1, out, err);
        if (rc < 0)
            return rc;
    }
    ork_buf_addc(out, ']');
    return 0;
}

static int write_real(double d, const struct frame *at, struct ork_buf *out, ork_err *err)
{
    ork_err why;
    int rc = ork_json_write_real(d, out, &why);
    return rc < 0 ? refuse(at, err, why.msg) : 0;
}

static int write_value(const json_t *v, const struct frame *at, int depth, struct ork_buf *out, ork_err *err)
{
    if (!v)
        return refuse(at, err, unknown_type);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return depth < ORK_JSON_DEPTH ? write_object(v, at, depth, out, err)
                                      : ork_err_set(err, ORK_EJSON, "%s", too_deep);
    case JSON_ARRAY:
        return depth < ORK_JSON_DEPTH ? write_list(v, at, depth, out, err)
                                      : ork_err_set(err, ORK_EJSON, "%s", too_deep);
    case JSON_STRING:
        return write_string(json_string_value(v), json_string_length(v), at, out, err);
    case JSON_INTEGER:
        write_integer(json_integer_value(v), out);
        return 0;
    case JSON_REAL:
        return write_real(json_real_value(v), at, out, err);
    case JSON_TRUE:
        ork_buf_add(out, "true", 4);
        return 0;
    case JSON_FALSE:
        ork_buf_add(out, "false", 5);
        return 0;
    case JSON_NULL:
        ork_buf_add(out, "null", 4);
        return 0;
    }
    return refuse(at, err, unknown_type);
}

int ork_json_write(const json_t *value, struct ork_buf *out, ork_err *err)
{
    size_t before = out->len;
    int rc = write_value(value, NULL, 0, out, err);
    if (rc < 0 && out->data) { /* nothing half-written stays */
        out->len = before;
        out->data[before] = '\0';
    }
    return rc;
}

int ork_json_text(const json_t *value, char **out, size_t *out_len, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    int rc = ork_json_write(value, &b, err);
    if (rc < 0) {
        ork_buf_fini(&b);
        return rc;
    }
    *out = ork_buf_steal(&b, out_len);
    return 0;
}
