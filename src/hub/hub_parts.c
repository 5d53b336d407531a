#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/activity/service_activity.h"
#include "hub/activity/traffic.h"
#include "hub/acts/approvals.h"
#include "hub/acts/service_approvals.h"
#include "hub/alerting/alerts_feed.h"
#include "hub/config.h"
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
#include "loop/conn.h"
#include "loop/loop.h"
#include "rpc/actor.h"
#include "rpc/call.h"
#include "rpc/front.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/tunnel_http.h"
#include "store/history/history.h"
#include "store/store.h"

/* [hub] address as one text. A new string. */
static char *join_addresses(const struct hub_config *config) {
    struct buf joined = { 0 };

    for (size_t i = 0; i < config->addresses.count; i++)
        buf_printf(&joined, "%s%s", i > 0 ? "," : "", config->addresses.items[i]);
    return buf_take_text(&joined);
}

static void read_names(struct hub *hub) {
    hosts_read(&hub->hosts, hub->config);
    hub->addresses = join_addresses(hub->config);
}

static void on_call(void *arg, struct call *call, struct conn *conn) {
    struct hub *hub = arg;

    call->is_plain = !conn_is_tls(conn);
    call_start(call, gate_target(hub->gate));
    if (call->actor)
        listener_vouch(conn);
}

static void on_exchange(void *arg, struct exchange *exchange) {
    struct hub *hub = arg;

    if (tunnel_http_is_asked(exchange))
        tunnel_http_serve(hub->tunnels, exchange);
    else
        web_serve(hub->web, exchange);
}

void hub_parts_on_conn(void *arg, struct conn *conn) {
    struct hub *hub = arg;
    front_serve(hub->front, conn);
}

static const char *pin_in_use(void *arg) {
    const struct hub *hub = arg;
    return tls_files_pin(hub->tls);
}

/* Of the older hub: its servers dial in, its programs ask for /health. */
static void make_older_sessions(struct hub *hub) {
    struct hubws_sessions_config sessions = {
        .loop = hub->loop,
        .sessions = hub->sessions,
        .registry = hub->registry,
        .header_bytes_max = hub->config->header_bytes_max,
    };
    hub->hubws = hubws_sessions_new(&sessions);
    struct hubws_door_config door = {
        .admission = hub->admission,
        .sessions = hub->hubws,
        .registry = hub->registry,
        .access = hub->access,
    };
    hub->hubws_door = hubws_door_new(&door);
    hubws_door_let_anonymous(hub->hubws_door, hub->config->hubws_anonymous);
    hub->health_page = health_page_new(presence_start_ns(hub->presence));
}

/* There is no feed while the hub is being made. */
static void judge(void *arg, const struct alerts_row *row) {
    const struct hub *hub = arg;
    alerts_feed_take(hub->feed, row);
}

/* What samples go into, whichever way they come. */
static struct intake_shared samples_of(struct hub *hub) {
    return (struct intake_shared) {
        .loop = hub->loop,
        .registry = hub->registry,
        .activity = hub->activity,
        .history = hub->history,
        .timekeeper = hub->timekeeper,
        .writer = hub->writer,
        .judge = judge,
        .judge_arg = hub,
        .ack_ms = hub->config->acknowledge_ms,
    };
}

static void make_sessions(struct hub *hub, const struct store_facts *facts) {
    hub->activity = activity_new(facts->last_event_id + 1, keeper_keep_event, hub->store);
    struct traffic_config traffic = {
        .loop = hub->loop,
        .store = hub->store,
        .keep_ms = hub->config->traffic_keep_ms,
        .rows_max = hub->config->traffic_rows_max,
    };
    hub->traffic = traffic_new(&traffic);
    hub->presence = presence_new(hub->registry);
    hub->trouble = trouble_new(hub->loop, hub->history, hub->activity);
    struct session_pool_config sessions = {
        .loop = hub->loop,
        .registry = hub->registry,
        .activity = hub->activity,
    };
    hub->sessions = session_pool_new(&sessions);
    struct link_sessions_config links = {
        .sessions = hub->sessions,
        .streams_max = (uint32_t)hub->config->streams_max,
        .windows = &hub->windows,
        .header_bytes_max = hub->config->header_bytes_max,
        .samples = samples_of(hub),
    };
    hub->links = link_sessions_new(&links);
    struct admission_config admission = {
        .store = hub->store,
        .access = hub->access,
        .registry = hub->registry,
        .activity = hub->activity,
        .start_number = facts->start,
    };
    hub->admission = admission_new(&admission);
    make_older_sessions(hub);
}

/* As many as there are cores, unless it was set. */
static size_t draw_workers(const struct hub_config *config) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (config->draw_workers > 0)
        return config->draw_workers;
    return cores < 1 ? 1 : cores > PAINTERS_MAX ? PAINTERS_MAX : (size_t)cores;
}

/* There is none while the hub is being made, nor at its end. */
static bool report_bot(void *arg, Roost__V1__Bot *ret_bot) {
    const struct hub *hub = arg;
    return hub->talk && hub_talk_report_bot(hub->talk, ret_bot);
}

/* Those that ask the history. */
static void make_sample_services(struct hub *hub) {
    hub->painters = painters_new(hub->loop, draw_workers(hub->config));
    struct service_metrics_config metrics = {
        .services = hub->services,
        .registry = hub->registry,
        .history = hub->history,
        .painters = hub->painters,
        .timekeeper = hub->timekeeper,
    };
    struct service_admin_config admin = {
        .services = hub->services,
        .registry = hub->registry,
        .history = hub->history,
        .database = hub->database,
        .retention_ms = hub->config->retention_ms,
        .report_bot = report_bot,
        .arg = hub,
    };

    hub->metrics = service_metrics_new(&metrics);
    hub->admin = service_admin_new(&admin);
}

/* Agents that come by gRPC. */
static void make_gateway(struct hub *hub) {
    struct service_gateway_config gateway = {
        .services = hub->services,
        .access = hub->access,
        .admission = hub->admission,
        .sessions = hub->sessions,
        .samples = samples_of(hub),
        .calls_max = hub->config->streams_max,
        .message_max = hub->config->message_bytes_max,
        .header_bytes_max = hub->config->header_bytes_max,
    };
    hub->gateway = service_gateway_new(&gateway);
}

/* A node's owner cannot free it of the second person's word. */
static bool may_untag(void *arg, const struct actor *actor, const char *tag) {
    const struct hub *hub = arg;
    return actor_is_admin(actor) || !approvals_is_tag(hub->approvals, tag);
}

static void make_approvals(struct hub *hub) {
    struct approvals_config approvals = {
        .loop = hub->loop,
        .registry = hub->registry,
        .activity = hub->activity,
        .tags = &hub->config->approval_tags,
        .wait_ms = hub->config->approval_wait_ms,
    };
    hub->approvals = approvals_new(&approvals);
    struct service_approvals_config service = {
        .services = hub->services,
        .approvals = hub->approvals,
    };
    hub->approval_service = service_approvals_new(&service);
}

static void make_users(struct hub *hub) {
    struct service_users_config users = {
        .loop = hub->loop,
        .store = hub->store,
        .services = hub->services,
        .access = hub->access,
        .users = hub->users,
        .underway = hub->underway,
        .activity = hub->activity,
        .registry = hub->registry,
        .addresses = hub->addresses,
        .pin = pin_in_use,
        .arg = hub,
    };
    hub->user_service = service_users_new(&users);
}

/* What is tested between nodes and this hub. */
static void make_tests(struct hub *hub) {
    hub->echo = echo_new(hub->loop, (unsigned)hub->config->udp_port);
    struct service_tests_config tests = {
        .loop = hub->loop,
        .registry = hub->registry,
        .echo = hub->echo,
        .painters = hub->painters,
        .udp_host = hub->config->udp_host,
    };
    hub->tests = service_tests_new(&tests);
}

static bool may_join(void *arg) {
    const struct hub *hub = arg;
    return hub->config->telegram_token &&
           strcmp(hub->config->telegram_strangers, "own") == 0;
}

static void make_services(struct hub *hub) {
    hub->services = services_new(hub->config->message_bytes_max);
    hub->underway = underway_new(hub->loop, hub->registry, hub->users);
    make_approvals(hub);
    struct service_nodes_config nodes = {
        .services = hub->services,
        .registry = hub->registry,
        .activity = hub->activity,
        .access = hub->access,
        .users = hub->users,
        .may_untag = may_untag,
        .arg = hub,
    };
    struct service_groups_config groups = {
        .loop = hub->loop,
        .services = hub->services,
        .registry = hub->registry,
        .groups = hub->groups,
        .activity = hub->activity,
    };
    struct service_tokens_config tokens = {
        .loop = hub->loop,
        .store = hub->store,
        .services = hub->services,
        .access = hub->access,
        .users = hub->users,
        .underway = hub->underway,
        .activity = hub->activity,
        .registry = hub->registry,
        .sessions = hub->sessions,
        .addresses = hub->addresses,
        .pin = pin_in_use,
        .may_join = may_join,
        .arg = hub,
    };
    struct gate_config gate = {
        .loop = hub->loop,
        .access = hub->access,
        .underway = hub->underway,
        .store = hub->store,
        .activity = hub->activity,
        .approvals = hub->approvals,
        .last_act_id = hub->last_act_id,
        .registry = hub->registry,
        .groups = hub->groups,
        .traffic = hub->traffic,
        .services = hub->services,
        .calls_per_caller = hub->config->calls_per_caller,
    };

    struct service_activity_config activity = {
        .services = hub->services,
        .activity = hub->activity,
        .store = hub->store,
        .traffic = hub->traffic,
        .registry = hub->registry,
    };
    struct service_internal_config internal = {
        .services = hub->services,
        .registry = hub->registry,
        .presence = hub->presence,
        .traffic = hub->traffic,
    };

    hub->nodes = service_nodes_new(&nodes);
    hub->group_service = service_groups_new(&groups);
    make_sample_services(hub);
    make_tests(hub);
    gate.tests = service_tests_target(hub->tests);
    hub->tokens = service_tokens_new(&tokens);
    make_users(hub);
    hub->activities = service_activity_new(&activity);
    hub->internal = service_internal_new(&internal);
    make_gateway(hub);
    hub->health = health_new(hub->services);
    hub->reflection = reflection_new(hub->services);
    hub->gate = gate_new(&gate);
    gate_let_anonymous(hub->gate, hub->config->hubws_anonymous);
}

static struct front_limits front_limits_of(struct hub *hub) {
    const struct hub_config *config = hub->config;

    return (struct front_limits) {
        .header_bytes_max = config->header_bytes_max,
        .streams_max = (uint32_t)config->streams_max,
        .held_max = config->connection_bytes_max,
        .windows = &hub->windows,
        .head_ms = (unsigned)config->head_ms,
        .body_ms = (unsigned)config->body_ms,
        .idle_ms = (unsigned)config->idle_ms,
        .stranger_ms = (unsigned)config->stranger_ms,
    };
}

static struct listener_limits listener_limits_of(const struct hub_config *config) {
    return (struct listener_limits) {
        .handshake_ms = (unsigned)config->handshake_ms,
        .unauthenticated_max = (unsigned)config->unauthenticated_max,
        .per_client_max = (unsigned)config->per_client_max,
    };
}

static void make_writer(struct hub *hub) {
    const struct hub_config *config = hub->config;
    struct remote_writer_config writer = {
        .loop = hub->loop,
        .url = config->remote_write_url,
        .bearer = config->remote_write_token,
        .user = config->remote_write_user,
        .password = config->remote_write_password,
        .ca_file = config->remote_write_ca_file,
        .headers = &config->remote_write_headers,
        .nodes = &config->remote_write_nodes,
        .metrics = &config->remote_write_metrics,
        .queue_bytes_max = config->remote_write_queue_bytes,
    };

    if (config->remote_write_url)
        hub->writer = remote_writer_new(&writer);
}

static void make_scrape(struct hub *hub) {
    struct scrape_config scrape = {
        .access = hub->access,
        .registry = hub->registry,
        .sessions = hub->sessions,
        .store = hub->store,
        .writer = hub->writer,
    };
    hub->scrape = scrape_new(&scrape);
}

static void make_front(struct hub *hub) {
    const struct hub_config *config = hub->config;
    struct web_config web = {
        .loop = hub->loop,
        .registry = hub->registry,
        .services = hub->services,
        .admission = hub->admission,
        .links = hub->links,
        .hubws = hub->hubws_door,
        .health = hub->health_page,
        .scrape = hub->scrape,
        .telegram = hub_talk_telegram_door(hub->talk),
        .gate = gate_target(hub->gate),
        .hosts = hub->hosts.names,
        .message_max = config->message_bytes_max,
    };
    struct front_config front = {
        .limits = front_limits_of(hub),
        .on_call = on_call,
        .on_exchange = on_exchange,
        .arg = hub,
    };

    hub->web = web_new(&web);
    hub->tunnels = tunnel_http_new(hub->loop, gate_target(hub->gate));
    hub->front = front_new(hub->loop, &front);
    hub->limits = listener_limits_of(config);
    hub->windows.limit = config->window_bytes;
}

void hub_parts_make(struct hub *hub, const struct store_facts *facts) {
    hub->last_act_id = facts->last_act_id;
    make_writer(hub);
    make_sessions(hub, facts);
    read_names(hub);
    make_services(hub);
    hub->talk = hub_talk_new(hub);
    make_scrape(hub);
    make_front(hub);
}

void hub_parts_rename(struct hub *hub) {
    char *before = TAKE(hub->addresses);

    read_names(hub);
    service_tokens_set_addresses(hub->tokens, hub->addresses);
    service_users_set_addresses(hub->user_service, hub->addresses);
    free(before);
}

void hub_parts_limit(struct hub *hub) {
    const struct hub_config *config = hub->config;
    struct front_limits limits = front_limits_of(hub);

    hub->limits = listener_limits_of(config);
    hub->windows.limit = config->window_bytes;
    front_limit(hub->front, &limits);
    link_sessions_limit(hub->links, (uint32_t)config->streams_max,
                        config->header_bytes_max);
    service_gateway_limit(hub->gateway, config->streams_max, config->message_bytes_max,
                          config->header_bytes_max);
    services_limit(hub->services, config->message_bytes_max);
    hubws_sessions_limit(hub->hubws, config->header_bytes_max);
    gate_let_anonymous(hub->gate, config->hubws_anonymous);
    hubws_door_let_anonymous(hub->hubws_door, config->hubws_anonymous);
    gate_limit(hub->gate, config->calls_per_caller);
    hub_talk_reload(hub->talk);
    approvals_set(hub->approvals, &config->approval_tags, config->approval_wait_ms);
    web_limit(hub->web, config->message_bytes_max);
    hub_store_keep(hub);
    store_limit_events(hub->store, config->events_max);
    traffic_limit(hub->traffic, config->traffic_keep_ms, config->traffic_rows_max);
}
