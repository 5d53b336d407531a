#include "base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

static void older_names_give_todays(void) {
    static const struct {
        const char *typed, *name;
    } rows[] = {
        { "ram", "mem" },
        { "net_up", "net.tx" },
        { "net_down", "net.rx" },
        { "cpu_temp", "temp.cpu" },
        { "gpu_temp", "temp.gpu" },
        { "ram_used", "mem.used" },
        { "swap", "swap" },
        { "net.rx:eth0", "net.rx:eth0" },
        { "nonsense", "nonsense" },
        { "", "" },
        { "ra", "ra" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_TEXT(metric_resolve(rows[i].typed), rows[i].name);
}

static void a_series_finds_its_row(void) {
    CHECK_TEXT(metric_find("net.rx:eth0")->unit, "By/s");
    CHECK_TEXT(metric_find("disk:/srv/a:b")->name, "disk");
    CHECK(!metric_find("net"));
    CHECK(!metric_find(""));
    CHECK(!metric_find("load1:x"));
}

static void names_stand_once(void) {
    for (size_t i = 0; metric_at(i); i++) {
        CHECK(metric_find(metric_at(i)->name) == metric_at(i));
        CHECK(metric_resolve(metric_at(i)->name) == metric_at(i)->name);
        CHECK(strlen(metric_at(i)->meaning) > 0);
    }
}

static void add_row(struct buf *text, const struct metric *row) {
    buf_printf(text, "| `%s`", row->name);
    if (row->object)
        buf_printf(text, ", `%s:`%s", row->name, row->object);
    buf_printf(text, " | %s | %d | %s | %s | %s |\n", row->unit, row->scale,
               metric_kind_word(row->kind), row->meaning, row->older ? row->older : "");
}

/* METRICS_DOC names the page; a missing row is printed so that it can be pasted. */
static void the_page_holds_the_table(void) {
    const char *path = getenv("METRICS_DOC");
    if (!path)
        return;
    FILE *file = fopen(path, "re");
    CHECK(file);
    static char page[64 << 10];
    size_t len = fread(page, 1, sizeof(page) - 1, file);
    page[len] = '\0';
    fclose(file);

    const char *at = page;
    for (size_t i = 0; metric_at(i); i++) {
        struct buf row = { 0 };
        add_row(&row, metric_at(i));
        at = at ? strstr(at, buf_text(&row)) : NULL;
        if (!at)
            fprintf(stderr, "not in %s in this order:\n%s", path, buf_text(&row));
        buf_done(&row);
    }
    CHECK(at);
}

TESTS(TEST(older_names_give_todays),
      TEST(a_series_finds_its_row),
      TEST(names_stand_once),
      TEST(the_page_holds_the_table))
