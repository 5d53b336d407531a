/*
 * flight - one message on its way to a receiver
 *
 * What is ready at a target goes when there is room: critical first, then by age. What to
 * say is decided when it leaves, and what came of it is noted when it has landed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alerts/notifier/notifier.h"
#include "alerts/notifier/target.h"

/* Puts it behind those that are ready; idempotent, it may move up. */
void flight_queue(struct parcel *parcel, bool is_critical);

/* Takes it back out; one that flies lands without it. */
void flight_forget(struct parcel *parcel);

/* Sends what can go now. When to come again; 0. */
int64_t flight_pump(struct notifier *notifier, int64_t now_ms);

/* Sends something that is no incident; pictures are copied. done may be NULL. */
struct flight_note {
    const char *title;
    const char *text;
    const struct slice *pictures;
    size_t picture_count;
    notifier_done *done;
    void *done_arg;
};
void flight_send_note(struct target *target, const struct flight_note *note);

/* None of them tells of its end any more. */
void flight_end_all(struct notifier *notifier);
