#include "agent/service_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/sampler.h"
#include "agent/host_facts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/version.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/invocation.h"
#include "rpc/services.h"
#include "wire/sample.h"
#include "wire/timestamp.h"

enum {
    WAITING_MAX = 256 << 10, /* a hub that is this far behind gets no more rows for now */
    VERBS_MAX = 16,
    BOOT_ID_LEN = 16,
};

struct service_host {
    struct service_host_config config;
    struct list streams;
    struct timer tick;
    uint64_t epoch;   /* random, of this start */
    uint64_t seq;     /* of the newest sample */
    uint64_t time_ms; /* CLOCK_BOOTTIME of the newest sample */
    uint8_t boot_id[BOOT_ID_LEN];
};

/* One Samples stream: a chain of differences of its own. */
struct stream {
    struct list node;
    struct service_host *service;  /* borrowed: outlives its streams */
    struct invocation *invocation; /* borrowed: until on_gone */
    struct sample_chain *chain;    /* owned; NULL before its first catalogue */
    uint32_t catalogue_id;
};

/* The catalogue as messages that borrow the sampler's names. */
struct infos {
    Roost__V1__MetricInfo *parts;     /* owned */
    Roost__V1__MetricInfo **pointers; /* owned */
    size_t count;
};

static void infos_init(struct infos *infos, const struct sampler *sampler) {
    const struct metric_info *series = sampler_catalogue(sampler, &infos->count);

    infos->parts = mem_new_array(infos->count, sizeof(*infos->parts));
    infos->pointers = mem_new_array(infos->count, sizeof(*infos->pointers));
    for (size_t i = 0; i < infos->count; i++) {
        roost__v1__metric_info__init(&infos->parts[i]);
        infos->parts[i].name = series[i].name;
        infos->parts[i].unit = (char *)series[i].unit;
        infos->parts[i].scale = series[i].scale;
        infos->pointers[i] = &infos->parts[i];
    }
}

static void infos_done(struct infos *infos) {
    free(infos->parts);
    free(infos->pointers);
}

static struct sample_chain *make_chain(const struct infos *infos) {
    struct sample_chain *chain = sample_chain_new(infos->count);
    const char **names = mem_new_array(infos->count, sizeof(*names));

    for (size_t i = 0; i < infos->count; i++)
        names[i] = infos->parts[i].name;
    sample_chain_pair(chain, names);
    free(names);
    return chain;
}

static void send_catalogue(struct stream *stream) {
    const struct service_host *service = stream->service;
    Roost__V1__SamplesResponse response = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Catalogue catalogue = ROOST__V1__CATALOGUE__INIT;
    struct infos infos;

    infos_init(&infos, service->config.sampler);
    catalogue.metrics = infos.pointers;
    catalogue.n_metrics = infos.count;
    stream->catalogue_id = sampler_catalogue_id(service->config.sampler);
    catalogue.id = stream->catalogue_id;
    catalogue.epoch = service->epoch;
    catalogue.boot_id =
        (ProtobufCBinaryData) { .len = BOOT_ID_LEN, .data = (uint8_t *)service->boot_id };
    catalogue.boottime_ms = clock_boot_ms();
    catalogue.wall_ms = (uint64_t)clock_wall_ms();
    catalogue.interval_ms = (uint32_t)service->config.interval_ms;
    response.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE;
    response.catalogue = &catalogue;
    invocation_send(stream->invocation, &response.base);
    sample_chain_free(stream->chain);
    stream->chain = make_chain(&infos);
    infos_done(&infos);
}

static void send_row(struct stream *stream) {
    const struct service_host *service = stream->service;
    Roost__V1__SamplesResponse response = ROOST__V1__SAMPLES_RESPONSE__INIT;
    Roost__V1__Rows rows = ROOST__V1__ROWS__INIT;
    struct buf packed = { 0 };

    if (invocation_waiting(stream->invocation) > WAITING_MAX)
        return;
    if (!stream->chain ||
        stream->catalogue_id != sampler_catalogue_id(service->config.sampler))
        send_catalogue(stream);
    sample_encode(stream->chain, service->time_ms,
                  sampler_values(service->config.sampler), &packed);
    rows.seq = service->seq;
    rows.packed = (ProtobufCBinaryData) { .len = packed.len, .data = packed.data };
    response.kind_case = ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS;
    response.rows = &rows;
    invocation_send(stream->invocation, &response.base);
    buf_done(&packed);
}

/* The next multiple of the interval, so that a late tick does not move all that follow.
 */
static void schedule(struct service_host *service) {
    uint64_t interval_ms = service->config.interval_ms;
    uint64_t late_ms = clock_boot_ms() % interval_ms;

    timer_start(service->config.loop, &service->tick, interval_ms - late_ms);
}

static void take_sample(struct service_host *service) {
    uint64_t now_ns = clock_boot_ns();

    sampler_take(service->config.sampler, now_ns);
    service->time_ms = now_ns / 1000000;
    service->seq++;
}

static void on_tick(struct timer *timer) {
    struct service_host *service = container_of(timer, struct service_host, tick);

    take_sample(service);
    list_for_each_safe(node, after, &service->streams)
        send_row(container_of(node, struct stream, node));
    schedule(service);
}

static void on_stream_gone(struct invocation *invocation, void *user) {
    struct stream *stream = user;

    list_remove(&stream->node);
    sample_chain_free(stream->chain);
    free(stream);
}

static void on_samples(void *arg,
                       struct invocation *invocation,
                       const ProtobufCMessage *message) {
    struct service_host *service = arg;

    if (!message) {
        invocation_finish(invocation, GRPC_OK, "%s", "");
        return;
    }
    if (invocation_user(invocation))
        return; /* what is durable: of use to a spool */
    struct stream *stream = mem_new(sizeof(*stream));
    stream->service = service;
    stream->invocation = invocation;
    list_add_tail(&service->streams, &stream->node);
    invocation_set_user(invocation, stream, on_stream_gone);
    send_row(stream);
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
    Roost__V1__HostDescription response = ROOST__V1__HOST_DESCRIPTION__INIT;
    Google__Protobuf__Timestamp boot_time;
    struct host_facts facts;
    char *verbs[VERBS_MAX];
    char *rest = NULL;
    struct infos infos;

    host_facts_read(&facts, service->config.root);
    fill_description(&response, &facts);
    response.boot_time = timestamp_set(&boot_time, facts.boot_time_ms);
    char *text = mem_strdup(service->config.capabilities);
    response.capabilities = verbs;
    for (char *verb = strtok_r(text, ",", &rest);
         verb && response.n_capabilities < VERBS_MAX; verb = strtok_r(NULL, ",", &rest))
        verbs[response.n_capabilities++] = verb;

    infos_init(&infos, service->config.sampler);
    response.metrics = infos.pointers;
    response.n_metrics = infos.count;
    invocation_reply(invocation, &response.base);
    infos_done(&infos);
    free(text);
    host_facts_done(&facts);
}

static const struct service_method methods[] = {
    { "Describe", SERVICE_UNARY, on_describe },
    { "Samples", SERVICE_BIDI, on_samples },
    { 0 },
};

/* "3f2a...-...": 32 hex digits and dashes. */
static void read_boot_id(uint8_t ret_id[static BOOT_ID_LEN]) {
    char digits[2 * BOOT_ID_LEN + 1] = "";
    struct buf text = { 0 };
    size_t len = 0;

    file_read("/proc/sys/kernel/random/boot_id", 128, &text);
    for (size_t i = 0; i < text.len && len < 2 * BOOT_ID_LEN; i++)
        if (text.data[i] != '-' && text.data[i] != '\n')
            digits[len++] = (char)text.data[i];
    if (!hex_decode(ret_id, BOOT_ID_LEN, digits))
        memset(ret_id, 0, BOOT_ID_LEN);
    buf_done(&text);
}

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
    crypto_random(&service->epoch, sizeof(service->epoch));
    read_boot_id(service->boot_id);
    services_add(config->services, &table);
    take_sample(service);
    schedule(service);
    return service;
}

void service_host_renew(struct service_host *service,
                        struct sampler *sampler,
                        uint64_t interval_ms) {
    service->config.sampler = sampler;
    service->config.interval_ms = interval_ms;
    list_for_each_safe(node, after, &service->streams) {
        struct stream *stream = container_of(node, struct stream, node);
        stream->chain = sample_chain_free(stream->chain);
    }
    take_sample(service);
    schedule(service);
}

void service_host_stop(struct service_host *service) {
    timer_stop(&service->tick);
    list_for_each_safe(node, after, &service->streams) {
        struct stream *stream = container_of(node, struct stream, node);
        invocation_finish(stream->invocation, GRPC_UNAVAILABLE, "the agent stops");
    }
}

struct service_host *service_host_free(struct service_host *service) {
    if (!service)
        return NULL;
    timer_stop(&service->tick);
    free(service);
    return NULL;
}
