#include "cli/call_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/reflect.h"
#include "cli/session.h"
#include "cli/yaml.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

enum { WAITING_MAX = 65536 }; /* bytes under way before the input is paused */

struct running {
    const struct call_run *run; /* borrowed: the caller */
    struct client_call *client; /* owned; NULL when it has ended */
    struct input *input;        /* owned */
    size_t sent;
    size_t printed;
    enum grpc_status status;
    char *message; /* owned */
    int code;      /* of a failure on our side; 0: none */
    bool half_closed;
    bool done;
};

static void finish(struct running *running) {
    running->done = true;
    loop_stop(cli_loop(running->run->cli));
}

static void abandon(struct running *running, int code) {
    running->code = code;
    running->client = client_cancel(running->client);
    finish(running);
}

static void print_fields(const char *title, const struct headers *headers) {
    for (size_t i = 0; i < headers->count; i++)
        report_note("%s %s: %s", title, headers->fields[i].name,
                    headers->fields[i].value);
}

static void on_head(void *user, const struct headers *head) {
    struct running *running = user;

    if (running->run->cli->verbose > 0)
        print_fields("<", head);
}

static int print_text(struct running *running, const struct buf *json) {
    bool is_stream = running->run->method->server_streaming;
    struct buf out = { 0 };

    if (!running->run->yaml) {
        fwrite(json->data, 1, json->len, stdout);
        putchar('\n');
        return 0;
    }
    if (is_stream)
        buf_add_text(&out, "---\n");
    yaml_add_json(&out, buf_slice(json));
    fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    return 0;
}

static int print_message(struct running *running, struct slice bytes) {
    const struct pbjson_style style = {
        .pretty = !running->run->method->server_streaming && !running->run->yaml,
    };
    ProtobufCMessage *message;
    struct buf json = { 0 };
    char *why = NULL;

    if (pb_unpack(running->run->method->output, bytes, &message) != 0)
        return report_fail(REPORT_CALL + GRPC_INTERNAL, NULL, "%s: the reply is no %s",
                           running->run->path, running->run->method->output->name);
    int r = pbjson_write(&json, message, &style, &why);
    if (r == 0)
        print_text(running, &json);
    else
        r = report_fail(REPORT_CALL + GRPC_INTERNAL, NULL,
                        "%s: the reply has no JSON "
                        "form: %s",
                        running->run->path, why ? why : "");
    free(why);
    buf_done(&json);
    pb_free(message);
    return r;
}

static void on_message(void *user, struct slice bytes) {
    struct running *running = user;

    if (running->done)
        return;
    int r = print_message(running, bytes);
    running->printed++;
    if (r != 0 || report_is_output_over())
        abandon(running, r);
}

static void on_room(void *user) {
    struct running *running = user;

    if (running->input && !running->half_closed)
        input_pause(running->input, false);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct running *running = user;

    if (running->run->cli->verbose > 0)
        print_fields("<", trailers);
    running->client = NULL;
    running->status = status;
    running->message = mem_strdup(message ? message : "");
    finish(running);
}

static void send_object(struct running *running, struct slice object) {
    ProtobufCMessage *message;
    char *why = NULL;

    if (pbjson_read(running->run->method->input, object, &message, &why) != 0) {
        int r = report_fail(REPORT_USAGE, "the same with --describe", "request %zu: %s",
                            running->sent + 1, why ? why : "not the JSON of this type");
        free(why);
        abandon(running, r);
        return;
    }
    client_send(running->client, message);
    pb_free(message);
    running->sent++;
    if (client_waiting(running->client) > WAITING_MAX)
        input_pause(running->input, true);
}

static void half_close(struct running *running) {
    if (running->half_closed || !running->client)
        return;
    running->half_closed = true;
    client_end(running->client);
}

static void on_object(void *user, struct slice object) {
    struct running *running = user;

    if (running->done || !running->client)
        return;
    if (running->sent > 0 && !running->run->method->client_streaming)
        abandon(running,
                report_fail(REPORT_USAGE, NULL, "%s: takes one request, and more came",
                            running->run->path));
    else
        send_object(running, object);
}

static void on_input_end(void *user, const char *why) {
    struct running *running = user;

    if (running->done)
        return;
    if (why) {
        abandon(running, report_fail(REPORT_USAGE, NULL, "request: %s", why));
        return;
    }
    if (running->sent == 0 && !running->run->method->client_streaming && running->client)
        send_object(running, slice_of_text("{}"));
    half_close(running);
}

static int open_input(struct running *running) {
    static const struct input_events events = {
        .on_object = on_object,
        .on_end = on_input_end,
    };
    const struct call_run *run = running->run;
    struct loop *loop = cli_loop(run->cli);

    if (run->json) {
        running->input = input_new_text(loop, run->json, &events, running);
        return 0;
    }
    int r = input_new_file(loop, run->file, &events, running, &running->input);
    if (r < 0)
        return report_fail(REPORT_FAILED, NULL, "%s: %s", run->file, strerror(-r));
    return 0;
}

static void start(struct running *running) {
    static const struct client_events events = {
        .on_head = on_head,
        .on_message = on_message,
        .on_room = on_room,
        .on_done = on_done,
    };
    const struct call_run *run = running->run;
    struct session *session = run->cli->session;
    struct headers metadata;

    session_metadata(session, run->node, &metadata);
    if (headers_get(run->metadata, "authorization")) /* the back end's, not the hub's */
        headers_remove(&metadata, "authorization");
    headers_add_all(&metadata, run->metadata);
    struct client_request request = {
        .method = run->path,
        .metadata = &metadata,
        .timeout_ms = run->deadline_ms,
        .message_max = 64 << 20,
    };
    if (run->cli->verbose > 0)
        print_fields(">", run->metadata);
    running->client = client_start(session_loop(session), session_target(session),
                                   &request, &events, running);
    headers_done(&metadata);
}

static int outcome(const struct running *running) {
    const struct call_run *run = running->run;

    if (running->code != 0 || !running->message) /* ours, or nobody reads any more */
        return running->code;
    if (running->status == GRPC_OK)
        return REPORT_OK;
    auto_(mem_freep) char *what =
        mem_printf("%s %s", run->node ? run->node : "hub", run->path + 1);
    return reflect_fail(run->cli, what, running->status, running->message);
}

int call_run(const struct call_run *run) {
    struct running running = { .run = run };

    int r = open_input(&running);
    if (r != 0)
        return r;
    start(&running);
    session_wait(run->cli->session, &running.done);
    input_free(running.input);
    r = outcome(&running);
    free(running.message);
    return r;
}
