#include "alerts/channel/channel_message.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/channel/channel.h"
#include "base/mem.h"
#include "wire/timestamp.h"

static size_t count_of(char *const *list) {
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

/* "authorization: ***" */
static char **hide_values(char *const *headers) {
    size_t count = count_of(headers);
    char **hidden = mem_new_array(count + 1, sizeof(*hidden));

    for (size_t i = 0; i < count; i++)
        hidden[i] = mem_printf("%.*s: ***", (int)strcspn(headers[i], ":"), headers[i]);
    return hidden;
}

static void set_mail(struct channel_message *out,
                     const struct channel *channel,
                     bool all) {
    roost__v1__mail_channel__init(&out->mail);
    out->mail.url = channel->url;
    out->mail.user = channel->user;
    if (all)
        out->mail.password = channel->secret;
    out->mail.from = channel->from;
    out->mail.to = channel->list;
    out->mail.n_to = count_of(channel->list);
    out->mail.require_tls = channel->require_tls;
    out->channel.kind_case = ROOST__V1__CHANNEL__KIND_MAIL;
    out->channel.mail = &out->mail;
}

static void set_webhook(struct channel_message *out,
                        const struct channel *channel,
                        bool all) {
    roost__v1__webhook_channel__init(&out->webhook);
    out->webhook.url = channel->url;
    out->webhook.template_ = channel->template;
    out->webhook.method = channel->method;
    if (all)
        out->webhook.secret = channel->secret;
    else
        out->headers = hide_values(channel->list);
    out->webhook.headers = all ? channel->list : out->headers;
    out->webhook.n_headers = count_of(channel->list);
    out->channel.kind_case = ROOST__V1__CHANNEL__KIND_WEBHOOK;
    out->channel.webhook = &out->webhook;
}

static void set_ntfy(struct channel_message *out,
                     const struct channel *channel,
                     bool all) {
    roost__v1__ntfy_channel__init(&out->ntfy);
    out->ntfy.url = channel->url;
    if (all)
        out->ntfy.token = channel->secret;
    out->channel.kind_case = ROOST__V1__CHANNEL__KIND_NTFY;
    out->channel.ntfy = &out->ntfy;
}

static void set_chat(struct channel_message *out, const struct channel *channel) {
    roost__v1__chat_channel__init(&out->chat);
    out->chat.platform = channel->platform;
    out->chat.chat = channel->chat;
    out->chat.topic = channel->topic;
    out->channel.kind_case = ROOST__V1__CHANNEL__KIND_CHAT;
    out->channel.chat = &out->chat;
}

static void set_kind(struct channel_message *out,
                     const struct channel *channel,
                     bool with_secrets) {
    switch (channel->kind) {
    case CHANNEL_MAIL:
        set_mail(out, channel, with_secrets);
        break;
    case CHANNEL_WEBHOOK:
        set_webhook(out, channel, with_secrets);
        break;
    case CHANNEL_NTFY:
        set_ntfy(out, channel, with_secrets);
        break;
    case CHANNEL_CHAT:
        set_chat(out, channel);
        break;
    case CHANNEL_PEOPLE:
        out->channel.kind_case = ROOST__V1__CHANNEL__KIND_PEOPLE;
        out->channel.people = true;
        break;
    }
}

void channel_message_init(struct channel_message *message,
                          const struct channel *channel,
                          bool with_secrets) {
    *message = (struct channel_message) { 0 };
    roost__v1__channel__init(&message->channel);
    message->channel.name = channel->name;
    message->channel.severity = (Roost__V1__Severity)channel->severity;
    message->channel.select = channel->select;
    message->channel.quiet_hours = channel->quiet_hours;
    message->channel.hourly = channel->hourly;
    message->channel.disabled = channel->is_disabled;
    message->channel.weekly = channel->weekly;
    message->channel.delivered =
        timestamp_set(&message->delivered, channel->delivered_ms);
    message->channel.failing_since =
        timestamp_set(&message->failing, channel->failing_ms);
    message->channel.failure = channel->failure;
    message->channel.waiting = channel->waiting;
    set_kind(message, channel, with_secrets);
}

void channel_message_done(struct channel_message *message) {
    for (size_t i = 0; message->headers && message->headers[i]; i++)
        free(message->headers[i]);
    free(message->headers);
    message->headers = NULL;
}

/* --- and back --- */

static char **copy_list(char *const *list, size_t count) {
    if (count == 0)
        return NULL;
    char **copy = mem_new_array(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_strdup(list[i]);
    return copy;
}

/* The value of a header as it was: one of that name whose value is hidden stays. */
static void keep_headers(struct channel *channel, const struct channel *before) {
    for (size_t i = 0; channel->list && channel->list[i]; i++) {
        size_t len = strcspn(channel->list[i], ":");
        if (strcmp(channel->list[i] + len, ": ***") != 0)
            continue;
        for (size_t k = 0; before->list && before->list[k]; k++)
            if (strncmp(before->list[k], channel->list[i], len + 1) == 0)
                incident_set(&channel->list[i], before->list[k]);
    }
}

static void set_secret(struct channel *channel,
                       const char *secret,
                       const struct channel *before) {
    bool is_same = before && before->kind == channel->kind;

    incident_set(&channel->secret, *secret || !is_same ? secret : before->secret);
    if (is_same && channel->kind == CHANNEL_WEBHOOK)
        keep_headers(channel, before);
}

static struct channel *read_mail(const Roost__V1__Channel *from,
                                 const struct channel *before) {
    struct channel *channel = channel_new(from->name, CHANNEL_MAIL);

    incident_set(&channel->url, from->mail->url);
    incident_set(&channel->user, from->mail->user);
    incident_set(&channel->from, from->mail->from);
    channel->list = copy_list(from->mail->to, from->mail->n_to);
    channel->require_tls = from->mail->require_tls;
    set_secret(channel, from->mail->password, before);
    return channel;
}

static struct channel *read_webhook(const Roost__V1__Channel *from,
                                    const struct channel *before) {
    struct channel *channel = channel_new(from->name, CHANNEL_WEBHOOK);

    incident_set(&channel->url, from->webhook->url);
    incident_set(&channel->template, from->webhook->template_);
    incident_set(&channel->method, from->webhook->method);
    channel->list = copy_list(from->webhook->headers, from->webhook->n_headers);
    set_secret(channel, from->webhook->secret, before);
    return channel;
}

static struct channel *read_ntfy(const Roost__V1__Channel *from,
                                 const struct channel *before) {
    struct channel *channel = channel_new(from->name, CHANNEL_NTFY);

    incident_set(&channel->url, from->ntfy->url);
    set_secret(channel, from->ntfy->token, before);
    return channel;
}

static struct channel *read_chat(const Roost__V1__Channel *from) {
    struct channel *channel = channel_new(from->name, CHANNEL_CHAT);

    incident_set(&channel->platform, from->chat->platform);
    incident_set(&channel->chat, from->chat->chat);
    incident_set(&channel->topic, from->chat->topic);
    return channel;
}

static struct channel *read_kind(const Roost__V1__Channel *message,
                                 const struct channel *before) {
    switch ((int)message->kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        return read_mail(message, before);
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        return read_webhook(message, before);
    case ROOST__V1__CHANNEL__KIND_NTFY:
        return read_ntfy(message, before);
    case ROOST__V1__CHANNEL__KIND_CHAT:
        return read_chat(message);
    case ROOST__V1__CHANNEL__KIND_PEOPLE:
        return channel_new(message->name, CHANNEL_PEOPLE);
    default:
        return NULL;
    }
}

struct channel *channel_message_read(const Roost__V1__Channel *message,
                                     const struct channel *before,
                                     char **ret_why) {
    struct channel *channel = read_kind(message, before);

    if (!channel) {
        *ret_why = mem_strdup("a channel is mail, webhook, ntfy, chat or people");
        return NULL;
    }
    if (message->severity >= ROOST__V1__SEVERITY__INFO &&
        message->severity <= ROOST__V1__SEVERITY__CRITICAL)
        channel->severity = (enum incident_severity)message->severity;
    incident_set(&channel->select, message->select);
    incident_set(&channel->quiet_hours, message->quiet_hours);
    incident_set(&channel->weekly, message->weekly);
    channel->hourly = message->hourly;
    channel->is_disabled = message->disabled;
    return channel;
}
