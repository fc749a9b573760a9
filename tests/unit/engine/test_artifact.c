/* SPDX-License-Identifier: MIT */
/* Contents of artifacts that several keep at the same moment. */
#include "engine/artifact.h"
#include "engine/lib_engine.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 6
#define ROUNDS 200

static pthread_barrier_t barrier;
static char *run_dir;
static struct ork_artifacts lists[THREADS];

static void *keeper(void *data)
{
    struct ork_artifacts *list = data;
    char name[32];
    ork_err err;

    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(name, sizeof(name), "in/%d", i);
        (void)pthread_barrier_wait(&barrier);
        if (ork_artifact_keep(run_dir, name, "x", false, NULL, list, &err) != 0)
            return (void *)1;
    }
    return NULL;
}

/* Each content has two names, whoever was first: that of all runs, and that of this one. */
static void one_content_kept_by_many(void **state)
{
    struct world *w = *state;
    pthread_t threads[THREADS];
    char path[400];
    struct stat st;
    (void)w;
    assert_int_equal(system("mkdir -p logs/run in && for i in $(seq 0 199); do echo $i >in/$i; done"), 0);
    run_dir = realpath("logs/run", NULL);
    assert_non_null(run_dir);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keeper, &lists[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        ork_artifacts_fini(&lists[i]);
    }
    (void)pthread_barrier_destroy(&barrier);
    free(run_dir);
    FILE *found = popen("find artifacts -type f", "r");
    int n = 0;
    assert_non_null(found);
    while (fgets(path, sizeof(path), found)) {
        path[strcspn(path, "\n")] = '\0';
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_nlink, 2);
        n++;
    }
    assert_int_equal(pclose(found), 0);
    assert_int_equal(n, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_content_kept_by_many, world_setup_dir, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
