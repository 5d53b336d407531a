#include "alerts/notifier/channels.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/channel/channel.h"
#include "base/mem.h"

void channels_add(struct channels *channels, struct channel *channel) {
    size_t at = 0;

    while (at < channels->count && strcmp(channels->rows[at]->name, channel->name) < 0)
        at++;
    channels->rows =
        mem_grow(channels->rows, (channels->count + 1) * sizeof(*channels->rows));
    memmove(&channels->rows[at + 1], &channels->rows[at],
            (channels->count - at) * sizeof(*channels->rows));
    channels->rows[at] = channel;
    channels->count++;
}

struct channel *channels_take(struct channels *channels, const char *name) {
    for (size_t i = 0; i < channels->count; i++) {
        struct channel *channel = channels->rows[i];
        if (strcmp(channel->name, name) != 0)
            continue;
        channels->count--;
        memmove(&channels->rows[i], &channels->rows[i + 1],
                (channels->count - i) * sizeof(*channels->rows));
        return channel;
    }
    return NULL;
}

struct channel *channels_find(const struct channels *channels, const char *name) {
    for (size_t i = 0; i < channels->count; i++)
        if (strcmp(channels->rows[i]->name, name) == 0)
            return channels->rows[i];
    return NULL;
}

void channels_done(struct channels *channels) {
    for (size_t i = 0; i < channels->count; i++)
        channel_free(channels->rows[i]);
    free(channels->rows);
    *channels = (struct channels) { 0 };
}
