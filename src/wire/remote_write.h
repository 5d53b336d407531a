/*
 * remote_write - samples as a request of Prometheus' remote write 1.0
 *
 * A WriteRequest (proto/compat/remote_write.proto), compressed as one snappy block. It
 * goes out with Content-Type application/x-protobuf, Content-Encoding snappy and
 * X-Prometheus-Remote-Write-Version 0.1.0.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;

enum { REMOTE_WRITE_LABELS_MAX = 4 };

struct remote_write_label {
    const char *name;
    const char *value; /* not empty: that is the same as none */
};

/* One value of one series; labels are sorted by name. */
struct remote_write_sample {
    struct remote_write_label labels[REMOTE_WRITE_LABELS_MAX];
    size_t label_count;
    double value;
    int64_t time_ms;
};

/* Appends the compressed request. */
void remote_write_pack(const struct remote_write_sample *samples,
                       size_t count,
                       struct buf *out);
