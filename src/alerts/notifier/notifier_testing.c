#include "alerts/notifier/notifier_testing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alerts/channel/channel.h"
#include "alerts/judge/alerts.h"
#include "alerts/rules/rules_built_in.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/name.h"

static int64_t now(void *arg) {
    return ((struct notifier_testing *)arg)->now_ms;
}

static void add_time(struct notifier_testing *testing, struct buf *out) {
    int64_t s = (testing->now_ms - testing->start_ms) / 1000;

    buf_printf(out, "%lld:%02lld ", (long long)(s / 60), (long long)(s % 60));
}

/* "0:05 ops begin nas cpu", "12:00 people/ada edit m3 ..." */
static void add_notice(struct notifier_testing *testing, const struct notice *notice) {
    struct buf *out = &testing->lines;
    const struct incident *incident = notice->incident;

    add_time(testing, out);
    buf_printf(out, "%s%s%s ", notice->channel->name, notice->user[0] ? "/" : "",
               notice->user);
    if (!incident) {
        buf_printf(out, "%s%s", notice->message, notice->message[0] ? " " : "");
        buf_printf(out, "[%s]", notice->title);
        for (const char *at = notice->text; *at; at++)
            buf_add_byte(out, *at == '\n' ? '|' : (uint8_t)*at);
        buf_add_byte(out, '\n');
        return;
    }
    buf_printf(out, "%s%s%s%s %s %s%s\n", notice->message, notice->message[0] ? " " : "",
               notice->is_repeat       ? "repeat "
               : notice->is_escalation ? "escalation "
                                       : "",
               incident->node, incident->series,
               incident->state == INCIDENT_RESOLVED ? "over" : "fires",
               incident->acknowledged_by[0] ? " seen" : "");
}

static void tell_chat(void *arg,
                      const struct notice *notice,
                      notifier_done *done,
                      void *done_arg) {
    struct notifier_testing *testing = arg;
    char message[16];

    testing->told++;
    if (testing->is_away || testing->is_gone) {
        done(done_arg, testing->is_gone ? -EPERM : -EIO, "", "away");
        return;
    }
    add_notice(testing, notice);
    snprintf(message, sizeof(message), "m%u", ++testing->messages);
    bool is_new = !notice->message[0] || notice->is_repeat;
    done(done_arg, 0, is_new ? message : notice->message, NULL);
}

static void each_person(void *arg,
                        const struct incident *incident,
                        const char *owner,
                        void (*visit)(void *visit_arg,
                                      const char *user,
                                      const char *place),
                        void *visit_arg) {
    struct notifier_testing *testing = arg;
    char names[64];
    char *save;

    (void)incident;
    snprintf(names, sizeof(names), "%s", testing->people);
    for (char *name = strtok_r(names, " ", &save); name;
         name = strtok_r(NULL, " ", &save)) {
        char place[32];
        snprintf(place, sizeof(place), "telegram:%s", name);
        if (!*owner || strcmp(owner, name) == 0)
            visit(visit_arg, name, place);
    }
}

static bool is_meant(void *arg, const char *select, const char *node) {
    (void)arg;
    return name_match_glob(select, node);
}

static bool is_offline(void *arg, const char *select) {
    return strcmp(((struct notifier_testing *)arg)->offline, select) == 0;
}

static void on_activity(void *arg, const char *kind, const char *node, const char *text) {
    struct notifier_testing *testing = arg;

    (void)node;
    add_time(testing, &testing->activity);
    buf_printf(&testing->activity, "%s %s\n", kind, text);
}

static int put(void *arg,
               struct records *records,
               void (*done)(void *done_arg, int result),
               void *done_arg) {
    struct notifier_testing *testing = arg;

    if (testing->is_store_broken) {
        records_done(records);
        return -EAGAIN;
    }
    records_move(&testing->kept, records);
    done(done_arg, 0);
    loop_stop(testing->loop); /* somebody may wait for it */
    return 0;
}

static void start(struct notifier_testing *testing) {
    const struct notifier_config config = {
        .loop = testing->loop,
        .incidents = testing->incidents,
        .alerts = testing->alerts,
        .arg = testing,
        .now_ms = now,
        .tell_chat = tell_chat,
        .each_person = each_person,
        .is_meant = is_meant,
        .is_offline = is_offline,
        .on_activity = on_activity,
        .put = put,
        .time_zone = "UTC",
    };
    testing->notifier = notifier_new(&config);
}

static void no_flush(void *arg) {
    (void)arg;
}

/* Never judged: the test makes its incidents itself. */
static void open_rule(struct notifier_testing *testing) {
    struct alerts_config config = { .incidents = testing->incidents };
    char *why = NULL;

    rules_built_in_defaults(&config.defaults);
    testing->alerts = alerts_new(&config);
    testing->rule = rule_new("test");
    CHECK_INT(rule_set_condition(testing->rule, "cpu > 100", &why), 0);
    alerts_put_rule(testing->alerts, testing->rule);
}

void notifier_testing_open(struct notifier_testing *testing, const char *start_at) {
    const struct incidents_config config = { .want_flush = no_flush };

    *testing = (struct notifier_testing) { .people = "", .offline = "" };
    testing->loop = loop_new();
    CHECK_INT(clock_parse(start_at, &testing->start_ms), 0);
    testing->now_ms = testing->start_ms;
    testing->incidents = incidents_new(&config);
    open_rule(testing);
    start(testing);
    notifier_start(testing->notifier);
}

void notifier_testing_close(struct notifier_testing *testing) {
    notifier_free(testing->notifier);
    alerts_free(testing->alerts);
    incidents_free(testing->incidents);
    records_done(&testing->kept);
    buf_done(&testing->lines);
    buf_done(&testing->activity);
    loop_free(testing->loop);
}

/* The last row of each key counts; spaces in order, as the store has them. */
static void load(struct notifier_testing *testing, const char *space) {
    const struct records *kept = &testing->kept;

    for (size_t i = 0; i < kept->count; i++) {
        const struct records_row *row = &kept->rows[i];
        bool is_last = strcmp(row->space, space) == 0;
        for (size_t k = i + 1; k < kept->count && is_last; k++)
            is_last = strcmp(kept->rows[k].space, space) != 0 ||
                      strcmp(kept->rows[k].key, row->key) != 0;
        if (is_last && !row->is_removed)
            CHECK(notifier_load(testing->notifier, space, row->key,
                                slice_of(row->value, row->len)));
    }
}

void notifier_testing_restart(struct notifier_testing *testing) {
    static const char *const spaces[] = { "alerts.channel", "alerts.digest",
                                          "alerts.silence", "alerts.told",
                                          "alerts.weekly" };

    notifier_free(testing->notifier);
    start(testing);
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
        load(testing, spaces[i]);
    notifier_start(testing->notifier);
}

struct channel *notifier_testing_channel(struct notifier_testing *testing,
                                         const char *name) {
    struct channel *channel = channel_new(name, CHANNEL_CHAT);

    incident_set(&channel->platform, "telegram");
    incident_set(&channel->chat, name);
    notifier_put_channel(testing->notifier, channel);
    return channel;
}

void notifier_testing_keep(struct notifier_testing *testing,
                           const struct channel *channel) {
    struct buf value = { 0 };

    notifier_testing_pass(testing, 0); /* what was there before is kept */
    channel_write(channel, &value);
    records_put(&testing->kept, "alerts.channel", channel->name, buf_slice(&value));
    buf_done(&value);
}

static void settle(struct notifier_testing *testing) {
    struct records records = { 0 };

    incidents_collect(testing->incidents, &records);
    incidents_settle(testing->incidents, true);
    records_done(&records);
}

void notifier_testing_touch(struct notifier_testing *testing,
                            struct incident *incident,
                            enum incident_change change) {
    incident_changed(testing->incidents, incident, change, testing->now_ms, NULL);
    settle(testing);
}

struct incident *notifier_testing_fire(struct notifier_testing *testing,
                                       const char *node,
                                       const char *series,
                                       enum incident_severity severity) {
    struct incident *incident = incidents_open(testing->incidents, "test", node, series);

    incident->severity = severity;
    incident->started_ms = testing->now_ms;
    incident_set(&incident->text, "it is bad");
    notifier_testing_touch(testing, incident, INCIDENT_BEGAN);
    return incident;
}

void notifier_testing_end(struct notifier_testing *testing, struct incident *incident) {
    incident_end(testing->incidents, incident, testing->now_ms, "resolved");
    settle(testing);
}

void notifier_testing_pass(struct notifier_testing *testing, double minutes) {
    int64_t until_ms = testing->now_ms + (int64_t)(minutes * 60000);

    for (int i = 0;; i++) {
        loop_settle(testing->loop);
        notifier_tick(testing->notifier);
        loop_settle(testing->loop); /* what came of what was sent */
        int64_t next_ms = notifier_tick(testing->notifier);
        if (i > 100000)
            fail_msg("the notifier comes again and again");
        next_ms = next_ms > testing->now_ms ? next_ms : testing->now_ms + 1;
        if (next_ms > until_ms)
            break;
        testing->now_ms = next_ms;
    }
    testing->now_ms = until_ms;
}

void notifier_testing_check(struct notifier_testing *testing, const char *lines) {
    notifier_testing_pass(testing, 0);
    CHECK_TEXT(buf_text(&testing->lines), lines);
    buf_clear(&testing->lines);
}
