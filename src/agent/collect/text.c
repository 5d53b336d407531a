#include "agent/collect/text.h"

#include <fnmatch.h>
#include <string.h>

enum { PATTERN_MAX = 256 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void skip_blanks(const char **at) {
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

bool text_number(const char **at, uint64_t *ret_number) {
    uint64_t number = 0;

    skip_blanks(at);
    if (!is_digit(**at))
        return false;
    for (; is_digit(**at); (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

size_t text_numbers(const char **at, uint64_t *ret_numbers, size_t count) {
    size_t got = 0;

    while (got < count && text_number(at, &ret_numbers[got]))
        got++;
    return got;
}

bool text_fixed(const char **at, unsigned decimals, int64_t *ret_number) {
    uint64_t whole;

    if (!text_number(at, &whole) || whole > INT32_MAX)
        return false;
    if (**at == '.')
        (*at)++;
    for (; decimals > 0; decimals--) {
        whole = whole * 10 + (is_digit(**at) ? (uint64_t)(**at - '0') : 0);
        if (is_digit(**at))
            (*at)++;
    }
    while (is_digit(**at))
        (*at)++;
    *ret_number = (int64_t)whole;
    return true;
}

bool text_word(const char **at, const char **ret_word, size_t *ret_len) {
    skip_blanks(at);
    size_t len = strcspn(*at, " \t\n");
    if (len == 0)
        return false;
    *ret_word = *at;
    *ret_len = len;
    *at += len;
    return true;
}

const char *text_next_line(const char *at) {
    at = strchrnul(at, '\n');
    return *at ? at + 1 : at;
}

bool text_skip(const char **at, const char *expected) {
    size_t len = strlen(expected);
    if (strncmp(*at, expected, len) != 0)
        return false;
    *at += len;
    return true;
}

/* Takes the next piece between commas, without blanks around it; false at the end. */
static bool take_piece(const char **at, char ret_piece[static PATTERN_MAX]) {
    while (*at && **at) {
        size_t len = strcspn(*at, ",");
        const char *piece = *at;
        *at += len + ((*at)[len] == ',');
        for (; len > 0 && *piece == ' '; len--)
            piece++;
        while (len > 0 && piece[len - 1] == ' ')
            len--;
        if (len == 0 || len >= PATTERN_MAX)
            continue;
        memcpy(ret_piece, piece, len);
        ret_piece[len] = '\0';
        return true;
    }
    return false;
}

bool text_list_matches(const char *patterns, const char *name) {
    char pattern[PATTERN_MAX];

    while (take_piece(&patterns, pattern))
        if (fnmatch(pattern, name, 0) == 0)
            return true;
    return false;
}

bool text_list_inside(const char *words, const char *name) {
    char word[PATTERN_MAX];

    while (take_piece(&words, word))
        if (strstr(name, word))
            return true;
    return false;
}
