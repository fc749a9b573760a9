/* SPDX-License-Identifier: MIT */
/* A scheduler that stays up: it owns what nobody owns, acts on schedules, and lives until it is told to end. Between
 * events it sleeps in the kernel: no look is made that nothing asked for. */
#include "engine/engine.h"
#include "engine/zone_watch.h"
#include <string.h>

int ork_engine_serve(ork_engine *e, ork_err *err)
{
    if (e->serve.on)
        return 0;
    if (e->registered && !e->role)
        return ork_err_set(err, ORK_ESTATE, "this program has runs of its own already; serve comes before the first");
    e->role = "serve";
    int rc = ork_engine_register(e, err);
    if (rc)
        return rc;
    e->serve.on = true;
    ork_zone_watch_all(e);
    ork_adopt_look(e, true);
    ork_schedules_check(e);
    return 0;
}

int ork_engine_run(ork_engine *e, ork_err *err)
{
    uv_ref((uv_handle_t *)&e->check);
    while (!e->interrupted && !e->fenced) {
        bool more = ork_inline_turn(e);
        uv_run(e->loop, more ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    uv_unref((uv_handle_t *)&e->check);
    e->interrupted = false;
    if (e->fenced)
        return ork_err_set(err, ORK_EFENCED,
                           "another scheduler took over the runs of this one while it was not running");
    return 0;
}

static int find_server(ork_engine *e, ork_id *id, bool *found, ork_err *err)
{
    struct ork_rows *rows = NULL;
    int rc = ork_store_query(e->store, ORK_Q_schedulers_list, NULL, 0, &rows, err);

    *found = false;
    for (size_t i = 0; !rc && !*found && i < ork_rows_len(rows); i++) {
        const char *role = ork_rows_text(rows, i, "role");
        *found =
            role && strcmp(role, "serve") == 0 && ork_rows_id(rows, i, "id", id) && ork_store_owner_alive(e->store, id);
    }
    ork_rows_free(rows);
    return rc;
}

int ork_engine_served(ork_engine *e, bool *served, ork_err *err)
{
    ork_id id;

    return find_server(e, &id, served, err);
}

int ork_serve_watch(ork_engine *e, bool *served, ork_err *err)
{
    ork_id id;
    int rc = find_server(e, &id, served, err);

    return rc || !*served ? rc : ork_engine_watch_owner(e, &id, err);
}

/* Whoever serves the same database hears the bell and goes on; what runs stays under the agent. Through a server the
 * runs stay ours until this scheduler's row has ended: another one takes each up from there, its slots with it, and one
 * whose processes live waits for a scheduler of this host. Released, it would lose its slots before the next owner has
 * them. */
void ork_engine_hand_over(ork_engine *e)
{
    struct ork_active *a, *tmp;

    if (!e->serve.on || e->fenced)
        return;
    e->serve.on = false;
    e->ending = true;
    ork_timers_schedule(e, 0);
    if (ork_store_remote(e->store))
        return;
    HASH_ITER(hh, e->runs, a, tmp)
    {
        if (!a->closing && !a->update && a->inserted == a->run.n)
            ork_active_release(a);
    }
}

void ork_serve_rung(ork_engine *e, bool death)
{
    if (!e->serve.on)
        return;
    ork_adopt_look(e, death);
    ork_schedules_look(e);
}

void ork_serve_fini(ork_engine *e)
{
    ork_zone_watch_fini(e);
    ork_schedules_fini(e);
    ork_adopt_fini(e);
}
