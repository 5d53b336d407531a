#include "agent/probe/probe_http.h"

#include <stdlib.h>
#include <string.h>

#include "agent/probe/http_probe.h"
#include "agent/probe/probes.h"
#include "base/clock.h"
#include "base/crypto_cert.h"
#include "base/mem.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/invocation.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

enum {
    TIMEOUT_MS = 10000,
    TIMEOUT_MAX_MS = 120000,
    BYTES = 1 << 20,
    BYTES_MAX = 64 << 20, /* for more there is the speed test */
    NAMES_MAX = 64,
    TEXT_MAX = 1024, /* of a subject; the rest says no more */
    DAY_MS = 86400000,
};

struct fetch {
    struct probe probe;
    struct http_probe *http; /* owned; NULL when it is over */
};

static void on_end(struct probe *probe) {
    struct fetch *fetch = container_of(probe, struct fetch, probe);

    http_probe_cancel(fetch->http);
    free(fetch);
}

static size_t keep(void *arg,
                   const char *host,
                   unsigned port,
                   struct sockaddr_storage *addresses,
                   size_t count) {
    struct fetch *fetch = arg;
    return probes_keep(&fetch->probe, host, port, addresses, count);
}

/* Printable ASCII alone: a certificate may say anything. In place. */
static char *clean(char *text) {
    size_t len = strlen(text);

    if (len > TEXT_MAX)
        text[TEXT_MAX] = '\0';
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            *at = '?';
    return text;
}

/* A certificate as a message, with what it points to. */
struct certificate {
    Roost__V1__Certificate message;
    Google__Protobuf__Timestamp not_before;
    Google__Protobuf__Timestamp not_after;
};

static void fill_certificate(struct certificate *out,
                             const struct http_probe_result *result) {
    const struct crypto_cert_facts *facts = result->certificate;
    int64_t left_ms = facts->not_after_ms - clock_wall_ms();

    roost__v1__certificate__init(&out->message);
    out->message.subject = clean(facts->subject);
    out->message.issuer = clean(facts->issuer);
    out->message.not_before = timestamp_set(&out->not_before, facts->not_before_ms);
    out->message.not_after = timestamp_set(&out->not_after, facts->not_after_ms);
    out->message.days_left = (double)left_ms / DAY_MS;
    out->message.error = pb_lend(result->distrust);
    out->message.names = facts->names;
    out->message.n_names = facts->name_count < NAMES_MAX ? facts->name_count : NAMES_MAX;
    for (size_t i = 0; i < out->message.n_names; i++)
        clean(facts->names[i]);
}

static void on_done(void *arg, const struct http_probe_result *result) {
    struct fetch *fetch = arg;
    Roost__V1__HttpProbeResponse response = ROOST__V1__HTTP_PROBE_RESPONSE__INIT;
    struct certificate certificate;

    fetch->http = NULL;
    if (result->is_denied) {
        probes_refuse(&fetch->probe);
        return;
    }
    auto_(mem_freep) char *location = clean(mem_strdup(result->location));
    if (result->certificate) {
        fill_certificate(&certificate, result);
        response.certificate = &certificate.message;
    }
    response.ok = !result->error && result->status >= 200 && result->status < 400 &&
                  !result->distrust[0];
    response.status = result->status;
    response.address = pb_lend(result->address);
    response.resolve_ms = result->resolve_ms;
    response.connect_ms = result->connect_ms;
    response.tls_ms = result->tls_ms;
    response.first_byte_ms = result->first_byte_ms;
    response.total_ms = result->total_ms;
    response.bytes = result->bytes;
    response.location = location;
    if (result->error)
        response.error = pb_lend(result->error);
    else
        response.error = pb_lend(result->distrust);
    probes_reply(&fetch->probe, &response.base);
}

static const char *method_of(const char *asked) {
    if (!asked[0] || strcmp(asked, "GET") == 0)
        return "GET";
    return strcmp(asked, "HEAD") == 0 ? "HEAD" : NULL;
}

void probe_http(void *arg,
                struct invocation *invocation,
                const ProtobufCMessage *request) {
    const Roost__V1__HttpProbeRequest *ask = (const Roost__V1__HttpProbeRequest *)request;
    struct probes *probes = arg;
    const char *why = "the method is GET or HEAD";
    struct fetch *fetch = mem_new(sizeof(*fetch));
    struct http_probe_config config = {
        .loop = probes_config(probes)->loop,
        .url = ask->url,
        .method = method_of(ask->method),
        .timeout_ms = probes_limit(ask->timeout_ms, TIMEOUT_MS, TIMEOUT_MAX_MS),
        .bytes_max = probes_limit(ask->max_bytes, BYTES, BYTES_MAX),
        .redirects_max = ask->redirects < HTTP_PROBE_REDIRECTS_MAX
                             ? ask->redirects
                             : HTTP_PROBE_REDIRECTS_MAX,
        .keep = keep,
        .on_done = on_done,
        .arg = fetch,
    };

    if (!config.method || http_probe_start(&config, &fetch->http, &why) < 0) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
        free(fetch);
    } else if (!probes_begin(probes, invocation, &fetch->probe, on_end)) {
        http_probe_cancel(fetch->http);
        free(fetch);
    }
}
