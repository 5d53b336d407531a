#include "agent/collect/proc/proc_order.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/proc/proc_host.h"
#include "agent/collect/proc/proc_table.h"
#include "base/mem.h"

enum {
    NONE = -1,
    ANCESTORS_MAX = 256, /* of those that were not chosen; a deeper child is a root */
};

struct sorting {
    enum proc_sort sort;
    bool reverse;
    bool has_recent;
    uint64_t now_ticks; /* the youngest process: for shares of whole lives */
};

static int by_number(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static uint64_t ticks(const struct proc_row *row) {
    return row->user_ticks + row->system_ticks;
}

/* Thousandths of a core since it was started. */
static uint64_t share(const struct proc_row *row, uint64_t now_ticks) {
    uint64_t life = now_ticks > row->start_ticks ? now_ticks - row->start_ticks : 0;
    return ticks(row) * 1000 / (life + 1);
}

static int compare_key(const struct proc_row *a,
                       const struct proc_row *b,
                       const struct sorting *sorting) {
    switch (sorting->sort) {
    case PROC_SORT_CPU:
        return sorting->has_recent ? by_number(b->recent_ticks, a->recent_ticks)
                                   : by_number(share(b, sorting->now_ticks),
                                               share(a, sorting->now_ticks));
    case PROC_SORT_MEMORY:
        return by_number(b->rss_pages, a->rss_pages);
    case PROC_SORT_NAME:
        return strcmp(a->name, b->name);
    case PROC_SORT_STARTED:
        return by_number(a->start_ticks, b->start_ticks);
    case PROC_SORT_TIME:
        return by_number(ticks(b), ticks(a));
    default:
        return 0;
    }
}

static int compare(const void *a, const void *b, void *arg) {
    const struct proc_row *one = *(struct proc_row *const *)a;
    const struct proc_row *other = *(struct proc_row *const *)b;
    const struct sorting *sorting = arg;
    int order = compare_key(one, other, sorting);

    if (order == 0)
        order = by_number(one->pid, other->pid);
    return sorting->reverse ? -order : order;
}

void proc_order_sort(const struct proc_table *table,
                     struct proc_row **rows,
                     size_t count,
                     enum proc_sort sort,
                     bool reverse) {
    struct sorting sorting = {
        .sort = sort,
        .reverse = reverse,
        .has_recent = table->between_ns > 0,
    };

    if (sort == PROC_SORT_PID && !reverse)
        return; /* they stand so */
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].start_ticks > sorting.now_ticks)
            sorting.now_ticks = table->rows[i].start_ticks;
    if (count > 1)
        qsort_r(rows, count, sizeof(*rows), compare, &sorting);
}

bool proc_order_fits(const char *text, const char *filter) {
    if (strpbrk(filter, "*?"))
        return fnmatch(filter, text, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
    return strcasestr(text, filter) != NULL;
}

static bool fits(const struct proc_host *host,
                 struct proc_table *table,
                 const struct proc_question *question,
                 struct proc_row *row) {
    char line[PROC_HOST_LINE_MAX];

    if (row->is_kernel_thread && !question->kernel_threads)
        return false;
    if (question->has_uid && proc_table_uid(host, row) != question->uid)
        return false;
    if (*question->filter == '\0' || proc_order_fits(row->name, question->filter))
        return true;
    return question->command_lines &&
           proc_order_fits(proc_table_line(host, table, row, line), question->filter);
}

/* A forest over the rows that were chosen: each row's first child and next sibling. */
struct forest {
    struct proc_row **rows; /* borrowed: the caller's, sorted */
    size_t count;
    int32_t *place;   /* owned: of each row of the table among rows, or NONE */
    int32_t *child;   /* owned */
    int32_t *sibling; /* owned */
    bool *is_told;    /* owned */
};

/* The nearest ancestor that was chosen. A parent is never younger than its child: rows
 * that say so come from two lives of one number. */
static int32_t chosen_parent(const struct proc_table *table,
                             const struct forest *forest,
                             const struct proc_row *row) {
    for (size_t steps = 0; steps < ANCESTORS_MAX; steps++) {
        const struct proc_row *parent = proc_table_find(table, row->parent);
        if (!parent || parent == row || parent->start_ticks > row->start_ticks)
            return NONE;
        if (forest->place[parent - table->rows] != NONE)
            return forest->place[parent - table->rows];
        row = parent;
    }
    return NONE;
}

/* Tells a row and all below it without recursion: trees may be deep. */
static size_t tell(struct forest *forest,
                   int32_t root,
                   struct proc_row **out,
                   size_t told,
                   int32_t *stack) {
    size_t top = 0;

    forest->rows[root]->depth = 0;
    stack[top++] = root;
    while (top > 0) {
        int32_t at = stack[--top];
        if (forest->is_told[at])
            continue;
        forest->is_told[at] = true;
        out[told++] = forest->rows[at];
        if (forest->sibling[at] != NONE && at != root) {
            forest->rows[forest->sibling[at]]->depth = forest->rows[at]->depth;
            stack[top++] = forest->sibling[at];
        }
        if (forest->child[at] != NONE) {
            forest->rows[forest->child[at]]->depth = forest->rows[at]->depth + 1;
            stack[top++] = forest->child[at];
        }
    }
    return told;
}

static void grow(const struct proc_table *table, struct forest *forest, bool *is_root) {
    for (size_t i = 0; i < table->count; i++)
        forest->place[i] = NONE;
    for (size_t i = 0; i < forest->count; i++) {
        forest->place[forest->rows[i] - table->rows] = (int32_t)i;
        forest->child[i] = forest->sibling[i] = NONE;
    }
    for (size_t i = forest->count; i-- > 0;) { /* backwards: the first becomes the head */
        int32_t parent = chosen_parent(table, forest, forest->rows[i]);
        is_root[i] = parent == NONE;
        if (parent == NONE)
            continue;
        forest->sibling[i] = forest->child[parent];
        forest->child[parent] = (int32_t)i;
    }
}

static void plant(const struct proc_table *table, struct proc_row **rows, size_t count) {
    struct forest forest = {
        .rows = rows,
        .count = count,
        .place = mem_new_array(table->count + 1, sizeof(int32_t)),
        .child = mem_new_array(count + 1, sizeof(int32_t)),
        .sibling = mem_new_array(count + 1, sizeof(int32_t)),
        .is_told = mem_new_array(count + 1, sizeof(bool)),
    };
    struct proc_row **out = mem_new_array(count + 1, sizeof(struct proc_row *));
    int32_t *stack = mem_new_array(2 * count + 2, sizeof(int32_t));
    bool *is_root = mem_new_array(count + 1, sizeof(bool));
    size_t told = 0;

    grow(table, &forest, is_root);
    for (size_t i = 0; i < count; i++)
        if (is_root[i])
            told = tell(&forest, (int32_t)i, out, told, stack);
    for (size_t i = 0; i < count; i++) /* those of a circle have no root */
        if (!forest.is_told[i])
            told = tell(&forest, (int32_t)i, out, told, stack);
    memcpy(rows, out, count * sizeof(*rows));
    free(forest.place);
    free(forest.child);
    free(forest.sibling);
    free(forest.is_told);
    free(out);
    free(stack);
    free(is_root);
}

size_t proc_order_rows(const struct proc_host *host,
                       struct proc_table *table,
                       const struct proc_question *question,
                       struct proc_row ***ret_rows) {
    struct proc_row **rows = mem_new_array(table->count + 1, sizeof(*rows));
    size_t count = 0;

    for (size_t i = 0; i < table->count; i++)
        if (fits(host, table, question, &table->rows[i]))
            rows[count++] = &table->rows[i];
    proc_order_sort(table, rows, count, question->sort, question->reverse);
    if (question->tree)
        plant(table, rows, count);
    *ret_rows = rows;
    return count;
}
