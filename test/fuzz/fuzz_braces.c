/* What `roost` reads from people: streams of JSON, texts for the terminal, URLs. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/calls/braces.h"
#include "cli/formats/yaml.h"
#include "cli/hub/url.h"
#include "cli/terminal/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OBJECT_MAX = 4096 };

static void cut(struct slice bytes, size_t step) {
    struct braces braces;
    struct slice object;

    braces_init(&braces, OBJECT_MAX);
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        braces_feed(&braces, slice_of(bytes.at + at, n));
        while (braces_next(&braces, &object) == 0) {
            struct buf yaml = { 0 };
            assert(object.len >= 2 && object.len <= OBJECT_MAX && object.at[0] == '{');
            yaml_add_json(&yaml, object, false);
            buf_done(&yaml);
        }
    }
    braces_done(&braces);
}

static void show(const char *text) {
    struct buf clean = { 0 };
    struct buf part = { 0 };

    text_add_clean(&clean, text);
    assert(text_width(buf_text(&clean)) == text_width(text));
    for (size_t i = 0; i < clean.len; i++)
        assert(clean.data[i] >= 0x20 && clean.data[i] != 0x7f);
    assert(text_add_cut(&part, text, 20, "~") <= 20);
    buf_done(&clean);
    buf_done(&part);
}

static void read_url(const char *text) {
    struct url url, again;

    if (url_parse(text, &url) != 0)
        return;
    auto_(mem_freep) char *printed = url_print(&url);
    assert(url_parse(printed, &again) == 0);
    assert(url.address.port == again.address.port && url.plain == again.plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    auto_(mem_freep) char *text = mem_dup(data + 1, size - 1);
    struct buf yaml = { 0 };

    cut(slice_of(data + 1, size - 1), (size_t)(data[0] & 15) + 1);
    yaml_add_json(&yaml, slice_of(data + 1, size - 1), false);
    buf_done(&yaml);
    show(text);
    read_url(text);
    return 0;
}
