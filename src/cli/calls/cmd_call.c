#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/settings.h"
#include "cli/calls/call_cache.h"
#include "cli/calls/call_list.h"
#include "cli/calls/call_run.h"
#include "cli/calls/callee.h"
#include "cli/calls/describe.h"
#include "cli/calls/direct.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/hub/profile.h"

enum { MESSAGE_MAX = 64 << 20 }; /* of a reply, unless --max-message says otherwise */

/* One command under way. */
struct calling {
    struct cli *cli;    /* borrowed: the caller */
    const char *server; /* borrowed; NULL: through the hub */
    const char *what;   /* borrowed; NULL: everything there is */
    const char *json;   /* borrowed; NULL: a file, or an empty request */
    struct callee callee;
    struct callee_found found;
    struct headers metadata;
    uint64_t deadline_ms;
    uint64_t message_max;
    enum form form;
};

static bool is_hub(const char *node) {
    return !node || strcmp(node, "-") == 0 || strcmp(node, ".") == 0 ||
           strcmp(node, "hub") == 0;
}

/* With --server there is no node: all operands move up by one. */
static int read_operands(struct calling *calling) {
    const struct args *args = calling->cli->args;
    size_t at = 0;

    calling->server = args_value(args, "server");
    calling->callee.label = calling->server;
    if (!calling->server) {
        const char *node = args_at(args, at++);
        calling->callee.label = node ? node : "hub";
        calling->callee.node = is_hub(node) ? NULL : node;
    }
    calling->what = args_at(args, at++);
    calling->json = args_at(args, at++);
    if (args_count(args) > at)
        return cli_usage(calling->cli, "call: \"%s\" is one argument too many",
                         args_at(args, at));
    if (calling->json && args_has(args, "file"))
        return cli_usage(calling->cli,
                         "call: the request is an argument or a file, not both");
    return 0;
}

/* Binary metadata is typed, and sent, as base64. */
static bool is_sendable(const char *key, const char *value) {
    size_t len = strlen(key);
    struct buf bytes = { 0 };

    if (len < 4 || strcmp(key + len - 4, "-bin") != 0)
        return true;
    int r = base64_decode_any(&bytes, slice_of_text(value));
    buf_done(&bytes);
    return r == 0;
}

/* The names that say where a call goes and how it is framed are ours. */
static bool is_ours(const struct calling *calling, const char *key) {
    return strncmp(key, "grpc-", 5) == 0 ||
           (strcmp(key, "name") == 0 && !calling->server);
}

/* "K:V" or "K: V". */
static int read_header(struct calling *calling, const char *text) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text)
        return cli_usage(calling->cli, "-H: \"%s\" is not KEY:VALUE", text);
    auto_(mem_freep) char *key = mem_dup(text, (size_t)(colon - text));
    const char *value = colon + 1;

    while (*value == ' ')
        value++;
    for (char *at = key; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    if (!is_sendable(key, value))
        return cli_usage(calling->cli, "-H: \"%s\": what ends in -bin is base64", text);
    if (is_ours(calling, key) || !headers_add(&calling->metadata, key, value))
        return cli_usage(calling->cli, "-H: \"%s\" cannot be sent", text);
    return 0;
}

static int read_max(struct calling *calling) {
    const char *text = args_value(calling->cli->args, "max-message");

    calling->message_max = MESSAGE_MAX;
    if (!text)
        return 0;
    if (settings_parse_bytes(text, &calling->message_max) && calling->message_max > 0)
        return 0;
    return cli_usage(calling->cli, "--max-message: \"%s\" is no size such as 64k or 1MiB",
                     text);
}

static int read_options(struct calling *calling) {
    struct cli *cli = calling->cli;
    const char *form = args_value(cli->args, "output");
    int r = 0;

    if (form_parse(form, &calling->form) != 0)
        return cli_usage(cli, "-o: %s is none of json, prettyjson, yaml, xml", form);
    calling->deadline_ms = cli->timeout_ms;
    r = cli_duration(cli, "deadline", &calling->deadline_ms);
    if (r == 0)
        r = read_max(calling);
    for (size_t i = 0; r == 0 && i < args_times(cli->args, "header"); i++)
        r = read_header(calling, args_value_at(cli->args, "header", i));
    return r;
}

static int print(struct buf *out) {
    fwrite(out->data, 1, out->len, stdout);
    buf_done(out);
    return REPORT_OK;
}

static int describe(const struct calling *calling) {
    const struct callee_found *found = &calling->found;
    struct buf out = { 0 };

    if (found->method) {
        describe_add_method(&out, found->method);
        buf_add_text(&out, ";\n");
        describe_add_types(&out, found->method);
    } else if (found->message) {
        describe_add_message(&out, found->message);
    } else {
        describe_add_service(&out, found->service);
    }
    return print(&out);
}

static int sample(const struct calling *calling) {
    const struct callee_found *found = &calling->found;
    struct buf out = { 0 };

    if (!found->method && !found->message)
        return cli_usage(calling->cli, "--sample: %s is neither a method nor a message",
                         calling->what);
    form_add_sample(&out, found->method ? found->method->input : found->message,
                    calling->form);
    return print(&out);
}

static int make_call(struct calling *calling) {
    const struct schema_method *method = calling->found.method;
    const char *json = calling->json;
    const char *file = args_value(calling->cli->args, "file");
    auto_(mem_freep) char *path =
        mem_printf("/%s/%s", calling->found.service->name, method->name);

    if (json && strcmp(json, "-") == 0) {
        file = "-";
        json = NULL;
    }
    if (!json && !file) {
        file = method->client_streaming ? "-" : NULL;
        json = file ? NULL : "{}";
    }
    if (file && strcmp(file, "-") == 0 && terminal_can_ask() && !calling->cli->quiet)
        report_note("one JSON object a line; Ctrl-D ends, Ctrl-C cancels");
    struct call_run run = {
        .cli = calling->cli,
        .callee = &calling->callee,
        .node = calling->callee.node,
        .path = path,
        .method = method,
        .metadata = &calling->metadata,
        .json = json,
        .file = file,
        .deadline_ms = calling->deadline_ms,
        .message_max = calling->message_max,
        .form = calling->form,
    };
    return call_run(&run);
}

static int act(struct calling *calling) {
    const struct args *args = calling->cli->args;

    if (!calling->what)
        return call_list(&calling->callee);
    int r = callee_find(&calling->callee, calling->what, &calling->found);
    if (r != 0)
        return r;
    if (args_has(args, "sample"))
        return sample(calling);
    if (!calling->found.method || args_has(args, "describe"))
        return describe(calling);
    callee_hush(&calling->callee);
    return make_call(calling);
}

/* For completion: what was asked a moment ago is not asked again. */
static int names(struct calling *calling) {
    struct cli *cli = calling->cli;
    struct callee *callee = &calling->callee;
    struct buf out = { 0 };

    int r = hub_load_profile(cli);
    if (r != 0 || !cli->profile->hub)
        return r;
    if (!call_cache_read(cli->profile->hub, callee->node, &out)) {
        r = hub_connect(cli);
        if (r == 0)
            r = callee_open(callee, NULL);
        if (r == 0)
            r = call_list_names(callee, &out);
        if (out.len > 0)
            call_cache_write(cli->profile->hub, callee->node, buf_slice(&out));
    }
    print(&out);
    return r;
}

static int go(struct calling *calling) {
    struct cli *cli = calling->cli;

    int r = read_operands(calling);
    if (r == 0)
        r = read_options(calling);
    if (r == 0 && args_has(cli->args, "names") && !calling->server)
        return names(calling);
    if (r == 0)
        r = calling->server ? direct_connect(cli, calling->server) : hub_connect(cli);
    if (r == 0)
        r = callee_open(&calling->callee, args_value(cli->args, "protoset"));
    return r == 0 ? act(calling) : r;
}

static int run(struct cli *cli) {
    struct calling calling = { .cli = cli, .callee.cli = cli };
    const char *server = args_value(cli->args, "server");
    const char *node = args_at(cli->args, 0);
    auto_(mem_freep) char *again =
        mem_printf("roost call %s%s", server ? "--server " : "",
                   server ? server
                   : node ? node
                          : "hub");

    calling.callee.again = again;
    int r = go(&calling);
    callee_done(&calling.callee);
    headers_done(&calling.metadata);
    return r;
}

static const struct args_option options[] = {
    { "describe", 0, NULL, "show the types instead of calling" },
    { "sample", 0, NULL, "print a sample request instead of calling" },
    { "file", 'f', "FILE",
      "the request (or requests): JSON, .yaml or .xml; - is standard input" },
    { "header", 'H', "K:V", "metadata to send (repeats); base64 where K ends in -bin" },
    { "deadline", 0, "TIME", "give up after this long, and tell the callee" },
    { "max-message", 0, "SIZE", "the largest reply to take; unset: 64MiB" },
    { "output", 'o', "FORM", "of replies: json, prettyjson, yaml or xml" },
    { "protoset", 0, "FILE", "types from a descriptor set, not by reflection" },
    DIRECT_OPTIONS,
    { "names", 0, NULL, NULL },
    { 0 },
};

static const char *const examples[] = {
    "roost call pi",
    "all methods of a node",
    "roost call pi Host/Describe",
    "call one; an end of its name will do",
    "roost call pi roost.v1.Host/Describe --describe",
    "its types, and a sample request",
    "roost call pi shop.Orders/Place --sample -o yaml > order.yaml",
    "a request to fill in ...",
    "roost call pi shop.Orders/Place -f order.yaml -o yaml",
    "... and to send",
    "roost call hub roost.v1.Nodes/List '{\"select\": \"@home\"}'",
    "a method of the hub",
    "roost call svc chat.Chat/Talk",
    "streams: one JSON object a line in, one out, as they come",
    "roost call --server localhost:50051 shop.Orders/Place '{\"id\": 7}'",
    "any gRPC server, without a hub",
    NULL,
};

const struct command cmd_call = {
    .name = "call",
    .usage = "NODE [SERVICE/METHOD [JSON]]",
    .summary = "call any gRPC method of a node, or list them",
    .details =
        "Types come from the node itself, by reflection. NODE \"hub\", \"-\" or \".\" is "
        "the hub, and\nwith --server there is no NODE. Without JSON and -f a request is "
        "empty, and those of a\nstream are read from standard input, each sent at once; "
        "its end ends the stream, an\ninterrupt cancels the call. -v shows metadata. "
        "When "
        "the call fails, the exit status is\n64 and the gRPC status.",
    .examples = examples,
    .options = options,
    .most = 3,
    .operands = "node",
    .second = "method",
    .run = run,
};
