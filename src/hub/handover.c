#include "hub/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"

/* "CHANNEL FD=NAME,FD=NAME,...": descriptors of the new process. */
#define VARIABLE "ROOST_HANDOVER"

enum {
    START_MS = 60000, /* what the new process has to read its settings, and to serve */
    SOCKETS_MAX = 32,
};

/* What the two say to each other: one byte each. */
enum { ASK = 'a', YIELD = 'y', SERVE = 's' };

struct handover {
    struct loop *loop; /* borrowed: outlives us */
    struct handover_events events;
    struct loop_poll *poll; /* owned */
    struct timer late;
    int channel; /* owned */
    pid_t pid;
    bool yielded;
};

struct inheritance {
    int channel; /* owned */
    size_t count;
    struct {
        int fd;     /* owned; 0 once it was taken */
        char *name; /* owned */
    } sockets[SOCKETS_MAX];
};

static void stop_listening(struct handover *handover) {
    timer_stop(&handover->late);
    handover->poll = loop_poll_free(handover->poll);
}

static void fail(struct handover *handover, const char *why) {
    stop_listening(handover);
    handover->events.on_failed(handover->events.arg, handover->yielded, why);
}

static void on_late(struct timer *timer) {
    struct handover *handover = container_of(timer, struct handover, late);

    kill(handover->pid, SIGKILL);
    waitpid(handover->pid, NULL, 0);
    fail(handover, "the new process did not start in time");
}

/* The channel has ended before the new process serves. */
static void fail_ended(struct handover *handover) {
    int status = 0;

    kill(handover->pid,
         SIGTERM); /* it has closed the channel: it ends, or is no roostd */
    waitpid(handover->pid, &status, 0);
    char *why = WIFEXITED(status)
                    ? mem_printf("the new process ended with status %d; its log says why",
                                 WEXITSTATUS(status))
                    : mem_printf("the new process ended by signal %d", WTERMSIG(status));
    fail(handover, why);
    free(why);
}

static void on_word(void *arg, int events) {
    struct handover *handover = arg;
    char word = 0;

    ssize_t len = recv(handover->channel, &word, 1, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len == 1 && word == ASK && !handover->yielded) {
        handover->events.on_asked(handover->events.arg);
    } else if (len == 1 && word == SERVE && handover->yielded) {
        stop_listening(handover);
        handover->events.on_serving(handover->events.arg);
    } else {
        fail_ended(handover);
    }
}

static char **make_environment(int channel,
                               const struct handover_socket *sockets,
                               size_t count,
                               char **ret_variable) {
    extern char **environ;
    struct buf text = { 0 };
    size_t size = 0, kept = 0;

    buf_printf(&text, VARIABLE "=%d ", channel);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%d=%s", i > 0 ? "," : "", sockets[i].fd, sockets[i].name);
    *ret_variable = buf_take_text(&text);
    while (environ[size])
        size++;
    char **environment = mem_new_array(size + 2, sizeof(*environment));
    for (size_t i = 0; i < size; i++) /* the watchdog shall look after any process */
        if (strncmp(environ[i], "WATCHDOG_PID=", strlen("WATCHDOG_PID=")) != 0 &&
            strncmp(environ[i], VARIABLE "=", strlen(VARIABLE "=")) != 0)
            environment[kept++] = environ[i];
    environment[kept] = *ret_variable;
    return environment;
}

/* Descriptors keep their numbers in the new process; without these lines they would be
 * closed. */
static int spawn(const char *path,
                 char *const *argv,
                 int channel,
                 const struct handover_socket *sockets,
                 size_t count,
                 pid_t *ret_pid) {
    posix_spawn_file_actions_t actions;
    char *variable;
    char **environment = make_environment(channel, sockets, count, &variable);

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, channel, channel);
    for (size_t i = 0; i < count; i++)
        posix_spawn_file_actions_adddup2(&actions, sockets[i].fd, sockets[i].fd);
    int r = posix_spawn(ret_pid, path, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    free(variable);
    return -r;
}

int handover_start(struct loop *loop,
                   const char *path,
                   char *const *argv,
                   const struct handover_socket *sockets,
                   size_t count,
                   const struct handover_events *events,
                   struct handover **ret_handover) {
    int pair[2];
    pid_t pid;

    if (count > SOCKETS_MAX)
        return -E2BIG;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int r = spawn(path, argv, pair[1], sockets, count, &pid);
    close(pair[1]);
    if (r < 0) {
        close(pair[0]);
        return r;
    }
    struct handover *handover = mem_new(sizeof(*handover));
    *handover = (struct handover) {
        .loop = loop,
        .events = *events,
        .late.fire = on_late,
        .channel = pair[0],
        .pid = pid,
    };
    handover->poll = loop_poll_new(loop, pair[0], on_word, handover);
    loop_poll_set(handover->poll, POLLIN);
    timer_start(loop, &handover->late, START_MS);
    *ret_handover = handover;
    return 0;
}

int handover_pid(const struct handover *handover) {
    return (int)handover->pid;
}

static int say(int channel, char word) {
    return send(channel, &word, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

void handover_yield(struct handover *handover) {
    handover->yielded = true;
    say(handover->channel, YIELD); /* if it is gone, the channel's end tells */
    timer_start(handover->loop, &handover->late, START_MS);
}

struct handover *handover_free(struct handover *handover) {
    if (!handover)
        return NULL;
    stop_listening(handover);
    close(handover->channel);
    free(handover);
    return NULL;
}

static bool is_ours(int fd) {
    return fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* "FD=NAME,FD=NAME,..." */
static void read_sockets(struct inheritance *inheritance, char *text) {
    char *rest = NULL;

    for (char *item = strtok_r(text, ",", &rest); item;
         item = strtok_r(NULL, ",", &rest)) {
        char *name = strchr(item, '=');
        int fd = (int)strtol(item, NULL, 10);
        if (!name || inheritance->count == SOCKETS_MAX || !is_ours(fd))
            continue;
        inheritance->sockets[inheritance->count].fd = fd;
        inheritance->sockets[inheritance->count].name = mem_strdup(name + 1);
        inheritance->count++;
    }
}

struct inheritance *handover_inherit(void) {
    const char *variable = getenv(VARIABLE);

    if (!variable)
        return NULL;
    char *text = mem_strdup(variable);
    char *sockets = NULL;
    int channel = (int)strtol(text, &sockets, 10);
    unsetenv(VARIABLE);
    struct inheritance *inheritance = NULL;
    if (is_ours(channel)) {
        inheritance = mem_new(sizeof(*inheritance));
        inheritance->channel = channel;
        read_sockets(inheritance, sockets + strspn(sockets, " "));
    }
    free(text);
    return inheritance;
}

int handover_ask(struct inheritance *inheritance) {
    struct pollfd answer = { .fd = inheritance->channel, .events = POLLIN };
    char word = 0;
    int r;

    if (say(inheritance->channel, ASK) < 0)
        return -ECONNRESET;
    do
        r = poll(&answer, 1, START_MS);
    while (r < 0 && errno == EINTR);
    if (r <= 0)
        return -ETIMEDOUT;
    ssize_t len = recv(inheritance->channel, &word, 1, 0);
    return len == 1 && word == YIELD ? 0 : -ECONNRESET;
}

static int take_socket(struct inheritance *inheritance, size_t i) {
    int fd = inheritance->sockets[i].fd;

    inheritance->sockets[i].fd = 0;
    return fd;
}

int handover_take(struct inheritance *inheritance, const char *name) {
    for (size_t i = 0; inheritance && i < inheritance->count; i++)
        if (inheritance->sockets[i].fd > 0 &&
            strcmp(inheritance->sockets[i].name, name) == 0)
            return take_socket(inheritance, i);
    return 0;
}

struct inheritance *handover_drop(struct inheritance *inheritance) {
    if (!inheritance)
        return NULL;
    close(inheritance->channel);
    for (size_t i = 0; i < inheritance->count; i++) {
        if (inheritance->sockets[i].fd > 0)
            close(inheritance->sockets[i].fd);
        free(inheritance->sockets[i].name);
    }
    free(inheritance);
    return NULL;
}

struct inheritance *handover_serve(struct inheritance *inheritance) {
    if (inheritance)
        say(inheritance->channel, SERVE);
    return handover_drop(inheritance);
}
