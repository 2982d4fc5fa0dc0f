// The journal's reader: lines that are no records are counted, and what it has read of the others
// can be written and read again without a change.
#include "record/journal.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "fuzz.h"

namespace tacho::fuzz {
namespace {

/// A file in memory, with a path.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("journal", 0)) {
    expect(descriptor_ >= 0, "no file in memory");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& holding(std::string_view bytes) {
    const bool is_written =
        ::ftruncate(descriptor_, 0) == 0 &&
        ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    expect(is_written, "the file in memory is not written");
    return path_;
  }

 private:
  int descriptor_;
  std::string path_ = format("/proc/self/fd/{}", descriptor_);
};

Journal read(std::string_view bytes) {
  static MemoryFile file;
  auto journal = read_journal(file.holding(bytes));
  expect(journal.ok(), "a journal that can be opened is refused");
  return std::move(journal).value();
}

std::string write(const Journal& journal) {
  std::string lines;
  for (const Record& record : journal.records) append_journal_line(lines, record);
  return lines;
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho;
  using namespace tacho::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Journal first = read(bytes);
  const auto ends = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  const std::size_t lines = ends + (bytes.empty() || bytes.back() == '\n' ? 0 : 1);
  expect(first.records.size() + first.torn_lines == lines, "a line is neither record nor torn");

  const std::string written = write(first);
  const Journal second = read(written);
  expect(second.torn_lines == 0, "a line of ours is torn");
  expect_same(write(second), written, "written, read and written again, it has changed");

  // Cut off by a kill: the last line is lost and counted, the others are as they were.
  if (!written.empty()) {
    const Journal killed = read(std::string_view(written).substr(0, written.size() - 1));
    expect(killed.torn_lines == 1, "a line without its end is not counted");
    expect(killed.records.size() + 1 == second.records.size(), "a kill has cost more than a line");
  }
  return 0;
}
