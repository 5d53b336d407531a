/*
 * service_link - roost.v1.Link of this agent: the hub's successor CA, what is exposed
 */
#pragma once

struct expose;
struct identity;
struct service_link;
struct services;

/*
 * Adds the service to the set. Pins are put into identity and saved in the state folder;
 * then on_trusted is told. What is exposed is pushed to the hub that asked for it.
 * Everything is borrowed and outlives the result.
 */
struct service_link *service_link_new(struct services *services,
                                      struct identity *identity,
                                      const char *state,
                                      const struct expose *expose,
                                      void (*on_trusted)(void *arg),
                                      void *arg);

/* What is exposed may have changed: the hub is told. */
void service_link_changed(struct service_link *service);

/* The process is going away: streams end, what is exposed is not told any more. */
void service_link_stop(struct service_link *service);

/* NULL is fine; always returns NULL. */
struct service_link *service_link_free(struct service_link *service);
