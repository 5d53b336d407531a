#include "agent/acts/ledger.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/check_folder.h"
#include "base/log.h"
#include "base/mem.h"

enum { DAY_MS = LEDGER_KEEP_MS, NOW_MS = 1000000000 };

static struct ledger_record begun(const char *id, int64_t begun_ms) {
    return (struct ledger_record) {
        .id = slice_of_text(id),
        .method = slice_of_text("/roost.v1.Power/Reboot"),
        .user = slice_of_text("ada"),
        .what = slice_of_text("reboot"),
        .request = { 1, 2, 3 },
        .begun_ms = begun_ms,
    };
}

static struct ledger_record ended(const char *id, int64_t begun_ms) {
    struct ledger_record record = begun(id, begun_ms);

    record.ended_ms = begun_ms + 5;
    record.status = 9;
    record.message = slice_of_text("it is held");
    record.response = slice_of("\0\1\2", 3);
    return record;
}

static bool is_same(const struct ledger_record *a, const struct ledger_record *b) {
    return slice_equal(a->id, b->id) && slice_equal(a->method, b->method) &&
           slice_equal(a->user, b->user) && slice_equal(a->what, b->what) &&
           memcmp(a->request, b->request, sizeof(a->request)) == 0 &&
           a->begun_ms == b->begun_ms && a->ended_ms == b->ended_ms &&
           a->status == b->status && slice_equal(a->message, b->message) &&
           slice_equal(a->response, b->response) && a->is_cut == b->is_cut;
}

/* Does the ledger know the operation, and exactly so? */
static int look(struct ledger *ledger, const struct ledger_record *wanted) {
    struct ledger_record found;
    struct buf bytes = { 0 };

    int r = ledger_find(ledger, wanted->id, &bytes, &found);
    if (r == 0)
        CHECK(is_same(&found, wanted));
    buf_done(&bytes);
    return r;
}

static void put(struct ledger *ledger, const struct ledger_record *record) {
    CHECK_INT(ledger_put(ledger, record), 0);
}

static void what_was_put_is_found_after_a_restart(void) {
    char *folder = check_folder_make();
    struct ledger *ledger = ledger_new(folder, LEDGER_COUNT_MAX);
    struct ledger_record a = begun("a", NOW_MS), b = ended("b", NOW_MS);

    CHECK_INT(look(ledger, &a), LEDGER_E_NONE);
    put(ledger, &a);
    put(ledger, &b);
    CHECK_INT(look(ledger, &a), 0);
    ledger_free(ledger);

    ledger = ledger_new(folder, LEDGER_COUNT_MAX);
    CHECK_INT(look(ledger, &a), 0);
    CHECK_INT(look(ledger, &b), 0);
    a = ended("a", NOW_MS);
    put(ledger, &a);
    ledger_free(ledger);

    ledger = ledger_new(folder, LEDGER_COUNT_MAX);
    CHECK_INT(look(ledger, &a), 0);
    CHECK_INT(look(ledger, &b), 0);
    struct stat facts;
    CHECK_INT(stat(ledger_path(ledger), &facts), 0);
    CHECK_INT(facts.st_mode & 0777, 0600);
    ledger_free(ledger);
    check_folder_remove(folder);
}

static void long_texts_are_cut_and_long_responses_left_out(void) {
    char *text = mem_new(LEDGER_RECORD_TEXT_MAX + 2);
    uint8_t *response = mem_new(LEDGER_RECORD_RESPONSE_MAX + 1);
    struct ledger_record record = ended("a", NOW_MS), read;
    struct buf out = { 0 };
    size_t at = 0, start;

    memset(text, 'x', LEDGER_RECORD_TEXT_MAX + 1);
    record.what = slice_of_text(text);
    record.message = slice_of_text(text);
    record.response = slice_of(response, LEDGER_RECORD_RESPONSE_MAX);
    ledger_record_pack(&record, &out);
    CHECK(ledger_record_next(buf_slice(&out), &at, &read, &start));
    CHECK_INT(read.what.len, LEDGER_RECORD_TEXT_MAX);
    CHECK_INT(read.message.len, LEDGER_RECORD_TEXT_MAX);
    CHECK_INT(read.response.len, LEDGER_RECORD_RESPONSE_MAX);
    CHECK(!read.is_cut);
    CHECK(out.len <= LEDGER_RECORD_MAX);
    buf_clear(&out);
    at = 0;
    record.response.len++;
    ledger_record_pack(&record, &out);
    CHECK(ledger_record_next(buf_slice(&out), &at, &read, &start));
    CHECK_INT(read.response.len, 0);
    CHECK(read.is_cut);
    buf_done(&out);
    free(text);
    free(response);
}

static void write_file(const char *folder, struct slice bytes) {
    char *path = file_join(folder, "operations");
    CHECK_INT(file_write_atomic(path, bytes, 0600), 0);
    free(path);
}

/* Three operations of which the second was begun alone; the bytes of each record's end.
 */
static void pack_three(struct buf *out, struct ledger_record records[3], size_t ends[3]) {
    records[0] = ended("first", NOW_MS);
    records[1] = begun("second", NOW_MS + 1);
    records[2] = ended("third", NOW_MS + 2);
    for (size_t i = 0; i < 3; i++) {
        ledger_record_pack(&records[i], out);
        ends[i] = out->len;
    }
}

static void each_torn_tail_is_cut_and_written_over(void) {
    char *folder = check_folder_make();
    struct ledger_record records[3], fresh = ended("fresh", NOW_MS + 9);
    size_t ends[3];
    struct buf all = { 0 };

    pack_three(&all, records, ends);
    for (size_t len = 0; len <= all.len; len++) {
        write_file(folder, slice_of(all.data, len));
        struct ledger *ledger = ledger_new(folder, LEDGER_COUNT_MAX);
        for (size_t i = 0; i < 3; i++)
            CHECK_INT(look(ledger, &records[i]), len >= ends[i] ? 0 : LEDGER_E_NONE);
        put(ledger, &fresh);
        ledger_free(ledger);
        ledger = ledger_new(folder, LEDGER_COUNT_MAX);
        for (size_t i = 0; i < 3; i++)
            CHECK_INT(look(ledger, &records[i]), len >= ends[i] ? 0 : LEDGER_E_NONE);
        CHECK_INT(look(ledger, &fresh), 0);
        ledger_free(ledger);
    }
    buf_done(&all);
    check_folder_remove(folder);
}

static void a_flipped_bit_costs_its_own_record_alone(void) {
    char *folder = check_folder_make();
    struct ledger_record records[3];
    size_t ends[3];
    struct buf all = { 0 };

    pack_three(&all, records, ends);
    for (size_t bit = 0; bit < 8 * all.len; bit++) {
        size_t hit = bit / 8 < ends[0] ? 0 : bit / 8 < ends[1] ? 1 : 2;
        all.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(folder, buf_slice(&all));
        struct ledger *ledger = ledger_new(folder, LEDGER_COUNT_MAX);
        for (size_t i = 0; i < 3; i++)
            CHECK_INT(look(ledger, &records[i]), i == hit ? LEDGER_E_NONE : 0);
        ledger_free(ledger);
        all.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&all);
    check_folder_remove(folder);
}

static void the_newest_record_of_an_operation_counts_wherever_it_stands(void) {
    char *folder = check_folder_make();
    struct ledger_record a = begun("a", NOW_MS), b = begun("b", NOW_MS);
    struct ledger_record a_end = ended("a", NOW_MS), b_end = ended("b", NOW_MS);
    struct buf all = { 0 };

    ledger_record_pack(&a, &all);
    ledger_record_pack(&b, &all);
    buf_add_text(&all, "rAc1rAc1 nothing of ours");
    ledger_record_pack(&b_end, &all);
    ledger_record_pack(&a_end, &all);
    write_file(folder, buf_slice(&all));
    struct ledger *ledger = ledger_new(folder, LEDGER_COUNT_MAX);
    CHECK_INT(look(ledger, &a_end), 0);
    CHECK_INT(look(ledger, &b_end), 0);
    ledger_free(ledger);
    buf_done(&all);
    check_folder_remove(folder);
}

static void a_full_ledger_takes_no_more_until_a_day_has_passed(void) {
    char *folder = check_folder_make();
    struct ledger *ledger = ledger_new(folder, 3);
    struct ledger_record first = begun("1", NOW_MS), second = begun("2", NOW_MS + 1);
    struct ledger_record third = begun("3", NOW_MS + 2);
    struct ledger_record late = begun("4", NOW_MS + DAY_MS - 1);
    struct ledger_record later = begun("4", NOW_MS + DAY_MS);

    put(ledger, &first);
    put(ledger, &second);
    put(ledger, &third);
    CHECK_INT(ledger_put(ledger, &late), LEDGER_E_FULL);
    first.ended_ms = NOW_MS + 3;
    put(ledger, &first); /* what was begun may end */
    put(ledger, &later);
    CHECK_INT(look(ledger, &first), LEDGER_E_NONE);
    CHECK_INT(look(ledger, &second), 0);
    ledger_free(ledger);
    ledger = ledger_new(folder, 3);
    CHECK_INT(look(ledger, &first), LEDGER_E_NONE);
    CHECK_INT(look(ledger, &later), 0);
    ledger_free(ledger);
    check_folder_remove(folder);
}

static off_t size_of(const struct ledger *ledger) {
    struct stat facts;
    CHECK_INT(stat(ledger_path(ledger), &facts), 0);
    return facts.st_size;
}

static void a_file_of_old_operations_is_made_small_again(void) {
    char *folder = check_folder_make();
    struct ledger *ledger = ledger_new(folder, 4);
    char *text = mem_new(LEDGER_RECORD_TEXT_MAX + 1);
    off_t most = 0;

    memset(text, 'x', LEDGER_RECORD_TEXT_MAX);
    for (int i = 0; i < 1000; i++) {
        auto_(mem_freep) char *id = mem_printf("%d", i);
        struct ledger_record record = ended(id, NOW_MS + (int64_t)i * DAY_MS);
        record.what = slice_of_text(text);
        put(ledger, &record);
        CHECK_INT(look(ledger, &record), 0);
        most = size_of(ledger) > most ? size_of(ledger) : most;
    }
    CHECK(most < 300 << 10);
    struct ledger_record last = ended("999", NOW_MS + (int64_t)999 * DAY_MS);
    last.what = slice_of_text(text);
    ledger_free(ledger);
    ledger = ledger_new(folder, 4);
    CHECK_INT(look(ledger, &last), 0);
    ledger_free(ledger);
    free(text);
    check_folder_remove(folder);
}

/* A disk with so many bytes left. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit = { bytes, RLIM_INFINITY };
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_refuses_and_spoils_nothing(void) {
    char *folder = check_folder_make();
    struct ledger *ledger = ledger_new(folder, LEDGER_COUNT_MAX);
    struct ledger_record a = begun("a", NOW_MS), b = begun("b", NOW_MS);

    signal(SIGXFSZ, SIG_IGN);
    put(ledger, &a);
    rlim_t before = (rlim_t)size_of(ledger);
    for (rlim_t left = 0; left < 40; left++) {
        limit_files(before + left);
        CHECK_INT(ledger_put(ledger, &b), -EFBIG);
        limit_files(RLIM_INFINITY);
        CHECK_INT(size_of(ledger), before);
        CHECK_INT(look(ledger, &a), 0);
        CHECK_INT(look(ledger, &b), LEDGER_E_NONE);
    }
    put(ledger, &b);
    CHECK_INT(look(ledger, &b), 0);
    ledger_free(ledger);
    check_folder_remove(folder);
}

static void a_place_that_cannot_be_written_is_an_error(void) {
    char *folder = check_folder_make();
    char *path = file_join(folder, "operations");
    struct ledger *ledger = ledger_new("/nowhere/at/all", 4);
    struct ledger_record a = begun("a", NOW_MS);

    CHECK_INT(ledger_put(ledger, &a), -ENOENT);
    CHECK_INT(look(ledger, &a), -ENOENT);
    ledger_free(ledger);
    CHECK_INT(symlink("elsewhere", path), 0);
    ledger = ledger_new(folder, 4);
    CHECK_INT(ledger_put(ledger, &a), -ELOOP);
    ledger_free(ledger);
    free(path);
    check_folder_remove(folder);
}

TESTS(TEST(what_was_put_is_found_after_a_restart),
      TEST(long_texts_are_cut_and_long_responses_left_out),
      TEST(each_torn_tail_is_cut_and_written_over),
      TEST(a_flipped_bit_costs_its_own_record_alone),
      TEST(the_newest_record_of_an_operation_counts_wherever_it_stands),
      TEST(a_full_ledger_takes_no_more_until_a_day_has_passed),
      TEST(a_file_of_old_operations_is_made_small_again),
      TEST(a_full_disk_refuses_and_spoils_nothing),
      TEST(a_place_that_cannot_be_written_is_an_error))
