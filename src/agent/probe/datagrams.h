/*
 * datagrams - tests of how steadily packets come back from the hub's echo
 *
 * A test sends datagrams at an interval, catches up when it was late, and takes answers
 * for 2 s each, and for 1 s behind the last one. It does not need the link: whoever asks
 * for its reports may leave and attach again, until an hour after its end. One test runs
 * at a time.
 *
 *   datagram: 16 bytes of id | number, 32 bits big-endian | zeros up to the size
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "roost/v1/transfer.pb-c.h"

struct datagrams;
struct invocation;
struct loop;

enum {
    DATAGRAMS_ID_LEN = 16,
    DATAGRAMS_COUNT_MAX = 1000000, /* of one test: 4 MiB while its result is kept */
    DATAGRAMS_INTERVAL_MIN_MS = 10,
    DATAGRAMS_INTERVAL_MAX_MS = 10000,
    DATAGRAMS_SIZE_MIN = 32,
    DATAGRAMS_SIZE_MAX = 1400, /* fits in one packet on every path */
};

struct datagrams *datagrams_new(struct loop *loop);

/* Every test is over; who listens hears UNAVAILABLE. */
void datagrams_stop(struct datagrams *datagrams);

/* After the last call. NULL is fine; always returns NULL. */
struct datagrams *datagrams_free(struct datagrams *datagrams);

/* Begins the test or attaches to it, and answers with its reports. to: the echo. */
void datagrams_serve(struct datagrams *datagrams,
                     struct invocation *invocation,
                     const Roost__V1__DatagramsRequest *request,
                     const struct sockaddr_storage *to);
