// Fewer faults on fresh memory.
#pragma once

#include <cstddef>

namespace pyface {

// Asks the system to back memory that is about to be filled from end to end by pages of 2 MiB: the first write to each
// page is a fault, 512 times as many with those of 4 KiB. Whole pages inside alone can be large, so it costs no memory.
void prefer_large_pages(void* begin, std::size_t bytes);

}  // namespace pyface
