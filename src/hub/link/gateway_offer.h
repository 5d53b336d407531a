/*
 * gateway_offer - what an agent of Gateway.Connect serves
 *
 * A target in front of its stream: a method of a service that the agent named goes there,
 * reflection and health are answered here, by what the agent said in its hello.
 */
#pragma once

#include "roost/v1/gateway.pb-c.h"

struct gateway_offer;
struct node_services;
struct target;

enum { GATEWAY_OFFER_SERVICES_MAX = 64, GATEWAY_OFFER_NAME_MAX = 256 };

struct gateway_offer *gateway_offer_new(void);

/* Calls that are answered here end. NULL is fine; always returns NULL. */
struct gateway_offer *gateway_offer_free(struct gateway_offer *offer);

/* Replaces what was said before: NULL, or what is wrong (static), and nothing changes. */
const char *gateway_offer_set(struct gateway_offer *offer,
                              const Roost__V1__ConnectRequest__Hello *hello);

/* Adds what it serves. */
void gateway_offer_list(const struct gateway_offer *offer,
                        struct node_services *services);

/* Where calls of these services go. Borrowed; NULL: nowhere yet. */
void gateway_offer_lead(struct gateway_offer *offer, struct target *target);

/* Where calls come in. Lent. */
struct target *gateway_offer_target(struct gateway_offer *offer);
