// The host's streams.
#include "guest_kernel/drivers/streams.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/sched/thread.hpp"

namespace astra {

using namespace abi::control;
using virtio::ConsolePort;

Result<Ref<fs::File>> make_stream_file(u64 tag, u32 stream, Ref<HostInput> input) {
    Ref<fs::File> file = TRY(make_ref<StreamFile>(tag, stream, std::move(input)));
    return file;
}

}  // namespace astra
