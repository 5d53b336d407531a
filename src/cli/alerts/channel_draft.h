/*
 * channel_draft - a channel as the options of a command say that it shall be
 *
 * Begun with a kind, or as the hub has it, and then changed by what was given. Where a
 * function answers other than 0, it is an exit status, and why has been told.
 */
#pragma once

#include "roost/v1/alerts.pb-c.h"

struct cli;

/* `channel` is what to give to the hub; what is owned is what the options made. */
struct channel_draft {
    Roost__V1__Channel channel;
    Roost__V1__MailChannel mail;
    Roost__V1__WebhookChannel webhook;
    Roost__V1__NtfyChannel ntfy;
    Roost__V1__ChatChannel chat;
    char **list;    /* owned */
    char *secret;   /* owned */
    char *template; /* owned */
    char *words[4]; /* owned: parts of the address */
};

/* An empty one. */
void channel_draft_init(struct channel_draft *draft);

/* What the hub has, which must live as long; secrets are not told and stay as they are.
 */
void channel_draft_from(struct channel_draft *draft, const Roost__V1__Channel *channel);

void channel_draft_done(struct channel_draft *draft);

/* "mail", "webhook", "ntfy", "chat" or "people". */
int channel_draft_kind(const struct cli *cli,
                       struct channel_draft *draft,
                       const char *kind);

/* Where it goes, in the form of its kind. */
int channel_draft_address(const struct cli *cli,
                          struct channel_draft *draft,
                          const char *address);

/* Everything else that was given; secrets are read from where the options say. */
int channel_draft_options(const struct cli *cli, struct channel_draft *draft);
