#include "cli/alerts/channel_draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/cli.h"

void channel_draft_init(struct channel_draft *draft) {
    *draft = (struct channel_draft) { 0 };
    roost__v1__channel__init(&draft->channel);
    roost__v1__mail_channel__init(&draft->mail);
    roost__v1__webhook_channel__init(&draft->webhook);
    roost__v1__ntfy_channel__init(&draft->ntfy);
    roost__v1__chat_channel__init(&draft->chat);
}

void channel_draft_from(struct channel_draft *draft, const Roost__V1__Channel *channel) {
    channel_draft_init(draft);
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

void channel_draft_done(struct channel_draft *draft) {
    free(draft->list);
    if (draft->secret)
        mem_wipe(draft->secret, strlen(draft->secret));
    free(draft->secret);
    free(draft->template);
    for (size_t i = 0; i < sizeof(draft->words) / sizeof(draft->words[0]); i++)
        free(draft->words[i]);
}

/* "telegram:CHAT[:TOPIC]" */
static int take_chat(const struct cli *cli,
                     struct channel_draft *draft,
                     const char *address) {
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

int channel_draft_address(const struct cli *cli,
                          struct channel_draft *draft,
                          const char *address) {
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

int channel_draft_kind(const struct cli *cli,
                       struct channel_draft *draft,
                       const char *kind) {
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
static void take_lists(const struct cli *cli, struct channel_draft *draft) {
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

static int take_secrets(const struct cli *cli, struct channel_draft *draft) {
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

int channel_draft_options(const struct cli *cli, struct channel_draft *draft) {
    Roost__V1__Channel *channel = &draft->channel;

    alerting_take(cli, "node", &channel->select);
    alerting_take(cli, "quiet-hours", &channel->quiet_hours);
    alerting_take(cli, "weekly", &channel->weekly);
    alerting_take(cli, "from", &draft->mail.from);
    alerting_take(cli, "user", &draft->mail.user);
    alerting_take(cli, "method", &draft->webhook.method);
    take_lists(cli, draft);
    if (args_has(cli->args, "require-tls"))
        draft->mail.require_tls = true;
    if (args_has(cli->args, "off"))
        channel->disabled = true;
    int r = cli_number(cli, "hourly", "--hourly", 0, 1000, &channel->hourly);
    if (r == 0)
        r = alerting_severity(cli, &channel->severity);
    return r != 0 ? r : take_secrets(cli, draft);
}
