#include "cli/nodes/node_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/nodes/node_cells.h"
#include "cli/output.h"
#include "cli/terminal/units.h"
#include "roost/v1/host.pb-c.h"

enum { DESCRIBE_MS = 2000 }; /* a host that hangs must not hide what the hub knows */

/* What the node says of itself; NULL when it is away or says nothing. */
static Roost__V1__HostDescription *describe(struct cli *cli,
                                            const Roost__V1__Node *node) {
    Roost__V1__DescribeRequest request = ROOST__V1__DESCRIBE_REQUEST__INIT;
    struct session_answer answer;
    struct session_ask ask = {
        .node = node->name,
        .method = "/roost.v1.Host/Describe",
        .request = &request.base,
        .reply_type = &roost__v1__host_description__descriptor,
        .timeout_ms = DESCRIBE_MS,
    };

    if (node->state != ROOST__V1__NODE_STATE__ONLINE ||
        node->kind != ROOST__V1__NODE_KIND__AGENT || session_is_lost(cli->session))
        return NULL;
    session_call(cli->session, &ask, &answer);
    Roost__V1__HostDescription *description =
        (Roost__V1__HostDescription *)TAKE(answer.reply);
    if (!description)
        report_note("%s says nothing of itself: %s", node->name, answer.message);
    session_answer_done(&answer);
    return description;
}

/* Appends the text with its lines moved to the right; JSON strings hold no newlines. */
static void add_indented(struct buf *out, struct buf *text, const char *indent) {
    for (size_t i = 0; i < text->len; i++) {
        buf_add_byte(out, text->data[i]);
        if (text->data[i] == '\n')
            buf_add_text(out, indent);
    }
}

static void drop_end(struct buf *out, char last) {
    while (out->len > 0 &&
           (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == ' '))
        out->len--;
    if (out->len > 0 && out->data[out->len - 1] == (uint8_t)last)
        out->len--;
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->len--;
}

/* The node's own JSON with one more member. */
static int add_json(struct cli *cli, const Roost__V1__Node *node, struct buf *out) {
    Roost__V1__HostDescription *description = describe(cli, node);
    struct buf inner = { 0 };

    int r = output_add_message(out, &node->base, true);
    if (r == 0 && description) {
        r = output_add_message(&inner, &description->base, true);
        drop_end(&inner, '\n');
        drop_end(out, '}');
        buf_add_text(out, ",\n  \"description\": ");
        add_indented(out, &inner, "  ");
        buf_add_text(out, "\n}");
    }
    buf_done(&inner);
    pb_free(description ? &description->base : NULL);
    return r;
}

static int show_json(struct cli *cli, const Roost__V1__ListNodesResponse *list) {
    struct buf out = { 0 };
    bool is_array = list->n_nodes > 1;
    int r = 0;

    buf_add_text(&out, is_array ? "[\n" : "");
    for (size_t i = 0; i < list->n_nodes && r == 0; i++) {
        buf_add_text(&out, i ? ",\n" : "");
        r = add_json(cli, list->nodes[i], &out);
    }
    buf_add_text(&out, is_array ? "\n]\n" : "\n");
    if (r == 0)
        fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return r;
}

static void add(struct table *table, const char *key, const char *value) {
    if (!value || *value == '\0')
        return;
    table_cell(table, TERMINAL_DIM, key);
    table_cell(table, TERMINAL_PLAIN, value);
}

static void add_time(struct table *table,
                     const char *key,
                     const Google__Protobuf__Timestamp *time) {
    int64_t at_ms = node_cells_time_ms(time);
    char text[CLOCK_TEXT_LEN];
    char ago[UNITS_LEN];

    if (at_ms <= 0)
        return;
    clock_print(at_ms, text);
    units_ago(at_ms, clock_wall_ms(), ago);
    table_cell(table, TERMINAL_DIM, key);
    table_printf(table, TERMINAL_PLAIN, "%s (%s)", text, ago);
}

static void add_words(struct table *table, const char *key, char **words, size_t count) {
    struct buf out = { 0 };

    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i ? ", " : "", words[i]);
    add(table, key, buf_text(&out));
    buf_done(&out);
}

/* One line a service; who serves it, where that is not the node itself. */
static void add_services(struct table *table, const Roost__V1__Node *node) {
    for (size_t i = 0; i < node->n_services; i++) {
        const Roost__V1__NodeService *service = node->services[i];
        bool is_any = strcmp(service->name, "*") == 0;
        table_cell(table, TERMINAL_DIM, i == 0 ? "serves" : "");
        table_printf(table, TERMINAL_PLAIN, "%s%s%s%s",
                     is_any ? "any other service" : service->name,
                     service->back_end[0] ? " (back end " : "", service->back_end,
                     service->back_end[0] ? ")" : "");
    }
}

static void add_node(struct table *table,
                     const struct terminal *terminal,
                     const Roost__V1__Node *node) {
    bool is_online = node->state == ROOST__V1__NODE_STATE__ONLINE;
    auto_(mem_freep) char *tags = node_cells_tags(node);

    table_cell(table, TERMINAL_DIM, "name");
    table_cell(table, TERMINAL_BOLD, node->name);
    add(table, "title", node->title);
    table_cell(table, TERMINAL_DIM, "state");
    node_cells_add_state(table, terminal, is_online, is_online ? "online" : "offline");
    add_time(table, is_online ? "since" : "last seen",
             is_online ? node->online_since : node->last_seen);
    add(table, "kind", node_cells_kind(node->kind));
    add(table, "tags", tags);
    add(table, "address", node->address);
    add(table, "link", node->transport);
    add(table, "version", node->version);
    add_words(table, "allows", node->capabilities, node->n_capabilities);
    add_words(table, "networks", node->networks, node->n_networks);
    add_services(table, node);
    add_time(table, "known since", node->created);
}

static void add_description(struct table *table, const Roost__V1__HostDescription *host) {
    char memory[UNITS_LEN];
    struct buf cpu = { 0 };

    add(table, "host", host->hostname);
    add(table, "system", host->os_release);
    add(table, "kernel", host->kernel);
    add(table, "hardware", host->hardware);
    if (host->cpu_count > 0)
        buf_printf(&cpu, "%u x %s", host->cpu_count,
                   *host->cpu_model ? host->cpu_model : host->architecture);
    add(table, "cpu", buf_text(&cpu));
    units_bytes((double)host->memory_bytes, memory);
    add(table, "memory", host->memory_bytes > 0 ? memory : NULL);
    add_words(table, "gpu", host->gpus, host->n_gpus);
    add(table, "virtual", host->virtualization);
    add_time(table, "booted", host->boot_time);
    add(table, "agent runs as", host->user);
    buf_done(&cpu);
}

static void show_text(struct cli *cli, const Roost__V1__Node *node) {
    Roost__V1__HostDescription *host = describe(cli, node);
    struct table *table = table_new();

    table_column(table, "", TABLE_LEFT);
    table_column(table, "", TABLE_FLEXIBLE);
    add_node(table, &cli->terminal, node);
    if (host)
        add_description(table, host);
    table_print(table, &cli->terminal);
    table_free(table);
    pb_free(host ? &host->base : NULL);
}

int node_show(struct cli *cli, const Roost__V1__ListNodesResponse *list) {
    if (cli->json)
        return show_json(cli, list);
    for (size_t i = 0; i < list->n_nodes; i++) {
        if (i > 0)
            putchar('\n');
        show_text(cli, list->nodes[i]);
    }
    return REPORT_OK;
}
