#include "alerts/rules/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/rules/condition.h"
#include "alerts/rules/rule_message.h"
#include "base/mem.h"
#include "wire/pb.h"

struct rule *rule_new(const char *name) {
    struct rule *rule = mem_new(sizeof(*rule));

    rule->name = mem_strdup(name);
    rule->select = mem_strdup("");
    rule->text = mem_strdup("");
    rule->note = mem_strdup("");
    rule->depends_on = mem_strdup("");
    rule->owner = mem_strdup("");
    rule->changed_by = mem_strdup("");
    rule->severity = INCIDENT_WARNING;
    return rule;
}

size_t rule_list_count(char *const *texts) {
    size_t count = 0;

    while (texts && texts[count])
        count++;
    return count;
}

char **rule_list_copy(char *const *texts, size_t count) {
    if (count == 0)
        return NULL;
    char **copy = mem_new_array(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_strdup(texts[i]);
    return copy;
}

char **rule_list_free(char **texts) {
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
    return NULL;
}

struct rule *rule_free(struct rule *rule) {
    if (!rule)
        return NULL;
    condition_free(rule->condition);
    rule_list_free(rule->channels);
    rule_list_free(rule->escalate_to);
    free(rule->name);
    free(rule->select);
    free(rule->text);
    free(rule->note);
    free(rule->depends_on);
    free(rule->owner);
    free(rule->changed_by);
    free(rule);
    return NULL;
}

int rule_set_condition(struct rule *rule, const char *text, char **ret_why) {
    struct condition *condition = condition_parse(text, ret_why);

    if (!condition)
        return -EINVAL;
    condition_free(rule->condition);
    rule->condition = condition;
    incident_set(&rule->text, text);
    return 0;
}

bool rule_is_name(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    if (!text || strspn(text, letters) != strlen(text) || strlen(text) > RULE_NAME_MAX)
        return false;
    return text[0] != '\0' && !strchr("._-", text[0]);
}

bool rule_is_for_all(const struct rule *rule) {
    return rule->select[0] == '\0' || strcmp(rule->select, "*") == 0;
}

static bool reaches_out(const struct condition *condition) {
    for (size_t i = 0; i < condition->part_count; i++)
        if (reaches_out(condition->parts[i]))
            return true;
    return condition->kind == CONDITION_PROBE || condition->kind == CONDITION_CERTIFICATE;
}

bool rule_reaches_out(const struct rule *rule) {
    return reaches_out(rule->condition);
}

char *rule_print_condition(const struct rule *rule) {
    struct buf text = { 0 };

    condition_print(rule->condition, &text);
    return buf_take_text(&text);
}

bool rule_is_same_condition(const struct rule *a, const struct rule *b) {
    auto_(mem_freep) char *left = rule_print_condition(a);
    auto_(mem_freep) char *right = rule_print_condition(b);

    return strcmp(left, right) == 0;
}

void rule_write(const struct rule *rule, struct buf *out) {
    struct rule_message message;

    rule_message_init(&message, rule);
    pb_pack(out, &message.rule.base);
}

struct rule *rule_read(const char *name, struct slice bytes) {
    ProtobufCMessage *message = NULL;
    char *why = NULL;

    if (pb_unpack(&roost__v1__rule__descriptor, bytes, &message) != 0)
        return NULL;
    struct rule *rule = rule_message_read((const Roost__V1__Rule *)message, &why);
    free(why);
    pb_free(message);
    if (rule && strcmp(rule->name, name) != 0)
        return rule_free(rule);
    return rule;
}
