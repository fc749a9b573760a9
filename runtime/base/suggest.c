/* SPDX-License-Identifier: MIT */
/* "Did you mean": the least number of typing mistakes (a letter missing, extra, wrong, or two swapped:
 * Damerau-Levenshtein, restricted) between two words, capitals ignored. Short words allow fewer mistakes: a wrong
 * suggestion is worse than none. */
#include <ork/ork.h>
#include <string.h>

#define LONGEST 200 /* bytes of a name; longer words get no suggestion */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* The distance, or limit + 1 as soon as it is sure to be above the limit. */
static uint32_t distance(const char *a, size_t alen, const char *b, size_t blen, uint32_t limit)
{
    uint32_t store[3][LONGEST + 1];
    uint32_t *older = store[0], *old = store[1], *row = store[2];
    if ((alen > blen ? alen - blen : blen - alen) > limit)
        return limit + 1;
    for (uint32_t j = 0; j <= blen; j++)
        old[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        uint32_t least = row[0] = (uint32_t)i;
        for (size_t j = 1; j <= blen; j++) {
            unsigned char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = min3(old[j] + 1, row[j - 1] + 1, old[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]) && older[j - 2] + 1 < row[j])
                row[j] = older[j - 2] + 1;
            if (row[j] < least)
                least = row[j];
        }
        if (least > limit)
            return limit + 1;
        uint32_t *spare = older;
        older = old;
        old = row;
        row = spare;
    }
    return old[blen];
}

/* An abbreviation ("desc") or another ending ("retry" for "retries"): all letters but the last begin the longer word.
 */
static bool begins(const char *longer, const char *word, size_t len)
{
    if (len < 3)
        return false;
    size_t same = 0;
    while (same < len && lower(longer[same]) == lower(word[same]))
        same++;
    return same >= 3 && same + 1 >= len;
}

const char *ork_suggest(const char *word, const char *const *words)
{
    size_t len = strlen(word);
    if (len == 0 || len > LONGEST)
        return NULL;
    const char *best = NULL, *longer = NULL;
    uint32_t allowed = len <= 3 ? 1 : len <= 6 ? 2 : 3;
    for (; *words; words++) {
        size_t n = strlen(*words);
        if (n == 0 || n > LONGEST)
            continue;
        uint32_t d = distance(word, len, *words, n, allowed);
        if (len == 4 && d > 1 && lower(word[0]) != lower(**words))
            continue;                                  /* half of it is wrong, and the beginning too */
        if (d <= allowed && d < (len > n ? len : n)) { /* not every letter is wrong */
            best = *words;
            if (d == 0)
                break;
            allowed = d - 1;
        }
        if (!longer && n > len && begins(*words, word, len))
            longer = *words; /* taken if no word is nearer */
    }
    return best ? best : longer;
}
