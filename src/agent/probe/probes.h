/*
 * probes - what the kinds of probes share: how many at a time, and the policy's word
 *
 * A kind embeds struct probe. The policy is asked with addresses, after a name was
 * resolved (verb probe, object HOST:PORT); the hub of this agent may be probed as long as
 * no line denies it, at the port where it serves agents. When the call is over, for
 * whatever reason, the probe is told to end and frees itself.
 *
 *   probes_begin ... probes_keep (from dialler's keep) ... probes_reply ... on_end
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/list.h"
#include "roost/v1/probe.pb-c.h"
#include "wire/grpc.h"

struct acts;
struct chores;
struct identity;
struct invocation;
struct latency;
struct loop;
struct policy;
struct probe;
struct probes;

enum { PROBES_MAX = 8 }; /* at the same time: nobody makes a scanner of an agent */

struct probes_config {
    struct loop *loop;               /* borrowed: outlives them, and so do the others */
    struct acts *acts;               /* borrowed */
    struct policy *policy;           /* borrowed */
    const struct identity *identity; /* borrowed: says where the hub is; may be NULL */
    const char *root;                /* borrowed: where the host's "/" is seen */
};

/* What a kind of probe embeds; zeroed before. */
struct probe {
    struct list node;
    struct probes *probes;         /* borrowed: outlives it */
    struct invocation *invocation; /* borrowed: until on_end */
    void (*on_end)(struct probe *probe);
    struct address to; /* what was asked last; the port may be 0 */
    bool denied;       /* none of its addresses may be probed */
};

struct probes *probes_new(const struct probes_config *config);

/* Ends those under way with UNAVAILABLE: the agent stops. */
void probes_stop(struct probes *probes);

/* Forgets those under way. NULL is fine; always returns NULL. */
struct probes *probes_free(struct probes *probes);

const struct probes_config *probes_config(const struct probes *probes);

/* For what blocks, on a thread that is there while it is needed. Lent. */
struct chores *probes_chores(struct probes *probes);

/*
 * Begins one for this call: on_end comes once, when the call is over or from inside of
 * what answers it here, and frees it. False: there are too many, the invocation was
 * answered, and on_end does not come.
 */
bool probes_begin(struct probes *probes,
                  struct invocation *invocation,
                  struct probe *probe,
                  void (*on_end)(struct probe *probe));

/* Is this a host, and a port from port_min on? False: the invocation was answered with
 * INVALID_ARGUMENT. */
bool probes_is_place(struct invocation *invocation,
                     const char *host,
                     unsigned port,
                     unsigned port_min);

/* Says where the probe goes; of a place that was found to be one. */
void probes_set_place(struct probe *probe, const char *host, unsigned port);

/* What was asked for, or the usual for 0, and never more than the largest. */
unsigned probes_limit(unsigned asked, unsigned usual, unsigned max);

/* Fills the message, which was initialised. */
void probes_fill_latency(Roost__V1__Latency *message, const struct latency *latency);

/* Keeps the addresses of this host that may be probed, and returns how many; with none
 * probe->denied is set. Host and port are remembered for probes_refuse(). */
size_t probes_keep(struct probe *probe,
                   const char *host,
                   unsigned port,
                   struct sockaddr_storage *addresses,
                   size_t count);

/* Answers a unary call, or ends the call: the probe is gone after it. The message may be
 * of the probe's own texts. */
void probes_reply(struct probe *probe, const ProtobufCMessage *message);
void probes_finish(struct probe *probe, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the call with PERMISSION_DENIED and what would allow it; the probe is gone. */
void probes_refuse(struct probe *probe);

/* "HOST:PORT" as the policy has it, brackets where they are needed. */
void probes_print(const struct probe *probe, char ret_text[static ADDRESS_TEXT_LEN]);

/* Is it the hub of this agent? Port 0: whatever the port. */
bool probes_is_hub(const struct probes *probes, const char *host, unsigned port);
