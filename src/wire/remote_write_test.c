#include "wire/remote_write.h"

#include <snappy-c.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "compat/remote_write.pb-c.h"

static Prometheus__WriteRequest *unpack(const struct buf *packed) {
    size_t len;
    CHECK_INT(snappy_uncompressed_length((const char *)packed->data, packed->len, &len),
              SNAPPY_OK);
    char *bytes = mem_new(len + 1);
    CHECK_INT(snappy_uncompress((const char *)packed->data, packed->len, bytes, &len),
              SNAPPY_OK);
    Prometheus__WriteRequest *request =
        prometheus__write_request__unpack(NULL, len, (const uint8_t *)bytes);
    free(bytes);
    CHECK(request);
    return request;
}

static void a_receiver_reads_what_was_packed(void) {
    struct remote_write_sample samples[] = {
        { { { "__name__", "roost_cpu_percent" }, { "node", "pi" } },
          2,
          12.5,
          1700000000001 },
        { { { "__name__", "x" }, { "mount", "/" }, { "node", "nas" } }, 3, -1, -5 },
    };
    struct buf packed = { 0 };

    remote_write_pack(samples, 2, &packed);
    Prometheus__WriteRequest *request = unpack(&packed);
    CHECK_INT(request->n_timeseries, 2);
    CHECK_INT(request->timeseries[0]->n_labels, 2);
    CHECK_TEXT(request->timeseries[0]->labels[0]->name, "__name__");
    CHECK_TEXT(request->timeseries[0]->labels[1]->value, "pi");
    CHECK_INT(request->timeseries[0]->n_samples, 1);
    CHECK(request->timeseries[0]->samples[0]->value == 12.5);
    CHECK(request->timeseries[0]->samples[0]->timestamp == 1700000000001);
    CHECK_INT(request->timeseries[1]->n_labels, 3);
    CHECK_INT(request->timeseries[1]->samples[0]->timestamp, -5);
    prometheus__write_request__free_unpacked(request, NULL);
    buf_done(&packed);
}

static void repetition_costs_little(void) {
    enum { COUNT = 1000 };
    struct remote_write_sample *samples = mem_new_array(COUNT, sizeof(*samples));
    struct buf packed = { 0 };

    for (int i = 0; i < COUNT; i++)
        samples[i] = (struct remote_write_sample) {
            { { "__name__", "roost_net_rx_bytes_per_second" }, { "node", "pi" } },
            2,
            i,
            1700000000000 + i,
        };
    remote_write_pack(samples, COUNT, &packed);
    CHECK(packed.len < (size_t)COUNT * 40);
    Prometheus__WriteRequest *request = unpack(&packed);
    CHECK_INT(request->n_timeseries, COUNT);
    prometheus__write_request__free_unpacked(request, NULL);
    buf_done(&packed);
    free(samples);
}

TESTS(TEST(a_receiver_reads_what_was_packed), TEST(repetition_costs_little))
