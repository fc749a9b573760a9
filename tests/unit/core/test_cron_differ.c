/* SPDX-License-Identifier: MIT */
/* Random expressions at instants away from changes of clocks, against two other implementations: Debian's
 * python3-croniter, and npm's croner where NODE_PATH leads to one. Each is left out, with the reason, where it cannot
 * be found. 2,000 cases, 20,000 with --long; ORK_DIFFER_CASES and ORK_DIFFER_SEED choose others.
 *
 * Where theirs is wrong, measured by Vixie's cron, whose language this is, stands in `known` below, with the reason.
 * Such cases are generated too; they are counted where they differ, and everything else must be the same. */
#include "core/lib_zone.h"
#include "core/schedule.h"
#include "base/time.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRES 3

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* ---- cases ---------------------------------------------------------------------------------- */

struct kase {
    char cron[200];
    const char *zone;
    int64_t at_s, local_s, fires[FIRES];
    int32_t offset_s;
    struct ork_cron parsed;
};

static const char *const zones[] = {"UTC",        "Europe/Berlin",     "America/New_York", "Asia/Kathmandu",
                                    "Asia/Tokyo", "America/Sao_Paulo", "Australia/Sydney", "Pacific/Auckland"};
static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const days[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static void add(char *out, const char *fmt, ...) ORK_PRINTF(2, 3);
static void add(char *out, const char *fmt, ...)
{
    va_list args;
    size_t n = strlen(out);

    va_start(args, fmt);
    vsnprintf(out + n, 200 - n, fmt, args);
    va_end(args);
}

/* One item of values from least to most. */
static void add_item(char *out, int least, int most, const char *const *names)
{
    int range = most - least + 1, a = least + (int)rnd((uint32_t)range), b = a + (int)rnd((uint32_t)(most - a + 1));

    switch (rnd(8)) {
    case 0:
        add(out, "%d-%d", a, b);
        return;
    case 1:
        if (b - a >= 2) {
            add(out, "%d-%d/%d", a, b, 1 + (int)rnd((uint32_t)(b - a)));
            return;
        }
        break;
    case 2:
        if (most - a >= 2) {
            add(out, "%d/%d", a, 1 + (int)rnd((uint32_t)(most - a)));
            return;
        }
        break;
    case 3:
        if (names) {
            add(out, "%s", names[a - least]);
            return;
        }
    }
    add(out, "%d", a);
}

static void add_field(char *out, int least, int most, const char *const *names, uint32_t wild)
{
    if (rnd(10) < wild) {
        if (rnd(3) == 0)
            add(out, "*/%d", 2 + (int)rnd((uint32_t)(most - least) / 2));
        else
            add(out, "*");
        return;
    }
    for (uint32_t i = 1 + rnd(10) / 8 + rnd(10) / 9; i > 0; i--) {
        add_item(out, least, most, names);
        if (i > 1)
            add(out, ",");
    }
}

static void add_day(char *out)
{
    switch (rnd(20)) {
    case 0:
        add(out, "L");
        break;
    case 1:
        add(out, "%uW", 1 + rnd(31));
        break;
    case 2:
        add(out, "LW");
        break;
    case 3:
        add(out, "%u,L", 1 + rnd(28));
        break;
    default:
        add_field(out, 1, 31, NULL, 6);
    }
}

static void add_weekday(char *out)
{
    switch (rnd(16)) {
    case 0:
        add(out, "%u#%u", rnd(7), 1 + rnd(5));
        break;
    case 1:
        add(out, "%uL", rnd(7));
        break;
    case 2:
        add(out, "%s-%s", days[rnd(3)], days[3 + rnd(4)]);
        break;
    case 3:
        add(out, "%u-7", 1 + rnd(6));
        break;
    default:
        add_field(out, 0, 6, days, 7);
    }
}

static void make_text(char *out)
{
    uint32_t fields = 5 + rnd(4) % 3 % 2 + (rnd(10) == 0);

    out[0] = '\0';
    if (fields > 5) {
        add_field(out, 0, 59, NULL, 1);
        add(out, " ");
    }
    add_field(out, 0, 59, NULL, 3);
    add(out, " ");
    add_field(out, 0, 23, NULL, 4);
    add(out, " ");
    add_day(out);
    add(out, " ");
    add_field(out, 1, 12, months, 7);
    add(out, " ");
    add_weekday(out);
    if (fields > 6)
        add(out, " %u-%u", 2024 + rnd(3), 2027 + rnd(20));
}

static int blanks(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += *text == ' ';
    return n;
}

/* The n-th field of five, whatever stands before. */
static const char *field_of(const char *text, int n)
{
    for (n += blanks(text) > 4; n > 0; n--)
        text = strchr(text, ' ') + 1;
    return text;
}

/* Fires of a new random case; false: it never comes, or a change of clocks is too near. */
static bool make_case(struct kase *k, struct ork_tz *const *loaded)
{
    struct ork_schedule s = {0};
    uint32_t z = rnd(sizeof zones / sizeof *zones);
    int64_t at, change;

    make_text(k->cron);
    if (ork_cron_parse(k->cron, 0, &s.cron, NULL) < 0)
        return false;
    s.zone = loaded[z];
    k->zone = zones[z];
    k->at_s = instant("2024-01-01") + rnd(4 * 365 * 86400u);
    k->offset_s = ork_tz_offset(s.zone, k->at_s, NULL, NULL);
    k->local_s = k->at_s + k->offset_s;
    at = k->at_s * 1000;
    for (int i = 0; i < FIRES; i++) {
        if (!ork_schedule_next(&s, at, &at))
            return false;
        k->fires[i] = at / 1000;
    }
    if (at / 1000 > instant("2070-01-01") ||
        (ork_tz_transition(s.zone, k->at_s - 86400, &change) && change < at / 1000 + 86400))
        return false;
    k->parsed = s.cron;
    return true;
}

/* ---- where theirs is wrong ------------------------------------------------------------------ */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_star(const char *field)
{
    return *field == '*' && (field[1] == ' ' || !field[1]);
}

static bool has(const char *field, const char *signs)
{
    size_t n = strcspn(field, " ");

    return strcspn(field, signs) < n;
}

static bool both_as_step(const struct kase *k)
{
    const char *day = field_of(k->cron, 2), *weekday = field_of(k->cron, 4);

    return (begins(day, "*/") && !is_star(weekday)) || (begins(weekday, "*/") && !is_star(day));
}

static bool whole(const struct kase *k)
{
    unsigned set = ORK_CRON_DAY_SET | ORK_CRON_WEEKDAY_SET;

    return (k->parsed.flags & set) == set && (k->parsed.weekdays == 0x7f || k->parsed.days == 0xfffffffe);
}

static bool nth_beside_a_day(const struct kase *k)
{
    return has(field_of(k->cron, 4), "#L") && !is_star(field_of(k->cron, 2));
}

static bool up_to_seven(const struct kase *k)
{
    const char *weekday = field_of(k->cron, 4);

    return !begins(weekday, "*/") && has(weekday, "/");
}

static bool seven_with_seconds(const struct kase *k)
{
    return blanks(k->cron) > 4 && has(field_of(k->cron, 4), "7");
}

/* 30 February, or Monday. */
static bool day_that_never_comes(const struct kase *k)
{
    struct ork_cron alone = k->parsed;
    int64_t at;

    alone.weekdays = 0x7f;
    alone.flags = ORK_CRON_DAY_SET;
    return (k->parsed.flags & ORK_CRON_WEEKDAY_SET) && !ork_cron_next(&alone, 0, &at);
}

/* 1,16,31: from February on it looks for the 31st and comes out behind the 1st of March. */
static bool march_after_a_short_february(const struct kase *k)
{
    for (int i = 0; i < FIRES && k->parsed.days & 0xe0000000; i++) {
        struct ork_civil c;
        ork_civil_from_ms((k->fires[i] + k->offset_s) * 1000, &c);
        if (c.month == 3 && c.day < 10)
            return true;
    }
    return false;
}

struct known {
    const char *what;
    bool (*is)(const struct kase *k);
};

static const struct known of_croniter[] = {
    {"takes either of day and weekday where one is a step of * (Vixie: both, DOM_STAR and DOW_STAR)", both_as_step},
    {"takes a weekday of 0-6 or a day of 1-31 for * (Vixie: it is set, so either matches)", whole},
    {"drops the day beside 5#1 and 5L", nth_beside_a_day},
    {"counts a/n of the weekday to 7, so 1/2 has Sunday", up_to_seven},
    {"finds nothing when the day beside a weekday never comes", day_that_never_comes},
    {"steps over the first of March where the days have one that February lacks", march_after_a_short_february},
    {"forgets with a field of seconds that 7 is Sunday", seven_with_seconds},
    {NULL, NULL},
};
static const struct known of_croner[] = {
    {"takes either of day and weekday where one is a step of *", both_as_step},
    {NULL, NULL},
};

/* ---- the others ----------------------------------------------------------------------------- */

static char folder[] = "/tmp/ork-differ-XXXXXX";

static bool works(const char *command)
{
    char quiet[500];

    snprintf(quiet, sizeof quiet, "%s >/dev/null 2>&1", command);
    return system(quiet) == 0;
}

static void write_cases(const struct kase *cases, size_t n)
{
    char path[100];

    snprintf(path, sizeof path, "%s/cases", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s\t%s\t%lld\t%lld\n", cases[i].cron, cases[i].zone, (long long)cases[i].at_s,
                (long long)cases[i].local_s);
    assert_int_equal(fclose(f), 0);
}

static int why_different(const struct known *known, const struct kase *k)
{
    for (int i = 0; known[i].what; i++)
        if (known[i].is(k))
            return i;
    return -1;
}

/* local: their times are local ones. */
static void compare(const char *who, const char *command, bool local, const struct known *known,
                    const struct kase *list, size_t n)
{
    size_t same = 0, skipped = 0, counts[8] = {0}, wrong = 0;
    char line[400], wanted[200], full[600];

    snprintf(full, sizeof full, "%s <%s/cases", command, folder);
    FILE *f = popen(full, "r");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) {
        const struct kase *k = &list[i];
        int64_t shift = local ? k->offset_s : 0;
        int why = why_different(known, k);
        if (!fgets(line, sizeof line, f))
            fail_msg("%s ended after %zu cases", who, i);
        line[strcspn(line, "\n")] = '\0';
        snprintf(wanted, sizeof wanted, "%lld %lld %lld", (long long)(k->fires[0] + shift),
                 (long long)(k->fires[1] + shift), (long long)(k->fires[2] + shift));
        if (strcmp(line, wanted) == 0)
            same++;
        else if (strcmp(line, "skip") == 0)
            skipped++;
        else if (why >= 0)
            counts[why]++;
        else if (wrong++ < 20)
            print_error("%s: %s in %s after %lld: %s, ours %s\n", who, k->cron, k->zone, (long long)(k->at_s + shift),
                        line, wanted);
    }
    pclose(f);
    print_message("%s: %zu cases, %zu the same, %zu it has no word for\n", who, n, same, skipped);
    for (int i = 0; known[i].what; i++)
        print_message("  %5zu: %s %s\n", counts[i], who, known[i].what);
    if (wrong)
        fail_msg("%zu differ from %s", wrong, who);
    assert_true(same > n / 2);
}

static struct kase *cases;
static size_t cases_len;

static int make_cases(void **state)
{
    struct ork_tz *loaded[sizeof zones / sizeof *zones];
    const char *count = getenv("ORK_DIFFER_CASES"), *chosen = getenv("ORK_DIFFER_SEED");

    (void)state;
    if (!zone_any())
        return 0;
    cases_len = count ? (size_t)atol(count) : getenv("ORK_TEST_LONG") ? 20000 : 2000;
    seed = chosen ? (uint64_t)atoll(chosen) : 20260329;
    cases = calloc(cases_len, sizeof *cases);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        loaded[i] = i ? zone_load(zones[i]) : ork_tz_utc();
    for (size_t i = 0; i < cases_len; i++)
        while (!make_case(&cases[i], loaded))
            continue;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        ork_tz_unref(loaded[i]);
    if (!mkdtemp(folder))
        return -1;
    write_cases(cases, cases_len);
    return 0;
}

static int remove_cases(void **state)
{
    char path[100];

    (void)state;
    snprintf(path, sizeof path, "%s/cases", folder);
    unlink(path);
    rmdir(folder);
    free(cases);
    return 0;
}

static void croniter(void **state)
{
    static const char *const pythons[] = {"/usr/bin/python3", "python3"};
    const char *root = getenv("ORK_ROOT");
    char command[400];

    (void)state;
    for (size_t i = 0; root && cases && i < 2; i++) {
        snprintf(command, sizeof command, "%s -c 'import croniter'", pythons[i]);
        if (!works(command))
            continue;
        snprintf(command, sizeof command, "%s %s/tests/lib/cron_croniter.py", pythons[i], root);
        compare("croniter", command, true, of_croniter, cases, cases_len);
        return;
    }
    print_message("left out: no croniter (apt-get install python3-croniter), no tzdata, or ORK_ROOT is not set\n");
    skip();
}

static void croner(void **state)
{
    const char *root = getenv("ORK_ROOT");
    char command[400];

    (void)state;
    if (!root || !cases || !works("node -e 'require(\"croner\")'")) {
        print_message("left out: no croner (npm install croner; NODE_PATH=…/node_modules)\n");
        skip();
    }
    snprintf(command, sizeof command, "node %s/tests/lib/cron_croner.cjs", root);
    compare("croner", command, false, of_croner, cases, cases_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(croniter), cmocka_unit_test(croner)};
    return cmocka_run_group_tests(tests, make_cases, remove_cases);
}
