#include "base/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/settings_group.h"

struct entry {
    struct settings_list texts; /* one for scalars; owned */
    enum settings_rank rank;
    unsigned source; /* that put it; 0: none */
    char *where;     /* owned */
};

struct settings {
    const struct settings_table *table; /* borrowed: static */
    struct entry *entries;              /* owned; one a row */
    struct settings_groups *groups;     /* owned */
    struct settings_list words;         /* owned */
    unsigned source;
    char *error; /* owned */
};

static void list_add(struct settings_list *list, char *item) {
    list->items = mem_grow(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = item;
}

static void list_clear(struct settings_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        mem_wipe(list->items[i], strlen(list->items[i]));
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct settings_list) { 0 };
}

size_t settings_row_count(const struct settings_table *table) {
    return table->count + (table->common ? table->common->count : 0);
}

const struct settings_row *settings_row_at(const struct settings_table *table,
                                           size_t at) {
    return at < table->count ? &table->rows[at] : &table->common->rows[at - table->count];
}

struct settings *settings_new(const struct settings_table *table) {
    struct settings *settings = mem_new(sizeof(*settings));
    *settings = (struct settings) {
        .table = table,
        .entries = mem_new_array(settings_row_count(table), sizeof(struct entry)),
        .groups = settings_group_new(),
    };
    return settings;
}

struct settings *settings_free(struct settings *settings) {
    if (!settings)
        return NULL;
    for (size_t i = 0; i < settings_row_count(settings->table); i++) {
        list_clear(&settings->entries[i].texts);
        free(settings->entries[i].where);
    }
    list_clear(&settings->words);
    settings_group_free(settings->groups);
    free(settings->entries);
    free(settings->error);
    free(settings);
    return NULL;
}

const struct settings_table *settings_table(const struct settings *settings) {
    return settings->table;
}

struct settings_groups *settings_groups(const struct settings *settings) {
    return settings->groups;
}

bool settings_is_in_section(const struct settings_row *row, const char *section) {
    return section && row->section ? strcmp(section, row->section) == 0
                                   : !section && !row->section;
}

const struct settings_row *settings_find(const struct settings_table *table,
                                         const char *section,
                                         const char *name) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        if (settings_is_in_section(row, section) && strcmp(name, row->name) == 0)
            return row;
    }
    return NULL;
}

static struct entry *entry_of(const struct settings *settings,
                              const struct settings_row *row) {
    size_t at = 0;

    while (settings_row_at(settings->table, at) != row)
        at++;
    return &settings->entries[at];
}

int settings_fail(struct settings *settings, int result, const char *format, ...) {
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    free(settings->error);
    settings->error = buf_take_text(&text);
    return result;
}

const char *settings_error(const struct settings *settings) {
    return settings->error ? settings->error : "";
}

void settings_complain(const struct settings *settings, FILE *to) {
    fprintf(to, "%s: %s\ntry: %s --help\n", settings->table->program,
            settings_error(settings), settings->table->program);
}

bool settings_has_word(const char *words, const char *word) {
    size_t len = strlen(word);
    for (const char *at = words; at && *at && len > 0; at += strspn(at, " ")) {
        size_t span = strcspn(at, " ");
        if (span == len && memcmp(at, word, len) == 0)
            return true;
        at += span;
    }
    return false;
}

static bool parse_bool(const char *text, bool *ret_value) {
    static const char *const words[] = { "no",  "false", "0", "off",
                                         "yes", "true",  "1", "on" };
    for (size_t i = 0; i < 8; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *ret_value = i >= 4;
            return true;
        }
    return false;
}

static bool parse_digits(const char *text, uint64_t *ret_value, const char **ret_rest) {
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret_value = strtoull(text, &end, 10);
    *ret_rest = end;
    return errno == 0;
}

bool settings_parse_bytes(const char *text, uint64_t *ret_value) {
    static const char *const units[] = { "",   "b",   "k", "kb", "kib", "m",
                                         "mb", "mib", "g", "gb", "gib" };
    static const unsigned shifts[] = { 0, 0, 10, 10, 10, 20, 20, 20, 30, 30, 30 };
    const char *unit;
    uint64_t value;

    if (!parse_digits(text, &value, &unit))
        return false;
    unit += strspn(unit, " ");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(unit, units[i]) != 0)
            continue;
        *ret_value = value << shifts[i];
        return *ret_value >> shifts[i] == value;
    }
    return false;
}

static bool parse_number(enum settings_kind kind, const char *text, uint64_t *ret_value) {
    const char *rest;
    if (kind == SETTINGS_DURATION)
        return clock_parse_duration(text, ret_value) == 0;
    if (kind == SETTINGS_BYTES)
        return settings_parse_bytes(text, ret_value);
    return parse_digits(text, ret_value, &rest) && *rest == '\0';
}

static char *number_text(enum settings_kind kind, uint64_t value) {
    const char *unit = kind == SETTINGS_BYTES ? " bytes" : "";
    if (kind == SETTINGS_DURATION)
        unit = value % 1000 == 0 ? "s" : "ms";
    if (kind == SETTINGS_DURATION && value % 1000 == 0)
        value /= 1000;
    return mem_printf("%llu%s", (unsigned long long)value, unit);
}

/* NULL when the number is fine, else why not, as a new string. */
static char *number_fault(const struct settings_row *row, const char *text) {
    uint64_t value;
    if (!parse_number(row->kind, text, &value)) {
        const char *wanted = row->kind == SETTINGS_DURATION ? "a time such as 5s or 2m"
                             : row->kind == SETTINGS_BYTES  ? "a size such as 64k or 1MiB"
                                                            : "a number";
        return mem_printf("\"%s\" is not %s", text, wanted);
    }
    if (value >= row->low && value <= row->high)
        return NULL;
    auto_(mem_freep) char *low = number_text(row->kind, row->low);
    auto_(mem_freep) char *high = number_text(row->kind, row->high);
    return mem_printf("%s is not from %s to %s", text, low, high);
}

static char *text_fault(const struct settings_row *row, const char *text) {
    const char *shown = row->kind == SETTINGS_SECRET ? "(secret)" : text;
    if (row->choices && !settings_has_word(row->choices, text))
        return mem_printf("\"%s\" is none of: %s", shown, row->choices);
    const char *why = row->check ? row->check(text) : NULL;
    return why ? mem_printf("\"%s\": %s", shown, why) : NULL;
}

static char *fault(const struct settings_row *row, const char *text) {
    bool yes;
    switch (row->kind) {
    case SETTINGS_BOOL:
        return parse_bool(text, &yes) ? NULL
                                      : mem_printf("\"%s\" is neither yes nor no", text);
    case SETTINGS_INT:
    case SETTINGS_DURATION:
    case SETTINGS_BYTES:
        return number_fault(row, text);
    case SETTINGS_TEXT:
    case SETTINGS_SECRET:
        return *text ? text_fault(row, text) : NULL;
    case SETTINGS_LIST:
        break; /* its items are checked one by one */
    }
    return text_fault(row, text);
}

/* Cuts a list at its commas; the items are trimmed and empty ones dropped. */
static void split(const char *text, struct settings_list *ret_list) {
    *ret_list = (struct settings_list) { 0 };
    while (*text) {
        size_t len = strcspn(text, ",");
        const char *from = text + strspn(text, " \t");
        const char *to = text + len;
        while (to > from && strchr(" \t", to[-1]))
            to--;
        if (to > from)
            list_add(ret_list, mem_dup(from, (size_t)(to - from)));
        text += len + (text[len] == ',');
    }
}

/* The texts that one text means: items of a list, or itself. NULL, or the fault. */
static char *to_texts(const struct settings_row *row,
                      const char *text,
                      struct settings_list *ret_texts) {
    struct settings_list texts = { 0 };
    char *why = NULL;

    if (row->kind == SETTINGS_LIST)
        split(text, &texts);
    else
        list_add(&texts, mem_strdup(text));
    for (size_t i = 0; !why && i < texts.count; i++)
        why = fault(row, texts.items[i]);
    if (why)
        list_clear(&texts);
    *ret_texts = texts;
    return why;
}

void settings_begin(struct settings *settings) {
    settings->source++;
    settings_group_begin(settings->groups);
}

bool settings_is_put(const struct settings *settings, const struct settings_row *row) {
    return entry_of(settings, row)->source == settings->source;
}

enum settings_rank settings_rank_of(const struct settings *settings,
                                    const struct settings_row *row) {
    return entry_of(settings, row)->rank;
}

const char *settings_where(const struct settings *settings,
                           const struct settings_row *row) {
    const struct entry *entry = entry_of(settings, row);
    return entry->where ? entry->where : "default";
}

int settings_put(struct settings *settings,
                 const struct settings_row *row,
                 enum settings_rank rank,
                 const char *where,
                 const char *text) {
    struct entry *entry = entry_of(settings, row);
    struct settings_list texts;

    auto_(mem_freep) char *why = to_texts(row, text, &texts);
    if (why)
        return settings_fail(settings, SETTINGS_E_BAD,
                             rank == SETTINGS_INI ? "%s: %s: %s" : "%s: %s%s", where,
                             rank == SETTINGS_INI ? row->name : "", why);
    if (entry->rank > rank) {
        list_clear(&texts);
        return 0;
    }

    bool adds = row->kind == SETTINGS_LIST && settings_is_put(settings, row);
    if (!adds)
        list_clear(&entry->texts);
    for (size_t i = 0; i < texts.count; i++)
        list_add(&entry->texts, TAKE(texts.items[i]));
    free(texts.items);
    free(entry->where);
    entry->where = mem_strdup(where);
    entry->rank = rank;
    entry->source = settings->source;
    return 0;
}

static char *fallback_of(const struct settings_row *row) {
    return row->make_fallback ? row->make_fallback() : mem_strdup(row->fallback);
}

char *settings_text(const struct settings *settings, const struct settings_row *row) {
    const struct entry *entry = entry_of(settings, row);
    struct buf text = { 0 };

    if (entry->rank == SETTINGS_DEFAULT)
        return fallback_of(row);
    for (size_t i = 0; i < entry->texts.count; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", entry->texts.items[i]);
    return buf_take_text(&text);
}

void settings_add_word(struct settings *settings, const char *word) {
    list_add(&settings->words, mem_strdup(word));
}

const struct settings_list *settings_words(const struct settings *settings) {
    return &settings->words;
}

/* Writes the field of a row; takes the texts, which are sound. */
static void fill_field(const struct settings_row *row,
                       struct settings_list *texts,
                       void *values) {
    void *field = (char *)values + row->at;
    const char *text = texts->count > 0 ? texts->items[0] : NULL;

    switch (row->kind) {
    case SETTINGS_LIST:
        *(struct settings_list *)field = *texts;
        *texts = (struct settings_list) { 0 };
        return;
    case SETTINGS_TEXT:
    case SETTINGS_SECRET:
        *(char **)field = text && *text ? mem_strdup(text) : NULL;
        return;
    case SETTINGS_BOOL:
        if (text)
            parse_bool(text, field);
        return;
    case SETTINGS_INT:
    case SETTINGS_DURATION:
    case SETTINGS_BYTES:
        if (text)
            parse_number(row->kind, text, field);
        return;
    }
}

/* Copies of what was put, or the default. */
static int texts_of(struct settings *settings,
                    const struct settings_row *row,
                    struct settings_list *ret_texts) {
    const struct entry *entry = entry_of(settings, row);

    *ret_texts = (struct settings_list) { 0 };
    if (entry->rank > SETTINGS_DEFAULT) {
        for (size_t i = 0; i < entry->texts.count; i++)
            list_add(ret_texts, mem_strdup(entry->texts.items[i]));
        return 0;
    }
    auto_(mem_freep) char *fallback = fallback_of(row);
    auto_(mem_freep) char *why = fallback ? to_texts(row, fallback, ret_texts) : NULL;
    if (why)
        return settings_fail(settings, SETTINGS_E_BAD, "the default of %s: %s", row->name,
                             why);
    return 0;
}

int settings_fill(struct settings *settings, void *ret_values) {
    const struct settings_table *table = settings->table;
    void *values = mem_new(table->size);

    for (size_t i = 0; i < settings_row_count(table); i++) {
        struct settings_list texts;
        int r = texts_of(settings, settings_row_at(table, i), &texts);
        if (r != 0) {
            settings_clear(table, values);
            free(values);
            return r;
        }
        fill_field(settings_row_at(table, i), &texts, values);
        list_clear(&texts);
    }
    int r = settings_group_fill(settings, values);
    if (r == 0)
        memcpy(ret_values, values, table->size);
    else
        settings_clear(table, values);
    free(values);
    return r;
}

void settings_clear(const struct settings_table *table, void *values) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        void *field = (char *)values + row->at;
        if (row->kind == SETTINGS_LIST) {
            list_clear(field);
        } else if (row->kind == SETTINGS_TEXT || row->kind == SETTINGS_SECRET) {
            char *text = *(char **)field;
            if (text)
                mem_wipe(text, strlen(text));
            free(text);
        }
    }
    settings_group_clear(table, values);
    memset(values, 0, table->size);
}
