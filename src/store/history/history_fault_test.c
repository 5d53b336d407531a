/*
 * The disk is full, broken, or loses power; the process is killed: nothing that was told
 * to be durable is lost, and nothing is there twice.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "loop/timer.h"
#include "store/history/history_private.h"
#include "store/history/history_testing_model.h"
#include "store/history/history_testing_vfs.h"
#include "store/history/sweep/history_tidy.h"

/* Looks every millisecond whether what one waits for will ever come. */
struct patience {
    struct timer timer;
    struct model *model;
    struct vfs *vfs;
    int left; /* turns */
};

static void on_patience(struct timer *timer) {
    struct patience *patience = container_of(timer, struct patience, timer);
    if (atomic_load(&patience->vfs->is_lost) || --patience->left <= 0)
        loop_stop(patience->model->testing.loop);
    else
        timer_start(patience->model->testing.loop, timer, 1);
}

static void wait_patiently(struct model *model, struct vfs *vfs, int turns) {
    struct patience patience = { .model = model, .vfs = vfs, .left = turns };
    patience.timer.fire = on_patience;
    timer_start(model->testing.loop, &patience.timer, 1);
    loop_run(model->testing.loop);
    timer_stop(&patience.timer);
}

/* Until the history says that the disk refuses; some seconds at most. */
static void wait_for_trouble(struct model *model, struct vfs *vfs) {
    for (int turn = 0; turn < 5000 && !history_trouble(model->testing.history); turn++)
        wait_patiently(model, vfs, 1);
    CHECK(history_trouble(model->testing.history));
}

static void begin(struct model *model, uint64_t seed) {
    *model = (struct model) { .random = 88172645463325252u + seed * 104729, .epoch = 1 };
    history_testing_init(&model->testing);
    history_testing_open(&model->testing);
    model_init(model);
    model->clock_ms = TESTING_DAY_MS;
}

static void end(struct model *model) {
    history_catalogue_release(model->catalogues[0]);
    history_catalogue_release(model->catalogues[1]);
    history_testing_done(&model->testing);
}

/* Sends again what is not durable; what is, is known. */
static void send_rest(struct model *model) {
    struct history_cursor found = history_durable(model->testing.history, "pi");
    size_t at = model->count;

    while (at > 0 && (model->rows[at - 1].cursor.epoch != found.epoch ||
                      model->rows[at - 1].cursor.seq != found.seq))
        at--;
    for (size_t i = at > 40 ? at - 40 : 0; i < model->count; i++)
        CHECK_INT(model_send(model, &model->rows[i]), i < at ? HISTORY_E_KNOWN : 0);
}

/* The place of a cursor in the model: how many rows it covers. */
static size_t find_cursor(const struct model *model, struct history_cursor cursor) {
    size_t at = model->count;
    while (at > 0 && (model->rows[at - 1].cursor.epoch != cursor.epoch ||
                      model->rows[at - 1].cursor.seq != cursor.seq))
        at--;
    return at;
}

static void check_store(struct model *model) {
    struct history_testing *testing = &model->testing;
    struct store_counts counts;
    char *why = NULL;

    history_testing_close(testing);
    CHECK_INT(store_open(testing->path, &testing->store, &why), 0);
    int r = store_check_now(testing->store, &counts, &why);
    if (r != 0)
        print_message("# %s\n", why);
    CHECK_INT(r, 0);
    testing->store = store_close(testing->store);
    history_testing_open(testing);
}

/* Takes rows and flushes and merges until the power is gone. */
static void work_until_loss(struct model *model, struct vfs *vfs) {
    while (!atomic_load(&vfs->is_lost) && model->count < ROWS_MAX) {
        for (uint64_t rows = model_pick(model, 60); rows > 0; rows--)
            model_add(model);
        if (model_pick(model, 3) == 0)
            history_compact(model->testing.history, history_testing_stop,
                            &model->testing);
        else
            history_flush(model->testing.history);
        if (model_pick(model, 4) == 0)
            history_tidy_note(model->testing.history, SIZE_MAX);
        wait_patiently(model, vfs, 1 + (int)model_pick(model, 8));
        model->testing.history->on_compacted = NULL;
    }
}

static size_t lose_power(uint64_t seed) {
    static struct model model;
    static struct vfs vfs;
    struct history_testing *testing = &model.testing;

    vfs_init(&vfs, seed);
    begin(&model, seed);
    pthread_mutex_lock(&vfs.lock);
    vfs.until_loss = 1 + (int64_t)model_pick(&model, 1500);
    pthread_mutex_unlock(&vfs.lock);
    work_until_loss(&model, &vfs);
    struct history_cursor told = history_durable(testing->history, "pi");
    pthread_mutex_lock(&vfs.lock);
    if (!atomic_load(&vfs.is_lost))
        vfs_lose_power(&vfs);
    pthread_mutex_unlock(&vfs.lock);
    history_testing_close(testing);

    char path[64];
    snprintf(path, sizeof(path), "%s/after.db", testing->dir);
    vfs_save(&vfs, testing->path, path);
    vfs_done(&vfs);
    memcpy(testing->path, path, sizeof(path));
    history_testing_open(testing);
    struct history_cursor found = history_durable(testing->history, "pi");
    CHECK(find_cursor(&model, found) >= find_cursor(&model, told));
    send_rest(&model);
    model_check(&model);
    history_testing_compact(testing);
    model_check(&model);
    check_store(&model);
    model_check(&model);
    size_t count = find_cursor(&model, told);
    end(&model);
    return count;
}

static void a_power_loss_loses_nothing_that_was_told(void) {
    size_t told = 0;
    for (uint64_t seed = 1; seed <= 25; seed++)
        told += lose_power(seed);
    print_message("# 25 power losses, %zu rows told durable before\n", told);
    CHECK(told > 1000);
}

/* For a while writes fail with this code, then all is well again. */
static void fail_for_a_while(int code, const char *trouble) {
    static struct model model;
    static struct vfs vfs;
    struct history_testing *testing = &model.testing;

    vfs_init(&vfs, (uint64_t)code);
    begin(&model, (uint64_t)code);
    for (int turn = 0; turn < 12; turn++) {
        for (int rows = 0; rows < 50; rows++)
            model_add(&model);
        atomic_store(&vfs.failure, turn % 3 == 1 ? code : 0);
        if (turn % 2 == 0 && turn % 3 != 1) {
            history_testing_compact(testing);
        } else if (turn % 3 == 1) {
            history_compact(testing->history, history_testing_stop, testing);
            wait_for_trouble(&model, &vfs);
            testing->history->on_compacted = NULL;
            CHECK_TEXT(history_trouble(testing->history), trouble);
            atomic_store(&vfs.failure, 0);
        } else {
            model_flush(&model);
        }
        model_flush(&model);
        CHECK(!history_trouble(testing->history));
        model_check(&model);
    }
    CHECK(atomic_load(&vfs.failures) > 0);
    history_testing_compact(testing);
    model_check(&model);
    check_store(&model);
    model_check(&model);
    end(&model);
    vfs_done(&vfs);
}

static void a_full_disk_is_waited_for(void) {
    fail_for_a_while(SQLITE_FULL, "the disk is full");
}

static void a_broken_disk_is_waited_for(void) {
    fail_for_a_while(SQLITE_IOERR_FSYNC, "the disk fails (Input/output error)");
}

/* A commit that succeeds and says that it did not. */
static const struct history_backend *real_backend;
static atomic_int commits, lies;

static int commit_and_lie(struct store_database *db) {
    int r = real_backend->commit(db);
    unsigned number = (unsigned)atomic_fetch_add(&commits, 1) * 2654435761u >> 16;
    if (r != 0 || number % 3 > 0)
        return r;
    atomic_fetch_add(&lies, 1);
    return -EIO;
}

static void an_uncertain_commit_is_settled(void) {
    static struct model model;
    static struct vfs vfs; /* works all the time */
    struct history_backend liar;

    vfs_init(&vfs, 1);
    begin(&model, 77);
    real_backend = model.testing.history->backend;
    liar = *real_backend;
    liar.commit = commit_and_lie;
    model.testing.history->backend = &liar;
    for (int turn = 0; turn < 30; turn++) {
        for (int rows = 0; rows < 40; rows++)
            model_add(&model);
        if (turn % 4 == 3) {
            history_compact(model.testing.history, history_testing_stop, &model.testing);
            wait_patiently(&model, &vfs, 30);
            model.testing.history->on_compacted = NULL;
        }
        while (history_taken(model.testing.history, "pi").seq !=
               history_durable(model.testing.history, "pi").seq) {
            history_flush(model.testing.history);
            wait_patiently(&model, &vfs, 2);
        }
        model_check(&model);
    }
    CHECK(atomic_load(&lies) > 10);
    model.testing.history->backend = real_backend;
    history_testing_compact(&model.testing);
    model_check(&model);
    check_store(&model);
    model_check(&model);
    end(&model);
    vfs_done(&vfs);
}

static int refuse_node(struct store_database *db,
                       int64_t id,
                       const char *name,
                       struct slice facts,
                       uint64_t lost) {
    return -EIO;
}

/* Nothing of a node goes before it is durable that the node goes. */
static void a_removal_that_fails_is_as_if_it_was_not(void) {
    static struct model model;
    static struct vfs vfs; /* works all the time */
    struct history_testing *testing = &model.testing;
    struct history_backend refusing;

    vfs_init(&vfs, 1);
    begin(&model, 5);
    for (int rows = 0; rows < 300; rows++)
        model_add(&model);
    model_flush(&model);
    for (int rows = 0; rows < 30; rows++)
        model_add(&model);
    model_flush(&model);
    refusing = *testing->history->backend;
    refusing.put_node = refuse_node;
    testing->history->backend = &refusing;
    history_remove_node(testing->history, "pi");
    history_compact(testing->history, history_testing_stop, testing);
    wait_for_trouble(&model, &vfs);
    wait_patiently(&model, &vfs, 20);
    testing->history->on_compacted = NULL;
    history_testing_close(testing); /* the last flush is refused as well */
    history_testing_open(testing);
    model_check(&model);
    end(&model);
    vfs_done(&vfs);
}

/* The child of the next test: tells on a pipe what is durable until it is killed. */
static void work_and_tell(struct model *model, int pipe) {
    static struct vfs vfs;
    history_testing_open(&model->testing);
    model_init(model);
    for (;;) {
        for (uint64_t rows = model_pick(model, 40); rows > 0; rows--)
            model_add(model);
        if (model_pick(model, 4) == 0)
            history_compact(model->testing.history, history_testing_stop,
                            &model->testing);
        else
            history_flush(model->testing.history);
        wait_patiently(model, &vfs, 3);
        model->testing.history->on_compacted = NULL;
        struct history_cursor durable = history_durable(model->testing.history, "pi");
        if (write(pipe, &durable, sizeof(durable)) != sizeof(durable))
            _exit(1);
        if (model->count > ROWS_MAX - 50)
            pause();
    }
}

static void kill_once(uint64_t seed) {
    static struct model model;
    struct history_cursor told = { 0 };
    int ends[2], status;

    CHECK_INT(pipe(ends), 0);
    model = (struct model) { .random = 424242 + seed * 7907, .epoch = 1 };
    model.clock_ms = TESTING_DAY_MS;
    model.testing = (struct history_testing) { .dir = "/tmp/roost-history-XXXXXX" };
    CHECK(mkdtemp(model.testing.dir));
    snprintf(model.testing.path, sizeof(model.testing.path), "%s/roost.db",
             model.testing.dir);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        model.testing.loop = loop_new();
        work_and_tell(&model, ends[1]);
    }
    close(ends[1]);
    for (uint64_t left = 2 + seed * 5 % 60; left > 0; left--)
        CHECK_INT(read(ends[0], &told, sizeof(told)), sizeof(told));
    CHECK_INT(kill(pid, SIGKILL), 0);
    while (read(ends[0], &told, sizeof(told)) == sizeof(told)) {
    }
    close(ends[0]);
    CHECK_INT(waitpid(pid, &status, 0), pid);

    /* The parent makes the rows that the child had made: the same seed, the same rows. */
    model.testing.loop = loop_new();
    history_testing_open(&model.testing);
    struct history_cursor found = history_durable(model.testing.history, "pi");
    struct history_testing other = { 0 };
    static struct model twin;
    twin = model;
    twin.testing = other;
    history_testing_init(&twin.testing);
    history_testing_open(&twin.testing);
    model_init(&twin);
    while (twin.count < ROWS_MAX - 100 && find_cursor(&twin, found) == 0) {
        for (uint64_t rows = model_pick(&twin, 40); rows > 0; rows--)
            model_add(&twin);
        model_pick(&twin, 4);
    }
    CHECK(find_cursor(&twin, found) > 0);
    CHECK(find_cursor(&twin, found) >= find_cursor(&twin, told));
    memcpy(model.rows, twin.rows, sizeof(model.rows));
    model.count = twin.count;
    model.clock_ms = twin.clock_ms;
    model.testing.now_ms = twin.clock_ms;
    end(&twin);

    model_init(&model);
    send_rest(&model);
    model_check(&model);
    history_testing_compact(&model.testing);
    model_check(&model);
    check_store(&model);
    end(&model);
}

static void a_killed_process_loses_nothing_that_was_told(void) {
    for (uint64_t seed = 1; seed <= 10; seed++)
        kill_once(seed);
}

TESTS(TEST(a_killed_process_loses_nothing_that_was_told),
      TEST(a_power_loss_loses_nothing_that_was_told),
      TEST(a_full_disk_is_waited_for),
      TEST(a_broken_disk_is_waited_for),
      TEST(an_uncertain_commit_is_settled),
      TEST(a_removal_that_fails_is_as_if_it_was_not))
