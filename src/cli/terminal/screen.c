#include "cli/terminal/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"

/* Alternate screen, no cursor, no line wrap; and back. */
static const char enter_text[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
static const char leave_text[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP };

enum { SIGNAL_COUNT = sizeof(signals) / sizeof(signals[0]) };

struct screen {
    const struct screen_events *events; /* borrowed: the maker */
    void *user;                         /* borrowed: the maker */
    int fd;                             /* of its own, so that O_NONBLOCK stays here */
    struct termios before;
    struct loop_poll *poll;                    /* owned */
    struct loop_signal *watches[SIGNAL_COUNT]; /* owned */
};

static void write_all(int fd, const void *bytes, size_t len) {
    const char *at = bytes;

    while (len > 0) {
        ssize_t done = write(fd, at, len);
        if (done > 0) {
            at += done;
            len -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN) {
            struct pollfd wait = { .fd = fd, .events = POLLOUT };
            poll(&wait, 1, 1000);
        } else if (done == 0 || errno != EINTR) {
            return; /* the terminal has gone: SIGHUP is on its way */
        }
    }
}

static void enter(struct screen *screen) {
    struct termios raw = screen->before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(screen->fd, TCSAFLUSH, &raw);
    write_all(screen->fd, enter_text, sizeof(enter_text) - 1);
}

static void leave(struct screen *screen) {
    write_all(screen->fd, leave_text, sizeof(leave_text) - 1);
    tcsetattr(screen->fd, TCSAFLUSH, &screen->before);
}

/* Ctrl-Z: gives the terminal back, sleeps, and takes it again. */
static void stop_for_a_while(struct screen *screen) {
    leave(screen);
    raise(SIGSTOP);
    enter(screen);
    screen->events->on_resize(screen->user);
}

static void on_signal(void *arg, int signo) {
    struct screen *screen = arg;

    if (signo == SIGWINCH)
        screen->events->on_resize(screen->user);
    else if (signo == SIGTSTP)
        stop_for_a_while(screen);
    else
        screen->events->on_signal(screen->user, signo);
}

/* One key at the head of the bytes; how many it took. */
static size_t read_key(const unsigned char *at, size_t len, int *ret_key) {
    static const struct {
        unsigned char last;
        int key;
    } arrows[] = { { 'A', SCREEN_UP },
                   { 'B', SCREEN_DOWN },
                   { 'C', SCREEN_RIGHT },
                   { 'D', SCREEN_LEFT } };

    *ret_key = at[0];
    if (at[0] != 0x1b)
        return 1;
    *ret_key = SCREEN_ESCAPE;
    if (len < 3 || (at[1] != '[' && at[1] != 'O'))
        return 1;
    *ret_key = 0; /* a key that means nothing here */
    size_t used = 2;
    while (used < len && (at[used] < 0x40 || at[used] > 0x7e))
        used++;
    for (size_t i = 0; i < 4; i++)
        if (used == 2 && at[used] == arrows[i].last)
            *ret_key = arrows[i].key;
    return used < len ? used + 1 : len;
}

static void on_events(void *arg, int events) {
    struct screen *screen = arg;
    unsigned char bytes[64];
    int key;

    (void)events;
    ssize_t len = read(screen->fd, bytes, sizeof(bytes));
    if (len < 0 && errno != EAGAIN && errno != EINTR)
        screen->events->on_signal(screen->user, SIGHUP);
    for (ssize_t at = 0; at < len;) {
        at += (ssize_t)read_key(bytes + at, (size_t)(len - at), &key);
        if (key)
            screen->events->on_key(screen->user, key);
    }
}

struct screen *screen_new(struct loop *loop,
                          const struct screen_events *events,
                          void *user) {
    struct termios before;

    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (tcgetattr(fd, &before) < 0) {
        close(fd);
        return NULL;
    }
    struct screen *screen = mem_new(sizeof(*screen));
    *screen = (struct screen) {
        .events = events,
        .user = user,
        .fd = fd,
        .before = before,
    };
    for (int i = 0; i < SIGNAL_COUNT; i++)
        screen->watches[i] = loop_signal_new(loop, signals[i], on_signal, screen);
    screen->poll = loop_poll_new(loop, fd, on_events, screen);
    if (screen->poll)
        loop_poll_set(screen->poll, POLLIN);
    enter(screen);
    return screen;
}

struct screen *screen_free(struct screen *screen) {
    if (!screen)
        return NULL;
    leave(screen);
    loop_poll_free(screen->poll);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        loop_signal_free(screen->watches[i]);
    close(screen->fd);
    free(screen);
    return NULL;
}

void screen_show(struct screen *screen, struct slice frame) {
    struct buf out = { 0 };

    buf_add_text(&out, "\x1b[H");
    for (size_t i = 0; i < frame.len; i++) {
        if (frame.at[i] == '\n' && i + 1 == frame.len)
            break; /* a line end on the last row would scroll */
        if (frame.at[i] == '\n')
            buf_add_text(&out, "\x1b[K\r");
        buf_add_byte(&out, frame.at[i]);
    }
    buf_add_text(&out, "\x1b[K\x1b[J");
    write_all(screen->fd, out.data, out.len);
    buf_done(&out);
}
