#include "alerts/notifier/weekly.h"

#include <errno.h>
#include <stdlib.h>

#include "alerts/notifier/flight.h"
#include "alerts/notifier/note.h"
#include "alerts/notifier/notifier_private.h"
#include "alerts/notifier/target.h"
#include "alerts/silence/quiet.h"
#include "base/mem.h"
#include "base/varint.h"

enum { LINES_MAX = 20 };

static const int64_t day_ms = INT64_C(86400000);
static const int64_t again_ms = 300000; /* after one that could not be sent */
static const int64_t look_ms = 60000;   /* times of a week are whole minutes */

/* One channel that wants it. */
struct row {
    struct weekly *weekly; /* borrowed: owns it; NULL: it has gone meanwhile */
    char *channel;         /* owned */
    int64_t last_ms;       /* sent for this time of the week */
    int64_t doing_ms;      /* is being sent for this; 0 */
    int64_t retry_ms;
};

struct weekly {
    struct notifier *notifier; /* borrowed: owns it */
    struct map *rows;          /* owned, with its rows */
};

struct weekly *weekly_new(struct notifier *notifier) {
    struct weekly *weekly = mem_new(sizeof(*weekly));

    weekly->notifier = notifier;
    weekly->rows = map_new();
    return weekly;
}

/* One that is being sent is freed by its end. */
static void free_row(struct row *row) {
    if (row->doing_ms > 0) {
        row->weekly = NULL;
        return;
    }
    free(row->channel);
    free(row);
}

struct weekly *weekly_free(struct weekly *weekly) {
    struct row *row;
    size_t at = 0;

    if (!weekly)
        return NULL;
    while ((row = map_next(weekly->rows, &at, NULL)))
        free_row(row);
    map_free(weekly->rows);
    free(weekly);
    return NULL;
}

static struct row *get(struct weekly *weekly, const char *channel) {
    struct row *row = map_get(weekly->rows, channel);

    if (row)
        return row;
    row = mem_new(sizeof(*row));
    row->weekly = weekly;
    row->channel = mem_strdup(channel);
    map_put(weekly->rows, channel, row);
    return row;
}

void weekly_load(struct weekly *weekly, const char *channel, struct slice value) {
    uint64_t last_ms;

    if (varint_take(&value, &last_ms))
        get(weekly, channel)->last_ms = (int64_t)last_ms;
}

void weekly_forget(struct weekly *weekly, const char *channel) {
    struct row *row = map_remove(weekly->rows, channel);

    if (!row)
        return;
    free_row(row);
    notifier_keep(weekly->notifier, WEEKLY_SPACE, channel, NULL);
}

static void keep(struct row *row) {
    struct buf value = { 0 };

    varint_add(&value, (uint64_t)row->last_ms);
    notifier_keep(row->weekly->notifier, WEEKLY_SPACE, row->channel, &value);
    buf_done(&value);
}

/* --- what it says --- */

static bool is_of(const struct notifier *notifier,
                  const struct channel *channel,
                  const struct incident *incident) {
    const struct notifier_config *config = &notifier->config;

    if (!channel->select[0] || !incident->node[0])
        return true;
    return config->is_meant(config->arg, channel->select, incident->node);
}

static void print(const struct notifier *notifier,
                  const struct channel *channel,
                  int64_t now_ms,
                  struct buf *out) {
    const struct incident *incident = NULL;
    size_t count = 0, open = 0;
    struct buf lines = { 0 };

    while ((incident = incidents_next(notifier->config.incidents, incident))) {
        if (incident->started_ms < now_ms - 7 * day_ms || incident->started_ms > now_ms ||
            !is_of(notifier, channel, incident))
            continue;
        struct telling telling = notifier_telling(notifier, incident, TELLING_NOW);
        if (count++ < LINES_MAX)
            telling_line(&telling, &lines);
        if (incident->state == INCIDENT_FIRING)
            open++;
    }
    buf_printf(out, "%s: %zu, %s: %zu\n",
               telling_word(notifier->language, "Incidents", "Происшествий"), count,
               telling_word(notifier->language, "still open", "ещё идут"), open);
    buf_add_slice(out, buf_slice(&lines));
    if (count > LINES_MAX)
        buf_printf(out, "… +%zu\n", count - LINES_MAX);
    buf_done(&lines);
}

/* --- sending it --- */

static void on_sent(void *arg, int result, const char *message, const char *why) {
    struct row *row = arg;
    int64_t doing_ms = row->doing_ms;

    (void)message;
    (void)why;
    row->doing_ms = 0;
    if (!row->weekly) {
        free_row(row);
        return;
    }
    if (result == 0 || result == -EPERM || result == -EINVAL) {
        row->last_ms = doing_ms;
        keep(row);
    } else {
        row->retry_ms = notifier_now(row->weekly->notifier) + again_ms;
    }
    notifier_look_soon(row->weekly->notifier);
}

static void on_drawn(void *arg, const struct slice *pngs, size_t count) {
    struct row *row = arg;
    struct notifier *notifier = row->weekly ? row->weekly->notifier : NULL;
    struct channel *channel =
        notifier ? notifier_find_channel(notifier, row->channel) : NULL;
    struct buf text = { 0 };

    if (!channel) {
        on_sent(row, -EIO, "", NULL);
        return;
    }
    print(notifier, channel, notifier_now(notifier), &text);
    const struct flight_note note = {
        .title = telling_word(notifier->language, "The week", "Неделя"),
        .text = buf_text(&text),
        .pictures = pngs,
        .picture_count = count,
        .done = on_sent,
        .done_arg = row,
    };
    note_send(notifier, channel, &note);
    buf_done(&text);
}

static void send(struct row *row, const struct channel *channel) {
    const struct notifier_config *config = &row->weekly->notifier->config;

    if (config->draw_week)
        config->draw_week(config->arg, channel->select, on_drawn, row);
    else
        on_drawn(row, NULL, 0);
}

/* Sends it if it is due: when to come again. */
static int64_t look_at(struct weekly *weekly,
                       const struct channel *channel,
                       int64_t now_ms) {
    struct row *row = get(weekly, channel->name);
    struct quiet when;

    if (quiet_parse_weekly(channel->weekly, &when) != 0)
        return 0;
    int64_t last_ms = quiet_last_weekly(&when, weekly->notifier->time_zone, now_ms);
    if (row->last_ms == 0) { /* just made: from the next time on */
        row->last_ms = last_ms;
        keep(row);
    }
    if (row->doing_ms > 0 || row->last_ms >= last_ms || now_ms - last_ms >= day_ms)
        return now_ms + look_ms;
    if (row->retry_ms > now_ms)
        return row->retry_ms;
    row->doing_ms = last_ms;
    send(row, channel);
    return now_ms + again_ms;
}

int64_t weekly_look(struct weekly *weekly, int64_t now_ms) {
    const struct channel *channel;
    int64_t next_ms = 0;
    size_t at = 0;

    while ((channel = notifier_next_channel(weekly->notifier, &at))) {
        if (!channel->weekly[0] || channel->is_disabled)
            continue;
        int64_t again = look_at(weekly, channel, now_ms);
        if (again > 0 && (next_ms == 0 || again < next_ms))
            next_ms = again;
    }
    return next_ms;
}
