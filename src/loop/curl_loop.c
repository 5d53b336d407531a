#include "loop/curl_loop.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"

static void on_events(void *arg, int events);

/* A socket that curl watches; found again by curl_multi_assign(). */
struct watch {
    struct curl_loop *curl; /* borrowed: frees it through curl */
    struct loop_poll *poll; /* owned */
    curl_socket_t fd;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *seen) {
    struct curl_loop *self = arg;
    struct watch *watch = seen;

    if (what == CURL_POLL_REMOVE) {
        if (watch)
            loop_poll_free(watch->poll);
        free(watch);
        curl_multi_assign(self->multi, fd, NULL);
        return 0;
    }
    if (!watch) {
        watch = mem_new(sizeof(*watch));
        watch->curl = self;
        watch->fd = fd;
        watch->poll = loop_poll_new(self->loop, fd, on_events, watch);
        if (!watch->poll) {
            free(watch);
            return -1;
        }
        curl_multi_assign(self->multi, fd, watch);
    }
    loop_poll_set(watch->poll, (what & CURL_POLL_IN ? POLLIN : 0) |
                                   (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

static void on_events(void *arg, int events) {
    struct watch *watch = arg;
    struct curl_loop *self = watch->curl;
    int mask = (events & POLLIN ? CURL_CSELECT_IN : 0) |
               (events & POLLOUT ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(self->multi, watch->fd, mask, &running);
    loop_post(self->loop, &self->look);
}

static int on_timeout_wish(CURLM *multi, long timeout_ms, void *arg) {
    struct curl_loop *self = arg;

    if (timeout_ms < 0)
        timer_stop(&self->timer);
    else
        timer_start(self->loop, &self->timer, (uint64_t)timeout_ms);
    return 0;
}

static void on_timer(struct timer *timer) {
    struct curl_loop *self = container_of(timer, struct curl_loop, timer);
    int running;

    curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    loop_post(self->loop, &self->look);
}

static void on_look(struct task *task) {
    struct curl_loop *self = container_of(task, struct curl_loop, look);
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(self->multi, &left))) {
        CURLcode code = message->data.result;
        char *arg;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &arg);
        self->on_end(arg, code);
    }
    if (self->on_idle)
        self->on_idle(self);
}

void curl_loop_init(struct curl_loop *self, struct loop *loop) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    *self = (struct curl_loop) {
        .loop = loop,
        .multi = curl_multi_init(),
        .timer.fire = on_timer,
        .look.run = on_look,
    };
    if (!self->multi)
        abort(); /* as every allocation that fails */
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
}

void curl_loop_post(struct curl_loop *self) {
    loop_post(self->loop, &self->look);
}

void curl_loop_done(struct curl_loop *self) {
    curl_multi_cleanup(self->multi);
    timer_stop(&self->timer);
    loop_cancel(&self->look);
    curl_global_cleanup();
}
