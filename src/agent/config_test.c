#include "agent/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings_ask.h"
#include "base/settings_testing.h"

#define LINK                                                                             \
    "roost://hub:1/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef."    \
    "a8ae6e6e#web"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.a8ae6e6e"

/* Loads with a command line given as one text, which config_reload() reads again. */
static int load(const char *line,
                struct settings *settings,
                struct agent_config **config) {
    static struct settings_testing_line split;

    settings_testing_split("roost-agent", line, &split);
    return config_load(settings, split.argc, split.argv, config);
}

static void defaults_suit_a_first_start(void) {
    char *dir = check_folder_enter();
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;

    CHECK_INT(load("run --state .", settings, &config), 0);
    CHECK_INT(config->interval_ms, 5000);
    CHECK_INT(config->backoff_max_ms, 60000);
    CHECK_INT(config->port, 8000);
    CHECK_TEXT(config->verify_ssl, "1");
    CHECK(!config->secret && !config->link && !config->proxy);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void names_of_the_older_system_work_everywhere(void) {
    static const struct {
        const char *name;
        const char *value;
        const char *section;
        const char *setting;
    } names[] = {
        { "AGENT_SECRET", SECRET, "old", "secret" },
        { "AGENT_SERVER_IP", "hub.example", "old", "server" },
        { "AGENT_PORT", "8443", "old", "port" },
        { "AGENT_INTERVAL", "2", "agent", "interval" },
        { "AGENT_RECONNECT_DELAY", "1", "agent", "backoff_max" },
        { "AGENT_VERIFY_SSL", "0", "old", "verify_ssl" },
        { "AGENT_VERIFY_SSL", "force", "old", "verify_ssl" },
        { "AGENT_CA_FILE", "/ca.pem", "old", "ca_file" },
        { "AGENT_NET_IGNORE", "lo, tun", "net", "ignore" },
        { "LOG_LEVEL", "WARNING", "log", "level" },
        { "ROOST_LINK", LINK, "hub", "link" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct settings_row *row =
            settings_find(config_table(), names[i].section, names[i].setting);
        for (int real = 0; real < 2; real++) {
            char *dir = check_folder_enter();
            struct settings *settings = settings_new(config_table());
            struct agent_config *config = NULL;
            auto_(mem_freep) char *line =
                mem_printf("%s=%s\n", names[i].name, real ? "" : names[i].value);

            check_folder_put(".", ".env", line);
            if (real)
                setenv(names[i].name, names[i].value, 1);
            CHECK_INT(load("run --state .", settings, &config), 0);
            auto_(mem_freep) char *text = settings_text(settings, row);
            CHECK_TEXT(text, names[i].value);
            CHECK_INT(settings_rank_of(settings, row),
                      real ? SETTINGS_ENVIRONMENT : SETTINGS_DOTENV);
            config_free(config);
            settings_free(settings);
            check_folder_leave(dir);
        }
    }
}

static void the_file_of_the_state_folder_is_read(void) {
    char *dir = check_folder_enter();
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;

    check_folder_put(".", "agent.conf",
                     "[agent]\ninterval = 1\n"
                     "[hub]\nproxy_file = proxy\nlink = " LINK "\n"
                     "[net]\nexclude = wg*, tun*\n[mounts]\ninclude = /mnt/*\n");
    check_folder_put(".", "proxy", "http://me:pass@proxy:3128\n");
    CHECK_INT(load("run --state .", settings, &config), 0);
    CHECK_INT(config->interval_ms, 1000);
    CHECK_TEXT(config->proxy, "http://me:pass@proxy:3128");
    CHECK_TEXT(config->link, LINK);
    CHECK_INT(config->net_exclude.count, 2);
    CHECK_TEXT(config->mounts_include.items[0], "/mnt/*");
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void faults_are_told(void) {
    static const struct {
        const char *line;
        const char *error;
    } faults[] = {
        { "run --interval 0", "--interval: 0 is not from 1s to 3600s" },
        { "run --interval 3601", "--interval: 3601 is not from 1s to 3600s" },
        { "run --name x", "--name: belongs to \"roost-agent join\"" },
        { "join - --name X",
          "--name: \"X\": a name has a-z, 0-9, '.', '_', '-', starts with a letter or "
          "digit and has at most 63 of them" },
        { "run --purge", "--purge: belongs to \"roost-agent uninstall\"" },
        { "run --log-level", "--log-level: needs a value (LEVEL)" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char *dir = check_folder_enter();
        struct settings *settings = settings_new(config_table());
        struct agent_config *config = NULL;
        CHECK_INT(load(faults[i].line, settings, &config), SETTINGS_E_BAD);
        CHECK_TEXT(settings_error(settings), faults[i].error);
        settings_free(settings);
        check_folder_leave(dir);
    }
}

/* No secret is ever logged, so a bad one is not quoted either. */
static void a_bad_secret_is_not_quoted(void) {
    char *dir = check_folder_enter();
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;

    setenv("ROOST_LINK", "roost://hub:1/hush", 1);
    CHECK_INT(load("run --state .", settings, &config), SETTINGS_E_BAD);
    CHECK(!strstr(settings_error(settings), "hush"));
    CHECK(strstr(settings_error(settings), "ROOST_LINK: \"(secret)\": "));
    settings_free(settings);
    check_folder_leave(dir);
}

static void what_the_older_system_needs_is_asked(void) {
    char *dir = check_folder_enter();
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL;
    char typed[] = "hush\n" SECRET "\nnot a host\n\n", *shown = NULL;
    size_t shown_len = 0;
    FILE *in = fmemopen(typed, sizeof(typed) - 1, "r");
    FILE *out = open_memstream(&shown, &shown_len);
    struct settings_ask ask = { .out = out, .env_path = ".env" };
    struct buf kept = { 0 };

    CHECK_INT(load("run --state .", settings, &config), 0);
    CHECK_INT(config_ask(settings, &ask, &config), SETTINGS_E_MISSING);
    CHECK_TEXT(settings_error(settings),
               "secret is needed: set AGENT_SECRET in the environment or in .env");
    ask.in = in;
    CHECK_INT(config_ask(settings, &ask, &config), 0);
    CHECK_TEXT(config->secret, SECRET);
    CHECK_TEXT(config->server, "127.0.0.1");
    CHECK(strstr(config->argv[1], "run"));
    CHECK_INT(file_read(".env", 1000, &kept), 0);
    CHECK_TEXT(buf_text(&kept), "AGENT_SECRET=" SECRET "\nAGENT_SERVER_IP=127.0.0.1\n");
    fclose(in);
    fclose(out);
    CHECK(strstr(shown, "not a token of the hub") && strstr(shown, "neither a name"));
    CHECK(!strstr(shown, "hush"));
    free(shown);
    buf_done(&kept);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void a_secret_is_a_token(void) {
    static const struct {
        const char *secret, *why;
    } faults[] = {
        { "A1b2C3d4E5f6G7h8I9j0", "not a token of the hub" },
        { LINK, "that is a join link" },
        { "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.a8ae6e6e",
          "mistyped" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char *dir = check_folder_enter();
        struct settings *settings = settings_new(config_table());
        struct agent_config *config = NULL;

        setenv("AGENT_SECRET", faults[i].secret, 1);
        CHECK_INT(load("run --state .", settings, &config), SETTINGS_E_BAD);
        CHECK(strstr(settings_error(settings), "AGENT_SECRET: \"(secret)\": "));
        CHECK(strstr(settings_error(settings), faults[i].why));
        settings_free(settings);
        check_folder_leave(dir);
    }
}

static void a_reload_takes_what_is_live(void) {
    char *dir = check_folder_enter();
    struct settings *settings = settings_new(config_table());
    struct agent_config *config = NULL, *old = NULL;
    struct buf told = { 0 };

    check_folder_put(".", "agent.conf", "[agent]\ninterval = 1\n[net]\nexclude = wg*\n");
    CHECK_INT(load("run --state . --log-level debug", settings, &config), 0);
    settings_free(settings);

    check_folder_put(".", "agent.conf",
                     "[agent]\ninterval = 2\n[old]\nport = 81\n[log]\n"
                     "level = error\n[hub]\nproxy = http://p:1\n");
    settings = settings_new(config_table());
    CHECK_INT(config_reload(config, settings, settings_testing_note, &told, &old), 0);
    CHECK_TEXT(buf_text(&told), "proxy interval exclude port! ");
    CHECK_INT(config->interval_ms, 2000);
    CHECK_INT(config->net_exclude.count, 0);
    CHECK_TEXT(config->proxy, "http://p:1");
    CHECK_INT(config->port, 8000);
    CHECK_TEXT(config->common.log_level, "debug"); /* the flag still wins */
    config_free(old);
    settings_free(settings);

    check_folder_put(".", "agent.conf", "[agent]\ninterval = 0\n");
    settings = settings_new(config_table());
    CHECK_INT(config_reload(config, settings, settings_testing_note, &told, &old),
              SETTINGS_E_BAD);
    CHECK(strstr(settings_error(settings), "agent.conf:2: interval: 0 is not from 1s"));
    CHECK_INT(config->interval_ms, 2000);
    buf_done(&told);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void back_ends_have_sections_of_their_own(void) {
    static const struct {
        const char *text;
        const char *why; /* NULL: fine */
    } rows[] = {
        { "[expose a]\naddress = 127.0.0.1:50051\n", NULL },
        { "[expose a]\naddress = unix:/run/a.sock\nservices = a.B, c.D\n", NULL },
        { "[expose a]\naddress = a:1\ntls = yes\nca = a.pem\n", NULL },
        { "[expose a]\naddress = a:1\ntls = yes\nserver_name = b\npin = "
          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
          NULL },
        { "[expose a]\nservices = a.B\n", "[expose a]: address is needed" },
        { "[expose a]\naddress = localhost\n",
          "agent.conf:2: address: \"localhost\": an" },
        { "[expose a]\naddress = unix:\n", "an address is HOST:PORT or unix:/PATH" },
        { "[expose a]\naddress = a:1\nca = a.pem\n", "need tls = yes" },
        { "[expose a]\naddress = a:1\npin = abc\n", "a pin is the SHA-256" },
        { "[expose a]\naddress = a:1\nservices = a/B\n", "package.Service" },
        { "[expose a]\naddress = a:1\nserver_name = a b\n", "not a name of a host" },
    };
    char *dir = check_folder_enter();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings *settings = settings_new(config_table());
        struct agent_config *config = NULL;
        check_folder_put(".", "agent.conf", rows[i].text);
        CHECK_INT(load("run --state .", settings, &config),
                  rows[i].why ? SETTINGS_E_BAD : 0);
        if (rows[i].why)
            CHECK(strstr(settings_error(settings), rows[i].why));
        else
            CHECK_INT(config->exposes.count, 1);
        config_free(config);
        settings_free(settings);
    }
    check_folder_leave(dir);
}

static void the_table_is_sound(void) {
    settings_testing_check_table(config_table());
    settings_testing_check_table(&config_expose_table);
}

TESTS(TEST(defaults_suit_a_first_start),
      TEST(names_of_the_older_system_work_everywhere),
      TEST(the_file_of_the_state_folder_is_read),
      TEST(faults_are_told),
      TEST(a_bad_secret_is_not_quoted),
      TEST(what_the_older_system_needs_is_asked),
      TEST(a_secret_is_a_token),
      TEST(a_reload_takes_what_is_live),
      TEST(back_ends_have_sections_of_their_own),
      TEST(the_table_is_sound))
