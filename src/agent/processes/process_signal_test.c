#include "agent/processes/process_signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/collect/proc/proc_host.h"
#include "base/check.h"

static void signals_go_by_any_name_or_number(void) {
    static const struct {
        const char *text;
        int signal;
    } rows[] = {
        { "TERM", SIGTERM },
        { "SIGTERM", SIGTERM },
        { "sigkill", SIGKILL },
        { "Hup", SIGHUP },
        { "9", 9 },
        { "STOP", SIGSTOP },
        { "CONT", SIGCONT },
        { "usr1", SIGUSR1 },
        { "IOT", SIGABRT },
        { "WINCH", SIGWINCH },
        { "CLD", SIGCHLD },
    };
    static const char *const bad[] = { "",         "0",         "SIG",          "-9",
                                       "9x",       "65",        "999999999999", "TERMX",
                                       "RTMIN+99", "RTMIN-1",   "RTMAX+1",      "RTMINX",
                                       " TERM",    "SIGSIGTERM" };
    int signal;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(process_signal_parse(rows[i].text, &signal));
        CHECK_INT(signal, rows[i].signal);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!process_signal_parse(bad[i], &signal));
    CHECK(process_signal_parse("SIGRTMIN+2", &signal) && signal == SIGRTMIN + 2);
    CHECK(process_signal_parse("RTMAX-1", &signal) && signal == SIGRTMAX - 1);
}

static void every_number_has_a_name_that_means_it(void) {
    for (int number = 1; number <= SIGRTMAX; number++) {
        char name[PROCESS_SIGNAL_NAME_LEN];
        int signal;
        process_signal_name(number, name);
        if (name[0] == 'S')
            CHECK(process_signal_parse(name, &signal) && signal == number);
        else
            CHECK(number > 31 && number < SIGRTMIN); /* kept by the C library */
    }
}

static void only_the_process_that_was_started_then_is_signalled(void) {
    struct proc_host *host = NULL;
    struct proc_stat stat;
    int status;

    CHECK_INT(proc_host_open("", &host), 0);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    CHECK(child > 0);
    uint32_t pid = (uint32_t)child;
    CHECK(proc_host_stat(host, pid, &stat));
    CHECK_INT(process_signal_send(host, pid, stat.start_ticks + 1, SIGKILL),
              PROCESS_SIGNAL_E_OTHER);
    CHECK_INT(waitpid(child, &status, WNOHANG), 0);
    CHECK_INT(process_signal_send(host, pid, stat.start_ticks, SIGTERM), 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK_INT(process_signal_send(host, pid, stat.start_ticks, SIGTERM),
              PROCESS_SIGNAL_E_GONE);
    proc_host_free(host);
}

TESTS(TEST(signals_go_by_any_name_or_number),
      TEST(every_number_has_a_name_that_means_it),
      TEST(only_the_process_that_was_started_then_is_signalled))
