/*
 * telegram_door - where Telegram brings what people say, if it is told to
 *
 * POST /telegram on the hub's own listener. The body is read whole, within the limit of
 * one update; the answer waits until what it brought is durable. Who may bring anything
 * is the carrier's to decide, by the secret.
 */
#pragma once

struct exchange;
struct telegram;
struct telegram_door;

#define TELEGRAM_DOOR_PATH "/telegram"

/* telegram is borrowed, and outlives it; NULL: nobody is to be brought anything. */
struct telegram_door *telegram_door_new(struct telegram *telegram);

/* Nobody is there any more to be brought anything: requests under way, and those to come,
 * are told to come again. */
void telegram_door_close(struct telegram_door *door);

/* Requests under way are cut off. NULL is fine; always returns NULL. */
struct telegram_door *telegram_door_free(struct telegram_door *door);

/* Takes the exchange. */
void telegram_door_serve(struct telegram_door *door, struct exchange *exchange);
