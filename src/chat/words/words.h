/*
 * words - what the conversation says, in the language of whoever is spoken to
 *
 * English stands where it is said; words_in() finds its translation, so that a text
 * without one is still understood. Each file of commands has its table of translations
 * beside it (russian_NAME.c), and a test compares the conversions of both.
 */
#pragma once

#include <stddef.h>

enum words_language { WORDS_ENGLISH, WORDS_RUSSIAN, WORDS_LANGUAGES };

struct words_pair {
    const char *english;
    const char *other;
};

/* A table of translations; ends with a NULL english. */
extern const struct words_pair russian_people[]; /* coming in, nodes, users */
extern const struct words_pair russian_core[];   /* engine, people, settings */
extern const struct words_pair russian_look[];   /* status, charts, lists */
extern const struct words_pair russian_act[];    /* processes, services, power, tests */
extern const struct words_pair russian_alert[];  /* rules, incidents, channels */

/* The text in that language; the English one when there is no other. Lent: static. */
const char *words_in(enum words_language language, const char *english)
    __attribute__((format_arg(2)));

/* "ru", "ru-RU" and so on; English when it is unknown. */
enum words_language words_language_of(const char *code);

/* "en", "ru". */
const char *words_code(enum words_language language);

/* The form for a number: Russian has three (1 час, 2 часа, 5 часов), written apart by
 * '|'; English has two. Lent: cut into ret_form. */
const char *words_plural(enum words_language language,
                         unsigned long count,
                         const char *forms,
                         char *ret_form,
                         size_t cap);

/* "3 d 4 h", "3 дн. 4 ч": the two largest units. */
const char *words_duration(enum words_language language,
                           unsigned long long ms,
                           char *ret_text,
                           size_t cap);
