/*
 * turn - one line of a person, or one press, and what becomes of it
 *
 * The engine makes it, finds the command and its node, and runs the command; the command
 * calls what it needs, now and later, and ends the turn exactly once with turn_show(),
 * turn_fail() or turn_ask(). Calls go through the hub's gate in the person's name: what
 * he may not do fails there, is recorded there, and waits for approval there.
 *
 *   run -> turn_call ... on_reply -> [turn_progress] ... -> turn_show | turn_fail |
 * turn_ask
 *
 * The hub may die meanwhile: the turn was stored before it was run, and is run again.
 * turn_operation() is then the same as before, so that an agent that did the act answers
 * with what came of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "chat/chat.h"
#include "chat/view.h"
#include "chat/words/words.h"
#include "rpc/actor.h"
#include "wire/grpc.h"
#include "wire/pb.h"

struct turn;

/* Who, where, and in which language. Lent. */
const struct chat_person *turn_person(const struct turn *turn);
const struct chat_place *turn_place(const struct turn *turn);
const struct actor *turn_actor(const struct turn *turn); /* NULL: a stranger */
enum words_language turn_language(const struct turn *turn);
struct chat *turn_chat(const struct turn *turn);
const struct chat_host *turn_host(const struct turn *turn);

/* The text in the language of the turn. */
const char *turn_say(const struct turn *turn, const char *english)
    __attribute__((format_arg(2)));

/* The node of a command that takes one: its name, and what the person may do there. */
const char *turn_node(const struct turn *turn);
enum actor_role turn_role(const struct turn *turn);

/* Words behind the command and its node: NULL behind the last. All of them as typed. */
size_t turn_count(const struct turn *turn);
const char *turn_word(const struct turn *turn, size_t i);
const char *turn_rest(const struct turn *turn, size_t i);

/* The word behind "--NAME" (flags stand anywhere and are no words); NULL: not there. A
 * flag without a value is "--NAME" at the end or before another flag: "". */
const char *turn_flag(const struct turn *turn, const char *name);

/* Was it confirmed by a button? An act shows turn_confirm() first when it was not. */
bool turn_is_confirmed(const struct turn *turn);

/* Was it done before by a hub that has died? Its outcome is not known, unless whoever
 * does it knows the operation. */
bool turn_is_again(const struct turn *turn);

/* An id for the nth act of this turn, the same when the turn is run again. Lent until the
 * turn ends. */
const char *turn_operation(struct turn *turn, unsigned n);

/* The chat's node from now on. */
void turn_set_node(struct turn *turn, const char *node);

/*
 * Memory that goes with the turn, for the command's own state; zeroed. Asked for again it
 * is the same. on_end (or NULL) is told before it goes.
 */
void *turn_state(struct turn *turn, size_t size, void (*on_end)(void *state));

/*
 * Calls a method: node is whom (NULL: the hub itself). on_reply comes once, later, with
 * reply NULL unless the status is OK, and not at all when the turn ended before. Several
 * may be under way. The type of the reply is looked up by the method's path.
 */
typedef void turn_reply_fn(struct turn *turn,
                           void *arg,
                           enum grpc_status status,
                           const char *message,
                           const ProtobufCMessage *reply);
void turn_call(struct turn *turn,
               const char *node,
               const char *method,
               const ProtobufCMessage *request,
               turn_reply_fn *on_reply,
               void *arg);

/* The same of a stream: on_message for each, false to end it; then on_end, once. */
struct turn_stream_events {
    bool (*on_message)(struct turn *turn, void *arg, const ProtobufCMessage *message);
    void (*on_end)(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message);
};
void turn_stream(struct turn *turn,
                 const char *node,
                 const char *method,
                 const ProtobufCMessage *request,
                 const struct turn_stream_events *events,
                 void *arg);

/* The same of any method that is not compiled in (a form of /call): bytes there and back.
 */
typedef void turn_bytes_fn(struct turn *turn,
                           void *arg,
                           enum grpc_status status,
                           const char *message,
                           struct slice reply);
void turn_call_bytes(struct turn *turn,
                     const char *node,
                     const char *method,
                     struct slice request,
                     turn_bytes_fn *on_reply,
                     void *arg);

/* The same of a stream: the packed messages as they come, false to end it. */
struct turn_bytes_events {
    bool (*on_message)(struct turn *turn, void *arg, struct slice message);
    void (*on_end)(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message);
};
void turn_stream_bytes(struct turn *turn,
                       const char *node,
                       const char *method,
                       struct slice request,
                       const struct turn_bytes_events *events,
                       void *arg);

/* Calls back later; only while the turn lives. */
void turn_later(struct turn *turn,
                unsigned delay_ms,
                void (*on_time)(struct turn *turn, void *arg),
                void *arg);

/* Shows how far it is; the turn goes on. Often is fine: the platform gets the newest.
 * Takes the view. */
void turn_progress(struct turn *turn, struct view *view);

/* A message of its own beside the answer; the turn goes on. Takes the view. */
void turn_add(struct turn *turn, struct view *view);

/* The answer; the turn ends. Takes the view. */
void turn_show(struct turn *turn, struct view *view);

/* A refusal or a failure in words, with the remedy for its status if there is one
 * (offline, denied, needs approval, unclear); the turn ends. what: what was tried, or
 * NULL. */
void turn_fail(struct turn *turn,
               enum grpc_status status,
               const char *message,
               const char *what);

/* A line about wrong words, with the command's grammar and examples; the turn ends. */
void turn_complain(struct turn *turn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A question; the turn ends, and what the person writes next in this chat is put behind
 * the command line so far ("setalert nas cpu" + "90"). The view's buttons are answers in
 * one press: whole command lines, as always. Takes the view.
 */
void turn_ask(struct turn *turn, struct view *view, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The second screen of an act: names host and effect, a red button (the same line,
 * confirmed) and one that leads back. Ends the turn. effect is one sentence.
 */
void turn_confirm(struct turn *turn,
                  const char *label,
                  const char *back,
                  const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
