#include "cli/forward/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/hub/session.h"
#include "loop/loop.h"
#include "rpc/call.h"

enum { CHUNK = 65536 };

/* One of the two descriptors. */
struct side {
    int fd;                 /* -1: closed */
    struct loop_poll *poll; /* owned; NULL: a file, which never waits */
    bool owns_fd;
    bool was_blocking; /* O_NONBLOCK is taken off again at the end */
};

struct pump {
    struct loop *loop; /* borrowed: the command's */
    struct call *call; /* reference: we are its caller */
    struct side in;
    struct side out;
    struct task read; /* goes on with what needs no waiting */
    bool in_ended;
    bool is_person; /* who types at a terminal */
    bool gone;      /* nobody reads what we write */
    bool done;
};

static void stop(struct pump *pump) {
    pump->done = true;
    loop_stop(pump->loop);
}

/*
 * Another description of the same pipe or terminal, so that O_NONBLOCK stays with us; a
 * socket has none, and is used as it is.
 */
static void open_side(struct side *side,
                      struct pump *pump,
                      int fd,
                      int flags,
                      void (*on_events)(void *arg, int events)) {
    struct stat status;
    char path[32];

    side->fd = fd;
    if (fstat(fd, &status) != 0 || S_ISREG(status.st_mode) ||
        (S_ISCHR(status.st_mode) && !isatty(fd)))
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (again >= 0) {
        side->fd = again;
        side->owns_fd = true;
    }
    side->poll = loop_poll_new(pump->loop, side->fd, on_events, pump);
    if (side->poll && !side->owns_fd) {
        int old = fcntl(fd, F_GETFL);
        side->was_blocking = (old & O_NONBLOCK) == 0;
        fcntl(fd, F_SETFL, old | O_NONBLOCK);
    }
}

static void close_side(struct side *side) {
    side->poll = loop_poll_free(side->poll);
    if (side->fd < 0)
        return;
    if (side->was_blocking)
        fcntl(side->fd, F_SETFL, fcntl(side->fd, F_GETFL) & ~O_NONBLOCK);
    if (side->owns_fd)
        close(side->fd);
    side->fd = -1;
}

/* Tells whoever reads standard output that this was all. */
static void end_output(struct pump *pump) {
    if (pump->out.fd < 0)
        return;
    close_side(&pump->out);
    shutdown(STDOUT_FILENO, SHUT_WR); /* of a socket: its peer may go on */
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDOUT_FILENO);
        close(nothing);
    }
}

/* --- from standard input to the call --- */

static void read_later(struct pump *pump) {
    bool wants = !pump->in_ended && !pump->call->finished &&
                 pump->call->request.len < CALL_PIPE_MAX;

    if (pump->in.poll)
        loop_poll_set(pump->in.poll, wants ? POLLIN : 0);
    else if (wants)
        loop_post(pump->loop, &pump->read);
}

static void read_some(struct pump *pump) {
    auto_(mem_freep) uint8_t *chunk = mem_grow(NULL, CHUNK);

    if (pump->in_ended || pump->call->request.len >= CALL_PIPE_MAX)
        return;
    ssize_t len = read(pump->in.fd, chunk, CHUNK);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len > 0) {
        call_request_write(pump->call, slice_of(chunk, (size_t)len));
        return;
    }
    pump->in_ended = true;
    call_request_end(pump->call);
}

static void run_read(struct task *task) {
    struct pump *pump = container_of(task, struct pump, read);
    read_some(pump);
    read_later(pump);
}

static void on_readable(void *arg, int events) {
    struct pump *pump = arg;
    read_some(pump);
    read_later(pump);
}

/* --- from the call to standard output --- */

/* False when nothing more can be written now. */
static bool write_some(struct pump *pump) {
    struct slice bytes = pipe_peek(&pump->call->reply);

    ssize_t len = write(pump->out.fd, bytes.at, bytes.len);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len < 0) {
        pump->gone = true;
        return false;
    }
    pipe_drop(&pump->call->reply, (size_t)len);
    return true;
}

static void write_all(struct pump *pump) {
    const struct call *call = pump->call;
    bool took = false;

    while (call->reply.len > 0 && pump->out.fd >= 0 && write_some(pump))
        took = true;
    if (took)
        call_reply_taken(pump->call);
    if (pump->out.poll)
        loop_poll_set(pump->out.poll, call->reply.len > 0 ? POLLOUT : 0);
}

static void pump_on(struct pump *pump) {
    const struct call *call = pump->call;

    if (pump->done)
        return;
    write_all(pump);
    bool is_over = call->finished && (call->status != GRPC_OK || call->reply.len == 0);
    bool has_ended = call->reply_ended && call->reply.len == 0;
    if (is_over || pump->gone || (has_ended && pump->is_person)) {
        stop(pump);
        return;
    }
    if (has_ended)
        end_output(pump);
    read_later(pump);
}

static void on_wake(struct call *call, void *user) {
    pump_on(user);
}

static void on_writable(void *arg, int events) {
    pump_on(arg);
}

/* --- */

static void take_end(const struct pump *pump, struct pump_end *ret_end) {
    const struct call *call = pump->call;
    bool was_done = call->reply_ended && call->reply.len == 0;

    *ret_end = (struct pump_end) { .opened = call->has_reply_head };
    headers_init(&ret_end->trailers);
    if (!call->finished || (was_done && call->status == GRPC_ABORTED)) {
        ret_end->message = mem_strdup("");
        return; /* it had said all: what was left to say to it does not matter */
    }
    ret_end->status = call->status;
    ret_end->message = mem_strdup(call->message);
    headers_add_all(&ret_end->trailers, &call->trailers);
}

void pump_run(struct cli *cli,
              const char *node,
              const char *to,
              struct pump_end *ret_end) {
    struct pump pump = {
        .loop = cli_loop(cli),
        .read.run = run_read,
        .is_person = isatty(STDIN_FILENO),
    };
    struct call_half caller = { .on_wake = on_wake, .user = &pump };

    pump.call = call_new_tunnel(pump.loop, to, &caller);
    session_metadata(cli->session, node, &pump.call->metadata);
    open_side(&pump.in, &pump, STDIN_FILENO, O_RDONLY, on_readable);
    open_side(&pump.out, &pump, STDOUT_FILENO, O_WRONLY, on_writable);
    call_start(pump.call, session_target(cli->session));
    read_later(&pump);
    session_wait(cli->session, &pump.done);
    take_end(&pump, ret_end);
    loop_cancel(&pump.read);
    close_side(&pump.in);
    close_side(&pump.out);
    call_detach_caller(pump.call);
}

void pump_end_done(struct pump_end *end) {
    free(end->message);
    headers_done(&end->trailers);
}
