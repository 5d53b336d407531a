#include "rpc/inbox.h"

#include <string.h>

#include "base/check.h"

enum { MESSAGE_MAX = 100000 };

/* What one could read of a stream of messages: "3:abc 0: " and the last answer. */
static int read_all(struct inbox *inbox, struct pipe *from, struct buf *out) {
    struct buf message = { 0 };
    size_t taken = 0;
    int r;

    for (;;) {
        size_t before = from->len;
        r = inbox_take(inbox, from, &message, &taken);
        CHECK_INT(before - from->len, taken);
        if (r != 0)
            break;
        buf_printf(out, "%zu:", message.len);
        buf_add_slice(out, buf_slice(&message));
    }
    buf_done(&message);
    return r;
}

static void add_three(struct buf *stream, enum grpc_encoding encoding) {
    char large[3000];
    memset(large, 'x', sizeof(large));
    grpc_message_add(stream, slice_of_text("one"), encoding);
    grpc_message_add(stream, slice_of(NULL, 0), encoding);
    grpc_message_add(stream, slice_of(large, sizeof(large)), encoding);
    grpc_message_add(stream, slice_of_text("end"), encoding);
}

static void check_cut(const struct buf *stream, enum grpc_encoding encoding, size_t cut) {
    struct inbox inbox;
    struct buf out = { 0 };
    struct pipe from;

    pipe_init(&from);
    inbox_init(&inbox, MESSAGE_MAX);
    inbox.encoding = encoding;
    pipe_add(&from, slice_of(stream->data, cut));
    CHECK_INT(read_all(&inbox, &from, &out), GRPC_E_MORE);
    CHECK_INT(from.len, 0);
    pipe_add(&from, slice_of(stream->data + cut, stream->len - cut));
    CHECK_INT(read_all(&inbox, &from, &out), GRPC_E_MORE);
    CHECK_INT(from.len, 0);
    CHECK(inbox_part_len(&inbox) == 0);
    CHECK_INT(out.len, 5 + 2 + 3005 + 5);
    CHECK(memcmp(out.data, "3:one0:3000:x", 13) == 0);
    buf_done(&out);
    inbox_done(&inbox);
    pipe_done(&from);
}

static void any_split_gives_the_same_messages(void) {
    for (int encoding = GRPC_IDENTITY; encoding <= GRPC_GZIP; encoding++) {
        struct buf stream = { 0 };
        add_three(&stream, (enum grpc_encoding)encoding);
        for (size_t cut = 0; cut <= stream.len; cut++)
            check_cut(&stream, (enum grpc_encoding)encoding, cut);
        buf_done(&stream);
    }
}

static void single_bytes_give_the_same_messages(void) {
    struct inbox inbox;
    struct buf stream = { 0 };
    struct buf out = { 0 };
    struct pipe from;

    add_three(&stream, GRPC_IDENTITY);
    pipe_init(&from);
    inbox_init(&inbox, MESSAGE_MAX);
    for (size_t i = 0; i < stream.len; i++) {
        pipe_add(&from, slice_of(stream.data + i, 1));
        CHECK_INT(read_all(&inbox, &from, &out), GRPC_E_MORE);
        CHECK_INT(from.len, 0);
    }
    CHECK_INT(out.len, 5 + 2 + 3005 + 5);
    buf_done(&out);
    buf_done(&stream);
    inbox_done(&inbox);
    pipe_done(&from);
}

/* The pipe is a sender's window: it must never have to hold a whole message. */
static void a_message_may_be_larger_than_the_pipe(void) {
    struct inbox inbox;
    struct buf message = { 0 };
    struct pipe from;
    uint8_t chunk[1000] = { 0, 0, 1, 0x86, 0xa0 }; /* 100,000 bytes follow */
    size_t sent = sizeof(chunk);
    size_t taken = 0;

    pipe_init(&from);
    inbox_init(&inbox, MESSAGE_MAX);
    pipe_add(&from, slice_of(chunk, sizeof(chunk)));
    memset(chunk, 'm', sizeof(chunk));
    while (inbox_take(&inbox, &from, &message, &taken) == GRPC_E_MORE) {
        CHECK_INT(from.len, 0);
        CHECK(sent < 102000);
        pipe_add(&from, slice_of(chunk, sizeof(chunk)));
        sent += sizeof(chunk);
    }
    CHECK_INT(message.len, MESSAGE_MAX);
    CHECK_INT(sent, 101000);
    CHECK_INT(from.len, 995); /* of the next message */
    buf_done(&message);
    inbox_done(&inbox);
    pipe_done(&from);
}

static void nothing_behind_the_message_in_progress_is_taken(void) {
    struct inbox inbox;
    struct buf stream = { 0 };
    struct buf message = { 0 };
    struct pipe from;
    size_t taken = 0;

    grpc_message_add(&stream, slice_of_text("first"), GRPC_IDENTITY);
    grpc_message_add(&stream, slice_of_text("second"), GRPC_IDENTITY);
    pipe_init(&from);
    inbox_init(&inbox, MESSAGE_MAX);
    pipe_add(&from, slice_of(stream.data, 7));
    CHECK_INT(inbox_take(&inbox, &from, &message, &taken), GRPC_E_MORE);
    CHECK_INT(taken, 7);
    pipe_add(&from, slice_of(stream.data + 7, stream.len - 7));
    CHECK_INT(inbox_take(&inbox, &from, &message, &taken), 0);
    CHECK_INT(taken, 3);
    CHECK_INT(from.len, 11);
    buf_done(&stream);
    buf_done(&message);
    inbox_done(&inbox);
    pipe_done(&from);
}

static const struct bad {
    uint8_t bytes[8];
    size_t len;
    int answer;
} bads[] = {
    { { 2, 0, 0, 0, 0 }, 5, GRPC_E_BAD },            /* an unknown flag */
    { { 1, 0, 0, 0, 1, 'x' }, 6, GRPC_E_BAD },       /* packed without an encoding */
    { { 0, 0, 1, 0x86, 0xa1 }, 5, GRPC_E_TOO_LONG }, /* one byte over the limit */
    { { 0, 255, 255, 255, 255 }, 5, GRPC_E_TOO_LONG },
};

/* However the prefix is cut, it is refused as soon as it is whole. */
static void bad_prefixes_are_refused(void) {
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        for (size_t cut = 0; cut < 5; cut++) {
            struct inbox inbox;
            struct buf message = { 0 };
            struct pipe from;
            size_t taken = 0;

            pipe_init(&from);
            inbox_init(&inbox, MESSAGE_MAX);
            pipe_add(&from, slice_of(bads[i].bytes, cut));
            CHECK_INT(inbox_take(&inbox, &from, &message, &taken), GRPC_E_MORE);
            pipe_add(&from, slice_of(bads[i].bytes + cut, bads[i].len - cut));
            CHECK_INT(inbox_take(&inbox, &from, &message, &taken), bads[i].answer);
            buf_done(&message);
            inbox_done(&inbox);
            pipe_done(&from);
        }
    }
}

TESTS(TEST(any_split_gives_the_same_messages),
      TEST(single_bytes_give_the_same_messages),
      TEST(a_message_may_be_larger_than_the_pipe),
      TEST(nothing_behind_the_message_in_progress_is_taken),
      TEST(bad_prefixes_are_refused))
