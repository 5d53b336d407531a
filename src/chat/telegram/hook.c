#include "chat/telegram/hook.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "chat/telegram/api.h"
#include "chat/telegram/backoff.h"
#include "chat/telegram/inlet.h"
#include "chat/telegram/refusal.h"
#include "chat/telegram/updates.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/records.h"

enum { TIMEOUT_MS = 20000 };

struct hook {
    struct hook_config config;
    char *url;             /* owned */
    char *secret;          /* owned */
    struct api_call *call; /* borrowed: api; NULL: none */
    unsigned failures;
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
    if (refusal == REFUSAL_NONE) {
        hook->failures = 0;
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

static void on_timer(struct timer *timer) {
    tell_where(container_of(timer, struct hook, timer));
}

void hook_start(struct hook *hook) {
    if (!hook->call)
        tell_where(hook);
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
    if (!is_secret(hook, secret))
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
