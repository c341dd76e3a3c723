// Error kinds, their texts and their errno values: one table each.
#include "guest_runtime/io/error.hpp"

#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/os/os.hpp"

namespace astra::io {

const char* description(ErrorKind kind) {
    static constexpr const char* kTexts[] = {
#define ASTRA_ERROR_KIND_TEXT(name, text) text,
        ASTRA_ERROR_KIND_TABLE(ASTRA_ERROR_KIND_TEXT)
#undef ASTRA_ERROR_KIND_TEXT
    };
    return kTexts[static_cast<usize>(kind)];
}

const char* name(ErrorKind kind) {
    static constexpr const char* kNames[] = {
#define ASTRA_ERROR_KIND_NAME(name, text) #name,
        ASTRA_ERROR_KIND_TABLE(ASTRA_ERROR_KIND_NAME)
#undef ASTRA_ERROR_KIND_NAME
    };
    return kNames[static_cast<usize>(kind)];
}

ErrorKind decode_error_kind(int number) {
    using enum Errno;
    struct Row {
        Errno number;
        ErrorKind kind;
    };
    static constexpr Row kRows[] = {
        {kE2BIG, ErrorKind::ArgumentListTooLong},
        {kEADDRINUSE, ErrorKind::AddrInUse},
        {kEADDRNOTAVAIL, ErrorKind::AddrNotAvailable},
        {kEBUSY, ErrorKind::ResourceBusy},
        {kECONNABORTED, ErrorKind::ConnectionAborted},
        {kECONNREFUSED, ErrorKind::ConnectionRefused},
        {kECONNRESET, ErrorKind::ConnectionReset},
        {kEDEADLOCK, ErrorKind::Deadlock},
        {kEDQUOT, ErrorKind::QuotaExceeded},
        {kEEXIST, ErrorKind::AlreadyExists},
        {kEFBIG, ErrorKind::FileTooLarge},
        {kEHOSTUNREACH, ErrorKind::HostUnreachable},
        {kEINTR, ErrorKind::Interrupted},
        {kEINVAL, ErrorKind::InvalidInput},
        {kEISDIR, ErrorKind::IsADirectory},
        {kELOOP, ErrorKind::FilesystemLoop},
        {kENOENT, ErrorKind::NotFound},
        {kENOMEM, ErrorKind::OutOfMemory},
        {kENOSPC, ErrorKind::StorageFull},
        {kENOSYS, ErrorKind::Unsupported},
        {kENOTSUP, ErrorKind::Unsupported},
        {kEMLINK, ErrorKind::TooManyLinks},
        {kENAMETOOLONG, ErrorKind::InvalidFilename},
        {kENETDOWN, ErrorKind::NetworkDown},
        {kENETUNREACH, ErrorKind::NetworkUnreachable},
        {kENOTCONN, ErrorKind::NotConnected},
        {kENOTDIR, ErrorKind::NotADirectory},
        {kENOTEMPTY, ErrorKind::DirectoryNotEmpty},
        {kEPIPE, ErrorKind::BrokenPipe},
        {kEROFS, ErrorKind::ReadOnlyFilesystem},
        {kESPIPE, ErrorKind::NotSeekable},
        {kESTALE, ErrorKind::StaleNetworkFileHandle},
        {kETIMEDOUT, ErrorKind::TimedOut},
        {kETXTBSY, ErrorKind::ExecutableFileBusy},
        {kEXDEV, ErrorKind::CrossesDevices},
        {kEINPROGRESS, ErrorKind::InProgress},
        {kEACCES, ErrorKind::PermissionDenied},
        {kEPERM, ErrorKind::PermissionDenied},
        {kEAGAIN, ErrorKind::WouldBlock},
    };
    for (const Row& row : kRows)
        if (static_cast<int>(row.number) == number) return row.kind;
    return ErrorKind::Uncategorized;
}

Error Error::last_os_error() { return from_raw_os_error(os::last_errno()); }

std::string_view Error::message() const {
    if (message_) return message_;
    return os::error_string(number_);
}

void display(fmt::Formatter& out, const Error& error) {
    out.write(error.message());
    if (auto number = error.raw_os_error()) out.print(" (os error {})", *number);
}

void display(fmt::Formatter& out, ErrorKind kind) { out.write(description(kind)); }

}  // namespace astra::io
