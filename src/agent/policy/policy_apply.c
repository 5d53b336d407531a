#include "agent/policy/policy_apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/policy/policy.h"
#include "agent/policy/policy_edit.h"
#include "agent/policy/policy_needs.h"
#include "agent/setup/service_user.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

/* One file that is ours: what it should hold, and what came of it. */
struct part {
    const char *path; /* borrowed: static; below root */
    void (*write)(const struct policy *policy, struct buf *out);
};

static const struct part parts[] = {
    { "/etc/systemd/system/roost-agent.service.d/50-policy.conf", policy_needs_unit },
    { "/etc/polkit-1/rules.d/50-roost-agent.rules", policy_needs_polkit },
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static int complain(const char *path, int error) {
    fprintf(stderr, "roost-agent: policy apply: %s: %s\n", path, strerror(-error));
    if (error == -EACCES || error == -EPERM)
        fprintf(stderr, "try: the same as root\n");
    return EXIT_FAILURE;
}

static void print_lines(struct slice text, char sign) {
    while (text.len > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        printf("  %c %.*s\n", sign, (int)len, (const char *)text.at);
        text = slice_after(text, end ? len + 1 : len);
    }
}

static int make_folder(const char *path) {
    auto_(mem_freep) char *folder = mem_strdup(path);

    *strrchr(folder, '/') = '\0';
    return file_make_dirs(folder, 0755);
}

/* Makes the file what it should be ("": not there). 0 or -errno. */
static int put(const char *path, struct slice wanted) {
    if (wanted.len == 0)
        return unlink(path) == 0 ? 0 : -errno;
    int r = make_folder(path);
    return r < 0 ? r : file_write_atomic(path, wanted, 0644);
}

/* One part: 0, or the exit status after telling. */
static int apply_part(const char *path,
                      struct slice wanted,
                      bool dry_run,
                      bool *ret_changed) {
    struct buf now = { 0 };
    int status = 0;

    int r = file_read(path, FILE_MAX, &now);
    bool is_there = r == 0;
    if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
        status = complain(path, r);
    } else if (is_there && !strstr(buf_text(&now), POLICY_NEEDS_MARK)) {
        printf("keeps %s, which somebody else wrote\n", path);
    } else if (is_there ? !slice_equal(buf_slice(&now), wanted) : wanted.len > 0) {
        printf("%s %s\n",
               wanted.len == 0 ? (dry_run ? "would remove" : "removed")
                               : (dry_run ? "would write" : "wrote"),
               path);
        print_lines(wanted.len > 0 ? wanted : buf_slice(&now),
                    wanted.len > 0 ? '+' : '-');
        r = dry_run ? 0 : put(path, wanted);
        status = r < 0 ? complain(path, r) : 0;
        *ret_changed = true;
    }
    buf_done(&now);
    return status;
}

static bool systemctl(const char *first, const char *second) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("systemctl", "systemctl", first, second, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* A process gets capabilities and groups when it starts. */
static int restart(void) {
    if (systemctl("daemon-reload", NULL) &&
        systemctl("try-restart", "roost-agent.service"))
        return 0;
    fprintf(stderr, "roost-agent: policy apply: systemctl failed\n"
                    "try: systemctl daemon-reload && systemctl restart roost-agent\n");
    return EXIT_FAILURE;
}

/* policy: NULL takes all away. */
static int apply(const struct policy *policy, const char *root, bool dry_run) {
    bool changed = false;
    int status = 0;

    if (!*root && !dry_run && geteuid() != 0)
        return complain("this changes the system", -EPERM);
    for (size_t i = 0; i < PARTS && status == 0; i++) {
        auto_(mem_freep) char *path = mem_printf("%s%s", root, parts[i].path);
        struct buf wanted = { 0 };
        if (policy)
            parts[i].write(policy, &wanted);
        status = apply_part(path, buf_slice(&wanted), dry_run, &changed);
        buf_done(&wanted);
    }
    if (status == 0 && !changed && policy)
        printf("nothing to change\n");
    if (status == 0 && changed && !dry_run && !*root) {
        if (policy)
            service_user_make();
        status = restart();
    }
    return status;
}

int policy_apply(const char *state, const char *root, bool dry_run) {
    struct policy *policy = policy_edit_open(state);
    int status = EXIT_FAILURE;

    if (policy_trouble(policy))
        fprintf(stderr, "roost-agent: policy apply: %s\ntry: roost-agent policy\n",
                policy_trouble(policy));
    else
        status = apply(policy, root, dry_run);
    policy_free(policy);
    return status;
}

int policy_apply_undo(const char *root) {
    return apply(NULL, root, false);
}
