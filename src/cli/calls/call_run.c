#include "cli/calls/call_run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/calls/call_details.h"
#include "cli/calls/callee.h"
#include "cli/calls/input.h"
#include "cli/calls/reflect.h"
#include "cli/cli.h"
#include "cli/hub/session.h"
#include "loop/loop.h"
#include "rpc/client.h"
#include "wire/pb.h"

enum {
    WAITING_MAX = 65536, /* bytes under way before the input is paused */
    FILE_MAX = 16 << 20, /* as of a JSON object in cli/calls/input.c */
};

struct running {
    const struct call_run *run; /* borrowed: the caller */
    struct client_call *client; /* owned; NULL when it has ended */
    struct input *input;        /* owned */
    struct loop_signal *signal; /* owned; of an interrupt */
    struct headers trailers;
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

static struct pbjson_types types_of(const struct call_run *run) {
    return (struct pbjson_types) {
        .find = call_details_find,
        .arg = (void *)(uintptr_t)run->callee,
    };
}

static int print_message(struct running *running, struct slice bytes) {
    const struct call_run *run = running->run;
    const struct form_style style = {
        .form = run->form,
        .is_stream = run->method->server_streaming,
        .older = run->older,
        .types = types_of(run),
    };
    ProtobufCMessage *message;
    struct buf out = { 0 };
    char *why = NULL;

    if (pb_unpack(run->method->output, bytes, &message) != 0)
        return report_fail(REPORT_CALL + GRPC_INTERNAL, NULL, "%s: the reply is no %s",
                           run->path + 1, run->method->output->name);
    int r = form_add(&out, message, &style, &why);
    if (r == 0)
        fwrite(out.data, 1, out.len, stdout);
    else
        r = report_fail(REPORT_CALL + GRPC_INTERNAL, NULL,
                        "%s: the reply has no JSON form: %s", run->path + 1,
                        why ? why : "");
    free(why);
    buf_done(&out);
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
    headers_add_all(&running->trailers, trailers);
    finish(running);
}

static void on_interrupt(void *user, int signo) {
    struct running *running = user;

    (void)signo;
    if (running->done)
        return;
    abandon(running, report_fail(REPORT_CALL + GRPC_CANCELLED, NULL,
                                 "%s: CANCELLED: interrupted", running->run->path + 1));
}

static void send_object(struct running *running, struct slice object) {
    ProtobufCMessage *message;
    const struct pbjson_types types = types_of(running->run);
    char *why = NULL;

    if (pbjson_read_with(running->run->method->input, object, &types, &message, &why) !=
        0) {
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
                            running->run->path + 1));
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

/* A file of YAML or XML is read as a whole. */
static int open_other(struct running *running, const struct input_events *events) {
    const struct call_run *run = running->run;
    struct buf text = { 0 };
    struct buf json = { 0 };
    char *why = NULL;

    int r = file_read(run->file, FILE_MAX, &text);
    if (r < 0)
        r = report_fail(REPORT_FAILED, NULL, "%s: %s", run->file, strerror(-r));
    else if (form_read(&json, run->method->input, form_of_file(run->file),
                       buf_slice(&text), &why) != 0)
        r = report_fail(REPORT_USAGE, NULL, "%s: %s", run->file, why);
    else
        running->input =
            input_new_text(cli_loop(run->cli), buf_text(&json), events, running);
    free(why);
    buf_done(&text);
    buf_done(&json);
    return r;
}

static int open_input(struct running *running) {
    static const struct input_events events = {
        .on_object = on_object,
        .on_end = on_input_end,
    };
    const struct call_run *run = running->run;
    struct loop *loop = cli_loop(run->cli);

    if (!run->json && form_of_file(run->file) != FORM_JSON)
        return open_other(running, &events);
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
    if (run->metadata) {
        /* The back end's, not the hub's. */
        if (headers_get(run->metadata, "authorization"))
            headers_remove(&metadata, "authorization");
        headers_add_all(&metadata, run->metadata);
    }
    struct client_request request = {
        .method = run->path,
        .metadata = &metadata,
        .timeout_ms = run->deadline_ms,
        .message_max = run->message_max,
    };
    if (run->cli->verbose > 0 && run->metadata)
        print_fields(">", run->metadata);
    running->signal = loop_signal_new(cli_loop(run->cli), SIGINT, on_interrupt, running);
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
    int code = reflect_fail(run->cli, run->path + 1, running->status, running->message);
    call_details_tell(run->callee, &running->trailers);
    return code;
}

int call_run(const struct call_run *run) {
    struct running running = { .run = run };

    int r = open_input(&running);
    if (r != 0)
        return r;
    start(&running);
    session_wait(run->cli->session, &running.done);
    loop_settle(cli_loop(run->cli)); /* a cancelled call is told to the callee */
    loop_signal_free(running.signal);
    input_free(running.input);
    r = outcome(&running);
    headers_done(&running.trailers);
    free(running.message);
    return r;
}
