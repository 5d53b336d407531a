/*
 * channel_ntfy - a message for ntfy, published as JSON
 */
#pragma once

#include "base/buf.h"

struct incident;

struct channel_ntfy {
    const char *url;                 /* "https://HOST/TOPIC" */
    const struct incident *incident; /* NULL: a note */
    const char *title;
    const char *text;
};

/* Where it is posted to: the URL without its topic. A new string. */
char *channel_ntfy_server(const char *url);

/* Appends the body. */
void channel_ntfy_print(const struct channel_ntfy *note, struct buf *out);
