/*
 * hub_talk - the part of a hub that talks to people: conversations, alerts
 *
 * Makes the engine, its carriers and what they ask of the hub, hands each the records
 * that are its own, and ends them in the order in which one needs the other.
 */
#pragma once

#include <stdbool.h>

#include "roost/v1/admin.pb-c.h"

struct hub;
struct hub_talk;

/* Everything else is there but the front. Takes the hub's records. */
struct hub_talk *hub_talk_new(struct hub *hub);

/* The doors are open: carriers listen. */
void hub_talk_start(struct hub_talk *talk);

/* The settings have changed. */
void hub_talk_reload(struct hub_talk *talk);

/* Nobody is heard or told any more; what is judged is still kept. NULL is fine. */
void hub_talk_stop(struct hub_talk *talk);

/* After the last flush of the history. NULL is fine; always returns NULL. */
struct hub_talk *hub_talk_free(struct hub_talk *talk);

/* A node has another name. NULL talk: nobody is told yet. */
void hub_talk_rename_node(struct hub_talk *talk, const char *from, const char *to);

/* How it goes with the bot; false: there is none. Texts are lent until the next turn of
 * the loop. */
bool hub_talk_report_bot(const struct hub_talk *talk, Roost__V1__Bot *ret_bot);

/* For the front. Lent. */
struct telegram_door *hub_talk_telegram_door(struct hub_talk *talk);
