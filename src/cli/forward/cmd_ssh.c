#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/report.h"

/* Quotes for a shell, and for ssh, to which % means something. */
static void add_quoted(struct buf *out, const char *text) {
    buf_add_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_text(out, "'\\''");
        else if (*text == '%')
            buf_add_text(out, "%%");
        else
            buf_add_byte(out, (uint8_t)*text);
    }
    buf_add_byte(out, '\'');
}

/* This program, wherever it is. */
static char *own_path(void) {
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

    return len > 0 && (size_t)len < sizeof(path) ? mem_dup(path, (size_t)len)
                                                 : mem_strdup("roost");
}

static char *proxy_command(const struct cli *cli, const char *node) {
    auto_(mem_freep) char *own = own_path();
    const char *hub = args_value(cli->args, "hub");
    struct buf out = { 0 };

    buf_add_text(&out, "ProxyCommand=");
    add_quoted(&out, own);
    if (hub) {
        buf_add_text(&out, " --hub ");
        add_quoted(&out, hub);
    }
    buf_add_text(&out, " connect ");
    add_quoted(&out, node);
    buf_add_text(&out, " 127.0.0.1:%p");
    return buf_take_text(&out);
}

static int run(struct cli *cli) {
    const char *who = args_at(cli->args, 0);
    const char *at = strrchr(who, '@');
    const char *node = at ? at + 1 : who;
    size_t count = args_count(cli->args);

    if (node[0] == '\0' || node[0] == '-' || who[0] == '-')
        return cli_usage(cli, "ssh: %s: write [USER@]NODE", who);
    auto_(mem_freep) char *proxy = proxy_command(cli, node);
    auto_(mem_freep) char *alias = mem_printf("HostKeyAlias=roost-%s", node);
    auto_(mem_freep) const char **words = mem_new_array(count + 7, sizeof(*words));
    size_t len = 0;

    words[len++] = "ssh";
    words[len++] = "-o";
    words[len++] = proxy;
    words[len++] = "-o";
    words[len++] = alias;
    words[len++] = who;
    for (size_t i = 1; i < count; i++)
        words[len++] = args_at(cli->args, i);
    execvp("ssh", (char *const *)(uintptr_t)words);
    return report_fail(REPORT_FAILED, "apt install openssh-client", "ssh: %s",
                       strerror(errno));
}

static const char *const examples[] = {
    "roost ssh nas",
    "a shell on nas, wherever it is",
    "roost ssh root@nas -p 2222 uptime",
    "what stands behind the node is ssh's",
    "roost ssh nas -L 8080:127.0.0.1:80",
    "its own forwarding works as well",
    NULL,
};

const struct command cmd_ssh = {
    .name = "ssh",
    .usage = "[USER@]NODE [ARGS]",
    .summary = "run ssh to a node, through the hub",
    .details = "Runs ssh with this program as its ProxyCommand. The node's key is "
               "remembered as\n"
               "roost-NODE. Its policy must allow it: roost-agent allow tcp 127.0.0.1:22 "
               "there.\n"
               "For scp, rsync and git put into ~/.ssh/config:\n"
               "  Host *.roost\n"
               "    ProxyCommand roost connect $(basename %h .roost) 127.0.0.1:%p",
    .examples = examples,
    .least = 1,
    .most = COMMAND_ANY,
    .operands = "node",
    .rest = 1,
    .run = run,
};
