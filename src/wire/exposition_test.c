#include "wire/exposition.h"

#include <math.h>

#include "base/buf.h"
#include "base/check.h"

static void write_all(bool is_text, struct buf *out) {
    struct exposition exposition = { .out = out, .is_text = is_text };
    struct exposition_label pi = { "node", "pi" };
    struct exposition_label odd[] = { { "node", "a\"b\\c\nd" },
                                      { "mount", "/\xc3\xa4" } };

    exposition_family(&exposition, "roost_mem_used_bytes", EXPOSITION_GAUGE, "bytes",
                      "Total \"less\"\navailable");
    exposition_sample(&exposition, &pi, 1, 1234567890123.0);
    exposition_sample(&exposition, odd, 2, 0.1);
    exposition_family(&exposition, "roost_hub_samples", EXPOSITION_COUNTER, NULL,
                      "Samples");
    exposition_sample(&exposition, NULL, 0, 3);
    exposition_family(&exposition, "roost_hub", EXPOSITION_INFO, NULL, "The hub");
    exposition_sample(&exposition, &pi, 1, 1);
    exposition_family(&exposition, "odd", EXPOSITION_GAUGE, NULL, "Odd");
    exposition_sample(&exposition, NULL, 0, NAN);
    exposition_sample(&exposition, NULL, 0, -INFINITY);
    exposition_sample(&exposition, NULL, 0, INFINITY);
    exposition_end(&exposition);
}

static void openmetrics_names_units_and_ends(void) {
    struct buf out = { 0 };

    write_all(false, &out);
    CHECK_TEXT(buf_text(&out),
               "# TYPE roost_mem_used_bytes gauge\n"
               "# UNIT roost_mem_used_bytes bytes\n"
               "# HELP roost_mem_used_bytes Total \\\"less\\\"\\navailable\n"
               "roost_mem_used_bytes{node=\"pi\"} 1234567890123\n"
               "roost_mem_used_bytes{node=\"a\\\"b\\\\c\\nd\",mount=\"/"
               "\xc3\xa4\"} 0.1\n"
               "# TYPE roost_hub_samples counter\n"
               "# HELP roost_hub_samples Samples\n"
               "roost_hub_samples_total 3\n"
               "# TYPE roost_hub info\n"
               "# HELP roost_hub The hub\n"
               "roost_hub_info{node=\"pi\"} 1\n"
               "# TYPE odd gauge\n"
               "# HELP odd Odd\n"
               "odd NaN\n"
               "odd -Inf\n"
               "odd +Inf\n"
               "# EOF\n");
    buf_done(&out);
}

static void the_older_format_names_families_as_their_samples(void) {
    struct buf out = { 0 };

    write_all(true, &out);
    CHECK_TEXT(buf_text(&out), "# TYPE roost_mem_used_bytes gauge\n"
                               "# HELP roost_mem_used_bytes Total \"less\"\\navailable\n"
                               "roost_mem_used_bytes{node=\"pi\"} 1234567890123\n"
                               "roost_mem_used_bytes{node=\"a\\\"b\\\\c\\nd\",mount=\"/"
                               "\xc3\xa4\"} 0.1\n"
                               "# TYPE roost_hub_samples_total counter\n"
                               "# HELP roost_hub_samples_total Samples\n"
                               "roost_hub_samples_total 3\n"
                               "# TYPE roost_hub_info gauge\n"
                               "# HELP roost_hub_info The hub\n"
                               "roost_hub_info{node=\"pi\"} 1\n"
                               "# TYPE odd gauge\n"
                               "# HELP odd Odd\n"
                               "odd NaN\n"
                               "odd -Inf\n"
                               "odd +Inf\n"
                               "# EOF\n");
    buf_done(&out);
}

TESTS(TEST(openmetrics_names_units_and_ends),
      TEST(the_older_format_names_families_as_their_samples))
