#include "chat/telegram/telegram.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "chat/chat.h"
#include "chat/telegram/api.h"
#include "chat/telegram/backoff.h"
#include "chat/telegram/delivery.h"
#include "chat/telegram/fields.h"
#include "chat/telegram/hook.h"
#include "chat/telegram/inlet.h"
#include "chat/telegram/letters.h"
#include "chat/telegram/menus.h"
#include "chat/telegram/outbox.h"
#include "chat/telegram/poll.h"
#include "chat/telegram/recent.h"
#include "chat/telegram/refusal.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    BOTS_KNOWN = 64,                    /* of which we know how far we have read */
    ASK_CALLS = 2,                      /* one question that waits, one other */
    SEND_CALLS = OUTBOX_FLIGHT_MAX + 1, /* letters; and one that goes */
    PRESS_CALLS = 16, /* answers to presses wait for nothing else, and nothing for them */
    TIMEOUT_MS = 20000,
    ANSWER_TEXT_MAX = 200, /* characters in an answer to a press */
    CODE_MAX = 64,         /* of a start link */
    SECRET_RANDOM = 24,
    WORK_EVERY_MS = 4500, /* "is typing" lasts 5 s */
    WORK_CHATS = 1024,
};

#define REMEDY_TOKEN                                                                     \
    "the token does not count any more: get one from @BotFather (/token) and set it "    \
    "([telegram] token, then reload)"
#define REMEDY_RIVAL                                                                     \
    "another program uses the same bot: stop it, or give this hub a bot of its own"

struct telegram {
    struct telegram_config config; /* its texts are those below */
    char *token;                   /* owned; NULL: off */
    char *api_url;                 /* owned; NULL: the usual one */
    char *webhook_url;             /* owned; NULL */
    char *bot_id;              /* owned; the head of the token; "": there is none yet */
    char *bot_name;            /* owned; "" while unknown */
    char *secret;              /* owned */
    struct api *ask;           /* owned; for questions that wait */
    struct api *send;          /* owned */
    struct api *press;         /* owned; for answers to presses */
    struct inlet *inlet;       /* owned */
    struct poll *poll;         /* owned; it runs unless the mode is webhook */
    struct hook *hook;         /* owned; it runs if it is */
    struct recent *offsets;    /* owned; of bots that we had: from which update on */
    struct delivery *delivery; /* owned */
    struct menus *menus;       /* owned */
    struct recent *working;    /* owned; chats that were told that we work, and when */
    struct updates_self self;
    struct api_call *call; /* borrowed: ask; getMe; NULL: not under way */
    struct timer timer;    /* until it is asked again */
    unsigned failures;
    enum telegram_state in;  /* how it goes with what comes */
    enum telegram_state out; /* with what is sent: WORKS, TROUBLE, REFUSED */
    char *why;               /* owned; the last error */
    uint64_t since_ms;
    uint64_t last_in_ms;
    size_t waiting_there;
    bool has_started;
    bool has_joined; /* the chat */
};

/* --- how it goes --- */

static enum telegram_state state_of(const struct telegram *telegram) {
    if (!telegram->token)
        return TELEGRAM_OFF;
    if (telegram->in == TELEGRAM_STARTING && telegram->out <= TELEGRAM_WORKS)
        return TELEGRAM_STARTING; /* what goes out says nothing of what comes */
    return telegram->out > telegram->in ? telegram->out : telegram->in;
}

static void set_state(struct telegram *telegram,
                      enum telegram_state *leg,
                      enum telegram_state state,
                      const char *why) {
    enum telegram_state before = state_of(telegram);

    *leg = state;
    if (why) {
        free(telegram->why);
        telegram->why = mem_strdup(why);
    }
    enum telegram_state now = state_of(telegram);
    if (now == before)
        return;
    telegram->since_ms = loop_now_ms(telegram->config.loop);
    if (now == TELEGRAM_WORKS)
        log_info("telegram: @%s works", telegram->bot_name);
    else
        log_warning("telegram: %s", why ? why : telegram_state_name(now));
}

static void set_why(struct telegram *telegram,
                    enum telegram_state *leg,
                    enum telegram_state state,
                    const char *why,
                    const char *remedy) {
    char *text = mem_printf("%s (%s)", remedy, why);

    set_state(telegram, leg, state, text);
    free(text);
}

static void on_poll_news(void *arg, enum poll_news news, const char *why) {
    struct telegram *telegram = arg;

    switch (news) {
    case POLL_WORKS:
        telegram->last_in_ms = loop_now_ms(telegram->config.loop);
        set_state(telegram, &telegram->in, TELEGRAM_WORKS, NULL);
        break;
    case POLL_TROUBLE:
        set_state(telegram, &telegram->in, TELEGRAM_TROUBLE, why);
        break;
    case POLL_RIVAL:
        set_why(telegram, &telegram->in, TELEGRAM_RIVAL, why, REMEDY_RIVAL);
        break;
    case POLL_REFUSED:
        set_why(telegram, &telegram->in, TELEGRAM_REFUSED, why, REMEDY_TOKEN);
        break;
    }
}

static void on_hook_news(void *arg, const char *why, bool is_refused) {
    struct telegram *telegram = arg;

    if (is_refused)
        set_why(telegram, &telegram->in, TELEGRAM_REFUSED, why, REMEDY_TOKEN);
    else
        set_state(telegram, &telegram->in, why ? TELEGRAM_TROUBLE : TELEGRAM_WORKS, why);
}

static void on_hook_view(void *arg, size_t waiting, const char *why) {
    struct telegram *telegram = arg;
    char *text = mem_printf("Telegram cannot reach the webhook: %s", why);

    telegram->waiting_there = waiting;
    set_state(telegram, &telegram->in, *why ? TELEGRAM_TROUBLE : TELEGRAM_WORKS,
              *why ? text : NULL);
    free(text);
}

static void on_delivery_news(void *arg, const char *why) {
    struct telegram *telegram = arg;

    set_state(telegram, &telegram->out, why ? TELEGRAM_TROUBLE : TELEGRAM_WORKS, why);
}

static void on_refused(void *arg, const char *why) {
    struct telegram *telegram = arg;

    set_why(telegram, &telegram->out, TELEGRAM_REFUSED, why, REMEDY_TOKEN);
}

/* --- what comes --- */

static void on_moved(void *arg, const char *from, const char *to) {
    struct telegram *telegram = arg;

    log_info("telegram: group %s is %s from now on", from, to);
    delivery_move(telegram->delivery, from, to);
    chat_moved(telegram->config.chat, "telegram", from, to);
}

static void on_sent_elsewhere(void *arg, const char *from, const char *to) {
    struct telegram *telegram = arg;

    log_info("telegram: group %s is %s from now on", from, to);
    chat_moved(telegram->config.chat, "telegram", from, to);
}

static void on_blocked(void *arg, const char *chat) {
    struct telegram *telegram = arg;

    delivery_give_up(telegram->delivery, chat);
}

static void on_input(void *arg, const struct updates_update *update) {
    struct telegram *telegram = arg;
    const struct chat_input *input = &update->input;

    if (input->kind == CHAT_PRESS)
        delivery_note_media(telegram->delivery, input->place.chat, input->message,
                            update->is_media);
}

static void on_answered(void *arg, const struct api_reply *reply) {
    if (refusal_of(reply) != REFUSAL_NONE)
        log_debug("telegram: a press could not be answered: %s", reply->description);
}

static void answer_press(void *carrier,
                         const char *query,
                         const char *text,
                         bool is_alert) {
    struct telegram *telegram = carrier;
    struct api_form form = { 0 };
    struct buf clean = { 0 };
    struct buf cut = { 0 };

    letters_add_clean(&clean, slice_of_text(text));
    letters_add_cut(&cut, buf_slice(&clean), ANSWER_TEXT_MAX);
    api_form_text(&form, "callback_query_id", query);
    if (cut.len > 0)
        api_form_text(&form, "text", buf_text(&cut));
    if (is_alert)
        api_form_true(&form, "show_alert");
    api_send(telegram->press, "answerCallbackQuery", &form, TIMEOUT_MS, 0, on_answered,
             NULL);
    api_form_done(&form);
    buf_done(&clean);
    buf_done(&cut);
}

static void on_idle_press(void *arg, const char *query) {
    answer_press(arg, query, "", false);
}

/* --- what goes --- */

static void show(void *carrier,
                 const struct chat_post *post,
                 chat_shown_fn *done,
                 void *arg) {
    struct telegram *telegram = carrier;

    delivery_show(telegram->delivery, post, done, arg);
}

static void work(void *carrier, const struct chat_place *place) {
    struct telegram *telegram = carrier;
    uint64_t now_ms = loop_now_ms(telegram->config.loop);
    const char *last = recent_get(telegram->working, place->chat);
    struct api_form form = { 0 };

    if (last && now_ms - strtoull(last, NULL, 10) < WORK_EVERY_MS)
        return;
    char *now = mem_printf("%llu", (unsigned long long)now_ms);
    recent_put(telegram->working, place->chat, now);
    free(now);
    api_form_text(&form, "chat_id", place->chat);
    if (place->topic && place->topic[0])
        api_form_text(&form, "message_thread_id", place->topic);
    api_form_text(&form, "action", "typing");
    api_send(telegram->press, "sendChatAction", &form, TIMEOUT_MS, 0, on_answered, NULL);
    api_form_done(&form);
}

static void menu(void *carrier,
                 const struct chat_place *place,
                 enum words_language language,
                 const struct actor *actor) {
    struct telegram *telegram = carrier;

    if (place->is_private)
        menus_set_person(telegram->menus, place->chat, language, actor);
}

static char *invitation(void *carrier, const char *code) {
    struct telegram *telegram = carrier;
    size_t len = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz_-");

    if (telegram->bot_name[0] == '\0' || len == 0 || len > CODE_MAX || code[len] != '\0')
        return NULL;
    return mem_printf("https://t.me/%s?start=%s", telegram->bot_name, code);
}

/* --- who we are --- */

struct bot {
    char *id;
    char *name;
};

static const struct fields_want bot_wants[] = {
    { "id", offsetof(struct bot, id) },
    { "username", offsetof(struct bot, name) },
};

enum { BOT_WANTS = sizeof(bot_wants) / sizeof(bot_wants[0]) };

static void ask_who(struct telegram *telegram);

static bool take_bot(struct telegram *telegram, struct slice json) {
    struct bot bot = { 0 };
    bool is_fine = fields_read(json, bot_wants, BOT_WANTS, &bot) && bot.id && bot.name;

    if (is_fine) {
        free(telegram->bot_id);
        free(telegram->bot_name);
        telegram->bot_id = TAKE(bot.id);
        telegram->bot_name = TAKE(bot.name);
        telegram->self.id = telegram->bot_id;
        telegram->self.name = telegram->bot_name;
    }
    fields_done(bot_wants, BOT_WANTS, &bot);
    return is_fine;
}

static void on_who(void *arg, const struct api_reply *reply) {
    struct telegram *telegram = arg;
    uint32_t chance;

    telegram->call = NULL;
    if (refusal_of(reply) == REFUSAL_TOKEN) {
        set_why(telegram, &telegram->in, TELEGRAM_REFUSED, reply->description,
                REMEDY_TOKEN);
        return;
    }
    if (reply->code != 200 || !take_bot(telegram, reply->result)) {
        crypto_random(&chance, sizeof(chance));
        set_state(telegram, &telegram->in, TELEGRAM_TROUBLE, reply->description);
        timer_start(telegram->config.loop, &telegram->timer,
                    backoff_ms(++telegram->failures, chance));
        return;
    }
    telegram->failures = 0;
    if (telegram->config.mode == TELEGRAM_POLL)
        poll_start(telegram->poll);
    else
        hook_start(telegram->hook);
    menus_start(telegram->menus);
}

static void ask_who(struct telegram *telegram) {
    struct api_form form = { 0 };

    telegram->call =
        api_send(telegram->ask, "getMe", &form, TIMEOUT_MS, 0, on_who, telegram);
}

static void on_timer(struct timer *timer) {
    ask_who(container_of(timer, struct telegram, timer));
}

/* --- the carrier --- */

static char *new_secret(void) {
    uint8_t bytes[SECRET_RANDOM];
    char text[2 * SECRET_RANDOM + 1];

    crypto_random(bytes, sizeof(bytes));
    hex_encode(text, bytes, sizeof(bytes));
    return mem_strdup(text);
}

static void make_inlet(struct telegram *telegram) {
    const struct inlet_config config = {
        .chat = telegram->config.chat,
        .self = &telegram->self,
        .mark_key = telegram->bot_id,
        .arg = telegram,
        .on_blocked = on_blocked,
        .on_moved = on_moved,
        .on_input = on_input,
        .on_idle_press = on_idle_press,
    };

    telegram->inlet = inlet_new(&config);
}

static void make_poll(struct telegram *telegram) {
    const struct poll_config config = {
        .loop = telegram->config.loop,
        .api = telegram->ask,
        .inlet = telegram->inlet,
        .mark_key = telegram->bot_id,
        .arg = telegram,
        .on_news = on_poll_news,
    };

    telegram->poll = poll_new(&config);
}

/* NULL: nothing is to be brought. */
static const char *hook_url(const struct telegram *telegram) {
    bool is_hook = telegram->token && telegram->config.mode == TELEGRAM_WEBHOOK;
    return is_hook ? telegram->webhook_url : NULL;
}

static void make_hook(struct telegram *telegram) {
    const struct hook_config config = {
        .loop = telegram->config.loop,
        .api = telegram->ask,
        .inlet = telegram->inlet,
        .url = hook_url(telegram),
        .secret = telegram->secret,
        .arg = telegram,
        .on_news = on_hook_news,
        .on_view = on_hook_view,
    };

    telegram->hook = hook_new(&config);
}

static void make_delivery(struct telegram *telegram) {
    const struct delivery_config config = {
        .loop = telegram->config.loop,
        .api = telegram->send,
        .arg = telegram,
        .on_news = on_delivery_news,
        .on_refused = on_refused,
        .on_moved = on_sent_elsewhere,
    };

    telegram->delivery = delivery_new(&config);
}

static void make_menus(struct telegram *telegram) {
    const struct menus_config config = {
        .loop = telegram->config.loop,
        .store = telegram->config.store,
        .api = telegram->ask,
        .bot_id = telegram->bot_id,
    };

    telegram->menus = menus_new(&config);
}

static struct api *make_api(const struct telegram_config *config, size_t calls_max) {
    const struct api_config api = {
        .loop = config->loop,
        .url = config->api_url ? config->api_url : TELEGRAM_API_URL,
        .token = config->token ? config->token : "",
        .ca_file = config->ca_file,
        .calls_max = calls_max,
    };

    return api_new(&api);
}

/* The head of the token. A new string. */
static char *id_of(const char *token) {
    return token ? mem_dup(token, strcspn(token, ":")) : mem_strdup("");
}

/* Copies what may change later. */
static void take_texts(struct telegram *telegram, const struct telegram_config *config) {
    free(telegram->token);
    free(telegram->api_url);
    free(telegram->webhook_url);
    telegram->token = mem_strdup(config->token);
    telegram->api_url = mem_strdup(config->api_url);
    telegram->webhook_url = mem_strdup(config->webhook_url);
    telegram->config.token = telegram->token;
    telegram->config.api_url = telegram->api_url;
    telegram->config.webhook_url = telegram->webhook_url;
    telegram->config.mode = config->mode;
}

struct telegram *telegram_new(const struct telegram_config *config) {
    struct telegram *telegram = mem_new(sizeof(*telegram));

    *telegram = (struct telegram) {
        .config = *config,
        .bot_id = id_of(config->token),
        .bot_name = mem_strdup(""),
        .secret = config->secret ? mem_strdup(config->secret) : new_secret(),
        .ask = make_api(config, ASK_CALLS),
        .send = make_api(config, SEND_CALLS),
        .press = make_api(config, PRESS_CALLS),
        .working = recent_new(WORK_CHATS),
        .offsets = recent_new(BOTS_KNOWN),
        .why = mem_strdup(""),
        .since_ms = loop_now_ms(config->loop),
        .timer.fire = on_timer,
    };
    take_texts(telegram, config);
    telegram->self =
        (struct updates_self) { .id = telegram->bot_id, .name = telegram->bot_name };
    make_inlet(telegram);
    make_poll(telegram);
    make_hook(telegram);
    make_delivery(telegram);
    make_menus(telegram);
    return telegram;
}

struct telegram *telegram_free(struct telegram *telegram) {
    if (!telegram)
        return NULL;
    timer_stop(&telegram->timer);
    api_cancel(telegram->call);
    inlet_free(telegram->inlet);
    poll_free(telegram->poll);
    hook_free(telegram->hook);
    menus_free(telegram->menus);
    api_free(telegram->ask);
    api_free(telegram->send);
    api_free(telegram->press);
    delivery_free(telegram->delivery);
    recent_free(telegram->working);
    recent_free(telegram->offsets);
    if (telegram->token)
        mem_wipe(telegram->token, strlen(telegram->token));
    free(telegram->token);
    free(telegram->api_url);
    free(telegram->webhook_url);
    mem_wipe(telegram->secret, strlen(telegram->secret));
    free(telegram->secret);
    free(telegram->bot_id);
    free(telegram->bot_name);
    free(telegram->why);
    free(telegram);
    return NULL;
}

bool telegram_load(struct telegram *telegram,
                   const char *space,
                   const char *key,
                   struct slice value) {
    if (strcmp(space, POLL_SPACE) == 0) {
        auto_(mem_freep) char *offset = mem_dup(value.at, value.len);
        recent_put(telegram->offsets, key, offset);
        if (strcmp(key, telegram->bot_id) == 0)
            poll_load(telegram->poll, value);
        return true;
    }
    if (strcmp(space, INLET_SPACE) == 0) {
        if (strcmp(key, telegram->bot_id) == 0 && inlet_is_recent(value))
            delivery_spare(telegram->delivery);
        return true;
    }
    return menus_load(telegram->menus, space, key, value);
}

static void begin(struct telegram *telegram) {
    const struct chat_carrier carrier = {
        .platform = "telegram",
        .carrier = telegram,
        .show = show,
        .answer = answer_press,
        .work = work,
        .menu = menu,
        .invitation = invitation,
    };

    if (!telegram->token) {
        delivery_stop(telegram->delivery);
        return;
    }
    if (!telegram->has_joined)
        chat_join(telegram->config.chat, &carrier);
    telegram->has_joined = true;
    ask_who(telegram);
}

void telegram_start(struct telegram *telegram) {
    telegram->has_started = true;
    begin(telegram);
}

/* --- other settings --- */

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same(const struct telegram *telegram,
                    const struct telegram_config *config) {
    return same_text(telegram->token, config->token) &&
           same_text(telegram->api_url, config->api_url) &&
           telegram->config.mode == config->mode &&
           same_text(telegram->webhook_url, config->webhook_url);
}

/* Nothing is asked any more; what came is still taken. */
static void pause(struct telegram *telegram) {
    timer_stop(&telegram->timer);
    telegram->call = api_cancel(telegram->call);
    poll_stop(telegram->poll);
    hook_stop(telegram->hook);
    telegram->menus = menus_free(telegram->menus);
}

static void know_bot(struct telegram *telegram, const char *id) {
    free(telegram->bot_id);
    free(telegram->bot_name);
    telegram->bot_id = mem_strdup(id);
    telegram->bot_name = mem_strdup("");
    telegram->self =
        (struct updates_self) { .id = telegram->bot_id, .name = telegram->bot_name };
}

/* From here on it is another bot: what we know of the one before is its own. */
static void change_bot(struct telegram *telegram, const char *id) {
    recent_put(telegram->offsets, telegram->bot_id, poll_offset(telegram->poll));
    know_bot(telegram, id);
    inlet_aim(telegram->inlet, id);
    poll_aim(telegram->poll, id);
    poll_load(telegram->poll, slice_of_text(recent_get(telegram->offsets, id)));
}

static void aim(struct telegram *telegram) {
    const char *url = telegram->api_url ? telegram->api_url : TELEGRAM_API_URL;
    const char *token = telegram->token ? telegram->token : "";

    api_aim(telegram->ask, url, token);
    api_aim(telegram->send, url, token);
    api_aim(telegram->press, url, token);
    hook_aim(telegram->hook, hook_url(telegram));
}

bool telegram_set(struct telegram *telegram, const struct telegram_config *config) {
    auto_(mem_freep) char *id = id_of(config->token);
    bool is_other = config->token && strcmp(id, telegram->bot_id) != 0;

    if (is_same(telegram, config))
        return false;
    pause(telegram);
    take_texts(telegram, config);
    if (is_other)
        change_bot(telegram, id);
    aim(telegram);
    make_menus(telegram);
    free(telegram->why);
    telegram->why = mem_strdup("");
    telegram->in = telegram->out = TELEGRAM_STARTING;
    telegram->failures = 0;
    telegram->waiting_there = 0;
    telegram->since_ms = loop_now_ms(telegram->config.loop);
    delivery_renew(telegram->delivery, is_other);
    if (telegram->has_started)
        begin(telegram);
    return true;
}

void telegram_take_webhook(struct telegram *telegram,
                           const char *method,
                           const char *secret,
                           struct slice body,
                           telegram_answer_fn *answer,
                           void *arg) {
    hook_take(telegram->hook, method, secret, body, answer, arg);
}

struct telegram_status telegram_status(const struct telegram *telegram) {
    return (struct telegram_status) {
        .state = state_of(telegram),
        .name = telegram->bot_name,
        .why = telegram->why,
        .since_ms = telegram->since_ms,
        .last_in_ms = telegram->last_in_ms,
        .held_until_ms = delivery_held_until(telegram->delivery),
        .waiting = delivery_count(telegram->delivery),
        .waiting_there = telegram->waiting_there,
    };
}

const char *telegram_state_name(enum telegram_state state) {
    static const char *const names[] = {
        [TELEGRAM_STARTING] = "starting", [TELEGRAM_WORKS] = "works",
        [TELEGRAM_TROUBLE] = "trouble",   [TELEGRAM_RIVAL] = "another poller",
        [TELEGRAM_REFUSED] = "refused",   [TELEGRAM_OFF] = "off",
    };

    return names[state];
}
