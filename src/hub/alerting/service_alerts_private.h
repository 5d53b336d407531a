/*
 * service_alerts_private - what the files of roost.v1.Alerts share
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "hub/alerting/service_alerts.h"
#include "hub/people/users.h"
#include "rpc/call.h"
#include "rpc/invocation.h"

struct actor;

enum { ALERT_WATCH_WAITING_MAX = 1 << 20 };

struct service_alerts {
    struct service_alerts_config config;
    struct list trials; /* TestRule calls that wait for samples */
    struct users_watcher watcher;
};

static inline const struct actor *service_alerts_actor(
    const struct invocation *invocation) {
    return invocation_call(invocation)->actor;
}

/* A handler each. */
typedef void alert_handler(void *arg,
                           struct invocation *invocation,
                           const ProtobufCMessage *message);
alert_handler alert_ruling_list, alert_ruling_put, alert_ruling_remove;
alert_handler alert_trial_run;
alert_handler alert_notices_list_silences, alert_notices_put_silence,
    alert_notices_remove_silence;
alert_handler alert_notices_list_channels, alert_notices_put_channel,
    alert_notices_remove_channel, alert_notices_test_channel;

/* Nobody waits any more. */
void alert_trial_end_all(struct service_alerts *service);
