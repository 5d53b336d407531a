#include "chat/telegram/menus.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "chat/command.h"
#include "chat/telegram/api.h"
#include "chat/telegram/backoff.h"
#include "chat/telegram/letters.h"
#include "chat/telegram/refusal.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/actor.h"
#include "store/records.h"
#include "store/store.h"
#include "wire/json_writer.h"

enum {
    COMMANDS_MAX = 100,    /* the API's limits */
    DESCRIPTION_MAX = 256, /* characters */
    TIMEOUT_MS = 20000,
    EVERY_MS = 250, /* between two lists: nobody waits for them */
    DIGEST_HEX = 2 * CRYPTO_SHA256_LEN,
    KNOWN_MAX = 20000, /* people whose lists we remember */
};

/* One list that is to be set. */
struct menu {
    struct list node;
    char *key;                 /* owned: whose, in which language */
    char *scope;               /* owned; JSON */
    char *commands;            /* owned; JSON */
    const char *language_code; /* static; NULL: for all others */
};

struct menus {
    struct menus_config config;
    char *bot_id;          /* owned */
    struct map *known;     /* owned, and the texts; key to digest of what is set */
    struct list waiting;   /* owned */
    struct api_call *call; /* borrowed: api; NULL: none */
    struct timer timer;
    unsigned failures;
    bool has_started;
};

static void free_menu(struct menu *menu) {
    list_remove(&menu->node);
    free(menu->key);
    free(menu->scope);
    free(menu->commands);
    free(menu);
}

/* --- what is in a list --- */

/* For whom a list is. */
struct reader {
    enum words_language language;
    enum actor_role role; /* the highest, on any node */
    bool is_admin;
    bool is_group;
    bool is_anybody; /* also strangers read it */
};

static bool is_shown(const struct command *command, const struct reader *reader) {
    if (command->is_hidden)
        return false;
    if (reader->is_group ? command->place == COMMAND_PRIVATE
                         : command->place == COMMAND_GROUP)
        return false;
    if (reader->is_anybody)
        return command->is_for_all;
    if (command->is_for_admin)
        return reader->is_admin;
    return command->is_for_all || reader->role >= command->role;
}

/* The API takes small letters, digits and '_', 32 at most. */
static bool is_name(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && len <= 32 && name[len] == '\0';
}

static void write_command(struct json_writer *writer,
                          const struct command *command,
                          enum words_language language) {
    const char *help = words_in(language, command->help);
    struct buf cut = { 0 };

    letters_add_cut(&cut, slice_of_text(*help ? help : command->name), DESCRIPTION_MAX);
    json_writer_open_object(writer);
    json_writer_name(writer, slice_of_text("command"));
    json_writer_text(writer, slice_of_text(command->name));
    json_writer_name(writer, slice_of_text("description"));
    json_writer_text(writer, buf_slice(&cut));
    json_writer_close_object(writer);
    buf_done(&cut);
}

static char *write_list(const struct reader *reader) {
    const struct command *command;
    struct json_writer writer;
    struct buf out = { 0 };
    unsigned at = 0;
    size_t count = 0;

    json_writer_init(&writer, &out, false);
    json_writer_open_array(&writer);
    while ((command = command_next(&at)) && count < COMMANDS_MAX)
        if (is_shown(command, reader) && is_name(command->name)) {
            write_command(&writer, command, reader->language);
            count++;
        }
    json_writer_close_array(&writer);
    return buf_take_text(&out);
}

/* --- setting them --- */

static void pass_on(struct menus *menus);

static void digest_of(const struct menu *menu, char ret_digest[static DIGEST_HEX + 1]) {
    uint8_t digest[CRYPTO_SHA256_LEN];

    crypto_sha256(menu->commands, strlen(menu->commands), digest);
    hex_encode(ret_digest, digest, sizeof(digest));
}

static void know(struct menus *menus, const char *key, const char *digest) {
    if (map_count(menus->known) < KNOWN_MAX || map_get(menus->known, key))
        free(map_put(menus->known, key, mem_strdup(digest)));
}

static bool is_set(const struct menus *menus, const struct menu *menu) {
    const char *known = map_get(menus->known, menu->key);
    char digest[DIGEST_HEX + 1];

    digest_of(menu, digest);
    return known && strcmp(known, digest) == 0;
}

static void on_stored(void *arg, int result) {
    /* Not stored: it is set once more by the next hub. */
}

static void remember(struct menus *menus, const struct menu *menu) {
    char digest[DIGEST_HEX + 1];
    struct records records = { 0 };

    digest_of(menu, digest);
    know(menus, menu->key, digest);
    records_put(&records, MENUS_SPACE, menu->key, slice_of_text(digest));
    store_put_records(menus->config.store, &records, on_stored, NULL);
    records_done(&records);
}

static struct menu *first(struct menus *menus) {
    return container_of(menus->waiting.next, struct menu, node);
}

static void on_done(void *arg, const struct api_reply *reply) {
    struct menus *menus = arg;
    struct menu *menu = first(menus);
    enum refusal refusal = refusal_of(reply);
    uint64_t delay_ms = EVERY_MS;
    uint32_t chance;

    menus->call = NULL;
    crypto_random(&chance, sizeof(chance));
    if (refusal == REFUSAL_TROUBLE || refusal == REFUSAL_WAIT ||
        refusal == REFUSAL_TOKEN) {
        delay_ms = backoff_ms(++menus->failures, chance);
        if (reply->retry_after_s > 0)
            delay_ms = (uint64_t)reply->retry_after_s * 1000;
    } else {
        menus->failures = 0;
        if (refusal == REFUSAL_NONE)
            remember(menus, menu);
        else
            log_debug("telegram: commands were refused: %s", reply->description);
        free_menu(menu);
    }
    timer_start(menus->config.loop, &menus->timer, delay_ms);
}

static void send_menu(struct menus *menus, const struct menu *menu) {
    bool is_empty = strcmp(menu->commands, "[]") == 0;
    struct api_form form = { 0 };

    if (!is_empty)
        api_form_json(&form, "commands", menu->commands);
    api_form_json(&form, "scope", menu->scope);
    if (menu->language_code)
        api_form_text(&form, "language_code", menu->language_code);
    menus->call =
        api_send(menus->config.api, is_empty ? "deleteMyCommands" : "setMyCommands",
                 &form, TIMEOUT_MS, 0, on_done, menus);
    api_form_done(&form);
}

static void pass_on(struct menus *menus) {
    if (!menus->has_started || menus->call || timer_is_running(&menus->timer))
        return;
    while (!list_is_empty(&menus->waiting)) {
        struct menu *menu = first(menus);
        if (!is_set(menus, menu)) {
            send_menu(menus, menu);
            return;
        }
        free_menu(menu);
    }
}

static void on_timer(struct timer *timer) {
    pass_on(container_of(timer, struct menus, timer));
}

/* A list for the same readers that waits still is not needed any more. */
static void drop_older(struct menus *menus, const char *key) {
    list_for_each_safe(node, after, &menus->waiting) {
        struct menu *menu = container_of(node, struct menu, node);
        bool is_under_way = menus->call && node == menus->waiting.next;
        if (!is_under_way && strcmp(menu->key, key) == 0)
            free_menu(menu);
    }
}

/* Takes the scope. */
static void add(struct menus *menus,
                const struct reader *reader,
                const char *whose,
                char *scope,
                const char *language_code) {
    struct menu *menu = mem_new(sizeof(*menu));

    menu->key =
        mem_printf("%s:%s:%s", menus->bot_id, whose, language_code ? language_code : "");
    menu->scope = scope;
    menu->commands = write_list(reader);
    menu->language_code = language_code;
    drop_older(menus, menu->key);
    list_add_tail(&menus->waiting, &menu->node);
    pass_on(menus);
}

static void add_common(struct menus *menus, struct reader reader, const char *scope) {
    for (int i = 0; i < WORDS_LANGUAGES; i++) {
        reader.language = (enum words_language)i;
        add(menus, &reader, scope, mem_printf("{\"type\":\"%s\"}", scope),
            i == WORDS_ENGLISH ? NULL : words_code(reader.language));
    }
}

void menus_start(struct menus *menus) {
    const struct reader stranger = { .is_anybody = true };
    const struct reader group = { .role = ACTOR_VIEWER, .is_group = true };

    menus->has_started = true;
    add_common(menus, stranger, "all_private_chats");
    add_common(menus, group, "all_group_chats");
}

static enum actor_role highest_role(const struct actor *actor) {
    enum actor_role highest = ACTOR_NOBODY;

    if (!actor || actor->ended || actor->rights->ended)
        return ACTOR_NOBODY;
    if (actor_is_admin(actor))
        return ACTOR_OWNER;
    for (size_t i = 0; i < actor->rights->count; i++)
        if (actor->rights->grants[i].role > highest)
            highest = actor->rights->grants[i].role;
    return highest;
}

void menus_set_person(struct menus *menus,
                      const char *chat,
                      enum words_language language,
                      const struct actor *actor) {
    const struct reader reader = {
        .language = language,
        .role = highest_role(actor),
        .is_admin = actor && actor_is_admin(actor),
        .is_anybody = !actor,
    };

    add(menus, &reader, chat, mem_printf("{\"type\":\"chat\",\"chat_id\":%s}", chat),
        NULL);
}

/* --- the whole --- */

struct menus *menus_new(const struct menus_config *config) {
    struct menus *menus = mem_new(sizeof(*menus));

    menus->config = *config;
    menus->bot_id = mem_strdup(config->bot_id);
    menus->config.bot_id = menus->bot_id;
    menus->known = map_new();
    menus->timer.fire = on_timer;
    list_init(&menus->waiting);
    return menus;
}

struct menus *menus_free(struct menus *menus) {
    size_t at = 0;
    void *text;

    if (!menus)
        return NULL;
    api_cancel(menus->call);
    timer_stop(&menus->timer);
    list_for_each_safe(node, after, &menus->waiting)
        free_menu(container_of(node, struct menu, node));
    while ((text = map_next(menus->known, &at, NULL)))
        free(text);
    map_free(menus->known);
    free(menus->bot_id);
    free(menus);
    return NULL;
}

bool menus_load(struct menus *menus,
                const char *space,
                const char *key,
                struct slice value) {
    char digest[DIGEST_HEX + 1];

    if (strcmp(space, MENUS_SPACE) != 0)
        return false;
    if (value.len == DIGEST_HEX) {
        memcpy(digest, value.at, value.len);
        digest[value.len] = '\0';
        know(menus, key, digest);
    }
    return true;
}
