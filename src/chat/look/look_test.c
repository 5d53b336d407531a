/*
 * Every command with what the hub answers, and the views that come of it, in both
 * languages, compared with testdata/look_*.txt. LOOK_GOLDEN=write writes those files
 * anew: read what changed before it is kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "chat/command.h"
#include "chat/turn/turn_testing.h"

enum { ANSWERS_MAX = 6 };

struct answer {
    const char *method; /* "Nodes/List" */
    const char *json;   /* NULL: it fails so: */
    enum grpc_status status;
    const char *message;
};

static const char nas_json[] =
    "{\"name\":\"nas\",\"title\":\"Storage\",\"state\":\"ONLINE\",\"k"
    "ind\":\"AGENT\",\"tags\":[\"home\"],\"lastSeen\":\"2026-11-21T11"
    ":59:58Z\",\"onlineSince\":\"2026-11-20T08:00:00Z\"}";
static const char pi_json[] =
    "{\"name\":\"pi\",\"state\":\"OFFLINE\",\"lastSeen\":\"2026-11-21"
    "T09:00:00Z\"}";
static const char attic_json[] =
    "{\"name\":\"attic\",\"title\":\"Attic\",\"state\":\"ONLINE\",\"l"
    "astSeen\":\"2026-11-21T11:59:58Z\"}";
static const char latest_json[] =
    "{\"nodes\":[{\"node\":\"nas\",\"time\":\"2026-11-21T11:59:58Z\","
    "\"online\":true,\"values\":{\"cpu\":12.34,\"mem\":45.6,\"mem.use"
    "d\":7345678901,\"mem.total\":16106127360,\"swap\":1,\"swap.used"
    "\":10485760,\"swap.total\":2147483648,\"load1\":0.52,\"load5\":0"
    ".4,\"load15\":0.31,\"net.rx\":1250000,\"net.tx\":45000,\"gpu\":7"
    ",\"temp.gpu\":51.5,\"vram\":25,\"vram.used\":2147483648,\"vram.t"
    "otal\":8589934592,\"temp.cpu\":54.5,\"uptime\":93784,\"disk\":95"
    ",\"disk:/\":42,\"disk.used:/\":21474836480,\"disk.total:/\":5368"
    "7091200,\"disk:/srv\":95.1,\"disk.used:/srv\":1020000000000,\"di"
    "sk.total:/srv\":1072000000000,\"throttle\":0,\"net.rx:eth0\":125"
    "0000,\"cpu.freq\":2400000000,\"psi.io\":0.25,\"my.odd metric\":3"
    "},\"info\":[{\"name\":\"my.odd metric\",\"unit\":\"W\"}]},{\"nod"
    "e\":\"attic\",\"time\":\"2026-11-21T11:53:00Z\",\"online\":true,"
    "\"values\":{\"cpu\":1,\"mem\":2}}]}";
static const char few_json[] =
    "{\"nodes\":[{\"node\":\"nas\",\"time\":\"2026-11-21T11:59:58Z\","
    "\"online\":true,\"values\":{\"cpu\":12.34,\"mem\":45.6,\"throttl"
    "e.undervoltage\":1}}]}";
static const char top_json[] =
    "{\"groups\":[{\"name\":\"nginx (4)\",\"count\":4,\"cpuPercent\":"
    "8.25,\"rssBytes\":\"104857600\"},{\"name\":\"System Idle Process"
    "\",\"cpuPercent\":80},{\"name\":\"a-process-with-a-name-that-goe"
    "s-on\",\"cpuPercent\":2,\"rssBytes\":\"52428800\"}],\"hostTotal"
    "\":212}";
static const char nginx_json[] =
    "{\"pid\":812,\"name\":\"nginx\",\"parentPid\":1,\"user\":\"www-d"
    "ata\",\"state\":\"S\",\"cpuPercent\":3.5,\"userS\":100,\"systemS"
    "\":23,\"rssBytes\":\"26214400\",\"started\":\"2026-11-21T08:00:0"
    "0Z\",\"startTicks\":\"4711\",\"threads\":4,\"unit\":\"nginx.serv"
    "ice\",\"commandLine\":\"nginx: worker process\",\"safeKill\":tru"
    "e,\"openFiles\":64,\"readBytes\":\"1048576\",\"writeBytes\":\"20"
    "97152\",\"executable\":\"/usr/sbin/nginx\"}";
static const char processes_json[] =
    "{\"processes\":[{\"pid\":812,\"name\":\"nginx\",\"parentPid\":1,"
    "\"user\":\"www-data\",\"state\":\"S\",\"cpuPercent\":3.5,\"userS"
    "\":100,\"systemS\":23,\"rssBytes\":\"26214400\",\"started\":\"20"
    "26-11-21T08:00:00Z\",\"startTicks\":\"4711\",\"threads\":4,\"uni"
    "t\":\"nginx.service\",\"commandLine\":\"nginx: worker process\","
    "\"safeKill\":true,\"openFiles\":64,\"readBytes\":\"1048576\",\"w"
    "riteBytes\":\"2097152\",\"executable\":\"/usr/sbin/nginx\"},{\"p"
    "id\":1000,\"name\":\"worker-with-a-long-name-0\",\"user\":\"ada"
    "\",\"state\":\"R\",\"rssBytes\":\"0\"},{\"pid\":1001,\"name\":\""
    "worker-with-a-long-name-1\",\"user\":\"ada\",\"state\":\"R\",\"r"
    "ssBytes\":\"1000000\"},{\"pid\":1002,\"name\":\"worker-with-a-lo"
    "ng-name-2\",\"user\":\"ada\",\"state\":\"R\",\"rssBytes\":\"2000"
    "000\"},{\"pid\":1003,\"name\":\"worker-with-a-long-name-3\",\"us"
    "er\":\"ada\",\"state\":\"R\",\"rssBytes\":\"3000000\"},{\"pid\":"
    "1004,\"name\":\"worker-with-a-long-name-4\",\"user\":\"ada\",\"s"
    "tate\":\"R\",\"rssBytes\":\"4000000\"},{\"pid\":1005,\"name\":\""
    "worker-with-a-long-name-5\",\"user\":\"ada\",\"state\":\"R\",\"r"
    "ssBytes\":\"5000000\"},{\"pid\":1006,\"name\":\"worker-with-a-lo"
    "ng-name-6\",\"user\":\"ada\",\"state\":\"R\",\"rssBytes\":\"6000"
    "000\"},{\"pid\":1007,\"name\":\"worker-with-a-long-name-7\",\"us"
    "er\":\"ada\",\"state\":\"R\",\"rssBytes\":\"7000000\"},{\"pid\":"
    "1008,\"name\":\"worker-with-a-long-name-8\",\"user\":\"ada\",\"s"
    "tate\":\"R\",\"rssBytes\":\"8000000\"},{\"pid\":1009,\"name\":\""
    "worker-with-a-long-name-9\",\"user\":\"ada\",\"state\":\"R\",\"r"
    "ssBytes\":\"9000000\"},{\"pid\":1010,\"name\":\"worker-with-a-lo"
    "ng-name-10\",\"user\":\"ada\",\"state\":\"R\",\"rssBytes\":\"100"
    "00000\"}],\"total\":12,\"hostTotal\":212}";
static const char many_nodes_json[] =
    "{\"nodes\":[{\"name\":\"node00\",\"state\":\"ONLINE\"},{\"name\""
    ":\"node01\",\"state\":\"ONLINE\"},{\"name\":\"node02\",\"state\""
    ":\"ONLINE\"},{\"name\":\"node03\",\"state\":\"ONLINE\"},{\"name"
    "\":\"node04\",\"state\":\"ONLINE\"},{\"name\":\"node05\",\"state"
    "\":\"ONLINE\"},{\"name\":\"node06\",\"state\":\"ONLINE\"},{\"nam"
    "e\":\"node07\",\"state\":\"ONLINE\"},{\"name\":\"node08\",\"stat"
    "e\":\"ONLINE\"},{\"name\":\"node09\",\"state\":\"ONLINE\"},{\"na"
    "me\":\"node10\",\"state\":\"ONLINE\"},{\"name\":\"node11\",\"sta"
    "te\":\"ONLINE\"},{\"name\":\"node12\",\"state\":\"ONLINE\"},{\"n"
    "ame\":\"node13\",\"state\":\"ONLINE\"}]}";
static const char chart_json[] =
    "{\"image\":\"iVBORw0KGgo=\",\"mediaType\":\"image/png\"}";
static const char query_json[] =
    "{\"series\":[{\"node\":\"nas\",\"metric\":{\"name\":\"cpu\",\"un"
    "it\":\"%\"},\"mean\":[10,20,\"NaN\",30],\"min\":[5,15,\"NaN\",20"
    "],\"max\":[20,30,\"NaN\",99.5],\"count\":[1,1,1,1]}],\"points\":"
    "4}";
static const char two_series_json[] =
    "{\"series\":[{\"node\":\"nas\",\"metric\":{\"name\":\"net.rx\","
    "\"unit\":\"By/s\"},\"mean\":[1250000,2500000],\"min\":[0,0],\"ma"
    "x\":[3000000,3000000],\"count\":[1,1]},{\"node\":\"pi\",\"metric"
    "\":{\"name\":\"net.rx\",\"unit\":\"By/s\"},\"mean\":[10,20],\"mi"
    "n\":[0,0],\"max\":[30,30],\"count\":[1,1]}],\"points\":2}";
static const char users_json[] =
    "{\"users\":[{\"user\":\"ada\",\"cpuPercent\":12.5,\"rssBytes\":"
    "\"1073741824\",\"processes\":42,\"logins\":[{\"terminal\":\"pts/"
    "0\",\"host\":\"192.0.2.7\",\"since\":\"2026-11-21T10:00:00Z\"}]}"
    ",{\"user\":\"root\",\"cpuPercent\":1,\"rssBytes\":\"104857600\","
    "\"processes\":120}]}";
static const char folder_json[] =
    "{\"path\":\"/srv\",\"bytes\":\"1073741824\",\"files\":\"1000\","
    "\"folders\":\"20\",\"done\":true,\"unreadable\":\"1\",\"skippedM"
    "ounts\":1,\"entries\":[{\"name\":\"media\",\"bytes\":\"100000000"
    "0\",\"files\":\"900\",\"isFolder\":true},{\"name\":\"my films\","
    "\"bytes\":\"50000000\",\"isFolder\":true},{\"name\":\"notes.txt"
    "\",\"bytes\":\"1000\"}]}";

#define SCENE(a_name, a_command, a_node, its_words)                                      \
    .name = (a_name), .command = (a_command), .node = (a_node), .words = (its_words)
#define REPLY(to, its_json)                                                              \
    { .method = (to), .json = (its_json) }
#define REFUSAL(to, its_status, its_message)                                             \
    { .method = (to), .status = (its_status), .message = (its_message) }

static const struct scene {
    const char *name;
    const char *command;
    const char *node; /* NULL: none */
    const char *words;
    struct answer answers[ANSWERS_MAX];
    unsigned pass_ms; /* afterwards */
    bool in_group;
    bool is_viewer;
} scenes[] = {
    { SCENE("the list of nodes", "nodes", NULL, ""),
      .answers = { REPLY(
                       "Nodes/List",
                       "{\"nodes\":[{\"name\":\"nas\",\"title\":\"Storage\",\"state\":\""
                       "ONLINE\",\"kind\":\"AGENT\",\"tags\":[\"home\"],\"lastSeen\":\"2"
                       "026-11-21T11:59:58Z\",\"onlineSince\":\"2026-11-20T08:00:00Z\"},"
                       "{\"name\":\"pi\",\"state\":\"OFFLINE\",\"lastSeen\":\"2026-11-21"
                       "T09:00:00Z\"},{\"name\":\"attic\",\"title\":\"Attic\",\"state\":"
                       "\"ONLINE\",\"lastSeen\":\"2026-11-21T11:59:58Z\"}]}"),
                   REPLY("Metrics/Latest", latest_json) } },
    { SCENE("no nodes", "nodes", NULL, ""),
      .answers = { REPLY("Nodes/List", "{}"), REPLY("Metrics/Latest", "{}") } },
    { SCENE("none of that word", "nodes", NULL, "zoo"),
      .answers = { REPLY(
                       "Nodes/List",
                       "{\"nodes\":[{\"name\":\"nas\",\"title\":\"Storage\",\"state\":\""
                       "ONLINE\",\"kind\":\"AGENT\",\"tags\":[\"home\"],\"lastSeen\":\"2"
                       "026-11-21T11:59:58Z\",\"onlineSince\":\"2026-11-20T08:00:00Z\"}]"
                       "}"),
                   REPLY("Metrics/Latest", "{}") } },
    { SCENE("nodes by a tag", "nodes", NULL, "@home"),
      .answers = { REPLY(
                       "Nodes/List",
                       "{\"nodes\":[{\"name\":\"nas\",\"title\":\"Storage\",\"state\":\""
                       "ONLINE\",\"kind\":\"AGENT\",\"tags\":[\"home\"],\"lastSeen\":\"2"
                       "026-11-21T11:59:58Z\",\"onlineSince\":\"2026-11-20T08:00:00Z\"},"
                       "{\"name\":\"pi\",\"state\":\"OFFLINE\",\"lastSeen\":\"2026-11-21"
                       "T09:00:00Z\"}]}"),
                   REPLY("Metrics/Latest", "{}") } },
    { SCENE("the second page of nodes", "nodes", NULL, "--page 2"),
      .answers = { REPLY("Nodes/List", many_nodes_json),
                   REPLY("Metrics/Latest", "{}") } },
    { SCENE("a page that is not there", "nodes", NULL, "node --page 99"),
      .answers = { REPLY("Nodes/List", many_nodes_json),
                   REPLY("Metrics/Latest", "{}") } },
    { SCENE("huge names", "nodes", NULL, ""),
      .answers = { REPLY(
                       "Nodes/List",
                       "{\"nodes\":[{\"name\":\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                       "nnnnnnnnnnnnnnnnnnnnnnn\",\"title\":\"ЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖ"
                       "ЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖ\",\"state\":\"ONLINE\",\""
                       "lastSeen\":\"2026-11-21T11:59:58Z\"}]}"),
                   REPLY("Metrics/Latest", "{}") } },
    { SCENE("nodes that may not be listed", "nodes", NULL, ""),
      .answers = { REPLY("Metrics/Latest", "{}"),
                   REFUSAL("Nodes/List", GRPC_PERMISSION_DENIED, "not you") } },
    { SCENE("all figures", "status", "nas", ""),
      .answers = { REPLY("Nodes/Get", nas_json), REPLY("Metrics/Latest", latest_json),
                   REPLY("Processes/Top", top_json) } },
    { SCENE("figures in a group", "status", "nas", ""),
      .answers = { REPLY("Nodes/Get", nas_json), REPLY("Metrics/Latest", latest_json),
                   REPLY("Processes/Top", top_json) },
      .in_group = true },
    { SCENE("few figures", "status", "nas", ""),
      .answers = { REPLY("Nodes/Get", nas_json), REPLY("Metrics/Latest", few_json),
                   REFUSAL("Processes/Top", GRPC_UNAVAILABLE, "gone") },
      .is_viewer = true },
    { SCENE("old figures", "status", "attic", ""),
      .answers = { REPLY("Nodes/Get", attic_json), REPLY("Metrics/Latest", latest_json),
                   REPLY("Processes/Top", "{}") } },
    { SCENE("a node that is offline", "status", "pi", ""),
      .answers = { REPLY("Nodes/Get", pi_json), REPLY("Metrics/Latest", "{}"),
                   REFUSAL("Processes/Top", GRPC_UNAVAILABLE, "offline") } },
    { SCENE("a node that answers too late", "status", "nas", ""),
      .answers = { REPLY("Nodes/Get", nas_json), REPLY("Metrics/Latest", few_json) },
      .pass_ms = 2000 },
    { SCENE("a node that is not there", "status", "nas", ""),
      .answers = { REFUSAL("Nodes/Get", GRPC_NOT_FOUND, "no such node"),
                   REPLY("Metrics/Latest", "{}"),
                   REFUSAL("Processes/Top", GRPC_NOT_FOUND, "none") } },
    { SCENE("a status that refreshes itself", "watch", "nas", ""),
      .answers = { REPLY("Nodes/Get", nas_json), REPLY("Metrics/Latest", few_json),
                   REPLY("Processes/Top", "{}") } },
    { SCENE("groups of metrics", "metrics", "nas", ""),
      .answers = { REPLY("Metrics/Latest", latest_json) } },
    { SCENE("metrics of a group", "metrics", "nas", "disk"),
      .answers = { REPLY("Metrics/Latest", latest_json) } },
    { SCENE("metrics by a part of their names", "metrics", "nas", "odd"),
      .answers = { REPLY("Metrics/Latest", latest_json) } },
    { SCENE("no such metric", "metrics", "nas", "zoo"),
      .answers = { REPLY("Metrics/Latest", latest_json) } },
    { SCENE("no metrics", "metrics", "nas", ""),
      .answers = { REPLY("Metrics/Latest", "{}") } },
    { SCENE("a chart", "chart", "nas", ""),
      .answers = { REPLY("Metrics/Chart", chart_json), REPLY("Metrics/Query", query_json),
                   REPLY("Metrics/Latest", few_json) } },
    { SCENE("a chart of a kind and a period", "chart", "nas", "ram 7d"),
      .answers = { REPLY("Metrics/Chart", chart_json),
                   REPLY("Metrics/Query", "{\"series\":[],\"points\":0}"),
                   REPLY("Metrics/Latest", few_json) } },
    { SCENE("a chart as a file", "chart", "nas", "disk:/srv 30d --file"),
      .answers = { REPLY("Metrics/Chart", chart_json), REPLY("Metrics/Query", query_json),
                   REPLY("Metrics/Latest", few_json) } },
    { SCENE("a chart that cannot be drawn", "chart", "nas", "cpu 1h"),
      .answers = { REFUSAL("Metrics/Chart", GRPC_RESOURCE_EXHAUSTED, "too many charts"),
                   REPLY("Metrics/Query", query_json),
                   REPLY("Metrics/Latest", few_json) } },
    { SCENE("a chart of nothing", "chart", "nas", "zoo 1h") },
    { SCENE("a plot of two nodes", "plot", "nas", "nas,pi net_down 24h 10 mbit"),
      .answers = { REPLY("Metrics/Chart", chart_json),
                   REPLY("Metrics/Query", two_series_json) } },
    { SCENE("a plot with unknown names", "plot", "nas", "cpu;foo 1d 12h --light"),
      .answers = { REPLY("Metrics/Chart", chart_json),
                   REPLY("Metrics/Query", query_json) } },
    { SCENE("a plot since a day",
            "plot",
            "nas",
            "cpu --since 2026-11-01 --until 2026-11-02"),
      .answers = { REPLY("Metrics/Chart", chart_json),
                   REPLY("Metrics/Query", query_json) } },
    { SCENE("a long plot", "plot", "nas", "cpu 30d"),
      .answers = { REPLY("Metrics/Chart", chart_json),
                   REPLY("Metrics/Query", query_json) } },
    { SCENE("a plot of what?", "plot", "nas", "") },
    { SCENE("a plot that is refused", "plot", "nas", "zoo 1d") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu;net 1d") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu 1d -5") },
    { SCENE("a plot that is refused", "plot", "nas", "net 1d 100") },
    { SCENE("a plot that is refused", "plot", "nas", "ram 1d 8 foo") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu 1d gib") },
    { SCENE("a plot that is refused", "plot", "nas", "ram 1d 8 gib more") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu 9999d") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu --since soon") },
    { SCENE("a plot that is refused", "plot", "nas", "cpu --since 2027-01-01") },
    { SCENE("the top", "top", "nas", ""),
      .answers = { REPLY("Processes/List", processes_json) } },
    { SCENE("processes", "ps", "nas", "work --sort mem --user ada --page 2"),
      .answers = { REPLY("Processes/List", processes_json) } },
    { SCENE("my processes", "ps", "nas", "--mine"),
      .answers = { REPLY("Processes/List", "{\"hostTotal\":5}") } },
    { SCENE("processes of a node that is gone", "ps", "nas", ""),
      .answers = { REFUSAL("Processes/List", GRPC_UNAVAILABLE, "nas is offline") } },
    { SCENE("a process", "process", "nas", "812 4711"),
      .answers = { REPLY("Processes/Get", nginx_json) } },
    { SCENE("a process for a viewer", "process", "nas", "812"),
      .answers = { REPLY(
          "Processes/Get",
          "{\"pid\":812,\"name\":\"nginx\",\"parentPid\":1,\"user\":\"www-d"
          "ata\",\"state\":\"T\",\"cpuPercent\":3.5,\"userS\":100,\"systemS"
          "\":23,\"rssBytes\":\"26214400\",\"started\":\"2026-11-21T08:00:0"
          "0Z\",\"startTicks\":\"4711\",\"threads\":4,\"unit\":\"\",\"comma"
          "ndLine\":\"\",\"safeKill\":false,\"openFiles\":64,\"readBytes\":"
          "\"1048576\",\"writeBytes\":\"2097152\",\"executable\":\"/usr/sbi"
          "n/nginx\",\"unsafeReason\":\"it runs the agent\"}") },
      .is_viewer = true },
    { SCENE("a paused process", "process", "nas", "812"),
      .answers = { REPLY(
          "Processes/Get",
          "{\"pid\":812,\"name\":\"nginx\",\"parentPid\":1,\"user\":\"www-d"
          "ata\",\"state\":\"T\",\"cpuPercent\":3.5,\"userS\":100,\"systemS"
          "\":23,\"rssBytes\":\"26214400\",\"started\":\"2026-11-21T08:00:0"
          "0Z\",\"startTicks\":\"4711\",\"threads\":4,\"unit\":\"\",\"comma"
          "ndLine\":\"nginx: worker process\",\"safeKill\":true,\"openFiles"
          "\":64,\"readBytes\":\"1048576\",\"writeBytes\":\"2097152\",\"exe"
          "cutable\":\"/usr/sbin/nginx\"}") } },
    { SCENE("a process that has ended", "process", "nas", "812"),
      .answers = { REFUSAL("Processes/Get", GRPC_NOT_FOUND, "no such process") } },
    { SCENE("which process?", "process", "nas", "") },
    { SCENE("no process", "process", "nas", "-1x") },
    { SCENE("which service?", "logs", "nas", ""),
      .answers = { REPLY(
          "Units/List",
          "{\"units\":[{\"name\":\"ssh.service\",\"activeState\":\"active\""
          "},{\"name\":\"backup.service\",\"activeState\":\"failed\"}]}") } },
    { SCENE("logs without systemd", "logs", "nas", ""),
      .answers = { REFUSAL("Units/List", GRPC_UNIMPLEMENTED, "no systemd") } },
    { SCENE("logs", "logs", "nas", "nginx.service"),
      .answers = { REPLY(
                       "Units/Logs",
                       "{\"time\":\"2026-11-21T11:59:00Z\",\"identifier\":\"nginx\",\"pi"
                       "d\":812,\"message\":\"started\",\"cursor\":\"c\"}"),
                   REPLY(
                       "Units/Logs",
                       "{\"time\":\"2026-11-20T11:59:01Z\",\"identifier\":\"nginx\",\"pi"
                       "d\":812,\"message\":\"a \\u0001 line\",\"cursor\":\"c\",\"droppe"
                       "d\":\"3\"}"),
                   REFUSAL("Units/Logs", GRPC_OK, "") } },
    { SCENE("no lines", "logs", "nas", "all --grep x --priority err --since 1h"),
      .answers = { REFUSAL("Units/Logs", GRPC_OK, "") } },
    { SCENE("logs as a file", "logs", "nas", "kernel --file"),
      .answers = { REPLY(
                       "Units/Logs",
                       "{\"time\":\"2026-11-21T11:59:00Z\",\"identifier\":\"nginx\",\"pi"
                       "d\":0,\"message\":\"boot\",\"cursor\":\"c\"}"),
                   REFUSAL("Units/Logs", GRPC_OK, "") } },
    { SCENE("logs that are refused", "logs", "nas", "nginx"),
      .answers = { REFUSAL("Units/Logs", GRPC_PERMISSION_DENIED, "policy says no") } },
    { SCENE("logs with wrong words", "logs", "nas", "nginx --priority loud") },
    { SCENE("logs of too many lines", "logs", "nas", "nginx 99999") },
    { SCENE("logs that are followed", "logs", "nas", "nginx --follow"),
      .answers = { REPLY(
          "Units/Logs",
          "{\"time\":\"2026-11-21T11:59:00Z\",\"identifier\":\"nginx\",\"pi"
          "d\":812,\"message\":\"hello\",\"cursor\":\"c\"}") },
      .pass_ms = 1000 },
    { SCENE("logs to the end", "logs", "nas", "nginx --follow"),
      .answers = { REPLY(
          "Units/Logs",
          "{\"time\":\"2026-11-21T11:59:00Z\",\"identifier\":\"nginx\",\"pi"
          "d\":812,\"message\":\"hello\",\"cursor\":\"c\"}") },
      .pass_ms = 30000 },
    { SCENE("users", "usage", "nas", ""),
      .answers = { REPLY("Usage/Users", users_json) } },
    { SCENE("disks", "usage", "nas", "disks"),
      .answers = { REPLY("Metrics/Latest", latest_json) } },
    { SCENE("folders", "usage", "nas", "folders /srv"),
      .answers = { REPLY(
                       "Usage/Storage",
                       "{\"path\":\"/srv\",\"bytes\":\"1000\",\"files\":\"10\",\"folders"
                       "\":\"2\"}"),
                   REPLY("Usage/Storage", folder_json) } },
    { SCENE("an empty folder", "usage", "nas", "folders"),
      .answers = { REPLY("Usage/Storage", "{\"path\":\"/\",\"done\":true}") } },
    { SCENE("a folder that may not be read", "usage", "nas", "folders /root"),
      .answers = { REFUSAL("Usage/Storage", GRPC_PERMISSION_DENIED, "not there") } },
    { SCENE("a folder without end", "usage", "nas", "folders /"),
      .answers = { REPLY(
          "Usage/Storage",
          "{\"path\":\"/srv\",\"bytes\":\"1000\",\"files\":\"10\",\"folders"
          "\":\"2\"}") },
      .pass_ms = 300000 },
    { SCENE("graphics", "usage", "nas", "gpu"),
      .answers = { REPLY("Usage/Gpu",
                         "{\"processes\":[{\"gpu\":\"gpu0\",\"pid\":77,\"name\":\"python3"
                         "\",\"user\":\"ada\",\"memoryBytes\":\"2147483648\",\"gpuPercent"
                         "\":88}]}") } },
    { SCENE("no graphics", "usage", "nas", "gpu"),
      .answers = { REPLY("Usage/Gpu", "{}") } },
    { SCENE("quotas", "usage", "nas", "quota"),
      .answers = { REPLY("Usage/Quota",
                         "{\"quotas\":[{\"mount\":\"/home\",\"usedBytes\":\"1073741824\","
                         "\"hardBytes\":\"2147483648\"}]}") } },
    { SCENE("no quotas", "usage", "nas", "quota"),
      .answers = { REPLY("Usage/Quota", "{}") } },
    { SCENE("usage of something else", "usage", "nas", "time") },
    { SCENE("a free port", "port", "nas", "8000-8999"),
      .answers = { REPLY("Usage/FreePort", "{\"port\":8080}") } },
    { SCENE("no range of ports", "port", "nas", "9-1") },
    { SCENE("the activity", "activity", NULL, ""),
      .answers = { REPLY(
          "Activity/List",
          "{\"events\":[{\"id\":\"9\",\"time\":\"2026-11-21T11:00:00Z\",\"k"
          "ind\":\"act.ended\",\"node\":\"nas\",\"actor\":\"ada\",\"text\":"
          "\"restarted nginx.service\"},{\"id\":\"8\",\"time\":\"2026-11-20"
          "T11:00:00Z\",\"kind\":\"act.refused\",\"node\":\"pi\",\"actor\":"
          "\"bob\",\"text\":\"reboot: bob may not\"}]}") } },
    { SCENE("the activity of a node",
            "activity",
            NULL,
            "nas --kind act. --user ada --before 9"),
      .answers = { REPLY("Activity/List", "{}") } },
    { SCENE("methods of one of our services", "call", "nas", "roost.v1.Power") },
    { SCENE("a form", "call", "nas", "roost.v1.Processes/List") },
    { SCENE("a form with values",
            "call",
            "nas",
            "roost.v1.Processes/List --json {\"filter\":\"a\",\"look_ms\":5}") },
    { SCENE("a field of a form", "call", "nas", "roost.v1.Processes/List --field sort") },
    { SCENE(
        "a field with its value",
        "call",
        "nas",
        "roost.v1.Processes/List --json {\"filter\":\"a\"} --field filter two words") },
    { SCENE("a field with a wrong value",
            "call",
            "nas",
            "roost.v1.Processes/List --field limit many") },
    { SCENE("a field that is not there",
            "call",
            "nas",
            "roost.v1.Processes/List --field zoo 1") },
    { SCENE("a form for the hub", "callhub", NULL, "roost.v1.Admin/Storage") },
    { SCENE("a call", "call", "nas", "roost.v1.Processes/List {\"limit\":3}") },
    { SCENE("a call that acts", "call", "nas", "roost.v1.Power/Reboot {}") },
    { SCENE("a call that makes no sense", "call", "nas", "roost.v1.Processes/List {") },
    { SCENE("no such service", "call", "nas", "roost.v1.Zoo/List") },
    { SCENE("no such method", "call", "nas", "roost.v1.Processes/Zoo") },
    { SCENE("services that are not told", "call", "nas", ""),
      .answers = { REFUSAL(
          "v1.ServerReflection/ServerReflectionInfo", GRPC_UNAVAILABLE, "gone") } },
};

static void tell(struct buf *out, struct turn *turn, size_t *shown) {
    if (turn_testing_count(turn) > *shown)
        buf_printf(out, "%s", turn_testing_shown(turn));
    *shown = turn_testing_count(turn);
}

static void play(const struct scene *scene, bool is_russian, struct buf *out) {
    const struct command *command = command_find(scene->command);
    struct turn *turn = turn_testing_new(scene->node, scene->words);
    size_t shown = 0;

    CHECK(command != NULL);
    if (is_russian)
        turn_testing_speak(turn, russian_look);
    if (scene->in_group)
        turn_testing_in_group(turn);
    if (scene->is_viewer)
        turn_testing_set_role(turn, ACTOR_VIEWER);
    buf_printf(out, "== %s: %s %s %s\n", scene->name, scene->command,
               scene->node ? scene->node : "-", scene->words);
    command->run(turn);
    if (!is_russian)
        buf_printf(out, "%s", turn_testing_calls(turn));
    tell(out, turn, &shown);
    turn_testing_pass(turn, 0);
    tell(out, turn, &shown);
    for (size_t i = 0; i < ANSWERS_MAX && scene->answers[i].method; i++) {
        const struct answer *answer = &scene->answers[i];
        bool fits = answer->json
                        ? turn_testing_answer(turn, answer->method, answer->json)
                        : turn_testing_end(turn, answer->method, answer->status,
                                           answer->message ? answer->message : "");
        if (!fits)
            printf("# %s: nobody asked for %s\n", scene->name, answer->method);
        CHECK(fits);
        tell(out, turn, &shown);
    }
    if (scene->pass_ms > 0) {
        turn_testing_pass(turn, scene->pass_ms);
        tell(out, turn, &shown);
    }
    if (!turn_testing_has_ended(turn))
        buf_printf(out, "(goes on)\n");
    buf_printf(out, "\n");
    turn_testing_free(turn);
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    struct buf text = { 0 };
    char chunk[4096];
    size_t len;

    while (file && (len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(&text, chunk, len);
    if (file)
        fclose(file);
    return buf_take_text(&text);
}

/* Tells the first line that differs. */
static void tell_difference(const char *is, const char *should) {
    size_t line = 1;

    while (*is && *is == *should) {
        line += *is == '\n';
        is++;
        should++;
    }
    printf("# line %zu: \"%.60s\" instead of \"%.60s\"\n", line, is, should);
}

static void compare(struct buf *out, const char *path) {
    const char *manner = getenv("LOOK_GOLDEN");
    char *golden = read_file(path);

    if (manner && strcmp(manner, "write") == 0) {
        FILE *file = fopen(path, "w");
        CHECK(file != NULL);
        fputs(buf_text(out), file);
        fclose(file);
    } else {
        if (strcmp(buf_text(out), golden) != 0)
            tell_difference(buf_text(out), golden);
        CHECK(strcmp(buf_text(out), golden) == 0);
    }
    free(golden);
}

static void play_all(bool is_russian, const char *path) {
    struct buf out = { 0 };

    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        play(&scenes[i], is_russian, &out);
    compare(&out, path);
    buf_done(&out);
}

static void views_are_as_they_were_read(void) {
    play_all(false, CHAT_TESTDATA "/look_english.txt");
}

static void views_are_as_they_were_read_in_russian(void) {
    play_all(true, CHAT_TESTDATA "/look_russian.txt");
}

TESTS(TEST(views_are_as_they_were_read), TEST(views_are_as_they_were_read_in_russian))
