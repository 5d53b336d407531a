#include <poll.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/loop_uv.h"

struct loop_poll {
    uv_poll_t handle;
    void (*on_events)(void *arg, int events);
    void *arg; /* borrowed: whoever made the watch */
};

static void on_uv_poll(uv_poll_t *handle, int status, int events) {
    struct loop_poll *poll = handle->data;
    int seen = 0;

    /* On an error both directions are reported: the library that owns the descriptor
     * finds out itself. */
    if (status < 0)
        seen = POLLIN | POLLOUT;
    if (events & UV_READABLE)
        seen |= POLLIN;
    if (events & UV_WRITABLE)
        seen |= POLLOUT;
    poll->on_events(poll->arg, seen);
}

struct loop_poll *loop_poll_new(struct loop *loop,
                                int fd,
                                void (*on_events)(void *arg, int events),
                                void *arg) {
    struct loop_poll *poll = mem_new(sizeof(*poll));
    poll->on_events = on_events;
    poll->arg = arg;
    if (uv_poll_init(&loop->uv, &poll->handle, fd) < 0) {
        free(poll);
        return NULL;
    }
    poll->handle.data = poll;
    return poll;
}

void loop_poll_set(struct loop_poll *poll, int events) {
    int wanted = 0;

    if (events & POLLIN)
        wanted |= UV_READABLE;
    if (events & POLLOUT)
        wanted |= UV_WRITABLE;
    if (wanted)
        uv_poll_start(&poll->handle, wanted, on_uv_poll);
    else
        uv_poll_stop(&poll->handle);
}

static void on_handle_closed(uv_handle_t *handle) {
    free(handle->data);
}

struct loop_poll *loop_poll_free(struct loop_poll *poll) {
    if (poll)
        uv_close((uv_handle_t *)&poll->handle, on_handle_closed);
    return NULL;
}
