/* YAML that people write: what is read is JSON, and goes to YAML and back unchanged. */
#include <assert.h>
#include <stdlib.h>

#include "cli/formats/yaml.h"
#include "cli/formats/yaml_read.h"
#include "wire/json_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_json(struct slice text) {
    struct json_reader reader;

    json_reader_init(&reader, text);
    bool good = json_reader_skip(&reader, json_reader_next(&reader)) &&
                json_reader_next(&reader) == JSON_END;
    json_reader_done(&reader);
    return good;
}

static void check_line(struct slice json) {
    struct buf yaml = { 0 };
    struct buf again = { 0 };
    char *why = NULL;

    assert(is_json(json));
    assert(yaml_add_json(&yaml, json, false) == 0);
    assert(yaml_read(&again, buf_slice(&yaml), &why) == 0);
    assert(again.len == json.len + 1 && memcmp(again.data, json.at, json.len) == 0);
    buf_done(&yaml);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf out = { 0 };
    char *why = NULL;

    if (yaml_read(&out, slice_of(data, size), &why) == 0) {
        struct slice left = buf_slice(&out);
        while (left.len > 0) {
            const uint8_t *end = memchr(left.at, '\n', left.len);
            assert(end);
            size_t len = (size_t)(end - left.at);
            check_line(slice_of(left.at, len));
            left = slice_after(left, len + 1);
        }
    }
    free(why);
    buf_done(&out);
    return 0;
}
