/*
 * lookup - the addresses of a name, asked for off the loop
 *
 * An address in digits is its own answer. The name service has no time limit of its own
 * here: the owner cancels when he has waited enough.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

struct lookup;
struct loop;

enum { LOOKUP_MAX = 8 }; /* addresses of one name that are looked at */

/* count is 0 when there are none: why is for a person. All is lent for the call, and the
 * lookup is gone. */
typedef void lookup_done(void *arg,
                         struct sockaddr_storage *addresses,
                         size_t count,
                         const char *why);

/* Starts; the host is copied, the port stands in the addresses. on_done comes later,
 * once, unless cancelled. */
struct lookup *lookup_start(
    struct loop *loop, const char *host, unsigned port, lookup_done *on_done, void *arg);

/* on_done does not come. NULL is fine; always returns NULL. */
struct lookup *lookup_cancel(struct lookup *lookup);
