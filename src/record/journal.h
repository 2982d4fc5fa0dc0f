// The journal: one line of JSON per finished exchange, appended the moment it ends, so that neither
// a kill nor a full disk loses what had finished. All times are nanoseconds on the run's monotonic
// clock.
//
// The format is a contract: docs/run-directory.md describes it for other programs. A reader ignores
// keys that it does not know; `journal_schema` in run.json grows when the meaning of a key changes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/record.h"

namespace tacho {

/// Version of the journal's format, kept in run.json.
inline constexpr int journal_schema = 1;

/// Appends the record as one line, with its line end.
void append_journal_line(std::string& out, const Record& record);

/// What could be read of a journal.
struct Journal {
  std::vector<Record> records;  ///< In the order of their ids.
  std::size_t torn_lines = 0;   ///< Lines cut short, by a kill or a full disk; they are left out.
};

/// Reads a journal record by record, in the order in which they ended; yields the number of torn
/// lines.
Result<std::size_t> read_journal(const std::string& path,
                                 const std::function<void(Record&& record)>& take);

/// Reads a journal. A last line without its end was being written when the run was killed: counted,
/// not an error.
Result<Journal> read_journal(const std::string& path);

}  // namespace tacho
