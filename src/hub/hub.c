#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "hub/activity/activity.h"
#include "hub/activity/service_activity.h"
#include "hub/activity/traffic.h"
#include "hub/acts/acts.h"
#include "hub/acts/approvals.h"
#include "hub/acts/service_approvals.h"
#include "hub/alerting/service_alerts.h"
#include "hub/config.h"
#include "hub/data_lock.h"
#include "hub/front/doors.h"
#include "hub/front/tls_files.h"
#include "hub/front/web.h"
#include "hub/gate/gate.h"
#include "hub/gate/underway.h"
#include "hub/groups/groups.h"
#include "hub/groups/service_groups.h"
#include "hub/hub_private.h"
#include "hub/keeper.h"
#include "hub/link/admission.h"
#include "hub/link/link_sessions.h"
#include "hub/link/service_gateway.h"
#include "hub/link/session.h"
#include "hub/metrics/painters.h"
#include "hub/metrics/remote_writer.h"
#include "hub/metrics/scrape.h"
#include "hub/metrics/service_metrics.h"
#include "hub/nodes/presence.h"
#include "hub/nodes/registry.h"
#include "hub/nodes/service_nodes.h"
#include "hub/older/health_page.h"
#include "hub/older/hubws_door.h"
#include "hub/older/hubws_sessions.h"
#include "hub/older/service_internal.h"
#include "hub/people/access.h"
#include "hub/people/service_tokens.h"
#include "hub/people/service_users.h"
#include "hub/people/users.h"
#include "hub/probes/echo.h"
#include "hub/probes/service_tests.h"
#include "hub/samples/trouble.h"
#include "hub/service_admin.h"
#include "hub/talk/hub_talk.h"
#include "hub/timekeeper.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "rpc/front.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/tunnel_http.h"
#include "store/history/history.h"
#include "store/store.h"

enum {
    TOUCH_MS = 60000,   /* how old a "last seen" may be after a crash */
    DRAIN_LOOK_MS = 20, /* how often a graceful end looks whether all have gone */
    CALLERS_MS = 2000,  /* what callers get to hear of it before nodes do */
};

static void on_touch(struct timer *timer) {
    struct hub *hub = container_of(timer, struct hub, touch);

    keeper_touch(hub->store, hub->registry, clock_wall_ms());
    timer_start(hub->loop, &hub->touch, TOUCH_MS);
}

static void make_doors(struct hub *hub, struct inheritance *inheritance) {
    struct doors_config config = {
        .loop = hub->loop,
        .tls = tls_files_server(hub->tls),
        .limits = &hub->limits,
        .inheritance = inheritance,
        .on_conn = hub_parts_on_conn,
        .arg = hub,
    };
    hub->doors = doors_new(&config);
}

static int make_tls(struct hub *hub, char **ret_why) {
    return tls_files_new(hub->loop, hub->config, &hub->tls, ret_why);
}

/* The data folder becomes ours. What can fail without it is tried before another process
 * is asked to let go of it. */
static int take_data(struct hub *hub, struct inheritance *inheritance, char **ret_why) {
    int r = file_make_dirs(hub->config->data, 0700);
    if (r < 0) {
        *ret_why = mem_printf("%s: %s", hub->config->data, strerror(-r));
        return r;
    }
    if (inheritance) {
        r = make_tls(hub, ret_why);
        if (r == 0 && (r = handover_ask(inheritance)) < 0)
            *ret_why =
                mem_printf("the hub that runs does not hand over: %s", strerror(-r));
    }
    if (r == 0)
        r = data_lock_take(hub->config->data, &hub->lock, ret_why);
    if (r == 0 && !inheritance)
        r = make_tls(hub, ret_why);
    return r;
}

int hub_new(struct loop *loop,
            const struct hub_config *config,
            struct inheritance *inheritance,
            struct hub **ret_hub,
            char **ret_why) {
    struct hub *hub = mem_new(sizeof(*hub));
    struct store_facts facts;

    hub->loop = loop;
    hub->config = config;
    hub->touch.fire = on_touch;
    int r = take_data(hub, inheritance, ret_why);
    if (r == 0)
        r = hub_store_open(hub, &facts, ret_why);
    if (r == 0) {
        hub_parts_make(hub, &facts);
        make_doors(hub, inheritance);
        r = doors_open(hub->doors, config, ret_why);
    }
    if (r != 0) {
        hub_free(hub);
        return r;
    }
    auto_(mem_freep) char *authority = doors_dial_address(hub->doors);
    gate_name_inside(hub->gate, authority);
    timer_start(loop, &hub->touch, TOUCH_MS);
    hub_talk_start(hub->talk);
    *ret_hub = hub;
    return 0;
}

void hub_announce(struct hub *hub) {
    struct buf where = { 0 };

    doors_print(hub->doors, &where);
    data_lock_tell(hub->lock, NULL);
    for (size_t i = 0; i < hub->unclear.count; i++)
        acts_tell_unclear(hub->activity, &hub->unclear.rows[i]);
    activity_add(hub->activity, "hub.started", "", "", "version %s", ROOST_VERSION);
    log_info("ready on %s, %zu nodes known", buf_text(&where),
             registry_count(hub->registry));
    keeper_acts_done(&hub->unclear);
    buf_done(&where);
}

void hub_reload(struct hub *hub) {
    hub_parts_rename(hub);
    hub_parts_limit(hub);
    tls_files_reload(hub->tls, hub->sessions);
}

/* Nodes are told last: until then callers may still ask for them. */
static void tell_nodes(struct hub *hub) {
    bool heard =
        front_has_left(hub->front) || loop_now_ms(hub->loop) >= hub->callers_until_ms;

    if (hub->callers_until_ms == 0 || !heard)
        return;
    hub->callers_until_ms = 0;
    session_pool_drain(hub->sessions);
}

static void on_drain(struct timer *timer) {
    struct hub *hub = container_of(timer, struct hub, drain);

    tell_nodes(hub);
    bool gone = session_pool_count(hub->sessions) == 0 && front_count(hub->front) == 0;
    if (gone || loop_now_ms(hub->loop) >= hub->drain_until_ms)
        hub->on_ended(hub->ended_arg);
    else
        timer_start(hub->loop, timer, DRAIN_LOOK_MS);
}

void hub_finish(struct hub *hub,
                unsigned limit_ms,
                void (*on_ended)(void *arg),
                void *arg) {
    uint64_t until_ms = loop_now_ms(hub->loop) + limit_ms;

    if (hub->on_ended) { /* it ends already: perhaps earlier now */
        if (until_ms < hub->drain_until_ms)
            hub->drain_until_ms = until_ms;
        return;
    }
    hub->on_ended = on_ended;
    hub->ended_arg = arg;
    hub->drain_until_ms = until_ms;
    hub->callers_until_ms = loop_now_ms(hub->loop) + CALLERS_MS;
    doors_close(hub->doors);
    health_stop(hub->health);
    health_page_stop(hub->health_page);
    service_internal_stop(hub->internal);
    service_tests_stop(hub->tests);
    services_stop(hub->services);
    gate_end_held(hub->gate);
    front_drain(hub->front);
    hub->drain.fire = on_drain;
    timer_start(hub->loop, &hub->drain, 0);
}

size_t hub_sockets(const struct hub *hub,
                   struct handover_socket ret_sockets[static DOORS_MAX]) {
    return doors_sockets(hub->doors, ret_sockets);
}

void hub_tell_failed(struct hub *hub, const char *why) {
    data_lock_tell(hub->lock, why);
}

/* What needs the store ends or is refused, then the store is closed. */
void hub_release(struct hub *hub) {
    gate_close(hub->gate);
    web_close(hub->web);
    timer_stop(&hub->touch);
    service_tests_stop(hub->tests);
    echo_release(hub->echo);
    session_pool_quiet(hub->sessions);
    keeper_touch(hub->store, hub->registry, clock_wall_ms());
    traffic_write(hub->traffic);
    hub_talk_stop(hub->talk);
    hub->trouble = trouble_free(hub->trouble);
    hub->history = history_free(hub->history);
    store_release(hub->store);
    hub->lock = data_lock_free(hub->lock);
}

struct hub *hub_free(struct hub *hub) {
    if (!hub)
        return NULL;
    timer_stop(&hub->touch);
    timer_stop(&hub->drain);
    doors_free(hub->doors);
    front_free(hub->front);
    tunnel_http_free(hub->tunnels);
    web_free(hub->web);
    scrape_free(hub->scrape);
    admission_free(hub->admission);
    hubws_door_free(hub->hubws_door);
    health_page_free(hub->health_page);
    session_pool_free(hub->sessions);
    link_sessions_free(hub->links);
    hubws_sessions_free(hub->hubws);
    remote_writer_free(hub->writer);
    hub_talk_stop(hub->talk);
    loop_settle(hub->loop); /* calls learn of the end of their connections */
    gate_free(hub->gate);
    service_approvals_free(hub->approval_service);
    service_alerts_free(hub->alert_service);
    approvals_free(hub->approvals);
    underway_free(hub->underway);
    keeper_acts_done(&hub->unclear);
    service_internal_free(hub->internal);
    service_gateway_free(hub->gateway);
    service_activity_free(hub->activities);
    service_users_free(hub->user_service);
    service_tokens_free(hub->tokens);
    service_tests_free(hub->tests);
    echo_free(hub->echo);
    painters_free(hub->painters);
    service_metrics_free(hub->metrics);
    service_admin_free(hub->admin);
    service_groups_free(hub->group_service);
    service_nodes_free(hub->nodes);
    reflection_free(hub->reflection);
    health_free(hub->health);
    services_free(hub->services);
    traffic_free(hub->traffic);
    presence_free(hub->presence);
    trouble_free(hub->trouble);
    history_free(hub->history);
    hub_talk_free(hub->talk);
    records_done(&hub->records);
    timekeeper_free(hub->timekeeper);
    store_close(hub->store);
    activity_free(hub->activity);
    access_free(hub->access);
    users_free(hub->users);
    groups_free(hub->groups);
    registry_free(hub->registry);
    tls_files_free(hub->tls);
    hosts_clear(&hub->hosts);
    free(hub->addresses);
    free(hub->database);
    data_lock_free(hub->lock);
    free(hub);
    return NULL;
}
