#include "base/settings_group.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/check_folder.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/settings_ini.h"
#include "base/settings_reload.h"
#include "base/settings_show.h"

struct door {
    char *address;
    char *key;
    struct settings_list words;
    bool locked;
};

struct values {
    char *title;
    struct settings_members doors;
};

static const struct settings_row door_rows[] = {
    { .section = "door NAME",
      .name = "address",
      .kind = SETTINGS_TEXT,
      .at = offsetof(struct door, address),
      .live = true },
    { .section = "door NAME",
      .name = "key",
      .kind = SETTINGS_SECRET,
      .at = offsetof(struct door, key),
      .live = true },
    { .section = "door NAME",
      .name = "words",
      .kind = SETTINGS_LIST,
      .at = offsetof(struct door, words),
      .live = true },
    { .section = "door NAME",
      .name = "locked",
      .kind = SETTINGS_BOOL,
      .at = offsetof(struct door, locked),
      .fallback = "no",
      .live = true },
};

static const struct settings_table door_table = {
    .rows = door_rows,
    .count = sizeof(door_rows) / sizeof(door_rows[0]),
    .size = sizeof(struct door),
};

static const char *check_door(const void *values) {
    const struct door *door = values;
    return door->address ? NULL : "address is needed";
}

static const struct settings_row rows[] = {
    { .section = "house",
      .name = "title",
      .kind = SETTINGS_TEXT,
      .at = offsetof(struct values, title),
      .live = true },
};

static const struct settings_group groups[] = {
    { .section = "door",
      .at = offsetof(struct values, doors),
      .max = 3,
      .table = &door_table,
      .check = check_door },
};

static const struct settings_table table = {
    .program = "prog",
    .rows = rows,
    .count = 1,
    .size = sizeof(struct values),
    .groups = groups,
    .group_count = 1,
};

static void read_text(const char *text, struct values *ret_values) {
    struct settings *settings = settings_new(&table);

    CHECK_INT(settings_ini_read_text(settings, "f", text), 0);
    CHECK_INT(settings_fill(settings, ret_values), 0);
    settings_free(settings);
}

static const struct door *door_at(const struct values *values, size_t at) {
    return values->doors.items[at].values;
}

static void each_section_is_a_member(void) {
    struct values values;

    read_text("[house]\ntitle = home\n"
              "[door front]\naddress = street 1\nwords = a, b\nwords = c\nlocked = yes\n"
              "[door back]\naddress = garden\n",
              &values);
    CHECK_TEXT(values.title, "home");
    CHECK_INT(values.doors.count, 2);
    CHECK_TEXT(values.doors.items[0].name, "back");
    CHECK_TEXT(door_at(&values, 0)->address, "garden");
    CHECK(!door_at(&values, 0)->locked);
    CHECK_TEXT(values.doors.items[1].name, "front");
    CHECK_TEXT(door_at(&values, 1)->address, "street 1");
    CHECK_INT(door_at(&values, 1)->words.count, 3);
    CHECK(door_at(&values, 1)->locked);
    settings_clear(&table, &values);

    read_text("", &values);
    CHECK_INT(values.doors.count, 0);
    settings_clear(&table, &values);
}

static void a_wrong_member_names_its_line_or_itself(void) {
    static const struct {
        const char *text;
        const char *error;
    } faults[] = {
        { "[door]\naddress = 1\n", "f:2: [door ]: a name has a-z, 0-9, '.', '_', '-', "
                                   "starts with a letter or digit and has at most 32 of "
                                   "them" },
        { "[door A]\naddress = 1\n", "f:2: [door A]: a name has a-z, 0-9, '.', '_', '-', "
                                     "starts with a letter or digit and has at most 32 "
                                     "of them" },
        { "[doors]\naddress = 1\n", "f:2: [doors]: no such section" },
        { "[door a]\nheight = 1\n", "f:2: height: no such setting in [door NAME]" },
        { "[door a]\naddress = 1\naddress = 2\n",
          "f:3: address: is set twice (an indented line goes on with the one above)" },
        { "[door a]\nlocked = maybe\n", "f:2: locked: \"maybe\" is neither yes nor no" },
        { "[door a]\nlocked=no\n[door b]\nlocked=no\n[door c]\nlocked=no\n[door "
          "d]\nlocked=no\n",
          "f:8: [door d]: there are 3 such sections already" },
        { "[door a]\nlocked = yes\n", "[door a]: address is needed" },
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct settings *settings = settings_new(&table);
        struct values values = { 0 };
        int r = settings_ini_read_text(settings, "f", faults[i].text);
        if (r == 0)
            r = settings_fill(settings, &values);
        CHECK_INT(r, SETTINGS_E_BAD);
        CHECK_TEXT(settings_error(settings), faults[i].error);
        CHECK(!values.doors.items);
        settings_free(settings);
    }
}

static void a_later_file_replaces_and_adds(void) {
    char *dir = check_folder_make();
    auto_(mem_freep) char *path = file_join(dir, "a.conf");
    auto_(mem_freep) char *parts = file_join(dir, "conf.d");
    struct settings *settings = settings_new(&table);
    struct values values;

    check_folder_put(dir, "a.conf", "[door a]\naddress = 1\nkey_file = secret\n");
    check_folder_put(dir, "secret", "hush\n");
    CHECK_INT(file_make_dirs(parts, 0700), 0);
    check_folder_put(dir, "conf.d/1.conf",
                     "[door a]\naddress = 2\n[door b]\naddress = 3\n");
    CHECK_INT(settings_ini_read(settings, path, true), 0);
    CHECK_INT(settings_fill(settings, &values), 0);
    CHECK_INT(values.doors.count, 2);
    CHECK_TEXT(door_at(&values, 0)->address, "2");
    CHECK_TEXT(door_at(&values, 0)->key, "hush");
    CHECK_TEXT(door_at(&values, 1)->address, "3");
    settings_clear(&table, &values);
    settings_free(settings);
    check_folder_remove(dir);
}

static void members_are_shown_as_they_stand(void) {
    struct settings *settings = settings_new(&table);
    struct buf out = { 0 };

    CHECK_INT(settings_ini_read_text(settings, "f", "[door a]\naddress = 1\nkey = x\n"),
              0);
    settings_show_values(settings, &out);
    CHECK_TEXT(buf_text(&out), "[house]\n; title = (none) ; default\n\n"
                               "[door a]\naddress = 1 ; f, default (none)\n"
                               "; key = (secret) ; f, default (none)\n"
                               "; words = (none) ; default\n"
                               "; locked = no ; default\n");
    buf_done(&out);
    settings_free(settings);
}

static void note(void *arg, const struct settings_row *row) {
    buf_printf(arg, "%s ", row->name);
}

static void a_reload_takes_other_members(void) {
    static const struct {
        const char *text;
        const char *changes;
        size_t count;
    } rows_[] = {
        { "[door a]\naddress = 1\nwords = x\n", "", 1 },
        { "[door a]\naddress = 1\nwords = y\n", "words ", 1 },
        { "[door a]\naddress = 1\nwords = y\n[door b]\naddress = 1\n", "address ", 2 },
        { "[door a]\naddress = 1\nwords = y\n[door c]\naddress = 1\n", "address ", 2 },
        { "[door c]\naddress = 1\n", "address ", 1 },
        { "", "address ", 0 },
    };
    struct values values;

    read_text("[door a]\naddress = 1\nwords = x\n", &values);
    for (size_t i = 0; i < sizeof(rows_) / sizeof(rows_[0]); i++) {
        struct values fresh;
        struct buf names = { 0 };
        read_text(rows_[i].text, &fresh);
        settings_reload(&table, &values, &fresh, note, &names);
        CHECK_TEXT(buf_text(&names), rows_[i].changes);
        CHECK_INT(values.doors.count, rows_[i].count);
        settings_clear(&table, &fresh);
        buf_done(&names);
    }
    settings_clear(&table, &values);
}

TESTS(TEST(each_section_is_a_member),
      TEST(a_wrong_member_names_its_line_or_itself),
      TEST(a_later_file_replaces_and_adds),
      TEST(members_are_shown_as_they_stand),
      TEST(a_reload_takes_other_members))
