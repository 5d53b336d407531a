#include "agent/collect/proc_table.h"

#include <stdlib.h>
#include <string.h>

#include "agent/collect/proc_files.h"
#include "agent/collect/proc_host.h"
#include "base/clock.h"
#include "base/mem.h"

enum { ROWS_FIRST = 256 };

/* A look under way. */
struct look {
    const struct proc_host *host;    /* borrowed: the caller's */
    const struct proc_table *before; /* borrowed: the caller's; or NULL */
    size_t before_at;                /* rows before it have smaller numbers */
    struct proc_table *table;        /* owned, until it is done */
    size_t cap;
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

/* The same process in the look before; rows mostly come in order. */
static const struct proc_row *find_before(struct look *look,
                                          const struct proc_stat *stat) {
    const struct proc_table *before = look->before;

    if (!before)
        return NULL;
    if (look->before_at > 0 && before->rows[look->before_at - 1].pid >= stat->pid)
        look->before_at = 0;
    while (look->before_at < before->count &&
           before->rows[look->before_at].pid < stat->pid)
        look->before_at++;
    if (look->before_at == before->count)
        return NULL;
    const struct proc_row *row = &before->rows[look->before_at];
    return row->pid == stat->pid && row->start_ticks == stat->start_ticks ? row : NULL;
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
        return proc_strings_add(strings, earlier->name, strlen(earlier->name));
    if (proc_host_long_name(look->host, stat, name, sizeof(name), &len))
        return proc_strings_add(strings, name, len);
    return proc_strings_add(strings, stat->name, stat->name_len);
}

static uint64_t ticks_since(const struct proc_stat *stat,
                            const struct proc_row *earlier) {
    uint64_t now = stat->user_ticks + stat->system_ticks;
    uint64_t then = earlier ? earlier->user_ticks + earlier->system_ticks : 0;

    return now > then ? now - then : 0;
}

static void take(struct look *look, uint32_t pid) {
    struct proc_stat stat;

    if (!proc_host_stat(look->host, pid, &stat))
        return;
    const struct proc_table *table = look->table;
    if (table->count > 0 && table->rows[table->count - 1].pid >= stat.pid)
        look->is_mixed = true;
    const struct proc_row *earlier = find_before(look, &stat);
    const char *name = name_of(look, &stat, earlier);
    *make_row(look) = (struct proc_row) {
        .name = name,
        .start_ticks = stat.start_ticks,
        .user_ticks = stat.user_ticks,
        .system_ticks = stat.system_ticks,
        .recent_ticks = look->before ? ticks_since(&stat, earlier) : 0,
        .rss_pages = stat.rss_pages,
        .pid = stat.pid,
        .parent = stat.parent,
        .threads = stat.threads,
        .nice = stat.nice,
        .terminal = stat.terminal,
        .state = stat.state,
        .is_kernel_thread = stat.is_kernel_thread,
    };
}

static int compare(const void *a, const void *b) {
    const struct proc_row *one = a, *other = b;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

static struct look begin(const struct proc_host *host, const struct proc_table *before) {
    struct look look = {
        .host = host,
        .before = before,
        .table = mem_new(sizeof(struct proc_table)),
    };

    look.table->taken_ns = clock_boot_ns();
    if (before)
        look.table->between_ns = look.table->taken_ns - before->taken_ns;
    return look;
}

struct proc_table *proc_table_take(const struct proc_host *host,
                                   const struct proc_table *before) {
    struct look look = begin(host, before);
    const struct dirent *entry;

    rewinddir(host->proc);
    while (look.table->count < PROC_TABLE_ROWS_MAX && (entry = readdir(host->proc)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            take(&look, (uint32_t)strtoul(entry->d_name, NULL, 10));
    proc_files_sweep(host->files);
    if (look.is_mixed)
        qsort(look.table->rows, look.table->count, sizeof(*look.table->rows), compare);
    return look.table;
}

struct proc_table *proc_table_take_one(const struct proc_host *host,
                                       uint32_t pid,
                                       const struct proc_table *before) {
    struct look look = begin(host, before);

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
