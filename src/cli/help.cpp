// What the flag tables are rendered as: help texts, the man page and shell completions. All from
// the same rows, so none of them can fall behind.
#include "cli/help.h"

#include <algorithm>

#include "base/text.h"

namespace tacho {
namespace {

constexpr std::size_t help_column = 34;
constexpr std::size_t help_width = 100;

/// Breaks text into lines of the width; each after the first begins at the indent.
std::string wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  for (const auto word : split(text, ' ')) {
    if (column > indent && column + 1 + display_width(word) > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += display_width(word);
  }
  return out;
}

std::string aliases_text(const Flag& flag) {
  if (flag.names.size() < 2) return "";
  return format(" [also {}]", join({flag.names.begin() + 1, flag.names.end()}, ", "));
}

std::string row_text(const Flag& flag) {
  std::string left = "  " + flag.names.front();
  if (!flag.value.empty()) left += " " + flag.value;
  const std::size_t width = display_width(left);
  left += width + 2 <= help_column ? std::string(help_column - width, ' ')
                                   : "\n" + std::string(help_column, ' ');
  return left + wrap(flag.help + aliases_text(flag), help_column, help_width) + "\n";
}

std::vector<std::string> groups_of(const FlagTable& table) {
  std::vector<std::string> groups;
  for (const Flag& flag : table.rows()) {
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) {
      groups.push_back(flag.group);
    }
  }
  return groups;
}

/// Escapes what roff would read as its own.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// The second word of a part's name.
std::string_view part_word(const Command& part) {
  return part.name.substr(part.name.find(' ') + 1);
}

/// The options of a command, and the words and options of its parts.
std::string option_words(const Command& command) {
  std::vector<std::string> words;
  const auto add = [&](const Command& one) {
    const FlagTable table = one.flags();
    for (const Flag& flag : table.rows())
      words.insert(words.end(), flag.names.begin(), flag.names.end());
  };
  add(command);
  for (const Command& part : commands()) {
    if (!command.has_part(part)) continue;
    words.emplace_back(part_word(part));
    add(part);
  }
  return join(words, " ");
}

/// The commands that are no part of another one.
std::vector<Command> whole_commands() {
  std::vector<Command> all;
  for (const Command& command : commands()) {
    if (!command.is_part()) all.push_back(command);
  }
  return all;
}

std::string command_words() {
  std::vector<std::string> words;
  for (const Command& command : whole_commands()) words.emplace_back(command.name);
  return join(words, " ");
}

std::string bash_completion() {
  std::string out = format(
      "# bash completion for tacho, made from its own flag tables\n_tacho() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} words\n  case ${{COMP_WORDS[1]}} in\n");
  for (const Command& command : whole_commands()) {
    out += format("    {}) words=\"{}\" ;;\n", command.name, option_words(command));
  }
  out += format(
      "    *) words=\"{} --help --version\" ;;\n  esac\n"
      "  [ \"$COMP_CWORD\" -eq 1 ] && words=\"{} --help --version\"\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\"; [[ $current != -* ]] && "
      "compgen -f -- \"$current\")\n"
      "}}\ncomplete -o filenames -F _tacho tacho\n",
      command_words(), command_words());
  return out;
}

std::string zsh_completion() {
  std::string out =
      "#compdef tacho\n# Made from tacho's own flag tables.\n_tacho() {\n  if (( CURRENT == 2 )); "
      "then\n";
  out += format("    compadd -- {} --help --version\n    return\n  fi\n  case $words[2] in\n",
                command_words());
  for (const Command& command : whole_commands()) {
    out += format("    {}) compadd -- {}; _files ;;\n", command.name, option_words(command));
  }
  return out + "  esac\n}\n_tacho \"$@\"\n";
}

std::string fish_completion() {
  std::string out = "# Made from tacho's own flag tables.\n";
  const auto quoted = [](std::string text) {
    std::replace(text.begin(), text.end(), '\'', '"');
    return "'" + text + "'";
  };
  for (const Command& command : commands()) {
    const std::string_view parent = command.name.substr(0, command.name.find(' '));
    const std::string when = command.is_part() ? format("'__fish_seen_subcommand_from {}'", parent)
                                               : "__fish_use_subcommand";
    const std::string_view word = command.is_part() ? part_word(command) : command.name;
    out += format("complete -c tacho -n {} -a {} -d {}\n", when, word,
                  quoted(std::string(command.summary)));
    const FlagTable table = command.flags();
    for (const Flag& flag : table.rows()) {
      for (const auto& name : flag.names) {
        if (!name.starts_with("--")) continue;
        out += format("complete -c tacho -n '__fish_seen_subcommand_from {}' -l {}{} -d {}\n", word,
                      name.substr(2), flag.value.empty() ? "" : " -r",
                      quoted(std::string(cut_utf8(flag.help, 70))));
      }
    }
  }
  return out;
}

}  // namespace

std::string help_text(const Command& command) {
  std::string out = format("tacho {} – {}\n\nUsage: tacho {} {}\n", command.name, command.summary,
                           command.name, command.usage);
  if (!command.examples.empty()) out += format("\nExamples:\n{}", command.examples);
  const FlagTable table = command.flags();
  for (const std::string& group : groups_of(table)) {
    out += "\n" + group + ":\n";
    for (const Flag& flag : table.rows()) {
      if (flag.group == group) out += row_text(flag);
    }
  }
  return out;
}

std::string overview_text() {
  std::string out =
      "tacho – the tachometer for LLM inference engines\n\nUsage: tacho COMMAND "
      "[OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands())
    out += format("  {:<13} {}\n", command.name, command.summary);
  out +=
      "\nFirst steps:\n"
      "  tacho bench --sim h800/llama-3-8b --concurrency 1,8,32        against the built-in "
      "engine\n"
      "  tacho bench --url http://127.0.0.1:8000 --request-rate 2,8    against your server\n"
      "\n'tacho COMMAND --help' lists a command's options. "
      "Exit codes: 0 fine, 1 a gate or every request failed,\n"
      "2 wrong input, 3 invalid run under --strict, 4 the world failed, 130 interrupted.\n";
  return out;
}

std::string man_page() {
  std::string out = format(
      ".TH TACHO 1 \"\" \"tacho {}\" \"User Commands\"\n.SH NAME\ntacho \\- the tachometer for LLM "
      "inference engines\n"
      ".SH SYNOPSIS\n.B tacho\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
      "tacho puts load on a server of a large language model, measures when each token arrives "
      "with the\n"
      "kernel's own time stamps, and says what the server can do and how sure the figures are.\n",
      TACHO_VERSION);
  for (const Command& command : commands()) {
    std::string title(command.name);
    std::transform(title.begin(), title.end(), title.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    out += format(".SH TACHO {}\n{}.\n.PP\n.B tacho {}\n{}\n", title, roff(command.summary),
                  command.name, roff(command.usage));
    const FlagTable table = command.flags();
    for (const Flag& flag : table.rows()) {
      out += ".TP\n.B " + roff(join(flag.names, ", "));
      if (!flag.value.empty()) out += " \\fI" + roff(flag.value) + "\\fR";
      out += "\n" + roff(flag.help) + "\n";
    }
  }
  return out +
         ".SH EXIT STATUS\n0 fine; 1 a gate failed or all requests failed; 2 what was typed or "
         "handed in is wrong; "
         "3 invalid run under \\-\\-strict; 4 the world is (connection, TLS, permission, disk); "
         "130 interrupted.\n";
}

Result<std::string> completion(std::string_view shell) {
  if (shell == "bash") return bash_completion();
  if (shell == "zsh") return zsh_completion();
  if (shell == "fish") return fish_completion();
  return input_error(format("no completion for '{}'; there are bash, zsh, fish", shell));
}

}  // namespace tacho
