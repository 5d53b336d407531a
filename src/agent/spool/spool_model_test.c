/* What a spool on disk must hold after any order of takes, acknowledgements, ends and
 * failures, against a model that only counts. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/spool/spool.h"
#include "agent/spool/spool_reader.h"
#include "agent/spool/spool_testing.h"
#include "base/check.h"
#include "base/log.h"

enum { EPOCHS_MAX = 64, STEPS = 1000, SERIES_COUNT = 3 };

struct model {
    char dir[64];
    struct spool *spool; /* owned */
    struct testing_series series[SERIES_COUNT];
    uint64_t random;
    uint64_t epoch;                 /* of the spool that is open; they count up from 1 */
    uint64_t taken[EPOCHS_MAX + 1]; /* by epoch */
    uint64_t done[EPOCHS_MAX + 1];  /* durable */
    uint64_t torn[EPOCHS_MAX + 1];  /* how many of the newest may be missing */
    bool is_full;                   /* the disk is */
};

static unsigned chance(struct model *model, unsigned limit) {
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(model->random >> 33) % limit;
}

static void close_only(void *arg, int fd) {
    close(fd);
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void open_spool(struct model *model) {
    struct spool_config config = {
        .start = { .epoch = ++model->epoch, .interval_ms = 5000 },
        .bytes_max = 4 << 20, /* nothing is dropped here */
        .dir = model->dir,
        .sync = close_only,
    };

    CHECK(model->epoch <= EPOCHS_MAX);
    config.start.boot_id[0] = (uint8_t)(model->epoch / 3);
    model->spool = spool_new(&config);
}

static void open_model(struct model *model, uint64_t seed) {
    *model = (struct model) { .dir = "/tmp/roost-model-XXXXXX", .random = seed };
    log_set_level((enum log_level)0);
    CHECK(mkdtemp(model->dir));
    for (unsigned i = 0; i < SERIES_COUNT; i++)
        testing_series_init(&model->series[i], i + 1, 5 + i);
    open_spool(model);
}

static void remove_all(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;

    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            CHECK_INT(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
    CHECK_INT(rmdir(path), 0);
}

static void close_model(struct model *model) {
    limit_files(RLIM_INFINITY);
    spool_free(model->spool);
    remove_all(model->dir);
    for (unsigned i = 0; i < SERIES_COUNT; i++)
        testing_series_done(&model->series[i]);
}

/* What comes next in the order of the spool is right; counts rows of each epoch that are
 * not durable. */
static void count_rows(struct model *model, uint64_t *ret_rows) {
    struct spool_cursor from_start = { 0 };
    struct spool_reader *reader = spool_reader_new(model->spool, from_start);
    uint64_t epoch = 0, seq = 0;
    struct spool_item item;

    memset(ret_rows, 0, (EPOCHS_MAX + 1) * sizeof(*ret_rows));
    while (spool_reader_next(reader, &item) == 0) {
        uint64_t now = spool_era_start(item.era)->epoch;
        CHECK(now > epoch || (now == epoch && item.first_seq > seq));
        epoch = now;
        seq = item.last_seq;
        if (item.kind == SPOOL_ITEM_LOST) {
            /* A full disk could not note what was durable. */
            CHECK(model->torn[epoch] > 0 || seq <= model->done[epoch]);
            continue;
        }
        testing_check_row(&item);
        ret_rows[epoch] += seq > model->done[epoch];
    }
    spool_reader_free(reader);
}

/* All that was taken and is not durable is there, but for what a power loss took. */
static void check_model(struct model *model) {
    uint64_t rows[EPOCHS_MAX + 1];

    count_rows(model, rows);
    for (uint64_t epoch = 1; epoch <= model->epoch; epoch++) {
        uint64_t wanted = model->taken[epoch] - model->done[epoch];
        CHECK(rows[epoch] <= wanted);
        CHECK(rows[epoch] + model->torn[epoch] >= wanted);
    }
}

static void take_some(struct model *model) {
    const struct testing_series *series =
        &model->series[chance(model, 20) == 0 ? chance(model, SERIES_COUNT) : 0];

    for (unsigned left = chance(model, 200); left > 0; left--) {
        testing_take(model->spool, series);
        model->taken[model->epoch]++;
    }
}

static void acknowledge(struct model *model) {
    uint64_t epoch = model->epoch - chance(model, 2);
    struct spool_cursor cursor = { .epoch = epoch };

    if (epoch == 0 || model->taken[epoch] == 0)
        return;
    cursor.seq = 1 + chance(model, (unsigned)model->taken[epoch]);
    if (!spool_durable(model->spool, cursor))
        return; /* all of it was durable before */
    for (uint64_t older = 1; older < epoch; older++)
        model->done[older] = model->taken[older];
    if (cursor.seq > model->done[epoch])
        model->done[epoch] = cursor.seq;
}

/* The newest file loses its tail. */
static void tear(struct model *model) {
    char newest[80] = "";
    DIR *dir = opendir(model->dir);
    struct dirent *entry;

    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, newest) > 0 && strstr(entry->d_name, ".spool"))
            snprintf(newest, sizeof(newest), "%.70s", entry->d_name);
    int fd = openat(dirfd(dir), newest, O_RDWR | O_CLOEXEC);
    off_t len = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    if (len > 0)
        CHECK_INT(ftruncate(fd, len - 1 - (off_t)chance(model, (unsigned)len)), 0);
    if (fd >= 0)
        close(fd);
    closedir(dir);
}

static void start_anew(struct model *model) {
    struct spool_stats stats;

    if (model->epoch == EPOCHS_MAX)
        return;
    spool_get_stats(model->spool, &stats);
    spool_free(model->spool);
    if (!stats.is_on_disk) /* it ended while the disk was full */
        model->torn[model->epoch] = model->taken[model->epoch];
    if (chance(model, 3) == 0) {
        tear(model);
        for (uint64_t epoch = 1; epoch <= model->epoch; epoch++)
            model->torn[epoch] = model->taken[epoch];
    }
    open_spool(model);
}

static void step(struct model *model) {
    unsigned what = chance(model, 100);

    if (what < 60)
        take_some(model);
    else if (what < 90)
        acknowledge(model);
    else if (what < 94)
        start_anew(model);
    else if (what < 96)
        limit_files((model->is_full = !model->is_full) ? chance(model, 4000)
                                                       : RLIM_INFINITY);
    else
        check_model(model);
}

static void whatever_happens_nothing_is_lost_or_doubled(void) {
    signal(SIGXFSZ, SIG_IGN);
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct model model;
        open_model(&model, seed);
        for (unsigned i = 0; i < STEPS; i++)
            step(&model);
        check_model(&model);
        close_model(&model);
    }
}

TESTS(TEST(whatever_happens_nothing_is_lost_or_doubled))
