/*
 * look_gather - several calls at once, and one answer when all are there
 *
 * Embedded at the start of a command's state. Each call has a place; its reply stays
 * there until the turn ends. After a limit of time those that are missing are left out.
 */
#pragma once

#include <stdbool.h>

#include "chat/turn/turn.h"

enum { LOOK_GATHER_MAX = 4 };

struct look_gather;

struct look_gather_slot {
    struct look_gather *gather; /* borrowed: it holds this */
    enum grpc_status status;
    char *message;           /* owned */
    ProtobufCMessage *reply; /* owned; NULL: it failed, or is not there (yet) */
    bool is_asked;
    bool is_here; /* answered, well or not */
};

struct look_gather {
    struct look_gather_slot slots[LOOK_GATHER_MAX];
    void (*on_all)(struct turn *turn, struct look_gather *gather);
    bool is_over;
};

/* Forgets earlier answers; on_all is told once, never from inside. */
void look_gather_start(struct look_gather *gather,
                       void (*on_all)(struct turn *turn, struct look_gather *gather));

/* The end of the state: for turn_state(). */
void look_gather_done(void *gather);

/* Asks for what goes to the place. */
void look_gather_call(struct look_gather *gather,
                      struct turn *turn,
                      unsigned place,
                      const char *node,
                      const char *method,
                      const ProtobufCMessage *request);

/* Waits no longer than so. */
void look_gather_limit(struct look_gather *gather, struct turn *turn, unsigned ms);

/* Ends the turn with turn_fail() when the call at the place failed; true then. */
bool look_gather_fail(const struct look_gather *gather,
                      struct turn *turn,
                      unsigned place,
                      const char *what);
