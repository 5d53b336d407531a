#include <stdio.h>

#include "cli/alerts/alerting.h"
#include "cli/alerts/channel_draft.h"
#include "cli/alerts/channel_view.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/bots.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/output.h"
#include "wire/pb.h"

static const struct named_kind channels = {
    .word = "channel",
    .words = "channels",
    .list = {
        "/roost.v1.Alerts/ListChannels",
        &roost__v1__list_channels_request__descriptor,
        &roost__v1__list_channels_response__descriptor,
    },
    .put = {
        "/roost.v1.Alerts/PutChannel",
        &roost__v1__put_channel_request__descriptor,
        &roost__v1__channel__descriptor,
    },
    .remove = {
        "/roost.v1.Alerts/RemoveChannel",
        &roost__v1__remove_channel_request__descriptor,
        &roost__v1__remove_channel_response__descriptor,
    },
    .removed = "removed",
    .print_list = channel_view_list,
    .print_one = channel_view_show,
};

static int run_list(struct cli *cli) {
    int r = named_list(cli, &channels);

    if (r == 0 && !cli->json && !cli->quiet)
        bots_print(cli);
    return r;
}

static int run_show(struct cli *cli) {
    return named_show(cli, &channels);
}

static int run_on(struct cli *cli) {
    return named_switch(cli, &channels, false);
}

static int run_off(struct cli *cli) {
    return named_switch(cli, &channels, true);
}

static int run_remove(struct cli *cli) {
    return named_remove(cli, &channels);
}

/* --- new, set --- */

static int run_new(struct cli *cli) {
    const char *address = args_at(cli->args, 2);
    struct channel_draft draft;

    channel_draft_init(&draft);
    draft.channel.name = alerting_operand(cli, 0);
    draft.channel.severity = ROOST__V1__SEVERITY__INFO;
    int r = channel_draft_kind(cli, &draft, args_at(cli->args, 1));
    if (r == 0 && address)
        r = channel_draft_address(cli, &draft, address);
    else if (r == 0 && !draft.channel.people)
        r = cli_usage(cli, "channel new: where to? an address");
    if (r == 0)
        r = channel_draft_options(cli, &draft);
    if (r == 0)
        r = named_put(cli, &channels, &draft.channel.base, true,
                      "made; try roost channel test");
    channel_draft_done(&draft);
    return r;
}

static int run_set(struct cli *cli) {
    const char *address = args_at(cli->args, 1);
    ProtobufCMessage *channel, *list;
    struct channel_draft draft;

    int r = named_find(cli, &channels, args_at(cli->args, 0), &channel, &list);
    if (r != 0)
        return r;
    channel_draft_from(&draft, (const Roost__V1__Channel *)channel);
    if (args_has(cli->args, "on"))
        draft.channel.disabled = false;
    if (address)
        r = channel_draft_address(cli, &draft, address);
    if (r == 0)
        r = channel_draft_options(cli, &draft);
    if (r == 0)
        r = named_put(cli, &channels, &draft.channel.base, false, "changed");
    channel_draft_done(&draft);
    pb_free(list);
    return r;
}

/* --- test --- */

static int test(struct cli *cli, const char *name, const void *arg) {
    Roost__V1__TestChannelRequest request = ROOST__V1__TEST_CHANNEL_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/TestChannel",
        .request = &request.base,
        .reply_type = &roost__v1__test_channel_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.name = pb_lend(name);
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
    return report_each(cli, test, NULL);
}

/* --- the table --- */

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "the channels, and whether they work",
    .options = named_list_options,
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
    .options = named_list_options,
    .subcommands = subcommands,
    .run = run_list,
};
