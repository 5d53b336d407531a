#include "chat/telegram/delivery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "chat/telegram/api.h"
#include "chat/telegram/backoff.h"
#include "chat/telegram/fields.h"
#include "chat/telegram/message.h"
#include "chat/telegram/outbox.h"
#include "chat/telegram/recent.h"
#include "chat/telegram/refusal.h"
#include "chat/telegram/render.h"
#include "chat/view.h"
#include "loop/loop.h"
#include "loop/timer.h"

enum {
    TEXT_TIMEOUT_MS = 20000,
    FILE_TIMEOUT_MS = 120000, /* 50 MB by a slow line */
    PICTURES_KNOWN = 512,
    SHOWN_KNOWN = 4096,
    WAIT_MIN_S = 1,  /* when a 429 does not say for how long */
    STORM_MS = 2000, /* 429 in two chats within that: the whole bot waits */
    TOKEN_WAIT_MS = 60000,
};

/* Who is told what became of it. */
struct waiter {
    chat_shown_fn *done;
    void *arg; /* borrowed: the caller's */
};

struct parcel {
    struct outbox_letter letter;
    struct delivery *delivery; /* borrowed: drops its parcels before it goes */
    struct render *render;     /* owned */
    char *topic;               /* owned */
    char *reply_to;            /* owned; NULL */
    char *instead_of;          /* owned; the message to be deleted then; NULL */
    char *content;             /* owned; what will stand there */
    struct waiter *waiters;    /* owned */
    size_t waiter_count;
    unsigned failures;
    unsigned token; /* with which one it was sent */
    bool is_plain;
    bool is_bare;
    bool knows_no_file; /* the id that we knew was refused */
    int result;         /* of what is told later */
    struct list told;   /* among those to be told */
};

struct delivery {
    struct delivery_config config;
    struct outbox *outbox;   /* owned */
    struct recent *pictures; /* owned; digest to file_id */
    struct recent *shown;    /* owned; "chat:message" to what stands there */
    struct timer timer;
    struct task look;
    struct list told; /* owned; refused before they were queued */
    unsigned token;   /* a count of those that we had */
    bool is_off;
    char *crowded; /* owned; the chat of the last 429 */
    uint64_t crowded_ms;
    uint64_t held_until_ms; /* by the last 429 */
};

static void free_parcel(struct parcel *parcel) {
    free(parcel->letter.chat);
    free(parcel->letter.message);
    render_free(parcel->render);
    free(parcel->topic);
    free(parcel->reply_to);
    free(parcel->instead_of);
    free(parcel->content);
    free(parcel->waiters);
    free(parcel);
}

static struct parcel *parcel_of(struct outbox_letter *letter) {
    return container_of(letter, struct parcel, letter);
}

/* Tells all who wait, and frees the parcel: it is in no queue any more. */
static void tell(struct parcel *parcel, int result, const char *message) {
    for (size_t i = 0; i < parcel->waiter_count; i++)
        parcel->waiters[i].done(parcel->waiters[i].arg, result, message);
    free_parcel(parcel);
}

static void tell_later(struct parcel *parcel, int result) {
    parcel->result = result;
    list_add_tail(&parcel->delivery->told, &parcel->told);
    loop_post(parcel->delivery->config.loop, &parcel->delivery->look);
}

static void add_waiter(struct parcel *parcel, chat_shown_fn *done, void *arg) {
    if (!done)
        return;
    parcel->waiters =
        mem_grow(parcel->waiters, (parcel->waiter_count + 1) * sizeof(*parcel->waiters));
    parcel->waiters[parcel->waiter_count++] = (struct waiter) { done, arg };
}

/* --- what we remember --- */

/* What is known of a message: its kind, and maybe a digest of what it shows. */
static const char text_kind[] = "t";
static const char media_kind[] = "m";

static char *shown_key(const char *chat, const char *message) {
    return mem_printf("%s:%s", chat, message);
}

static const char *shown_there(const struct delivery *delivery,
                               const char *chat,
                               const char *message) {
    auto_(mem_freep) char *key = shown_key(chat, message);
    const char *shown = recent_get(delivery->shown, key);

    return shown ? shown : "";
}

static void note_shown(struct delivery *delivery,
                       const char *chat,
                       const char *message,
                       const char *shown) {
    auto_(mem_freep) char *key = shown_key(chat, message);

    recent_put(delivery->shown, key, shown);
}

void delivery_note_media(struct delivery *delivery,
                         const char *chat,
                         const char *message,
                         bool is_media) {
    const char *kind = is_media ? media_kind : text_kind;

    if (shown_there(delivery, chat, message)[0] != kind[0])
        note_shown(delivery, chat, message, kind);
}

/* Its kind and a digest, to know it again. A new string. */
static char *content_of(const struct render *render) {
    char digest[2 * CRYPTO_SHA256_LEN + 1];
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct buf all = { 0 };

    buf_add(&all, render->html, strlen(render->html) + 1);
    buf_add_text(&all, render->keyboard ? render->keyboard : "");
    for (size_t i = 0; i < render->file_count; i++) {
        crypto_sha256(render->files[i].data, render->files[i].len, hash);
        buf_add(&all, hash, sizeof(hash));
    }
    crypto_sha256(all.data, all.len, hash);
    hex_encode(digest, hash, sizeof(hash));
    buf_done(&all);
    return mem_printf("%s%s", render->has_media ? media_kind : text_kind, digest);
}

static void digest_key(const struct render_file *file,
                       char ret_key[static 2 * CRYPTO_SHA256_LEN + 1]) {
    hex_encode(ret_key, file->digest, sizeof(file->digest));
}

static const char *known_file(const struct parcel *parcel) {
    char key[2 * CRYPTO_SHA256_LEN + 1];

    if (parcel->knows_no_file || render_kind_of(parcel->render) != RENDER_PHOTO)
        return NULL;
    digest_key(&parcel->render->files[0], key);
    return recent_get(parcel->delivery->pictures, key);
}

static void remember_file(struct parcel *parcel, const char *file_id) {
    char key[2 * CRYPTO_SHA256_LEN + 1];

    if (!file_id || render_kind_of(parcel->render) != RENDER_PHOTO)
        return;
    digest_key(&parcel->render->files[0], key);
    recent_put(parcel->delivery->pictures, key, file_id);
}

/* --- the end of a parcel --- */

struct sent {
    char *message;
    char *file_id;
};

static const struct fields_want sent_wants[] = {
    { "message_id", offsetof(struct sent, message) },
    { "photo.*.file_id", offsetof(struct sent, file_id) },
};

enum { SENT_WANTS = sizeof(sent_wants) / sizeof(sent_wants[0]) };

/* Further files are messages of their own, right behind. */
static void send_rest(struct parcel *parcel) {
    struct render *render = parcel->render;
    size_t first = render->has_media ? 1 : 0;

    while (render->file_count > first) {
        struct render_file *file = &render->files[--render->file_count];
        struct parcel *rest = mem_new(sizeof(*rest));
        struct render *alone = mem_new(sizeof(*alone));
        *alone = (struct render) {
            .html = mem_strdup(""),
            .plain = mem_strdup(""),
            .files = mem_dup(file, sizeof(*file)), /* with what it owns */
            .file_count = 1,
            .has_media = true,
            .is_quiet = true,
        };
        *rest = (struct parcel) {
            .delivery = parcel->delivery,
            .render = alone,
            .topic = mem_strdup(parcel->topic),
            .content = content_of(alone),
            .letter.chat = mem_strdup(parcel->letter.chat),
            .letter.class = parcel->letter.class,
            .letter.size = render_size(alone),
        };
        outbox_put_first(parcel->delivery->outbox, &rest->letter);
    }
}

static void on_deleted(void *arg, const struct api_reply *reply) {
    /* Too old to be deleted: then it stays. */
}

static void delete_old(struct parcel *parcel) {
    struct api_form form = { 0 };

    if (!parcel->instead_of)
        return;
    api_form_text(&form, "chat_id", parcel->letter.chat);
    api_form_text(&form, "message_id", parcel->instead_of);
    api_send(parcel->delivery->config.api, "deleteMessage", &form, TEXT_TIMEOUT_MS, 0,
             on_deleted, NULL);
    api_form_done(&form);
}

static void finish(struct parcel *parcel, const struct api_reply *reply) {
    struct delivery *delivery = parcel->delivery;
    struct sent sent = { 0 };

    fields_read(reply->result, sent_wants, SENT_WANTS, &sent);
    const char *message = sent.message             ? sent.message
                          : parcel->letter.message ? parcel->letter.message
                                                   : "";
    note_shown(delivery, parcel->letter.chat, message, parcel->content);
    remember_file(parcel, sent.file_id);
    delete_old(parcel);
    send_rest(parcel);
    char *id = mem_strdup(message);
    fields_done(sent_wants, SENT_WANTS, &sent);
    tell(parcel, 0, id);
    free(id);
}

static int result_of(enum refusal refusal) {
    switch (refusal) {
    case REFUSAL_NOBODY:
        return -EHOSTUNREACH;
    case REFUSAL_GONE:
        return -ENOENT;
    case REFUSAL_TOO_LONG:
        return -EMSGSIZE;
    default:
        return -EIO;
    }
}

/* --- sending --- */

static void pass_on(struct delivery *delivery);

static uint64_t now_ms(const struct delivery *delivery) {
    return loop_now_ms(delivery->config.loop);
}

static void again(struct parcel *parcel, uint64_t delay_ms) {
    struct delivery *delivery = parcel->delivery;

    outbox_retry(delivery->outbox, &parcel->letter, now_ms(delivery), delay_ms);
}

/* One chat waits; when it is not the only one, everybody does. */
static void wait_as_told(struct parcel *parcel, const struct api_reply *reply) {
    struct delivery *delivery = parcel->delivery;
    unsigned wait_s = reply->retry_after_s ? reply->retry_after_s : WAIT_MIN_S;
    uint64_t wait_ms = (uint64_t)wait_s * 1000 + BACKOFF_FIRST_MS / 4;
    uint64_t now = now_ms(delivery);

    log_warning("telegram: too many messages to chat %s: waits for %u s",
                parcel->letter.chat, wait_s);
    if (delivery->crowded && now - delivery->crowded_ms < STORM_MS &&
        strcmp(delivery->crowded, parcel->letter.chat) != 0)
        outbox_hold(delivery->outbox, now, wait_ms);
    free(delivery->crowded);
    delivery->crowded = mem_strdup(parcel->letter.chat);
    delivery->crowded_ms = now;
    delivery->held_until_ms = now + wait_ms;
    again(parcel, wait_ms);
}

static void wait_for_network(struct parcel *parcel, const struct api_reply *reply) {
    uint32_t chance;

    crypto_random(&chance, sizeof(chance));
    parcel->delivery->config.on_news(parcel->delivery->config.arg, reply->description);
    again(parcel, backoff_ms(++parcel->failures, chance));
}

static void follow(struct parcel *parcel, const char *to) {
    struct delivery *delivery = parcel->delivery;
    char *from = mem_strdup(parcel->letter.chat);
    char *there = mem_strdup(to);

    outbox_settle(delivery->outbox, &parcel->letter, now_ms(delivery));
    free(parcel->letter.chat);
    parcel->letter.chat = mem_strdup(there);
    outbox_put_first(delivery->outbox, &parcel->letter);
    outbox_move(delivery->outbox, from, there);
    delivery->config.on_moved(delivery->config.arg, from, there);
    free(from);
    free(there);
}

/* A picture stands where a text is to be: a new message, then the old one goes. */
static void send_anew(struct parcel *parcel) {
    free(parcel->instead_of);
    parcel->instead_of = TAKE(parcel->letter.message);
    parcel->render->is_quiet = true; /* nobody takes it for news */
}

/* What can be done about a refusal at once, once: true. */
static bool change(struct parcel *parcel, enum refusal refusal) {
    switch (refusal) {
    case REFUSAL_NOT_TEXT:
        if (!parcel->letter.message)
            return false;
        send_anew(parcel);
        return true;
    case REFUSAL_TOPIC:
        if (parcel->topic[0] == '\0')
            return false;
        parcel->topic[0] = '\0';
        return true;
    case REFUSAL_FILE:
        if (parcel->knows_no_file)
            return false;
        parcel->knows_no_file = true;
        return true;
    case REFUSAL_MARKS:
        if (parcel->is_plain)
            return false;
        parcel->is_plain = true;
        return true;
    case REFUSAL_BUTTONS:
        if (parcel->is_bare)
            return false;
        parcel->is_bare = true;
        return true;
    default:
        return false;
    }
}

static void refuse(struct parcel *parcel,
                   enum refusal refusal,
                   const struct api_reply *reply) {
    struct delivery *delivery = parcel->delivery;

    if (change(parcel, refusal)) {
        again(parcel, 0);
        return;
    }
    if (refusal == REFUSAL_FOR_GOOD)
        log_warning("telegram: a message to chat %s was refused: %s", parcel->letter.chat,
                    reply->description);
    outbox_settle(delivery->outbox, &parcel->letter, now_ms(delivery));
    tell(parcel, result_of(refusal), "");
}

/* The token counts no more: nothing goes until it may, or until there is another. */
static void wait_for_token(struct parcel *parcel, const struct api_reply *reply) {
    struct delivery *delivery = parcel->delivery;

    if (parcel->token != delivery->token) {
        again(parcel, 0);
        return;
    }
    outbox_hold(delivery->outbox, now_ms(delivery), TOKEN_WAIT_MS);
    again(parcel, TOKEN_WAIT_MS);
    delivery->config.on_refused(delivery->config.arg, reply->description);
}

static void give_up(struct parcel *parcel) {
    struct delivery *delivery = parcel->delivery;

    outbox_settle(delivery->outbox, &parcel->letter, now_ms(delivery));
    tell(parcel, -EHOSTUNREACH, "");
}

static void on_sent(void *arg, const struct api_reply *reply) {
    struct parcel *parcel = arg;
    struct delivery *delivery = parcel->delivery;
    enum refusal refusal = refusal_of(reply);

    if (delivery->is_off && refusal != REFUSAL_NONE) {
        give_up(parcel);
        return;
    }
    if (refusal != REFUSAL_TROUBLE && refusal != REFUSAL_TOKEN)
        delivery->config.on_news(delivery->config.arg, NULL);
    switch (refusal) {
    case REFUSAL_NONE:
        outbox_settle(delivery->outbox, &parcel->letter, now_ms(delivery));
        finish(parcel, reply);
        break;
    case REFUSAL_WAIT:
        wait_as_told(parcel, reply);
        break;
    case REFUSAL_TROUBLE:
        wait_for_network(parcel, reply);
        break;
    case REFUSAL_TOKEN:
        wait_for_token(parcel, reply);
        break;
    case REFUSAL_MOVED:
        follow(parcel, reply->migrate_to);
        break;
    default:
        refuse(parcel, refusal, reply);
    }
    loop_post(delivery->config.loop, &delivery->look);
}

/* Until the answer comes nobody knows what stands there. */
static void prepare_edit(struct parcel *parcel) {
    struct outbox_letter *letter = &parcel->letter;
    struct delivery *delivery = parcel->delivery;

    if (!letter->message)
        return;
    const char *shown = shown_there(delivery, letter->chat, letter->message);
    bool is_media = shown[0] == media_kind[0];
    if (shown[0])
        note_shown(delivery, letter->chat, letter->message,
                   is_media ? media_kind : text_kind);
    if (is_media && !parcel->render->has_media)
        send_anew(parcel);
}

/* An edit that would change nothing is refused, so it is not sent. */
static bool is_shown_already(const struct parcel *parcel) {
    const struct outbox_letter *letter = &parcel->letter;

    return letter->message &&
           strcmp(shown_there(parcel->delivery, letter->chat, letter->message),
                  parcel->content) == 0;
}

static void send_parcel(struct parcel *parcel) {
    struct delivery *delivery = parcel->delivery;
    struct outbox_letter *letter = &parcel->letter;
    struct api_form form = { 0 };

    parcel->token = delivery->token;
    prepare_edit(parcel);
    struct message_order order = {
        .render = parcel->render,
        .chat = letter->chat,
        .topic = parcel->topic,
        .reply_to = parcel->reply_to,
        .message = letter->message,
        .file_id = known_file(parcel),
        .is_plain = parcel->is_plain,
        .is_bare = parcel->is_bare,
    };
    const char *method = message_write(&order, &form);
    bool has_file = order.render->has_media && !order.file_id;
    api_send(delivery->config.api, method, &form,
             has_file ? FILE_TIMEOUT_MS : TEXT_TIMEOUT_MS, 0, on_sent, parcel);
    api_form_done(&form);
}

static void pass_on(struct delivery *delivery) {
    struct outbox_letter *letter;
    uint64_t wait_ms;

    while ((letter = outbox_take(delivery->outbox, now_ms(delivery), &wait_ms))) {
        struct parcel *parcel = parcel_of(letter);
        if (is_shown_already(parcel)) {
            outbox_settle(delivery->outbox, letter, now_ms(delivery));
            tell_later(parcel, 0);
        } else {
            send_parcel(parcel);
        }
    }
    if (wait_ms == UINT64_MAX)
        timer_stop(&delivery->timer);
    else
        timer_start(delivery->config.loop, &delivery->timer, wait_ms);
}

static void on_timer(struct timer *timer) {
    pass_on(container_of(timer, struct delivery, timer));
}

static void on_look(struct task *task) {
    struct delivery *delivery = container_of(task, struct delivery, look);
    struct list *node;

    while ((node = list_pop(&delivery->told))) {
        struct parcel *parcel = container_of(node, struct parcel, told);
        tell(parcel, parcel->result,
             parcel->letter.message ? parcel->letter.message : "");
    }
    pass_on(delivery);
}

/* --- from the engine --- */

static enum outbox_class class_of(const struct chat_post *post) {
    if (post->view->is_urgent)
        return OUTBOX_URGENT;
    if (post->is_answer)
        return OUTBOX_ANSWER;
    return post->message ? OUTBOX_EDIT : OUTBOX_REPORT;
}

/* An older edit that was not sent: who waits for it waits for the newer. */
static void inherit(struct parcel *parcel, struct parcel *older) {
    for (size_t i = 0; i < older->waiter_count; i++)
        add_waiter(parcel, older->waiters[i].done, older->waiters[i].arg);
    free_parcel(older);
}

void delivery_show(struct delivery *delivery,
                   const struct chat_post *post,
                   chat_shown_fn *done,
                   void *arg) {
    struct parcel *parcel = mem_new(sizeof(*parcel));
    struct outbox_letter *replaced = NULL;

    *parcel = (struct parcel) {
        .delivery = delivery,
        .render = render_view(post->view, post->tokens),
        .topic = mem_strdup(post->place->topic ? post->place->topic : ""),
        .reply_to = mem_strdup(post->reply_to),
        .letter.chat = mem_strdup(post->place->chat),
        .letter.class = class_of(post),
        .letter.message =
            post->message && *post->message ? mem_strdup(post->message) : NULL,
    };
    parcel->content = content_of(parcel->render);
    parcel->letter.size = render_size(parcel->render);
    add_waiter(parcel, done, arg);
    if (delivery->is_off) {
        tell_later(parcel, -EHOSTUNREACH);
        return;
    }
    if (outbox_put(delivery->outbox, &parcel->letter, &replaced) != 0) {
        log_warning("telegram: too much waits for chat %s: a message is left out",
                    parcel->letter.chat);
        tell_later(parcel, -ENOBUFS);
        return;
    }
    if (replaced)
        inherit(parcel, parcel_of(replaced));
    loop_post(delivery->config.loop, &delivery->look);
}

void delivery_spare(struct delivery *delivery) {
    outbox_spare(delivery->outbox);
}

static void tell_unreachable(struct list *letters) {
    list_for_each_safe(node, after, letters) {
        list_remove(node);
        tell_later(parcel_of(container_of(node, struct outbox_letter, node)),
                   -EHOSTUNREACH);
    }
}

void delivery_give_up(struct delivery *delivery, const char *chat) {
    struct list letters;

    list_init(&letters);
    outbox_clear(delivery->outbox, chat, &letters);
    tell_unreachable(&letters);
}

void delivery_stop(struct delivery *delivery) {
    struct list letters;

    list_init(&letters);
    delivery->is_off = true;
    outbox_clear_all(delivery->outbox, &letters);
    tell_unreachable(&letters);
}

void delivery_renew(struct delivery *delivery, bool is_other_bot) {
    delivery->is_off = false;
    delivery->token++;
    if (is_other_bot) {
        recent_free(delivery->pictures);
        recent_free(delivery->shown);
        delivery->pictures = recent_new(PICTURES_KNOWN);
        delivery->shown = recent_new(SHOWN_KNOWN);
    }
    outbox_release(delivery->outbox);
    delivery->held_until_ms = 0;
    loop_post(delivery->config.loop, &delivery->look);
}

void delivery_move(struct delivery *delivery, const char *from, const char *to) {
    outbox_move(delivery->outbox, from, to);
    loop_post(delivery->config.loop, &delivery->look);
}

struct delivery *delivery_new(const struct delivery_config *config) {
    struct delivery *delivery = mem_new(sizeof(*delivery));

    *delivery = (struct delivery) {
        .config = *config,
        .outbox = outbox_new(loop_now_ms(config->loop)),
        .pictures = recent_new(PICTURES_KNOWN),
        .shown = recent_new(SHOWN_KNOWN),
        .timer.fire = on_timer,
        .look.run = on_look,
    };
    list_init(&delivery->told);
    return delivery;
}

static void drop(void *arg, struct outbox_letter *letter) {
    free_parcel(parcel_of(letter));
}

struct delivery *delivery_free(struct delivery *delivery) {
    struct list *node;

    if (!delivery)
        return NULL;
    timer_stop(&delivery->timer);
    loop_cancel(&delivery->look);
    outbox_free(delivery->outbox, drop, NULL);
    while ((node = list_pop(&delivery->told)))
        free_parcel(container_of(node, struct parcel, told));
    recent_free(delivery->pictures);
    recent_free(delivery->shown);
    free(delivery->crowded);
    free(delivery);
    return NULL;
}

uint64_t delivery_held_until(const struct delivery *delivery) {
    return delivery->held_until_ms > now_ms(delivery) ? delivery->held_until_ms : 0;
}

size_t delivery_count(const struct delivery *delivery) {
    return outbox_count(delivery->outbox);
}
