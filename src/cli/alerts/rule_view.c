#include "cli/alerts/rule_view.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/alerts/alerting.h"
#include "cli/cli.h"
#include "cli/terminal/table.h"
#include "cli/terminal/units.h"

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

void rule_view_list(struct cli *cli, const ProtobufCMessage *reply) {
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
    for (size_t i = 0; i < list->n_rules; i++)
        add_row(table, list->rules[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void put_list(const char *name, char *const *texts, size_t count) {
    struct buf all = { 0 };

    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", texts[i]);
    alerting_put(name, buf_text(&all));
    buf_done(&all);
}

static void put_span(const char *name, uint32_t seconds) {
    char text[UNITS_LEN] = "";

    if (seconds > 0)
        units_duration(seconds, text);
    alerting_put(name, text);
}

void rule_view_show(struct cli *cli, const ProtobufCMessage *message) {
    const Roost__V1__Rule *rule = (const Roost__V1__Rule *)message;
    auto_(mem_freep) char *changed = alerting_ago(rule->changed);
    struct buf now = { 0 };

    printf("%s%s\n", rule->name, rule->disabled ? " (off)" : "");
    alerting_put("condition", rule->condition);
    alerting_put("nodes", *rule->select ? rule->select : "all");
    alerting_put("severity", alerting_severity_name(rule->severity));
    put_list("channels", rule->channels, rule->n_channels);
    put_span("repeats", rule->repeat_s);
    put_span("escalates", rule->escalate_s);
    put_list("to", rule->escalate_to, rule->n_escalate_to);
    alerting_put("depends on", rule->depends_on);
    alerting_put("note", rule->note);
    alerting_put("owner", rule->owner);
    buf_printf(&now, "%u series, %u fire", rule->series, rule->firing);
    alerting_put("now", buf_text(&now));
    buf_done(&now);
    if (rule->built_in)
        alerting_put("built in", "removed, it is set back");
    if (rule->changed)
        alerting_put("changed", changed);
    alerting_put("by", rule->changed_by);
}
