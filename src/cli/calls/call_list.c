#include "cli/calls/call_list.h"

#include <stdio.h>

#include "base/buf.h"
#include "cli/calls/callee.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/terminal/table.h"

struct listing {
    struct table *table; /* owned */
    struct buf json;
};

static const char *kind_of(const struct schema_method *method) {
    if (method->client_streaming)
        return method->server_streaming ? "both ways" : "client stream";
    return method->server_streaming ? "server stream" : "unary";
}

static void add_method(struct buf *out, const struct schema_method *method) {
    buf_add_text(out, "{\"name\": ");
    output_add_string(out, method->name);
    buf_add_text(out, ", \"request\": ");
    output_add_string(out, method->input->name);
    buf_add_text(out, ", \"response\": ");
    output_add_string(out, method->output->name);
    buf_printf(out, ", \"clientStreaming\": %s, \"serverStreaming\": %s}",
               method->client_streaming ? "true" : "false",
               method->server_streaming ? "true" : "false");
}

static void add_json(struct buf *out, const struct schema_service *service) {
    buf_add_text(out, out->len ? ",\n  " : "\n  ");
    buf_add_text(out, "{\"name\": ");
    output_add_string(out, service->name);
    buf_add_text(out, ", \"methods\": [");
    for (size_t i = 0; i < service->method_count; i++) {
        buf_add_text(out, i ? ",\n    " : "\n    ");
        add_method(out, &service->methods[i]);
    }
    buf_add_text(out, service->method_count ? "\n  ]}" : "]}");
}

static void add_rows(struct table *table, const struct schema_service *service) {
    for (size_t i = 0; i < service->method_count; i++) {
        const struct schema_method *method = &service->methods[i];
        table_printf(table, TERMINAL_BOLD, "%s/%s", service->name, method->name);
        table_printf(table, TERMINAL_DIM, "%s", kind_of(method));
        table_printf(table, TERMINAL_DIM, "%s -> %s", method->input->name,
                     method->output->name);
    }
}

static void add(void *arg, const struct schema_service *service) {
    struct listing *listing = arg;

    add_json(&listing->json, service);
    add_rows(listing->table, service);
}

int call_list(struct callee *callee) {
    struct listing listing = { .table = table_new() };
    const struct cli *cli = callee->cli;

    table_column(listing.table, "METHOD", TABLE_LEFT);
    table_column(listing.table, "KIND", TABLE_LEFT);
    table_column(listing.table, "TYPES", TABLE_FLEXIBLE);
    int r = callee_each(callee, add, &listing);
    if (cli->json && (r == 0 || listing.json.len > 0))
        printf("{\"services\": [%s%s]}\n", buf_text(&listing.json),
               listing.json.len ? "\n" : "");
    else if (table_row_count(listing.table) > 0)
        table_print(listing.table, &cli->terminal);
    table_free(listing.table);
    buf_done(&listing.json);
    return r;
}

static void add_names(void *arg, const struct schema_service *service) {
    for (size_t i = 0; i < service->method_count; i++)
        buf_printf(arg, "%s/%s\n", service->name, service->methods[i].name);
}

int call_list_names(struct callee *callee, struct buf *out) {
    return callee_each(callee, add_names, out);
}
