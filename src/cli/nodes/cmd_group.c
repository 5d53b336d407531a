#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/terminal/units.h"
#include "roost/v1/groups.pb-c.h"
#include "wire/pb.h"

/* "pi*, @home". A new string. */
static char *members_of(const Roost__V1__Group *group) {
    struct buf text = { 0 };

    for (size_t i = 0; i < group->n_members; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", group->members[i]);
    return buf_take_text(&text);
}

static size_t count_online(const Roost__V1__Group *group) {
    size_t count = 0;

    for (size_t i = 0; i < group->n_nodes; i++)
        count += group->nodes[i]->online ? 1 : 0;
    return count;
}

static void print_list(struct cli *cli, const ProtobufCMessage *reply) {
    const Roost__V1__ListGroupsResponse *list =
        (const Roost__V1__ListGroupsResponse *)reply;
    struct table *table = table_new();

    table_column(table, "NAME", TABLE_LEFT);
    table_column(table, "MEMBERS", TABLE_FLEXIBLE);
    table_column(table, "NODES", TABLE_RIGHT);
    table_column(table, "ONLINE", TABLE_RIGHT);
    for (size_t i = 0; i < list->n_groups; i++) {
        const Roost__V1__Group *group = list->groups[i];
        auto_(mem_freep) char *members = members_of(group);
        char number[24];
        table_cell(table, TERMINAL_BOLD, group->name);
        table_cell(table, TERMINAL_PLAIN, members);
        snprintf(number, sizeof(number), "%zu", group->n_nodes);
        table_cell(table, TERMINAL_PLAIN, number);
        snprintf(number, sizeof(number), "%zu", count_online(group));
        table_cell(table, TERMINAL_PLAIN, number);
    }
    table_print(table, &cli->terminal);
    table_free(table);
}

static const struct named_kind groups = {
    .word = "group",
    .words = "groups",
    .list = {
        "/roost.v1.Groups/List",
        &roost__v1__list_groups_request__descriptor,
        &roost__v1__list_groups_response__descriptor,
    },
    .remove = {
        "/roost.v1.Groups/Remove",
        &roost__v1__remove_group_request__descriptor,
        &roost__v1__remove_group_response__descriptor,
    },
    .removed = "removed; its nodes stay",
    .print_list = print_list,
};

static int run_list(struct cli *cli) {
    return named_list(cli, &groups);
}

static void add_member(struct table *table, const Roost__V1__GroupMember *member) {
    int64_t out_ms = node_cells_time_ms(member->out_until);
    char calls[24];

    table_cell(table, TERMINAL_BOLD, member->node);
    if (!member->online)
        table_cell(table, TERMINAL_RED, "OFFLINE");
    else if (out_ms > clock_wall_ms())
        table_cell(table, TERMINAL_YELLOW, "left out, it fails");
    else
        table_cell(table, TERMINAL_GREEN, "ONLINE");
    snprintf(calls, sizeof(calls), "%llu", (unsigned long long)member->calls);
    table_cell(table, TERMINAL_PLAIN, calls);
    snprintf(calls, sizeof(calls), "%llu", (unsigned long long)member->calls_total);
    table_cell(table, TERMINAL_PLAIN, calls);
}

static void print_group(struct cli *cli, const Roost__V1__Group *group) {
    auto_(mem_freep) char *members = members_of(group);
    struct table *table = table_new();

    printf("%s: %s\n", group->name, members);
    table_column(table, "NODE", TABLE_FLEXIBLE);
    table_column(table, "STATE", TABLE_LEFT);
    table_column(table, "CALLS", TABLE_RIGHT);
    table_column(table, "TOTAL", TABLE_RIGHT);
    for (size_t i = 0; i < group->n_nodes; i++)
        add_member(table, group->nodes[i]);
    table_print(table, &cli->terminal);
    table_free(table);
}

/* Asks for something that is answered with a group, and shows it. */
static int ask_and_print(struct cli *cli,
                         const char *name,
                         const char *method,
                         const ProtobufCMessage *request) {
    struct session_ask ask = {
        .method = method,
        .request = request,
        .reply_type = &roost__v1__group__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else if (!cli->quiet)
        print_group(cli, (const Roost__V1__Group *)reply);
    pb_free(reply);
    return r;
}

static int run_show(struct cli *cli) {
    Roost__V1__GetGroupRequest request = ROOST__V1__GET_GROUP_REQUEST__INIT;

    request.name = pb_lend(args_at(cli->args, 0));
    return ask_and_print(cli, request.name, "/roost.v1.Groups/Get", &request.base);
}

/* Members are words, or lists with commas. A new array whose texts are cut out of text.
 */
static char **read_members(const struct cli *cli, struct buf *text, size_t *ret_count) {
    for (size_t i = 1; i < args_count(cli->args); i++)
        buf_printf(text, "%s,", args_at(cli->args, i));
    char **members = mem_new_array(text->len + 1, sizeof(*members));
    char *rest = NULL;
    size_t count = 0;

    buf_add_byte(text, '\0');
    for (char *word = strtok_r((char *)text->data, ",", &rest); word;
         word = strtok_r(NULL, ",", &rest))
        members[count++] = word;
    *ret_count = count;
    return members;
}

static int set(struct cli *cli, bool create) {
    Roost__V1__SetGroupRequest request = ROOST__V1__SET_GROUP_REQUEST__INIT;
    struct buf text = { 0 };
    auto_(mem_freep) char **members = read_members(cli, &text, &request.n_members);

    request.name = pb_lend(args_at(cli->args, 0));
    request.members = members;
    request.create = create;
    int r = ask_and_print(cli, request.name, "/roost.v1.Groups/Set", &request.base);
    buf_done(&text);
    return r;
}

static int run_new(struct cli *cli) {
    return set(cli, true);
}

static int run_set(struct cli *cli) {
    return set(cli, false);
}

static int run_remove(struct cli *cli) {
    return named_remove(cli, &groups);
}

static const struct command list = {
    .name = "list",
    .usage = "",
    .summary = "all groups",
    .options = named_list_options,
    .run = run_list,
};
static const struct command show = {
    .name = "show",
    .usage = "NAME",
    .summary = "the members of a group, and their calls",
    .least = 1,
    .most = 1,
    .operands = "group",
    .run = run_show,
};
static const char *const new_examples[] = {
    "roost group new web web1 web2",   "two nodes", "roost group new pis 'pi*' @home",
    "whatever these mean, also later", NULL,
};
static const struct command new_group = {
    .name = "new",
    .alias = "add",
    .usage = "NAME NODE...",
    .summary = "make a group of nodes, globs and @tags",
    .examples = new_examples,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_new,
};
static const char *const set_examples[] = {
    "roost group set web web1 web3",
    "these and no others from now on",
    NULL,
};
static const struct command set_group = {
    .name = "set",
    .usage = "NAME NODE...",
    .summary = "give a group other members, or make it",
    .examples = set_examples,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_set,
};
static const char *const remove_examples[] = {
    "roost group remove web",
    "the nodes stay as they are",
    NULL,
};
static const struct command remove_group = {
    .name = "remove",
    .usage = "NAME...",
    .summary = "forget a group",
    .examples = remove_examples,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "group",
    .run = run_remove,
};
static const struct command *const subcommands[] = {
    &list, &show, &new_group, &set_group, &remove_group, NULL,
};

static const char *const examples[] = {
    "roost group new web 'web*'",
    "one name for several nodes",
    "roost group show web",
    "who is in it, and how many calls each has",
    "roost group",
    "all groups",
    NULL,
};

const struct command cmd_group = {
    .name = "group",
    .alias = "groups",
    .usage = "[list|show|new|set|remove] [NAME]",
    .summary = "names for several nodes; calls go to the least busy one",
    .details =
        "A gRPC call with metadata \"name: GROUP\" goes to the member with the fewest\n"
        "calls under way, of those that are online, serve the service and do not say\n"
        "that they are unwell. One that fails is left out for a while. Members are\n"
        "names, globs ('pi*') and tags (@home); what they mean is looked up anew for\n"
        "each call. The caller needs a role on the member, none on the group.",
    .examples = examples,
    .options = named_list_options,
    .subcommands = subcommands,
    .run = run_list,
};
