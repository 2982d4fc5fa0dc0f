// The prompts of a run: read or shaped, counted, dealt to the cells so that no cell sends what
// another has sent for as long as the dataset lasts, and turned into the bytes of requests.
#pragma once

#include <memory>

#include "cli/bench_plan.h"
#include "cli/bench_target.h"
#include "load/cell_plan.h"
#include "workload/dataset.h"
#include "workload/shape.h"
#include "workload/tokenizer.h"

namespace tacho {

/// Draws the prompts of one cell after the other.
class PromptDealer {
 public:
  /// Loads the dataset and counts its tokens, with progress if it takes a while. Fails on a broken
  /// dataset.
  static Result<std::unique_ptr<PromptDealer>> create(const BenchPlan& plan,
                                                      const Tokenizer& tokenizer, Seed seed,
                                                      bool shows_progress);

  /// The prompts of the cell: warm-up first, then the measured ones.
  Result<std::vector<Prompt>> deal(const PlannedCell& cell);
  /// What the user should know: entries left out, prompts that begin again.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Name and hash of the dataset, for the manifest.
  Json description() const;

 private:
  PromptDealer(const BenchPlan& plan, const Tokenizer& tokenizer, Seed seed, bool shows_progress);
  Status load();
  void leave_out_long_ones();
  void shuffle();
  Prompt next_of_dataset();
  Result<std::vector<Prompt>> deal_shaped(const Cell& cell, std::size_t count);
  Result<std::vector<Prompt>> deal_batches(std::size_t count);
  Result<std::vector<Prompt>> deal_trace(const PlannedCell& planned);
  Result<std::vector<Prompt>> shape(const std::vector<PromptLengths>& lengths, std::uint32_t cell,
                                    const std::string& what);

  const BenchPlan& plan_;
  const Tokenizer& tokenizer_;
  Seed seed_;
  bool shows_progress_;
  Dataset dataset_;
  std::vector<std::uint32_t> order_;
  std::size_t next_ = 0;
  std::unique_ptr<PromptShaper> shaper_;
  std::vector<std::string> notes_;
};

/// What every request of a run has in common.
struct RequestStyle {
  const Protocol* protocol = nullptr;
  const CheckedTarget* target = nullptr;
  bool streams = true;
  Json extra = Json::object();
};

/// The ask for a prompt, in no dialect yet.
Ask make_ask(const Prompt& prompt, const RequestStyle& style, bool ignores_eos);

/// The cell's plan: requests as bytes, with their due times.
CellPlan make_cell_plan(const PlannedCell& planned, const std::vector<Prompt>& prompts,
                        const RequestStyle& style, Seed seed, std::uint64_t first_id);

/// Share of the measured prompts' characters that a perfect prefix cache would find: those that an
/// earlier prompt of the cell began with too.
double repeated_share(const std::vector<Prompt>& prompts, const CellPlan& plan);

}  // namespace tacho
