/*
 * turn_testing - a stand-in for turns: a test says what was typed, answers the calls that
 * the command makes, and reads what it shows
 *
 * Implements turn.h without engine, hub or clock. Methods are named by the end of their
 * path ("Nodes/List"), requests and replies are JSON, and what is shown is text with the
 * action of each button behind its label:
 *
 *   SHOW
 *   nas
 *   CPU: 12 %
 *   [Refresh | status nas] [Charts | chart nas]
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/turn/turn.h"

/* 2026-11-21 12:00:00 UTC: when every turn begins. */
#define TURN_TESTING_NOW_MS INT64_C(1795262400000)

/* A turn in private, in English, of an owner, with these words behind command and node
 * (NULL: none was said). */
struct turn *turn_testing_new(const char *node, const char *words);

/* NULL is fine; always returns NULL. */
struct turn *turn_testing_free(struct turn *turn);

/* Before the command runs. The table is borrowed; NULL: English. */
void turn_testing_speak(struct turn *turn, const struct words_pair *russian);
void turn_testing_in_group(struct turn *turn);
void turn_testing_confirm(struct turn *turn);
void turn_testing_repeat(struct turn *turn); /* turn_is_again() */
void turn_testing_set_role(struct turn *turn, enum actor_role role);

/* The calls since this was asked last, a line each: "nas Processes/List {...}"; the hub
 * is
 * "-". Lent until it is asked again. */
const char *turn_testing_calls(struct turn *turn);

/*
 * Answers the oldest open call of the method, a stream with one more message. False when
 * there is none, or the JSON does not fit. A stream that wants no more is closed.
 */
bool turn_testing_answer(struct turn *turn, const char *method, const char *json);
bool turn_testing_answer_bytes(struct turn *turn, const char *method, struct slice reply);

/* Ends the oldest open call or stream of the method; GRPC_OK for streams. */
bool turn_testing_end(struct turn *turn,
                      const char *method,
                      enum grpc_status status,
                      const char *message);

/* The bytes of the request of the oldest open call of the method. Lent. */
struct slice turn_testing_request(const struct turn *turn, const char *method);

/* Moves the clock; what is due runs. */
void turn_testing_pass(struct turn *turn, unsigned ms);

/* The last thing that was shown, and how many there were; "" before. Lent. */
const char *turn_testing_shown(const struct turn *turn);
size_t turn_testing_count(const struct turn *turn);
bool turn_testing_has_ended(const struct turn *turn);

/* The last view, of those that were shown; NULL before. Lent. */
const struct view *turn_testing_view(const struct turn *turn);

/* The node that the chat was given by turn_set_node(); NULL: none. Lent. */
const char *turn_testing_chosen(const struct turn *turn);
