#include "hub/hub_talk.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/telegram/telegram.h"
#include "hub/approval_people.h"
#include "hub/chat_host.h"
#include "hub/config.h"
#include "hub/gate.h"
#include "hub/hub_private.h"
#include "hub/telegram_door.h"
#include "store/records.h"

struct hub_talk {
    struct hub *hub;            /* borrowed: owns us */
    struct chat_host_hub *host; /* owned, and so are the others */
    struct chat *chat;
    struct approval_people *approvals;
    struct telegram *telegram; /* NULL: no bot */
    struct telegram_door *door;
};

static enum chat_strangers strangers_of(const struct hub_config *config) {
    if (strcmp(config->telegram_strangers, "own") == 0)
        return CHAT_OWN;
    return strcmp(config->telegram_strangers, "request") == 0 ? CHAT_REQUEST
                                                              : CHAT_REFUSE;
}

static void make_chat(struct hub_talk *talk) {
    struct hub *hub = talk->hub;
    const struct chat_host_config host = {
        .loop = hub->loop,
        .store = hub->store,
        .gate = gate_inside(hub->gate),
        .access = hub->access,
        .users = hub->users,
        .registry = hub->registry,
        .activity = hub->activity,
        .timekeeper = hub->timekeeper,
    };

    talk->host = chat_host_new(&host);
    const struct chat_config chat = {
        .host = chat_host_of(talk->host),
        .strangers = strangers_of(hub->config),
    };
    talk->chat = chat_new(&chat);
    const struct approval_people_config approvals = {
        .chat = talk->chat,
        .approvals = hub->approvals,
        .users = hub->users,
    };
    talk->approvals = approval_people_new(&approvals);
}

/* A token that cannot be one is said, and the hub goes on without the bot. */
static void make_telegram(struct hub_talk *talk) {
    const struct hub_config *config = talk->hub->config;
    const struct telegram_config telegram = {
        .loop = talk->hub->loop,
        .chat = talk->chat,
        .store = talk->hub->store,
        .token = config->telegram_token,
        .api_url = config->telegram_api_url,
        .mode = strcmp(config->telegram_mode, "webhook") == 0 ? TELEGRAM_WEBHOOK
                                                              : TELEGRAM_POLL,
        .webhook_url = config->telegram_webhook_url,
    };
    const char *why = "";

    if (!config->telegram_token)
        return;
    const char *setting = telegram_check(&telegram, &why);
    if (setting)
        log_error("there is no Telegram bot: [telegram] %s: %s", setting, why);
    else
        talk->telegram = telegram_new(&telegram);
}

/* Each record goes to whoever knows its space. */
static void load(struct hub_talk *talk, const struct records_row *row) {
    struct slice value = slice_of(row->value, row->len);

    if (!chat_load(talk->chat, row->space, row->key, value) && talk->telegram)
        telegram_load(talk->telegram, row->space, row->key, value);
}

struct hub_talk *hub_talk_new(struct hub *hub) {
    struct hub_talk *talk = mem_new(sizeof(*talk));

    talk->hub = hub;
    make_chat(talk);
    make_telegram(talk);
    talk->door = telegram_door_new(talk->telegram);
    for (size_t i = 0; i < hub->records.count; i++)
        load(talk, &hub->records.rows[i]);
    records_done(&hub->records);
    return talk;
}

void hub_talk_start(struct hub_talk *talk) {
    if (talk->telegram)
        telegram_start(talk->telegram);
}

void hub_talk_reload(struct hub_talk *talk) {
    if (talk->chat)
        chat_set_strangers(talk->chat, strangers_of(talk->hub->config));
}

void hub_talk_stop(struct hub_talk *talk) {
    if (!talk)
        return;
    talk->approvals = approval_people_free(talk->approvals);
    talk->chat = chat_free(talk->chat);
    telegram_door_close(talk->door);
    talk->telegram = telegram_free(talk->telegram);
    talk->host = chat_host_free(talk->host);
}

struct hub_talk *hub_talk_free(struct hub_talk *talk) {
    if (!talk)
        return NULL;
    hub_talk_stop(talk);
    telegram_door_free(talk->door);
    free(talk);
    return NULL;
}

struct telegram_door *hub_talk_telegram_door(struct hub_talk *talk) {
    return talk->door;
}
