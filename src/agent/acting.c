#include "agent/acting.h"

#include <stdlib.h>

#include "agent/acts/acts.h"
#include "agent/acts/service_acts.h"
#include "agent/power/service_power.h"
#include "agent/probe/probes.h"
#include "agent/probe/service_probe.h"
#include "agent/probe/service_transfer.h"
#include "agent/processes/service_processes.h"
#include "agent/units/service_units.h"
#include "agent/usage/service_usage.h"
#include "base/mem.h"

struct acting {
    struct acts *acts; /* owned, and so is all that follows */
    struct service_power *power;
    struct service_probe *probe;
    struct service_processes *processes;
    struct service_transfer *transfer;
    struct service_units *units;
    struct service_usage *usage;
};

struct acting *acting_new(const struct acting_config *config) {
    struct acting *acting = mem_new(sizeof(*acting));
    struct acts_config acts = {
        .loop = config->loop,
        .policy = config->policy,
        .identity = config->identity,
        .state = config->state,
    };

    acting->acts = acts_new(&acts);
    service_acts_add(config->services, acting->acts);
    struct probes_config probe = {
        .loop = config->loop,
        .acts = acting->acts,
        .policy = config->policy,
        .identity = config->identity,
        .root = config->root,
    };
    acting->probe = service_probe_new(config->services, &probe);
    struct service_processes_config processes = {
        .loop = config->loop,
        .services = config->services,
        .acts = acting->acts,
        .root = config->root,
    };
    acting->processes = service_processes_new(&processes);
    struct service_transfer_config transfer = {
        .loop = config->loop,
        .acts = acting->acts,
        .policy = config->policy,
        .udp_port = config->udp_port,
    };
    acting->transfer = service_transfer_new(config->services, &transfer);
    struct service_units_config units = {
        .loop = config->loop,
        .services = config->services,
        .acts = acting->acts,
        .policy = config->policy,
        .root = config->root,
        .library = config->libsystemd,
        .is_user = config->is_user,
        .fluentd = config->fluentd,
    };
    acting->units = service_units_new(&units);
    struct service_power_config power = {
        .loop = config->loop,
        .services = config->services,
        .acts = acting->acts,
        .root = config->root,
        .library = config->libsystemd,
    };
    acting->power = service_power_new(&power);
    struct service_usage_config usage = {
        .loop = config->loop,
        .services = config->services,
        .acts = acting->acts,
        .root = config->root,
        .nvml = config->nvml,
    };
    acting->usage = service_usage_new(&usage);
    return acting;
}

void acting_stop(struct acting *acting) {
    service_probe_stop(acting->probe);
    service_transfer_stop(acting->transfer);
    service_units_stop(acting->units);
}

struct acting *acting_free(struct acting *acting) {
    if (!acting)
        return NULL;
    service_usage_free(acting->usage);
    service_units_free(acting->units);
    service_transfer_free(acting->transfer);
    service_processes_free(acting->processes);
    service_power_free(acting->power);
    service_probe_free(acting->probe);
    acts_free(acting->acts);
    free(acting);
    return NULL;
}
