/* SPDX-License-Identifier: MIT */
/* From text to masks: words, the number of fields, each field, and then what only the whole can show: that two day
 * fields are set, that a time follows the clock or the time of day, that no day ever matches. */
#include "core/cron_internal.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MOST_BYTES 1000
#define ALL_DAYS 0xfffffffeu
#define ALL_WEEKDAYS 0x7fu

/* Six fields mean the same in both dialects, the weekday being a name. */
static const char *const words[][2] = {
    {"@yearly", "0 0 0 1 1 *"}, {"@annually", "0 0 0 1 1 *"}, {"@monthly", "0 0 0 1 * *"}, {"@weekly", "0 0 0 * * SUN"},
    {"@daily", "0 0 0 * * *"},  {"@midnight", "0 0 0 * * *"}, {"@hourly", "0 0 * * * *"},
};

static int no_word(struct ork_cron_reader *r, const char *from, size_t n)
{
    const char *names[sizeof words / sizeof *words + 1] = {0};
    char word[40];

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        names[i] = words[i][0];
    snprintf(word, sizeof word, "%.*s", n > 30 ? 30 : (int)n, from);
    const char *near = ork_suggest(word, names);
    ork_cron_wrong(r, from, from + n, "there is no word `%s`", word);
    if (near)
        snprintf(r->m->hint, sizeof r->m->hint, "did you mean %s?", near);
    else
        snprintf(r->m->hint, sizeof r->m->hint,
                 "the words are @yearly @annually @monthly @weekly @daily @midnight @hourly");
    return ORK_EINVAL;
}

/* ---- fields --------------------------------------------------------------------------------- */

static size_t cut(const char *text, struct ork_cron_field out[8])
{
    size_t n = 0;

    for (const char *c = text; *(c += strspn(c, " \t")) && n < 8; n++) {
        out[n].from = c;
        c += strcspn(c, " \t");
        out[n].end = c;
    }
    return n;
}

static int wrong_count(struct ork_cron_reader *r, const struct ork_cron_field *fields, size_t n)
{
    const char *end = r->text + strlen(r->text);
    const char *from = n > 7 ? fields[7].from : n > 0 ? fields[n - 1].end : end;

    if (n == 0)
        ork_cron_wrong(r, from, end, "it is empty");
    else if (n > 7)
        ork_cron_wrong(r, from, end, "it has more than 7 fields");
    else
        ork_cron_wrong(r, from, from + 1, "it has %zu field%s", n, n == 1 ? "" : "s");
    if (r->dialect == ORK_CRON_ORIGINAL)
        snprintf(r->m->hint, sizeof r->m->hint, "6 are wanted (second minute hour day month weekday) or 7 (with year)");
    else
        snprintf(r->m->hint, sizeof r->m->hint,
                 "5 are wanted (minute hour day month weekday), 6 (second first) or 7 (with year)");
    return ORK_EINVAL;
}

static bool begins_wild(const struct ork_cron_field *f)
{
    return *f->from == '*' || *f->from == '?';
}

static bool has_wildcard_or_step(const struct ork_cron_field *f)
{
    size_t n = (size_t)(f->end - f->from);

    return memchr(f->from, '*', n) || memchr(f->from, '/', n);
}

static unsigned flags_of(const struct ork_cron_field *by_place[7], unsigned dialect)
{
    unsigned flags = dialect == ORK_CRON_ORIGINAL ? ORK_CRON_BOTH : 0;

    if (!begins_wild(by_place[ORK_CRON_DAY]))
        flags |= ORK_CRON_DAY_SET;
    if (!begins_wild(by_place[ORK_CRON_WEEKDAY]))
        flags |= ORK_CRON_WEEKDAY_SET;
    if (has_wildcard_or_step(by_place[ORK_CRON_MINUTE]) || has_wildcard_or_step(by_place[ORK_CRON_HOUR]))
        flags |= ORK_CRON_ELAPSED;
    return flags;
}

static int never(struct ork_cron_reader *r, const struct ork_cron_field *by_place[7])
{
    const struct ork_cron_field *day = by_place[ORK_CRON_DAY], *month = by_place[ORK_CRON_MONTH],
                                *weekday = by_place[ORK_CRON_WEEKDAY], *year = by_place[ORK_CRON_YEAR];
    bool by_weekday = begins_wild(day) && !begins_wild(weekday);
    const struct ork_cron_field *which = by_weekday ? weekday : day;

    ork_cron_wrong(r, which->from, which->end, "it never comes: there is no day `%.*s` in month `%.*s`%s%.*s%s",
                   (int)(which->end - which->from > 40 ? 40 : which->end - which->from), which->from,
                   (int)(month->end - month->from > 40 ? 40 : month->end - month->from), month->from,
                   year ? " of year `" : "",
                   year ? (int)(year->end - year->from > 40 ? 40 : year->end - year->from) : 0, year ? year->from : "",
                   year ? "`" : "");
    snprintf(r->m->hint, sizeof r->m->hint, "the last day of a month is L");
    return ORK_EINVAL;
}

static int read_fields(struct ork_cron_reader *r, struct ork_cron_field *fields, size_t n)
{
    const struct ork_cron_field *by_place[7] = {0};
    int64_t at;

    if (n < 5 || n > 7 || (n == 5 && r->dialect == ORK_CRON_ORIGINAL))
        return wrong_count(r, fields, n);
    if (n == 5)
        r->out->seconds = 1;
    if (n < 7)
        memset(r->out->years, 0xff, sizeof r->out->years);
    for (size_t i = 0; i < n; i++) {
        fields[i].place = (enum ork_cron_place)(i + (n == 5));
        by_place[fields[i].place] = &fields[i];
        int rc = ork_cron_field_read(r, &fields[i]);
        if (rc < 0)
            return rc;
    }
    r->out->flags = (uint8_t)flags_of(by_place, r->dialect);
    return ork_cron_next(r->out, 0, &at) ? 0 : never(r, by_place);
}

int ork_cron_parse(const char *text, unsigned dialect, struct ork_cron *out, struct ork_cron_mistake *m)
{
    struct ork_cron_mistake unwanted;
    struct ork_cron_reader r = {.text = text, .dialect = dialect, .out = out, .m = m ? m : &unwanted};
    struct ork_cron_field fields[8];

    *out = (struct ork_cron){0};
    if (strlen(text) > MOST_BYTES)
        return ork_cron_wrong(&r, text, text + 1, "it is longer than %d bytes", MOST_BYTES);
    size_t n = cut(text, fields);
    if (n != 1 || *fields[0].from != '@')
        return read_fields(&r, fields, n);
    size_t len = (size_t)(fields[0].end - fields[0].from);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == len && strncasecmp(words[i][0], fields[0].from, len) == 0) {
            r.text = words[i][1];
            n = cut(r.text, fields);
            return read_fields(&r, fields, n);
        }
    return no_word(&r, fields[0].from, len);
}

/* ---- judging -------------------------------------------------------------------------------- */

bool ork_cron_over(const struct ork_cron *c, const char *text, int64_t local_s, struct ork_cron_mistake *m)
{
    struct ork_cron_mistake unwanted;
    struct ork_cron_reader r = {.text = text, .m = m ? m : &unwanted};
    struct ork_cron_field fields[8];
    char last[32] = "";
    int64_t at;

    if (ork_cron_next(c, local_s, &at))
        return false;
    if (ork_cron_prev(c, local_s, &at))
        ork_time_format(at * 1000, last);
    size_t n = cut(text, fields);
    const char *from = n ? fields[n - 1].from : text, *end = n ? fields[n - 1].end : text;
    ork_cron_wrong(&r, from, end, "it never comes again: its last time was %.10s %.8s", last, *last ? last + 11 : "");
    snprintf(r.m->hint, sizeof r.m->hint, "the last field is the year; without it every year counts");
    return true;
}

const char *ork_cron_warning(const struct ork_cron *c)
{
    bool some_days = c->days != ALL_DAYS, some_weekdays = c->weekdays != ALL_WEEKDAYS;

    if ((c->flags & ORK_CRON_BOTH) || !some_days || !some_weekdays)
        return NULL;
    if ((c->flags & ORK_CRON_DAY_SET) && (c->flags & ORK_CRON_WEEKDAY_SET))
        return "sets both day and weekday: it is due on days that match either";
    return "sets both day and weekday, one of them as a step of *: it is due on days that match both";
}

/* Blanks as wide as n bytes of text: tabs stay tabs, and bytes inside a letter take no column. */
static void put_blanks(struct ork_buf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n && text[i]; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            ork_buf_addc(b, text[i] == '\t' ? '\t' : ' ');
}

void ork_cron_caret(const char *text, const struct ork_cron_mistake *m, char *out, size_t cap)
{
    ORK_CLEANUP(ork_buf_fini) struct ork_buf b = ORK_BUF_INIT;
    size_t marks = 0, len = strlen(text);

    ork_buf_adds(&b, text);
    ork_buf_addc(&b, '\n');
    put_blanks(&b, text, m->at);
    for (size_t i = m->at; i < len && i < m->at + m->len; i++)
        marks += ((unsigned char)text[i] & 0xc0) != 0x80;
    for (size_t i = 0; i < (marks ? marks : 1); i++)
        ork_buf_addc(&b, '^');
    snprintf(out, cap, "%s", b.data);
}
