#include "hub/probes/echo_gate.h"

#include <string.h>

#include "base/check.h"
#include "loop/netaddr.h"

enum { SIZE = 64, INTERVAL_MS = 20 };

struct scene {
    struct echo_gate *gate;
    struct echo_pass *pass;
    struct sockaddr_storage from;
    uint8_t bytes[1500];
    uint64_t now_us;
};

static void begin(struct scene *scene, const char *peer) {
    memset(scene, 0, sizeof(*scene));
    scene->gate = echo_gate_new();
    scene->pass = echo_gate_admit(scene->gate, peer, SIZE, INTERVAL_MS);
    CHECK(scene->pass);
    memcpy(scene->bytes, echo_gate_id(scene->pass), ECHO_GATE_ID_LEN);
    scene->now_us = 1000000;
    CHECK(netaddr_parse("192.0.2.7", 40000, &scene->from));
}

static void end(struct scene *scene) {
    scene->pass = echo_gate_dismiss(scene->pass);
    echo_gate_free(scene->gate);
}

static bool answers(struct scene *scene, size_t len) {
    return echo_gate_answers(scene->gate, &scene->from, slice_of(scene->bytes, len),
                             scene->now_us);
}

static void the_test_is_answered_whatever_its_port(void) {
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    CHECK(answers(&scene, SIZE));
    CHECK(netaddr_parse("::ffff:192.0.2.7", 1, &scene.from));
    CHECK(answers(&scene, SIZE));
    end(&scene);
}

static void nobody_else_is_answered(void) {
    static const char *const others[] = { "192.0.2.8", "127.0.0.1", "::1",
                                          "::ffff:192.0.2.8", "2001:db8::7" };
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK(netaddr_parse(others[i], 51111, &scene.from));
        CHECK(!answers(&scene, SIZE));
    }
    memset(&scene.from, 0, sizeof(scene.from));
    CHECK(!answers(&scene, SIZE));
    end(&scene);
}

static void no_other_size_is_answered(void) {
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    for (size_t len = 0; len <= sizeof(scene.bytes); len++)
        CHECK(answers(&scene, len) == (len == SIZE));
    end(&scene);
}

static void every_bit_of_the_id_counts(void) {
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    for (size_t bit = 0; bit < 8 * ECHO_GATE_ID_LEN; bit++) {
        scene.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!answers(&scene, SIZE));
        scene.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(answers(&scene, SIZE));
    end(&scene);
}

static void nothing_is_answered_behind_the_end(void) {
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    scene.pass = echo_gate_dismiss(scene.pass);
    CHECK(!answers(&scene, SIZE));
    end(&scene);
}

static void a_session_that_comes_back_elsewhere_is_answered_there(void) {
    struct scene scene;

    begin(&scene, "192.0.2.7:51111");
    echo_gate_move(scene.pass, "[2001:db8::7]:4");
    CHECK(!answers(&scene, SIZE));
    CHECK(netaddr_parse("2001:db8::7", 9, &scene.from));
    CHECK(answers(&scene, SIZE));
    echo_gate_move(scene.pass, "somewhere");
    CHECK(answers(&scene, SIZE));
    end(&scene);
}

static void no_more_is_answered_than_the_interval_allows(void) {
    struct scene scene;
    size_t answered = 0;

    begin(&scene, "192.0.2.7:51111");
    for (size_t i = 0; i < 2 * ECHO_GATE_BURST; i++)
        answered += answers(&scene, SIZE);
    CHECK_INT(answered, ECHO_GATE_BURST);

    /* A second at twenty times the rate, then at the rate itself. */
    answered = 0;
    for (size_t i = 0; i < 1000; i++, scene.now_us += 1000)
        answered += answers(&scene, SIZE);
    CHECK(answered <= 1000 / INTERVAL_MS * 5 / 4 + 1);
    scene.now_us += 1000000;
    answered = 0;
    for (size_t i = 0; i < 1000; i++, scene.now_us += INTERVAL_MS * 1000)
        answered += answers(&scene, SIZE);
    CHECK_INT(answered, 1000);
    end(&scene);
}

static void what_is_no_address_gets_no_pass_and_neither_do_too_many(void) {
    static const char *const peers[] = { "", "unix:/run/x", "hub.example.org:1",
                                         "10.0.0.1" };
    struct echo_pass *passes[ECHO_GATE_PASSES_MAX];
    struct echo_gate *gate = echo_gate_new();

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++)
        CHECK(!echo_gate_admit(gate, peers[i], SIZE, INTERVAL_MS));
    for (size_t i = 0; i < ECHO_GATE_PASSES_MAX; i++)
        CHECK((passes[i] = echo_gate_admit(gate, "10.0.0.1:1", SIZE, INTERVAL_MS)));
    CHECK(!echo_gate_admit(gate, "10.0.0.1:1", SIZE, INTERVAL_MS));
    for (size_t i = 0; i < ECHO_GATE_PASSES_MAX; i++)
        echo_gate_dismiss(passes[i]);
    echo_gate_free(gate);
}

TESTS(TEST(the_test_is_answered_whatever_its_port),
      TEST(nobody_else_is_answered),
      TEST(no_other_size_is_answered),
      TEST(every_bit_of_the_id_counts),
      TEST(nothing_is_answered_behind_the_end),
      TEST(a_session_that_comes_back_elsewhere_is_answered_there),
      TEST(no_more_is_answered_than_the_interval_allows),
      TEST(what_is_no_address_gets_no_pass_and_neither_do_too_many))
