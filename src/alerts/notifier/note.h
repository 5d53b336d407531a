/*
 * note - words of the notifier's own to everybody whom a channel means
 */
#pragma once

struct channel;
struct flight_note;
struct notifier;

/* Done of the note is told once, of the last who has it. */
void note_send(struct notifier *notifier,
               struct channel *channel,
               const struct flight_note *note);
