/*
 * chat_testing - an engine with a carrier, a host and a clock of the test's own
 *
 * The store is a real one, in a folder that goes with it. What the carrier shows is kept
 * as text, and each view's tokens can be pressed. The hub's services are a target that
 * the test answers. A crash drops the engine and all that it has not stored.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/chat.h"
#include "rpc/actor.h"
#include "rpc/target.h"

struct call;
struct view;

enum { CHAT_TESTING_SHOWN_MAX = 4096, CHAT_TESTING_NODES_MAX = 1200 };

/* One thing that was shown. */
struct chat_testing_shown {
    char *place;   /* owned: "telegram/CHAT/TOPIC" */
    char *message; /* owned: its id */
    bool is_edit;
    char *text;    /* owned: the parts and "[label]"s */
    char **labels; /* owned, and the texts */
    char **tokens; /* the same; NULL: a link */
    size_t buttons;
};

struct chat_testing_node {
    const char *name; /* borrowed: the test's */
    const char *title;
    bool is_offline;
    const char *owner;    /* borrowed: a user; NULL: whoever is known */
    enum actor_role role; /* of the owner, or of all; 0: ACTOR_OWNER */
    int64_t last_seen_ms;
};

struct chat_testing {
    struct loop *loop;   /* owned */
    struct store *store; /* owned */
    struct chat *chat;   /* owned; NULL after a crash */
    char folder[40];
    int64_t now_ms;
    enum chat_strangers strangers;
    bool is_unclaimed;

    /* The host. */
    const char *persons[600][2]; /* borrowed: an identity and its user */
    size_t person_count;
    const char *admin; /* borrowed: the user who is one */
    struct chat_testing_node nodes[CHAT_TESTING_NODES_MAX];
    size_t node_count;
    struct target gate;
    void (*serve)(struct chat_testing *testing, struct call *call); /* NULL: none */

    /* The carrier. */
    struct chat_testing_shown *shown[CHAT_TESTING_SHOWN_MAX]; /* owned */
    size_t shown_count;
    size_t begun; /* shows that were asked for */
    bool holds;   /* shows are not answered */
    int fails;    /* the next one is answered with this */
    size_t messages;
    char answers[65536]; /* "QUERY: text" a line */
    unsigned inputs;     /* for ids of inputs */
    int taken;           /* the last result of chat_take(); 1: none yet */
    char mark[32];       /* what the store had of "telegram.mark" */
};

struct chat_testing *chat_testing_new(void);
struct chat_testing *chat_testing_free(struct chat_testing *testing);

/* Who is who, and what there is. The texts are borrowed. */
void chat_testing_person(struct chat_testing *testing,
                         const char *identity,
                         const char *user);
struct chat_testing_node *chat_testing_node(struct chat_testing *testing,
                                            const char *name);

/* Makes the engine, loads what the store has, and joins the carrier. */
void chat_testing_start(struct chat_testing *testing);

/* Drops it as a kill would; the store answers what it was given before. */
void chat_testing_crash(struct chat_testing *testing);

/* Runs the loop until nothing is to be done at once, or for so long. */
void chat_testing_settle(struct chat_testing *testing);
void chat_testing_run(struct chat_testing *testing, unsigned ms);

/* A single turn of the loop, or some. */
void chat_testing_step(struct chat_testing *testing);

/* Takes nothing but a mark. */
struct records;
void chat_testing_take_marked(struct chat_testing *testing, struct records *mark);

/* Somebody says something in a private chat, which has his id; or in a group. Settles. */
void chat_testing_say(struct chat_testing *testing, const char *person, const char *line);
void chat_testing_say_in(struct chat_testing *testing,
                         const char *group,
                         const char *person,
                         const char *line);

/* Presses the button of that label of the last view that has one; settles. False: there
 * is none. */
bool chat_testing_press(struct chat_testing *testing,
                        const char *person,
                        const char *label);

/* Any input, as a carrier gives it, without settling. */
void chat_testing_take(struct chat_testing *testing, const struct chat_input *input);

/* The token of that label of the last view that has it; NULL. Lent. */
const char *chat_testing_token(const struct chat_testing *testing, const char *label);

/* The last thing shown, as text; "" before. */
const char *chat_testing_last(const struct chat_testing *testing);
