#include "cli/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LETTERS_MAX = 64 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment, three rows at a time. */
size_t suggest_distance(const char *a, const char *b) {
    size_t rows[3][LETTERS_MAX + 1];
    size_t a_len = least(strlen(a), LETTERS_MAX);
    size_t b_len = least(strlen(b), LETTERS_MAX);

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *suggest_nearest(const char *word,
                            const char *const *candidates,
                            size_t count) {
    size_t best = SIZE_MAX;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = suggest_distance(word, candidates[i]);
        bool is_start =
            strlen(word) >= 2 && strncmp(word, candidates[i], strlen(word)) == 0;
        if (is_start && distance > 1)
            distance = 1; /* what was begun is as good as a slip of one letter */
        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    if (!nearest)
        return NULL;
    size_t slips = strlen(word) < 4 ? 1 : strlen(word) / 3 + 1 > 3 ? 3 : 2;
    return best <= slips && best < strlen(word) ? nearest : NULL;
}
