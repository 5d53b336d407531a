#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "roost/v1/probe.pb-c.h"

enum { CALL_MS = 120000 }; /* disks may be slow to say how they are */

static void print_concerns(const struct cli *cli, const Roost__V1__Diagnosis *diagnosis) {
    struct table *table = table_new();

    table_column(table, "SECTION", TABLE_LEFT);
    table_column(table, "ITEM", TABLE_LEFT);
    table_column(table, "CONCERN", TABLE_FLEXIBLE);
    for (size_t i = 0; i < diagnosis->n_sections; i++) {
        const Roost__V1__DiagnosisSection *section = diagnosis->sections[i];
        for (size_t at = 0; at < section->n_items; at++) {
            if (!section->items[at]->concern[0])
                continue;
            table_cell(table, TERMINAL_DIM, section->name);
            table_cell(table, TERMINAL_BOLD, section->items[at]->name);
            table_cell(table, TERMINAL_RED, section->items[at]->concern);
        }
    }
    if (table_row_count(table) > 0)
        table_print(table, &cli->terminal);
    else if (!cli->quiet)
        fprintf(stderr, "nothing is wrong as far as can be seen\n");
    table_free(table);
}

static int run(struct cli *cli) {
    Roost__V1__DiagnoseRequest request = ROOST__V1__DIAGNOSE_REQUEST__INIT;
    auto_(mem_freep) char *name = NULL;
    ProtobufCMessage *reply;

    int r = nodes_one(cli, args_at(cli->args, 0), "diagnose", &name);
    if (r != 0)
        return r;
    struct session_ask ask = {
        .node = name,
        .method = "/roost.v1.Probe/Diagnose",
        .request = &request.base,
        .reply_type = &roost__v1__diagnosis__descriptor,
        .timeout_ms = cli->timeout_ms ? cli->timeout_ms : CALL_MS,
    };
    r = hub_call(cli, name, ask, &reply);
    if (r != 0)
        return r;
    const Roost__V1__Diagnosis *diagnosis = (const Roost__V1__Diagnosis *)reply;
    if (cli->json)
        r = output_message(reply, true);
    else if (args_has(cli->args, "concerns"))
        print_concerns(cli, diagnosis);
    else
        fputs(diagnosis->text, stdout);
    pb_free(reply);
    return r;
}

static const struct args_option options[] = {
    { "concerns", 0, NULL, "only what is wrong" },
    { 0 },
};

static const char *const examples[] = {
    "roost probe diagnose pi",
    "what it is made of and how it does",
    "roost probe diagnose pi --concerns",
    "only what is wrong",
    "roost probe diagnose pi --json | jq '.sections[].items[].concern'",
    "the same for a script",
    NULL,
};

const struct command cmd_probe_diagnose = {
    .name = "diagnose",
    .usage = "NODE",
    .summary = "report a node's hardware and system, and what is wrong with them",
    .details =
        "From the kernel's own files: hardware, processors, memory, disks, arrays, file\n"
        "systems, PCI and USB devices, the network, complaints of the kernel, and of\n"
        "disks their health where smartctl is installed. For operators of the node,\n"
        "unless its policy says \"deny look diagnose\".",
    .examples = examples,
    .options = options,
    .least = 1,
    .most = 1,
    .operands = "node",
    .run = run,
};
