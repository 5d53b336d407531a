#include <stdint.h>

#include "base/mem.h"
#include "loop/dialler_proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input: the address of a proxy. What is read has a host and a port. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    auto_(mem_freep) char *text = mem_dup(data, size);
    struct dialler_proxy proxy = { 0 };

    if (!dialler_proxy_parse(text, &proxy))
        return 0;
    if (proxy.host[0] == '\0' || proxy.port == 0 || proxy.port > 65535)
        __builtin_trap();
    dialler_proxy_done(&proxy);
    return 0;
}
