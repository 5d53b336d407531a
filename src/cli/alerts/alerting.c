#include "cli/alerts/alerting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/nodes/node_cells.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "wire/pb.h"

enum { SECRET_MAX = 65536 };

char *alerting_option(const struct cli *cli, const char *name) {
    return pb_lend(args_value(cli->args, name));
}

void alerting_take(const struct cli *cli, const char *name, char **ret_text) {
    if (args_has(cli->args, name))
        *ret_text = alerting_option(cli, name);
}

char *alerting_operand(const struct cli *cli, size_t at) {
    return pb_lend(args_at(cli->args, at));
}

char **alerting_values(const struct cli *cli, const char *name, size_t *ret_count) {
    size_t count = args_times(cli->args, name);
    char **values = mem_new_array(count + 1, sizeof(*values));

    for (size_t i = 0; i < count; i++)
        values[i] = pb_lend(args_value_at(cli->args, name, i));
    *ret_count = count;
    return values;
}

char *alerting_words(const struct cli *cli, size_t first) {
    struct buf words = { 0 };

    for (size_t i = first; args_at(cli->args, i); i++)
        buf_printf(&words, "%s%s", i > first ? " " : "", args_at(cli->args, i));
    return buf_take_text(&words);
}

int alerting_severity(const struct cli *cli, Roost__V1__Severity *ret_severity) {
    static const char *const names[] = { "info", "warning", "critical" };
    const char *text = args_value(cli->args, "severity");

    if (!text)
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(text, names[i]) == 0) {
            *ret_severity = (Roost__V1__Severity)(i + 1);
            return 0;
        }
    return cli_usage(cli, "--severity: \"%s\" is none: info, warning, critical", text);
}

const char *alerting_severity_name(Roost__V1__Severity severity) {
    switch ((int)severity) {
    case ROOST__V1__SEVERITY__CRITICAL:
        return "critical";
    case ROOST__V1__SEVERITY__WARNING:
        return "warning";
    default:
        return "info";
    }
}

enum terminal_colour alerting_colour(Roost__V1__Severity severity) {
    switch ((int)severity) {
    case ROOST__V1__SEVERITY__CRITICAL:
        return TERMINAL_RED;
    case ROOST__V1__SEVERITY__WARNING:
        return TERMINAL_YELLOW;
    default:
        return TERMINAL_CYAN;
    }
}

char *alerting_ago(const Google__Protobuf__Timestamp *time) {
    int64_t then_ms = node_cells_time_ms(time);
    char text[UNITS_LEN] = "never";

    if (then_ms > 0)
        units_ago(then_ms, clock_wall_ms(), text);
    return mem_strdup(text);
}

int alerting_seconds(const struct cli *cli, const char *name, uint32_t *ret_s) {
    uint64_t ms = 0;

    if (!args_has(cli->args, name))
        return 0;
    int r = cli_duration(cli, name, &ms);
    if (r != 0)
        return r;
    if (ms / 1000 > UINT32_MAX)
        return cli_usage(cli, "--%s: too long", name);
    *ret_s = (uint32_t)((ms + 999) / 1000);
    return 0;
}

void alerting_put(const char *name, const char *text) {
    struct buf line = { 0 };

    if (!*text)
        return;
    buf_printf(&line, "  %-13s", name);
    text_add_clean(&line, text);
    puts(buf_text(&line));
    buf_done(&line);
}

static char *read_line(void) {
    char line[1024];

    if (!fgets(line, sizeof(line), stdin))
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    char *secret = mem_strdup(line);
    mem_wipe(line, sizeof(line));
    return secret;
}

char *alerting_secret(const struct cli *cli, const char *value) {
    struct buf text = { 0 };

    (void)cli;
    if (strcmp(value, "-") == 0)
        return read_line();
    if (value[0] != '@')
        return mem_strdup(value);
    int r = file_read(value + 1, SECRET_MAX, &text);
    if (r != 0) {
        buf_done(&text);
        report_fail(REPORT_FAILED, NULL, "%s: %s", value + 1, strerror(r < 0 ? -r : EIO));
        return NULL;
    }
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    return buf_take_text(&text);
}
