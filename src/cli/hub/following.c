#include "cli/hub/following.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/hub.h"
#include "loop/loop.h"
#include "rpc/client.h"

struct following {
    struct cli *cli;                       /* borrowed: the caller */
    const struct following_config *config; /* borrowed: the caller's */
    enum grpc_status status;
    char *message; /* owned; NULL: it has not ended */
    int code;
    bool done;
};

static void finish(struct following *following) {
    following->done = true;
    loop_stop(cli_loop(following->cli));
}

static void on_message(void *user, struct slice bytes) {
    struct following *following = user;
    const struct following_config *config = following->config;
    ProtobufCMessage *message;

    if (following->done || pb_unpack(config->type, bytes, &message) != 0)
        return;
    following->code = config->show(config->arg, message);
    pb_free(message);
    if (report_is_output_over() || following->code != 0)
        finish(following);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct following *following = user;

    (void)trailers;
    following->status = status;
    following->message = mem_strdup(message ? message : "");
    finish(following);
}

int following_run(struct cli *cli, const struct following_config *config) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    struct following following = { .cli = cli, .config = config };
    struct headers metadata;
    int r = REPORT_OK;

    session_metadata(cli->session, NULL, &metadata);
    struct client_request request = {
        .method = config->method,
        .metadata = &metadata,
        .timeout_ms = cli->timeout_ms,
    };
    fflush(stdout);
    struct client_call *client = client_start(cli_loop(cli), session_target(cli->session),
                                              &request, &events, &following);
    client_send(client, config->request);
    client_end(client);
    session_wait(cli->session, &following.done);
    headers_done(&metadata);
    if (!following.message) {
        client_cancel(client);
        return following.code;
    }
    if (following.status != GRPC_OK)
        r = hub_report_call(cli, config->name, following.status, following.message);
    free(following.message);
    return r;
}
