/*
 * weekly - what happened in a week, for the channels that want it
 *
 * Off unless a channel says when. One that was missed while the hub was down comes late,
 * up to a day.
 */
#pragma once

#include <stdint.h>

#define WEEKLY_SPACE "alerts.weekly"

struct notifier;
struct slice;
struct weekly;

struct weekly *weekly_new(struct notifier *notifier);
struct weekly *weekly_free(struct weekly *weekly);

/* When a channel had its last. */
void weekly_load(struct weekly *weekly, const char *channel, struct slice value);

/* The channel was changed or removed. */
void weekly_forget(struct weekly *weekly, const char *channel);

/* Sends what is due. When to come again; 0. */
int64_t weekly_look(struct weekly *weekly, int64_t now_ms);
