#include "wire/h2_past.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, END_STREAM = 1 };

struct rig {
    struct h2_past past;
    struct buf bytes;
};

static void open_rig(struct rig *rig) {
    *rig = (struct rig) { 0 };
    h2_past_init(&rig->past);
    buf_add_text(&rig->bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

static void add_frame(struct rig *rig, int type, int flags, int id, size_t len) {
    uint8_t head[H2_PAST_HEAD] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                                   (uint8_t)len,         (uint8_t)type,
                                   (uint8_t)flags,       0x80, /* a reserved bit */
                                   (uint8_t)(id >> 16),  (uint8_t)(id >> 8),
                                   (uint8_t)id };
    buf_add(&rig->bytes, head, sizeof(head));
    memset(buf_room(&rig->bytes, len), 0, len);
    buf_added(&rig->bytes, len);
}

/* The last frame that was added, and no other, must be judged so, however it is cut. */
static void check(struct rig *rig, int id, enum h2_past_end end, size_t body_len) {
    struct h2_past start = rig->past;

    for (size_t cut = 0; cut <= rig->bytes.len; cut++) {
        struct h2_past_fault fault = { 0 };
        struct slice all = buf_slice(&rig->bytes);
        rig->past = start;
        size_t n = h2_past_walk(&rig->past, slice_of(all.at, cut), &fault);
        if (fault.id == 0)
            n += h2_past_walk(&rig->past, slice_after(all, n), &fault);
        CHECK_INT(fault.id, id);
        CHECK_INT(n, id == 0 ? all.len : all.len - body_len);
        if (id != 0)
            CHECK_INT(fault.end, end);
        n += h2_past_walk(&rig->past, slice_after(all, n), &fault);
        CHECK_INT(fault.id, 0);
        CHECK_INT(n, all.len);
    }
    buf_done(&rig->bytes);
}

static void what_follows_a_streams_end_is_a_fault(void) {
    struct rig rig;

    open_rig(&rig);
    add_frame(&rig, SETTINGS, 0, 0, 12);
    add_frame(&rig, HEADERS, 4, 1, 20);
    add_frame(&rig, DATA, 0, 1, 7);
    add_frame(&rig, DATA, END_STREAM, 1, 0);
    add_frame(&rig, PRIORITY, 0, 1, 5);
    check(&rig, 0, 0, 0);
    add_frame(&rig, DATA, END_STREAM, 1, 3);
    check(&rig, 1, H2_PAST_ENDED, 3);
    add_frame(&rig, HEADERS, END_STREAM, 1, 3);
    check(&rig, 1, H2_PAST_ENDED, 3);
    add_frame(&rig, HEADERS, END_STREAM, 3, 3);
    check(&rig, 0, 0, 0);
    add_frame(&rig, HEADERS, END_STREAM, 3, 3);
    check(&rig, 3, H2_PAST_ENDED, 3);
}

static void what_follows_a_reset_is_a_fault(void) {
    struct rig rig;

    open_rig(&rig);
    add_frame(&rig, HEADERS, 4, 1, 20);
    add_frame(&rig, RST_STREAM, 0, 1, 4);
    add_frame(&rig, RST_STREAM, 0, 1, 4);
    check(&rig, 0, 0, 0);
    add_frame(&rig, DATA, END_STREAM, 1, 1);
    check(&rig, 1, H2_PAST_RESET, 1);
    add_frame(&rig, HEADERS, END_STREAM, 1, 1);
    check(&rig, 1, H2_PAST_RESET, 1);
}

static void a_skipped_stream_stays_closed(void) {
    struct rig rig;

    open_rig(&rig);
    add_frame(&rig, HEADERS, END_STREAM, 7, 20);
    add_frame(&rig, DATA, 0, 5, 1); /* the engine knows about these */
    check(&rig, 0, 0, 0);
    for (int id = 1; id < 7; id += 2) {
        add_frame(&rig, HEADERS, END_STREAM, id, 20);
        check(&rig, id, H2_PAST_SKIPPED, 20);
    }
    add_frame(&rig, HEADERS, 4, 9, 20);
    add_frame(&rig, DATA, 0, 9, 20);
    check(&rig, 0, 0, 0);
}

/* What was long ago is forgotten, and no fault then. */
static void only_the_last_streams_are_kept(void) {
    struct rig rig;

    open_rig(&rig);
    for (int i = 0; i < 3 * H2_PAST_KEPT; i++)
        add_frame(&rig, HEADERS, END_STREAM, 2 * i + 1, 2);
    add_frame(&rig, DATA, 0, 1, 2);
    check(&rig, 0, 0, 0);
    add_frame(&rig, DATA, 0, 2 * 3 * H2_PAST_KEPT - 1, 2);
    check(&rig, 2 * 3 * H2_PAST_KEPT - 1, H2_PAST_ENDED, 2);
}

TESTS(TEST(what_follows_a_streams_end_is_a_fault),
      TEST(what_follows_a_reset_is_a_fault),
      TEST(a_skipped_stream_stays_closed),
      TEST(only_the_last_streams_are_kept))
