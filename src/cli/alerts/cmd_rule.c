#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/alerts/alerts_view.h"
#include "cli/alerts/rule_view.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/output.h"

static const struct named_kind rules = {
    .word = "rule",
    .words = "rules",
    .list = {
        "/roost.v1.Alerts/ListRules",
        &roost__v1__list_rules_request__descriptor,
        &roost__v1__list_rules_response__descriptor,
    },
    .put = {
        "/roost.v1.Alerts/PutRule",
        &roost__v1__put_rule_request__descriptor,
        &roost__v1__rule__descriptor,
    },
    .remove = {
        "/roost.v1.Alerts/RemoveRule",
        &roost__v1__remove_rule_request__descriptor,
        &roost__v1__remove_rule_response__descriptor,
    },
    .removed = "removed",
    .print_list = rule_view_list,
    .print_one = rule_view_show,
};

static int run_list(struct cli *cli) {
    return named_list(cli, &rules);
}

static int run_show(struct cli *cli) {
    return named_show(cli, &rules);
}

static int run_on(struct cli *cli) {
    return named_switch(cli, &rules, false);
}

static int run_off(struct cli *cli) {
    return named_switch(cli, &rules, true);
}

static int run_remove(struct cli *cli) {
    return named_remove(cli, &rules);
}

/* --- new, set --- */

/* What the options say in the place of what was there. Arrays are the caller's to free.
 */
struct change {
    Roost__V1__Rule rule;
    char **channels;    /* owned; NULL: as they were */
    char **escalate_to; /* owned; likewise */
    char *condition;    /* owned; likewise */
};

static void change_done(struct change *change) {
    free(change->channels);
    free(change->escalate_to);
    free(change->condition);
}

/* "--channel ''" is none. */
static void take_list(const struct cli *cli,
                      const char *name,
                      char ***ret_own,
                      char ***ret_list,
                      size_t *ret_count) {
    if (!args_has(cli->args, name))
        return;
    *ret_own = alerting_values(cli, name, ret_count);
    if (*ret_count == 1 && (*ret_own)[0][0] == '\0')
        *ret_count = 0;
    *ret_list = *ret_own;
}

static int read_change(const struct cli *cli, struct change *change) {
    Roost__V1__Rule *rule = &change->rule;

    alerting_take(cli, "node", &rule->select);
    alerting_take(cli, "note", &rule->note);
    alerting_take(cli, "depends-on", &rule->depends_on);
    alerting_take(cli, "owner", &rule->owner);
    take_list(cli, "channel", &change->channels, &rule->channels, &rule->n_channels);
    take_list(cli, "escalate-to", &change->escalate_to, &rule->escalate_to,
              &rule->n_escalate_to);
    if (args_has(cli->args, "off"))
        rule->disabled = true;
    if (args_count(cli->args) > 1) {
        change->condition = alerting_words(cli, 1);
        rule->condition = change->condition;
    }
    int r = alerting_severity(cli, &rule->severity);
    if (r == 0)
        r = alerting_seconds(cli, "repeat", &rule->repeat_s);
    if (r == 0)
        r = alerting_seconds(cli, "escalate", &rule->escalate_s);
    return r;
}

static int run_new(struct cli *cli) {
    struct change change = { 0 };

    roost__v1__rule__init(&change.rule);
    change.rule.name = alerting_operand(cli, 0);
    change.rule.severity = ROOST__V1__SEVERITY__WARNING;
    int r = read_change(cli, &change);
    if (r == 0)
        r = named_put(cli, &rules, &change.rule.base, true, "watched from now on");
    change_done(&change);
    return r;
}

static int run_set(struct cli *cli) {
    struct change change = { 0 };
    ProtobufCMessage *rule, *list;

    int r = named_find(cli, &rules, args_at(cli->args, 0), &rule, &list);
    if (r != 0)
        return r;
    change.rule = *(const Roost__V1__Rule *)rule;
    if (args_has(cli->args, "on"))
        change.rule.disabled = false;
    r = read_change(cli, &change);
    if (r == 0)
        r = named_put(cli, &rules, &change.rule.base, false, "changed");
    change_done(&change);
    pb_free(list);
    return r;
}

/* --- test --- */

static void print_test(struct cli *cli, const Roost__V1__TestRuleResponse *found) {
    if (*found->reading)
        report_note("%s", found->reading);
    if (found->n_incidents == 0) {
        printf("it would not have fired: %u series\n", found->series);
        return;
    }
    alerts_view_list(cli, found->incidents, found->n_incidents);
    if (found->truncated)
        report_note("and more");
}

static int test(struct cli *cli, Roost__V1__Rule *rule) {
    Roost__V1__TestRuleRequest request = ROOST__V1__TEST_RULE_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/TestRule",
        .request = &request.base,
        .reply_type = &roost__v1__test_rule_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.rule = rule;
    int r = cli_duration(cli, "last", &request.last_ms);
    if (r == 0)
        r = hub_call(cli, rule->name, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else
        print_test(cli, (const Roost__V1__TestRuleResponse *)reply);
    pb_free(reply);
    return r;
}

/* A rule's name is one word, a condition never is. */
static int run_test(struct cli *cli) {
    auto_(mem_freep) char *words = alerting_words(cli, 0);
    Roost__V1__Rule asked = ROOST__V1__RULE__INIT;
    ProtobufCMessage *rule, *list = NULL;
    int r = 0;

    asked.name = "test";
    asked.severity = ROOST__V1__SEVERITY__WARNING;
    asked.condition = words;
    if (strcspn(words, " (<>=!") == strlen(words) && strcmp(words, "offline") != 0) {
        r = named_find(cli, &rules, words, &rule, &list);
        if (r != 0)
            return r;
        asked = *(const Roost__V1__Rule *)rule; /* its texts are lent by the list */
    }
    alerting_take(cli, "node", &asked.select);
    r = test(cli, &asked);
    pb_free(list);
    return r;
}

/* --- the table --- */

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "the rules, and of how much each is true now",
    .options = named_list_options,
    .run = run_list,
};
static const struct command show = {
    .name = "show",
    .usage = "RULE",
    .summary = "one rule",
    .least = 1,
    .most = 1,
    .operands = "rule",
    .run = run_show,
};

#define RULE_OPTIONS                                                                     \
    { "node", 0, "NODE", "for these: names, patterns, @tag; all unless given" },         \
        { "severity", 0, "SEVERITY", "info, warning (unless given), critical" },         \
        { "channel", 0, "CHANNEL", "who is told; the usual channels unless given" },     \
        { "repeat", 0, "TIME", "told again so often until acknowledged" },               \
        { "escalate", 0, "TIME", "not acknowledged for so long: others are told" },      \
        { "escalate-to", 0, "CHANNEL", "these" },                                        \
        { "depends-on", 0, "NODE", "while it is offline, nobody is told" },              \
        { "note", 0, "TEXT", "what to do about it, for whoever is told" },               \
        { "owner", 0, "USER", "of one person, who is told in private" }, {               \
        "off", 0, NULL, "do not watch it yet"                                            \
    }

static const struct args_option new_options[] = { RULE_OPTIONS, { 0 } };
static const char *const new_examples[] = {
    "roost rule new busy 'cpu > 90 for 10m clear 70'",
    "processors busy for ten minutes",
    "roost rule new full 'forecast(disk:*, 100) < 3d' --node @prod",
    "disks that will be full in three days",
    "roost rule new mail 'unit(postfix.service) or probe(tcp mail:25) for 2m'",
    "one of two",
    "roost rule new cut 'offline for 5m' --node 'web*' --depends-on router",
    "but not when it is the router",
    NULL,
};
static const struct command new_rule = {
    .name = "new",
    .alias = "add",
    .usage = "RULE CONDITION",
    .summary = "watch something more",
    .examples = new_examples,
    .options = new_options,
    .least = 2,
    .most = COMMAND_ANY,
    .run = run_new,
};
static const struct args_option set_options[] = {
    RULE_OPTIONS,
    { "on", 0, NULL, "watch it again" },
    { 0 },
};
static const char *const set_examples[] = {
    "roost rule set disk 'disk:* > 95 for 10m clear 92'",
    "the built-in one, later",
    "roost rule set disk --channel ops --repeat 1h",
    "told there, every hour",
    NULL,
};
static const struct command set = {
    .name = "set",
    .usage = "RULE [CONDITION]",
    .summary = "change a rule; what is not given stays",
    .examples = set_examples,
    .options = set_options,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "rule",
    .run = run_set,
};
static const struct command remove_rule = {
    .name = "remove",
    .usage = "RULE...",
    .summary = "forget rules; one that is built in is set back",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "rule",
    .run = run_remove,
};
static const struct args_option test_options[] = {
    { "node", 0, "NODE", "on these" },
    { "last", 0, "TIME", "so long back (1d)" },
    { 0 },
};
static const char *const test_examples[] = {
    "roost rule test busy --last 7d",
    "when it would have fired",
    "roost rule test 'memory > 95 for 5m' --node pi",
    "before it is made",
    NULL,
};
static const struct command test_rule = {
    .name = "test",
    .usage = "RULE|CONDITION",
    .summary = "what it would have done with the samples that are kept",
    .examples = test_examples,
    .options = test_options,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "rule",
    .run = run_test,
};
static const struct command on = {
    .name = "on",
    .usage = "RULE...",
    .summary = "watch again",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "rule",
    .run = run_on,
};
static const struct command off = {
    .name = "off",
    .usage = "RULE...",
    .summary = "do not watch for now",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "rule",
    .run = run_off,
};
static const struct command *const subcommands[] = {
    &list, &show, &new_rule, &set, &remove_rule, &test_rule, &on, &off, NULL,
};

static const char *const examples[] = {
    "roost rule",
    "what is watched",
    "roost rule new busy 'cpu > 90 for 10m' --node pi",
    "one more",
    "roost rule test busy",
    "what it would have done since yesterday",
    NULL,
};

const struct command cmd_rule = {
    .name = "rule",
    .alias = "rules",
    .usage = "[list|show|new|set|remove|test|on|off] [RULE]",
    .summary = "what is watched, on which nodes",
    .details =
        "A condition is METRIC OP NUMBER [for TIME] [clear NUMBER], rate(METRIC),\n"
        "absent(METRIC), forecast(METRIC, NUMBER) < TIME, offline, unit(PATTERN),\n"
        "certificate(HOST:PORT) < TIME, probe(tcp HOST:PORT), with and, or, and\n"
        "N of (..., ...). METRIC may end in :* for each disk, each interface. Names of\n"
        "metrics are those of \"roost query\". docs/alerts.md has the whole grammar.",
    .examples = examples,
    .options = named_list_options,
    .subcommands = subcommands,
    .run = run_list,
};
