/*
 * hook - lets Telegram bring updates to the hub's own listener
 *
 * Says at the start where we are and by which secret it is known (setWebhook), again
 * until it is accepted. Each request is answered when what it brought is durable: before
 * that, or when it cannot be, Telegram brings it again, and the engine drops what it
 * knows. Each minute it asks how that goes (getWebhookInfo), and says where we are again
 * if somebody else has been there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct api;
struct hook;
struct inlet;
struct loop;

enum { HOOK_BODY_MAX = 1 << 20 }; /* bytes of one update */

struct hook_config {
    struct loop *loop; /* borrowed, as the next two */
    struct api *api;
    struct inlet *inlet;
    const char *url;    /* https://...; NULL: as hook_aim(). Copied, as the secret */
    const char *secret; /* 1 to 256 of A-Z a-z 0-9 _ - */
    void *arg;
    /* Telegram knows where we are (why NULL), or not; is_refused: for good. */
    void (*on_news)(void *arg, const char *why, bool is_refused);
    /* What it says each minute: updates that it could not bring yet, and why ("": it
     * could). */
    void (*on_view)(void *arg, size_t waiting, const char *why);
};

/* The HTTP status to answer with; comes once, later. */
typedef void hook_answer_fn(void *arg, unsigned status);

struct hook *hook_new(const struct hook_config *config);

/* Requests under way get no answer from us. NULL is fine; always returns NULL. */
struct hook *hook_free(struct hook *hook);

void hook_start(struct hook *hook);

/* Says nothing more to Telegram, until the next start. What came is still taken. */
void hook_stop(struct hook *hook);

/* Stopped: where we are from now on; copied. NULL: requests are told that nobody is here
 * (404). */
void hook_aim(struct hook *hook, const char *url);

/* One request. secret: its X-Telegram-Bot-Api-Secret-Token; NULL: it has none. */
void hook_take(struct hook *hook,
               const char *method,
               const char *secret,
               struct slice body,
               hook_answer_fn *answer,
               void *arg);
