#include "store/history/history_catalogue.h"

#include "base/buf.h"
#include "base/check.h"

static const struct history_metric metrics[] = {
    { "cpu", "%", 1 },
    { "mem.used", "By", 0 },
    { "net.rx:eth0", "By/s", 0 },
};

static void a_catalogue_is_read_whole_or_not(void) {
    struct history_catalogue *catalogue = history_catalogue_new(metrics, 3, 5000), *again;
    struct buf bytes = { 0 };

    history_catalogue_write(catalogue, &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        CHECK(!history_catalogue_read(slice_of(bytes.data, len)));
    again = history_catalogue_read(buf_slice(&bytes));
    CHECK(again);
    CHECK_TEXT(again->key, catalogue->key);
    CHECK_TEXT(again->metrics[2].name, "net.rx:eth0");
    CHECK_INT(again->interval_ms, 5000);
    history_catalogue_release(again);
    history_catalogue_release(catalogue);
    buf_done(&bytes);
}

TESTS(TEST(a_catalogue_is_read_whole_or_not))
