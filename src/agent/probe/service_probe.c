#include "agent/probe/service_probe.h"

#include <stdlib.h>

#include "agent/probe/probe_diagnose.h"
#include "agent/probe/probe_dns.h"
#include "agent/probe/probe_http.h"
#include "agent/probe/probe_ping.h"
#include "agent/probe/probe_speed.h"
#include "agent/probe/probe_tcp.h"
#include "agent/probe/probes.h"
#include "base/mem.h"
#include "roost/v1/probe.pb-c.h"
#include "rpc/services.h"

struct service_probe {
    struct probes *probes; /* owned */
};

static const struct service_method methods[] = {
    { "Diagnose", SERVICE_UNARY, probe_diagnose },
    { "Dns", SERVICE_UNARY, probe_dns },
    { "Http", SERVICE_UNARY, probe_http },
    { "Ping", SERVICE_SERVER_STREAM, probe_ping },
    { "SpeedTest", SERVICE_SERVER_STREAM, probe_speed },
    { "Tcp", SERVICE_UNARY, probe_tcp },
    { 0 },
};

struct service_probe *service_probe_new(struct services *services,
                                        const struct probes_config *config) {
    struct service_probe *service = mem_new(sizeof(*service));

    service->probes = probes_new(config);
    struct service table = {
        .descriptor = &roost__v1__probe__descriptor,
        .methods = methods,
        .arg = service->probes,
    };
    services_add(services, &table);
    return service;
}

void service_probe_stop(struct service_probe *service) {
    probes_stop(service->probes);
}

struct service_probe *service_probe_free(struct service_probe *service) {
    if (!service)
        return NULL;
    probes_free(service->probes);
    free(service);
    return NULL;
}
