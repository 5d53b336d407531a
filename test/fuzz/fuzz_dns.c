/* Any bytes in the place of an answer: read or refused; the name is a part of them. */
#include <stdlib.h>

#include "base/mem.h"
#include "wire/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dns_question question = { .type = DNS_A, .name = "www.example" };
    struct dns_answer answer;
    struct buf out = { 0 };

    if (size >= 2)
        question.id = (uint16_t)(data[0] << 8 | data[1]);
    if (dns_read(slice_of(data, size), &question, &answer) == 0)
        dns_answer_done(&answer);

    char *name = mem_dup(data, size);
    question.name = name;
    if (dns_write(&question, &out) == 0 && out.len > 12 + 255 + 4 + 11)
        abort();
    buf_done(&out);
    free(name);
    return 0;
}
