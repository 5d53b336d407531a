#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acts/act.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/host/storage_view.h"
#include "cli/terminal/table.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "roost/v1/usage.pb-c.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum { PORT_MAX = 65535, LINES_MAX = 1000 };

/* Rows of all nodes go into one table. */
struct usage {
    const struct cli *cli; /* borrowed: the command */
    struct table *table;   /* owned; NULL with --json */
    bool has_nodes;        /* there are several */
};

static void begin_row(const struct usage *usage, const char *node) {
    if (usage->has_nodes)
        table_cell(usage->table, TERMINAL_BOLD, node);
}

static void add_bytes(struct table *table, uint64_t bytes) {
    char text[UNITS_LEN];

    units_bytes((double)bytes, text);
    table_cell(table, TERMINAL_PLAIN, text);
}

/* 0 is no limit. */
static void add_limit(struct table *table, uint64_t bytes) {
    if (bytes > 0)
        add_bytes(table, bytes);
    else
        table_cell(table, TERMINAL_DIM, "none");
}

/* --- users --- */

static void head_users(struct table *table) {
    table_column(table, "USER", TABLE_LEFT);
    table_column(table, "CPU", TABLE_RIGHT);
    table_column(table, "MEMORY", TABLE_RIGHT);
    table_column(table, "PROCESSES", TABLE_RIGHT);
    table_column(table, "THREADS", TABLE_RIGHT);
    table_column(table, "CPU TIME", TABLE_RIGHT);
    table_column(table, "LOGGED IN", TABLE_FLEXIBLE);
}

/* "pts/0 from 192.0.2.7, tty1" */
static void add_logins(struct table *table, const Roost__V1__UserUsage *user) {
    struct buf text = { 0 };

    for (size_t i = 0; i < user->n_logins; i++) {
        const Roost__V1__Login *login = user->logins[i];
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", login->terminal);
        if (*login->host)
            buf_printf(&text, " from %s", login->host);
    }
    table_cell(table, TERMINAL_PLAIN, buf_text(&text));
    buf_done(&text);
}

static void print_users(void *arg,
                        const struct act_deed *deed,
                        const ProtobufCMessage *reply) {
    const Roost__V1__UsersUsageResponse *response =
        (const Roost__V1__UsersUsageResponse *)reply;
    const struct usage *usage = arg;

    for (size_t i = 0; i < response->n_users; i++) {
        const Roost__V1__UserUsage *user = response->users[i];
        char time[UNITS_LEN];
        begin_row(usage, deed->node);
        table_cell(usage->table, TERMINAL_BOLD, user->user);
        table_printf(usage->table, TERMINAL_PLAIN, "%.1f %%", user->cpu_percent);
        add_bytes(usage->table, user->rss_bytes);
        table_printf(usage->table, TERMINAL_PLAIN, "%u", user->processes);
        table_printf(usage->table, TERMINAL_PLAIN, "%u", user->threads);
        units_duration(user->cpu_s, time);
        table_cell(usage->table, TERMINAL_PLAIN, time);
        add_logins(usage->table, user);
    }
}

/* --- quotas --- */

static void head_quotas(struct table *table) {
    table_column(table, "MOUNT", TABLE_FLEXIBLE);
    table_column(table, "USED", TABLE_RIGHT);
    table_column(table, "SOFT", TABLE_RIGHT);
    table_column(table, "HARD", TABLE_RIGHT);
    table_column(table, "FILES", TABLE_RIGHT);
    table_column(table, "SOFT", TABLE_RIGHT);
    table_column(table, "HARD", TABLE_RIGHT);
}

static void print_quotas(void *arg,
                         const struct act_deed *deed,
                         const ProtobufCMessage *reply) {
    const Roost__V1__QuotaResponse *response = (const Roost__V1__QuotaResponse *)reply;
    const struct usage *usage = arg;

    if (response->n_quotas == 0 && !usage->cli->quiet)
        fprintf(stderr, "%s: no file system there has quotas\n", deed->node);
    for (size_t i = 0; i < response->n_quotas; i++) {
        const Roost__V1__Quota *quota = response->quotas[i];
        begin_row(usage, deed->node);
        table_cell(usage->table, TERMINAL_BOLD, quota->mount);
        add_bytes(usage->table, quota->used_bytes);
        add_limit(usage->table, quota->soft_bytes);
        add_limit(usage->table, quota->hard_bytes);
        table_printf(usage->table, TERMINAL_PLAIN, "%" PRIu64, quota->used_files);
        table_printf(usage->table, TERMINAL_PLAIN, "%" PRIu64, quota->soft_files);
        table_printf(usage->table, TERMINAL_PLAIN, "%" PRIu64, quota->hard_files);
    }
}

/* --- graphics processors --- */

static void head_gpus(struct table *table) {
    table_column(table, "GPU", TABLE_LEFT);
    table_column(table, "PID", TABLE_RIGHT);
    table_column(table, "NAME", TABLE_FLEXIBLE);
    table_column(table, "USER", TABLE_LEFT);
    table_column(table, "MEMORY", TABLE_RIGHT);
    table_column(table, "LOAD", TABLE_RIGHT);
}

static void print_gpus(void *arg,
                       const struct act_deed *deed,
                       const ProtobufCMessage *reply) {
    const Roost__V1__GpuUsageResponse *response =
        (const Roost__V1__GpuUsageResponse *)reply;
    const struct usage *usage = arg;

    if (response->n_processes == 0 && !usage->cli->quiet)
        fprintf(stderr, "%s: no process uses a GPU\n", deed->node);
    for (size_t i = 0; i < response->n_processes; i++) {
        const Roost__V1__GpuProcess *process = response->processes[i];
        begin_row(usage, deed->node);
        table_cell(usage->table, TERMINAL_BOLD, process->gpu);
        table_printf(usage->table, TERMINAL_PLAIN, "%u", process->pid);
        table_cell(usage->table, TERMINAL_PLAIN, process->name);
        table_cell(usage->table, TERMINAL_PLAIN, process->user);
        add_bytes(usage->table, process->memory_bytes);
        if (process->gpu_percent_known_case ==
            ROOST__V1__GPU_PROCESS__GPU_PERCENT_KNOWN_GPU_PERCENT)
            table_printf(usage->table, TERMINAL_PLAIN, "%.0f %%", process->gpu_percent);
        else
            table_cell(usage->table, TERMINAL_PLAIN, "");
    }
}

/* --- ports --- */

static void head_ports(struct table *table) {
    table_column(table, "", TABLE_LEFT);
}

static void print_port(void *arg,
                       const struct act_deed *deed,
                       const ProtobufCMessage *reply) {
    const Roost__V1__FreePortResponse *response =
        (const Roost__V1__FreePortResponse *)reply;
    const struct usage *usage = arg;

    begin_row(usage, deed->node);
    table_printf(usage->table, TERMINAL_PLAIN, "%u", response->port);
}

/* --- the command --- */

static const struct question {
    const char *option; /* NULL: without any */
    const char *method;
    const ProtobufCMessageDescriptor *reply_type;
    void (*head)(struct table *table);
    void (*print)(void *arg, const struct act_deed *deed, const ProtobufCMessage *reply);
} questions[] = {
    { "quota", "/roost.v1.Usage/Quota", &roost__v1__quota_response__descriptor,
      head_quotas, print_quotas },
    { "gpu", "/roost.v1.Usage/Gpu", &roost__v1__gpu_usage_response__descriptor, head_gpus,
      print_gpus },
    { "free-port", "/roost.v1.Usage/FreePort", &roost__v1__free_port_response__descriptor,
      head_ports, print_port },
    { NULL, "/roost.v1.Usage/Users", &roost__v1__users_usage_response__descriptor,
      head_users, print_users },
};

/* Asks each node of the list the same. */
static int ask(struct cli *cli,
               const struct question *question,
               ProtobufCMessage *request,
               const Roost__V1__ListNodesResponse *list) {
    struct usage usage = { .cli = cli, .has_nodes = list->n_nodes > 1 };
    struct act_plan plan = {
        .method = question->method,
        .reply_type = question->reply_type,
        .done = cli->json ? "asked" : NULL,
        .on_reply = question->print,
        .arg = &usage,
    };
    struct act_deed *deeds = mem_new_array(list->n_nodes, sizeof(*deeds));

    for (size_t i = 0; i < list->n_nodes; i++)
        deeds[i] = (struct act_deed) { .node = list->nodes[i]->name, .request = request };
    usage.table = table_new();
    if (usage.has_nodes)
        table_column(usage.table, "NODE", TABLE_LEFT);
    question->head(usage.table);
    int r = act_run(cli, &plan, deeds, list->n_nodes);
    if (table_row_count(usage.table) > 0)
        table_print(usage.table, &cli->terminal);
    table_free(usage.table);
    free(deeds);
    return r;
}

/* "8000-9000" */
static int read_ports(const struct cli *cli, Roost__V1__FreePortRequest *request) {
    const char *text = args_value(cli->args, "between");
    char *middle = NULL;
    char *end = NULL;

    if (!text)
        return 0;
    unsigned long first = strtoul(text, &middle, 10);
    unsigned long last = *middle == '-' ? strtoul(middle + 1, &end, 10) : 0;
    if (!end || *end != '\0' || first == 0 || first > last || last > PORT_MAX)
        return cli_usage(cli, "--between: \"%s\" is no range such as 8000-9000", text);
    request->first = (uint32_t)first;
    request->last = (uint32_t)last;
    return 0;
}

static const struct question *find_question(const struct cli *cli) {
    const struct question *question = questions;

    while (question->option && !args_has(cli->args, question->option))
        question++;
    return question;
}

static int ask_nodes(struct cli *cli) {
    const struct question *question = find_question(cli);
    Roost__V1__UsersUsageRequest users = ROOST__V1__USERS_USAGE_REQUEST__INIT;
    Roost__V1__QuotaRequest quota = ROOST__V1__QUOTA_REQUEST__INIT;
    Roost__V1__GpuUsageRequest gpu = ROOST__V1__GPU_USAGE_REQUEST__INIT;
    Roost__V1__FreePortRequest port = ROOST__V1__FREE_PORT_REQUEST__INIT;
    ProtobufCMessage *const requests[] = { &quota.base, &gpu.base, &port.base,
                                           &users.base };
    Roost__V1__ListNodesResponse *list;

    users.user = quota.user = pb_lend(args_value(cli->args, "user"));
    int r = read_ports(cli, &port);
    if (r == 0)
        r = act_nodes(cli, "usage", args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    r = ask(cli, question, requests[question - questions], list);
    pb_free(&list->base);
    return r;
}

static int run(struct cli *cli) {
    Roost__V1__StorageUsageRequest request = ROOST__V1__STORAGE_USAGE_REQUEST__INIT;
    int kinds = args_has(cli->args, "storage") + args_has(cli->args, "home") +
                args_has(cli->args, "quota") + args_has(cli->args, "gpu") +
                args_has(cli->args, "free-port");

    if (kinds > 1)
        return cli_usage(cli, "one of --storage, --home, --quota, --gpu and --free-port");
    if (!args_has(cli->args, "storage") && !args_has(cli->args, "home"))
        return ask_nodes(cli);
    request.path = pb_lend(args_value(cli->args, "storage"));
    request.user = pb_lend(args_value(cli->args, "user"));
    int r = cli_number(cli, "lines", "-n", 1, LINES_MAX, &request.limit);
    return r == 0 ? storage_view_run(cli, args_at(cli->args, 0), &request) : r;
}

static const struct args_option options[] = {
    { "storage", 0, "PATH", "what lies in this folder, largest first" },
    { "home", 0, NULL, "the same of a home: of --user, or of the agent's own user" },
    { "quota", 0, NULL, "how much may be used where that is limited" },
    { "gpu", 0, NULL, "processes on graphics processors" },
    { "free-port", 0, NULL, "a TCP port that nobody listens on" },
    { "user", 'u', "USER", "of this user" },
    { "between", 0, "FIRST-LAST", "the port is one of these" },
    { "lines", 'n', "N", "of a folder: at most so many, up to 1000 (50)" },
    { 0 },
};

static const char *const examples[] = {
    "roost usage pi",
    "who uses CPU and memory, and who is logged in",
    "roost usage pi --storage /var",
    "what fills a disk",
    "roost usage pi --home --user ada --json | jq -r '.entries[] | [.bytes, .name]'",
    "the folders of a home, for a script",
    "roost usage '@gpu' --gpu",
    "who uses the graphics processors of several hosts",
    NULL,
};

const struct command cmd_usage = {
    .name = "usage",
    .usage = "NODE",
    .summary = "show who and what uses a host",
    .details =
        "CPU is a share of the whole machine, measured over a quarter of a second.\n"
        "Folders are counted as \"du --apparent-size -x\" counts: a file with several\n"
        "names once, links and other file systems not at all. The count has the lowest\n"
        "priority and ends with the command. Folders outside the home of the agent's "
        "own\n"
        "user are for operators.",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
