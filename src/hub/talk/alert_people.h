/*
 * alert_people - who is told of incidents in chats, and how it is shown there
 *
 * The notifier's way to the conversation: it knows incidents and no chats, the engine
 * knows chats and no incidents.
 */
#pragma once

#include "alerts/notifier/notifier.h"

struct activity;
struct alert_people;
struct alert_pictures;
struct chat;
struct registry;
struct users;

struct alert_people_config { /* all borrowed, all outlive it */
    struct chat *chat;
    struct incidents *incidents;
    struct activity *activity;
    struct alert_pictures *pictures;
    const struct registry *registry;
    const struct users *users;
    int64_t (*now_ms)(void *arg);
    void *arg;
};

struct alert_people *alert_people_new(const struct alert_people_config *config);

/* After the pictures, the conversation and the notifier, which end in this order. NULL is
 * fine; always returns NULL. */
struct alert_people *alert_people_free(struct alert_people *people);

/* Sets what the notifier asks of chats, nodes and pictures; arg is the alert_people. */
void alert_people_serve(struct alert_people *people, struct notifier_config *config);
