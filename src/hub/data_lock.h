/*
 * data_lock - one hub a data folder
 *
 * The file "lock" of the folder is held by the hub that uses it (two would undo each
 * other's work), and says which process that is and what came of restarts, for `roostd
 * restart`.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct data_lock;

/* What the lock's file says. */
struct data_lock_note {
    pid_t pid;
    unsigned failures; /* restarts that came to nothing */
    char why[512];     /* of the last one */
};

/* Takes the folder: 0, or -errno and *ret_why a text to free. */
int data_lock_take(const char *data, struct data_lock **ret_lock, char **ret_why);

/* This process serves now; why (NULL: nothing) is what a restart failed by. */
void data_lock_tell(struct data_lock *lock, const char *why);

/* Lets go of the folder. NULL is fine; always returns NULL. */
struct data_lock *data_lock_free(struct data_lock *lock);

/* Does a hub use the folder? It cannot be taken while this looks: ask once. */
bool data_lock_is_held(const char *data);

/* Who holds the folder, or did last: 0 or -errno (-EAGAIN: it is just being written). */
int data_lock_read(const char *data, struct data_lock_note *ret_note);
