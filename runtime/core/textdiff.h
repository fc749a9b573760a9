/* SPDX-License-Identifier: MIT */
#ifndef ORK_CORE_TEXTDIFF_H
#define ORK_CORE_TEXTDIFF_H
#include "base/buf.h"

/* How text a became text b, line by line: hunks as `diff -u` prints them ("@@ -1,3 +1,4 @@", then lines with ' ', '-',
 * '+'), three lines of context, nothing when they are equal. The smallest such list up to 1,000 changed lines; beyond
 * that what lies between the first and the last change is given as taken out and put in whole. NULL is an empty text.
 */
void ork_text_diff(const char *a, const char *b, struct ork_buf *out);
#endif
