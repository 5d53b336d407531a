#include "chat/call/look_call.h"
#include "chat/command.h"
#include "chat/look/look_activity.h"
#include "chat/look/look_logs.h"
#include "chat/look/look_nodes.h"
#include "chat/look/look_process.h"
#include "chat/look/look_processes.h"
#include "chat/look/look_status.h"
#include "chat/look/look_usage.h"
#include "chat/values/look_chart.h"
#include "chat/values/look_metrics.h"
#include "chat/values/look_plot.h"

const struct command commands_look[] = {
    {
        .name = "nodes",
        .aliases = "list ls",
        .grammar = "[WORD]",
        .help = "your hosts, and how they are",
        .role = ACTOR_VIEWER,
        .is_repeatable = true,
        .run = look_nodes_run,
    },
    {
        .name = "status",
        .aliases = "node",
        .grammar = "[NODE]",
        .help = "one host at a glance, and all that can be done with it",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_status_run,
    },
    {
        .name = "watch",
        .grammar = "[NODE]",
        .help = "a status that refreshes itself for five minutes",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_status_watch,
    },
    {
        .name = "metrics",
        .grammar = "[NODE] [GROUP]",
        .help = "all that a host measures, with a chart of each",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_metrics_run,
    },
    {
        .name = "chart",
        .aliases = "graph charts",
        .grammar = "[NODE] [METRICS] [PERIOD]",
        .help = "charts of a host, by buttons",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_chart_run,
    },
    {
        .name = "plot",
        .grammar = "[NODE] METRICS INTERVAL... [TOP] [UNIT] [--light] [--since DAY]",
        .help = "a chart in one line: /plot nas cpu,ram 24h",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .takes_nodes = true,
        .is_repeatable = true,
        .run = look_plot_run,
    },
    {
        .name = "top",
        .aliases = "htop",
        .grammar = "[NODE] [--sort mem]",
        .help = "what uses most of a host",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_processes_top,
    },
    {
        .name = "ps",
        .aliases = "processes",
        .grammar =
            "[NODE] [FILTER] [--sort cpu|mem|time|new|name|pid] [--user USER] [--mine]",
        .help = "processes of a host",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_processes_list,
    },
    {
        .name = "process",
        .grammar = "[NODE] PID",
        .help = "one process closely",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_hidden = true,
        .is_repeatable = true,
        .run = look_process_run,
    },
    {
        .name = "logs",
        .aliases = "log journal",
        .grammar = "[NODE] [SERVICE] [LINES] [--grep TEXT] [--since 1h] [--priority err] "
                   "[--follow] [--file]",
        .help = "the last lines of a service or of the journal",
        .role = ACTOR_OPERATOR,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_logs_run,
    },
    {
        .name = "usage",
        .aliases = "du",
        .grammar = "[NODE] [users|disks|folders|gpu|quota] [PATH]",
        .help = "who and what fills a host",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_usage_run,
    },
    {
        .name = "port",
        .aliases = "ports freeport",
        .grammar = "[NODE] [FIRST-LAST]",
        .help = "a TCP port that nobody listens on",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .is_repeatable = true,
        .run = look_usage_port,
    },
    {
        .name = "activity",
        .aliases = "history",
        .grammar = "[NODE] [--kind act.] [--user USER]",
        .help = "what happened, and who did it",
        .role = ACTOR_VIEWER,
        .is_repeatable = true,
        .run = look_activity_run,
    },
    {
        .name = "call",
        .grammar = "[NODE] [SERVICE[/METHOD]] [JSON]",
        .help = "any method of any host, by buttons or in one line",
        .role = ACTOR_VIEWER,
        .takes_node = true,
        .run = look_call_run,
    },
    {
        .name = "callhub",
        .grammar = "[SERVICE[/METHOD]] [JSON]",
        .help = "any method of the hub itself",
        .role = ACTOR_VIEWER,
        .run = look_call_hub,
    },
    { 0 },
};
