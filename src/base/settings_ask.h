/*
 * settings_ask - a value that is needed and missing is asked for
 *
 * On a terminal; the answer is appended to a .env file (mode 0600), so that it is asked
 * once. Without a terminal the error says how to give the value.
 */
#pragma once

#include <stdio.h>

struct settings;
struct settings_row;

/* Who is asked, and where the answer is kept. */
struct settings_ask {
    FILE *in;  /* borrowed: the caller's; a terminal, or NULL: nobody is there */
    FILE *out; /* borrowed: the caller's; questions go here */
    const char *env_path; /* ".env"; the answer goes under the row's first env name */
};

/*
 * Asks when the row has no value above its default. An empty answer takes the default;
 * a bad one is told and asked again, three times in all. 0, SETTINGS_E_MISSING,
 * SETTINGS_E_BAD or -errno (with an error text).
 */
int settings_ask(struct settings *settings,
                 const struct settings_row *row,
                 const struct settings_ask *ask);
