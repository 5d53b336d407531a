/*
 * grouping - firings that are told together
 *
 * What was already so when a node joined is one incident; and nodes that are lost
 * together are one that names the hub's own uplink. Private to the judge.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct alerts;
struct buf;
struct judge_firing;
struct judge_node;

/* The firing goes into an incident of several: true; else it has its own. */
bool grouping_take(struct alerts *alerts,
                   struct judge_node *node,
                   struct judge_firing *firing,
                   int64_t time_ms);

/* It has ended. */
void grouping_leave(struct alerts *alerts,
                    struct judge_node *node,
                    struct judge_firing *firing,
                    int64_t time_ms);

/* Looks after the uplink's incident. */
void grouping_tick(struct alerts *alerts, int64_t now_ms);

/* How the link ended, who was lost at the same time, whether the hub was restarted. */
void grouping_evidence(struct alerts *alerts,
                       const struct judge_node *node,
                       int64_t now_ms,
                       struct buf *out);
