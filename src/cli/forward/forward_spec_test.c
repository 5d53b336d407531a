#include "cli/forward/forward_spec.h"

#include "base/check.h"

static void every_form_is_read(void) {
    static const struct {
        const char *text;
        const char *local;
        unsigned local_port;
        const char *to;
        unsigned port;
        bool chosen;
    } rows[] = {
        { "5432", "127.0.0.1", 5432, "127.0.0.1", 5432, false },
        { "db.lan:5432", "127.0.0.1", 5432, "db.lan", 5432, false },
        { "15432:db.lan:5432", "127.0.0.1", 15432, "db.lan", 5432, true },
        { "0:db.lan:5432", "127.0.0.1", 0, "db.lan", 5432, true },
        { "0.0.0.0:1:db:2", "0.0.0.0", 1, "db", 2, true },
        { "*:1:db:2", "", 1, "db", 2, true },
        { ":1:db:2", "", 1, "db", 2, true },
        { "[::1]:22", "127.0.0.1", 22, "::1", 22, false },
        { "[::]:1:[fd00::1]:2", "::", 1, "fd00::1", 2, true },
        { "1:[fd00::1]:2", "127.0.0.1", 1, "fd00::1", 2, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct forward_spec spec;
        const char *why = NULL;
        CHECK_INT(forward_spec_parse(rows[i].text, &spec, &why), 0);
        CHECK_TEXT(spec.local.host, rows[i].local);
        CHECK_INT(spec.local.port, rows[i].local_port);
        CHECK_TEXT(spec.to.host, rows[i].to);
        CHECK_INT(spec.to.port, rows[i].port);
        CHECK_INT(spec.chose_port, rows[i].chosen);
    }
}

static void nonsense_is_refused(void) {
    static const char *const rows[] = {
        "",        "db",         ":",           "db:",      "db:0",      "db:65536",
        "::1:22",  "1:2:3:4:5",  "x:db:1",      "1:db:x",   "[::1]",     "[::1:22",
        "a b:22",  "1::2",       "65536:db:1",  "999999",   "-1:db:1",   "db:1:",
        "1:db:1/", "http://a:1", "[db.lan]:22", "1:[::1:2", "127.0.1:22"
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct forward_spec spec;
        const char *why = NULL;
        if (forward_spec_parse(rows[i], &spec, &why) == 0)
            fail_msg("%s was taken", rows[i]);
        CHECK(why != NULL);
    }
}

TESTS(TEST(every_form_is_read), TEST(nonsense_is_refused))
