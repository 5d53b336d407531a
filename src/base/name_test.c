#include "base/name.h"

#include <string.h>

#include "base/check.h"

static void names_follow_the_grammar(void) {
    static const char *const good[] = { "a", "0", "pi-4", "web.example_1", "a--b" };
    static const char *const bad[] = { "",  "-a", ".a", "_a",  "A", "a b",
                                       "ä", "a/", "a*", "a\n", "@a" };
    char text[NAME_LEN_MAX + 2];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!name_is_valid(bad[i]));
    CHECK(!name_is_valid(NULL));

    memset(text, 'a', sizeof(text));
    text[NAME_LEN_MAX + 1] = '\0';
    CHECK(!name_is_valid(text));
    text[NAME_LEN_MAX] = '\0';
    CHECK(name_is_valid(text));
}

static void titles_are_clean_utf8_of_64_characters(void) {
    char text[64 * 2 + 3] = "";

    CHECK(name_is_title(""));
    CHECK(name_is_title("Küche, oben \xf0\x9f\x8f\xa0"));
    for (int i = 0; i < 64; i++)
        strcat(text, "é");
    CHECK(name_is_title(text));
    strcat(text, "x");
    CHECK(!name_is_title(text));
    static const char *const bad[] = { "a\n",          "\x1b[31m",     "\x7f",
                                       "\xc2\x9b",     "\xff",         "\xc0\x80",
                                       "\xed\xa0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80",
                                       "\xc3" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!name_is_title(bad[i]));
}

static void host_names_become_names(void) {
    static const struct {
        const char *host;
        const char *name;
    } rows[] = {
        { "Pi-4", "pi-4" }, { "raspberrypi.local", "raspberrypi.local" },
        { "-x-", "x" },     { "My PC (2)", "my-pc-2" },
        { "ÄÖ", "node" },   { "", "node" },
        { "...", "node" },  { "a.", "a" },
        { "Büro", "b-ro" },
    };
    char name[NAME_LEN_MAX + 1], host[200];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        name_from_host(rows[i].host, name);
        CHECK_TEXT(name, rows[i].name);
    }
    memset(host, 'X', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    name_from_host(host, name);
    CHECK(name_is_valid(name));
    CHECK_INT(strlen(name), NAME_LEN_MAX);
}

static void globs_match_whole_names(void) {
    static const struct {
        const char *pattern;
        const char *name;
        bool match;
    } rows[] = {
        { "pi*", "pi4", true },     { "pi*", "pi", true },
        { "pi*", "api", false },    { "*", "", true },
        { "*pi", "rpi", true },     { "*p*i*", "xpxix", true },
        { "db?", "db1", true },     { "db?", "db", false },
        { "db?", "db12", false },   { "a*b*c", "aXbYc", true },
        { "a*b*c", "aXbY", false }, { "", "", true },
        { "", "a", false },         { "abc", "abc", true },
        { "a**c", "abc", true },    { "*a", "aaab", false },
        { "*ab", "aaab", true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(name_match_glob(rows[i].pattern, rows[i].name) == rows[i].match);
}

static const char *const home[] = { "home", "pi" };
static const struct name_subject fleet[] = {
    { "pi1", "Kitchen", home, 2 },
    { "pi2", "Living room, left", home, 1 },
    { "db", "pi1", NULL, 0 },
    { "web", NULL, NULL, 0 },
};

enum { FLEET = sizeof(fleet) / sizeof(fleet[0]) };

static void selections_pick_names_titles_globs_and_tags(void) {
    static const struct {
        const char *selection;
        const char *picked; /* one letter a subject */
        int result;
    } rows[] = {
        { "pi1", "x...", 0 },
        { "web,pi1", "x..x", 0 },
        { " web , pi1 ,", "x..x", 0 },
        { "pi*", "xx..", 0 },
        { "@home", "xx..", 0 },
        { "@pi,db", "x.x.", 0 },
        { "Kitchen", "x...", 0 },
        { "Living room, left", ".x..", 0 },
        { "*", "xxxx", 0 },
        { "", "....", NAME_E_EMPTY },
        { " , ,", "....", NAME_E_EMPTY },
        { "nobody", "....", NAME_E_NO_MATCH },
        { "pi1,nobody", "....", NAME_E_NO_MATCH },
        { "x*", "....", NAME_E_NO_MATCH },
        { "@nobody", "....", NAME_E_NO_MATCH },
        { "@", "....", NAME_E_NO_MATCH },
        { "kitchen", "....", NAME_E_NO_MATCH },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool picked[FLEET];
        int r = name_select(rows[i].selection, fleet, FLEET, picked, NULL);
        CHECK_INT(r, rows[i].result);
        for (size_t k = 0; k < FLEET; k++)
            CHECK(picked[k] == (rows[i].picked[k] == 'x'));
    }
}

static void the_item_without_match_is_told(void) {
    bool picked[FLEET];
    char *item = NULL;

    CHECK_INT(name_select("pi1, no one ,db", fleet, FLEET, picked, &item),
              NAME_E_NO_MATCH);
    CHECK_TEXT(item, "no one");
    free(item);
}

static void an_endless_selection_is_refused(void) {
    char text[NAME_SELECTION_MAX + 2];
    bool picked[FLEET];

    memset(text, ',', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(name_select(text, fleet, FLEET, picked, NULL), NAME_E_TOO_LONG);
}

TESTS(TEST(names_follow_the_grammar),
      TEST(titles_are_clean_utf8_of_64_characters),
      TEST(host_names_become_names),
      TEST(globs_match_whole_names),
      TEST(selections_pick_names_titles_globs_and_tags),
      TEST(the_item_without_match_is_told),
      TEST(an_endless_selection_is_refused))
