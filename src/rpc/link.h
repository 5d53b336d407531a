/*
 * link - the connection that an agent opens and the hub makes requests on
 *
 * The agent asks by HTTP/1.1 `GET /link` to turn the connection around: `Upgrade: ptth`
 * with `ALPN: h2` (draft-kazuho-ptth-ptth), or, where only WebSocket survives the path, a
 * WebSocket of the subprotocol "ptth.h2" that carries the same bytes. After the 101 the
 * hub is the HTTP/2 client and the agent the server. This file is what both sides say in
 * the handshake; link_dial.h is the agent's side, link_accept.h the hub's.
 *
 *   request   authorization: Bearer CREDENTIAL, roost-name, roost-instance,
 * roost-version, roost-status, roost-capabilities, roost-networks; roost-intent: join or
 * check 101       roost-name; after a join: roost-credential refusal   roost-error: one
 * of LINK_ERROR_*, and a JSON body with a message for a person
 */
#pragma once

#include <stdbool.h>

struct headers;

#define LINK_PATH        "/link"
#define LINK_UPGRADE     "ptth"
#define LINK_SUBPROTOCOL "ptth.h2"
#define LINK_ALPN        "h2"

/* roost-error: why a link was refused. The agent's remedy depends on it. */
#define LINK_ERROR_MALFORMED                                                             \
    "malformed-token" /* the checksum does not fit: a typing error */
#define LINK_ERROR_UNKNOWN                                                               \
    "unknown-token" /* well-formed, but not (or no longer) known here */
#define LINK_ERROR_USED    "used-token" /* a join token works once */
#define LINK_ERROR_EXPIRED "expired-token"
#define LINK_ERROR_REVOKED "revoked-token"
#define LINK_ERROR_TAKEN   "name-taken" /* another instance holds the name */
#define LINK_ERROR_NAME    "bad-name"
#define LINK_ERROR_BUSY    "busy" /* the hub is going away or full: try again */

enum link_transport { LINK_PTTH, LINK_WEBSOCKET };

/* roost-intent: what the handshake is for. Only LINK_RUN leaves a link behind. */
enum link_intent {
    LINK_RUN,
    LINK_JOIN,  /* exchange a join token for a credential */
    LINK_CHECK, /* would a link be let in? */
};

/* What the agent says of itself. */
struct link_hello {
    const char *credential; /* join token or node credential */
    const char
        *name; /* wish when joining, else the name it has; "" leaves it to the hub */
    const char *instance; /* made at join, kept: 32 hex digits */
    const char *version;
    const char *status;       /* one word for people: "ok", "starting" */
    const char *capabilities; /* comma-separated verbs */
    const char *networks;     /* comma-separated, as nodes.proto has them; may be NULL */
    enum link_intent intent;
};

/* "ptth" or "ws". */
const char *link_transport_name(enum link_transport transport);

/* Adds the hello's fields to a request. */
void link_hello_write(struct headers *request, const struct link_hello *hello);

/* Reads them; everything is lent by the request, and "" when it is not plain ASCII. False
 * when the credential or the instance is missing. */
bool link_hello_read(const struct headers *request, struct link_hello *ret_hello);

/* The bearer credential of a field ("authorization"), lent; NULL without one. */
const char *link_bearer(const struct headers *request, const char *field);
