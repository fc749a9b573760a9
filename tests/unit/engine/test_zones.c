/* SPDX-License-Identifier: MIT */
/* Zones as files: names of every wrong kind, suggestions, damaged, missing and replaced files; and the documents that
 * show fires. Files are made of rules, in a folder of their own. */
#include "engine/zones.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static char root[] = "/tmp/ork-zones-XXXXXX";

static void path_to(const char *name, char out[300])
{
    snprintf(out, 300, "%s/%s", root, name);
}

static void put_bytes(const char *name, const void *bytes, size_t n)
{
    char path[300], fresh[300];

    path_to(name, path);
    path_to("fresh", fresh);
    FILE *f = fopen(fresh, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(fresh, path), 0); /* as dpkg replaces files: another inode */
}

/* A version 2 file with one type and nothing but a rule. */
static void put_rule(const char *name, const char *rule)
{
    static const uint8_t half[54] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4, [50] = 'L', 'M', 'T'};
    uint8_t bytes[256];

    memcpy(bytes, half, sizeof half);
    memcpy(bytes + sizeof half, half, sizeof half);
    int n = snprintf((char *)bytes + 2 * sizeof half, sizeof bytes - 2 * sizeof half, "\n%s\n", rule);
    put_bytes(name, bytes, 2 * sizeof half + (size_t)n);
}

static int64_t instant(const char *text)
{
    int64_t ms;

    assert_int_equal(ork_time_parse(text, strlen(text), &ms, NULL), 0);
    return ms / 1000;
}

static int make_root(void **state)
{
    static const char *const folders[] = {"Europe", "America", "America/Argentina", "right", "right/Europe", "Etc"};
    static const char *const names[] = {"Europe/Berlin",           "Europe/London", "America/New_York",
                                        "America/Argentina/Salta", "Etc/UTC",       "CET",
                                        "right/Europe/Berlin"};
    char path[300];

    (void)state;
    if (!mkdtemp(root))
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        path_to(folders[i], path);
        if (mkdir(path, 0700) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_rule(names[i], BERLIN);
    put_rule("localtime", BERLIN);
    put_bytes("leapseconds", "# no zone\n", 10);
    put_bytes("zone.tab", "# no zone\n", 10);
    setenv("ORK_ZONEINFO", root, 1);
    return 0;
}

static int remove_root(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void zones_are_read_once(void **state)
{
    struct ork_zones *z = ork_zones_new();
    struct ork_tz *a, *b, *utc;
    char path[300];

    (void)state;
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &a, NULL), 0);
    path_to("Europe/Berlin", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &b, NULL), 0);
    assert_ptr_equal(a, b);
    assert_string_equal(ork_tz_name(a), "Europe/Berlin");
    assert_int_equal(ork_tz_offset(a, instant("2026-07-01"), NULL, NULL), 7200);
    assert_int_equal(ork_zones_get(z, "UTC", &utc, NULL), 0); /* there is no such file */
    assert_ptr_equal(utc, ork_tz_utc());
    ork_tz_unref(b);
    ork_zones_free(z);
    assert_int_equal(ork_tz_offset(a, instant("2026-01-01"), NULL, NULL), 3600); /* it lives on */
    ork_tz_unref(a);
    ork_zones_free(NULL);
    put_rule("Europe/Berlin", BERLIN);
}

static void wrong_names(void **state)
{
    static const struct {
        const char *name;
        int code;
        const char *says;
    } cases[] = {
        {"Europe/Berln", ORK_ENOTFOUND, "there is no time zone `Europe/Berln`; did you mean `Europe/Berlin`?"},
        {"europe/berlin", ORK_ENOTFOUND, "there is no time zone `europe/berlin`; did you mean `Europe/Berlin`?"},
        {"Berlin", ORK_ENOTFOUND, "there is no time zone `Berlin`; did you mean `Europe/Berlin`?"},
        {"berln", ORK_ENOTFOUND, "there is no time zone `berln`; did you mean `Europe/Berlin`?"},
        {"Germany/Berlin", ORK_ENOTFOUND, "there is no time zone `Germany/Berlin`; did you mean `Europe/Berlin`?"},
        {"America/Salta", ORK_ENOTFOUND,
         "there is no time zone `America/Salta`; did you mean `America/Argentina/Salta`?"},
        {"Europe/Berlin/Mitte", ORK_ENOTFOUND,
         "there is no time zone `Europe/Berlin/Mitte`; they are named like `Europe/Berlin` or `UTC`"},
        {"Qqqqqqqq", ORK_ENOTFOUND, "there is no time zone `Qqqqqqqq`; they are named like `Europe/Berlin` or `UTC`"},
        {"New York", ORK_EINVAL, "\"New York\" is no name of a time zone; did you mean `America/New_York`?"},
        {"", ORK_EINVAL, "\"\" is no name of a time zone; they are named like `Europe/Berlin` or `UTC`"},
        {"../Europe/Berlin", ORK_EINVAL, "\"../Europe/Berlin\" is no name of a time zone; they are named like"},
        {"Europe/../Etc/UTC", ORK_EINVAL, "is no name of a time zone"},
        {"/etc/localtime", ORK_EINVAL, "\"/etc/localtime\" is no name of a time zone; they are named like"},
        {"Europe//Berlin", ORK_EINVAL, "is no name of a time zone"},
        {"Europe/Berlin/", ORK_EINVAL, "is no name of a time zone"},
        {"Europe/B\xc3\xa4rlin", ORK_EINVAL, "is no name of a time zone"},
        {"zone.tab", ORK_EINVAL, "is no name of a time zone"},
        {"localtime", ORK_EINVAL, "\"localtime\" is no name of a time zone"},
        {"Europe", ORK_EINVAL, "`Europe` is a folder of time zones, not one"},
        {"leapseconds", ORK_EINVAL, "leapseconds: the file is no time zone (no TZif)"},
    };
    struct ork_zones *z = ork_zones_new();
    char name[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_tz *tz = NULL;
        ork_err err = {0};
        int rc = ork_zones_get(z, cases[i].name, &tz, &err);
        if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("%s: %d, %s", cases[i].name, rc, err.msg);
    }
    memset(name, 'A', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct ork_tz *tz;
    assert_int_equal(ork_zones_get(z, name, &tz, NULL), ORK_EINVAL);
    ork_zones_free(z);
}

static void damaged_and_missing(void **state)
{
    struct ork_zones *z = ork_zones_new();
    struct ork_tz *tz;
    ork_err err;

    (void)state;
    put_bytes("Europe/London", "TZif2 and no more", 17);
    assert_int_equal(ork_zones_get(z, "Europe/London", &tz, &err), ORK_ECORRUPT);
    assert_non_null(strstr(err.msg, "Europe/London: the time zone file is damaged: it ends too early ("));
    assert_non_null(strstr(err.msg, "install Debian's package tzdata again"));
    put_bytes("Europe/London", "", 0);
    assert_int_equal(ork_zones_get(z, "Europe/London", &tz, &err), ORK_EINVAL);
    put_rule("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"); /* mended: nothing wrong was kept */
    assert_int_equal(ork_zones_get(z, "Europe/London", &tz, &err), 0);
    ork_tz_unref(tz);
    ork_zones_free(z);

    setenv("ORK_ZONEINFO", "/nowhere/zoneinfo", 1);
    z = ork_zones_new();
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &tz, &err), ORK_EENV);
    assert_string_equal(err.msg,
                        "this system has no time zones (no /nowhere/zoneinfo): install Debian's package tzdata; "
                        "\"UTC\" works without");
    assert_int_equal(ork_zones_get(z, "UTC", &tz, &err), 0);
    ork_zones_free(z);
    setenv("ORK_ZONEINFO", root, 1);
}

static void replaced_files_are_read_again(void **state)
{
    struct ork_zones *z = ork_zones_new();
    struct ork_tz *old, *new, *still;
    char path[300];

    (void)state;
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &old, NULL), 0);
    assert_int_equal(ork_zones_get(z, "CET", &still, NULL), 0);
    assert_false(ork_zones_refresh(z));
    put_rule("Europe/Berlin", "CET-1"); /* no daylight saving time any more */
    assert_true(ork_zones_refresh(z));
    assert_false(ork_zones_refresh(z));
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &new, NULL), 0);
    assert_ptr_not_equal(old, new);
    assert_int_equal(ork_tz_offset(old, instant("2026-07-01"), NULL, NULL), 7200); /* who holds it keeps it */
    assert_int_equal(ork_tz_offset(new, instant("2026-07-01"), NULL, NULL), 3600);
    ork_tz_unref(old);

    put_bytes("Europe/Berlin", "TZif2 broken", 12); /* stays as it was */
    assert_false(ork_zones_refresh(z));
    path_to("Europe/Berlin", path);
    assert_int_equal(unlink(path), 0);
    assert_false(ork_zones_refresh(z));
    assert_int_equal(ork_zones_get(z, "Europe/Berlin", &old, NULL), 0);
    assert_ptr_equal(old, new);
    put_rule("Europe/Berlin", BERLIN);
    assert_true(ork_zones_refresh(z));
    ork_tz_unref(old);
    ork_tz_unref(new);
    ork_tz_unref(still);
    ork_zones_free(z);
}

static void here(void **state)
{
    static const char *const cases[][2] = {
        {"Europe/Berlin", "Europe/Berlin"},
        {":Europe/Berlin", "Europe/Berlin"},
        {":/usr/share/zoneinfo/America/New_York", "America/New_York"},
        {"CET-1CEST", "UTC"},
        {"../../etc/passwd", "UTC"},
        {"Nowhere", "UTC"},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("TZ", cases[i][0], 1);
        ork_zones_local(out);
        if (strcmp(out, cases[i][1]) != 0)
            fail_msg("TZ=%s: %s", cases[i][0], out);
    }
    unsetenv("TZ");
    ork_zones_local(out); /* the machine's, whatever it is */
    assert_true(*out);
}

/* ---- documents ------------------------------------------------------------------------------ */

static void fires_as_a_document(void **state)
{
    char *json = NULL;
    size_t n;
    ork_err err;

    (void)state;
    assert_int_equal(ork_schedule_fires_json("{\"cron\":\"30 2 * * *\",\"timezone\":\"Europe/Berlin\"}",
                                             instant("2026-03-28 12:00") * 1000, 2, "America/New_York", &json, &n,
                                             &err),
                     0);
    assert_int_equal(strlen(json), n);
    assert_string_equal(
        json,
        "{\"timezone\":\"Europe/Berlin\",\"viewer\":\"America/New_York\",\"cron\":\"30 2 * * *\",\"fires\":["
        "{\"at\":1774746000000,\"local\":\"2026-03-29 "
        "03:00:00\",\"offset\":\"+02:00\",\"abbrev\":\"CEST\",\"dst\":true,"
        "\"viewer\":{\"local\":\"2026-03-29 03:00:00\",\"offset\":\"+02:00\",\"abbrev\":\"CEST\"},"
        "\"change\":{\"at\":1774746000000,\"by_s\":3600},\"shifted_from\":\"2026-03-29 02:30:00\",\"occurrence\":null},"
        "{\"at\":1774830600000,\"local\":\"2026-03-30 "
        "02:30:00\",\"offset\":\"+02:00\",\"abbrev\":\"CEST\",\"dst\":true,"
        "\"viewer\":{\"local\":\"2026-03-30 02:30:00\",\"offset\":\"+02:00\",\"abbrev\":\"CEST\"},"
        "\"change\":null,\"shifted_from\":null,\"occurrence\":null}]}");
    ork_free(json);
    assert_int_equal(
        ork_schedule_fires_json("{\"cron\":\"30 2 * * *\",\"timezone\":\"Europe/Berlin\",\"dst\":\"both\"}",
                                instant("2026-10-25 00:30") * 1000, 1, NULL, &json, &n, &err),
        0);
    assert_string_equal(
        json,
        "{\"timezone\":\"Europe/Berlin\",\"viewer\":null,\"cron\":\"30 2 * * *\",\"fires\":["
        "{\"at\":1792891800000,\"local\":\"2026-10-25 "
        "02:30:00\",\"offset\":\"+01:00\",\"abbrev\":\"CET\",\"dst\":false,"
        "\"viewer\":null,\"change\":{\"at\":1792890000000,\"by_s\":-3600},\"shifted_from\":null,\"occurrence\":2}]}");
    ork_free(json);
    assert_int_equal(ork_schedule_fires_json("{\"every_ms\":600000}", 0, 1, NULL, &json, &n, &err), 0);
    assert_string_equal(
        json, "{\"timezone\":\"UTC\",\"viewer\":null,\"every_ms\":600000,\"fires\":[{\"at\":600000,\"local\":"
              "\"1970-01-01 00:10:00\",\"offset\":\"+00:00\",\"abbrev\":\"UTC\",\"dst\":false,\"viewer\":null,"
              "\"change\":null,\"shifted_from\":null,\"occurrence\":null}]}");
    ork_free(json);
    assert_int_equal(ork_schedule_fires_json("{\"cron\":\"0 0 2 1 1 ? 2020\"}", instant("2026-01-01") * 1000, 5, NULL,
                                             &json, &n, &err),
                     0);
    assert_string_equal(json, "{\"timezone\":\"UTC\",\"viewer\":null,\"cron\":\"0 0 2 1 1 ? 2020\",\"fires\":[]}");
    ork_free(json);
    assert_int_equal(
        ork_schedule_fires_json("{\"cron\":\"@daily\",\"timezone\":\"Berlin\"}", 0, 1, NULL, &json, &n, &err),
        ORK_ENOTFOUND);
    assert_int_equal(ork_schedule_fires_json("{\"cron\":\"@daily\"}", 0, 1, "Berlin", &json, &n, &err), ORK_ENOTFOUND);
    assert_int_equal(ork_schedule_fires_json("{\"cron\":\"@dayly\"}", 0, 1, NULL, &json, &n, &err), ORK_EINVAL);
    assert_int_equal(ork_schedule_fires_json("{", 0, 1, NULL, &json, &n, &err), ORK_EJSON);
}

static void texts_are_checked(void **state)
{
    struct ork_cron_wrong wrong;
    const char *warning;
    char near[64];
    ork_err err;
    int64_t now = instant("2026-01-01") * 1000;

    (void)state;
    assert_int_equal(ork_cron_check("0 2 * * *", now, &warning, &wrong), 0);
    assert_null(warning);
    assert_int_equal(ork_cron_check("0 2 1 * MON", now, &warning, NULL), 0);
    assert_non_null(warning);
    assert_int_equal(ork_cron_check("0 25 * * *", now, &warning, &wrong), ORK_EINVAL);
    assert_int_equal(wrong.at, 2);
    assert_int_equal(wrong.len, 2);
    assert_string_equal(wrong.text, "the hour is 25; it goes from 0 to 23");
    assert_int_equal(ork_cron_check("0 0 2 * * ? 2020", now, &warning, &wrong), ORK_EINVAL);
    assert_int_equal(ork_cron_check("0 0 2 * * ? 2026", now, &warning, &wrong), 0);
    assert_int_equal(ork_zone_check("Europe/Berlin", near, &err), 0);
    assert_string_equal(near, "");
    assert_int_equal(ork_zone_check("Berlin", near, &err), ORK_ENOTFOUND);
    assert_string_equal(near, "Europe/Berlin");
    assert_int_equal(ork_zone_check("/Berlin", near, &err), ORK_EINVAL);
    assert_string_equal(near, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_read_once),
        cmocka_unit_test(wrong_names),
        cmocka_unit_test(damaged_and_missing),
        cmocka_unit_test(replaced_files_are_read_again),
        cmocka_unit_test(here),
        cmocka_unit_test(fires_as_a_document),
        cmocka_unit_test(texts_are_checked),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
