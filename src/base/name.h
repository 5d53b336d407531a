/*
 * name - the names of nodes and tags, and how a person selects among them
 *
 * A name is [a-z0-9][a-z0-9._-]{0,62}. A selection is a comma-separated list of names,
 * titles, globs ("pi*", "db?") and tags ("@home").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    NAME_LEN_MAX = 63,
    NAME_TITLE_MAX = 64,       /* characters (UTF-8), not bytes */
    NAME_SELECTION_MAX = 4096, /* bytes: some sixty of the longest names */
};

enum {
    NAME_E_EMPTY = 1, /* the selection has no items */
    NAME_E_NO_MATCH,  /* an item selects nothing; ret_item says which */
    NAME_E_TOO_LONG,  /* over NAME_SELECTION_MAX */
};

/* What a selection looks at. */
struct name_subject {
    const char *name;
    const char *title;       /* may be NULL or empty */
    const char *const *tags; /* tag_count of them */
    size_t tag_count;
};

/* Can this be the name of a node or a tag? NULL cannot. */
bool name_is_valid(const char *text);

/* Is this up to 64 characters of valid UTF-8 without control characters? */
bool name_is_title(const char *text);

/* The nearest valid name to a host name or anything else; "node" when nothing is left. */
void name_from_host(const char *host, char ret_name[static NAME_LEN_MAX + 1]);

/* Has it wildcards? */
bool name_is_glob(const char *text);

/* Does the whole name match a pattern in which '*' is any run and '?' any one byte? */
bool name_match_glob(const char *pattern, const char *name);

/*
 * Marks what the selection means among count subjects; each item is tried as a tag (after
 * '@') or a glob or a name, then as a title, and so is the whole text when an item
 * matches nothing. 0, and ret_picked[i] is true for what is meant; or one of NAME_E_*:
 * ret_picked is then all false, and *ret_item (of NAME_E_NO_MATCH, unless NULL) is the
 * item as a string for the caller to free.
 */
int name_select(const char *selection,
                const struct name_subject *subjects,
                size_t count,
                bool *ret_picked,
                char **ret_item);
