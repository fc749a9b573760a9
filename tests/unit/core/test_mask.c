/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "core/mask.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const struct ork_mask *m, const char *text, const char *wanted)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_mask_text(m, text, strlen(text), &b);
    assert_string_equal(b.data ? b.data : "", wanted);
    ork_buf_fini(&b);
}

static void add(struct ork_mask *m, const char *value)
{
    ork_mask_add(m, value, strlen(value));
}

static void finds_the_longest(void **state)
{
    struct ork_mask m = {0};

    (void)state;
    check(&m, "abcdef", "abcdef");
    add(&m, "abcd");
    add(&m, "abcdef");
    add(&m, "abcd");
    add(&m, "xyz"); /* too short to be looked for */
    assert_int_equal(m.len, 2);
    assert_int_equal(ork_mask_longest(&m), 6);
    check(&m, "abcdef abcd xyz", "*** *** xyz");
    check(&m, "abcabcdabc", "abc***abc");
    check(&m, "abcdabcdef", "******");
    check(&m, "abc", "abc");
    check(&m, "", "");
    ork_mask_fini(&m);
}

static void lines_count(void **state)
{
    struct ork_mask m = {0};

    (void)state;
    add(&m, "-----BEGIN\nabcdefgh\nx\n-----END\n");
    check(&m, "> abcdefgh", "> ***");
    check(&m, "x", "x");
    check(&m, "a -----BEGIN\nabcdefgh\nx\n-----END\n b", "a *** b");
    ork_mask_fini(&m);
}

static void in_place(void **state)
{
    struct ork_mask m = {0};
    char text[] = "a secret, a secret";

    (void)state;
    add(&m, "secret");
    assert_true(ork_mask_stars(&m, text, strlen(text)));
    assert_string_equal(text, "a ******, a ******");
    assert_false(ork_mask_stars(&m, text, strlen(text)));
    ork_mask_fini(&m);
}

static void in_trees(void **state)
{
    struct ork_mask m = {0};
    json_t *tree = json_pack("{s:[s,i,n,b],s:{s:s}}", "list", "a secret", 12345678, 1, "my secret", "in", "x"), *clean;

    (void)state;
    add(&m, "none of it");
    clean = ork_mask_json(&m, tree);
    assert_ptr_equal(clean, tree);
    json_decref(clean);
    add(&m, "secret");
    add(&m, "12345678");
    clean = ork_mask_json(&m, tree);
    json_t *wanted = json_pack("{s:[s,s,n,b],s:{s:s}}", "list", "a ***", "***", 1, "my ***", "in", "x");
    assert_true(json_equal(clean, wanted));
    assert_null(ork_mask_json(&m, NULL));
    json_decref(wanted);
    json_decref(clean);
    json_decref(tree);
    ork_mask_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_longest),
        cmocka_unit_test(lines_count),
        cmocka_unit_test(in_place),
        cmocka_unit_test(in_trees),
    };

    return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
