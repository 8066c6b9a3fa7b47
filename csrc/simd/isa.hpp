// Which instruction sets were compiled, which this CPU has, which one is in use.
//
// The choice is made once, when the library is loaded: the best supported set, or the one that the environment variable
// PYFACE_ISA names. A name that is unknown or that this CPU lacks must not end the import of a whole program, and must
// not be overlooked either: everything that needs a kernel throws until set_active() names another.
#pragma once

#include <string>
#include <vector>

#include "simd/kernels.hpp"

namespace pyface::simd {

std::vector<std::string> compiled();   // from "portable" up
std::vector<std::string> supported();  // those of compiled() that this CPU and operating system run

// The table in use. Throws std::runtime_error if PYFACE_ISA was wrong.
const Kernels& kernels();

// Uses the named table from now on and returns the name of the one before. Throws std::invalid_argument.
// A kernel that is running may take its next tile from the new table: all give the same bits.
std::string set_active(const std::string& name);

}  // namespace pyface::simd
