/* SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void test_sha256(void **state)
{
    (void)state;
    char hex[65];
    ork_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ork_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(ork_crc32(0, NULL, 0), 0);
    assert_int_equal(ork_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(ork_crc32(ork_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
}

/* No two of many short names share a value, nor the low bits more often than chance allows. */
static void test_hash64(void **state)
{
    (void)state;
    enum { N = 20000, BUCKETS = 1024 };
    static uint64_t seen[N];
    static int buckets[BUCKETS];
    for (int i = 0; i < N; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "task_%d", i);
        seen[i] = ork_hash64(name, (size_t)n, 1);
        assert_true(seen[i] == ork_hash64(name, (size_t)n, 1));
        assert_true(seen[i] != ork_hash64(name, (size_t)n, 2));
        buckets[seen[i] % BUCKETS]++;
        for (int j = 0; j < i && i < 2000; j++)
            assert_true(seen[i] != seen[j]);
    }
    for (int i = 0; i < BUCKETS; i++)
        assert_in_range(buckets[i], 1, 60);
    assert_true(ork_hash64("", 0, 0) != ork_hash64("\0", 1, 0));
    assert_true(ork_hash64("\0", 1, 0) != ork_hash64("\0\0", 2, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha256), cmocka_unit_test(test_crc32),
                                       cmocka_unit_test(test_hash64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
