#include "hub/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "hub/access.h"
#include "hub/activity.h"
#include "hub/admission.h"
#include "hub/config.h"
#include "hub/data_lock.h"
#include "hub/doors.h"
#include "hub/gate.h"
#include "hub/groups.h"
#include "hub/health_page.h"
#include "hub/hosts.h"
#include "hub/hubws_door.h"
#include "hub/hubws_sessions.h"
#include "hub/keeper.h"
#include "hub/link_sessions.h"
#include "hub/painters.h"
#include "hub/presence.h"
#include "hub/registry.h"
#include "hub/remote_writer.h"
#include "hub/scrape.h"
#include "hub/service_activity.h"
#include "hub/service_admin.h"
#include "hub/service_gateway.h"
#include "hub/service_groups.h"
#include "hub/service_internal.h"
#include "hub/service_metrics.h"
#include "hub/service_nodes.h"
#include "hub/service_tokens.h"
#include "hub/session.h"
#include "hub/timekeeper.h"
#include "hub/tls_files.h"
#include "hub/traffic.h"
#include "hub/trouble.h"
#include "hub/web.h"
#include "loop/conn.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/tls.h"
#include "rpc/call.h"
#include "rpc/front.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/tunnel_http.h"
#include "store/history.h"
#include "store/store.h"
#include "wire/h2_window.h"

enum {
    TOUCH_MS = 60000,   /* how old a "last seen" may be after a crash */
    DRAIN_LOOK_MS = 20, /* how often a graceful end looks whether all have gone */
    CALLERS_MS = 2000,  /* what callers get to hear of it before nodes do */
};

struct hub {
    struct loop *loop;               /* borrowed: main */
    const struct hub_config *config; /* borrowed: main */
    struct data_lock *lock;          /* owned, and so is all that follows */
    struct doors *doors;
    struct store *store;
    struct timekeeper *timekeeper;
    struct history *history;
    struct trouble *trouble;
    struct access *access;
    struct registry *registry;
    struct groups *groups;
    struct activity *activity;
    struct services *services;
    struct reflection *reflection;
    struct health *health;
    struct service_nodes *nodes;
    struct service_groups *group_service;
    struct painters *painters;
    struct service_metrics *metrics;
    struct service_admin *admin;
    struct service_tokens *tokens;
    struct service_activity *activities;
    struct service_internal *internal;
    struct service_gateway *gateway;
    struct traffic *traffic;
    struct presence *presence;
    struct session_pool *sessions;
    struct link_sessions *links;
    struct hubws_sessions *hubws;
    struct hubws_door *hubws_door;
    struct health_page *health_page;
    struct admission *admission;
    struct gate *gate;
    struct remote_writer *writer; /* NULL: samples go nowhere else */
    struct scrape *scrape;
    struct web *web;
    struct tunnel_http *tunnels;
    struct front *front;
    struct tls_files *tls;
    struct hosts hosts;
    char *addresses; /* owned: [hub] address, joined */
    char *database;  /* owned: where the store's file is */
    struct listener_limits limits;
    struct h2_window_budget windows; /* of all streams */
    struct timer touch;
    struct timer drain;
    uint64_t drain_until_ms;
    uint64_t callers_until_ms; /* 0: nodes have been told */
    void (*on_ended)(void *arg);
    void *ended_arg; /* borrowed: main */
};

static void on_touch(struct timer *timer) {
    struct hub *hub = container_of(timer, struct hub, touch);

    keeper_touch(hub->store, hub->registry, clock_wall_ms());
    timer_start(hub->loop, &hub->touch, TOUCH_MS);
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

static void on_conn(void *arg, struct conn *conn) {
    struct hub *hub = arg;
    front_serve(hub->front, conn);
}

/* What is kept of a node follows it: its row, and its samples. */
static void save_node(void *arg, const struct node *node) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.save(keeper.arg, node);
}

static void remove_node(void *arg, const char *name) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.remove(keeper.arg, name);
    if (hub->history)
        history_remove_node(hub->history, name);
}

static void rename_node(void *arg, const char *from, const char *to) {
    const struct hub *hub = arg;
    struct registry_keeper keeper = keeper_of_nodes(hub->store);
    keeper.rename(keeper.arg, from, to);
    history_rename_node(hub->history, from, to);
}

static int64_t now_ms(void *arg) {
    const struct hub *hub = arg;
    return timekeeper_now_ms(hub->timekeeper);
}

static const char *pin_in_use(void *arg) {
    const struct hub *hub = arg;
    return tls_files_pin(hub->tls);
}

static int fail_to_read(int r, char **ret_why) {
    *ret_why = mem_printf("the store cannot be read: %s",
                          r < 0 ? strerror(-r) : "it is damaged");
    return r < 0 ? r : -EINVAL;
}

static int open_history(struct hub *hub, char **ret_why) {
    struct history_config config = {
        .loop = hub->loop,
        .store = hub->store,
        .now_ms = now_ms,
        .arg = hub,
    };

    for (int tier = 0; tier < TIER_COUNT; tier++)
        config.retention_ms[tier] = (int64_t)hub->config->retention_ms[tier];
    int r = history_new(&config, &hub->history, ret_why);
    return r < 0 ? r : r > 0 ? -EINVAL : 0;
}

static int open_store(struct hub *hub, struct store_facts *ret_facts, char **ret_why) {
    struct registry_keeper nodes;
    struct access_keeper tokens;
    struct groups_keeper groups;

    hub->database = config_store_path(hub->config);
    int r = store_open(hub->database, &hub->store, ret_why);
    if (r != 0)
        return r < 0 ? r : -EINVAL;
    nodes = (struct registry_keeper) { save_node, remove_node, rename_node, hub };
    tokens = keeper_of_tokens(hub->store);
    hub->registry = registry_new(&nodes);
    hub->access = access_new(&tokens);
    groups = keeper_of_groups(hub->store);
    r = keeper_load(hub->store, hub->registry, hub->access);
    hub->groups = groups_new(hub->registry, &groups);
    if (r == 0)
        r = keeper_load_groups(hub->store, hub->groups);
    if (r == 0)
        r = timekeeper_new(hub->loop, hub->store, &hub->timekeeper);
    if (r == 0)
        r = store_start(hub->store, hub->loop, hub->config->events_max, ret_facts);
    if (r != 0)
        return fail_to_read(r, ret_why);
    timekeeper_start(hub->timekeeper);
    return open_history(hub, ret_why);
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

/* What samples go into, whichever way they come. */
static struct intake_shared samples_of(const struct hub *hub) {
    return (struct intake_shared) {
        .loop = hub->loop,
        .registry = hub->registry,
        .activity = hub->activity,
        .history = hub->history,
        .timekeeper = hub->timekeeper,
        .writer = hub->writer,
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

static void make_services(struct hub *hub) {
    hub->services = services_new(hub->config->message_bytes_max);
    struct service_nodes_config nodes = {
        .services = hub->services,
        .registry = hub->registry,
        .activity = hub->activity,
        .access = hub->access,
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
        .activity = hub->activity,
        .registry = hub->registry,
        .sessions = hub->sessions,
        .addresses = hub->addresses,
        .pin = pin_in_use,
        .arg = hub,
    };
    struct gate_config gate = {
        .loop = hub->loop,
        .access = hub->access,
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
    hub->tokens = service_tokens_new(&tokens);
    hub->activities = service_activity_new(&activity);
    hub->internal = service_internal_new(&internal);
    make_gateway(hub);
    hub->health = health_new(hub->services);
    hub->reflection = reflection_new(hub->services);
    hub->gate = gate_new(&gate);
    gate_let_anonymous(hub->gate, hub->config->hubws_anonymous);
}

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

static void make_doors(struct hub *hub, struct inheritance *inheritance) {
    struct doors_config config = {
        .loop = hub->loop,
        .tls = tls_files_server(hub->tls),
        .limits = &hub->limits,
        .inheritance = inheritance,
        .on_conn = on_conn,
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
        r = open_store(hub, &facts, ret_why);
    if (r == 0) {
        make_writer(hub);
        make_sessions(hub, &facts);
        read_names(hub);
        make_services(hub);
        make_scrape(hub);
        make_front(hub);
        make_doors(hub, inheritance);
        r = doors_open(hub->doors, config, ret_why);
    }
    if (r != 0) {
        hub_free(hub);
        return r;
    }
    timer_start(loop, &hub->touch, TOUCH_MS);
    *ret_hub = hub;
    return 0;
}

void hub_announce(const struct hub *hub) {
    struct buf where = { 0 };

    doors_print(hub->doors, &where);
    data_lock_tell(hub->lock, NULL);
    activity_add(hub->activity, "hub.started", "", "", "version %s", ROOST_VERSION);
    log_info("ready on %s, %zu nodes known", buf_text(&where),
             registry_count(hub->registry));
    buf_done(&where);
}

static void reload_names(struct hub *hub) {
    char *before = TAKE(hub->addresses);

    read_names(hub);
    service_tokens_set_addresses(hub->tokens, hub->addresses);
    free(before);
}

static void reload_limits(struct hub *hub) {
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
    web_limit(hub->web, config->message_bytes_max);
    store_limit_events(hub->store, config->events_max);
    traffic_limit(hub->traffic, config->traffic_keep_ms, config->traffic_rows_max);
}

void hub_reload(struct hub *hub) {
    reload_names(hub);
    reload_limits(hub);
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
    if (hub->on_ended)
        return;
    hub->on_ended = on_ended;
    hub->ended_arg = arg;
    hub->drain_until_ms = loop_now_ms(hub->loop) + limit_ms;
    hub->callers_until_ms = loop_now_ms(hub->loop) + CALLERS_MS;
    doors_close(hub->doors);
    health_stop(hub->health);
    health_page_stop(hub->health_page);
    service_internal_stop(hub->internal);
    services_stop(hub->services);
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
    session_pool_quiet(hub->sessions);
    keeper_touch(hub->store, hub->registry, clock_wall_ms());
    traffic_write(hub->traffic);
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
    loop_settle(hub->loop); /* calls learn of the end of their connections */
    gate_free(hub->gate);
    service_internal_free(hub->internal);
    service_gateway_free(hub->gateway);
    service_activity_free(hub->activities);
    service_tokens_free(hub->tokens);
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
    timekeeper_free(hub->timekeeper);
    store_close(hub->store);
    activity_free(hub->activity);
    access_free(hub->access);
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
