/*
 * dns - questions to a name server, and its answers (RFC 1035, EDNS0 of RFC 6891)
 *
 * A pure writer and reader of messages. What is read is text for people: names in the
 * form of zone files (escapes \. and \DDD, without the last dot), data as `dig` shows
 * it. Names whose pointers lead anywhere but backwards, data that do not fit their
 * length, and more records or text than an answer can mean are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_OPT = 41,
};

enum {
    DNS_MESSAGE_MAX = 65535,
    DNS_UDP_MAX = 1232,    /* what we announce: fits into one packet everywhere */
    DNS_RECORDS_MAX = 256, /* a person reads no more */
    DNS_TYPE_TEXT_LEN = 12,
    DNS_RCODE_TEXT_LEN = 16,
};

enum {
    DNS_E_BAD = 1, /* not a message, or a damaged one */
    DNS_E_OTHER,   /* it does not answer this question */
    DNS_E_NAME,    /* no name can be like this */
};

struct dns_question {
    uint16_t id;
    uint16_t type;
    const char *name; /* borrowed; labels parted by dots, a last dot is fine */
};

struct dns_record {
    char *name; /* owned */
    char *data; /* owned */
    uint32_t ttl_s;
    uint16_t type;
};

struct dns_answer {
    struct dns_record *records; /* owned; of the answer section */
    size_t count;
    unsigned rcode;
    bool is_authoritative;
    bool is_truncated; /* then there are no records: ask by TCP */
};

/* 0 for an unknown name. */
uint16_t dns_type_parse(const char *name);

/* "AAAA", or "TYPE65". */
void dns_type_print(uint16_t type, char ret_text[static DNS_TYPE_TEXT_LEN]);

/* "NXDOMAIN", or "RCODE11". */
void dns_rcode_print(unsigned rcode, char ret_text[static DNS_RCODE_TEXT_LEN]);

/* The name under which an address in digits is found by PTR: "1.2.0.192.in-addr.arpa";
 * the caller's; NULL for what is no address. */
char *dns_reverse_name(const char *address);

/* Appends the message that asks: 0 or DNS_E_NAME. */
int dns_write(const struct dns_question *question, struct buf *out);

/* Reads what came back: 0 and *ret_answer, to be ended with dns_answer_done(), or
 * DNS_E_BAD or DNS_E_OTHER. */
int dns_read(struct slice message,
             const struct dns_question *question,
             struct dns_answer *ret_answer);

/* Zeroed ones are fine. */
void dns_answer_done(struct dns_answer *answer);
