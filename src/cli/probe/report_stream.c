#include "cli/probe/report_stream.h"

#include <signal.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/session.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "wire/headers.h"

struct run {
    struct cli *cli;                    /* borrowed: the command */
    const struct report_stream *stream; /* borrowed: the caller */
    struct report_stream_end *end;      /* borrowed: the caller */
    struct client_call *call;           /* owned; NULL at its end */
    bool done;
};

static void finish(struct run *run, enum grpc_status status, const char *message) {
    if (run->done)
        return;
    run->done = true;
    run->end->status = status;
    run->end->message = mem_strdup(message ? message : "");
    loop_stop(cli_loop(run->cli));
}

static void on_message(void *user, struct slice bytes) {
    struct run *run = user;
    ProtobufCMessage *message;

    if (run->done)
        return;
    if (pb_unpack(run->stream->reply_type, bytes, &message) != 0) {
        finish(run, GRPC_INTERNAL, "the answer is not what was asked for");
        return;
    }
    if (!run->stream->on_message(run->stream->user, message))
        finish(run, GRPC_CANCELLED, "");
    pb_free(message);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct run *run = user;

    run->call = NULL;
    finish(run, status, message);
}

static void on_signal(void *arg, int signo) {
    struct run *run = arg;
    const struct report_stream *stream = run->stream;

    run->end->signo = signo;
    if (!stream->on_signal || !stream->on_signal(stream->user, signo))
        finish(run, GRPC_CANCELLED, "");
}

void report_stream_run(struct cli *cli,
                       const struct report_stream *stream,
                       struct report_stream_end *ret_end) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    static const int signals[] = { SIGINT, SIGTERM };
    struct run run = { .cli = cli, .stream = stream, .end = ret_end };
    struct loop *loop = cli_loop(cli);
    struct loop_signal *watches[2];
    struct headers metadata;

    *ret_end = (struct report_stream_end) { 0 };
    headers_init(&metadata);
    session_metadata(cli->session, stream->node, &metadata);
    struct client_request request = { .method = stream->method, .metadata = &metadata };
    run.call = client_start(loop, session_target(cli->session), &request, &events, &run);
    client_send(run.call, stream->request);
    client_end(run.call);
    headers_done(&metadata);
    for (size_t i = 0; i < 2; i++)
        watches[i] = loop_signal_new(loop, signals[i], on_signal, &run);
    session_wait(cli->session, &run.done);
    for (size_t i = 0; i < 2; i++)
        loop_signal_free(watches[i]);
    client_cancel(run.call);
}
