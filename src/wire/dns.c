#include "wire/dns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum {
    HEAD_LEN = 12,
    NAME_MAX_LEN = 255, /* on the wire, with the root */
    LABEL_MAX = 63,
    POINTERS_MAX = 64, /* each leads further back; no name of 255 bytes needs more */
    TEXT_MAX = 262144, /* of all records: pointers can make much out of little */
    CLASS_IN = 1,
    FLAG_ANSWER = 0x8000,
    FLAG_AUTHORITATIVE = 0x0400,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSE = 0x0100,
    RCODE_MASK = 15,
    HEX_MAX = 256, /* bytes shown of data of unknown types */
};

static const struct {
    uint16_t type;
    const char *name;
} types[] = {
    { DNS_A, "A" },     { DNS_NS, "NS" },   { DNS_CNAME, "CNAME" },
    { DNS_SOA, "SOA" }, { DNS_PTR, "PTR" }, { DNS_MX, "MX" },
    { DNS_TXT, "TXT" }, { DNS_SRV, "SRV" }, { DNS_AAAA, "AAAA" },
};

static const char *const rcodes[] = {
    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
};

uint16_t dns_type_parse(const char *name) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(types[i].name, name) == 0)
            return types[i].type;
    return 0;
}

void dns_type_print(uint16_t type, char ret_text[static DNS_TYPE_TEXT_LEN]) {
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type != type)
            continue;
        snprintf(ret_text, DNS_TYPE_TEXT_LEN, "%s", types[i].name);
        return;
    }
    snprintf(ret_text, DNS_TYPE_TEXT_LEN, "TYPE%u", type);
}

void dns_rcode_print(unsigned rcode, char ret_text[static DNS_RCODE_TEXT_LEN]) {
    if (rcode < sizeof(rcodes) / sizeof(rcodes[0]))
        snprintf(ret_text, DNS_RCODE_TEXT_LEN, "%s", rcodes[rcode]);
    else
        snprintf(ret_text, DNS_RCODE_TEXT_LEN, "RCODE%u", rcode & 0xfff);
}

char *dns_reverse_name(const char *address) {
    struct buf out = { 0 };
    uint8_t bytes[16];

    if (inet_pton(AF_INET, address, bytes) == 1)
        return mem_printf("%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1],
                          bytes[0]);
    if (inet_pton(AF_INET6, address, bytes) != 1)
        return NULL;
    for (size_t i = sizeof(bytes); i-- > 0;)
        buf_printf(&out, "%x.%x.", bytes[i] & 15u, bytes[i] >> 4);
    buf_add_text(&out, "ip6.arpa");
    return buf_take_text(&out);
}

/* --- writing --- */

static void add_u16(struct buf *out, unsigned number) {
    buf_add_byte(out, (uint8_t)(number >> 8));
    buf_add_byte(out, (uint8_t)number);
}

/* One character of a label, escaped or not; false: none that is allowed. */
static bool take_character(const char **at, uint8_t *ret_byte) {
    const char *text = *at;

    if (text[0] != '\\') {
        *ret_byte = (uint8_t)text[0];
        *at = text + 1;
        return (uint8_t)text[0] > ' ' && (uint8_t)text[0] < 0x7f;
    }
    if (isdigit((unsigned char)text[1])) {
        if (!isdigit((unsigned char)text[2]) || !isdigit((unsigned char)text[3]))
            return false;
        int number = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
        *ret_byte = (uint8_t)number;
        *at = text + 4;
        return number <= 255;
    }
    *ret_byte = (uint8_t)text[1];
    *at = text + 2;
    return text[1] != '\0';
}

/* Takes a label up to its dot or the end. */
static bool take_label(const char **at,
                       uint8_t label[static LABEL_MAX],
                       size_t *ret_len) {
    size_t len = 0;

    while (**at != '\0' && **at != '.')
        if (len == LABEL_MAX || !take_character(at, &label[len++]))
            return false;
    *ret_len = len;
    return len > 0;
}

static int write_name(const char *name, struct buf *out) {
    size_t begin = out->len;
    uint8_t label[LABEL_MAX];
    size_t len;

    if (strcmp(name, ".") == 0)
        name = "";
    while (*name != '\0') {
        if (!take_label(&name, label, &len))
            return DNS_E_NAME;
        buf_add_byte(out, (uint8_t)len);
        buf_add(out, label, len);
        if (*name == '.')
            name++;
        if (out->len - begin >= NAME_MAX_LEN)
            return DNS_E_NAME;
    }
    buf_add_byte(out, 0);
    return 0;
}

static void write_edns(struct buf *out) {
    static const uint8_t nothing[6] = { 0 }; /* rcode and version, flags, no options */

    buf_add_byte(out, 0);
    add_u16(out, DNS_OPT);
    add_u16(out, DNS_UDP_MAX);
    buf_add(out, nothing, sizeof(nothing));
}

int dns_write(const struct dns_question *question, struct buf *out) {
    size_t begin = out->len;

    if (question->name[0] == '\0')
        return DNS_E_NAME;
    add_u16(out, question->id);
    add_u16(out, FLAG_RECURSE);
    add_u16(out, 1);
    add_u16(out, 0);
    add_u16(out, 0);
    add_u16(out, 1);
    int r = write_name(question->name, out);
    if (r != 0) {
        out->len = begin;
        return r;
    }
    add_u16(out, question->type);
    add_u16(out, CLASS_IN);
    write_edns(out);
    return 0;
}

/* --- reading --- */

struct reader {
    const uint8_t *at; /* borrowed: the message */
    size_t len;
    size_t pos;
    size_t text_len; /* of what was made so far */
};

static bool take_u16(struct reader *in, unsigned *ret_number) {
    if (in->len - in->pos < 2)
        return false;
    *ret_number = (unsigned)in->at[in->pos] << 8 | in->at[in->pos + 1];
    in->pos += 2;
    return true;
}

static bool take_u32(struct reader *in, uint32_t *ret_number) {
    unsigned high, low;

    if (!take_u16(in, &high) || !take_u16(in, &low))
        return false;
    *ret_number = (uint32_t)high << 16 | low;
    return true;
}

static void print_byte(struct buf *out, uint8_t byte, const char *special) {
    if (byte < ' ' || byte >= 0x7f)
        buf_printf(out, "\\%03u", byte);
    else if (strchr(special, byte))
        buf_printf(out, "\\%c", byte);
    else
        buf_add_byte(out, byte);
}

/* A label at the position, which moves behind it. */
static bool take_wire_label(const struct reader *in,
                            size_t *pos,
                            size_t *name_len,
                            struct buf *out) {
    size_t len = in->at[*pos];

    *name_len += len + 1;
    if (in->len - *pos - 1 < len || *name_len >= NAME_MAX_LEN)
        return false;
    if (out->len > 0)
        buf_add_byte(out, '.');
    for (size_t i = 0; i < len; i++)
        print_byte(out, in->at[*pos + 1 + i], " .\\\";()@$");
    *pos += len + 1;
    return true;
}

/* Follows a pointer, which must lead before everything that the name was read from. */
static bool follow(const struct reader *in, size_t *pos, size_t *first) {
    if (in->len - *pos < 2)
        return false;
    size_t to = (size_t)(in->at[*pos] & 0x3f) << 8 | in->at[*pos + 1];
    if (to >= *first || to < HEAD_LEN)
        return false;
    *first = to;
    *pos = to;
    return true;
}

/* Appends the name as text to out, which is empty. */
static bool take_name(struct reader *in, struct buf *out) {
    size_t pos = in->pos;
    size_t first = pos;
    size_t name_len = 0;
    size_t end = 0;
    unsigned pointers = 0;

    while (pos < in->len && in->at[pos] != 0) {
        uint8_t kind = in->at[pos] & 0xc0;
        if (kind == 0xc0) {
            end = end ? end : pos + 2;
            if (pointers++ == POINTERS_MAX || !follow(in, &pos, &first))
                return false;
        } else if (kind != 0 || !take_wire_label(in, &pos, &name_len, out)) {
            return false;
        }
    }
    if (pos >= in->len)
        return false;
    if (out->len == 0)
        buf_add_byte(out, '.');
    in->pos = end ? end : pos + 1;
    return true;
}

/* Appends a name to what is there already. */
static bool add_name(struct reader *in, struct buf *out) {
    struct buf name = { 0 };
    bool ok = take_name(in, &name);

    if (ok)
        buf_add_slice(out, buf_slice(&name));
    buf_done(&name);
    return ok;
}

static bool read_address(struct reader *in, size_t end, int family, struct buf *out) {
    char text[INET6_ADDRSTRLEN];

    if (end - in->pos != (family == AF_INET ? 4 : 16))
        return false;
    inet_ntop(family, in->at + in->pos, text, sizeof(text));
    buf_add_text(out, text);
    in->pos = end;
    return true;
}

/* Numbers of 16 bits, then a name: MX, SRV. */
static bool read_numbered(struct reader *in, unsigned count, struct buf *out) {
    for (unsigned i = 0; i < count; i++) {
        unsigned number;
        if (!take_u16(in, &number))
            return false;
        buf_printf(out, "%u ", number);
    }
    return add_name(in, out);
}

static bool read_soa(struct reader *in, struct buf *out) {
    if (!add_name(in, out))
        return false;
    buf_add_byte(out, ' ');
    if (!add_name(in, out))
        return false;
    for (int i = 0; i < 5; i++) {
        uint32_t number;
        if (!take_u32(in, &number))
            return false;
        buf_printf(out, " %u", number);
    }
    return true;
}

static bool read_txt(struct reader *in, size_t end, struct buf *out) {
    while (in->pos < end) {
        size_t len = in->at[in->pos++];
        if (end - in->pos < len)
            return false;
        buf_add_text(out, out->len > 0 ? " \"" : "\"");
        for (size_t i = 0; i < len; i++)
            print_byte(out, in->at[in->pos + i], "\\\"");
        buf_add_byte(out, '"');
        in->pos += len;
    }
    return true;
}

/* RFC 3597. */
static bool read_unknown(struct reader *in, size_t end, struct buf *out) {
    size_t len = end - in->pos;

    buf_printf(out, "\\# %zu ", len);
    for (size_t i = 0; i < len && i < HEX_MAX; i++)
        buf_printf(out, "%02x", in->at[in->pos + i]);
    if (len > HEX_MAX)
        buf_add_text(out, "...");
    in->pos = end;
    return true;
}

static bool read_data(struct reader *in, size_t end, uint16_t type, struct buf *out) {
    switch (type) {
    case DNS_A:
        return read_address(in, end, AF_INET, out);
    case DNS_AAAA:
        return read_address(in, end, AF_INET6, out);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return add_name(in, out);
    case DNS_MX:
        return read_numbered(in, 1, out);
    case DNS_SRV:
        return read_numbered(in, 3, out);
    case DNS_SOA:
        return read_soa(in, out);
    case DNS_TXT:
        return read_txt(in, end, out);
    default:
        return read_unknown(in, end, out);
    }
}

/* The head of a record; its data lie from in->pos to *ret_end. */
struct record_head {
    unsigned type;
    unsigned class;
    uint32_t ttl_s;
    size_t end;
};

static bool take_record_head(struct reader *in,
                             struct buf *name,
                             struct record_head *head) {
    unsigned len;

    if (!take_name(in, name) || !take_u16(in, &head->type) ||
        !take_u16(in, &head->class) || !take_u32(in, &head->ttl_s) ||
        !take_u16(in, &len) || in->len - in->pos < len)
        return false;
    head->end = in->pos + len;
    return true;
}

static bool take_answer(struct reader *in, struct dns_answer *answer) {
    struct buf name = { 0 }, data = { 0 };
    struct record_head head;
    bool ok = take_record_head(in, &name, &head) &&
              read_data(in, head.end, (uint16_t)head.type, &data) && in->pos == head.end;

    in->text_len += name.len + data.len;
    if (!ok || in->text_len > TEXT_MAX || answer->count == DNS_RECORDS_MAX) {
        buf_done(&name);
        buf_done(&data);
        return false;
    }
    answer->records[answer->count++] = (struct dns_record) {
        .name = buf_take_text(&name),
        .data = buf_take_text(&data),
        .ttl_s = head.ttl_s,
        .type = (uint16_t)head.type,
    };
    return true;
}

/* A record of the other sections: only the rest of the code in OPT counts. */
static bool skip_record(struct reader *in, struct dns_answer *answer) {
    struct record_head head;
    struct buf name = { 0 };
    bool ok = take_record_head(in, &name, &head);

    buf_done(&name);
    if (!ok)
        return false;
    if (head.type == DNS_OPT)
        answer->rcode |= (head.ttl_s >> 24) << 4;
    in->pos = head.end;
    return true;
}

/* Is the question in the message, at the reader, ours? */
static bool is_ours(struct reader *in, const struct dns_question *question) {
    struct reader mine = { 0 };
    struct buf sent = { 0 }, ours = { 0 }, theirs = { 0 };
    unsigned type = 0, class = 0;
    bool ok = false;

    if (dns_write(question, &sent) == 0) {
        mine = (struct reader) { .at = sent.data, .len = sent.len, .pos = HEAD_LEN };
        ok = take_name(&mine, &ours) && take_name(in, &theirs) && take_u16(in, &type) &&
             take_u16(in, &class) && type == question->type && class == CLASS_IN &&
             strcasecmp(buf_text(&ours), buf_text(&theirs)) == 0;
    }
    buf_done(&sent);
    buf_done(&ours);
    buf_done(&theirs);
    return ok;
}

static bool take_sections(struct reader *in,
                          const unsigned counts[static 3],
                          struct dns_answer *answer) {
    if (counts[0] > DNS_RECORDS_MAX)
        return false;
    answer->records = mem_new_array(counts[0] + 1, sizeof(*answer->records));
    for (unsigned i = 0; i < counts[0]; i++)
        if (!take_answer(in, answer))
            return false;
    for (unsigned i = 0; i < counts[1] + counts[2]; i++)
        if (!skip_record(in, answer))
            return false;
    return true;
}

/* What a message begins with: how many questions, and records of three sections. */
struct head {
    unsigned id;
    unsigned flags;
    unsigned questions;
    unsigned counts[3];
};

static bool take_head(struct reader *in, struct head *head) {
    return take_u16(in, &head->id) && take_u16(in, &head->flags) &&
           take_u16(in, &head->questions) && take_u16(in, &head->counts[0]) &&
           take_u16(in, &head->counts[1]) && take_u16(in, &head->counts[2]);
}

/* Is it an answer, and to this question? Servers that could not read the question do not
 * repeat it. 0 or DNS_E_*. */
static int check_question(struct reader *in,
                          const struct head *head,
                          const struct dns_question *question) {
    if (head->id != question->id || !(head->flags & FLAG_ANSWER))
        return DNS_E_OTHER;
    if (head->questions > 1)
        return DNS_E_BAD;
    if (head->questions == 0)
        return head->flags & RCODE_MASK ? 0 : DNS_E_OTHER;
    return is_ours(in, question) ? 0 : DNS_E_OTHER;
}

int dns_read(struct slice message,
             const struct dns_question *question,
             struct dns_answer *ret_answer) {
    struct reader in = { .at = message.at, .len = message.len };
    struct head head;

    if (message.len > DNS_MESSAGE_MAX || !take_head(&in, &head))
        return DNS_E_BAD;
    int r = check_question(&in, &head, question);
    if (r != 0)
        return r;
    struct dns_answer answer = {
        .rcode = head.flags & RCODE_MASK,
        .is_authoritative = head.flags & FLAG_AUTHORITATIVE,
        .is_truncated = head.flags & FLAG_TRUNCATED,
    };
    if (!answer.is_truncated && !take_sections(&in, head.counts, &answer)) {
        dns_answer_done(&answer);
        return DNS_E_BAD;
    }
    *ret_answer = answer;
    return 0;
}

void dns_answer_done(struct dns_answer *answer) {
    for (size_t i = 0; i < answer->count; i++) {
        free(answer->records[i].name);
        free(answer->records[i].data);
    }
    free(answer->records);
    *answer = (struct dns_answer) { 0 };
}
