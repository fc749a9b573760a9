/* SPDX-License-Identifier: MIT */
#include "store/lib_world.h"
#include <stdio.h>

const char *world_place = "world";

void world_open(struct world *x, uint32_t tasks)
{
    static int serial;
    char name[32];
    (void)snprintf(name, sizeof name, "%s%d.db", world_place, serial++);
    memset(x, 0, sizeof *x);
    x->url = test_url(name);
    test_open(&x->t, x->url);
    test_register(&x->t);
    x->w = test_workflow("etl", tasks);
    test_make_run(&x->t, x->w, &x->run);
}

void world_close(struct world *x)
{
    ork_batch_fini(&x->b);
    ork_workflow_unref(x->w);
    test_close(&x->t);
    ork_free(x->url);
}

struct ork_rows *world_run(struct world *x, const ork_id *id)
{
    return test_query(&x->t, ORK_Q_run_get, (struct ork_param[]){ORK_P_ID(id)}, 1);
}

struct ork_rows *world_tasks(struct world *x, const char *statuses, int64_t limit)
{
    return test_query(
        &x->t, ORK_Q_tasks_list,
        (struct ork_param[]){ORK_P_ID(&x->run.run_id), ORK_P_TEXT(statuses), ORK_P_NULL, ORK_P_INT(limit)}, 4);
}

ork_id world_task(struct world *x, uint32_t no)
{
    ork_id id;
    ork_task_id(&x->run.run_id, no, &id);
    return id;
}

/* One more run of the same workflow; the caller changes c before. */
void world_create(struct world *x, struct ork_new_run *c)
{
    ork_batch_add(&x->b, ORK_UNIT_CREATE_RUN)->create = c;
    test_apply_ok(&x->t, &x->b);
}

void world_put_run(struct world *x, const ork_id *id, int status, bool release)
{
    struct ork_unit *u = ork_batch_add(&x->b, ORK_UNIT_RUN);
    u->run.id = *id;
    u->run.status = status;
    u->run.release = release;
    test_apply_ok(&x->t, &x->b);
}
