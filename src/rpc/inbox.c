#include "rpc/inbox.h"

enum { PREFIX_LEN = 5 }; /* a flag and the length */

void inbox_init(struct inbox *inbox, size_t message_max) {
    *inbox = (struct inbox) { .message_max = message_max };
    pipe_init(&inbox->part);
}

void inbox_done(struct inbox *inbox) {
    pipe_done(&inbox->part);
}

/* What the message in progress still needs, as far as one can tell. */
static size_t missing(const struct pipe *part) {
    uint8_t prefix[PREFIX_LEN];

    if (part->len < PREFIX_LEN)
        return PREFIX_LEN - part->len;
    pipe_copy(part, prefix, PREFIX_LEN);
    size_t len = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 |
                 (size_t)prefix[3] << 8 | prefix[4];
    return PREFIX_LEN + len - part->len;
}

static int take_from(struct inbox *inbox, struct pipe *pipe, struct buf *ret_message) {
    size_t taken;
    return grpc_message_take(pipe, inbox->encoding, inbox->message_max, ret_message,
                             &taken);
}

int inbox_take(struct inbox *inbox,
               struct pipe *from,
               struct buf *ret_message,
               size_t *ret_taken) {
    size_t before = from->len;
    int r = GRPC_E_MORE;

    if (inbox->part.len == 0)
        r = take_from(inbox, from, ret_message); /* whole already: nothing is moved */
    while (r == GRPC_E_MORE && from->len > 0) {
        pipe_move(&inbox->part, from, missing(&inbox->part));
        r = take_from(inbox, &inbox->part, ret_message);
    }
    *ret_taken = before - from->len;
    return r;
}

size_t inbox_part_len(const struct inbox *inbox) {
    return inbox->part.len;
}
