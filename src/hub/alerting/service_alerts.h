/*
 * service_alerts - roost.v1.Alerts
 */
#pragma once

struct activity;
struct alerts;
struct history;
struct incidents;
struct loop;
struct notifier;
struct registry;
struct service_alerts;
struct services;
struct timekeeper;
struct users;

struct service_alerts_config { /* all borrowed, all outlive it */
    struct services *services;
    struct loop *loop;
    struct registry *registry;
    struct users *users;
    struct alerts *alerts;
    struct incidents *incidents;
    struct notifier *notifier;
    struct history *history;
    struct activity *activity;
    const struct timekeeper *timekeeper;
};

/* Adds the service to the set. */
struct service_alerts *service_alerts_new(const struct service_alerts_config *config);

/* NULL is fine; always returns NULL. */
struct service_alerts *service_alerts_free(struct service_alerts *service);
