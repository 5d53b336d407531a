/*
 * input - JSON objects from standard input, a file, or an argument, as they come
 *
 * Reading never stops the loop for longer than a file does: pipes and terminals are
 * watched, and a paused input is not read, so that a fast writer waits for a slow callee.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct input;
struct loop;

struct input_events {
    /* One whole object; lent. */
    void (*on_object)(void *user, struct slice object);
    /* The end; why is NULL when it ended well. */
    void (*on_end)(void *user, const char *why);
};

/* Reads this text. Events come later, never from inside an input_* function. */
struct input *input_new_text(struct loop *loop,
                             const char *text,
                             const struct input_events *events,
                             void *user);

/* Reads a file; "-" is standard input. -errno when it cannot be opened. */
int input_new_file(struct loop *loop,
                   const char *path,
                   const struct input_events *events,
                   void *user,
                   struct input **ret_input);

/* Stops reading; NULL is fine. Always returns NULL. */
struct input *input_free(struct input *input);

/* Stops or goes on. */
void input_pause(struct input *input, bool paused);
