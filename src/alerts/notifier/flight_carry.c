#include "alerts/notifier/flight_carry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/channel/channel_mail.h"
#include "alerts/channel/channel_ntfy.h"
#include "alerts/channel/channel_webhook.h"
#include "alerts/notifier/notifier_private.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "loop/mailer.h"

enum {
    TIMEOUT_MS = 30000,
    ANSWER_MAX = 65536,
    HEADERS_MAX = CHANNEL_LIST_MAX + 8,
    SIGNATURE_AT = 17
};

void flight_carry_pictures(struct flight *flight,
                           const struct slice *pictures,
                           size_t count) {
    for (size_t i = 0; i < count && flight->picture_count < FLIGHT_PICTURES_MAX; i++)
        buf_add_slice(&flight->pictures[flight->picture_count++], pictures[i]);
}

void flight_carry_free(struct flight *flight) {
    http_client_cancel(flight->http);
    mailer_cancel(flight->mail);
    list_remove(&flight->link);
    channel_free(flight->channel);
    free(flight->title);
    free(flight->text);
    free(flight->note);
    free(flight->message);
    free(flight->message_id);
    for (size_t i = 0; i < flight->picture_count; i++)
        buf_done(&flight->pictures[i]);
    free(flight);
}

void flight_carry_abandon(struct flight *flight) {
    if (!flight->is_held) {
        flight_carry_free(flight);
        return;
    }
    flight->notifier = NULL;
    list_remove(&flight->link);
}

static const struct incident *incident_of(const struct flight *flight) {
    if (!flight->notifier || flight->incident == 0)
        return NULL;
    return incidents_by_id(flight->notifier->config.incidents, flight->incident);
}

static struct telling telling_of(const struct flight *flight,
                                 const struct incident *incident) {
    struct telling telling = notifier_telling(flight->notifier, incident, flight->stage);

    telling.note = flight->note;
    return telling;
}

/* --- HTTP: webhooks and ntfy --- */

/* What a gateway says while its server is away is no refusal, nor is a wrong token. */
static int result_of(const struct http_answer *answer) {
    if (answer->status >= 200 && answer->status < 300)
        return 0;
    if (answer->status == 400 || answer->status == 413 || answer->status == 422)
        return -EINVAL;
    return -EIO;
}

static void on_answer(void *arg, const struct http_answer *answer) {
    struct flight *flight = arg;
    int r = result_of(answer);
    char why[128] = "";

    flight->http = NULL;
    flight->retry_after_ms = (int64_t)answer->retry_after_s * 1000;
    if (answer->error)
        snprintf(why, sizeof(why), "%s", answer->error);
    else
        snprintf(why, sizeof(why), "HTTP status %u", answer->status);
    flight->land(flight, r, "", r == 0 ? NULL : why);
}

static void post(struct flight *flight,
                 const char *method,
                 const char *url,
                 const char *const *headers,
                 struct slice body) {
    const struct http_request request = {
        .method = method,
        .url = url,
        .headers = headers,
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = ANSWER_MAX,
    };
    flight->http = http_client_start(flight->notifier->http, &request, on_answer, flight);
}

static const char *event_of(const struct flight *flight) {
    if (flight->incident == 0)
        return "note";
    if (flight->is_over)
        return "end";
    return flight->act == DECISION_BEGIN    ? "begin"
           : flight->act == DECISION_REPEAT ? "repeat"
                                            : "change";
}

static int webhook_body(const struct flight *flight,
                        const struct incident *incident,
                        struct buf *body) {
    struct buf title = { 0 };
    int r;

    if (!incident)
        return channel_webhook_note(flight->channel, flight->title, flight->text, body);
    struct telling telling = telling_of(flight, incident);
    telling_title(&telling, &title);
    r = channel_webhook_body(flight->channel, incident, buf_text(&title), body);
    buf_done(&title);
    return r;
}

static void send_webhook(struct flight *flight, const struct incident *incident) {
    const struct channel *channel = flight->channel;
    auto_(mem_freep) char *event = mem_printf("roost-event: %s", event_of(flight));
    auto_(mem_freep) char *delivery =
        mem_printf("roost-delivery: %llu/%llu", (unsigned long long)flight->incident,
                   (unsigned long long)flight->version);
    char signature[SIGNATURE_AT + CHANNEL_WEBHOOK_SIGNATURE_LEN + 1] =
        "roost-signature: ";
    const char *headers[HEADERS_MAX + 1] = { event, delivery };
    struct buf body = { 0 };
    size_t count = 2;

    if (webhook_body(flight, incident, &body) != 0)
        buf_clear(&body); /* channel_check() lets no such template pass */
    if (channel->secret[0]) {
        channel_webhook_sign(channel->secret, buf_slice(&body), signature + SIGNATURE_AT);
        headers[count++] = signature;
    }
    if (!channel_webhook_has_type(channel))
        headers[count++] = "content-type: application/json";
    for (size_t i = 0; channel->list && channel->list[i] && count < HEADERS_MAX; i++)
        headers[count++] = channel->list[i];
    post(flight, channel->method[0] ? channel->method : "POST", channel->url, headers,
         buf_slice(&body));
    buf_done(&body);
}

static void send_ntfy(struct flight *flight, const struct incident *incident) {
    auto_(mem_freep) char *server = channel_ntfy_server(flight->channel->url);
    auto_(mem_freep) char *login =
        mem_printf("authorization: Bearer %s", flight->channel->secret);
    const char *headers[3] = { "content-type: application/json" };
    struct buf title = { 0 };
    struct buf text = { 0 };
    struct buf body = { 0 };

    if (incident) {
        struct telling telling = telling_of(flight, incident);
        telling_title(&telling, &title);
        telling_text(&telling, &text);
    } else {
        buf_add_text(&title, flight->title);
        buf_add_text(&text, flight->text);
    }
    if (flight->channel->secret[0])
        headers[1] = login;
    const struct channel_ntfy note = { .url = flight->channel->url,
                                       .incident = incident,
                                       .title = buf_text(&title),
                                       .text = buf_text(&text) };
    channel_ntfy_print(&note, &body);
    post(flight, "POST", server, headers, buf_slice(&body));
    mem_wipe(login, strlen(login));
    buf_done(&title);
    buf_done(&text);
    buf_done(&body);
}

/* --- mail --- */

static void on_mailed(void *arg, const struct mailer_answer *answer) {
    struct flight *flight = arg;

    flight->mail = NULL;
    flight->land(flight, answer->result, "", answer->error);
}

static void post_mail(struct flight *flight, const struct channel_mail *mail) {
    const struct channel *channel = flight->channel;
    struct buf body = { 0 };

    channel_mail_print(mail, &body);
    const struct mailer_message message = {
        .url = channel->url,
        .user = channel->user,
        .password = channel->secret,
        .require_tls = channel->require_tls,
        .from = channel->from,
        .to = mail->to,
        .body = buf_slice(&body),
    };
    flight->mail = mailer_start(flight->notifier->mailer, &message, on_mailed, flight);
    buf_done(&body);
}

/* One incident is one thread: its subject stays, and each refers to the first. */
static char *new_id(const struct flight *flight, const struct incident *incident) {
    long long now_ms = (long long)notifier_now(flight->notifier);

    if (!incident)
        return mem_printf("roost-note-%lld", now_ms);
    return mem_printf("roost-%llu-%llu-%d-%lld", (unsigned long long)incident->id,
                      (unsigned long long)flight->version, (int)flight->act, now_ms);
}

static void print_mail(const struct flight *flight,
                       const struct incident *incident,
                       struct buf *subject,
                       struct buf *text,
                       struct buf *html) {
    static const char *const images[] = { "cid:picture0", "cid:picture1", "cid:picture2",
                                          "cid:picture3", "cid:picture4", "cid:picture5",
                                          "cid:picture6", "cid:picture7" };

    if (incident) {
        struct telling telling = telling_of(flight, incident);
        telling_title(&telling, subject);
        telling_text(&telling, text);
    } else {
        buf_add_text(subject, flight->title);
        buf_add_text(text, flight->text);
    }
    telling_page(buf_text(subject), buf_text(text), images, flight->picture_count, html);
}

static void send_mail(struct flight *flight, const struct incident *incident) {
    struct slice pictures[FLIGHT_PICTURES_MAX];
    struct buf subject = { 0 };
    struct buf text = { 0 };
    struct buf html = { 0 };

    flight->message_id = new_id(flight, incident);
    for (size_t i = 0; i < flight->picture_count; i++)
        pictures[i] = buf_slice(&flight->pictures[i]);
    print_mail(flight, incident, &subject, &text, &html);
    const struct channel_mail mail = {
        .from = flight->channel->from,
        .to = (const char *const *)flight->channel->list,
        .subject = buf_text(&subject),
        .text = buf_text(&text),
        .html = buf_text(&html),
        .pictures = pictures,
        .picture_count = flight->picture_count,
        .id = flight->message_id,
        .thread = flight->message[0] ? flight->message : NULL,
        .now_ms = notifier_now(flight->notifier),
    };
    post_mail(flight, &mail);
    buf_done(&subject);
    buf_done(&text);
    buf_done(&html);
}

static void on_drawn(void *arg, struct slice png) {
    struct flight *flight = arg;

    flight->is_held = false;
    if (!flight->notifier) {
        flight_carry_free(flight);
        return;
    }
    if (png.len > 0)
        flight_carry_pictures(flight, &png, 1);
    const struct incident *incident = incident_of(flight);
    if (incident)
        send_mail(flight, incident);
    else
        flight->land(flight, -EINVAL, "", "it is not known any more");
}

/* --- chats --- */

static void on_chat(void *arg, int result, const char *message, const char *why) {
    struct flight *flight = arg;

    flight->is_held = false;
    flight->land(flight, result, message, why);
}

static void send_chat(struct flight *flight, const struct incident *incident) {
    const struct notifier_config *config = &flight->notifier->config;
    struct slice pictures[FLIGHT_PICTURES_MAX];

    for (size_t i = 0; i < flight->picture_count; i++)
        pictures[i] = buf_slice(&flight->pictures[i]);
    const struct notice notice = {
        .channel = flight->channel,
        .incident = incident,
        .message = flight->message,
        .place = flight->target->place,
        .user = flight->target->user,
        .title = flight->title,
        .text = flight->text,
        .is_repeat = flight->stage == TELLING_REPEAT,
        .is_escalation = flight->stage == TELLING_ESCALATION,
        .pictures = pictures,
        .picture_count = flight->picture_count,
    };
    flight->is_held = true;
    config->tell_chat(config->arg, &notice, on_chat, flight);
}

void flight_carry(struct flight *flight, const struct incident *incident) {
    const struct notifier_config *config = &flight->notifier->config;

    switch (flight->channel->kind) {
    case CHANNEL_MAIL:
        if (incident && config->draw) {
            flight->is_held = true;
            config->draw(config->arg, incident, on_drawn, flight);
        } else {
            send_mail(flight, incident);
        }
        break;
    case CHANNEL_WEBHOOK:
        send_webhook(flight, incident);
        break;
    case CHANNEL_NTFY:
        send_ntfy(flight, incident);
        break;
    case CHANNEL_CHAT:
    case CHANNEL_PEOPLE:
        send_chat(flight, incident);
        break;
    }
}
