/*
 * telegram_testing - a Bot API, an engine and a store for tests of the carrier
 *
 * One source of a test program includes it: it stands in for chat, store and words.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/command.h"
#include "chat/view.h"
#include "chat/words/words.h"
#include "loop/loop.h"
#include "loop/test_server.h"
#include "loop/timer.h"
#include "rpc/actor.h"
#include "store/records.h"
#include "store/store.h"

#include "chat/telegram/telegram.h"

#define TOKEN  "42:AAsecret"
#define SECRET "whisper"

enum { SAID_MAX = 16, FAULTS_MAX = 8, CALLS_MAX = 64 };

/* What the server answers to the next call of a method, in place of the usual. */
struct fault {
    const char *method;
    const char *reply; /* "": the connection stays silent */
};

/* An answer of the carrier, as the engine hears it. */
struct shown {
    bool is_told;
    int result;
    char message[32];
};

/* --- the engine's side, and the store's --- */

struct chat {
    struct chat_carrier carrier;
    int result;   /* of the next intakes */
    bool is_mute; /* they are not told yet */
    void (*done)(void *arg, int result);
    void *done_arg;
    struct task tell;
    struct loop *loop;
    char said[SAID_MAX][64];
    size_t said_count;
    char mark[32];
    char moved[64];
};

struct store {
    char keys[CALLS_MAX][64];
    size_t count;
};

void chat_join(struct chat *chat, const struct chat_carrier *carrier) {
    chat->carrier = *carrier;
}

static inline void on_tell(struct task *task) {
    struct chat *chat = container_of(task, struct chat, tell);

    chat->done(chat->done_arg, chat->result);
}

void chat_take(struct chat *chat,
               const char *platform,
               const struct chat_input *inputs,
               size_t count,
               struct records *mark,
               void (*done)(void *arg, int result),
               void *arg) {
    CHECK_TEXT(platform, "telegram");
    for (size_t i = 0; i < count && chat->result == 0; i++)
        snprintf(chat->said[chat->said_count++], sizeof(chat->said[0]), "%s %s",
                 inputs[i].id, inputs[i].text);
    if (mark->count > 0)
        snprintf(chat->mark, sizeof(chat->mark), "%s=%.*s", mark->rows[0].key,
                 (int)mark->rows[0].len, (const char *)mark->rows[0].value);
    records_done(mark);
    chat->done = done;
    chat->done_arg = arg;
    chat->tell.run = on_tell;
    if (!chat->is_mute)
        loop_post(chat->loop, &chat->tell);
}

void chat_moved(struct chat *chat,
                const char *platform,
                const char *from,
                const char *to) {
    snprintf(chat->moved, sizeof(chat->moved), "%s>%s", from, to);
}

int store_put_records(struct store *store,
                      struct records *records,
                      store_done *done,
                      void *arg) {
    for (size_t i = 0; i < records->count; i++)
        snprintf(store->keys[store->count++], sizeof(store->keys[0]), "%s",
                 records->rows[i].key);
    records_done(records);
    return 0;
}

const struct command *command_next(unsigned *at) {
    static const struct command commands[] = {
        { .name = "start", .help = "Begins", .is_for_all = true },
        { .name = "status", .help = "Tells", .role = ACTOR_VIEWER },
        { .name = "reboot", .help = "Restarts", .role = ACTOR_OPERATOR },
        { .name = "newkey",
          .help = "Adds",
          .place = COMMAND_PRIVATE,
          .is_for_admin = true },
        { .name = "inner", .help = "", .is_hidden = true },
    };

    return *at < sizeof(commands) / sizeof(commands[0]) ? &commands[(*at)++] : NULL;
}

const char *words_in(enum words_language language, const char *english) {
    return language == WORDS_RUSSIAN && strcmp(english, "Begins") == 0 ? "Начинает"
                                                                       : english;
}

const char *words_code(enum words_language language) {
    return language == WORDS_RUSSIAN ? "ru" : "en";
}

/* --- the Bot API's side --- */

struct world {
    struct test_server server;
    struct telegram *telegram;
    const char *token; /* that calls must have */
    char *url;         /* owned */
    struct chat chat;
    struct store store;
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
    const char *updates;    /* for the next question; NULL: it stays open */
    char *calls[CALLS_MAX]; /* "method body" */
    size_t call_count;
    size_t wanted; /* stop at that many calls of wanted_method */
    const char *wanted_method;
    unsigned next_message;
    bool is_photo; /* what is sent answers with a photo */
};

/* The one that runs: the server's answers have no other way to it. */
static inline struct world *world_of(struct test_server *server) {
    return container_of(server, struct world, server);
}

static inline size_t count_calls(const struct world *world, const char *method) {
    size_t count = 0;
    size_t len = strlen(method);

    for (size_t i = 0; i < world->call_count; i++)
        count +=
            strncmp(world->calls[i], method, len) == 0 && world->calls[i][len] == ' ';
    return count;
}

static inline void reply(struct buf *out, const char *json) {
    unsigned status = 200;
    const char *code = strstr(json, "\"error_code\":");

    if (code)
        status = (unsigned)strtoul(code + 13, NULL, 10);
    buf_printf(out, "HTTP/1.1 %u X\r\nContent-Length: %zu\r\n\r\n%s", status,
               strlen(json), json);
}

static inline const char *take_fault(struct world *world, const char *method) {
    for (size_t i = 0; i < world->fault_count; i++)
        if (world->faults[i].method && strcmp(world->faults[i].method, method) == 0) {
            world->faults[i].method = NULL;
            return world->faults[i].reply;
        }
    return NULL;
}

static inline void reply_usual(struct world *world, const char *method, struct buf *out) {
    char json[256];

    if (strcmp(method, "getUpdates") == 0) {
        if (world->updates)
            reply(out, world->updates);
        world->updates = NULL;
    } else if (strcmp(method, "getMe") == 0) {
        snprintf(json, sizeof(json),
                 "{\"ok\":true,\"result\":{\"id\":%.*s,\"username\":\"roost_bot\"}}",
                 (int)strcspn(world->token, ":"), world->token);
        reply(out, json);
    } else if (strncmp(method, "send", 4) == 0 || strncmp(method, "edit", 4) == 0) {
        snprintf(json, sizeof(json), "{\"ok\":true,\"result\":{\"message_id\":%u%s}}",
                 method[0] == 's' ? ++world->next_message : 1,
                 strstr(method, "Photo") || strstr(method, "Media")
                     ? ",\"photo\":[{\"file_id\":\"small\"},{\"file_id\":\"large\"}]"
                     : "");
        reply(out, json);
    } else {
        reply(out, "{\"ok\":true,\"result\":true}");
    }
}

static inline void answer(struct test_server *server,
                          const char *request,
                          struct buf *out) {
    struct world *world = world_of(server);
    auto_(mem_freep) char *head = mem_printf(" /bot%s/", world->token);
    const char *path = strstr(request, head);
    const char *body = strstr(request, "\r\n\r\n");
    char method[64];

    CHECK(path && body);
    path += strlen(head);
    snprintf(method, sizeof(method), "%.*s", (int)strcspn(path, " "), path);
    CHECK(world->call_count < CALLS_MAX);
    world->calls[world->call_count++] = mem_printf("%s %s", method, body + 4);
    const char *fault = take_fault(world, method);
    if (!fault)
        reply_usual(world, method, out);
    else if (*fault)
        reply(out, fault);
    if (world->wanted_method && count_calls(world, world->wanted_method) >= world->wanted)
        loop_stop(server->loop);
}

static inline void add_fault(struct world *world, const char *method, const char *reply) {
    world->faults[world->fault_count++] = (struct fault) { method, reply };
}

static inline struct telegram_config config_of(struct world *world, const char *url) {
    return (struct telegram_config) {
        .loop = world->server.loop,
        .chat = &world->chat,
        .store = &world->store,
        .token = world->token,
        .api_url = url,
        .webhook_url = "https://hub.example/telegram",
        .secret = SECRET,
    };
}

static inline void open_world(struct world *world, enum telegram_mode mode) {
    *world = (struct world) { .token = TOKEN };
    test_server_open(&world->server, answer);
    world->chat.loop = world->server.loop;
    world->url = test_server_url(&world->server, "");
    struct telegram_config config = config_of(world, world->url);
    config.mode = mode;
    world->telegram = telegram_new(&config);
}

static inline void close_world(struct world *world) {
    world->telegram = telegram_free(world->telegram);
    loop_cancel(&world->chat.tell);
    for (size_t i = 0; i < world->call_count; i++)
        free(world->calls[i]);
    test_server_close(&world->server);
    free(world->url);
}

/* Runs until so many calls of the method were made. */
static inline void run_until(struct world *world, const char *method, size_t count) {
    world->wanted_method = method;
    world->wanted = count;
    if (count_calls(world, method) < count)
        loop_run(world->server.loop);
    world->wanted_method = NULL;
}

/* The nth call of the method, from 0. */
static inline const char *call_of(const struct world *world,
                                  const char *method,
                                  size_t nth) {
    size_t len = strlen(method);

    for (size_t i = 0; i < world->call_count; i++)
        if (strncmp(world->calls[i], method, len) == 0 && world->calls[i][len] == ' ' &&
            nth-- == 0)
            return world->calls[i];
    fail_msg("no such call: %s", method);
    return NULL;
}

static const struct chat_place ada = {
    .platform = "telegram", .chat = "7", .topic = "", .title = "", .is_private = true
};

static inline void on_shown(void *arg, int result, const char *message) {
    struct shown *shown = arg;

    CHECK(!shown->is_told);
    shown->is_told = true;
    shown->result = result;
    snprintf(shown->message, sizeof(shown->message), "%s", message);
}

struct wait {
    struct timer timer;
    struct loop *loop;
    const struct shown *shown;
};

static inline void on_wait(struct timer *timer) {
    struct wait *wait = container_of(timer, struct wait, timer);

    if (wait->shown->is_told)
        loop_stop(wait->loop);
    else
        timer_start(wait->loop, timer, 1);
}

static inline void run_until_told(struct world *world, const struct shown *shown) {
    struct wait wait = { .loop = world->server.loop,
                         .shown = shown,
                         .timer.fire = on_wait };

    timer_start(wait.loop, &wait.timer, 1);
    loop_run(wait.loop);
    timer_stop(&wait.timer);
}

static inline void show_view(struct world *world,
                             const struct view *view,
                             const char *message,
                             struct shown *ret_shown) {
    const struct chat_post post = { .place = &ada, .message = message, .view = view };

    *ret_shown = (struct shown) { 0 };
    world->chat.carrier.show(world->chat.carrier.carrier, &post, on_shown, ret_shown);
}

/* Shows a text and waits for what becomes of it. */
static inline struct shown show_text(struct world *world,
                                     const char *text,
                                     const char *message) {
    struct view *view = view_new();
    struct shown shown;

    view_text(view, "%s", text);
    show_view(world, view, message, &shown);
    view_free(view);
    run_until_told(world, &shown);
    return shown;
}

static inline struct shown show_picture(struct world *world, const char *message) {
    static const uint8_t png[32] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\3\x20\0\0\1\x90";
    struct view *view = view_new();
    struct shown shown;

    view_picture(view, slice_of(png, sizeof(png)), "cpu");
    show_view(world, view, message, &shown);
    view_free(view);
    run_until_told(world, &shown);
    return shown;
}

#define MESSAGE(id, text)                                                                \
    "{\"update_id\":" id ",\"message\":{\"message_id\":1,\"from\":{\"id\":7,"            \
    "\"first_name\":\"Ada\"},\"chat\":{\"id\":7,\"type\":\"private\"},\"text\":\"" text  \
    "\"}}"
#define UPDATES(list) "{\"ok\":true,\"result\":[" list "]}"

static inline void start(struct world *world) {
    open_world(world, TELEGRAM_POLL);
    telegram_start(world->telegram);
    run_until(world, "getUpdates", 1);
}

static inline void on_status(void *arg, unsigned status) {
    struct shown *told = arg;

    told->is_told = true;
    told->result = (int)status;
}

static inline int visit(struct world *world,
                        const char *method,
                        const char *secret,
                        const char *body) {
    struct shown told = { 0 };

    telegram_take_webhook(world->telegram, method, secret, slice_of_text(body), on_status,
                          &told);
    CHECK(!told.is_told);
    run_until_told(world, &told);
    return told.result;
}

static inline void on_step(struct timer *timer) {
    struct wait *wait = container_of(timer, struct wait, timer);
    loop_stop(wait->loop);
}

/* What is there to be done now. */
static inline void step(struct world *world) {
    struct wait wait = { .loop = world->server.loop, .timer.fire = on_step };

    timer_start(wait.loop, &wait.timer, 1);
    loop_run(wait.loop);
    timer_stop(&wait.timer);
}
