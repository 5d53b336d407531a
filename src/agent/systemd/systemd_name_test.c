#include "agent/systemd/systemd_name.h"

#include <string.h>

#include "base/check.h"

static void names_become_whole(void) {
    static const struct {
        const char *text;
        const char *whole; /* NULL: refused */
    } rows[] = {
        { "nginx", "nginx.service" },
        { "nginx.service", "nginx.service" },
        { "apt-daily.timer", "apt-daily.timer" },
        { "a.b", "a.b.service" },
        { "getty@tty1", "getty@tty1.service" },
        { "foo@", "foo@.service" },
        { "dev-disk-by\\x2dlabel.mount", "dev-disk-by\\x2dlabel.mount" },
        { "", NULL },
        { ".service", NULL },
        { "@x.service", NULL },
        { "../etc", NULL },
        { "a b", NULL },
        { "a\n", NULL },
        { "*", NULL },
        { "a/b.service", NULL },
        { "\xc3\xa4", NULL },
        { "x;reboot", NULL },
    };
    char name[SYSTEMD_NAME_CAP];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = systemd_name_whole(rows[i].text, name);
        CHECK((r == 0) == (rows[i].whole != NULL));
        if (rows[i].whole)
            CHECK(strcmp(name, rows[i].whole) == 0);
    }
}

static void long_names_are_refused_at_the_limit_of_systemd(void) {
    char text[400];
    char name[SYSTEMD_NAME_CAP];

    for (size_t len = 1; len < sizeof(text); len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        CHECK((systemd_name_whole(text, name) == 0) == (len + strlen(".service") < 256));
    }
}

static void acts_are_for_services_timers_and_sockets(void) {
    CHECK(systemd_name_is_for_acts("a.service"));
    CHECK(systemd_name_is_for_acts("a.timer"));
    CHECK(systemd_name_is_for_acts("a.socket"));
    CHECK(!systemd_name_is_for_acts("reboot.target"));
    CHECK(!systemd_name_is_for_acts("home.mount"));
    CHECK(!systemd_name_is_for_acts("init.scope"));
}

static void what_ends_the_host_is_power(void) {
    CHECK(systemd_name_is_power("systemd-reboot.service"));
    CHECK(systemd_name_is_power("systemd-suspend-then-hibernate.service"));
    CHECK(!systemd_name_is_power("systemd-logind.service"));
    CHECK(!systemd_name_is_power("systemd-reboot.timer"));
}

static void instances_know_their_template(void) {
    char name[SYSTEMD_NAME_CAP];

    CHECK(systemd_name_template("getty@tty1.service", name));
    CHECK(strcmp(name, "getty@.service") == 0);
    CHECK(!systemd_name_template("getty@.service", name));
    CHECK(!systemd_name_template("nginx.service", name));
    CHECK(systemd_name_is_template("getty@.service"));
    CHECK(!systemd_name_is_template("getty@tty1.service"));
    CHECK(!systemd_name_is_template("nginx.service"));
}

static void filters_are_parts_or_patterns(void) {
    CHECK(systemd_name_fits("", "a.service", "A"));
    CHECK(systemd_name_fits("ngi", "nginx.service", ""));
    CHECK(systemd_name_fits("WEB", "nginx.service", "A web server"));
    CHECK(systemd_name_fits("ngi*", "nginx.service", ""));
    CHECK(!systemd_name_fits("web*", "nginx.service", "web server"));
    CHECK(systemd_name_fits("nginx.servic?", "nginx.service", ""));
    CHECK(!systemd_name_fits("apache", "nginx.service", "A web server"));
}

static void a_process_knows_its_unit(void) {
    static const struct {
        const char *text;
        bool is_user;
        const char *name;
    } rows[] = {
        { "0::/system.slice/roost-agent.service\n", false, "roost-agent.service" },
        { "0::/system.slice/a.service/sub\n", false, "a.service" },
        { "0::/user.slice/user-1.slice/user@1.service/app.slice/roost-agent.service\n",
          true, "roost-agent.service" },
        { "0::/user.slice/user-1.slice/user@1.service/app.slice/roost-agent.service\n",
          false, "user@1.service" },
        { "0::/user.slice/user-1.slice/session-3.scope\n", false, "session-3.scope" },
        { "0::/user.slice/user-1.slice/session-3.scope\n", true, NULL },
        { "11:memory:/x\n1:name=systemd:/system.slice/b.service\n0::/\n", false,
          "b.service" },
        { "0::/\n", false, NULL },
        { "", false, NULL },
        { "0::/docker/abc\n", false, NULL },
        { "0::", false, NULL },
    };
    char name[SYSTEMD_NAME_CAP];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool found = systemd_name_of_cgroup(rows[i].text, rows[i].is_user, name);
        CHECK(found == (rows[i].name != NULL));
        if (rows[i].name)
            CHECK(strcmp(name, rows[i].name) == 0);
    }
}

TESTS(TEST(names_become_whole),
      TEST(long_names_are_refused_at_the_limit_of_systemd),
      TEST(acts_are_for_services_timers_and_sockets),
      TEST(what_ends_the_host_is_power),
      TEST(instances_know_their_template),
      TEST(filters_are_parts_or_patterns),
      TEST(a_process_knows_its_unit))
