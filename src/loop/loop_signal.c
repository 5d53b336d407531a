#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/loop_uv.h"

struct loop_signal {
    uv_signal_t handle;
    void (*on_signal)(void *arg, int signo);
    void *arg; /* borrowed: whoever made the watch */
};

static void on_uv_signal(uv_signal_t *handle, int signo) {
    struct loop_signal *signal = handle->data;
    signal->on_signal(signal->arg, signo);
}

struct loop_signal *loop_signal_new(struct loop *loop,
                                    int signo,
                                    void (*on_signal)(void *arg, int signo),
                                    void *arg) {
    struct loop_signal *signal = mem_new(sizeof(*signal));
    signal->on_signal = on_signal;
    signal->arg = arg;
    uv_signal_init(&loop->uv, &signal->handle);
    signal->handle.data = signal;
    uv_signal_start(&signal->handle, on_uv_signal, signo);
    uv_unref((uv_handle_t *)&signal->handle);
    return signal;
}

static void on_handle_closed(uv_handle_t *handle) {
    free(handle->data);
}

struct loop_signal *loop_signal_free(struct loop_signal *signal) {
    if (signal)
        uv_close((uv_handle_t *)&signal->handle, on_handle_closed);
    return NULL;
}
