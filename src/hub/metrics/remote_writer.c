#include "hub/metrics/remote_writer.h"

#include <fnmatch.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/metrics/prometheus.h"
#include "hub/samples/latest.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "wire/remote_write.h"
#include "wire/sample.h"

enum {
    BATCH_MS = 5000,
    BATCH_MAX = 5000,
    TIMEOUT_MS = 30000,
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 30000,
    HEADERS_MAX = 32,
    COMPLAIN_MS = 60000, /* between two lines about dropped samples */
};

/* One series: its labels, sorted by name. */
struct remote_one {
    size_t place; /* in the catalogue */
    double factor;
    struct remote_write_label labels[REMOTE_WRITE_LABELS_MAX]; /* of owned texts */
    size_t label_count;
};

struct remote_series {
    unsigned refs;
    char *node;             /* owned */
    struct remote_one *all; /* owned */
    size_t count;
};

/* A row that waits or is under way. */
struct row {
    struct list node;
    struct remote_series *series; /* reference */
    int64_t time_ms;
    size_t present;  /* values that are there */
    double values[]; /* series->count; NaN where there is none */
};

struct remote_writer {
    struct loop *loop;          /* borrowed: outlives us */
    struct http_client *client; /* owned, and so are all texts and lists */
    struct http_call *call;     /* the request that is under way, or NULL */
    char *url;
    char *user;
    char *password;
    char *headers[HEADERS_MAX + 1];
    char **nodes;
    size_t node_count;
    char **metrics;
    size_t metric_count;
    uint64_t queue_bytes_max;
    unsigned batch_ms;
    size_t batch_max;
    struct list waiting; /* rows, the oldest first */
    struct list sending;
    size_t waiting_values;
    uint64_t bytes; /* of all rows */
    unsigned retry_ms;
    bool is_in_trouble;
    uint64_t complained_ms;
    uint64_t dropped_since;
    struct timer timer; /* for company, or for another try */
    struct remote_writer_stats stats;
};

/* --- series --- */

static void add_label(struct remote_one *one, const char *name, const char *value) {
    size_t at = one->label_count++;

    for (; at > 0 && strcmp(one->labels[at - 1].name, name) > 0; at--)
        one->labels[at] = one->labels[at - 1];
    one->labels[at].name = mem_strdup(name);
    one->labels[at].value = mem_strdup(value);
}

static void describe_one(struct remote_one *one,
                         size_t place,
                         const char *node,
                         const struct remote_metric *metric) {
    struct prometheus_name name;

    prometheus_name(metric->name, metric->unit, &name);
    one->place = place;
    one->factor = pow(10, metric->scale) / name.factor;
    add_label(one, "__name__", name.name);
    add_label(one, "node", node);
    if (name.object && name.object[0])
        add_label(one, name.label, name.object);
}

static bool is_node_wanted(const struct remote_writer *writer, const char *node) {
    for (size_t i = 0; i < writer->node_count; i++)
        if (fnmatch(writer->nodes[i], node, 0) == 0)
            return true;
    return writer->node_count == 0;
}

struct remote_series *remote_writer_describe(struct remote_writer *writer,
                                             const char *node,
                                             const struct remote_metric *metrics,
                                             size_t count) {
    struct remote_series *series;

    if (!is_node_wanted(writer, node))
        return NULL;
    series = mem_new(sizeof(*series));
    series->refs = 1;
    series->node = mem_strdup(node);
    series->all = mem_new_array(count, sizeof(*series->all));
    for (size_t i = 0; i < count; i++)
        if (latest_is_wanted(metrics[i].name, writer->metrics, writer->metric_count))
            describe_one(&series->all[series->count++], i, node, &metrics[i]);
    return series->count > 0 ? series : remote_writer_release(series);
}

struct remote_series *remote_writer_release(struct remote_series *series) {
    if (!series || --series->refs > 0)
        return NULL;
    for (size_t i = 0; i < series->count; i++)
        for (size_t k = 0; k < series->all[i].label_count; k++) {
            free((char *)series->all[i].labels[k].name);
            free((char *)series->all[i].labels[k].value);
        }
    free(series->all);
    free(series->node);
    free(series);
    return NULL;
}

/* --- rows --- */

static uint64_t row_bytes(const struct row *row) {
    return sizeof(*row) + row->series->count * sizeof(row->values[0]);
}

static void free_row(struct remote_writer *writer, struct row *row) {
    writer->bytes -= row_bytes(row);
    list_remove(&row->node);
    remote_writer_release(row->series);
    free(row);
}

static void complain(struct remote_writer *writer) {
    uint64_t now_ms = loop_now_ms(writer->loop);

    if (writer->complained_ms != 0 && now_ms - writer->complained_ms < COMPLAIN_MS)
        return;
    log_warning("%s: %llu samples were dropped, since the receiver takes them too "
                "slowly or is away; [remote_write] queue_bytes says how much waits",
                writer->url, (unsigned long long)writer->dropped_since);
    writer->complained_ms = now_ms;
    writer->dropped_since = 0;
}

/* The oldest goes first; what is under way stays. */
static void make_room(struct remote_writer *writer) {
    while (writer->bytes > writer->queue_bytes_max && !list_is_empty(&writer->waiting)) {
        struct row *row = container_of(writer->waiting.next, struct row, node);
        writer->stats.dropped += row->present;
        writer->dropped_since += row->present;
        writer->waiting_values -= row->present;
        free_row(writer, row);
    }
    if (writer->dropped_since > 0)
        complain(writer);
}

static void send_batch(struct remote_writer *writer);

static void look(struct remote_writer *writer) {
    if (writer->call || !list_is_empty(&writer->sending) ||
        list_is_empty(&writer->waiting))
        return;
    if (writer->waiting_values >= writer->batch_max)
        send_batch(writer);
    else if (!timer_is_running(&writer->timer))
        timer_start(writer->loop, &writer->timer, writer->batch_ms);
}

void remote_writer_take(struct remote_writer *writer,
                        struct remote_series *series,
                        int64_t time_ms,
                        const int64_t *values) {
    struct row *row = mem_new(sizeof(*row) + series->count * sizeof(row->values[0]));

    row->series = series;
    row->time_ms = time_ms;
    series->refs++;
    for (size_t i = 0; i < series->count; i++) {
        int64_t value = values[series->all[i].place];
        row->present += value != SAMPLE_ABSENT;
        row->values[i] =
            value == SAMPLE_ABSENT ? NAN : (double)value / series->all[i].factor;
    }
    list_add_tail(&writer->waiting, &row->node);
    writer->waiting_values += row->present;
    writer->bytes += row_bytes(row);
    make_room(writer);
    look(writer);
}

/* --- requests --- */

static size_t fill(const struct row *row, struct remote_write_sample *samples) {
    size_t count = 0;

    for (size_t i = 0; i < row->series->count; i++) {
        const struct remote_one *one = &row->series->all[i];
        if (isnan(row->values[i]))
            continue;
        struct remote_write_sample *sample = &samples[count++];
        memcpy(sample->labels, one->labels, sizeof(sample->labels));
        sample->label_count = one->label_count;
        sample->value = row->values[i];
        sample->time_ms = row->time_ms;
    }
    return count;
}

/* Whole rows, at least one. */
static size_t take_batch(struct remote_writer *writer) {
    size_t count = 0;

    while (!list_is_empty(&writer->waiting)) {
        struct row *row = container_of(writer->waiting.next, struct row, node);
        if (count > 0 && count + row->present > writer->batch_max)
            break;
        count += row->present;
        writer->waiting_values -= row->present;
        list_remove(&row->node);
        list_add_tail(&writer->sending, &row->node);
    }
    return count;
}

static void on_answer(void *arg, const struct http_answer *answer);

static void post(struct remote_writer *writer, size_t count) {
    struct remote_write_sample *samples = mem_new_array(count, sizeof(*samples));
    struct buf body = { 0 };
    size_t at = 0;

    list_for_each_safe(node, after, &writer->sending) at +=
        fill(container_of(node, struct row, node), samples + at);
    remote_write_pack(samples, at, &body);
    struct http_request request = {
        .method = "POST",
        .url = writer->url,
        .headers = (const char *const *)writer->headers,
        .user = writer->user,
        .password = writer->password,
        .body = buf_slice(&body),
        .timeout_ms = TIMEOUT_MS,
    };
    writer->call = http_client_start(writer->client, &request, on_answer, writer);
    buf_done(&body);
    free(samples);
}

static size_t sending_values(const struct remote_writer *writer) {
    size_t count = 0;

    for (struct list *node = writer->sending.next; node != &writer->sending;
         node = node->next)
        count += container_of(node, struct row, node)->present;
    return count;
}

static void send_batch(struct remote_writer *writer) {
    timer_stop(&writer->timer);
    size_t count =
        list_is_empty(&writer->sending) ? take_batch(writer) : sending_values(writer);
    if (count > 0)
        post(writer, count);
    else
        list_for_each_safe(node, after, &writer->sending) /* rows of nothing */
            free_row(writer, container_of(node, struct row, node));
}

static void forget_batch(struct remote_writer *writer, uint64_t *counter) {
    list_for_each_safe(node, after, &writer->sending) {
        struct row *row = container_of(node, struct row, node);
        *counter += row->present;
        free_row(writer, row);
    }
    writer->retry_ms = RETRY_MIN_MS;
}

static void retry(struct remote_writer *writer, const struct http_answer *answer) {
    unsigned wait_ms = writer->retry_ms;

    if (!writer->is_in_trouble && answer->error)
        log_warning("%s: %s; the samples wait", writer->url, answer->error);
    else if (!writer->is_in_trouble)
        log_warning("%s: status %u; the samples wait", writer->url, answer->status);
    writer->is_in_trouble = true;
    writer->stats.retries++;
    if (answer->retry_after_s > 0 && answer->retry_after_s * 1000 > wait_ms)
        wait_ms = answer->retry_after_s < RETRY_MAX_MS / 1000
                      ? answer->retry_after_s * 1000
                      : RETRY_MAX_MS;
    writer->retry_ms =
        writer->retry_ms * 2 < RETRY_MAX_MS ? writer->retry_ms * 2 : RETRY_MAX_MS;
    timer_start(writer->loop, &writer->timer, wait_ms);
}

static void on_answer(void *arg, const struct http_answer *answer) {
    struct remote_writer *writer = arg;
    unsigned status = answer->status;

    writer->call = NULL;
    if (status == 0 || status >= 500 || status == 429) {
        retry(writer, answer);
        return;
    }
    if (status >= 200 && status < 300) {
        if (writer->is_in_trouble)
            log_info("%s: takes samples again", writer->url);
        forget_batch(writer, &writer->stats.sent);
        writer->is_in_trouble = false;
    } else {
        log_warning("%s: refused samples for good, with status %u: %.*s", writer->url,
                    status, (int)(answer->body.len < 200 ? answer->body.len : 200),
                    (const char *)answer->body.at);
        forget_batch(writer, &writer->stats.refused);
    }
    look(writer);
}

static void on_timer(struct timer *timer) {
    struct remote_writer *writer = container_of(timer, struct remote_writer, timer);

    if (!writer->call)
        send_batch(writer);
}

/* --- the writer --- */

static void copy_list(const struct settings_list *from, char ***ret, size_t *ret_count) {
    *ret_count = from ? from->count : 0;
    *ret = mem_new_array(*ret_count, sizeof(**ret));
    for (size_t i = 0; i < *ret_count; i++)
        (*ret)[i] = mem_strdup(from->items[i]);
}

static void free_list(char **items, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(items[i]);
    free(items);
}

static void set_headers(struct remote_writer *writer,
                        const struct remote_writer_config *config) {
    size_t count = 0;

    writer->headers[count++] = mem_strdup("Content-Type: application/x-protobuf");
    writer->headers[count++] = mem_strdup("Content-Encoding: snappy");
    writer->headers[count++] = mem_strdup("X-Prometheus-Remote-Write-Version: 0.1.0");
    if (config->bearer)
        writer->headers[count++] = mem_printf("Authorization: Bearer %s", config->bearer);
    for (size_t i = 0; config->headers && i < config->headers->count; i++)
        if (count < HEADERS_MAX)
            writer->headers[count++] = mem_strdup(config->headers->items[i]);
}

struct remote_writer *remote_writer_new(const struct remote_writer_config *config) {
    struct remote_writer *writer = mem_new(sizeof(*writer));
    struct http_client_config client = {
        .loop = config->loop,
        .calls_max = 1,
        .ca_file = config->ca_file,
    };

    *writer = (struct remote_writer) {
        .loop = config->loop,
        .client = http_client_new(&client),
        .url = mem_strdup(config->url),
        .user = mem_strdup(config->user),
        .password = mem_strdup(config->password),
        .queue_bytes_max = config->queue_bytes_max,
        .batch_ms = config->batch_ms ? config->batch_ms : BATCH_MS,
        .batch_max = config->batch_max ? config->batch_max : BATCH_MAX,
        .retry_ms = RETRY_MIN_MS,
        .timer.fire = on_timer,
    };
    list_init(&writer->waiting);
    list_init(&writer->sending);
    copy_list(config->nodes, &writer->nodes, &writer->node_count);
    copy_list(config->metrics, &writer->metrics, &writer->metric_count);
    set_headers(writer, config);
    return writer;
}

struct remote_writer *remote_writer_free(struct remote_writer *writer) {
    if (!writer)
        return NULL;
    timer_stop(&writer->timer);
    http_client_free(writer->client);
    list_for_each_safe(node, after, &writer->waiting)
        free_row(writer, container_of(node, struct row, node));
    list_for_each_safe(sent, next, &writer->sending)
        free_row(writer, container_of(sent, struct row, node));
    for (char **header = writer->headers; *header; header++) {
        mem_wipe(*header, strlen(*header));
        free(*header);
    }
    free_list(writer->nodes, writer->node_count);
    free_list(writer->metrics, writer->metric_count);
    if (writer->password)
        mem_wipe(writer->password, strlen(writer->password));
    free(writer->password);
    free(writer->user);
    free(writer->url);
    free(writer);
    return NULL;
}

void remote_writer_stats(const struct remote_writer *writer,
                         struct remote_writer_stats *ret) {
    *ret = writer->stats;
    ret->waiting_bytes = writer->bytes;
}
