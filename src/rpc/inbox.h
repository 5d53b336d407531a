/*
 * inbox - whole messages out of a call's pipe
 *
 * A message may be larger than a stream's window. So its bytes leave the call's pipe as
 * they come, which gives the sender credit, and wait here until it is whole. No more is
 * taken than the message in progress needs: one message and its prefix at most.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/pipe.h"
#include "wire/grpc.h"

struct inbox {
    struct pipe part; /* the message in progress */
    enum grpc_encoding encoding;
    size_t message_max;
};

void inbox_init(struct inbox *inbox, size_t message_max);

/* Drops what is there. */
void inbox_done(struct inbox *inbox);

/*
 * Takes bytes from the pipe until a message is whole: 0 and it stands in ret_message, or
 * GRPC_E_* of grpc.h, where all but GRPC_E_MORE is for good. *ret_taken says how many
 * bytes left the pipe, in each case.
 */
int inbox_take(struct inbox *inbox,
               struct pipe *from,
               struct buf *ret_message,
               size_t *ret_taken);

/* Bytes of a message that is not yet whole. */
size_t inbox_part_len(const struct inbox *inbox);
