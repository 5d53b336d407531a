/*
 * link_door - links at the hub's door
 *
 * Answers GET /link by HTTP: what the admission decides becomes a 101 and a session, a
 * credential, or a refusal with its reason.
 */
#pragma once

#include "rpc/link.h"

struct admission;
struct exchange;
struct link_sessions;

/* Takes an exchange that link_accept_is_asked(). Both outlive the connection. */
void link_door_take(struct admission *admission,
                    struct link_sessions *links,
                    struct exchange *exchange,
                    enum link_transport transport);
