#include "agent/systemd/systemd_journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/systemd/systemd_library.h"
#include "agent/systemd/systemd_line.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/slice.h"
#include "wire/pb.h"

enum {
    SLICE_NS = 20 * 1000000, /* how long a read may keep the thread */
    LOOKS = 32,              /* entries between two looks at the clock */
    DONE = 1,                /* of a step: the phase is over, or the batch full */
};

enum phase {
    PHASE_BACK,    /* looks for the first of the last lines */
    PHASE_FORWARD, /* hands lines out */
    PHASE_COUNT,   /* how many wait for a reader that was slow */
    PHASE_SKIP,    /* leaves out some of them */
    PHASE_END,
};

struct systemd_journal {
    const struct systemd_library *library; /* borrowed: outlives us */
    struct sd_journal *journal;            /* owned */
    char *grep;                            /* owned */
    char *last;                            /* owned: the cursor of the last line */
    uint64_t since_us;
    uint64_t until_us;
    uint64_t found;   /* of the phase */
    uint64_t wanted;  /* of the phase */
    uint64_t dropped; /* to be told with the next line */
    int fd;
    enum phase phase;
    bool follow;
    bool is_user;
    bool at_line; /* the journal stands on a line that is to be handed out */
};

/* --- may it be read --- */

static int folder_access(const char *path, bool *ret_seen) {
    DIR *folder = opendir(path);
    if (!folder)
        return errno == EACCES ? -EACCES : -ENOENT;

    int r = -ENOENT;
    struct dirent *entry;
    while (r != 0 && (entry = readdir(folder))) {
        auto_(mem_freep) char *name = file_join(path, entry->d_name);
        size_t len = strlen(entry->d_name);
        if (len > 8 && strcmp(entry->d_name + len - 8, ".journal") == 0) {
            *ret_seen = true;
            r = access(name, R_OK) == 0 ? 0 : -EACCES;
        }
    }
    closedir(folder);
    return r;
}

static int tree_access(const char *root, const char *tree, bool *ret_seen) {
    auto_(mem_freep) char *path = mem_printf("%s%s", root, tree);
    DIR *folder = opendir(path);
    if (!folder)
        return errno == EACCES ? -EACCES : -ENOENT;

    int r = -ENOENT;
    struct dirent *entry;
    while (r != 0 && (entry = readdir(folder))) {
        auto_(mem_freep) char *name = file_join(path, entry->d_name);
        if (entry->d_name[0] != '.')
            r = folder_access(name, ret_seen);
        if (r == -EACCES)
            *ret_seen = true;
    }
    closedir(folder);
    return r;
}

int systemd_journal_access(const char *root) {
    bool seen = false;

    int r = tree_access(root, "/var/log/journal", &seen);
    if (r != 0)
        r = tree_access(root, "/run/log/journal", &seen);
    if (r == 0)
        return 0;
    return seen || r == -EACCES ? -EACCES : -ENOENT;
}

/* --- which lines --- */

static int add_match(struct systemd_journal *it, const char *field, const char *value) {
    auto_(mem_freep) char *text = mem_printf("%s=%s", field, value);
    return it->library->journal_add_match(it->journal, text, strlen(text));
}

static int add_or(struct systemd_journal *it) {
    return it->library->journal_add_disjunction(it->journal);
}

/* What journalctl -u takes: the unit's processes, and what others with the right to it
 * say of the unit. */
static int match_unit(struct systemd_journal *it, const char *unit) {
    int r = add_match(it, "_SYSTEMD_UNIT", unit);
    if (r >= 0)
        r = add_or(it);
    if (r >= 0)
        r = add_match(it, "_PID", "1");
    if (r >= 0)
        r = add_match(it, "UNIT", unit);
    if (r >= 0)
        r = add_or(it);
    if (r >= 0)
        r = add_match(it, "_UID", "0");
    if (r >= 0)
        r = add_match(it, "OBJECT_SYSTEMD_UNIT", unit);
    return r;
}

static int match_user_unit(struct systemd_journal *it, const char *unit) {
    char uid[16];

    snprintf(uid, sizeof(uid), "%u", (unsigned)getuid());
    int r = add_match(it, "_SYSTEMD_USER_UNIT", unit);
    if (r >= 0)
        r = add_match(it, "_UID", uid);
    if (r >= 0)
        r = add_or(it);
    if (r >= 0)
        r = add_match(it, "USER_UNIT", unit);
    if (r >= 0)
        r = add_match(it, "_UID", uid);
    return r;
}

static int match_priority(struct systemd_journal *it, int worst) {
    int r = it->library->journal_add_conjunction(it->journal);
    char number[4];

    for (int i = 0; i <= worst && r >= 0; i++) {
        snprintf(number, sizeof(number), "%d", i);
        r = add_match(it, "PRIORITY", number);
    }
    return r;
}

static int set_matches(struct systemd_journal *it,
                       const struct systemd_journal_query *query) {
    int r = 0;

    it->library->journal_set_data_threshold(it->journal, SYSTEMD_JOURNAL_TEXT_MAX);
    if (strcmp(query->unit, "kernel") == 0)
        r = add_match(it, "_TRANSPORT", "kernel");
    else if (query->unit[0] != '\0')
        r = query->is_user ? match_user_unit(it, query->unit)
                           : match_unit(it, query->unit);
    if (r >= 0 && query->priority >= 0 && query->priority < 7)
        r = match_priority(it, query->priority);
    return r;
}

/* --- where to begin --- */

static int begin(struct systemd_journal *it, const struct systemd_journal_query *query) {
    const struct systemd_library *library = it->library;

    if (query->after_cursor[0] != '\0') {
        it->last = mem_strdup(query->after_cursor);
        it->phase = PHASE_FORWARD;
        int r = library->journal_seek_cursor(it->journal, it->last);
        if (r >= 0)
            r = library->journal_next(it->journal);
        /* The line itself may be gone: then this is the first one behind it. */
        it->at_line = r > 0 && library->journal_test_cursor(it->journal, it->last) == 0;
        return r;
    }
    it->phase = PHASE_BACK;
    it->wanted = query->lines;
    return query->until_us > 0
               ? library->journal_seek_realtime(it->journal, query->until_us + 1)
               : library->journal_seek_tail(it->journal);
}

int systemd_journal_open(const struct systemd_library *library,
                         const struct systemd_journal_query *query,
                         struct systemd_journal **ret_journal) {
    struct systemd_journal *it = mem_new(sizeof(*it));

    it->library = library;
    it->grep = mem_strdup(query->grep);
    it->since_us = query->since_us;
    it->until_us = query->until_us;
    it->follow = query->follow;
    it->fd = -1;
    it->is_user = query->is_user;
    int r = query->root[0] == '\0'
                ? library->journal_open(&it->journal, SYSTEMD_LIBRARY_LOCAL)
                : library->journal_open_directory(&it->journal, query->root,
                                                  SYSTEMD_LIBRARY_OS_ROOT);
    if (r >= 0)
        r = set_matches(it, query);
    if (r >= 0 && query->follow)
        r = it->fd = library->journal_get_fd(it->journal);
    if (r >= 0)
        r = begin(it, query);
    if (r < 0) {
        systemd_journal_close(it);
        return r;
    }
    *ret_journal = it;
    return 0;
}

struct systemd_journal *systemd_journal_close(struct systemd_journal *journal) {
    if (!journal)
        return NULL;
    if (journal->journal)
        journal->library->journal_close(journal->journal);
    free(journal->grep);
    free(journal->last);
    free(journal);
    return NULL;
}

int systemd_journal_fd(const struct systemd_journal *journal) {
    return journal->fd;
}

/* --- reading --- */

static bool fits(const struct systemd_journal *it) {
    const void *data;
    size_t len;

    if (it->grep[0] == '\0')
        return true;
    if (it->library->journal_get_data(it->journal, "MESSAGE", &data, &len) < 0)
        return false;
    return memmem(data, len, it->grep, strlen(it->grep)) != NULL;
}

static uint64_t time_us(const struct systemd_journal *it) {
    uint64_t at_us = 0;

    it->library->journal_get_realtime(it->journal, &at_us);
    return at_us;
}

static void go_forward(struct systemd_journal *it, bool at_line) {
    it->phase = PHASE_FORWARD;
    it->at_line = at_line;
}

static int step_back(struct systemd_journal *it) {
    int r = it->library->journal_previous(it->journal);

    if (r < 0)
        return r;
    if (r == 0) {
        go_forward(it, false);
        return it->library->journal_seek_head(it->journal);
    }
    if (it->since_us > 0 && time_us(it) < it->since_us)
        go_forward(it, false);
    else if (fits(it) && ++it->found == it->wanted)
        go_forward(it, true);
    return 0;
}

static void keep_cursor(struct systemd_journal *it, const char *cursor) {
    free(it->last);
    it->last = mem_strdup(cursor);
}

static void hand_out(struct systemd_journal *it, struct systemd_journal_batch *batch) {
    Roost__V1__LogLine *line = systemd_line_read(it->library, it->journal, it->is_user);

    line->dropped = it->dropped;
    it->dropped = 0;
    if (line->cursor[0] != '\0')
        keep_cursor(it, line->cursor);
    batch->lines[batch->count++] = line;
}

/* A step of any phase moves by one line: 0, DONE or -errno. */
static int step_forward(struct systemd_journal *it, struct systemd_journal_batch *batch) {
    int r = it->at_line ? 1 : it->library->journal_next(it->journal);

    it->at_line = false;
    if (r <= 0) {
        if (r == 0 && !it->follow)
            it->phase = PHASE_END;
        return r < 0 ? r : DONE;
    }
    if (it->until_us > 0 && time_us(it) > it->until_us) {
        it->phase = PHASE_END;
        return DONE;
    }
    /* The start of the journal may be before what was asked for. */
    if (it->since_us > 0 && time_us(it) < it->since_us)
        return 0;
    if (fits(it))
        hand_out(it, batch);
    return batch->count == SYSTEMD_JOURNAL_BATCH ? DONE : 0;
}

/* Back to the last line that was handed out. */
static int rewind_to_last(struct systemd_journal *it) {
    int r = it->library->journal_seek_cursor(it->journal, it->last);

    if (r >= 0)
        r = it->library->journal_next(it->journal);
    it->at_line = r > 0 && it->library->journal_test_cursor(it->journal, it->last) == 0;
    return r;
}

static int step_count(struct systemd_journal *it) {
    int r = it->library->journal_next(it->journal);

    if (r > 0 && fits(it))
        it->found++;
    if (r != 0)
        return r < 0 ? r : 0;
    it->phase = PHASE_FORWARD;
    if (it->found > SYSTEMD_JOURNAL_LAG_MAX) {
        it->phase = PHASE_SKIP;
        it->wanted = it->found - SYSTEMD_JOURNAL_LAG_KEEP;
    }
    it->found = 0;
    r = rewind_to_last(it);
    return r < 0 ? r : 0;
}

static int step_skip(struct systemd_journal *it) {
    int r = it->at_line ? 1 : it->library->journal_next(it->journal);

    it->at_line = false;
    if (r > 0 && fits(it))
        it->found++;
    if (r == 0 || it->found == it->wanted) {
        it->dropped += it->found;
        it->phase = PHASE_FORWARD;
    }
    return r < 0 ? r : 0;
}

static int step(struct systemd_journal *it, struct systemd_journal_batch *batch) {
    switch (it->phase) {
    case PHASE_BACK:
        return step_back(it);
    case PHASE_FORWARD:
        return step_forward(it, batch);
    case PHASE_COUNT:
        return step_count(it);
    case PHASE_SKIP:
        return step_skip(it);
    case PHASE_END:
        break;
    }
    return DONE;
}

int systemd_journal_read(struct systemd_journal *it,
                         bool stalled,
                         struct systemd_journal_batch *batch) {
    uint64_t end_ns = clock_boot_ns() + SLICE_NS;
    unsigned steps = 0;
    int r = 0;

    if (it->follow) {
        r = it->library->journal_process(it->journal);
        if (r < 0)
            return r;
    }
    if (stalled && it->follow && it->last && it->phase == PHASE_FORWARD && !it->at_line) {
        it->phase = PHASE_COUNT;
        it->found = 0;
    }
    do {
        r = step(it, batch);
        if (r == 0 && ++steps % LOOKS == 0 && clock_boot_ns() > end_ns)
            return SYSTEMD_JOURNAL_MORE;
    } while (r == 0);
    if (r < 0)
        return r;
    if (it->phase == PHASE_END)
        return SYSTEMD_JOURNAL_END;
    return batch->count == SYSTEMD_JOURNAL_BATCH ? SYSTEMD_JOURNAL_MORE
                                                 : SYSTEMD_JOURNAL_WAIT;
}
