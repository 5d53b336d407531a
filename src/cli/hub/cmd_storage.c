#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/units.h"
#include "cli/terminal/when.h"
#include "roost/v1/admin.pb-c.h"

/* Bytes of samples a value takes; nothing without values. */
static void add_density(struct table *table, uint64_t bytes, uint64_t values) {
    if (values == 0)
        table_cell(table, TERMINAL_PLAIN, "");
    else
        table_printf(table, TERMINAL_PLAIN, "%.2f", (double)bytes / (double)values);
}

static void add_bytes(struct table *table, uint64_t bytes) {
    char text[UNITS_LEN];
    units_bytes((double)bytes, text);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void add_tier(struct table *table,
                     const char *node,
                     const Roost__V1__TierStorage *tier) {
    char when[WHEN_LEN] = "";

    if (tier->oldest_ms != 0)
        when_print(tier->oldest_ms, false, when);
    table_cell(table, TERMINAL_BOLD, node);
    table_cell(table, TERMINAL_PLAIN, tier->tier);
    add_bytes(table, tier->bytes);
    table_printf(table, TERMINAL_PLAIN, "%llu", (unsigned long long)tier->rows);
    table_printf(table, TERMINAL_PLAIN, "%llu", (unsigned long long)tier->values);
    add_density(table, tier->bytes, tier->values);
    table_cell(table, TERMINAL_DIM, when);
}

static void add_up(Roost__V1__TierStorage *sum, const Roost__V1__TierStorage *tier) {
    sum->bytes += tier->bytes;
    sum->rows += tier->rows;
    sum->values += tier->values;
    if (tier->oldest_ms != 0 && (sum->oldest_ms == 0 || tier->oldest_ms < sum->oldest_ms))
        sum->oldest_ms = tier->oldest_ms;
}

static void add_node(struct table *table,
                     const Roost__V1__NodeStorage *node,
                     Roost__V1__TierStorage *all) {
    Roost__V1__TierStorage sum = ROOST__V1__TIER_STORAGE__INIT;

    for (size_t i = 0; i < node->n_tiers; i++) {
        const Roost__V1__TierStorage *tier = node->tiers[i];
        if (tier->rows > 0 || tier->bytes > 0)
            add_tier(table, sum.rows == 0 ? node->node : "", tier);
        add_up(&sum, tier);
    }
    if (sum.rows == 0)
        add_tier(table, node->node, &sum);
    add_up(all, &sum);
}

static void print_table(const struct cli *cli,
                        const Roost__V1__StorageResponse *storage) {
    struct table *table = table_new();
    Roost__V1__TierStorage all = ROOST__V1__TIER_STORAGE__INIT;

    table_column(table, "NODE", TABLE_FLEXIBLE);
    table_column(table, "TIER", TABLE_LEFT);
    table_column(table, "SIZE", TABLE_RIGHT);
    table_column(table, "ROWS", TABLE_RIGHT);
    table_column(table, "VALUES", TABLE_RIGHT);
    table_column(table, "B/VALUE", TABLE_RIGHT);
    table_column(table, "SINCE", TABLE_LEFT);
    for (size_t i = 0; i < storage->n_nodes; i++)
        add_node(table, storage->nodes[i], &all);
    if (storage->n_nodes > 1)
        add_tier(table, "all", &all);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void print_row(struct table *table, const char *what, const char *text) {
    table_cell(table, TERMINAL_DIM, what);
    table_cell(table, TERMINAL_PLAIN, text);
}

static void print_bytes(struct table *table, const char *what, uint64_t bytes) {
    char text[UNITS_LEN];
    units_bytes((double)bytes, text);
    print_row(table, what, text);
}

static void print_lost(struct table *table, const Roost__V1__StorageResponse *storage) {
    uint64_t lost = 0;
    char text[UNITS_LEN];

    for (size_t i = 0; i < storage->n_nodes; i++)
        lost += storage->nodes[i]->lost;
    snprintf(text, sizeof(text), "%llu samples", (unsigned long long)lost);
    if (lost > 0)
        print_row(table, "lost by full spools", text);
}

static void retention_text(uint64_t seconds, char ret_text[static UNITS_LEN]) {
    static const uint64_t year = 365 * 86400;

    if (seconds == 0)
        snprintf(ret_text, UNITS_LEN, "for ever");
    else if (seconds % year == 0)
        snprintf(ret_text, UNITS_LEN, "%llu y", (unsigned long long)(seconds / year));
    else
        units_duration((double)seconds, ret_text);
}

static void print_kept(struct table *table, const Roost__V1__StorageResponse *storage) {
    static const char *const tiers[] = { "raw", "1m", "15m", "2h" };
    struct buf kept = { 0 };

    for (size_t i = 0; i < 4; i++)
        for (size_t at = 0; at < storage->n_retention; at++) {
            char text[UNITS_LEN];
            if (strcmp(storage->retention[at]->key, tiers[i]) != 0)
                continue;
            retention_text(storage->retention[at]->value, text);
            buf_printf(&kept, "%s%s %s", kept.len > 0 ? ", " : "", tiers[i], text);
        }
    print_row(table, "kept", buf_text(&kept));
    buf_done(&kept);
}

static void print_sums(const struct cli *cli, const Roost__V1__StorageResponse *storage) {
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_LEFT);
    print_bytes(table, "on disk", storage->bytes);
    print_bytes(table, "not compacted yet", storage->journal_bytes);
    print_bytes(table, "free on the disk", storage->free_bytes);
    print_lost(table, storage);
    print_kept(table, storage);
    if (*storage->trouble) {
        table_cell(table, TERMINAL_RED, "nothing is kept");
        table_cell(table, TERMINAL_RED, storage->trouble);
    }
    putchar('\n');
    table_print(table, &cli->terminal);
    table_free(table);
}

static int run(struct cli *cli) {
    auto_(mem_freep) char *selection = cli_selection(cli, 0);
    Roost__V1__StorageRequest request = ROOST__V1__STORAGE_REQUEST__INIT;
    struct session_ask ask = {
        .method = "/roost.v1.Admin/Storage",
        .request = &request.base,
        .reply_type = &roost__v1__storage_response__descriptor,
    };
    ProtobufCMessage *reply;

    request.select = selection;
    int r = hub_call(cli, *selection ? selection : "storage", ask, &reply);
    if (r != 0)
        return r;
    if (cli->json) {
        r = output_message(reply, true);
    } else {
        print_table(cli, (const Roost__V1__StorageResponse *)reply);
        print_sums(cli, (const Roost__V1__StorageResponse *)reply);
    }
    pb_free(reply);
    return r;
}

static const char *const examples[] = {
    "roost storage",
    "what the samples of every node take",
    "roost storage pi --json | jq .nodes[0].bytes",
    "one of them, for a script",
    NULL,
};

const struct command cmd_storage = {
    .name = "storage",
    .usage = "[NODE...]",
    .summary = "show what the samples take on the hub's disk",
    .details =
        "Raw samples are kept as they came; of each minute, quarter of an hour and two\n"
        "hours the mean, least and greatest value are kept for longer: [store] in\n"
        "roost.conf says how long.",
    .examples = examples,
    .most = COMMAND_ANY,
    .operands = "node",
    .run = run,
};
