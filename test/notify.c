/*
 * notify - a notifier without a hub, for receivers that are tested against it
 *
 *   notify [--ca FILE] [--retry MS] [--most MS] [--language CODE]
 *
 * Reads lines: "channel JSON" (roost.v1.Channel), "fire NODE SERIES SEVERITY TEXT...",
 * "touch ID", "end ID", "ack ID", "test CHANNEL", "state CHANNEL". Answers each with a
 * line that begins with the same word, and tells activity as it comes. Nothing is kept.
 * The end of the input ends it.
 */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/channel/channel.h"
#include "alerts/channel/channel_message.h"
#include "alerts/judge/alerts.h"
#include "alerts/notifier/notifier.h"
#include "alerts/rules/rule.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"
#include "draw/chart.h"
#include "loop/loop.h"
#include "store/records.h"
#include "wire/pb.h"
#include "wire/pbjson.h"

struct notify {
    struct loop *loop;           /* owned */
    struct incidents *incidents; /* owned */
    struct alerts *alerts;       /* owned; has a rule "test" */
    struct notifier *notifier;   /* owned */
    struct loop_poll *poll;      /* owned */
    struct buf in;
};

static void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void answer(const char *format, ...) {
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static int64_t now(void *arg) {
    (void)arg;
    return clock_wall_ms();
}

static void tell_chat(void *arg,
                      const struct notice *notice,
                      notifier_done *done,
                      void *done_arg) {
    (void)arg;
    answer("chat %s", notice->place);
    done(done_arg, 0, "1", NULL);
}

static bool is_meant(void *arg, const char *select, const char *node) {
    (void)arg;
    return name_match_glob(select, node);
}

static bool is_offline(void *arg, const char *select) {
    (void)arg;
    (void)select;
    return false;
}

static void on_activity(void *arg, const char *kind, const char *node, const char *text) {
    (void)arg;
    (void)node;
    answer("activity %s %s", kind, text);
}

static int put(void *arg,
               struct records *records,
               void (*done)(void *done_arg, int result),
               void *done_arg) {
    (void)arg;
    records_done(records);
    done(done_arg, 0);
    return 0;
}

static void draw(void *arg,
                 const struct incident *incident,
                 void (*done)(void *done_arg, struct slice png),
                 void *done_arg) {
    const int64_t times_ms[] = { incident->started_ms - 60000, incident->started_ms };
    const double values[] = { 10, incident->value };
    const struct chart_series series = {
        .label = incident->series, .times_ms = times_ms, .mean = values, .count = 2
    };
    struct chart chart;
    struct buf png = { 0 };

    (void)arg;
    chart_init(&chart);
    chart.title = incident->node;
    chart.series = &series;
    chart.series_count = 1;
    chart.since_ms = times_ms[0];
    chart.until_ms = times_ms[1];
    chart.width = 600;
    chart.height = 300;
    chart.time_zone = "UTC";
    chart_render(&chart, NULL, &png);
    done(done_arg, buf_slice(&png));
    buf_done(&png);
}

static void no_flush(void *arg) {
    (void)arg;
}

static void settle(struct notify *notify) {
    struct records records = { 0 };

    incidents_collect(notify->incidents, &records);
    incidents_settle(notify->incidents, true);
    records_done(&records);
}

/* --- lines --- */

static void put_channel(struct notify *notify, const char *json) {
    ProtobufCMessage *message;
    char *why = NULL;

    if (pbjson_read(&roost__v1__channel__descriptor, slice_of_text(json), &message,
                    &why) != 0) {
        answer("channel %s", why);
        free(why);
        return;
    }
    const Roost__V1__Channel *asked = (const Roost__V1__Channel *)message;
    struct channel *channel = channel_message_read(
        asked, notifier_find_channel(notify->notifier, asked->name), &why);
    if (channel && channel_check(channel, false, &why) != 0)
        channel = channel_free(channel);
    if (channel)
        notifier_put_channel(notify->notifier, channel);
    answer("channel %s", channel ? "ok" : why);
    free(why);
    pb_free(message);
}

static void fire(struct notify *notify, char *text) {
    char *save;
    const char *node = strtok_r(text, " ", &save);
    const char *series = strtok_r(NULL, " ", &save);
    const char *severity = strtok_r(NULL, " ", &save);
    const char *words = strtok_r(NULL, "\n", &save);

    if (!words)
        return;
    struct incident *incident = incidents_open(notify->incidents, "test", node, series);
    incident->severity = strcmp(severity, "critical") == 0 ? INCIDENT_CRITICAL
                         : strcmp(severity, "info") == 0   ? INCIDENT_INFO
                                                           : INCIDENT_WARNING;
    incident->started_ms = clock_wall_ms();
    incident->value = 93.5;
    incident->threshold = 90;
    incident_set(&incident->unit, "%");
    incident_set(&incident->text, words);
    incident_changed(notify->incidents, incident, INCIDENT_BEGAN, clock_wall_ms(),
                     "fired");
    settle(notify);
    answer("fire %llu", (unsigned long long)incident->id);
}

static void on_tested(void *arg, int result, const char *message, const char *why) {
    (void)arg;
    (void)message;
    answer("test %d %s", result, why ? why : "");
}

static void print_state(const struct notify *notify, const char *name) {
    const struct channel *channel = notifier_find_channel(notify->notifier, name);

    if (channel)
        answer("state %s %u %s", channel->failing_ms > 0 ? "failing" : "fine",
               notifier_waiting(notify->notifier, channel), channel->failure);
}

static void change(struct notify *notify, const char *verb, const char *text) {
    struct incident *incident =
        incidents_by_id(notify->incidents, strtoull(text, NULL, 10));

    if (!incident) {
        answer("%s none", verb);
        return;
    }
    if (strcmp(verb, "end") == 0)
        incident_end(notify->incidents, incident, clock_wall_ms(), "resolved");
    else if (strcmp(verb, "ack") == 0)
        incident_acknowledge(notify->incidents, incident, "ada", clock_wall_ms());
    else
        incident_changed(notify->incidents, incident, INCIDENT_TOUCHED, clock_wall_ms(),
                         NULL);
    settle(notify);
    answer("%s %s", verb, text);
}

static void take_line(struct notify *notify, char *line) {
    char *text = line + strcspn(line, " ");

    if (*text)
        *text++ = '\0';
    if (strcmp(line, "channel") == 0)
        put_channel(notify, text);
    else if (strcmp(line, "fire") == 0)
        fire(notify, text);
    else if (strcmp(line, "test") == 0)
        notifier_test_channel(notify->notifier, text, on_tested, notify);
    else if (strcmp(line, "state") == 0)
        print_state(notify, text);
    else
        change(notify, line, text);
}

static void on_input(void *arg, int events) {
    struct notify *notify = arg;
    char bytes[65536];
    ssize_t len = read(STDIN_FILENO, bytes, sizeof(bytes));
    uint8_t *end;

    (void)events;
    if (len <= 0) {
        loop_stop(notify->loop);
        return;
    }
    buf_add(&notify->in, bytes, (size_t)len);
    while ((end = memchr(notify->in.data, '\n', notify->in.len))) {
        size_t line_len = (size_t)(end - notify->in.data);
        char *line = mem_dup(notify->in.data, line_len);
        buf_drop(&notify->in, line_len + 1);
        take_line(notify, line);
        free(line);
    }
}

static const char *option(int count, char **words, const char *name) {
    for (int i = 1; i + 1 < count; i++)
        if (strcmp(words[i], name) == 0)
            return words[i + 1];
    return NULL;
}

static uint64_t number(const char *text) {
    return text ? strtoull(text, NULL, 10) : 0;
}

static void open_parts(struct notify *notify, int count, char **words) {
    const struct incidents_config incidents = { .want_flush = no_flush };

    notify->incidents = incidents_new(&incidents);
    const struct alerts_config alerts = { .incidents = notify->incidents,
                                          .defaults.is_off = true };
    notify->alerts = alerts_new(&alerts);
    const struct notifier_config config = {
        .loop = notify->loop,
        .incidents = notify->incidents,
        .alerts = notify->alerts,
        .arg = notify,
        .now_ms = now,
        .tell_chat = tell_chat,
        .is_meant = is_meant,
        .is_offline = is_offline,
        .on_activity = on_activity,
        .put = put,
        .draw = draw,
        .time_zone = "UTC",
        .ca_file = option(count, words, "--ca"),
        .language = option(count, words, "--language"),
        .retry_ms = number(option(count, words, "--retry")),
        .retry_most_ms = number(option(count, words, "--most")),
    };
    notify->notifier = notifier_new(&config);
    notifier_start(notify->notifier);
}

int main(int count, char **words) {
    struct notify notify = { .loop = loop_new() };

    open_parts(&notify, count, words);
    notify.poll = loop_poll_new(notify.loop, STDIN_FILENO, on_input, &notify);
    loop_poll_set(notify.poll, POLLIN);
    loop_run(notify.loop);
    loop_poll_free(notify.poll);
    notifier_free(notify.notifier);
    alerts_free(notify.alerts);
    incidents_free(notify.incidents);
    buf_done(&notify.in);
    loop_free(notify.loop);
    return EXIT_SUCCESS;
}
