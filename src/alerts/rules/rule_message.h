/*
 * rule_message - a rule as a roost.v1.Rule
 *
 * What the API takes and answers, and as what it is kept. Texts are lent by the rule.
 */
#pragma once

#include "roost/v1/alerts.pb-c.h"

struct rule;

struct rule_message {
    Roost__V1__Rule rule;
    Google__Protobuf__Timestamp changed;
};

/* Nothing to be freed. How many series it looks at is not said. */
void rule_message_init(struct rule_message *message, const struct rule *rule);

/* A new rule: NULL and *ret_why, a text to free, when it makes no sense. */
struct rule *rule_message_read(const Roost__V1__Rule *message, char **ret_why);
