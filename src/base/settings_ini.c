#include "base/settings_ini.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_file.h"
#include "base/settings_group.h"

enum {
    LINE_MAX_LEN = 198, /* inih reads lines into 200 bytes */
    SECRET_MAX = 64 * 1024,
};

static const char file_suffix[] = "_file";

/* One file being read. */
struct reader {
    struct settings *settings; /* borrowed: the caller's */
    const char *path;          /* borrowed: the caller's */
    char *why;                 /* owned; the first fault */
};

/* The folder that a path is in; a new string. */
static char *dir_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path))
                 : mem_strdup(".");
}

/* The row of a secret NAME when name is NAME_file. */
static const struct settings_row *find_secret(const struct settings_table *table,
                                              const char *section,
                                              const char *name) {
    size_t len = strlen(name), tail = sizeof(file_suffix) - 1;
    if (len <= tail || strcmp(name + len - tail, file_suffix) != 0)
        return NULL;
    auto_(mem_freep) char *plain = mem_dup(name, len - tail);
    const struct settings_row *row = settings_find(table, section, plain);
    return row && row->kind == SETTINGS_SECRET ? row : NULL;
}

/* The content of a secret's file without its last newline; NULL and why. */
static char *read_secret(const struct reader *reader, const char *value, char **ret_why) {
    auto_(mem_freep) char *dir = dir_of(reader->path);
    auto_(mem_freep) char *path = file_join(dir, value);
    struct buf content = { 0 };

    int r = file_read(path, SECRET_MAX, &content);
    if (r < 0) {
        *ret_why = mem_printf("%s: %s", path, strerror(-r));
        return NULL;
    }
    while (content.len > 0 && strchr("\r\n", content.data[content.len - 1]))
        content.len--;
    if (content.len > 0 && memchr(content.data, 0, content.len)) {
        *ret_why = mem_printf("%s: it has NUL bytes", path);
        buf_done(&content);
        return NULL;
    }
    return buf_take_text(&content);
}

static char *put(const struct reader *reader,
                 struct settings *settings,
                 const struct settings_row *row,
                 const char *value) {
    if (row->kind != SETTINGS_LIST && settings_is_put(settings, row))
        return mem_printf(
            "%s: is set twice (an indented line goes on with the one above)", row->name);
    int r = settings_put(settings, row, SETTINGS_INI, reader->path, value);
    if (r == 0)
        return NULL;
    /* The error starts with the path, which gets a line number later. */
    return mem_strdup(settings_error(settings) + strlen(reader->path) + 2);
}

/* Puts the value of a row, or of a secret by its NAME_file; *ret_why is what is wrong, or
 * NULL. False: there is no such row. */
static bool take_row(const struct reader *reader,
                     struct settings *settings,
                     const char *section,
                     const char *name,
                     const char *value,
                     char **ret_why) {
    const struct settings_table *table = settings_table(settings);
    const struct settings_row *row = settings_find(table, section, name);

    *ret_why = NULL;
    if (row) {
        *ret_why = put(reader, settings, row, value);
        return true;
    }
    row = find_secret(table, section, name);
    if (!row)
        return false;
    auto_(mem_freep) char *secret = read_secret(reader, value, ret_why);
    if (secret) {
        *ret_why = put(reader, settings, row, secret);
        mem_wipe(secret, strlen(secret));
    }
    return true;
}

/* What is wrong with a line of a member's section, or NULL. */
static char *take_member(const struct reader *reader,
                         const struct settings_group *group,
                         const char *member,
                         const char *name,
                         const char *value) {
    char *why = NULL;
    struct settings *settings =
        settings_group_member(settings_groups(reader->settings), group, member, &why);

    if (!settings ||
        take_row(reader, settings, group->table->rows[0].section, name, value, &why))
        return why;
    return mem_printf("%s: no such setting in [%s]", name, group->table->rows[0].section);
}

/* What is wrong with one line, or NULL. */
static char *take(const struct reader *reader,
                  const char *section,
                  const char *name,
                  const char *value) {
    const struct settings_table *table = settings_table(reader->settings);
    const char *member;
    char *why;

    if (take_row(reader, reader->settings, section, name, value, &why))
        return why;
    const struct settings_group *group = settings_group_of(table, section, &member);
    if (group)
        return take_member(reader, group, member, name, value);
    if (*section == '\0')
        return mem_printf("%s: stands before any [section]", name);
    for (size_t i = 0; i < settings_row_count(table); i++)
        if (settings_is_in_section(settings_row_at(table, i), section))
            return mem_printf("%s: no such setting in [%s]", name, section);
    return mem_printf("[%s]: no such section", section);
}

/* inih's handler: 0 makes it remember this line as the first bad one. */
static int on_setting(void *arg,
                      const char *section,
                      const char *name,
                      const char *value) {
    struct reader *reader = arg;
    char *why = take(reader, section, name, value);

    if (!why)
        return 1;
    if (reader->why)
        free(why);
    else
        reader->why = why;
    return 0;
}

/* The number of a line that inih would cut in two, or 0. */
static unsigned find_long_line(const char *text) {
    for (unsigned number = 1; *text; number++) {
        size_t len = strcspn(text, "\n");
        if (len > LINE_MAX_LEN)
            return number;
        text += len + (text[len] == '\n');
    }
    return 0;
}

int settings_ini_read_text(struct settings *settings,
                           const char *path,
                           const char *text) {
    struct reader reader = { .settings = settings, .path = path };

    settings_begin(settings);
    unsigned number = find_long_line(text);
    if (number > 0)
        return settings_fail(settings, SETTINGS_E_BAD,
                             "%s:%u: the line is longer than %d bytes", path, number,
                             LINE_MAX_LEN);
    int line = ini_parse_string(text, on_setting, &reader);
    if (line == 0)
        return 0;
    /* A line that inih itself refuses has no text of ours; it may come before ours. */
    auto_(mem_freep) char *why = reader.why;
    return settings_fail(settings, SETTINGS_E_BAD, "%s:%d: %s", path, line,
                         why ? why : "the line is neither [section] nor name = value");
}

static int is_conf(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > 5 && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + len - 5, ".conf") == 0;
}

int settings_ini_read(struct settings *settings, const char *path, bool needed) {
    auto_(mem_freep) char *dir = dir_of(path);
    auto_(mem_freep) char *parts = file_join(dir, "conf.d");
    struct dirent **names = NULL;

    int r = settings_file_read(settings, path, needed, settings_ini_read_text);
    int count = r == 0 ? scandir(parts, &names, is_conf, alphasort) : 0;
    if (count < 0 && errno != ENOENT)
        r = settings_fail(settings, -errno, "%s: %s", parts, strerror(errno));
    for (int i = 0; i < count; i++) {
        auto_(mem_freep) char *part = file_join(parts, names[i]->d_name);
        if (r == 0)
            r = settings_file_read(settings, part, true, settings_ini_read_text);
        free(names[i]);
    }
    free(names);
    return r;
}
