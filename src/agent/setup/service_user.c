#include "agent/setup/service_user.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Names that are made up are in no file, though the name service knows them. */
static bool is_there(void) {
    FILE *file = fopen("/etc/passwd", "re");
    const struct passwd *entry;
    bool found = false;

    while (file && !found && (entry = fgetpwent(file)))
        found = strcmp(entry->pw_name, SERVICE_USER_NAME) == 0;
    if (file)
        fclose(file);
    return found;
}

static void run_sysusers(void) {
    pid_t pid = fork();

    if (pid == 0) {
        execlp("systemd-sysusers", "systemd-sysusers", "--inline",
               "u " SERVICE_USER_NAME " - \"Roost agent\"", (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

void service_user_make(void) {
    if (is_there())
        return;
    run_sysusers();
    if (is_there())
        printf("made the user %s\n", SERVICE_USER_NAME);
    else
        fprintf(stderr,
                "roost-agent: there is no user %s: the system's bus may refuse the "
                "service\ntry: useradd --system --no-create-home %s, and restart it\n",
                SERVICE_USER_NAME, SERVICE_USER_NAME);
}
