#include "chat/command.h"
#include "chat/look_chart.h"
#include "chat/look_metrics.h"
#include "chat/look_nodes.h"
#include "chat/look_plot.h"
#include "chat/look_status.h"

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
        .is_repeatable = true,
        .run = look_plot_run,
    },
    { 0 },
};
