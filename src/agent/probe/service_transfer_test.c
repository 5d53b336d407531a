#include "agent/probe/service_transfer.h"

#include <stdio.h>
#include <string.h>

#include "agent/acts/acts.h"
#include "agent/policy/policy.h"
#include "agent/setup/identity.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/log.h"
#include "loop/check_loop.h"
#include "loop/netaddr.h"
#include "loop/udp.h"
#include "roost/v1/transfer.pb-c.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/services.h"

enum {
    CHUNK = 32768,
    STREAMS_MAX = 8,
    HELD_MAX = 5 * CHUNK, /* that a hub which does not read may cost */
};

#define HUB "127.0.0.1:8443"

/* An agent, of which the hub asks for bytes. */
struct place {
    char *folder; /* owned, as all that follows */
    struct loop *loop;
    struct policy *policy;
    struct identity identity;
    struct acts *acts;
    struct services *services;
    struct service_transfer *transfer;
    struct asker *waited; /* borrowed: the test */
    struct udp *udp;      /* where datagrams come */
    size_t datagrams;
};

/* The hub, or somebody else. */
struct asker {
    struct place *place;        /* borrowed: the test */
    struct client_call *client; /* owned; NULL after the end */
    enum grpc_status status;
    char *message; /* owned */
    uint64_t bytes, messages;
    uint64_t tally, tally_us;
    struct buf last;
    uint32_t number;                        /* of the last echo */
    const ProtobufCMessageDescriptor *type; /* of what comes */
    bool is_over;
};

static void begin_as(struct place *place, const char *policy, unsigned udp_port) {
    *place = (struct place) { .folder = check_folder_make(), .loop = loop_new() };
    auto_(mem_freep) char *path = file_join(place->folder, "policy.conf");
    struct policy_config config = { .state = place->folder, .system_path = "/nowhere" };

    log_set_level(LOG_LEVEL_ERROR);
    if (policy)
        CHECK_INT(file_write_atomic(path, slice_of_text(policy), 0600), 0);
    place->policy = policy_new(&config);
    strcpy(place->identity.instance, "0123456789abcdef0123456789abcdef");
    const struct acts_config acts = {
        .loop = place->loop,
        .policy = place->policy,
        .identity = &place->identity,
        .state = place->folder,
    };
    place->acts = acts_new(&acts);
    place->services = services_new(1 << 20);
    const struct service_transfer_config transfer = {
        .loop = place->loop,
        .acts = place->acts,
        .policy = place->policy,
        .udp_port = udp_port,
    };
    place->transfer = service_transfer_new(place->services, &transfer);
}

static void begin(struct place *place) {
    begin_as(place, NULL, 0);
}

static void end(struct place *place) {
    service_transfer_stop(place->transfer);
    udp_close(place->udp);
    loop_settle(place->loop);
    service_transfer_free(place->transfer);
    acts_free(place->acts);
    services_free(place->services);
    loop_settle(place->loop);
    loop_free(place->loop);
    policy_free(place->policy);
    check_folder_remove(place->folder);
}

static void take(struct asker *asker, const ProtobufCMessage *message) {
    if (asker->type == &roost__v1__transfer_tally__descriptor) {
        const Roost__V1__TransferTally *tally = (const Roost__V1__TransferTally *)message;
        asker->tally = tally->bytes;
        asker->tally_us = tally->microseconds;
    } else if (asker->type == &roost__v1__transfer_echo__descriptor) {
        const Roost__V1__TransferEcho *echo = (const Roost__V1__TransferEcho *)message;
        CHECK(echo->number > asker->number);
        asker->number = echo->number;
    } else if (asker->type == &roost__v1__transfer_chunk__descriptor) {
        const Roost__V1__TransferChunk *chunk = (const Roost__V1__TransferChunk *)message;
        asker->bytes += chunk->data.len;
        buf_clear(&asker->last);
        buf_add(&asker->last, chunk->data.data, chunk->data.len);
    }
}

static void on_message(void *user, struct slice message) {
    struct asker *asker = user;
    ProtobufCMessage *unpacked;

    CHECK_INT(pb_unpack(asker->type, message, &unpacked), 0);
    asker->messages++;
    take(asker, unpacked);
    pb_free(unpacked);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct asker *asker = user;

    asker->client = NULL;
    asker->is_over = true;
    asker->status = status;
    asker->message = mem_strdup(message);
}

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *replies;
} methods[] = {
    { "Take", &roost__v1__transfer_tally__descriptor },
    { "Give", &roost__v1__transfer_chunk__descriptor },
    { "Echo", &roost__v1__transfer_echo__descriptor },
    { "Datagrams", &roost__v1__stability_report__descriptor },
};

enum { TAKE, GIVE, ECHO, DATAGRAMS, METHODS };

/* peer: where the link leads to; user: for whom the hub asks, or NULL. */
static void call(struct asker *asker,
                 struct place *place,
                 unsigned method,
                 const char *peer,
                 const char *user) {
    static const struct client_events events = { .on_message = on_message,
                                                 .on_done = on_done };
    auto_(mem_freep) char *path =
        mem_printf("/roost.v1.Transfer/%s", methods[method].name);
    struct headers metadata;

    headers_init(&metadata);
    if (user)
        headers_add(&metadata, "roost-user", user);
    const struct client_request request = {
        .method = path,
        .metadata = &metadata,
        .peer = peer,
    };
    *asker = (struct asker) { .place = place, .type = methods[method].replies };
    asker->client = client_start(place->loop, services_target(place->services), &request,
                                 &events, asker);
    headers_done(&metadata);
}

static void send_bytes(struct asker *asker, const uint8_t *bytes, size_t len) {
    Roost__V1__TransferChunk chunk = ROOST__V1__TRANSFER_CHUNK__INIT;

    chunk.data.data = (uint8_t *)(uintptr_t)bytes;
    chunk.data.len = len;
    client_send(asker->client, &chunk.base);
    loop_settle(asker->place->loop);
}

static void give_me(struct asker *asker,
                    struct place *place,
                    uint64_t max_bytes,
                    uint32_t milliseconds) {
    Roost__V1__TransferWish wish = ROOST__V1__TRANSFER_WISH__INIT;

    wish.max_bytes = max_bytes;
    wish.milliseconds = milliseconds;
    call(asker, place, GIVE, HUB, NULL);
    client_send(asker->client, &wish.base);
    client_end(asker->client);
}

static bool is_over(void *arg) {
    const struct place *place = arg;
    return place->waited->is_over;
}

static void wait_over(struct asker *asker) {
    asker->place->waited = asker;
    check_loop_until(asker->place->loop, is_over, asker->place);
}

static void leave(struct asker *asker) {
    asker->client = client_cancel(asker->client);
    free(asker->message);
    asker->message = NULL;
    buf_done(&asker->last);
    loop_settle(asker->place->loop);
}

static void ends_with(struct asker *asker, enum grpc_status status, const char *text) {
    wait_over(asker);
    CHECK_INT(asker->status, status);
    CHECK(strstr(asker->message, text));
    leave(asker);
}

/* --- bytes that come --- */

static void all_that_comes_is_counted(void) {
    static const uint8_t bytes[CHUNK];
    struct place place;
    struct asker asker;
    uint64_t sent = 0;

    begin(&place);
    call(&asker, &place, TAKE, HUB, NULL);
    for (size_t len = 0; len <= CHUNK; len += 997, sent += len <= CHUNK ? len : 0)
        send_bytes(&asker, bytes, len);
    client_end(asker.client);
    wait_over(&asker);
    CHECK_INT(asker.status, GRPC_OK);
    CHECK_INT(asker.tally, sent);
    leave(&asker);

    call(&asker, &place, TAKE, HUB, NULL); /* nothing at all */
    client_end(asker.client);
    wait_over(&asker);
    CHECK_INT(asker.messages, 1);
    CHECK_INT(asker.tally + asker.tally_us, 0);
    leave(&asker);
    end(&place);
}

static bool is_told(void *arg) {
    const struct place *place = arg;
    static const uint8_t bytes[16];

    send_bytes(place->waited, bytes, sizeof(bytes));
    return place->waited->messages >= 3;
}

static void what_has_come_is_told_meanwhile(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    call(&asker, &place, TAKE, HUB, NULL);
    place.waited = &asker;
    check_loop_until(place.loop, is_told, &place);
    CHECK(asker.tally > 0 && asker.tally % 16 == 0);
    CHECK(asker.tally_us >= 3 * 100000);
    leave(&asker);
    end(&place);
}

/* --- bytes that go --- */

static void as_many_are_given_as_are_wanted(void) {
    static const uint64_t wishes[] = { 1, CHUNK - 1, CHUNK, CHUNK + 1, 50 * CHUNK + 7 };
    struct place place;
    struct asker asker;

    begin(&place);
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        give_me(&asker, &place, wishes[i], 30000);
        wait_over(&asker);
        CHECK_INT(asker.status, GRPC_OK);
        CHECK_INT(asker.bytes, wishes[i]);
        leave(&asker);
    }
    give_me(&asker, &place, 0, 30000);
    wait_over(&asker);
    CHECK_INT(asker.bytes, 0);
    leave(&asker);
    end(&place);
}

static void bytes_that_are_given_cannot_be_shrunk(void) {
    unsigned counts[256] = { 0 };
    struct place place;
    struct asker asker;

    begin(&place);
    give_me(&asker, &place, CHUNK, 30000);
    wait_over(&asker);
    CHECK_INT(asker.last.len, CHUNK);
    for (size_t i = 0; i < CHUNK; i++)
        counts[asker.last.data[i]]++;
    for (size_t i = 0; i < 256; i++)
        CHECK(counts[i] > 30 && counts[i] < 300); /* 128, and not by chance */
    leave(&asker);
    end(&place);
}

static void giving_ends_at_its_time(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    uint64_t begun_us = loop_clock_us();
    give_me(&asker, &place, UINT64_MAX, 150);
    wait_over(&asker);
    CHECK_INT(asker.status, GRPC_OK);
    CHECK(loop_clock_us() - begun_us >= 149000);
    CHECK(asker.bytes > CHUNK);
    leave(&asker);
    end(&place);
}

static void on_deaf_wake(struct call *call, void *user) {
}

/* A hub that reads nothing; call_detach_caller() it. */
static struct call *call_deaf(struct place *place, const char *method) {
    const struct call_half caller = { .on_wake = on_deaf_wake };
    struct call *call = call_new(place->loop, method, &caller);

    call->peer = mem_strdup(HUB);
    call_start(call, services_target(place->services));
    return call;
}

static void write_message(struct call *call, const ProtobufCMessage *message) {
    struct buf packed = { 0 };
    struct buf framed = { 0 };

    pb_pack(&packed, message);
    grpc_message_add(&framed, buf_slice(&packed), GRPC_IDENTITY);
    call_request_write(call, buf_slice(&framed));
    buf_done(&framed);
    buf_done(&packed);
}

static void who_does_not_read_costs_little(void) {
    Roost__V1__TransferWish wish = ROOST__V1__TRANSFER_WISH__INIT;
    struct place place;
    struct asker other;

    begin(&place);
    struct call *deaf = call_deaf(&place, "/roost.v1.Transfer/Give");
    wish.max_bytes = UINT64_MAX;
    wish.milliseconds = 30000;
    write_message(deaf, &wish.base);
    call_request_end(deaf);
    give_me(&other, &place, 100 * CHUNK, 30000);
    ends_with(&other, GRPC_OK, ""); /* meanwhile it would have been given as much */
    CHECK(deaf->reply.len >= CHUNK);
    CHECK(deaf->reply.len <= HELD_MAX);
    call_detach_caller(deaf);
    loop_settle(place.loop);
    end(&place);
}

static void eight_streams_of_bytes_are_the_most(void) {
    static const uint8_t byte[1];
    struct asker askers[STREAMS_MAX], asker;
    struct place place;

    begin(&place);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < STREAMS_MAX; i++) {
            if (i % 2 == 0) {
                give_me(&askers[i], &place, UINT64_MAX, 30000);
                client_pause(askers[i].client, true);
            } else {
                call(&askers[i], &place, TAKE, HUB, NULL);
                send_bytes(&askers[i], byte, 1);
            }
        }
        loop_settle(place.loop);
        give_me(&asker, &place, 1, 1000);
        ends_with(&asker, GRPC_RESOURCE_EXHAUSTED, "8 transfers");
        call(&asker, &place, TAKE, HUB, NULL);
        send_bytes(&asker, byte, 1);
        ends_with(&asker, GRPC_RESOURCE_EXHAUSTED, "8 transfers");
        leave(&askers[0]);
        give_me(&asker, &place, 1, 1000);
        ends_with(&asker, GRPC_OK, "");
        for (int i = 1; i < STREAMS_MAX; i++)
            leave(&askers[i]);
    }
    end(&place);
}

/* --- round trips --- */

static void say(struct asker *asker, uint32_t number) {
    Roost__V1__TransferEcho echo = ROOST__V1__TRANSFER_ECHO__INIT;

    echo.number = number;
    client_send(asker->client, &echo.base);
    loop_settle(asker->place->loop);
}

static void what_is_said_comes_back(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    call(&asker, &place, ECHO, HUB, NULL);
    for (uint32_t number = 1; number < 100; number++) {
        say(&asker, number);
        CHECK_INT(asker.number, number); /* at once */
    }
    client_end(asker.client);
    ends_with(&asker, GRPC_OK, "");
    CHECK_INT(asker.messages, 99);
    end(&place);
}

static void echoes_that_nobody_reads_wait_where_they_are(void) {
    Roost__V1__TransferEcho echo = ROOST__V1__TRANSFER_ECHO__INIT;
    struct place place;

    begin(&place);
    struct call *deaf = call_deaf(&place, "/roost.v1.Transfer/Echo");
    for (echo.number = 1; echo.number <= 60000; echo.number++) {
        write_message(deaf, &echo.base);
        loop_settle(place.loop);
    }
    CHECK(deaf->reply.len >= 60000);
    CHECK(deaf->reply.len <= CALL_PIPE_MAX + 64);
    call_detach_caller(deaf);
    loop_settle(place.loop);
    end(&place);
}

/* --- who may --- */

/* A request that would do. */
static void ask(struct asker *asker,
                struct place *place,
                unsigned method,
                const char *peer,
                const char *user) {
    Roost__V1__TransferChunk chunk = ROOST__V1__TRANSFER_CHUNK__INIT;
    Roost__V1__TransferWish wish = ROOST__V1__TRANSFER_WISH__INIT;
    Roost__V1__TransferEcho echo = ROOST__V1__TRANSFER_ECHO__INIT;
    Roost__V1__DatagramsRequest datagrams = ROOST__V1__DATAGRAMS_REQUEST__INIT;
    uint8_t id[16] = { 1 };

    datagrams.test_id = pb_lend("t");
    datagrams.echo_id.data = id;
    datagrams.echo_id.len = sizeof(id);
    datagrams.interval_ms = 10;
    datagrams.count = 1;
    datagrams.size = 32;
    datagrams.echo_port = 9;
    call(asker, place, method, peer, user);
    echo.number = 1;
    const ProtobufCMessage *requests[METHODS] = { &chunk.base, &wish.base, &echo.base,
                                                  &datagrams.base };
    client_send(asker->client, requests[method]);
    client_end(asker->client);
}

static void nobody_but_the_hub_may_call(void) {
    struct place place;
    struct asker asker;

    begin_as(&place, "allow probe\nallow tcp\nallow look\n", 0);
    for (unsigned i = 0; i < METHODS; i++) {
        ask(&asker, &place, i, HUB, "ada");
        ends_with(&asker, GRPC_PERMISSION_DENIED, "only the hub itself");
        ask(&asker, &place, i, HUB, "");
        ends_with(&asker, GRPC_PERMISSION_DENIED, "only the hub itself");
    }
    end(&place);
}

static void the_owner_may_say_no(void) {
    static const struct {
        const char *policy;
        bool is_denied;
    } rows[] = {
        { NULL, false },
        { "allow look\n", false }, /* what nothing allows, of the hub is allowed */
        { "allow probe example.com:80\n", false },
        { "deny probe 192.0.2.1:443\n", false },
        { "deny probe 127.0.0.1:1\n", false },
        { "deny probe\n", true },
        { "allow probe\ndeny probe\n", true },
        { "deny probe 127.0.0.1\n", true },
        { "deny probe 127.0.0.1:8443\nallow probe\n", true },
        { "deny probe 127.0.0.0/8\n", true },
        { "this is no policy\n", true },
        { "require signature probe\nallow probe\n", true },
    };
    struct place place;
    struct asker asker;

    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        begin_as(&place, rows[row].policy, 0);
        for (unsigned i = TAKE; i <= ECHO; i++) { /* datagrams go to another port */
            ask(&asker, &place, i, HUB, NULL);
            wait_over(&asker);
            if (rows[row].is_denied) {
                CHECK_INT(asker.status, GRPC_PERMISSION_DENIED);
                CHECK_INT(asker.messages, 0);
            } else {
                CHECK_INT(asker.status, GRPC_OK);
            }
            leave(&asker);
        }
        end(&place);
    }
}

static void a_link_without_an_address_is_not_tested(void) {
    static const char *const peers[] = { NULL, "", "somewhere", "hub.example:443",
                                         "127.0.0.1" };
    struct place place;
    struct asker asker;

    begin(&place);
    for (size_t peer = 0; peer < sizeof(peers) / sizeof(peers[0]); peer++)
        for (unsigned i = 0; i < METHODS; i++) {
            ask(&asker, &place, i, peers[peer], NULL);
            ends_with(&asker,
                      i == DATAGRAMS ? GRPC_INVALID_ARGUMENT : GRPC_FAILED_PRECONDITION,
                      "address");
        }
    end(&place);
}

/* --- where datagrams go --- */

static void on_datagram(void *arg,
                        const struct sockaddr_storage *from,
                        struct slice bytes) {
    struct place *place = arg;
    place->datagrams++;
}

static bool has_datagrams(void *arg) {
    const struct place *place = arg;
    return place->datagrams == 3;
}

static unsigned listen_here(struct place *place) {
    const struct udp_config config = {
        .family = AF_INET,
        .on_datagram = on_datagram,
        .arg = place,
    };

    CHECK_INT(udp_open(place->loop, &config, &place->udp), 0);
    return udp_port(place->udp);
}

static void ask_datagrams(struct asker *asker,
                          struct place *place,
                          const char *host,
                          unsigned port) {
    Roost__V1__DatagramsRequest request = ROOST__V1__DATAGRAMS_REQUEST__INIT;
    uint8_t id[16] = { 1 };

    request.test_id = pb_lend("t");
    request.echo_id.data = id;
    request.echo_id.len = sizeof(id);
    request.interval_ms = 10;
    request.count = 3;
    request.size = 32;
    request.echo_host = pb_lend(host);
    request.echo_port = port;
    call(asker, place, DATAGRAMS, HUB, NULL);
    client_send(asker->client, &request.base);
    client_end(asker->client);
}

static void datagrams_go_where_the_hub_is(void) {
    static const char *const hosts[] = { "", "127.0.0.1" };
    struct place place;

    for (size_t i = 0; i < 2; i++) {
        begin(&place);
        unsigned port = listen_here(&place);
        struct asker asker;
        ask_datagrams(&asker, &place, hosts[i], port);
        wait_over(&asker);
        CHECK_INT(asker.status, GRPC_OK);
        CHECK_INT(place.datagrams, 3);
        leave(&asker);
        end(&place);
    }
}

static void the_port_is_the_owners_choice(void) {
    struct place other, place;
    struct asker asker;

    begin(&other); /* for a port that is free */
    unsigned port = listen_here(&other);
    begin_as(&place, NULL, port);
    ask_datagrams(&asker, &place, "", 9);
    ends_with(&asker, GRPC_OK, "");
    end(&place);
    check_loop_until(other.loop, has_datagrams, &other);
    end(&other);
}

static void no_other_host_unless_the_owner_allows_it(void) {
    static const struct {
        const char *policy, *host;
        enum grpc_status status;
    } rows[] = {
        { NULL, "127.0.0.2", GRPC_PERMISSION_DENIED },
        { "allow probe 127.0.0.3\n", "127.0.0.2", GRPC_PERMISSION_DENIED },
        { "deny probe 127.0.0.2\nallow probe\n", "127.0.0.2", GRPC_PERMISSION_DENIED },
        { "allow probe 127.0.0.2\n", "127.0.0.2", GRPC_OK },
        { "allow probe\n", "hub.example", GRPC_INVALID_ARGUMENT }, /* no names */
    };
    struct place place;
    struct asker asker;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin_as(&place, rows[i].policy, 0);
        unsigned port = listen_here(&place);
        ask_datagrams(&asker, &place, rows[i].host, port);
        wait_over(&asker);
        CHECK_INT(asker.status, rows[i].status);
        CHECK_INT(place.datagrams, rows[i].status == GRPC_OK ? 3 : 0);
        leave(&asker);
        end(&place);
    }
}

static void an_echo_without_a_port_is_none(void) {
    static const unsigned ports[] = { 0, 65536, UINT32_MAX };
    auto_(mem_freep) char *longest = mem_new(2000);
    struct place place;
    struct asker asker;

    begin_as(&place, "allow probe\n", 0);
    for (size_t i = 0; i < 3; i++) {
        ask_datagrams(&asker, &place, "", ports[i]);
        ends_with(&asker, GRPC_INVALID_ARGUMENT, "no address and port");
    }
    memset(longest, '1', 1999);
    ask_datagrams(&asker, &place, longest, 9);
    ends_with(&asker, GRPC_INVALID_ARGUMENT, "no address and port");
    end(&place);
}

static void everything_ends_with_the_agent(void) {
    struct place place;
    struct asker asker, giving;

    begin(&place);
    give_me(&giving, &place, UINT64_MAX, 30000);
    client_pause(giving.client, true);
    ask_datagrams(&asker, &place, "", listen_here(&place));
    loop_settle(place.loop);
    service_transfer_stop(place.transfer);
    ends_with(&asker, GRPC_UNAVAILABLE, "the agent stops");
    services_stop(place.services);
    client_pause(giving.client, false);
    ends_with(&giving, GRPC_UNAVAILABLE, "stops");
    end(&place);
}

TESTS(TEST(all_that_comes_is_counted),
      TEST(what_has_come_is_told_meanwhile),
      TEST(as_many_are_given_as_are_wanted),
      TEST(bytes_that_are_given_cannot_be_shrunk),
      TEST(giving_ends_at_its_time),
      TEST(who_does_not_read_costs_little),
      TEST(eight_streams_of_bytes_are_the_most),
      TEST(what_is_said_comes_back),
      TEST(echoes_that_nobody_reads_wait_where_they_are),
      TEST(nobody_but_the_hub_may_call),
      TEST(the_owner_may_say_no),
      TEST(a_link_without_an_address_is_not_tested),
      TEST(datagrams_go_where_the_hub_is),
      TEST(the_port_is_the_owners_choice),
      TEST(no_other_host_unless_the_owner_allows_it),
      TEST(an_echo_without_a_port_is_none),
      TEST(everything_ends_with_the_agent))
