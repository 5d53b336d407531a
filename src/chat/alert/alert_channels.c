#include "chat/alert/alert_channels.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "chat/act/act_call.h"
#include "chat/act/act_text.h"
#include "chat/alert/alert_text.h"
#include "wire/timestamp.h"

enum { LISTED_MAX = 20 };

struct channeling {
    char *name;                  /* owned; "" */
    char *note;                  /* owned, or NULL */
    Roost__V1__Channel *channel; /* owned; NULL: not known yet */
    void (*act)(struct turn *turn, struct channeling *channeling);
};

static void end_channeling(void *state) {
    struct channeling *channeling = state;

    free(channeling->name);
    free(channeling->note);
    pb_free((ProtobufCMessage *)channeling->channel);
}

/* --- views --- */

static char *kind_text(const struct turn *turn, const Roost__V1__Channel *channel) {
    struct buf out = { 0 };

    switch (channel->kind_case) {
    case ROOST__V1__CHANNEL__KIND_MAIL:
        buf_add_text(&out, turn_say(turn, "e-mail to "));
        for (size_t i = 0; i < channel->mail->n_to; i++)
            buf_printf(&out, "%s%s", i > 0 ? ", " : "", channel->mail->to[i]);
        break;
    case ROOST__V1__CHANNEL__KIND_WEBHOOK:
        buf_printf(&out, "webhook %s", channel->webhook->url);
        break;
    case ROOST__V1__CHANNEL__KIND_NTFY:
        buf_printf(&out, "ntfy %s", channel->ntfy->url);
        break;
    case ROOST__V1__CHANNEL__KIND_CHAT:
        buf_printf(&out, "%s %s%s%s", channel->chat->platform, channel->chat->chat,
                   channel->chat->topic[0] ? ":" : "", channel->chat->topic);
        break;
    default:
        buf_add_text(&out, turn_say(turn, "everybody who may see the host, in private"));
    }
    return buf_take_text(&out);
}

static const char *mark_of(const Roost__V1__Channel *channel) {
    if (channel->disabled)
        return "⚪";
    return channel->failing_since ? "🔴" : "🟢";
}

static void show_list(struct turn *turn, const Roost__V1__ListChannelsResponse *list) {
    struct view *view = view_new();

    view_title(view, "📣 %s", turn_say(turn, "Channels"));
    for (size_t i = 0; i < list->n_channels && i < LISTED_MAX; i++) {
        const Roost__V1__Channel *channel = list->channels[i];
        auto_(mem_freep) char *kind = kind_text(turn, channel);
        auto_(mem_freep) char *cut = act_text_cut(kind, 120);
        auto_(mem_freep) char *label =
            mem_printf("%s %s", mark_of(channel), channel->name);
        auto_(mem_freep) char *quoted = act_text_quote(channel->name);
        view_text(view, "%s: %s", label, cut);
        if (i % 2 == 0)
            view_row(view);
        view_button(view, VIEW_PLAIN, label, "channel %s", quoted);
    }
    view_note(view, "%s",
              turn_say(turn, "New ones: roost channel put, or /here in a "
                             "group."));
    act_call_back(turn, view, "alerts");
    turn_show(turn, view);
}

static void add_state(struct turn *turn,
                      struct view *view,
                      const Roost__V1__Channel *channel) {
    char since[ACT_TEXT_LEN];

    if (channel->failing_since) {
        act_text_time(timestamp_get(channel->failing_since), since);
        view_text(view, turn_say(turn, "🔴 It fails since %s: %s"), since,
                  channel->failure);
    }
    if (channel->delivered) {
        act_text_time(timestamp_get(channel->delivered), since);
        view_field(view, turn_say(turn, "Delivered last"), "%s", since);
    }
    if (channel->waiting > 0)
        view_field(view, turn_say(turn, "Wait"), "%u", channel->waiting);
}

static void show_channel(struct turn *turn, const struct channeling *channeling) {
    const Roost__V1__Channel *channel = channeling->channel;
    auto_(mem_freep) char *kind = kind_text(turn, channel);
    auto_(mem_freep) char *quoted = act_text_quote(channel->name);
    struct view *view = view_new();

    view_title(view, "%s %s", mark_of(channel), channel->name);
    view_text(view, "%s", kind);
    view_field(view, turn_say(turn, "From"), "%s",
               alert_text_severity(turn_language(turn), channel->severity));
    if (channel->select[0])
        view_field(view, turn_say(turn, "Hosts"), "%s", channel->select);
    if (channel->quiet_hours[0])
        view_field(view, turn_say(turn, "Quiet hours"), "%s", channel->quiet_hours);
    if (channel->weekly[0])
        view_field(view, turn_say(turn, "Weekly digest"), "%s", channel->weekly);
    add_state(turn, view, channel);
    if (channeling->note)
        view_text(view, "%s", channeling->note);
    view_row(view);
    view_button(view, VIEW_PLAIN, turn_say(turn, "test"), "channel %s test", quoted);
    view_button(view, VIEW_PLAIN,
                channel->disabled ? turn_say(turn, "turn it on")
                                  : turn_say(turn, "turn it off"),
                "channel %s %s", quoted, channel->disabled ? "on" : "off");
    view_button(view, VIEW_PLAIN, turn_say(turn, "remove…"), "channel %s remove", quoted);
    act_call_back(turn, view, "channels");
    turn_show(turn, view);
}

/* --- asking --- */

static void fail(struct turn *turn,
                 const struct channeling *channeling,
                 enum grpc_status status,
                 const char *message) {
    auto_(mem_freep) char *what =
        mem_printf("%s %s", turn_say(turn, "Channels"), channeling->name);

    act_call_fail(turn, status, message, what, NULL, "alerts");
}

static void keep_channel(struct channeling *channeling,
                         const Roost__V1__Channel *channel) {
    ProtobufCMessage *copied = act_call_copy(&channel->base);

    pb_free((ProtobufCMessage *)channeling->channel);
    channeling->channel = (Roost__V1__Channel *)copied;
}

static void on_list(struct turn *turn,
                    void *arg,
                    enum grpc_status status,
                    const char *message,
                    const ProtobufCMessage *reply) {
    const Roost__V1__ListChannelsResponse *list =
        (const Roost__V1__ListChannelsResponse *)reply;
    struct channeling *channeling = arg;

    if (status != GRPC_OK) {
        fail(turn, channeling, status, message);
        return;
    }
    for (size_t i = 0; channeling->act && i < list->n_channels; i++)
        if (strcasecmp(list->channels[i]->name, channeling->name) == 0) {
            keep_channel(channeling, list->channels[i]);
            channeling->act(turn, channeling);
            return;
        }
    if (channeling->act)
        fail(turn, channeling, GRPC_NOT_FOUND,
             turn_say(turn, "There is no such channel."));
    else
        show_list(turn, list);
}

static void ask_list(struct turn *turn, struct channeling *channeling) {
    Roost__V1__ListChannelsRequest request = ROOST__V1__LIST_CHANNELS_REQUEST__INIT;

    turn_call(turn, NULL, "/roost.v1.Alerts/ListChannels", &request.base, on_list,
              channeling);
}

/* --- acts --- */

static void show_it(struct turn *turn, struct channeling *channeling) {
    show_channel(turn, channeling);
}

static void on_put(struct turn *turn,
                   void *arg,
                   enum grpc_status status,
                   const char *message,
                   const ProtobufCMessage *reply) {
    struct channeling *channeling = arg;

    if (status != GRPC_OK) {
        fail(turn, channeling, status, message);
        return;
    }
    keep_channel(channeling, (const Roost__V1__Channel *)reply);
    channeling->note = mem_strdup(turn_say(turn, "✅ It is so from now on."));
    show_channel(turn, channeling);
}

static void put(struct turn *turn, struct channeling *channeling, bool is_disabled) {
    Roost__V1__PutChannelRequest request = ROOST__V1__PUT_CHANNEL_REQUEST__INIT;

    channeling->channel->disabled = is_disabled;
    request.channel = channeling->channel;
    turn_call(turn, NULL, "/roost.v1.Alerts/PutChannel", &request.base, on_put,
              channeling);
}

static void turn_on(struct turn *turn, struct channeling *channeling) {
    put(turn, channeling, false);
}

static void turn_off(struct turn *turn, struct channeling *channeling) {
    put(turn, channeling, true);
}

static void on_tested(struct turn *turn,
                      void *arg,
                      enum grpc_status status,
                      const char *message,
                      const ProtobufCMessage *reply) {
    const Roost__V1__TestChannelResponse *response =
        (const Roost__V1__TestChannelResponse *)reply;
    struct channeling *channeling = arg;

    if (status != GRPC_OK) {
        fail(turn, channeling, status, message);
        return;
    }
    channeling->note =
        response->delivered
            ? mem_printf(turn_say(turn, "✅ A test message was delivered in %u ms."),
                         response->duration_ms)
            : mem_printf(turn_say(turn, "⛔ It was not delivered: %s"), response->failure);
    show_channel(turn, channeling);
}

static void test_channel(struct turn *turn, struct channeling *channeling) {
    Roost__V1__TestChannelRequest request = ROOST__V1__TEST_CHANNEL_REQUEST__INIT;

    request.name = channeling->channel->name;
    turn_call(turn, NULL, "/roost.v1.Alerts/TestChannel", &request.base, on_tested,
              channeling);
}

static void on_removed(struct turn *turn,
                       void *arg,
                       enum grpc_status status,
                       const char *message,
                       const ProtobufCMessage *reply) {
    struct channeling *channeling = arg;

    if (status != GRPC_OK && status != GRPC_NOT_FOUND) {
        fail(turn, channeling, status, message);
        return;
    }
    channeling->act = NULL;
    ask_list(turn, channeling);
}

static void remove_channel(struct turn *turn, struct channeling *channeling) {
    Roost__V1__RemoveChannelRequest request = ROOST__V1__REMOVE_CHANNEL_REQUEST__INIT;
    auto_(mem_freep) char *quoted = act_text_quote(channeling->channel->name);
    auto_(mem_freep) char *back = mem_printf("channel %s", quoted);

    if (turn_is_confirmed(turn)) {
        request.name = channeling->channel->name;
        turn_call(turn, NULL, "/roost.v1.Alerts/RemoveChannel", &request.base, on_removed,
                  channeling);
        return;
    }
    struct view *view = view_new();
    view_title(view, turn_say(turn, "⚠️ Remove %s?"), channeling->channel->name);
    view_text(view, "%s", turn_say(turn, "Nobody is told there any more."));
    view_confirm(view, VIEW_DANGER, turn_say(turn, "yes, do it"), "channel %s remove",
                 quoted);
    act_call_back(turn, view, back);
    turn_show(turn, view);
}

static const struct channel_verb {
    const char *name;
    void (*act)(struct turn *turn, struct channeling *channeling);
} verbs[] = {
    { "on", turn_on },
    { "off", turn_off },
    { "test", test_channel },
    { "remove", remove_channel },
};

void alert_channels_list(struct turn *turn) {
    struct channeling *channeling = turn_state(turn, sizeof(*channeling), end_channeling);

    channeling->name = mem_strdup("");
    ask_list(turn, channeling);
}

void alert_channels_one(struct turn *turn) {
    const char *name = turn_word(turn, 0);
    const char *verb = turn_word(turn, 1);

    if (!name) {
        alert_channels_list(turn);
        return;
    }
    struct channeling *channeling = turn_state(turn, sizeof(*channeling), end_channeling);
    channeling->name = mem_strdup(name);
    channeling->act = verb ? NULL : show_it;
    for (size_t i = 0; verb && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcasecmp(verb, verbs[i].name) == 0)
            channeling->act = verbs[i].act;
    if (channeling->act)
        ask_list(turn, channeling);
    else
        turn_complain(turn, turn_say(turn, "\"%s\" is nothing that is done to a channel"),
                      verb);
}
