#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/channel/channel.h"
#include "alerts/channel/channel_message.h"
#include "alerts/incidents/incident.h"
#include "alerts/judge/alerts.h"
#include "alerts/notifier/notifier.h"
#include "alerts/rules/rule.h"
#include "alerts/silence/silence.h"
#include "alerts/silence/silence_message.h"
#include "alerts/silence/silences.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hub/activity/activity.h"
#include "hub/alerting/alert_rights.h"
#include "hub/alerting/service_alerts_private.h"
#include "hub/timekeeper.h"
#include "rpc/actor.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

/* A TestChannel that waits. */
struct channel_trial {
    struct invocation *invocation; /* borrowed: until on_gone; NULL: nobody waits */
    bool is_over;                  /* the channel has answered */
    int64_t start_ms;
};

/* --- silences --- */

static bool may_see_silence(const struct service_alerts *service,
                            const struct actor *actor,
                            const struct silence *silence) {
    return strcmp(silence->created_by, actor->name) == 0 || actor_is_admin(actor) ||
           alert_rights_some(service->config.registry, actor, silence->select);
}

void alert_notices_list_silences(void *arg,
                                 struct invocation *invocation,
                                 const ProtobufCMessage *message) {
    const struct service_alerts *service = arg;
    const struct silences *silences = notifier_silences(service->config.notifier);
    Roost__V1__ListSilencesResponse response = ROOST__V1__LIST_SILENCES_RESPONSE__INIT;
    struct silence_message *parts = mem_new_array(SILENCES_MAX, sizeof(*parts));
    const struct silence *silence;
    size_t at = 0;

    response.silences = mem_new_array(SILENCES_MAX, sizeof(*response.silences));
    while (response.n_silences < SILENCES_MAX &&
           (silence = silences_next(silences, &at))) {
        if (!may_see_silence(service, service_alerts_actor(invocation), silence))
            continue;
        silence_message_init(&parts[response.n_silences], silence);
        response.silences[response.n_silences] = &parts[response.n_silences].silence;
        response.n_silences++;
    }
    invocation_reply(invocation, &response.base);
    free(response.silences);
    free(parts);
}

/* Until when; 0: it makes no sense. */
static int64_t end_of(const Roost__V1__PutSilenceRequest *request, int64_t now_ms) {
    int64_t ends_ms = request->lasts_s > 0 ? now_ms + (int64_t)request->lasts_s * 1000
                                           : timestamp_get(request->ends);
    return ends_ms > now_ms ? ends_ms : 0;
}

/* Of one incident alone. */
static void silence_incident(const struct service_alerts *service,
                             struct invocation *invocation,
                             const Roost__V1__PutSilenceRequest *request) {
    struct incident *incident =
        incidents_by_id(service->config.incidents, request->incident);
    const struct actor *actor = service_alerts_actor(invocation);
    const struct registry *registry = service->config.registry;
    int64_t now_ms = timekeeper_now_ms(service->config.timekeeper);
    int64_t until_ms = end_of(request, now_ms);
    Roost__V1__Silence answer = ROOST__V1__SILENCE__INIT;
    Google__Protobuf__Timestamp starts, ends;

    if (!incident ||
        !alert_rights_see(registry, service->config.alerts, actor, incident)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "there is no incident %llu",
                          (unsigned long long)request->incident);
        return;
    }
    const struct rule *rule = alerts_find_rule(service->config.alerts, incident->rule);
    bool is_own = rule && strcmp(rule->owner, actor->name) == 0;
    if (!is_own && alert_rights_on(registry, actor, incident) < ACTOR_OPERATOR) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED,
                          "only who operates the node silences what all are told");
        return;
    }
    bool is_end = until_ms == 0 && request->ends && incident->silenced_until_ms > now_ms;
    if (until_ms == 0 && !is_end) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT,
                          "until when? Its end is not in the future");
        return;
    }
    incident_silence(service->config.incidents, incident, until_ms, actor->name, now_ms);
    until_ms = is_end ? now_ms : until_ms;
    answer.select = incident->node;
    answer.rule = incident->rule;
    answer.starts = timestamp_set(&starts, now_ms);
    answer.ends = timestamp_set(&ends, until_ms);
    answer.created_by = actor->name;
    answer.reason = request->reason;
    invocation_reply(invocation, &answer.base);
    notifier_review(service->config.notifier);
}

void alert_notices_put_silence(void *arg,
                               struct invocation *invocation,
                               const ProtobufCMessage *message) {
    const Roost__V1__PutSilenceRequest *request =
        (const Roost__V1__PutSilenceRequest *)message;
    const struct service_alerts *service = arg;
    const struct actor *actor = service_alerts_actor(invocation);
    auto_(mem_freep) char *why = NULL;
    struct silence_message answer;

    if (request->incident != 0) {
        silence_incident(service, invocation, request);
        return;
    }
    struct silence *silence = silence_message_read(
        request, actor->name, timekeeper_now_ms(service->config.timekeeper), &why);
    if (!silence) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
        return;
    }
    const struct rule *rule = alerts_find_rule(service->config.alerts, silence->rule);
    bool is_own = rule && strcmp(rule->owner, actor->name) == 0;
    const char *fault = is_own ? NULL
                               : alert_rights_silence(service->config.registry, actor,
                                                      silence->select, NULL);
    if (fault) {
        silence_free(silence);
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", fault);
        return;
    }
    auto_(mem_freep) char *id = mem_strdup(silence->id);
    struct silences *silences = notifier_silences(service->config.notifier);
    if (!silences_put(silences, silence)) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "there are too many silences");
        return;
    }
    const struct silence *kept = silences_find(silences, id);
    activity_add(service->config.activity, "silence.added", "", actor->name, "%s %s",
                 kept->select[0] ? kept->select : "all nodes", kept->reason);
    silence_message_init(&answer, kept);
    invocation_reply(invocation, &answer.silence.base);
}

void alert_notices_remove_silence(void *arg,
                                  struct invocation *invocation,
                                  const ProtobufCMessage *message) {
    const Roost__V1__RemoveSilenceRequest *request =
        (const Roost__V1__RemoveSilenceRequest *)message;
    const struct service_alerts *service = arg;
    Roost__V1__RemoveSilenceResponse response = ROOST__V1__REMOVE_SILENCE_RESPONSE__INIT;
    const struct actor *actor = service_alerts_actor(invocation);
    struct silences *silences = notifier_silences(service->config.notifier);
    const struct silence *silence = silences_find(silences, request->id);

    if (!silence || !may_see_silence(service, actor, silence)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "there is no silence \"%s\"",
                          request->id);
        return;
    }
    const char *why = alert_rights_silence(service->config.registry, actor,
                                           silence->select, silence->created_by);
    if (why) {
        invocation_finish(invocation, GRPC_PERMISSION_DENIED, "%s", why);
        return;
    }
    activity_add(service->config.activity, "silence.removed", "", actor->name, "%s",
                 silence->select[0] ? silence->select : "all nodes");
    silences_remove(silences, request->id);
    invocation_reply(invocation, &response.base);
}

/* --- channels: the gate lets only administrators come here --- */

void alert_notices_list_channels(void *arg,
                                 struct invocation *invocation,
                                 const ProtobufCMessage *message) {
    const struct service_alerts *service = arg;
    struct notifier *notifier = service->config.notifier;
    Roost__V1__ListChannelsResponse response = ROOST__V1__LIST_CHANNELS_RESPONSE__INIT;
    struct channel_message *parts = mem_new_array(CHANNELS_MAX + 1, sizeof(*parts));
    struct channel *channel;
    size_t at = 0;

    response.channels = mem_new_array(CHANNELS_MAX + 1, sizeof(*response.channels));
    while (response.n_channels <= CHANNELS_MAX &&
           (channel = notifier_next_channel(notifier, &at))) {
        channel->waiting = notifier_waiting(notifier, channel);
        channel_message_init(&parts[response.n_channels], channel, false);
        response.channels[response.n_channels] = &parts[response.n_channels].channel;
        response.n_channels++;
    }
    size_t count = response.n_channels;
    invocation_reply(invocation, &response.base);
    for (size_t i = 0; i < count; i++)
        channel_message_done(&parts[i]);
    free(response.channels);
    free(parts);
}

static size_t count_channels(const struct notifier *notifier) {
    size_t count = 0;
    size_t at = 0;

    while (notifier_next_channel(notifier, &at))
        count++;
    return count;
}

/* The channel that is asked for; NULL: the call is finished. */
static struct channel *read_channel(const struct service_alerts *service,
                                    struct invocation *invocation,
                                    const Roost__V1__PutChannelRequest *request) {
    struct notifier *notifier = service->config.notifier;
    auto_(mem_freep) char *why = NULL;

    if (!request->channel) {
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "which channel?");
        return NULL;
    }
    const struct channel *before =
        notifier_find_channel(notifier, request->channel->name);
    if (before && request->is_new) {
        invocation_finish(invocation, GRPC_ALREADY_EXISTS,
                          "there is a channel of that name already");
        return NULL;
    }
    if (!before && count_channels(notifier) >= CHANNELS_MAX) {
        invocation_finish(invocation, GRPC_RESOURCE_EXHAUSTED,
                          "there are too many channels");
        return NULL;
    }
    struct channel *channel = channel_message_read(request->channel, before, &why);
    if (channel && channel_check(channel, notifier_is_plain_allowed(notifier), &why) != 0)
        channel = channel_free(channel);
    if (!channel)
        invocation_finish(invocation, GRPC_INVALID_ARGUMENT, "%s", why);
    return channel;
}

void alert_notices_put_channel(void *arg,
                               struct invocation *invocation,
                               const ProtobufCMessage *message) {
    const struct service_alerts *service = arg;
    struct channel *channel =
        read_channel(service, invocation, (const Roost__V1__PutChannelRequest *)message);
    struct channel_message answer;

    if (!channel)
        return;
    auto_(mem_freep) char *name = mem_strdup(channel->name);
    activity_add(service->config.activity, "channel.changed", "",
                 service_alerts_actor(invocation)->name, "%s", name);
    notifier_put_channel(service->config.notifier, channel);
    channel_message_init(&answer, notifier_find_channel(service->config.notifier, name),
                         false);
    invocation_reply(invocation, &answer.channel.base);
    channel_message_done(&answer);
}

void alert_notices_remove_channel(void *arg,
                                  struct invocation *invocation,
                                  const ProtobufCMessage *message) {
    const Roost__V1__RemoveChannelRequest *request =
        (const Roost__V1__RemoveChannelRequest *)message;
    const struct service_alerts *service = arg;
    Roost__V1__RemoveChannelResponse response = ROOST__V1__REMOVE_CHANNEL_RESPONSE__INIT;

    if (!notifier_remove_channel(service->config.notifier, request->name)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "there is no channel \"%s\"",
                          request->name);
        return;
    }
    activity_add(service->config.activity, "channel.removed", "",
                 service_alerts_actor(invocation)->name, "%s", request->name);
    invocation_reply(invocation, &response.base);
}

static void on_trial_gone(struct invocation *invocation, void *user) {
    struct channel_trial *trial = user;

    trial->invocation = NULL;
    if (trial->is_over)
        free(trial);
}

static void on_tested(void *arg, int result, const char *message, const char *why) {
    Roost__V1__TestChannelResponse response = ROOST__V1__TEST_CHANNEL_RESPONSE__INIT;
    struct channel_trial *trial = arg;
    struct invocation *invocation = trial->invocation;

    if (!invocation) {
        free(trial);
        return;
    }
    trial->is_over = true; /* its end frees it */
    response.delivered = result == 0;
    response.failure = result == 0 ? "" : pb_lend(why);
    response.duration_ms = (uint32_t)((int64_t)clock_boot_ms() - trial->start_ms);
    invocation_reply(invocation, &response.base);
}

void alert_notices_test_channel(void *arg,
                                struct invocation *invocation,
                                const ProtobufCMessage *message) {
    const Roost__V1__TestChannelRequest *request =
        (const Roost__V1__TestChannelRequest *)message;
    const struct service_alerts *service = arg;

    if (!notifier_find_channel(service->config.notifier, request->name)) {
        invocation_finish(invocation, GRPC_NOT_FOUND, "there is no channel \"%s\"",
                          request->name);
        return;
    }
    struct channel_trial *trial = mem_new(sizeof(*trial));
    trial->invocation = invocation;
    trial->start_ms = (int64_t)clock_boot_ms();
    invocation_set_user(invocation, trial, on_trial_gone);
    notifier_test_channel(service->config.notifier, request->name, on_tested, trial);
}
