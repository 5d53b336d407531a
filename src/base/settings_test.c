#include "base/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/settings_args.h"
#include "base/settings_ask.h"
#include "base/settings_env.h"
#include "base/settings_ini.h"
#include "base/settings_show.h"

struct values {
    struct settings_list listen;
    char *address;
    char *level;
    char *password;
    uint64_t interval_ms;
    uint64_t size;
    uint64_t count;
    bool plain;
    bool is_new;
    char *folder;
};

static const char *check_listen(const char *text) {
    struct address address;
    return address_parse_listen(slice_of_text(text), &address) == 0 ? NULL : "no address";
}

static char *make_folder(void) {
    return mem_strdup("/computed");
}

static const struct settings_row rows[] = {
    { .section = "hub",
      .name = "listen",
      .kind = SETTINGS_LIST,
      .at = offsetof(struct values, listen),
      .fallback = "*:8000",
      .check = check_listen,
      .env = "PORT HTTP_LISTEN_ADDR",
      .flag = "listen",
      .letter = 'l',
      .argument = "ADDR:PORT",
      .help = "Where to listen" },
    { .section = "hub",
      .name = "address",
      .kind = SETTINGS_TEXT,
      .at = offsetof(struct values, address),
      .fallback = "127.0.0.1",
      .env = "SERVER",
      .ask = "Address of the hub",
      .help = "What stands in links" },
    { .section = "log",
      .name = "level",
      .kind = SETTINGS_TEXT,
      .at = offsetof(struct values, level),
      .fallback = "info",
      .choices = "error warning info debug",
      .env = "LOG_LEVEL",
      .help = "How much is logged" },
    { .section = "hub",
      .name = "password",
      .kind = SETTINGS_SECRET,
      .at = offsetof(struct values, password),
      .env = "SECRET OLD_SECRET",
      .flag = "password",
      .ask = "Password",
      .help = "A secret" },
    { .section = "hub",
      .name = "interval",
      .kind = SETTINGS_DURATION,
      .at = offsetof(struct values, interval_ms),
      .fallback = "5s",
      .low = 1000,
      .high = 3600000,
      .env = "INTERVAL",
      .flag = "interval",
      .help = "How often" },
    { .section = "hub",
      .name = "size",
      .kind = SETTINGS_BYTES,
      .at = offsetof(struct values, size),
      .fallback = "64KiB",
      .low = 1024,
      .high = 1 << 30,
      .flag = "size",
      .help = "How big" },
    { .section = "hub",
      .name = "count",
      .kind = SETTINGS_INT,
      .at = offsetof(struct values, count),
      .fallback = "7",
      .low = 1,
      .high = 10,
      .flag = "count",
      .help = "How many" },
    { .section = "hub",
      .name = "plain",
      .kind = SETTINGS_BOOL,
      .at = offsetof(struct values, plain),
      .flag = "plain",
      .help = "No TLS" },
    { .name = "new",
      .kind = SETTINGS_BOOL,
      .at = offsetof(struct values, is_new),
      .flag = "new",
      .commands = "claim",
      .help = "Make another one" },
    { .section = "hub",
      .name = "folder",
      .kind = SETTINGS_TEXT,
      .at = offsetof(struct values, folder),
      .make_fallback = make_folder,
      .help = "Where" },
};

static const struct settings_table table = {
    .program = "prog",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct values),
};

static const struct settings_row *row_of(const char *name) {
    return settings_find(&table, strcmp(name, "level") == 0 ? "log" : "hub", name);
}

static void texts_become_values(void) {
    struct settings *settings = settings_new(&table);
    struct values values;

    CHECK_INT(settings_ini_read_text(settings, "a.conf",
                                     "# a comment\n"
                                     "[hub]\n"
                                     "listen = 127.0.0.1:1, [::1]:2\n"
                                     "  :3\n"
                                     "interval = 2m ; for tests\n"
                                     "size=1 MiB\n"
                                     "count : 10\n"
                                     "plain = Yes\n"
                                     "address =\n"
                                     "password = a # b\n"
                                     "[log]\n"
                                     "level = debug\n"),
              0);
    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_INT(values.listen.count, 3);
    CHECK_TEXT(values.listen.items[1], "[::1]:2");
    CHECK_TEXT(values.listen.items[2], ":3");
    CHECK_INT(values.interval_ms, 120000);
    CHECK_INT(values.size, 1 << 20);
    CHECK_INT(values.count, 10);
    CHECK(values.plain && !values.is_new);
    CHECK(!values.address);
    CHECK_TEXT(values.password, "a # b");
    CHECK_TEXT(values.level, "debug");
    CHECK_TEXT(values.folder, "/computed");
    settings_clear(&table, &values);
    CHECK(!values.password);
    settings_free(settings);
}

static void defaults_fill_what_nobody_set(void) {
    struct settings *settings = settings_new(&table);
    struct values values;

    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_INT(values.listen.count, 1);
    CHECK_TEXT(values.listen.items[0], "*:8000");
    CHECK_TEXT(values.address, "127.0.0.1");
    CHECK_INT(values.interval_ms, 5000);
    CHECK_INT(values.size, 65536);
    CHECK(!values.password && !values.plain);
    settings_clear(&table, &values);
    settings_free(settings);
}

/* Reads the source with this number, or one of its kind that says nothing. */
static int read_source(struct settings *settings, int number, bool on, const char *path) {
    char *argv[] = { "prog", "--interval", "9" };
    char *environment[] = { "INTERVAL=8", "PATH=/", NULL };
    char *no_environment[] = { "NOTHING", NULL };

    switch (number) {
    case 0:
        return settings_ini_read_text(settings, "f", on ? "[hub]\ninterval=6\n" : "");
    case 1:
        return settings_env_read_file(settings, on ? path : "/none");
    case 2:
        return settings_env_read(settings, on ? environment : no_environment);
    default:
        return settings_args_read(settings, on ? 3 : 1, argv);
    }
}

/* In whatever order the sources are read, the same one wins. */
static void a_higher_source_wins_in_any_order(void) {
    char path[] = "/tmp/roost-env-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    CHECK_INT(file_write_atomic(path, slice_of_text("INTERVAL=7\n"), 0600), 0);

    for (int set = 0; set < 16; set++) {
        int seconds = 5;
        for (int i = 0; i < 4; i++)
            if (set >> i & 1)
                seconds = 6 + i;
        for (int backwards = 0; backwards < 2; backwards++) {
            struct settings *settings = settings_new(&table);
            struct values values;
            for (int k = 0; k < 4; k++) {
                int i = backwards ? 3 - k : k;
                CHECK_INT(read_source(settings, i, set >> i & 1, path), 0);
            }
            CHECK_INT(settings_fill(settings, &values), 0);
            CHECK_INT(values.interval_ms, seconds * 1000);
            settings_clear(&table, &values);
            settings_free(settings);
        }
    }
    CHECK_INT(remove(path), 0);
}

static void lists_add_up_within_one_source(void) {
    char *argv[] = { "prog", "--listen", "1", "-l", "2,3" };
    char *environment[] = { "HTTP_LISTEN_ADDR=:8080", "PORT=9000", NULL };
    struct settings *settings = settings_new(&table);

    CHECK_INT(settings_ini_read_text(settings, "f", "[hub]\nlisten=5\nlisten=6\n"), 0);
    auto_(mem_freep) char *file = settings_text(settings, row_of("listen"));
    CHECK_TEXT(file, "5, 6");
    CHECK_INT(settings_env_read(settings, environment), 0);
    auto_(mem_freep) char *env = settings_text(settings, row_of("listen"));
    CHECK_TEXT(env, ":8080, 9000");
    CHECK_INT(settings_args_read(settings, 5, argv), 0);
    auto_(mem_freep) char *flags = settings_text(settings, row_of("listen"));
    CHECK_TEXT(flags, "1, 2, 3");
    settings_free(settings);
}

static void flags_and_words_may_be_mixed(void) {
    char *argv[] = { "prog",    "join", "-",    "--interval=3", "--password=", "--new",
                     "--count", "4",    "LINK", "--",           "--interval",  NULL };
    struct settings *settings = settings_new(&table);
    struct values values;

    CHECK_INT(settings_args_read(settings, 11, argv), 0);
    const struct settings_list *words = settings_words(settings);
    CHECK_INT(words->count, 4);
    CHECK_TEXT(words->items[0], "join");
    CHECK_TEXT(words->items[1], "-");
    CHECK_TEXT(words->items[2], "LINK");
    CHECK_TEXT(words->items[3], "--interval");
    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_INT(values.interval_ms, 3000);
    CHECK_INT(values.count, 4);
    CHECK(values.is_new);
    CHECK_INT(settings_args_check(settings, "claim"), 0);
    CHECK_INT(settings_args_check(settings, ""), SETTINGS_E_BAD);
    CHECK_TEXT(settings_error(settings), "--new: belongs to \"prog claim\"");
    settings_clear(&table, &values);
    settings_free(settings);
}

static void bad_flags_say_what_and_why(void) {
    static const struct {
        const char *flag;
        const char *value;
        const char *error;
    } faults[] = {
        { "--nothing", NULL, "--nothing: no such flag" },
        { "--nothing=5", NULL, "--nothing: no such flag" },
        { "--int", "5", "--int: no such flag" },
        { "-x", NULL, "-x: no such flag" },
        { "-lx", NULL, "-lx: no such flag" },
        { "--plain=yes", NULL, "--plain: takes no value" },
        { "--listen", NULL, "--listen: needs a value (ADDR:PORT)" },
        { "--listen", "hub", "--listen: \"hub\": no address" },
        { "--listen=1,hub", NULL, "--listen: \"hub\": no address" },
        { "--interval", "soon", "--interval: \"soon\" is not a time such as 5s or 2m" },
        { "--interval", "500ms", "--interval: 500ms is not from 1s to 3600s" },
        { "--interval", "2h", "--interval: 2h is not from 1s to 3600s" },
        { "--size", "1x", "--size: \"1x\" is not a size such as 64k or 1MiB" },
        { "--size", "99999999999999999999",
          "--size: \"99999999999999999999\" is not a "
          "size such as 64k or 1MiB" },
        { "--size", "99999999999g",
          "--size: \"99999999999g\" is not a size such as 64k "
          "or 1MiB" },
        { "--size", "1", "--size: 1 is not from 1024 bytes to 1073741824 bytes" },
        { "--count", "-1", "--count: \"-1\" is not a number" },
        { "--count", "1.5", "--count: \"1.5\" is not a number" },
        { "--count", "", "--count: \"\" is not a number" },
        { "--count", "11", "--count: 11 is not from 1 to 10" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct settings *settings = settings_new(&table);
        char *argv[] = { "prog", (char *)faults[i].flag, (char *)faults[i].value };
        int argc = faults[i].value ? 3 : 2;
        CHECK_INT(settings_args_read(settings, argc, argv), SETTINGS_E_BAD);
        CHECK_TEXT(settings_error(settings), faults[i].error);
        settings_free(settings);
    }
}

static void bad_files_name_the_line(void) {
    static const struct {
        const char *text;
        const char *error;
    } faults[] = {
        { "[hub]\nnothing = 1\n", "f:2: nothing: no such setting in [hub]" },
        { "[nothing]\nlisten = 1\n", "f:2: [nothing]: no such section" },
        { "listen = 1\n", "f:1: listen: stands before any [section]" },
        { "[log]\nlisten = 1\n", "f:2: listen: no such setting in [log]" },
        { "[hub]\n\n;x\ncount = many\n", "f:4: count: \"many\" is not a number" },
        { "[hub]\ncount = 1\ncount = 2\n",
          "f:3: count: is set twice (an indented line goes on with the one above)" },
        { "[hub]\ncount = 1\n  size = 2k\n",
          "f:3: count: is set twice (an indented line goes on with the one above)" },
        { "[hub]\nlisten\n", "f:2: the line is neither [section] nor name = value" },
        { "[hub\n", "f:1: the line is neither [section] nor name = value" },
        { "[log]\nlevel = loud\n",
          "f:2: level: \"loud\" is none of: error warning info debug" },
        { "[hub]\nplain = perhaps\n", "f:2: plain: \"perhaps\" is neither yes nor no" },
        { "[hub]\nlisten_file = /etc/passwd\n",
          "f:2: listen_file: no such setting in [hub]" },
        { "[hub]\npassword_file = /none/x\n", "f:2: /none/x: No such file or directory" },
        { "[hub]\nnew = yes\n", "f:2: new: no such setting in [hub]" },
        { "[hub]\naddress = 0123456789012345678901234567890123456789012345678901234567890"
          "123456789012345678901234567890123456789012345678901234567890123456789012345678"
          "9012345678901234567890123456789012345678901234567890123456789012345678901234"
          "\n",
          "f:2: the line is longer than 198 bytes" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct settings *settings = settings_new(&table);
        CHECK_INT(settings_ini_read_text(settings, "f", faults[i].text), SETTINGS_E_BAD);
        CHECK_TEXT(settings_error(settings), faults[i].error);
        settings_free(settings);
    }
}

static void the_parts_folder_adds_and_wins(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *parts = file_join(dir, "conf.d");
    auto_(mem_freep) char *path = file_join(dir, "a.conf");
    struct settings *settings = settings_new(&table);
    struct values values;

    CHECK_INT(settings_ini_read(settings, path, false), 0);
    CHECK_INT(settings_ini_read(settings, path, true), -ENOENT);
    CHECK(strstr(settings_error(settings), "No such file"));
    CHECK_INT(mkdir(parts, 0700), 0);
    check_folder_put(dir, "a.conf",
                     "[hub]\ncount = 1\nlisten = 1\npassword_file = secret\n");
    check_folder_put(dir, "secret", "hush\n");
    check_folder_put(dir, "conf.d/1.conf", "[hub]\ncount = 2\nlisten = 2\n");
    check_folder_put(dir, "conf.d/2.conf", "[hub]\ncount = 3\n");
    check_folder_put(dir, "conf.d/3.txt", "garbage");
    check_folder_put(dir, "conf.d/.4.conf", "garbage");
    CHECK_INT(settings_ini_read(settings, path, true), 0);
    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_INT(values.count, 3);
    CHECK_INT(values.listen.count, 1);
    CHECK_TEXT(values.listen.items[0], "2");
    CHECK_TEXT(values.password, "hush");
    CHECK(strstr(settings_where(settings, row_of("count")), "conf.d/2.conf"));
    check_folder_put(dir, "conf.d/5.conf", "garbage");
    CHECK_INT(settings_ini_read(settings, path, true), SETTINGS_E_BAD);
    CHECK(strstr(settings_error(settings), "conf.d/5.conf:1: "));
    settings_clear(&table, &values);
    settings_free(settings);
    check_folder_remove(dir);
}

static void a_dotenv_file_is_read_as_it_stands(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, ".env");
    struct settings *settings = settings_new(&table);
    struct values values;

    check_folder_put(dir, ".env",
                     "# comment\n\n"
                     "OTHER=1\r\n"
                     " SERVER = \"hub\" \r\n"
                     "OLD_SECRET=a=b#c\n"
                     "INTERVAL=\n"
                     "PORT=\n"
                     "LOG_LEVEL=debug");
    CHECK_INT(settings_env_read_file(settings, path), 0);
    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_TEXT(values.address, "\"hub\"");
    CHECK_TEXT(values.password, "a=b#c");
    CHECK_TEXT(values.level, "debug");
    CHECK_INT(values.interval_ms, 5000);
    CHECK_INT(values.listen.count, 1);
    settings_clear(&table, &values);

    check_folder_put(dir, ".env", "A=1\nnonsense\n");
    CHECK_INT(settings_env_read_file(settings, path), SETTINGS_E_BAD);
    CHECK(strstr(settings_error(settings), ".env:2: the line is not KEY=VALUE"));
    check_folder_put(dir, ".env", "\nLOG_LEVEL=loud\n");
    CHECK_INT(settings_env_read_file(settings, path), SETTINGS_E_BAD);
    CHECK(strstr(settings_error(settings), ".env:2 LOG_LEVEL: \"loud\" is none of"));
    CHECK_INT(settings_env_read_file(settings, dir), -EISDIR);
    settings_free(settings);
    check_folder_remove(dir);
}

/* Runs settings_ask with this typed in; *ret_file gets the .env file. */
static int ask(struct settings *settings,
               const char *name,
               const char *typed,
               struct buf *ret_file) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, ".env");
    char *shown = NULL;
    size_t shown_len = 0;
    FILE *in = typed ? fmemopen((char *)typed, strlen(typed) + 1, "r") : NULL;
    FILE *out = open_memstream(&shown, &shown_len);
    const struct settings_ask with = { .in = in, .out = out, .env_path = path };
    struct stat facts;

    int r = settings_ask(settings, row_of(name), &with);
    if (r == 0) {
        CHECK_INT(stat(path, &facts), 0);
        CHECK_INT(facts.st_mode & 0777, 0600);
    }
    file_read(path, 1000, ret_file);
    fclose(out);
    free(shown);
    if (in)
        fclose(in);
    check_folder_remove(dir);
    return r;
}

static void what_is_missing_is_asked_and_kept(void) {
    static const struct {
        const char *name;
        const char *typed;
        int result;
        const char *file;
    } asked[] = {
        { "password", "hush\n", 0, "SECRET=hush\n" },
        { "password", "\n \n  hush hush \r\n", 0, "SECRET=hush hush\n" },
        { "password", "\n\n\nhush\n", SETTINGS_E_MISSING, "" },
        { "password", "", SETTINGS_E_MISSING, "" },
        { "password", NULL, SETTINGS_E_MISSING, "" },
        { "address", "\n", 0, "SERVER=127.0.0.1\n" },
        { "address", "hub\n", 0, "SERVER=hub\n" },
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct settings *settings = settings_new(&table);
        struct buf file = { 0 };
        CHECK_INT(ask(settings, asked[i].name, asked[i].typed, &file), asked[i].result);
        CHECK_TEXT(buf_text(&file), asked[i].file);
        if (asked[i].result == SETTINGS_E_MISSING)
            CHECK_TEXT(settings_error(settings),
                       "password is needed: set SECRET in the environment or in .env, or "
                       "give --password");
        buf_done(&file);
        settings_free(settings);
    }
}

static void what_is_there_is_not_asked(void) {
    char *argv[] = { "prog", "--password", "hush" };
    struct settings *settings = settings_new(&table);
    const struct settings_ask nobody = { .env_path = "/none" };

    CHECK_INT(settings_args_read(settings, 3, argv), 0);
    CHECK_INT(settings_ask(settings, row_of("password"), &nobody), 0);
    settings_free(settings);
}

static void values_are_shown_with_their_origin(void) {
    char *argv[] = { "prog", "--password", "hush", "--listen=1" };
    char *environment[] = { "LOG_LEVEL=debug", NULL };
    struct settings *settings = settings_new(&table);
    struct buf out = { 0 };

    CHECK_INT(settings_args_read(settings, 4, argv), 0);
    CHECK_INT(settings_env_read(settings, environment), 0);
    settings_show_values(settings, &out);
    CHECK_TEXT(buf_text(&out), "[hub]\n"
                               "listen = 1 ; --listen, default *:8000\n"
                               "; address = 127.0.0.1 ; default\n"
                               "; password = (secret) ; --password, default (none)\n"
                               "; interval = 5s ; default\n"
                               "; size = 64KiB ; default\n"
                               "; count = 7 ; default\n"
                               "; plain = (none) ; default\n"
                               "; folder = /computed ; default\n"
                               "\n"
                               "[log]\n"
                               "level = debug ; LOG_LEVEL, default info\n");

    /* What is shown can be read back. */
    struct settings *again = settings_new(&table);
    CHECK_INT(settings_ini_read_text(again, "f", buf_text(&out)), 0);
    auto_(mem_freep) char *level = settings_text(again, row_of("level"));
    CHECK_TEXT(level, "debug");
    settings_free(again);
    buf_done(&out);
    settings_free(settings);
}

static void help_comes_from_the_table(void) {
    struct buf out = { 0 };

    settings_show_help(&table, "", &out);
    CHECK(strstr(buf_text(&out),
                 "  --listen ADDR:PORT          Where to listen (default *:8000; PORT "
                 "HTTP_LISTEN_ADDR)\n"));
    CHECK(!strstr(buf_text(&out), "--new"));
    buf_clear(&out);
    settings_show_help(&table, "claim", &out);
    CHECK(strstr(buf_text(&out), "--new"));
    buf_done(&out);
}

static void a_failure_is_told_in_two_lines(void) {
    struct settings *settings = settings_new(&table);
    char *argv[] = { "prog", "--no" }, *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    CHECK_TEXT(settings_error(settings), "");
    settings_args_read(settings, 2, argv);
    settings_complain(settings, to);
    fclose(to);
    CHECK_TEXT(text, "prog: --no: no such flag\ntry: prog --help\n");
    free(text);
    settings_free(settings);
}

TESTS(TEST(texts_become_values),
      TEST(defaults_fill_what_nobody_set),
      TEST(a_higher_source_wins_in_any_order),
      TEST(lists_add_up_within_one_source),
      TEST(flags_and_words_may_be_mixed),
      TEST(bad_flags_say_what_and_why),
      TEST(bad_files_name_the_line),
      TEST(the_parts_folder_adds_and_wins),
      TEST(a_dotenv_file_is_read_as_it_stands),
      TEST(what_is_missing_is_asked_and_kept),
      TEST(what_is_there_is_not_asked),
      TEST(values_are_shown_with_their_origin),
      TEST(help_comes_from_the_table),
      TEST(a_failure_is_told_in_two_lines))
