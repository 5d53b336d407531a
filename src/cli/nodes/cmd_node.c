#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/node_show.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "wire/pb.h"

static int run_list(struct cli *cli) {
    return cmd_nodes.run(cli);
}

static int run_show(struct cli *cli) {
    if (args_count(cli->args) == 0)
        return cmd_nodes.run(cli);
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    Roost__V1__ListNodesResponse *list;

    int r = nodes_some(cli, selection, &list);
    if (r != 0)
        return r;
    r = node_show(cli, list);
    pb_free(&list->base);
    return r;
}

/* Prints the node that a change answered with. */
static int print_changed(struct cli *cli, const char *what, const Roost__V1__Node *node) {
    if (cli->json)
        return output_message(&node->base, true);
    if (!cli->quiet)
        printf("%s: %s\n", node->name, what);
    return REPORT_OK;
}

static int change(struct cli *cli,
                  const char *name,
                  const char *method,
                  const ProtobufCMessage *request,
                  const char *done) {
    struct session_ask ask = {
        .method = method,
        .request = request,
        .reply_type = &roost__v1__node__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    r = print_changed(cli, done, (const Roost__V1__Node *)reply);
    pb_free(reply);
    return r;
}

static int run_rename(struct cli *cli) {
    Roost__V1__RenameNodeRequest request = ROOST__V1__RENAME_NODE_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;

    int r = nodes_one(cli, args_at(cli->args, 0), "rename", &name);
    if (r != 0)
        return r;
    auto_(mem_freep) char *said = mem_printf("was %s", name);
    request.node = name;
    request.name = pb_lend(args_at(cli->args, 1));
    return change(cli, name, "/roost.v1.Nodes/Rename", &request.base, said);
}

static int run_title(struct cli *cli) {
    Roost__V1__SetNodeTitleRequest request = ROOST__V1__SET_NODE_TITLE_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;

    int r = nodes_one(cli, args_at(cli->args, 0), "title", &name);
    if (r != 0)
        return r;
    const char *title = args_at(cli->args, 1);
    auto_(mem_freep) char *said =
        *title ? mem_printf("title is \"%s\"", title) : mem_strdup("has no title");
    request.node = name;
    request.title = pb_lend(title);
    return change(cli, name, "/roost.v1.Nodes/SetTitle", &request.base, said);
}

/* A tag as the API has it: "home" for "@home", "+home" and "-home". */
static char *bare_tag(const char *text) {
    if (*text == '+' || *text == '-')
        text++;
    return pb_lend(*text == '@' ? text + 1 : text);
}

static int tag_nodes(struct cli *cli,
                     const Roost__V1__ListNodesResponse *list,
                     Roost__V1__TagNodeRequest *request) {
    size_t failed = 0;
    int last = 0;

    for (size_t i = 0; i < list->n_nodes; i++) {
        request->node = list->nodes[i]->name;
        int r =
            change(cli, request->node, "/roost.v1.Nodes/Tag", &request->base, "tagged");
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    return report_exit_of_many(failed, list->n_nodes, last);
}

static int run_tag(struct cli *cli) {
    Roost__V1__TagNodeRequest request = ROOST__V1__TAG_NODE_REQUEST__INIT;
    Roost__V1__ListNodesResponse *list;
    size_t count = args_count(cli->args);
    auto_(mem_freep) char **add = mem_new_array(count, sizeof(*add));
    auto_(mem_freep) char **remove = mem_new_array(count, sizeof(*remove));

    request.add = add;
    request.remove = remove;
    for (size_t i = 1; i < count; i++) {
        const char *word = args_at(cli->args, i);
        if (*word == '-')
            remove[request.n_remove++] = bare_tag(word);
        else
            add[request.n_add++] = bare_tag(word);
    }
    int r = nodes_some(cli, args_at(cli->args, 0), &list);
    if (r != 0)
        return r;
    r = tag_nodes(cli, list, &request);
    pb_free(&list->base);
    return r;
}

static int remove_one(struct cli *cli, char *name) {
    Roost__V1__RemoveNodeRequest request = ROOST__V1__REMOVE_NODE_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Nodes/Remove",
        .request = &request.base,
        .reply_type = &roost__v1__remove_node_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.node = name;
    int r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    pb_free(reply);
    if (!cli->quiet && !cli->json)
        printf("%s: removed\n", name);
    return REPORT_OK;
}

static int remove_all(struct cli *cli, const Roost__V1__ListNodesResponse *list) {
    auto_(mem_freep) const char **names = mem_new_array(list->n_nodes, sizeof(*names));
    size_t failed = 0;
    int last = 0;

    for (size_t i = 0; i < list->n_nodes; i++)
        names[i] = list->nodes[i]->name;
    int r = cli_confirm(cli, "remove", names, list->n_nodes);
    if (r != 0)
        return r;
    for (size_t i = 0; i < list->n_nodes; i++) {
        r = remove_one(cli, list->nodes[i]->name);
        failed += r != 0;
        last = r != 0 ? r : last;
    }
    return report_exit_of_many(failed, list->n_nodes, last);
}

static int run_remove(struct cli *cli) {
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    Roost__V1__ListNodesResponse *list;

    if (*selection == '\0') /* an empty word must never mean every node */
        return cli_usage(cli, "remove: the name of a node is empty");
    int r = nodes_some(cli, selection, &list);
    if (r != 0)
        return r;
    r = remove_all(cli, list);
    pb_free(&list->base);
    return r;
}

static const struct args_option list_options[] = {
    { "names", 0, NULL, NULL },
    { 0 },
};
static const struct args_option remove_options[] = {
    { "yes", 'y', NULL, "do not ask" },
    { 0 },
};

static const struct command list = {
    .name = "list",
    .usage = "[NODE...]",
    .summary = "the same as \"roost nodes\"",
    .options = list_options,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_list,
};
static const struct command show = {
    .name = "show",
    .usage = "NODE",
    .summary = "all that is known of a node (also: roost node NODE)",
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_show,
};

static const char *const rename_examples[] = {
    "roost node rename pi kitchen-pi",
    "its history and its agent's credential stay",
    NULL,
};
static const struct command rename_node = {
    .name = "rename",
    .usage = "NODE NAME",
    .summary = "give a node another name",
    .examples = rename_examples,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run_rename,
};

static const char *const title_examples[] = {
    "roost node title pi 'The Pi in the kitchen'",
    "a title is up to 64 characters",
    "roost node title pi ''",
    "no title any more",
    NULL,
};
static const struct command title = {
    .name = "title",
    .usage = "NODE TITLE",
    .summary = "give a node a title",
    .examples = title_examples,
    .least = 2,
    .most = 2,
    .operands = "node",
    .run = run_title,
};

static const char *const tag_examples[] = {
    "roost node tag 'pi*' home",
    "now @home means all of them",
    "roost node tag pi garden -home",
    "one tag off, another one on",
    NULL,
};
static const struct command tag = {
    .name = "tag",
    .usage = "NODE [+]TAG|-TAG...",
    .summary = "put tags on a node, or take them off",
    .examples = tag_examples,
    .keep_dashes = true,
    .least = 2,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_tag,
};

static const char *const remove_examples[] = {
    "roost node remove old-laptop",
    "asks first; its agent is turned away from now on",
    NULL,
};
static const struct command remove_node = {
    .name = "remove",
    .usage = "NODE...",
    .summary = "forget a node and its credential",
    .examples = remove_examples,
    .options = remove_options,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run_remove,
};

static const struct command *const subcommands[] = {
    &list, &show, &rename_node, &title, &tag, &remove_node, NULL,
};

static const char *const examples[] = {
    "roost node pi",
    "all that is known of it",
    "roost node rename pi kitchen-pi",
    "another name",
    "roost node title pi 'Kitchen'",
    "a title",
    "roost node tag pi home garden",
    "tags, for @home",
    "roost node remove old-laptop",
    "forget it; asks first",
    NULL,
};

const struct command cmd_node = {
    .name = "node",
    .usage = "NODE",
    .summary = "show, rename, title, tag or remove a node",
    .examples = examples,
    .options = list_options,
    .most = COMMAND_ANY,
    .operands = "node",
    .subcommands = subcommands,
    .run = run_show,
};
