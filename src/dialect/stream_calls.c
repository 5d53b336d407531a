#include "dialect/stream_calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/list.h"
#include "base/mem.h"
#include "dialect/stream_metadata.h"
#include "rpc/call.h"
#include "rpc/inbox.h"
#include "wire/headers.h"
#include "wire/utf8.h"

enum {
    WINDOW = CALL_PIPE_MAX,
    CREDIT_MAX = 16 << 20, /* no far side needs more of one call under way */
    SLOT_BITS = 16,        /* of an id: where the call stands; the rest is its number */
    SLOTS_MAX = 1 << SLOT_BITS,
    SLOTS_FIRST = 16,
};

struct stream_calls {
    struct stream_calls_config config;
    struct list list;           /* of struct stream_call: whose turn it is stands first */
    struct stream_call **slots; /* owned array of owned calls; NULL: free */
    size_t slot_count;
    size_t slot_hint; /* where a free one is looked for */
    size_t count;
    uint64_t started; /* number of the newest call */
};

struct stream_call {
    struct list node;
    struct stream_calls *calls; /* borrowed: it owns us */
    struct call *call;          /* reference: we are its callee */
    uint64_t id;
    struct inbox inbox;
    struct buf message; /* that is being sent */
    size_t sent;        /* bytes of it */
    size_t credit;      /* what may be sent */
    size_t given;       /* what may come */
    size_t left;        /* bytes of the reply's message in progress */
    bool has_message;
    bool has_halfclosed;
    bool was_ended; /* by the far side */
};

static bool refuse(struct stream_fault *ret_fault,
                   enum grpc_status status,
                   const char *text) {
    *ret_fault = (struct stream_fault) { .status = status, .text = text };
    return false;
}

static void send(struct stream_calls *calls,
                 Roost__V1__ConnectResponse *response,
                 Roost__V1__ConnectResponse__KindCase kind) {
    response->kind_case = kind;
    calls->config.send(calls->config.owner, response);
}

static bool has_room(const struct stream_calls *calls) {
    return calls->config.waiting(calls->config.owner) < STREAM_CALLS_WAITING_MAX;
}

struct stream_calls *stream_calls_new(const struct stream_calls_config *config) {
    struct stream_calls *calls = mem_new(sizeof(*calls));

    calls->config = *config;
    if (calls->config.calls_max > SLOTS_MAX)
        calls->config.calls_max = SLOTS_MAX;
    list_init(&calls->list);
    return calls;
}

size_t stream_calls_count(const struct stream_calls *calls) {
    return calls->count;
}

static void drop(struct stream_call *it) {
    struct stream_calls *calls = it->calls;
    struct call *call = TAKE(it->call);

    calls->slots[it->id % SLOTS_MAX] = NULL;
    calls->count--;
    list_remove(&it->node);
    inbox_done(&it->inbox);
    buf_done(&it->message);
    free(it);
    call_detach_callee(call);
}

/* The call is over; the far side is told unless it said so itself. */
static void end(struct stream_call *it) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;

    response.call_cancel = it->id;
    if (!it->was_ended)
        send(it->calls, &response, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_CANCEL);
    drop(it);
}

static void fail_take(struct stream_call *it, int error) {
    if (error == GRPC_E_TOO_LONG)
        call_fail(it->call, GRPC_RESOURCE_EXHAUSTED,
                  "a message is over the limit of %zu bytes", it->inbox.message_max);
    else
        call_finish(it->call, GRPC_INTERNAL, "malformed message frame", NULL);
}

/* Is there a message to send? Takes the next one when it is whole. */
static bool take_message(struct stream_call *it) {
    struct call *call = it->call;
    size_t taken = 0;

    if (it->has_message || call->finished)
        return it->has_message && !call->finished;
    int r = inbox_take(&it->inbox, &call->request, &it->message, &taken);
    call->held = inbox_part_len(&it->inbox) + (r == 0 ? it->message.len : 0);
    if (taken > 0)
        call_request_taken(call);
    if (r > GRPC_E_MORE)
        fail_take(it, r);
    else if (r == GRPC_E_MORE && call->request_ended && inbox_part_len(&it->inbox) > 0)
        call_finish(call, GRPC_INTERNAL, "the request ended inside a message", NULL);
    it->has_message = r == 0;
    it->sent = 0;
    return it->has_message;
}

static void send_half_close(struct stream_call *it) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    const struct call *call = it->call;

    if (it->has_halfclosed || call->finished || !call->request_ended ||
        call->request.len > 0)
        return;
    it->has_halfclosed = true;
    response.call_half_close = it->id;
    send(it->calls, &response, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_HALF_CLOSE);
}

/* Sends a part of a message, or the end of all: false when there is nothing to send. */
static bool send_part(struct stream_call *it) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__MessagePart part = ROOST__V1__MESSAGE_PART__INIT;

    if (!take_message(it)) {
        send_half_close(it);
        return false;
    }
    size_t left = it->message.len - it->sent;
    size_t room =
        it->credit > STREAM_CALLS_PART_COST ? it->credit - STREAM_CALLS_PART_COST : 0;
    size_t len = left < STREAM_CALLS_PART_MAX / 2 ? left : STREAM_CALLS_PART_MAX / 2;
    len = len < room ? len : room;
    if (it->credit < STREAM_CALLS_PART_COST || (len == 0 && left > 0))
        return false;
    part.id = it->id;
    part.data.data = left > 0 ? it->message.data + it->sent : NULL;
    part.data.len = len;
    part.left = (uint32_t)(left - len);
    response.call_message = &part;
    it->credit -= len + STREAM_CALLS_PART_COST;
    it->sent += len;
    it->has_message = len < left;
    send(it->calls, &response, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_MESSAGE);
    if (!it->has_message)
        buf_done(&it->message);
    return true;
}

static void send_parts(struct stream_call *it) {
    while (has_room(it->calls) && send_part(it)) {
    }
}

void stream_calls_pump(struct stream_calls *calls) {
    bool has_moved = true;

    while (has_moved && has_room(calls)) {
        has_moved = false;
        for (size_t i = 0; i < calls->count && has_room(calls); i++) {
            struct list *first = calls->list.next;
            list_remove(first);
            list_add_tail(&calls->list, first);
            if (send_part(container_of(first, struct stream_call, node)))
                has_moved = true;
        }
    }
}

/* What the caller took may come again. */
static void give_credit(struct stream_call *it) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__CallCredit credit = ROOST__V1__CALL_CREDIT__INIT;
    size_t used = it->call->reply.len + it->given;

    if (used + WINDOW / 4 > WINDOW)
        return;
    credit.id = it->id;
    credit.bytes = (uint32_t)(WINDOW - used);
    it->given += credit.bytes;
    response.credit = &credit;
    send(it->calls, &response, ROOST__V1__CONNECT_RESPONSE__KIND_CREDIT);
}

static void on_wake(struct call *call, void *user) {
    struct stream_call *it = user;

    if (!call->finished)
        send_parts(it);
    if (!call->finished)
        give_credit(it);
    if (call->finished)
        end(it);
}

/* A free slot; there is one, for calls are fewer than SLOTS_MAX. */
static size_t find_slot(struct stream_calls *calls) {
    if (calls->count == calls->slot_count) {
        size_t count = calls->slot_count > 0 ? 2 * calls->slot_count : SLOTS_FIRST;
        calls->slots = mem_grow(calls->slots, count * sizeof(struct stream_call *));
        memset(calls->slots + calls->slot_count, 0,
               (count - calls->slot_count) * sizeof(struct stream_call *));
        calls->slot_hint = calls->slot_count;
        calls->slot_count = count;
    }
    while (calls->slots[calls->slot_hint % calls->slot_count])
        calls->slot_hint++;
    return calls->slot_hint++ % calls->slot_count;
}

static void send_start(struct stream_call *it) {
    Roost__V1__ConnectResponse response = ROOST__V1__CONNECT_RESPONSE__INIT;
    Roost__V1__ConnectResponse__CallStart start =
        ROOST__V1__CONNECT_RESPONSE__CALL_START__INIT;
    const struct call *call = it->call;
    const char *user = headers_get(&call->metadata, "roost-user");
    uint64_t left_ms = call_time_left_ms(call);

    start.id = it->id;
    start.method = call->method;
    start.user = (char *)(user ? user : "");
    start.n_metadata = stream_metadata_write(&call->metadata, &start.metadata);
    start.timeout_ms = left_ms == UINT64_MAX ? 0 : left_ms > 0 ? left_ms : 1;
    response.call_start = &start;
    send(it->calls, &response, ROOST__V1__CONNECT_RESPONSE__KIND_CALL_START);
    stream_metadata_free(start.metadata, start.n_metadata);
}

static void begin(struct stream_calls *calls,
                  struct call *call,
                  enum grpc_encoding encoding) {
    struct stream_call *it = mem_new(sizeof(*it));
    struct call_half callee = { .on_wake = on_wake, .user = it };
    size_t slot = find_slot(calls);

    *it = (struct stream_call) {
        .calls = calls,
        .call = call,
        .id = ++calls->started << SLOT_BITS | slot,
        .credit = WINDOW,
        .given = WINDOW,
    };
    calls->slots[slot] = it;
    calls->count++;
    list_add_tail(&calls->list, &it->node);
    inbox_init(&it->inbox, calls->config.message_max);
    it->inbox.encoding = encoding;
    call_attach_callee(call, &callee);
    send_start(it);
    loop_post(call->loop, &call->wake_callee); /* what is there already */
}

static void refuse_encoding(struct call *call) {
    struct headers trailers;

    headers_init(&trailers);
    headers_add(&trailers, "grpc-accept-encoding", "identity,gzip");
    call_finish(call, GRPC_UNIMPLEMENTED, "the message encoding is not supported",
                &trailers);
    headers_done(&trailers);
}

void stream_calls_start(struct stream_calls *calls, struct call *call) {
    const char *name = headers_get(&call->metadata, "grpc-encoding");
    enum grpc_encoding encoding;

    if (call->tunnel)
        call_finish(call, GRPC_UNIMPLEMENTED, "this node carries no tunnels", NULL);
    else if (calls->count >= calls->config.calls_max)
        call_fail(call, GRPC_RESOURCE_EXHAUSTED, "the node has %zu calls under way",
                  calls->count);
    else if (calls->config.waiting(calls->config.owner) > STREAM_CALLS_STUCK_MAX)
        call_finish(call, GRPC_UNAVAILABLE, "the node takes nothing", NULL);
    else if (!utf8_is_valid(slice_of_text(call->method)))
        call_finish(call, GRPC_UNIMPLEMENTED, "the name of the method is no text", NULL);
    else if (!grpc_encoding_parse(name, &encoding))
        refuse_encoding(call);
    else
        begin(calls, call, encoding);
}

/* The call of that id; NULL when it is over. False: there never was one. */
static bool find(const struct stream_calls *calls,
                 uint64_t id,
                 struct stream_call **ret_it) {
    uint64_t number = id >> SLOT_BITS;
    size_t slot = (size_t)(id % SLOTS_MAX);

    if (number == 0 || number > calls->started)
        return false;
    struct stream_call *it = slot < calls->slot_count ? calls->slots[slot] : NULL;
    *ret_it = it && it->id == id && !it->call->finished ? it : NULL;
    return true;
}

/* Answers begin with a head, if only with the one that every answer has. */
static void reply_head(struct stream_call *it, const struct headers *said) {
    struct headers head;

    if (it->call->has_reply_head)
        return;
    headers_init(&head);
    headers_add(&head, "content-type", "application/grpc");
    if (said)
        headers_add_all(&head, said);
    call_reply_head(it->call, &head);
    headers_done(&head);
}

static bool take_head(struct stream_call *it,
                      const Roost__V1__ConnectRequest__ReplyHead *said,
                      struct stream_fault *ret_fault) {
    struct headers head;

    if (it->call->has_reply_head)
        return refuse(ret_fault, GRPC_INVALID_ARGUMENT,
                      "reply_head came twice, or behind a message");
    headers_init(&head);
    bool is_good = stream_metadata_read(said->metadata, said->n_metadata,
                                        it->calls->config.header_bytes_max, &head);
    if (is_good)
        reply_head(it, &head);
    headers_done(&head);
    return is_good || refuse(ret_fault, GRPC_RESOURCE_EXHAUSTED,
                             "metadata of a reply is too large, or holds what no field "
                             "may hold");
}

static void write_prefix(struct stream_call *it, size_t len) {
    uint8_t prefix[] = { 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                         (uint8_t)(len >> 8), (uint8_t)len };

    call_reply_write(it->call, slice_of(prefix, sizeof(prefix)));
}

static bool take_part(struct stream_call *it,
                      const Roost__V1__MessagePart *part,
                      struct stream_fault *ret_fault) {
    size_t len = part->data.len;
    size_t whole = len + part->left;

    if (len > STREAM_CALLS_PART_MAX)
        return refuse(ret_fault, GRPC_RESOURCE_EXHAUSTED,
                      "a part of a message is over 32 KiB");
    if (len + STREAM_CALLS_PART_COST > it->given)
        return refuse(ret_fault, GRPC_RESOURCE_EXHAUSTED,
                      "a reply is larger than its credit");
    if ((it->left > 0 && whole != it->left) || (len == 0 && part->left > 0))
        return refuse(ret_fault, GRPC_INVALID_ARGUMENT,
                      "the parts of a message do not fit together");
    if (whole > it->calls->config.message_max) {
        call_fail(it->call, GRPC_RESOURCE_EXHAUSTED,
                  "a reply is over the limit of %zu bytes",
                  it->calls->config.message_max);
        return true;
    }
    it->given -= len + STREAM_CALLS_PART_COST;
    reply_head(it, NULL);
    if (it->left == 0)
        write_prefix(it, whole);
    call_reply_write(it->call, slice_of(part->data.data, len));
    it->left = part->left;
    give_credit(it);
    return true;
}

static void add_details(struct headers *trailers, ProtobufCBinaryData details) {
    struct buf text = { 0 };

    if (details.len == 0)
        return;
    base64_encode(&text, slice_of(details.data, details.len));
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    headers_add_slice(trailers, slice_of_text("grpc-status-details-bin"),
                      buf_slice(&text));
    buf_done(&text);
}

static bool take_end(struct stream_call *it,
                     const Roost__V1__ConnectRequest__ReplyEnd *said,
                     struct stream_fault *ret_fault) {
    size_t bytes_max = it->calls->config.header_bytes_max;
    enum grpc_status status = said->status > GRPC_UNAUTHENTICATED
                                  ? GRPC_UNKNOWN
                                  : (enum grpc_status)said->status;
    struct headers trailers;

    headers_init(&trailers);
    if (!stream_metadata_read(said->trailers, said->n_trailers, bytes_max, &trailers) ||
        strlen(said->message) > bytes_max || said->details.len > bytes_max) {
        headers_done(&trailers);
        return refuse(ret_fault, GRPC_RESOURCE_EXHAUSTED,
                      "the end of a reply is too large, or holds what no field may hold");
    }
    add_details(&trailers, said->details);
    it->was_ended = true;
    if (status == GRPC_OK)
        reply_head(it, NULL);
    if (status == GRPC_OK && it->left > 0)
        call_finish(it->call, GRPC_INTERNAL, "the reply ended inside a message", NULL);
    else
        call_finish(it->call, status, said->message, &trailers);
    headers_done(&trailers);
    return true;
}

static bool take_credit(struct stream_call *it,
                        const Roost__V1__CallCredit *credit,
                        struct stream_fault *ret_fault) {
    if (credit->bytes > CREDIT_MAX || it->credit + credit->bytes > CREDIT_MAX)
        return refuse(ret_fault, GRPC_INVALID_ARGUMENT,
                      "the credit of a call is over 16 MiB");
    it->credit += credit->bytes;
    send_parts(it);
    return true;
}

static uint64_t id_of(const Roost__V1__ConnectRequest *request) {
    switch (request->kind_case) {
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_HEAD:
        return request->reply_head->id;
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_MESSAGE:
        return request->reply_message->id;
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_END:
        return request->reply_end->id;
    default:
        return request->credit->id;
    }
}

bool stream_calls_take(struct stream_calls *calls,
                       const Roost__V1__ConnectRequest *request,
                       struct stream_fault *ret_fault) {
    struct stream_call *it = NULL;

    if (!find(calls, id_of(request), &it))
        return refuse(ret_fault, GRPC_INVALID_ARGUMENT, "there was no call of that id");
    if (!it)
        return true;
    switch (request->kind_case) {
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_HEAD:
        return take_head(it, request->reply_head, ret_fault);
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_MESSAGE:
        return take_part(it, request->reply_message, ret_fault);
    case ROOST__V1__CONNECT_REQUEST__KIND_REPLY_END:
        return take_end(it, request->reply_end, ret_fault);
    default:
        return take_credit(it, request->credit, ret_fault);
    }
}

struct stream_calls *stream_calls_free(struct stream_calls *calls, const char *why) {
    if (!calls)
        return NULL;
    list_for_each_safe(at, after, &calls->list) {
        struct stream_call *it = container_of(at, struct stream_call, node);
        call_finish(it->call, GRPC_UNAVAILABLE, why, NULL);
        drop(it);
    }
    free(calls->slots);
    free(calls);
    return NULL;
}
