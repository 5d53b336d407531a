/*
 * fleet_agent - one agent of a fleet
 *
 * Its identity, its spool, its Host service and its link, which it opens again with
 * back-off whenever it is lost. Joins first when it has no credential.
 *
 *   idle --dial--> joining --> dialling --> linked --lost--> idle (back-off)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spool/spool.h"

struct fleet_agent;
struct fleet_values;
struct loop;
struct spool_sync;
struct tls_client;
struct token_link;

/* What all agents of a fleet share; it outlives them. */
struct fleet_agent_config {
    struct loop *loop;                 /* borrowed: main */
    struct tls_client *tls;            /* borrowed: main */
    struct spool_sync *sync;           /* borrowed: main */
    const struct token_link *link;     /* borrowed: main */
    const struct fleet_values *values; /* borrowed: main */
    const char *state;                 /* borrowed: folder of identities; NULL: none */
    const char *spool_dir;             /* borrowed: folder of spools; NULL: in memory */
    uint64_t interval_ms;
    uint64_t span_ms;
    size_t spool_bytes;
    unsigned backoff_max_ms;
    uint8_t boot_id[SPOOL_BOOT_ID_LEN];
    /* A sample is in the spool. */
    void (*on_taken)(void *arg,
                     const struct fleet_agent *agent,
                     struct spool_cursor cursor,
                     struct spool_anchor at);
    /* A handshake has ended, well or not: another may begin. */
    void (*on_dialled)(void *arg, struct fleet_agent *agent);
    /* The agent has no link and would like to dial. */
    void (*on_idle)(void *arg, struct fleet_agent *agent);
    void *arg; /* borrowed: main */
};

struct fleet_agent_stats {
    struct spool_stats spool;
    uint64_t links;  /* ever opened */
    uint64_t failed; /* attempts */
    bool is_linked;
};

/* Makes the agent, which takes samples from now on and calls on_idle at once. -errno when
 * its identity cannot be read. */
int fleet_agent_new(const struct fleet_agent_config *config,
                    const char *name,
                    struct fleet_agent **ret_agent);

/* NULL is fine; always returns NULL. */
struct fleet_agent *fleet_agent_free(struct fleet_agent *agent);

/* Begins a handshake; on_dialled tells of its end. */
void fleet_agent_dial(struct fleet_agent *agent);

/* Cuts the link, as a network would. */
void fleet_agent_cut(struct fleet_agent *agent);

/* Takes no more samples; those that there are go on being sent. */
void fleet_agent_pause(struct fleet_agent *agent);

const char *fleet_agent_name(const struct fleet_agent *agent);
struct spool_cursor fleet_agent_newest(const struct fleet_agent *agent);
void fleet_agent_get_stats(const struct fleet_agent *agent,
                           struct fleet_agent_stats *ret_stats);
