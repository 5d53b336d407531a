#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/chat_testing.h"
#include "chat/commands_testing.h"
#include "loop/loop.h"

enum {
    PEOPLE = 500,
    NODES = 1000,
    /* The figure to keep is 300 ms; a busy machine and sanitizers take many times that.
     */
    PATIENCE_MS = 10000,
};

struct commands_did commands_did;

struct crowd {
    char identities[PEOPLE][24];
    char ids[PEOPLE][8];
    char nodes[NODES][16];
};

static struct chat_testing *open_fleet(struct crowd *crowd) {
    struct chat_testing *testing = chat_testing_new();

    for (int i = 0; i < PEOPLE; i++) {
        snprintf(crowd->ids[i], sizeof(crowd->ids[i]), "%d", i + 1000);
        snprintf(crowd->identities[i], sizeof(crowd->identities[i]), "telegram:%d",
                 i + 1000);
        chat_testing_person(testing, crowd->identities[i], crowd->ids[i]);
    }
    for (int i = 0; i < NODES; i++) {
        snprintf(crowd->nodes[i], sizeof(crowd->nodes[i]), "node-%04d", i);
        chat_testing_node(testing, crowd->nodes[i]);
    }
    chat_testing_start(testing);
    return testing;
}

static struct chat_input input_of(const struct crowd *crowd, int i) {
    return (struct chat_input) {
        .place = { "telegram", crowd->ids[i], "", "", true },
        .person = { .id = crowd->ids[i], .name = "Ada", .language = "ru" },
    };
}

/* All say a line at once, in one batch as a poll brings it. */
static void say_all(struct chat_testing *testing, const struct crowd *crowd) {
    static struct chat_input inputs[PEOPLE];
    static char ids[PEOPLE][16];
    static char lines[PEOPLE][32];

    for (int i = 0; i < PEOPLE; i++) {
        snprintf(ids[i], sizeof(ids[i]), "say%d", i);
        snprintf(lines[i], sizeof(lines[i]), "/status %s", crowd->nodes[i]);
        inputs[i] = input_of(crowd, i);
        inputs[i].kind = CHAT_WORDS;
        inputs[i].id = ids[i];
        inputs[i].text = lines[i];
    }
    chat_take(testing->chat, "telegram", inputs, PEOPLE, NULL, NULL, NULL);
    testing->taken = 0;
}

static void press_all(struct chat_testing *testing, const struct crowd *crowd) {
    static struct chat_input inputs[PEOPLE];
    static char ids[PEOPLE][16];
    size_t from = testing->shown_count - PEOPLE;

    for (int i = 0; i < PEOPLE; i++) {
        const struct chat_testing_shown *shown = testing->shown[from + (size_t)i];
        int who = (int)strtol(strchr(shown->place, '/') + 1, NULL, 10) - 1000;

        snprintf(ids[i], sizeof(ids[i]), "press%d", i);
        inputs[i] = input_of(crowd, who);
        inputs[i].kind = CHAT_PRESS;
        inputs[i].id = ids[i];
        inputs[i].text = shown->tokens[0];
        inputs[i].message = shown->message;
        inputs[i].query = "q";
    }
    chat_take(testing->chat, "telegram", inputs, PEOPLE, NULL, NULL, NULL);
}

/* Five hundred people press at once, in a fleet of a thousand nodes. */
static void a_crowd_is_answered_at_once(void) {
    struct crowd *crowd = mem_new(sizeof(*crowd));
    struct chat_testing *testing = open_fleet(crowd);
    uint64_t begun_us = loop_clock_us();

    say_all(testing, crowd);
    uint64_t taken_us = loop_clock_us() - begun_us;
    while (testing->shown_count < PEOPLE)
        chat_testing_run(testing, 1);
    uint64_t said_us = loop_clock_us() - begun_us;
    chat_testing_settle(testing);

    begun_us = loop_clock_us();
    press_all(testing, crowd);
    uint64_t answered_us = loop_clock_us() - begun_us;
    while (testing->shown_count < 2 * PEOPLE)
        chat_testing_run(testing, 1);
    uint64_t pressed_us = loop_clock_us() - begun_us;
    chat_testing_settle(testing);

    printf("# %d lines: taken in %.1f ms, all shown in %.1f ms\n", PEOPLE,
           (double)taken_us / 1000, (double)said_us / 1000);
    printf("# %d presses: all answered in %.1f ms, all shown in %.1f ms\n", PEOPLE,
           (double)answered_us / 1000, (double)pressed_us / 1000);
    CHECK_INT(commands_did.statuses, 2 * PEOPLE);
    CHECK(pressed_us / 1000 < PATIENCE_MS);
    chat_testing_free(testing);
    free(crowd);
}

TESTS(TEST(a_crowd_is_answered_at_once))
