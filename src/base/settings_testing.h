/*
 * settings_testing - what the tests of the programs' tables of settings do alike
 */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/settings.h"

enum { SETTINGS_TESTING_WORDS_MAX = 16 };

/* A command line given as one text, its words apart by spaces. */
struct settings_testing_line {
    char text[512];
    char *argv[SETTINGS_TESTING_WORDS_MAX];
    int argc;
};

/* ret_line borrows the program's name. */
static inline void settings_testing_split(const char *program,
                                          const char *text,
                                          struct settings_testing_line *ret_line) {
    char *rest = ret_line->text, *word;

    CHECK(strlen(text) < sizeof(ret_line->text));
    strcpy(ret_line->text, text);
    ret_line->argv[0] = (char *)(uintptr_t)program;
    ret_line->argc = 1;
    while ((word = strsep(&rest, " ")))
        if (*word) {
            CHECK(ret_line->argc < SETTINGS_TESTING_WORDS_MAX);
            ret_line->argv[ret_line->argc++] = word;
        }
}

/* For settings_reload(): appends "NAME ", or "NAME! " for what takes a restart. */
static inline void settings_testing_note(void *arg, const struct settings_row *row) {
    buf_printf(arg, "%s%s ", row->name, row->live ? "" : "!");
}

/* Each row has limits that can be met, a help line, and a name of its own. */
static inline void settings_testing_check_table(const struct settings_table *table) {
    for (size_t i = 0; i < settings_row_count(table); i++) {
        const struct settings_row *row = settings_row_at(table, i);
        CHECK(row->help && row->help[0]);
        CHECK(row->section || row->flag);
        CHECK(settings_find(table, row->section, row->name) == row);
        CHECK(row->at < table->size);
        if (row->kind >= SETTINGS_INT)
            CHECK(row->low <= row->high && row->high > 0);
    }
}
