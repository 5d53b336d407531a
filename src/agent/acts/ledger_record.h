/*
 * ledger_record - one operation as the agent's ledger has it, in bytes
 *
 * The file is records one behind the other, each with a mark, its length and a checksum;
 * the newest one of an operation counts. It reads and writes bytes and opens no file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"

enum {
    LEDGER_RECORD_ID_MAX = 64,
    LEDGER_RECORD_TEXT_MAX = 1024,       /* of any other text; longer ones are cut */
    LEDGER_RECORD_RESPONSE_MAX = 4096,   /* a longer one is not kept */
    LEDGER_RECORD_MAX = 16 + (10 << 10), /* bytes of a whole record */
};

/* A plain value; the slices are borrowed. */
struct ledger_record {
    struct slice id;
    struct slice method;
    struct slice user;
    struct slice what;
    uint8_t request[CRYPTO_SHA256_LEN]; /* of its exact bytes */
    int64_t begun_ms;                   /* wall clock */
    int64_t ended_ms;                   /* 0: it is not known to have ended */
    uint64_t status;                    /* of gRPC, when it has ended */
    struct slice message;
    struct slice response; /* packed; with status OK */
    bool is_cut;           /* the response was too long to be kept */
};

/* Appends the record with what frames it. Texts are cut, too long a response left out. */
void ledger_record_pack(const struct ledger_record *record, struct buf *out);

/*
 * Finds the next whole record at or behind *at, stepping over what is none; *at becomes
 * its end and *ret_start its beginning. It lends from the bytes. False: there is none.
 */
bool ledger_record_next(struct slice bytes,
                        size_t *at,
                        struct ledger_record *ret_record,
                        size_t *ret_start);
