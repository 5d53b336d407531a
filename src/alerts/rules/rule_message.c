#include "alerts/rules/rule_message.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/rules/condition.h"
#include "alerts/rules/rule.h"
#include "base/mem.h"
#include "base/name.h"
#include "wire/timestamp.h"

enum { NOTE_MAX = 1000, REPEAT_MAX_S = 366 * 86400 };

void rule_message_init(struct rule_message *message, const struct rule *rule) {
    Roost__V1__Rule *out = &message->rule;

    roost__v1__rule__init(out);
    out->name = rule->name;
    out->select = rule->select;
    out->condition = rule->text;
    out->severity = (Roost__V1__Severity)rule->severity;
    out->disabled = rule->is_disabled;
    out->channels = rule->channels;
    out->n_channels = rule_list_count(rule->channels);
    out->repeat_s = (uint32_t)(rule->repeat_ms / 1000);
    out->escalate_s = (uint32_t)(rule->escalate_ms / 1000);
    out->escalate_to = rule->escalate_to;
    out->n_escalate_to = rule_list_count(rule->escalate_to);
    out->depends_on = rule->depends_on;
    out->note = rule->note;
    out->built_in = rule->is_built_in;
    out->owner = rule->owner;
    out->changed = timestamp_set(&message->changed, rule->changed_ms);
    out->changed_by = rule->changed_by;
}

static const char *fault_of(const Roost__V1__Rule *message) {
    if (!rule_is_name(message->name))
        return "the name is not of small letters, digits, '.', '_' and '-'";
    if (strlen(message->select) > NAME_SELECTION_MAX)
        return "the selection of nodes is too long";
    if (strlen(message->depends_on) > NAME_SELECTION_MAX)
        return "depends_on is too long";
    if (strlen(message->note) > NOTE_MAX)
        return "the note is too long";
    if (message->n_channels > RULE_LIST_MAX || message->n_escalate_to > RULE_LIST_MAX)
        return "there are too many channels";
    if (message->repeat_s > REPEAT_MAX_S || message->escalate_s > REPEAT_MAX_S)
        return "to repeat or to escalate after more than a year makes no sense";
    if (message->severity < ROOST__V1__SEVERITY__SEVERITY_UNSPECIFIED ||
        message->severity > ROOST__V1__SEVERITY__CRITICAL)
        return "there is no such severity";
    return NULL;
}

struct rule *rule_message_read(const Roost__V1__Rule *message, char **ret_why) {
    const char *fault = fault_of(message);
    char *why = NULL;

    if (fault) {
        *ret_why = mem_strdup(fault);
        return NULL;
    }
    struct rule *rule = rule_new(message->name);
    if (rule_set_condition(rule, message->condition, &why) != 0) {
        *ret_why = mem_printf("the condition: %s", why);
        free(why);
        return rule_free(rule);
    }
    incident_set(&rule->select, message->select);
    incident_set(&rule->note, message->note);
    incident_set(&rule->depends_on, message->depends_on);
    incident_set(&rule->owner, message->owner);
    incident_set(&rule->changed_by, message->changed_by);
    rule->channels = rule_list_copy(message->channels, message->n_channels);
    rule->escalate_to = rule_list_copy(message->escalate_to, message->n_escalate_to);
    if (message->severity != ROOST__V1__SEVERITY__SEVERITY_UNSPECIFIED)
        rule->severity = (enum incident_severity)message->severity;
    rule->is_disabled = message->disabled;
    rule->is_built_in = message->built_in;
    rule->repeat_ms = (uint64_t)message->repeat_s * 1000;
    rule->escalate_ms = (uint64_t)message->escalate_s * 1000;
    rule->changed_ms = timestamp_get(message->changed);
    return rule;
}
