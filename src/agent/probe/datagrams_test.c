#include "agent/probe/datagrams.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/check_loop.h"
#include "loop/netaddr.h"
#include "loop/udp.h"
#include "rpc/client.h"
#include "rpc/invocation.h"
#include "rpc/services.h"

enum {
    INTERVAL_MS = 10,
    SIZE = 48,
    HELD_MAX = 8,
    RTTS_MAX = 4096,
    LATE_MS = 2000,
    END_MS = 1000,
};

/* What comes back, each datagram as the test wants it. */
struct echo {
    struct place *place; /* borrowed: the test */
    struct udp *udp;     /* owned */
    struct sockaddr_storage at;
    uint8_t id[DATAGRAMS_ID_LEN];
    size_t came;          /* with its id */
    size_t foreign;       /* with another */
    uint64_t came_us;     /* when the last one did */
    uint64_t gap_most_us; /* between two of them: how late this host is */
    /* Answers number; NULL: sends it back. */
    void (*answer)(struct echo *echo,
                   const struct sockaddr_storage *from,
                   uint32_t number,
                   uint8_t *bytes);
    uint8_t held[SIZE]; /* one that the test keeps back */
    struct sockaddr_storage held_from;
    uint64_t held_until_us; /* 0: none, or for ever */
    struct timer release;
};

/* Who is told. */
struct asker {
    struct place *place;        /* borrowed: the test */
    struct client_call *client; /* owned; NULL after the end */
    float rtts[RTTS_MAX];
    size_t count; /* of rtts, from 0 */
    uint32_t sent, planned, interval_ms;
    unsigned reports;
    bool has_gap; /* a report did not begin where the last ended */
    bool is_done;
    bool is_over;
    enum grpc_status status;
    char *message; /* owned */
};

struct place {
    struct loop *loop;
    struct services *services;
    struct datagrams *datagrams;
    struct echo *echo; /* borrowed: the one that the hub names now */
    struct echo near, other;
    struct asker *waited; /* borrowed: the test */
    size_t wanted;
};

/* --- the echo --- */

static void send_back(struct echo *echo,
                      const struct sockaddr_storage *from,
                      const uint8_t *bytes,
                      size_t len) {
    udp_send(echo->udp, from, slice_of(bytes, len));
}

static void on_datagram(void *arg,
                        const struct sockaddr_storage *from,
                        struct slice bytes) {
    struct echo *echo = arg;
    uint8_t copy[SIZE];
    uint32_t number = 0;

    CHECK_INT(bytes.len, SIZE);
    memcpy(copy, bytes.at, SIZE);
    if (memcmp(copy, echo->id, DATAGRAMS_ID_LEN) != 0) {
        echo->foreign++;
        return;
    }
    for (int i = 0; i < 4; i++)
        number = number << 8 | copy[DATAGRAMS_ID_LEN + i];
    for (size_t i = DATAGRAMS_ID_LEN + 4; i < SIZE; i++)
        CHECK_INT(copy[i], 0);
    echo->came++;
    echo->held_from = *from;
    uint64_t now_us = loop_clock_us();
    if (echo->came_us > 0 && now_us - echo->came_us > echo->gap_most_us)
        echo->gap_most_us = now_us - echo->came_us;
    echo->came_us = now_us;
    if (echo->answer)
        echo->answer(echo, from, number, copy);
    else
        send_back(echo, from, copy, SIZE);
}

static void open_echo(struct place *place,
                      struct echo *echo,
                      const char *host,
                      uint8_t seed) {
    struct udp_config config = { .on_datagram = on_datagram, .arg = echo };

    *echo = (struct echo) { .place = place };
    memset(echo->id, seed, sizeof(echo->id));
    config.family = strchr(host, ':') ? AF_INET6 : AF_INET;
    CHECK_INT(udp_open(place->loop, &config, &echo->udp), 0);
    CHECK(netaddr_parse(host, udp_port(echo->udp), &echo->at));
}

/* --- the service --- */

static void on_datagrams(void *arg,
                         struct invocation *invocation,
                         const ProtobufCMessage *message) {
    struct place *place = arg;

    datagrams_serve(place->datagrams, invocation,
                    (const Roost__V1__DatagramsRequest *)message, &place->echo->at);
}

static void on_none(void *arg,
                    struct invocation *invocation,
                    const ProtobufCMessage *message) {
    invocation_finish(invocation, GRPC_UNIMPLEMENTED, "%s", "");
}

static const struct service_method methods[] = {
    { "Take", SERVICE_BIDI, on_none },
    { "Give", SERVICE_SERVER_STREAM, on_none },
    { "Echo", SERVICE_BIDI, on_none },
    { "Datagrams", SERVICE_SERVER_STREAM, on_datagrams },
    { 0 },
};

static void begin(struct place *place) {
    struct service service = {
        .descriptor = &roost__v1__transfer__descriptor,
        .methods = methods,
        .arg = place,
    };

    log_set_level(LOG_LEVEL_ERROR);
    *place = (struct place) { .loop = loop_new() };
    place->services = services_new(65536);
    services_add(place->services, &service);
    place->datagrams = datagrams_new(place->loop);
    open_echo(place, &place->near, "127.0.0.1", 0xa5);
    place->echo = &place->near;
}

static void end(struct place *place) {
    timer_stop(&place->near.release);
    udp_close(place->near.udp);
    udp_close(place->other.udp);
    datagrams_free(place->datagrams);
    loop_settle(place->loop);
    services_free(place->services);
    loop_free(place->loop);
}

/* --- who asks --- */

static void on_message(void *user, struct slice message) {
    struct asker *asker = user;
    ProtobufCMessage *unpacked;

    CHECK_INT(pb_unpack(&roost__v1__stability_report__descriptor, message, &unpacked), 0);
    const Roost__V1__StabilityReport *report =
        (const Roost__V1__StabilityReport *)unpacked;
    asker->reports++;
    asker->sent = report->sent;
    asker->planned = report->planned;
    asker->interval_ms = report->interval_ms;
    CHECK_INT(report->size, SIZE);
    CHECK(report->started->seconds > 0);
    asker->has_gap |= report->first != asker->count;
    CHECK(!asker->is_done);
    CHECK(asker->count + report->n_rtts_ms <= RTTS_MAX);
    for (size_t i = 0; i < report->n_rtts_ms; i++)
        asker->rtts[asker->count++] = report->rtts_ms[i];
    asker->is_done = report->done;
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

static void ask_for(struct asker *asker,
                    struct place *place,
                    const Roost__V1__DatagramsRequest *request) {
    static const struct client_events events = { .on_message = on_message,
                                                 .on_done = on_done };
    const struct client_request details = { .method = "/roost.v1.Transfer/Datagrams" };

    *asker = (struct asker) { .place = place, .count = request->from };
    asker->client = client_start(place->loop, services_target(place->services), &details,
                                 &events, asker);
    client_send(asker->client, &request->base);
    client_end(asker->client);
}

static Roost__V1__DatagramsRequest request_of(struct place *place,
                                              const char *id,
                                              uint32_t count) {
    Roost__V1__DatagramsRequest request = ROOST__V1__DATAGRAMS_REQUEST__INIT;

    request.test_id = pb_lend(id);
    request.echo_id.data = place->echo->id;
    request.echo_id.len = DATAGRAMS_ID_LEN;
    request.interval_ms = INTERVAL_MS;
    request.count = count;
    request.size = SIZE;
    return request;
}

static void ask(struct asker *asker,
                struct place *place,
                const char *id,
                uint32_t count) {
    Roost__V1__DatagramsRequest request = request_of(place, id, count);
    ask_for(asker, place, &request);
}

static void leave(struct asker *asker) {
    asker->client = client_cancel(asker->client);
    free(asker->message);
    asker->message = NULL;
    loop_settle(asker->place->loop);
}

static bool is_over(void *arg) {
    const struct place *place = arg;
    return place->waited->is_over;
}

static void wait_over(struct asker *asker) {
    asker->place->waited = asker;
    check_loop_until(asker->place->loop, is_over, asker->place);
}

/* Runs it to its end, and leaves. */
static void hear_all(struct asker *asker, size_t count) {
    wait_over(asker);
    CHECK_INT(asker->status, GRPC_OK);
    CHECK(asker->is_done);
    CHECK(!asker->has_gap);
    CHECK_INT(asker->count, count);
    CHECK_INT(asker->sent, count);
    CHECK_INT(asker->planned, count);
    leave(asker);
}

static size_t count_lost(const struct asker *asker) {
    size_t lost = 0;

    for (size_t i = 0; i < asker->count; i++)
        lost += asker->rtts[i] < 0;
    return lost;
}

static bool has_come(void *arg) {
    const struct place *place = arg;
    return place->echo->came >= place->wanted;
}

static void wait_for_datagrams(struct place *place, size_t count) {
    place->wanted = count;
    check_loop_until(place->loop, has_come, place);
}

/* --- what comes back, and what does not --- */

static void what_comes_back_is_measured(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    ask(&asker, &place, "t", 30);
    hear_all(&asker, 30);
    CHECK_INT(place.near.came, 30);
    CHECK_INT(count_lost(&asker), 0);
    for (size_t i = 0; i < asker.count; i++)
        CHECK(asker.rtts[i] >= 0 && asker.rtts[i] < LATE_MS);
    CHECK_INT(asker.interval_ms, INTERVAL_MS);
    end(&place);
}

static void lose_each_third(struct echo *echo,
                            const struct sockaddr_storage *from,
                            uint32_t number,
                            uint8_t *bytes) {
    if (number % 3 != 0)
        send_back(echo, from, bytes, SIZE);
}

static void what_is_lost_is_told_at_its_place(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = lose_each_third;
    ask(&asker, &place, "t", 31);
    hear_all(&asker, 31);
    for (size_t i = 0; i < asker.count; i++)
        CHECK((asker.rtts[i] < 0) == (i % 3 == 0));
    end(&place);
}

/* Everything but the right answer, before it and behind it. */
static void answer_with_noise(struct echo *echo,
                              const struct sockaddr_storage *from,
                              uint32_t number,
                              uint8_t *bytes) {
    uint8_t other[SIZE + 1] = { 0 };

    memcpy(other, bytes, SIZE);
    for (size_t len = 0; len < SIZE; len++) /* too short */
        send_back(echo, from, bytes, len);
    send_back(echo, from, other, SIZE + 1); /* too long */
    for (size_t bit = 0; bit < 8 * DATAGRAMS_ID_LEN; bit++) {
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        send_back(echo, from, other, SIZE); /* another id */
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    memset(other + DATAGRAMS_ID_LEN, 0xff, 4); /* a number that was not sent */
    send_back(echo, from, other, SIZE);
    other[DATAGRAMS_ID_LEN] = 0;
    send_back(echo, from, other, SIZE);
    if (number % 2 == 0)
        send_back(echo, from, bytes, SIZE);
}

static void noise_is_no_answer(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = answer_with_noise;
    ask(&asker, &place, "t", 10);
    hear_all(&asker, 10);
    for (size_t i = 0; i < asker.count; i++)
        CHECK((asker.rtts[i] < 0) == (i % 2 == 1));
    end(&place);
}

static void answer_twice_and_all_before(struct echo *echo,
                                        const struct sockaddr_storage *from,
                                        uint32_t number,
                                        uint8_t *bytes) {
    for (uint32_t again = 0; number > 0 && again < number; again++) {
        bytes[DATAGRAMS_ID_LEN + 3] = (uint8_t)again;
        send_back(echo, from, bytes, SIZE);
    }
    bytes[DATAGRAMS_ID_LEN + 3] = (uint8_t)number;
    for (int i = 0; i < 3; i++)
        send_back(echo, from, bytes, SIZE);
}

static void what_comes_twice_counts_once(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = answer_twice_and_all_before;
    ask(&asker, &place, "t", 60);
    hear_all(&asker, 60);
    CHECK_INT(count_lost(&asker), 0);
    /* Others came up to 500 ms later, when a report was due: that is not its time. */
    if (place.near.gap_most_us < 100000)
        CHECK(asker.rtts[0] < 400);
    end(&place);
}

/* Answers of which the number was turned around: each pair comes in the wrong order. */
static void answer_in_pairs(struct echo *echo,
                            const struct sockaddr_storage *from,
                            uint32_t number,
                            uint8_t *bytes) {
    if (number % 2 == 0) {
        memcpy(echo->held, bytes, SIZE);
        return;
    }
    send_back(echo, from, bytes, SIZE);
    send_back(echo, from, echo->held, SIZE);
}

static void the_order_of_answers_does_not_matter(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = answer_in_pairs;
    ask(&asker, &place, "t", 20);
    hear_all(&asker, 20);
    CHECK_INT(count_lost(&asker), 0);
    for (size_t i = 0; i < asker.count; i += 2) /* it waited for the next */
        CHECK(asker.rtts[i] >= asker.rtts[i + 1]);
    end(&place);
}

static void on_release(struct timer *timer) {
    struct echo *echo = container_of(timer, struct echo, release);
    uint64_t now_us = loop_clock_us();

    if (now_us < echo->held_until_us) {
        timer_start(echo->place->loop, timer, (echo->held_until_us - now_us) / 1000 + 1);
        return;
    }
    send_back(echo, &echo->held_from, echo->held, SIZE);
}

static void keep_back(struct echo *echo,
                      const struct sockaddr_storage *from,
                      const uint8_t *bytes,
                      uint64_t for_ms) {
    memcpy(echo->held, bytes, SIZE);
    echo->held_from = *from;
    echo->held_until_us = loop_clock_us() + for_ms * 1000;
    echo->release.fire = on_release;
    timer_start(echo->place->loop, &echo->release, for_ms);
}

static void answer_first_too_late(struct echo *echo,
                                  const struct sockaddr_storage *from,
                                  uint32_t number,
                                  uint8_t *bytes) {
    if (number == 3)
        keep_back(echo, from, bytes, LATE_MS + 20);
    else
        send_back(echo, from, bytes, SIZE);
}

/* Whether or not a report was due in between: 2 s are 2 s. */
static void an_answer_behind_2_s_is_lost(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = answer_first_too_late;
    ask(&asker, &place, "t", 220);
    hear_all(&asker, 220);
    CHECK(asker.rtts[3] < 0);
    CHECK_INT(count_lost(&asker), 1);
    end(&place);
}

static void answer_first_in_time(struct echo *echo,
                                 const struct sockaddr_storage *from,
                                 uint32_t number,
                                 uint8_t *bytes) {
    if (number == 0)
        keep_back(echo, from, bytes, 700);
    else
        send_back(echo, from, bytes, SIZE);
}

static void an_answer_that_is_slow_counts_with_its_time(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = answer_first_in_time;
    ask(&asker, &place, "t", 20);
    hear_all(&asker, 20); /* it comes behind the last that was sent */
    CHECK(asker.rtts[0] >= 699 && asker.rtts[0] < LATE_MS);
    CHECK_INT(count_lost(&asker), 0);
    end(&place);
}

static void nobody_answers(struct echo *echo,
                           const struct sockaddr_storage *from,
                           uint32_t number,
                           uint8_t *bytes) {
}

static void an_echo_that_is_not_there_is_all_lost(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    place.near.answer = nobody_answers;
    ask(&asker, &place, "t", 15);
    hear_all(&asker, 15);
    CHECK_INT(count_lost(&asker), 15);
    end(&place);
}

/* --- who comes back --- */

static void who_comes_back_hears_the_rest(void) {
    struct place place;
    struct asker first, second;

    begin(&place);
    ask(&first, &place, "t", 120);
    wait_for_datagrams(&place, 70);
    CHECK(first.reports > 0);
    size_t heard = first.count;
    leave(&first); /* the link is lost; the test is not */
    wait_for_datagrams(&place, 90);
    Roost__V1__DatagramsRequest request = request_of(&place, "t", 120);
    request.from = (uint32_t)heard;
    ask_for(&second, &place, &request);
    hear_all(&second, 120);
    CHECK_INT(count_lost(&second), 0); /* what it did not hear itself is 0 there */
    CHECK_INT(place.near.came, 120);

    /* And once more, when it is over: all of it. */
    request = request_of(&place, "t", 120);
    request.interval_ms = 0;
    ask_for(&second, &place, &request);
    hear_all(&second, 120);
    CHECK_INT(place.near.came, 120);
    end(&place);
}

static void who_knows_more_than_there_is_hears_what_comes(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    Roost__V1__DatagramsRequest request = request_of(&place, "t", 10);
    request.from = 5000;
    ask_for(&asker, &place, &request);
    asker.count = 0;
    hear_all(&asker, 10);
    end(&place);
}

static void two_may_listen(void) {
    struct place place;
    struct asker first, second;

    begin(&place);
    ask(&first, &place, "t", 30);
    ask(&second, &place, "t", 30);
    wait_over(&first);
    hear_all(&second, 30);
    hear_all(&first, 30);
    CHECK_INT(place.near.came, 30);
    end(&place);
}

/* The hub was restarted: its echo has another port, and another id for the test. */
static void follow(const char *host) {
    struct place place;
    struct asker asker;

    begin(&place);
    open_echo(&place, &place.other, host, 0x3c);
    ask(&asker, &place, "t", 60);
    wait_for_datagrams(&place, 20);
    leave(&asker);
    place.echo = &place.other;
    ask(&asker, &place, "t", 60);
    hear_all(&asker, 60);
    CHECK(place.other.came > 0);
    CHECK_INT(place.other.foreign, 0);
    CHECK_INT(place.near.foreign, 0);
    CHECK_INT(place.near.came + place.other.came, 60);
    CHECK(count_lost(&asker) <= 1); /* one may have been under way */
    end(&place);
}

static void an_echo_that_moves_is_followed(void) {
    follow("127.0.0.1");
}

static void an_echo_that_moves_to_another_family_is_followed(void) {
    follow("::1");
}

static void an_answer_from_where_the_echo_was_has_the_wrong_id(void) {
    struct place place;
    struct asker asker;

    begin(&place);
    open_echo(&place, &place.other, "127.0.0.1", 0x3c);
    place.other.answer = nobody_answers;
    ask(&asker, &place, "t", 40);
    wait_for_datagrams(&place, 10);
    leave(&asker);
    place.echo = &place.other;
    ask(&asker, &place, "t", 40);
    wait_for_datagrams(&place, 10);
    /* What the first echo would still send is of its own id. */
    for (uint8_t number = 20; number < 40; number++) {
        uint8_t bytes[SIZE] = { 0 };
        memcpy(bytes, place.near.id, DATAGRAMS_ID_LEN);
        bytes[DATAGRAMS_ID_LEN + 3] = number;
        send_back(&place.near, &place.near.held_from, bytes, SIZE);
    }
    hear_all(&asker, 40);
    CHECK(count_lost(&asker) >= place.other.came);
    CHECK(count_lost(&asker) <= place.other.came + 1); /* one was under way */
    end(&place);
}

/* --- its end --- */

static void a_test_ends_when_it_is_asked_to(void) {
    struct place place;
    struct asker first, second;

    begin(&place);
    Roost__V1__DatagramsRequest request = request_of(&place, "t", 1000);
    request.interval_ms = 5000; /* the next one is far */
    ask_for(&first, &place, &request);
    wait_for_datagrams(&place, 1);
    uint64_t begun_us = loop_clock_us();
    request.end = true;
    ask_for(&second, &place, &request);
    hear_all(&second, 1);
    CHECK((loop_clock_us() - begun_us) / 1000 < 4000); /* 1 s, and not the interval */
    hear_all(&first, 1);
    CHECK_INT(place.near.came, 1);
    end(&place);
}

static void all_ends_with_the_agent(void) {
    struct place place;
    struct asker first, second;

    begin(&place);
    ask(&first, &place, "t", 1000);
    ask(&second, &place, "t", 1000);
    wait_for_datagrams(&place, 3);
    datagrams_stop(place.datagrams);
    wait_over(&second);
    wait_over(&first);
    CHECK_INT(first.status, GRPC_UNAVAILABLE);
    CHECK(strstr(second.message, "the agent stops"));
    leave(&first);
    leave(&second);
    end(&place);
}

/* --- questions --- */

static void refused(struct place *place,
                    const Roost__V1__DatagramsRequest *request,
                    enum grpc_status status,
                    const char *text) {
    struct asker asker;

    ask_for(&asker, place, request);
    wait_over(&asker);
    CHECK_INT(asker.status, status);
    CHECK(strstr(asker.message, text));
    CHECK_INT(asker.reports, 0);
    leave(&asker);
}

static void what_makes_no_sense_is_refused(void) {
    char longest[66];
    struct place place;

    begin(&place);
    memset(longest, 'x', 65);
    longest[65] = '\0';
    const struct {
        size_t at;
        uint32_t value;
        const char *text;
    } rows[] = {
        { offsetof(Roost__V1__DatagramsRequest, interval_ms), 9, "interval" },
        { offsetof(Roost__V1__DatagramsRequest, interval_ms), 10001, "interval" },
        { offsetof(Roost__V1__DatagramsRequest, interval_ms), UINT32_MAX, "interval" },
        { offsetof(Roost__V1__DatagramsRequest, count), 0, "datagrams" },
        { offsetof(Roost__V1__DatagramsRequest, count), 1000001, "datagrams" },
        { offsetof(Roost__V1__DatagramsRequest, count), UINT32_MAX, "datagrams" },
        { offsetof(Roost__V1__DatagramsRequest, size), 0, "bytes" },
        { offsetof(Roost__V1__DatagramsRequest, size), 31, "bytes" },
        { offsetof(Roost__V1__DatagramsRequest, size), 1401, "bytes" },
        { offsetof(Roost__V1__DatagramsRequest, size), UINT32_MAX, "bytes" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Roost__V1__DatagramsRequest request = request_of(&place, "t", 10);
        memcpy((char *)&request + rows[i].at, &rows[i].value, sizeof(uint32_t));
        refused(&place, &request, GRPC_INVALID_ARGUMENT, rows[i].text);
    }
    Roost__V1__DatagramsRequest request = request_of(&place, "", 10);
    refused(&place, &request, GRPC_INVALID_ARGUMENT, "1 to 64");
    request = request_of(&place, longest, 10);
    refused(&place, &request, GRPC_INVALID_ARGUMENT, "1 to 64");
    for (size_t len = 0; len < DATAGRAMS_ID_LEN; len++) {
        request = request_of(&place, "t", 10);
        request.echo_id.len = len;
        refused(&place, &request, GRPC_INVALID_ARGUMENT, "16 bytes");
    }
    request = request_of(&place, "t", 10);
    request.interval_ms = 0;
    refused(&place, &request, GRPC_NOT_FOUND, "there is no test t");
    CHECK_INT(place.near.came, 0);
    end(&place);
}

static void one_test_runs_at_a_time_and_four_results_are_kept(void) {
    struct place place;
    struct asker asker;
    char id[8];

    begin(&place);
    for (int i = 0; i < 6; i++) {
        struct asker other;
        snprintf(id, sizeof(id), "t%d", i);
        ask(&asker, &place, id, 2);
        wait_for_datagrams(&place, (size_t)i * 2 + 1);
        Roost__V1__DatagramsRequest request = request_of(&place, "another", 2);
        ask_for(&other, &place, &request);
        wait_over(&other);
        CHECK_INT(other.status, GRPC_FAILED_PRECONDITION);
        CHECK(strstr(other.message, id));
        leave(&other);
        hear_all(&asker, 2);
    }
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        Roost__V1__DatagramsRequest request = request_of(&place, id, 0);
        request.interval_ms = 0;
        if (i < 2) {
            refused(&place, &request, GRPC_NOT_FOUND, id);
        } else {
            ask_for(&asker, &place, &request);
            hear_all(&asker, 2);
        }
    }
    end(&place);
}

/* Somebody who does not read holds nothing up, and gets all of it later. */
static void who_reads_late_gets_all_of_it(void) {
    struct place place;
    struct asker deaf, asker;

    begin(&place);
    ask(&deaf, &place, "t", 150);
    client_pause(deaf.client, true);
    ask(&asker, &place, "t", 150);
    hear_all(&asker, 150);
    CHECK_INT(deaf.reports, 0);
    client_pause(deaf.client, false);
    hear_all(&deaf, 150);
    CHECK(deaf.reports <= 3); /* what waited is one report */
    end(&place);
}

TESTS(TEST(what_comes_back_is_measured),
      TEST(what_is_lost_is_told_at_its_place),
      TEST(noise_is_no_answer),
      TEST(what_comes_twice_counts_once),
      TEST(the_order_of_answers_does_not_matter),
      TEST(an_answer_behind_2_s_is_lost),
      TEST(an_answer_that_is_slow_counts_with_its_time),
      TEST(an_echo_that_is_not_there_is_all_lost),
      TEST(who_comes_back_hears_the_rest),
      TEST(who_knows_more_than_there_is_hears_what_comes),
      TEST(two_may_listen),
      TEST(an_echo_that_moves_is_followed),
      TEST(an_echo_that_moves_to_another_family_is_followed),
      TEST(an_answer_from_where_the_echo_was_has_the_wrong_id),
      TEST(a_test_ends_when_it_is_asked_to),
      TEST(all_ends_with_the_agent),
      TEST(what_makes_no_sense_is_refused),
      TEST(one_test_runs_at_a_time_and_four_results_are_kept),
      TEST(who_reads_late_gets_all_of_it))
