#include "loop/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/conn_layer.h"
#include "loop/conn_tcp.h"
#include "loop/conn_tls.h"
#include "loop/guests.h"
#include "loop/loop_uv.h"
#include "loop/netaddr.h"
#include "loop/timer.h"

enum {
    ACCEPTS_MAX = 16, /* a turn: a handshake takes 0.3 ms, and others wait meanwhile */
    BACKLOG = 4096,   /* a fleet that comes back at once; the kernel cuts it to its own */
    FULL_PAUSE_MS = 100,  /* between tries when descriptors have run out */
    TRIM_AFTER = 100,     /* handshakes: they leave 30 KiB of holes each in the heap */
    TRIM_QUIET_MS = 2000, /* since the last of them: trimming takes some ms */
};

struct listener {
    struct loop *loop; /* borrowed: outlives the listener */
    struct listener_config config;
    struct loop_poll *poll;  /* owned */
    struct timer pause;      /* while descriptors have run out */
    struct list guests;      /* owned until vouched for or closed */
    struct list arrivals;    /* owned: TLS handshakes under way */
    struct guests *book;     /* borrowed: how many guests there are, or own_book */
    struct guests *own_book; /* owned; NULL when it is shared */
    unsigned shaken;         /* handshakes since the heap was trimmed */
    struct timer trim;       /* runs when many handshakes are over */
    int fd;
    bool told_full;
    bool freed; /* only the memory is left */
    struct task grave;
    char address[NETADDR_TEXT_LEN];
};

/* A connection that nobody has vouched for. */
struct guest {
    struct conn_watch watch; /* in the connection's lowest layer */
    struct list node;
    struct listener *listener; /* borrowed: frees its guests when it goes */
    struct conn_base *base;    /* borrowed: tells by watch when it goes */
};

/* A TLS handshake under way. */
struct arrival {
    struct list node;
    struct listener *listener; /* borrowed: ends its arrivals when it goes */
    struct conn *conn;         /* owned */
    struct timer timeout;
};

/* --- who has not shown a credential --- */

static void forget_guest(struct guest *guest) {
    guests_remove(guest->listener->book, guest->base->peer_key);
    guest->base->conn.watch = NULL;
    list_remove(&guest->node);
    free(guest);
}

static void on_guest_closed(struct conn_watch *watch) {
    forget_guest(container_of(watch, struct guest, watch));
}

static bool is_over_limit(const struct listener *listener, const char *key) {
    const struct listener_limits *limits = listener->config.limits;
    return guests_is_full(listener->book, key, limits->unauthenticated_max,
                          limits->per_client_max);
}

static void add_guest(struct listener *listener, struct conn *conn) {
    struct conn_base *base = conn_base(conn);
    struct guest *guest = mem_new(sizeof(*guest));

    guests_add(listener->book, base->peer_key);
    guest->watch.on_close = on_guest_closed;
    guest->listener = listener;
    guest->base = base;
    base->conn.watch = &guest->watch;
    list_add_tail(&listener->guests, &guest->node);
}

static struct guest *guest_of(const struct conn *conn) {
    struct conn_watch *watch = conn_base(conn)->conn.watch;

    if (!watch || watch->on_close != on_guest_closed)
        return NULL;
    return container_of(watch, struct guest, watch);
}

void listener_vouch(struct conn *conn) {
    struct guest *guest = guest_of(conn);
    if (guest)
        forget_guest(guest);
}

bool listener_is_vouched(const struct conn *conn) {
    return !guest_of(conn);
}

/* --- accepting --- */

static void on_trim(struct timer *timer) {
    container_of(timer, struct listener, trim)->shaken = 0;
    mem_trim();
}

static void count_handshake(struct listener *listener) {
    if (++listener->shaken >= TRIM_AFTER)
        timer_start(listener->loop, &listener->trim, TRIM_QUIET_MS);
}

static void end_arrival(struct arrival *arrival) {
    count_handshake(arrival->listener);
    list_remove(&arrival->node);
    timer_stop(&arrival->timeout);
    if (arrival->conn)
        conn_close(arrival->conn);
    free(arrival);
}

static void on_handshake_timeout(struct timer *timer) {
    struct arrival *arrival = container_of(timer, struct arrival, timeout);
    log_debug("%s: no TLS handshake in time", conn_peer(arrival->conn));
    end_arrival(arrival);
}

/* The alert that says why is still on its way: such a conn ends by itself. */
static void refuse(struct conn *conn, const char *why) {
    log_debug("%s: TLS failed: %s", conn_peer(conn), why);
    conn_set_owner(conn, NULL, NULL);
    conn_finish(conn);
}

static void on_secured(void *arg, int result, const char *why) {
    struct arrival *arrival = arg;
    struct listener *listener = arrival->listener;
    struct conn *conn = TAKE(arrival->conn);

    end_arrival(arrival);
    if (result < 0)
        refuse(conn, why);
    else
        listener->config.on_conn(listener->config.arg, conn);
}

static void secure(struct listener *listener, struct conn *conn) {
    struct arrival *arrival = mem_new(sizeof(*arrival));

    arrival->listener = listener;
    arrival->timeout.fire = on_handshake_timeout;
    list_add_tail(&listener->arrivals, &arrival->node);
    timer_start(listener->loop, &arrival->timeout, listener->config.limits->handshake_ms);
    arrival->conn = conn_tls_accept(conn, listener->config.tls, on_secured, arrival);
}

static void take(struct listener *listener,
                 int fd,
                 const struct sockaddr_storage *address) {
    char key[NETADDR_KEY_LEN];
    struct conn *conn;

    netaddr_print_key(address, key);
    if (is_over_limit(listener, key)) {
        log_debug("%s: too many connections without a credential", key);
        close(fd);
        return;
    }
    if (conn_tcp_accept(listener->loop, fd, address, &conn) < 0)
        return;
    add_guest(listener, conn);
    if (listener->config.tls)
        secure(listener, conn);
    else
        listener->config.on_conn(listener->config.arg, conn);
}

static void pause_accepting(struct listener *listener, int error) {
    if (!listener->told_full)
        log_error("cannot accept connections on %s for now: %s", listener->address,
                  strerror(-error));
    listener->told_full = true;
    loop_poll_set(listener->poll, 0);
    timer_start(listener->loop, &listener->pause, FULL_PAUSE_MS);
}

static void on_pause_over(struct timer *timer) {
    struct listener *listener = container_of(timer, struct listener, pause);
    loop_poll_set(listener->poll, POLLIN);
}

static bool is_exhaustion(int error) {
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* False when there is nothing more to accept for now. */
static bool accept_one(struct listener *listener) {
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    int fd = accept4(listener->fd, (struct sockaddr *)&address, &len,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0 && is_exhaustion(-errno)) {
        pause_accepting(listener, -errno);
        return false;
    }
    if (fd < 0) /* one that has gone already is no reason to stop (accept(2)) */
        return errno != EAGAIN;
    listener->told_full = false;
    take(listener, fd, &address); /* the listener may be freed here */
    return true;
}

static void on_acceptable(void *arg, int events) {
    struct listener *listener = arg;
    (void)events;

    for (unsigned i = 0; i < ACCEPTS_MAX && !listener->freed; i++)
        if (!accept_one(listener))
            break;
}

/* --- listening --- */

static int open_socket(const struct sockaddr_storage *address) {
    int one = 1, zero = 0;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (address->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    if (bind(fd, (const struct sockaddr *)address, netaddr_len(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/* All addresses: both families by one IPv6 socket, or IPv4 where there is no IPv6. */
static int open_any(unsigned port) {
    struct sockaddr_storage address;

    netaddr_parse("::", port, &address);
    int fd = open_socket(&address);
    if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
        return fd;
    netaddr_parse("0.0.0.0", port, &address);
    return open_socket(&address);
}

static int open_text(const char *text) {
    struct address wanted;
    struct sockaddr_storage address;

    if (address_parse_listen(slice_of_text(text), &wanted) != 0)
        return -EINVAL;
    if (wanted.host[0] == '\0')
        return open_any(wanted.port);
    bool is_name = strcmp(wanted.host, "localhost") == 0;
    if (!netaddr_parse(is_name ? "127.0.0.1" : wanted.host, wanted.port, &address))
        return -EINVAL;
    return open_socket(&address);
}

static void run_grave(struct task *task) {
    free(container_of(task, struct listener, grave));
}

int listener_new(struct loop *loop,
                 const struct listener_config *config,
                 struct listener **ret_listener) {
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof(bound);

    int fd = config->inherited > 0 ? config->inherited : open_text(config->address);
    if (fd < 0)
        return fd;
    struct listener *listener = mem_new(sizeof(*listener));
    listener->loop = loop;
    listener->config = *config;
    listener->config.address = NULL; /* lent for the call only */
    listener->fd = fd;
    listener->own_book = config->guests ? NULL : guests_new();
    listener->book = config->guests ? config->guests : listener->own_book;
    listener->grave.run = run_grave;
    listener->pause.fire = on_pause_over;
    listener->trim.fire = on_trim;
    list_init(&listener->guests);
    list_init(&listener->arrivals);
    getsockname(fd, (struct sockaddr *)&bound, &len);
    netaddr_print(&bound, listener->address);
    listener->poll = loop_poll_new(loop, fd, on_acceptable, listener);
    loop_poll_set(listener->poll, POLLIN);
    *ret_listener = listener;
    return 0;
}

void listener_stop(struct listener *listener) {
    timer_stop(&listener->pause);
    listener->poll = loop_poll_free(listener->poll);
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}

int listener_fd(const struct listener *listener) {
    return listener->fd;
}

struct listener *listener_free(struct listener *listener) {
    if (!listener)
        return NULL;
    list_for_each_safe(at, after, &listener->arrivals)
        end_arrival(container_of(at, struct arrival, node));
    list_for_each_safe(at, after, &listener->guests)
        forget_guest(container_of(at, struct guest, node));
    guests_free(listener->own_book);
    timer_stop(&listener->trim);
    listener_stop(listener);
    listener->freed = true;
    loop_bury(listener->loop, &listener->grave);
    return NULL;
}

const char *listener_address(const struct listener *listener) {
    return listener->address;
}
