#include "alerts/notifier/note.h"

#include <errno.h>
#include <stdlib.h>

#include "alerts/channel/channel.h"
#include "alerts/incidents/incident.h"
#include "alerts/notifier/flight.h"
#include "alerts/notifier/notifier_private.h"
#include "alerts/notifier/target.h"
#include "base/mem.h"

/* One note to several people: told of when the last has it. */
struct round {
    struct notifier *notifier;      /* borrowed: while they are found */
    struct channel *channel;        /* borrowed: likewise */
    const struct flight_note *note; /* borrowed: likewise */
    size_t sent;
    size_t left;
    int result;
    char *why; /* owned */
    notifier_done *done;
    void *done_arg; /* borrowed: the caller's */
};

static void count_down(void *arg, int result, const char *message, const char *why) {
    struct round *round = arg;

    if (result != 0) {
        round->result = result;
        incident_set(&round->why, why ? why : "");
    }
    if (--round->left > 0)
        return;
    if (round->done)
        round->done(round->done_arg, round->result, message,
                    round->result != 0 ? round->why : NULL);
    free(round->why);
    free(round);
}

static void send_person(void *arg, const char *user, const char *place) {
    struct round *round = arg;
    struct flight_note note = *round->note;

    note.done = count_down;
    note.done_arg = round;
    round->sent++;
    round->left++;
    flight_send_note(target_get(round->notifier, round->channel, user, place), &note);
}

static void send_people(struct notifier *notifier,
                        struct channel *channel,
                        const struct flight_note *note) {
    const struct notifier_config *config = &notifier->config;
    static const struct incident nothing = {
        .rule = "",
        .node = "",
        .series = "",
        .text = "",
        .unit = "",
        .evidence = "",
        .acknowledged_by = "",
        .severity = INCIDENT_INFO,
        .state = INCIDENT_FIRING,
    };
    struct round *round = mem_new(sizeof(*round));

    *round = (struct round) {
        .notifier = notifier,
        .channel = channel,
        .note = note,
        .left = 1, /* this walk */
        .done = note->done,
        .done_arg = note->done_arg,
    };
    if (config->each_person)
        config->each_person(config->arg, &nothing, "", send_person, round);
    count_down(round, round->sent == 0 ? -ENOENT : 0, "",
               "nobody has a private chat yet");
}

void note_send(struct notifier *notifier,
               struct channel *channel,
               const struct flight_note *note) {
    auto_(mem_freep) char *place = NULL;

    if (channel->kind == CHANNEL_PEOPLE) {
        send_people(notifier, channel, note);
        return;
    }
    if (channel->kind == CHANNEL_CHAT)
        place = mem_printf("%s:%s%s%s", channel->platform, channel->chat,
                           channel->topic[0] ? ":" : "", channel->topic);
    flight_send_note(target_get(notifier, channel, "", place ? place : ""), note);
}
