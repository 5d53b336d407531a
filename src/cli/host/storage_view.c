#include "cli/host/storage_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "cli/hub/session.h"
#include "cli/nodes/nodes.h"
#include "cli/output.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"
#include "cli/terminal/units.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "wire/headers.h"

/* The count of one folder. */
struct view {
    struct cli *cli;               /* borrowed: the command */
    Roost__V1__StorageUsage *last; /* owned; NULL before the first message */
    bool shows_progress;
    bool is_bad; /* what came is not what was asked for */
    bool is_done;
    enum grpc_status status;
    char *message; /* owned */
};

static void print_progress(const Roost__V1__StorageUsage *usage) {
    char bytes[UNITS_LEN];

    units_bytes((double)usage->bytes, bytes);
    fprintf(stderr, "\r\033[K%s in %" PRIu64 " files, counting", bytes, usage->files);
}

static void on_message(void *user, struct slice message) {
    struct view *view = user;
    ProtobufCMessage *usage;

    if (pb_unpack(&roost__v1__storage_usage__descriptor, message, &usage) != 0) {
        view->is_bad = true;
        return;
    }
    if (view->last)
        pb_free(&view->last->base);
    view->last = (Roost__V1__StorageUsage *)usage;
    if (view->shows_progress && !view->last->done)
        print_progress(view->last);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct view *view = user;

    view->is_done = true;
    view->status = status;
    view->message = mem_strdup(message ? message : "");
    loop_stop(cli_loop(view->cli));
}

static void ask(struct view *view,
                const char *node,
                const Roost__V1__StorageUsageRequest *request) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct session *session = view->cli->session;
    struct headers metadata;

    session_metadata(session, node, &metadata);
    struct client_request asked = {
        .method = "/roost.v1.Usage/Storage",
        .metadata = &metadata,
        .timeout_ms = view->cli->timeout_ms, /* a disk may take its time */
    };
    struct client_call *call =
        client_start(cli_loop(view->cli), session_target(session), &asked, &events, view);
    client_send(call, &request->base);
    client_end(call);
    headers_done(&metadata);
    session_wait(session, &view->is_done);
}

static void add_row(struct table *table,
                    uint64_t bytes,
                    uint64_t all,
                    const char *files,
                    const char *name) {
    char text[UNITS_LEN];

    units_bytes((double)bytes, text);
    table_cell(table, TERMINAL_PLAIN, text);
    table_printf(table, TERMINAL_DIM, "%.0f %%",
                 all > 0 ? (double)bytes * 100 / (double)all : 0);
    table_cell(table, TERMINAL_PLAIN, files);
    table_cell(table, TERMINAL_PLAIN, name);
}

static void print_entries(const struct cli *cli, const Roost__V1__StorageUsage *usage) {
    struct table *table = table_new();
    char count[24];

    table_column(table, "SIZE", TABLE_RIGHT);
    table_column(table, "", TABLE_RIGHT);
    table_column(table, "FILES", TABLE_RIGHT);
    table_column(table, "NAME", TABLE_FLEXIBLE);
    for (size_t i = 0; i < usage->n_entries; i++) {
        const Roost__V1__StorageEntry *entry = usage->entries[i];
        auto_(mem_freep) char *name =
            mem_printf("%s%s", entry->name, entry->is_folder ? "/" : "");
        snprintf(count, sizeof(count), "%" PRIu64, entry->files);
        add_row(table, entry->bytes, usage->bytes, entry->is_folder ? count : "", name);
    }
    if (usage->other_bytes > 0)
        add_row(table, usage->other_bytes, usage->bytes, "", "(all others)");
    snprintf(count, sizeof(count), "%" PRIu64, usage->files);
    add_row(table, usage->bytes, usage->bytes, count, usage->path);
    table_print(table, &cli->terminal);
    table_free(table);
}

static void print_notes(const Roost__V1__StorageUsage *usage) {
    if (usage->unreadable > 0)
        report_note("%" PRIu64 " folders could not be read by the agent's user",
                    usage->unreadable);
    if (usage->skipped_mounts > 0)
        report_note("%u other file systems below are not counted", usage->skipped_mounts);
    if (usage->unsure > 0)
        report_note("up to %" PRIu64 " names of files may have been counted twice",
                    usage->unsure);
}

static int show(const struct view *view, const char *node) {
    const struct cli *cli = view->cli;
    const Roost__V1__StorageUsage *usage = view->last;

    if (view->status != GRPC_OK)
        return hub_report_call(view->cli, node, view->status, view->message);
    if (view->is_bad || !usage || !usage->done)
        return hub_report_call(view->cli, node, GRPC_INTERNAL,
                               "the reply is not what was asked for");
    if (cli->json)
        return output_message(&usage->base, true);
    print_entries(cli, usage);
    if (!cli->quiet)
        print_notes(usage);
    return REPORT_OK;
}

int storage_view_run(struct cli *cli,
                     const char *node,
                     const Roost__V1__StorageUsageRequest *request) {
    struct view view = {
        .cli = cli,
        .shows_progress = isatty(STDERR_FILENO) && !cli->quiet && !cli->json,
    };
    char *name;

    int r = nodes_one(cli, node, "usage", &name);
    if (r != 0)
        return r;
    ask(&view, name, request);
    if (view.shows_progress)
        fputs("\r\033[K", stderr);
    r = show(&view, name);
    if (view.last)
        pb_free(&view.last->base);
    free(view.message);
    free(name);
    return r;
}
