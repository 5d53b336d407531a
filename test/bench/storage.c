/*
 * storage roost|rows|wide|codec FILE METRIC SINCE_MS UNTIL_MS POINTS < RECORDING
 *
 * Puts a recording (as test/bench/record writes it, with wall times) into a new database
 * FILE: the hub's own store, or SQLite tables as one would make them without thinking
 * long (a row for each sample, or for each moment with a column for each series). Then
 * asks POINTS points of METRIC over and over. Prints one line:
 *
 *   {"samples":N,"seconds":S,"bytes":N,"used":N,"raw":N,"query_us":N,"worst_us":N}
 *
 * With codec instead (FILE and all after it count for nothing) it packs chunks of an hour
 * and unpacks their columns, in memory, and prints the median times:
 *
 *   {"chunk_us":N,"column_us":N,"bytes":N}
 *
 * bytes: of the file; used: of its pages that are in use; raw (roost only): of the chunks
 * with the samples as they came.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "store/chunk/chunk.h"
#include "store/history/history.h"
#include "store/store.h"
#include "wire/sample.h"

enum {
    SERIES_MAX = 512,
    ROUNDS = 300, /* of the query */
    MEDIAN = ROUNDS / 2,
    FLUSH_ROWS = 2000,
    HOUR_MS = 3600 * 1000,
    PATIENCE_MS = 60 * 1000, /* for the compaction */
    CALM = 50,
};

struct recording {
    char *names[SERIES_MAX]; /* owned */
    unsigned scales[SERIES_MAX];
    size_t series;
    int64_t *times;  /* owned */
    int64_t *values; /* owned; series_count for each row */
    size_t rows;
    size_t samples; /* that are there */
};

struct question {
    const char *metric;
    int64_t since_ms;
    int64_t until_ms;
    size_t points;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "storage: %s: %s\n", what, why);
    exit(1);
}

/* --- The recording -------------------------------------------------------------------
 */

static void read_catalogue(struct recording *recording, char *text) {
    for (char *rest, *word = strtok_r(text, " \n", &rest); word;
         word = strtok_r(NULL, " \n", &rest)) {
        char *scale = strrchr(word, ':');
        if (!scale || recording->series == SERIES_MAX)
            die(word, "no catalogue");
        *scale = '\0';
        recording->scales[recording->series] = (unsigned)strtoul(scale + 1, NULL, 10);
        recording->names[recording->series++] = mem_strdup(word);
    }
}

static void read_row(struct recording *recording, const char *text) {
    size_t row = recording->rows++, series = recording->series;
    char *at;

    if ((row & (row + 1)) == 0) { /* as many again */
        recording->times = mem_grow(recording->times, (row + 1) * 2 * sizeof(int64_t));
        recording->values =
            mem_grow(recording->values, (row + 1) * 2 * series * sizeof(int64_t));
    }
    recording->times[row] = strtoll(text, &at, 10);
    for (size_t i = 0; i < series; i++) {
        bool is_there = strncmp(at, " -", 2) != 0 || (at[2] != ' ' && at[2] != '\n');
        int64_t *value = &recording->values[row * series + i];
        *value = is_there ? strtoll(at, &at, 10) : SAMPLE_ABSENT;
        at += is_there ? 0 : 2;
        recording->samples += is_there;
    }
}

static void recording_read(struct recording *recording, FILE *file) {
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, file) > 0) {
        if (strncmp(line, "catalogue ", 10) == 0)
            read_catalogue(recording, line + 10);
        else
            read_row(recording, line);
    }
    free(line);
    if (recording->rows == 0)
        die("standard input", "no rows");
}

static void recording_done(struct recording *recording) {
    for (size_t i = 0; i < recording->series; i++)
        free(recording->names[i]);
    free(recording->times);
    free(recording->values);
}

/* --- What comes out ------------------------------------------------------------------
 */

struct result {
    double seconds;
    uint64_t raw; /* bytes; 0: not told */
    uint64_t took_ns[ROUNDS];
};

static int compare_times(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
        die(text, sqlite3_errmsg(db));
    return statement;
}

static int64_t pragma(sqlite3 *db, const char *text) {
    sqlite3_stmt *statement = prepare(db, text);
    if (sqlite3_step(statement) != SQLITE_ROW)
        die(text, sqlite3_errmsg(db));
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static void print_result(struct result *result,
                         const struct recording *recording,
                         const char *path) {
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, "cannot be opened");
    int64_t page = pragma(db, "PRAGMA page_size"),
            pages = pragma(db, "PRAGMA page_count");
    int64_t unused = pragma(db, "PRAGMA freelist_count");
    sqlite3_close(db);

    qsort(result->took_ns, ROUNDS, sizeof(*result->took_ns), compare_times);
    printf("{\"samples\":%zu,\"seconds\":%.3f,\"bytes\":%" PRId64 ",\"used\":%" PRId64
           ",",
           recording->samples, result->seconds, pages * page, (pages - unused) * page);
    if (result->raw > 0)
        printf("\"raw\":%" PRIu64 ",", result->raw);
    printf("\"query_us\":%.1f,\"worst_us\":%.1f}\n",
           (double)result->took_ns[MEDIAN] / 1e3,
           (double)result->took_ns[ROUNDS - 1] / 1e3);
}

/* --- The hub's store -----------------------------------------------------------------
 */

struct hub {
    struct loop *loop;
    struct store *store;
    struct history *history;
    struct history_watcher watcher;
    struct timer timer;
    int64_t now_ms;
    uint64_t raw;
    uint64_t values; /* in the raw tier */
    uint64_t journal;
    uint64_t file;
    unsigned calm; /* times that the file has been as long as before */
    size_t got;    /* points that are there */
};

static int64_t now_of(void *arg) {
    return ((struct hub *)arg)->now_ms;
}

static void on_durable(struct history_watcher *watcher, struct history_cursor durable) {
    loop_stop(container_of(watcher, struct hub, watcher)->loop);
}

static void hub_open(struct hub *hub, const char *path) {
    struct store_facts facts;
    char *why = NULL;

    hub->loop = loop_new();
    if (store_open(path, &hub->store, &why) != 0)
        die(path, why);
    if (store_start(hub->store, hub->loop, 100, &facts) != 0)
        die(path, "does not start");
    struct history_config config = {
        .loop = hub->loop,
        .store = hub->store,
        .compact_ms = 50,
        .now_ms = now_of,
        .arg = hub,
        .retention_ms = { [TIER_RAW] = 48 * (int64_t)HOUR_MS,
                          [TIER_1M] = 30 * 24 * (int64_t)HOUR_MS,
                          [TIER_15M] = 365 * 24 * (int64_t)HOUR_MS,
                          [TIER_2H] = 5 * 365 * 24 * (int64_t)HOUR_MS },
    };
    if (history_new(&config, &hub->history, &why) != 0)
        die(path, why);
    hub->watcher = (struct history_watcher) { .node = "host", .on_durable = on_durable };
    history_watch(hub->history, &hub->watcher);
}

static void hub_close(struct hub *hub) {
    timer_stop(&hub->timer);
    history_unwatch(&hub->watcher);
    hub->history = history_free(hub->history);
    hub->store = store_close(hub->store);
    hub->loop = loop_free(hub->loop);
}

static void flush(struct hub *hub) {
    history_flush(hub->history);
    loop_run(hub->loop);
}

static void append_all(struct hub *hub, const struct recording *recording) {
    struct history_metric metrics[SERIES_MAX];

    for (size_t i = 0; i < recording->series; i++)
        metrics[i] = (struct history_metric) { .name = recording->names[i],
                                               .unit = "1",
                                               .scale = recording->scales[i] };
    struct history_catalogue *catalogue =
        history_catalogue_new(metrics, recording->series, 5000);
    for (size_t row = 0; row < recording->rows; row++) {
        struct history_cursor cursor = { .epoch = 1, .seq = row + 1 };
        hub->now_ms = recording->times[row];
        int r = history_append(hub->history, "host", cursor, hub->now_ms, catalogue,
                               &recording->values[row * recording->series]);
        if (r != 0)
            die("history_append", "refused");
        if (row % FLUSH_ROWS == FLUSH_ROWS - 1 || row + 1 == recording->rows)
            flush(hub);
    }
    history_catalogue_release(catalogue);
}

static void on_usage(void *arg,
                     int result,
                     uint64_t database_bytes,
                     uint64_t journal_bytes,
                     const struct history_usage *usage,
                     size_t count) {
    struct hub *hub = arg;

    hub->calm = database_bytes == hub->file ? hub->calm + 1 : 0;
    hub->file = database_bytes;
    hub->journal = journal_bytes;
    if (result == 0 && count == 1) {
        hub->raw = usage->tiers[TIER_RAW].bytes;
        hub->values = usage->tiers[TIER_RAW].values;
    }
    loop_stop(hub->loop);
}

static void on_timer(struct timer *timer) {
    struct hub *hub = container_of(timer, struct hub, timer);
    history_ask_usage(hub->history, on_usage, hub);
}

/* Are all samples in chunks, and has the file given back what the journal took? */
static bool is_compact(const struct hub *hub, const struct recording *recording) {
    return hub->values == recording->samples && hub->journal == 0 && hub->calm >= CALM;
}

/* Hours later. */
static void compact(struct hub *hub, const struct recording *recording) {
    uint64_t until = clock_boot_ms() + PATIENCE_MS;

    hub->now_ms += 3 * HOUR_MS;
    hub->timer.fire = on_timer;
    while (!is_compact(hub, recording) && clock_boot_ms() < until) {
        timer_start(hub->loop, &hub->timer, 20);
        loop_run(hub->loop);
    }
    if (!is_compact(hub, recording))
        fprintf(stderr,
                "storage: %" PRIu64 " of %zu samples in chunks, journal %" PRIu64 "\n",
                hub->values, recording->samples, hub->journal);
}

static void on_answer(void *arg, int result, const struct history_answer *answer) {
    struct hub *hub = arg;
    hub->got = result == 0 && answer->series_count == 1 ? answer->series[0].count : 0;
    loop_stop(hub->loop);
}

static void ask_hub(struct hub *hub,
                    const struct question *question,
                    struct result *result) {
    struct history_query query = {
        .nodes = (const char *const[]) { "host" },
        .node_count = 1,
        .metrics = &question->metric,
        .metric_count = 1,
        .since_ms = question->since_ms,
        .until_ms = question->until_ms,
        .points = question->points,
    };

    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t began = clock_boot_ns();
        history_ask(hub->history, &query, on_answer, hub);
        loop_run(hub->loop);
        result->took_ns[i] = clock_boot_ns() - began;
        if (hub->got == 0)
            die("history_ask", "no points");
    }
}

static void run_roost(const char *path,
                      const struct recording *recording,
                      const struct question *question,
                      struct result *result) {
    struct hub hub = { 0 };
    uint64_t began = clock_boot_ns();

    hub_open(&hub, path);
    append_all(&hub, recording);
    compact(&hub, recording);
    result->seconds = (double)(clock_boot_ns() - began) / 1e9;
    result->raw = hub.raw;
    ask_hub(&hub, question, result);
    hub_close(&hub);
}

/* --- Plain SQLite --------------------------------------------------------------------
 */

static void sql(sqlite3 *db, const char *text) {
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die(text, sqlite3_errmsg(db));
}

static void step(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE)
        die("sqlite3_step", "failed");
    sqlite3_reset(statement);
}

static void fill_rows(sqlite3 *db, const struct recording *recording) {
    sql(db, "CREATE TABLE samples(metric INTEGER, time INTEGER, value, "
            "PRIMARY KEY(metric, time)) WITHOUT ROWID");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO samples VALUES(?, ?, ?)");
    for (size_t i = 0; i < recording->series; i++)
        for (size_t row = 0; row < recording->rows; row++) {
            int64_t value = recording->values[row * recording->series + i];
            if (value == SAMPLE_ABSENT)
                continue;
            sqlite3_bind_int64(insert, 1, (int64_t)i);
            sqlite3_bind_int64(insert, 2, recording->times[row]);
            sqlite3_bind_int64(insert, 3, value);
            step(insert);
        }
    sqlite3_finalize(insert);
}

static void fill_wide(sqlite3 *db, const struct recording *recording) {
    struct {
        char text[8 * SERIES_MAX];
        size_t len;
    } create = { "CREATE TABLE samples(time INTEGER PRIMARY KEY", 0 },
      insert = { "INSERT INTO samples VALUES(?", 0 };

    for (size_t i = 0; i < recording->series; i++) {
        create.len = strlen(create.text);
        snprintf(create.text + create.len, sizeof(create.text) - create.len, ", c%zu", i);
        strcat(insert.text, ",?");
    }
    sql(db, strcat(create.text, ")"));
    sqlite3_stmt *statement = prepare(db, strcat(insert.text, ")"));
    for (size_t row = 0; row < recording->rows; row++) {
        sqlite3_clear_bindings(statement);
        sqlite3_bind_int64(statement, 1, recording->times[row]);
        for (size_t i = 0; i < recording->series; i++) {
            int64_t value = recording->values[row * recording->series + i];
            if (value != SAMPLE_ABSENT)
                sqlite3_bind_int64(statement, (int)i + 2, value);
        }
        step(statement);
    }
    sqlite3_finalize(statement);
}

static void ask_sql(sqlite3 *db,
                    const char *text,
                    const struct question *question,
                    struct result *result) {
    sqlite3_stmt *select = prepare(db, text);
    int64_t step_ms =
        (question->until_ms - question->since_ms) / (int64_t)question->points;

    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t began = clock_boot_ns();
        size_t got = 0;
        sqlite3_bind_int64(select, 1, question->since_ms);
        sqlite3_bind_int64(select, 2, question->until_ms);
        sqlite3_bind_int64(select, 3, step_ms);
        while (sqlite3_step(select) == SQLITE_ROW)
            got += sqlite3_column_type(select, 1) != SQLITE_NULL;
        sqlite3_reset(select);
        result->took_ns[i] = clock_boot_ns() - began;
        if (got == 0)
            die(text, "no points");
    }
    sqlite3_finalize(select);
}

static void run_sqlite(const char *path,
                       bool is_wide,
                       const struct recording *recording,
                       const struct question *question,
                       struct result *result) {
    static const char ranges[] = "time >= ?1 AND time < ?2 GROUP BY (time - ?1) / ?3";
    uint64_t began = clock_boot_ns();
    size_t metric = 0;
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, "cannot be opened");
    sql(db, "BEGIN");
    (is_wide ? fill_wide : fill_rows)(db, recording);
    sql(db, "COMMIT");
    result->seconds = (double)(clock_boot_ns() - began) / 1e9;

    while (metric < recording->series &&
           strcmp(recording->names[metric], question->metric) != 0)
        metric++;
    char *text = is_wide ? mem_printf("SELECT time, avg(c%zu), min(c%zu), max(c%zu) FROM "
                                      "samples WHERE %s",
                                      metric, metric, metric, ranges)
                         : mem_printf("SELECT time, avg(value), min(value), max(value) "
                                      "FROM samples WHERE metric = %zu AND %s",
                                      metric, ranges);
    ask_sql(db, text, question, result);
    free(text);
    sqlite3_close(db);
}

/* --- The codec alone ------------------------------------------------------------------
 */

enum { CHUNK_ROWS = 720 };

/* The rows of a chunk, column by column. */
struct sheet {
    int64_t values[SERIES_MAX][CHUNK_ROWS];
    const int64_t *columns[SERIES_MAX];
    uint32_t ids[SERIES_MAX];
};

static void fill_sheet(struct sheet *sheet,
                       const struct recording *recording,
                       size_t row) {
    for (size_t i = 0; i < recording->series; i++) {
        for (size_t j = 0; j < CHUNK_ROWS; j++)
            sheet->values[i][j] = recording->values[(row + j) * recording->series + i];
        sheet->columns[i] = sheet->values[i];
        sheet->ids[i] = (uint32_t)i + 1;
    }
}

/* Reads all columns: nanoseconds for one. */
static uint64_t read_all(struct chunk_codec *codec, struct slice bytes) {
    int64_t values[CHUNK_ROWS];
    struct chunk chunk;

    if (chunk_open(bytes, &chunk) != 0 || chunk.series_count == 0)
        die("chunk_open", "damaged");
    uint64_t began = clock_boot_ns();
    for (size_t place = 0; place < chunk.series_count; place++)
        if (chunk_read_values(codec, &chunk, place, values) != 0)
            die("chunk_read_values", "damaged");
    return (clock_boot_ns() - began) / chunk.series_count;
}

static void run_codec(const struct recording *recording) {
    struct chunk_codec *codec = chunk_codec_new();
    struct sheet *sheet = mem_new(sizeof(*sheet));
    uint64_t write_ns[ROUNDS] = { 0 }, read_ns[ROUNDS] = { 0 };
    size_t chunks = recording->rows / CHUNK_ROWS, bytes = 0;
    struct buf buf = { 0 };

    if (chunks == 0)
        die("standard input", "less than an hour");
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t row = i % chunks * CHUNK_ROWS;
        fill_sheet(sheet, recording, row);
        buf_clear(&buf);
        uint64_t began = clock_boot_ns();
        chunk_write_values(codec, recording->times + row, CHUNK_ROWS, sheet->ids,
                           sheet->columns, recording->series, &buf);
        write_ns[i] = clock_boot_ns() - began;
        read_ns[i] = read_all(codec, buf_slice(&buf));
        bytes += i < chunks ? buf.len : 0;
    }
    qsort(write_ns, ROUNDS, sizeof(*write_ns), compare_times);
    qsort(read_ns, ROUNDS, sizeof(*read_ns), compare_times);
    printf("{\"chunk_us\":%.1f,\"column_us\":%.1f,\"bytes\":%zu}\n",
           (double)write_ns[MEDIAN] / 1e3, (double)read_ns[MEDIAN] / 1e3, bytes / chunks);
    buf_done(&buf);
    free(sheet);
    chunk_codec_free(codec);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr,
                "usage: storage roost|rows|wide|codec FILE METRIC SINCE_MS UNTIL_MS "
                "POINTS < RECORDING\n");
        return 2;
    }
    struct recording recording = { 0 };
    struct result *result = mem_new(sizeof(*result));
    struct question question = { .metric = argv[3],
                                 .since_ms = strtoll(argv[4], NULL, 10),
                                 .until_ms = strtoll(argv[5], NULL, 10),
                                 .points = strtoull(argv[6], NULL, 10) };

    recording_read(&recording, stdin);
    if (strcmp(argv[1], "codec") == 0) {
        run_codec(&recording);
    } else {
        if (strcmp(argv[1], "roost") == 0)
            run_roost(argv[2], &recording, &question, result);
        else
            run_sqlite(argv[2], strcmp(argv[1], "wide") == 0, &recording, &question,
                       result);
        print_result(result, &recording, argv[2]);
    }
    recording_done(&recording);
    free(result);
    return 0;
}
