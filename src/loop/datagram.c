#include "loop/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/netaddr.h"

enum {
    ECHO_HEAD_LEN = 8, /* type, code, sum, id, number; the same in both families */
    TURN_MAX = 16,     /* messages taken before others have their turn */
    SEND_MAX = 2048,
    WHY_LEN = 128,
};

struct datagram {
    int fd;
    enum datagram_kind kind;
    bool is_v6;
    bool is_raw; /* the kernel does not sort echoes by id */
    uint16_t id;
    struct loop_poll *poll;               /* owned */
    const struct datagram_events *events; /* borrowed: static */
    void *owner;                          /* borrowed: closes it */
    bool is_telling; /* the owner may close it meanwhile: then it is freed later */
    bool closed;
    uint8_t bytes[DATAGRAM_MAX];
};

/* --- echoes --- */

static uint16_t sum_of(const uint8_t *bytes, size_t len) {
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (len & 1)
        sum += (uint32_t)bytes[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_u16(uint8_t *at, unsigned number) {
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static unsigned get_u16(const uint8_t *at) {
    return (unsigned)at[0] << 8 | at[1];
}

/* The kernel sums what is ICMPv6. */
static size_t make_echo(const struct datagram *datagram,
                        struct slice bytes,
                        unsigned number,
                        uint8_t *out) {
    size_t len = ECHO_HEAD_LEN + bytes.len;

    memset(out, 0, ECHO_HEAD_LEN);
    out[0] = datagram->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    put_u16(out + 4, datagram->id);
    put_u16(out + 6, number);
    if (bytes.len > 0)
        memcpy(out + ECHO_HEAD_LEN, bytes.at, bytes.len);
    if (!datagram->is_v6)
        put_u16(out + 2, sum_of(out, len));
    return len;
}

/* Is it an echo of this type and, where the kernel does not sort, of ours? */
static bool is_echo(const struct datagram *datagram, struct slice icmp, uint8_t type) {
    return icmp.len >= ECHO_HEAD_LEN && icmp.at[0] == type &&
           (!datagram->is_raw || get_u16(icmp.at + 4) == datagram->id);
}

/* A raw socket of IPv4 hands the IP header over as well. */
static struct slice without_ip(const struct datagram *datagram, struct slice bytes) {
    if (!datagram->is_raw || datagram->is_v6 || bytes.len == 0)
        return bytes;
    size_t len = (size_t)(bytes.at[0] & 15) * 4;
    return len <= bytes.len ? slice_after(bytes, len) : (struct slice) { 0 };
}

/* --- what comes --- */

static void take_message(struct datagram *datagram, size_t len) {
    struct slice bytes = slice_of(datagram->bytes, len);
    uint8_t reply = datagram->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;

    if (datagram->kind == DATAGRAM_UDP) {
        datagram->events->on_bytes(datagram->owner, bytes, 0);
        return;
    }
    bytes = without_ip(datagram, bytes);
    if (is_echo(datagram, bytes, reply))
        datagram->events->on_bytes(datagram->owner, slice_after(bytes, ECHO_HEAD_LEN),
                                   get_u16(bytes.at + 6));
}

static const char *explain_icmp(const struct sock_extended_err *error) {
    if (error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == ICMP_TIME_EXCEEDED)
        return "Time to live exceeded";
    if (error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_TIME_EXCEEDED)
        return "Time to live exceeded";
    switch (error->ee_errno) {
    case ENETUNREACH:
        return "Destination network unreachable";
    case EHOSTUNREACH:
        return "Destination host unreachable";
    case ECONNREFUSED:
        return "Destination port unreachable";
    case EMSGSIZE:
        return "Message too long";
    case EACCES:
        return "Communication administratively prohibited";
    default:
        return "Destination unreachable";
    }
}

static void print_offender(const struct sock_extended_err *error,
                           char ret_text[static INET6_ADDRSTRLEN]) {
    const struct sockaddr *from = SO_EE_OFFENDER(error);

    ret_text[0] = '\0';
    if (from->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr,
                  ret_text, INET6_ADDRSTRLEN);
    else if (from->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
                  ret_text, INET6_ADDRSTRLEN);
}

static const struct sock_extended_err *find_error(struct msghdr *message) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
         part = CMSG_NXTHDR(message, part))
        if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR))
            return (const struct sock_extended_err *)(const void *)CMSG_DATA(part);
    return NULL;
}

/* One error of the network with the head of what it is about; false: there is none. */
static bool take_error(struct datagram *datagram) {
    _Alignas(struct cmsghdr) uint8_t control[512];
    uint8_t about[64];
    struct iovec place = { .iov_base = about, .iov_len = sizeof(about) };
    struct msghdr message = {
        .msg_iov = &place,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t len = recvmsg(datagram->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (len < 0)
        return false;
    const struct sock_extended_err *error = find_error(&message);
    if (!error)
        return true;

    char from[INET6_ADDRSTRLEN], why[WHY_LEN];
    unsigned number = 0;
    uint8_t asked = datagram->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    struct slice icmp = slice_of(about, (size_t)len);
    if (datagram->kind == DATAGRAM_ECHO) {
        if (!is_echo(datagram, icmp, asked))
            return true; /* of somebody else's */
        number = get_u16(about + 6);
    }
    print_offender(error, from);
    snprintf(why, sizeof(why), "%s%s%s", explain_icmp(error), from[0] ? ", says " : "",
             from);
    datagram->events->on_error(datagram->owner, -(int)error->ee_errno, why, number);
    return true;
}

static bool take_one(struct datagram *datagram) {
    ssize_t len = recv(datagram->fd, datagram->bytes, DATAGRAM_MAX, MSG_DONTWAIT);

    if (len >= 0) {
        take_message(datagram, (size_t)len);
        return true;
    }
    /* An error that waits is told once more, with its reason, by the queue of errors. */
    return errno != EAGAIN && errno != EWOULDBLOCK;
}

static void on_events(void *arg, int events) {
    struct datagram *datagram = arg;

    datagram->is_telling = true;
    for (int i = 0; i < TURN_MAX && !datagram->closed; i++)
        if (!take_error(datagram))
            break;
    for (int i = 0; i < TURN_MAX && !datagram->closed; i++)
        if (!take_one(datagram))
            break;
    datagram->is_telling = false;
    if (datagram->closed)
        free(datagram);
    else
        loop_poll_set(datagram->poll, POLLIN); /* an error stops the watch */
}

/* --- opening --- */

static int open_echo(struct datagram *datagram, int family) {
    int protocol = family == AF_INET6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

    if (fd >= 0 || (errno != EACCES && errno != EPERM && errno != EPROTONOSUPPORT))
        return fd < 0 ? -errno : fd;
    datagram->is_raw = true;
    fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return errno == EPERM ? -EACCES : -errno;
    return fd;
}

static int open_socket(struct datagram *datagram, int family) {
    if (datagram->kind == DATAGRAM_ECHO)
        return open_echo(datagram, family);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
    return fd < 0 ? -errno : fd;
}

/* A raw socket of IPv6 has the address's port for a protocol, which must be none. */
static int join(struct datagram *datagram, const struct sockaddr_storage *peer) {
    struct sockaddr_storage to = *peer;
    int on = 1;
    int r = datagram->is_v6
                ? setsockopt(datagram->fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on))
                : setsockopt(datagram->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));

    if (r < 0)
        return -errno;
    if (datagram->kind == DATAGRAM_ECHO && datagram->is_v6)
        ((struct sockaddr_in6 *)(void *)&to)->sin6_port = 0;
    else if (datagram->kind == DATAGRAM_ECHO)
        ((struct sockaddr_in *)(void *)&to)->sin_port = 0;
    if (connect(datagram->fd, (struct sockaddr *)&to, netaddr_len(&to)) < 0)
        return -errno;
    return 0;
}

int datagram_open(struct loop *loop,
                  enum datagram_kind kind,
                  const struct sockaddr_storage *peer,
                  const struct datagram_events *events,
                  void *owner,
                  struct datagram **ret_datagram) {
    struct datagram *datagram = mem_new(sizeof(*datagram));

    datagram->kind = kind;
    datagram->is_v6 = peer->ss_family == AF_INET6;
    datagram->events = events;
    datagram->owner = owner;
    crypto_random(&datagram->id, sizeof(datagram->id));
    int r = datagram->fd = open_socket(datagram, peer->ss_family);
    if (r >= 0)
        r = join(datagram, peer);
    if (r >= 0) {
        datagram->poll = loop_poll_new(loop, datagram->fd, on_events, datagram);
        r = datagram->poll ? 0 : -EIO;
    }
    if (r < 0) {
        datagram_close(datagram);
        return r;
    }
    loop_poll_set(datagram->poll, POLLIN);
    *ret_datagram = datagram;
    return 0;
}

int datagram_send(struct datagram *datagram, struct slice bytes, unsigned number) {
    uint8_t echo[SEND_MAX];

    if (bytes.len > SEND_MAX - ECHO_HEAD_LEN)
        return -EMSGSIZE;
    if (datagram->kind == DATAGRAM_ECHO)
        bytes = slice_of(echo, make_echo(datagram, bytes, number, echo));
    /* An error of an earlier message may be told first: then this one was not sent. */
    ssize_t len = send(datagram->fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (len < 0 && errno != EAGAIN)
        len = send(datagram->fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return len < 0 ? -errno : 0;
}

struct datagram *datagram_close(struct datagram *datagram) {
    if (!datagram)
        return NULL;
    datagram->closed = true;
    loop_poll_free(datagram->poll);
    if (datagram->fd >= 0)
        close(datagram->fd);
    if (!datagram->is_telling)
        free(datagram);
    return NULL;
}
