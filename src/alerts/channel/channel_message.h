/*
 * channel_message - a channel as a message
 */
#pragma once

#include <stdbool.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "roost/v1/alerts.pb-c.h"

struct channel;

/* Borrows the channel's texts. */
struct channel_message {
    Roost__V1__Channel channel;
    Roost__V1__MailChannel mail;
    Roost__V1__WebhookChannel webhook;
    Roost__V1__NtfyChannel ntfy;
    Roost__V1__ChatChannel chat;
    Google__Protobuf__Timestamp delivered;
    Google__Protobuf__Timestamp failing;
    char **headers; /* owned, with its texts: those without their values; or NULL */
};

/* Without secrets the values of headers are left out too. */
void channel_message_init(struct channel_message *message,
                          const struct channel *channel,
                          bool with_secrets);
void channel_message_done(struct channel_message *message);

/*
 * The channel that a message asks for: NULL and *ret_why, a text to free, when it says no
 * kind. Secrets that it leaves out are those of before, which may be NULL. What is left
 * out and not secret is as of a new channel; check it before it is used.
 */
struct channel *channel_message_read(const Roost__V1__Channel *message,
                                     const struct channel *before,
                                     char **ret_why);
