/* SPDX-License-Identifier: MIT */
/* Every mistake in an expression: its place, what it says, and what it proposes. */
#include "core/cron.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ORDER "the fields are minute hour day month weekday, or six with the second first"
#define COUNT "5 are wanted (minute hour day month weekday), 6 (second first) or 7 (with year)"

/* text, marks below it, what it says, hint */
static const char *const cases[][4] = {
    {"", "^", "it is empty", COUNT},
    {"   ", "   ^", "it is empty", COUNT},
    {"0", " ^", "it has 1 field", COUNT},
    {"0 2 * *", "       ^", "it has 4 fields", COUNT},
    {"0 0 2 * * * * *", "              ^", "it has more than 7 fields", COUNT},
    {"@dayly", "^^^^^^", "there is no word `@dayly`", "did you mean @daily?"},
    {"@reboot", "^^^^^^^", "there is no word `@reboot`",
     "the words are @yearly @annually @monthly @weekly @daily @midnight @hourly"},
    {"@daily 2", "        ^", "it has 2 fields", COUNT},
    {"60 2 * * *", "^^", "the minute is 60; it goes from 0 to 59", "the full one is 0"},
    {"99999999999999999999 2 * * *", "^^^^^^^^^^^^^^^^^^^^", "the minute is 99999999999999999999; it goes from 0 to 59",
     ""},
    {"0 24 * * *", "  ^^", "the hour is 24; it goes from 0 to 23", "midnight is 0"},
    {"0 25 * * *", "  ^^", "the hour is 25; it goes from 0 to 23", ORDER},
    {"25 25 * * *", "   ^^", "the hour is 25; it goes from 0 to 23", ORDER},
    {"0 2 0 * *", "    ^", "the day of the month is 0; it goes from 1 to 31", "the last day is L"},
    {"0 2 32 * *", "    ^^", "the day of the month is 32; it goes from 1 to 31", ""},
    {"0 2 * 13 *", "      ^^", "the month is 13; it goes from 1 to 12", ORDER},
    {"0 2 * * 8", "        ^", "the day of the week is 8; it goes from 0 to 7", ""},
    {"0 0 0 1 1 ? 1969", "            ^^^^", "the year is 1969; it goes from 1970 to 2199", ""},
    {"0 0 0 1 1 ? 2200", "            ^^^^", "the year is 2200; it goes from 1970 to 2199", ""},
    {"0 1,2,24 * * *", "      ^^", "the hour is 24; it goes from 0 to 23", "midnight is 0"},
    {"0 22-2 * * *", "  ^^^^", "the range of the hour goes backwards, from 22 to 2",
     "over the end it is two ranges, 22-23,0-2"},
    {"0 2 28-3 * *", "    ^^^^", "the range of the day of the month goes backwards, from 28 to 3",
     "over the end it is two ranges, 28-31,1-3"},
    {"0 0 0 1 1 ? 2030-2020", "            ^^^^^^^^^", "the range of the year goes backwards, from 2030 to 2020", ""},
    {"0 2 * NOV-FEB *", "      ^^^^^^^", "the range of the month goes backwards, from 11 to 2",
     "over the end it is two ranges, 11-12,1-2"},
    {"0 2 * * FRY", "        ^^^", "`FRY` is no day of the week", "did you mean Friday?"},
    {"0 2 * * XYZZY", "        ^^^^^", "`XYZZY` is no day of the week", "names are written like MON or Monday"},
    {"0 2 * * MO", "        ^^", "`MO` is no day of the week", "did you mean Monday?"},
    {"0 2 * SEPT *", "      ^^^^", "`SEPT` is no month", "did you mean September?"},
    {"0 2 * MON *", "      ^^^", "`MON` is no month", NULL},
    {"0 2 * * JAN", "        ^^^", "`JAN` is no day of the week", NULL},
    {"0 2 MON * *", "    ^^^", "the day of the month is a number, not `MON`", ORDER},
    {"noon 2 * * *", "^^^^", "the minute is a number, not `noon`", ""},
    {"*/0 * * * *", "  ^", "the step of the minute is 0, so it never goes on; 1 is the least", ""},
    {"*/ * * * *", " ^", "the step of the minute wants a number", ""},
    {"*/x * * * *", " ^^", "the step of the minute wants a number", ""},
    {"*/-5 * * * *", " ^^^", "the step of the minute wants a number", ""},
    {"*/90 * * * *", "  ^^", "the step of the minute is 90, longer than 0-59, so it never comes to a second one",
     "for times that do not begin anew each hour: every = \"90m\""},
    {"*/60 * * * *", "  ^^", "the step of the minute is 60, longer than 0-59, so it never comes to a second one",
     "for times that do not begin anew each hour: every = \"60m\""},
    {"0 */24 * * *", "    ^^", "the step of the hour is 24, longer than 0-23, so it never comes to a second one",
     "for times that do not begin anew each day: every = \"24h\""},
    {"50/10 * * * *", "   ^^", "the step of the minute is 10, longer than 50-59, so it never comes to a second one",
     "for times that do not begin anew each hour: every = \"10m\""},
    {"1,,2 * * * *", "  ^", "the list of the minute has nothing between its commas", ""},
    {"1, * * * *", "  ^", "the list of the minute has nothing between its commas", ""},
    {",1 * * * *", "^", "the list of the minute has nothing between its commas", ""},
    {"5- * * * *", "^^", "the minute ends where a value is wanted", ""},
    {"-5 * * * *", "^", "the minute has `-` where it means nothing", ""},
    {"1-2-3 * * * *", "   ^", "the minute has `-` where it means nothing", ""},
    {"1.5 * * * *", " ^", "the minute has `.` where it means nothing", ""},
    {"** * * * *", " ^", "the minute has `*` where it means nothing", "* stands alone or before a step, as in */5"},
    {"5* * * * *", " ^", "the minute has `*` where it means nothing", "* stands alone or before a step, as in */5"},
    {"? 2 * * *", "^", "the minute has `?` where it means nothing", "? is for day and weekday; elsewhere it is *"},
    {"0 2 * * $", "        ^", "the day of the week has `$` where it means nothing", ""},
    {"0 2 é * *", "    ^", "the day of the month has `é` where it means nothing", ""},
    {"é0 2 * * *", "^", "the minute has `é` where it means nothing", ""},
    {"0 2 \x01 * *", "    ^", "the day of the month has a control character", ""},
    {"0 2 * * L", "        ^", "the day of the week has `L` where it means nothing",
     "L is the last day of the month, in the day field, or the last such weekday, as in 5L"},
    {"0 L * * *", "  ^", "the hour has `L` where it means nothing",
     "L is the last day of the month, in the day field, or the last such weekday, as in 5L"},
    {"0 2 * * 5W", "         ^", "the day of the week has `W` where it means nothing",
     "W is the nearest working day, in the day field, as in 15W"},
    {"0 2 W * *", "    ^", "the day of the month has `W` where it means nothing",
     "W is the nearest working day, in the day field, as in 15W"},
    {"0 2 5#2 * *", "     ^", "the day of the month has `#` where it means nothing",
     "# is which one of the month, in the weekday field, as in MON#2"},
    {"0 2 32W * *", "    ^^", "the day of the month is 32; it goes from 1 to 31", ""},
    {"0 2 L-31 * *", "      ^^", "the number of days before the last is 31; it goes from 0 to 30", ""},
    {"0 2 L- * *", "     ^", "the number of days before the last wants a number", ""},
    {"0 2 L5 * *", "     ^", "the day of the month has `5` where it means nothing", ""},
    {"0 2 * * MON#6", "            ^", "which one of the month is 6; it goes from 1 to 5", ""},
    {"0 2 * * MON#0", "            ^", "which one of the month is 0; it goes from 1 to 5", ""},
    {"0 2 * * MON#", "           ^", "which one of the month wants a number", ""},
    {"0 2 * * MON-FRI#2", "               ^", "the day of the week has `#` where it means nothing",
     "# is which one of the month, in the weekday field, as in MON#2"},
    {"0 2 31 2 *", "    ^^", "it never comes: there is no day `31` in month `2`", "the last day of a month is L"},
    {"0 2 30,31 FEB *", "    ^^^^^", "it never comes: there is no day `30,31` in month `FEB`",
     "the last day of a month is L"},
    {"0 2 31 4,6,9,11 *", "    ^^", "it never comes: there is no day `31` in month `4,6,9,11`",
     "the last day of a month is L"},
    {"0 0 2 29 2 ? 2027", "      ^^", "it never comes: there is no day `29` in month `2` of year `2027`",
     "the last day of a month is L"},
    {"0 0 2 ? 2 MON#5 2027", "          ^^^^^", "it never comes: there is no day `MON#5` in month `2` of year `2027`",
     "the last day of a month is L"},
    {"0\t25\t* * *", " \t^^", "the hour is 25; it goes from 0 to 23", ORDER},
};

static void every_mistake_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ork_cron c;
        struct ork_cron_mistake m;
        char caret[300], wanted[300];
        if (ork_cron_parse(cases[i][0], 0, &c, &m) != ORK_EINVAL)
            fail_msg("taken: %s", cases[i][0]);
        ork_cron_caret(cases[i][0], &m, caret, sizeof caret);
        snprintf(wanted, sizeof wanted, "%s\n%s", cases[i][0], cases[i][1]);
        bool hinted = !cases[i][3] || strcmp(m.hint, cases[i][3]) == 0;
        if (strcmp(caret, wanted) != 0 || strcmp(m.text, cases[i][2]) != 0 || !hinted)
            fail_msg("%s: %s; %s\n%s", cases[i][0], m.text, m.hint, caret);
        assert_int_equal(ork_cron_parse(cases[i][0], 0, &c, NULL), ORK_EINVAL);
    }
}

static void long_texts_are_refused(void **state)
{
    char text[1100], caret[50];
    struct ork_cron c;
    struct ork_cron_mistake m;

    (void)state;
    memset(text, '*', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(ork_cron_parse(text, 0, &c, &m), ORK_EINVAL);
    assert_string_equal(m.text, "it is longer than 1000 bytes");
    ork_cron_caret(text, &m, caret, sizeof caret);
    assert_int_equal(strlen(caret), sizeof caret - 1);
    strcpy(text, "0 2 * * ");
    memset(text + 8, 'x', 900);
    text[908] = '\0';
    assert_int_equal(ork_cron_parse(text, 0, &c, &m), ORK_EINVAL);
    assert_string_equal(m.text, "`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is no day of the week");
    assert_int_equal(m.len, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told),
        cmocka_unit_test(long_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
