#include "hub/front/hosts.h"

#include <string.h>

#include "base/check.h"
#include "hub/config.h"

static bool has(const struct hosts *hosts, const char *name) {
    for (const char *const *at = hosts->names; *at; at++)
        if (strcmp(*at, name) == 0)
            return true;
    return false;
}

static void configured_names_join_those_of_this_machine(void) {
    char *listen[] = { "*:8000", "192.0.2.7:8001" };
    char *addresses[] = { "hub.example.org:443", "[2001:db8::1]:8000" };
    char *names[] = { "roost.example.org" };
    struct hub_config config = {
        .listen = { listen, 2 },
        .addresses = { addresses, 2 },
        .hosts = { names, 1 },
    };
    struct hosts hosts = { 0 };

    hosts_read(&hosts, &config);
    CHECK(has(&hosts, "localhost") && has(&hosts, "::1"));
    CHECK(has(&hosts, "192.0.2.7") && has(&hosts, "hub.example.org"));
    CHECK(has(&hosts, "2001:db8::1") && has(&hosts, "roost.example.org"));
    CHECK(!has(&hosts, ""));

    config = (struct hub_config) { 0 };
    hosts_read(&hosts, &config);
    CHECK(has(&hosts, "localhost") && !has(&hosts, "hub.example.org"));
    hosts_clear(&hosts);
    CHECK(hosts.count == 0 && !hosts.names[0]);
}

static void more_than_there_is_room_for_are_left_out(void) {
    char *many[HOSTS_MAX * 2];
    struct hub_config config = { .hosts = { many, HOSTS_MAX * 2 } };
    struct hosts hosts = { 0 };

    for (size_t i = 0; i < HOSTS_MAX * 2; i++)
        many[i] = "a.example.org";
    hosts_read(&hosts, &config);
    CHECK(hosts.count == HOSTS_MAX);
    CHECK(!hosts.names[HOSTS_MAX]);
    hosts_clear(&hosts);
}

TESTS(TEST(configured_names_join_those_of_this_machine),
      TEST(more_than_there_is_room_for_are_left_out))
