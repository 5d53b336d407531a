#include "cli/hub/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

static const struct field {
    const char *key;
    size_t at;
} fields[] = {
    { "hub", offsetof(struct profile, hub) },
    { "pin", offsetof(struct profile, pin) },
    { "ca", offsetof(struct profile, ca) },
    { "token", offsetof(struct profile, token) },
    { "user", offsetof(struct profile, user) },
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

const char *profile_key(size_t i) {
    return i < FIELD_COUNT ? fields[i].key : NULL;
}

char **profile_field(struct profile *profile, const char *key) {
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(fields[i].key, key) == 0)
            return (char **)(void *)((char *)profile + fields[i].at);
    return NULL;
}

void profile_set(char **field, const char *value) {
    char *copy = value && *value ? mem_strdup(value) : NULL;

    if (*field)
        mem_wipe(*field, strlen(*field));
    free(*field);
    *field = copy;
}

struct profile *profile_new(const char *name) {
    struct profile *profile = mem_new(sizeof(*profile));
    profile->name = mem_strdup(name);
    return profile;
}

struct profile *profile_free(struct profile *profile) {
    if (!profile)
        return NULL;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        profile_set(profile_field(profile, fields[i].key), NULL);
    free(profile->name);
    free(profile);
    return NULL;
}

struct profile_list *profile_list_free(struct profile_list *list) {
    if (!list)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        profile_free(list->items[i]);
    free(list->items);
    free(list->current);
    free(list->path);
    free(list);
    return NULL;
}

struct profile *profile_list_find(const struct profile_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i]->name, name) == 0)
            return list->items[i];
    return NULL;
}

struct profile *profile_list_put(struct profile_list *list, const char *name) {
    struct profile *profile = profile_list_find(list, name);

    if (profile)
        return profile;
    list->items = mem_grow(list->items, (list->count + 1) * sizeof(struct profile *));
    list->items[list->count] = profile_new(name);
    return list->items[list->count++];
}

void profile_list_set_current(struct profile_list *list, const char *name) {
    profile_set(&list->current, name);
}

void profile_list_remove(struct profile_list *list, const char *name) {
    bool was_current = list->current && strcmp(list->current, name) == 0;

    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->name, name) != 0)
            continue;
        profile_free(list->items[i]);
        list->count--;
        memmove(list->items + i, list->items + i + 1,
                (list->count - i) * sizeof(struct profile *));
        break;
    }
    if (was_current)
        profile_list_set_current(list, list->count > 0 ? list->items[0]->name : NULL);
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static bool read_pair(struct profile_list *list, struct profile *section, char *line) {
    char *equals = strchr(line, '=');
    if (!equals)
        return false;
    *equals = '\0';
    const char *key = trim(line);
    const char *value = trim(equals + 1);

    if (!section) {
        if (strcmp(key, "profile") != 0)
            return false;
        profile_list_set_current(list, value);
        return true;
    }
    char **field = profile_field(section, key);
    if (field)
        profile_set(field, value); /* a key of a newer version is left alone */
    return true;
}

static int read_lines(struct profile_list *list, char *text, char **ret_why) {
    struct profile *section = NULL;
    unsigned number = 0;

    for (char *next = text; next;) {
        char *raw = strsep(&next, "\n");
        char *line = trim(raw);
        size_t len = strlen(line);

        number++;
        if (len == 0 || *line == '#' || *line == ';')
            continue;
        if (*line == '[' && len > 2 && line[len - 1] == ']') {
            line[len - 1] = '\0';
            section = profile_list_put(list, line + 1);
        } else if (!read_pair(list, section, line)) {
            *ret_why =
                mem_printf("%s:%u: not KEY = VALUE or [PROFILE]", list->path, number);
            return PROFILE_E_SYNTAX;
        }
    }
    return 0;
}

static char *find_path(void) {
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && *config == '/') /* a relative one is to be ignored, says its standard */
        return mem_printf("%s/roost/profiles.ini", config);
    if (home && *home)
        return mem_printf("%s/.config/roost/profiles.ini", home);
    return NULL;
}

int profile_list_load(struct profile_list **ret_list, char **ret_why) {
    struct buf text = { 0 };
    char *path = find_path();

    if (!path)
        return PROFILE_E_HOME;
    struct profile_list *list = mem_new(sizeof(*list));
    list->path = path;

    int r = file_read(path, FILE_MAX, &text);
    if (r == -ENOENT || r == -ENOTDIR)
        r = 0;
    else if (r == 0)
        r = read_lines(list, (char *)(uintptr_t)buf_text(&text), ret_why);
    if (text.data)
        mem_wipe(text.data, text.cap);
    buf_done(&text);
    if (r != 0) {
        profile_list_free(list);
        return r;
    }
    *ret_list = list;
    return 0;
}

static void print_list(const struct profile_list *list, struct buf *out) {
    buf_add_text(out, "# The hubs that roost knows, with their tokens: keep it to "
                      "yourself.\n");
    if (list->current)
        buf_printf(out, "profile = %s\n", list->current);
    for (size_t i = 0; i < list->count; i++) {
        buf_printf(out, "\n[%s]\n", list->items[i]->name);
        for (size_t k = 0; k < FIELD_COUNT; k++) {
            const char *value = *profile_field(list->items[i], fields[k].key);
            if (value)
                buf_printf(out, "%s = %s\n", fields[k].key, value);
        }
    }
}

int profile_list_save(const struct profile_list *list) {
    struct buf out = { 0 };
    char *folder = mem_dup(list->path, strlen(list->path) - strlen("/profiles.ini"));

    print_list(list, &out);
    int r = file_make_dirs(folder, 0700);
    if (r == 0)
        r = file_write_atomic(list->path, buf_slice(&out), 0600);
    mem_wipe(out.data, out.cap);
    buf_done(&out);
    free(folder);
    return r;
}
