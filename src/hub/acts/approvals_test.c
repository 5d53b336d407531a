#include "hub/acts/approvals.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/acts/act_text.h"
#include "hub/acts/acting_methods.h"
#include "hub/nodes/registry.h"
#include "loop/loop.h"
#include "roost/v1/power.pb-c.h"
#include "rpc/actor.h"

/* A node "pi" with the tag "prod", two operators, a viewer and a program. */
struct place {
    struct loop *loop;
    struct registry *registry;
    struct activity *activity;
    struct approvals *approvals;
    char *tags[1];
    struct settings_list list;
    struct node *node;
    struct actor *ada, *bob, *val, *robot;
    enum approvals_state decided; /* 0: not yet */
    char why[100];
    size_t signature_len;
};

static void save_node(void *arg, const struct node *node) {
}

static void remove_name(void *arg, const char *name) {
}

static void rename_node(void *arg, const char *from, const char *to) {
}

static void keep_event(void *arg, const struct activity_event *event) {
}

static struct actor *make_actor(const char *name, enum actor_role role, bool is_person) {
    struct actor_rights *rights = actor_rights_new(false);

    actor_rights_add(rights, "*", role, 0);
    struct actor *actor = actor_new(name, name, is_person, rights);
    actor_rights_unref(rights);
    return actor;
}

static void place_init(struct place *place, uint64_t wait_ms) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };

    *place = (struct place) { .loop = loop_new(), .tags = { "@prod" } };
    place->list = (struct settings_list) { .items = place->tags, .count = 1 };
    place->registry = registry_new(&nodes);
    place->activity = activity_new(1, keep_event, NULL);
    const struct approvals_config config = {
        .loop = place->loop,
        .registry = place->registry,
        .activity = place->activity,
        .tags = &place->list,
        .wait_ms = wait_ms,
    };
    place->approvals = approvals_new(&config);
    place->node = registry_add(place->registry, "pi");
    node_add_tag(place->node, "prod");
    place->ada = make_actor("ada", ACTOR_OPERATOR, true);
    place->bob = make_actor("bob", ACTOR_OPERATOR, true);
    place->val = make_actor("val", ACTOR_VIEWER, true);
    place->robot = make_actor("robot", ACTOR_OWNER, false);
}

static void place_done(struct place *place) {
    approvals_free(place->approvals);
    activity_free(place->activity);
    registry_free(place->registry);
    actor_unref(place->ada);
    actor_unref(place->bob);
    actor_unref(place->val);
    actor_unref(place->robot);
    loop_free(place->loop);
}

static void on_decided(void *arg,
                       const struct approvals_item *item,
                       struct slice signature,
                       const char *why) {
    struct place *place = arg;

    place->decided = item->state;
    place->signature_len = signature.len;
    snprintf(place->why, sizeof(place->why), "%s", why ? why : "");
    loop_stop(place->loop);
}

static struct approvals_item *ask(struct place *place, const char *tag, bool signs) {
    const struct approvals_question question = {
        .node = place->node,
        .method = "/roost.v1.Power/Reboot",
        .request = slice_of_text("abc"),
        .json = "{}",
        .tag = tag,
        .needs_signature = signs,
        .asker = place->ada,
        .on_decided = on_decided,
        .arg = place,
    };
    return approvals_ask(place->approvals, &question);
}

static const char *fault(struct place *place,
                         const struct approvals_item *item,
                         const struct actor *actor,
                         const char *signature) {
    const char *why =
        approvals_fault(place->approvals, item, actor, slice_of_text(signature));
    return why ? why : "";
}

static void who_may_approve_is_as_the_table_says(void) {
    struct place place;

    place_init(&place, 60000);
    struct approvals_item *consent = ask(&place, "prod", false);
    struct approvals_item *signature = ask(&place, NULL, true);
    struct approvals_item *both = ask(&place, "prod", true);
    CHECK(strstr(fault(&place, consent, place.ada, ""), "who asked cannot"));
    CHECK_TEXT(fault(&place, consent, place.bob, ""), "");
    CHECK(strstr(fault(&place, consent, place.val, ""), "operator"));
    CHECK(strstr(fault(&place, consent, place.robot, ""), "a program cannot"));
    CHECK(strstr(fault(&place, signature, place.ada, ""), "signature"));
    CHECK_TEXT(fault(&place, signature, place.ada, "x"), "");
    CHECK_TEXT(fault(&place, signature, place.robot, "x"), "");
    CHECK(strstr(fault(&place, signature, place.val, "x"), "operator"));
    CHECK(strstr(fault(&place, both, place.ada, "x"), "second person"));
    CHECK(strstr(fault(&place, both, place.bob, ""), "signature"));
    CHECK_TEXT(fault(&place, both, place.bob, "x"), "");
    CHECK(approvals_may_see(place.approvals, consent, place.ada));
    CHECK(!approvals_may_see(place.approvals, consent, place.val));
    CHECK(approvals_find(place.approvals, place.bob, both->id) == both);
    CHECK(!approvals_find(place.approvals, place.val, both->id));
    CHECK(!approvals_find(place.approvals, place.bob, "abc"));
    approvals_drop(consent);
    approvals_drop(signature);
    approvals_drop(both);
    CHECK_INT(place.decided, 0);
    place_done(&place);
}

static void a_decision_is_told_once_with_its_signature(void) {
    struct place place;

    place_init(&place, 60000);
    struct approvals_item *item = ask(&place, "prod", true);
    approvals_decide(item, APPROVALS_APPROVED, place.bob, slice_of_text("sign"), NULL);
    CHECK_INT(place.decided, APPROVALS_APPROVED);
    CHECK_INT(place.signature_len, 4);
    CHECK(!approvals_next(place.approvals, NULL));
    item = ask(&place, "prod", false);
    approvals_decide(item, APPROVALS_REJECTED, place.bob, slice_of_text(""), "no");
    CHECK_INT(place.decided, APPROVALS_REJECTED);
    CHECK_TEXT(place.why, "no");
    place_done(&place);
}

static void what_nobody_decides_lapses(void) {
    struct place place;

    place_init(&place, 1);
    CHECK(ask(&place, "prod", false));
    loop_run(place.loop);
    CHECK_INT(place.decided, APPROVALS_LAPSED);
    CHECK(!approvals_next(place.approvals, NULL));
    place_done(&place);
}

static void one_caller_has_only_so_many(void) {
    struct approvals_item *items[APPROVALS_OF_ONE_MAX];
    struct place place;

    place_init(&place, 60000);
    for (size_t i = 0; i < APPROVALS_OF_ONE_MAX; i++)
        CHECK((items[i] = ask(&place, "prod", false)));
    CHECK(!ask(&place, "prod", false));
    approvals_drop(items[0]);
    CHECK((items[0] = ask(&place, "prod", false)));
    for (size_t i = 0; i < APPROVALS_OF_ONE_MAX; i++)
        approvals_drop(items[i]);
    place_done(&place);
}

static void tags_are_those_of_the_settings(void) {
    struct settings_list none = { 0 };
    struct place place;

    place_init(&place, 60000);
    CHECK_TEXT(approvals_tag_of(place.approvals, place.node), "prod");
    CHECK(!approvals_is_tag(place.approvals, "pro"));
    approvals_set(place.approvals, &none, 1000);
    CHECK(!approvals_tag_of(place.approvals, place.node));
    place_done(&place);
}

static void every_acting_method_has_a_type(void) {
    static const char *const quiet[] = { "/roost.v1.Processes/List",
                                         "/roost.v1.Units/Get", "/roost.v1.Power/Status",
                                         "/demo.Echo/Say", "" };

    CHECK(acting_methods_find("/roost.v1.Processes/Signal")->is_harmful);
    CHECK(!acting_methods_find("/roost.v1.Probe/Ping")->is_harmful);
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        CHECK(!acting_methods_find(quiet[i]));
    CHECK(acting_methods_request(acting_methods_find("/external.Fluentd/Restart")));
}

static void a_request_is_told_in_a_line(void) {
    const struct acting_method *method = acting_methods_find("/roost.v1.Power/Reboot");
    Roost__V1__PowerRequest request = ROOST__V1__POWER_REQUEST__INIT;
    char message[1000], operation_id[] = "0a1b2c";
    struct buf packed = { 0 }, json = { 0 };

    memset(message, 'x', sizeof(message));
    memcpy(message + 280, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 14);
    message[sizeof(message) - 1] = '\0';
    request.delay_s = 7;
    request.message = message;
    request.operation_id = operation_id;
    pb_pack(&packed, &request.base);
    act_text_json(&json, method, slice_of(packed.data, packed.len));
    CHECK(strstr(buf_text(&json), "0a1b2c"));
    auto_(mem_freep) char *line =
        act_text_line(method, slice_of(packed.data, packed.len));
    memcpy(message, "short", 6);
    buf_done(&packed);
    pb_pack(&packed, &request.base);
    auto_(mem_freep) char *whole =
        act_text_line(method, slice_of(packed.data, packed.len));
    CHECK(strstr(whole, "short") && !strstr(whole, "operation"));
    CHECK(strstr(line, "{\"delayS\":7,") || strstr(line, "{\"delayS\": 7"));
    CHECK(strlen(line) <= ACT_TEXT_LINE_MAX + 3);
    CHECK(strstr(line, "..."));
    buf_done(&json);
    act_text_json(&json, method, slice_of_text("\xff\xff\xff"));
    CHECK_TEXT(buf_text(&json), "(a request that cannot be read)");
    buf_done(&json);
    buf_done(&packed);
}

TESTS(TEST(who_may_approve_is_as_the_table_says),
      TEST(a_decision_is_told_once_with_its_signature),
      TEST(what_nobody_decides_lapses),
      TEST(one_caller_has_only_so_many),
      TEST(tags_are_those_of_the_settings),
      TEST(every_acting_method_has_a_type),
      TEST(a_request_is_told_in_a_line))
