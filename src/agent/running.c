#include "agent/running.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/sampler.h"
#include "agent/config.h"
#include "agent/first_contact.h"
#include "agent/identity.h"
#include "agent/service_host.h"
#include "agent/service_link.h"
#include "agent/uplink.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"

/* What the policy allows; until it can be set, looking alone. */
static const char CAPABILITIES[] = "look";

struct running {
    const struct agent_config *config; /* borrowed: main */
    struct identity *identity;         /* borrowed: main */
    struct loop *loop;                 /* owned, and so is all that follows */
    struct sampler *sampler;
    struct services *services;
    struct reflection *reflection;
    struct health *health;
    struct service_host *host;
    struct service_link *link;
    struct uplink *uplink;
    char *sessions_path; /* owned: TLS sessions over restarts */
    struct timer watchdog;
    uint64_t watchdog_ms;
    int status;
};

static void on_watchdog(struct timer *timer) {
    struct running *running = container_of(timer, struct running, watchdog);

    notify_send("WATCHDOG=1");
    timer_start(running->loop, timer, running->watchdog_ms);
}

static void on_ended(void *arg) {
    struct running *running = arg;
    loop_stop(running->loop);
}

static void on_stop(void *arg, int signo) {
    struct running *running = arg;

    log_info("stopping by signal %d", signo);
    notify_send("STOPPING=1");
    service_host_stop(running->host);
    health_stop(running->health);
    uplink_finish(running->uplink, (unsigned)running->config->drain_ms, on_ended,
                  running);
}

static void on_linked(void *arg, const char *name, enum link_transport transport) {
    struct running *running = arg;
    struct identity *identity = running->identity;

    log_info("linked as %s by %s", name, link_transport_name(transport));
    notify_send("STATUS=linked");
    if (strcmp(identity->name, name) == 0)
        return;
    snprintf(identity->name, sizeof(identity->name), "%s", name);
    int r = identity_save(running->config->state, identity);
    if (r < 0)
        log_warning("%s: %s; the new name is not kept, ignoring", running->config->state,
                    strerror(-r));
}

/* The older system's way: a changed key is a person's business, at once. */
static void give_up_on_key(struct running *running) {
    char *path = first_contact_path(running->config);

    log_error("the hub's key has changed since first contact; if that was on purpose, "
              "delete %s "
              "and start again",
              path);
    free(path);
    running->status = EXIT_FAILURE;
    loop_stop(running->loop);
}

static void on_trouble(void *arg,
                       enum uplink_trouble trouble,
                       const char *error,
                       const char *message) {
    struct running *running = arg;

    notify_send("STATUS=not linked");
    switch (trouble) {
    case UPLINK_MISMATCH:
        log_error("%s; no credential was sent; if the hub's key was changed on purpose: "
                  "roost-agent join LINK; trying again in 60 s",
                  message);
        if (running->config->secret)
            give_up_on_key(running);
        break;
    case UPLINK_REFUSED:
        log_error("the hub refuses this agent (%s): %s", error, message);
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
        .interfaces = { .include = net_include, .exclude = net_exclude },
        .mounts = { .include = mounts_include, .exclude = mounts_exclude },
        .disks = { .include = disks_include, .exclude = disks_exclude },
        .net_ignore = net_ignore,
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

static void make_services(struct running *running) {
    running->services = services_new(running->config->message_bytes_max);
    struct service_host_config host = {
        .loop = running->loop,
        .services = running->services,
        .sampler = running->sampler,
        .capabilities = CAPABILITIES,
        .interval_ms = running->config->interval_ms,
    };

    running->host = service_host_new(&host);
    running->link = service_link_new(running->services, running->identity,
                                     running->config->state, on_trusted, running);
    running->health = health_new(running->services);
    running->reflection = reflection_new(running->services);
}

static int start_uplink(struct running *running) {
    running->sessions_path = file_join(running->config->state, "tls-sessions");
    struct uplink_config config = {
        .identity = running->identity,
        .services = running->services,
        .proxy = running->config->proxy,
        .ca_file = running->config->ca_file,
        .sessions_path = running->sessions_path,
        .capabilities = CAPABILITIES,
        .backoff_max_ms = (unsigned)running->config->backoff_max_ms,
        .on_linked = on_linked,
        .on_trouble = on_trouble,
        .arg = running,
    };

    return uplink_new(running->loop, &config, &running->uplink);
}

static void run_loop(struct running *running) {
    struct loop_signal *term = loop_signal_new(running->loop, SIGTERM, on_stop, running);
    struct loop_signal *interrupt =
        loop_signal_new(running->loop, SIGINT, on_stop, running);

    notify_send("READY=1");
    running->watchdog_ms = notify_watchdog_ms();
    if (running->watchdog_ms > 0)
        timer_start(running->loop, &running->watchdog, running->watchdog_ms);
    loop_run(running->loop);
    timer_stop(&running->watchdog);
    loop_signal_free(term);
    loop_signal_free(interrupt);
}

int running_run(const struct agent_config *config, struct identity *identity) {
    struct running running = {
        .config = config,
        .identity = identity,
        .watchdog.fire = on_watchdog,
    };

    running.loop = loop_new();
    running.sampler = running_make_sampler(config);
    make_services(&running);
    int r = start_uplink(&running);
    if (r < 0) {
        fprintf(stderr, "roost-agent: %s: %s\n", config->ca_file ? config->ca_file : "CA",
                strerror(-r));
        running.status = EXIT_FAILURE;
    } else {
        run_loop(&running);
    }
    uplink_free(running.uplink);
    loop_settle(running.loop); /* calls that the link carried learn of its end */
    reflection_free(running.reflection);
    health_free(running.health);
    service_link_free(running.link);
    service_host_free(running.host);
    services_free(running.services);
    running_free_sampler(running.sampler);
    free(running.sessions_path);
    loop_free(running.loop);
    return running.status;
}
