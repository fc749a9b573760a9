/* SPDX-License-Identifier: MIT */
/* How far a copy is, as the destination remembers it:
 *
 *   {"schema":17,"table":"tasks","again":false,"rows":48000,"key":["0198c7…"]}
 *
 * "again" is the second round, for what tables were put without. The schema is this program's: another program has
 * other tables, and cannot go on. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "store/copier.h"
#include <string.h>

static void set_cell(struct ork_copy_key *k, size_t i, int type, const void *p, size_t n)
{
    ork_buf_clear(&k->text[i]);
    ork_buf_add(&k->text[i], p, n);
    k->cells[i] = (struct ork_cell){.type = type, .n = (uint32_t)n};
    k->cells[i].p = k->text[i].data;
}

void ork_copy_key_set(struct ork_copy_key *k, const struct ork_store_table *t, const struct ork_rows *rows, size_t row)
{
    for (size_t i = 0; i < t->keys; i++) {
        const struct ork_cell *c = ork_rows_cell(rows, row, i);
        if (c->type == ORK_CELL_TEXT || c->type == ORK_CELL_BLOB)
            set_cell(k, i, c->type, c->p, c->n);
        else
            k->cells[i] = *c;
    }
    k->set = true;
}

void ork_copy_key_fini(struct ork_copy_key *k)
{
    for (size_t i = 0; i < ORK_TABLE_KEYS; i++)
        ork_buf_fini(&k->text[i]);
}

static void add_key(struct ork_buf *out, const struct ork_cell *c)
{
    char text[ORK_ID_TEXT];
    ork_id id;
    if (c->type == ORK_CELL_INT) {
        ork_buf_addf(out, "%lld", (long long)c->i);
    } else if (c->type == ORK_CELL_BLOB) {
        memcpy(id.b, c->p, sizeof id.b);
        ork_id_format(&id, text);
        ork_buf_addf(out, "\"%s\"", text);
    } else {
        ork_buf_json(out, c->p, c->n);
    }
}

void ork_copier_note(const struct ork_copier *c, struct ork_buf *out)
{
    const struct ork_store_table *t = &ork_store_tables[c->table];
    ork_buf_addf(out, "{\"schema\":%d,\"table\":\"%s\",\"again\":%s,\"rows\":%lld", ork_store_schema(), t->name,
                 c->again ? "true" : "false", (long long)c->rows);
    for (size_t i = 0; c->key.set && i < t->keys; i++) {
        ork_buf_adds(out, i ? "," : ",\"key\":[");
        add_key(out, &c->key.cells[i]);
    }
    ork_buf_adds(out, c->key.set ? "]}" : "}");
}

static bool take_cell(struct ork_copy_key *k, size_t i, enum ork_column_kind kind, const json_t *v)
{
    ork_id id;
    if (json_is_integer(v) && kind == ORK_COLUMN_INT) {
        k->cells[i] = (struct ork_cell){.type = ORK_CELL_INT};
        k->cells[i].i = json_integer_value(v);
        return true;
    }
    if (!json_is_string(v))
        return false;
    if (kind == ORK_COLUMN_TEXT)
        set_cell(k, i, ORK_CELL_TEXT, json_string_value(v), json_string_length(v));
    else if (kind == ORK_COLUMN_ID && ork_id_parse(json_string_value(v), json_string_length(v), &id) == 0)
        set_cell(k, i, ORK_CELL_BLOB, id.b, sizeof id.b);
    else
        return false;
    return true;
}

static bool take_key(struct ork_copier *c, const struct ork_store_table *t, const json_t *key)
{
    bool good = json_array_size(key) == t->keys;
    for (size_t i = 0; good && i < t->keys; i++)
        good = take_cell(&c->key, i, t->cols[i].kind, json_array_get(key, i));
    c->key.set = good;
    return good;
}

static bool take_note(struct ork_copier *c, const json_t *note)
{
    const json_t *name = json_object_get(note, "table"), *key = json_object_get(note, "key");
    if (json_integer_value(json_object_get(note, "schema")) != ork_store_schema())
        return false;
    const struct ork_store_table *t = json_is_string(name) ? ork_store_table_find(json_string_value(name)) : NULL;
    if (!t || t->leave)
        return false;
    c->table = (size_t)(t - ork_store_tables);
    c->again = json_is_true(json_object_get(note, "again"));
    c->rows = json_integer_value(json_object_get(note, "rows"));
    return !key || take_key(c, t, key);
}

int ork_copier_take_up(struct ork_copier *c, const char *progress, ork_err *err)
{
    json_t *note = NULL;
    bool good = ork_json_parse(progress, strlen(progress), &note, NULL) == 0 && take_note(c, note);
    json_decref(note);
    if (good)
        return 0;
    return ork_err_set(err, ORK_ESTATE,
                       "%s is half of a copy that another version of Ork began; copy into another database",
                       c->place.data);
}
