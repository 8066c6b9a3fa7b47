// Whether a faster way is taken: where it pays; wherever it can be (for tests); nowhere (to measure what it saves).
#pragma once

namespace pyface::distance {

enum class Use { where_they_pay, always, never };

}  // namespace pyface::distance
