#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/alerts/alerts_view.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"

static char *text_of(const char *text) {
    return (char *)(uintptr_t)text;
}

static int ask_list(struct cli *cli, ProtobufCMessage **ret_reply) {
    Roost__V1__ListRulesRequest request = ROOST__V1__LIST_RULES_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Alerts/ListRules",
        .request = &request.base,
        .reply_type = &roost__v1__list_rules_response__descriptor,
    };
    return hub_call(cli, "rules", ask, ret_reply);
}

/* The rule of that name: 0 and *ret_rule, lent by *ret_reply (pb_free() it), or the
 * status after telling. */
static int find_rule(struct cli *cli,
                     const char *name,
                     Roost__V1__Rule **ret_rule,
                     ProtobufCMessage **ret_reply) {
    int r = ask_list(cli, ret_reply);
    if (r != 0)
        return r;
    const Roost__V1__ListRulesResponse *list =
        (const Roost__V1__ListRulesResponse *)*ret_reply;
    for (size_t i = 0; i < list->n_rules; i++)
        if (strcmp(list->rules[i]->name, name) == 0) {
            *ret_rule = list->rules[i];
            return 0;
        }
    *ret_reply = pb_free(*ret_reply);
    return report_fail(REPORT_NOT_FOUND, "roost rule", "%s: no such rule", name);
}

/* --- list, show --- */

static void add_row(struct table *table, const Roost__V1__Rule *rule) {
    bool is_off = rule->disabled;

    table_cell(table, is_off ? TERMINAL_DIM : TERMINAL_BOLD, rule->name);
    table_cell(table, is_off ? TERMINAL_DIM : alerting_colour(rule->severity),
               alerting_severity_name(rule->severity));
    table_cell(table, TERMINAL_PLAIN, *rule->select ? rule->select : "all");
    table_cell(table, is_off ? TERMINAL_DIM : TERMINAL_PLAIN, rule->condition);
    table_printf(table, TERMINAL_PLAIN, "%u", rule->series);
    table_printf(table, rule->firing > 0 ? TERMINAL_RED : TERMINAL_PLAIN, "%u",
                 rule->firing);
    table_cell(table, TERMINAL_PLAIN,
               is_off           ? "off"
               : *rule->owner   ? rule->owner
               : rule->built_in ? "built in"
                                : "");
}

static int run_list(struct cli *cli) {
    ProtobufCMessage *reply;

    int r = ask_list(cli, &reply);
    if (r != 0)
        return r;
    const Roost__V1__ListRulesResponse *list =
        (const Roost__V1__ListRulesResponse *)reply;
    struct table *table = table_new();
    table_column(table, "RULE", TABLE_LEFT);
    table_column(table, "SEVERITY", TABLE_LEFT);
    table_column(table, "NODES", TABLE_LEFT);
    table_column(table, "CONDITION", TABLE_FLEXIBLE);
    table_column(table, "SERIES", TABLE_RIGHT);
    table_column(table, "FIRE", TABLE_RIGHT);
    table_column(table, "", TABLE_LEFT);
    for (size_t i = 0; i < list->n_rules; i++) {
        if (args_has(cli->args, "names"))
            puts(list->rules[i]->name);
        else
            add_row(table, list->rules[i]);
    }
    if (cli->json)
        r = output_message(reply, true);
    else if (!args_has(cli->args, "names"))
        table_print(table, &cli->terminal);
    table_free(table);
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

static void put_list(const char *name, char *const *texts, size_t count) {
    struct buf all = { 0 };

    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", texts[i]);
    put(name, buf_text(&all));
    buf_done(&all);
}

static void put_span(const char *name, uint32_t seconds) {
    char text[UNITS_LEN] = "";

    if (seconds > 0)
        units_duration(seconds, text);
    put(name, text);
}

static void print_rule(const Roost__V1__Rule *rule) {
    auto_(mem_freep) char *changed = alerting_ago(rule->changed);
    struct buf now = { 0 };

    printf("%s%s\n", rule->name, rule->disabled ? " (off)" : "");
    put("condition", rule->condition);
    put("nodes", *rule->select ? rule->select : "all");
    put("severity", alerting_severity_name(rule->severity));
    put_list("channels", rule->channels, rule->n_channels);
    put_span("repeats", rule->repeat_s);
    put_span("escalates", rule->escalate_s);
    put_list("to", rule->escalate_to, rule->n_escalate_to);
    put("depends on", rule->depends_on);
    put("note", rule->note);
    put("owner", rule->owner);
    buf_printf(&now, "%u series, %u fire", rule->series, rule->firing);
    put("now", buf_text(&now));
    buf_done(&now);
    if (rule->built_in)
        put("built in", "removed, it is set back");
    if (rule->changed)
        put("changed", changed);
    put("by", rule->changed_by);
}

static int run_show(struct cli *cli) {
    ProtobufCMessage *reply;
    Roost__V1__Rule *rule;

    int r = find_rule(cli, args_at(cli->args, 0), &rule, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(&rule->base, true);
    else
        print_rule(rule);
    pb_free(reply);
    return r;
}

/* --- new, set, on, off --- */

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

static void take_text(const struct cli *cli, const char *name, char **ret_text) {
    if (args_has(cli->args, name))
        *ret_text = alerting_option(cli, name);
}

static int read_change(const struct cli *cli, struct change *change) {
    Roost__V1__Rule *rule = &change->rule;

    take_text(cli, "node", &rule->select);
    take_text(cli, "note", &rule->note);
    take_text(cli, "depends-on", &rule->depends_on);
    take_text(cli, "owner", &rule->owner);
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

static int put_rule(struct cli *cli,
                    Roost__V1__Rule *rule,
                    bool is_new,
                    const char *done) {
    Roost__V1__PutRuleRequest request = ROOST__V1__PUT_RULE_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/PutRule",
        .request = &request.base,
        .reply_type = &roost__v1__rule__descriptor,
    };

    request.rule = rule;
    request.is_new = is_new;
    return alerting_act(cli, rule->name, &ask, done);
}

static int run_new(struct cli *cli) {
    struct change change = { 0 };

    roost__v1__rule__init(&change.rule);
    change.rule.name = alerting_operand(cli, 0);
    change.rule.severity = ROOST__V1__SEVERITY__WARNING;
    int r = read_change(cli, &change);
    if (r == 0)
        r = put_rule(cli, &change.rule, true, "watched from now on");
    change_done(&change);
    return r;
}

static int run_set(struct cli *cli) {
    struct change change = { 0 };
    ProtobufCMessage *reply;
    Roost__V1__Rule *rule;

    int r = find_rule(cli, args_at(cli->args, 0), &rule, &reply);
    if (r != 0)
        return r;
    change.rule = *rule;
    if (args_has(cli->args, "on"))
        change.rule.disabled = false;
    r = read_change(cli, &change);
    if (r == 0)
        r = put_rule(cli, &change.rule, false, "changed");
    change_done(&change);
    pb_free(reply);
    return r;
}

static int switch_one(struct cli *cli, const char *name, bool is_off) {
    ProtobufCMessage *reply;
    Roost__V1__Rule *rule;
    int r = find_rule(cli, name, &rule, &reply);

    if (r != 0)
        return r;
    rule->disabled = is_off;
    r = put_rule(cli, rule, false, is_off ? "off" : "on");
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
    Roost__V1__RemoveRuleRequest request = ROOST__V1__REMOVE_RULE_REQUEST__INIT;
    const struct session_ask ask = {
        .method = "/roost.v1.Alerts/RemoveRule",
        .request = &request.base,
        .reply_type = &roost__v1__remove_rule_response__descriptor,
    };

    request.name = (char *)(uintptr_t)name;
    return alerting_act(cli, name, &ask, "removed");
}

static int run_remove(struct cli *cli) {
    return report_each(cli, remove_one);
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
    Roost__V1__Rule typed = ROOST__V1__RULE__INIT;
    Roost__V1__Rule *rule = &typed;
    ProtobufCMessage *reply = NULL;
    int r = 0;

    typed.name = text_of("test");
    typed.severity = ROOST__V1__SEVERITY__WARNING;
    typed.condition = words;
    if (strcspn(words, " (<>=!") == strlen(words) && strcmp(words, "offline") != 0)
        r = find_rule(cli, words, &rule, &reply);
    if (r != 0)
        return r;
    Roost__V1__Rule asked = *rule; /* its texts are lent by the reply */
    take_text(cli, "node", &asked.select);
    r = test(cli, &asked);
    pb_free(reply);
    return r;
}

/* --- the table --- */

static const struct args_option list_options[] = {
    { "names", 0, NULL, NULL },
    { 0 },
};
static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "the rules, and of how much each is true now",
    .options = list_options,
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
    .options = list_options,
    .subcommands = subcommands,
    .run = run_list,
};
