#include "hub/gate/gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/activity/traffic.h"
#include "hub/acts/approvals.h"
#include "hub/gate/underway.h"
#include "hub/gate/waiting.h"
#include "hub/groups/group.h"
#include "hub/groups/groups.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/health.h"
#include "rpc/services.h"
#include "rpc/target.h"

/* A session that answers every call at once, or whose peer never sees them. */
struct session {
    struct target target;
    struct headers seen; /* metadata of the last call */
    unsigned calls;
    bool refuses;
};

struct target *session_target(struct session *session) {
    return &session->target;
}

static void answer(struct target *target, struct call *call) {
    struct session *session = container_of(target, struct session, target);

    if (strcmp(call->method, "/grpc.health.v1.Health/Watch") == 0) {
        call_finish(call, GRPC_UNIMPLEMENTED, NULL, NULL); /* the group asks */
        return;
    }
    session->calls++;
    headers_done(&session->seen);
    headers_add_all(&session->seen, &call->metadata);
    if (session->refuses && call->again)
        call_start(call, TAKE(call->again));
    else
        call_finish(call, session->refuses ? GRPC_UNAVAILABLE : GRPC_OK, NULL, NULL);
}

enum who { NOBODY, STRANGER, VIEWER, OPERATOR, ADMIN, WHO_COUNT };

/* A gate with nodes "pi" (online), "off", "new" (never seen), "going" (it leaves),
 * "free" (anonymous), and a group "all" of pi and off. */
struct place {
    struct loop *loop;
    struct access *access;
    struct users *users;
    struct underway *underway;
    struct activity *activity;
    struct approvals *approvals;
    struct settings_list tags; /* for which acts wait: none */
    struct registry *registry;
    struct groups *groups;
    struct traffic *traffic;
    struct services *services;
    struct health *health;
    struct gate *gate;
    struct session session;
    struct session other;
    char secrets[WHO_COUNT][TOKEN_LEN + 1];
};

static void save_node(void *arg, const struct node *node) {
}

static void remove_name(void *arg, const char *name) {
}

static void rename_node(void *arg, const char *from, const char *to) {
}

static void save_token(void *arg, const struct access_token *token) {
}

static void keep_event(void *arg, const struct activity_event *event) {
}

static void save_user(void *arg, const struct users_row *row) {
}

static void save_group(void *arg, const struct groups_row *row) {
}

static void add_token(struct place *place, enum who who, const char *nodes, int role) {
    struct access_token *token =
        access_token_new(ACCESS_CALLER, who == ADMIN ? "root" : "ada");

    token->admin = who == ADMIN;
    token->role = role;
    access_token_set_nodes(token, &nodes, nodes ? 1 : 0);
    access_token_make_secret(token, place->secrets[who]);
    access_add(place->access, token);
}

static struct node *add_node(struct place *place, const char *name, bool online) {
    struct node *node = registry_add(place->registry, name);

    node->session = online ? &place->session : NULL;
    registry_changed(place->registry, node);
    return node;
}

static void add_nodes(struct place *place) {
    static const char *const members[] = { "pi", "off" };

    add_node(place, "pi", true);
    add_node(place, "off", false)->last_seen_ms = 1000;
    add_node(place, "new", false);
    add_node(place, "going", true)->leaving_ms = 1;
    add_node(place, "free", true)->anonymous = true;
    groups_set(place->groups, "all", members, 2, 0);
}

static void place_init(struct place *place) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };
    const struct access_keeper tokens = { save_token, NULL };
    const struct users_keeper users = { save_user, NULL };
    const struct groups_keeper groups = { save_group, remove_name, NULL };

    *place =
        (struct place) { .session.target.start = answer, .other.target.start = answer };
    place->loop = loop_new();
    const struct traffic_config traffic = { .loop = place->loop, .rows_max = 100 };
    place->registry = registry_new(&nodes);
    place->access = access_new(&tokens);
    place->users = users_new(&users);
    place->activity = activity_new(1, keep_event, NULL);
    const struct approvals_config approvals = {
        .loop = place->loop,
        .registry = place->registry,
        .activity = place->activity,
        .tags = &place->tags,
        .wait_ms = 1000,
    };
    place->approvals = approvals_new(&approvals);
    place->underway = underway_new(place->loop, place->registry, place->users);
    place->groups = groups_new(place->registry, &groups);
    place->traffic = traffic_new(&traffic);
    place->services = services_new(1 << 20);
    place->health = health_new(place->services);
    const struct gate_config gate = {
        .loop = place->loop,
        .access = place->access,
        .underway = place->underway,
        .activity = place->activity,
        .approvals = place->approvals,
        .registry = place->registry,
        .groups = place->groups,
        .traffic = place->traffic,
        .services = place->services,
        .calls_per_caller = 10000,
    };
    place->gate = gate_new(&gate);
    add_nodes(place);
    add_token(place, STRANGER, "x*", ACTOR_OWNER);
    add_token(place, VIEWER, "*", ACTOR_VIEWER);
    add_token(place, OPERATOR, "*", ACTOR_OPERATOR);
    add_token(place, ADMIN, NULL, 0);
}

static void place_done(struct place *place) {
    struct node *node;
    size_t at = 0;

    loop_settle(place->loop);
    while ((node = registry_next(place->registry, &at)))
        node->session = NULL;
    gate_free(place->gate);
    approvals_free(place->approvals);
    activity_free(place->activity);
    underway_free(place->underway);
    health_free(place->health);
    services_free(place->services);
    traffic_free(place->traffic);
    groups_free(place->groups);
    access_free(place->access);
    users_free(place->users);
    registry_free(place->registry);
    headers_done(&place->session.seen);
    headers_done(&place->other.seen);
    loop_free(place->loop);
}

static void on_wake(struct call *call, void *user) {
}

/* A call on its way; call_detach_caller() it. */
static struct call *ask(
    struct place *place, enum who who, const char *method, const char *name, bool plain) {
    struct call_half caller = { .on_wake = on_wake };
    struct call *call = call_new(place->loop, method, &caller);

    call->is_plain = plain;
    if (name)
        headers_add(&call->metadata, "name", name);
    if (who != NOBODY) {
        auto_(mem_freep) char *bearer = mem_printf("Bearer %s", place->secrets[who]);
        headers_add(&call->metadata, "authorization", bearer);
    }
    call_start(call, gate_target(place->gate));
    return call;
}

static void end(struct place *place, struct call *call) {
    call_detach_caller(call);
    loop_settle(place->loop);
}

#define ABSENT "get failed because client Name was not found"

static const struct row {
    enum who who;
    const char *method;
    const char *name;
    enum grpc_status status;
    const char *text; /* a part of the message; "": there is none */
} rows[] = {
    /* The older hub, byte for byte (equal() below). */
    { ADMIN, "/internal.Nobody/Knows", NULL, GRPC_UNIMPLEMENTED, "Unknown method" },
    { ADMIN, "/internal.Nobody/Knows", "pi", GRPC_UNIMPLEMENTED, "Unknown method" },
    { ADMIN, "/external.F/S", NULL, GRPC_FAILED_PRECONDITION,
      "name not found in metadata" },
    { ADMIN, "/external.F/S", "", GRPC_FAILED_PRECONDITION, ABSENT },
    { ADMIN, "/external.F/S", "nobody", GRPC_FAILED_PRECONDITION, ABSENT },
    { ADMIN, "/external.F/S", "off", GRPC_FAILED_PRECONDITION, ABSENT },
    { ADMIN, "/external.F/S", "new", GRPC_FAILED_PRECONDITION, ABSENT },
    { STRANGER, "/external.F/S", "pi", GRPC_FAILED_PRECONDITION, ABSENT },
    { STRANGER, "/external.F/S", "all", GRPC_FAILED_PRECONDITION, ABSENT },
    { OPERATOR, "/external.F/S", "pi", GRPC_OK, "" },
    { OPERATOR, "/external.F/S", "all", GRPC_OK, "" },
    /* Nodes. */
    { ADMIN, "/demo.Echo/Say", NULL, GRPC_UNIMPLEMENTED, "metadata name: NODE" },
    { ADMIN, "/grpc.health.v1.Health/Nope", NULL, GRPC_UNIMPLEMENTED, "no method" },
    { ADMIN, "/demo.Echo/Say", "", GRPC_NOT_FOUND, "is empty" },
    { ADMIN, "/demo.Echo/Say", "nobody", GRPC_NOT_FOUND, "no node \"nobody\"" },
    { STRANGER, "/demo.Echo/Say", "pi", GRPC_NOT_FOUND, "no node \"pi\"" },
    { NOBODY, "/demo.Echo/Say", "pi", GRPC_UNAUTHENTICATED, "a credential is needed" },
    { NOBODY, "/external.F/S", "free", GRPC_UNAUTHENTICATED, "a credential is needed" },
    { NOBODY, "/grpc.health.v1.Health/Check", "pi", GRPC_UNAUTHENTICATED, "a node" },
    { VIEWER, "/demo.Echo/Say", "pi", GRPC_PERMISSION_DENIED,
      "/demo.Echo/Say on \"pi\" needs the role operator; ada is viewer" },
    { VIEWER, "/roost.v1.Host/Describe", "pi", GRPC_OK, "" },
    { VIEWER, "/roost.v1.HostX/Describe", "pi", GRPC_PERMISSION_DENIED, "operator" },
    { VIEWER, "/roost.v1.Units/List", "pi", GRPC_OK, "" },
    { VIEWER, "/roost.v1.Units/Listen", "pi", GRPC_PERMISSION_DENIED, "operator" },
    { VIEWER, "/roost.v1.Units/Stop", "pi", GRPC_PERMISSION_DENIED, "operator" },
    { VIEWER, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "pi", GRPC_OK,
      "" },
    { OPERATOR, "/demo.Echo/Say", "pi", GRPC_OK, "" },
    { ADMIN, "/demo.Echo/Say", "pi", GRPC_OK, "" },
    { ADMIN, "/demo.Echo/Say", "off", GRPC_UNAVAILABLE, "is offline, last seen 1970-" },
    { ADMIN, "/demo.Echo/Say", "new", GRPC_UNAVAILABLE, "has never been online" },
    { ADMIN, "/demo.Echo/Say", "going", GRPC_UNAVAILABLE, "takes no new calls" },
    { ADMIN, "/roost.v1.Link/Trust", "pi", GRPC_PERMISSION_DENIED, "only the hub" },
    { ADMIN, "/roost.v1.Link/Trust", "all", GRPC_PERMISSION_DENIED, "only the hub" },
    { ADMIN, "/roost.v1.Host/Samples", "pi", GRPC_PERMISSION_DENIED, "only the hub" },
    /* Groups. */
    { OPERATOR, "/demo.Echo/Say", "all", GRPC_OK, "" },
    { VIEWER, "/demo.Echo/Say", "all", GRPC_PERMISSION_DENIED, "\"all\" needs the role" },
    { VIEWER, "/roost.v1.Host/Describe", "all", GRPC_OK, "" },
    { STRANGER, "/demo.Echo/Say", "all", GRPC_NOT_FOUND, "no node \"all\"" },
    { NOBODY, "/external.F/S", "all", GRPC_UNAUTHENTICATED, "a credential is needed" },
};

static void each_call_ends_as_the_table_says(void) {
    struct place place;

    place_init(&place);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct call *call = ask(&place, row->who, row->method, row->name, true);
        bool older = strncmp(row->method, "/internal.", 10) == 0 ||
                     strncmp(row->method, "/external.", 10) == 0;
        CHECK(call->finished);
        if (call->status != row->status || !strstr(call->message, row->text))
            CHECK_TEXT(call->message, row->method);
        if (row->text[0] == '\0' || (older && row->who != NOBODY))
            CHECK_TEXT(call->message, row->text);
        end(&place, call);
    }
    place_done(&place);
}

static void without_a_credential_only_anonymous_nodes_are_reached(void) {
    static const struct {
        const char *method;
        const char *name;
        bool plain;
        enum grpc_status status;
    } cases[] = {
        { "/external.F/S", "free", true, GRPC_OK },
        { "/external.F/S", "free", false, GRPC_UNAUTHENTICATED },
        { "/external.F/S", "pi", true, GRPC_FAILED_PRECONDITION },
        { "/external.F/S", "all", true, GRPC_FAILED_PRECONDITION },
        { "/external.F/S", NULL, true, GRPC_FAILED_PRECONDITION },
        { "/demo.Echo/Say", "free", true, GRPC_UNIMPLEMENTED },
        { "/demo.Echo/Say", "free", false, GRPC_UNAUTHENTICATED },
        { "/internal.Nobody/Knows", NULL, true, GRPC_UNIMPLEMENTED },
        { "/grpc.reflection.v1.ServerReflection/X", "free", false, GRPC_UNAUTHENTICATED },
    };
    struct place place;

    place_init(&place);
    gate_let_anonymous(place.gate, true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct call *call =
            ask(&place, NOBODY, cases[i].method, cases[i].name, cases[i].plain);
        CHECK_INT(call->status, cases[i].status);
        end(&place, call);
    }
    CHECK_TEXT(headers_get(&place.session.seen, "roost-user"), "anonymous");
    place_done(&place);
}

static void a_node_sees_the_name_but_no_credential(void) {
    struct place place;

    place_init(&place);
    end(&place, ask(&place, OPERATOR, "/external.F/S", "pi", false));
    CHECK_TEXT(headers_get(&place.session.seen, "name"), "pi");
    CHECK_TEXT(headers_get(&place.session.seen, "roost-user"), "ada");
    CHECK_TEXT(headers_get(&place.session.seen, "roost-role"), "operator");
    CHECK(!headers_get(&place.session.seen, "authorization"));
    place_done(&place);
}

static void calls_wait_for_a_node_that_is_restarted(void) {
    struct place place;

    place_init(&place);
    struct node *node = registry_find(place.registry, "pi");
    node->leaving_ms = loop_now_ms(place.loop);
    struct call *waits = ask(&place, OPERATOR, "/demo.Echo/Say", "pi", false);
    struct call *group = ask(&place, OPERATOR, "/demo.Echo/Say", "all", false);
    struct call *older = ask(&place, OPERATOR, "/external.F/S", "pi", false);
    struct call *leaves = ask(&place, OPERATOR, "/demo.Echo/Say", "pi", false);
    struct call *denied = ask(&place, VIEWER, "/demo.Echo/Say", "pi", false);
    CHECK(!waits->finished && !group->finished && !older->finished && !leaves->finished);
    CHECK_INT(denied->status, GRPC_PERMISSION_DENIED);
    end(&place, denied);
    end(&place, leaves);
    CHECK_INT(place.session.calls, 0);

    node->leaving_ms = 0;
    registry_changed(place.registry, node);
    loop_settle(place.loop);
    CHECK(waits->finished && group->finished && older->finished);
    CHECK_INT(waits->status, GRPC_OK);
    CHECK_INT(place.session.calls, 3);
    end(&place, waits);
    end(&place, group);
    end(&place, older);
    place_done(&place);
}

static void a_limited_number_waits_and_a_removed_node_ends_them(void) {
    static struct call *calls[WAITING_CALLS_MAX + 1];
    struct place place;

    place_init(&place);
    struct node *node = registry_find(place.registry, "pi");
    node->leaving_ms = loop_now_ms(place.loop);
    for (size_t i = 0; i <= WAITING_CALLS_MAX; i++)
        calls[i] = ask(&place, OPERATOR, "/demo.Echo/Say", "pi", false);
    CHECK(!calls[WAITING_CALLS_MAX - 1]->finished);
    CHECK_INT(calls[WAITING_CALLS_MAX]->status, GRPC_UNAVAILABLE);
    node->session = NULL;
    registry_remove(place.registry, node);
    loop_settle(place.loop);
    for (size_t i = 0; i <= WAITING_CALLS_MAX; i++) {
        CHECK(calls[i]->finished);
        CHECK_INT(calls[i]->status,
                  i < WAITING_CALLS_MAX ? GRPC_NOT_FOUND : GRPC_UNAVAILABLE);
        end(&place, calls[i]);
    }
    place_done(&place);
}

static void what_the_peer_never_saw_is_led_once_more(void) {
    struct place place;

    place_init(&place);
    place.session.refuses = true;
    struct call *call = ask(&place, OPERATOR, "/demo.Echo/Say", "pi", false);
    CHECK_INT(call->status, GRPC_UNAVAILABLE);
    CHECK_INT(place.session.calls, 2);
    end(&place, call);

    struct node *off = registry_find(place.registry, "off");
    off->session = &place.other;
    registry_changed(place.registry, off);
    for (unsigned i = 1; i <= 6; i++) {
        call = ask(&place, OPERATOR, "/demo.Echo/Say", "all", false);
        CHECK_INT(call->status, GRPC_OK);
        CHECK_INT(place.other.calls, i);
        end(&place, call);
    }
    place_done(&place);
}

static void no_call_stays_counted_in_a_group(void) {
    struct place place;

    place_init(&place);
    for (int i = 0; i < 10; i++)
        end(&place, ask(&place, OPERATOR, "/demo.Echo/Say", "all", false));
    struct group *group = groups_find(place.groups, "all")->group;
    for (size_t i = 0; i < group_count(group); i++)
        CHECK_INT(group_at(group, i)->calls, 0);
    place_done(&place);
}

TESTS(TEST(each_call_ends_as_the_table_says),
      TEST(without_a_credential_only_anonymous_nodes_are_reached),
      TEST(a_node_sees_the_name_but_no_credential),
      TEST(calls_wait_for_a_node_that_is_restarted),
      TEST(a_limited_number_waits_and_a_removed_node_ends_them),
      TEST(what_the_peer_never_saw_is_led_once_more),
      TEST(no_call_stays_counted_in_a_group))
