#include "loop/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "loop/lookup.h"
#include "loop/loop.h"
#include "loop/netaddr.h"

/* Who owns the datagram of a test. */
struct owner {
    struct loop *loop;
    struct datagram *datagram;
    char seen[64];
    unsigned number;
    unsigned messages;
    unsigned errors;
    int error;
};

static void on_bytes(void *arg, struct slice bytes, unsigned number) {
    struct owner *owner = arg;

    CHECK(bytes.len < sizeof(owner->seen));
    memcpy(owner->seen, bytes.at, bytes.len);
    owner->seen[bytes.len] = '\0';
    owner->number = number;
    owner->messages++;
    owner->datagram = datagram_close(owner->datagram);
}

static void on_error(void *arg, int error, const char *why, unsigned number) {
    struct owner *owner = arg;

    owner->error = error;
    owner->errors++;
    CHECK(strstr(why, "unreachable"));
    owner->datagram = datagram_close(owner->datagram);
}

static const struct datagram_events events = { on_bytes, on_error };

/* A socket on the loopback; its address is what it was bound to. */
static int bind_peer(struct sockaddr_storage *address) {
    socklen_t len = sizeof(*address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    CHECK(netaddr_parse("127.0.0.1", 0, address));
    CHECK(bind(fd, (struct sockaddr *)address, sizeof(struct sockaddr_in)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &len) == 0);
    return fd;
}

static void a_message_goes_and_its_answer_comes(void) {
    struct owner owner = { .loop = loop_new() };
    struct sockaddr_storage address, from;
    socklen_t from_len = sizeof(from);
    char bytes[16] = "";
    int peer = bind_peer(&address);

    CHECK(datagram_open(owner.loop, DATAGRAM_UDP, &address, &events, &owner,
                        &owner.datagram) == 0);
    CHECK(datagram_send(owner.datagram, slice_of_text("hello"), 0) == 0);
    CHECK(recvfrom(peer, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len) ==
          5);
    CHECK_TEXT(bytes, "hello");
    CHECK(sendto(peer, "world", 5, 0, (struct sockaddr *)&from, from_len) == 5);
    loop_run(owner.loop);
    CHECK_TEXT(owner.seen, "world");
    CHECK_INT(owner.messages, 1);
    close(peer);
    loop_free(owner.loop);
}

/* Nobody but the peer can answer. */
static void what_others_send_does_not_come(void) {
    struct owner owner = { .loop = loop_new() };
    struct sockaddr_storage address, other_address, from;
    socklen_t from_len = sizeof(from);
    char byte;
    int peer = bind_peer(&address), other = bind_peer(&other_address);

    CHECK(datagram_open(owner.loop, DATAGRAM_UDP, &address, &events, &owner,
                        &owner.datagram) == 0);
    CHECK(datagram_send(owner.datagram, slice_of_text("x"), 0) == 0);
    CHECK(recvfrom(peer, &byte, 1, 0, (struct sockaddr *)&from, &from_len) == 1);
    CHECK(sendto(other, "forged", 6, 0, (struct sockaddr *)&from, from_len) == 6);
    CHECK(sendto(peer, "true", 4, 0, (struct sockaddr *)&from, from_len) == 4);
    loop_run(owner.loop);
    CHECK_TEXT(owner.seen, "true");
    CHECK_INT(owner.messages, 1);
    close(peer);
    close(other);
    loop_free(owner.loop);
}

static void a_closed_port_is_told(void) {
    struct owner owner = { .loop = loop_new() };
    struct sockaddr_storage address;

    close(bind_peer(&address));
    CHECK(datagram_open(owner.loop, DATAGRAM_UDP, &address, &events, &owner,
                        &owner.datagram) == 0);
    CHECK(datagram_send(owner.datagram, slice_of_text("x"), 0) == 0);
    loop_run(owner.loop);
    CHECK_INT(owner.error, -ECONNREFUSED);
    CHECK_INT(owner.errors, 1);
    loop_free(owner.loop);
}

static void an_echo_comes_back_with_its_number(void) {
    static const char *const hosts[] = { "127.0.0.1", "::1" };

    for (size_t i = 0; i < 2; i++) {
        struct owner owner = { .loop = loop_new() };
        struct sockaddr_storage address;

        CHECK(netaddr_parse(hosts[i], 0, &address));
        int r = datagram_open(owner.loop, DATAGRAM_ECHO, &address, &events, &owner,
                              &owner.datagram);
        if (r == 0) {
            CHECK(datagram_send(owner.datagram, slice_of_text("payload"), 4711) == 0);
            loop_run(owner.loop);
            CHECK_TEXT(owner.seen, "payload");
            CHECK_INT(owner.number, 4711);
        } else {
            CHECK(r == -EACCES || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT ||
                  r == -ENETUNREACH);
        }
        loop_free(owner.loop);
    }
}

static void on_looked_up(void *arg,
                         struct sockaddr_storage *addresses,
                         size_t count,
                         const char *why) {
    struct owner *owner = arg;

    owner->messages += (unsigned)count;
    if (count > 0)
        netaddr_print(&addresses[0], owner->seen);
    else
        CHECK(strstr(why, "cannot resolve"));
    owner->errors += count == 0;
}

static void digits_are_their_own_answer(void) {
    struct owner owner = { .loop = loop_new() };

    lookup_start(owner.loop, "192.0.2.1", 53, on_looked_up, &owner);
    CHECK_INT(owner.messages, 0);
    loop_run(owner.loop);
    CHECK_TEXT(owner.seen, "192.0.2.1:53");
    loop_free(owner.loop);
}

static void a_name_is_looked_up_or_not(void) {
    struct owner owner = { .loop = loop_new() };

    lookup_start(owner.loop, "localhost", 53, on_looked_up, &owner);
    loop_run(owner.loop);
    CHECK(owner.messages > 0);
    lookup_start(owner.loop, "no..name", 53, on_looked_up, &owner);
    loop_run(owner.loop);
    CHECK_INT(owner.errors, 1);
    loop_free(owner.loop);
}

static void a_cancelled_lookup_tells_nothing(void) {
    struct owner owner = { .loop = loop_new() };
    struct lookup *lookup =
        lookup_start(owner.loop, "localhost", 53, on_looked_up, &owner);

    CHECK(!lookup_cancel(lookup));
    loop_run(owner.loop);
    CHECK_INT(owner.messages, 0);
    loop_free(owner.loop);
}

TESTS(TEST(a_message_goes_and_its_answer_comes),
      TEST(what_others_send_does_not_come),
      TEST(a_closed_port_is_told),
      TEST(an_echo_comes_back_with_its_number),
      TEST(digits_are_their_own_answer),
      TEST(a_name_is_looked_up_or_not),
      TEST(a_cancelled_lookup_tells_nothing))
