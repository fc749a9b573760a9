/* SPDX-License-Identifier: MIT */
/* The fuzzers' corpus (tests/fuzz/corpus), replayed, each file also cut at every place and with every byte turned. */
#include "core/lib_fuzz.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t replay_file(const char *path, void (*fuzz)(const uint8_t *, size_t))
{
    static uint8_t bytes[8192];
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    fuzz(bytes, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t *cut = malloc(i + 1), was = bytes[i]; /* exact, so that a sanitizer sees a byte too far */
        memcpy(cut, bytes, i + 1);
        fuzz(cut, i + 1);
        free(cut);
        bytes[i] = (uint8_t)(was ^ 1u << i % 8);
        fuzz(bytes, n);
        bytes[i] = was;
    }
    return 1;
}

static void replay(const char *what, void (*fuzz)(const uint8_t *, size_t))
{
    const char *root = getenv("ORK_ROOT");
    char path[4096];
    size_t files = 0;
    struct dirent *e;

    if (!root) {
        print_message("left out: ORK_ROOT is not set (script/test sets it)\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", root, what);
    DIR *d = opendir(path);
    assert_non_null(d);
    size_t len = strlen(path);
    while ((e = readdir(d)))
        if (e->d_name[0] != '.') {
            snprintf(path + len, sizeof path - len, "/%s", e->d_name);
            files += replay_file(path, fuzz);
        }
    closedir(d);
    assert_true(files > 5);
}

static void cron(void **state)
{
    (void)state;
    replay("cron", fuzz_cron);
}

static void tz(void **state)
{
    (void)state;
    replay("tz", fuzz_tz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cron), cmocka_unit_test(tz)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
