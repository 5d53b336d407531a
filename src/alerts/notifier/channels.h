/*
 * channels - the channels of the notifier, by name
 */
#pragma once

#include <stddef.h>

struct channel;

/* Zeroed: none. */
struct channels {
    struct channel **rows; /* owned, with its channels; sorted by name */
    size_t count;
};

/* Takes the channel; there is none of its name. */
void channels_add(struct channels *channels, struct channel *channel);

/* The channel, which is the caller's from then on, or NULL. */
struct channel *channels_take(struct channels *channels, const char *name);

/* Lent, or NULL. */
struct channel *channels_find(const struct channels *channels, const char *name);

void channels_done(struct channels *channels);
