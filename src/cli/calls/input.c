#include "cli/calls/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/calls/braces.h"
#include "loop/loop.h"

enum {
    CHUNK = 65536,
    OBJECT_MAX = 16 << 20, /* four times the largest message: JSON is wordy */
};

struct input {
    struct loop *loop;                 /* borrowed: the caller */
    const struct input_events *events; /* borrowed: the caller */
    void *user;                        /* borrowed: the caller */
    struct braces braces;
    struct task task;       /* goes on with what needs no waiting */
    struct loop_poll *poll; /* owned; NULL for files and texts */
    int fd;                 /* -1: a text */
    bool owns_fd;
    bool was_blocking; /* O_NONBLOCK is taken off again at the end */
    bool paused;
    bool at_end; /* of the source */
    bool over;   /* on_end was called */
};

static void end(struct input *input, const char *why) {
    if (input->poll)
        loop_poll_set(input->poll, 0);
    if (input->over)
        return;
    input->over = true;
    input->events->on_end(input->user, why);
}

/* Gives the objects that are there; false when there is nothing more to do now. */
static bool give(struct input *input) {
    struct slice object;
    int r = BRACES_E_MORE;

    while (!input->paused && !input->over) {
        r = braces_next(&input->braces, &object);
        if (r != 0)
            break;
        input->events->on_object(input->user, object);
    }
    if (input->paused || input->over)
        return false;
    if (r == BRACES_E_BAD || r == BRACES_E_TOO_LONG) {
        auto_(mem_freep) char *why =
            mem_printf(r == BRACES_E_BAD ? "line %zu: here a JSON object begins with {"
                                         : "line %zu: an object of more than 16 MiB",
                       input->braces.line);
        end(input, why);
        return false;
    }
    if (!input->at_end)
        return true;
    end(input,
        braces_is_empty(&input->braces) ? NULL : "the input ends inside a JSON object");
    return false;
}

/* Reads once: false when it would have to wait. */
static bool read_some(struct input *input) {
    auto_(mem_freep) char *chunk = mem_new(CHUNK);
    ssize_t len = read(input->fd, chunk, CHUNK);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len < 0) {
        end(input, strerror(errno));
        return false;
    }
    if (len == 0)
        input->at_end = true;
    braces_feed(&input->braces, slice_of(chunk, (size_t)len));
    return true;
}

static void go_on(struct task *task) {
    struct input *input = container_of(task, struct input, task);

    if (!give(input))
        return;
    if (input->poll)
        loop_poll_set(input->poll, POLLIN);
    else if (read_some(input))
        loop_post(input->loop, &input->task);
}

static void on_events(void *arg, int events) {
    struct input *input = arg;

    (void)events;
    loop_poll_set(input->poll, 0);
    if (read_some(input) || !input->over)
        loop_post(input->loop, &input->task);
}

static struct input *make(struct loop *loop,
                          const struct input_events *events,
                          void *user,
                          int fd) {
    struct input *input = mem_new(sizeof(*input));
    *input = (struct input) {
        .loop = loop,
        .events = events,
        .user = user,
        .task = { .run = go_on },
        .fd = fd,
    };
    braces_init(&input->braces, OBJECT_MAX);
    loop_post(loop, &input->task);
    return input;
}

struct input *input_new_text(struct loop *loop,
                             const char *text,
                             const struct input_events *events,
                             void *user) {
    struct input *input = make(loop, events, user, -1);
    braces_feed(&input->braces, slice_of_text(text));
    input->at_end = true;
    return input;
}

/* Another description of the same pipe or terminal, so that O_NONBLOCK stays with us; a
 * socket has none, and is used as it is. */
static int reopen(struct input *input) {
    int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0) {
        input->owns_fd = true;
        return fd;
    }
    input->was_blocking = (fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0;
    return STDIN_FILENO;
}

int input_new_file(struct loop *loop,
                   const char *path,
                   const struct input_events *events,
                   void *user,
                   struct input **ret_input) {
    bool is_stdin = strcmp(path, "-") == 0;
    struct stat status;

    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct input *input = make(loop, events, user, fd);
    input->owns_fd = !is_stdin;
    bool waits = is_stdin && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
    if (waits) {
        input->fd = reopen(input);
        input->poll = loop_poll_new(loop, input->fd, on_events, input);
    }
    *ret_input = input;
    return 0;
}

struct input *input_free(struct input *input) {
    if (!input)
        return NULL;
    loop_cancel(&input->task);
    loop_poll_free(input->poll);
    if (input->was_blocking)
        fcntl(input->fd, F_SETFL, fcntl(input->fd, F_GETFL) & ~O_NONBLOCK);
    if (input->owns_fd)
        close(input->fd);
    braces_done(&input->braces);
    free(input);
    return NULL;
}

void input_pause(struct input *input, bool paused) {
    input->paused = paused;
    if (paused && input->poll)
        loop_poll_set(input->poll, 0);
    else if (!paused && !input->over)
        loop_post(input->loop, &input->task);
}
