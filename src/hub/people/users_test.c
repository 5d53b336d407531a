#include "hub/people/users.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "hub/gate/underway.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"

/* A hub's users, with one of them, and two nodes: "pi" with the tag "home", and "web1".
 */
struct place {
    struct loop *loop;
    struct registry *registry;
    struct users *users;
    struct underway *underway;
    struct users_row *ada;
    struct actor *actor; /* of a credential of hers */
    struct node *pi;
    struct node *web;
    unsigned saves;
};

static void save_node(void *arg, const struct node *node) {
}

static void remove_name(void *arg, const char *name) {
}

static void rename_node(void *arg, const char *from, const char *to) {
}

static void save_user(void *arg, const struct users_row *row) {
    struct place *place = arg;
    place->saves++;
}

static void place_init(struct place *place) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };
    const struct users_keeper users = { save_user, place };

    *place = (struct place) { .loop = loop_new() };
    place->registry = registry_new(&nodes);
    place->users = users_new(&users);
    place->underway = underway_new(place->loop, place->registry, place->users);
    place->pi = registry_add(place->registry, "pi");
    node_add_tag(place->pi, "home");
    place->web = registry_add(place->registry, "web1");
    place->ada = users_add(place->users, "ada", false, 1);
    place->actor = actor_new("ada", "0123", true, place->ada->rights);
}

static void place_done(struct place *place) {
    loop_settle(place->loop);
    underway_free(place->underway);
    actor_unref(place->actor);
    users_free(place->users);
    registry_free(place->registry);
    loop_free(place->loop);
}

static void grant(struct place *place,
                  const char *nodes,
                  enum actor_role role,
                  int64_t expires_ms) {
    const struct users_grant one = {
        .nodes = (char *)(uintptr_t)nodes,
        .role = role,
        .expires_ms = expires_ms,
        .granted_by = (char *)(uintptr_t) "root",
    };
    CHECK(users_grant(place->users, place->ada, &one));
}

static void each_grant_means_what_the_table_says(void) {
    static const char *const nodes[] = { "",      "pi",   "pi*",  "*",    "@home",
                                         "@work", "home", "web*", "web?", "web??",
                                         "@",     "p",    "pi,*", "*pi*", "@pi",
                                         "PI",    "pi ",  "?i" };
    static const bool means[][2] = { /* pi, web1 */
                                     { false, false }, { true, false },  { true, false },
                                     { true, true },   { true, false },  { false, false },
                                     { false, false }, { false, true },  { false, true },
                                     { false, false }, { false, false }, { false, false },
                                     { false, false }, { true, false },  { false, false },
                                     { false, false }, { false, false }, { true, false }
    };
    struct place place;

    place_init(&place);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        for (enum actor_role role = ACTOR_NOBODY; role <= ACTOR_OWNER; role++) {
            grant(&place, nodes[i], role, 0);
            CHECK_INT(node_role(place.pi, place.actor),
                      means[i][0] ? role : ACTOR_NOBODY);
            CHECK_INT(node_role(place.web, place.actor),
                      means[i][1] ? role : ACTOR_NOBODY);
            CHECK(users_revoke(place.users, place.ada, nodes[i]));
            CHECK_INT(node_role(place.pi, place.actor), ACTOR_NOBODY);
        }
    place_done(&place);
}

/* Every pair of roles of a pattern and a tag: the higher one counts, in any order. */
static void the_highest_role_counts(void) {
    struct place place;

    place_init(&place);
    for (enum actor_role a = ACTOR_NOBODY; a <= ACTOR_OWNER; a++)
        for (enum actor_role b = ACTOR_NOBODY; b <= ACTOR_OWNER; b++) {
            grant(&place, "p*", a, 0);
            grant(&place, "@home", b, 0);
            CHECK_INT(node_role(place.pi, place.actor), a > b ? a : b);
            CHECK_INT(node_role(place.web, place.actor), ACTOR_NOBODY);
        }
    CHECK_INT(place.ada->grant_count, 2);
    place_done(&place);
}

static void a_grant_ends_at_its_time_and_a_credential_too(void) {
    struct place place;

    place_init(&place);
    grant(&place, "pi", ACTOR_OWNER, 1000);
    grant(&place, "@home", ACTOR_VIEWER, 0);
    CHECK_INT(actor_rights_on(place.ada->rights, "pi", place.pi->tags, 999), ACTOR_OWNER);
    CHECK_INT(actor_rights_on(place.ada->rights, "pi", place.pi->tags, 1000),
              ACTOR_VIEWER);
    place.actor->expires_ms = 1;
    CHECK_INT(node_role(place.pi, place.actor), ACTOR_NOBODY);
    place.actor->expires_ms = 0;
    place.actor->ended = true;
    CHECK_INT(node_role(place.pi, place.actor), ACTOR_NOBODY);
    place_done(&place);
}

static void an_administrator_owns_all_until_he_is_removed(void) {
    struct place place;

    place_init(&place);
    users_make_admin(place.users, place.ada);
    CHECK(actor_is_admin(place.actor));
    CHECK_INT(node_role(place.web, place.actor), ACTOR_OWNER);
    users_remove(place.users, place.ada);
    CHECK(!actor_is_admin(place.actor));
    CHECK_INT(node_role(place.web, place.actor), ACTOR_NOBODY);
    place_done(&place);
}

static void a_grant_by_name_follows_its_node_and_goes_with_it(void) {
    struct place place;

    place_init(&place);
    grant(&place, "pi", ACTOR_OWNER, 0);
    grant(&place, "nas", ACTOR_VIEWER, 0);
    grant(&place, "pi*", ACTOR_VIEWER, 0);
    users_rename_node(place.users, "pi", "nas");
    registry_rename(place.registry, place.pi, "nas");
    CHECK_INT(node_role(place.pi, place.actor), ACTOR_OWNER);
    CHECK_INT(place.ada->grant_count, 2);
    CHECK_INT(place.saves, 1);
    users_forget_node(place.users, "nas");
    CHECK_INT(node_role(place.pi, place.actor), ACTOR_NOBODY);
    CHECK_TEXT(place.ada->grants[0].nodes, "pi*");
    CHECK_INT(place.saves, 2);
    place_done(&place);
}

static void grants_are_limited_and_codes_replace_each_other(void) {
    struct users_code code = { .user = (char *)(uintptr_t) "ada", .expires_ms = 9 };
    struct users_grant one = { .granted_by = (char *)(uintptr_t) "root" };
    uint8_t other[TOKEN_HASH_LEN] = { 1 };
    struct place place;

    place_init(&place);
    for (int i = 0; i < USERS_GRANTS_MAX; i++) {
        auto_(mem_freep) char *name = mem_printf("n%d", i);
        grant(&place, name, ACTOR_VIEWER, 0);
    }
    one.nodes = (char *)(uintptr_t) "more";
    CHECK(!users_grant(place.users, place.ada, &one));
    one.nodes = (char *)(uintptr_t) "n7";
    CHECK(users_grant(place.users, place.ada, &one));
    users_put_code(place.users, &code);
    memcpy(code.hash, other, sizeof(other));
    users_put_code(place.users, &code);
    CHECK_TEXT(users_find_code(place.users, other)->user, "ada");
    memset(other, 0, sizeof(other));
    CHECK(!users_find_code(place.users, other));
    users_remove(place.users, place.ada);
    CHECK(!users_find_code(place.users, code.hash));
    place_done(&place);
}

static void names_and_patterns_are_what_they_can_be(void) {
    static const char *const names[] = { "ada", "Ada Lovelace", "Zo\xc3\xab" };
    static const char *const bad[] = { "", " ada", "ada ", "a,b", "@a", "a*", "a\n" };
    static const char *const patterns[] = { "pi", "pi*", "?", "*", "@home", "a.b-c_d" };
    static const char *const no_patterns[] = { "",    "@",  "@home*", "pi,nas",
                                               "[a]", "PI", "a b",    "@@a" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK(users_is_name(names[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!users_is_name(bad[i]));
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        CHECK(users_is_pattern(patterns[i]));
    for (size_t i = 0; i < sizeof(no_patterns) / sizeof(no_patterns[0]); i++)
        CHECK(!users_is_pattern(no_patterns[i]));
}

static void on_wake(struct call *call, void *user) {
}

/* A call of ada's that is under way to the node. */
static struct call *begin(struct place *place,
                          struct node *node,
                          enum actor_role needed) {
    const struct call_half half = { .on_wake = on_wake };
    struct call *call = call_new(place->loop, "/demo.Echo/Say", &half);

    call->actor = actor_ref(place->actor);
    underway_begin(place->underway, call);
    if (node)
        underway_lead(call, node, needed);
    return call;
}

static void a_call_ends_when_its_right_does(void) {
    struct place place;

    place_init(&place);
    grant(&place, "@home", ACTOR_OPERATOR, 0);
    grant(&place, "*", ACTOR_VIEWER, 0);
    struct call *acts = begin(&place, place.pi, ACTOR_OPERATOR);
    struct call *looks = begin(&place, place.web, ACTOR_VIEWER);
    struct call *hub = begin(&place, NULL, ACTOR_NOBODY);

    node_remove_tag(place.pi, "home");
    registry_changed(place.registry, place.pi);
    CHECK(acts->finished && !looks->finished && !hub->finished);
    CHECK_INT(acts->status, GRPC_PERMISSION_DENIED);
    registry_rename(place.registry, place.web, "web2");
    CHECK(!looks->finished);
    users_revoke(place.users, place.ada, "*");
    CHECK(looks->finished && !hub->finished);
    users_remove(place.users, place.ada);
    CHECK_INT(hub->status, GRPC_UNAUTHENTICATED);
    CHECK_INT(underway_count(place.underway), 0);
    call_detach_caller(acts);
    call_detach_caller(looks);
    call_detach_caller(hub);
    place_done(&place);
}

TESTS(TEST(each_grant_means_what_the_table_says),
      TEST(the_highest_role_counts),
      TEST(a_grant_ends_at_its_time_and_a_credential_too),
      TEST(an_administrator_owns_all_until_he_is_removed),
      TEST(a_grant_by_name_follows_its_node_and_goes_with_it),
      TEST(grants_are_limited_and_codes_replace_each_other),
      TEST(names_and_patterns_are_what_they_can_be),
      TEST(a_call_ends_when_its_right_does))
