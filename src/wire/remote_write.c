#include "wire/remote_write.h"

#include <assert.h>
#include <stdlib.h>

#include <snappy-c.h>

#include "base/buf.h"
#include "base/mem.h"
#include "compat/remote_write.pb-c.h"

/* A series of one sample with all that its message points to. */
struct series {
    Prometheus__TimeSeries message;
    Prometheus__Label labels[REMOTE_WRITE_LABELS_MAX];
    Prometheus__Label *label_pointers[REMOTE_WRITE_LABELS_MAX];
    Prometheus__Sample sample;
    Prometheus__Sample *sample_pointer;
};

static void fill(struct series *series, const struct remote_write_sample *from) {
    assert(from->label_count <= REMOTE_WRITE_LABELS_MAX);
    prometheus__time_series__init(&series->message);
    for (size_t i = 0; i < from->label_count; i++) {
        prometheus__label__init(&series->labels[i]);
        series->labels[i].name = (char *)from->labels[i].name;
        series->labels[i].value = (char *)from->labels[i].value;
        series->label_pointers[i] = &series->labels[i];
    }
    prometheus__sample__init(&series->sample);
    series->sample.value = from->value;
    series->sample.timestamp = from->time_ms;
    series->sample_pointer = &series->sample;
    series->message.labels = series->label_pointers;
    series->message.n_labels = from->label_count;
    series->message.samples = &series->sample_pointer;
    series->message.n_samples = 1;
}

static void compress(const uint8_t *bytes, size_t len, struct buf *out) {
    size_t room = snappy_max_compressed_length(len);
    snappy_status status =
        snappy_compress((const char *)bytes, len, (char *)buf_room(out, room), &room);

    assert(status == SNAPPY_OK); /* it can only say that there is too little room */
    buf_added(out, room);
}

void remote_write_pack(const struct remote_write_sample *samples,
                       size_t count,
                       struct buf *out) {
    Prometheus__WriteRequest request = PROMETHEUS__WRITE_REQUEST__INIT;
    struct series *series = mem_new_array(count, sizeof(*series));

    request.timeseries = mem_new_array(count, sizeof(*request.timeseries));
    request.n_timeseries = count;
    for (size_t i = 0; i < count; i++) {
        fill(&series[i], &samples[i]);
        request.timeseries[i] = &series[i].message;
    }
    size_t len = prometheus__write_request__get_packed_size(&request);
    uint8_t *packed = mem_new(len + 1);
    prometheus__write_request__pack(&request, packed);
    compress(packed, len, out);
    free(packed);
    free(request.timeseries);
    free(series);
}
