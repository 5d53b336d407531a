#include "chat/words/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct words_pair *const russian[] = {
    russian_core, russian_people, russian_look, russian_act, russian_alert,
};

static const char *find(const struct words_pair *pairs, const char *english) {
    for (; pairs->english; pairs++)
        if (pairs->english[0] == english[0] && strcmp(pairs->english, english) == 0)
            return pairs->other;
    return NULL;
}

const char *words_in(enum words_language language, const char *english) {
    if (language != WORDS_RUSSIAN)
        return english;
    for (size_t i = 0; i < sizeof(russian) / sizeof(russian[0]); i++) {
        const char *other = find(russian[i], english);
        if (other)
            return other;
    }
    return english;
}

enum words_language words_language_of(const char *code) {
    bool is_russian =
        code && strncasecmp(code, "ru", 2) == 0 && strchr("-_", code[2]) != NULL;

    return is_russian ? WORDS_RUSSIAN : WORDS_ENGLISH;
}

const char *words_code(enum words_language language) {
    return language == WORDS_RUSSIAN ? "ru" : "en";
}

/* Which of so many forms; Russian: 1 час, 2 часа, 5 часов, 11 часов, 21 час. */
static unsigned choose_form(unsigned long count, unsigned forms) {
    unsigned long tens = count % 100;
    unsigned long ones = count % 10;

    if (forms < 3)
        return count == 1 ? 0 : forms - 1;
    if (tens >= 11 && tens <= 14)
        return 2;
    return ones == 1 ? 0 : ones >= 2 && ones <= 4 ? 1 : 2;
}

/* What was not translated has two forms, whatever the language. */
const char *words_plural(enum words_language language,
                         unsigned long count,
                         const char *forms,
                         char *ret_form,
                         size_t cap) {
    unsigned bars = 0;

    for (const char *at = forms; *at; at++)
        bars += *at == '|';
    unsigned form = choose_form(count, bars + 1);
    for (; form > 0; form--)
        forms = strchr(forms, '|') + 1;
    snprintf(ret_form, cap, "%.*s", (int)strcspn(forms, "|"), forms);
    return ret_form;
}

const char *words_duration(enum words_language language,
                           unsigned long long ms,
                           char *ret_text,
                           size_t cap) {
    static const struct {
        unsigned long long ms;
        const char *name;
    } units[] = {
        { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" }, { 1, "ms" },
    };
    size_t i = 0;

    while (i < 4 && ms < units[i].ms)
        i++;
    unsigned long long first = ms / units[i].ms;
    unsigned long long second = i < 3 ? ms % units[i].ms / units[i + 1].ms : 0;
    int len =
        snprintf(ret_text, cap, "%llu %s", first, words_in(language, units[i].name));
    if (second > 0 && len > 0 && (size_t)len < cap)
        snprintf(ret_text + len, cap - (size_t)len, " %llu %s", second,
                 words_in(language, units[i + 1].name));
    return ret_text;
}
