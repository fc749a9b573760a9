/* SPDX-License-Identifier: MIT */
struct count {
    unsigned long lines, words, bytes;
    int in_word;
};

void count_byte(struct count *c, int byte);
void count_print(const struct count *c);
