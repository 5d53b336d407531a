/*
 * expose_edit - a server to expose, put into the settings file from the command line
 *
 * Only the section [expose NAME] is written; what else stands in the file stays, comments
 * included. What the file would say is checked before it is.
 */
#pragma once

#include <stdbool.h>

struct settings_list;

struct expose_edit {
    const char *file;    /* the settings; it need not be there */
    const char *name;    /* of the section */
    const char *address; /* HOST:PORT or unix:/PATH */
    bool tls;
    const char *ca;  /* or NULL */
    const char *pin; /* or NULL */
};

/* Puts the section in the place of the one of this name, or at the end; tells what was
 * done: the exit status. */
int expose_edit_put(const struct expose_edit *edit);

/* The same for each item of "ADDR" or "NAME=ADDR"; without a name it is "main". */
int expose_edit_put_list(const char *file, const struct settings_list *list);

/* Does such a list make sense? 0, or the exit status after telling why not. */
int expose_edit_check_list(const struct settings_list *list);
