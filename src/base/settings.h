/*
 * settings - one table of settings, filled from five sources
 *
 * A program describes its settings once, as rows; flags, environment, a .env file, INI
 * files, --help, the manual and `config show` all read that table. A later source never
 * takes the place of a higher one, so the sources may be read in any order:
 *
 *     flag  >  environment  >  .env  >  INI file  >  default
 *
 * Every text is checked when it is put, so that an error names its place. At the end
 * settings_fill() writes a struct of the program's own at once; a program that reloads
 * makes a fresh one and swaps. Reading the sources is in settings_args.h,
 * settings_env.h, settings_ini.h, asking in settings_ask.h, printing in settings_show.h,
 * taking new values while running in settings_reload.h; rows that all programs have are
 * in settings_common.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a setting is, and the type of its field. */
enum settings_kind {
    SETTINGS_TEXT,   /* char *, owned; NULL when unset or empty */
    SETTINGS_SECRET, /* the same, never printed; NAME_file in an INI reads it from a file
                      */
    SETTINGS_LIST,   /* struct settings_list; commas, repeats */
    SETTINGS_BOOL,   /* bool; a flag of this kind takes no value */
    SETTINGS_INT,    /* uint64_t */
    SETTINGS_DURATION, /* uint64_t, milliseconds; a number alone is seconds */
    SETTINGS_BYTES,    /* uint64_t; "64k", "1MiB" (all of 1024) */
};

enum settings_rank {
    SETTINGS_DEFAULT,
    SETTINGS_INI,
    SETTINGS_DOTENV,
    SETTINGS_ENVIRONMENT,
    SETTINGS_FLAG,
};

enum {
    SETTINGS_E_BAD = 1, /* wrong; settings_error() says what and why */
    SETTINGS_E_MISSING, /* needed and not there; settings_error() says how to give it */
};

struct settings_list {
    char **items; /* owned, and so are the strings; NULL when count is 0 */
    size_t count;
};

struct settings_row {
    const char *section; /* of the INI file; NULL: not in files */
    const char *name;    /* in the INI file; unique */
    enum settings_kind kind;
    size_t at;                    /* offset of the field */
    const char *fallback;         /* NULL: unset, empty, false or 0 */
    char *(*make_fallback)(void); /* for one that depends on the machine; a new string */
    uint64_t low;                 /* of the three number kinds, both inclusive */
    uint64_t high;
    const char *choices; /* words apart by spaces, the only ones allowed */
    const char *(*check)(
        const char *);    /* NULL: good; else why not. Each item of a list */
    const char *env;      /* names apart by spaces; those of a list add up */
    const char *flag;     /* without dashes */
    char letter;          /* -x as well, 0: none */
    const char *argument; /* what the flag takes, for --help */
    const char *commands; /* the only subcommands with this flag, apart by spaces */
    const char *help;     /* one sentence, no full stop */
    const char *ask;      /* the question, for settings that may be asked for */
    bool live; /* a running program takes it on SIGHUP; the others take a restart */
};

struct settings_group;
struct settings_groups;

struct settings_table {
    const char *program; /* "roostd" */
    const struct settings_row *rows;
    size_t count;
    size_t size; /* of the program's struct */

    /* Sections of which there may be many, see settings_group.h; NULL: none. */
    const struct settings_group *groups;
    size_t group_count;

    /* Rows that other programs have too, of the struct with which the program's begins;
     * NULL: none. They come after its own. */
    const struct settings_table *common;
};

struct settings;

struct settings *settings_new(const struct settings_table *table);

/* Frees and wipes; NULL is fine. Always returns NULL. */
struct settings *settings_free(struct settings *settings);

const struct settings_table *settings_table(const struct settings *settings);

/* What the sources said of sections of which there may be many. Lent. */
struct settings_groups *settings_groups(const struct settings *settings);

/* How many rows there are, the common ones included, and each of them by its number. */
size_t settings_row_count(const struct settings_table *table);
const struct settings_row *settings_row_at(const struct settings_table *table, size_t at);

/* The row of a section (NULL: a flag alone) and name, or NULL. */
const struct settings_row *settings_find(const struct settings_table *table,
                                         const char *section,
                                         const char *name);

/* Does it stand in this section? NULL: is it a flag alone? */
bool settings_is_in_section(const struct settings_row *row, const char *section);

/* Begins a source; texts of one source add to a list, those of the next replace them. */
void settings_begin(struct settings *settings);

/*
 * Checks the text and keeps it unless a higher rank is there. where says where it stands
 * ("roost.conf:12", "--listen"). 0 or SETTINGS_E_BAD.
 */
int settings_put(struct settings *settings,
                 const struct settings_row *row,
                 enum settings_rank rank,
                 const char *where,
                 const char *text);

/* Was it put by this source already? For files, where a scalar stands once. */
bool settings_is_put(const struct settings *settings, const struct settings_row *row);

/* Which rank it has now. */
enum settings_rank settings_rank_of(const struct settings *settings,
                                    const struct settings_row *row);

/* Where it was put; "default" otherwise. Lent. */
const char *settings_where(const struct settings *settings,
                           const struct settings_row *row);

/* The text as it stands, default included; a list with ", ". A new string, or NULL. */
char *settings_text(const struct settings *settings, const struct settings_row *row);

/* The arguments that are no flags, in order. */
void settings_add_word(struct settings *settings, const char *word);
const struct settings_list *settings_words(const struct settings *settings);

/*
 * Writes all values into a struct of table.size bytes that settings_clear() ends. Fails
 * never after successful puts, except for a default of the machine that is wrong.
 */
int settings_fill(struct settings *settings, void *ret_values);

/* Frees what the struct owns, wipes secrets and zeroes it. */
void settings_clear(const struct settings_table *table, void *values);

/* Sets the error text; returns result. */
int settings_fail(struct settings *settings, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "WHAT: WHY" of the last failure. Lent. */
const char *settings_error(const struct settings *settings);

/* Prints "PROGRAM: WHAT: WHY" and "try: PROGRAM --help". */
void settings_complain(const struct settings *settings, FILE *to);

/* Does a list of words apart by spaces have this word? NULL has none. */
bool settings_has_word(const char *words, const char *word);

/* "64k", "1MiB", "1000": a size, false when it is none. */
bool settings_parse_bytes(const char *text, uint64_t *ret_value);
