#include "base/settings_args.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"

static const struct settings_row *find_flag(const struct settings_table *table,
                                            const char *name,
                                            size_t len) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const char *flag = settings_row_at(table, i)->flag;
        if (flag && strlen(flag) == len && memcmp(flag, name, len) == 0)
            return settings_row_at(table, i);
    }
    return NULL;
}

static const struct settings_row *find_letter(const struct settings_table *table,
                                              char letter) {
    for (size_t i = 0; i < settings_row_count(table); i++)
        if (settings_row_at(table, i)->letter == letter)
            return settings_row_at(table, i);
    return NULL;
}

/* One flag; *at is moved over the value that follows it. */
static int take_flag(struct settings *settings, int argc, char *const *argv, int *at) {
    const char *flag = argv[*at];
    bool is_long = flag[1] == '-';
    const char *equals = is_long ? strchr(flag, '=') : NULL;
    size_t len = equals ? (size_t)(equals - flag) : strlen(flag);
    const struct settings_table *table = settings_table(settings);
    const struct settings_row *row = is_long    ? find_flag(table, flag + 2, len - 2)
                                     : len == 2 ? find_letter(table, flag[1])
                                                : NULL;

    if (!row)
        return settings_fail(settings, SETTINGS_E_BAD, "%.*s: no such flag", (int)len,
                             flag);
    if (row->kind == SETTINGS_BOOL && equals)
        return settings_fail(settings, SETTINGS_E_BAD, "%.*s: takes no value", (int)len,
                             flag);

    const char *value = row->kind == SETTINGS_BOOL ? "yes" : equals ? equals + 1 : NULL;
    if (!value && *at + 1 < argc)
        value = argv[++*at];
    if (!value)
        return settings_fail(settings, SETTINGS_E_BAD, "%s: needs a value (%s)", flag,
                             row->argument ? row->argument : "VALUE");
    auto_(mem_freep) char *where = mem_printf("--%s", row->flag);
    return settings_put(settings, row, SETTINGS_FLAG, where, value);
}

int settings_args_read(struct settings *settings, int argc, char *const *argv) {
    bool only_words = false;

    settings_begin(settings);
    for (int i = 1; i < argc; i++) {
        bool is_flag = !only_words && argv[i][0] == '-' && argv[i][1] != '\0';
        if (!is_flag) {
            settings_add_word(settings, argv[i]);
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else {
            int r = take_flag(settings, argc, argv, &i);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

int settings_args_check(struct settings *settings, const char *command) {
    const struct settings_table *table = settings_table(settings);

    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        if (!row->commands || settings_rank_of(settings, row) != SETTINGS_FLAG ||
            settings_has_word(row->commands, command))
            continue;
        return settings_fail(settings, SETTINGS_E_BAD, "--%s: belongs to \"%s %s\"",
                             row->flag, table->program, row->commands);
    }
    return 0;
}
