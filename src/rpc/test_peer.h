/*
 * test_peer - a front and somebody who talks to it byte by byte, for tests
 *
 * One connection over TCP or TLS on one loop. Waiting runs the loop; what does not come
 * within ten seconds fails the test.
 */
#pragma once

#include "base/buf.h"
#include "loop/test_pair.h"
#include "loop/timer.h"
#include "rpc/front.h"

struct test_peer {
    struct test_pair pair;     /* its client end is ours, the server's is the front's */
    struct front *front;       /* owned */
    struct listener *listener; /* owned; NULL with TLS */
    struct buf got;            /* all that came and was not yet dropped */
    const char *awaited;       /* borrowed: the test; NULL: the end */
    struct timer watchdog;
    struct timer pause;
    bool closed;
    int reason; /* of the end */
};

void test_peer_open(struct test_peer *peer,
                    enum transport transport,
                    const struct front_config *config);

void test_peer_send(struct test_peer *peer, struct slice bytes);
void test_peer_say(struct test_peer *peer, const char *text);

/* Runs until the text has come: false when the connection ended without it. */
bool test_peer_wait(struct test_peer *peer, const char *text);

/* Runs until the front ended the connection; then got holds all that came. */
void test_peer_wait_end(struct test_peer *peer);

/* Runs for a while: for what must not happen. */
void test_peer_run(struct test_peer *peer, unsigned for_ms);

/* What came, as a string. */
const char *test_peer_text(struct test_peer *peer);

/* How often the text came. */
unsigned test_peer_count(struct test_peer *peer, const char *text);

void test_peer_close(struct test_peer *peer);
