/*
 * delivery - brings views to chats: renders, queues, sends, and tries again
 *
 * What cannot be sent now, because of the network or the limits, is kept and tried until
 * it is through; what is refused for good is told. A message of text cannot take the
 * place of a picture: then a new one comes, and the old one goes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/chat.h"

struct api;
struct delivery;
struct loop;

struct delivery_config {
    struct loop *loop; /* borrowed, as the next two */
    struct api *api;
    void *arg;
    /* A call came through (why NULL), or did not. */
    void (*on_news)(void *arg, const char *why);
    /* The token counts no more. */
    void (*on_refused)(void *arg, const char *why);
    void (*on_moved)(void *arg, const char *from, const char *to);
};

struct delivery *delivery_new(const struct delivery_config *config);

/* What waits is dropped: its done is not called. NULL is fine; always returns NULL. */
struct delivery *delivery_free(struct delivery *delivery);

/* A life before this one has sent something within the last minute. */
void delivery_spare(struct delivery *delivery);

/* As chat_carrier.show; -ENOBUFS: too much waits for that chat already. */
void delivery_show(struct delivery *delivery,
                   const struct chat_post *post,
                   chat_shown_fn *done,
                   void *arg);

/* A picture or a file is in that message: it came with a press. */
void delivery_note_media(struct delivery *delivery,
                         const char *chat,
                         const char *message,
                         bool is_media);

/* Nobody reads that chat any more: what waits for it is told so. */
void delivery_give_up(struct delivery *delivery, const char *chat);

/* The chat has another id now. */
void delivery_move(struct delivery *delivery, const char *from, const char *to);

/* Another token, maybe of another bot: what waits goes now, and what a call said of the
 * token before means nothing. is_other_bot: what we knew of messages does not hold. */
void delivery_renew(struct delivery *delivery, bool is_other_bot);

/* Nobody can be reached: what waits, and what is to be shown, is told so (-EHOSTUNREACH),
 * until delivery_renew(). */
void delivery_stop(struct delivery *delivery);

/* Loop time until which the API has asked us to send nothing (to a chat, or at all); 0:
 * it has not. */
uint64_t delivery_held_until(const struct delivery *delivery);

/* What waits or is on its way. */
size_t delivery_count(const struct delivery *delivery);
