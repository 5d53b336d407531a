#include "chat/words/words.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

static void texts_are_found_in_their_language(void) {
    CHECK_TEXT(words_in(WORDS_ENGLISH, "Which node?"), "Which node?");
    CHECK_TEXT(words_in(WORDS_RUSSIAN, "Which node?"), "Какой узел?");
    CHECK_TEXT(words_in(WORDS_RUSSIAN, "never said"), "never said");
}

static void languages_are_known_by_their_codes(void) {
    static const struct {
        const char *code;
        enum words_language language;
    } rows[] = {
        { "ru", WORDS_RUSSIAN },  { "ru-RU", WORDS_RUSSIAN }, { "RU_ru", WORDS_RUSSIAN },
        { "rum", WORDS_ENGLISH }, { "en", WORDS_ENGLISH },    { "", WORDS_ENGLISH },
        { "r", WORDS_ENGLISH },   { NULL, WORDS_ENGLISH },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(words_language_of(rows[i].code), rows[i].language);
    CHECK_TEXT(words_code(WORDS_RUSSIAN), "ru");
}

static void numbers_have_their_form(void) {
    static const struct {
        unsigned long count;
        const char *russian;
        const char *english;
    } rows[] = {
        { 0, "часов", "hours" },   { 1, "час", "hour" },     { 2, "часа", "hours" },
        { 5, "часов", "hours" },   { 11, "часов", "hours" }, { 12, "часов", "hours" },
        { 21, "час", "hours" },    { 22, "часа", "hours" },  { 25, "часов", "hours" },
        { 111, "часов", "hours" }, { 101, "час", "hours" },  { 114, "часов", "hours" },
    };
    char form[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_TEXT(words_plural(WORDS_RUSSIAN, rows[i].count, "час|часа|часов", form,
                                sizeof(form)),
                   rows[i].russian);
        CHECK_TEXT(
            words_plural(WORDS_ENGLISH, rows[i].count, "hour|hours", form, sizeof(form)),
            rows[i].english);
    }
    /* What is not translated is said as in English. */
    CHECK_TEXT(words_plural(WORDS_RUSSIAN, 5, "hour|hours", form, sizeof(form)), "hours");
    CHECK_TEXT(words_plural(WORDS_RUSSIAN, 5, "once", form, sizeof(form)), "once");
    CHECK_TEXT(words_plural(WORDS_RUSSIAN, 5, "час|часа|часов", form, 4), "ч\xd0");
}

static void lengths_of_time_have_two_units(void) {
    static const struct {
        unsigned long long ms;
        const char *text;
    } rows[] = {
        { 0, "0 ms" },          { 999, "999 ms" },        { 1000, "1 s" },
        { 61000, "1 min 1 s" }, { 3600000, "1 h" },       { 3660000, "1 h 1 min" },
        { 86400000, "1 d" },    { 273600000, "3 d 4 h" }, { 59999, "59 s" },
    };
    char text[64];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TEXT(words_duration(WORDS_ENGLISH, rows[i].ms, text, sizeof(text)),
                   rows[i].text);
    CHECK_TEXT(words_duration(WORDS_RUSSIAN, 273600000, text, sizeof(text)), "3 дн. 4 ч");
}

TESTS(TEST(texts_are_found_in_their_language),
      TEST(languages_are_known_by_their_codes),
      TEST(numbers_have_their_form),
      TEST(lengths_of_time_have_two_units))
