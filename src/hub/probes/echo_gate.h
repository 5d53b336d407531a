/*
 * echo_gate - which datagrams the hub's echo sends back, and which it does not hear
 *
 * There is a pass for each test that runs. A datagram is answered when it comes from the
 * address of that test's session, has the test's size, begins with its random id, and is
 * no sooner than the interval allows. Everything else is not there: no error, no word, so
 * that nobody learns what tests there are, and a forged sender's address is no use.
 *
 * A pass whose datagrams have no id (agents of an older system send "INDEX:TIME") would
 * be another kind beside is_meant(): the rest holds for it too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct echo_gate;
struct echo_pass;

enum {
    ECHO_GATE_ID_LEN = 16,
    ECHO_GATE_HEAD_LEN = ECHO_GATE_ID_LEN + 4, /* with the datagram's number */
    ECHO_GATE_SIZE_MAX = 1400,
    ECHO_GATE_PASSES_MAX = 64,
    ECHO_GATE_BURST = 256, /* datagrams that an agent which was late may send at once */
};

struct echo_gate *echo_gate_new(void);

/* Asserts that all passes are gone. Always returns NULL. */
struct echo_gate *echo_gate_free(struct echo_gate *gate);

/*
 * Lets a test in: NULL when there are too many, or peer ("ADDRESS:PORT" of its session;
 * the port does not matter) is no address.
 */
struct echo_pass *echo_gate_admit(struct echo_gate *gate,
                                  const char *peer,
                                  size_t size,
                                  unsigned interval_ms);

/* The session has come back from another address perhaps. */
void echo_gate_move(struct echo_pass *pass, const char *peer);

/* The test turned out to be another one than was thought. */
void echo_gate_fit(struct echo_pass *pass, size_t size, unsigned interval_ms);

/* ECHO_GATE_ID_LEN bytes; lent. */
const uint8_t *echo_gate_id(const struct echo_pass *pass);

/* Nothing is answered any more. NULL is fine; always returns NULL. */
struct echo_pass *echo_gate_dismiss(struct echo_pass *pass);

/* Is this datagram to be sent back? now_us: a monotonic clock. */
bool echo_gate_answers(struct echo_gate *gate,
                       const struct sockaddr_storage *from,
                       struct slice datagram,
                       uint64_t now_us);
