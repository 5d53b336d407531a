#include "loop/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/test_pair.h"
#include "loop/timer.h"

enum { CONNS_MAX = 64 };

/* A hub of which only the door is there. */
struct door {
    struct loop *loop;
    struct listener *listener;
    struct conn *conns[CONNS_MAX]; /* owned */
    unsigned count;
    unsigned wanted; /* stop the loop at that many */
    int last_reason;
    bool free_at_once; /* the listener, from its own callback */
};

static void on_bytes(void *owner, struct slice bytes) {
    (void)owner;
    (void)bytes;
}

static void on_closed(void *owner, int reason) {
    struct door *door = owner;
    door->last_reason = reason;
    loop_stop(door->loop);
}

static const struct conn_events events = { .on_bytes = on_bytes, .on_closed = on_closed };

static void on_conn(void *arg, struct conn *conn) {
    struct door *door = arg;

    CHECK(door->count < CONNS_MAX);
    door->conns[door->count++] = conn;
    conn_set_owner(conn, &events, door);
    if (door->free_at_once)
        door->listener = listener_free(door->listener);
    if (door->count == door->wanted)
        loop_stop(door->loop);
}

static void open_door(struct door *door,
                      const struct listener_limits *limits,
                      struct tls_server *tls) {
    struct listener_config config = {
        .address = "127.0.0.1:0",
        .tls = tls,
        .limits = limits,
        .on_conn = on_conn,
        .arg = door,
    };
    *door = (struct door) { .loop = loop_new(), .last_reason = 1 };
    CHECK_INT(listener_new(door->loop, &config, &door->listener), 0);
}

static void close_door(struct door *door) {
    for (unsigned i = 0; i < door->count; i++)
        if (door->conns[i])
            conn_close(door->conns[i]);
    listener_free(door->listener);
    loop_free(door->loop);
}

static int knock(const struct door *door) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    address.sin_port = htons((uint16_t)test_pair_port(listener_address(door->listener)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

struct stopper {
    struct timer timer;
    struct loop *loop;
};

static void on_stopper(struct timer *timer) {
    loop_stop(container_of(timer, struct stopper, timer)->loop);
}

/* Runs until enough have come in, or for ms. */
static void run_until(struct door *door, unsigned wanted, uint64_t ms) {
    struct stopper stopper = { .timer.fire = on_stopper, .loop = door->loop };

    door->wanted = wanted;
    timer_start(door->loop, &stopper.timer, ms);
    loop_run(door->loop);
    timer_stop(&stopper.timer);
}

/* Has the other side closed this one? Waits for it. */
static bool is_shut(int fd) {
    char byte;
    ssize_t len = recv(fd, &byte, 1, 0);
    return len == 0 || (len < 0 && errno == ECONNRESET);
}

static bool is_open(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void strangers_over_the_limit_are_refused(void) {
    static const struct listener_limits limits[] = {
        { .handshake_ms = 1000, .unauthenticated_max = 2, .per_client_max = 100 },
        { .handshake_ms = 1000, .unauthenticated_max = 100, .per_client_max = 2 },
    };

    for (size_t i = 0; i < 2; i++) {
        struct door door;
        int fds[6];

        open_door(&door, &limits[i], NULL);
        for (int k = 0; k < 3; k++)
            fds[k] = knock(&door);
        run_until(&door, 2, 5000); /* all three are taken in one turn */
        CHECK_INT(door.count, 2);
        CHECK(is_open(fds[0]) && is_open(fds[1]) && is_shut(fds[2]));

        /* Who is vouched for, or gone, makes room. */
        CHECK(!listener_is_vouched(door.conns[0]));
        listener_vouch(door.conns[0]);
        listener_vouch(door.conns[0]);
        CHECK(listener_is_vouched(door.conns[0]));
        conn_close(TAKE(door.conns[1]));
        for (int k = 3; k < 6; k++)
            fds[k] = knock(&door);
        run_until(&door, 4, 5000);
        CHECK_INT(door.count, 4);
        CHECK(is_open(fds[0]) && is_open(fds[3]) && is_open(fds[4]) && is_shut(fds[5]));
        for (int k = 0; k < 6; k++)
            close(fds[k]);
        close_door(&door);
    }
}

static const struct listener_limits generous = {
    .handshake_ms = 100,
    .unauthenticated_max = 100,
    .per_client_max = 100,
};

static void a_silent_handshake_ends_in_time(void) {
    struct tls_server *tls = tls_server_new();
    struct door door;

    open_door(&door, &generous, tls);
    int silent = knock(&door);
    int partial = knock(&door);
    CHECK_INT(write(partial, "\x16\x03\x01", 3), 3);
    run_until(&door, 1, 200);
    CHECK_INT(door.count, 0);
    CHECK(is_shut(silent) && is_shut(partial));
    close(silent);
    close(partial);
    close_door(&door);
    tls_server_free(tls);
}

/* Whoever resets connections in the middle of their handshakes holds nothing by it. */
static void a_reset_handshake_leaves_room(void) {
    static const struct listener_limits few = {
        .handshake_ms = 5000,
        .unauthenticated_max = 4,
        .per_client_max = 4,
    };
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    struct tls_server *tls = tls_server_new();
    struct door door;

    open_door(&door, &few, tls);
    for (int i = 0; i < 20; i++) {
        int fd = knock(&door);
        if (i % 2)
            CHECK_INT(write(fd, "\x16\x03\x01", 3), 3);
        run_until(&door, 1, 5);
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        close(fd);
        run_until(&door, 1, 5);
    }
    int last = knock(&door);
    run_until(&door, 1, 50);
    CHECK(is_open(last));
    close(last);
    close_door(&door);
    tls_server_free(tls);
}

static void what_is_no_tls_is_refused(void) {
    static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                         "SSH-2.0-OpenSSH_9.2\r\n",
                                         "\x16\x03\x01\xff\xff\x01\x02\x03" };
    struct tls_server *tls = tls_server_new();

    for (size_t i = 0; i < 3; i++) {
        struct door door;
        char answer[64];

        open_door(&door, &generous, tls);
        int fd = knock(&door);
        CHECK_INT(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        run_until(&door, 1, 200);
        CHECK_INT(door.count, 0);
        ssize_t len = read(fd, answer, sizeof(answer));
        CHECK(len <= 7); /* an alert at most */
        close(fd);
        close_door(&door);
    }
    tls_server_free(tls);
}

static void a_reset_is_told_as_one(void) {
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    struct door door;

    open_door(&door, &generous, NULL);
    int fd = knock(&door);
    run_until(&door, 1, 1000);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
    run_until(&door, 2, 1000);
    CHECK_INT(door.last_reason, -ECONNRESET);
    close_door(&door);
}

static void the_listener_may_go_from_its_own_callback(void) {
    struct door door;

    open_door(&door, &generous, NULL);
    int first = knock(&door);
    int second = knock(&door);
    door.free_at_once = true;
    run_until(&door, 1, 1000);
    CHECK_INT(door.count, 1);
    CHECK(!door.listener);
    CHECK(listener_is_vouched(door.conns[0])); /* nobody counts any more */
    listener_vouch(door.conns[0]);
    close(first);
    close(second);
    close_door(&door);
}

/* As one process gives its socket to the next: who comes in between is not refused. */
static void another_listener_inherits_the_socket(void) {
    struct door door;
    struct door next;
    struct listener_config config = {
        .limits = &generous,
        .on_conn = on_conn,
        .arg = &next,
    };

    open_door(&door, &generous, NULL);
    config.inherited = dup(listener_fd(door.listener));
    listener_stop(door.listener);
    listener_stop(door.listener);
    CHECK_INT(listener_fd(door.listener), -1);
    int fd = knock(&door);
    next = (struct door) { .loop = door.loop, .last_reason = 1 };
    CHECK_INT(listener_new(next.loop, &config, &next.listener), 0);
    CHECK_TEXT(listener_address(next.listener), listener_address(door.listener));
    run_until(&next, 1, 1000);
    CHECK_INT(next.count, 1);
    CHECK_INT(door.count, 0);
    close(fd);
    listener_free(next.listener);
    conn_close(next.conns[0]);
    close_door(&door);
}

/* When descriptors run out, those who wait are taken in later. */
static void accepting_goes_on_when_descriptors_are_back(void) {
    enum { KNOCKS = 8 };
    struct rlimit before, low;
    struct door door;
    int fds[KNOCKS];

    open_door(&door, &generous, NULL);
    for (int i = 0; i < KNOCKS; i++)
        fds[i] = knock(&door);
    int lowest_free = dup(0);
    close(lowest_free);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)lowest_free + 2;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
    run_until(&door, KNOCKS, 150);
    unsigned taken = door.count;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK(taken <= 2);
    run_until(&door, KNOCKS, 2000);
    CHECK_INT(door.count, KNOCKS);
    for (int i = 0; i < KNOCKS; i++)
        close(fds[i]);
    close_door(&door);
}

static void addresses_are_understood(void) {
    static const struct {
        const char *text;
        int result;
        const char *begins;
    } rows[] = {
        { "127.0.0.1:0", 0, "127.0.0.1:" },
        { "localhost:0", 0, "127.0.0.1:" },
        { ":0", 0, "" },
        { "0", 0, "" },
        { "*:0", 0, "" },
        { "::1:80", -EINVAL, NULL },
        { "", -EINVAL, NULL },
        { "127.0.0.1", -EINVAL, NULL },
        { "127.0.0.1:65536", -EINVAL, NULL },
        { "name.example:80", -EINVAL, NULL },
        { "127.0.0.1:x", -EINVAL, NULL },
        { "192.0.2.1:0", -EADDRNOTAVAIL, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loop *loop = loop_new();
        struct listener *listener = NULL;
        struct listener_config config = {
            .address = rows[i].text,
            .limits = &generous,
            .on_conn = on_conn,
        };
        CHECK_INT(listener_new(loop, &config, &listener), rows[i].result);
        if (listener) {
            const char *address = listener_address(listener);
            CHECK_INT(strncmp(address, rows[i].begins, strlen(rows[i].begins)), 0);
            CHECK(test_pair_port(address) > 0);
        }
        listener_free(listener);
        loop_free(loop);
    }
}

/* One socket for both families. */
static void all_addresses_include_ipv4(void) {
    struct loop *loop = loop_new();
    struct door door = { .loop = loop };
    struct listener_config config = {
        .address = ":0",
        .limits = &generous,
        .on_conn = on_conn,
        .arg = &door,
    };

    CHECK_INT(listener_new(loop, &config, &door.listener), 0);
    int fd = knock(&door);
    run_until(&door, 1, 1000);
    CHECK_INT(door.count, 1);
    CHECK_TEXT(conn_peer_key(door.conns[0]), "127.0.0.1");
    CHECK_INT(strncmp(conn_peer(door.conns[0]), "127.0.0.1:", 10), 0);
    close(fd);
    close_door(&door);
}

TESTS(TEST(strangers_over_the_limit_are_refused),
      TEST(a_silent_handshake_ends_in_time),
      TEST(a_reset_handshake_leaves_room),
      TEST(what_is_no_tls_is_refused),
      TEST(a_reset_is_told_as_one),
      TEST(the_listener_may_go_from_its_own_callback),
      TEST(another_listener_inherits_the_socket),
      TEST(accepting_goes_on_when_descriptors_are_back),
      TEST(addresses_are_understood),
      TEST(all_addresses_include_ipv4))
