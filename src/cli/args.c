#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct given {
    const struct args_option *option; /* borrowed: a table */
    const char *value;                /* borrowed: the words; NULL for a flag */
};

struct args {
    const struct args_option *const *tables; /* borrowed: the caller, while parsing */
    struct given *given;                     /* owned */
    size_t given_count;
    const char **operands; /* owned; the strings are borrowed: the words */
    size_t operand_count;
    size_t first;  /* operands before it were shifted out */
    char *culprit; /* owned */
    bool keep_dashes;
    size_t rest; /* operands behind which every word is one; 0: none */
};

struct args *args_new(void) {
    return mem_new(sizeof(struct args));
}

struct args *args_free(struct args *args) {
    if (!args)
        return NULL;
    free(args->given);
    free(args->operands);
    free(args->culprit);
    free(args);
    return NULL;
}

static int blame(struct args *args, int error, const char *word, size_t len) {
    free(args->culprit);
    args->culprit = mem_dup(word, len);
    return error;
}

static void add_given(struct args *args,
                      const struct args_option *option,
                      const char *value) {
    args->given = mem_grow(args->given, (args->given_count + 1) * sizeof(*args->given));
    args->given[args->given_count++] =
        (struct given) { .option = option, .value = value };
}

static void add_operand(struct args *args, const char *word) {
    args->operands =
        mem_grow(args->operands, (args->operand_count + 1) * sizeof(*args->operands));
    args->operands[args->operand_count++] = word;
}

static const struct args_option *find(const struct args_option *const *tables,
                                      const char *name,
                                      size_t len,
                                      char letter) {
    for (size_t i = 0; tables[i]; i++)
        for (const struct args_option *at = tables[i]; at && at->name; at++)
            if (name ? strlen(at->name) == len && memcmp(at->name, name, len) == 0
                     : at->letter == letter)
                return at;
    return NULL;
}

/* A word that begins with "--": how many further words it took, or ARGS_E_*. */
static int take_long(struct args *args, const char *word, const char *next, int *taken) {
    size_t len = strcspn(word + 2, "=");
    const char *value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    const struct args_option *option = find(args->tables, word + 2, len, 0);

    if (!option)
        return blame(args, ARGS_E_UNKNOWN, word, 2 + len);
    if (!option->value && value)
        return blame(args, ARGS_E_FLAG, word, 2 + len);
    if (option->value && !value) {
        if (!next)
            return blame(args, ARGS_E_NO_VALUE, word, 2 + len);
        value = next;
        *taken = 1;
    }
    add_given(args, option, value);
    return 0;
}

/* A word of letters: flags, the last one perhaps with a value. */
static int take_letters(struct args *args,
                        const char *word,
                        const char *next,
                        int *taken) {
    for (const char *at = word + 1; *at; at++) {
        char name[3] = { '-', *at, '\0' };
        const struct args_option *option = find(args->tables, NULL, 0, *at);

        if (!option)
            return blame(args, ARGS_E_UNKNOWN, name, 2);
        if (!option->value) {
            add_given(args, option, NULL);
            continue;
        }
        if (at[1] == '\0' && !next)
            return blame(args, ARGS_E_NO_VALUE, name, 2);
        *taken = at[1] == '\0';
        add_given(args, option, at[1] ? at + 1 : next);
        return 0;
    }
    return 0;
}

void args_keep_dashes(struct args *args) {
    args->keep_dashes = true;
}

void args_take_rest(struct args *args, size_t operands) {
    args->rest = operands;
}

static bool is_operand(const struct args *args, const char *word) {
    if (word[0] != '-' || word[1] == '\0')
        return true;
    return args->keep_dashes && word[1] != '-' && word[2] != '\0';
}

int args_parse(struct args *args,
               const struct args_option *const *tables,
               int count,
               char **words) {
    bool only_operands = false;

    args->tables = tables;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        const char *next = i + 1 < count ? words[i + 1] : NULL;
        int taken = 0;
        int r = 0;

        if (only_operands || is_operand(args, word)) {
            add_operand(args, word);
            only_operands = only_operands || args->operand_count == args->rest;
        } else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (word[1] == '-')
            r = take_long(args, word, next, &taken);
        else
            r = take_letters(args, word, next, &taken);
        if (r != 0)
            return r;
        i += taken;
    }
    return 0;
}

const char *args_culprit(const struct args *args) {
    return args->culprit ? args->culprit : "";
}

size_t args_count(const struct args *args) {
    return args->operand_count - args->first;
}

const char *args_at(const struct args *args, size_t i) {
    return i < args_count(args) ? args->operands[args->first + i] : NULL;
}

void args_shift(struct args *args) {
    if (args_count(args) > 0)
        args->first++;
}

bool args_has(const struct args *args, const char *name) {
    return args_times(args, name) > 0;
}

size_t args_times(const struct args *args, const char *name) {
    size_t times = 0;

    for (size_t i = 0; i < args->given_count; i++)
        times += strcmp(args->given[i].option->name, name) == 0;
    return times;
}

const char *args_value(const struct args *args, const char *name) {
    size_t times = args_times(args, name);
    return times == 0 ? NULL : args_value_at(args, name, times - 1);
}

const char *args_value_at(const struct args *args, const char *name, size_t i) {
    for (size_t at = 0; at < args->given_count; at++)
        if (strcmp(args->given[at].option->name, name) == 0 && i-- == 0)
            return args->given[at].value;
    return NULL;
}

static bool takes_next(const struct args_option *const *tables, const char *word) {
    const struct args_option *option;

    if (word[1] == '-')
        option = strchr(word, '=') ? NULL : find(tables, word + 2, strlen(word + 2), 0);
    else
        option = find(tables, NULL, 0, word[strlen(word) - 1]);
    return option && option->value;
}

const char *args_peek(const struct args_option *const *tables,
                      int count,
                      char **words,
                      unsigned n) {
    for (int i = 0; i < count; i++) {
        const char *word = words[i];

        if (strcmp(word, "--") == 0)
            return NULL;
        if (word[0] != '-' || word[1] == '\0') {
            if (n-- == 0)
                return word;
        } else if (takes_next(tables, word)) {
            i++;
        }
    }
    return NULL;
}
