#include "wire/http1.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { HEAD_MAX = 512 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Writes what a message holds as one line of text. */
static void describe(struct buf *out, struct http1_message *message) {
    for (size_t i = 0; i < message->head.count; i++)
        buf_printf(out, "%s=%s;", message->head.fields[i].name,
                   message->head.fields[i].value);
    buf_add_text(out, " [");
    while (message->body.len > 0) {
        struct slice part = pipe_peek(&message->body);
        buf_add_slice(out, part);
        pipe_drop(&message->body, part.len);
    }
    buf_printf(out, "]%s%s%s\n", message->keep_alive ? " keep" : "",
               message->upgrade ? " upgrade" : "",
               message->expects_continue ? " expect" : "");
}

/* Feeds up to three parts; takes messages until an upgrade. Returns the last answer. */
static int feed_all(struct http1 *http1, struct slice bytes, struct buf *out) {
    struct http1_message *message = http1_message(http1);
    size_t taken;

    do {
        if (message->ended && message->upgrade) {
            buf_printf(out, "<%.*s>", (int)bytes.len, (const char *)bytes.at);
            return 0;
        }
        if (message->ended)
            http1_next(http1);
        int r = http1_feed(http1, bytes, &taken);
        if (r != 0)
            return r;
        bytes = slice_after(bytes, taken);
        if (message->ended)
            describe(out, message);
    } while (bytes.len > 0);
    return 0;
}

/* What comes out of a stream, cut into steps of the given size after the first cut. */
static char *read_cut(
    enum http1_kind kind, struct slice text, size_t cut, size_t step, int *ret_result) {
    struct http1 *http1 = http1_new(kind, HEAD_MAX);
    struct buf out;
    buf_init(&out);

    int r = feed_all(http1, slice_of(text.at, cut), &out);
    for (size_t at = cut; r == 0 && at < text.len; at += step) {
        size_t n = text.len - at < step ? text.len - at : step;
        r = feed_all(http1, slice_of(text.at + at, n), &out);
    }
    if (r == 0 && http1_message(http1)->ended == false) {
        r = http1_finish(http1);
        if (r == 0 && http1_message(http1)->ended)
            describe(&out, http1_message(http1));
    }
    http1_free(http1);
    *ret_result = r;
    return buf_take_text(&out);
}

static const struct whole {
    enum http1_kind kind;
    const char *text;
    const char *wanted;
} wholes[] = {
    { HTTP1_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      ":method=GET;:path=/;host=a; [] keep\n" },
    { HTTP1_REQUEST,
      "\r\n\r\nGET /x?y=%20 HTTP/1.1\r\nHOST:a:80\r\nX-A: \t b  c\t \r\nX-B:\r\n\r\n",
      ":method=GET;:path=/x?y=%20;host=a:80;x-a=b  c;x-b=; [] keep\n" },
    { HTTP1_REQUEST,
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      "GET /b HTTP/1.1\r\nHost: b\r\nConnection: x, Close\r\n\r\n",
      ":method=POST;:path=/a;host=a;content-length=5; [hello] keep\n"
      ":method=GET;:path=/b;host=b;connection=x, Close; []\n" },
    { HTTP1_REQUEST,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n00A;a=b\r\n0123\r\n6789\r\n0\r\nX-T: 1\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
      ":method=POST;:path=/;host=a;transfer-encoding=Chunked; [hello0123\r\n6789] keep\n"
      ":method=GET;:path=/next;host=a; [] keep\n" },
    { HTTP1_REQUEST,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-Continue\r\n\r\n0\r\n\r\n",
      ":method=POST;:path=/;host=a;transfer-encoding=chunked;expect=100-Continue; [] "
      "keep "
      "expect\n" },
    { HTTP1_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
      ":method=GET;:path=/;host=a;expect=100-continue; [] keep\n" },
    { HTTP1_REQUEST, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      ":method=GET;:path=/;connection=keep-alive; []\n" },
    { HTTP1_REQUEST, "GET http://a/b HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
      ":method=GET;:path=http://a/b;host=[::1]:8000; [] keep\n" },
    { HTTP1_REQUEST, "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
      ":method=OPTIONS;:path=*;host=; [] keep\n" },
    { HTTP1_REQUEST, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nrest",
      ":method=CONNECT;:path=a:443;host=a:443; [] keep upgrade\n<rest>" },
    { HTTP1_REQUEST,
      "GET /link HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
      "Upgrade: ptth\r\n\r\nPRI *",
      ":method=GET;:path=/link;host=a;connection=keep-alive, Upgrade;upgrade=ptth; [] "
      "keep "
      "upgrade\n<PRI *>" },
    { HTTP1_REQUEST,
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"
      "Content-Length: 3\r\n\r\nabcrest",
      ":method=POST;:path=/;host=a;connection=upgrade;upgrade=h2c;content-length=3; "
      "[abc] "
      "keep upgrade\n<rest>" },
    { HTTP1_REQUEST, "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
      ":method=GET;:path=/;connection=upgrade;upgrade=x; []\n" },
    { HTTP1_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n",
      ":method=GET;:path=/;host=a;upgrade=x; [] keep\n" },
    { HTTP1_RESPONSE,
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 304 \r\nContent-Length: 99\r\n\r\n"
      "HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      ":status=200;content-length=2; [ok] keep\n"
      ":status=204; [] keep\n"
      ":status=304;content-length=99; [] keep\n"
      ":status=404;transfer-encoding=chunked; [x] keep\n" },
    { HTTP1_RESPONSE,
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.0 200 OK\r\n\r\nuntil the end",
      ":status=100; [] keep\n:status=103;link=x; [] keep\n"
      ":status=200; [until the end]\n" },
    { HTTP1_RESPONSE, "HTTP/1.1 200 \xc3\xa4\r\nX: \xc3\xa4\r\n\r\n",
      ":status=200;x=\xc3\xa4; []\n" },
    { HTTP1_RESPONSE,
      "HTTP/1.1 101 Switching\r\nUpgrade: ptth\r\nConnection: upgrade\r\n"
      "Content-Length: 4\r\n\r\n\1\2\3\4",
      ":status=101;upgrade=ptth;connection=upgrade;content-length=4; [] keep "
      "upgrade\n<\1\2\3\4>" },
};

static struct slice text_of(const struct whole *row) {
    return slice_of_text(row->text);
}

static void whole_messages_are_read(void) {
    for (size_t i = 0; i < COUNT(wholes); i++) {
        int r;
        auto_(mem_freep) char *got =
            read_cut(wholes[i].kind, text_of(&wholes[i]), strlen(wholes[i].text), 1, &r);
        CHECK_TEXT(got, wholes[i].wanted);
        CHECK_INT(r, 0);
    }
}

/* Bytes behind an upgrade are shown in as many pieces as they come. */
static void check_same(char *got, const char *wanted) {
    char *from = got, *to = got;
    for (; *from; from++)
        if (from[0] == '>' && from[1] == '<')
            from++;
        else
            *to++ = *from;
    *to = '\0';
    for (to = got; (to = strstr(to, "<>"));)
        memmove(to, to + 2, strlen(to + 2) + 1);
    CHECK_TEXT(got, wanted);
}

static void any_split_gives_the_same_messages(void) {
    for (size_t i = 0; i < COUNT(wholes); i++) {
        size_t len = strlen(wholes[i].text);
        for (size_t cut = 0; cut <= len; cut++) {
            int r;
            auto_(mem_freep) char *got =
                read_cut(wholes[i].kind, text_of(&wholes[i]), cut, len, &r);
            check_same(got, wholes[i].wanted);
            CHECK_INT(r, 0);
        }
        for (size_t step = 1; step < 8; step++) {
            int r;
            auto_(mem_freep) char *got =
                read_cut(wholes[i].kind, text_of(&wholes[i]), 0, step, &r);
            check_same(got, wholes[i].wanted);
            CHECK_INT(r, 0);
        }
    }
}

/* A message is ended by its own last byte, not by the next one. */
static void a_message_ends_with_its_last_byte_only(void) {
    for (size_t i = 0; i < COUNT(wholes); i++) {
        struct slice text = text_of(&wholes[i]);
        struct http1 *http1 = http1_new(wholes[i].kind, HEAD_MAX);
        size_t taken, end = 0;

        CHECK_INT(http1_feed(http1, text, &end), 0);
        if (http1_message(http1)->ended) {
            struct http1 *other = http1_new(wholes[i].kind, HEAD_MAX);
            CHECK_INT(http1_feed(other, slice_of(text.at, end - 1), &taken), 0);
            CHECK(!http1_message(other)->ended);
            CHECK_INT(http1_feed(other, slice_of(text.at + end - 1, 1), &taken), 0);
            CHECK(http1_message(other)->ended);
            CHECK_INT(http1_feed(other, slice_of("x", 1), &taken), 0);
            CHECK_INT(taken, 0);
            CHECK_INT(http1_finish(other), 0);
            http1_free(other);
        }
        http1_free(http1);
    }
}

/* FIN in the middle is seen as such. */
static void a_truncated_message_is_bad(void) {
    static const char *const texts[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t len = 0; len < strlen(texts[i]); len++) {
            struct http1 *http1 = http1_new(HTTP1_REQUEST, HEAD_MAX);
            size_t taken;
            CHECK_INT(http1_feed(http1, slice_of(texts[i], len), &taken), 0);
            CHECK_INT(taken, len);
            CHECK_INT(http1_finish(http1), len == 0 ? 0 : HTTP1_E_BAD);
            CHECK(!http1_message(http1)->ended);
            http1_free(http1);
        }
    }
}

#define GET    "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST   "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKS POST "Transfer-Encoding: chunked\r\n\r\n"

static const char *const bad_requests[] = {
    /* start lines */
    "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\r\n",
    "GET /\r\n\r\n",
    "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/11\r\nHost: a\r\n\r\n",
    "GET / http/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1x\r\nHost: a\r\n\r\n",
    "GET / ICE/1.0\r\nHost: a\r\n\r\n",
    "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\n",
    /* fields */
    GET "X: a\nY: b\r\n\r\n",
    GET "X: a\rY: b\r\n\r\n",
    GET "X: a\r\r\n\r\n",
    GET "X: a\r\n\r \n",
    GET "X: a\r\n\rGET / HTTP/1.1\r\n\r\n",
    GET "\n",
    GET "\r\r\n",
    GET "X: a\r\n b\r\n\r\n",
    GET "X: a\r\n\tb\r\n\r\n",
    "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n",
    GET "X : a\r\n\r\n",
    GET "X\t: a\r\n\r\n",
    GET ": a\r\n\r\n",
    GET ":path: /x\r\n\r\n",
    GET "no colon\r\n\r\n",
    GET "X y: a\r\n\r\n",
    GET "X(y): a\r\n\r\n",
    GET "X\xc3\xa4: a\r\n\r\n",
    GET "X: a\x01\r\n\r\n",
    GET "X: a\x7f\r\n\r\n",
    /* Host */
    "GET / HTTP/1.1\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\n\r\n",
    GET "Host: a\r\n\r\n",
    GET "host: b\r\n\r\n",
    "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n",
    /* lengths */
    POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    POST "Content-Length: 1, 1\r\n\r\na",
    POST "Content-Length:\r\n\r\n",
    POST "Content-Length: \r\n\r\n",
    POST "Content-Length: +1\r\n\r\na",
    POST "Content-Length: -1\r\n\r\na",
    POST "Content-Length: 0x1\r\n\r\na",
    POST "Content-Length: 1a\r\n\r\na",
    POST "Content-Length: 1 1\r\n\r\na",
    POST "Content-Length: 1.0\r\n\r\na",
    POST "Content-Length: 18446744073709551616\r\n\r\na",
    POST "Content-Length: 99999999999999999999999\r\n\r\na",
    POST "Content-Length : 1\r\n\r\na",
    POST "Content-Length: 1\r\n 2\r\n\r\na",
    /* codings */
    POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: identity\r\n\r\n",
    POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding:\x0b"
         "chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\na",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    /* chunks */
    CHUNKS "x\r\n",
    CHUNKS "\r\n",
    CHUNKS "-1\r\n",
    CHUNKS "+1\r\n",
    CHUNKS "0x1\r\na\r\n",
    CHUNKS " 1\r\na\r\n",
    CHUNKS "1 \r\na\r\n",
    CHUNKS "1 ;x\r\na\r\n",
    CHUNKS "1\na\r\n0\r\n\r\n",
    CHUNKS "1\ra\r\n0\r\n\r\n",
    CHUNKS "1;x\na\r\n",
    CHUNKS "1;x\rfoo\r\na\r\n",
    CHUNKS "1;a=\"\n\"\r\na\r\n",
    CHUNKS "1\r\nab\r\n",
    CHUNKS "1\r\na0\r\n\r\n",
    CHUNKS "1\r\na\n0\r\n\r\n",
    CHUNKS "1\r\na\rX0\r\n\r\n",
    CHUNKS "1\r\na\r\n\r\n",
    CHUNKS "10000000000000000\r\n",
    CHUNKS "fffffffffffffffff\r\n",
    CHUNKS "0\r\n\n",
    CHUNKS "0\r\n\rX\r\n",
    CHUNKS "0\r\nX\r\n\r\n",
    CHUNKS "0\r\nX : a\r\n\r\n",
    CHUNKS "0\r\n X: a\r\n\r\n",
    CHUNKS "0\r\nX: a\r\n b\r\n\r\n",
    CHUNKS "0\r\nX: a\nY: b\r\n\r\n",
    CHUNKS "0\r\nContent-Length: 5\r\n\r\n",
    CHUNKS "0\r\nTransfer-Encoding: chunked\r\n\r\n",
    CHUNKS "0\r\nHost: b\r\n\r\n",
    CHUNKS "0\r\nConnection: close\r\n\r\n",
};

static const char *const bad_responses[] = {
    "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 0200 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 200OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "RTSP/1.0 200 OK\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
};

static void check_bad(enum http1_kind kind, const char *text) {
    size_t len = strlen(text);

    for (size_t step = len; step > 0; step = step > 1 ? 1 : 0) {
        struct http1 *http1 = http1_new(kind, HEAD_MAX);
        size_t taken;
        int r = 0;
        for (size_t at = 0; r == 0 && at < len; at += step)
            r = http1_feed(http1, slice_of(text + at, step), &taken);
        if (r != HTTP1_E_BAD)
            fail_msg("not refused: %s", text);
        CHECK(!http1_message(http1)->ended);
        CHECK_INT(http1_feed(http1, slice_of_text(GET "\r\n"), &taken), HTTP1_E_BAD);
        CHECK_INT(taken, 0);
        CHECK_INT(http1_finish(http1), HTTP1_E_BAD);
        http1_free(http1);
    }
}

static void hostile_messages_are_refused_for_good(void) {
    for (size_t i = 0; i < COUNT(bad_requests); i++)
        check_bad(HTTP1_REQUEST, bad_requests[i]);
    for (size_t i = 0; i < COUNT(bad_responses); i++)
        check_bad(HTTP1_RESPONSE, bad_responses[i]);
}

static void nul_bytes_are_refused(void) {
    static const char *const texts[] = { "GET /_ HTTP/1.1\r\nHost: a\r\n\r\n",
                                         GET "X: a_b\r\n\r\n", GET "X_: a\r\n\r\n",
                                         CHUNKS "1_\r\n" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct http1 *http1 = http1_new(HTTP1_REQUEST, HEAD_MAX);
        size_t taken;
        auto_(mem_freep) char *text = mem_strdup(texts[i]);
        *strchr(text, '_') = '\0';
        CHECK_INT(http1_feed(http1, slice_of(text, strlen(texts[i])), &taken),
                  HTTP1_E_BAD);
        http1_free(http1);
    }
}

static int feed_text(struct http1 *http1, const char *text) {
    size_t taken;
    return http1_feed(http1, slice_of_text(text), &taken);
}

/* Feeds the text again and again until something is said. */
static int feed_endlessly(struct http1 *http1, const char *text, size_t bytes_max) {
    for (size_t sent = 0; sent < bytes_max; sent += strlen(text)) {
        int r = feed_text(http1, text);
        if (r != 0)
            return r;
    }
    return 0;
}

static void long_heads_are_refused(void) {
    static const struct {
        const char *begin;
        const char *again;
        int wanted;
    } rows[] = {
        { "", "\r\n", HTTP1_E_HEAD_TOO_LONG },
        { "", "G", HTTP1_E_HEAD_TOO_LONG },
        { "GET /", "a", HTTP1_E_HEAD_TOO_LONG },
        { GET, "X: y\r\n", HTTP1_E_HEAD_TOO_LONG },
        { GET "X: ", "y", HTTP1_E_HEAD_TOO_LONG },
        { GET, "X", HTTP1_E_HEAD_TOO_LONG },
        { CHUNKS "0\r\n", "X: y\r\n", HTTP1_E_HEAD_TOO_LONG },
        { CHUNKS "0\r\nX: ", "y", HTTP1_E_HEAD_TOO_LONG },
        { CHUNKS, "0", HTTP1_E_BAD },
        { CHUNKS "1;", "x", HTTP1_E_BAD },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http1 *http1 = http1_new(HTTP1_REQUEST, HEAD_MAX);
        CHECK_INT(feed_text(http1, rows[i].begin), 0);
        CHECK_INT(feed_endlessly(http1, rows[i].again, HEAD_MAX + 10), rows[i].wanted);
        http1_free(http1);
    }
}

static void chunk_extensions_are_limited_in_sum(void) {
    static const char chunk[] = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=b\r\nx\r\n";
    struct http1 *http1 = http1_new(HTTP1_REQUEST, HEAD_MAX);

    CHECK_INT(feed_text(http1, CHUNKS), 0);
    CHECK_INT(feed_endlessly(http1, "1\r\nx\r\n", 100000), 0);
    CHECK_INT(feed_endlessly(http1, chunk, 100000), HTTP1_E_BAD);
    http1_free(http1);
}

/* The limit is the head's last byte; the body does not count. */
static void a_head_of_just_the_limit_is_taken(void) {
    const char *head = POST "Content-Length: 3\r\n\r\n";

    for (size_t less = 0; less < 2; less++) {
        struct http1 *http1 = http1_new(HTTP1_REQUEST, strlen(head) - less);
        CHECK_INT(feed_text(http1, head), less ? HTTP1_E_HEAD_TOO_LONG : 0);
        CHECK(http1_message(http1)->has_head == !less);
        CHECK_INT(feed_text(http1, "abc"), less ? HTTP1_E_HEAD_TOO_LONG : 0);
        CHECK(http1_message(http1)->ended == !less);
        http1_free(http1);
    }
}

static void many_fields_are_refused(void) {
    for (unsigned fields = 98; fields < 102; fields++) {
        struct http1 *http1 = http1_new(HTTP1_REQUEST, 65536);
        CHECK_INT(feed_text(http1, GET), 0);
        for (unsigned i = 0; i + 1 < fields; i++)
            CHECK_INT(feed_text(http1, "a: b\r\n"),
                      i + 1 < 100 ? 0 : HTTP1_E_HEAD_TOO_LONG);
        CHECK_INT(feed_text(http1, "\r\n"), fields <= 100 ? 0 : HTTP1_E_HEAD_TOO_LONG);
        http1_free(http1);
    }
}

static void many_trailers_are_refused(void) {
    struct http1 *http1 = http1_new(HTTP1_REQUEST, 65536);
    CHECK_INT(feed_text(http1, CHUNKS "0\r\n"), 0);
    CHECK_INT(feed_endlessly(http1, "a: b\r\n", 6 * 100), 0);
    CHECK_INT(feed_text(http1, "a: b\r\n"), HTTP1_E_HEAD_TOO_LONG);
    http1_free(http1);
}

/* The body does not wait for its end, nor a chunk for its own. */
static void a_body_is_given_as_it_comes(void) {
    struct http1 *http1 = http1_new(HTTP1_REQUEST, HEAD_MAX);
    struct http1_message *message = http1_message(http1);

    CHECK_INT(feed_text(http1, CHUNKS "10\r\nabc"), 0);
    CHECK(message->has_head && !message->ended);
    CHECK_INT(message->body.len, 3);
    pipe_drop(&message->body, 3);
    CHECK_INT(feed_text(http1, "0123456789abc\r\n0\r\n"), 0);
    CHECK_INT(message->body.len, 13);
    CHECK(!message->ended);
    CHECK_INT(feed_text(http1, "\r\n"), 0);
    CHECK(message->ended);
    http1_next(http1);
    CHECK_INT(message->body.len, 0);
    CHECK_INT(message->head.count, 0);
    CHECK(!message->has_head && !message->ended);
    http1_free(http1);
}

static void the_answer_to_head_has_no_body(void) {
    struct http1 *http1 = http1_new(HTTP1_RESPONSE, HEAD_MAX);
    struct http1_message *message = http1_message(http1);

    http1_no_body(http1);
    CHECK_INT(feed_text(http1, "HTTP/1.1 103 Early Hints\r\n\r\n"), 0);
    CHECK(message->ended);
    http1_next(http1);
    CHECK_INT(feed_text(http1, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), 0);
    CHECK(message->ended && message->keep_alive);

    http1_next(http1);
    CHECK_INT(feed_text(http1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), 0);
    CHECK(message->has_head && !message->ended);
    http1_free(http1);
}

/* The answer to CONNECT: what follows 200 is the tunnel's. */
static void the_answer_to_connect_ends_with_its_head(void) {
    struct http1 *http1 = http1_new(HTTP1_RESPONSE, HEAD_MAX);
    const char *text = "HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x01";
    size_t taken;

    http1_no_body(http1);
    CHECK_INT(http1_feed(http1, slice_of_text(text), &taken), 0);
    CHECK(http1_message(http1)->ended);
    CHECK_INT(taken, strlen(text) - 3);
    http1_free(http1);
}

static char *written(const struct headers *head) {
    struct buf out;
    buf_init(&out);
    http1_write_head(&out, head);
    return buf_take_text(&out);
}

static void heads_are_written(void) {
    struct headers head;
    headers_init(&head);
    headers_add(&head, ":method", "POST");
    headers_add(&head, ":scheme", "https");
    headers_add(&head, ":authority", "hub:8000");
    headers_add(&head, ":path", "/a b\xc3\xa4?x=y");
    headers_add(&head, "Accept", "*/*");
    auto_(mem_freep) char *request = written(&head);
    CHECK_TEXT(request,
               "POST /a%20b%C3%A4?x=y HTTP/1.1\r\nhost: hub:8000\r\naccept: */*\r\n\r\n");
    headers_add(&head, "host", "other");
    auto_(mem_freep) char *with_host = written(&head);
    CHECK_TEXT(with_host,
               "POST /a%20b%C3%A4?x=y HTTP/1.1\r\naccept: */*\r\nhost: other\r\n\r\n");
    headers_done(&head);

    headers_add(&head, ":status", "404");
    headers_add(&head, "content-length", "0");
    auto_(mem_freep) char *response = written(&head);
    CHECK_TEXT(response, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    headers_done(&head);

    headers_add(&head, ":status", "299");
    auto_(mem_freep) char *unknown = written(&head);
    CHECK_TEXT(unknown, "HTTP/1.1 299 \r\n\r\n");
    headers_done(&head);
}

/* What we write, we read. */
static void written_messages_are_read_back(void) {
    struct headers head;
    struct buf out;
    int r;
    headers_init(&head);
    buf_init(&out);
    headers_add(&head, ":method", "PUT");
    headers_add(&head, ":path", "/x");
    headers_add(&head, "host", "a");
    headers_add(&head, "transfer-encoding", "chunked");
    http1_write_head(&out, &head);
    http1_write_chunk(&out, slice_of_text("hello, "));
    http1_write_chunk(&out, slice_of_text("a rather long world"));
    http1_write_chunk(&out, slice_of_text(""));

    auto_(mem_freep) char *got = read_cut(HTTP1_REQUEST, buf_slice(&out), 0, 3, &r);
    CHECK_TEXT(got, ":method=PUT;:path=/x;host=a;transfer-encoding=chunked; "
                    "[hello, a rather long world] keep\n");
    CHECK_INT(r, 0);
    headers_done(&head);
    buf_done(&out);
}

static void reasons_are_known_for_what_we_send(void) {
    CHECK_TEXT(http1_reason(101), "Switching Protocols");
    CHECK_TEXT(http1_reason(404), "Not Found");
    CHECK_TEXT(http1_reason(505), "HTTP Version Not Supported");
    CHECK_TEXT(http1_reason(0), "");
    CHECK_TEXT(http1_reason(999), "");
}

TESTS(TEST(whole_messages_are_read),
      TEST(any_split_gives_the_same_messages),
      TEST(a_message_ends_with_its_last_byte_only),
      TEST(a_truncated_message_is_bad),
      TEST(hostile_messages_are_refused_for_good),
      TEST(nul_bytes_are_refused),
      TEST(long_heads_are_refused),
      TEST(chunk_extensions_are_limited_in_sum),
      TEST(a_head_of_just_the_limit_is_taken),
      TEST(many_fields_are_refused),
      TEST(many_trailers_are_refused),
      TEST(a_body_is_given_as_it_comes),
      TEST(the_answer_to_head_has_no_body),
      TEST(the_answer_to_connect_ends_with_its_head),
      TEST(heads_are_written),
      TEST(written_messages_are_read_back),
      TEST(reasons_are_known_for_what_we_send))
