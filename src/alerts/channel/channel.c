#include "alerts/channel/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/channel/channel_message.h"
#include "alerts/channel/template.h"
#include "alerts/silence/quiet.h"
#include "base/mem.h"
#include "wire/http_url.h"
#include "wire/pb.h"
#include "wire/utf8.h"

struct channel *channel_new(const char *name, enum channel_kind kind) {
    struct channel *channel = mem_new(sizeof(*channel));

    *channel = (struct channel) {
        .name = mem_strdup(name),
        .kind = kind,
        .url = mem_strdup(""),
        .user = mem_strdup(""),
        .secret = mem_strdup(""),
        .from = mem_strdup(""),
        .method = mem_strdup(""),
        .template = mem_strdup(""),
        .platform = mem_strdup(""),
        .chat = mem_strdup(""),
        .topic = mem_strdup(""),
        .severity = INCIDENT_INFO,
        .select = mem_strdup(""),
        .quiet_hours = mem_strdup(""),
        .weekly = mem_strdup(""),
        .failure = mem_strdup(""),
    };
    return channel;
}

struct channel *channel_free(struct channel *channel) {
    if (!channel)
        return NULL;
    mem_wipe(channel->secret, strlen(channel->secret));
    char *texts[] = { channel->name,   channel->url,      channel->user,
                      channel->secret, channel->from,     channel->method,
                      channel->chat,   channel->template, channel->platform,
                      channel->topic,  channel->select,   channel->quiet_hours,
                      channel->weekly, channel->failure };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; channel->list && channel->list[i]; i++)
        free(channel->list[i]);
    free(channel->list);
    free(channel);
    return NULL;
}

bool channel_is_name(const char *text) {
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.");

    return len > 0 && len <= CHANNEL_NAME_MAX && text[len] == '\0' && text[0] != '-';
}

const char *channel_kind_name(enum channel_kind kind) {
    static const char *const names[] = { [CHANNEL_MAIL] = "mail",
                                         [CHANNEL_WEBHOOK] = "webhook",
                                         [CHANNEL_NTFY] = "ntfy",
                                         [CHANNEL_CHAT] = "chat",
                                         [CHANNEL_PEOPLE] = "people" };
    return names[kind];
}

/* --- what can work --- */

/* Text without control characters, which could end a line of a header. */
static bool is_line(const char *text) {
    if (strlen(text) > CHANNEL_TEXT_MAX || !utf8_is_valid(slice_of_text(text)))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return false;
    return true;
}

/* "ada@example.org": what SMTP takes between angle brackets without quotes. */
static bool is_mailbox(const char *text) {
    const char *at = strrchr(text, '@');

    if (!at || at == text || strlen(text) > 254 || !is_line(text))
        return false;
    return strcspn(text, " <>()[],;:\\\"") == strlen(text) &&
           address_is_host(slice_of_text(at + 1));
}

static const char *check_mail_url(const char *url) {
    static const char *const schemes[] = { "smtp://", "smtps://" };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i]);
        const char *port = strrchr(url, ':');
        struct address address;

        if (strncmp(url, schemes[i], len) != 0)
            continue;
        if (port && port >= url + len &&
            address_parse(slice_of_text(url + len), &address) == 0)
            return NULL;
        return address_is_host(slice_of_text(url + len)) ? NULL
                                                         : "url: no valid host and port";
    }
    return "url: smtp://HOST:PORT or smtps://HOST:PORT";
}

static const char *check_mail(const struct channel *channel) {
    const char *why = check_mail_url(channel->url);

    if (why)
        return why;
    if (!is_mailbox(channel->from))
        return "from: no address";
    if (!channel->list)
        return "to: nobody";
    for (size_t i = 0; channel->list[i]; i++)
        if (!is_mailbox(channel->list[i]))
            return "to: no address";
    return NULL;
}

static const char *check_url(const struct channel *channel, bool is_plain_allowed) {
    struct http_url url;
    const char *why;

    if (http_url_parse(channel->url, &url, &why) != 0)
        return why;
    if (url.is_plain && !is_plain_allowed && !address_is_loopback(url.to.host))
        return "url: https:// only, unless it is this machine or [alerts] plain = yes";
    if (channel->kind == CHANNEL_NTFY &&
        (strlen(url.target) < 2 || strchr(url.target, '?')))
        return "url: https://HOST/TOPIC";
    return NULL;
}

static bool is_header(const char *text) {
    size_t len = strcspn(text, ":");

    if (len == 0 || text[len] != ':' || !is_line(text))
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "!#$%&'*+-.^_`|~") == len;
}

static const char *check_webhook(const struct channel *channel, char **ret_own) {
    static const char *const methods = " POST PUT PATCH ";
    auto_(mem_freep) char *word = mem_printf(" %s ", channel->method);

    if (channel->method[0] && !strstr(methods, word))
        return "method: POST, PUT or PATCH";
    for (size_t i = 0; channel->list && channel->list[i]; i++)
        if (!is_header(channel->list[i]))
            return "headers: \"Name: value\"";
    if (strlen(channel->template) > CHANNEL_TEMPLATE_MAX)
        return "template: too long";
    if (channel->template[0] && template_check(channel->template, ret_own) != 0)
        return *ret_own;
    return NULL;
}

static const char *check_chat(const struct channel *channel) {
    if (!channel->platform[0] || strchr(channel->platform, ':'))
        return "platform: \"telegram\"";
    if (!channel->chat[0] || strchr(channel->chat, ':'))
        return "chat: which?";
    return strchr(channel->topic, ':') ? "topic: a number" : NULL;
}

static const char *check_kind(const struct channel *channel,
                              bool is_plain_allowed,
                              char **ret_own) {
    const char *why;

    switch (channel->kind) {
    case CHANNEL_MAIL:
        return check_mail(channel);
    case CHANNEL_WEBHOOK:
        why = check_url(channel, is_plain_allowed);
        return why ? why : check_webhook(channel, ret_own);
    case CHANNEL_NTFY:
        return check_url(channel, is_plain_allowed);
    case CHANNEL_CHAT:
        return check_chat(channel);
    case CHANNEL_PEOPLE:
        break;
    }
    return NULL;
}

static size_t list_count(const struct channel *channel) {
    size_t count = 0;

    while (channel->list && channel->list[count])
        count++;
    return count;
}

static const char *check_common(const struct channel *channel) {
    const char *const lines[] = { channel->url,      channel->user,  channel->secret,
                                  channel->from,     channel->chat,  channel->topic,
                                  channel->platform, channel->select };
    struct quiet quiet;

    if (!channel_is_name(channel->name))
        return "name: up to 64 of a-z, 0-9, '-', '_' and '.'";
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!is_line(lines[i]))
            return "one line of text each, without control characters";
    if (list_count(channel) > CHANNEL_LIST_MAX)
        return "too many receivers or headers";
    if (channel->quiet_hours[0] && quiet_parse(channel->quiet_hours, &quiet) != 0)
        return "quiet hours: \"22:00-07:00\", or with a time zone: \"22:00-07:00 "
               "Europe/Berlin\"";
    if (channel->weekly[0] && quiet_parse_weekly(channel->weekly, &quiet) != 0)
        return "weekly: \"mon 08:00\", or with a time zone behind it";
    return NULL;
}

int channel_check(const struct channel *channel, bool is_plain_allowed, char **ret_why) {
    auto_(mem_freep) char *own = NULL;
    const char *why = check_common(channel);

    if (!why)
        why = check_kind(channel, is_plain_allowed, &own);
    if (!why)
        return 0;
    *ret_why = mem_strdup(why);
    return -EINVAL;
}

void channel_print_place(const struct channel *channel, struct buf *out) {
    switch (channel->kind) {
    case CHANNEL_MAIL:
        for (size_t i = 0; channel->list && channel->list[i]; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : "", channel->list[i]);
        break;
    case CHANNEL_WEBHOOK:
    case CHANNEL_NTFY: /* a query may hold a key */
        buf_add(out, channel->url, strcspn(channel->url, "?"));
        break;
    case CHANNEL_CHAT:
        buf_printf(out, "%s:%s%s%s", channel->platform, channel->chat,
                   channel->topic[0] ? ":" : "", channel->topic);
        break;
    case CHANNEL_PEOPLE:
        buf_add_text(out, "private chats");
        break;
    }
}

/* --- records --- */

void channel_write(const struct channel *channel, struct buf *out) {
    struct channel_message message;

    channel_message_init(&message, channel, true);
    message.channel.delivered = NULL;
    message.channel.failing_since = NULL;
    message.channel.failure = "";
    message.channel.waiting = 0;
    pb_pack(out, &message.channel.base);
    channel_message_done(&message);
}

struct channel *channel_read(const char *name, struct slice bytes) {
    ProtobufCMessage *message;
    char *why = NULL;

    if (pb_unpack(&roost__v1__channel__descriptor, bytes, &message) != 0)
        return NULL;
    struct channel *channel =
        channel_message_read((const Roost__V1__Channel *)message, NULL, &why);
    free(why);
    pb_free(message);
    if (channel)
        incident_set(&channel->name, name);
    return channel;
}
