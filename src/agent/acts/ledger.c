#include "agent/acts/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    FILE_MAX = 128 << 20, /* all records at their longest, twice, and some */
    SLACK = 256 << 10,    /* dead bytes that are not worth a compaction */
};

/* Where the newest record of an operation is. */
struct entry {
    uint64_t id_sum;
    int64_t begun_ms;
    uint32_t at;
    uint32_t len;
};

struct ledger {
    char *path; /* owned */
    int fd;     /* -1: not open yet */
    size_t file_len;
    size_t live_len;       /* of the newest records together */
    struct entry *entries; /* owned; in the order of their begin */
    size_t count;
    size_t cap;
    size_t count_max;
};

struct ledger *ledger_new(const char *dir, size_t count_max) {
    struct ledger *ledger = mem_new(sizeof(*ledger));

    ledger->path = file_join(dir, "operations");
    ledger->fd = -1;
    ledger->count_max = count_max;
    return ledger;
}

static void forget_all(struct ledger *ledger) {
    if (ledger->fd >= 0)
        close(ledger->fd);
    ledger->fd = -1;
    free(TAKE(ledger->entries));
    ledger->count = ledger->cap = ledger->file_len = ledger->live_len = 0;
}

struct ledger *ledger_free(struct ledger *ledger) {
    if (!ledger)
        return NULL;
    forget_all(ledger);
    free(ledger->path);
    free(ledger);
    return NULL;
}

const char *ledger_path(const struct ledger *ledger) {
    return ledger->path;
}

/* --- finding --- */

/* Reads the record of an entry: 0 or -errno. */
static int fetch(const struct ledger *ledger,
                 const struct entry *entry,
                 struct buf *ret_bytes,
                 struct ledger_record *ret_record) {
    size_t at = 0, start;

    buf_clear(ret_bytes);
    ssize_t got =
        pread(ledger->fd, buf_room(ret_bytes, entry->len), entry->len, (off_t)entry->at);
    if (got < 0)
        return -errno;
    buf_added(ret_bytes, (size_t)got);
    if (!ledger_record_next(buf_slice(ret_bytes), &at, ret_record, &start) || start != 0)
        return -EIO; /* it was whole when we read it before */
    return 0;
}

/* The entry of the id: 0, and NULL when there is none; or -errno. */
static int look_up(const struct ledger *ledger,
                   struct slice id,
                   struct buf *bytes,
                   struct entry **ret_entry) {
    uint64_t id_sum = checksum_xxh64(id);
    struct ledger_record record = { 0 };

    for (size_t i = ledger->count; i-- > 0;) {
        if (ledger->entries[i].id_sum != id_sum)
            continue;
        int r = fetch(ledger, &ledger->entries[i], bytes, &record);
        if (r < 0)
            return r;
        if (slice_equal(record.id, id)) {
            *ret_entry = &ledger->entries[i];
            return 0;
        }
    }
    *ret_entry = NULL;
    return 0;
}

/* --- the list in memory --- */

static void drop_oldest(struct ledger *ledger) {
    ledger->live_len -= ledger->entries[0].len;
    ledger->count--;
    memmove(ledger->entries, ledger->entries + 1,
            ledger->count * sizeof(ledger->entries[0]));
}

static void add_entry(struct ledger *ledger, const struct entry *entry) {
    if (ledger->count == ledger->cap) {
        ledger->cap = ledger->cap ? 2 * ledger->cap : 16;
        ledger->entries =
            mem_grow(ledger->entries, ledger->cap * sizeof(ledger->entries[0]));
    }
    ledger->entries[ledger->count++] = *entry;
    ledger->live_len += entry->len;
}

static struct entry entry_of(const struct ledger_record *record, size_t at, size_t len) {
    return (struct entry) {
        .id_sum = checksum_xxh64(record->id),
        .begun_ms = record->begun_ms,
        .at = (uint32_t)at,
        .len = (uint32_t)len,
    };
}

/* Takes the record that lies in the file at this place. */
static int take(struct ledger *ledger, const struct entry *entry, struct slice id) {
    struct buf bytes = { 0 };
    struct entry *old = NULL;

    int r = look_up(ledger, id, &bytes, &old);
    buf_done(&bytes);
    if (r < 0)
        return r;
    if (old) {
        ledger->live_len += (size_t)entry->len - old->len;
        *old = *entry;
        return 0;
    }
    if (ledger->count == ledger->count_max)
        drop_oldest(ledger); /* only a file that others wrote has more */
    add_entry(ledger, entry);
    return 0;
}

/* --- opening --- */

static int scan(struct ledger *ledger, struct slice bytes) {
    struct ledger_record record;
    size_t at = 0, start, end = 0, damaged = 0;

    while (ledger_record_next(bytes, &at, &record, &start)) {
        struct entry entry = entry_of(&record, start, at - start);
        int r = take(ledger, &entry, record.id);
        if (r < 0)
            return r;
        damaged += start - end;
        end = at;
    }
    if (damaged > 0)
        log_warning("%s: %zu bytes are damaged; operations in them are forgotten",
                    ledger->path, damaged);
    if (end < bytes.len)
        log_info("%s: %zu bytes at its end were never finished, and are cut",
                 ledger->path, bytes.len - end);
    ledger->file_len = end;
    return end < bytes.len && ftruncate(ledger->fd, (off_t)end) != 0 ? -errno : 0;
}

/* A new file is there for good when its folder knows it. */
static int sync_folder(const char *path) {
    auto_(mem_freep) char *folder = mem_strdup(path);

    *strrchr(folder, '/') = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

static int open_file(struct ledger *ledger) {
    struct buf bytes = { 0 };

    if (ledger->fd >= 0)
        return 0;
    ledger->fd = open(ledger->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ledger->fd < 0)
        return -errno;
    int r = file_read(ledger->path, FILE_MAX, &bytes);
    if (r == 0)
        r = scan(ledger, buf_slice(&bytes));
    buf_done(&bytes);
    if (r == 0)
        r = sync_folder(ledger->path);
    if (r < 0)
        forget_all(ledger);
    return r;
}

int ledger_find(struct ledger *ledger,
                struct slice id,
                struct buf *ret_bytes,
                struct ledger_record *ret_record) {
    struct entry *entry = NULL;

    int r = open_file(ledger);
    if (r == 0)
        r = look_up(ledger, id, ret_bytes, &entry);
    if (r < 0)
        return r;
    return entry ? fetch(ledger, entry, ret_bytes, ret_record) : LEDGER_E_NONE;
}

/* --- writing --- */

static int write_all(int fd, struct slice bytes, size_t at) {
    while (bytes.len > 0) {
        ssize_t written = pwrite(fd, bytes.at, bytes.len, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        at += (size_t)written;
        bytes = slice_after(bytes, (size_t)written);
    }
    return fdatasync(fd) == 0 ? 0 : -errno;
}

/* What could not be written is taken back, so that it is never read. */
static int append(struct ledger *ledger, struct slice bytes) {
    int r = write_all(ledger->fd, bytes, ledger->file_len);
    if (r == 0)
        ledger->file_len += bytes.len;
    else if (ftruncate(ledger->fd, (off_t)ledger->file_len) != 0)
        log_error("%s: %s", ledger->path, strerror(errno));
    return r;
}

/* Writes the newest records alone, in place of the file: 0, or -errno and the file is as
 * it was. */
static int compact(struct ledger *ledger) {
    struct buf all = { 0 };
    struct buf bytes = { 0 };
    struct ledger_record record;
    int r = 0;

    for (size_t i = 0; i < ledger->count && r == 0; i++) {
        r = fetch(ledger, &ledger->entries[i], &bytes, &record);
        buf_add_slice(&all, buf_slice(&bytes));
    }
    if (r == 0)
        r = file_write_atomic(ledger->path, buf_slice(&all), 0600);
    buf_done(&bytes);
    buf_done(&all);
    if (r == 0) {
        forget_all(ledger); /* and the places in the old file */
        r = open_file(ledger);
    }
    return r;
}

static bool is_recent(const struct entry *entry, int64_t now_ms) {
    int64_t age_ms = now_ms - entry->begun_ms;
    return age_ms < LEDGER_KEEP_MS && age_ms > -LEDGER_KEEP_MS;
}

/* Room for one more: 0, LEDGER_E_FULL or -errno. */
static int make_room(struct ledger *ledger, int64_t now_ms) {
    if (ledger->count == ledger->count_max) {
        if (is_recent(&ledger->entries[0], now_ms))
            return LEDGER_E_FULL;
        drop_oldest(ledger);
    }
    if (ledger->file_len <= 2 * ledger->live_len + SLACK)
        return 0;
    return compact(ledger);
}

int ledger_put(struct ledger *ledger, const struct ledger_record *record) {
    struct buf bytes = { 0 };
    struct entry *old;

    int r = open_file(ledger);
    if (r == 0)
        r = look_up(ledger, record->id, &bytes, &old);
    if (r == 0 && !old)
        r = make_room(ledger, record->begun_ms);
    if (r == 0) {
        buf_clear(&bytes);
        ledger_record_pack(record, &bytes);
        struct entry entry = entry_of(record, ledger->file_len, bytes.len);
        r = append(ledger, buf_slice(&bytes));
        if (r == 0)
            r = take(ledger, &entry, record->id);
    }
    buf_done(&bytes);
    return r;
}
