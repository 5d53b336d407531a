/*
 * channel_webhook - a message for a program that listens over HTTP
 *
 * The body is the incident's JSON as the API has it, or what the channel's template makes
 * of it. Of several incidents in one message: {"title": ..., "incidents": [...]}, each of
 * them by itself when there is a template.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct channel;
struct incident;

enum { CHANNEL_WEBHOOK_SIGNATURE_LEN = 7 + 64 }; /* "sha256=" and hex */

/* Appends the incident's JSON. */
void channel_webhook_print(const struct incident *incident, struct buf *out);

/* Appends the body: 0, or -EINVAL when the template makes none. title: for people. */
int channel_webhook_body(const struct channel *channel,
                         const struct incident *incident,
                         const char *title,
                         struct buf *out);

/* {"title": ..., "text": ...} of what is no incident, by the template too. */
int channel_webhook_note(const struct channel *channel,
                         const char *title,
                         const char *text,
                         struct buf *out);

/* HMAC-SHA256 of the body: "sha256=0123...". */
void channel_webhook_sign(const char *secret,
                          struct slice body,
                          char ret_text[static CHANNEL_WEBHOOK_SIGNATURE_LEN + 1]);

/* Has the channel a content type of its own? */
bool channel_webhook_has_type(const struct channel *channel);
