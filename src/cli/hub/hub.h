/*
 * hub - the hub that a command talks to
 *
 * Finds the profile, connects when the first call needs it, and explains failures: each
 * of these functions returns 0, or an exit status after it has told why.
 */
#pragma once

#include <stdbool.h>

#include "cli/hub/session.h"

struct cli;
struct profile;
struct tls_trust;
struct url;

enum {
    HUB_CONNECT_MS = 10000, /* unless --timeout says otherwise */
    HUB_CALL_MS = 30000,
};

/* Reads the file of profiles into cli.profiles. */
int hub_load_profiles(struct cli *cli);

/*
 * Fills cli.profile: what --hub, ROOST_HUB or the file means, with ROOST_TOKEN in the
 * place of its token.
 */
int hub_load_profile(struct cli *cli);

/* Connects to the profile's hub unless that is done. */
int hub_connect(struct cli *cli);

/* Closes and connects again without a word: false when no connection came, or when
 * *cancelled became true. */
bool hub_reconnect(struct cli *cli, const bool *cancelled);

/* Opens one connection; *ret_problem is filled when there is none. */
int hub_dial(struct cli *cli,
             const struct url *url,
             struct tls_client *tls,
             const char *token,
             struct session **ret_session,
             struct session_problem *ret_problem);

/* Tells why no connection came, with what TLS saw (tls may be NULL). */
int hub_report_problem(const struct url *url,
                       const struct session_problem *problem,
                       const struct tls_client *tls);

/* Tells why a call failed; what: the node, or what was to be done. */
int hub_report_call(struct cli *cli,
                    const char *what,
                    enum grpc_status status,
                    const char *message);

/* Connects if need be, asks, waits: 0 and *ret_reply (pb_free() it). ask.timeout_ms 0 is
 * the usual time. */
int hub_call(struct cli *cli,
             const char *what,
             struct session_ask ask,
             ProtobufCMessage **ret_reply);

/* How the profile trusts: what to give to tls_client_new(). Lent: the profile. */
void hub_trust(const struct profile *profile, struct tls_trust *ret_trust);
