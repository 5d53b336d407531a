#include "rpc/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "rpc/client.h"
#include "rpc/exchange.h"
#include "wire/json_writer.h"
#include "wire/pb.h"
#include "wire/pbjson.h"
#include "wire/utf8.h"

enum {
    ENVELOPE_LEN = 5, /* flags and length, as in gRPC */
    ENVELOPE_END = 2, /* the flag of the last message of a stream */
};

enum connect_form { FORM_UNARY, FORM_LINES, FORM_ENVELOPES };

struct connect_request {
    const struct connect_config *config; /* borrowed: outlives us */
    struct exchange *exchange;           /* owned */
    struct client_call *client;          /* owned; NULL before and after the call */
    void *lesson;                        /* owned: the learner's; NULL: none */
    struct connect_types types;          /* borrowed: static, or the lesson's */
    enum connect_form form;
    struct buf body;
    struct buf reply; /* JSON of a unary reply */
    bool has_reply;
    bool learning; /* the types are not there yet */
    bool started;
};

static void add_error(struct buf *out, enum grpc_status status, const char *message) {
    buf_printf(out, "{\"code\":\"%s\",\"message\":", grpc_connect_code((int)status));
    json_writer_quote(out, slice_of_text(utf8_is_valid(slice_of_text(message))
                                             ? message
                                             : "(the message is not UTF-8)"));
    buf_add_text(out, "}");
}

static void answer(struct exchange *exchange,
                   unsigned http_status,
                   struct slice body,
                   const char *allow) {
    struct headers head;
    char number[24];

    headers_init(&head);
    snprintf(number, sizeof(number), "%u", http_status);
    headers_add(&head, ":status", number);
    headers_add(&head, "content-type", "application/json");
    headers_add(&head, "x-content-type-options", "nosniff");
    headers_add(&head, "cache-control", "no-store");
    if (allow)
        headers_add(&head, "allow", allow);
    snprintf(number, sizeof(number), "%zu", body.len);
    headers_add(&head, "content-length", number);
    exchange_respond(exchange, &head, body.len > 0);
    headers_done(&head);
    exchange_write(exchange, body);
    exchange_end(exchange);
}

void connect_refuse(struct exchange *exchange,
                    unsigned http_status,
                    enum grpc_status status,
                    const char *message) {
    struct buf body = { 0 };

    add_error(&body, status, message);
    answer(exchange, http_status, buf_slice(&body), http_status == 405 ? "POST" : NULL);
    buf_done(&body);
    exchange_release(exchange);
}

static void done(struct connect_request *request) {
    client_cancel(TAKE(request->client));
    if (request->lesson)
        request->config->forget(request->config->arg, request->lesson);
    exchange_release(request->exchange);
    buf_done(&request->body);
    buf_done(&request->reply);
    free(request);
}

static void refuse(struct connect_request *request,
                   unsigned http_status,
                   enum grpc_status status,
                   const char *message) {
    struct buf body = { 0 };

    add_error(&body, status, message);
    answer(request->exchange, http_status, buf_slice(&body), NULL);
    buf_done(&body);
    done(request);
}

/* One message of a stream, in the form that was asked for. */
static void write_part(struct connect_request *request,
                       struct slice json,
                       uint8_t flags) {
    struct buf out = { 0 };

    if (request->form == FORM_ENVELOPES) {
        uint8_t head[ENVELOPE_LEN] = { flags, (uint8_t)(json.len >> 24),
                                       (uint8_t)(json.len >> 16),
                                       (uint8_t)(json.len >> 8), (uint8_t)json.len };
        buf_add(&out, head, sizeof(head));
        buf_add_slice(&out, json);
    } else {
        buf_add_slice(&out, json);
        buf_add_byte(&out, '\n');
    }
    exchange_write(request->exchange, buf_slice(&out));
    buf_done(&out);
}

static void start_stream(struct connect_request *request) {
    struct headers head;

    if (request->exchange->responded)
        return;
    headers_init(&head);
    headers_add(&head, ":status", "200");
    headers_add(&head, "content-type",
                request->form == FORM_ENVELOPES ? "application/connect+json"
                                                : "application/x-ndjson");
    headers_add(&head, "x-content-type-options", "nosniff");
    headers_add(&head, "cache-control", "no-store");
    exchange_respond(request->exchange, &head, true);
    headers_done(&head);
}

/* The last words of a stream: an empty object, or the error. */
static void end_stream(struct connect_request *request,
                       enum grpc_status status,
                       const char *message) {
    struct buf json = { 0 };

    start_stream(request);
    if (status != GRPC_OK) {
        buf_add_text(&json, "{\"error\":");
        add_error(&json, status, message);
        buf_add_text(&json, "}");
    } else {
        buf_add_text(&json, "{}");
    }
    if (request->form == FORM_ENVELOPES || status != GRPC_OK)
        write_part(request, buf_slice(&json), ENVELOPE_END);
    buf_done(&json);
    exchange_end(request->exchange);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct connect_request *request = user;

    request->client = NULL;
    if (request->form != FORM_UNARY &&
        (request->exchange->responded || status == GRPC_OK ||
         request->form == FORM_ENVELOPES)) {
        end_stream(request, status, message);
        done(request);
    } else if (status != GRPC_OK) {
        refuse(request, (unsigned)grpc_http_of_status((int)status), status, message);
    } else if (!request->has_reply) {
        refuse(request, 500, GRPC_INTERNAL, "the answer holds no message");
    } else {
        answer(request->exchange, 200, buf_slice(&request->reply), NULL);
        done(request);
    }
}

/* The other side broke its word: the call ends here. The request is gone. */
static void break_off(struct connect_request *request, const char *why) {
    client_cancel(TAKE(request->client));
    on_done(request, GRPC_INTERNAL, why, NULL);
}

static void give_message(struct connect_request *request, struct slice json) {
    if (request->form != FORM_UNARY) {
        start_stream(request);
        write_part(request, json, 0);
        if (exchange_room(request->exchange) == 0)
            client_pause(request->client, true);
    } else if (request->has_reply) {
        break_off(request, "the answer holds a second message");
    } else {
        request->has_reply = true;
        buf_add_slice(&request->reply, json);
    }
}

static void on_message(void *user, struct slice bytes) {
    struct connect_request *request = user;
    ProtobufCMessage *message = NULL;
    const struct pbjson_style style = { .types = request->types.any };
    struct buf json = { 0 };
    char *why = NULL;

    int r = pb_unpack(request->types.output, bytes, &message);
    if (r == 0)
        r = pbjson_write(&json, message, &style, &why);
    if (r == 0)
        give_message(request, buf_slice(&json));
    else
        break_off(request,
                  why ? why : "the answer is not the message that was asked for");
    free(why);
    buf_done(&json);
    pb_free(message);
}

static const struct client_events client_events = {
    .on_message = on_message,
    .on_done = on_done,
};

/* What belongs to HTTP or to the browser does not travel on. */
static bool travels(const char *name) {
    static const char *const stay[] = { "accept",
                                        "accept-encoding",
                                        "accept-language",
                                        "cache-control",
                                        "connection",
                                        "content-encoding",
                                        "content-length",
                                        "content-type",
                                        "cookie",
                                        "expect",
                                        "host",
                                        "keep-alive",
                                        "origin",
                                        "pragma",
                                        "priority",
                                        "referer",
                                        "te",
                                        "transfer-encoding",
                                        "upgrade" };

    if (name[0] == ':' || strncmp(name, "sec-", 4) == 0 ||
        strncmp(name, "connect-", 8) == 0 || strncmp(name, "grpc-", 5) == 0)
        return false;
    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
        if (strcmp(stay[i], name) == 0)
            return false;
    return true;
}

/* "connect-timeout-ms" has up to ten digits: false when it has anything else. 0: none. */
static bool read_timeout(const struct headers *head, uint64_t *ret_ms) {
    const char *text = headers_get(head, "connect-timeout-ms");
    size_t digits = text ? strspn(text, "0123456789") : 0;

    if (text && (digits == 0 || digits > 10 || text[digits] != '\0'))
        return false;
    uint64_t ms = text ? strtoull(text, NULL, 10) : 0;
    *ret_ms = text && ms == 0 ? 1 : ms;
    return true;
}

static void start_call(struct connect_request *request,
                       const ProtobufCMessage *message,
                       uint64_t timeout_ms) {
    const struct headers *head = request->exchange->head;
    struct headers metadata;

    headers_init(&metadata);
    for (size_t i = 0; i < head->count; i++)
        if (travels(head->fields[i].name))
            headers_add(&metadata, head->fields[i].name, head->fields[i].value);
    struct client_request what = {
        .method = exchange_path(request->exchange),
        .metadata = &metadata,
        .timeout_ms = timeout_ms,
        .peer = conn_peer(request->exchange->conn),
        .authority = exchange_authority(request->exchange),
    };
    request->client = client_start(request->config->loop, request->config->target, &what,
                                   &client_events, request);
    headers_done(&metadata);
    if (client_actor(request->client))
        listener_vouch(request->exchange->conn);
    client_send(request->client, message);
    client_end(request->client);
}

/* The JSON of the request: the body itself, or what its one envelope holds. */
static bool unwrap(const struct connect_request *request, struct slice *ret_json) {
    struct slice body = buf_slice(&request->body);

    if (request->form == FORM_ENVELOPES) {
        if (body.len < ENVELOPE_LEN || body.at[0] != 0)
            return false;
        size_t len = (size_t)body.at[1] << 24 | (size_t)body.at[2] << 16 |
                     (size_t)body.at[3] << 8 | body.at[4];
        if (len != body.len - ENVELOPE_LEN)
            return false;
        body = slice_after(body, ENVELOPE_LEN);
    }
    *ret_json = body.len > 0 ? body : slice_of_text("{}");
    return true;
}

static void take_request(struct connect_request *request) {
    ProtobufCMessage *message = NULL;
    struct slice json;
    uint64_t timeout_ms;
    char *why = NULL;

    request->started = true;
    if (!read_timeout(request->exchange->head, &timeout_ms)) {
        refuse(request, 400, GRPC_INVALID_ARGUMENT, "malformed connect-timeout-ms");
        return;
    }
    if (!unwrap(request, &json)) {
        refuse(request, 400, GRPC_INVALID_ARGUMENT,
               "the request must be exactly one envelope");
        return;
    }
    if (pbjson_read_with(request->types.input, json, &request->types.any, &message,
                         &why) != 0) {
        refuse(request, 400, GRPC_INVALID_ARGUMENT,
               why ? why : "not the JSON of the request");
        free(why);
        return;
    }
    buf_done(&request->body);
    start_call(request, message, timeout_ms);
    pb_free(message);
}

static void on_wake(struct exchange *exchange) {
    struct connect_request *request = exchange->user;

    /* A stream has no end to wait for: who left is not kept for as long as one waits. */
    if (exchange->gone || (exchange->peer_ended && request->form != FORM_UNARY)) {
        done(request);
        return;
    }
    while (!request->started && exchange->body->len > 0) {
        struct slice part = pipe_peek(exchange->body);
        if (request->body.len + part.len > request->config->message_max) {
            refuse(request, 413, GRPC_RESOURCE_EXHAUSTED,
                   "the request is over the size limit");
            return;
        }
        if (!exchange_hold(exchange, request->body.len + part.len)) {
            refuse(request, 413, GRPC_RESOURCE_EXHAUSTED,
                   "the unfinished requests of this connection are over its limit");
            return;
        }
        buf_add_slice(&request->body, part);
        size_t len = part.len;
        pipe_drop(exchange->body, len);
        exchange_taken(exchange, len);
    }
    if (!request->started && !request->learning && exchange->body_ended)
        take_request(request);
    else if (request->client && exchange_room(exchange) > 0)
        client_pause(request->client, false);
}

static bool is_type(const char *content_type, const char *wanted) {
    size_t len = strlen(wanted);
    return content_type && strncasecmp(content_type, wanted, len) == 0 &&
           (content_type[len] == '\0' || content_type[len] == ';' ||
            content_type[len] == ' ');
}

/* The types are known: false when the method cannot be called by JSON. */
static bool take_types(struct connect_request *request,
                       const struct connect_types *types) {
    request->types = *types;
    request->learning = false;
    if (types->kind == SERVICE_CLIENT_STREAM || types->kind == SERVICE_BIDI) {
        refuse(
            request, 501, GRPC_UNIMPLEMENTED,
            "client streams need gRPC; JSON serves unary and server-streaming methods");
        return false;
    }
    if (request->form == FORM_UNARY && types->kind == SERVICE_SERVER_STREAM)
        request->form = FORM_LINES;
    return true;
}

void connect_learned(struct connect_request *request,
                     const struct connect_types *types,
                     enum grpc_status status,
                     const char *message) {
    if (status != GRPC_OK)
        refuse(request, (unsigned)grpc_http_of_status((int)status), status, message);
    else if (take_types(request, types))
        on_wake(request->exchange);
}

/* Types that are known here: false when they are not. */
static bool find_types(const struct connect_config *config,
                       const char *path,
                       struct connect_types *ret_types) {
    const ProtobufCMethodDescriptor *found;
    enum service_kind kind;

    if (!config->find(config->arg, path, &kind, &found))
        return false;
    *ret_types = (struct connect_types) {
        .kind = kind,
        .input = found->input,
        .output = found->output,
    };
    return true;
}

/* The request may be gone afterwards. */
static void begin_to_learn(struct connect_request *request) {
    const struct connect_config *config = request->config;

    request->learning = true;
    request->lesson = config->learn(config->arg, request->exchange, request);
    if (!request->lesson)
        refuse(request, 404, GRPC_UNIMPLEMENTED, "no such method");
    else
        on_wake(request->exchange);
}

void connect_serve(const struct connect_config *config, struct exchange *exchange) {
    const char *type = headers_get(exchange->head, "content-type");
    bool is_post = strcmp(exchange_method(exchange), "POST") == 0;
    struct connect_types types;

    bool known = find_types(config, exchange_path(exchange), &types);
    if (!known && !(is_post && config->learn)) {
        connect_refuse(exchange, 404, GRPC_UNIMPLEMENTED, "no such method");
        return;
    }
    if (!is_post) {
        connect_refuse(exchange, 405, GRPC_UNIMPLEMENTED, "methods are called with POST");
        return;
    }
    if (!is_type(type, "application/json") &&
        !is_type(type, "application/connect+json")) {
        connect_refuse(exchange, 415, GRPC_INVALID_ARGUMENT,
                       "send content-type: application/json");
        return;
    }

    struct connect_request *request = mem_new(sizeof(*request));
    *request = (struct connect_request) {
        .config = config,
        .exchange = exchange,
        .form = is_type(type, "application/connect+json") ? FORM_ENVELOPES : FORM_UNARY,
    };
    exchange->user = request;
    exchange->on_wake = on_wake;
    if (!known)
        begin_to_learn(request);
    else if (take_types(request, &types))
        on_wake(exchange);
}
