#include "agent/host/service_host.h"

#include <stdlib.h>
#include <string.h>

#include "agent/host/host_facts.h"
#include "agent/host/networks.h"
#include "agent/spool/sample_stream.h"
#include "agent/spool/spool.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/timestamp.h"

enum {
    VERBS_MAX = 16,
    EARLY = 10, /* a timer that fires this part of the interval early is on time */
};

struct service_host {
    struct service_host_config config;
    struct list streams;
    struct timer tick;
};

static void take_sample(struct service_host *service) {
    const struct service_host_source *source = &service->config.source;
    uint64_t now_ns = clock_boot_ns();
    struct spool_cursor next = spool_newest(service->config.spool);
    struct spool_sample sample = {
        .at = { .boot_ms = now_ns / 1000000, .wall_ms = clock_wall_ms() },
    };

    next.seq++;
    source->take(source->arg, now_ns, next);
    sample.series = source->catalogue(source->arg, &sample.count, &sample.catalogue_id);
    sample.values = source->values(source->arg);
    spool_take(service->config.spool, &sample);
    if (source->taken)
        source->taken(source->arg, next, sample.at);
}

uint64_t service_host_next_tick(uint64_t now_ms,
                                uint64_t interval_ms,
                                uint64_t phase_ms) {
    uint64_t past_ms = (now_ms + interval_ms - phase_ms % interval_ms) % interval_ms;
    uint64_t left_ms = interval_ms - past_ms;

    return left_ms <= interval_ms / EARLY ? left_ms + interval_ms : left_ms;
}

static void schedule(struct service_host *service) {
    const struct service_host_config *config = &service->config;

    timer_start(
        config->loop, &service->tick,
        service_host_next_tick(clock_boot_ms(), config->interval_ms, config->phase_ms));
}

static void on_tick(struct timer *timer) {
    struct service_host *service = container_of(timer, struct service_host, tick);

    take_sample(service);
    sample_stream_wake_all(&service->streams);
    schedule(service);
}

static void on_samples(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct service_host *service = arg;
    struct sample_stream_config config = {
        .loop = service->config.loop,
        .spool = service->config.spool,
        .streams = &service->streams,
        .batch_ms = (unsigned)service->config.batch_ms,
    };

    if (message)
        sample_stream_take(&config, invocation,
                           (const Roost__V1__SamplesRequest *)message);
    else
        invocation_finish(invocation, GRPC_OK, "%s", "");
}

static void fill_description(Roost__V1__HostDescription *out,
                             const struct host_facts *facts) {
    out->hostname = facts->hostname;
    out->os = (char *)"linux";
    out->os_release = facts->os_release;
    out->kernel = facts->kernel;
    out->architecture = facts->architecture;
    out->cpu_model = facts->cpu_model;
    out->cpu_count = facts->cpu_count;
    out->memory_bytes = facts->memory_bytes;
    out->hardware = facts->hardware;
    out->virtualization = facts->virtualization;
    out->user = facts->user;
    out->gpus = (char **)facts->gpus;
    out->n_gpus = facts->gpu_count;
    out->agent_version = (char *)ROOST_VERSION;
}

static void on_describe(void *arg,
                        struct invocation *invocation,
                        const ProtobufCMessage *message) {
    struct service_host *service = arg;
    const struct service_host_source *source = &service->config.source;
    Roost__V1__HostDescription response = ROOST__V1__HOST_DESCRIPTION__INIT;
    Google__Protobuf__Timestamp boot_time;
    struct host_facts facts;
    char *verbs[VERBS_MAX];
    char *rest = NULL;
    char *macs[NETWORKS_MAX];
    struct networks networks;
    struct sample_stream_infos infos;
    uint32_t catalogue_id;
    size_t count;

    host_facts_read(&facts, service->config.root);
    fill_description(&response, &facts);
    networks_read(&networks, service->config.root);
    response.mac_addresses = macs;
    for (; response.n_mac_addresses < networks.count; response.n_mac_addresses++) {
        char *text = networks.texts[response.n_mac_addresses];
        text[strcspn(text, " ")] = '\0';
        macs[response.n_mac_addresses] = text;
    }
    response.boot_time = timestamp_set(&boot_time, facts.boot_time_ms);
    char *text = mem_strdup(service->config.capabilities);
    response.capabilities = verbs;
    for (char *verb = strtok_r(text, ",", &rest);
         verb && response.n_capabilities < VERBS_MAX; verb = strtok_r(NULL, ",", &rest))
        verbs[response.n_capabilities++] = verb;

    const struct metric_info *series =
        source->catalogue(source->arg, &count, &catalogue_id);
    sample_stream_infos_init(&infos, series, count);
    response.metrics = infos.pointers;
    response.n_metrics = infos.count;
    invocation_reply(invocation, &response.base);
    sample_stream_infos_done(&infos);
    free(text);
    host_facts_done(&facts);
}

static const struct service_method methods[] = {
    { "Describe", SERVICE_UNARY, on_describe },
    { "Samples", SERVICE_BIDI, on_samples },
    { 0 },
};

struct service_host *service_host_new(const struct service_host_config *config) {
    struct service_host *service = mem_new(sizeof(*service));
    struct service table = {
        .descriptor = &roost__v1__host__descriptor,
        .methods = methods,
        .arg = service,
    };

    service->config = *config;
    list_init(&service->streams);
    service->tick.fire = on_tick;
    services_add(config->services, &table);
    take_sample(service);
    schedule(service);
    return service;
}

void service_host_renew(struct service_host *service, uint64_t interval_ms) {
    service->config.interval_ms = interval_ms;
    spool_renew(service->config.spool, (uint32_t)interval_ms);
    take_sample(service);
    sample_stream_wake_all(&service->streams);
    schedule(service);
}

void service_host_pause(struct service_host *service) {
    timer_stop(&service->tick);
}

void service_host_stop(struct service_host *service) {
    timer_stop(&service->tick);
    sample_stream_stop_all(&service->streams);
}

struct service_host *service_host_free(struct service_host *service) {
    if (!service)
        return NULL;
    timer_stop(&service->tick);
    free(service);
    return NULL;
}
