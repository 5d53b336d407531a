#include "hub/sampling.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/latest.h"
#include "hub/node.h"
#include "hub/registry.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "rpc/client.h"
#include "wire/pb.h"
#include "wire/sample.h"

enum {
    AGAIN_MS = 5000,           /* before an ended stream is opened again */
    CATALOGUE_MAX = 512 << 10, /* bytes of the largest message: 4,096 long names */
    SCALE_MAX = 18,            /* decimal places that fit into 64 bits */
};

struct sampling {
    struct loop *loop;          /* borrowed: outlives us */
    struct target *target;      /* borrowed: the session */
    struct registry *registry;  /* borrowed: outlives us */
    struct node *node;          /* borrowed: the registry */
    struct client_call *client; /* owned; NULL between streams */
    struct sample_chain *chain; /* owned; NULL before the first catalogue */
    int64_t offset_ms;          /* wall time minus the host's CLOCK_BOOTTIME */
    struct timer again;
    bool broken; /* what came makes no sense */
};

static bool is_sane(const Roost__V1__Catalogue *catalogue) {
    if (catalogue->n_metrics > LATEST_SERIES_MAX)
        return false;
    for (size_t i = 0; i < catalogue->n_metrics; i++)
        if (strlen(catalogue->metrics[i]->name) > LATEST_NAME_MAX ||
            catalogue->metrics[i]->scale > SCALE_MAX)
            return false;
    return true;
}

static struct sample_chain *make_chain(const Roost__V1__Catalogue *catalogue) {
    struct sample_chain *chain = sample_chain_new(catalogue->n_metrics);
    const char **names = mem_new_array(catalogue->n_metrics, sizeof(*names));

    for (size_t i = 0; i < catalogue->n_metrics; i++)
        names[i] = catalogue->metrics[i]->name;
    sample_chain_pair(chain, names);
    free(names);
    return chain;
}

static void take_catalogue(struct sampling *sampling,
                           const Roost__V1__Catalogue *catalogue) {
    struct node *node = sampling->node;

    if (!is_sane(catalogue)) {
        sampling->broken = true;
        return;
    }
    struct latest *latest = latest_new(catalogue->n_metrics);
    for (size_t i = 0; i < catalogue->n_metrics; i++)
        latest_describe(latest, i, catalogue->metrics[i]->name,
                        catalogue->metrics[i]->unit, catalogue->metrics[i]->scale);
    latest->version = node->latest ? node->latest->version + 1 : 1;
    latest_free(node->latest);
    node->latest = latest;
    sample_chain_free(sampling->chain);
    sampling->chain = make_chain(catalogue);
    sampling->offset_ms = clock_wall_ms() - (int64_t)catalogue->boottime_ms;
}

static void take_rows(struct sampling *sampling, const Roost__V1__Rows *rows) {
    struct slice bytes = slice_of(rows->packed.data, rows->packed.len);
    struct latest *latest = sampling->node->latest;

    if (!sampling->chain) {
        sampling->broken = true;
        return;
    }
    while (bytes.len > 0) {
        if (sample_decode(sampling->chain, &bytes) != 0) {
            sampling->broken = true;
            return;
        }
        memcpy(latest->values, sample_chain_values(sampling->chain),
               latest->count * sizeof(*latest->values));
        latest->time_ms =
            (int64_t)sample_chain_time_ms(sampling->chain) + sampling->offset_ms;
        registry_values(sampling->registry, sampling->node);
    }
}

static void on_message(void *user, struct slice bytes) {
    struct sampling *sampling = user;
    ProtobufCMessage *message = NULL;

    if (sampling->broken)
        return;
    if (pb_unpack(&roost__v1__samples_response__descriptor, bytes, &message) != 0) {
        sampling->broken = true;
    } else {
        const Roost__V1__SamplesResponse *response =
            (const Roost__V1__SamplesResponse *)message;
        if (response->kind_case == ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE)
            take_catalogue(sampling, response->catalogue);
        else if (response->kind_case == ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS)
            take_rows(sampling, response->rows);
    }
    pb_free(message);
    if (!sampling->broken)
        return;
    log_warning("%s: the samples are damaged; asking anew", sampling->node->name);
    sampling->client = client_cancel(sampling->client);
    timer_start(sampling->loop, &sampling->again, AGAIN_MS);
}

static void on_done(void *user,
                    enum grpc_status status,
                    const char *message,
                    const struct headers *trailers) {
    struct sampling *sampling = user;

    sampling->client = NULL;
    if (status == GRPC_UNIMPLEMENTED)
        return; /* a node that is no host */
    log_debug("%s: samples ended: %s", sampling->node->name, message);
    timer_start(sampling->loop, &sampling->again, AGAIN_MS);
}

static void start(struct sampling *sampling) {
    static const struct client_events events = {
        .on_message = on_message,
        .on_done = on_done,
    };
    Roost__V1__SamplesRequest request = ROOST__V1__SAMPLES_REQUEST__INIT;
    Roost__V1__SamplesRequest__Start wish = ROOST__V1__SAMPLES_REQUEST__START__INIT;
    struct client_request call = {
        .method = "/roost.v1.Host/Samples",
        .message_max = CATALOGUE_MAX,
    };

    sampling->broken = false;
    request.kind_case = ROOST__V1__SAMPLES_REQUEST__KIND_START;
    request.start = &wish;
    sampling->client =
        client_start(sampling->loop, sampling->target, &call, &events, sampling);
    client_send(sampling->client, &request.base);
}

static void on_again(struct timer *timer) {
    start(container_of(timer, struct sampling, again));
}

struct sampling *sampling_new(struct loop *loop,
                              struct target *target,
                              struct registry *registry,
                              struct node *node) {
    struct sampling *sampling = mem_new(sizeof(*sampling));

    *sampling = (struct sampling) {
        .loop = loop,
        .target = target,
        .registry = registry,
        .node = node,
        .again.fire = on_again,
    };
    start(sampling);
    return sampling;
}

struct sampling *sampling_free(struct sampling *sampling) {
    if (!sampling)
        return NULL;
    timer_stop(&sampling->again);
    client_cancel(sampling->client);
    sample_chain_free(sampling->chain);
    free(sampling);
    return NULL;
}
