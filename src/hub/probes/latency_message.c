#include "hub/probes/latency_message.h"

void latency_message_fill(const struct latency *latency,
                          Roost__V1__Latency *ret_message) {
    roost__v1__latency__init(ret_message);
    ret_message->count = latency->count;
    ret_message->mean_ms = latency_mean(latency);
    ret_message->p50_ms = latency_percentile(latency, 50);
    ret_message->p95_ms = latency_percentile(latency, 95);
    ret_message->p99_ms = latency_percentile(latency, 99);
    ret_message->min_ms = latency->min_ms;
    ret_message->max_ms = latency->max_ms;
    ret_message->jitter_ms = latency_jitter(latency);
}
