#include "agent/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acting.h"
#include "agent/collect/sampler.h"
#include "agent/config.h"
#include "agent/expose/expose.h"
#include "agent/host/boot_id.h"
#include "agent/host/service_host.h"
#include "agent/link/router.h"
#include "agent/link/service_link.h"
#include "agent/link/tunnels.h"
#include "agent/link/uplink.h"
#include "agent/policy/policy.h"
#include "agent/policy/policy_edit.h"
#include "agent/pulse.h"
#include "agent/setup/first_contact.h"
#include "agent/setup/identity.h"
#include "agent/spool/spool.h"
#include "agent/spool/spool_sync.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "loop/loop.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "wire/h2_window.h"

enum {
    HOUR_MS = 3600000,
    TRIM_MS = 5000, /* after a link is there */
};

struct running {
    struct agent_config *config; /* borrowed: main */
    struct identity *identity;   /* borrowed: main */
    struct loop *loop;           /* owned, and so is all that follows */
    struct sampler *sampler;
    struct spool_sync *sync; /* NULL: the spool is in memory alone */
    struct spool *spool;
    struct services *services;
    struct reflection *reflection;
    struct health *health;
    struct service_host *host;
    struct service_link *link;
    struct acting *acting;
    struct policy *policy;
    struct tunnels *tunnels;
    struct router *router;
    struct expose *expose;
    struct uplink *uplink;
    struct h2_window_budget windows; /* of streams on the link */
    struct timer trim;   /* when a handshake and a replay are over: what they took */
    char *sessions_path; /* owned: TLS sessions over restarts */
    struct pulse pulse;
    bool asks_again;
    bool resamples; /* what is being reloaded concerns the sampler */
    enum running_end end;
};

static void on_ended(void *arg) {
    struct running *running = arg;
    loop_stop(running->loop);
}

static void on_stop(void *arg, int signo) {
    struct running *running = arg;

    log_info("stopping by signal %d", signo);
    notify_send("STOPPING=1");
    service_host_stop(running->host);
    service_link_stop(running->link);
    acting_stop(running->acting);
    health_stop(running->health);
    uplink_finish(running->uplink, (unsigned)running->config->drain_ms, on_ended,
                  running);
}

static void on_trim(struct timer *timer) {
    mem_trim();
}

static void on_linked(void *arg, const char *name, enum link_transport transport) {
    struct running *running = arg;
    struct identity *identity = running->identity;

    log_info("linked as %s by %s", name, link_transport_name(transport));
    notify_send("STATUS=linked");
    timer_start(running->loop, &running->trim, TRIM_MS);
    if (strcmp(identity->name, name) == 0)
        return;
    snprintf(identity->name, sizeof(identity->name), "%s", name);
    int r = identity_update(running->config->state, identity);
    if (r < 0)
        log_warning("%s: %s; the new name is not kept, ignoring", running->config->state,
                    strerror(-r));
}

/* Has somebody joined this host anew beside us? Then that is who we are from now on. */
static bool take_new_identity(struct running *running) {
    struct identity fresh;

    if (identity_load(running->config->state, &fresh) != 0)
        return false;
    bool is_new = !identity_is_same(&fresh, running->identity);
    if (is_new) {
        *running->identity = fresh;
        log_info("this host has joined anew, as %s: going on with %s/identity",
                 fresh.name, running->config->state);
        uplink_renew(running->uplink);
    }
    mem_wipe(&fresh, sizeof(fresh));
    return is_new;
}

static void give_up(struct running *running, enum running_end end) {
    running->end = end;
    loop_stop(running->loop);
}

static void on_mismatch(struct running *running, const char *message) {
    if (first_contact_pinned(running->identity)) {
        log_error("%s; no credential was sent", message);
        first_contact_tell_changed(running->config);
        give_up(running, RUNNING_FAILED);
        return;
    }
    log_error("%s; no credential was sent; if the hub's key was changed on purpose: "
              "roost-agent join LINK; trying again in 60 s",
              message);
}

static void on_refused(struct running *running, const char *error, const char *message) {
    bool unknown = strcmp(error, LINK_ERROR_UNKNOWN) == 0;

    log_error("the hub refuses this agent (%s): %s", error, message);
    if (unknown && running->asks_again && running->identity->secret_id[0] != '\0')
        give_up(running, RUNNING_UNKNOWN);
}

static void on_trouble(void *arg,
                       enum uplink_trouble trouble,
                       const char *error,
                       const char *message) {
    struct running *running = arg;

    notify_send("STATUS=not linked");
    if (trouble != UPLINK_UNREACHED && take_new_identity(running))
        return;
    switch (trouble) {
    case UPLINK_MISMATCH:
        on_mismatch(running, message);
        break;
    case UPLINK_REFUSED:
        on_refused(running, error, message);
        break;
    case UPLINK_UNREACHED:
    case UPLINK_LOST:
        log_warning("%s: %s", trouble == UPLINK_LOST ? "the link was lost" : "no link",
                    message);
        break;
    }
}

static void on_trusted(void *arg) {
    struct running *running = arg;

    first_contact_learn(running->config, running->identity);
    uplink_retrust(running->uplink);
}

/* "a,b" of a list; NULL of an empty one. To be freed. */
static char *join_list(const struct settings_list *list) {
    struct buf text = { 0 };

    if (list->count == 0)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", list->items[i]);
    return buf_take_text(&text);
}

struct sampler *running_make_sampler(const struct agent_config *config) {
    char *net_include = join_list(&config->net_include);
    char *net_exclude = join_list(&config->net_exclude);
    char *net_ignore = join_list(&config->net_ignore);
    char *mounts_include = join_list(&config->mounts_include);
    char *mounts_exclude = join_list(&config->mounts_exclude);
    char *disks_include = join_list(&config->disks_include);
    char *disks_exclude = join_list(&config->disks_exclude);
    struct sampler_config wanted = {
        .root = config->root,
        .interfaces = { .include = net_include, .exclude = net_exclude },
        .mounts = { .include = mounts_include, .exclude = mounts_exclude },
        .disks = { .include = disks_include, .exclude = disks_exclude },
        .net_ignore = net_ignore,
        .nvml_path = config->nvml,
    };

    struct sampler *sampler = sampler_new(&wanted);
    char *texts[] = { net_include,    net_exclude,   net_ignore,   mounts_include,
                      mounts_exclude, disks_include, disks_exclude };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    return sampler;
}

void running_free_sampler(struct sampler *sampler) {
    sampler_free(sampler);
}

static void make_spool(struct running *running) {
    const struct agent_config *config = running->config;
    char *dir = config_spool_dir(config);
    struct spool_config wanted = {
        .start.interval_ms = (uint32_t)config->interval_ms,
        .span_ms = config->spool_hours * HOUR_MS,
        .bytes_max = config->spool_bytes,
        .dir = dir,
        .sync = spool_sync_file,
    };

    if (dir)
        wanted.sync_arg = running->sync = spool_sync_new(running->loop);
    crypto_random(&wanted.start.epoch, sizeof(wanted.start.epoch));
    boot_id_read(wanted.start.boot_id);
    running->spool = spool_new(&wanted);
    log_info("samples are kept for %u h, at most %.1f MiB of them, in memory%s%s",
             (unsigned)config->spool_hours, (double)config->spool_bytes / (1 << 20),
             dir ? " and in " : "", dir ? dir : "");
    free(dir);
}

static void tell_policy(void *arg, const struct policy *policy) {
    if (policy_trouble(policy))
        log_error("%s; nothing but looking is allowed until that is mended",
                  policy_trouble(policy));
    else
        log_info("%s allows %s", policy_path(policy), policy_capabilities(policy));
}

static void make_policy(struct running *running) {
    struct policy_config config = {
        .state = running->config->state,
        .is_user = policy_edit_is_user(),
        .on_change = tell_policy,
        .arg = running,
    };

    running->policy = policy_new(&config);
    tell_policy(running, running->policy);
    running->tunnels =
        tunnels_new(running->loop, running->policy, (size_t)running->config->tunnels_max);
}

static void take_sample(void *arg, uint64_t now_boottime_ns, struct spool_cursor next) {
    const struct running *running = arg;

    /* What is told as capabilities follows the file without being asked for. */
    policy_refresh(running->policy, loop_now_ms(running->loop));
    sampler_take(running->sampler, now_boottime_ns);
}

static const struct metric_info *get_catalogue(void *arg,
                                               size_t *ret_count,
                                               uint32_t *ret_id) {
    const struct running *running = arg;
    *ret_id = sampler_catalogue_id(running->sampler);
    return sampler_catalogue(running->sampler, ret_count);
}

static const int64_t *get_values(void *arg) {
    const struct running *running = arg;
    return sampler_values(running->sampler);
}

/* [expose] allows it, unless a line of the policy says no. */
static bool may_call(void *arg, const char *service) {
    struct running *running = arg;

    policy_refresh(running->policy, loop_now_ms(running->loop));
    return !policy_denies(running->policy, POLICY_GRPC, service);
}

static void on_exposed(void *arg) {
    struct running *running = arg;

    health_changed(running->health);
    service_link_changed(running->link);
}

static void make_services(struct running *running) {
    running->services = services_new(running->config->message_bytes_max);
    struct service_host_config host = {
        .loop = running->loop,
        .services = running->services,
        .root = running->config->root ? running->config->root : "",
        .spool = running->spool,
        .source = { take_sample, get_catalogue, get_values, NULL, running },
        .capabilities = policy_capabilities(running->policy),
        .interval_ms = running->config->interval_ms,
        .batch_ms = running->config->batch_ms,
    };

    running->host = service_host_new(&host);
    struct expose_config expose = {
        .loop = running->loop,
        .own = running->services,
        .may = may_call,
        .on_change = on_exposed,
        .arg = running,
    };
    running->expose = expose_new(&expose);
    running->link =
        service_link_new(running->services, running->identity, running->config->state,
                         running->expose, on_trusted, running);
    struct acting_config acting = {
        .loop = running->loop,
        .services = running->services,
        .policy = running->policy,
        .state = running->config->state,
        .root = host.root,
        .nvml = running->config->nvml,
        .identity = running->identity,
        .udp_port = (unsigned)running->config->udp_port,
        .is_user = policy_edit_is_user(),
        .libsystemd = running->config->libsystemd,
        .fluentd = (const char *const *)&running->config->fluentd,
    };
    running->acting = acting_new(&acting);
    running->health = health_new(running->services);
    running->reflection = reflection_new(running->services);
    running->router = router_new(running->services);
    router_tunnel(running->router, tunnels_target(running->tunnels));
    health_add_others(running->health, expose_health(running->expose));
    reflection_add_others(running->reflection, expose_reflection(running->expose));
    router_expose(running->router, expose_target(running->expose));
    expose_set(running->expose, &running->config->exposes, running->config->state);
}

static int start_uplink(struct running *running) {
    running->windows.limit = (size_t)running->config->window_bytes;
    running->sessions_path = file_join(running->config->state, "tls-sessions");
    struct uplink_config config = {
        .identity = running->identity,
        .target = router_target(running->router),
        .proxy = running->config->proxy,
        .ca_file = running->config->ca_file,
        .sessions_path = running->sessions_path,
        .capabilities = policy_capabilities(running->policy),
        .root = running->config->root,
        .backoff_max_ms = (unsigned)running->config->backoff_max_ms,
        .streams_max = (uint32_t)running->config->streams_max,
        .windows = &running->windows,
        .on_linked = on_linked,
        .on_trouble = on_trouble,
        .arg = running,
    };

    return uplink_new(running->loop, &config, &running->uplink);
}

static void on_change(void *arg, const struct settings_row *row) {
    struct running *running = arg;

    log_info("[%s] %s has changed%s", row->section ? row->section : "", row->name,
             row->live ? "" : "; it takes a restart");
    running->resamples |=
        row->section && settings_has_word("net mounts disks", row->section);
    running->resamples |= strcmp(row->name, "interval") == 0;
}

static void apply(struct running *running) {
    const struct agent_config *config = running->config;

    settings_common_apply_log(&config->common);
    services_limit(running->services, config->message_bytes_max);
    uplink_tune(running->uplink, config->proxy, (unsigned)config->backoff_max_ms,
                (uint32_t)config->streams_max);
    running->windows.limit = (size_t)config->window_bytes;
    expose_set(running->expose, &config->exposes, config->state);
    spool_keep(running->spool, config->spool_hours * HOUR_MS);
    tunnels_limit(running->tunnels, (size_t)config->tunnels_max);
    if (!running->resamples)
        return;
    struct sampler *old = running->sampler;
    running->sampler = running_make_sampler(config);
    service_host_renew(running->host, config->interval_ms);
    running_free_sampler(old);
    running->resamples = false;
}

static void on_hangup(void *arg) {
    struct running *running = arg;
    struct settings *settings = settings_new(config_table());
    struct agent_config *old;

    if (config_reload(running->config, settings, on_change, running, &old) == 0) {
        apply(running);
        config_free(old);
        log_info("the settings were read anew");
    } else {
        log_error("%s; the settings in use stay", settings_error(settings));
    }
    settings_free(settings);
    take_new_identity(running);
}

enum running_end running_run(struct agent_config *config,
                             struct identity *identity,
                             bool asks_again) {
    struct running running = {
        .config = config,
        .identity = identity,
        .asks_again = asks_again,
    };

    running.loop = loop_new();
    running.trim.fire = on_trim;
    running.pulse = (struct pulse) {
        .loop = running.loop,
        .on_stop = on_stop,
        .on_hangup = on_hangup,
        .arg = &running,
    };
    running.sampler = running_make_sampler(config);
    make_spool(&running);
    make_policy(&running);
    make_services(&running);
    int r = start_uplink(&running);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", config->ca_file ? config->ca_file : "CA",
                strerror(-r));
        running.end = RUNNING_FAILED;
    } else {
        pulse_start(&running.pulse);
        loop_run(running.loop);
        pulse_stop(&running.pulse);
        timer_stop(&running.trim);
    }
    uplink_free(running.uplink);
    loop_settle(running.loop); /* calls that the link carried learn of its end */
    expose_free(running.expose);
    loop_settle(running.loop); /* and so do those to what is exposed */
    router_free(running.router);
    acting_free(running.acting);
    tunnels_free(running.tunnels);
    policy_free(running.policy);
    reflection_free(running.reflection);
    health_free(running.health);
    service_link_free(running.link);
    service_host_free(running.host);
    services_free(running.services);
    spool_free(running.spool);
    spool_sync_free(running.sync);
    running_free_sampler(running.sampler);
    free(running.sessions_path);
    loop_free(running.loop);
    return running.end;
}
