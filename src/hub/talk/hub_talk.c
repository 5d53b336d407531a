#include "hub/talk/hub_talk.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/notifier/heartbeat.h"
#include "alerts/notifier/notifier.h"
#include "base/log.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/telegram/telegram.h"
#include "hub/activity/activity.h"
#include "hub/alerting/alerts_feed.h"
#include "hub/alerting/alerts_lookout.h"
#include "hub/alerting/service_alerts.h"
#include "hub/config.h"
#include "hub/gate/gate.h"
#include "hub/hub_private.h"
#include "hub/talk/alert_people.h"
#include "hub/talk/alert_pictures.h"
#include "hub/talk/approval_people.h"
#include "hub/talk/bot_report.h"
#include "hub/talk/chat_host.h"
#include "hub/talk/telegram_door.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "store/history/history.h"
#include "store/records.h"

struct hub_talk {
    struct hub *hub;            /* borrowed: owns us */
    struct chat_host_hub *host; /* owned, and so are the others */
    struct chat *chat;
    struct approval_people *approvals;
    struct telegram *telegram; /* off: no bot */
    char *mistake;             /* of its settings; NULL: none */
    struct telegram_door *door;
    struct actor *actor; /* reference: the hub itself */
    struct incidents *incidents;
    struct alerts *alerts;
    struct alerts_lookout *lookout;
    struct alert_pictures *pictures;
    struct alert_people *people;
    struct notifier *notifier;
    struct heartbeat *heartbeat; /* NULL: none */
};

static enum chat_strangers strangers_of(const struct hub_config *config) {
    if (strcmp(config->telegram_strangers, "own") == 0)
        return CHAT_OWN;
    return strcmp(config->telegram_strangers, "request") == 0 ? CHAT_REQUEST
                                                              : CHAT_REFUSE;
}

/* What is told in that chat is told where it is now. */
static void on_moved(void *arg, const char *platform, const char *from, const char *to) {
    const struct hub_talk *talk = arg;
    auto_(mem_freep) char *old_place = mem_printf("%s:%s:", platform, from);
    auto_(mem_freep) char *new_place = mem_printf("%s:%s:", platform, to);

    notifier_move_place(talk->notifier, old_place, new_place);
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
        .on_moved = on_moved,
        .moved_arg = talk,
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

static struct telegram_config telegram_of(const struct hub_talk *talk) {
    const struct hub_config *config = talk->hub->config;

    return (struct telegram_config) {
        .loop = talk->hub->loop,
        .chat = talk->chat,
        .store = talk->hub->store,
        .token = config->telegram_token,
        .api_url = config->telegram_api_url,
        .mode = strcmp(config->telegram_mode, "webhook") == 0 ? TELEGRAM_WEBHOOK
                                                              : TELEGRAM_POLL,
        .webhook_url = config->telegram_webhook_url,
    };
}

/* Settings that make no bot are remembered. */
static bool is_telegram_fine(struct hub_talk *talk,
                             const struct telegram_config *telegram) {
    const char *why = "";
    const char *setting = telegram->token ? telegram_check(telegram, &why) : NULL;

    free(talk->mistake);
    talk->mistake = setting ? mem_printf("[telegram] %s: %s", setting, why) : NULL;
    return !setting;
}

/* A token that cannot be one is said, and the hub goes on without the bot. */
static void make_telegram(struct hub_talk *talk) {
    struct telegram_config telegram = telegram_of(talk);

    if (!is_telegram_fine(talk, &telegram)) {
        log_error("there is no Telegram bot: %s", talk->mistake);
        telegram.token = NULL;
    }
    talk->telegram = telegram_new(&telegram);
}

/* Likewise what cannot be one later, but the bot goes on as it was. */
static void change_telegram(struct hub_talk *talk) {
    const struct telegram_config telegram = telegram_of(talk);

    if (!is_telegram_fine(talk, &telegram))
        log_error("%s; the bot goes on as it was", talk->mistake);
    else if (telegram_set(talk->telegram, &telegram))
        log_info("telegram: %s", telegram.token ? "goes on by the new settings"
                                                : "there is no bot any more");
}

static struct alerts_defaults defaults_of(const struct hub_config *config) {
    return (struct alerts_defaults) {
        .is_off = !config->alerts_built_in,
        .offline_grace_ms = config->alerts_offline_ms,
        .disk_percent = (double)config->alerts_disk_percent,
        .disk_clear = (double)config->alerts_disk_clear,
        .disk_for_ms = config->alerts_disk_ms,
        .memory_percent = (double)config->alerts_memory_percent,
        .memory_for_ms = config->alerts_memory_ms,
        .temperature = (double)config->alerts_temperature,
        .temperature_for_ms = config->alerts_temperature_ms,
        .unit_for_ms = config->alerts_unit_ms,
    };
}

/* Incidents become durable with the samples that made them. */
static void want_flush(void *arg) {
    const struct hub_talk *talk = arg;

    if (talk->hub->history)
        history_sync(talk->hub->history);
}

static int64_t now_ms(void *arg) {
    const struct hub_talk *talk = arg;
    return timekeeper_now_ms(talk->hub->timekeeper);
}

static void make_alerts(struct hub_talk *talk) {
    const struct incidents_config incidents = { want_flush, talk };

    talk->incidents = incidents_new(&incidents);
    const struct alerts_config alerts = {
        .incidents = talk->incidents,
        .defaults = defaults_of(talk->hub->config),
        .start_ms = now_ms(talk),
        .on_fire = alerts_feed_on_fire,
        .arg = &talk->hub->feed,
    };
    talk->alerts = alerts_new(&alerts);
}

static void make_notifier(struct hub_talk *talk) {
    struct hub *hub = talk->hub;

    talk->pictures = alert_pictures_new(hub->loop, gate_inside(hub->gate), talk->actor);
    const struct alert_people_config people = {
        .chat = talk->chat,
        .incidents = talk->incidents,
        .activity = hub->activity,
        .pictures = talk->pictures,
        .registry = hub->registry,
        .users = hub->users,
        .now_ms = now_ms,
        .arg = talk,
    };
    talk->people = alert_people_new(&people);
    struct notifier_config notifier = {
        .loop = hub->loop,
        .store = hub->store,
        .incidents = talk->incidents,
        .alerts = talk->alerts,
        .language = hub->config->alerts_language,
        .is_plain_allowed = hub->config->alerts_plain,
    };
    alert_people_serve(talk->people, &notifier);
    talk->notifier = notifier_new(&notifier);
}

static void make_service(struct hub_talk *talk) {
    struct hub *hub = talk->hub;
    const struct service_alerts_config service = {
        .services = hub->services,
        .loop = hub->loop,
        .registry = hub->registry,
        .users = hub->users,
        .alerts = talk->alerts,
        .incidents = talk->incidents,
        .notifier = talk->notifier,
        .history = hub->history,
        .activity = hub->activity,
        .timekeeper = hub->timekeeper,
    };

    hub->alert_service = service_alerts_new(&service);
}

static void make_lookout(struct hub_talk *talk) {
    struct hub *hub = talk->hub;
    const struct alerts_lookout_config lookout = {
        .loop = hub->loop,
        .registry = hub->registry,
        .alerts = talk->alerts,
        .timekeeper = hub->timekeeper,
    };

    talk->lookout = alerts_lookout_new(&lookout);
}

static void make_feed(struct hub_talk *talk) {
    struct hub *hub = talk->hub;
    const struct alerts_feed_config feed = {
        .loop = hub->loop,
        .registry = hub->registry,
        .history = hub->history,
        .timekeeper = hub->timekeeper,
        .gate = gate_inside(hub->gate),
        .alerts = talk->alerts,
        .incidents = talk->incidents,
        .actor = talk->actor,
    };

    hub->feed = alerts_feed_new(&feed);
}

static void on_heartbeat(void *arg, const char *why) {
    const struct hub_talk *talk = arg;

    if (why)
        activity_add(talk->hub->activity, "heartbeat.failing", "", "",
                     "the heartbeat is not heard: %s", why);
    else
        activity_add(talk->hub->activity, "heartbeat.heard", "", "",
                     "the heartbeat is heard");
}

static const char *trouble(void *arg) {
    const struct hub_talk *talk = arg;
    return talk->hub->history ? history_trouble(talk->hub->history) : NULL;
}

static void start_heartbeat(struct hub_talk *talk) {
    const struct hub_config *config = talk->hub->config;
    const struct heartbeat_config heartbeat = {
        .loop = talk->hub->loop,
        .store = talk->hub->store,
        .url = config->heartbeat_url,
        .every_ms = config->heartbeat_ms,
        .trouble = trouble,
        .on_change = on_heartbeat,
        .arg = talk,
    };

    if (config->heartbeat_url)
        talk->heartbeat = heartbeat_new(&heartbeat);
}

static void change_heartbeat(struct hub_talk *talk) {
    const struct hub_config *config = talk->hub->config;

    if (heartbeat_is(talk->heartbeat, config->heartbeat_url, config->heartbeat_ms))
        return;
    talk->heartbeat = heartbeat_free(talk->heartbeat);
    start_heartbeat(talk);
}

/* Each record goes to whoever knows its space. */
static void load(struct hub_talk *talk, const struct records_row *row) {
    struct slice value = slice_of(row->value, row->len);

    if (chat_load(talk->chat, row->space, row->key, value) ||
        incidents_load(talk->incidents, row->space, row->key, value) ||
        alerts_load(talk->alerts, row->space, row->key, value) ||
        notifier_load(talk->notifier, row->space, row->key, value))
        return;
    telegram_load(talk->telegram, row->space, row->key, value);
}

struct hub_talk *hub_talk_new(struct hub *hub) {
    struct hub_talk *talk = mem_new(sizeof(*talk));

    struct actor_rights *rights = actor_rights_new(true);

    talk->hub = hub;
    talk->actor = actor_new("roost", NULL, false, rights);
    actor_rights_unref(rights);
    make_chat(talk);
    make_telegram(talk);
    make_alerts(talk);
    make_notifier(talk);
    talk->door = telegram_door_new(talk->telegram);
    for (size_t i = 0; i < hub->records.count; i++)
        load(talk, &hub->records.rows[i]);
    records_done(&hub->records);
    make_feed(talk);
    make_service(talk);
    make_lookout(talk);
    return talk;
}

void hub_talk_start(struct hub_talk *talk) {
    telegram_start(talk->telegram);
    notifier_start(talk->notifier);
    start_heartbeat(talk);
}

void hub_talk_reload(struct hub_talk *talk) {
    if (!talk->chat)
        return;
    const struct alerts_defaults defaults = defaults_of(talk->hub->config);
    chat_set_strangers(talk->chat, strangers_of(talk->hub->config));
    alerts_set_defaults(talk->alerts, &defaults);
    notifier_set_language(talk->notifier, talk->hub->config->alerts_language);
    notifier_let_plain(talk->notifier, talk->hub->config->alerts_plain);
    change_telegram(talk);
    change_heartbeat(talk);
}

void hub_talk_stop(struct hub_talk *talk) {
    if (!talk)
        return;
    talk->lookout = alerts_lookout_free(talk->lookout);
    alerts_feed_stop(talk->hub->feed);
    talk->heartbeat = heartbeat_free(talk->heartbeat);
    talk->pictures = alert_pictures_free(talk->pictures);
    talk->approvals = approval_people_free(talk->approvals);
    talk->chat = chat_free(talk->chat);
    talk->notifier = notifier_free(talk->notifier);
    talk->people = alert_people_free(talk->people);
    telegram_door_close(talk->door);
    talk->telegram = telegram_free(talk->telegram);
    talk->host = chat_host_free(talk->host);
}

struct hub_talk *hub_talk_free(struct hub_talk *talk) {
    if (!talk)
        return NULL;
    hub_talk_stop(talk);
    telegram_door_free(talk->door);
    talk->hub->feed = alerts_feed_free(talk->hub->feed);
    alerts_free(talk->alerts);
    incidents_free(talk->incidents);
    actor_unref(talk->actor);
    free(talk->mistake);
    free(talk);
    return NULL;
}

void hub_talk_rename_node(struct hub_talk *talk, const char *from, const char *to) {
    if (talk)
        alerts_feed_rename(talk->hub->feed, from, to);
}

bool hub_talk_report_bot(const struct hub_talk *talk, Roost__V1__Bot *ret_bot) {
    const struct hub *hub = talk->hub;
    const struct bot_report_facts facts = {
        .mistake = talk->mistake,
        .is_webhook = strcmp(hub->config->telegram_mode, "webhook") == 0,
        .loop_ms = loop_now_ms(hub->loop),
        .wall_ms = timekeeper_now_ms(hub->timekeeper),
    };

    if (!talk->telegram)
        return false;
    const struct telegram_status status = telegram_status(talk->telegram);
    return bot_report_write(&status, &facts, ret_bot);
}

struct telegram_door *hub_talk_telegram_door(struct hub_talk *talk) {
    return talk->door;
}
