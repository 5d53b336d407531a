#include "agent/spool/spool_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/spool/spool_clock.h"
#include "agent/spool/spool_load.h"
#include "agent/spool/spool_reader.h"
#include "agent/spool/spool_segment.h"
#include "agent/spool/spool_testing.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum { SERIES = 20, TEXT_MAX = 400 };

static const struct spool_cursor from_start = { 0 };

/* A folder for one test, and the series of its samples. */
struct rig {
    char dir[64];
    struct testing_series series;
};

static void open_rig(struct rig *rig) {
    log_set_level((enum log_level)0); /* damage is wanted here */
    strcpy(rig->dir, "/tmp/roost-spool-XXXXXX");
    CHECK(mkdtemp(rig->dir));
    testing_series_init(&rig->series, 1, SERIES);
}

/* Calls visit with each file, in any order. */
static void each_file(const struct rig *rig,
                      void (*visit)(const char *path, void *arg),
                      void *arg) {
    DIR *dir = opendir(rig->dir);
    struct dirent *entry;

    while ((entry = readdir(dir))) {
        char path[TEXT_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", rig->dir, entry->d_name);
        visit(path, arg);
    }
    closedir(dir);
}

static void remove_file(const char *path, void *arg) {
    CHECK_INT(unlink(path), 0);
}

static void count_file(const char *path, void *arg) {
    ++*(unsigned *)arg;
}

static unsigned count_files(const struct rig *rig) {
    unsigned count = 0;
    each_file(rig, count_file, &count);
    return count;
}

static void close_rig(struct rig *rig) {
    each_file(rig, remove_file, NULL);
    CHECK_INT(rmdir(rig->dir), 0);
    testing_series_done(&rig->series);
}

/* No test cuts the power. */
static void close_only(void *arg, int fd) {
    close(fd);
}

static struct spool *open_spool(const struct rig *rig, uint64_t epoch, const char *boot) {
    struct spool_config config = {
        .start = { .epoch = epoch, .interval_ms = 5000 },
        .bytes_max = 1 << 20,
        .dir = rig->dir,
        .sync = close_only,
    };
    snprintf((char *)config.start.boot_id, SPOOL_BOOT_ID_LEN, "%s", boot);
    return spool_new(&config);
}

static void take_many(struct spool *spool, const struct rig *rig, unsigned count) {
    while (count-- > 0)
        testing_take(spool, &rig->series);
}

/* Everything there is, from the oldest; epochs are 1, 2, ... and rows must be whole and
 * in order. ret_rows[epoch] is how many there were. */
static uint64_t read_all(struct spool *spool, unsigned *ret_rows, size_t epochs) {
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    uint64_t epoch = 0, seq = 0, lost = 0;
    struct spool_item item;

    memset(ret_rows, 0, (epochs + 1) * sizeof(*ret_rows));
    while (spool_reader_next(reader, &item) == 0) {
        uint64_t now = spool_era_start(item.era)->epoch;
        CHECK(now >= epoch && now <= epochs);
        CHECK(item.first_seq == (now == epoch ? seq : 0) + 1 || lost > 0 || now > epoch);
        epoch = now;
        seq = item.last_seq;
        if (item.kind == SPOOL_ITEM_LOST) {
            lost += item.last_seq + 1 - item.first_seq;
        } else {
            testing_check_row(&item);
            ret_rows[epoch]++;
        }
    }
    spool_reader_free(reader);
    return lost;
}

static void what_an_agent_left_comes_first(void) {
    struct rig rig;
    unsigned rows[6];

    open_rig(&rig);
    for (unsigned epoch = 1; epoch <= 5; epoch++) {
        struct spool *spool = open_spool(&rig, epoch, epoch < 3 ? "one" : "two");
        take_many(spool, &rig, 100 * epoch);
        CHECK(read_all(spool, rows, epoch) == 0);
        for (unsigned i = 1; i <= epoch; i++)
            CHECK(rows[i] == 100 * i);
        spool_free(spool);
    }
    close_rig(&rig);
}

static void a_cursor_of_an_earlier_epoch_is_known(void) {
    struct rig rig;
    unsigned rows[3];
    struct spool_item item;

    open_rig(&rig);
    struct spool *spool = open_spool(&rig, 1, "one");
    take_many(spool, &rig, 300);
    spool_free(spool);
    spool = open_spool(&rig, 2, "one");
    take_many(spool, &rig, 10);
    for (uint64_t seq = 0; seq <= 300; seq += 50) {
        struct spool_cursor after = { .epoch = 1, .seq = seq };
        struct spool_reader *reader = spool_reader_new(spool, after);
        CHECK_INT(spool_reader_next(reader, &item), 0);
        testing_check_row(&item);
        CHECK(spool_era_start(item.era)->epoch == (seq < 300 ? 1 : 2));
        CHECK(item.first_seq == (seq < 300 ? seq + 1 : 1));
        spool_reader_free(reader);
    }
    read_all(spool, rows, 2);
    CHECK(rows[1] == 0 && rows[2] == 10);
    spool_free(spool);
    close_rig(&rig);
}

static void what_is_durable_leaves_the_disk(void) {
    struct rig rig;
    struct spool_cursor cursor = { .epoch = 1 };
    struct spool_stats stats;
    unsigned rows[3];

    open_rig(&rig);
    struct spool *spool = open_spool(&rig, 1, "one");
    for (unsigned i = 0; i < 1000; i++) {
        take_many(spool, &rig, 50);
        cursor.seq += 50;
        spool_durable(spool, cursor);
        spool_get_stats(spool, &stats);
        CHECK(stats.disk_bytes < 400 << 10);
    }
    take_many(spool, &rig, 7);
    CHECK(count_files(&rig) <= 3);
    spool_free(spool);

    /* And what was acknowledged is neither sent again nor told as lost. */
    spool = open_spool(&rig, 2, "one");
    struct spool_reader *reader = spool_reader_new(spool, cursor);
    struct spool_item item;
    for (unsigned i = 1; i <= 7; i++) {
        CHECK_INT(spool_reader_next(reader, &item), 0);
        testing_check_row(&item);
        CHECK(item.first_seq == 50000 + i);
    }
    CHECK_INT(spool_reader_next(reader, &item), SPOOL_READER_E_END);
    spool_reader_free(reader);
    spool_get_stats(spool, &stats);
    CHECK(stats.waiting == 7);
    CHECK(read_all(spool, rows, 2) == 0);
    spool_free(spool);
    close_rig(&rig);
}

static void a_second_agent_does_not_get_the_folder(void) {
    struct rig rig;
    unsigned rows[3];

    open_rig(&rig);
    struct spool *one = open_spool(&rig, 1, "one");
    take_many(one, &rig, 5);
    struct spool *two = open_spool(&rig, 2, "one");
    take_many(two, &rig, 5);
    CHECK(read_all(two, rows, 2) == 0);
    CHECK(rows[1] == 0 && rows[2] == 5);
    spool_free(two);
    take_many(one, &rig, 5);
    spool_free(one);
    one = open_spool(&rig, 2, "one");
    CHECK(read_all(one, rows, 2) == 0);
    CHECK(rows[1] == 10);
    spool_free(one);
    close_rig(&rig);
}

/* The one segment of a folder. */
static void find_file(const char *path, void *arg) {
    snprintf(arg, TEXT_MAX, "%s", path);
}

static void write_file(const char *path, struct slice bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

/* How many rows of epoch 1 a spool finds in what the file now holds. */
static unsigned count_found(const struct rig *rig, uint64_t *ret_damaged) {
    struct spool *spool = open_spool(rig, 2, "one");
    struct spool_stats stats;
    unsigned rows[3];

    read_all(spool, rows, 2);
    spool_get_stats(spool, &stats);
    *ret_damaged = stats.damaged;
    CHECK(rows[1] == stats.loaded);
    spool_free(spool);
    return rows[1];
}

static void a_torn_tail_costs_only_what_was_not_whole(void) {
    struct rig rig;
    char path[TEXT_MAX];
    struct buf bytes = { 0 };
    unsigned before = 0;
    uint64_t damaged;

    open_rig(&rig);
    struct spool *spool = open_spool(&rig, 1, "one");
    take_many(spool, &rig, 40);
    spool_free(spool);
    each_file(&rig, find_file, path);
    CHECK_INT(file_read(path, 1 << 20, &bytes), 0);
    for (size_t len = 0; len <= bytes.len; len++) {
        write_file(path, slice_of(bytes.data, len));
        unsigned found = count_found(&rig, &damaged);
        CHECK(found == before || found == before + 1);
        before = found;
        each_file(&rig, remove_file, NULL);
    }
    CHECK(before == 40 && damaged == 0);
    buf_done(&bytes);
    close_rig(&rig);
}

static void a_flipped_bit_is_noticed(void) {
    struct rig rig;
    char path[TEXT_MAX];
    struct buf bytes = { 0 };
    uint64_t damaged;

    open_rig(&rig);
    struct spool *spool = open_spool(&rig, 1, "one");
    take_many(spool, &rig, 20);
    spool_free(spool);
    each_file(&rig, find_file, path);
    CHECK_INT(file_read(path, 1 << 20, &bytes), 0);
    for (size_t i = 0; i < bytes.len * 8; i += 5) {
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        write_file(path, buf_slice(&bytes));
        CHECK(count_found(&rig, &damaged) < 20);
        CHECK(damaged == 1);
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        each_file(&rig, remove_file, NULL);
    }
    buf_done(&bytes);
    close_rig(&rig);
}

static void damage_in_the_middle_leaves_the_other_segments(void) {
    struct rig rig;
    unsigned rows[4];

    open_rig(&rig);
    for (unsigned epoch = 1; epoch <= 3; epoch++) {
        struct spool *spool = open_spool(&rig, epoch, "one");
        take_many(spool, &rig, 2000);
        spool_free(spool);
        char path[TEXT_MAX];
        snprintf(path, sizeof(path), "%s/%016x.spool", rig.dir, 1);
        if (epoch > 1)
            continue;
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        CHECK(fd >= 0 && pwrite(fd, "damage", 6, 20000) == 6);
        close(fd);
    }
    struct spool *spool = open_spool(&rig, 4, "one");
    struct spool_stats stats;
    spool_get_stats(spool, &stats);
    CHECK(stats.damaged == 1);
    uint64_t lost = read_all(spool, rows, 3);
    CHECK(rows[1] > 100 && rows[1] < 2000);
    CHECK(rows[2] == 2000 && rows[3] == 2000);
    CHECK(lost <= 2000 - rows[1]);
    spool_free(spool);
    close_rig(&rig);
}

/* A limit on the size of files stands for a disk that is full. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_made_up_for_when_it_has_room_again(void) {
    struct rig rig;
    struct spool_stats stats;
    unsigned rows[3];

    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < 7000; limit += 777) {
        open_rig(&rig);
        struct spool *spool = open_spool(&rig, 1, "one");
        take_many(spool, &rig, 3);
        limit_files(limit);
        take_many(spool, &rig, 500);
        spool_get_stats(spool, &stats);
        CHECK(!stats.is_on_disk);
        CHECK(stats.held == 503);
        limit_files(RLIM_INFINITY);
        take_many(spool, &rig, 10); /* 50 s: it is tried again */
        spool_get_stats(spool, &stats);
        CHECK(stats.is_on_disk);
        spool_free(spool);
        spool = open_spool(&rig, 2, "one");
        spool_get_stats(spool, &stats);
        CHECK(stats.damaged == 0);
        CHECK(read_all(spool, rows, 2) == 0);
        CHECK(rows[1] == 513);
        spool_free(spool);
        close_rig(&rig);
    }
}

static void it_is_bounded_by_the_same_bytes(void) {
    struct rig rig;
    struct spool_stats stats;

    open_rig(&rig);
    struct spool *spool = open_spool(&rig, 1, "one");
    for (unsigned i = 0; i < 400; i++) {
        take_many(spool, &rig, 200);
        spool_get_stats(spool, &stats);
        CHECK(stats.disk_bytes < 2 << 20);
    }
    CHECK(stats.dropped > 0);
    spool_free(spool);
    close_rig(&rig);
}

/* At any moment the process may end: what was taken is there. */
static void a_killed_agent_loses_nothing(void) {
    struct rig rig;
    unsigned rows[12];

    open_rig(&rig);
    for (unsigned epoch = 1; epoch <= 10; epoch++) {
        int pipes[2];
        char byte;
        CHECK_INT(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            struct spool *spool = open_spool(&rig, epoch, "one");
            for (unsigned i = 0; i < epoch * 17; i++) {
                testing_take(spool, &rig.series);
                if (write(pipes[1], "x", 1) != 1)
                    _exit(1);
            }
            kill(getpid(), SIGKILL);
        }
        for (unsigned i = 0; i < epoch * 17; i++)
            CHECK(read(pipes[0], &byte, 1) == 1);
        CHECK(waitpid(child, NULL, 0) == child);
        close(pipes[0]);
        close(pipes[1]);
    }
    struct spool *spool = open_spool(&rig, 11, "one");
    CHECK(read_all(spool, rows, 11) == 0);
    for (unsigned epoch = 1; epoch <= 10; epoch++)
        CHECK(rows[epoch] == epoch * 17);
    spool_free(spool);
    close_rig(&rig);
}

/* One sample at a given pair of clocks. */
static void take_at(struct spool *spool, const struct rig *rig, struct spool_anchor at) {
    int64_t values[SERIES] = { 0 };
    struct spool_sample sample = {
        .at = at,
        .catalogue_id = 1,
        .series = rig->series.infos,
        .count = SERIES,
        .values = values,
    };
    spool_take(spool, &sample);
}

static void boots_are_placed_on_the_wall_clock(void) {
    static const int64_t noon = 1800000000000, hour = 3600000;
    static const struct {
        const char *boot;
        struct spool_anchor at;
        int64_t wall_of_start; /* wanted: when the boot began */
    } rows[] = {
        { "one", { 1000, noon }, noon - 1000 },
        { "two", { 5000, 9000 }, 0 }, /* the clock was never set: see below */
        { "three", { 7000, noon + hour }, noon + hour - 7000 },
        { "three", { 17000, 17000 }, noon + hour - 7000 }, /* the clock stepped back */
        { "four", { 3000, noon + 2 * hour }, noon + 2 * hour - 3000 },
    };
    struct spool_anchor now = { 4000, noon + 3 * hour };
    enum { COUNT = sizeof(rows) / sizeof(rows[0]) };
    struct rig rig;
    struct spool_item item;

    open_rig(&rig);
    for (size_t i = 0; i < COUNT; i++) {
        struct spool *spool = open_spool(&rig, i + 1, rows[i].boot);
        take_at(spool, &rig, rows[i].at);
        spool_free(spool);
    }
    struct spool *spool = open_spool(&rig, 9, "four");
    struct spool_reader *reader = spool_reader_new(spool, from_start);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(spool_reader_next(reader, &item), 0);
        struct spool_anchor at = spool_clock_of(spool, item.era, &now);
        int64_t start = at.wall_ms - (int64_t)at.boot_ms;
        if (strcmp(rows[i].boot, "two") == 0)
            CHECK(start + 5000 == noon + hour - 7000 - 1);
        else if (strcmp(rows[i].boot, "four") == 0)
            CHECK(start == now.wall_ms - (int64_t)now.boot_ms);
        else
            CHECK(start == rows[i].wall_of_start);
    }
    spool_reader_free(reader);
    spool_free(spool);
    close_rig(&rig);
}

TESTS(TEST(what_an_agent_left_comes_first),
      TEST(a_cursor_of_an_earlier_epoch_is_known),
      TEST(what_is_durable_leaves_the_disk),
      TEST(a_second_agent_does_not_get_the_folder),
      TEST(a_torn_tail_costs_only_what_was_not_whole),
      TEST(a_flipped_bit_is_noticed),
      TEST(damage_in_the_middle_leaves_the_other_segments),
      TEST(a_full_disk_is_made_up_for_when_it_has_room_again),
      TEST(it_is_bounded_by_the_same_bytes),
      TEST(a_killed_agent_loses_nothing),
      TEST(boots_are_placed_on_the_wall_clock))
