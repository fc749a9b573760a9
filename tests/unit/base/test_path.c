/* SPDX-License-Identifier: MIT */
#include "base/path.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ork-path-XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return chdir("/") == 0 ? system(command) : -1;
}

static void test_join_and_dirname(void **state)
{
    (void)state;
    static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},
                                           {"", "b", "b"},    {"/", "b", "/b"},   {"a", "", "a"}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        char *s = ork_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(s, joins[i][2]);
        ork_free(s);
    }
    static const char *const dirs[][2] = {{"a/b", "a"},  {"a", "."},    {"/a", "/"},        {"/", "/"}, {"", "."},
                                          {"a/b/", "a"}, {"a//b", "a"}, {"/a/b/c", "/a/b"}, {"//", "/"}};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        char *s = ork_path_dirname(dirs[i][0]);
        assert_string_equal(s, dirs[i][1]);
        ork_free(s);
    }
}

static void test_absolute(void **state)
{
    (void)state;
    assert_int_equal(mkdir("real", 0700), 0);
    assert_int_equal(symlink("real", "link"), 0);
    static const char *const cases[][2] = {{".", ""},
                                           {"real", "/real"},
                                           {"link", "/real"},
                                           {"link/new/file", "/real/new/file"},
                                           {"./no/./such/../x", "/no/x"},
                                           {"new", "/new"},
                                           {"link/../new", "/new"},
                                           {"real//x", "/real/x"},
                                           {"no/../../y", "!/y"},
                                           {"real/", "/real"},
                                           {"n/", "/n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[200], *got = NULL;
        snprintf(want, sizeof want, "%s%s", cases[i][1][0] == '!' ? "/tmp" : dir,
                 cases[i][1] + (cases[i][1][0] == '!'));
        assert_int_equal(ork_path_absolute(cases[i][0], &got, NULL), 0);
        assert_string_equal(got, want);
        ork_free(got);
    }
    char *got = NULL;
    ork_err err;
    assert_int_equal(ork_path_absolute("/no-such-root/a/..", &got, NULL), 0);
    assert_string_equal(got, "/no-such-root");
    ork_free(got);
    assert_int_equal(ork_path_absolute("/..", &got, NULL), 0);
    assert_string_equal(got, "/");
    ork_free(got);
    assert_int_equal(ork_path_absolute("", &got, &err), ORK_EINVAL);
    fclose(fopen("plain", "w"));
    assert_int_equal(ork_path_absolute("plain/x", &got, &err), ORK_EIO);
    assert_non_null(strstr(err.msg, "plain/x"));
}

static void test_make_dirs(void **state)
{
    (void)state;
    struct stat st;
    ork_err err;
    assert_int_equal(ork_path_make_dirs("p/q//r/", &err), 0);
    assert_int_equal(stat("p/q/r", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(ork_path_make_dirs("p/q/r", &err), 0);
    char *abs = ork_path_join(dir, "abs/x");
    assert_int_equal(ork_path_make_dirs(abs, &err), 0);
    ork_free(abs);
    fclose(fopen("file", "w"));
    assert_int_equal(ork_path_make_dirs("file", &err), ORK_EEXIST);
    assert_int_equal(ork_path_make_dirs("file/x", &err), ORK_EEXIST);
    assert_string_equal(err.msg, "cannot create the folder file/x: file is not a folder");
    assert_int_equal(ork_path_make_dirs("", &err), ORK_EINVAL);
    assert_true(ork_path_make_dirs("/proc/nothing/here", &err) < 0);
}

static void write_file(const char *name, size_t n)
{
    FILE *f = fopen(name, "w");
    for (size_t i = 0; i < n; i++)
        putc(i % 7 ? 'x' : '\0', f);
    fclose(f);
}

static void test_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 100000};
    ork_err err;
    char *text;
    size_t len;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        write_file("data", sizes[i]);
        assert_int_equal(ork_file_read("data", sizes[i], &text, &len, &err), 0);
        assert_int_equal(len, sizes[i]);
        assert_int_equal(text[len], 0);
        ork_free(text);
        if (sizes[i] > 0) {
            assert_int_equal(ork_file_read("data", sizes[i] - 1, &text, &len, &err), ORK_ETOOBIG);
            assert_non_null(strstr(err.msg, "data is larger"));
        }
    }
    assert_int_equal(ork_file_read("nowhere", 10, &text, &len, &err), ORK_ENOTFOUND);
    assert_string_equal(err.msg, "cannot open nowhere: No such file or directory");
    assert_int_equal(ork_file_read(".", 10, &text, &len, &err), ORK_EINVAL);
    assert_string_equal(err.msg, ". is a folder, not a file");
    assert_int_equal(ork_file_read("/proc/self/comm", 100, &text, NULL, &err), 0);
    ork_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_join_and_dirname), cmocka_unit_test(test_absolute),
                                       cmocka_unit_test(test_make_dirs), cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, enter, leave);
}
