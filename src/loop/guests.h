/*
 * guests - how many connections have not shown a credential yet, in all and of each
 * client
 *
 * Only counts; the listeners that share one book ask it before they let somebody in.
 */
#pragma once

#include <stdbool.h>

struct guests;

struct guests *guests_new(void);

/* NULL is fine. Always returns NULL. */
struct guests *guests_free(struct guests *guests);

/* Would one more of that client (a conn_peer_key()) be too many? */
bool guests_is_full(const struct guests *guests,
                    const char *key,
                    unsigned all_max,
                    unsigned client_max);

void guests_add(struct guests *guests, const char *key);
void guests_remove(struct guests *guests, const char *key);
