#include "cli/sim_validate.h"

#include <cstdio>

#include "base/text.h"
#include "cli/progress_display.h"
#include "sim/validate.h"

namespace tacho {
namespace {

FlagTable validate_flags(ValidateFlags& f) {
  FlagTable t;
  t.gather({"--gpu"}, "FILE.json", f.gpus, "A profile that takes the place of that of its id.");
  t.gather({"--model"}, "FILE.json", f.models, "The same for a model.");
  t.gather({"--engine"}, "FILE.json", f.engines, "The same for an engine.");
  t.integer({"--requests-per-slot"}, "N", f.requests_per_slot,
            "Requests simulated for each of a point's concurrent ones. [default: 10]", 1, 1000);
  t.toggle({"--json"}, f.as_json, "Families and points as JSON.");
  return t;
}

template <class Profile>
Status read_own(const std::vector<std::string>& files, std::vector<Profile>& profiles,
                Result<Profile> (*find)(std::string_view)) {
  for (const auto& file : files) {
    auto profile = find(file);
    if (!profile) return profile.error();
    profiles.push_back(std::move(*profile));
  }
  return Nothing{};
}

}  // namespace

int run_sim_validate(const std::vector<std::string>& arguments) {
  ValidateFlags flags;
  auto others = validate_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  if (others->size() != 1)
    return fail(input_error("say 'tacho sim validate FILE.csv' (docs/validation.md)"));
  OwnProfiles own;
  if (auto s = read_own(flags.gpus, own.gpus, find_gpu); !s) return fail(s.error());
  if (auto s = read_own(flags.models, own.models, find_model); !s) return fail(s.error());
  if (auto s = read_own(flags.engines, own.engines, find_engine); !s) return fail(s.error());
  const auto points = read_points(others->front(), own);
  if (!points) return fail(points.error());
  StepProgress progress("simulating", true);
  const Validation validation = validate(*points, flags.requests_per_slot, [&](std::size_t done) {
    progress.show(done, points->size());
  });
  const std::string text = flags.as_json ? dump_json(validation_json(validation), 1) + "\n"
                                         : validation_table(validation);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace tacho
