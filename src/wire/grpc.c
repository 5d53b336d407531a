#include "wire/grpc.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/mem.h"

enum {
    PREFIX_LEN = 5,        /* a flag and the length, 32 bits big-endian */
    GZIP_WINDOW = 15 + 16, /* zlib's way to say: largest window, gzip around it */
    GZIP_MEMORY = 8,       /* zlib's default */
    GZIP_MIN = 64,         /* below this the gzip header eats the gain */
    UNPACK_STEP = 16384,   /* room made for unpacked bytes at a time */
    TIMEOUT_DIGITS = 8,    /* PROTOCOL-HTTP2.md: TimeoutValue */
    TIMEOUT_MAX = 99999999,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- status ----------------------------------------------------------------------- */

static const struct status {
    const char *number;
    const char *name;
    const char *connect_code;
    int http;
} statuses[] = {
    [GRPC_OK] = { "0", "OK", "ok", 200 },
    [GRPC_CANCELLED] = { "1", "CANCELLED", "canceled", 499 },
    [GRPC_UNKNOWN] = { "2", "UNKNOWN", "unknown", 500 },
    [GRPC_INVALID_ARGUMENT] = { "3", "INVALID_ARGUMENT", "invalid_argument", 400 },
    [GRPC_DEADLINE_EXCEEDED] = { "4", "DEADLINE_EXCEEDED", "deadline_exceeded", 504 },
    [GRPC_NOT_FOUND] = { "5", "NOT_FOUND", "not_found", 404 },
    [GRPC_ALREADY_EXISTS] = { "6", "ALREADY_EXISTS", "already_exists", 409 },
    [GRPC_PERMISSION_DENIED] = { "7", "PERMISSION_DENIED", "permission_denied", 403 },
    [GRPC_RESOURCE_EXHAUSTED] = { "8", "RESOURCE_EXHAUSTED", "resource_exhausted", 429 },
    [GRPC_FAILED_PRECONDITION] = { "9", "FAILED_PRECONDITION", "failed_precondition",
                                   400 },
    [GRPC_ABORTED] = { "10", "ABORTED", "aborted", 409 },
    [GRPC_OUT_OF_RANGE] = { "11", "OUT_OF_RANGE", "out_of_range", 400 },
    [GRPC_UNIMPLEMENTED] = { "12", "UNIMPLEMENTED", "unimplemented", 501 },
    [GRPC_INTERNAL] = { "13", "INTERNAL", "internal", 500 },
    [GRPC_UNAVAILABLE] = { "14", "UNAVAILABLE", "unavailable", 503 },
    [GRPC_DATA_LOSS] = { "15", "DATA_LOSS", "data_loss", 500 },
    [GRPC_UNAUTHENTICATED] = { "16", "UNAUTHENTICATED", "unauthenticated", 401 },
};

static const struct status *find_status(int status) {
    bool is_known = status >= 0 && (size_t)status < COUNT(statuses);
    return &statuses[is_known ? status : GRPC_UNKNOWN];
}

const char *grpc_status_name(int status) {
    return find_status(status)->name;
}

const char *grpc_status_number(int status) {
    return find_status(status)->number;
}

int grpc_http_of_status(int status) {
    return find_status(status)->http;
}

const char *grpc_connect_code(int status) {
    return find_status(status)->connect_code;
}

enum grpc_status grpc_status_of_http(int http_status) {
    switch (http_status) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

/* -- messages --------------------------------------------------------------------- */

static void *on_alloc(void *unused, unsigned count, unsigned size) {
    return mem_new_array(count, size);
}

static void on_free(void *unused, void *at) {
    free(at);
}

static void add_prefix(struct buf *out, bool is_packed, size_t len) {
    const uint8_t prefix[PREFIX_LEN] = { is_packed, (uint8_t)(len >> 24),
                                         (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                                         (uint8_t)len };
    buf_add(out, prefix, sizeof(prefix));
}

/* Appends the message packed if that makes it smaller. */
static bool add_packed(struct buf *out, struct slice message) {
    z_stream zip = { .zalloc = on_alloc, .zfree = on_free };
    int r = deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                         GZIP_MEMORY, Z_DEFAULT_STRATEGY);
    assert(r == Z_OK);

    /* No more room than the message itself: what does not fit is not worth it. */
    zip.next_out = buf_room(out, PREFIX_LEN + message.len) + PREFIX_LEN;
    zip.avail_out = (uInt)message.len;
    zip.next_in = (z_const Bytef *)message.at;
    zip.avail_in = (uInt)message.len;
    r = deflate(&zip, Z_FINISH);

    size_t len = message.len - zip.avail_out;
    deflateEnd(&zip);
    if (r != Z_STREAM_END)
        return false;
    add_prefix(out, true, len);
    buf_added(out, len);
    return true;
}

void grpc_message_add(struct buf *out,
                      struct slice message,
                      enum grpc_encoding encoding) {
    assert(message.len <= UINT32_MAX);
    if (encoding == GRPC_GZIP && message.len >= GZIP_MIN && add_packed(out, message))
        return;
    add_prefix(out, false, message.len);
    buf_add_slice(out, message);
}

/* Gives zlib room for one step, but for one byte over the limit in all. */
static void make_room(z_stream *zip, struct buf *out, size_t message_max) {
    size_t left = message_max - out->len;
    size_t step = left < UNPACK_STEP ? left + 1 : UNPACK_STEP;
    zip->next_out = buf_room(out, step);
    zip->avail_out = (uInt)step;
}

/* Unpacks what zlib has been given: Z_OK, Z_STREAM_END, or what ends it. */
static int unpack_part(z_stream *zip, struct buf *out, size_t message_max) {
    int r;
    do {
        make_room(zip, out, message_max);
        uint8_t *at = zip->next_out;
        r = inflate(zip, Z_NO_FLUSH);
        buf_added(out, (size_t)(zip->next_out - at));
        if (out->len > message_max)
            return Z_BUF_ERROR;
        /* With room left and nothing more to give, it waits for input. */
        if (r == Z_BUF_ERROR)
            r = Z_OK;
    } while (r == Z_OK && (zip->avail_in > 0 || zip->avail_out == 0));
    return r;
}

/* Unpacks the first len bytes of the pipe, which are one gzip member. */
static int unpack(struct pipe *in, size_t len, size_t message_max, struct buf *out) {
    z_stream zip = { .zalloc = on_alloc, .zfree = on_free };
    int r = inflateInit2(&zip, GZIP_WINDOW);
    assert(r == Z_OK);

    while (r == Z_OK && len > 0) {
        struct slice part = pipe_peek(in);
        if (part.len > len)
            part.len = len;
        zip.next_in = (z_const Bytef *)part.at;
        zip.avail_in = (uInt)part.len;
        r = unpack_part(&zip, out, message_max);
        size_t used = part.len - zip.avail_in;
        pipe_drop(in, used);
        len -= used;
    }
    inflateEnd(&zip);

    if (out->len > message_max)
        return GRPC_E_TOO_LONG;
    return r == Z_STREAM_END && len == 0 ? 0 : GRPC_E_BAD;
}

static size_t prefix_len(const uint8_t prefix[static PREFIX_LEN]) {
    return (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 |
           prefix[4];
}

int grpc_message_take(struct pipe *in,
                      enum grpc_encoding encoding,
                      size_t message_max,
                      struct buf *ret_message,
                      size_t *ret_taken) {
    uint8_t prefix[PREFIX_LEN];
    if (in->len < PREFIX_LEN)
        return GRPC_E_MORE;
    pipe_copy(in, prefix, PREFIX_LEN);

    bool is_packed = prefix[0] == 1;
    size_t len = prefix_len(prefix);
    if (prefix[0] > 1 || (is_packed && encoding == GRPC_IDENTITY))
        return GRPC_E_BAD;
    if (len > message_max)
        return GRPC_E_TOO_LONG;
    if (in->len - PREFIX_LEN < len)
        return GRPC_E_MORE;

    pipe_drop(in, PREFIX_LEN);
    buf_clear(ret_message);
    if (is_packed) {
        int r = unpack(in, len, message_max, ret_message);
        if (r != 0)
            return r;
    } else if (len > 0) {
        pipe_copy(in, buf_room(ret_message, len), len);
        buf_added(ret_message, len);
        pipe_drop(in, len);
    }
    *ret_taken = PREFIX_LEN + len;
    return 0;
}

bool grpc_encoding_parse(const char *text, enum grpc_encoding *ret_encoding) {
    if (!text || strcmp(text, "identity") == 0)
        *ret_encoding = GRPC_IDENTITY;
    else if (strcmp(text, "gzip") == 0)
        *ret_encoding = GRPC_GZIP;
    else
        return false;
    return true;
}

/* -- header values ---------------------------------------------------------------- */

/* Hours to milliseconds are multiplied, microseconds and nanoseconds divided. */
static const struct unit {
    char letter;
    uint32_t times;
    uint32_t parts;
} units[] = {
    { 'm', 1, 1 },       { 'S', 1000, 1 }, { 'M', 60000, 1 },
    { 'H', 3600000, 1 }, { 'u', 1, 1000 }, { 'n', 1, 1000000 },
};

bool grpc_timeout_parse(const char *text, uint64_t *ret_ms) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > TIMEOUT_DIGITS)
        return false;
    if (text[digits] == '\0' || text[digits + 1] != '\0')
        return false;

    uint64_t value = strtoull(text, NULL, 10);
    for (size_t i = 0; i < COUNT(units); i++) {
        if (units[i].letter == text[digits]) {
            *ret_ms = (value * units[i].times + units[i].parts - 1) / units[i].parts;
            return true;
        }
    }
    return false;
}

void grpc_timeout_write(uint64_t ms, char ret_text[static 16]) {
    const struct unit *unit = &units[0];
    uint64_t value = ms;

    for (size_t i = 1; value > TIMEOUT_MAX && units[i].parts == 1; i++) {
        unit = &units[i];
        value = ms / unit->times + (ms % unit->times > 0);
    }
    if (value > TIMEOUT_MAX)
        value = TIMEOUT_MAX; /* over eleven thousand years */
    snprintf(ret_text, 16, "%llu%c", (unsigned long long)value, unit->letter);
}

void grpc_text_encode(struct buf *out, const char *text) {
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c < ' ' || c > '~' || c == '%')
            buf_printf(out, "%%%02X", c);
        else
            buf_add_byte(out, c);
    }
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The byte that an escape stands for; 0 when it is none. */
static int escaped(const char *text) {
    if (text[0] != '%')
        return 0;
    int high = digit_value(text[1]);
    int low = high < 0 ? -1 : digit_value(text[2]);
    return low < 0 ? 0 : high * 16 + low;
}

void grpc_text_decode(struct buf *out, const char *text) {
    while (*text) {
        int byte = escaped(text);
        buf_add_byte(out, byte ? (uint8_t)byte : (uint8_t)*text);
        text += byte ? 3 : 1;
    }
}

bool grpc_is_content_type(const char *content_type) {
    static const char base[] = "application/grpc";
    static const char proto[] = "+proto";

    if (!content_type || strncasecmp(content_type, base, strlen(base)) != 0)
        return false;
    const char *rest = content_type + strlen(base);
    if (strncasecmp(rest, proto, strlen(proto)) == 0)
        rest += strlen(proto);
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}
