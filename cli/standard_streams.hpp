// What every program of the command line does first.
#pragma once

namespace astra::cli {

/// Opens those of descriptors 0 to 2 that are closed: a file opened later must not become our stdout.
void open_standard_streams();

}  // namespace astra::cli
