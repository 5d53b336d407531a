#include "hub/samples/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/judge/alerts.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/slice.h"
#include "hub/activity/activity.h"
#include "hub/metrics/remote_writer.h"
#include "hub/nodes/node.h"
#include "hub/nodes/registry.h"
#include "hub/samples/catalogue.h"
#include "hub/samples/latest.h"
#include "hub/samples/row_pace.h"
#include "hub/samples/row_time.h"
#include "hub/timekeeper.h"
#include "loop/timer.h"
#include "roost/v1/host.pb-c.h"
#include "store/history/history.h"
#include "wire/pb.h"
#include "wire/sample.h"

enum {
    KEEP_OFFSET_MS = 20, /* less is not worth a write */
    TELL_MS = 60000,     /* between two events about samples that are lost */
};

/* More was never taken: at one a millisecond, since the big bang of computing. */
static const uint64_t lost_max = UINT64_C(1) << 40;

struct intake {
    struct intake_shared shared;
    struct node *node;                   /* borrowed: outlives us */
    struct sample_chain *chain;          /* owned; NULL before the first catalogue */
    struct history_catalogue *catalogue; /* a reference; NULL likewise */
    struct remote_series *remote;        /* a reference; NULL: nothing of it is wanted */
    struct alerts_metric *metrics;       /* owned; the texts are of catalogue */
    size_t metric_count;
    struct latest *latest; /* owned: for the first live row; NULL once the node has it */
    uint32_t interval_ms;
    uint64_t epoch;
    uint8_t boot_id[CATALOGUE_BOOT_LEN];
    struct row_time time;
    int64_t kept_offset_ms;
    struct row_pace pace;
    struct history_cursor hole; /* the row at which rows were missing last */
    size_t replayed;
    const char *fault; /* static */
    bool is_starved;
    uint64_t lost;        /* rows that nobody was told of yet */
    const char *lost_why; /* static */
    struct timer tell;
};

/* A row on its way. */
struct row {
    struct history_cursor cursor;
    struct row_time_place place;
    bool is_known; /* taken before */
};

static int refuse(struct intake *intake, const char *why) {
    intake->fault = why;
    return INTAKE_E_BAD;
}

static struct row_time_now read_clocks(const struct intake *intake) {
    struct row_time_now now;
    timekeeper_read(intake->shared.timekeeper, &now.boot_ms, &now.wall_ms);
    return now;
}

static void tell_lost(struct intake *intake) {
    activity_add(intake->shared.activity, "node.samples_lost", intake->node->name, "",
                 "%llu sample%s of %s %s lost: %s", (unsigned long long)intake->lost,
                 intake->lost == 1 ? "" : "s", intake->node->name,
                 intake->lost == 1 ? "is" : "are", intake->lost_why);
    intake->lost = 0;
    timer_start(intake->shared.loop, &intake->tell, TELL_MS);
}

static void on_tell(struct timer *timer) {
    struct intake *intake = container_of(timer, struct intake, tell);

    if (intake->lost > 0)
        tell_lost(intake);
}

/* Rows up to this one will never come. */
static void skip(struct intake *intake,
                 struct history_cursor last,
                 uint64_t count,
                 const char *why) {
    history_skip(intake->shared.history, intake->node->name, last, count);
    intake->lost += count;
    intake->lost_why = why;
    if (!timer_is_running(&intake->tell))
        tell_lost(intake);
}

static void keep_offset(struct intake *intake) {
    int64_t offset_ms = row_time_offset_ms(&intake->time);
    int64_t moved_ms = offset_ms - intake->kept_offset_ms;

    if (moved_ms > -KEEP_OFFSET_MS && moved_ms < KEEP_OFFSET_MS)
        return;
    intake->kept_offset_ms = offset_ms;
    history_set_boot_offset(intake->shared.history, intake->node->name, intake->boot_id,
                            offset_ms);
}

static void begin_boot(struct intake *intake, const Roost__V1__Catalogue *catalogue) {
    struct row_time_now now = read_clocks(intake);
    struct row_time_boot boot = {
        .boottime_ms = (int64_t)catalogue->boottime_ms,
        .wall_ms = (int64_t)catalogue->wall_ms,
        .now_boottime_ms = (int64_t)catalogue->now_boottime_ms,
        .now_wall_ms = (int64_t)catalogue->now_wall_ms,
        .interval_ms = catalogue_interval_ms(catalogue),
    };
    int64_t known_ms;

    memcpy(intake->boot_id, catalogue->boot_id.data, CATALOGUE_BOOT_LEN);
    bool is_known = history_boot_offset(intake->shared.history, intake->node->name,
                                        intake->boot_id, &known_ms);
    row_time_init(&intake->time, &boot, &now, is_known ? &known_ms : NULL);
    intake->kept_offset_ms = row_time_offset_ms(&intake->time);
    if (!is_known)
        history_set_boot_offset(intake->shared.history, intake->node->name,
                                intake->boot_id, intake->kept_offset_ms);
}

static void forget_catalogue(struct intake *intake) {
    intake->chain = sample_chain_free(intake->chain);
    free(TAKE(intake->metrics));
    intake->metric_count = 0;
    if (intake->catalogue)
        intake->catalogue = history_catalogue_release(intake->catalogue);
    intake->remote = remote_writer_release(intake->remote);
    intake->latest = latest_free(intake->latest);
}

/* For the judge of alerts. */
static void name_metrics(struct intake *intake, uint32_t interval_ms) {
    size_t count;

    if (!intake->shared.judge)
        return;
    const struct history_metric *metrics =
        history_catalogue_metrics(intake->catalogue, &count);
    intake->metrics = mem_new_array(count + 1, sizeof(*intake->metrics));
    for (size_t i = 0; i < count; i++)
        intake->metrics[i] = (struct alerts_metric) {
            .name = metrics[i].name,
            .unit = metrics[i].unit,
            .scale = metrics[i].scale,
        };
    intake->metric_count = count;
    intake->interval_ms = interval_ms;
    intake->node->catalogues++;
}

static struct remote_series *describe(const struct intake *intake,
                                      const Roost__V1__Catalogue *catalogue) {
    if (!intake->shared.writer)
        return NULL;
    size_t count = catalogue->n_metrics;
    struct remote_metric *metrics = mem_new_array(count, sizeof(*metrics));
    for (size_t i = 0; i < count; i++)
        metrics[i] = (struct remote_metric) {
            .name = catalogue->metrics[i]->name,
            .unit = catalogue->metrics[i]->unit,
            .scale = catalogue->metrics[i]->scale,
        };
    struct remote_series *series =
        remote_writer_describe(intake->shared.writer, intake->node->name, metrics, count);
    free(metrics);
    return series;
}

static int take_catalogue(struct intake *intake, const Roost__V1__Catalogue *catalogue) {
    const char *why = catalogue_fault(catalogue);

    if (why)
        return refuse(intake, why);
    forget_catalogue(intake);
    intake->chain = catalogue_chain(catalogue);
    intake->catalogue =
        history_share_catalogue(intake->shared.history, catalogue_history(catalogue));
    intake->latest = latest_new(intake->catalogue);
    intake->remote = describe(intake, catalogue);
    name_metrics(intake, catalogue_interval_ms(catalogue));
    intake->epoch = catalogue->epoch;
    begin_boot(intake, catalogue);
    return 0;
}

/* A catalogue is shown with its first live row: a replayed one is of the past. */
static void show(struct intake *intake, const struct row *row) {
    struct node *node = intake->node;

    if (intake->latest) {
        intake->latest->version = node->latest ? node->latest->version + 1 : 1;
        latest_free(node->latest);
        node->latest = TAKE(intake->latest);
    }
    assert(node->latest);
    memcpy(node->latest->values, sample_chain_values(intake->chain),
           node->latest->count * sizeof(*node->latest->values));
    node->latest->time_ms = row->place.wall_ms;
    registry_values(intake->shared.registry, node);
}

/* Hands a row that was taken to the judge of alerts. */
static void judge(const struct intake *intake, const struct row *row) {
    const struct alerts_row judged = {
        .node = intake->node->name,
        .catalogue = intake->node->catalogues,
        .metrics = intake->metrics,
        .count = intake->metric_count,
        .epoch = row->cursor.epoch,
        .seq = row->cursor.seq,
        .time_ms = row->place.wall_ms,
        .interval_ms = intake->interval_ms,
        .values = sample_chain_values(intake->chain),
        .is_replay = !row->place.is_live,
    };

    if (intake->shared.judge)
        intake->shared.judge(intake->shared.judge_arg, &judged);
}

static int append(struct intake *intake, const struct row *row) {
    const int64_t *values = sample_chain_values(intake->chain);
    int r = history_append(intake->shared.history, intake->node->name, row->cursor,
                           row->place.wall_ms, intake->catalogue, values);

    if (r == 0 && intake->remote)
        remote_writer_take(intake->shared.writer, intake->remote, row->place.wall_ms,
                           values);
    if (r == 0)
        judge(intake, row);
    return r;
}

/* Asks once more for rows that are missing; when they do not come, they never will. */
static int mend_hole(struct intake *intake, const struct row *row) {
    struct history_cursor taken =
        history_taken(intake->shared.history, intake->node->name);
    struct history_cursor last = { row->cursor.epoch, row->cursor.seq - 1 };
    uint64_t first = taken.epoch == last.epoch ? taken.seq + 1 : 1;

    if (intake->hole.epoch != row->cursor.epoch || intake->hole.seq != row->cursor.seq) {
        intake->hole = row->cursor;
        return INTAKE_E_HOLE;
    }
    if (last.seq < first || last.seq - first >= lost_max)
        return refuse(intake, "its rows are numbered without sense");
    skip(intake, last, last.seq - first + 1, "its agent passed over them");
    return append(intake, row) == 0
               ? 0
               : refuse(intake, "its rows are numbered without sense");
}

static int keep(struct intake *intake, struct row *row) {
    if (intake->is_starved)
        return row->place.is_live ? 0 : INTAKE_E_FULL;
    switch (append(intake, row)) {
    case HISTORY_E_FULL:
        intake->is_starved = true;
        return row->place.is_live ? 0 : INTAKE_E_FULL;
    case HISTORY_E_HOLE:
        return mend_hole(intake, row);
    case HISTORY_E_KNOWN:
        row->is_known = true;
        return 0;
    default:
        return 0;
    }
}

static int take_row(struct intake *intake, uint64_t seq, bool *ret_is_live) {
    struct row row = { .cursor = { .epoch = intake->epoch, .seq = seq } };
    struct row_time_now now = read_clocks(intake);

    if (seq == 0)
        return refuse(intake, "its rows are numbered without sense");
    int r = row_time_place(&intake->time, &now, sample_chain_time_ms(intake->chain),
                           &row.place);
    if (r == ROW_TIME_E_AHEAD)
        return refuse(intake, "its samples are of the future");
    if (r == ROW_TIME_E_OLD)
        return refuse(intake, "its samples are older than a year");
    if (!row_pace_take(&intake->pace, row.place.wall_ms))
        return refuse(intake, "it takes more than 10 samples a second");
    r = keep(intake, &row);
    bool is_shown = row.is_known && intake->node->latest;
    if (r == 0 && row.place.is_live && !is_shown)
        show(intake, &row);
    *ret_is_live = row.place.is_live;
    return r;
}

static int take_rows(struct intake *intake, const Roost__V1__Rows *rows) {
    struct slice bytes = slice_of(rows->packed.data, rows->packed.len);
    uint64_t seq = rows->seq;
    bool is_live = true;

    if (!intake->chain)
        return refuse(intake, "its rows come before their catalogue");
    while (bytes.len > 0) {
        size_t len = bytes.len;
        if (sample_decode(intake->chain, &bytes) != 0)
            return refuse(intake, "its rows are damaged");
        int r = take_row(intake, seq++, &is_live);
        if (r != 0)
            return r;
        if (!is_live)
            intake->replayed += len - bytes.len;
    }
    keep_offset(intake);
    return 0;
}

static int take_lost(struct intake *intake, const Roost__V1__Lost *lost) {
    struct history_cursor taken =
        history_taken(intake->shared.history, intake->node->name);
    uint64_t first = lost->first_seq;

    if (lost->epoch == 0 || first == 0 || lost->last_seq < first ||
        lost->last_seq - first >= lost_max)
        return refuse(intake, "what it says of lost samples makes no sense");
    if (taken.epoch == lost->epoch && taken.seq >= first)
        first = taken.seq + 1;
    if (first > lost->last_seq || intake->is_starved)
        return 0; /* told before, or to be told again */
    skip(intake, (struct history_cursor) { lost->epoch, lost->last_seq },
         lost->last_seq - first + 1, "its spool was full");
    return 0;
}

int intake_take_message(struct intake *intake,
                        const Roost__V1__SamplesResponse *message) {
    switch (message->kind_case) {
    case ROOST__V1__SAMPLES_RESPONSE__KIND_CATALOGUE:
        return take_catalogue(intake, message->catalogue);
    case ROOST__V1__SAMPLES_RESPONSE__KIND_ROWS:
        return take_rows(intake, message->rows);
    case ROOST__V1__SAMPLES_RESPONSE__KIND_LOST:
        return take_lost(intake, message->lost);
    default:
        return 0; /* of a newer agent */
    }
}

int intake_take(struct intake *intake, struct slice bytes) {
    ProtobufCMessage *message = NULL;

    if (pb_unpack(&roost__v1__samples_response__descriptor, bytes, &message) != 0)
        return refuse(intake, "a message of it is damaged");
    int r = intake_take_message(intake, (const Roost__V1__SamplesResponse *)message);
    pb_free(message);
    return r;
}

unsigned intake_pause_ms(const struct intake_shared *shared) {
    return shared->full_ms > 0 ? shared->full_ms : INTAKE_FULL_MS;
}

struct intake *intake_new(const struct intake_shared *shared, struct node *node) {
    struct intake *intake = mem_new(sizeof(*intake));

    *intake = (struct intake) { .shared = *shared, .node = node, .tell.fire = on_tell };
    return intake;
}

struct intake *intake_free(struct intake *intake) {
    if (!intake)
        return NULL;
    if (intake->lost > 0)
        tell_lost(intake);
    timer_stop(&intake->tell);
    forget_catalogue(intake);
    free(intake);
    return NULL;
}

void intake_begin(struct intake *intake) {
    forget_catalogue(intake);
    intake->pace = (struct row_pace) { 0 };
    intake->replayed = 0;
    intake->is_starved = false;
}

const char *intake_fault(const struct intake *intake) {
    return intake->fault;
}

bool intake_is_starved(const struct intake *intake) {
    return intake->is_starved;
}

size_t intake_replayed(struct intake *intake, bool forget) {
    size_t replayed = intake->replayed;

    if (forget)
        intake->replayed = 0;
    return replayed;
}
