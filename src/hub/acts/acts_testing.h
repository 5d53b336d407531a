/*
 * acts_testing - a hub from its gate on, with nodes on links of the test, for tests
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check_folder.h"
#include "base/log.h"
#include "hub/activity/activity.h"
#include "hub/activity/traffic.h"
#include "hub/acts/approvals.h"
#include "hub/gate/gate.h"
#include "hub/gate/underway.h"
#include "hub/groups/groups.h"
#include "hub/link/session.h"
#include "hub/nodes/registry.h"
#include "hub/people/access.h"
#include "hub/people/users.h"
#include "loop/check_loop.h"
#include "roost/v1/power.pb-c.h"
#include "roost/v1/processes.pb-c.h"
#include "rpc/actor.h"
#include "rpc/check_target.h"
#include "rpc/services.h"
#include "store/store.h"

#define SIGNAL "/roost.v1.Processes/Signal"
#define REBOOT "/roost.v1.Power/Reboot"
#define WAKE   "/roost.v1.Power/Wake"

enum { NODES = 4, REFUSALS_MAX = 60 };

struct session {
    struct check_target target;
};

struct target *session_target(struct session *session) {
    return &session->target.target;
}

/* A hub from its gate on, with nodes "n0" to "n3" on links of the test. */
struct place {
    char *folder;
    struct loop *loop;
    struct store *store;
    struct store_facts facts;
    struct access *access;
    struct users *users;
    struct underway *underway;
    struct activity *activity;
    struct approvals *approvals;
    char *tags[1];
    struct settings_list tag_list;
    struct registry *registry;
    struct groups *groups;
    struct traffic *traffic;
    struct services *services;
    struct gate *gate;
    struct session sessions[NODES];
    struct actor *ada, *eve;
    struct buf told; /* the record: "kind node actor status\n" each */
    struct buf text; /* of the last */
    struct buf arguments;
    char method[64];
    uint64_t act_id;
    uint64_t duration_us;
};

/* A caller. */
struct asker {
    struct place *place; /* borrowed: the test */
    struct call *call;   /* reference; NULL: it left */
    bool is_over;
    enum grpc_status status;
    char message[256];
};

static inline void save_node(void *arg, const struct node *node) {
}

static inline void remove_name(void *arg, const char *name) {
}

static inline void rename_node(void *arg, const char *from, const char *to) {
}

static inline void save_token(void *arg, const struct access_token *token) {
}

static inline void save_user(void *arg, const struct users_row *row) {
}

static inline void save_group(void *arg, const struct groups_row *row) {
}

/* As the hub keeps it: the act's end and its row, both or neither. */
static inline void keep_event(void *arg, const struct activity_event *event) {
    struct place *place = arg;
    const struct store_event row = {
        .id = event->id,
        .time_ms = event->time_ms,
        .kind = event->kind,
        .node = event->node,
        .actor = event->actor,
        .text = event->text,
        .method = event->method ? event->method : "",
        .arguments = event->arguments ? event->arguments : "",
        .status = event->status,
    };

    if (strncmp(event->kind, "act.", 4) != 0)
        return;
    buf_printf(&place->told, "%s %s %s %s\n", event->kind, event->node, event->actor,
               grpc_status_name((int)event->status));
    buf_clear(&place->text);
    buf_printf(&place->text, "%s", event->text);
    buf_clear(&place->arguments);
    buf_printf(&place->arguments, "%s", event->arguments ? event->arguments : "(none)");
    snprintf(place->method, sizeof(place->method), "%s", event->method);
    place->act_id = event->act_id;
    place->duration_us = event->duration_us;
    if (place->store && event->act_id)
        CHECK_INT(store_end_act(place->store, event->act_id, &row, NULL, NULL), 0);
}

static inline struct actor *make_actor(const char *name, const char *nodes, int role) {
    struct actor_rights *rights = actor_rights_new(false);

    actor_rights_add(rights, nodes, (enum actor_role)role, 0);
    struct actor *actor = actor_new(name, name, true, rights);
    actor_rights_unref(rights);
    return actor;
}

static inline void add_node(struct place *place, int i) {
    char name[8];

    snprintf(name, sizeof(name), "n%d", i);
    struct node *node = registry_add(place->registry, name);
    check_target_init(&place->sessions[i].target, NULL, place);
    node_set(&node->instance, "one");
    node->session = &place->sessions[i];
    node->last_seen_ms = 1000;
    registry_changed(place->registry, node);
}

static inline void open_store(struct place *place) {
    auto_(mem_freep) char *path = file_join(place->folder, "hub.db");
    char *why = NULL;

    CHECK_INT(store_open(path, &place->store, &why), 0);
}

static inline void make_parts(struct place *place) {
    const struct registry_keeper nodes = { save_node, remove_name, rename_node, NULL };
    const struct access_keeper tokens = { save_token, NULL };
    const struct users_keeper users = { save_user, NULL };
    const struct groups_keeper groups = { save_group, remove_name, NULL };
    const struct traffic_config traffic = { .loop = place->loop, .rows_max = 100 };

    place->registry = registry_new(&nodes);
    place->access = access_new(&tokens);
    place->users = users_new(&users);
    place->activity = activity_new(1, keep_event, place);
    place->tags[0] = (char *)(uintptr_t) "@prod";
    place->tag_list = (struct settings_list) { .items = place->tags, .count = 1 };
    const struct approvals_config approvals = {
        .loop = place->loop,
        .registry = place->registry,
        .activity = place->activity,
        .tags = &place->tag_list,
        .wait_ms = 60000,
    };
    place->approvals = approvals_new(&approvals);
    place->underway = underway_new(place->loop, place->registry, place->users);
    place->groups = groups_new(place->registry, &groups);
    place->traffic = traffic_new(&traffic);
    place->services = services_new(1 << 20);
}

static inline void begin(struct place *place) {
    static const char *const members[] = { "n0", "n1" };

    log_set_level(LOG_LEVEL_ERROR);
    *place = (struct place) { .folder = check_folder_make(), .loop = loop_new() };
    open_store(place);
    CHECK_INT(store_load(place->store, &(struct store_loader) { 0 }), 0);
    CHECK_INT(store_start(place->store, place->loop, 1000, &place->facts), 0);
    make_parts(place);
    const struct gate_config gate = {
        .loop = place->loop,
        .access = place->access,
        .underway = place->underway,
        .store = place->store,
        .activity = place->activity,
        .approvals = place->approvals,
        .last_act_id = 40,
        .registry = place->registry,
        .groups = place->groups,
        .traffic = place->traffic,
        .services = place->services,
        .calls_per_caller = 10000,
    };
    place->gate = gate_new(&gate);
    for (int i = 0; i < NODES; i++)
        add_node(place, i);
    groups_set(place->groups, "all", members, 2, 0);
    place->ada = make_actor("ada", "*", ACTOR_OPERATOR);
    place->eve = make_actor("eve", "*", ACTOR_OPERATOR);
}

static inline void count_act(void *arg, const struct store_act *act) {
    size_t *count = arg;
    ++*count;
}

/* How many acts the store has that did not end, once all that waits is written. */
static inline size_t count_kept(struct place *place) {
    size_t count = 0;

    store_close(place->store);
    open_store(place);
    CHECK_INT(store_load(place->store,
                         &(struct store_loader) { .on_act = count_act, .arg = &count }),
              0);
    place->store = store_close(place->store);
    return count;
}

/* Ends the hub; the store has so many acts then of which it does not know the end. */
static inline void end(struct place *place, size_t kept) {
    struct node *node;
    size_t at = 0;

    loop_settle(place->loop);
    while ((node = registry_next(place->registry, &at)))
        node->session = NULL;
    gate_free(place->gate);
    CHECK_INT(underway_count(place->underway), 0);
    CHECK_INT(count_kept(place), kept);
    approvals_free(place->approvals);
    activity_free(place->activity);
    underway_free(place->underway);
    services_free(place->services);
    traffic_free(place->traffic);
    groups_free(place->groups);
    access_free(place->access);
    users_free(place->users);
    registry_free(place->registry);
    actor_unref(place->ada);
    actor_unref(place->eve);
    buf_done(&place->told);
    buf_done(&place->text);
    buf_done(&place->arguments);
    loop_settle(place->loop);
    loop_free(place->loop);
    check_folder_remove(place->folder);
}

/* --- callers --- */

static inline void on_wake(struct call *call, void *user) {
    struct asker *asker = user;

    if (!call->finished || asker->is_over)
        return;
    asker->is_over = true;
    asker->status = call->status;
    snprintf(asker->message, sizeof(asker->message), "%s", call->message);
}

static inline void start(struct asker *asker,
                         struct place *place,
                         struct actor *actor,
                         const char *method,
                         const char *node) {
    const struct call_half caller = { .on_wake = on_wake, .user = asker };

    *asker = (struct asker) { .place = place };
    asker->call = call_new(place->loop, method, &caller);
    asker->call->actor = actor_ref(actor);
    headers_add(&asker->call->metadata, "roost-node", node);
    call_start(asker->call, gate_inside(place->gate));
}

/* One message in its frame. */
static inline void frame(struct buf *out, const ProtobufCMessage *message) {
    struct buf packed = { 0 };

    pb_pack(&packed, message);
    grpc_message_add(out, buf_slice(&packed), GRPC_IDENTITY);
    buf_done(&packed);
}

static inline void frame_signal(struct buf *out) {
    Roost__V1__SignalRequest request = ROOST__V1__SIGNAL_REQUEST__INIT;

    request.pid = 812;
    request.signal = pb_lend("TERM");
    frame(out, &request.base);
}

static inline void ask(struct asker *asker,
                       struct place *place,
                       struct actor *actor,
                       const char *method,
                       const char *node) {
    Roost__V1__PowerRequest power = ROOST__V1__POWER_REQUEST__INIT;
    Roost__V1__WakeRequest wake = ROOST__V1__WAKE_REQUEST__INIT;
    struct buf framed = { 0 };

    if (strcmp(method, REBOOT) == 0)
        frame(&framed, &power.base);
    else if (strcmp(method, WAKE) == 0)
        frame(&framed, &wake.base);
    else
        frame_signal(&framed);
    start(asker, place, actor, method, node);
    call_request_write(asker->call, buf_slice(&framed));
    call_request_end(asker->call);
    buf_done(&framed);
}

static inline void leave(struct asker *asker) {
    if (asker->call)
        call_detach_caller(TAKE(asker->call));
    loop_settle(asker->place->loop);
}

static inline bool is_over(void *arg) {
    const struct asker *asker = arg;
    return asker->is_over;
}

/* What the caller hears; he leaves. */
static inline void hears(struct asker *asker, enum grpc_status status, const char *text) {
    check_loop_until(asker->place->loop, is_over, asker);
    CHECK_INT(asker->status, status);
    CHECK(strstr(asker->message, text));
    leave(asker);
}

/* What was told since the last time. */
static inline void recorded(struct place *place, const char *wanted) {
    CHECK_TEXT(buf_text(&place->told), wanted);
    buf_clear(&place->told);
}

static inline bool has_request(void *arg) {
    struct check_call *held = check_target_first(arg);
    return held && held->is_whole;
}

/* The call that the node has to answer. */
static inline struct check_call *arrives(struct place *place, int node) {
    struct check_target *target = &place->sessions[node].target;

    check_loop_until(place->loop, has_request, target);
    return check_target_first(target);
}

static inline size_t count_arrived(const struct place *place) {
    size_t count = 0;

    for (int i = 0; i < NODES; i++)
        count += place->sessions[i].target.begun;
    return count;
}

static inline void done(struct check_call *held) {
    Roost__V1__SignalResponse response = ROOST__V1__SIGNAL_RESPONSE__INIT;
    check_target_reply(held, &response.base);
}
