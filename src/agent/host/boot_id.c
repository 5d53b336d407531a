#include "agent/host/boot_id.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/hex.h"

/* "3f2a...-...": 32 hex digits and dashes. */
void boot_id_read(uint8_t ret_id[static BOOT_ID_LEN]) {
    char digits[2 * BOOT_ID_LEN + 1] = "";
    struct buf text = { 0 };
    size_t len = 0;

    file_read("/proc/sys/kernel/random/boot_id", 128, &text);
    for (size_t i = 0; i < text.len && len < 2 * BOOT_ID_LEN; i++)
        if (text.data[i] != '-' && text.data[i] != '\n')
            digits[len++] = (char)text.data[i];
    if (!hex_decode(ret_id, BOOT_ID_LEN, digits))
        crypto_random(ret_id, BOOT_ID_LEN);
    buf_done(&text);
}
