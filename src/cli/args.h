/*
 * args - the words of a command line, sorted into options and operands
 *
 * Options may stand anywhere before "--"; "--name VALUE", "--name=VALUE", "-n VALUE",
 * "-nVALUE" and clusters of letters are the same to it. A lone "-" is an operand. It
 * knows no command: the tables of options come from the caller.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args_option {
    const char *name;  /* without dashes; NULL ends a table */
    char letter;       /* 0: none */
    const char *value; /* what it takes, for help ("FILE"); NULL: a flag */
    const char *help;  /* NULL: hidden */
};

enum {
    ARGS_E_UNKNOWN = 1, /* no such option */
    ARGS_E_NO_VALUE,    /* its value is missing */
    ARGS_E_FLAG,        /* a value was given to one that takes none */
    ARGS_E_BAD,         /* the value cannot be read */
};

struct args;

struct args *args_new(void);

/* NULL is fine; always returns NULL. */
struct args *args_free(struct args *args);

/* From now on a word like "-home", one dash and several letters, is an operand. */
void args_keep_dashes(struct args *args);

/* From now on every word behind so many operands is one too, dashes or not. */
void args_take_rest(struct args *args, size_t operands);

/*
 * Sorts count words. tables are borrowed until args_free(), NULL-terminated; the words
 * too. 0 or ARGS_E_*, and args_culprit() tells which word.
 */
int args_parse(struct args *args,
               const struct args_option *const *tables,
               int count,
               char **words);

/*
 * The n-th operand that a command line seems to have, before it is known which options
 * there are; unknown ones count as flags. NULL: it has not so many. Lent.
 */
const char *args_peek(const struct args_option *const *tables,
                      int count,
                      char **words,
                      unsigned n);

/* The option or value that was wrong ("--jsn"). Lent. */
const char *args_culprit(const struct args *args);

size_t args_count(const struct args *args);

/* The operand at i, or NULL behind the last one. Lent. */
const char *args_at(const struct args *args, size_t i);

/* Forgets the first operand (a command's name). */
void args_shift(struct args *args);

bool args_has(const struct args *args, const char *name);

/* How often the option was given. */
size_t args_times(const struct args *args, const char *name);

/* The last value of the option, or NULL; the value of its i-th appearance, or NULL. Lent.
 */
const char *args_value(const struct args *args, const char *name);
const char *args_value_at(const struct args *args, const char *name, size_t i);
