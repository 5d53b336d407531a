#include "agent/power/power_logind.h"

#include <stdlib.h>
#include <string.h>

#include "agent/systemd/systemd_bus.h"
#include "agent/systemd/systemd_library.h"
#include "base/list.h"
#include "base/mem.h"

#define LOGIND           "org.freedesktop.login1"
#define LOGIND_PATH      "/org/freedesktop/login1"
#define LOGIND_INTERFACE "org.freedesktop.login1.Manager"
#define PROPERTIES       "org.freedesktop.DBus.Properties"
#define AT_LOGIND(method)                                                                \
    { LOGIND, LOGIND_PATH, LOGIND_INTERFACE, method }

enum {
    INHIBITORS_MAX = 64,
    WORD_MAX = 200,                /* characters of what an inhibitor says of itself */
    FLAG_SKIP_INHIBITORS = 1 << 4, /* SD_LOGIND_SKIP_INHIBITORS, since systemd 257 */
};

struct power_logind {
    struct systemd_bus *bus; /* owned */
    struct list questions;
};

/* One question under way. */
struct question {
    struct list node;
    struct systemd_bus *bus; /* borrowed: of the power_logind that has us in its list */
    union {
        power_logind_look_fn *look;
        power_logind_can_fn *can;
        power_logind_done_fn *done;
    } tell;
    void *arg; /* borrowed: the caller's */
    enum power_kind kind;
    struct power_logind_look look;
};

struct power_logind *power_logind_new(struct loop *loop,
                                      const char *library,
                                      const char *root) {
    struct power_logind *logind = mem_new(sizeof(*logind));
    struct systemd_bus_config config = { .loop = loop, .library = library, .root = root };

    logind->bus = systemd_bus_new(&config);
    list_init(&logind->questions);
    return logind;
}

static struct question *ask(struct power_logind *logind, void *arg) {
    struct question *question = mem_new(sizeof(*question));

    question->bus = logind->bus;
    question->arg = arg;
    list_add_tail(&logind->questions, &question->node);
    return question;
}

static void question_free(struct question *question) {
    struct power_logind_look *look = &question->look;

    list_remove(&question->node);
    for (size_t i = 0; i < look->inhibitor_count; i++)
        free(look->inhibitors[i]);
    free(look->inhibitors);
    free(question);
}

struct power_logind *power_logind_free(struct power_logind *logind) {
    if (!logind)
        return NULL;
    systemd_bus_free(logind->bus);
    while (!list_is_empty(&logind->questions))
        question_free(container_of(logind->questions.next, struct question, node));
    free(logind);
    return NULL;
}

/* --- what is planned, and what holds it up --- */

static void end_look(struct question *question, const struct systemd_fault *fault) {
    question->tell.look(question->arg, fault ? NULL : &question->look, fault);
    question_free(question);
}

static void on_planned(void *arg,
                       struct sd_bus_message *reply,
                       const struct systemd_fault *fault) {
    struct question *question = arg;
    const struct systemd_library *library = systemd_bus_library(question->bus);
    const char *kind;
    uint64_t at_us;

    /* A logind without the property plans nothing. */
    if (!fault && library->message_read(reply, "v", "(st)", &kind, &at_us) > 0) {
        question->look.is_planned =
            strcmp(kind, "reboot") == 0 || strcmp(kind, "poweroff") == 0;
        question->look.kind = strcmp(kind, "reboot") == 0 ? POWER_REBOOT : POWER_OFF;
        question->look.at_ms = (int64_t)(at_us / 1000);
    }
    end_look(question, NULL);
}

/* Is `word` one of a list parted by colons? */
static bool has_word(const char *list, const char *word) {
    size_t len = strlen(word);

    for (const char *at = list; *at; at += *at == ':') {
        size_t here = strcspn(at, ":");
        if (here == len && strncmp(at, word, len) == 0)
            return true;
        at += here;
    }
    return false;
}

static void add_inhibitor(struct power_logind_look *look,
                          const char *who,
                          const char *why,
                          uint32_t uid) {
    if (look->inhibitor_count == INHIBITORS_MAX)
        return;
    look->inhibitors =
        mem_grow(look->inhibitors, (look->inhibitor_count + 1) * sizeof(char *));
    look->inhibitors[look->inhibitor_count++] =
        uid == 0 ? mem_printf("%.*s: %.*s (root)", WORD_MAX, who, WORD_MAX, why)
                 : mem_printf("%.*s: %.*s (user %u)", WORD_MAX, who, WORD_MAX, why, uid);
}

static void read_inhibitors(struct question *question, struct sd_bus_message *reply) {
    const struct systemd_library *library = systemd_bus_library(question->bus);
    const char *what, *who, *why, *mode;
    uint32_t uid, pid;

    if (library->message_enter(reply, 'a', "(ssssuu)") <= 0)
        return;
    while (library->message_read(reply, "(ssssuu)", &what, &who, &why, &mode, &uid,
                                 &pid) > 0)
        if (has_word(what, "shutdown") && strncmp(mode, "block", 5) == 0)
            add_inhibitor(&question->look, who, why, uid);
    library->message_exit(reply);
}

static void on_inhibitors(void *arg,
                          struct sd_bus_message *reply,
                          const struct systemd_fault *fault) {
    static const struct systemd_bus_method get = { LOGIND, LOGIND_PATH, PROPERTIES,
                                                   "Get" };
    struct question *question = arg;

    if (fault) {
        end_look(question, fault);
        return;
    }
    read_inhibitors(question, reply);
    systemd_bus_call(question->bus, &get, on_planned, question, "ss", LOGIND_INTERFACE,
                     "ScheduledShutdown");
}

void power_logind_look(struct power_logind *logind,
                       power_logind_look_fn *done,
                       void *arg) {
    static const struct systemd_bus_method list = AT_LOGIND("ListInhibitors");
    struct question *question = ask(logind, arg);

    question->tell.look = done;
    systemd_bus_call(logind->bus, &list, on_inhibitors, question, "");
}

/* --- acts --- */

static void on_can(void *arg,
                   struct sd_bus_message *reply,
                   const struct systemd_fault *fault) {
    struct question *question = arg;
    const char *can = "na";

    if (!fault)
        systemd_bus_library(question->bus)->message_read(reply, "s", &can);
    question->tell.can(question->arg, fault ? NULL : can, fault);
    question_free(question);
}

void power_logind_can(struct power_logind *logind,
                      enum power_kind kind,
                      power_logind_can_fn *done,
                      void *arg) {
    static const struct systemd_bus_method can[] = {
        [POWER_REBOOT] = AT_LOGIND("CanReboot"),
        [POWER_OFF] = AT_LOGIND("CanPowerOff"),
    };
    struct question *question = ask(logind, arg);

    question->tell.can = done;
    systemd_bus_call(logind->bus, &can[kind], on_can, question, "");
}

static void on_done(void *arg,
                    struct sd_bus_message *reply,
                    const struct systemd_fault *fault) {
    struct question *question = arg;

    question->tell.done(question->arg, fault);
    question_free(question);
}

void power_logind_tell(struct power_logind *logind,
                       const char *message,
                       power_logind_done_fn *done,
                       void *arg) {
    static const struct systemd_bus_method tell = AT_LOGIND("SetWallMessage");
    struct question *question = ask(logind, arg);

    question->tell.done = done;
    systemd_bus_call(logind->bus, &tell, on_done, question, "sb", message, 1);
}

void power_logind_plan(struct power_logind *logind,
                       enum power_kind kind,
                       int64_t at_ms,
                       power_logind_done_fn *done,
                       void *arg) {
    static const struct systemd_bus_method plan = AT_LOGIND("ScheduleShutdown");
    struct question *question = ask(logind, arg);

    question->tell.done = done;
    systemd_bus_call(logind->bus, &plan, on_done, question, "st",
                     kind == POWER_REBOOT ? "reboot" : "poweroff",
                     (uint64_t)at_ms * 1000);
}

void power_logind_cancel(struct power_logind *logind,
                         power_logind_done_fn *done,
                         void *arg) {
    static const struct systemd_bus_method cancel = AT_LOGIND("CancelScheduledShutdown");
    struct question *question = ask(logind, arg);

    question->tell.done = done;
    systemd_bus_call(logind->bus, &cancel, on_done, question, "");
}

static void call_plainly(struct question *question) {
    static const struct systemd_bus_method plain[] = {
        [POWER_REBOOT] = AT_LOGIND("Reboot"),
        [POWER_OFF] = AT_LOGIND("PowerOff"),
    };

    systemd_bus_call(question->bus, &plain[question->kind], on_done, question, "b", 0);
}

/* Before systemd 257 it does not know the flag, and lets root pass all the same. */
static void on_forced(void *arg,
                      struct sd_bus_message *reply,
                      const struct systemd_fault *fault) {
    struct question *question = arg;

    if (fault &&
        (fault->status == GRPC_INVALID_ARGUMENT || fault->status == GRPC_UNIMPLEMENTED))
        call_plainly(question);
    else
        on_done(question, reply, fault);
}

void power_logind_do(struct power_logind *logind,
                     enum power_kind kind,
                     bool force,
                     power_logind_done_fn *done,
                     void *arg) {
    static const struct systemd_bus_method flagged[] = {
        [POWER_REBOOT] = AT_LOGIND("RebootWithFlags"),
        [POWER_OFF] = AT_LOGIND("PowerOffWithFlags"),
    };
    struct question *question = ask(logind, arg);

    question->kind = kind;
    question->tell.done = done;
    if (force)
        systemd_bus_call(logind->bus, &flagged[kind], on_forced, question, "t",
                         (uint64_t)FLAG_SKIP_INHIBITORS);
    else
        call_plainly(question);
}
