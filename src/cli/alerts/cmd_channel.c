#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"

/* --- list, show --- */

static int ask_list(struct cli *cli, ProtobufCMessage **ret_reply) {
    Roost__V1__ListChannelsRequest request = ROOST__V1__LIST_CHANNELS_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/ListChannels",
        .request = &request.base,
        .reply_type = &roost__v1__list_channels_response__descriptor,
    };
    return hub_call(cli, "channels", ask, ret_reply);
}

static int find_channel(struct cli *cli,
                        const char *name,
                        Roost__V1__Channel **ret_channel,
                        ProtobufCMessage **ret_reply) {
    int r = ask_list(cli, ret_reply);
    if (r != 0)
        return r;
    const Roost__V1__ListChannelsResponse *list =
        (const Roost__V1__ListChannelsResponse *)*ret_reply;
    for (size_t i = 0; i < list->n_channels; i++)
        if (strcmp(list->channels[i]->name, name) == 0) {
            *ret_channel = list->channels[i];
            return 0;
        }
    *ret_reply = pb_free(*ret_reply);
    return report_fail(REPORT_NOT_FOUND, "roost channel", "%s: no such channel", name);
}

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

static void print_list(struct cli *cli, Roost__V1__Channel *const *rows, size_t count) {
    struct table *table = table_new();

    table_column(table, "CHANNEL", TABLE_LEFT);
    table_column(table, "KIND", TABLE_LEFT);
    table_column(table, "TO", TABLE_FLEXIBLE);
    table_column(table, "FROM", TABLE_LEFT);
    table_column(table, "NODES", TABLE_LEFT);
    table_column(table, "QUIET", TABLE_LEFT);
    table_column(table, "DELIVERED", TABLE_LEFT);
    table_column(table, "STATE", TABLE_FLEXIBLE);
    for (size_t i = 0; i < count; i++)
        add_row(table, rows[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static int run_list(struct cli *cli) {
    ProtobufCMessage *reply;

    int r = ask_list(cli, &reply);
    if (r != 0)
        return r;
    const Roost__V1__ListChannelsResponse *list =
        (const Roost__V1__ListChannelsResponse *)reply;
    if (args_has(cli->args, "names"))
        for (size_t i = 0; i < list->n_channels; i++)
            puts(list->channels[i]->name);
    else if (cli->json)
        r = output_message(reply, true);
    else
        print_list(cli, list->channels, list->n_channels);
    pb_free(reply);
    return r;
}

static void put(const char *name, const char *text) {
    struct buf line = { 0 };

    if (!*text)
        return;
    buf_printf(&line, "  %-13s", name);
    text_add_clean(&line, text);
    puts(buf_text(&line));
    buf_done(&line);
}

static void put_kind(const Roost__V1__Channel *channel) {
    if (channel->kind_case == ROOST__V1__CHANNEL__KIND_MAIL) {
        put("server", channel->mail->url);
        put("user", channel->mail->user);
        put("from", channel->mail->from);
        put("TLS", channel->mail->require_tls ? "required" : "when offered");
    } else if (channel->kind_case == ROOST__V1__CHANNEL__KIND_WEBHOOK) {
        put("method", channel->webhook->method);
        put("template", channel->webhook->template_);
        for (size_t i = 0; i < channel->webhook->n_headers; i++)
            put("header", channel->webhook->headers[i]);
    }
}

static void print_channel(const Roost__V1__Channel *channel) {
    auto_(mem_freep) char *place = place_of(channel);
    auto_(mem_freep) char *state = state_of(channel);
    auto_(mem_freep) char *delivered = alerting_ago(channel->delivered);
    auto_(mem_freep) char *hourly = mem_printf("%u", channel->hourly);

    printf("%s, %s\n", channel->name, kind_of(channel));
    put("to", place);
    put_kind(channel);
    put("severity", alerting_severity_name(channel->severity));
    put("nodes", *channel->select ? channel->select : "all");
    put("quiet hours", channel->quiet_hours);
    put("hourly", channel->hourly > 0 ? hourly : "");
    put("weekly", channel->weekly);
    put("delivered", delivered);
    put("state", state);
}

static int run_show(struct cli *cli) {
    Roost__V1__Channel *channel;
    ProtobufCMessage *reply;

    int r = find_channel(cli, args_at(cli->args, 0), &channel, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(&channel->base, true);
    else
        print_channel(channel);
    pb_free(reply);
    return r;
}

/* --- new, set --- */

/* A channel put together; what is owned is what the options made. */
struct draft {
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

static void draft_init(struct draft *draft) {
    *draft = (struct draft) { 0 };
    roost__v1__channel__init(&draft->channel);
    roost__v1__mail_channel__init(&draft->mail);
    roost__v1__webhook_channel__init(&draft->webhook);
    roost__v1__ntfy_channel__init(&draft->ntfy);
    roost__v1__chat_channel__init(&draft->chat);
}

static void draft_done(struct draft *draft) {
    free(draft->list);
    if (draft->secret)
        mem_wipe(draft->secret, strlen(draft->secret));
    free(draft->secret);
    free(draft->template);
    for (size_t i = 0; i < sizeof(draft->words) / sizeof(draft->words[0]); i++)
        free(draft->words[i]);
}

static void take_text(const struct cli *cli, const char *name, char **ret_text) {
    if (args_has(cli->args, name))
        *ret_text = alerting_option(cli, name);
}

/* "telegram:CHAT[:TOPIC]" */
static int take_chat(const struct cli *cli, struct draft *draft, const char *address) {
    const char *chat = strchr(address, ':');
    const char *topic = chat ? strchr(chat + 1, ':') : NULL;

    if (!chat)
        return cli_usage(cli, "channel: \"%s\" is no chat: telegram:CHAT[:TOPIC]",
                         address);
    draft->words[0] = mem_dup(address, (size_t)(chat - address));
    draft->words[1] = mem_dup(chat + 1, strcspn(chat + 1, ":"));
    draft->words[2] = mem_strdup(topic ? topic + 1 : "");
    draft->chat.platform = draft->words[0];
    draft->chat.chat = draft->words[1];
    draft->chat.topic = draft->words[2];
    return 0;
}

static int take_address(const struct cli *cli, struct draft *draft, const char *address) {
    char *url = (char *)(uintptr_t)address;

    switch ((int)draft->channel.kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        draft->mail.url = url;
        return 0;
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        draft->webhook.url = url;
        return 0;
    case ROOST__V1__CHANNEL__KIND_NTFY:
        draft->ntfy.url = url;
        return 0;
    case ROOST__V1__CHANNEL__KIND_CHAT:
        return take_chat(cli, draft, address);
    default:
        return cli_usage(cli, "channel: people have no address");
    }
}

static int take_kind(const struct cli *cli, struct draft *draft, const char *kind) {
    Roost__V1__Channel *channel = &draft->channel;

    if (strcmp(kind, "mail") == 0) {
        channel->kind_case = ROOST__V1__CHANNEL__KIND_MAIL;
        channel->mail = &draft->mail;
    } else if (strcmp(kind, "webhook") == 0) {
        channel->kind_case = ROOST__V1__CHANNEL__KIND_WEBHOOK;
        channel->webhook = &draft->webhook;
    } else if (strcmp(kind, "ntfy") == 0) {
        channel->kind_case = ROOST__V1__CHANNEL__KIND_NTFY;
        channel->ntfy = &draft->ntfy;
    } else if (strcmp(kind, "chat") == 0) {
        channel->kind_case = ROOST__V1__CHANNEL__KIND_CHAT;
        channel->chat = &draft->chat;
    } else if (strcmp(kind, "people") == 0) {
        channel->kind_case = ROOST__V1__CHANNEL__KIND_PEOPLE;
        channel->people = true;
    } else {
        return cli_usage(cli,
                         "channel: \"%s\" is no kind: mail, webhook, ntfy, chat, "
                         "people",
                         kind);
    }
    return 0;
}

/* --to and --header may be given several times. */
static void take_lists(const struct cli *cli, struct draft *draft) {
    size_t count = 0;

    if (args_has(cli->args, "to")) {
        draft->list = alerting_values(cli, "to", &count);
        draft->mail.to = draft->list;
        draft->mail.n_to = count;
    } else if (args_has(cli->args, "header")) {
        draft->list = alerting_values(cli, "header", &count);
        draft->webhook.headers = draft->list;
        draft->webhook.n_headers = count;
    }
}

static int take_secrets(const struct cli *cli, struct draft *draft) {
    const char *secret = args_value(cli->args, "secret");
    const char *template = args_value(cli->args, "template");

    if (secret) {
        draft->secret = alerting_secret(cli, secret);
        if (!draft->secret)
            return REPORT_FAILED;
        draft->mail.password = draft->secret;
        draft->webhook.secret = draft->secret;
        draft->ntfy.token = draft->secret;
    }
    if (template) {
        draft->template =
            template[0] == '@' ? alerting_secret(cli, template) : mem_strdup(template);
        if (!draft->template)
            return REPORT_FAILED;
        draft->webhook.template_ = draft->template;
    }
    return 0;
}

static int take_options(const struct cli *cli, struct draft *draft) {
    Roost__V1__Channel *channel = &draft->channel;
    const char *hourly = args_value(cli->args, "hourly");

    take_text(cli, "node", &channel->select);
    take_text(cli, "quiet-hours", &channel->quiet_hours);
    take_text(cli, "weekly", &channel->weekly);
    take_text(cli, "from", &draft->mail.from);
    take_text(cli, "user", &draft->mail.user);
    take_text(cli, "method", &draft->webhook.method);
    take_lists(cli, draft);
    if (args_has(cli->args, "require-tls"))
        draft->mail.require_tls = true;
    if (args_has(cli->args, "off"))
        channel->disabled = true;
    if (hourly) {
        char *end;
        unsigned long number = strtoul(hourly, &end, 10);
        if (hourly[0] < '0' || hourly[0] > '9' || *end != '\0' || number > 1000)
            return cli_usage(cli, "--hourly: \"%s\" is no number from 0 to 1000", hourly);
        channel->hourly = (uint32_t)number;
    }
    int r = alerting_severity(cli, &channel->severity);
    return r != 0 ? r : take_secrets(cli, draft);
}

static int put_channel(struct cli *cli,
                       Roost__V1__Channel *channel,
                       bool is_new,
                       const char *done) {
    Roost__V1__PutChannelRequest request = ROOST__V1__PUT_CHANNEL_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/PutChannel",
        .request = &request.base,
        .reply_type = &roost__v1__channel__descriptor,
    };

    request.channel = channel;
    request.is_new = is_new;
    return alerting_act(cli, channel->name, &ask, done);
}

static int run_new(struct cli *cli) {
    const char *address = args_at(cli->args, 2);
    struct draft draft;

    draft_init(&draft);
    draft.channel.name = alerting_operand(cli, 0);
    draft.channel.severity = ROOST__V1__SEVERITY__INFO;
    int r = take_kind(cli, &draft, args_at(cli->args, 1));
    if (r == 0 && address)
        r = take_address(cli, &draft, address);
    else if (r == 0 && !draft.channel.people)
        r = cli_usage(cli, "channel new: where to? an address");
    if (r == 0)
        r = take_options(cli, &draft);
    if (r == 0)
        r = put_channel(cli, &draft.channel, true, "made; try roost channel test");
    draft_done(&draft);
    return r;
}

/* What the hub has, as a draft; secrets are not told and stay as they are. */
static void draft_from(struct draft *draft, const Roost__V1__Channel *channel) {
    draft_init(draft);
    draft->channel = *channel;
    switch ((int)channel->kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        draft->mail = *channel->mail;
        draft->channel.mail = &draft->mail;
        break;
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        draft->webhook = *channel->webhook;
        draft->channel.webhook = &draft->webhook;
        break;
    case ROOST__V1__CHANNEL__KIND_NTFY:
        draft->ntfy = *channel->ntfy;
        draft->channel.ntfy = &draft->ntfy;
        break;
    case ROOST__V1__CHANNEL__KIND_CHAT:
        draft->chat = *channel->chat;
        draft->channel.chat = &draft->chat;
        break;
    default:
        break;
    }
}

static int run_set(struct cli *cli) {
    Roost__V1__Channel *channel;
    ProtobufCMessage *reply;
    struct draft draft;

    int r = find_channel(cli, args_at(cli->args, 0), &channel, &reply);
    if (r != 0)
        return r;
    draft_from(&draft, channel);
    if (args_has(cli->args, "on"))
        draft.channel.disabled = false;
    if (args_at(cli->args, 1))
        r = take_address(cli, &draft, args_at(cli->args, 1));
    if (r == 0)
        r = take_options(cli, &draft);
    if (r == 0)
        r = put_channel(cli, &draft.channel, false, "changed");
    draft_done(&draft);
    pb_free(reply);
    return r;
}

static int switch_one(struct cli *cli, const char *name, bool is_off) {
    Roost__V1__Channel *channel = NULL;
    ProtobufCMessage *reply = NULL;
    int r = find_channel(cli, name, &channel, &reply);

    if (r != 0 || !channel)
        return r;
    channel->disabled = is_off;
    r = put_channel(cli, channel, false, is_off ? "off" : "on");
    pb_free(reply);
    return r;
}

static int switch_on(struct cli *cli, const char *name) {
    return switch_one(cli, name, false);
}

static int switch_off(struct cli *cli, const char *name) {
    return switch_one(cli, name, true);
}

static int run_on(struct cli *cli) {
    return report_each(cli, switch_on);
}

static int run_off(struct cli *cli) {
    return report_each(cli, switch_off);
}

static int remove_one(struct cli *cli, const char *name) {
    Roost__V1__RemoveChannelRequest request = ROOST__V1__REMOVE_CHANNEL_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/RemoveChannel",
        .request = &request.base,
        .reply_type = &roost__v1__remove_channel_response__descriptor,
    };

    request.name = (char *)(uintptr_t)name;
    return alerting_act(cli, name, &ask, "removed");
}

static int run_remove(struct cli *cli) {
    return report_each(cli, remove_one);
}

/* --- test --- */

static int test(struct cli *cli, const char *name) {
    Roost__V1__TestChannelRequest request = ROOST__V1__TEST_CHANNEL_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/TestChannel",
        .request = &request.base,
        .reply_type = &roost__v1__test_channel_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.name = (char *)(uintptr_t)name;
    int r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__TestChannelResponse *answer =
        (const Roost__V1__TestChannelResponse *)reply;
    bool is_delivered = answer->delivered;
    if (cli->json)
        r = output_message(reply, true);
    else if (!is_delivered)
        r = report_fail(REPORT_FAILED, "roost channel show", "%s: %s", name,
                        answer->failure);
    else if (!cli->quiet)
        printf("%s: delivered in %u ms\n", name, answer->duration_ms);
    pb_free(reply);
    return r == 0 && !is_delivered ? REPORT_FAILED : r;
}

static int run_test(struct cli *cli) {
    return report_each(cli, test);
}

/* --- the table --- */

static const struct args_option list_options[] = {
    { "names", 0, NULL, NULL },
    { 0 },
};
static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "the channels, and whether they work",
    .options = list_options,
    .run = run_list,
};
static const struct command show = {
    .name = "show",
    .usage = "CHANNEL",
    .summary = "one channel, without its secrets",
    .least = 1,
    .most = 1,
    .operands = "channel",
    .run = run_show,
};

#define CHANNEL_OPTIONS                                                                  \
    { "severity", 0, "SEVERITY", "the least that is told: info, warning, critical" },    \
        { "node", 0, "NODE", "only of these nodes: names, patterns, @tag" },             \
        { "quiet-hours", 0, "HOURS", "only what is critical then: \"22:00-07:00\"" },    \
        { "hourly", 0, "N", "so many an hour, the rest in one message (10)" },           \
        { "weekly", 0, "WHEN", "a digest of the week: \"mon 08:00\"" },                  \
        { "from", 0, "ADDRESS", "mail: the sender" },                                    \
        { "to", 0, "ADDRESS", "mail: a receiver; may be given again" },                  \
        { "user", 0, "NAME", "mail: logs in as" },                                       \
        { "require-tls", 0, NULL, "mail: not without TLS" },                             \
        { "header", 0, "LINE", "webhook: \"Name: value\"; may be given again" },         \
        { "template", 0, "TEXT", "webhook: the body, with {{names}}; @FILE reads it" },  \
        { "method", 0, "METHOD", "webhook: POST unless given" },                         \
        { "secret", 0, "SECRET",                                                         \
          "password, key of signatures, token; - reads a line, @FILE a file" },          \
    {                                                                                    \
        "off", 0, NULL, "do not use it"                                                  \
    }

static const struct args_option new_options[] = { CHANNEL_OPTIONS, { 0 } };
static const char *const new_examples[] = {
    "roost channel new ops mail smtp://mail.example.org:587 --from roost@example.org "
    "--to ada@example.org --user roost --secret -",
    "mail; the password is read",
    "roost channel new phone ntfy https://ntfy.example.org/alerts --severity critical",
    "a phone, for what is critical",
    "roost channel new slack webhook https://hooks.example.org/x "
    "--template '{\"text\": \"{{title}}: {{text}}\"}'",
    "what takes JSON of its own form",
    "roost channel new team chat telegram:-1001234 --node @prod --quiet-hours "
    "22:00-07:00",
    "a group, at night only what is critical",
    NULL,
};
static const struct command new_channel = {
    .name = "new",
    .alias = "add",
    .usage = "CHANNEL KIND [ADDRESS]",
    .summary = "tell people one way more",
    .examples = new_examples,
    .options = new_options,
    .least = 2,
    .most = 3,
    .run = run_new,
};
static const struct args_option set_options[] = {
    CHANNEL_OPTIONS,
    { "on", 0, NULL, "use it again" },
    { 0 },
};
static const char *const set_examples[] = {
    "roost channel set people --quiet-hours 23:00-06:30",
    "nights are quiet in private chats",
    NULL,
};
static const struct command set = {
    .name = "set",
    .usage = "CHANNEL [ADDRESS]",
    .summary = "change a channel; what is not given stays",
    .examples = set_examples,
    .options = set_options,
    .least = 1,
    .most = 2,
    .operands = "channel",
    .run = run_set,
};
static const struct command remove_channel = {
    .name = "remove",
    .usage = "CHANNEL...",
    .summary = "forget channels",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "channel",
    .run = run_remove,
};
static const char *const test_examples[] = {
    "roost channel test ops",
    "sends a message now, and says how it went",
    NULL,
};
static const struct command test_channel = {
    .name = "test",
    .usage = "CHANNEL...",
    .summary = "send a message now",
    .examples = test_examples,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "channel",
    .run = run_test,
};
static const struct command on = {
    .name = "on",
    .usage = "CHANNEL...",
    .summary = "use channels again",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "channel",
    .run = run_on,
};
static const struct command off = {
    .name = "off",
    .usage = "CHANNEL...",
    .summary = "do not use channels for now",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "channel",
    .run = run_off,
};
static const struct command *const subcommands[] = {
    &list, &show, &new_channel, &set, &remove_channel, &test_channel, &on, &off, NULL,
};

static const char *const examples[] = {
    "roost channel",
    "who is told, and whether that works",
    "roost channel test ops",
    "try one",
    NULL,
};

const struct command cmd_channel = {
    .name = "channel",
    .alias = "channels",
    .usage = "[list|show|new|set|remove|test|on|off] [CHANNEL]",
    .summary = "how people are told of incidents",
    .details = "KIND is mail (smtp://HOST:PORT, smtps://HOST:PORT), webhook "
               "(https://...), ntfy\n"
               "(https://HOST/TOPIC), chat (telegram:CHAT[:TOPIC]) or people (each in "
               "his private\n"
               "chat). What cannot be delivered is tried again for a day. Secrets are "
               "not shown\n"
               "again. For administrators.",
    .examples = examples,
    .options = list_options,
    .subcommands = subcommands,
    .run = run_list,
};
