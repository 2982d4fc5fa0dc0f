// The way in. The table of commands is in commands.cpp; what each does is in a file of its own:
// flags in, plain const options, calls, exit code.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/help.h"

namespace tacho {

namespace {

bool asks_for_help(const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments) {
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-h") return true;
  }
  return false;
}

void print_text(const std::string& text) { std::fputs(text.c_str(), stdout); }

/// Started with a standard stream closed, the first file opened would take its number, and what is
/// printed would land in the journal.
void keep_standard_streams() {
  int descriptor = 0;
  do {
    descriptor = ::open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor >= 0) ::close(descriptor);
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    print_text(overview_text());
    return arguments.empty() ? 2 : 0;
  }
  const std::string name =
      arguments[0] == "--version" || arguments[0] == "-V" ? "version" : arguments[0];
  // A command of two words, such as "sim fit", goes before that of the first alone.
  for (const std::size_t words : {2u, 1u}) {
    const std::string typed = words == 1             ? name
                              : arguments.size() > 1 ? name + " " + arguments[1]
                                                     : "";
    const auto command = std::find_if(commands().begin(), commands().end(),
                                      [&](const Command& one) { return one.name == typed; });
    if (command == commands().end()) continue;
    const std::vector<std::string> rest(arguments.begin() + words, arguments.end());
    if (!asks_for_help(rest)) return command->run(rest);
    print_text(help_text(*command));
    return 0;
  }
  std::string names;
  for (const Command& command : commands()) {
    if (!command.is_part()) names += format(" {}", command.name);
  }
  return fail(input_error(format("unknown command '{}'; there are{}", name, names)));
}

}  // namespace
}  // namespace tacho

int main(int argc, char** argv) {
  tacho::keep_standard_streams();
  return tacho::run({argv + 1, argv + argc});
}
