#include "wire/ws.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "wire/utf8.h"
#include "wire/ws_utf8.h"

enum {
    CONTROL_MAX = 125,          /* RFC 6455, 5.5 */
    REASON_MAX = 123,           /* the code takes two bytes */
    PONGS_MAX = 16,             /* answered one by one between two drains */
    EMPTY_FRAGMENTS_MAX = 1024, /* they make no message longer, so they need a limit */
    KEEP_MAX = 4096,            /* room kept between messages */
    KEY_LEN = 16,
    KEY_TEXT_LEN = 24,
};

/* A message that waits in the bytes of struct ws. */
struct waiting {
    enum ws_opcode opcode;
    size_t len;
};

struct control {
    bool is_due;
    uint8_t len;
    uint8_t bytes[CONTROL_MAX];
};

struct ws {
    wslay_frame_context_ptr frames; /* owned */
    size_t message_max;
    bool is_client;

    /* Coming in. */
    struct slice in;     /* borrowed: of ws_feed(), while it runs */
    struct buf bytes;    /* messages one behind the other; the last one may be in parts */
    size_t taken;        /* of bytes: lent out by ws_next() */
    struct buf waiting;  /* struct waiting, of the messages that are whole */
    size_t next;         /* of waiting: the one to take */
    uint64_t frame_left; /* payload of the frame that is being read */
    bool in_frame;
    bool in_message;
    enum ws_opcode opcode; /* of the message being joined */
    size_t message_len;
    unsigned empty_fragments;
    struct ws_utf8 utf8;
    struct control control; /* the control frame that is being read */
    uint64_t pongs;
    unsigned close_code; /* of the peer's close frame */

    /* Going out. */
    struct buf out;
    struct control pong;    /* the latest ping over PONGS_MAX */
    unsigned pongs_out;     /* in out */
    struct control closing; /* the answer to a close frame or to a broken rule */
    bool close_sent;        /* it is in out, or drained */
    bool failed;
};

/* -- handshake -------------------------------------------------------------------- */

static const char *only_value(const struct headers *head, const char *name) {
    const char *found = NULL;
    for (size_t i = 0; i < head->count; i++) {
        if (strcmp(head->fields[i].name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = head->fields[i].value;
    }
    return found;
}

static bool is_upgrade(const struct headers *head) {
    return headers_has_token(head, "upgrade", "websocket") &&
           headers_has_token(head, "connection", "upgrade");
}

static bool is_key(const char *key) {
    struct buf bytes;
    buf_init(&bytes);
    bool is_good = key && strlen(key) == KEY_TEXT_LEN &&
                   base64_decode(&bytes, slice_of_text(key)) == 0 && bytes.len == KEY_LEN;
    buf_done(&bytes);
    return is_good;
}

bool ws_is_handshake(const struct headers *request) {
    const char *method = headers_get(request, ":method");
    const char *version = only_value(request, "sec-websocket-version");
    const char *host = headers_get(request, "host");

    return method && strcmp(method, "GET") == 0 && host && is_upgrade(request) &&
           version && strcmp(version, "13") == 0 &&
           is_key(only_value(request, "sec-websocket-key"));
}

/* RFC 6455, 4.2.2: proves that the server knows what it answers. */
static char *accept_of(const char *key) {
    uint8_t digest[CRYPTO_SHA1_LEN];
    auto_(mem_freep) char *text =
        mem_printf("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    crypto_sha1(text, strlen(text), digest);

    struct buf out;
    buf_init(&out);
    base64_encode(&out, slice_of(digest, sizeof(digest)));
    return buf_take_text(&out);
}

void ws_accept(const struct headers *request,
               const char *protocol,
               struct headers *ret_response) {
    auto_(mem_freep) char *accept = accept_of(headers_get(request, "sec-websocket-key"));

    headers_add(ret_response, ":status", "101");
    headers_add(ret_response, "upgrade", "websocket");
    headers_add(ret_response, "connection", "Upgrade");
    headers_add(ret_response, "sec-websocket-accept", accept);
    if (protocol)
        headers_add(ret_response, "sec-websocket-protocol", protocol);
}

void ws_request(const char *path,
                const char *host,
                const char *protocol,
                struct headers *ret_request,
                char ret_key[static 25]) {
    uint8_t key[KEY_LEN];
    struct buf text;
    buf_init(&text);
    crypto_random(key, sizeof(key));
    base64_encode(&text, slice_of(key, sizeof(key)));
    memcpy(ret_key, buf_text(&text), KEY_TEXT_LEN + 1);
    buf_done(&text);

    headers_add(ret_request, ":method", "GET");
    headers_add(ret_request, ":path", path);
    headers_add(ret_request, "host", host);
    headers_add(ret_request, "upgrade", "websocket");
    headers_add(ret_request, "connection", "Upgrade");
    headers_add(ret_request, "sec-websocket-key", ret_key);
    headers_add(ret_request, "sec-websocket-version", "13");
    if (protocol)
        headers_add(ret_request, "sec-websocket-protocol", protocol);
}

bool ws_is_accepted(const struct headers *response,
                    const char key[static 25],
                    const char *protocol) {
    auto_(mem_freep) char *wanted = accept_of(key);
    const char *status = headers_get(response, ":status");
    const char *accept = only_value(response, "sec-websocket-accept");

    if (!status || strcmp(status, "101") != 0 || !is_upgrade(response))
        return false;
    if (!accept || strcmp(accept, wanted) != 0)
        return false;
    /* What was not offered cannot be chosen. */
    if (headers_get(response, "sec-websocket-extensions"))
        return false;
    if (!protocol)
        return headers_get(response, "sec-websocket-protocol") == NULL;
    const char *chosen = only_value(response, "sec-websocket-protocol");
    return chosen && strcmp(chosen, protocol) == 0;
}

/* -- going out -------------------------------------------------------------------- */

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *user) {
    struct ws *ws = user;
    buf_add(&ws->out, data, len);
    return (ssize_t)len;
}

static int on_mask(uint8_t *at, size_t len, void *user) {
    crypto_random(at, len);
    return 0;
}

static void send_frame(struct ws *ws, uint8_t opcode, struct slice bytes) {
    struct wslay_frame_iocb frame = {
        .fin = 1,
        .opcode = opcode,
        .mask = ws->is_client,
        .payload_length = bytes.len,
        .data = bytes.at,
        .data_length = bytes.len,
    };
    ssize_t r = wslay_frame_send(ws->frames, &frame);
    assert(r == (ssize_t)bytes.len);
}

static void send_control(struct ws *ws, uint8_t opcode, struct control *control) {
    send_frame(ws, opcode, slice_of(control->bytes, control->len));
    control->is_due = false;
}

/* A pong goes before what is sent after its ping came. */
static void flush_pong(struct ws *ws) {
    if (ws->pong.is_due)
        send_control(ws, WSLAY_PONG, &ws->pong);
}

void ws_send(struct ws *ws, enum ws_opcode opcode, struct slice bytes) {
    if (ws->close_sent)
        return;
    flush_pong(ws);
    send_frame(ws, (uint8_t)opcode, bytes);
}

void ws_ping(struct ws *ws) {
    if (!ws->close_sent)
        send_frame(ws, WSLAY_PING, slice_of(NULL, 0));
}

uint64_t ws_pongs(const struct ws *ws) {
    return ws->pongs;
}

static void answer_ping(struct ws *ws) {
    if (ws->close_sent)
        return;
    if (ws->pongs_out < PONGS_MAX) {
        ws->pongs_out++;
        send_control(ws, WSLAY_PONG, &ws->control);
    } else {
        ws->pong = ws->control;
        ws->pong.is_due = true;
    }
}

/* The length of the longest beginning of the text, cut between characters. */
static size_t cut_text(const char *text, size_t max) {
    size_t len = strnlen(text, max + 1);
    if (len <= max)
        return len;
    for (len = max; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

static void make_close(struct control *control, unsigned code, const char *reason) {
    control->is_due = true;
    control->len = 0;
    if (code == WS_CLOSE_NO_CODE)
        return;
    size_t len = cut_text(reason ? reason : "", REASON_MAX);
    control->bytes[0] = (uint8_t)(code >> 8);
    control->bytes[1] = (uint8_t)code;
    memcpy(control->bytes + 2, reason ? reason : "", len);
    control->len = (uint8_t)(len + 2);
}

static void send_close(struct ws *ws) {
    flush_pong(ws);
    send_control(ws, WSLAY_CONNECTION_CLOSE, &ws->closing);
    ws->close_sent = true;
}

static bool has_waiting(const struct ws *ws) {
    return ws->next < ws->waiting.len / sizeof(struct waiting);
}

void ws_close(struct ws *ws, unsigned code, const char *reason) {
    if (ws->close_sent)
        return;
    /* The peer's close frame, or a broken rule, has already said why. */
    if (!ws->closing.is_due)
        make_close(&ws->closing, code, reason);
    send_close(ws);
}

static bool can_close(const struct ws *ws) {
    return ws->closing.is_due && (ws->failed || !has_waiting(ws));
}

int ws_drain(struct ws *ws, struct buf *out) {
    if (can_close(ws))
        send_close(ws);
    flush_pong(ws);
    buf_add_slice(out, buf_slice(&ws->out));
    buf_done(&ws->out);
    ws->pongs_out = 0;
    return 0;
}

bool ws_has_output(const struct ws *ws) {
    return ws->out.len > 0 || ws->pong.is_due || can_close(ws);
}

unsigned ws_close_code(const struct ws *ws) {
    return ws->close_code;
}

bool ws_is_closed(const struct ws *ws) {
    return ws->close_sent && (ws->close_code != 0 || ws->failed) && ws->out.len == 0;
}

/* -- coming in -------------------------------------------------------------------- */

static ssize_t on_recv(uint8_t *at, size_t len, int flags, void *user) {
    struct ws *ws = user;
    size_t n = ws->in.len < len ? ws->in.len : len;
    if (n == 0)
        return -1; /* wslay's sign to come again */
    memcpy(at, ws->in.at, n);
    ws->in = slice_after(ws->in, n);
    return (ssize_t)n;
}

struct ws *ws_new(bool is_client, size_t message_max) {
    static const struct wslay_frame_callbacks callbacks = { on_send, on_recv, on_mask };
    struct ws *ws = mem_new(sizeof(*ws));
    ws->is_client = is_client;
    ws->message_max = message_max;
    int r = wslay_frame_context_init(&ws->frames, &callbacks, ws);
    assert(r == 0);
    return ws;
}

struct ws *ws_free(struct ws *ws) {
    if (!ws)
        return NULL;
    wslay_frame_context_free(ws->frames);
    buf_done(&ws->bytes);
    buf_done(&ws->waiting);
    buf_done(&ws->out);
    free(ws);
    return NULL;
}

static void drop_message(struct ws *ws) {
    ws->bytes.len -= ws->message_len;
    ws->message_len = 0;
    ws->in_message = false;
}

/* The peer broke a rule: it is told once, and not listened to any more. */
static int fail(struct ws *ws, unsigned code, const char *reason) {
    ws->failed = true;
    drop_message(ws);
    if (!ws->close_sent)
        make_close(&ws->closing, code, reason);
    return -EPROTO;
}

static int begin_control(struct ws *ws, const struct wslay_frame_iocb *frame) {
    if (!frame->fin || frame->payload_length > CONTROL_MAX)
        return fail(ws, WS_CLOSE_PROTOCOL, "a control frame is short and whole");
    ws->control.len = 0;
    return 0;
}

static int begin_data(struct ws *ws, const struct wslay_frame_iocb *frame) {
    bool goes_on = frame->opcode == WSLAY_CONTINUATION_FRAME;

    if (goes_on != ws->in_message)
        return fail(ws, WS_CLOSE_PROTOCOL,
                    goes_on ? "nothing to continue" : "the message before is not whole");
    if (!goes_on) {
        ws->in_message = true;
        ws->opcode = (enum ws_opcode)frame->opcode;
        ws->empty_fragments = 0;
        ws->utf8 = (struct ws_utf8) { 0 };
    }
    if (frame->payload_length > ws->message_max - ws->message_len)
        return fail(ws, WS_CLOSE_TOO_BIG, "the message is too big");
    if (frame->payload_length == 0 && ++ws->empty_fragments > EMPTY_FRAGMENTS_MAX)
        return fail(ws, WS_CLOSE_POLICY, "too many empty fragments");
    return 0;
}

static int begin_frame(struct ws *ws, const struct wslay_frame_iocb *frame) {
    ws->in_frame = true;
    ws->frame_left = frame->payload_length;

    if (frame->rsv != WSLAY_RSV_NONE)
        return fail(ws, WS_CLOSE_PROTOCOL, "a reserved bit is set");
    if (frame->mask == ws->is_client)
        return fail(ws, WS_CLOSE_PROTOCOL, "clients mask, servers do not");
    switch (frame->opcode) {
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return begin_data(ws, frame);
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return begin_control(ws, frame);
    default:
        return fail(ws, WS_CLOSE_PROTOCOL, "a reserved opcode");
    }
}

static int add_data(struct ws *ws, struct slice bytes) {
    if (ws->opcode == WS_TEXT && !ws_utf8_feed(&ws->utf8, bytes))
        return fail(ws, WS_CLOSE_TEXT, "the text is not UTF-8");
    /* Behind our close frame nobody will read it. */
    if (ws->close_sent)
        return 0;
    buf_add_slice(&ws->bytes, bytes);
    ws->message_len += bytes.len;
    return 0;
}

static void add_control(struct ws *ws, struct slice bytes) {
    if (bytes.len == 0)
        return;
    memcpy(ws->control.bytes + ws->control.len, bytes.at, bytes.len);
    ws->control.len = (uint8_t)(ws->control.len + bytes.len);
}

static int end_data(struct ws *ws, bool is_last) {
    if (!is_last)
        return 0;
    if (ws->opcode == WS_TEXT && !ws_utf8_is_whole(&ws->utf8))
        return fail(ws, WS_CLOSE_TEXT, "the text is not UTF-8");
    if (!ws->close_sent) {
        const struct waiting waiting = { ws->opcode, ws->message_len };
        buf_add(&ws->waiting, &waiting, sizeof(waiting));
    }
    ws->message_len = 0;
    ws->in_message = false;
    return 0;
}

/* What may stand in a close frame: RFC 6455, 7.4, and IANA's registry up to 1014. */
static bool is_code(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int take_close(struct ws *ws) {
    const struct control *control = &ws->control;
    if (control->len == 1)
        return fail(ws, WS_CLOSE_PROTOCOL, "half a close code");
    unsigned code = WS_CLOSE_NO_CODE;
    if (control->len >= 2) {
        code = (unsigned)control->bytes[0] << 8 | control->bytes[1];
        if (!is_code(code))
            return fail(ws, WS_CLOSE_PROTOCOL, "no such close code");
        if (!utf8_is_valid(slice_of(control->bytes + 2, control->len - 2u)))
            return fail(ws, WS_CLOSE_TEXT, "the reason is not UTF-8");
    }
    ws->close_code = code;
    drop_message(ws);
    if (!ws->close_sent)
        make_close(&ws->closing, code, "");
    return 0;
}

static int end_control(struct ws *ws, uint8_t opcode) {
    if (opcode == WSLAY_CONNECTION_CLOSE)
        return take_close(ws);
    if (opcode == WSLAY_PING)
        answer_ping(ws);
    else
        ws->pongs++;
    return 0;
}

/* Takes a part of a frame, which may be all of it. */
static int take_part(struct ws *ws, const struct wslay_frame_iocb *frame) {
    bool is_control = wslay_is_ctrl_frame(frame->opcode);
    struct slice bytes = slice_of(frame->data, frame->data_length);

    if (!ws->in_frame) {
        int r = begin_frame(ws, frame);
        if (r < 0)
            return r;
    }
    ws->frame_left -= bytes.len;
    if (is_control) {
        add_control(ws, bytes);
    } else {
        int r = add_data(ws, bytes);
        if (r < 0)
            return r;
    }
    if (ws->frame_left > 0)
        return 0;
    ws->in_frame = false;
    return is_control ? end_control(ws, frame->opcode) : end_data(ws, frame->fin);
}

/* Makes room for new messages where those that were taken have been. */
static void forget_taken(struct ws *ws) {
    buf_drop(&ws->bytes, ws->taken);
    ws->taken = 0;
    buf_drop(&ws->waiting, ws->next * sizeof(struct waiting));
    ws->next = 0;
    if (ws->bytes.len == 0 && ws->bytes.cap > KEEP_MAX)
        buf_done(&ws->bytes);
    if (ws->waiting.len == 0 && ws->waiting.cap > KEEP_MAX)
        buf_done(&ws->waiting);
}

int ws_feed(struct ws *ws, struct slice bytes) {
    struct wslay_frame_iocb frame;
    int r = 0;

    if (ws->failed)
        return -EPROTO;
    forget_taken(ws);
    ws->in = bytes;
    while (r == 0 && ws->close_code == 0) {
        memset(&frame, 0, sizeof(frame));
        ssize_t n = wslay_frame_recv(ws->frames, &frame);
        if (n == WSLAY_ERR_WANT_READ)
            break;
        r = n < 0 ? fail(ws, WS_CLOSE_PROTOCOL, "a malformed frame")
                  : take_part(ws, &frame);
    }
    ws->in = slice_of(NULL, 0);
    return r;
}

bool ws_next(struct ws *ws, struct ws_message *ret_message) {
    if (ws->close_sent || !has_waiting(ws)) {
        forget_taken(ws);
        return false;
    }
    struct waiting waiting;
    memcpy(&waiting, ws->waiting.data + ws->next * sizeof(waiting), sizeof(waiting));
    ws->next++;
    ret_message->opcode = waiting.opcode;
    ret_message->bytes = slice_after(buf_slice(&ws->bytes), ws->taken);
    ret_message->bytes.len = waiting.len;
    ws->taken += waiting.len;
    return true;
}
