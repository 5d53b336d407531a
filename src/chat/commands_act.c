#include "chat/act_power.h"
#include "chat/act_processes.h"
#include "chat/act_unit.h"
#include "chat/act_units.h"
#include "chat/act_wake.h"
#include "chat/command.h"

const struct command commands_act[] = {
    {
        .name = "kill",
        .grammar = "[NODE] [PID|NAME] [SIGNAL]",
        .help = "end a process, or send it a signal",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_processes_kill,
    },
    {
        .name = "pause",
        .grammar = "[NODE] [PID|NAME]",
        .help = "let a process stand still",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_processes_pause,
    },
    {
        .name = "resume",
        .grammar = "[NODE] [PID|NAME]",
        .help = "let a paused process go on",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_processes_resume,
    },
    {
        .name = "services",
        .aliases = "units",
        .grammar = "[NODE] [FILTER]",
        .help = "services of a host, the failed ones first",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = act_units_list,
    },
    {
        .name = "service",
        .aliases = "unit",
        .grammar = "[NODE] NAME [start|stop|restart|reload|enable|disable]",
        .help = "one service: its state, last lines, start and stop",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .run = act_unit_run,
    },
    {
        .name = "failed",
        .grammar = "[NODE]",
        .help = "what has failed on a host",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = act_units_failed,
    },
    {
        .name = "power",
        .grammar = "[NODE]",
        .help = "restart, turn off, wake",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = act_power_screen,
    },
    {
        .name = "reboot",
        .aliases = "restart",
        .grammar = "[NODE] [in 5m | cancel]",
        .help = "restart a host",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_power_reboot,
    },
    {
        .name = "shutdown",
        .aliases = "poweroff",
        .grammar = "[NODE] [in 5m | cancel]",
        .help = "turn a host off",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_power_shutdown,
    },
    {
        .name = "wake",
        .aliases = "wol",
        .grammar = "[NODE] [--via NODE] [--mac ADDRESS]",
        .help = "wake a sleeping host by another one in its network",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .run = act_wake_run,
    },
    { 0 },
};
