/*
 * service_link - roost.v1.Link of this agent: the hub's successor CA
 */
#pragma once

struct identity;
struct service_link;
struct services;

/*
 * Adds the service to the set. Pins are put into identity and saved in the state folder;
 * then on_trusted is told. Everything is borrowed and outlives the result.
 */
struct service_link *service_link_new(struct services *services,
                                      struct identity *identity,
                                      const char *state,
                                      void (*on_trusted)(void *arg),
                                      void *arg);

/* NULL is fine; always returns NULL. */
struct service_link *service_link_free(struct service_link *service);
