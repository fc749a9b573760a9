/* SPDX-License-Identifier: MIT */
/* The words and shapes of types, their text, and the check that something is a type.
 *
 * A type is JSON: a word ("int", "int?"), a list of one type, an object of types, or ["?", T]. Every function that
 * looks at types takes them apart with ork_type_view_of, one level at a time, so the grammar is written down once. Law:
 * recursion ends at ORK_JSON_DEPTH whatever the tree, and a malformed type is an error, never a crash: types are also
 * read back from databases. */
#include "core/types_internal.h"
#include "base/alloc.h"
#include "base/err.h"
#include <string.h>

static const struct {
    const char *name, *example;
} scalars[] = {
    [ORK_SCALAR_STR] = {"str", NULL},
    [ORK_SCALAR_INT] = {"int", NULL},
    [ORK_SCALAR_FLOAT] = {"float", NULL},
    [ORK_SCALAR_BOOL] = {"bool", NULL},
    [ORK_SCALAR_DATE] = {"date", "2026-11-01"},
    [ORK_SCALAR_NOTZ] = {"datetime_notz", "2026-11-01T02:00:00"},
    [ORK_SCALAR_TZ] = {"datetime_tz", "2026-11-01T02:00:00+01:00"},
    [ORK_SCALAR_UTC] = {"datetime_utc", "2026-11-01T02:00:00Z"},
    [ORK_SCALAR_ANY] = {"any", NULL},
};
static const char type_words[] = "str int float bool date datetime_notz datetime_tz datetime_utc any";

/* Words of other languages, in lower case, and what is meant. */
static const struct {
    const char *word, *meant;
} hints[] = {
    {"string", "`str`"},
    {"text", "`str`"},
    {"varchar", "`str`"},
    {"path", "`str`"},
    {"integer", "`int`"},
    {"long", "`int`"},
    {"int64", "`int`"},
    {"bigint", "`int`"},
    {"number", "`float`"},
    {"double", "`float`"},
    {"real", "`float`"},
    {"decimal", "`float`"},
    {"boolean", "`bool`"},
    {"datetime", "`datetime_utc`"},
    {"timestamp", "`datetime_utc`"},
    {"timestamp_s", "`datetime_utc`"},
    {"timestamp_ms", "`datetime_utc`"},
    {"json", "`any`"},
    {"object", "an object of fields, { name = \"str\" }"},
    {"table", "an object of fields, { name = \"str\" }"},
    {"dict", "an object of fields, { name = \"str\" }"},
    {"map", "an object of fields, { name = \"str\" }"},
    {"list", "a list, { \"str\" }"},
    {"array", "a list, { \"str\" }"},
};

const char *ork_scalar_name(enum ork_scalar scalar)
{
    return scalar < ORK_SCALAR_NONE ? scalars[scalar].name : "?";
}

const char *ork_scalar_example(enum ork_scalar scalar)
{
    return scalar < ORK_SCALAR_NONE ? scalars[scalar].example : NULL;
}

static enum ork_scalar find_scalar(const char *word, size_t len)
{
    for (int i = 0; i < ORK_SCALAR_NONE; i++)
        if (strlen(scalars[i].name) == len && memcmp(scalars[i].name, word, len) == 0)
            return (enum ork_scalar)i;
    return ORK_SCALAR_NONE;
}

static struct ork_type_view view_word(const json_t *type)
{
    struct ork_type_view t = {.shape = ORK_TYPE_BAD};
    const char *word = json_string_value(type);
    size_t len = json_string_length(type);

    if (len > 0 && word[len - 1] == '?') {
        t.optional = true;
        len--;
    }
    t.scalar = find_scalar(word, len);
    if (t.scalar != ORK_SCALAR_NONE)
        t.shape = ORK_TYPE_SCALAR;
    return t;
}

static bool is_optional_pair(const json_t *type)
{
    const char *mark = json_string_value(json_array_get(type, 0));

    return json_array_size(type) == 2 && mark && strcmp(mark, "?") == 0;
}

struct ork_type_view ork_type_view_of(const json_t *type)
{
    struct ork_type_view t = {.shape = ORK_TYPE_BAD};
    bool optional = false;

    /* ["?", ["?", T]] is no more than ["?", T]; the bound is for trees that were not parsed by us. */
    for (int depth = 0; is_optional_pair(type); depth++) {
        if (depth > ORK_JSON_DEPTH)
            return t;
        optional = true;
        type = json_array_get(type, 1);
    }
    if (json_is_string(type)) {
        t = view_word(type);
    } else if (json_is_array(type) && json_array_size(type) == 1) {
        t.shape = ORK_TYPE_LIST;
        t.item = json_array_get(type, 0);
    } else if (json_is_object(type)) {
        t.shape = ORK_TYPE_OBJECT;
        t.fields = type;
    }
    t.optional |= optional;
    return t;
}

bool ork_type_view_takes_null(const struct ork_type_view *t)
{
    return t->optional || (t->shape == ORK_TYPE_SCALAR && t->scalar == ORK_SCALAR_ANY);
}

bool ork_type_is_optional(const json_t *type)
{
    return ork_type_view_of(type).optional;
}

const json_t *ork_type_field(const json_t *type, const char *field, bool *known)
{
    struct ork_type_view t = ork_type_view_of(type);

    *known = true;
    if (t.shape == ORK_TYPE_OBJECT && json_object_size(t.fields) > 0)
        return json_object_get(t.fields, field);
    if (t.shape == ORK_TYPE_BAD || t.shape == ORK_TYPE_OBJECT ||
        (t.shape == ORK_TYPE_SCALAR && t.scalar == ORK_SCALAR_ANY))
        *known = false;
    return NULL;
}

/* ---- check ---------------------------------------------------------------------------------- */

static const char *hint_for(const char *word)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i].word, word) == 0)
            return hints[i].meant;
    return NULL;
}

/* The word that was meant, with a "?" of its own put back on. */
static void suggest_word(const char *text, size_t len, struct ork_buf *out)
{
    static const char *const words[] = {"str",           "int",         "float",        "bool", "date",
                                        "datetime_notz", "datetime_tz", "datetime_utc", "any",  NULL};
    char word[32];
    bool optional = len > 0 && text[len - 1] == '?';
    size_t n = optional ? len - 1 : len;
    const char *meant = NULL;

    if (n > 0 && n < sizeof word) {
        for (size_t i = 0; i < n; i++)
            word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        word[n] = 0;
        const char *hint = hint_for(word);
        if (hint) {
            ork_buf_addf(out, "; write %s%s", hint, optional ? ", optional: add `?` or ork.optional(…)" : "");
            return;
        }
        meant = find_scalar(word, n) != ORK_SCALAR_NONE ? word : ork_suggest(word, words);
    }
    if (meant)
        ork_buf_addf(out, "; did you mean `%s%s`?", meant, optional ? "?" : "");
    else
        ork_buf_addf(out, "; types are %s, \"T?\", { T } for a list, { field = T } for an object", type_words);
}

static int refuse_type(const json_t *type, const struct ork_type_path *path, ork_err *err)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf text = ORK_BUF_INIT;

    ork_type_path_text(path, &text);
    if (text.len)
        ork_buf_adds(&text, ": ");
    if (json_is_string(type)) {
        ork_buf_adds(&text, "unknown type ");
        ork_type_value_text(type, &text);
        suggest_word(json_string_value(type), json_string_length(type), &text);
    } else if (json_is_array(type)) {
        ork_buf_addf(&text, "a list type has exactly one element type, { \"str\" }; here are %zu",
                     json_array_size(type));
    } else {
        ork_buf_adds(&text, "not a type: ");
        ork_type_value_text(type, &text);
        ork_buf_addf(&text, "; types are %s, \"T?\", { T } for a list, { field = T } for an object", type_words);
    }
    return ork_err_set(err, ORK_EDEF, "%s", text.data);
}

static int check(const json_t *type, const struct ork_type_path *path, int depth, ork_err *err)
{
    struct ork_type_view t = ork_type_view_of(type);
    const char *key;
    const json_t *field;
    int rc = 0;

    if (depth > ORK_JSON_DEPTH)
        return ork_err_set(err, ORK_ETOOBIG, "the type is nested more than %d levels deep", ORK_JSON_DEPTH);
    if (t.shape == ORK_TYPE_BAD) {
        while (is_optional_pair(type) && depth++ <= ORK_JSON_DEPTH)
            type = json_array_get(type, 1);
        return refuse_type(type, path, err);
    }
    if (t.shape == ORK_TYPE_LIST) {
        struct ork_type_path at = {.up = path, .key = NULL, .index = 0};
        return check(t.item, &at, depth + 1, err);
    }
    if (t.shape == ORK_TYPE_OBJECT) {
        json_object_foreach((json_t *)t.fields, key, field)
        {
            struct ork_type_path at = {.up = path, .key = key};
            rc = check(field, &at, depth + 1, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int ork_type_check(const json_t *type, ork_err *err)
{
    struct ork_type_path root = {.key = ""};

    return check(type, &root, 0, err);
}
