/*
 * admission - which agent may link under which name
 *
 * Answers GET /link: checks the credential, exchanges join tokens for credentials, and
 * keeps names apart: a newer link of the same instance takes over at once, another
 * instance under a taken name gets 409 unless the older link gives no sign of life within
 * 2 s.
 */
#pragma once

#include <stdint.h>

#include "rpc/link.h"

struct access;
struct activity;
struct admission;
struct exchange;
struct link_sessions;
struct registry;
struct store;

enum { ADMISSION_PROBE_MS = 2000 };

struct admission_config { /* all borrowed, all outlive it */
    struct store *store;
    struct access *access;
    struct registry *registry;
    struct link_sessions *links;
    struct activity *activity;
    uint64_t start_number; /* of this hub start: the high half of generations */
};

struct admission *admission_new(const struct admission_config *config);

/* Forgets the links that wait for an answer. Always returns NULL. */
struct admission *admission_free(struct admission *admission);

/* Takes an exchange that link_accept_is_asked(). */
void admission_take(struct admission *admission,
                    struct exchange *exchange,
                    enum link_transport transport);
