#include "agent/expose/offer.h"

#include <stdlib.h>
#include <string.h>

#include "agent/config_expose.h"
#include "agent/expose/backend.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings_reload.h"
#include "grpc/health.pb-c.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/client.h"
#include "rpc/discovery.h"
#include "rpc/fileset.h"
#include "rpc/services.h"
#include "wire/pb.h"

enum { AGAIN_MS = 5000 }; /* before a question that failed is asked again */

enum health { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_BAD };

struct offer {
    struct offer_config config;  /* its name is ours */
    char *name;                  /* owned */
    struct backend *backend;     /* owned */
    unsigned generation;         /* of the backend, that was asked */
    struct discovery *discovery; /* owned; NULL when nothing is asked */
    struct fileset *asked;       /* owned: what discovery fills */
    struct fileset *files;       /* owned */
    char **services;             /* owned, and the strings; sorted */
    size_t count;
    struct client_call *watch; /* owned; its health; or NULL */
    struct timer ask_again;
    struct timer watch_again;
    enum health health;
    enum offer_state told; /* the state that was logged */
    bool is_known;
    bool takes_all;
    char *fault; /* owned: of the descriptors; or NULL */
};

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void clear_services(struct offer *offer) {
    for (size_t i = 0; i < offer->count; i++)
        free(offer->services[i]);
    free(TAKE(offer->services));
    offer->count = 0;
}

static void add_service(struct offer *offer, const char *name) {
    if (discovery_is_plumbing(name) || services_keeps(offer->config.own, name) ||
        offer_has(offer, name))
        return;
    offer->services =
        mem_grow(offer->services, (offer->count + 1) * sizeof(*offer->services));
    offer->services[offer->count++] = mem_strdup(name);
    qsort(offer->services, offer->count, sizeof(char *), by_name);
}

static bool is_by_hand(const struct offer *offer) {
    return offer->config.settings->services.count > 0;
}

/* --- what is known without asking --- */

static void fail_descriptors(struct offer *offer, const char *path, const char *why) {
    free(offer->fault);
    offer->fault = mem_printf("%s: %s", path, why);
    log_error("back end %s: %s", offer->name, offer->fault);
}

static void read_descriptors(struct offer *offer) {
    auto_(mem_freep) char *path =
        file_join(offer->config.folder, offer->config.settings->descriptors);
    struct fileset *files = fileset_new();
    struct buf bytes = { 0 };

    free(TAKE(offer->fault));
    int r = file_read(path, FILESET_BYTES_MAX, &bytes);
    if (r < 0)
        fail_descriptors(offer, path, strerror(-r));
    else if ((r = fileset_add_set(files, buf_slice(&bytes))) != 0)
        fail_descriptors(offer, path,
                         r == FILESET_E_TOO_BIG ? "it is larger than 1 MiB"
                                                : "it is no FileDescriptorSet");
    buf_done(&bytes);
    if (r != 0) {
        fileset_free(files);
        return;
    }
    fileset_free(offer->files);
    offer->files = files;
}

/* The services that settings and descriptors name. */
static void take_settled(struct offer *offer) {
    const struct settings_list *by_hand = &offer->config.settings->services;
    const char *name;

    if (offer->config.settings->descriptors)
        read_descriptors(offer);
    if (!is_by_hand(offer) && !offer->config.settings->descriptors)
        return;
    clear_services(offer);
    for (size_t i = 0; i < by_hand->count; i++)
        add_service(offer, by_hand->items[i]);
    for (size_t i = 0; !is_by_hand(offer) && (name = fileset_service_at(offer->files, i));
         i++)
        add_service(offer, name);
    offer->is_known = true;
}

/* --- what it says --- */

static void tell_state(struct offer *offer) {
    enum offer_state state = offer_state(offer);
    const char *address = backend_address(offer->backend);

    if (state == offer->told || state == OFFER_ASKING)
        return;
    offer->told = state;
    if (state == OFFER_SERVING && offer->takes_all)
        log_info("back end %s (%s) gets every call that is not the agent's own",
                 offer->name, address);
    else if (state == OFFER_SERVING)
        log_info("back end %s (%s) serves %zu services", offer->name, address,
                 offer->count);
    else
        log_warning("back end %s (%s): %s", offer->name, address, offer_why(offer));
}

static void change(struct offer *offer) {
    tell_state(offer);
    offer->config.on_change(offer->config.arg);
}

static void on_list(void *arg, char *const *names, size_t count) {
    struct offer *offer = arg;

    if (is_by_hand(offer))
        return;
    clear_services(offer);
    for (size_t i = 0; i < count; i++)
        add_service(offer, names[i]);
    offer->is_known = true;
    offer->takes_all = false;
    change(offer);
}

static void take_silence(struct offer *offer) {
    if (is_by_hand(offer))
        return;
    clear_services(offer);
    offer->is_known = true;
    offer->takes_all = offer->config.alone;
    if (!offer->takes_all)
        log_warning("back end %s (%s) does not tell its services (no reflection): list "
                    "them as services in [expose %s]",
                    offer->name, backend_address(offer->backend), offer->name);
}

static void on_asked(void *arg, enum grpc_status status, const char *why) {
    struct offer *offer = arg;

    offer->discovery = discovery_free(offer->discovery);
    if (status == GRPC_OK) {
        fileset_free(offer->files);
        offer->files = TAKE(offer->asked);
    } else if (status == GRPC_UNIMPLEMENTED) {
        take_silence(offer);
    } else {
        log_debug("back end %s: reflection: %s", offer->name, why);
        timer_start(offer->config.loop, &offer->ask_again, AGAIN_MS);
    }
    change(offer);
}

static void stop_asking(struct offer *offer) {
    timer_stop(&offer->ask_again);
    offer->discovery = discovery_free(offer->discovery);
    offer->asked = fileset_free(offer->asked);
}

static void ask(struct offer *offer) {
    stop_asking(offer);
    if (offer->config.settings->descriptors)
        return;
    offer->asked = fileset_new();
    struct discovery_config config = {
        .loop = offer->config.loop,
        .target = backend_target(offer->backend),
        .fileset = offer->asked,
        .on_list = on_list,
        .on_done = on_asked,
        .arg = offer,
    };
    offer->discovery = discovery_new(&config);
}

static void on_ask_again(struct timer *timer) {
    ask(container_of(timer, struct offer, ask_again));
}

/* --- its health --- */

static void set_health(struct offer *offer, enum health health) {
    if (offer->health == health)
        return;
    offer->health = health;
    change(offer);
}

static void on_health(void *user, struct slice bytes) {
    struct offer *offer = user;
    ProtobufCMessage *message;

    if (pb_unpack(&grpc__health__v1__health_check_response__descriptor, bytes,
                  &message) != 0)
        return;
    const Grpc__Health__V1__HealthCheckResponse *response =
        (const Grpc__Health__V1__HealthCheckResponse *)message;
    bool bad = response->status ==
               GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
    pb_free(message);
    set_health(offer, bad ? HEALTH_BAD : HEALTH_GOOD);
}

static void on_health_done(void *user,
                           enum grpc_status status,
                           const char *message,
                           const struct headers *trailers) {
    struct offer *offer = user;

    offer->watch = NULL;
    if (status != GRPC_UNIMPLEMENTED)
        timer_start(offer->config.loop, &offer->watch_again, AGAIN_MS);
    if (offer->health == HEALTH_UNKNOWN || status == GRPC_UNIMPLEMENTED)
        set_health(offer, HEALTH_GOOD);
}

static void stop_watching(struct offer *offer) {
    timer_stop(&offer->watch_again);
    offer->watch = client_cancel(offer->watch);
    offer->health = HEALTH_UNKNOWN;
}

static void watch(struct offer *offer) {
    static const struct client_events events = {
        .on_message = on_health,
        .on_done = on_health_done,
    };
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct client_request call = { .method = "/grpc.health.v1.Health/Watch" };

    offer->watch = client_start(offer->config.loop, backend_target(offer->backend), &call,
                                &events, offer);
    client_send(offer->watch, &request.base);
    client_end(offer->watch);
}

static void on_watch_again(struct timer *timer) {
    struct offer *offer = container_of(timer, struct offer, watch_again);

    if (backend_is_up(offer->backend))
        watch(offer);
}

static void on_backend_change(void *arg) {
    struct offer *offer = arg;
    bool is_up = backend_is_up(offer->backend);

    if (!is_up) {
        stop_asking(offer);
        stop_watching(offer);
    } else if (backend_generation(offer->backend) != offer->generation) {
        offer->generation = backend_generation(offer->backend);
        stop_watching(offer);
        ask(offer);
        watch(offer);
    }
    change(offer);
}

/* --- from above --- */

struct offer *offer_new(const struct offer_config *config) {
    struct offer *offer = mem_new(sizeof(*offer));
    const struct config_expose *settings = config->settings;
    auto_(mem_freep) char *ca =
        settings->ca ? file_join(config->folder, settings->ca) : NULL;
    struct backend_config backend = {
        .loop = config->loop,
        .name = config->name,
        .address = settings->address,
        .ca_file = ca,
        .pin = settings->pin,
        .server_name = settings->server_name,
        .tls = settings->tls,
        .on_change = on_backend_change,
        .arg = offer,
    };

    *offer = (struct offer) {
        .config = *config,
        .name = mem_strdup(config->name),
        .backend = backend_new(&backend),
        .files = fileset_new(),
        .ask_again.fire = on_ask_again,
        .watch_again.fire = on_watch_again,
        .told = OFFER_ASKING,
    };
    take_settled(offer);
    return offer;
}

struct offer *offer_free(struct offer *offer) {
    if (!offer)
        return NULL;
    stop_asking(offer);
    stop_watching(offer);
    backend_free(offer->backend);
    clear_services(offer);
    fileset_free(offer->files);
    free(offer->name);
    free(offer->fault);
    free(offer);
    return NULL;
}

bool offer_keep(struct offer *offer, const struct offer_config *config) {
    if (offer->config.alone != config->alone ||
        !settings_reload_is_same(&config_expose_table, offer->config.settings,
                                 config->settings))
        return false;
    offer->config.settings = config->settings;
    offer->config.folder = config->folder;
    take_settled(offer);
    return true;
}

const char *offer_name(const struct offer *offer) {
    return offer->name;
}

struct target *offer_target(struct offer *offer) {
    return backend_target(offer->backend);
}

enum offer_state offer_state(const struct offer *offer) {
    if (!backend_is_up(offer->backend))
        return OFFER_UNREACHABLE;
    if (!offer->is_known || offer->health == HEALTH_UNKNOWN)
        return OFFER_ASKING;
    return offer->health == HEALTH_BAD ? OFFER_NOT_SERVING : OFFER_SERVING;
}

const char *offer_why(const struct offer *offer) {
    const char *why = backend_why(offer->backend);

    switch (offer_state(offer)) {
    case OFFER_ASKING:
        return "it is being asked for its services";
    case OFFER_SERVING:
        return offer->fault ? offer->fault : "";
    case OFFER_NOT_SERVING:
        return "it says that it is not serving (grpc.health.v1)";
    case OFFER_UNREACHABLE:
        break;
    }
    return why[0] ? why : "it was not reached yet";
}

bool offer_is_known(const struct offer *offer) {
    return offer->is_known;
}

bool offer_takes_all(const struct offer *offer) {
    return offer->takes_all || (offer->config.alone && !offer->is_known);
}

bool offer_has(const struct offer *offer, const char *service) {
    return offer->count > 0 && bsearch(&service, offer->services, offer->count,
                                       sizeof(char *), by_name) != NULL;
}

const char *offer_service_at(const struct offer *offer, size_t i) {
    return i < offer->count ? offer->services[i] : NULL;
}

const struct fileset *offer_files(const struct offer *offer) {
    return offer->files;
}
