/* SPDX-License-Identifier: MIT */
/* Pools as people look at them and change them. Who waits for slots notices a larger pool by the bell; a smaller one
 * empties as tasks end. */
#include "engine/catalog.h"
#include <string.h>

int ork_pools_json(ork_engine *e, char **out, ork_err *err)
{
    struct ork_rows *r = NULL;
    struct ork_buf b = ORK_BUF_INIT;
    int rc = ork_store_query(e->store, ORK_Q_pools_list, NULL, 0, &r, err);

    if (rc)
        return rc;
    ork_buf_addc(&b, '[');
    for (size_t i = 0; i < ork_rows_len(r); i++) {
        ork_buf_adds(&b, i ? ",{" : "{");
        ork_doc_text(&b, "name", ork_rows_text(r, i, "name"));
        ork_doc_int(&b, "slots", ork_rows_int(r, i, "slots", 0));
        ork_doc_int(&b, "used", ork_rows_int(r, i, "used", 0));
        ork_doc_int(&b, "waiting", ork_rows_int(r, i, "waiting", 0));
        ork_buf_addc(&b, '}');
    }
    ork_buf_addc(&b, ']');
    ork_rows_free(r);
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

int ork_pool_set(ork_engine *e, const char *name, uint32_t slots, ork_err *err)
{
    struct ork_unit u = {.type = ORK_UNIT_POOL, .pool = {.name = name, .slots = slots}};

    if (!*name || strlen(name) > 200)
        return ork_err_set(err, ORK_EINVAL, "a pool's name has 1 to 200 bytes");
    if (slots < 1 || slots > INT32_MAX)
        return ork_err_set(err, ORK_EINVAL, "a pool has 1 slot or more");
    return ork_ask(e, &u, 0, true, err);
}
