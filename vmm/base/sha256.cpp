// SHA-256 through libcrypto's EVP interface (EVP_DigestInit(3ssl)).
#include "vmm/base/sha256.hpp"

namespace astra::vmm {

Sha256::Sha256()
    : context_(EVP_MD_CTX_new()),
      good_(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1) {}

void Sha256::update(std::span<const u8> bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

Result<std::string> Sha256::finish() {
    u8 digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!good_ || EVP_DigestFinal_ex(context_.get(), digest, &length) != 1)
        return fail(Code::Internal, "libcrypto could not compute a SHA-256 digest");
    std::string hex;
    for (unsigned i = 0; i < length; i++) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

}  // namespace astra::vmm
