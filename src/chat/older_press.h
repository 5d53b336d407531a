/*
 * older_press - what the buttons of the older bot mean today
 *
 * Its messages stand in people's chats for years: "status:KEY", "graph:cpu:3600:KEY". The
 * key is that of a node which was taken over with it. What acts asks for confirmation
 * now, as everything does; who may is checked like for any line.
 */
#pragma once

#include <stdbool.h>

struct chat_host;

/* Does it look like one? */
bool older_press_is(const char *data);

/* The command line of today, a new string; or NULL and *ret_why, a text in English. */
char *older_press_line(const struct chat_host *host,
                       const char *data,
                       const char **ret_why);
