#include "agent/expose/expose.h"

#include <stdlib.h>
#include <string.h>

#include "agent/expose/offer.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings_group.h"
#include "loop/loop.h"
#include "rpc/call.h"
#include "rpc/fileset.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "rpc/target.h"

enum { SERVICE_NAME_MAX = 256 };

struct expose {
    struct target target;
    struct expose_config config;
    struct offer **offers; /* owned, by name */
    size_t count;
    struct reflection_others reflection;
    struct health_others health;
    struct task tell;
};

static void run_tell(struct task *task) {
    struct expose *expose = container_of(task, struct expose, tell);
    expose->config.on_change(expose->config.arg);
}

static void on_offer_change(void *arg) {
    struct expose *expose = arg;
    loop_post(expose->config.loop, &expose->tell);
}

/* --- who has a service --- */

/* Its offer, one that is serving before others; NULL: nobody is known to have it. */
static struct offer *find_offer(const struct expose *expose, const char *service) {
    struct offer *found = NULL;

    for (size_t i = 0; i < expose->count; i++) {
        struct offer *offer = expose->offers[i];
        if (!offer_has(offer, service))
            continue;
        if (offer_state(offer) == OFFER_SERVING)
            return offer;
        if (!found)
            found = offer;
    }
    return found;
}

/* Who gets what nobody is known to have; NULL: nobody. */
static struct offer *find_taker(const struct expose *expose) {
    for (size_t i = 0; i < expose->count; i++)
        if (offer_takes_all(expose->offers[i]))
            return expose->offers[i];
    return NULL;
}

static const struct offer *find_stranger(const struct expose *expose) {
    for (size_t i = 0; i < expose->count; i++)
        if (!offer_is_known(expose->offers[i]))
            return expose->offers[i];
    return NULL;
}

static void start(struct target *target, struct call *call) {
    struct expose *expose = container_of(target, struct expose, target);
    char service[SERVICE_NAME_MAX] = "";

    call_service_name(call, service, sizeof(service));
    struct offer *offer = find_offer(expose, service);
    if (!offer)
        offer = find_taker(expose);
    if (!offer && services_has(expose->config.own, service)) {
        call_start(call, services_target(expose->config.own));
        return;
    }
    if (expose->count > 0 && !expose->config.may(expose->config.arg, service)) {
        call_fail(call, GRPC_PERMISSION_DENIED, "the policy of this host denies grpc %s",
                  service);
        return;
    }
    if (offer) {
        call_start(call, offer_target(offer));
        return;
    }
    const struct offer *stranger = find_stranger(expose);
    if (stranger)
        call_fail(call, GRPC_UNAVAILABLE,
                  "nobody here is known to serve %s; back end \"%s\" has not told its "
                  "services yet: %s",
                  service, offer_name(stranger), offer_why(stranger));
    else
        call_fail(call, GRPC_UNIMPLEMENTED, "unknown service %s", service);
}

/* --- what reflection and health ask --- */

static bool is_listed(const struct offer *offer) {
    return offer_state(offer) == OFFER_SERVING;
}

static const char *service_at(void *arg, size_t i) {
    const struct expose *expose = arg;

    for (size_t k = 0; k < expose->count; k++) {
        size_t at = 0;
        const char *name;
        while (is_listed(expose->offers[k]) &&
               (name = offer_service_at(expose->offers[k], at++)))
            if (find_offer(expose, name) == expose->offers[k] &&
                !services_has(expose->config.own, name) && i-- == 0)
                return name;
    }
    return NULL;
}

static bool files_at(void *arg, size_t i, struct slice *ret_files) {
    const struct expose *expose = arg;

    if (i >= expose->count)
        return false;
    *ret_files = fileset_bytes(offer_files(expose->offers[i]));
    return true;
}

static enum health_status status_of(void *arg, const char *service) {
    const struct offer *offer = find_offer(arg, service);

    if (!offer)
        return HEALTH_STATUS_UNKNOWN;
    return offer_state(offer) == OFFER_SERVING ? HEALTH_STATUS_SERVING
                                               : HEALTH_STATUS_NOT_SERVING;
}

static struct target *target_of(void *arg, const char *service) {
    struct offer *offer = find_offer(arg, service);

    if (!offer)
        offer = find_taker(arg);
    return offer && offer_state(offer) != OFFER_UNREACHABLE ? offer_target(offer) : NULL;
}

/* --- from above --- */

struct expose *expose_new(const struct expose_config *config) {
    struct expose *expose = mem_new(sizeof(*expose));

    *expose = (struct expose) {
        .target.start = start,
        .config = *config,
        .tell.run = run_tell,
        .reflection = { service_at, files_at, expose },
        .health = { status_of, target_of, expose },
    };
    return expose;
}

struct expose *expose_free(struct expose *expose) {
    if (!expose)
        return NULL;
    for (size_t i = 0; i < expose->count; i++)
        offer_free(expose->offers[i]);
    free(expose->offers);
    loop_cancel(&expose->tell);
    free(expose);
    return NULL;
}

/* Takes the old offer of this name out of the list; NULL: there is none. */
static struct offer *take_offer(struct expose *expose, const char *name) {
    for (size_t i = 0; i < expose->count; i++)
        if (expose->offers[i] && strcmp(offer_name(expose->offers[i]), name) == 0)
            return TAKE(expose->offers[i]);
    return NULL;
}

static struct offer *renew(struct offer *old, const struct offer_config *config) {
    if (old && offer_keep(old, config))
        return old;
    if (old)
        log_info("back end %s has changed: it is dialled again", config->name);
    offer_free(old);
    return offer_new(config);
}

void expose_set(struct expose *expose,
                const struct settings_members *members,
                const char *folder) {
    struct offer **offers = mem_new_array(members->count + 1, sizeof(*offers));

    for (size_t i = 0; i < members->count; i++) {
        const struct settings_member *member = &members->items[i];
        struct offer_config config = {
            .loop = expose->config.loop,
            .name = member->name,
            .settings = member->values,
            .folder = folder,
            .own = expose->config.own,
            .alone = members->count == 1,
            .on_change = on_offer_change,
            .arg = expose,
        };
        offers[i] = renew(take_offer(expose, member->name), &config);
    }
    for (size_t i = 0; i < expose->count; i++) {
        if (expose->offers[i])
            log_info("back end %s is exposed no more", offer_name(expose->offers[i]));
        offer_free(expose->offers[i]);
    }
    free(expose->offers);
    expose->offers = offers;
    expose->count = members->count;
    on_offer_change(expose);
}

struct target *expose_target(struct expose *expose) {
    return &expose->target;
}

const struct offer *expose_at(const struct expose *expose, size_t i) {
    return i < expose->count ? expose->offers[i] : NULL;
}

const struct reflection_others *expose_reflection(const struct expose *expose) {
    return &expose->reflection;
}

const struct health_others *expose_health(const struct expose *expose) {
    return &expose->health;
}
