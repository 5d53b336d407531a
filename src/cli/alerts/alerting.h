/*
 * alerting - what the commands alert, rule and channel share
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/terminal/terminal.h"
#include "roost/v1/alerts.pb-c.h"

struct cli;

/* The value of an option as a field of a request takes it; "" when it was not given. */
char *alerting_option(const struct cli *cli, const char *name);

/* Likewise, but *ret_text stays as it is when the option was not given. */
void alerting_take(const struct cli *cli, const char *name, char **ret_text);

/* An operand likewise; "". */
char *alerting_operand(const struct cli *cli, size_t at);

/* All values of an option; an array to free, its texts are lent. */
char **alerting_values(const struct cli *cli, const char *name, size_t *ret_count);

/* The operands from `first` on, as one text. A new string. */
char *alerting_words(const struct cli *cli, size_t first);

/* --severity: 0, or the status after telling. Untouched when it was not given. */
int alerting_severity(const struct cli *cli, Roost__V1__Severity *ret_severity);

const char *alerting_severity_name(Roost__V1__Severity severity);
enum terminal_colour alerting_colour(Roost__V1__Severity severity);

/* "3 min ago"; "never" for none. A new string. */
char *alerting_ago(const Google__Protobuf__Timestamp *time);

/* A duration option in whole seconds, at least one: 0, or the status after telling.
 * Untouched when it was not given. */
int alerting_seconds(const struct cli *cli, const char *name, uint32_t *ret_s);

/* A line of what is shown of one thing; none when the text is empty. */
void alerting_put(const char *name, const char *text);

/* "-" reads a line from standard input, "@FILE" a file. NULL after telling. */
char *alerting_secret(const struct cli *cli, const char *value);
