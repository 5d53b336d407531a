#include "base/settings_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_file.h"

/* Puts the value into each setting that has this name. */
static int put(struct settings *settings,
               enum settings_rank rank,
               const char *where,
               const char *name,
               const char *value) {
    const struct settings_table *table = settings_table(settings);

    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        if (!settings_has_word(row->env, name))
            continue;
        if (*value == '\0' && (row->kind != SETTINGS_LIST || row->fallback))
            continue;
        int r = settings_put(settings, row, rank, where, value);
        if (r != 0)
            return r;
    }
    return 0;
}

int settings_env_read(struct settings *settings, char *const *environment) {
    settings_begin(settings);
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals)
            continue;
        auto_(mem_freep) char *name =
            mem_dup(*environment, (size_t)(equals - *environment));
        int r = put(settings, SETTINGS_ENVIRONMENT, name, name, equals + 1);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Cuts off white space at both ends, in place. */
static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int take_line(struct settings *settings,
                     const char *path,
                     unsigned number,
                     char *line) {
    char *text = trim(line);
    if (*text == '\0' || *text == '#')
        return 0;
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return settings_fail(settings, SETTINGS_E_BAD, "%s:%u: the line is not KEY=VALUE",
                             path, number);
    *equals = '\0';
    const char *name = trim(text);
    auto_(mem_freep) char *where = mem_printf("%s:%u %s", path, number, name);
    return put(settings, SETTINGS_DOTENV, where, name, trim(equals + 1));
}

int settings_env_read_text(struct settings *settings,
                           const char *path,
                           const char *text) {
    char *all = mem_strdup(text), *rest = all, *line;
    unsigned number = 0;
    int r = 0;

    settings_begin(settings);
    while (r == 0 && (line = strsep(&rest, "\n")))
        r = take_line(settings, path, ++number, line);
    mem_wipe(all, strlen(text));
    free(all);
    return r;
}

int settings_env_read_file(struct settings *settings, const char *path) {
    return settings_file_read(settings, path, false, settings_env_read_text);
}
