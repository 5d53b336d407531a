#include "hub/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings_ask.h"
#include "base/settings_show.h"
#include "base/settings_testing.h"

/* A folder of its own, which is the home folder too. */
static char *enter_home(void) {
    char *dir = check_folder_enter();
    CHECK_INT(setenv("HOME", dir, 1), 0);
    return dir;
}

/* Loads with a command line given as one text, which config_reload() reads again. */
static int load(const char *line, struct settings *settings, struct hub_config **config) {
    static struct settings_testing_line split;

    settings_testing_split("roostd", line, &split);
    return config_load(settings, split.argc, split.argv, NULL, config);
}

static void defaults_suit_a_first_start(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;

    CHECK_INT(load("--data .", settings, &config), 0);
    CHECK_INT(config->listen.count, 1);
    CHECK_TEXT(config->listen.items[0], "*:8000");
    CHECK_INT(config->listen_plain.count, 0);
    CHECK_TEXT(config->common.log_level, "info");
    CHECK_INT(config->message_bytes_max, 4 * 1024 * 1024);
    CHECK_INT(config->handshake_ms, 10000);
    CHECK(!config->cert && !config->telegram_token && !config->common.help);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void the_data_folder_depends_on_the_user(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;
    auto_(mem_freep) char *home = file_join(dir, ".local/state/roost");

    CHECK_INT(load("--help", settings, &config), 0);
    CHECK(config->common.help);
    CHECK_TEXT(config->data, geteuid() == 0 ? "/var/lib/roost" : home);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

/* Where one setting may come from, and what it then is. */
static void names_of_older_systems_work_everywhere(void) {
    static const struct {
        const char *name;
        const char *value;
        const char *section;
        const char *setting;
        const char *text;
    } names[] = {
        { "PORT", "9000", "hub", "listen", "9000" },
        { "HTTP_LISTEN_ADDR", ":8080", "hub", "listen", ":8080" },
        { "GRPC_LISTEN_ADDR", "127.0.0.1:9090", "hub", "listen", "127.0.0.1:9090" },
        { "LOG_LEVEL", "DEBUG", "log", "level", "DEBUG" },
        { "BOT_TOKEN", "1:a", "telegram", "token", "1:a" },
        { "SSL_CERT", "/c", "tls", "cert", "/c" },
        { "SSL_KEY", "/k", "tls", "key", "/k" },
        { "ROOST_DATA", ".", NULL, "data", "." },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct settings_row *row =
            settings_find(config_table(), names[i].section, names[i].setting);
        for (int where = 0; where < 3; where++) {
            char *dir = enter_home();
            struct settings *settings = settings_new(config_table());
            struct hub_config *config = NULL;
            auto_(mem_freep) char *line =
                mem_printf("%s=%s\n", names[i].name, names[i].value);

            if (where != 0) /* the environment wins over .env */
                setenv(names[i].name, names[i].value, 1);
            check_folder_put(".", ".env",
                             where == 2 ? "LOG_LEVEL=error\nPORT=1\n" : line);
            if (where == 1)
                CHECK_INT(remove(".env"), 0);
            load("", settings, &config); /* a certificate alone is refused */
            auto_(mem_freep) char *text = settings_text(settings, row);
            CHECK_TEXT(text, names[i].text);
            CHECK_INT(settings_rank_of(settings, row),
                      where == 0 ? SETTINGS_DOTENV : SETTINGS_ENVIRONMENT);
            config_free(config);
            settings_free(settings);
            check_folder_leave(dir);
        }
    }
}

static void the_file_is_in_the_data_folder_or_where_told(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;

    CHECK_INT(mkdir("data", 0700), 0);
    check_folder_put(".", "data/roost.conf",
                     "[hub]\naddress = a.example:1, b.example:2\n");
    check_folder_put(".", "other.conf",
                     "[limits]\nhead = 3s\n[telegram]\ntoken_file = secret\n");
    check_folder_put(".", "secret", "hush\n");
    CHECK_INT(load("--data data", settings, &config), 0);
    CHECK_INT(config->addresses.count, 2);
    CHECK_TEXT(config->addresses.items[1], "b.example:2");
    config_free(config);
    settings_free(settings);

    settings = settings_new(config_table());
    CHECK_INT(load("--data data --config other.conf", settings, &config), 0);
    CHECK_INT(config->addresses.count, 0);
    CHECK_INT(config->head_ms, 3000);
    CHECK_TEXT(config->telegram_token, "hush");
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void the_documented_command_line_is_taken(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;

    CHECK_INT(load("--data=d --listen 127.0.0.1:0 --listen [::1]:0 --listen-plain "
                   "127.0.0.1:1",
                   settings, &config),
              0);
    CHECK_TEXT(config->data, "d");
    CHECK_INT(config->listen.count, 2);
    CHECK_INT(config->listen_plain.count, 1);
    CHECK_INT(settings_words(settings)->count, 0);
    config_free(config);
    settings_free(settings);

    settings = settings_new(config_table());
    CHECK_INT(load("claim --data d --new", settings, &config), 0);
    CHECK(config->is_new);
    CHECK_TEXT(settings_words(settings)->items[0], "claim");
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void faults_are_told(void) {
    static const struct {
        const char *line;
        const char *error;
    } faults[] = {
        { "--data . --listen hub",
          "--listen: \"hub\": no port from 0 to 65535 at the end" },
        { "--data . --listen !:1",
          "--listen: \"!:1\": no host or address before the port" },
        { "--data . --listen-plain 0.0.0.0:1",
          "listen_plain: 0.0.0.0:1 is not a loopback address; if that is what you want, "
          "set \"plain_anywhere = anyone may read the traffic\" in [hub]" },
        { "--data . --listen-plain 1",
          "listen_plain: 1 is not a loopback address; if that is what you want, set "
          "\"plain_anywhere = anyone may read the traffic\" in [hub]" },
        { "--data . --cert c",
          "key is needed: set SSL_KEY in the environment or in .env, or give --key" },
        { "--data . --key k",
          "cert is needed: set SSL_CERT in the environment or in .env, or give --cert" },
        { "--data . --new", "--new: belongs to \"roostd claim\"" },
        { "--data . --log-level loud",
          "--log-level: \"loud\": none of: error warning info debug" },
        { "--data . --store postgres://db/roost",
          "--store: \"postgres://db/roost\": this version keeps everything in SQLite: "
          "sqlite:PATH" },
        { "--data . --store roost.db", "--store: \"roost.db\": it takes sqlite:PATH" },
        { "--data . --store sqlite:",
          "--store: \"sqlite:\": a file is needed: sqlite:PATH" },
        { "--data . --config none", "none: No such file or directory" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char *dir = enter_home();
        struct settings *settings = settings_new(config_table());
        struct hub_config *config = NULL;
        int r = load(faults[i].line, settings, &config);
        CHECK(r == SETTINGS_E_BAD || r == SETTINGS_E_MISSING || r == -ENOENT);
        CHECK(!config);
        CHECK_TEXT(settings_error(settings), faults[i].error);
        settings_free(settings);
        check_folder_leave(dir);
    }
}

static void half_of_a_pair_asks_for_the_other(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;
    char typed[] = "/key\n", *shown = NULL, *argv[] = { "roostd", "--data", "." };
    size_t shown_len = 0;
    FILE *in = fmemopen(typed, sizeof(typed) - 1, "r");
    FILE *out = open_memstream(&shown, &shown_len);
    struct settings_ask ask = { .in = in, .out = out, .env_path = ".env" };
    struct buf kept = { 0 };

    check_folder_put(".", ".env", "SSL_CERT=/cert");
    CHECK_INT(config_load(settings, 3, argv, &ask, &config), 0);
    CHECK_TEXT(config->cert, "/cert");
    CHECK_TEXT(config->key, "/key");
    CHECK_INT(file_read(".env", 1000, &kept), 0);
    CHECK_TEXT(buf_text(&kept), "SSL_CERT=/cert\nSSL_KEY=/key\n");
    fclose(in);
    fclose(out);
    CHECK_TEXT(shown, "File of the certificate's key (SSL_KEY): ");
    free(shown);
    buf_done(&kept);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void a_reload_takes_what_is_live(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL, *old = NULL;
    struct buf told = { 0 };

    check_folder_put(".", "roost.conf", "[hub]\nlisten = :1\n[limits]\nhead = 5\n");
    CHECK_INT(load("--data .", settings, &config), 0);
    settings_free(settings);

    check_folder_put(".", "roost.conf",
                     "[hub]\nlisten = :2\naddress = hub:1\n[limits]\nhead = 6\n");
    settings = settings_new(config_table());
    CHECK_INT(config_reload(config, settings, settings_testing_note, &told, &old), 0);
    CHECK_TEXT(buf_text(&told), "listen! address head ");
    CHECK_INT(config->head_ms, 6000);
    CHECK_TEXT(config->listen.items[0], ":1");
    CHECK_TEXT(config->addresses.items[0], "hub:1");
    config_free(old);
    settings_free(settings);

    check_folder_put(".", "roost.conf", "[tls]\ncert = c\n");
    settings = settings_new(config_table());
    CHECK_INT(config_reload(config, settings, settings_testing_note, &told, &old),
              SETTINGS_E_MISSING);
    CHECK_INT(config->head_ms, 6000);
    CHECK(!config->cert);
    buf_done(&told);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void plain_anywhere_takes_the_words(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;

    check_folder_put(".", "roost.conf", "[hub]\nplain_anywhere = yes\n");
    CHECK_INT(load("--data .", settings, &config), SETTINGS_E_BAD);
    check_folder_put(
        ".", "roost.conf",
        "[hub]\nlisten_plain = :80\nplain_anywhere = anyone may read the traffic\n");
    settings_free(settings);
    settings = settings_new(config_table());
    CHECK_INT(load("--data .", settings, &config), 0);
    CHECK_INT(config->listen_plain.count, 1);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

static void samples_are_kept_as_long_as_told(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;

    check_folder_put(".", "roost.conf",
                     "[store]\nretention_raw = 0\nretention_1m = 2w\n"
                     "url = sqlite:other/x.db\n");
    CHECK_INT(load("--data /tmp/d --config roost.conf", settings, &config), 0);
    CHECK_INT(config->retention_ms[TIER_RAW], 0);
    CHECK_INT(config->retention_ms[TIER_1M], 1209600000);
    CHECK(config->retention_ms[TIER_15M] == UINT64_C(31536000000));
    CHECK(config->retention_ms[TIER_2H] == UINT64_C(157680000000));
    auto_(mem_freep) char *path = config_store_path(config);
    CHECK_TEXT(path, "/tmp/d/other/x.db");
    config_free(config);
    settings_free(settings);

    settings = settings_new(config_table());
    config = NULL;
    check_folder_put(".", "roost.conf", "[store]\nretention_15m = 90m\n");
    CHECK_INT(load("--data .", settings, &config), SETTINGS_E_BAD);
    CHECK_TEXT(settings_error(settings), "retention_15m: at least 2h, or 0 for ever");
    settings_free(settings);
    check_folder_leave(dir);
}

static void the_table_is_sound(void) {
    settings_testing_check_table(config_table());
}

static void what_is_shown_has_no_secret(void) {
    char *dir = enter_home();
    struct settings *settings = settings_new(config_table());
    struct hub_config *config = NULL;
    struct buf out = { 0 };

    setenv("BOT_TOKEN", "hush", 1);
    CHECK_INT(load("--data .", settings, &config), 0);
    settings_show_values(settings, &out);
    CHECK(!strstr(buf_text(&out), "hush"));
    CHECK(strstr(buf_text(&out), "; token = (secret) ; BOT_TOKEN"));
    buf_done(&out);
    config_free(config);
    settings_free(settings);
    check_folder_leave(dir);
}

TESTS(TEST(defaults_suit_a_first_start),
      TEST(the_data_folder_depends_on_the_user),
      TEST(names_of_older_systems_work_everywhere),
      TEST(the_file_is_in_the_data_folder_or_where_told),
      TEST(the_documented_command_line_is_taken),
      TEST(faults_are_told),
      TEST(half_of_a_pair_asks_for_the_other),
      TEST(a_reload_takes_what_is_live),
      TEST(plain_anywhere_takes_the_words),
      TEST(samples_are_kept_as_long_as_told),
      TEST(the_table_is_sound),
      TEST(what_is_shown_has_no_secret))
