#include "hub/groups/group.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "hub/nodes/node.h"

enum { NODES_MAX = 8 };

/* A group of nodes "a", "b", ... and who of them fits. */
struct place {
    struct group *group;
    struct node *nodes[NODES_MAX];
    size_t count;
    const char *unfit; /* names of one letter */
};

static void place_init(struct place *place, size_t count) {
    *place = (struct place) { .group = group_new("g"), .count = count, .unfit = "" };
    for (size_t i = 0; i < count; i++) {
        char name[2] = { (char)('a' + i), '\0' };
        place->nodes[i] = node_new(name);
        group_join(place->group, place->nodes[i]);
    }
}

static void place_done(struct place *place) {
    group_free(place->group);
    for (size_t i = 0; i < place->count; i++)
        node_free(place->nodes[i]);
}

static bool fits(void *arg, const struct group_member *member) {
    const struct place *place = arg;
    return !strstr(place->unfit, member->name);
}

static struct group_member *pick(struct place *place, uint64_t now_ms) {
    return group_pick(place->group, now_ms, fits, place);
}

/* Who gets so many calls that end at once: "abcabc". */
static const char *who(struct place *place, size_t count, uint64_t now_ms) {
    static char text[64];

    for (size_t i = 0; i < count; i++) {
        struct group_member *member = pick(place, now_ms);
        text[i] = member ? member->name[0] : '-';
        if (member)
            group_end(member, GROUP_WENT_WELL, now_ms);
    }
    text[count] = '\0';
    return text;
}

/* Lets the next calls of this member fail, and all others go well. */
static void let_fail(struct place *place,
                     const char *name,
                     unsigned times,
                     uint64_t now_ms) {
    while (times > 0) {
        struct group_member *member = pick(place, now_ms);
        bool failed = strcmp(member->name, name) == 0;
        group_end(member, failed ? GROUP_FAILED : GROUP_WENT_WELL, now_ms);
        times -= failed;
    }
}

static void equal_members_take_turns(void) {
    struct place place;

    place_init(&place, 3);
    CHECK_TEXT(who(&place, 7, 1), "abcabca");
    place.unfit = "b";
    CHECK_TEXT(who(&place, 4, 1), "caca");
    place.unfit = "abc";
    CHECK_TEXT(who(&place, 2, 1), "--");
    place_done(&place);
}

static void the_least_busy_member_is_first(void) {
    struct group_member *busy[4];
    struct place place;

    place_init(&place, 2);
    busy[0] = pick(&place, 1);
    busy[1] = pick(&place, 1);
    busy[2] = pick(&place, 1);
    CHECK_TEXT(busy[2]->name, "a");
    busy[3] = pick(&place, 1);
    CHECK_TEXT(busy[3]->name, "b");
    group_end(busy[1], GROUP_WENT_WELL, 1);
    group_end(busy[3], GROUP_WENT_WELL, 1);
    CHECK_TEXT(who(&place, 4, 1), "bbbb");
    group_end(busy[0], GROUP_WENT_WELL, 1);
    group_end(busy[2], GROUP_WENT_WELL, 1);
    place_done(&place);
}

static void five_failures_in_a_row_leave_a_member_out(void) {
    struct place place;

    place_init(&place, 2);
    let_fail(&place, "a", 4, 100);
    CHECK(!group_is_out(group_at(place.group, 0), 100));
    let_fail(&place, "a", 1, 100);
    CHECK(group_is_out(group_at(place.group, 0), 100));
    CHECK_TEXT(who(&place, 3, 100), "bbb");
    CHECK_TEXT(who(&place, 3, 100 + GROUP_OUT_MS - 1), "bbb");
    CHECK(strchr(who(&place, 2, 100 + GROUP_OUT_MS), 'a'));
    place_done(&place);
}

static void more_than_half_of_the_last_twenty_do_too(void) {
    struct place place;

    place_init(&place, 2);
    place.unfit = "b";
    for (int i = 0; i < GROUP_RECENT - 1; i++) {
        struct group_member *member = pick(&place, 1);
        group_end(member, i % 5 < 3 ? GROUP_FAILED : GROUP_WENT_WELL, 1);
        CHECK(!group_is_out(member, 1));
    }
    group_end(pick(&place, 1), GROUP_WENT_WELL, 1);
    CHECK(group_is_out(group_at(place.group, 0), 1)); /* 12 of 20 */
    place_done(&place);
}

static void who_fails_again_stays_out_twice_as_long(void) {
    static const uint64_t seconds[] = { 10, 20, 40, 80, 160, 300, 300 };
    struct place place;
    uint64_t now_ms = 1;

    place_init(&place, 2);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        let_fail(&place, "b", 5, now_ms);
        CHECK_INT(group_at(place.group, 1)->out_until_ms - now_ms, 1000 * seconds[i]);
        now_ms += 1000 * seconds[i];
    }
    who(&place, 2 * GROUP_RECENT, now_ms);
    let_fail(&place, "b", 5, now_ms); /* it was well in between */
    CHECK_INT(group_at(place.group, 1)->out_until_ms - now_ms, GROUP_OUT_MS);
    place_done(&place);
}

static void never_more_than_half_are_left_out(void) {
    static const size_t most[] = { 0, 0, 1, 1, 2, 2, 3 };

    for (size_t count = 1; count < sizeof(most) / sizeof(most[0]); count++) {
        struct place place;
        size_t out = 0;

        place_init(&place, count);
        for (size_t i = 0; i < 40 * count; i++)
            group_end(pick(&place, 1), GROUP_FAILED, 1);
        for (size_t i = 0; i < count; i++)
            out += group_is_out(group_at(place.group, i), 1);
        CHECK_INT(out, most[count]);
        place_done(&place);
    }
}

static void one_that_is_out_is_better_than_none(void) {
    struct place place;

    place_init(&place, 2);
    let_fail(&place, "a", 5, 1);
    place.unfit = "b";
    CHECK_TEXT(who(&place, 2, 1), "aa");
    place_done(&place);
}

static void calls_that_never_went_count_neither_way(void) {
    struct place place;

    place_init(&place, 2);
    for (int i = 0; i < 100; i++)
        group_end(pick(&place, 1), GROUP_NEVER_WENT, 1);
    CHECK_TEXT(who(&place, 4, 1), "abab");
    place_done(&place);
}

static void a_call_may_outlive_its_member_and_its_group(void) {
    struct place place;

    place_init(&place, 2);
    struct group_member *a = pick(&place, 1);
    struct group_member *b = pick(&place, 1);
    group_leave(place.group, "a");
    group_leave(place.group, "nobody");
    CHECK_INT(group_count(place.group), 1);
    CHECK_TEXT(who(&place, 2, 1), "bb");
    group_end(a, GROUP_FAILED, 1);
    place_done(&place);
    group_end(b, GROUP_FAILED, 1);
}

TESTS(TEST(equal_members_take_turns),
      TEST(the_least_busy_member_is_first),
      TEST(five_failures_in_a_row_leave_a_member_out),
      TEST(more_than_half_of_the_last_twenty_do_too),
      TEST(who_fails_again_stays_out_twice_as_long),
      TEST(never_more_than_half_are_left_out),
      TEST(one_that_is_out_is_better_than_none),
      TEST(calls_that_never_went_count_neither_way),
      TEST(a_call_may_outlive_its_member_and_its_group))
