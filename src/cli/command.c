#include "cli/command.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/suggest.h"

static const struct command *const table[] = {
    &cmd_login,       &cmd_logout,  &cmd_whoami, &cmd_hubs,
    &cmd_nodes,       &cmd_node,    &cmd_group,  &cmd_status,
    &cmd_watch,       &cmd_query,   &cmd_chart,  &cmd_probe,
    &cmd_ps,          &cmd_top,     &cmd_kill,   &cmd_kill_pause,
    &cmd_kill_resume, &cmd_units,   &cmd_unit,   &cmd_logs,
    &cmd_storage,     &cmd_traffic, &cmd_call,   &cmd_fluentd,
    &cmd_forward,     &cmd_connect, &cmd_ssh,    &cmd_reboot,
    &cmd_shutdown,    &cmd_wake,    &cmd_usage,  &cmd_token,
    &cmd_key,         &cmd_user,    &cmd_grant,  &cmd_pair,
    &cmd_approve,     &cmd_alert,   &cmd_rule,   &cmd_channel,
    &cmd_activity,    &cmd_config,  &cmd_doctor, &cmd_completion,
    &cmd_version,     &cmd_help,    NULL,
};

const struct command *const *command_all(void) {
    return table;
}

const struct command *command_find(const struct command *const *from, const char *name) {
    for (size_t i = 0; from && from[i]; i++)
        if (strcmp(from[i]->name, name) == 0 ||
            (from[i]->alias && strcmp(from[i]->alias, name) == 0))
            return from[i];
    return NULL;
}

const char *command_nearest(const struct command *const *from, const char *name) {
    const char *names[64];
    size_t count = 0;

    for (size_t i = 0; from && from[i] && count < 64; i++)
        names[count++] = from[i]->name;
    return suggest_nearest(name, names, count);
}

unsigned command_resolve(const char *first,
                         const char *second,
                         const struct command **ret_command,
                         const struct command **ret_parent) {
    const struct command *command = first ? command_find(table, first) : NULL;
    if (!command)
        return 0;
    const struct command *sub =
        second ? command_find(command->subcommands, second) : NULL;
    *ret_command = sub ? sub : command;
    *ret_parent = sub ? command : NULL;
    return sub ? 2 : 1;
}
