#include "chat/telegram/hook.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/telegram/api.h"
#include "chat/telegram/backoff.h"
#include "chat/telegram/fields.h"
#include "chat/telegram/inlet.h"
#include "chat/telegram/refusal.h"
#include "chat/telegram/updates.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"

enum {
    TIMEOUT_MS = 20000,
    LOOK_EVERY_MS = 60000,
    TROUBLE_S = 120, /* an error that is older is history */
};

struct hook {
    struct hook_config config;
    char *url;             /* owned */
    char *secret;          /* owned */
    struct api_call *call; /* borrowed: api; NULL: none */
    unsigned failures;
    bool is_set; /* Telegram knows where we are */
    struct timer timer;
    struct list visits; /* owned; requests that were not answered yet */
    struct task look;
};

/* One request of Telegram. */
struct visit {
    struct list node;
    struct hook *hook; /* borrowed: its end ends the visit */
    unsigned status;   /* to be answered; 0: not yet */
    hook_answer_fn *answer;
    void *arg; /* borrowed: the caller's */
};

static void tell_where(struct hook *hook);

static void on_told(void *arg, const struct api_reply *reply) {
    struct hook *hook = arg;
    enum refusal refusal = refusal_of(reply);
    uint32_t chance;

    hook->call = NULL;
    hook->is_set = refusal == REFUSAL_NONE;
    if (hook->is_set) {
        hook->failures = 0;
        timer_start(hook->config.loop, &hook->timer, LOOK_EVERY_MS);
        hook->config.on_news(hook->config.arg, NULL, false);
        return;
    }
    hook->config.on_news(hook->config.arg, reply->description, refusal == REFUSAL_TOKEN);
    if (refusal == REFUSAL_TOKEN)
        return;
    crypto_random(&chance, sizeof(chance));
    uint64_t delay_ms = backoff_ms(++hook->failures, chance);
    if (reply->retry_after_s > 0)
        delay_ms = (uint64_t)reply->retry_after_s * 1000;
    timer_start(hook->config.loop, &hook->timer, delay_ms);
}

static void tell_where(struct hook *hook) {
    struct api_form form = { 0 };

    api_form_text(&form, "url", hook->url);
    api_form_text(&form, "secret_token", hook->secret);
    api_form_json(&form, "allowed_updates", UPDATES_ALLOWED);
    hook->call =
        api_send(hook->config.api, "setWebhook", &form, TIMEOUT_MS, 0, on_told, hook);
    api_form_done(&form);
}

/* --- how it goes there --- */

struct info {
    char *url;
    char *waiting;
    char *error;
    char *error_date;
};

static const struct fields_want info_wants[] = {
    { "url", offsetof(struct info, url) },
    { "pending_update_count", offsetof(struct info, waiting) },
    { "last_error_message", offsetof(struct info, error) },
    { "last_error_date", offsetof(struct info, error_date) },
};

enum { INFO_WANTS = sizeof(info_wants) / sizeof(info_wants[0]) };

static bool is_news(const struct info *info) {
    return info->error && info->error_date &&
           strtoll(info->error_date, NULL, 10) > clock_wall_ms() / 1000 - TROUBLE_S;
}

static void on_info(void *arg, const struct api_reply *reply) {
    struct hook *hook = arg;
    struct info info = { 0 };

    hook->call = NULL;
    timer_start(hook->config.loop, &hook->timer, LOOK_EVERY_MS);
    if (reply->code != 200 ||
        !fields_read(reply->result, info_wants, INFO_WANTS, &info)) {
        fields_done(info_wants, INFO_WANTS, &info);
        return;
    }
    hook->is_set = info.url && strcmp(info.url, hook->url) == 0;
    hook->config.on_view(hook->config.arg,
                         info.waiting ? strtoul(info.waiting, NULL, 10) : 0,
                         is_news(&info) ? info.error : "");
    fields_done(info_wants, INFO_WANTS, &info);
    if (!hook->is_set)
        tell_where(hook);
}

static void ask_info(struct hook *hook) {
    struct api_form form = { 0 };

    hook->call =
        api_send(hook->config.api, "getWebhookInfo", &form, TIMEOUT_MS, 0, on_info, hook);
}

static void on_timer(struct timer *timer) {
    struct hook *hook = container_of(timer, struct hook, timer);

    if (hook->is_set)
        ask_info(hook);
    else
        tell_where(hook);
}

void hook_start(struct hook *hook) {
    if (!hook->call)
        tell_where(hook);
}

void hook_stop(struct hook *hook) {
    hook->call = api_cancel(hook->call);
    timer_stop(&hook->timer);
    hook->is_set = false;
    hook->failures = 0;
}

void hook_aim(struct hook *hook, const char *url) {
    free(hook->url);
    hook->url = mem_strdup(url);
    hook->config.url = hook->url;
}

/* --- requests --- */

static void on_look(struct task *task) {
    struct hook *hook = container_of(task, struct hook, look);

    list_for_each_safe(node, after, &hook->visits) {
        struct visit *visit = container_of(node, struct visit, node);
        if (visit->status == 0)
            continue;
        list_remove(node);
        visit->answer(visit->arg, visit->status);
        free(visit);
    }
}

static void set_status(struct visit *visit, unsigned status) {
    visit->status = status;
    loop_post(visit->hook->config.loop, &visit->hook->look);
}

static bool is_secret(const struct hook *hook, const char *secret) {
    uint8_t wanted[CRYPTO_SHA256_LEN];
    uint8_t got[CRYPTO_SHA256_LEN];

    if (!secret)
        return false;
    crypto_sha256(hook->secret, strlen(hook->secret), wanted);
    crypto_sha256(secret, strlen(secret), got);
    return crypto_equal(wanted, got, sizeof(wanted));
}

static void on_taken(void *arg, int result) {
    set_status(arg, result == 0 ? 200 : 503);
}

static void take(struct visit *visit, struct slice body) {
    struct inlet *inlet = visit->hook->config.inlet;
    struct inlet_batch batch = { 0 };
    struct records mark = { 0 };

    if (!inlet_read(inlet, body, &batch)) {
        set_status(visit, 400);
        return;
    }
    inlet_take(inlet, &batch, &mark, on_taken, visit);
    records_done(&mark);
}

void hook_take(struct hook *hook,
               const char *method,
               const char *secret,
               struct slice body,
               hook_answer_fn *answer,
               void *arg) {
    struct visit *visit = mem_new(sizeof(*visit));

    *visit = (struct visit) { .hook = hook, .answer = answer, .arg = arg };
    list_add_tail(&hook->visits, &visit->node);
    if (!hook->url)
        set_status(visit, 404);
    else if (!is_secret(hook, secret))
        set_status(visit, 401);
    else if (strcmp(method, "POST") != 0)
        set_status(visit, 405);
    else if (body.len > HOOK_BODY_MAX)
        set_status(visit, 413);
    else
        take(visit, body);
}

/* --- the hook --- */

struct hook *hook_new(const struct hook_config *config) {
    struct hook *hook = mem_new(sizeof(*hook));

    *hook = (struct hook) {
        .config = *config,
        .url = mem_strdup(config->url),
        .secret = mem_strdup(config->secret),
        .timer.fire = on_timer,
        .look.run = on_look,
    };
    hook->config.url = hook->url;
    hook->config.secret = hook->secret;
    list_init(&hook->visits);
    return hook;
}

struct hook *hook_free(struct hook *hook) {
    struct list *node;

    if (!hook)
        return NULL;
    api_cancel(hook->call);
    timer_stop(&hook->timer);
    loop_cancel(&hook->look);
    while ((node = list_pop(&hook->visits)))
        free(container_of(node, struct visit, node));
    mem_wipe(hook->secret, strlen(hook->secret));
    free(hook->secret);
    free(hook->url);
    free(hook);
    return NULL;
}
