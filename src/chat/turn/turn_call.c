#include "chat/turn/turn_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/kept/intents.h"
#include "chat/turn/turn_private.h"
#include "chat/turn/turn_types.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "wire/signed_act.h"

enum {
    LOOK_MS = 15000,          /* people wait no longer for a look */
    ACT_MS = 60000,           /* a unit may take its time to stop */
    HELD_MS = 15 * 60 * 1000, /* somebody is asked for his word */
};

struct call_of {
    struct list node;                 /* of turn->calls */
    struct turn *turn;                /* borrowed: whose it is */
    struct turn_call_request request; /* message and bytes are not kept */
    char *node_name;                  /* owned; NULL: the hub */
    char *method;                     /* owned */
    struct buf packed; /* the request, to be said again when a signature is wanted */
    const ProtobufCMessageDescriptor *reply_type; /* borrowed: static; NULL: bytes */
    struct client_call *client;                   /* owned until its end; NULL */
    struct buf reply;                             /* of a unary call */
    unsigned replies;
    bool is_act;    /* it has an operation, so its end may be unclear */
    bool is_signed; /* it waits for a signature */
    struct timer patience;
    struct task fail; /* what cannot even begin */
    enum grpc_status status;
    const char *why; /* borrowed: static */
};

static void free_call(struct call_of *call) {
    list_remove(&call->node);
    client_cancel(call->client);
    timer_stop(&call->patience);
    loop_cancel(&call->fail);
    buf_done(&call->packed);
    buf_done(&call->reply);
    free(call->node_name);
    free(call->method);
    free(call);
}

void turn_call_end_all(struct turn *turn) {
    while (!list_is_empty(&turn->calls))
        free_call(container_of(turn->calls.next, struct call_of, node));
}

static bool is_stream(const struct turn_call_request *request) {
    return request->stream || request->bytes_stream;
}

/* Are the types of the method not needed? */
static bool is_bytes(const struct turn_call_request *request) {
    return request->on_bytes || request->bytes_stream;
}

/* Tells the command, last of all: it may end the turn. */
static void end(struct call_of *call, enum grpc_status status, const char *message) {
    struct turn *turn = call->turn;
    struct turn_call_request request = call->request;
    struct buf bytes = call->reply;
    ProtobufCMessage *reply = NULL;
    bool is_unary = !is_stream(&request);

    if (status == GRPC_OK && is_unary &&
        (call->replies != 1 ||
         (call->reply_type &&
          pb_unpack(call->reply_type, buf_slice(&bytes), &reply) != 0))) {
        status = GRPC_INTERNAL;
        message = "the reply is not what was asked for";
    }
    if (!message || message[0] == '\0')
        message = status == GRPC_OK ? "" : grpc_status_name((int)status);
    auto_(mem_freep) char *text = mem_strdup(message);
    call->reply = (struct buf) { 0 };
    free_call(call);
    if (request.stream)
        request.stream->on_end(turn, request.arg, status, text);
    else if (request.bytes_stream)
        request.bytes_stream->on_end(turn, request.arg, status, text);
    else if (request.on_bytes)
        request.on_bytes(turn, request.arg, status, text,
                         status == GRPC_OK ? buf_slice(&bytes) : slice_of(NULL, 0));
    else
        request.on_reply(turn, request.arg, status, text, reply);
    pb_free(reply);
    buf_done(&bytes);
}

static void on_fail(struct task *task) {
    struct call_of *call = container_of(task, struct call_of, fail);
    end(call, call->status, call->why);
}

static void on_impatient(struct timer *timer) {
    struct call_of *call = container_of(timer, struct call_of, patience);

    call->client = client_cancel(call->client);
    end(call, call->is_act ? GRPC_UNKNOWN : GRPC_DEADLINE_EXCEEDED,
        call->is_act ? "no answer came in time" : "the node did not answer in time");
}

static void fail_later(struct call_of *call, enum grpc_status status, const char *why) {
    call->status = status;
    call->why = why;
    call->fail.run = on_fail;
    loop_post(call->turn->chat->config.host.loop, &call->fail);
}

static void set_text(char **at, const char *text) {
    free(*at);
    *at = mem_strdup(text);
}

/* The hub holds the act until somebody says his word. */
static void tell_held(struct call_of *call, const char *id) {
    struct turn *turn = call->turn;
    struct view *view = view_new();
    auto_(mem_freep) char *line = mem_printf("roost approve %s", id);

    set_text(&turn->approval, id);
    timer_start(turn->chat->config.host.loop, &call->patience, HELD_MS);
    view_title(view, "%s", turn_say(turn, "Waiting for somebody's word"));
    view_text(view, "%s",
              call->is_signed
                  ? turn_say(turn, "This host wants an operator's signature for it. On a "
                                   "machine with the key:")
                  : turn_say(turn, "A second person must agree to it. It can be done "
                                   "here by an owner, or with:"));
    view_code(view, line);
    turn_progress(turn, view);
}

static void on_head(void *user, const struct headers *head) {
    struct call_of *call = user;
    const char *id = headers_get(head, "roost-approval");

    if (id)
        tell_held(call, id);
}

/* The command gets a message: false when it wants no more. */
static bool give(struct call_of *call, struct slice bytes, bool *ret_is_bad) {
    struct turn_call_request request = call->request;
    struct turn *turn = call->turn;
    ProtobufCMessage *message = NULL;
    bool goes_on = true;

    if (request.bytes_stream)
        return request.bytes_stream->on_message(turn, request.arg, bytes);
    *ret_is_bad = pb_unpack(call->reply_type, bytes, &message) != 0;
    if (!*ret_is_bad && request.stream->on_message)
        goes_on = request.stream->on_message(turn, request.arg, message);
    pb_free(message);
    return goes_on;
}

static void give_message(struct call_of *call, struct slice bytes) {
    struct turn *turn = call->turn;
    bool is_bad = false;
    bool goes_on = give(call, bytes, &is_bad);

    if (turn->has_ended)
        return; /* and the call with it */
    if (goes_on && !is_bad)
        return;
    call->client = client_cancel(call->client);
    if (is_bad)
        end(call, GRPC_INTERNAL, "a message of the stream is not what was asked for");
    else
        end(call, GRPC_OK, "");
}

static void on_message(void *user, struct slice bytes) {
    struct call_of *call = user;

    if (is_stream(&call->request)) {
        give_message(call, bytes);
        return;
    }
    call->replies++;
    buf_clear(&call->reply);
    buf_add_slice(&call->reply, bytes);
}

static void start(struct call_of *call);

static bool wants_signature(const struct call_of *call,
                            enum grpc_status status,
                            const struct headers *trailers) {
    return status == GRPC_UNAUTHENTICATED && call->is_act && !call->is_signed &&
           trailers && headers_get(trailers, SIGNED_ACT_TRAILER);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct call_of *call = user;
    const char *remedy = trailers ? headers_get(trailers, "roost-remedy") : NULL;
    const char *delivered = trailers ? headers_get(trailers, CALL_DELIVERED) : NULL;

    call->client = NULL;
    if (wants_signature(call, status, trailers)) {
        call->is_signed = true;
        start(call);
        return;
    }
    set_text(&call->turn->remedy, remedy);
    if (call->is_act && (status == GRPC_DEADLINE_EXCEEDED ||
                         (delivered && strcmp(delivered, CALL_DELIVERED_NO) != 0)))
        status = GRPC_UNKNOWN;
    end(call, status, message);
}

static const struct client_events events = {
    .on_head = on_head,
    .on_message = on_message,
    .on_done = on_done,
};

static void start(struct call_of *call) {
    const struct chat_host *host = &call->turn->chat->config.host;
    struct headers metadata;

    headers_init(&metadata);
    if (call->node_name)
        headers_add(&metadata, "name", call->node_name);
    if (call->is_signed)
        headers_add(&metadata, "roost-approval", "wait");
    const struct client_request request = {
        .method = call->method,
        .metadata = &metadata,
        .actor = call->turn->actor,
        .peer = call->turn->intent->place.platform,
        .timeout_ms = is_stream(&call->request) ? 0
                      : call->is_act            ? HELD_MS
                                                : LOOK_MS,
    };
    call->client = client_start(host->loop, host->gate, &request, &events, call);
    client_send_bytes(call->client, buf_slice(&call->packed));
    client_end(call->client);
    headers_done(&metadata);
}

/* Does the method only show something? By the manner of their names. */
static bool is_look(const char *method) {
    static const char *const looks[] = {
        "List",     "Get",     "Latest", "Query",   "Watch",    "Chart",  "Describe",
        "Logs",     "Status",  "Top",    "Samples", "WhoAmI",   "Users",  "Storage",
        "Services", "Traffic", "Gpu",    "Quota",   "FreePort", "Grants", "TestRule",
    };
    const char *name = strrchr(method, '/');

    for (size_t i = 0; name && i < sizeof(looks) / sizeof(looks[0]); i++)
        if (strncmp(name + 1, looks[i], strlen(looks[i])) == 0)
            return true;
    return name && strstr(method, ".Probe/") != NULL;
}

/* Has the request an operation, by which whoever does it knows it again? */
static bool has_operation(const ProtobufCMessage *message) {
    const ProtobufCFieldDescriptor *field =
        message ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
                                                                  "operation_id")
                : NULL;

    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    const char *id =
        *(char *const *)(const void *)((const uint8_t *)message + field->offset);
    return id && id[0] != '\0';
}

/* May it have been done by the hub that died, and cannot be known again? */
static bool is_unclear(const struct call_of *call) {
    const struct turn *turn = call->turn;

    return turn->intent->is_again && turn->command && !turn->command->is_repeatable &&
           !call->is_act && !is_look(call->method);
}

void turn_call_start(struct turn *turn, const struct turn_call_request *request) {
    struct call_of *call = mem_new(sizeof(*call));
    const ProtobufCMethodDescriptor *types = turn_types_find(request->method);

    if (turn->has_ended) {
        free(call);
        return;
    }
    *call = (struct call_of) {
        .turn = turn,
        .request = *request,
        .node_name = mem_strdup(request->node),
        .method = mem_strdup(request->method),
        .reply_type = types && !is_bytes(request) ? types->output : NULL,
        .is_act = has_operation(request->message),
        .patience.fire = on_impatient,
    };
    list_add_tail(&turn->calls, &call->node);
    if (request->message)
        pb_pack(&call->packed, request->message);
    else
        buf_add_slice(&call->packed, request->bytes);
    if (!turn->actor) {
        fail_later(call, GRPC_PERMISSION_DENIED, "nobody knows you here yet");
    } else if (!is_bytes(request) && !types) {
        fail_later(call, GRPC_UNIMPLEMENTED, "the hub does not know this method");
    } else if (is_unclear(call)) {
        fail_later(call, GRPC_UNKNOWN, "the hub was restarted while it was done");
    } else {
        start(call);
        if (!is_stream(request))
            timer_start(turn->chat->config.host.loop, &call->patience,
                        is_look(request->method) ? LOOK_MS : ACT_MS);
    }
}
