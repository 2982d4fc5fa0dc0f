// Finding a profile by its name or in a file, and what to say when it is not there.
#pragma once

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "sim/profile.h"

namespace tacho {

/// The error for a name that is not among `ids`: the nearest of them, and how to write one's own.
Error unknown_profile(std::string_view id, std::string_view kind,
                      const std::vector<std::string>& ids);

/// The profile of that kind in a file: the file itself, or its part of that name. What it leaves
/// out is taken from the profile that it names as its `base`.
Result<Json> read_profile_file(const std::string& path, std::string_view kind);
/// One of the profiles that are part of the binary, as JSON; null when there is none of that id.
Json embedded_profile(std::string_view kind, std::string_view id);

/// Finds a profile; see find_gpu().
template <class Profile>
Result<Profile> find_profile(const std::vector<Profile>& all, std::string_view id,
                             std::string_view kind,
                             Result<Profile> (*read)(const Json&, std::string_view)) {
  if (id.ends_with(".json")) {
    const auto json = read_profile_file(std::string(id), kind);
    if (!json) return json.error();
    return read(*json, id);
  }
  std::vector<std::string> ids;
  for (const Profile& profile : all) {
    if (equal_ignoring_case(profile.id, id)) return profile;
    for (const auto& alias : profile.aliases) {
      if (equal_ignoring_case(alias, id)) return profile;
    }
    ids.push_back(profile.id);
  }
  // Names of repositories, such as Qwen/Qwen3-8B, end in the model's.
  if (const auto slash = id.rfind('/'); slash != std::string_view::npos && kind == "model") {
    if (auto found = find_profile(all, id.substr(slash + 1), kind, read); found.ok()) return found;
  }
  return unknown_profile(id, kind, ids);
}

}  // namespace tacho
