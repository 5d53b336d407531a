#include "agent/install.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/identity.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { OPEN_FILES_MAX = 16 };

static const char system_unit[] =
    "# Written by roost-agent install.\n"
    "[Unit]\n"
    "Description=Roost agent\n"
    "Documentation=man:roost-agent(8)\n"
    "After=network-online.target\n"
    "Wants=network-online.target\n"
    "\n"
    "[Service]\n"
    "Type=notify\n"
    "ExecStart=%s run --state %s\n"
    "Restart=always\n"
    "RestartSec=2\n"
    "WatchdogSec=60\n"
    "DynamicUser=yes\n"
    "User=roost-agent\n"
    "StateDirectory=roost-agent\n"
    "StateDirectoryMode=0700\n"
    "NoNewPrivileges=yes\n"
    "ProtectSystem=strict\n"
    "ProtectHome=read-only\n"
    "PrivateTmp=yes\n"
    "ProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\n"
    "ProtectControlGroups=yes\n"
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n"
    "RestrictNamespaces=yes\n"
    "RestrictRealtime=yes\n"
    "LockPersonality=yes\n"
    "MemoryDenyWriteExecute=yes\n"
    "SystemCallArchitectures=native\n"
    "CapabilityBoundingSet=\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

static const char user_unit[] = "# Written by roost-agent install --user.\n"
                                "[Unit]\n"
                                "Description=Roost agent\n"
                                "Documentation=man:roost-agent(8)\n"
                                "\n"
                                "[Service]\n"
                                "Type=notify\n"
                                "ExecStart=%s run --state %s\n"
                                "Restart=always\n"
                                "RestartSec=2\n"
                                "WatchdogSec=60\n"
                                "NoNewPrivileges=yes\n"
                                "\n"
                                "[Install]\n"
                                "WantedBy=default.target\n";

static int fail(const char *what, int error, const char *remedy) {
    fprintf(stderr, "roost-agent: %s: %s\n", what, strerror(-error));
    if (remedy)
        fprintf(stderr, "try: %s\n", remedy);
    return 1;
}

static char *unit_path(bool user) {
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (!user)
        return mem_strdup("/etc/systemd/system/roost-agent.service");
    if (config && config[0] == '/')
        return mem_printf("%s/systemd/user/roost-agent.service", config);
    return mem_printf("%s/.config/systemd/user/roost-agent.service", home ? home : "");
}

/* Runs systemctl with these words and waits; true when it succeeded. */
static bool systemctl(bool user,
                      const char *verb,
                      const char *first,
                      const char *second) {
    const char *argv[6] = { "systemctl" };
    size_t count = 1;

    if (user)
        argv[count++] = "--user";
    argv[count++] = verb;
    if (first)
        argv[count++] = first;
    if (second)
        argv[count++] = second;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], (char **)argv);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static int write_unit(const char *path, const char *state, bool user) {
    char self[PATH_MAX];
    struct buf text = { 0 };

    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len < 0)
        return -errno;
    self[len] = '\0';
    if (user)
        buf_printf(&text, user_unit, self, state);
    else
        buf_printf(&text, system_unit, self, state);

    char *folder = mem_strdup(path);
    *strrchr(folder, '/') = '\0';
    int r = file_make_dirs(folder, 0755);
    free(folder);
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&text), 0644);
    buf_done(&text);
    return r;
}

int install_run(const char *state, bool user) {
    struct identity identity;

    if (!user && geteuid() != 0)
        return fail("install for the whole system", -EPERM,
                    "sudo roost-agent install, or roost-agent install --user");
    int r = identity_load(state, &identity);
    if (r == IDENTITY_E_NONE) {
        fprintf(stderr, "roost-agent: %s: this host has not joined a hub\n", state);
        fprintf(stderr, "try: roost-agent join LINK%s\n", user ? "" : " (as root)");
        return 1;
    }
    char *path = unit_path(user);
    r = write_unit(path, state, user);
    if (r < 0) {
        r = fail(path, r, NULL);
    } else {
        printf("wrote %s\n", path);
        if (systemctl(user, "daemon-reload", NULL, NULL) &&
            systemctl(user, "enable", "--now", "roost-agent.service")) {
            printf("roost-agent.service is enabled and started\n");
        } else {
            fprintf(stderr,
                    "roost-agent: systemctl did not start the service\n"
                    "try: systemctl%s status roost-agent\n",
                    user ? " --user" : "");
            r = 1;
        }
    }
    free(path);
    return r;
}

static int remove_one(const char *path,
                      const struct stat *facts,
                      int kind,
                      struct FTW *walk) {
    return remove(path);
}

int install_undo(const char *state, bool user, bool purge) {
    char *path = unit_path(user);
    int status = 0;

    if (!user && geteuid() != 0) {
        free(path);
        return fail("uninstall for the whole system", -EPERM,
                    "sudo roost-agent uninstall");
    }
    systemctl(user, "disable", "--now", "roost-agent.service");
    if (unlink(path) == 0)
        printf("removed %s\n", path);
    else if (errno != ENOENT)
        status = fail(path, -errno, NULL);
    systemctl(user, "daemon-reload", NULL, NULL);
    if (purge && nftw(state, remove_one, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS) == 0)
        printf("removed %s\n", state);
    else if (purge && errno != ENOENT)
        status = fail(state, -errno, NULL);
    free(path);
    return status;
}
