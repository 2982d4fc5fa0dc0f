// The tap's filter program, as instructions: sixty of them, so that neither clang nor libbpf is
// needed to build or to run. See tap_program.cpp for its source in words.
#pragma once

#include <linux/bpf.h>

#include <vector>

namespace tacho {

/// The program, writing to the ring and counting in the array map whose descriptors are given.
std::vector<bpf_insn> tap_program(int ring, int lost_map);

}  // namespace tacho
