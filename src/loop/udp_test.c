#include "loop/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "loop/loop.h"
#include "loop/netaddr.h"

/* One that sends back what comes, and one that counts. */
struct pair {
    struct loop *loop;
    struct udp *echo;
    struct udp *asker;
    char got[16];
    size_t count;
    size_t wanted;
};

static void on_echo(void *arg, const struct sockaddr_storage *from, struct slice bytes) {
    struct pair *pair = arg;
    CHECK_INT(udp_send(pair->echo, from, bytes), 0);
}

static void on_answer(void *arg,
                      const struct sockaddr_storage *from,
                      struct slice bytes) {
    struct pair *pair = arg;

    CHECK(bytes.len < sizeof(pair->got));
    memcpy(pair->got, bytes.at, bytes.len);
    pair->got[bytes.len] = '\0';
    if (++pair->count == pair->wanted)
        loop_stop(pair->loop);
}

static void ask_over(const char *host, int asker_family) {
    struct pair pair = { .loop = loop_new(), .wanted = 1 };
    struct udp_config echo = { .on_datagram = on_echo, .arg = &pair };
    struct udp_config asker = {
        .family = asker_family,
        .on_datagram = on_answer,
        .arg = &pair,
    };
    struct sockaddr_storage to;

    CHECK_INT(udp_open(pair.loop, &echo, &pair.echo), 0);
    CHECK_INT(udp_open(pair.loop, &asker, &pair.asker), 0);
    CHECK(netaddr_parse(host, udp_port(pair.echo), &to));
    CHECK_INT(udp_send(pair.asker, &to, slice_of_text("hello")), 0);
    loop_run(pair.loop);
    CHECK_TEXT(pair.got, "hello");
    udp_close(pair.echo);
    udp_close(pair.asker);
    loop_free(pair.loop);
}

static void a_datagram_comes_back_over_ipv4(void) {
    ask_over("127.0.0.1", AF_INET);
}

static void a_socket_for_both_families_asks_over_ipv4(void) {
    ask_over("127.0.0.1", AF_UNSPEC);
}

static void a_busy_port_is_told_and_free_once_it_is_closed(void) {
    struct loop *loop = loop_new();
    struct udp_config config = { .on_datagram = on_answer };
    struct udp *first = NULL;
    struct udp *second = NULL;

    CHECK_INT(udp_open(loop, &config, &first), 0);
    config.port = udp_port(first);
    CHECK_INT(udp_open(loop, &config, &second), -EADDRINUSE);
    CHECK(!second);
    first = udp_close(first);
    CHECK_INT(udp_open(loop, &config, &second), 0);
    udp_close(second);
    loop_free(loop);
}

TESTS(TEST(a_datagram_comes_back_over_ipv4),
      TEST(a_socket_for_both_families_asks_over_ipv4),
      TEST(a_busy_port_is_told_and_free_once_it_is_closed))
