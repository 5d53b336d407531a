#include "agent/collect/proc/proc_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ROWS_FIRST = 256 };

/* An earlier look, whose rows are asked for mostly in order. */
struct earlier {
    const struct proc_table *table; /* borrowed: the caller's; or NULL */
    size_t at;                      /* rows before it have smaller numbers */
};

/* A look under way. */
struct look {
    const struct proc_host *host; /* borrowed: the caller's */
    struct earlier before;
    struct earlier known;
    struct proc_table *table; /* owned, until it is done */
    size_t cap;
    size_t met;    /* rows of `known` whose processes are still there */
    bool is_mixed; /* a number came behind a larger one */
};

static struct proc_row *make_row(struct look *look) {
    struct proc_table *table = look->table;

    if (table->count == look->cap) {
        look->cap = look->cap ? 2 * look->cap : ROWS_FIRST;
        table->rows = mem_grow(table->rows, look->cap * sizeof(*table->rows));
    }
    return &table->rows[table->count++];
}

static const struct proc_row *find_earlier(struct earlier *earlier, uint32_t pid) {
    const struct proc_table *table = earlier->table;

    if (!table)
        return NULL;
    if (earlier->at > 0 && table->rows[earlier->at - 1].pid >= pid)
        earlier->at = 0;
    while (earlier->at < table->count && table->rows[earlier->at].pid < pid)
        earlier->at++;
    if (earlier->at == table->count || table->rows[earlier->at].pid != pid)
        return NULL;
    return &table->rows[earlier->at];
}

static const char *keep_text(struct look *look, const char *text) {
    return proc_strings_add(&look->table->strings, text, strlen(text));
}

static const char *name_of(struct look *look,
                           const struct proc_stat *stat,
                           const struct proc_row *earlier) {
    struct proc_strings *strings = &look->table->strings;
    char name[PROC_TABLE_NAME_LEN];
    size_t len;

    if (stat->name_len != PROC_STAT_COMM || stat->is_kernel_thread)
        return proc_strings_add(strings, stat->name, stat->name_len);
    if (earlier && strncmp(earlier->name, stat->name, stat->name_len) == 0)
        return keep_text(look, earlier->name);
    if (proc_host_long_name(look->host, stat, name, sizeof(name), &len))
        return proc_strings_add(strings, name, len);
    return proc_strings_add(strings, stat->name, stat->name_len);
}

/* Used since the look before, by the same process. */
static uint64_t ticks_since(const struct proc_row *row, const struct proc_row *earlier) {
    uint64_t now = row->user_ticks + row->system_ticks;
    uint64_t then = earlier && earlier->start_ticks == row->start_ticks
                        ? earlier->user_ticks + earlier->system_ticks
                        : 0;

    return now > then ? now - then : 0;
}

static uint64_t ran_ns_of(clockid_t clock) {
    struct timespec ran;

    if (clock == 0 || clock_gettime(clock, &ran) != 0)
        return 0;
    return (uint64_t)ran.tv_sec * 1000000000 + (uint64_t)ran.tv_nsec;
}

/* Rows that were read together are not all read again together. */
static bool is_old(const struct look *look, const struct proc_row *row) {
    uint64_t age_s = (look->table->taken_ns - row->read_ns) / 1000000000;
    return age_s >= PROC_TABLE_AGE_S / 2 + row->pid % (PROC_TABLE_AGE_S / 2);
}

/* The row as it was: its process has not run since, or false. */
static bool take_over(struct look *look,
                      const struct proc_row *earlier,
                      uint64_t ran_ns,
                      struct proc_row *ret_row) {
    if (!earlier || ran_ns == 0 || earlier->ran_ns != ran_ns || is_old(look, earlier))
        return false;
    *ret_row = *earlier;
    ret_row->name = keep_text(look, earlier->name);
    if (earlier->line) {
        ret_row->line = keep_text(look, earlier->line);
        look->table->line_bytes += strlen(ret_row->line) + 1;
    }
    return true;
}

static bool read_row(struct look *look,
                     uint32_t pid,
                     const struct proc_row *earlier,
                     struct proc_row *ret_row) {
    struct proc_stat stat;

    if (!proc_host_stat(look->host, pid, &stat))
        return false;
    if (earlier && earlier->start_ticks != stat.start_ticks)
        earlier = NULL;
    *ret_row = (struct proc_row) {
        .name = name_of(look, &stat, earlier),
        .start_ticks = stat.start_ticks,
        .user_ticks = stat.user_ticks,
        .system_ticks = stat.system_ticks,
        .rss_pages = stat.rss_pages,
        .read_ns = look->table->taken_ns,
        .pid = stat.pid,
        .parent = stat.parent,
        .threads = stat.threads,
        .nice = stat.nice,
        .terminal = stat.terminal,
        .state = stat.state,
        .is_kernel_thread = stat.is_kernel_thread,
        .has_uid = stat.is_kernel_thread, /* root's */
    };
    return true;
}

static void take(struct look *look, uint32_t pid) {
    struct proc_table *table = look->table;
    const struct proc_row *known = find_earlier(&look->known, pid);
    clockid_t clock = known ? known->clock : proc_host_clock(look->host, pid);
    /* Before the line is read: who runs in between is read again by the next look. */
    uint64_t ran_ns = ran_ns_of(clock);
    struct proc_row row;

    if (!take_over(look, known, ran_ns, &row)) {
        if (!read_row(look, pid, known, &row))
            return;
        row.clock = clock;
        row.ran_ns = ran_ns;
    }
    look->met += known && known->start_ticks == row.start_ticks;
    if (look->before.table)
        row.recent_ticks = ticks_since(&row, find_earlier(&look->before, pid));
    else
        row.recent_ticks = 0;
    if (table->count > 0 && table->rows[table->count - 1].pid >= pid)
        look->is_mixed = true;
    *make_row(look) = row;
}

static int compare(const void *a, const void *b) {
    const struct proc_row *one = a, *other = b;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

/* Children of a process that has ended have another parent, though they have not run. */
static void find_parents(struct look *look) {
    struct proc_table *table = look->table;
    struct proc_stat stat;

    for (size_t i = 0; i < table->count; i++) {
        struct proc_row *row = &table->rows[i];
        if (row->read_ns < table->taken_ns && row->parent > 0 &&
            !proc_table_find(table, row->parent) &&
            proc_host_stat(look->host, row->pid, &stat) &&
            stat.start_ticks == row->start_ticks)
            row->parent = stat.parent;
    }
}

static struct look begin(const struct proc_host *host,
                         const struct proc_table *before,
                         const struct proc_table *known) {
    struct look look = {
        .host = host,
        .before.table = before,
        .known.table = known,
        .table = mem_new(sizeof(struct proc_table)),
    };

    look.table->taken_ns = clock_boot_ns();
    if (before)
        look.table->between_ns = look.table->taken_ns - before->taken_ns;
    return look;
}

struct proc_table *proc_table_take(const struct proc_host *host,
                                   const struct proc_table *before,
                                   const struct proc_table *known) {
    struct look look = begin(host, before, known);
    const struct dirent *entry;

    rewinddir(host->proc);
    while (look.table->count < PROC_TABLE_ROWS_MAX && (entry = readdir(host->proc)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            take(&look, (uint32_t)strtoul(entry->d_name, NULL, 10));
    if (look.is_mixed)
        qsort(look.table->rows, look.table->count, sizeof(*look.table->rows), compare);
    if (known && look.met < known->count)
        find_parents(&look);
    return look.table;
}

struct proc_table *proc_table_take_one(const struct proc_host *host,
                                       uint32_t pid,
                                       const struct proc_table *before) {
    struct look look = begin(host, before, NULL);

    take(&look, pid);
    return look.table;
}

struct proc_table *proc_table_free(struct proc_table *table) {
    if (!table)
        return NULL;
    proc_strings_done(&table->strings);
    free(table->rows);
    free(table);
    return NULL;
}

struct proc_row *proc_table_find(const struct proc_table *table, uint32_t pid) {
    struct proc_row key = { .pid = pid };

    if (table->count == 0)
        return NULL;
    return bsearch(&key, table->rows, table->count, sizeof(*table->rows), compare);
}

uint32_t proc_table_uid(const struct proc_host *host, struct proc_row *row) {
    if (!row->has_uid && !proc_host_uid(host, row->pid, &row->uid))
        row->uid = 0;
    row->has_uid = true;
    return row->uid;
}

const char *proc_table_line(const struct proc_host *host,
                            struct proc_table *table,
                            struct proc_row *row,
                            char buffer[static PROC_HOST_LINE_MAX]) {
    if (row->line)
        return row->line;
    size_t len = row->is_kernel_thread
                     ? 0
                     : proc_host_line(host, row->pid, buffer, PROC_HOST_LINE_MAX);
    buffer[len] = '\0';
    if (table->line_bytes + len >= PROC_TABLE_LINES_MAX)
        return buffer;
    row->line = proc_strings_add(&table->strings, buffer, len);
    table->line_bytes += len + 1;
    return row->line;
}
