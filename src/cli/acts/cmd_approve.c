#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/acts/sign.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/following.h"
#include "cli/hub/hub.h"
#include "cli/hub/named.h"
#include "cli/hub/profile.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "loop/loop.h"
#include "roost/v1/users.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"

/* "/roost.v1.Units/Stop" is Units/Stop. */
static const char *short_method(const char *method) {
    const char *dot = strrchr(method, '.');
    return dot ? dot + 1 : method;
}

/* What is missing: "consent (@prod), signature". A new string. */
static char *needs_of(const Roost__V1__Approval *item) {
    struct buf text = { 0 };

    if (item->consent_tag[0])
        buf_printf(&text, "a second person (@%s)", item->consent_tag);
    if (item->needs_signature)
        buf_printf(&text, "%san operator's signature", text.len > 0 ? ", " : "");
    return buf_take_text(&text);
}

static void print_list(struct cli *cli, const ProtobufCMessage *reply) {
    const Roost__V1__ListApprovalsResponse *list =
        (const Roost__V1__ListApprovalsResponse *)reply;
    struct table *table = table_new();

    table_column(table, "ID", TABLE_LEFT);
    table_column(table, "NODE", TABLE_LEFT);
    table_column(table, "ACT", TABLE_LEFT);
    table_column(table, "REQUEST", TABLE_FLEXIBLE);
    table_column(table, "ASKED BY", TABLE_LEFT);
    table_column(table, "NEEDS", TABLE_LEFT);
    table_column(table, "LAPSES", TABLE_LEFT);
    for (size_t i = 0; i < list->n_approvals; i++) {
        const Roost__V1__Approval *item = list->approvals[i];
        auto_(mem_freep) char *needs = needs_of(item);
        char until[UNITS_LEN];
        units_ago(node_cells_time_ms(item->expires), clock_wall_ms(), until);
        table_cell(table, TERMINAL_BOLD, item->id);
        table_cell(table, TERMINAL_PLAIN, item->node);
        table_cell(table, TERMINAL_PLAIN, short_method(item->method));
        table_cell(table, TERMINAL_PLAIN, item->request_json);
        table_cell(table, TERMINAL_PLAIN, item->asked_by);
        table_cell(table, TERMINAL_PLAIN, needs);
        table_cell(table, TERMINAL_PLAIN, until);
    }
    table_print(table, &cli->terminal);
    table_free(table);
}

static const struct named_kind approvals = {
    .word = "approve",
    .words = "approve",
    .list = {
        "/roost.v1.Approvals/List",
        &roost__v1__list_approvals_request__descriptor,
        &roost__v1__list_approvals_response__descriptor,
    },
    .print_list = print_list,
};

/* --- follow --- */

static void print_line(const Roost__V1__Approval *item) {
    static const char *const words[] = { "?", "waits", "approved", "rejected", "lapsed" };
    auto_(mem_freep) char *needs = needs_of(item);
    struct buf out = { 0 };

    buf_printf(&out, "%s  %s  ", item->id,
               words[(unsigned)item->state < 5 ? item->state : 0]);
    text_add_clean(&out, item->node);
    buf_printf(&out, "  %s  ", short_method(item->method));
    text_add_clean(&out, item->request_json);
    buf_printf(&out, "  asked by ");
    text_add_clean(&out, item->asked_by);
    if (item->decided_by[0]) {
        buf_printf(&out, ", decided by ");
        text_add_clean(&out, item->decided_by);
    }
    if (item->state == ROOST__V1__APPROVAL__STATE__WAITING)
        buf_printf(&out, "; needs %s", needs);
    puts(buf_text(&out));
    fflush(stdout);
    buf_done(&out);
}

static int show_newer(void *arg, const ProtobufCMessage *message) {
    const struct cli *cli = arg;

    if (cli->json)
        return output_message(message, false);
    print_line((const Roost__V1__Approval *)message);
    return 0;
}

static int run_follow(struct cli *cli) {
    const Roost__V1__WatchApprovalsRequest watch =
        ROOST__V1__WATCH_APPROVALS_REQUEST__INIT;
    const struct following_config config = {
        .name = "approve",
        .method = "/roost.v1.Approvals/Watch",
        .request = &watch.base,
        .type = &roost__v1__approval__descriptor,
        .show = show_newer,
        .arg = cli,
    };

    int r = hub_connect(cli);
    return r != 0 ? r : following_run(cli, &config);
}

/* --- one --- */

/* The one that is meant; NULL after telling, and *ret_r is the status. */
static const Roost__V1__Approval *find(const Roost__V1__ListApprovalsResponse *list,
                                       const char *id,
                                       int *ret_r) {
    const Roost__V1__Approval *found = NULL;
    size_t count = 0;

    for (size_t i = 0; i < list->n_approvals; i++)
        if (strlen(id) >= 4 && strncmp(list->approvals[i]->id, id, strlen(id)) == 0) {
            found = list->approvals[i];
            count++;
        }
    if (count == 1)
        return found;
    *ret_r = report_fail(REPORT_NOT_FOUND, "roost approve",
                         count ? "%s: several acts begin with this"
                               : "%s: no act waits under this id: it was decided, has "
                                 "lapsed, or is not for you",
                         id);
    return NULL;
}

/* What is decided, on the terminal of whoever decides. */
static void show(const struct cli *cli, const Roost__V1__Approval *item) {
    auto_(mem_freep) char *needs = needs_of(item);
    struct buf out = { 0 };

    if (cli->json || cli->quiet)
        return;
    buf_printf(&out, "node     ");
    text_add_clean(&out, item->node);
    buf_printf(&out, "\nmethod   ");
    text_add_clean(&out, item->method);
    buf_printf(&out, "\nrequest  ");
    text_add_clean(&out, item->request_json);
    buf_printf(&out, "\nasked by ");
    text_add_clean(&out, item->asked_by);
    buf_printf(&out, "\nneeds    %s\n", needs);
    fwrite(out.data, 1, out.len, stderr);
    buf_done(&out);
}

static int ask_challenge(struct cli *cli,
                         const Roost__V1__Approval *item,
                         ProtobufCMessage **ret_reply) {
    Roost__V1__ChallengeRequest request = ROOST__V1__CHALLENGE_REQUEST__INIT;
    struct session_ask ask = {
        .node = item->node,
        .method = "/roost.v1.Acts/Challenge",
        .request = &request.base,
        .reply_type = &roost__v1__challenge_response__descriptor,
    };

    request.method = item->method;
    return hub_call(cli, item->node, ask, ret_reply);
}

/* Signs the exact bytes with the key of this machine. */
static int sign(struct cli *cli,
                const Roost__V1__Approval *item,
                struct buf *ret_packed) {
    const struct sign_question question = {
        .hub = cli->profile->hub,
        .node = item->node,
        .method = item->method,
        .request = slice_of(item->request.data, item->request.len),
    };
    ProtobufCMessage *challenge;
    struct sign_key key;
    char *value = NULL;

    int r = sign_load(&key);
    if (r != 0)
        return report_fail(REPORT_DENIED, NULL, "%s: %s", item->node, sign_error_text(r));
    r = ask_challenge(cli, item, &challenge);
    if (r != 0) {
        mem_wipe(&key, sizeof(key));
        return r;
    }
    r = sign_act(&key, &question, (const Roost__V1__ChallengeResponse *)challenge,
                 &value);
    mem_wipe(&key, sizeof(key));
    pb_free(challenge);
    if (r == 0)
        r = base64_decode_any(ret_packed, slice_of_text(value));
    else
        r = report_fail(REPORT_DENIED, NULL, "%s: %s", item->node, sign_error_text(r));
    free(value);
    return r;
}

static int send_decision(struct cli *cli,
                         const Roost__V1__Approval *item,
                         const char *method,
                         const ProtobufCMessage *request) {
    struct session_ask ask = {
        .method = method,
        .request = request,
        .reply_type = &roost__v1__approval__descriptor,
    };
    ProtobufCMessage *reply;

    int r = hub_call(cli, item->id, ask, &reply);
    if (r != 0)
        return r;
    if (cli->json)
        r = output_message(reply, true);
    else if (!cli->quiet)
        print_line((const Roost__V1__Approval *)reply);
    pb_free(reply);
    return r;
}

static int approve(struct cli *cli, const Roost__V1__Approval *item) {
    Roost__V1__ApproveRequest request = ROOST__V1__APPROVE_REQUEST__INIT;
    const char *names[] = { item->node };
    struct buf packed = { 0 };

    show(cli, item);
    auto_(mem_freep) char *act =
        mem_printf("let %s go on on", short_method(item->method));
    int r = cli_confirm(cli, act, names, 1);
    if (r == 0 && item->needs_signature)
        r = sign(cli, item, &packed);
    if (r == 0) {
        request.id = item->id;
        request.operator_signature.data = packed.data;
        request.operator_signature.len = packed.len;
        r = send_decision(cli, item, "/roost.v1.Approvals/Approve", &request.base);
    }
    buf_done(&packed);
    return r;
}

static int reject(struct cli *cli, const Roost__V1__Approval *item) {
    Roost__V1__RejectRequest request = ROOST__V1__REJECT_REQUEST__INIT;
    const char *reason = args_value(cli->args, "reason");

    request.id = item->id;
    request.reason = pb_lend(reason);
    return send_decision(cli, item, "/roost.v1.Approvals/Reject", &request.base);
}

static int run(struct cli *cli) {
    const char *id = args_at(cli->args, 0);
    ProtobufCMessage *reply;

    if (!id)
        return args_has(cli->args, "follow") ? run_follow(cli)
                                             : named_list(cli, &approvals);
    int r = named_ask(cli, &approvals, &reply);
    if (r != 0)
        return r;
    const Roost__V1__Approval *item =
        find((const Roost__V1__ListApprovalsResponse *)reply, id, &r);
    if (item)
        r = args_has(cli->args, "reject") ? reject(cli, item) : approve(cli, item);
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "reject", 0, NULL, "say no" },
    { "reason", 0, "TEXT", "why not, for whoever asked" },
    { "follow", 'f', NULL, "without an ID: go on with what comes and is decided" },
    { "yes", 'y', NULL, "do not ask" },
    { "names", 0, NULL, NULL },
    { 0 },
};

static const char *const examples[] = {
    "roost approve",
    "what waits for somebody's word",
    "roost approve 3f2a",
    "shows what it is, and lets it go on; signs it, if the node wants that",
    "roost approve 3f2a --reject --reason 'not today'",
    "says no",
    NULL,
};

const struct command cmd_approve = {
    .name = "approve",
    .alias = "approvals",
    .usage = "[ID]",
    .summary = "let an act that waits go on, or reject it",
    .details =
        "Harmful acts on nodes with a tag of [approvals] in the hub's roost.conf wait\n"
        "until a second person with the role on the node agrees. Acts that a node wants\n"
        "signed wait for an operator's signature, made with the key of this machine\n"
        "(roost key). What nobody decides lapses after 15 minutes.",
    .examples = examples,
    .options = options,
    .most = 1,
    .operands = "approval",
    .run = run,
};
