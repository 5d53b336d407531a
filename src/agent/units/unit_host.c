#include "agent/units/unit_host.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acts/act.h"
#include "agent/policy/policy.h"
#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_jobs.h"
#include "agent/systemd/systemd_logs.h"
#include "agent/systemd/systemd_unit.h"
#include "agent/units/unit_order.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { CGROUP_MAX = 65536 };

static void on_job(void *arg, const char *job, const char *result) {
    struct unit_host *host = arg;
    systemd_jobs_removed(host->jobs, job, result);
}

static void on_lost(void *arg, const struct systemd_fault *fault) {
    struct unit_host *host = arg;
    systemd_jobs_lost(host->jobs, fault);
}

struct unit_host *unit_host_new(const struct unit_host_config *config) {
    struct unit_host *host = mem_new(sizeof(*host));
    struct systemd_bus_config bus = {
        .loop = config->loop,
        .library = config->library,
        .root = config->root,
        .is_user = config->is_user,
        .on_job = on_job,
        .on_lost = on_lost,
        .arg = host,
    };

    host->config = *config;
    host->bus = systemd_bus_new(&bus);
    host->jobs = systemd_jobs_new();
    host->logs = systemd_logs_new(config->loop);
    list_init(&host->orders);
    return host;
}

struct unit_host *unit_host_free(struct unit_host *host) {
    if (!host)
        return NULL;
    unit_order_free_all(host);
    systemd_logs_free(host->logs);
    systemd_jobs_free(host->jobs);
    systemd_bus_free(host->bus);
    free(host);
    return NULL;
}

static void find_own(struct unit_host *host) {
    auto_(mem_freep) char *path = mem_printf("%s/proc/self/cgroup", host->config.root);
    struct buf text = { 0 };

    host->knows_own = true;
    if (file_read(path, CGROUP_MAX, &text) == 0)
        systemd_name_of_cgroup(buf_text(&text), host->config.is_user, host->own);
    buf_done(&text);
}

bool unit_host_is_own(struct unit_host *host, const char *name) {
    if (!host->knows_own)
        find_own(host);
    return name && host->own[0] != '\0' && strcmp(host->own, name) == 0;
}

const char *unit_host_denied(struct unit_host *host, const struct systemd_unit *unit) {
    if (!act_would(host->config.acts, POLICY_UNITS, unit->id))
        return unit->id;
    for (size_t i = 0; i < unit->names.count; i++)
        if (policy_denies(host->config.policy, POLICY_UNITS, unit->names.items[i]))
            return unit->names.items[i];
    return NULL;
}
