#include "wire/http1.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/*
 * llhttp gets whole lines, after they passed the guard of this file, and body bytes,
 * never more than the message has. So every message is cut the same way however the bytes
 * come, and what llhttp 8.1 lets pass in silence (a CR without LF between fields, for
 * one) never reaches it.
 */
enum {
    FIELDS_MAX = 100,       /* nginx and Apache agree; browsers send under 30 */
    CHUNK_LINE_MAX = 256,   /* 16 hex digits and an extension that nobody sends */
    EXTENSIONS_MAX = 16384, /* in all chunks of a message: they are pure overhead */
    FIRST_LINE_MIN = 12,    /* "HTTP/1.1 200" */
};

enum stage { START, FIELDS, CHUNK, TRAILERS, DATA, ENDED };

struct http1 {
    struct llhttp__internal_s parser;
    struct http1_message message;
    struct buf line; /* the beginning of a line that is not whole yet */
    enum http1_kind kind;
    enum stage stage;
    size_t head_max;
    size_t section_len; /* bytes of the head, or of the trailers */
    size_t fields;      /* in this section */
    size_t extensions;  /* bytes of chunk lines that are no digits */
    uint64_t data_left; /* of the body or chunk; UINT64_MAX: until FIN */
    unsigned status;    /* of a response */
    bool is_1_0;
    bool no_body;
    int failure; /* HTTP1_E_*, for good */
};

static int on_headers_complete(llhttp_t *parser);
static int on_chunk_header(llhttp_t *parser);
static int on_body(llhttp_t *parser, const char *at, size_t len);
static int on_message_complete(llhttp_t *parser);

static const struct llhttp_settings_s settings = {
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static void begin(struct http1 *http1) {
    llhttp_init(&http1->parser,
                http1->kind == HTTP1_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    http1->parser.data = http1;
    http1->stage = START;
    http1->section_len = 0;
    http1->fields = 0;
    http1->extensions = 0;
    http1->data_left = 0;
    http1->status = 0;
    http1->is_1_0 = false;

    struct http1_message *message = &http1->message;
    headers_done(&message->head);
    pipe_done(&message->body);
    message->has_head = false;
    message->ended = false;
    message->is_1_0 = false;
    message->keep_alive = false;
    message->upgrade = false;
    message->expects_continue = false;
}

struct http1 *http1_new(enum http1_kind kind, size_t head_max) {
    struct http1 *http1 = mem_new(sizeof(*http1));
    http1->kind = kind;
    http1->head_max = head_max;
    headers_init(&http1->message.head);
    pipe_init(&http1->message.body);
    buf_init(&http1->line);
    begin(http1);
    return http1;
}

struct http1 *http1_free(struct http1 *http1) {
    if (!http1)
        return NULL;
    headers_done(&http1->message.head);
    pipe_done(&http1->message.body);
    buf_done(&http1->line);
    free(http1);
    return NULL;
}

struct http1_message *http1_message(struct http1 *http1) {
    return &http1->message;
}

void http1_no_body(struct http1 *http1) {
    http1->no_body = true;
}

static bool is_interim(const struct http1 *http1) {
    return http1->status >= 100 && http1->status < 200 && http1->status != 101;
}

void http1_next(struct http1 *http1) {
    assert(http1->stage == ENDED);
    if (!is_interim(http1))
        http1->no_body = false;
    begin(http1);
}

/* -- what a head may say ---------------------------------------------------------- */

static size_t count(const struct headers *head, const char *name) {
    size_t found = 0;
    for (size_t i = 0; i < head->count; i++)
        if (strcmp(head->fields[i].name, name) == 0)
            found++;
    return found;
}

/* Would every reader find the same end of the body? */
static bool is_framing_clear(const struct http1 *http1) {
    const struct headers *head = &http1->message.head;
    const char *length = headers_get(head, "content-length");
    const char *coding = headers_get(head, "transfer-encoding");

    if (count(head, "content-length") > 1 || count(head, "transfer-encoding") > 1)
        return false;
    if (length && (coding || length[0] == '\0'))
        return false;
    if (length && length[strspn(length, "0123456789")] != '\0')
        return false;
    return !coding || (strcasecmp(coding, "chunked") == 0 && !http1->is_1_0);
}

/* RFC 3986, 3.2, without user information, which Host must not have. */
static bool is_host(const char *host) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-._~!$&'()*+;=:[]%";
    return host[strspn(host, allowed)] == '\0';
}

static bool is_request_fine(const struct http1 *http1) {
    const struct headers *head = &http1->message.head;
    const char *host = headers_get(head, "host");

    if (count(head, "host") > 1 || (!host && !http1->is_1_0))
        return false;
    if (host && !is_host(host))
        return false;
    /* Content in a CONNECT has no meaning, so readers differ about it. */
    return http1->parser.method != HTTP_CONNECT ||
           (!headers_get(head, "content-length") &&
            !headers_get(head, "transfer-encoding"));
}

static bool asks_upgrade(const struct headers *head) {
    return headers_get(head, "upgrade") &&
           headers_has_token(head, "connection", "upgrade");
}

static bool is_head_fine(const struct http1 *http1) {
    if (!is_framing_clear(http1))
        return false;
    if (http1->kind == HTTP1_REQUEST)
        return is_request_fine(http1);
    return http1->status != 101 || asks_upgrade(&http1->message.head);
}

/* RFC 9112, 6.3: whatever the fields say. */
static bool is_without_body(const struct http1 *http1) {
    return http1->kind == HTTP1_RESPONSE &&
           (http1->no_body || http1->status < 200 || http1->status == 204 ||
            http1->status == 304);
}

static bool wants_upgrade(const struct http1 *http1) {
    if (http1->kind == HTTP1_RESPONSE)
        return http1->status == 101;
    /* RFC 9110, 7.8: Upgrade in a 1.0 request is ignored. */
    return http1->parser.method == HTTP_CONNECT ||
           (!http1->is_1_0 && asks_upgrade(&http1->message.head));
}

/* -- what llhttp tells ------------------------------------------------------------ */

static int on_headers_complete(llhttp_t *parser) {
    struct http1 *http1 = parser->data;
    struct http1_message *message = &http1->message;
    const struct headers *head = &message->head;

    if (!is_head_fine(http1))
        return -1;

    bool is_chunked = headers_get(head, "transfer-encoding") != NULL;
    bool has_length = headers_get(head, "content-length") != NULL;
    bool is_empty = is_without_body(http1);
    bool until_fin =
        http1->kind == HTTP1_RESPONSE && !is_empty && !is_chunked && !has_length;

    message->has_head = true;
    message->is_1_0 = http1->is_1_0;
    message->upgrade = wants_upgrade(http1);
    message->keep_alive =
        !http1->is_1_0 && !until_fin && !headers_has_token(head, "connection", "close");
    message->expects_continue = http1->kind == HTTP1_REQUEST && !http1->is_1_0 &&
                                (is_chunked || parser->content_length > 0) &&
                                headers_has_token(head, "expect", "100-continue");

    http1->stage = is_chunked ? CHUNK : DATA;
    http1->data_left = until_fin ? UINT64_MAX : parser->content_length;
    http1->section_len = 0;
    http1->fields = 0;
    return is_empty;
}

static int on_chunk_header(llhttp_t *parser) {
    struct http1 *http1 = parser->data;
    http1->data_left = parser->content_length;
    http1->stage = http1->data_left > 0 ? DATA : TRAILERS;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
    struct http1 *http1 = parser->data;
    pipe_add(&http1->message.body, slice_of(at, len));
    return 0;
}

static int on_message_complete(llhttp_t *parser) {
    struct http1 *http1 = parser->data;
    http1->message.ended = true;
    http1->stage = ENDED;
    return HPE_PAUSED;
}

/* Hands over what has passed the guard. */
static int parse(struct http1 *http1, struct slice bytes) {
    llhttp_errno_t r = llhttp_execute(&http1->parser, (const char *)bytes.at, bytes.len);
    if (r == HPE_OK && http1->stage != ENDED)
        return 0;
    if ((r == HPE_PAUSED || r == HPE_PAUSED_UPGRADE) && http1->stage == ENDED)
        return 0;
    return HTTP1_E_BAD;
}

/* -- lines ------------------------------------------------------------------------ */

/* Is the line free of what readers take differently? It ends with LF. */
static bool is_clean(struct slice line) {
    if (line.len < 2 || line.at[line.len - 2] != '\r')
        return false;
    /* A folded line, or a first field that another reader glues to the start line. */
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return false;
    for (size_t i = 0; i < line.len - 2; i++)
        if ((line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
            return false;
    return true;
}

static bool is_version(struct http1 *http1, struct slice text) {
    http1->is_1_0 = slice_is_text(text, "HTTP/1.0");
    return http1->is_1_0 || slice_is_text(text, "HTTP/1.1");
}

/* Cuts what is before the first space off the text; all of it when there is none. */
static struct slice cut_word(struct slice *text) {
    const uint8_t *space = text->len > 0 ? memchr(text->at, ' ', text->len) : NULL;
    size_t len = space ? (size_t)(space - text->at) : text->len;
    struct slice word = slice_of(text->at, len);
    *text = slice_after(*text, space ? len + 1 : len);
    return word;
}

static bool is_target(struct slice target) {
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= ' ' || target.at[i] >= 0x7f || target.at[i] == '#')
            return false;
    return target.len > 0;
}

/* "GET /path HTTP/1.1" */
static bool take_request_line(struct http1 *http1, struct slice line) {
    struct slice method = cut_word(&line);
    struct slice target = cut_word(&line);
    if (!is_target(target) || !is_version(http1, line))
        return false;

    struct headers *head = &http1->message.head;
    return headers_add_slice(head, slice_of_text(":method"), method) &&
           headers_add_slice(head, slice_of_text(":path"), target);
}

/* "HTTP/1.1 200 OK", also without the reason and the space before it. */
static bool take_status_line(struct http1 *http1, struct slice line) {
    if (line.len < FIRST_LINE_MIN)
        return false;
    if (!is_version(http1, cut_word(&line)))
        return false;

    struct slice digits = cut_word(&line);
    if (digits.len != 3 || digits.at[0] < '1' || digits.at[0] > '9')
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        http1->status = http1->status * 10 + (unsigned)(digits.at[i] - '0');
    }
    return headers_add_slice(&http1->message.head, slice_of_text(":status"), digits);
}

static int take_start_line(struct http1 *http1, struct slice line) {
    bool is_request = http1->kind == HTTP1_REQUEST;
    struct slice text = slice_of(line.at, line.len - 2);

    /* RFC 9112, 2.2: empty lines before a request are skipped, for old clients. */
    if (text.len == 0)
        return is_request ? 0 : HTTP1_E_BAD;
    if (is_request ? !take_request_line(http1, text) : !take_status_line(http1, text))
        return HTTP1_E_BAD;
    http1->stage = FIELDS;
    return parse(http1, line);
}

static struct slice trim(struct slice text) {
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = slice_after(text, 1);
    while (text.len > 0 &&
           (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Adds "Name: value" to the fields. */
static bool add_field(struct headers *fields, struct slice line) {
    const uint8_t *colon = memchr(line.at, ':', line.len);
    if (!colon || colon == line.at)
        return false;
    size_t name_len = (size_t)(colon - line.at);
    return headers_add_slice(fields, slice_of(line.at, name_len),
                             trim(slice_after(line, name_len + 1)));
}

static int take_field(struct http1 *http1, struct slice line) {
    struct slice text = slice_of(line.at, line.len - 2);

    if (text.len > 0 && ++http1->fields > FIELDS_MAX)
        return HTTP1_E_HEAD_TOO_LONG;
    if (text.len > 0 && !add_field(&http1->message.head, text))
        return HTTP1_E_BAD;
    return parse(http1, line);
}

/* RFC 9110, 6.5.1: what frames or routes the message cannot come after it. */
static bool is_trailer(struct slice line) {
    static const char *const forbidden[] = { "content-length", "transfer-encoding",
                                             "host",           "connection",
                                             "upgrade",        "trailer" };
    auto_(headers_done) struct headers fields;
    headers_init(&fields);

    if (!add_field(&fields, line))
        return false;
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        if (headers_get(&fields, forbidden[i]))
            return false;
    return true;
}

static int take_trailer(struct http1 *http1, struct slice line) {
    struct slice text = slice_of(line.at, line.len - 2);

    if (text.len > 0 && ++http1->fields > FIELDS_MAX)
        return HTTP1_E_HEAD_TOO_LONG;
    if (text.len > 0 && !is_trailer(text))
        return HTTP1_E_BAD;
    return parse(http1, line);
}

/* The size of a chunk, or the line end behind one. */
static int take_chunk_line(struct http1 *http1, struct slice line) {
    size_t digits = 0;
    while (digits < line.len - 2 && strchr("0123456789abcdefABCDEF", line.at[digits]))
        digits++;
    http1->extensions += line.len - 2 - digits;
    if (http1->extensions > EXTENSIONS_MAX)
        return HTTP1_E_BAD;
    if (memchr(line.at, ' ', line.len) || memchr(line.at, '\t', line.len))
        return HTTP1_E_BAD;
    return parse(http1, line);
}

static int take_line(struct http1 *http1, struct slice line) {
    if (!is_clean(line))
        return HTTP1_E_BAD;
    switch (http1->stage) {
    case START:
        return take_start_line(http1, line);
    case FIELDS:
        return take_field(http1, line);
    case CHUNK:
        return take_chunk_line(http1, line);
    default:
        return take_trailer(http1, line);
    }
}

/* Charges bytes of a line to what the peer may send here. */
static int charge(struct http1 *http1, size_t len) {
    if (http1->stage == CHUNK)
        return http1->line.len + len > CHUNK_LINE_MAX ? HTTP1_E_BAD : 0;
    if (len > http1->head_max - http1->section_len)
        return HTTP1_E_HEAD_TOO_LONG;
    http1->section_len += len;
    return 0;
}

/* Takes one line, or keeps the beginning of one. */
static int feed_line(struct http1 *http1, struct slice bytes, size_t *taken) {
    const uint8_t *end = memchr(bytes.at, '\n', bytes.len);
    size_t len = end ? (size_t)(end - bytes.at) + 1 : bytes.len;
    *taken = len;

    int r = charge(http1, len);
    if (r != 0)
        return r;
    if (end && http1->line.len == 0)
        return take_line(http1, slice_of(bytes.at, len));

    buf_add(&http1->line, bytes.at, len);
    if (!end)
        return 0;
    struct buf line = http1->line;
    buf_init(&http1->line);
    r = take_line(http1, buf_slice(&line));
    buf_done(&line);
    return r;
}

static int feed_data(struct http1 *http1, struct slice bytes, size_t *taken) {
    size_t len = bytes.len < http1->data_left ? bytes.len : (size_t)http1->data_left;
    *taken = len;
    if (http1->data_left != UINT64_MAX)
        http1->data_left -= len;

    int r = parse(http1, slice_of(bytes.at, len));
    if (r == 0 && http1->data_left == 0 && http1->stage == DATA)
        http1->stage = CHUNK;
    return r;
}

int http1_feed(struct http1 *http1, struct slice bytes, size_t *ret_taken) {
    size_t taken = 0;

    while (http1->failure == 0 && http1->stage != ENDED && taken < bytes.len) {
        struct slice rest = slice_after(bytes, taken);
        size_t n;
        http1->failure = http1->stage == DATA ? feed_data(http1, rest, &n)
                                              : feed_line(http1, rest, &n);
        taken += n;
    }
    *ret_taken = taken;
    return http1->failure;
}

int http1_finish(struct http1 *http1) {
    if (http1->failure != 0 || http1->stage == ENDED)
        return http1->failure;
    if (http1->stage == START && http1->line.len == 0)
        return 0;
    if (http1->stage == DATA && http1->data_left == UINT64_MAX) {
        http1->stage = ENDED;
        http1->message.ended = true;
        return 0;
    }
    http1->failure = HTTP1_E_BAD;
    return HTTP1_E_BAD;
}
