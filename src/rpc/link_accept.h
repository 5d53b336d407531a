/*
 * link_accept - the hub's side of a link's handshake
 *
 * Tells whether an exchange asks for a link and on which transport, refuses with a
 * reason, or turns the connection around.
 */
#pragma once

#include <stdbool.h>

#include "rpc/link.h"

struct conn;
struct exchange;

/* Does the exchange ask for LINK_PATH with a valid upgrade? *ret_transport says which. */
bool link_accept_is_asked(const struct exchange *exchange,
                          enum link_transport *ret_transport);

/*
 * Answers 101 with the node's name and, unless NULL, its new credential. The result
 * carries the link's bytes (WebSocket unwrapped) and is the caller's; NULL when the
 * connection was lost. The exchange is gone.
 */
struct conn *link_accept_take(struct exchange *exchange,
                              enum link_transport transport,
                              const char *name,
                              const char *credential);

/* Answers with the HTTP status, roost-error and the message; the exchange is gone. */
void link_accept_refuse(struct exchange *exchange,
                        unsigned http_status,
                        const char *error,
                        const char *message);
