// SHA-256 (FIPS 180-4): what images are named by.
#pragma once
#include <openssl/evp.h>

#include <memory>
#include <span>
#include <string>

#include "vmm/base/error.hpp"

namespace astra::vmm {

/// A running digest. libcrypto does the work, so it uses the CPU's SHA extensions where there are some.
class Sha256 {
  public:
    Sha256();
    /// Adds `bytes` to the digest.
    void update(std::span<const u8> bytes);
    /// Ends the digest: 64 lower-case hexadecimal digits. Call it once, last.
    /// Errors: Internal when libcrypto failed at any step (it has no memory, or no SHA-256).
    [[nodiscard]] Result<std::string> finish();

  private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
    bool good_;
};

}  // namespace astra::vmm
