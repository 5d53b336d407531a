/*
 * hubws_door - GET /ws: servers of the older hub register
 *
 * A WebSocket whose field X-Hub-Meta-Name says what the server wants to be called. With
 * a credential (authorization: Bearer, a dialect token or a node's) the token's name is
 * the node's; without one only over a plain connection, only where the settings allow
 * it, and only under a name that nobody else has or is promised. The older hub took any
 * text: one that is no node's name becomes the node's title, and the nearest free name is
 * its name. Like the older hub it upgrades first and then closes, with 1000 and the
 * reason, when the name is empty or taken; a credential is refused before, by 401 or 403
 * and a text.
 */
#pragma once

#include <stdbool.h>

struct access;
struct admission;
struct exchange;
struct hubws_door;
struct hubws_sessions;
struct registry;

struct hubws_door_config { /* all borrowed, all outlive it */
    struct admission *admission;
    struct hubws_sessions *sessions;
    struct registry *registry;
    struct access *access;
};

struct hubws_door *hubws_door_new(const struct hubws_door_config *config);

/* After the admission's end. NULL is fine. Always returns NULL. */
struct hubws_door *hubws_door_free(struct hubws_door *door);

/* May servers without a credential come in? At first they may not. */
void hubws_door_let_anonymous(struct hubws_door *door, bool anonymous);

/* Does the exchange ask for /ws? */
bool hubws_door_is_asked(const struct exchange *exchange);

/* Takes the exchange. */
void hubws_door_take(struct hubws_door *door, struct exchange *exchange);
