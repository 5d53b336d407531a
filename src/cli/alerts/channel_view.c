#include "cli/alerts/channel_view.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/cli.h"
#include "cli/terminal/table.h"

static const char *kind_of(const Roost__V1__Channel *channel) {
    switch ((int)channel->kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        return "mail";
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        return "webhook";
    case ROOST__V1__CHANNEL__KIND_NTFY:
        return "ntfy";
    case ROOST__V1__CHANNEL__KIND_CHAT:
        return "chat";
    default:
        return "people";
    }
}

/* Where it goes. A new string. */
static char *place_of(const Roost__V1__Channel *channel) {
    struct buf text = { 0 };

    switch ((int)channel->kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        for (size_t i = 0; i < channel->mail->n_to; i++)
            buf_printf(&text, "%s%s", i > 0 ? ", " : "", channel->mail->to[i]);
        break;
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        buf_add_text(&text, channel->webhook->url);
        break;
    case ROOST__V1__CHANNEL__KIND_NTFY:
        buf_add_text(&text, channel->ntfy->url);
        break;
    case ROOST__V1__CHANNEL__KIND_CHAT:
        buf_printf(&text, "%s:%s%s%s", channel->chat->platform, channel->chat->chat,
                   *channel->chat->topic ? ":" : "", channel->chat->topic);
        break;
    default:
        buf_add_text(&text, "private chats");
        break;
    }
    return buf_take_text(&text);
}

/* "works", "off", "fails: ...". A new string. */
static char *state_of(const Roost__V1__Channel *channel) {
    if (channel->disabled)
        return mem_strdup("off");
    if (channel->failing_since)
        return mem_printf("fails: %s (%u wait)", channel->failure, channel->waiting);
    return mem_strdup(channel->delivered ? "works" : "");
}

static void add_row(struct table *table, const Roost__V1__Channel *channel) {
    auto_(mem_freep) char *place = place_of(channel);
    auto_(mem_freep) char *state = state_of(channel);
    auto_(mem_freep) char *delivered = alerting_ago(channel->delivered);

    table_cell(table, channel->disabled ? TERMINAL_DIM : TERMINAL_BOLD, channel->name);
    table_cell(table, TERMINAL_PLAIN, kind_of(channel));
    table_cell(table, TERMINAL_PLAIN, place);
    table_cell(table, TERMINAL_PLAIN, alerting_severity_name(channel->severity));
    table_cell(table, TERMINAL_PLAIN, *channel->select ? channel->select : "all");
    table_cell(table, TERMINAL_PLAIN, channel->quiet_hours);
    table_cell(table, TERMINAL_PLAIN, delivered);
    table_cell(table, channel->failing_since ? TERMINAL_RED : TERMINAL_PLAIN, state);
}

void channel_view_list(struct cli *cli, const ProtobufCMessage *reply) {
    const Roost__V1__ListChannelsResponse *list =
        (const Roost__V1__ListChannelsResponse *)reply;
    struct table *table = table_new();

    table_column(table, "CHANNEL", TABLE_LEFT);
    table_column(table, "KIND", TABLE_LEFT);
    table_column(table, "TO", TABLE_FLEXIBLE);
    table_column(table, "FROM", TABLE_LEFT);
    table_column(table, "NODES", TABLE_LEFT);
    table_column(table, "QUIET", TABLE_LEFT);
    table_column(table, "DELIVERED", TABLE_LEFT);
    table_column(table, "STATE", TABLE_FLEXIBLE);
    for (size_t i = 0; i < list->n_channels; i++)
        add_row(table, list->channels[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void put_kind(const Roost__V1__Channel *channel) {
    if (channel->kind_case == ROOST__V1__CHANNEL__KIND_MAIL) {
        alerting_put("server", channel->mail->url);
        alerting_put("user", channel->mail->user);
        alerting_put("from", channel->mail->from);
        alerting_put("TLS", channel->mail->require_tls ? "required" : "when offered");
    } else if (channel->kind_case == ROOST__V1__CHANNEL__KIND_WEBHOOK) {
        alerting_put("method", channel->webhook->method);
        alerting_put("template", channel->webhook->template_);
        for (size_t i = 0; i < channel->webhook->n_headers; i++)
            alerting_put("header", channel->webhook->headers[i]);
    }
}

void channel_view_show(struct cli *cli, const ProtobufCMessage *message) {
    const Roost__V1__Channel *channel = (const Roost__V1__Channel *)message;
    auto_(mem_freep) char *place = place_of(channel);
    auto_(mem_freep) char *state = state_of(channel);
    auto_(mem_freep) char *delivered = alerting_ago(channel->delivered);
    auto_(mem_freep) char *hourly = mem_printf("%u", channel->hourly);

    printf("%s, %s\n", channel->name, kind_of(channel));
    alerting_put("to", place);
    put_kind(channel);
    alerting_put("severity", alerting_severity_name(channel->severity));
    alerting_put("nodes", *channel->select ? channel->select : "all");
    alerting_put("quiet hours", channel->quiet_hours);
    alerting_put("hourly", channel->hourly > 0 ? hourly : "");
    alerting_put("weekly", channel->weekly);
    alerting_put("delivered", delivered);
    alerting_put("state", state);
}
