// SPDX-License-Identifier: Apache-2.0
// Any bytes as a PEM.
#include "key-checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_reader(crypto_key_from_pem, (struct str){(const char *)data, size});
    return 0;
}
