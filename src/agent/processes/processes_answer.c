#include "agent/processes/processes_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/proc/proc_detail.h"
#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_rules.h"
#include "agent/collect/proc/proc_table.h"
#include "agent/collect/proc/proc_users.h"
#include "base/mem.h"
#include "wire/pb.h"
#include "wire/timestamp.h"

static const char *copy(struct processes_answer *answer, const char *text) {
    return *text ? proc_strings_add(&answer->strings, text, strlen(text)) : "";
}

/* Percent of one core. */
static double cpu_percent(const struct processes_source *source, uint64_t recent_ticks) {
    double between_s = (double)source->table->between_ns / 1e9;
    double used_s = (double)recent_ticks / (double)source->host->ticks_per_s;

    return between_s > 0 ? 100 * used_s / between_s : 0;
}

static uint64_t started_ms(const struct processes_source *source, uint64_t start_ticks) {
    uint64_t per_s = source->host->ticks_per_s;
    uint64_t after_ms = start_ticks / per_s * 1000 + start_ticks % per_s * 1000 / per_s;

    return source->host->booted_ms + after_ms;
}

static const char *add_line(struct processes_answer *answer,
                            const struct processes_source *source,
                            struct proc_row *row) {
    char buffer[PROC_HOST_LINE_MAX];

    if (!source->command_lines)
        return "";
    return copy(answer, proc_table_line(source->host, source->table, row, buffer));
}

/* The letter as a string of its own. */
static const char *state_text(char state) {
    static const char letters[] = "R\0S\0D\0T\0t\0Z\0X\0I\0K\0W\0P\0?";

    for (size_t i = 0; i < sizeof(letters); i += 2)
        if (letters[i] == state)
            return &letters[i];
    return &letters[sizeof(letters) - 2];
}

static void fill(struct processes_answer *answer,
                 const struct processes_source *source,
                 struct proc_row *row,
                 size_t at) {
    Roost__V1__Process *item = &answer->items[at];
    const struct proc_host *host = source->host;
    uint32_t uid = proc_table_uid(host, row);
    const char *user = proc_users_name(host->users, uid);
    const char *unsafe = proc_rules_unsafe(source->rules, row);

    roost__v1__process__init(item);
    item->pid = row->pid;
    item->name = pb_lend(copy(answer, row->name));
    item->parent_pid = row->parent;
    item->user = pb_lend(copy(answer, user));
    item->uid = uid;
    item->state = pb_lend(state_text(row->state));
    if (source->table->between_ns > 0) {
        item->cpu_percent_known_case = ROOST__V1__PROCESS__CPU_PERCENT_KNOWN_CPU_PERCENT;
        item->cpu_percent = cpu_percent(source, row->recent_ticks);
    }
    item->user_s = (double)row->user_ticks / (double)host->ticks_per_s;
    item->system_s = (double)row->system_ticks / (double)host->ticks_per_s;
    item->rss_bytes = row->rss_pages * host->page_bytes;
    item->started =
        timestamp_set(&answer->starts[at], (int64_t)started_ms(source, row->start_ticks));
    item->start_ticks = row->start_ticks;
    item->command_line = pb_lend(add_line(answer, source, row));
    item->threads = row->threads;
    item->nice = row->nice;
    item->safe_kill = !unsafe;
    item->unsafe_reason = pb_lend(unsafe ? unsafe : "");
    item->is_kernel_thread = row->is_kernel_thread;
    item->depth = row->depth;
}

size_t processes_answer_rows(struct processes_answer *answer,
                             const struct processes_source *source,
                             struct proc_row *const *rows,
                             size_t count,
                             size_t bytes_max) {
    answer->items = mem_new_array(count, sizeof(*answer->items));
    answer->pointers = mem_new_array(count, sizeof(*answer->pointers));
    answer->starts = mem_new_array(count, sizeof(*answer->starts));
    while (answer->count < count &&
           (answer->count == 0 || answer->strings.bytes < bytes_max)) {
        fill(answer, source, rows[answer->count], answer->count);
        answer->pointers[answer->count] = &answer->items[answer->count];
        answer->count++;
    }
    return answer->count;
}

static void fill_known(Roost__V1__Process *item, const struct proc_detail *detail) {
    if (detail->has_pss) {
        item->pss_bytes_known_case = ROOST__V1__PROCESS__PSS_BYTES_KNOWN_PSS_BYTES;
        item->pss_bytes = detail->pss_bytes;
    }
    if (detail->has_swap) {
        item->swap_bytes_known_case = ROOST__V1__PROCESS__SWAP_BYTES_KNOWN_SWAP_BYTES;
        item->swap_bytes = detail->swap_bytes;
    }
    if (detail->has_open_files) {
        item->open_files_known_case = ROOST__V1__PROCESS__OPEN_FILES_KNOWN_OPEN_FILES;
        item->open_files = detail->open_files;
    }
    if (detail->has_io) {
        item->read_bytes_known_case = ROOST__V1__PROCESS__READ_BYTES_KNOWN_READ_BYTES;
        item->read_bytes = detail->read_bytes;
        item->write_bytes_known_case = ROOST__V1__PROCESS__WRITE_BYTES_KNOWN_WRITE_BYTES;
        item->write_bytes = detail->write_bytes;
    }
}

void processes_answer_detail(struct processes_answer *answer,
                             const struct processes_source *source,
                             const struct proc_row *row) {
    Roost__V1__Process *item = &answer->items[0];
    struct proc_detail detail;

    proc_detail_read(source->host, row, &detail);
    fill_known(item, &detail);
    item->cgroup = pb_lend(copy(answer, detail.cgroup));
    item->unit = pb_lend(copy(answer, detail.unit));
    item->executable = pb_lend(copy(answer, detail.executable));
    item->terminal = pb_lend(copy(answer, detail.terminal));
    if (source->command_lines)
        item->working_folder = pb_lend(copy(answer, detail.working_folder));
    proc_detail_done(&detail);
}

/* Processes of one name. */
struct sum {
    const char *name; /* lent by the table */
    uint64_t recent_ticks;
    uint64_t rss_pages;
    uint32_t count;
};

static int by_cpu(const void *a, const void *b) {
    const struct sum *one = a, *other = b;
    if (one->recent_ticks != other->recent_ticks)
        return one->recent_ticks < other->recent_ticks ? 1 : -1;
    return (one->rss_pages < other->rss_pages) - (one->rss_pages > other->rss_pages);
}

static int by_memory(const void *a, const void *b) {
    const struct sum *one = a, *other = b;
    if (one->rss_pages != other->rss_pages)
        return one->rss_pages < other->rss_pages ? 1 : -1;
    return (one->recent_ticks < other->recent_ticks) -
           (one->recent_ticks > other->recent_ticks);
}

/* A new array of the sums of all names. */
static struct sum *sum_up(const struct proc_table *table, size_t *ret_count) {
    struct proc_row **rows = mem_new_array(table->count + 1, sizeof(*rows));
    struct sum *sums = mem_new_array(table->count + 1, sizeof(*sums));
    size_t count = 0;

    for (size_t i = 0; i < table->count; i++)
        rows[i] = &table->rows[i];
    proc_order_sort(table, rows, table->count, PROC_SORT_NAME, false);
    for (size_t i = 0; i < table->count; i++) {
        if (count == 0 || strcmp(sums[count - 1].name, rows[i]->name) != 0)
            sums[count++].name = rows[i]->name;
        sums[count - 1].recent_ticks += rows[i]->recent_ticks;
        sums[count - 1].rss_pages += rows[i]->rss_pages;
        sums[count - 1].count++;
    }
    free(rows);
    *ret_count = count;
    return sums;
}

static void fill_group(struct processes_answer *answer,
                       const struct processes_source *source,
                       const struct sum *sum,
                       Roost__V1__ProcessGroup *group) {
    char name[PROC_TABLE_NAME_LEN * 3 + 16]; /* a byte that is no text takes three */

    roost__v1__process_group__init(group);
    if (sum->count > 1)
        snprintf(name, sizeof(name), "%s (%u)", sum->name, sum->count);
    else
        snprintf(name, sizeof(name), "%s", sum->name);
    group->name = pb_lend(proc_strings_add(&answer->strings, name, strlen(name)));
    group->count = sum->count;
    group->cpu_percent =
        cpu_percent(source, sum->recent_ticks) / (double)source->host->cpus;
    group->rss_bytes = sum->rss_pages * source->host->page_bytes;
}

void processes_answer_groups(struct processes_answer *answer,
                             const struct processes_source *source,
                             enum proc_sort sort,
                             size_t max) {
    size_t count;
    struct sum *sums = sum_up(source->table, &count);

    qsort(sums, count, sizeof(*sums), sort == PROC_SORT_MEMORY ? by_memory : by_cpu);
    if (count > max)
        count = max;
    answer->groups = mem_new_array(count, sizeof(*answer->groups));
    answer->group_pointers = mem_new_array(count, sizeof(*answer->group_pointers));
    for (size_t i = 0; i < count; i++) {
        fill_group(answer, source, &sums[i], &answer->groups[i]);
        answer->group_pointers[i] = &answer->groups[i];
    }
    answer->group_count = count;
    free(sums);
}

void processes_answer_done(struct processes_answer *answer) {
    free(answer->items);
    free(answer->pointers);
    free(answer->starts);
    free(answer->groups);
    free(answer->group_pointers);
    proc_strings_done(&answer->strings);
    *answer = (struct processes_answer) { 0 };
}
