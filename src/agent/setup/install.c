#include "agent/setup/install.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/policy/policy_apply.h"
#include "agent/setup/identity.h"
#include "agent/setup/service_user.h"
#include "agent/setup/unit_system.h"
#include "agent/setup/unit_user.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    OPEN_FILES_MAX = 16,
    UNIT_LEN_MAX = 65536,
};

/* Where the system's service has its state: its unit makes this folder for its user. */
static const char SYSTEM_STATE[] = "/var/lib/roost-agent";
static const char MARK[] = "# Written by roost-agent install.\n";
static const char UNIT[] = "roost-agent.service";

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
        return mem_printf("/etc/systemd/system/%s", UNIT);
    if (config && config[0] == '/')
        return mem_printf("%s/systemd/user/%s", config, UNIT);
    return mem_printf("%s/.config/systemd/user/%s", home ? home : "", UNIT);
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

/* The path of this program; to be freed. */
static char *find_self(void) {
    return realpath("/proc/self/exe", NULL);
}

/* One word of a command line of a unit, which knows "%n", quotes and backslashes. */
static void add_word(struct buf *out, const char *text) {
    buf_add_text(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '%' || *text == '$')
            buf_add_byte(out, (uint8_t)(*text == '%' || *text == '$' ? *text : '\\'));
        buf_add_byte(out, (uint8_t)*text);
    }
    buf_add_text(out, "\"");
}

/* Appends the template with the words at their places. */
static void add_unit(struct buf *out,
                     const char *at,
                     const char *program,
                     const char *state) {
    static const char place_program[] = "@program@", place_state[] = "@state@";

    while (*at) {
        if (strncmp(at, place_program, strlen(place_program)) == 0) {
            add_word(out, program);
            at += strlen(place_program);
        } else if (strncmp(at, place_state, strlen(place_state)) == 0) {
            add_word(out, state);
            at += strlen(place_state);
        } else {
            buf_add_byte(out, (uint8_t)*at++);
        }
    }
}

static int write_unit(const char *path, const char *state, bool user) {
    auto_(mem_freep) char *self = find_self();
    auto_(mem_freep) char *folder = mem_strdup(path);
    auto_(mem_freep) char *template = user ? mem_dup(unit_user_data, unit_user_len)
                                           : mem_dup(unit_system_data, unit_system_len);
    struct buf text = { 0 };

    if (!self)
        return -errno;
    buf_add_text(&text, MARK);
    add_unit(&text, template, self, state);
    *strrchr(folder, '/') = '\0';
    int r = file_make_dirs(folder, 0755);
    if (r == 0)
        r = file_write_atomic(path, buf_slice(&text), 0644);
    buf_done(&text);
    return r;
}

/*
 * The unit that make install put beside this program (PREFIX/sbin/roost-agent,
 * PREFIX/lib/systemd), NULL where there is none; to be freed. It is renewed together with
 * the program, so no copy of it is made.
 */
static char *find_packaged_unit(bool user) {
    auto_(mem_freep) char *self = find_self();
    char *slash = self ? strrchr(self, '/') : NULL;

    if (!slash)
        return NULL;
    *slash = '\0';
    char *path =
        mem_printf("%s/../lib/systemd/%s/%s", self, user ? "user" : "system", UNIT);
    char *real = realpath(path, NULL);
    free(path);
    return real;
}

/* A unit of our own, or one that is not there, may be written and removed. */
static bool is_ours(const char *path) {
    struct buf text = { 0 };

    int r = file_read(path, UNIT_LEN_MAX, &text);
    bool is_marked = r == 0 && strncmp(buf_text(&text), MARK, strlen(MARK)) == 0;
    buf_done(&text);
    return is_marked || r == -ENOENT;
}

/* A user's unit that was packaged knows only the usual folder. */
static bool is_usual_state(const char *state, bool user) {
    const char *home = getenv("HOME");
    if (!user)
        return strcmp(state, SYSTEM_STATE) == 0;
    auto_(mem_freep) char *usual =
        mem_printf("%s/.local/state/roost-agent", home ? home : "");
    return strcmp(state, usual) == 0;
}

/* Finds or writes the unit. 0, or 1 after telling why. */
static int provide_unit(const char *state, bool user) {
    auto_(mem_freep) char *path = unit_path(user);
    auto_(mem_freep) char *packaged = find_packaged_unit(user);

    if (!is_ours(path)) {
        printf("keeps %s, which somebody else wrote\n", path);
        return 0;
    }
    if (packaged && is_usual_state(state, user)) {
        unlink(path); /* one of ours would hide it; ignoring that there is none */
        printf("takes %s\n", packaged);
        return 0;
    }
    int r = write_unit(path, state, user);
    if (r < 0)
        return fail(path, r, NULL);
    printf("wrote %s\n", path);
    return 0;
}

static int start_unit(bool user) {
    if (!systemctl(user, "daemon-reload", NULL, NULL) ||
        !systemctl(user, "enable", "--now", UNIT)) {
        fprintf(stderr,
                "roost-agent: systemctl did not start the service\n"
                "try: systemctl%s status roost-agent\n",
                user ? " --user" : "");
        return 1;
    }
    printf("%s is enabled and started\n", UNIT);
    if (user)
        fprintf(stderr, "it runs while you are logged in; for always: loginctl "
                        "enable-linger\n");
    return 0;
}

/* 0, or 1 after telling why this cannot become a service. */
static int check_state(const char *state, bool user) {
    struct identity identity;

    int r = identity_load(state, &identity);
    mem_wipe(&identity, sizeof(identity));
    if (r == IDENTITY_E_NONE) {
        fprintf(stderr, "roost-agent: %s: this host has not joined a hub\n", state);
        fprintf(stderr, "try: roost-agent join LINK%s\n", user ? "" : " (as root)");
        return 1;
    }
    if (!user && !is_usual_state(state, user)) {
        fprintf(stderr,
                "roost-agent: the service of the whole host keeps its state in %s, not "
                "in %s\ntry: roost-agent join LINK && roost-agent install\n",
                SYSTEM_STATE, state);
        return 1;
    }
    return 0;
}

int install_run(const char *state, bool user) {
    if (!user && geteuid() != 0)
        return fail("install for the whole system", -EPERM,
                    "sudo roost-agent install, or roost-agent install --user");
    if (check_state(state, user) != 0)
        return 1;
    auto_(mem_freep) char *whole = realpath(state, NULL);
    /* Where a service ran before, the folder is a link to one that moves with it. */
    if (provide_unit(user && whole ? whole : state, user) != 0)
        return 1;
    if (!user)
        service_user_make();
    return start_unit(user);
}

static int remove_one(const char *path,
                      const struct stat *facts,
                      int kind,
                      struct FTW *walk) {
    return remove(path);
}

/* Removes the folder and, where systemd made a link to it, the link. 0 or -errno. */
static int remove_state(const char *state) {
    auto_(mem_freep) char *whole = realpath(state, NULL);

    if (!whole)
        return -errno;
    if (nftw(whole, remove_one, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS) != 0)
        return -errno;
    if (unlink(state) != 0 && errno != ENOENT)
        return -errno;
    printf("removed %s\n", state);
    return 0;
}

/* Removes a unit that install wrote. 0, or 1 after telling why not. */
static int remove_unit(bool user) {
    auto_(mem_freep) char *path = unit_path(user);

    if (!is_ours(path)) {
        printf("keeps %s, which somebody else wrote\n", path);
        return 0;
    }
    if (unlink(path) == 0)
        printf("removed %s\n", path);
    else if (errno != ENOENT)
        return fail(path, -errno, NULL);
    return 0;
}

/* A credential that is gone comes back by a new link alone. */
static bool may_purge(const char *state) {
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return true;
    fprintf(stderr, "remove %s, with this host's credential? [y/N] ", state);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

int install_undo(const char *state, bool user, bool purge, bool yes) {
    if (!user && geteuid() != 0)
        return fail("uninstall for the whole system", -EPERM,
                    "sudo roost-agent uninstall");
    if (purge && !yes && !may_purge(state)) {
        fprintf(stderr, "roost-agent: nothing was changed\n");
        return 1;
    }
    systemctl(user, "disable", "--now", UNIT); /* says itself when there is none */
    int status = remove_unit(user);
    if (!user && policy_apply_undo("") != 0)
        status = 1;
    systemctl(user, "daemon-reload", NULL, NULL);
    int r = purge ? remove_state(state) : 0;
    if (r < 0 && r != -ENOENT)
        status = fail(state, r, NULL);
    return status;
}
