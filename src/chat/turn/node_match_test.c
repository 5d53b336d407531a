#include "chat/turn/node_match.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "chat/chat.h"

static const struct chat_node nodes[] = {
    { .name = "nas", .title = "Old Box", .role = ACTOR_OWNER },
    { .name = "nas2", .title = "", .role = ACTOR_VIEWER },
    { .name = "pi-kitchen", .title = "Кухня", .role = ACTOR_OWNER },
    { .name = "pi-garage", .title = "Гараж", .role = ACTOR_OWNER },
    { .name = "web", .title = "nas", .role = ACTOR_OWNER },
};

static void each_node(void *arg,
                      const struct actor *actor,
                      bool (*visit)(void *visit_arg, const struct chat_node *node),
                      void *visit_arg) {
    size_t count = *(size_t *)arg;
    char name[32];

    for (size_t i = 0; i < count; i++) {
        struct chat_node node = nodes[i % 5];
        snprintf(name, sizeof(name), "node%zu", i);
        if (count > 5)
            node.name = name;
        if (!visit(visit_arg, &node))
            return;
    }
}

static void what_is_typed_finds_its_node(void) {
    static const struct {
        const char *typed;
        enum node_match_how how;
        size_t fitting;
        const char *first;
    } rows[] = {
        { "nas", NODE_MATCH_EXACT, 1, "nas" },
        { "NAS2", NODE_MATCH_EXACT, 1, "nas2" },
        { "old box", NODE_MATCH_EXACT, 1, "nas" },
        { "КУХНЯ", NODE_MATCH_EXACT, 1, "pi-kitchen" },
        { "кух", NODE_MATCH_PART, 1, "pi-kitchen" },
        { "pi", NODE_MATCH_PART, 2, "pi-kitchen" },
        { "garage", NODE_MATCH_PART, 1, "pi-garage" },
        { "na", NODE_MATCH_PART, 3, "nas" },
        { "wep", NODE_MATCH_SIMILAR, 1, "web" },
        { "pi-gorage", NODE_MATCH_SIMILAR, 1, "pi-garage" },
        { "пар", NODE_MATCH_NONE, 0, NULL },
        { "zzz", NODE_MATCH_NONE, 0, NULL },
        { "", NODE_MATCH_NONE, 0, NULL },
        { "\xff", NODE_MATCH_NONE, 0, NULL },
    };
    size_t count = 5;
    const struct chat_host host = { .each_node = each_node, .arg = &count };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct node_match match;

        node_match_init(&match, &host, NULL, rows[i].typed);
        if (match.how != rows[i].how || match.fitting != rows[i].fitting)
            printf("# %s: %d %zu\n", rows[i].typed, match.how, match.fitting);
        CHECK_INT(match.how, rows[i].how);
        CHECK_INT(match.fitting, rows[i].fitting);
        if (rows[i].first)
            CHECK_TEXT(match.found[0].name, rows[i].first);
        node_match_done(&match);
    }
}

static void of_many_the_first_are_told(void) {
    size_t count = 1000;
    const struct chat_host host = { .each_node = each_node, .arg = &count };
    struct node_match match;

    node_match_init(&match, &host, NULL, NULL);
    CHECK_INT(match.count, NODE_MATCH_MAX);
    CHECK_INT(match.fitting, 1000);
    node_match_done(&match);
    node_match_init(&match, &host, NULL, "node77");
    CHECK_INT(match.fitting, 1);
    CHECK_TEXT(match.found[0].name, "node77");
    node_match_done(&match);
}

static void distances_count_letters(void) {
    char longest[200];

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_INT(node_match_distance("status", "statsu", 2), 2);
    CHECK_INT(node_match_distance("status", "STATUS", 2), 0);
    CHECK_INT(node_match_distance("", "ab", 2), 2);
    CHECK_INT(node_match_distance("", "abc", 2), 3);
    CHECK_INT(node_match_distance("кот", "кит", 1), 1);
    CHECK_INT(node_match_distance(longest, longest, 2), 3);
}

TESTS(TEST(what_is_typed_finds_its_node),
      TEST(of_many_the_first_are_told),
      TEST(distances_count_letters))
