#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/alerts/alerts_view.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/following.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "wire/timestamp.h"

enum { COUNT_MAX = 1000 };

static bool read_number(const char *text, uint64_t *ret_number) {
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_number = strtoull(text, &end, 10);
    return *end == '\0';
}

/* --- list, show, follow --- */

static int ask_list(struct cli *cli, bool all, ProtobufCMessage **ret_reply) {
    Roost__V1__ListIncidentsRequest request = ROOST__V1__LIST_INCIDENTS_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/List",
        .request = &request.base,
        .reply_type = &roost__v1__list_incidents_response__descriptor,
    };
    Google__Protobuf__Timestamp since;
    int64_t since_ms = -1;

    int r = cli_number(cli, "lines", "-n", 0, COUNT_MAX, &request.limit);
    if (r == 0)
        r = when_option(cli, "since", &since_ms);
    if (r != 0)
        return r;
    if (since_ms >= 0)
        request.since = timestamp_set(&since, since_ms);
    request.select = alerting_option(cli, "node");
    request.rule = alerting_option(cli, "rule");
    request.all = all || args_has(cli->args, "all") || since_ms >= 0;
    return hub_call(cli, "alerts", ask, ret_reply);
}

static int follow(struct cli *cli);

static int run_list(struct cli *cli) {
    ProtobufCMessage *reply = NULL;

    if (args_has(cli->args, "follow"))
        return follow(cli);
    bool is_names = args_has(cli->args, "names");
    int r = ask_list(cli, false, &reply);
    if (r != 0 || !reply)
        return r;
    const Roost__V1__ListIncidentsResponse *list =
        (const Roost__V1__ListIncidentsResponse *)reply;
    if (is_names)
        for (size_t i = 0; i < list->n_incidents; i++)
            printf("%llu\n", (unsigned long long)list->incidents[i]->id);
    else if (cli->json)
        r = output_message(reply, true);
    else if (list->n_incidents == 0 && !cli->quiet)
        puts("all is well");
    else
        alerts_view_list(cli, list->incidents, list->n_incidents);
    pb_free(reply);
    return r;
}

/* The operand as the number of an incident. */
static int read_id(const struct cli *cli, const char *text, uint64_t *ret_id) {
    if (read_number(text, ret_id) && *ret_id > 0)
        return 0;
    return cli_usage(cli, "%s: an incident is a number: see roost alert", text);
}

static int run_show(struct cli *cli) {
    Roost__V1__GetIncidentRequest request = ROOST__V1__GET_INCIDENT_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/Get",
        .request = &request.base,
        .reply_type = &roost__v1__incident__descriptor,
    };
    const char *id = args_at(cli->args, 0);
    ProtobufCMessage *reply;

    int r = read_id(cli, id, &request.id);
    if (r == 0)
        r = hub_call(cli, id, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else
        alerts_view_show(cli, (const Roost__V1__Incident *)reply);
    pb_free(reply);
    return r;
}

static int show_event(void *arg, const ProtobufCMessage *message) {
    const Roost__V1__IncidentEvent *event = (const Roost__V1__IncidentEvent *)message;
    struct cli *cli = arg;
    int r = REPORT_OK;

    if (event->incident && cli->json)
        r = output_message(&event->incident->base, false);
    else if (event->incident)
        alerts_view_line(cli, event->incident);
    fflush(stdout);
    return r;
}

static int follow(struct cli *cli) {
    Roost__V1__WatchIncidentsRequest watch = ROOST__V1__WATCH_INCIDENTS_REQUEST__INIT;
    const struct following_config config = {
        .name = "alerts",
        .method = "/roost.v1.Alerts/Watch",
        .request = &watch.base,
        .type = &roost__v1__incident_event__descriptor,
        .show = show_event,
        .arg = cli,
    };

    watch.select = alerting_option(cli, "node");
    int r = hub_connect(cli);
    return r != 0 ? r : following_run(cli, &config);
}

/* --- ack --- */

static int acknowledge(struct cli *cli, const char *what, uint64_t id) {
    Roost__V1__AcknowledgeRequest request = ROOST__V1__ACKNOWLEDGE_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/Acknowledge",
        .request = &request.base,
        .reply_type = &roost__v1__incident__descriptor,
    };

    request.id = id;
    request.undo = args_has(cli->args, "undo");
    request.sleeps = args_has(cli->args, "sleeps");
    return named_act(cli, what, &ask,
                     request.undo     ? "nobody looks after it"
                     : request.sleeps ? "its node sleeps"
                                      : "acknowledged");
}

static int acknowledge_one(struct cli *cli, const char *text, const void *arg) {
    uint64_t id = 0;
    int r = read_id(cli, text, &id);

    return r == 0 ? acknowledge(cli, text, id) : r;
}

static int run_ack(struct cli *cli) {
    if (args_has(cli->args, "all"))
        return acknowledge(cli, "all", 0);
    if (args_count(cli->args) == 0)
        return cli_usage(cli, "alert ack: which? or --all");
    return report_each(cli, acknowledge_one, NULL);
}

/* --- silences --- */

static const struct named_kind kept_silences = {
    .word = "alert silences",
    .words = "silences",
    .list = {
        "/roost.v1.Alerts/ListSilences",
        &roost__v1__list_silences_request__descriptor,
        &roost__v1__list_silences_response__descriptor,
    },
    .print_list = alerts_view_silences,
};

static int run_silences(struct cli *cli) {
    return named_list(cli, &kept_silences);
}

static int remove_silences(struct cli *cli, size_t first) {
    Roost__V1__RemoveSilenceRequest request = ROOST__V1__REMOVE_SILENCE_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/RemoveSilence",
        .request = &request.base,
        .reply_type = &roost__v1__remove_silence_response__descriptor,
    };
    size_t failed = 0;
    int last = 0;

    if (args_count(cli->args) <= first)
        return cli_usage(cli, "alert unsilence: which? see roost alert silences");
    for (size_t i = first; i < args_count(cli->args); i++) {
        request.id = alerting_operand(cli, i);
        int r = named_act(cli, request.id, &ask, "removed");
        if (r != 0) {
            failed++;
            last = r;
        }
    }
    return report_exit_of_many(failed, args_count(cli->args) - first, last);
}

static int run_unsilence(struct cli *cli) {
    return remove_silences(cli, 0);
}

/* --from, --until or how long. */
static int read_window(const struct cli *cli,
                       const char *length,
                       Google__Protobuf__Timestamp times[2],
                       Roost__V1__PutSilenceRequest *request) {
    int64_t starts_ms = -1, ends_ms = -1;
    uint64_t lasts_ms = 0;

    int r = when_option(cli, "from", &starts_ms);
    if (r == 0)
        r = when_option(cli, "until", &ends_ms);
    if (r != 0)
        return r;
    if (!length == (ends_ms < 0))
        return cli_usage(cli, "alert silence: for how long? 1h, or --until TIME");
    if (length && (clock_parse_duration(length, &lasts_ms) != 0 || lasts_ms < 1000 ||
                   lasts_ms / 1000 > UINT32_MAX))
        return cli_usage(cli, "alert silence: \"%s\" is no time: 1h, 30m, 2d", length);
    request->lasts_s = (uint32_t)(lasts_ms / 1000);
    if (starts_ms >= 0)
        request->starts = timestamp_set(&times[0], starts_ms);
    if (ends_ms >= 0)
        request->ends = timestamp_set(&times[1], ends_ms);
    return alerting_seconds(cli, "every", &request->every_s);
}

static int put_silence(struct cli *cli, size_t first) {
    Roost__V1__PutSilenceRequest request = ROOST__V1__PUT_SILENCE_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/PutSilence",
        .request = &request.base,
        .reply_type = &roost__v1__silence__descriptor,
    };
    const char *what = args_at(cli->args, first);
    Google__Protobuf__Timestamp times[2];
    ProtobufCMessage *reply;

    if (!what)
        return cli_usage(cli, "alert silence: what? an incident's number or nodes");
    int r = read_window(cli, args_at(cli->args, first + 1), times, &request);
    if (r != 0)
        return r;
    if (!read_number(what, &request.incident))
        request.select = alerting_operand(cli, first);
    request.rule = alerting_option(cli, "rule");
    request.reason = alerting_option(cli, "reason");
    r = hub_call(cli, what, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__Silence *silence = (const Roost__V1__Silence *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else if (request.incident > 0 && !cli->quiet)
        printf("%s: silenced\n", what);
    else if (!cli->quiet)
        puts(silence->id);
    pb_free(reply);
    return r;
}

/* "silence list", "silence remove ID", "silence new NODE 1h" as with other nouns. */
static int run_silence(struct cli *cli) {
    const char *verb = args_at(cli->args, 0);

    if (!verb || strcmp(verb, "list") == 0)
        return run_silences(cli);
    if (strcmp(verb, "remove") == 0)
        return remove_silences(cli, 1);
    return put_silence(cli, strcmp(verb, "new") == 0 ? 1 : 0);
}

/* --- the table --- */

static const struct args_option list_options[] = {
    { "all", 'a', NULL, "also those that are over" },
    { "node", 0, "NODE", "only of these nodes" },
    { "rule", 0, "RULE", "only of this rule" },
    { "since", 0, "TIME", "from then on, also those that are over" },
    { "lines", 'n', "N", "at most so many (100)" },
    { "follow", 'f', NULL, "go on with each as it changes" },
    { "names", 0, NULL, NULL },
    { 0 },
};
static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "what is wrong now",
    .options = list_options,
    .run = run_list,
};
static const char *const show_examples[] = {
    "roost alert show 42",
    "its values, processes and how it went",
    NULL,
};
static const struct command show = {
    .name = "show",
    .usage = "ID",
    .summary = "one incident with all that is known of it",
    .examples = show_examples,
    .least = 1,
    .most = 1,
    .operands = "incident",
    .run = run_show,
};
static const struct args_option follow_options[] = {
    { "node", 0, "NODE", "only of these nodes" },
    { 0 },
};
static const struct command follow_them = {
    .name = "follow",
    .usage = "",
    .summary = "what goes on, and each as it changes",
    .options = follow_options,
    .run = follow,
};
static const struct args_option ack_options[] = {
    { "all", 0, NULL, "all that you may see and that go on" },
    { "undo", 0, NULL, "nobody looks after it any more" },
    { "sleeps", 0, NULL, "its node sleeps: quiet until it was online again" },
    { 0 },
};
static const char *const ack_examples[] = {
    "roost alert ack 42",
    "no repeats and no escalation from now on",
    "roost alert ack 42 --sleeps",
    "that a laptop is offline is nobody's worry",
    NULL,
};
static const struct command ack = {
    .name = "ack",
    .alias = "acknowledge",
    .usage = "ID...",
    .summary = "somebody looks after it",
    .examples = ack_examples,
    .options = ack_options,
    .most = COMMAND_ANY,
    .operands = "incident",
    .run = run_ack,
};
static const struct args_option silence_options[] = {
    { "rule", 0, "RULE", "only of such rules: a name or a pattern" },
    { "reason", 0, "TEXT", "why" },
    { "from", 0, "TIME", "a maintenance window: from then on, not from now" },
    { "until", 0, "TIME", "to then, instead of for so long" },
    { "every", 0, "TIME", "comes again: 1d, 1w" },
    { "names", 0, NULL, NULL },
    { 0 },
};
static const char *const silence_examples[] = {
    "roost alert silence 42 1h",
    "nobody is told of this one for an hour",
    "roost alert silence 'web*' 2h --reason 'new disks'",
    "nor of anything on these nodes",
    "roost alert silence @lab 4h --from '2026-11-22 03:00' --every 1w",
    "maintenance, every week",
    "roost alert silence list",
    "what is silenced",
    NULL,
};
static const struct command silence = {
    .name = "silence",
    .usage = "ID|NODE TIME | list | remove ID",
    .summary = "nobody is told for a while, and maintenance windows",
    .details = "When a silence ends, what still holds is told once; what has passed "
               "meanwhile is\n"
               "not told. Incidents are found and listed all the same.",
    .examples = silence_examples,
    .options = silence_options,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_silence,
};
static const struct args_option silences_options[] = {
    { "names", 0, NULL, NULL },
    { 0 },
};
static const struct command silences = {
    .name = "silences",
    .usage = "",
    .summary = "what is silenced, now and later",
    .options = silences_options,
    .run = run_silences,
};
static const struct command unsilence = {
    .name = "unsilence",
    .usage = "ID...",
    .summary = "end silences",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "silence",
    .run = run_unsilence,
};
static const struct command *const subcommands[] = {
    &list, &show, &follow_them, &ack, &silence, &silences, &unsilence, NULL,
};

static const char *const examples[] = {
    "roost alert",
    "what is wrong now",
    "roost alert -a --since 1d --node pi",
    "and what was, on one node",
    "roost alert ack 42",
    "you look after it",
    "roost alert silence pi 1h",
    "nobody is told of pi for an hour",
    NULL,
};

const struct command cmd_alert = {
    .name = "alert",
    .alias = "alerts",
    .usage = "[list|show|ack ID|silence ID|NODE 1h]",
    .summary = "what is wrong: see it, look after it, silence it",
    .details = "Rules find incidents (roost help rule), channels tell people of them "
               "(roost help\nchannel). docs/alerts.md has the whole of it.",
    .examples = examples,
    .options = list_options,
    .subcommands = subcommands,
    .run = run_list,
};
