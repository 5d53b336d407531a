#include "chat/turn/turn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "chat/chat_private.h"
#include "chat/command.h"
#include "chat/kept/cards.h"
#include "chat/kept/intents.h"
#include "chat/kept/places.h"
#include "chat/kept/questions.h"
#include "chat/turn/turn_call.h"
#include "chat/turn/turn_life.h"
#include "chat/turn/turn_private.h"
#include "chat/turn/turn_show.h"

const struct chat_person *turn_person(const struct turn *turn) {
    return &turn->intent->person;
}

const struct chat_place *turn_place(const struct turn *turn) {
    return &turn->intent->place;
}

const struct actor *turn_actor(const struct turn *turn) {
    return turn->actor;
}

enum words_language turn_language(const struct turn *turn) {
    return turn->language;
}

struct chat *turn_chat(const struct turn *turn) {
    return turn->chat;
}

const struct chat_host *turn_host(const struct turn *turn) {
    return &turn->chat->config.host;
}

const char *turn_say(const struct turn *turn, const char *english) {
    return words_in(turn->language, english);
}

const char *turn_node(const struct turn *turn) {
    return turn->node_name;
}

enum actor_role turn_role(const struct turn *turn) {
    return turn->role;
}

size_t turn_count(const struct turn *turn) {
    return turn->parse.count - turn->first;
}

const char *turn_word(const struct turn *turn, size_t i) {
    return i < turn_count(turn) ? turn->parse.words[turn->first + i].text : NULL;
}

/* The texts are made when they are asked for, and stay. */
const char *turn_rest(const struct turn *turn, size_t i) {
    struct turn *owner = (struct turn *)(uintptr_t)turn;
    size_t word = turn->first + i;

    if (i >= turn_count(turn))
        return NULL;
    if (!owner->rests)
        owner->rests = mem_new_array(turn->parse.count, sizeof(*owner->rests));
    if (!owner->rests[word])
        owner->rests[word] = turn_parse_rest(&turn->parse, word);
    return owner->rests[word];
}

const char *turn_flag(const struct turn *turn, const char *name) {
    return turn_parse_flag(&turn->parse, name);
}

bool turn_is_confirmed(const struct turn *turn) {
    return turn->intent->is_confirmed;
}

bool turn_is_again(const struct turn *turn) {
    return turn->intent->is_again;
}

static char *make_operation(const struct turn *turn, size_t n) {
    auto_(mem_freep) char *seed = mem_printf("%s %zu", turn->intent->operation, n);
    uint8_t digest[CRYPTO_SHA256_LEN];
    char *text = mem_new(INTENTS_OPERATION_LEN + 1);

    crypto_sha256(seed, strlen(seed), digest);
    hex_encode(text, digest, INTENTS_OPERATION_LEN / 2);
    return text;
}

const char *turn_operation(struct turn *turn, unsigned n) {
    while (turn->operation_count <= n) {
        turn->operations = mem_grow(turn->operations, (turn->operation_count + 1) *
                                                          sizeof(*turn->operations));
        turn->operations[turn->operation_count] =
            make_operation(turn, turn->operation_count);
        turn->operation_count++;
    }
    return turn->operations[n];
}

void turn_set_node(struct turn *turn, const char *node) {
    places_set_node(turn->chat->places, &turn->intent->place, node);
}

void *turn_state(struct turn *turn, size_t size, void (*on_end)(void *state)) {
    if (!turn->state) {
        turn->state = mem_new(size);
        turn->on_end = on_end;
    }
    return turn->state;
}

void turn_call(struct turn *turn,
               const char *node,
               const char *method,
               const ProtobufCMessage *request,
               turn_reply_fn *on_reply,
               void *arg) {
    turn_call_start(turn, &(struct turn_call_request) {
                              .node = node,
                              .method = method,
                              .message = request,
                              .on_reply = on_reply,
                              .arg = arg,
                          });
}

void turn_stream(struct turn *turn,
                 const char *node,
                 const char *method,
                 const ProtobufCMessage *request,
                 const struct turn_stream_events *events,
                 void *arg) {
    turn_call_start(turn, &(struct turn_call_request) {
                              .node = node,
                              .method = method,
                              .message = request,
                              .stream = events,
                              .arg = arg,
                          });
}

void turn_call_bytes(struct turn *turn,
                     const char *node,
                     const char *method,
                     struct slice request,
                     turn_bytes_fn *on_reply,
                     void *arg) {
    turn_call_start(turn, &(struct turn_call_request) {
                              .node = node,
                              .method = method,
                              .bytes = request,
                              .on_bytes = on_reply,
                              .arg = arg,
                          });
}

void turn_stream_bytes(struct turn *turn,
                       const char *node,
                       const char *method,
                       struct slice request,
                       const struct turn_bytes_events *events,
                       void *arg) {
    turn_call_start(turn, &(struct turn_call_request) {
                              .node = node,
                              .method = method,
                              .bytes = request,
                              .bytes_stream = events,
                              .arg = arg,
                          });
}

void turn_show(struct turn *turn, struct view *view) {
    if (turn_life_end(turn))
        turn_show_last(turn, view);
    else
        view_free(view);
}

void turn_progress(struct turn *turn, struct view *view) {
    turn_show_next(turn, view);
}

void turn_add(struct turn *turn, struct view *view) {
    turn_show_beside(turn, view);
}

void turn_later(struct turn *turn,
                unsigned delay_ms,
                void (*on_time)(struct turn *turn, void *arg),
                void *arg) {
    turn_life_later(turn, delay_ms, on_time, arg);
}

void turn_complain(struct turn *turn, const char *format, ...) {
    struct view *view = view_new();
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        abort(); /* out of memory, as mem_new() */
    va_end(args);
    view_text(view, "%s", text);
    free(text);
    if (turn->command) {
        auto_(mem_freep) char *usage =
            mem_printf("/%s%s%s", turn->command->name,
                       turn->command->grammar[0] ? " " : "", turn->command->grammar);
        view_code(view, usage);
        view_note(view, "%s", turn_say(turn, turn->command->help));
    }
    turn_show(turn, view);
}

void turn_ask(struct turn *turn, struct view *view, const char *format, ...) {
    char *line = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        abort(); /* out of memory, as mem_new() */
    va_end(args);
    const struct questions_text text = { .before = line, .after = "" };
    turn_life_ask(turn, view, &text);
    free(line);
}

void turn_confirm(
    struct turn *turn, const char *label, const char *back, const char *format, ...) {
    auto_(mem_freep) char *line = turn_life_line(turn);
    struct view *view = view_new();
    char *effect = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&effect, format, args) < 0)
        abort(); /* out of memory, as mem_new() */
    va_end(args);
    view_title(view, "%s", label);
    if (turn->node_name)
        view_field(view, turn_say(turn, "Host"), "%s", turn->node_name);
    view_text(view, "%s", effect);
    view_note(view, "%s", turn_say(turn, "The button counts for one minute."));
    view_confirm(view, VIEW_DANGER, label, "%s", line);
    view_button(view, VIEW_PLAIN, turn_say(turn, "Back"), "%s", back ? back : "cancel");
    free(effect);
    turn_show(turn, view);
}
