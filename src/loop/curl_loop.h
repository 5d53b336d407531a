/*
 * curl_loop - libcurl's multi interface on our loop
 *
 * Sockets and the timer that curl wants are the loop's. Transfers are told of when they
 * have ended, never from inside of curl, so that who is told may begin and end others.
 */
#pragma once

#include <curl/curl.h>

#include "loop/loop.h"
#include "loop/timer.h"

/* Embedded in who uses it. */
struct curl_loop {
    struct loop *loop;  /* borrowed: outlives it */
    CURLM *multi;       /* owned */
    struct timer timer; /* curl's */
    struct task look;   /* for transfers that have ended */
    /* A transfer has ended; arg is its CURLOPT_PRIVATE. It is still in the multi. */
    void (*on_end)(void *arg, CURLcode code);
    /* After all that have ended; may be NULL. */
    void (*on_idle)(struct curl_loop *self);
};

void curl_loop_init(struct curl_loop *self, struct loop *loop);

/* Posts a look, and with it on_idle(). */
void curl_loop_post(struct curl_loop *self);

/* All transfers have been taken out before. */
void curl_loop_done(struct curl_loop *self);
