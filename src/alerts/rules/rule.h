/*
 * rule - a condition, the nodes it is for, and who is told how
 *
 * A plain value, kept as a record; the ones that are built in are in rules_built_in.h
 * with what the settings say, until somebody changes them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alerts/incidents/incident.h"
#include "base/buf.h"
#include "base/slice.h"

struct condition;

enum { RULES_MAX = 10000, RULE_NAME_MAX = 64, RULE_LIST_MAX = 16 };

struct rule {
    char *name;   /* owned, and so are all texts; never NULL */
    char *select; /* nodes: "" is all */
    char *text;   /* the condition as it was written */
    char *note;
    char *depends_on;
    char *owner;
    char *changed_by;
    char **channels;             /* owned, NULL-terminated; or NULL */
    char **escalate_to;          /* likewise */
    struct condition *condition; /* owned: what text says */
    enum incident_severity severity;
    bool is_disabled;
    bool is_built_in;
    uint64_t repeat_ms;
    uint64_t escalate_ms;
    int64_t changed_ms;
};

struct rule *rule_new(const char *name);
struct rule *rule_free(struct rule *rule);

/* Sets the condition: 0, or -EINVAL and *ret_why, a text to free. */
int rule_set_condition(struct rule *rule, const char *text, char **ret_why);

/* The condition in its shortest form: a text to free. */
char *rule_print_condition(const struct rule *rule);

/* [a-z0-9][a-z0-9._-]{0,63} */
bool rule_is_name(const char *text);

/* All nodes, by the rule's selection? */
bool rule_is_for_all(const struct rule *rule);

/* Does it have a node reach for something else: a probe, a certificate? */
bool rule_reaches_out(const struct rule *rule);

/* Is there one condition that both mean? */
bool rule_is_same_condition(const struct rule *a, const struct rule *b);

/* Lists of texts, NULL-terminated; of no texts NULL. */
char **rule_list_copy(char *const *texts, size_t count);
char **rule_list_free(char **texts);
size_t rule_list_count(char *const *texts);

/* As it is kept. rule_read() gives NULL when it is damaged. */
void rule_write(const struct rule *rule, struct buf *out);
struct rule *rule_read(const char *name, struct slice bytes);
