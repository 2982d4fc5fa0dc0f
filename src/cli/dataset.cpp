// `tacho dataset`: what a file of prompts holds, and new ones with lengths of a wanted law.
#include "workload/dataset.h"

#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress_display.h"
#include "stats/distribution.h"
#include "workload/generate.h"
#include "workload/token_counts.h"

namespace tacho {
namespace {

/// Options of `tacho dataset`, as typed. Names of the generator's are the Ascend suite's.
struct DatasetFlags {
  std::string dataset, type, tokenizer, from;
  std::uint32_t min_input = 1, max_input = 0, min_output = 1, max_output = 0, requests = 1000,
                seed = 0, show = 0;
  double avg_input = 0, std_input = 0, avg_output = 0, std_output = 0;
};

FlagTable dataset_flags(DatasetFlags& f) {
  FlagTable t;
  t.group("Generating: tacho dataset generate");
  t.text({"--dataset", "--out"}, "FILE", f.dataset, "The file to write.");
  t.integer({"--min-input"}, "N", f.min_input, "Fewest tokens of a prompt. [default: 1]", 1);
  t.integer({"--max-input"}, "N", f.max_input, "Most tokens of a prompt.", 1);
  t.number({"--avg-input"}, "N", f.avg_input, "Mean tokens of a prompt.");
  t.number({"--std-input"}, "N", f.std_input, "Their standard deviation.");
  t.integer({"--min-output"}, "N", f.min_output, "Fewest tokens of an answer. [default: 1]", 1);
  t.integer({"--max-output"}, "N", f.max_output, "Most tokens of an answer.", 1);
  t.number({"--avg-output"}, "N", f.avg_output, "Mean tokens of an answer.");
  t.number({"--std-output"}, "N", f.std_output, "Their standard deviation.");
  t.integer({"--num-requests", "--num-prompts"}, "N", f.requests,
            "How many prompts. [default: 1000]", 1);
  t.text({"--from"}, "FILE", f.from,
         "The text to cut prompts from. [default: the built-in conversations]");
  t.group("Looking: tacho dataset show FILE");
  t.integer({"--show", "-n"}, "N", f.show, "Print so many prompts, drawn at random.");
  t.group("Both");
  t.text({"--dataset-type", "--type"}, "TYPE", f.type,
         "sharegpt, alpaca, jsonl or custom. [default: by looking]");
  t.text({"--tokenizer"}, "PATH", f.tokenizer,
         "A tokenizer.json or its folder. [default: the built-in one]");
  t.integer({"--seed"}, "N", f.seed, "Seed. [default: 0]");
  return t;
}

Result<Dataset> read_dataset(const std::string& path, const std::string& type) {
  if (path.empty() || path == "built-in") return builtin_dataset();
  return load_dataset(path, type);
}

void print_lengths(const char* title, std::vector<double> lengths) {
  const Distribution d = summarize(std::move(lengths));
  if (d.empty()) return;
  std::printf("  %-14s mean %7.1f   p50 %6.0f   p90 %6.0f   p99 %6.0f   max %6.0f\n", title, d.mean,
              d.percentile(50), d.percentile(90), d.percentile(99), d.max);
}

void print_samples(const Dataset& dataset, const DatasetFlags& f) {
  Random random(Seed{f.seed}, "samples");
  for (std::uint32_t i = 0; i < f.show; ++i) {
    const std::size_t at = random.below(dataset.prompts.size());
    std::printf("\n--- %s (%u tokens in, %u out)\n%s\n", dataset.prompts[at].origin.c_str(),
                dataset.prompts[at].input_tokens, dataset.prompts[at].output_tokens,
                prompt_text(dataset.prompts[at]).c_str());
    if (at < dataset.replies.size() && !dataset.replies[at].empty()) {
      std::printf("  >> %s\n", dataset.replies[at].c_str());
    }
  }
}

int show(const DatasetFlags& f, const std::string& path, const Tokenizer& tokenizer) {
  auto dataset = read_dataset(path, f.type);
  if (!dataset) return fail(dataset.error());
  StepProgress progress("counting tokens", true);
  auto counted = count_tokens(*dataset, tokenizer, path == "built-in" ? "" : path,
                              [&](std::size_t done, std::size_t all) { progress.show(done, all); });
  if (!counted) return fail(counted.error());
  std::printf("%s: %zu prompts", dataset->name.c_str(), dataset->prompts.size());
  if (dataset->skipped > 0)
    std::printf(", %zu left out (%s)", dataset->skipped, dataset->skipped_why.c_str());
  std::printf("; tokens by the %s tokenizer\n", tokenizer.name().c_str());
  std::vector<double> in, out;
  for (const Prompt& prompt : dataset->prompts) {
    in.push_back(prompt.input_tokens);
    if (prompt.output_tokens > 0) out.push_back(prompt.output_tokens);
  }
  print_lengths("input tokens", std::move(in));
  print_lengths("output tokens", std::move(out));
  if (!dataset->prompts.empty()) print_samples(*dataset, f);
  return 0;
}

int generate(const DatasetFlags& f, const Tokenizer& tokenizer) {
  if (f.dataset.empty())
    return fail(input_error("tacho dataset generate needs --dataset FILE to write"));
  if (f.max_input == 0 || f.max_output == 0 || f.avg_input == 0 || f.avg_output == 0) {
    return fail(input_error(
        "tacho dataset generate needs --max-input, --avg-input, --max-output and --avg-output"));
  }
  auto corpus = read_dataset(f.from, f.type);
  if (!corpus) return fail(corpus.error());
  StepProgress progress("making prompts", true);
  GenerateOptions options;
  options.input = {f.min_input, f.max_input, f.avg_input, f.std_input};
  options.output = {f.min_output, f.max_output, f.avg_output, f.std_output};
  options.count = f.requests;
  options.seed = Seed{f.seed};
  options.progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
  auto prompts = generate_prompts(*corpus, tokenizer, options);
  if (!prompts) return fail(prompts.error());
  if (auto status = write_prompts(f.dataset, *prompts); !status) return fail(status.error());
  std::printf("wrote %zu prompts to %s\n", prompts->size(), f.dataset.c_str());
  return 0;
}

int run_dataset(const std::vector<std::string>& arguments) {
  DatasetFlags flags;
  auto others = dataset_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  auto choice = choose_tokenizer(flags.tokenizer);
  if (!choice) return fail(choice.error());
  if (!choice->note.empty()) std::fprintf(stderr, "note: %s\n", choice->note.c_str());
  if (others->size() == 1 && others->front() == "generate")
    return generate(flags, choice->tokenizer);
  if (others->size() == 2 && others->front() == "show")
    return show(flags, (*others)[1], choice->tokenizer);
  return fail(
      input_error("say 'tacho dataset show FILE' (or built-in) or 'tacho dataset generate "
                  "--dataset FILE ...'"));
}

}  // namespace

Command dataset_command() {
  return {"dataset",
          "looks into files of prompts, and makes new ones of wanted lengths",
          "show FILE | generate [OPTIONS]",
          "  tacho dataset show built-in -n 3\n"
          "  tacho dataset generate --dataset custom.json --min-input 100 --max-input 3600 "
          "--avg-input 1800 --std-input 500 \\\n"
          "      --min-output 40 --max-output 256 --avg-output 160 --std-output 30 --num-requests "
          "1000\n",
          [] {
            static DatasetFlags flags;
            return dataset_flags(flags);
          },
          run_dataset};
}

}  // namespace tacho
