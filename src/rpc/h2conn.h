/*
 * h2conn - an HTTP/2 connection at work: session, socket, and its calls
 *
 * As a server it turns request streams into calls and exchanges; as a client it is a
 * target that puts calls on streams. A link's hub side is a client on an accepted
 * connection, its agent side a server on a dialled one. All frames of a turn go out in
 * one write; frames are pulled only while the socket takes them. Liveness: PING after 15
 * s without received bytes, dead 10 s later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rpc/target.h"
#include "wire/h2.h"

struct call;
struct conn;
struct exchange;
struct h2conn;

enum {
    H2CONN_QUIET_MS = 15000, /* silence after which the peer is asked */
    H2CONN_PONG_MS = 10000,  /* and the time it has to answer */
    H2CONN_LEAVE_MS = 1000,  /* what it gets to hear that we leave */
    H2CONN_HELD_STRANGER =
        65536, /* more than any request needs that needs no credential */
};

struct h2conn_config {
    enum h2_role role;
    struct h2_limits limits;
    const char *authority; /* client: whom requests name, copied; NULL: "roost" */
    bool pings; /* watch the peer's liveness; without it, idle_ms ends an idle connection
                 */
    unsigned idle_ms; /* 0: never */
    /* Server: bytes of requests that are kept until they are whole, H2CONN_HELD_STRANGER
     * at most before listener_vouch(); 0: as many as may be. */
    size_t held_max;
    /* Server: a gRPC request (lent), any other request (the receiver owns it). */
    void (*on_call)(void *owner, struct h2conn *h2conn, struct call *call);
    void (*on_exchange)(void *owner, struct exchange *exchange);
    /* Client: h2conn_has_room() or h2conn_is_leaving() may say another thing than before;
     * only to be noted, calls are started later. May be NULL. */
    void (*on_room)(void *owner, struct h2conn *h2conn);
    /* The sign of life that h2conn_probe() asked for has come. May be NULL. */
    void (*on_alive)(void *owner, struct h2conn *h2conn);
    /* The peer said GOAWAY: a client's calls go elsewhere, those under way finish. May be
     * NULL. */
    void (*on_leaving)(void *owner, struct h2conn *h2conn);
    /* The connection is over; the owner still calls h2conn_free(). reason as in conn.h.
     * Comes later, never from inside an h2conn_* function. */
    void (*on_closed)(void *owner, struct h2conn *h2conn, int reason);
    void *owner;
};

/* Takes the conn. Copies the config. */
struct h2conn *h2conn_new(struct conn *conn, const struct h2conn_config *config);

/* Ends everything at once: calls on it finish with UNAVAILABLE. From any callback too.
 * Always returns NULL. */
struct h2conn *h2conn_free(struct h2conn *h2conn);

/* Client: the target that starts calls here. Lent, lives as long as the h2conn. */
struct target *h2conn_target(struct h2conn *h2conn);

/* Client: would a call that starts now get a stream? Not before the peer told its limits,
 * nor after its GOAWAY. */
bool h2conn_has_room(const struct h2conn *h2conn);

/* Client: no call should get a stream any more: by GOAWAY of either side, for it is
 * spent, or at its end. */
bool h2conn_is_leaving(const struct h2conn *h2conn);

/* Client: it has carried so many calls that another one should take over. */
bool h2conn_is_spent(const struct h2conn *h2conn);

/* Says that we leave (h2_leave); running calls may finish, then on_closed comes. */
void h2conn_drain(struct h2conn *h2conn);

/* Has the peer of a server that drains heard which request was its last? */
bool h2conn_has_left(const struct h2conn *h2conn);

/* Asks the peer for a sign of life now: on_alive comes with the first byte that arrives,
 * on_closed with -ETIMEDOUT when none does in time. */
void h2conn_probe(struct h2conn *h2conn, unsigned limit_ms);

/* Is an answer to a PING awaited? False as soon as any byte arrives. */
bool h2conn_is_probing(const struct h2conn *h2conn);

struct conn *h2conn_conn(const struct h2conn *h2conn);

/* Calls and exchanges under way. */
size_t h2conn_count(const struct h2conn *h2conn);

/* Loop time of the last received bytes. */
uint64_t h2conn_heard_ms(const struct h2conn *h2conn);
