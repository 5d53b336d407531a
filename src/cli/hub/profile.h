/*
 * profile - the hubs that this person knows, and the keys to them
 *
 * One file, $XDG_CONFIG_HOME/roost/profiles.ini (else ~/.config/roost), mode 0600: a
 * section for each hub, and before them the line "profile = NAME" that says which one is
 * meant when nothing is said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    PROFILE_E_SYNTAX = 1, /* a line of the file makes no sense; *ret_why says which */
    PROFILE_E_HOME,       /* neither XDG_CONFIG_HOME nor HOME is set */
};

struct profile {
    char *name;  /* owned, as are all of these; any but the name may be NULL */
    char *hub;   /* https://HOST:PORT */
    char *pin;   /* of the hub's CA, or "web" */
    char *ca;    /* a PEM file to trust instead */
    char *token; /* a caller's token */
    char *user;  /* how the hub calls its holder */
};

struct profile_list {
    char *path;             /* owned */
    char *current;          /* owned; may be NULL */
    struct profile **items; /* owned, and so is each */
    size_t count;
};

/* Reads the file; none is an empty list. 0, -errno or PROFILE_E_*; *ret_why is a text to
 * free on PROFILE_E_SYNTAX. */
int profile_list_load(struct profile_list **ret_list, char **ret_why);

/* NULL is fine; wipes tokens. Always returns NULL. */
struct profile_list *profile_list_free(struct profile_list *list);

/* Writes the file (mode 0600, its folder 0700): 0 or -errno. */
int profile_list_save(const struct profile_list *list);

struct profile *profile_list_find(const struct profile_list *list, const char *name);

/* Finds or makes. */
struct profile *profile_list_put(struct profile_list *list, const char *name);

/* Forgets one; the current one becomes the first that is left. */
void profile_list_remove(struct profile_list *list, const char *name);

void profile_list_set_current(struct profile_list *list, const char *name);

/* A field by the key that stands in the file; NULL when there is no such key. */
char **profile_field(struct profile *profile, const char *key);

/* The keys in order; NULL behind the last one. */
const char *profile_key(size_t i);

/* Replaces a field; NULL empties it. Copies. */
void profile_set(char **field, const char *value);

/* A profile that stands in no list. */
struct profile *profile_new(const char *name);
struct profile *profile_free(struct profile *profile);
