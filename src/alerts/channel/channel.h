/*
 * channel - a way by which people are told of incidents
 *
 * A plain value, kept as a record with its secrets; what it does at the moment
 * (delivered, failing) is beside and not kept. Mail, webhooks and ntfy are spoken to by
 * the notifier itself, chats by whoever runs them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/incidents/incident.h"
#include "base/buf.h"
#include "base/slice.h"

enum {
    CHANNELS_MAX = 200,
    CHANNEL_NAME_MAX = 64,
    CHANNEL_LIST_MAX = 32, /* receivers of a mail, headers of a webhook */
    CHANNEL_TEXT_MAX = 4096,
    CHANNEL_TEMPLATE_MAX = 32768,
    CHANNEL_HOURLY = 10, /* unless it says otherwise */
};

enum channel_kind {
    CHANNEL_MAIL = 1,
    CHANNEL_WEBHOOK,
    CHANNEL_NTFY,
    CHANNEL_CHAT,
    CHANNEL_PEOPLE, /* each in his private chat */
};

struct channel {
    char *name; /* owned, and so are all texts; never NULL */
    enum channel_kind kind;
    char *url; /* MAIL, WEBHOOK, NTFY */
    char *user;
    char *secret; /* MAIL: password; WEBHOOK: of the signature; NTFY: token */
    char *from;
    char *method;
    char *template;
    char *platform; /* CHAT */
    char *chat;
    char *topic;
    char **list;      /* owned, NULL-terminated, or NULL: receivers, headers */
    bool require_tls; /* MAIL */
    enum incident_severity severity;
    char *select;
    char *quiet_hours;
    char *weekly;
    unsigned hourly; /* 0: CHANNEL_HOURLY */
    bool is_disabled;
    bool is_built_in; /* nobody made it */

    /* Not kept. */
    int64_t delivered_ms; /* 0: never */
    int64_t failing_ms;   /* since; 0: it works */
    char *failure;
    unsigned waiting; /* notifier_waiting() */
};

struct channel *channel_new(const char *name, enum channel_kind kind);

/* NULL is fine; always returns NULL. */
struct channel *channel_free(struct channel *channel);

/* Is this a name: 1 to 64 of a-z, 0-9, '-', '_', '.'? */
bool channel_is_name(const char *text);

/* Can it work? 0, or -EINVAL and *ret_why, a text to free. Plain http:// only where
 * is_plain_allowed, or to this machine. */
int channel_check(const struct channel *channel, bool is_plain_allowed, char **ret_why);

/* "mail", "webhook", ... */
const char *channel_kind_name(enum channel_kind kind);

/* Where it goes, for people, without secrets; appends: "ada@example.org, ...". */
void channel_print_place(const struct channel *channel, struct buf *out);

/* As it is kept. channel_read() gives NULL when it is damaged. */
void channel_write(const struct channel *channel, struct buf *out);
struct channel *channel_read(const char *name, struct slice bytes);
