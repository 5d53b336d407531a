/*
 * gateway_samples - samples as agents of Gateway.Connect send them
 *
 * Makes of numbers and times in plain messages what a link's Samples stream carries, so
 * that both take one way into the history. The clock of the agent takes the place of a
 * host's boot time: it may show anything, as long as it runs. Rows that are not numbered
 * get numbers here, and are of now.
 */
#pragma once

#include "roost/v1/gateway.pb-c.h"

struct gateway_samples;
struct intake_shared;
struct node;
struct stream;

/* All borrowed, all outlive it; shared is copied. */
struct gateway_samples *gateway_samples_new(const struct intake_shared *shared,
                                            struct node *node,
                                            struct stream *stream);

/* NULL is fine; always returns NULL. */
struct gateway_samples *gateway_samples_free(struct gateway_samples *samples);

/* The agent is told of the welcome: what is durable. */
void gateway_samples_begin(struct gateway_samples *samples,
                           Roost__V1__Cursor *ret_durable);

/* A catalogue or rows: NULL, or what is wrong with it (static). */
const char *gateway_samples_take(struct gateway_samples *samples,
                                 const Roost__V1__ConnectRequest *request);

/* Nothing more will come: tells what is durable as soon as all of it is. */
void gateway_samples_settle(struct gateway_samples *samples);
