#include "base/settings_reload.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/settings.h"
#include "base/settings_env.h"

struct values {
    struct settings_list listen;
    struct settings_list ignore;
    char *level;
    char *secret;
    uint64_t interval_ms;
    uint64_t size;
    uint64_t count;
    bool plain;
};

#define ROW(field, kind_, name_)                                                         \
    .section = "a", .name = #field, .kind = kind_, .at = offsetof(struct values, name_)

static const struct settings_row rows[] = {
    { ROW(listen, SETTINGS_LIST, listen), .fallback = "*:1", .env = "LISTEN" },
    { ROW(ignore, SETTINGS_LIST, ignore), .env = "IGNORE", .live = true },
    { ROW(level, SETTINGS_TEXT, level), .env = "LEVEL", .live = true },
    { ROW(secret, SETTINGS_SECRET, secret), .env = "SECRET" },
    { ROW(interval, SETTINGS_DURATION, interval_ms), .fallback = "5s", .high = 60000,
      .env = "INTERVAL", .live = true },
    { ROW(size, SETTINGS_BYTES, size), .fallback = "1k", .high = 1 << 20, .env = "SIZE" },
    { ROW(count, SETTINGS_INT, count), .fallback = "7", .high = 99, .env = "COUNT",
      .live = true },
    { ROW(plain, SETTINGS_BOOL, plain), .env = "PLAIN", .live = true },
};

static const struct settings_table table = {
    .program = "prog",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct values),
};

static void fill(const char *env, struct values *ret_values) {
    struct settings *settings = settings_new(&table);

    CHECK_INT(settings_env_read_text(settings, ".env", env), 0);
    CHECK_INT(settings_fill(settings, ret_values), 0);
    settings_free(settings);
}

static void note(void *arg, const struct settings_row *row) {
    buf_printf(arg, "%s%s ", row->name, row->live ? "" : "!");
}

/* What a reload from one text to another tells; the values in use stay in *ret_values. */
static char *told(const char *before, const char *after, struct values *ret_values) {
    struct values fresh;
    struct buf names = { 0 };

    fill(before, ret_values);
    fill(after, &fresh);
    settings_reload(&table, ret_values, &fresh, note, &names);
    settings_clear(&table, &fresh);
    return buf_take_text(&names);
}

static void every_kind_tells_its_change(void) {
    static const struct {
        const char *before, *after, *told;
    } changes[] = {
        { "", "", "" },
        { "", "LEVEL=debug", "level " },
        { "LEVEL=debug", "", "level " },
        { "LEVEL=debug", "LEVEL=debug", "" },
        { "SECRET=a", "SECRET=b", "secret! " },
        { "LISTEN=a,b", "LISTEN=a", "listen! " },
        { "LISTEN=a,b", "LISTEN=a,c", "listen! " },
        { "LISTEN=a, b", "LISTEN=a,b", "" },
        { "IGNORE=veth", "IGNORE=", "ignore " },
        { "INTERVAL=5000ms", "INTERVAL=5", "" },
        { "INTERVAL=5", "INTERVAL=6", "interval " },
        { "SIZE=1024", "SIZE=2k", "size! " },
        { "COUNT=8", "COUNT=9", "count " },
        { "PLAIN=yes", "PLAIN=1", "" },
        { "PLAIN=yes", "PLAIN=no", "plain " },
        { "", "LISTEN=a\nIGNORE=b\nPLAIN=1", "listen! ignore plain " },
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct values values;
        char *names = told(changes[i].before, changes[i].after, &values);
        CHECK_TEXT(names, changes[i].told);
        free(names);
        settings_clear(&table, &values);
    }
}

static void what_is_live_is_taken_and_the_rest_stays(void) {
    struct values values;
    char *names = told(
        "LISTEN=a\nSECRET=old\nSIZE=2k\nLEVEL=info\nIGNORE=veth\nCOUNT=1\nINTERVAL=1",
        "LISTEN=b\nSECRET=new\nSIZE=4k\nLEVEL=debug\nIGNORE=br,tun\nCOUNT=2\nINTERVAL=2",
        &values);

    CHECK_TEXT(values.listen.items[0], "a");
    CHECK_TEXT(values.secret, "old");
    CHECK_INT(values.size, 2048);
    CHECK_TEXT(values.level, "debug");
    CHECK_INT(values.ignore.count, 2);
    CHECK_TEXT(values.ignore.items[1], "tun");
    CHECK_INT(values.count, 2);
    CHECK_INT(values.interval_ms, 2000);
    free(names);
    settings_clear(&table, &values);
}

/* An empty variable means "not set", but for a list that may well be empty. */
static void an_empty_variable_empties_lists_without_a_default_alone(void) {
    struct values values;

    fill("LISTEN=\nIGNORE=\nLEVEL=\nCOUNT=\n", &values);
    CHECK_INT(values.listen.count, 1);
    CHECK_TEXT(values.listen.items[0], "*:1");
    CHECK_INT(values.ignore.count, 0);
    CHECK(!values.level);
    CHECK_INT(values.count, 7);
    settings_clear(&table, &values);
}

TESTS(TEST(every_kind_tells_its_change),
      TEST(what_is_live_is_taken_and_the_rest_stays),
      TEST(an_empty_variable_empties_lists_without_a_default_alone))
