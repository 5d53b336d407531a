#include "chat/telegram/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
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
    WAIT_S = 50,              /* the server's own limit */
    CALL_TIMEOUT_MS = 65000,  /* a little more than it may take */
    SHORT_TIMEOUT_MS = 20000, /* of other calls */
    UPDATES_MAX = 100,        /* the API's limit */
    ANSWER_MAX = 8 << 20,     /* bytes; a longer one is asked for in smaller parts */
    RIVAL_WAIT_MS = 5000,     /* it does not go away faster */
    OFFSET_LEN = 24,
};

struct poll {
    struct poll_config config;
    char *mark_key;               /* owned */
    struct api_call *call;        /* borrowed: api; NULL: none is under way */
    char offset[OFFSET_LEN];      /* of the next update; "": unknown */
    char next_offset[OFFSET_LEN]; /* behind those that are being taken */
    unsigned limit;
    unsigned failures;
    bool is_on;
    bool is_taking;
    bool is_foreign;    /* what is being taken came to another bot */
    bool has_hook_gone; /* no webhook is set any more */
    struct timer timer;
};

static void ask(struct poll *poll);

static void wait_ms(struct poll *poll, uint64_t delay_ms) {
    timer_start(poll->config.loop, &poll->timer, delay_ms);
}

static void news(struct poll *poll, enum poll_news news, const char *why) {
    poll->config.on_news(poll->config.arg, news, why);
}

static uint64_t next_backoff(struct poll *poll) {
    uint32_t chance;

    crypto_random(&chance, sizeof(chance));
    return backoff_ms(++poll->failures, chance);
}

/* --- what comes --- */

/* The id that follows; ids are not a sequence, but a question names the next one. */
static bool set_next(const char *id, char ret_next[static OFFSET_LEN]) {
    char *end;
    long long number = strtoll(id, &end, 10);

    if (end == id || *end != '\0' || number < 0 || number >= INT64_MAX)
        return false;
    snprintf(ret_next, OFFSET_LEN, "%lld", number + 1);
    return true;
}

static void on_taken(void *arg, int result) {
    struct poll *poll = arg;

    bool is_foreign = poll->is_foreign;

    poll->is_taking = false;
    poll->is_foreign = false;
    if (result != 0 && poll->is_on) {
        news(poll, POLL_TROUBLE, "what came could not be stored");
        wait_ms(poll, next_backoff(poll));
        return;
    }
    if (result == 0 && !is_foreign)
        memcpy(poll->offset, poll->next_offset, sizeof(poll->offset));
    if (poll->is_on)
        ask(poll);
}

struct reading {
    struct poll *poll;
    struct inlet_batch batch;
};

static bool read_update(void *arg, struct slice json) {
    struct reading *reading = arg;

    inlet_read(reading->poll->config.inlet, json, &reading->batch);
    return true;
}

static void take(struct poll *poll, struct slice result) {
    struct reading reading = { .poll = poll };
    struct records mark = { 0 };

    if (!fields_each(result, read_update, &reading)) {
        inlet_batch_done(&reading.batch);
        news(poll, POLL_TROUBLE, "no list of updates came");
        wait_ms(poll, next_backoff(poll));
        return;
    }
    poll->failures = 0;
    poll->limit = UPDATES_MAX;
    news(poll, POLL_WORKS, NULL);
    size_t count = reading.batch.count;
    if (count == 0 || !set_next(reading.batch.updates[count - 1].id, poll->next_offset)) {
        inlet_batch_done(&reading.batch);
        ask(poll);
        return;
    }
    records_put(&mark, POLL_SPACE, poll->mark_key, slice_of_text(poll->next_offset));
    poll->is_taking = true;
    inlet_take(poll->config.inlet, &reading.batch, &mark, on_taken, poll);
    records_done(&mark);
}

/* --- questions --- */

static void fail(struct poll *poll, const struct api_reply *reply) {
    uint64_t delay_ms = next_backoff(poll);

    if (reply->is_too_long)
        poll->limit = 1;
    if (refusal_of(reply) == REFUSAL_TOKEN) {
        news(poll, POLL_REFUSED, reply->description);
        return;
    }
    if (reply->code == 409) {
        poll->has_hook_gone = false; /* it may be that and no rival */
        news(poll, POLL_RIVAL, reply->description);
        if (delay_ms < RIVAL_WAIT_MS && !strcasestr(reply->description, "webhook"))
            delay_ms = RIVAL_WAIT_MS;
        wait_ms(poll, delay_ms);
        return;
    }
    if (reply->retry_after_s > 0)
        delay_ms = (uint64_t)reply->retry_after_s * 1000;
    news(poll, POLL_TROUBLE, reply->description);
    wait_ms(poll, delay_ms);
}

static void on_answer(void *arg, const struct api_reply *reply) {
    struct poll *poll = arg;

    poll->call = NULL;
    if (reply->code == 200)
        take(poll, reply->result);
    else
        fail(poll, reply);
}

static void ask_for_updates(struct poll *poll) {
    struct api_form form = { 0 };
    char limit[16];
    char timeout[16];

    snprintf(limit, sizeof(limit), "%u", poll->limit);
    snprintf(timeout, sizeof(timeout), "%d", WAIT_S);
    if (poll->offset[0])
        api_form_json(&form, "offset", poll->offset);
    api_form_json(&form, "limit", limit);
    api_form_json(&form, "timeout", timeout);
    api_form_json(&form, "allowed_updates", UPDATES_ALLOWED);
    poll->call = api_send(poll->config.api, "getUpdates", &form, CALL_TIMEOUT_MS,
                          ANSWER_MAX, on_answer, poll);
    api_form_done(&form);
}

static void on_hook_gone(void *arg, const struct api_reply *reply) {
    struct poll *poll = arg;

    poll->call = NULL;
    if (reply->code != 200) {
        fail(poll, reply);
        return;
    }
    poll->has_hook_gone = true;
    if (poll->failures == 0)
        news(poll, POLL_WORKS, NULL); /* a question may stay open for long */
    ask(poll);
}

/* No question is answered while a webhook is set. */
static void remove_hook(struct poll *poll) {
    struct api_form form = { 0 };

    poll->call = api_send(poll->config.api, "deleteWebhook", &form, SHORT_TIMEOUT_MS, 0,
                          on_hook_gone, poll);
    api_form_done(&form);
}

static void ask(struct poll *poll) {
    if (poll->has_hook_gone)
        ask_for_updates(poll);
    else
        remove_hook(poll);
}

static void on_timer(struct timer *timer) {
    ask(container_of(timer, struct poll, timer));
}

/* --- the poller --- */

struct poll *poll_new(const struct poll_config *config) {
    struct poll *poll = mem_new(sizeof(*poll));

    *poll = (struct poll) {
        .config = *config,
        .mark_key = mem_strdup(config->mark_key),
        .limit = UPDATES_MAX,
        .timer.fire = on_timer,
    };
    poll->config.mark_key = poll->mark_key;
    return poll;
}

struct poll *poll_free(struct poll *poll) {
    if (!poll)
        return NULL;
    api_cancel(poll->call);
    timer_stop(&poll->timer);
    free(poll->mark_key);
    free(poll);
    return NULL;
}

void poll_load(struct poll *poll, struct slice value) {
    if (value.len == 0 || value.len >= sizeof(poll->offset))
        return;
    memcpy(poll->offset, value.at, value.len);
    poll->offset[value.len] = '\0';
    if (strspn(poll->offset, "0123456789") != value.len)
        poll->offset[0] = '\0';
}

void poll_start(struct poll *poll) {
    poll->is_on = true;
    if (!poll->call && !poll->is_taking && !timer_is_running(&poll->timer))
        ask(poll);
}

void poll_stop(struct poll *poll) {
    poll->call = api_cancel(poll->call);
    timer_stop(&poll->timer);
    poll->is_on = false;
    poll->failures = 0;
    poll->has_hook_gone = false;
}

void poll_aim(struct poll *poll, const char *mark_key) {
    free(poll->mark_key);
    poll->mark_key = mem_strdup(mark_key);
    poll->config.mark_key = poll->mark_key;
    poll->is_foreign = poll->is_taking;
    poll->offset[0] = '\0';
}

const char *poll_offset(const struct poll *poll) {
    return poll->offset;
}
