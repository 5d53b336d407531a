#include "base/settings_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_group.h"

enum { FLAG_WIDTH = 26 };

static void add_notes(const struct settings_row *row, struct buf *out) {
    const char *apart = " (";
    if (row->commands) {
        buf_printf(out, "%sof %s", apart, row->commands);
        apart = "; ";
    }
    if (row->choices) {
        buf_printf(out, "%s%s", apart, row->choices);
        apart = "; ";
    }
    if (row->fallback && row->kind != SETTINGS_BOOL) {
        buf_printf(out, "%sdefault %s", apart, row->fallback);
        apart = "; ";
    }
    if (row->env) {
        buf_printf(out, "%s%s", apart, row->env);
        apart = "; ";
    }
    if (strcmp(apart, "; ") == 0)
        buf_add_text(out, ")");
}

void settings_show_help(const struct settings_table *table,
                        const char *command,
                        struct buf *out) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        char flag[64];
        if (!row->flag ||
            (command && row->commands && !settings_has_word(row->commands, command)))
            continue;
        snprintf(flag, sizeof(flag), "--%s%s%s", row->flag, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        buf_printf(out, "  %-*s  %s", FLAG_WIDTH, flag, row->help);
        add_notes(row, out);
        buf_add_text(out, "\n");
    }
}

/* A text that lies in a file as one line, or the word for none. */
static void add_value(const struct settings_row *row, const char *text, struct buf *out) {
    if (!text || *text == '\0')
        buf_add_text(out, "(none)");
    else if (row->kind == SETTINGS_SECRET)
        buf_add_text(out, "(secret)");
    else
        buf_add_text(out, text);
}

static void add_setting(const struct settings *settings,
                        const struct settings_row *row,
                        struct buf *out) {
    auto_(mem_freep) char *text = settings_text(settings, row);
    bool is_default = settings_rank_of(settings, row) == SETTINGS_DEFAULT;

    /* What cannot be read back, and what is the default anyway, is a comment. */
    bool plain = text && *text && row->kind != SETTINGS_SECRET;
    buf_printf(out, "%s%s = ", plain && !is_default ? "" : "; ", row->name);
    add_value(row, text, out);
    buf_printf(out, " ; %s", settings_where(settings, row));
    if (!is_default) {
        auto_(mem_freep) char *fallback =
            row->make_fallback ? row->make_fallback() : mem_strdup(row->fallback);
        buf_add_text(out, ", default ");
        add_value(row, fallback, out);
    }
    buf_add_text(out, "\n");
}

/* Is this the first row of its section? */
static bool opens_section(const struct settings_table *table, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (settings_is_in_section(settings_row_at(table, i),
                                   settings_row_at(table, at)->section))
            return false;
    return true;
}

static void show_members(const struct settings *settings,
                         const struct settings_group *group,
                         struct buf *out) {
    const struct settings *member;
    const char *name;

    for (size_t i = 0;
         (member = settings_group_at(settings_groups(settings), group, i, &name)); i++) {
        buf_printf(out, "%s[%s %s]\n", out->len > 0 ? "\n" : "", group->section, name);
        for (size_t k = 0; k < group->table->count; k++)
            add_setting(member, &group->table->rows[k], out);
    }
}

void settings_show_values(const struct settings *settings, struct buf *out) {
    const struct settings_table *table = settings_table(settings);

    for (size_t i = 0; i < settings_row_count(table); i++) {
        const char *section = settings_row_at(table, i)->section;
        if (!section || !opens_section(table, i))
            continue;
        buf_printf(out, "%s[%s]\n", out->len > 0 ? "\n" : "", section);
        for (size_t k = i; k < settings_row_count(table); k++)
            if (settings_is_in_section(settings_row_at(table, k), section))
                add_setting(settings, settings_row_at(table, k), out);
    }
    for (size_t i = 0; i < table->group_count; i++)
        show_members(settings, &table->groups[i], out);
}
