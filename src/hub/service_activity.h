/*
 * service_activity - roost.v1.Activity
 */
#pragma once

struct activity;
struct service_activity;
struct services;
struct store;

/* Adds the service to the set; all are borrowed and outlive it. */
struct service_activity *service_activity_new(struct services *services,
                                              struct activity *activity,
                                              struct store *store);

/* NULL is fine; always returns NULL. */
struct service_activity *service_activity_free(struct service_activity *service);
